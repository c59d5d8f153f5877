"""Ops that make, inspect and rearrange arrays."""

from millstream.ops.array.filling import fill, ones, ones_like, zeros, zeros_like
from millstream.ops.array.identities import identity, stop_gradient
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.placeholders import placeholder, placeholder_with_default
from millstream.ops.array.reshaping import expand_dims, reshape, squeeze
from millstream.ops.array.shapes import rank, shape, size

__all__ = [
    *("concat", "expand_dims", "fill", "identity", "ones", "ones_like", "placeholder"),
    *("placeholder_with_default", "rank", "reshape", "shape", "size", "squeeze", "stack"),
    *("stop_gradient", "zeros", "zeros_like"),
]
