"""Sparse tensors with each other: SparseAdd, maximum, minimum; SparseSoftmax."""

import numpy as np

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.base.lazy import jax, jnp
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Double, Dynamic, Float, Int64, Number, Real, Returns, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.sparse.parts import (
    as_sparse,
    check_arrays,
    check_order,
    check_shapes,
    group_starts,
    invalid,
    parts_of,
    row_major,
)


@op(effect=Dynamic())
def SparseAdd[T: Number, Treal: Real](
    a_indices: Tensor[Int64],
    a_values: Tensor[T],
    a_shape: Tensor[Int64],
    b_indices: Tensor[Int64],
    b_values: Tensor[T],
    b_shape: Tensor[Int64],
    thresh: Tensor[Treal],
) -> Returns(sum_indices=Tensor[Int64], sum_values=Tensor[T], sum_shape=Tensor[Int64]):
    """Adds two sparse tensors of one shape; drops sums of two that are smaller than `thresh`."""


@SparseAdd.shape
def _(a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    thresh.with_rank(0)
    check_shapes(b_indices, b_values, b_shape)
    _, rank = check_shapes(a_indices, a_values, a_shape)
    return [None, rank], [None], a_shape.merge_with(b_shape)


def _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    if len(a_shape) != len(b_shape):
        raise invalid(
            f"Operands do not have the same ranks; got shapes: {a_shape.tolist()} and "
            f"{b_shape.tolist()}"
        )
    for axis, (one, other) in enumerate(zip(a_shape, b_shape, strict=True)):
        if one != other:
            raise invalid(
                f"Operands' shapes do not match: got {one} and {other} for dimension {axis}"
            )
    check_arrays(a_indices, a_values, a_shape)
    check_arrays(b_indices, b_values, b_shape)


def _union(a_indices, b_indices):
    """Merges places.

    Returns:
      The different ones in row-major order, and for the rows of `a`, then of `b`, which they are.
    """
    both = np.concatenate([a_indices, b_indices])
    order = row_major(both)
    placed = both[order]
    starts = group_starts(placed)
    which = np.zeros(len(both), np.int64)
    which[order] = np.searchsorted(starts, np.arange(len(both)), side="right") - 1
    return placed[starts], which[: len(a_indices)], which[len(a_indices) :]


@SparseAdd.reference
def _(a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape)
    places, of_a, of_b = _union(a_indices, b_indices)
    total = np.zeros(len(places), a_values.dtype)
    np.add.at(total, of_a, a_values)
    np.add.at(total, of_b, b_values)
    # What only one of them has is kept, however small.
    of_both = np.bincount(np.concatenate([of_a, of_b]), minlength=len(places)) > 1
    kept = ~(of_both & (np.abs(total) < thresh))
    return places[kept], total[kept], a_shape


@SparseAdd.gradient
def _(node, _d_indices, d_values, _d_shape):
    a_indices, _, _, b_indices, *_ = node.inputs
    d_a, d_b = SparseAddGrad(d_values, a_indices, b_indices, node.outputs[0])
    return [None, d_a, None, None, d_b, None, None]


@op
def SparseAddGrad[T: Number](
    backprop_val_grad: Tensor[T],
    a_indices: Tensor[Int64],
    b_indices: Tensor[Int64],
    sum_indices: Tensor[Int64],
) -> Returns(a_val_grad=Tensor[T], b_val_grad=Tensor[T]):
    """Gives the elements of both summands the cotangent of their sum, 0 where it was dropped."""


@SparseAddGrad.shape
def _(backprop_val_grad, a_indices, b_indices, sum_indices):
    backprop_val_grad.with_rank(1), sum_indices.with_rank(2)
    return [a_indices.with_rank(2).as_list()[0]], [b_indices.with_rank(2).as_list()[0]]


@SparseAddGrad.kernel
def _(backprop_val_grad, a_indices, b_indices, sum_indices):
    def back(places):
        if not places.shape[0] or not sum_indices.shape[0]:
            return jnp.zeros(places.shape[0], backprop_val_grad.dtype)
        hit = (places[:, None, :] == sum_indices[None, :, :]).all(-1)
        taken = backprop_val_grad[jnp.argmax(hit, axis=1)]
        return jnp.where(hit.any(1), taken, jnp.zeros_like(taken))

    return back(a_indices), back(b_indices)


@SparseAddGrad.reference
def _(backprop_val_grad, a_indices, b_indices, sum_indices):
    places = {tuple(place): at for at, place in enumerate(sum_indices.tolist())}

    def back(rows):
        at = np.array([places.get(tuple(row), -1) for row in rows.tolist()], np.int64)
        grad = np.zeros(len(rows), backprop_val_grad.dtype)
        grad[at >= 0] = backprop_val_grad[at[at >= 0]]
        return grad

    return back(a_indices), back(b_indices)


@SparseAddGrad.gradient
def _(node, dd_a, dd_b):
    _, a_indices, b_indices, places = node.inputs

    def pulled(rows, dd):
        same = ops.Equal(ops.ExpandDims(places, 1), ops.ExpandDims(rows, 0))
        hit = ops.Cast(ops.All(same, 2), DstT=dd.dtype)
        return ops.Sum(hit * ops.ExpandDims(dd, 0), 1)

    return [pulled(a_indices, dd_a) + pulled(b_indices, dd_b), None, None, None]


_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_OTHERS = np.array([[0, 1], [1, 2]], np.int64)
_SHAPE = np.array([3, 4], np.int64)
SparseAdd.examples(_PLACES, f[3], _SHAPE, _OTHERS, f[2], _SHAPE, np.float32(0))
SparseAdd.fails(
    "do not match", _PLACES, f[3], _SHAPE, _OTHERS, f[2], np.array([3, 5], np.int64), np.float32(0)
)
SparseAddGrad.examples(f[3], _PLACES, _OTHERS, np.array([[0, 1], [1, 2], [2, 0]], np.int64))


_PAIR = Returns(output_indices=Tensor[Int64], output_values=Tensor["T"])


@op(effect=Dynamic())
def SparseSparseMaximum[T: Real](
    a_indices: Tensor[Int64],
    a_values: Tensor[T],
    a_shape: Tensor[Int64],
    b_indices: Tensor[Int64],
    b_values: Tensor[T],
    b_shape: Tensor[Int64],
) -> _PAIR:
    """Takes the larger of two sparse tensors, element by element; what is missing is 0."""


@op(effect=Dynamic())
def SparseSparseMinimum[T: Number](
    a_indices: Tensor[Int64],
    a_values: Tensor[T],
    a_shape: Tensor[Int64],
    b_indices: Tensor[Int64],
    b_values: Tensor[T],
    b_shape: Tensor[Int64],
) -> _PAIR:
    """Takes the smaller of two sparse tensors, element by element; what is missing is 0."""


SparseSparseMinimum.computes(T=Real)


def _extreme(ufunc):
    def reference(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
        _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape)
        places, of_a, of_b = _union(a_indices, b_indices)
        left, right = (np.zeros(len(places), a_values.dtype) for _ in range(2))
        left[of_a], right[of_b] = a_values, b_values
        return places, ufunc(left, right)

    return reference


SparseSparseMaximum.reference(_extreme(np.maximum))
SparseSparseMinimum.reference(_extreme(np.minimum))
for _opdef in (SparseSparseMaximum, SparseSparseMinimum):
    _opdef.shape(lambda: ([None, None], [None]))
    _opdef.no_gradient("TensorFlow 1 has none that works")
    _opdef.examples(_PLACES, f[3], _SHAPE, _OTHERS, f[2], _SHAPE)
    _opdef.fails("do not match", _PLACES, f[3], _SHAPE, _OTHERS, f[2], np.array([3, 5], np.int64))


@op
def SparseSoftmax[T: (Float, Double)](
    sp_indices: Tensor[Int64], sp_values: Tensor[T], sp_shape: Tensor[Int64]
) -> Tensor[T]:
    """Normalises exponentials over the elements that each innermost row of a tensor has."""


@SparseSoftmax.shape
def _(sp_indices, sp_values, sp_shape):
    return [check_shapes(sp_indices, sp_values, sp_shape)[0]]


def _check_rank(indices):
    if indices.shape[1] < 2:
        raise invalid(
            f"Input should have rank >= 2, but received shape: {indices.shape[1]} dimension"
        )


@SparseSoftmax.kernel
def _(sp_indices, sp_values):
    _check_rank(sp_indices)
    count = sp_values.shape[0]
    if not count:
        return sp_values
    # Rows are given a number each: elements of a row stand side by side.
    changed = jnp.any(sp_indices[1:, :-1] != sp_indices[:-1, :-1], axis=1)
    rows = jnp.concatenate([jnp.zeros(1, np.int32), jnp.cumsum(changed.astype(np.int32))])
    sums = dict(num_segments=count, indices_are_sorted=True)
    exps = jnp.exp(sp_values - jax.ops.segment_max(sp_values, rows, **sums)[rows])
    return exps / jax.ops.segment_sum(exps, rows, **sums)[rows]


@SparseSoftmax.reference
def _(sp_indices, sp_values, sp_shape):
    if len(sp_shape) < 2:
        sizes = ",".join(str(int(d)) for d in sp_shape)
        raise invalid(f"Input should have rank >= 2, but received shape: {sizes}")
    check_arrays(sp_indices, sp_values, sp_shape)
    check_order(sp_indices)
    if not len(sp_values):
        return sp_values
    starts = group_starts(sp_indices[:, :-1])
    sizes = np.diff([*starts, len(sp_values)])
    exps = np.exp(sp_values - np.repeat(np.maximum.reduceat(sp_values, starts), sizes))
    return exps / np.repeat(np.add.reduceat(exps, starts), sizes)


@SparseSoftmax.gradient
def _(node, dy):
    indices, _, shape = node.inputs
    (y,) = node.outputs
    totals = ops.SparseReduceSum(indices, y * dy, shape, [-1], keep_dims=True)
    return [None, ops.SparseDenseCwiseAdd(indices, dy, shape, -totals) * y, None]


SparseSoftmax.examples(_PLACES, f[3], _SHAPE)
SparseSoftmax.examples(np.zeros((0, 2), np.int64), f[0], _SHAPE)
SparseSoftmax.fails("rank >= 2", np.array([[1]], np.int64), f[1], np.array([3], np.int64))


@export("sparse.add", "sparse_add")
def sparse_add(a, b, threshold=None, thresh=None):
    """Adds two tensors of which at least one is sparse.

    Args:
      a: a `SparseTensor` or a dense tensor.
      b: another, of the same shape and type.
      threshold: where both are sparse and have an element, the sum is dropped if its magnitude is
        smaller; 0 by default.
      thresh: the former name of `threshold`.

    Returns:
      A `SparseTensor` if both are, else a dense tensor.

    Raises:
      TypeError: if none is sparse.
      ValueError: if shapes are known and differ.
    """
    if threshold is not None and thresh is not None:
        raise ValueError("Cannot specify both 'threshold' and 'thresh'")
    threshold = thresh if threshold is None else threshold
    sparse = (SparseTensor, SparseTensorValue)
    if not isinstance(a, sparse) and not isinstance(b, sparse):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if not (isinstance(a, sparse) and isinstance(b, sparse)):
        dense, other = (b, as_sparse(a)) if isinstance(a, sparse) else (a, as_sparse(b))
        return ops.SparseTensorDenseAdd(*parts_of(other), dense)
    a, b = as_sparse(a), as_sparse(b)
    kind: DType = a.values.dtype.real_dtype
    limit = convert_to_tensor(0 if threshold is None else threshold, dtype=kind, name="threshold")
    indices, values, shape = SparseAdd(*parts_of(a), *parts_of(b), limit)
    a.get_shape().assert_is_compatible_with(b.get_shape())
    known = a.get_shape().merge_with(b.get_shape())
    if known.is_fully_defined():
        shape = known.as_list()
    return SparseTensor(indices, values, shape)


def _compared(opdef, sp_a, sp_b, name):
    sp_a, sp_b = as_sparse(sp_a), as_sparse(sp_b)
    with name_scope(name, opdef.name, [*parts_of(sp_a), *parts_of(sp_b)]) as scope:
        indices, values = opdef(*parts_of(sp_a), *parts_of(sp_b), name=scope)
    return SparseTensor(indices, values, sp_a.dense_shape)


@export("sparse.maximum", "sparse_maximum")
def sparse_maximum(sp_a, sp_b, name=None):
    """Returns the larger elements of two `SparseTensor`s of one shape; what is missing is 0."""
    return _compared(SparseSparseMaximum, sp_a, sp_b, name)


@export("sparse.minimum", "sparse_minimum")
def sparse_minimum(sp_a, sp_b, name=None):
    """Returns the smaller elements of two `SparseTensor`s of one shape; what is missing is 0."""
    return _compared(SparseSparseMinimum, sp_a, sp_b, name)


@export("sparse.softmax", "sparse_softmax")
def sparse_softmax(sp_input, name=None):
    """Normalises exponentials along the last axis, over the elements that there are.

    Args:
      sp_input: a `SparseTensor` of floats, of rank 2 or more, in row-major order.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` with the same indices.
    """
    sp_input = as_sparse(sp_input)
    with name_scope(name, "SparseSoftmax", list(parts_of(sp_input))):
        values = SparseSoftmax(*parts_of(sp_input))
    return SparseTensor(sp_input.indices, values, sp_input.dense_shape)
