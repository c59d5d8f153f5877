"""`UnravelIndex`: flat places as coordinates."""

import numpy as np

from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.shapes import unknown_shape
from millstream.ir.spec import Int32, Int64, Tensor, op

__all__ = ["unravel_index"]


@op(static="dims", defaults={"Tidx": Int32})
def UnravelIndex[Tidx: (Int32, Int64)](indices: Tensor[Tidx], dims: Tensor[Tidx]) -> Tensor[Tidx]:
    """Gives the coordinates of flat places in an array of sizes `dims`."""


@UnravelIndex.shape
def _(indices, dims):
    dims = dims.with_rank(1)
    if indices.ndims is None:
        return unknown_shape()
    count = dims.as_list()[0]
    return [count] if indices.ndims == 0 else [count, *indices.as_list()]


def _coordinates(indices, dims):
    """Is both rules. Places outside are wrapped around, as TensorFlow does."""
    if (np.asarray(dims) <= 0).any():
        raise InvalidArgumentError(None, None, f"Input dims cannot contain 0: {dims.tolist()}")
    column = (-1,) + (1,) * indices.ndim
    strides = np.append(np.cumprod(dims[:0:-1])[::-1], 1).astype(dims.dtype)
    return indices[None] // strides.reshape(column) % dims.reshape(column)


UnravelIndex.kernel(_coordinates)
UnravelIndex.reference(lambda indices, dims: _coordinates(np.asarray(indices), dims))
UnravelIndex.no_gradient("places are integers")
UnravelIndex.examples(np.array([2, 5, 7]), np.array([3, 3]))
UnravelIndex.examples(np.int32(5), np.array([2, 3], np.int32))
UnravelIndex.fails("cannot contain 0", np.array([2, 5]), np.array([3, 0]))


@export("unravel_index")
def unravel_index(indices, dims, name=None):
    """Turns flat places into coordinates.

    Args:
      indices: int32 or int64, a scalar or vector of places.
      dims: the array's sizes, of the same dtype.
      name: name of the node.

    Returns:
      `[len(dims)]` or `[len(dims), len(indices)]`.
    """
    return UnravelIndex(indices, dims, name=name)
