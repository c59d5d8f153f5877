"""Reductions of groups of rows named by sorted ids: `SegmentSum`, `SegmentMax`, …"""

from typing import Any

import numpy as np

from millstream.base.dtypes import Int32, Int64
from millstream.base.errors import InvalidArgumentError
from millstream.base.shapes import TensorShape
from millstream.ir.spec import Dynamic, Number, Real, Tensor, f, i, op
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast

_IDS = (Int32, Int64)


# -- dense data


_segment = op(effect=Dynamic())


@_segment
def SegmentSum[T: Number, Tindices: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices]
) -> Tensor[T]:
    """Adds the rows that share a segment; the ids are sorted."""


@_segment
def SegmentMean[T: Number, Tindices: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices]
) -> Tensor[T]:
    """Averages the rows that share a segment; the ids are sorted."""


@_segment
def SegmentProd[T: Number, Tindices: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices]
) -> Tensor[T]:
    """Multiplies the rows that share a segment; the ids are sorted."""


@_segment
def SegmentMax[T: Real, Tindices: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices]
) -> Tensor[T]:
    """Takes the largest of the rows that share a segment; the ids are sorted."""


@_segment
def SegmentMin[T: Real, Tindices: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices]
) -> Tensor[T]:
    """Takes the smallest of the rows that share a segment; the ids are sorted."""


def _rows_unknown(data: TensorShape, segment_ids: TensorShape) -> TensorShape:
    segment_ids = segment_ids.with_rank(1)
    data = data.with_rank_at_least(1)
    segment_ids.merge_with(data[:1])
    return TensorShape([None]).concatenate(data[1:])


def _check_sorted(ids: Any, rows: int) -> None:
    """Raises InvalidArgumentError unless there is one id for each row, and they never decrease."""
    if ids.shape != (rows,):
        message = "segment_ids should be the same size as dimension 0 of input."
        raise InvalidArgumentError(None, None, message)
    if ids.size and (ids[0] < 0 or np.any(ids[1:] < ids[:-1])):
        raise InvalidArgumentError(None, None, "segment ids are not increasing")


def reduce_sorted(ufunc: Any, data: Any, ids: Any, fill: Any, count: int | None = None) -> Any:
    """Reduces rows by sorted ids; rows of the result that no id names get `fill`."""
    _check_sorted(ids, data.shape[0])
    rows = int(ids[-1]) + 1 if ids.size else 0
    if count is not None and rows > count:
        raise InvalidArgumentError(None, None, "segment ids must be < num_segments")
    shape = (rows if count is None else count, *data.shape[1:])
    out = np.full(shape, fill, data.dtype)
    if ids.size:
        starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
        out[ids[starts]] = ufunc.reduceat(data, starts, axis=0, dtype=data.dtype)
    return out


def _counts(ids: Any, rows: int, rank: int, dtype: Any) -> Any:
    counts = np.maximum(np.bincount(ids, minlength=rows), 1)
    return counts.reshape(-1, *[1] * (rank - 1)).astype(dtype)


def _mean(data: Any, segment_ids: Any) -> Any:
    total = reduce_sorted(np.add, data, segment_ids, 0)
    counts = _counts(segment_ids, len(total), data.ndim, data.dtype)
    if data.dtype.kind in "iu":
        return (np.sign(total) * (np.abs(total) // counts)).astype(data.dtype)
    return total / counts


for _op, _reference in (
    (SegmentSum, lambda data, segment_ids: reduce_sorted(np.add, data, segment_ids, 0)),
    (SegmentMean, _mean),
    (SegmentProd, lambda data, segment_ids: reduce_sorted(np.multiply, data, segment_ids, 1)),
    (SegmentMax, lambda data, segment_ids: reduce_sorted(np.maximum, data, segment_ids, 0)),
    (SegmentMin, lambda data, segment_ids: reduce_sorted(np.minimum, data, segment_ids, 0)),
):
    _op.shape(_rows_unknown)
    _op.reference(_reference)
    _op.examples(f[4, 3], np.array([0, 0, 2, 3], np.int32))
    _op.examples(f[3], np.array([1, 1, 1], np.int64)).examples(i[0, 2], np.zeros(0, np.int32))
    _op.fails("not increasing", f[3, 2], np.array([0, 2, 1], np.int32))
    _op.fails("not compatible", f[3, 2], np.array([0, 1], np.int32))
SegmentProd.no_gradient("TensorFlow 1 defines none")


@SegmentSum.gradient
def _(node, dy):
    return [gather(dy, node.inputs[1]), None]


@SegmentMean.gradient
def _(node, dy):
    data, ids = node.inputs
    counts = SegmentSum(ones_for(ids, dy), ids)
    return [gather(dy / align(counts, 1, data), ids), None]


def _extreme_gradient(node: Any, dy: Any) -> list[Any]:
    data, ids = node.inputs
    chosen = ops.Equal(data, gather(node.outputs[0], ids))
    shares = dy / SegmentSum(cast(chosen, dy.dtype.base_dtype), ids)
    return [ops.Select(chosen, gather(shares, ids), ops.ZerosLike(data)), None]


SegmentMax.gradient(_extreme_gradient)
SegmentMin.gradient(_extreme_gradient)


def gather(params: Any, indices: Any) -> Any:
    """Takes rows."""
    return ops.GatherV2(params, indices, np.int32(0))


def ones_for(ids: Any, like: Any) -> Any:
    """Makes a one for each id, of the type of `like`."""
    return ops.Fill(ops.Shape(ids), np.ones((), like.dtype.base_dtype.np))


def align(x: Any, rank: int, like: Any) -> Any:
    """Appends sizes of 1 to a tensor of `rank`, so that it broadcasts with the rows of `like`."""
    if like.shape.ndims is None:
        ones = ops.Fill(ops.ExpandDims(ops.Rank(like) - rank, 0), np.int32(1))
        return ops.Reshape(x, ops.ConcatV2([ops.Shape(x), ones], np.int32(0)))
    for _ in range(like.shape.ndims - rank):
        x = ops.ExpandDims(x, -1)
    return x
