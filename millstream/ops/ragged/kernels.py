"""The ops on ragged tensors: RaggedRange, RaggedGather, RaggedTensorToSparse, …ToTensor.

A ragged tensor is its splits, outermost first, and its flat values: row `i` of a level has the
elements `splits[i]` to `splits[i + 1]` of the level below.
"""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    AtLeast,
    BFloat16,
    Double,
    Dynamic,
    Float,
    Int32,
    Int64,
    Returns,
    Tensor,
    Tensors,
    Type,
    f,
    op,
)
from millstream.ops.by_name import ops


def invalid(message):
    """Makes the error for operands that do not fit together."""
    return errors.InvalidArgumentError(None, None, message)


def check_splits(splits, count):
    """Checks row splits.

    Raises:
      InvalidArgumentError: if they do not begin with 0, decrease, or do not end at `count`.
    """
    if splits.ndim != 1 or not len(splits):
        raise invalid("row_splits must be a vector of at least one element")
    if splits[0] != 0:
        raise invalid(f"First value of ragged splits must be 0, not {splits[0]}")
    if (np.diff(splits) < 0).any():
        raise invalid("Ragged splits must be sorted in ascending order")
    if splits[-1] != count:
        raise invalid(f"Last value of ragged splits must be {count}, not {splits[-1]}")


def row_ids(splits):
    """Returns the row of each element."""
    return np.repeat(np.arange(len(splits) - 1), np.diff(splits))


@op(effect=Dynamic(), defaults={"T": Int32})
def RaggedRange[T: (BFloat16, Float, Double, Int32, Int64)](
    starts: Tensor[T], limits: Tensor[T], deltas: Tensor[T], *, Tsplits: Type[Int32, Int64] = Int64
) -> Returns(rt_nested_splits=Tensor["Tsplits"], rt_dense_values=Tensor[T]):
    """Gives a row of evenly spaced numbers for each start, limit and step."""


@RaggedRange.shape
def _(starts, limits, deltas):
    rows = None
    for each in (starts, limits, deltas):
        each.with_rank_at_most(1)
        if each.ndims == 1 and each.as_list()[0] is not None:
            rows = each.as_list()[0] + 1
    return [rows], [None]


@RaggedRange.reference
def _(starts, limits, deltas, Tsplits, T):
    lengths = {np.shape(x)[0] for x in (starts, limits, deltas) if np.ndim(x)}
    if len(lengths) > 1:
        raise invalid("starts, limits, and deltas must have the same shape")
    starts, limits, deltas = np.broadcast_arrays(*map(np.atleast_1d, (starts, limits, deltas)))
    if (deltas == 0).any():
        raise invalid("Requires delta != 0")
    rows = [np.arange(a, b, d) for a, b, d in zip(starts, limits, deltas, strict=True)]
    splits = np.cumsum([0, *map(len, rows)]).astype(Tsplits.np)
    values = np.concatenate(rows) if rows else np.zeros(0)
    return splits, values.astype(T.np)


RaggedRange.no_gradient("TensorFlow 1 defines none")
RaggedRange.examples(np.array([0, 5], np.int32), np.array([3, 1], np.int32), np.int32(1))
RaggedRange.fails("delta != 0", np.array([0], np.int32), np.array([3], np.int32), np.int32(0))


@op(effect=Dynamic(), defaults={"Tsplits": Int64})
def RaggedGather[Tvalues, Tindices: (Int32, Int64), Tsplits: (Int32, Int64)](
    params_nested_splits: Tensors[Tsplits, "PARAMS_RAGGED_RANK"],
    params_dense_values: Tensor[Tvalues],
    indices: Tensor[Tindices],
    *,
    OUTPUT_RAGGED_RANK: AtLeast(0),
) -> Returns(
    output_nested_splits=Tensors[Tsplits, "OUTPUT_RAGGED_RANK"],
    output_dense_values=Tensor[Tvalues],
):
    """Takes rows of a ragged tensor."""


@RaggedGather.shape
def _(params_dense_values, OUTPUT_RAGGED_RANK):
    values = None
    if params_dense_values.ndims is not None:
        values = [None, *params_dense_values.as_list()[1:]]
    return *([[None]] * OUTPUT_RAGGED_RANK), values


@RaggedGather.reference
def _(params_nested_splits, params_dense_values, indices, OUTPUT_RAGGED_RANK):
    splits, rows = params_nested_splits, np.asarray(indices).reshape(-1)
    for level, each in enumerate(splits):
        inner = splits[level + 1 :]
        check_splits(each, len(inner[0]) - 1 if inner else len(params_dense_values))
    count = len(splits[0]) - 1
    if ((rows < 0) | (rows >= count)).any():
        at = int(np.argmax((rows < 0) | (rows >= count)))
        raise invalid(f"indices[{at}] = {rows[at]} is not in [0, {count})")
    taken = []
    for each in splits:
        sizes = np.diff(each)[rows]
        taken.append(np.concatenate([[0], np.cumsum(sizes)]).astype(each.dtype))
        starts = each[:-1][rows]
        rows = np.repeat(starts - taken[-1][:-1], sizes) + np.arange(taken[-1][-1])
    outer = _outer_splits(np.shape(indices), OUTPUT_RAGGED_RANK - len(splits), splits[0].dtype)
    return *outer, *taken, params_dense_values[rows]


def _outer_splits(shape, count, dtype):
    """Returns the splits of the dense outer dimensions of indices."""
    found = []
    for axis in range(count):
        rows, width = int(np.prod(shape[: axis + 1])), shape[axis + 1]
        found.append((np.arange(rows + 1) * width).astype(dtype))
    return found


@RaggedGather.gradient
def _(node, *dys):
    count = node.attrs["PARAMS_RAGGED_RANK"]
    splits, values, indices = node.inputs[:count], node.inputs[count], node.inputs[count + 1]
    places = ops.Range(0, ops.Shape(values)[0], 1)
    taken = RaggedGather(
        splits, places, indices, OUTPUT_RAGGED_RANK=node.attrs["OUTPUT_RAGGED_RANK"]
    )[-1]
    d_values = ops.UnsortedSegmentSum(dys[-1], taken, ops.Shape(values)[0])
    return [None] * count + [d_values, None]


_SPLITS = np.array([0, 2, 2, 5], np.int64)
RaggedGather.examples([_SPLITS], f[5], np.array([2, 0], np.int32), OUTPUT_RAGGED_RANK=1)
RaggedGather.examples([_SPLITS], f[5, 2], np.array([[2, 0], [1, 1]]), OUTPUT_RAGGED_RANK=2)
RaggedGather.fails("is not in", [_SPLITS], f[5], np.array([3], np.int32), OUTPUT_RAGGED_RANK=1)


@op(effect=Dynamic(), defaults={"Tsplits": Int64})
def RaggedTensorToSparse[T, Tsplits: (Int32, Int64)](
    rt_nested_splits: Tensors[Tsplits, "RAGGED_RANK"], rt_dense_values: Tensor[T]
) -> Returns(
    sparse_indices=Tensor[Int64], sparse_values=Tensor[T], sparse_dense_shape=Tensor[Int64]
):
    """Gives the elements of a ragged tensor as a sparse one."""


@RaggedTensorToSparse.shape
def _(rt_nested_splits, rt_dense_values):
    if rt_dense_values.ndims is None:
        return [None, None], [None], [None]
    rank = rt_dense_values.ndims + len(rt_nested_splits)
    count = rt_dense_values.num_elements()
    return [count, rank], [count], [rank]


@RaggedTensorToSparse.reference
def _(rt_nested_splits, rt_dense_values):
    columns, shape = [], [len(rt_nested_splits[0]) - 1]
    for level, splits in enumerate(rt_nested_splits):
        inner = rt_nested_splits[level + 1 :]
        check_splits(splits, len(inner[0]) - 1 if inner else len(rt_dense_values))
        rows = row_ids(splits)
        columns = [column[rows] for column in columns] if columns else [rows]
        columns.append(np.arange(splits[-1]) - splits[:-1][rows])
        shape.append(int(np.diff(splits).max(initial=0)))
    inner = rt_dense_values.shape[1:]
    width = int(np.prod(inner))
    places = np.repeat(np.stack(columns, axis=1), width, axis=0)
    if inner:
        within = np.indices(inner).reshape(len(inner), -1).T
        places = np.concatenate([places, np.tile(within, (len(rt_dense_values), 1))], axis=1)
    shape = np.array([*shape, *inner], np.int64)
    return places.astype(np.int64), rt_dense_values.reshape(-1), shape


@RaggedTensorToSparse.gradient
def _(node, _d_indices, d_values, _d_shape):
    values = node.inputs[-1]
    return [None] * (len(node.inputs) - 1) + [ops.Reshape(d_values, ops.Shape(values))]


RaggedTensorToSparse.examples([_SPLITS], f[5])
RaggedTensorToSparse.examples([np.array([0, 1, 3], np.int64), _SPLITS], f[5, 2])
RaggedTensorToSparse.fails("must be 5", [np.array([0, 4], np.int64)], f[5])


@op(effect=Dynamic())
def RaggedTensorToTensor[T, Tindex: (Int32, Int64), Tshape: (Int32, Int64)](
    shape: Tensor[Tshape],
    values: Tensor[T],
    default_value: Tensor[T],
    row_partition_tensors: Tensors[Tindex, "num_row_partition_tensors"],
    *,
    row_partition_types: list[str],
) -> Returns(result=Tensor[T]):
    """Gives a ragged tensor as a dense one, padded, and cut to `shape` where that is known."""


@RaggedTensorToTensor.shape
def _(values, row_partition_types):
    if values.ndims is None:
        return None
    levels = sum(kind == "ROW_SPLITS" for kind in row_partition_types)
    return [*[None] * (levels + 1), *values.as_list()[1:]]


@RaggedTensorToTensor.reference
def _(shape, values, default_value, row_partition_tensors, row_partition_types):
    if any(kind != "ROW_SPLITS" for kind in row_partition_types):
        raise invalid(f"Unsupported row partition types {row_partition_types}")
    splits = row_partition_tensors
    sizes = [len(splits[0]) - 1]
    places = [np.arange(sizes[0])]
    for level, each in enumerate(splits):
        inner = splits[level + 1 :]
        check_splits(each, len(inner[0]) - 1 if inner else len(values))
        rows = row_ids(each)
        places = [place[rows] for place in places]
        places.append(np.arange(each[-1]) - each[:-1][rows])
        sizes.append(int(np.diff(each).max(initial=0)))
    wanted = [int(d) for d in np.ravel(shape)][: len(sizes)]
    for axis, size in enumerate(wanted):
        sizes[axis] = sizes[axis] if size < 0 else size
    result = np.empty((*sizes, *values.shape[1:]), values.dtype)
    result[...] = default_value
    inside = np.ones(len(values), bool)
    for place, size in zip(places, sizes, strict=True):
        inside &= place < size
    result[tuple(place[inside] for place in places)] = values[inside]
    return result


@RaggedTensorToTensor.gradient
def _(node, dy):
    _, values, default_value, *splits = node.inputs
    indices, _, _ = RaggedTensorToSparse(splits, ops.Range(0, ops.Shape(values)[0], 1))
    # Places that were cut off do not take part.
    sizes = ops.Cast(ops.Shape(dy), DstT=Int64)[: len(splits) + 1]
    inside = ops.All(ops.Less(indices, sizes), 1)
    safe = indices * ops.ExpandDims(ops.Cast(inside, DstT=Int64), 1)
    d_values = ops.GatherNd(dy, safe)
    mask = ops.Reshape(
        ops.Cast(inside, DstT=dy.dtype),
        ops.ConcatV2([[-1], ops.OnesLike(ops.Shape(d_values)[1:])], 0),
    )
    d_values = d_values * mask
    d_default = ops.Sum(dy, ops.Range(0, ops.Rank(dy), 1)) - ops.Sum(
        d_values, ops.Range(0, ops.Rank(d_values), 1)
    )
    d_default = d_default if default_value.shape.ndims == 0 else None
    return [None, d_values, d_default] + [None] * len(splits)


RaggedTensorToTensor.examples(
    np.array([-1, -1], np.int64), f[5], f[()], [_SPLITS], row_partition_types=["ROW_SPLITS"]
)
RaggedTensorToTensor.examples(
    *(np.array([2, 2], np.int64), f[5, 2], f[()], [_SPLITS]), row_partition_types=["ROW_SPLITS"]
)
RaggedTensorToTensor.fails(
    "Unsupported",
    *(np.array([-1, -1], np.int64), f[5], f[()], [_SPLITS]),
    row_partition_types=["VALUE_ROWIDS"],
)
