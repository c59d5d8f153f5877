"""Sparse tensors joined and cut: SparseConcat, SparseSplit, SparseSlice and its gradient."""

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import AtLeast, Dynamic, Int64, Number, Returns, Tensor, Tensors, f, op
from millstream.ops.array.gathering import gather
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import reshape
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_max
from millstream.ops.sparse.parts import (
    as_sparse,
    check_arrays,
    check_shapes,
    invalid,
    parts_of,
    row_major,
)

_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_OTHERS = np.array([[0, 0], [1, 2]], np.int64)
_SHAPE = np.array([3, 4], np.int64)


@op(effect=Dynamic())
def SparseConcat[T](
    indices: Tensors[Int64, "N", 2],
    values: Tensors[T, "N", 2],
    shapes: Tensors[Int64, "N", 2],
    *,
    concat_dim: int,
) -> Returns(output_indices=Tensor[Int64], output_values=Tensor[T], output_shape=Tensor[Int64]):
    """Joins sparse tensors along a dimension; their other sizes are the same."""


@SparseConcat.shape
def _(indices, values, shapes):
    found = [check_shapes(*each) for each in zip(indices, values, shapes, strict=True)]
    counts = [count for count, _ in found]
    total = None if None in counts else sum(counts)
    rank = next((rank for _, rank in found if rank is not None), None)
    return [total, rank], [total], [rank]


@SparseConcat.reference
def _(indices, values, shapes, concat_dim):
    rank = len(shapes[0])
    axis = concat_dim + rank if concat_dim < 0 else concat_dim
    if not 0 <= axis < rank:
        raise invalid(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    _check_sizes(shapes, axis)
    for each in zip(indices, values, shapes, strict=True):
        check_arrays(*each)
    begins = np.cumsum([0, *(shape[axis] for shape in shapes)])
    moved = []
    for places, begin in zip(indices, begins[:-1], strict=True):
        shifted = places.copy()
        shifted[:, axis] += begin
        moved.append(shifted)
    places = np.concatenate(moved)
    order = row_major(places)
    shape = shapes[0].copy()
    shape[axis] = begins[-1]
    return places[order], np.concatenate(values)[order], shape


def _check_sizes(shapes, axis):
    for at, shape in enumerate(shapes[1:], 1):
        if len(shape) != len(shapes[0]):
            raise invalid(
                f"Ranks of all input tensors must match: expected {len(shapes[0])} but got "
                f"{len(shape)} at position {at}"
            )
        for i, (size, wanted) in enumerate(zip(shape, shapes[0], strict=True)):
            if i != axis and size != wanted:
                raise invalid(
                    f"Input shapes must match: expected {wanted} for dimension {i} but got {size} "
                    f"at position {at}"
                )


@SparseConcat.gradient
def _(node, _d_indices, d_values, _d_shape):
    count = node.attrs["N"]
    indices, shapes = node.inputs[:count], node.inputs[2 * count :]
    # The places of elements are joined as the elements were, which tells where each went.
    starts = [ops.Shape(places)[0] for places in indices]
    numbers, first = [], 0
    for size in starts:
        numbers.append(ops.Range(first, first + size, 1))
        first = first + size
    order = SparseConcat(indices, numbers, shapes, concat_dim=node.attrs["concat_dim"])[1]
    back = gather(d_values, ops.InvertPermutation(order))
    parts = ops.SplitV(back, ops.Pack(starts), 0, num_split=count)
    return [None] * count + list(parts) + [None] * count


SparseConcat.examples(
    [_PLACES, _OTHERS], [f[3], f[2]], [_SHAPE, np.array([3, 3], np.int64)], concat_dim=1
)
SparseConcat.examples([_PLACES, _OTHERS], [f[3], f[2]], [_SHAPE, _SHAPE], concat_dim=-2)
SparseConcat.fails(
    "must match",
    *([_PLACES, _OTHERS], [f[3], f[2]], [_SHAPE, np.array([3, 3], np.int64)]),
    concat_dim=0,
)


@op(effect=Dynamic())
def SparseSplit[T](
    split_dim: Tensor[Int64],
    indices: Tensor[Int64],
    values: Tensor[T],
    shape: Tensor[Int64],
    *,
    num_split: AtLeast(1),
) -> Returns(
    output_indices=Tensors[Int64, "num_split"],
    output_values=Tensors[T, "num_split"],
    output_shape=Tensors[Int64, "num_split"],
):
    """Cuts a sparse tensor along a dimension; the first parts are one larger if need be."""


@SparseSplit.shape
def _(indices, values, shape, num_split):
    _, rank = check_shapes(indices, values, shape)
    return [[None, rank]] * num_split + [[None]] * num_split + [[rank]] * num_split


@SparseSplit.reference
def _(split_dim, indices, values, shape, num_split):
    check_arrays(indices, values, shape)
    axis, rank = int(split_dim), len(shape)
    axis += rank if axis < 0 else 0
    if not 0 <= axis < rank:
        raise invalid(f"Input split_dim should be between {-rank} and {rank}, got {split_dim}")
    size = int(shape[axis])
    if not 1 <= num_split <= size:
        raise invalid(
            "Input num_split should be between 1 and the splitting dimension size "
            f"({size}), got {num_split}"
        )
    width, more = divmod(size, num_split)
    sizes = [width + (part < more) for part in range(num_split)]
    begins = np.cumsum([0, *sizes])
    owner = np.searchsorted(begins, indices[:, axis], side="right") - 1
    places, elements, shapes = [], [], []
    for part in range(num_split):
        mine = indices[owner == part]
        mine[:, axis] -= begins[part]
        part_shape = shape.copy()
        part_shape[axis] = sizes[part]
        places.append(mine)
        elements.append(values[owner == part])
        shapes.append(part_shape)
    return *places, *elements, *shapes


SparseSplit.no_gradient("TensorFlow 1 defines none")
SparseSplit.examples(np.int64(1), _PLACES, f[3], _SHAPE, num_split=3)
SparseSplit.fails("num_split should be", np.int64(0), _PLACES, f[3], _SHAPE, num_split=4)


@op(effect=Dynamic())
def SparseSlice[T](
    indices: Tensor[Int64],
    values: Tensor[T],
    shape: Tensor[Int64],
    start: Tensor[Int64],
    size: Tensor[Int64],
) -> Returns(output_indices=Tensor[Int64], output_values=Tensor[T], output_shape=Tensor[Int64]):
    """Gives a box of a sparse tensor, cut off where the tensor ends."""


@SparseSlice.shape
def _(indices, values, shape, start, size):
    _, rank = check_shapes(indices, values, shape)
    start.with_rank(1), size.with_rank(1)
    return [None, rank], [None], [rank]


@SparseSlice.reference
def _(indices, values, shape, start, size):
    check_arrays(indices, values, shape)
    if start.shape != shape.shape or size.shape != shape.shape:
        raise invalid(
            f"Expected start and size to be vectors of {len(shape)}, got shapes "
            f"{list(start.shape)} and {list(size.shape)}"
        )
    if (start < 0).any() or (size < 0).any():
        raise invalid(f"start {start.tolist()} and size {size.tolist()} must not be negative")
    left = np.maximum(np.minimum(size, shape - start), 0)
    inside = ((indices >= start) & (indices < start + left)).all(-1)
    return indices[inside] - start, values[inside], left


@SparseSlice.gradient
def _(node, _d_indices, d_values, _d_shape):
    indices, _, _, start, _ = node.inputs
    return [None, SparseSliceGrad(d_values, indices, start, node.outputs[0]), None, None, None]


SparseSlice.examples(_PLACES, f[3], _SHAPE, np.array([0, 1], np.int64), np.array([2, 9], np.int64))
SparseSlice.fails(
    "must not be negative",
    *(_PLACES, f[3], _SHAPE, np.array([0, -1], np.int64), np.array([2, 9], np.int64)),
)


@op
def SparseSliceGrad[T: Number](
    backprop_val_grad: Tensor[T],
    input_indices: Tensor[Int64],
    input_start: Tensor[Int64],
    output_indices: Tensor[Int64],
) -> Returns(val_grad=Tensor[T]):
    """Spreads the cotangents of a slice over the elements of what was sliced; others get 0."""


@SparseSliceGrad.shape
def _(backprop_val_grad, input_indices, output_indices):
    backprop_val_grad.with_rank(1), output_indices.with_rank(2)
    return [input_indices.with_rank(2).as_list()[0]]


@SparseSliceGrad.kernel
def _(backprop_val_grad, input_indices, input_start, output_indices):
    count = backprop_val_grad.shape[0]
    if not count or not input_indices.shape[0]:
        return jnp.zeros(input_indices.shape[0], backprop_val_grad.dtype)
    same = (input_indices - input_start)[:, None, :] == output_indices[None, :, :]
    hit = same.all(-1)
    taken = backprop_val_grad[jnp.argmax(hit, axis=1)]
    return jnp.where(hit.any(1), taken, jnp.zeros_like(taken))


@SparseSliceGrad.reference
def _(backprop_val_grad, input_indices, input_start, output_indices):
    places = {tuple(place): at for at, place in enumerate(output_indices.tolist())}
    moved = (input_indices - input_start).tolist()
    at = np.array([places.get(tuple(place), -1) for place in moved], np.int64)
    grad = np.zeros(len(moved), backprop_val_grad.dtype)
    grad[at >= 0] = backprop_val_grad[at[at >= 0]]
    return grad


@SparseSliceGrad.gradient
def _(node, ddy):
    _, indices, start, places = node.inputs
    moved = ops.ExpandDims(places + start, 1)
    hit = ops.All(ops.Equal(moved, ops.ExpandDims(indices, 0)), 2)
    return [gather(ddy, ops.ArgMax(ops.Cast(hit, DstT=node.attrs["T"]), 1)), None, None, None]


SparseSliceGrad.examples(
    f[2], _PLACES, np.array([0, 1], np.int64), np.array([[0, 0], [0, 2]], np.int64)
)


@export("sparse.concat", "sparse_concat")
def sparse_concat(
    axis,
    sp_inputs,
    name=None,
    expand_nonconcat_dim=False,
    concat_dim=None,
    expand_nonconcat_dims=None,
):
    """Joins sparse tensors along a dimension.

    Args:
      axis: the dimension; counted from the end if negative.
      sp_inputs: `SparseTensor`s of one rank, in row-major order.
      name: name of the node.
      expand_nonconcat_dim: whether other dimensions may differ; the largest are taken.
      concat_dim: the former name of `axis`.
      expand_nonconcat_dims: the former name of `expand_nonconcat_dim`.

    Returns:
      A `SparseTensor`; the only input itself if there is but one.

    Raises:
      TypeError: if an input is no `SparseTensor`.
      ValueError: if an argument is given under both names.
      InvalidArgumentError: when run, if other dimensions differ and may not.
    """
    if expand_nonconcat_dims is not None:
        if expand_nonconcat_dim is not False:
            raise ValueError("Give expand_nonconcat_dim or expand_nonconcat_dims, not both")
        expand_nonconcat_dim = expand_nonconcat_dims
    if concat_dim is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'concat_dim'")
        axis = concat_dim
    inputs = [as_sparse(each) for each in _listed(sp_inputs)]
    if len(inputs) == 1:
        return inputs[0]
    indices, values, shapes = map(list, zip(*map(parts_of, inputs), strict=True))
    if expand_nonconcat_dim:
        largest = reduce_max(concat([reshape(shape, [1, -1]) for shape in shapes], 0), 0)
        shapes = [
            concat([largest[:axis], shape[-1:] if axis == -1 else shape[axis : axis + 1],
                    [] if axis == -1 else largest[axis + 1 :]], 0)
            for shape in shapes
        ]  # fmt: skip
    joined = SparseConcat(indices, values, shapes, concat_dim=axis, name=name)
    return _with_known_shape(joined, inputs, axis, expand_nonconcat_dim)


def _with_known_shape(joined, inputs, axis, expanded):
    indices, values, shape = joined
    known = [each.get_shape() for each in inputs]
    if not expanded and all(each.is_fully_defined() for each in known):
        sizes = known[0].as_list()
        sizes[axis] = sum(each.as_list()[axis] for each in known)
        shape = convert_to_tensor(sizes, dtype=Int64)
    return SparseTensor(indices, values, shape)


def _listed(sp_inputs):
    """Returns the inputs of an op as a list.

    Raises:
      TypeError: if they are none.
    """
    if not isinstance(sp_inputs, list | tuple):
        raise TypeError("Inputs must be a list")
    return list(sp_inputs)


@export("sparse.slice", "sparse_slice")
def sparse_slice(sp_input, start, size, name=None):
    """Returns a box of a sparse tensor.

    Args:
      sp_input: a `SparseTensor`.
      start: where the box begins, `[rank]`.
      size: its sizes, `[rank]`; it is cut off where the tensor ends.
      name: name of the node.

    Returns:
      A `SparseTensor` of the same rank.
    """
    sp_input = as_sparse(sp_input)
    start, size = convert_to_tensor(start, Int64), convert_to_tensor(size, Int64)
    with name_scope(name, "SparseSlice", [sp_input]) as scope:
        return SparseTensor(*SparseSlice(*parts_of(sp_input), start, size, name=scope))


class _KeywordsOnly:
    """What stands for the first argument, which must not be given by position."""

    def __repr__(self):
        return "KeywordRequired()"


_KEYWORDS_ONLY = _KeywordsOnly()


@export("sparse.split", "sparse_split")
def sparse_split(
    keyword_required=_KEYWORDS_ONLY,
    sp_input=None,
    num_split=None,
    axis=None,
    name=None,
    split_dim=None,
):
    """Cuts a sparse tensor into parts along a dimension. Arguments are given by name.

    Args:
      keyword_required: not to be given.
      sp_input: a `SparseTensor`.
      num_split: number of parts; where it does not divide the size, the first ones are larger.
      axis: the dimension.
      name: name of the node.
      split_dim: the former name of `axis`.

    Returns:
      A list of `num_split` `SparseTensor`s.

    Raises:
      ValueError: if arguments are missing, or given by position.
      TypeError: if `sp_input` is no `SparseTensor`.
    """
    if keyword_required is not _KEYWORDS_ONLY:
        raise ValueError("Keyword arguments are required for this function.")
    if sp_input is None:
        raise ValueError("sp_input is required")
    if num_split is None:
        raise ValueError("num_split is required")
    if axis is None and split_dim is None:
        raise ValueError("axis is required")
    sp_input = as_sparse(sp_input)
    found = SparseSplit(
        split_dim if axis is None else axis, *parts_of(sp_input), num_split=num_split, name=name
    )
    return [SparseTensor(*parts) for parts in zip(*found, strict=True)]
