"""Ops that make, inspect and rearrange arrays."""

from millstream.ops.array.broadcasting import tile
from millstream.ops.array.filling import fill, ones, ones_like, zeros, zeros_like
from millstream.ops.array.gathering import boolean_mask, gather, gather_nd
from millstream.ops.array.identities import identity, stop_gradient
from millstream.ops.array.indicators import one_hot
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.ordering import transpose
from millstream.ops.array.placeholders import placeholder, placeholder_with_default
from millstream.ops.array.reshaping import expand_dims, reshape, squeeze
from millstream.ops.array.shapes import rank, shape, size
from millstream.ops.array.slicing import slice_helper, strided_slice
from millstream.ops.array.splitting import split, unstack

__all__ = [
    *("boolean_mask", "concat", "expand_dims", "fill", "gather", "gather_nd", "identity"),
    *("one_hot", "ones", "ones_like", "placeholder", "placeholder_with_default", "rank"),
    *("reshape", "shape", "size", "slice_helper", "split", "squeeze", "stack", "stop_gradient"),
    *("strided_slice", "tile", "transpose", "unstack", "zeros", "zeros_like"),
]
