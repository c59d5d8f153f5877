"""Sums and maxima of sparse tensors along axes: SparseReduceSum, SparseReduceMax and the sparse."""

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.composite import SparseTensor
from millstream.ir.spec import Dynamic, Int32, Int64, Number, Real, Returns, Tensor, f, op
from millstream.ops.array.gathering import gather_nd
from millstream.ops.array.reshaping import reshape
from millstream.ops.by_name import ops
from millstream.ops.sparse.parts import (
    as_sparse,
    check_arrays,
    group_starts,
    invalid,
    parts_of,
    row_major,
)

_SPARSE = Returns(
    output_indices=Tensor[Int64], output_values=Tensor["T"], output_shape=Tensor[Int64]
)


@op(static=("input_shape", "reduction_axes"))
def SparseReduceSum[T: Number](
    input_indices: Tensor[Int64],
    input_values: Tensor[T],
    input_shape: Tensor[Int64],
    reduction_axes: Tensor[Int32],
    *,
    keep_dims: bool = False,
) -> Tensor[T]:
    """Adds the elements of a sparse tensor along axes; the result is dense."""


@op(effect=Dynamic())
def SparseReduceMax[T: Real](
    input_indices: Tensor[Int64],
    input_values: Tensor[T],
    input_shape: Tensor[Int64],
    reduction_axes: Tensor[Int32],
    *,
    keep_dims: bool = False,
) -> Tensor[T]:
    """Takes the largest of the elements that a sparse tensor has along axes; 0 where none."""


@op(effect=Dynamic())
def SparseReduceSumSparse[T: Number](
    input_indices: Tensor[Int64],
    input_values: Tensor[T],
    input_shape: Tensor[Int64],
    reduction_axes: Tensor[Int32],
    *,
    keep_dims: bool = False,
) -> _SPARSE:
    """Adds the elements of a sparse tensor along axes; the result is sparse."""


@op(effect=Dynamic())
def SparseReduceMaxSparse[T: Real](
    input_indices: Tensor[Int64],
    input_values: Tensor[T],
    input_shape: Tensor[Int64],
    reduction_axes: Tensor[Int32],
    *,
    keep_dims: bool = False,
) -> _SPARSE:
    """Takes the largest elements of a sparse tensor along axes; the result is sparse."""


def _axes(reduction_axes, rank):
    """Returns the axes that are kept, in order.

    Raises:
      InvalidArgumentError: for an axis that there is not.
    """
    reduced = set()
    for axis in np.ravel(reduction_axes).tolist():
        if not -rank <= axis < rank:
            raise invalid(f"Invalid reduction dimension {axis}, for input with {rank} dimensions.")
        reduced.add(axis % rank)
    return [axis for axis in range(rank) if axis not in reduced]


def _dense_shape(input_shape_as_shape, reduction_axes_value, keep_dims):
    sizes = input_shape_as_shape
    if reduction_axes_value is None or sizes.ndims is None:
        return None
    rank = sizes.ndims
    # An axis that there is not is an error when it runs; TF's shape rule counts it modulo.
    reduced = {int(a) % rank for a in np.ravel(reduction_axes_value)} if rank else set()
    kept = [None if axis in reduced else axis for axis in range(rank)]
    known = sizes.as_list()
    if keep_dims:
        return [1 if axis is None else known[axis] for axis in kept]
    return [known[axis] for axis in kept if axis is not None]


SparseReduceSum.shape(_dense_shape)
SparseReduceMax.shape(_dense_shape)
SparseReduceSumSparse.shape(lambda: (None, None, None))
SparseReduceMaxSparse.shape(lambda: (None, None, None))


def _result_shape(shape, kept, keep_dims):
    if keep_dims:
        return tuple(int(d) if axis in kept else 1 for axis, d in enumerate(shape))
    return tuple(int(shape[axis]) for axis in kept)


@SparseReduceSum.kernel
def _(input_indices, input_values, input_shape, reduction_axes, keep_dims, check):
    kept = _axes(reduction_axes, len(input_shape))
    inside = jnp.all((input_indices >= 0) & (input_indices < jnp.asarray(input_shape)))
    check(inside, lambda: f"an index is out of bounds of {np.asarray(input_shape).tolist()}")
    if kept:
        sizes = tuple(int(input_shape[axis]) for axis in kept)
        places = tuple(input_indices[:, axis] for axis in kept)
        total = jnp.zeros(sizes, input_values.dtype).at[places].add(input_values, mode="drop")
    else:
        total = input_values.sum(dtype=input_values.dtype)
    return total.reshape(_result_shape(input_shape, kept, keep_dims))


def _grouped(ufunc, input_indices, input_values, input_shape, reduction_axes):
    """Reduces the elements that share what is kept of their places.

    Returns:
      The places kept, `[groups, kept axes]`, in order; a value each; and the axes kept.
    """
    check_arrays(input_indices, input_values, input_shape)
    kept = _axes(reduction_axes, len(input_shape))
    keys = input_indices[:, kept]
    order = row_major(keys)
    keys, values = keys[order], input_values[order]
    starts = group_starts(keys)
    if len(starts):
        values = ufunc.reduceat(values, starts, dtype=values.dtype)
    return keys[starts], values, kept


def _dense_reference(ufunc):
    def reference(input_indices, input_values, input_shape, reduction_axes, keep_dims):
        places, values, kept = _grouped(
            ufunc, input_indices, input_values, input_shape, reduction_axes
        )
        out = np.zeros(tuple(int(input_shape[axis]) for axis in kept), input_values.dtype)
        if len(values):
            out[tuple(places.T)] = values if kept else values[0]
        return out.reshape(_result_shape(input_shape, kept, keep_dims))

    return reference


def _sparse_reference(ufunc):
    def reference(input_indices, input_values, input_shape, reduction_axes, keep_dims):
        places, values, kept = _grouped(
            ufunc, input_indices, input_values, input_shape, reduction_axes
        )
        shape = np.array(_result_shape(input_shape, kept, keep_dims), np.int64)
        if keep_dims:
            wide = np.zeros((len(values), len(input_shape)), np.int64)
            wide[:, kept] = places
            places = wide
        return places, values, shape

    return reference


SparseReduceSum.reference(_dense_reference(np.add))
SparseReduceMax.reference(_dense_reference(np.maximum))
SparseReduceSumSparse.reference(_sparse_reference(np.add))
SparseReduceMaxSparse.reference(_sparse_reference(np.maximum))


@SparseReduceSum.gradient
def _(node, dy):
    indices, _, shape, axes = node.inputs
    kept_shape = ops.Cast(_reduced(shape, axes), DstT=Int64)
    places = ops.FloorDiv(indices, ops.FloorDiv(shape, kept_shape))
    return [None, gather_nd(reshape(dy, kept_shape), places), None, None]


def _reduced(shape, axes):
    """Returns a shape with ones for the reduced axes."""
    rank = ops.Size(shape)
    axes = ops.FloorMod(reshape(axes, [-1]) + rank, rank)
    sizes = ops.Cast(shape, DstT=Int32)
    return ops.DynamicStitch([ops.Range(0, rank, 1), axes], [sizes, ops.OnesLike(axes)])


for _opdef in (SparseReduceMax, SparseReduceMaxSparse, SparseReduceSumSparse):
    _opdef.no_gradient("TensorFlow 1 defines none")
_PLACES = np.array([[0, 1, 1], [0, 2, 0], [2, 0, 1]], np.int64)
_SHAPE = np.array([3, 4, 2], np.int64)
for _opdef in (SparseReduceSum, SparseReduceMax, SparseReduceSumSparse, SparseReduceMaxSparse):
    _opdef.examples(_PLACES, f[3], _SHAPE, np.array([1], np.int32))
    _opdef.examples(_PLACES, f[3], _SHAPE, np.array([-1, 0], np.int32), keep_dims=True)
    _opdef.examples(_PLACES, f[3], _SHAPE, np.array([0, 1, 2], np.int32))
    _opdef.fails("Invalid reduction dimension", _PLACES, f[3], _SHAPE, np.array([3], np.int32))


def _arguments(sp_input, axis, keepdims, reduction_axes, keep_dims):
    """Resolves arguments that have two names.

    Raises:
      ValueError: if one is given under both.
    """
    if keep_dims is not None and keepdims is not None:
        raise ValueError("Cannot specify both 'keepdims' and 'keep_dims'")
    if reduction_axes is not None and axis is not None:
        raise ValueError("Cannot specify both 'axis' and 'reduction_axes'")
    axis = reduction_axes if axis is None else axis
    keep = keep_dims if keepdims is None else keepdims
    return *parts_of(sp_input), _all_axes(sp_input) if axis is None else axis, bool(keep)


def _all_axes(sp_input):
    rank = sp_input.get_shape().ndims
    if rank is not None:
        return ops.Const(value=np.arange(rank, dtype=np.int32), dtype=Int32)
    return ops.Range(0, ops.Size(sp_input.dense_shape), 1)


_ARGUMENTS = """

    Args:
      sp_input: a `SparseTensor` of numbers.
      axis: the axis or axes to reduce, counted from the end if negative; all by default.
      keepdims: whether reduced axes stay, with size 1.
      reduction_axes: the former name of `axis`.
      keep_dims: the former name of `keepdims`.

    Returns:
      """


def _publish(opdef, leaf, what, sparse):
    def reduce(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
        sp_input = as_sparse(sp_input)
        *operands, keep = _arguments(sp_input, axis, keepdims, reduction_axes, keep_dims)
        found = opdef(*operands, keep_dims=keep)
        return SparseTensor(*found) if sparse else found

    reduce.__name__ = reduce.__qualname__ = f"sparse_{leaf}"
    result = "A `SparseTensor`." if sparse else "A dense tensor, 0 where there is no element."
    reduce.__doc__ = f"{what} the elements of a sparse tensor along axes.{_ARGUMENTS}{result}\n"
    return export(f"sparse.{leaf}", f"sparse_{leaf}")(reduce)


sparse_reduce_sum = _publish(SparseReduceSum, "reduce_sum", "Adds", False)
sparse_reduce_max = _publish(SparseReduceMax, "reduce_max", "Takes the largest of", False)
sparse_reduce_sum_sparse = _publish(SparseReduceSumSparse, "reduce_sum_sparse", "Adds", True)
sparse_reduce_max_sparse = _publish(
    SparseReduceMaxSparse, "reduce_max_sparse", "Takes the largest of", True
)
