"""Sparse tensors without empty rows: SparseFillEmptyRows and its gradient."""

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Dynamic, Int64, Returns, Tensor, f, op
from millstream.ops.array.gathering import gather
from millstream.ops.by_name import ops
from millstream.ops.sparse.parts import as_sparse, check_arrays, check_shapes, invalid, parts_of


@op(effect=Dynamic())
def SparseFillEmptyRows[T](
    indices: Tensor[Int64], values: Tensor[T], dense_shape: Tensor[Int64], default_value: Tensor[T]
) -> Returns(
    output_indices=Tensor[Int64],
    output_values=Tensor[T],
    empty_row_indicator=Tensor[Bool],
    reverse_index_map=Tensor[Int64],
):
    """Puts `default_value` at the start of each row that has no element."""


@SparseFillEmptyRows.shape
def _(indices, values, dense_shape, default_value, dense_shape_as_shape):
    count, rank = check_shapes(indices, values, dense_shape)
    default_value.with_rank(0)
    rows = dense_shape_as_shape.as_list()[0] if dense_shape_as_shape.ndims else None
    return [None, rank], [None], [rows], [count]


@SparseFillEmptyRows.reference
def _(indices, values, dense_shape, default_value):
    check_arrays(indices, values, dense_shape)
    if not len(dense_shape):
        raise invalid("Dense shape cannot be empty: a scalar has no rows")
    rows = int(dense_shape[0])
    counts = np.bincount(indices[:, 0], minlength=rows)
    empty = counts == 0
    if not empty.any() and (np.diff(indices[:, 0]) >= 0).all():
        return indices, values, empty, np.arange(len(values))
    starts = np.concatenate([[0], np.cumsum(np.maximum(counts, 1))])
    order = np.argsort(indices[:, 0], kind="stable")
    before = np.concatenate([[0], np.cumsum(counts)])
    row_of = indices[order, 0]
    places = np.empty(len(values), np.int64)
    places[order] = starts[row_of] + np.arange(len(values)) - before[row_of]
    filled_indices = np.zeros((int(starts[-1]), indices.shape[1]), np.int64)
    filled_values = np.full(int(starts[-1]), default_value, values.dtype)
    filled_indices[places], filled_values[places] = indices, values
    filled_indices[starts[:-1][empty], 0] = np.flatnonzero(empty)
    return filled_indices, filled_values, empty, places


@SparseFillEmptyRows.gradient
def _(node, _d_indices, d_values, _d_empty, _d_map):
    d_input, d_default = SparseFillEmptyRowsGrad(node.outputs[3], d_values)
    return [None, d_input, None, d_default]


_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_SHAPE = np.array([4, 4], np.int64)
SparseFillEmptyRows.examples(_PLACES, f[3], _SHAPE, f[()])
SparseFillEmptyRows.examples(np.zeros((0, 2), np.int64), f[0], _SHAPE, f[()])
SparseFillEmptyRows.fails("out of bounds", _PLACES, f[3], np.array([2, 4], np.int64), f[()])


@op
def SparseFillEmptyRowsGrad[T](reverse_index_map: Tensor[Int64], grad_values: Tensor[T]) -> Returns(
    d_values=Tensor[T], d_default_value=Tensor[T]
):
    """Takes the cotangents of filled rows apart: those of the elements, and of the default."""


@SparseFillEmptyRowsGrad.shape
def _(reverse_index_map, grad_values):
    grad_values.with_rank(1)
    return reverse_index_map.with_rank(1), []


@SparseFillEmptyRowsGrad.kernel
def _(reverse_index_map, grad_values, check):
    count = grad_values.shape[0]
    inside = (reverse_index_map >= 0) & (reverse_index_map < count)
    check(jnp.all(inside), lambda: f"reverse_index_map is not in [0, {count})")
    taken = jnp.zeros(count, bool).at[reverse_index_map].set(True, mode="drop")
    rest = jnp.where(taken, jnp.zeros_like(grad_values), grad_values)
    return grad_values[reverse_index_map], rest.sum(dtype=grad_values.dtype)


@SparseFillEmptyRowsGrad.reference
def _(reverse_index_map, grad_values):
    count = len(grad_values)
    if ((reverse_index_map < 0) | (reverse_index_map >= count)).any():
        raise invalid(f"reverse_index_map is not in [0, {count})")
    rest = np.ones(count, bool)
    rest[reverse_index_map] = False
    return grad_values[reverse_index_map], grad_values[rest].sum(dtype=grad_values.dtype)


@SparseFillEmptyRowsGrad.gradient
def _(node, dd_values, dd_default):
    places, grad = node.inputs
    count = ops.Shape(grad)
    taken = ops.ScatterNd(ops.ExpandDims(places, 1), dd_values, ops.Cast(count, DstT=Int64))
    hit = ops.ScatterNd(
        ops.ExpandDims(places, 1), ops.OnesLike(gather(grad, places)), ops.Cast(count, DstT=Int64)
    )
    return [None, taken + (1 - hit) * dd_default]


SparseFillEmptyRowsGrad.examples(np.array([0, 1, 3], np.int64), f[5])
SparseFillEmptyRowsGrad.fails("is not in", np.array([0, 7], np.int64), f[5])


@export("sparse.fill_empty_rows", "sparse_fill_empty_rows")
def sparse_fill_empty_rows(sp_input, default_value, name=None):
    """Puts a default at the start of each row of a sparse tensor that has no element.

    Args:
      sp_input: a `SparseTensor` `[rows, …]`.
      default_value: a scalar of its type.
      name: name of the nodes.

    Returns:
      A tuple: the `SparseTensor` without empty rows, and booleans `[rows]` that tell which were.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.

    Gradient: flows to the values and to the default.
    """
    sp_input = as_sparse(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [sp_input]):
        default_value = convert_to_tensor(default_value, dtype=sp_input.values.dtype)
        indices, values, empty, _ = SparseFillEmptyRows(*parts_of(sp_input), default_value)
        return SparseTensor(indices, values, sp_input.dense_shape), empty
