"""Sparse tensors in another shape or order: SparseReshape, SparseReorder."""

import numpy as np

from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Dynamic, Int64, Returns, Tensor, f, op
from millstream.ir.static_value import constant_value
from millstream.ops.array.gathering import gather
from millstream.ops.array.identities import identity
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.sparse.parts import (
    as_sparse,
    check_arrays,
    check_shapes,
    invalid,
    parts_of,
    row_major,
)


@op(effect=Dynamic())
def SparseReshape(
    input_indices: Tensor[Int64], input_shape: Tensor[Int64], new_shape: Tensor[Int64]
) -> Returns(output_indices=Tensor[Int64], output_shape=Tensor[Int64]):
    """Gives the indices of the same elements in a tensor of another shape."""


@SparseReshape.shape
def _(input_indices, input_shape, new_shape):
    indices = input_indices.with_rank(2)
    indices.dims[1].merge_with(input_shape.with_rank(1).dims[0])
    rank = new_shape.with_rank(1).dims[0].value
    return [indices.dims[0].value, rank], [rank]


def _implied(old, new):
    """Returns `new` with its -1 replaced.

    Raises:
      InvalidArgumentError: if that cannot be done, or the numbers of elements differ.
    """
    new = [int(d) for d in new]
    if sum(d < 0 for d in new) > 1 or min(new, default=0) < -1:
        raise invalid(f"only one output shape size may be -1, got {new}")
    total = int(np.prod(old, dtype=object)) if len(old) else 1
    known = int(np.prod([d for d in new if d >= 0], dtype=object)) if len(new) else 1
    if -1 in new:
        if known == 0 or total % known:
            raise invalid(
                f"Input to reshape is a SparseTensor with {total} dense values, but the requested "
                f"shape requires a multiple of {known}"
            )
        new[new.index(-1)] = total // known
    elif total != known:
        raise invalid(
            f"Input to reshape is a tensor with {total} dense values, but the requested shape "
            f"has {known}"
        )
    return tuple(new)


@SparseReshape.reference
def _(input_indices, input_shape, new_shape):
    old = tuple(int(d) for d in input_shape)
    new = _implied(old, new_shape)
    shape = np.array(new, np.int64)
    if new == old:
        return input_indices, shape
    if not len(input_indices):
        return np.zeros((0, len(new)), np.int64), shape
    flat = np.zeros(len(input_indices), np.int64)
    for axis, size in enumerate(old):
        flat = flat * size + input_indices[:, axis]
    columns = []
    for size in reversed(new):
        flat, column = np.divmod(flat, size)
        columns.append(column)
    return np.stack(columns[::-1], axis=1) if new else input_indices[:, :0], shape


SparseReshape.no_gradient("indices are integers")
_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_SHAPE = np.array([3, 4], np.int64)
SparseReshape.examples(_PLACES, _SHAPE, np.array([2, -1, 3], np.int64))
SparseReshape.examples(_PLACES, _SHAPE, np.array([12], np.int64))
SparseReshape.fails("dense values", _PLACES, _SHAPE, np.array([5, 5], np.int64))
SparseReshape.fails("may be -1", _PLACES, _SHAPE, np.array([-1, -1], np.int64))


@op(effect=Dynamic())
def SparseReorder[T](
    input_indices: Tensor[Int64], input_values: Tensor[T], input_shape: Tensor[Int64]
) -> Returns(output_indices=Tensor[Int64], output_values=Tensor[T]):
    """Puts the elements of a sparse tensor in row-major order."""


@SparseReorder.shape
def _(input_indices, input_values, input_shape):
    count, rank = check_shapes(input_indices, input_values, input_shape)
    return [count, rank], [count]


@SparseReorder.reference
def _(input_indices, input_values, input_shape):
    check_arrays(input_indices, input_values, input_shape)
    order = row_major(input_indices)
    return input_indices[order], input_values[order]


@SparseReorder.gradient
def _(node, _d_indices, d_values):
    indices, _, shape = node.inputs
    places = ops.Range(0, ops.Shape(indices)[0], 1)
    _, order = SparseReorder(indices, places, shape)
    return [None, gather(d_values, ops.InvertPermutation(order)), None]


SparseReorder.examples(_PLACES[::-1], f[3], _SHAPE)
SparseReorder.fails("out of bounds", _PLACES, f[3], np.array([2, 4], np.int64))


@export("sparse.reorder", "sparse_reorder")
def sparse_reorder(sp_input, name=None):
    """Puts the elements of a sparse tensor in row-major order, which most ops need.

    Args:
      sp_input: a `SparseTensor`.
      name: name of the node.

    Returns:
      A `SparseTensor` of the same shape and elements.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
    """
    sp_input = as_sparse(sp_input)
    indices, values = SparseReorder(*parts_of(sp_input), name=name)
    known = sp_input.get_shape()
    if known.is_fully_defined():
        return SparseTensor(indices, values, known.as_list())
    shape = identity(sp_input.dense_shape)
    return SparseTensor(indices, values, shape)


@export("sparse.reshape", "sparse_reshape")
def sparse_reshape(sp_input, shape, name=None):
    """Returns the elements of a sparse tensor in another shape, in the same row-major order.

    Args:
      sp_input: a `SparseTensor`.
      shape: the new shape, integers; one of them may be -1, which is what is left.
      name: name of the nodes.

    Returns:
      A `SparseTensor` of the same values.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
      ValueError: if the numbers of elements are known and differ, or there is more than one -1.
      InvalidArgumentError: the same, when run.
    """
    sp_input = as_sparse(sp_input)
    shape = cast(shape, Int64)
    with name_scope(name, "SparseReshape", [sp_input]) as scope:
        indices, dense_shape = SparseReshape(
            sp_input.indices, sp_input.dense_shape, shape, name=scope
        )
        wanted = constant_value(shape) if _is_spelled_out(shape) else None
        known = sp_input.get_shape()
        if wanted is not None and known.is_fully_defined():
            dense_shape = constant(_known_shape(wanted, known), Int64)
        return SparseTensor(indices, identity(sp_input.values), dense_shape)


def _known_shape(wanted, known):
    """Returns the new shape as a list.

    Raises:
      ValueError: if the old one, which is known, does not fit.
    """
    sizes = [int(d) for d in wanted]
    if sizes.count(-1) > 1:
        raise ValueError(f"At most one dimension can be inferred (-1). Found: {wanted}")
    total = known.num_elements()
    others = int(np.prod([d for d in sizes if d != -1], dtype=np.int64))
    if -1 in sizes and others:
        sizes[sizes.index(-1)] = total // others
    count = int(np.prod(sizes, dtype=np.int64))
    if count != total:
        spelled = TensorShape([None if d == -1 else int(d) for d in wanted]).as_list()
        raise ValueError(
            f"Cannot reshape a tensor with {total} elements to shape {spelled} ({count} elements)."
        )
    return sizes


_WITHOUT_INPUTS = frozenset({"Const", "Shape", "Size", "Rank"})
_OF_INPUTS = frozenset({"Cast", "Concat", "ConcatV2", "Fill", "Pack", "Range"})


def _is_spelled_out(shape):
    """Tells whether TF too sees the value of a shape, and so makes a constant of it."""
    node = shape.op
    if node.type in _WITHOUT_INPUTS:
        return True
    return node.type in _OF_INPUTS and all(map(_is_spelled_out, node.inputs))
