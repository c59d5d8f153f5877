"""`SparseTensorDenseAdd`: a dense tensor plus elements at given places."""

import numpy as np

from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.ir.spec import Int32, Int64, Number, Tensor, f, op
from millstream.ops.array.gathering import gather_nd


@op
def SparseTensorDenseAdd[T: Number, Tindices: (Int32, Int64)](
    a_indices: Tensor[Tindices], a_values: Tensor[T], a_shape: Tensor[Tindices], b: Tensor[T]
) -> Tensor[T]:
    """Adds `a_values` to the elements of `b` at `a_indices`; places may repeat."""


@SparseTensorDenseAdd.shape
def _(a_indices, a_values, a_shape, b):
    a_indices.with_rank(2), a_values.with_rank(1), a_shape.with_rank(1)
    return b


def _out_of_bounds(shape):
    return f"Sparse tensor has an index out of bounds for the shape {list(shape)}"


def _unequal(a_shape, shape):
    return (
        "Shapes do not agree (no broadcasting is supported): "
        f"sparse side {np.asarray(a_shape).tolist()} vs dense side {list(shape)}"
    )


@SparseTensorDenseAdd.kernel
def _(a_indices, a_values, a_shape, b, check):
    sizes = np.array(b.shape, np.int64)
    check(jnp.all(a_shape == sizes), lambda found: _unequal(found, b.shape), a_shape)
    inside = (a_indices >= 0) & (a_indices < sizes)
    check(jnp.all(inside), lambda: _out_of_bounds(b.shape))
    if not b.ndim:
        return b + a_values.sum(dtype=b.dtype)
    return b.at[tuple(a_indices.T)].add(a_values)


@SparseTensorDenseAdd.reference
def _(a_indices, a_values, a_shape, b):
    if a_shape.tolist() != list(b.shape):
        raise InvalidArgumentError(None, None, _unequal(a_shape, b.shape))
    if np.any((a_indices < 0) | (a_indices >= a_shape)):
        raise InvalidArgumentError(None, None, _out_of_bounds(b.shape))
    if not b.ndim:
        return b + a_values.sum(dtype=b.dtype)
    out = np.array(b)
    np.add.at(out, tuple(a_indices.T), a_values)
    return out


@SparseTensorDenseAdd.gradient
def _(node, dy):
    return [None, gather_nd(dy, node.inputs[0]), None, dy]


_PLACES = np.array([[0, 1], [2, 0], [0, 1]], np.int32)
SparseTensorDenseAdd.examples(_PLACES, f[3], np.array([3, 2], np.int32), f[3, 2])
SparseTensorDenseAdd.examples(np.zeros((2, 0), np.int64), f[2], np.zeros(0, np.int64), f[()])
SparseTensorDenseAdd.fails(
    "index out of bounds", _PLACES, f[3], np.array([2, 2], np.int32), f[2, 2]
)
SparseTensorDenseAdd.fails(
    "Shapes do not agree", _PLACES, f[3], np.array([3, 3], np.int32), f[3, 2]
)
