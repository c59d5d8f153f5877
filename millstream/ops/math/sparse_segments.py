"""Reductions of groups of rows that are picked by indices first: `SparseSegmentSum`, …"""

from typing import Any

import numpy as np

from millstream.base.dtypes import Double, Float, Int32, Int64
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Dynamic, Real, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.math.segments import gather, reduce_sorted
from millstream.ops.math.unsorted_segments import accumulate

_IDS = (Int32, Int64)
_FLOATS = (Float, Double)


@op(effect=Dynamic(), defaults={"Tidx": Int32})
def SparseSegmentSum[T: Real, Tidx: _IDS](
    data: Tensor[T], indices: Tensor[Tidx], segment_ids: Tensor[Int32]
) -> Tensor[T]:
    """Adds the rows `data[indices]` that share a segment."""


@op(static="num_segments", defaults={"Tidx": Int32, "Tnumsegments": Int32})
def SparseSegmentSumWithNumSegments[T: Real, Tidx: _IDS, Tnumsegments: _IDS](
    data: Tensor[T],
    indices: Tensor[Tidx],
    segment_ids: Tensor[Int32],
    num_segments: Tensor[Tnumsegments],
) -> Tensor[T]:
    """Adds the rows `data[indices]` that share one of `num_segments` segments."""


@op(effect=Dynamic(), defaults={"Tidx": Int32})
def SparseSegmentMean[T: _FLOATS, Tidx: _IDS](
    data: Tensor[T], indices: Tensor[Tidx], segment_ids: Tensor[Int32]
) -> Tensor[T]:
    """Averages the rows `data[indices]` that share a segment."""


@op(static="num_segments", defaults={"Tidx": Int32, "Tnumsegments": Int32})
def SparseSegmentMeanWithNumSegments[T: _FLOATS, Tidx: _IDS, Tnumsegments: _IDS](
    data: Tensor[T],
    indices: Tensor[Tidx],
    segment_ids: Tensor[Int32],
    num_segments: Tensor[Tnumsegments],
) -> Tensor[T]:
    """Averages the rows `data[indices]` that share one of `num_segments` segments."""


@op(effect=Dynamic(), defaults={"Tidx": Int32})
def SparseSegmentSqrtN[T: _FLOATS, Tidx: _IDS](
    data: Tensor[T], indices: Tensor[Tidx], segment_ids: Tensor[Int32]
) -> Tensor[T]:
    """Adds rows `data[indices]` by segments and divides by the root of their number."""


@op(static="num_segments", defaults={"Tidx": Int32, "Tnumsegments": Int32})
def SparseSegmentSqrtNWithNumSegments[T: _FLOATS, Tidx: _IDS, Tnumsegments: _IDS](
    data: Tensor[T],
    indices: Tensor[Tidx],
    segment_ids: Tensor[Int32],
    num_segments: Tensor[Tnumsegments],
) -> Tensor[T]:
    """Adds rows `data[indices]` by `num_segments` segments, over the root of their number."""


@op(static="output_dim0", defaults={"Tidx": Int32})
def SparseSegmentMeanGrad[T: _FLOATS, Tidx: _IDS](
    grad: Tensor[T], indices: Tensor[Tidx], segment_ids: Tensor[Int32], output_dim0: Tensor[Int32]
) -> Tensor[T]:
    """Computes the gradient of `SparseSegmentMean` with respect to its data."""


@op(static="output_dim0", defaults={"Tidx": Int32})
def SparseSegmentSqrtNGrad[T: _FLOATS, Tidx: _IDS](
    grad: Tensor[T], indices: Tensor[Tidx], segment_ids: Tensor[Int32], output_dim0: Tensor[Int32]
) -> Tensor[T]:
    """Computes the gradient of `SparseSegmentSqrtN` with respect to its data."""


def _weights(counts: Any, kind: str, xp: Any) -> Any:
    """Computes by what the sum of `counts` rows is multiplied."""
    counts = xp.maximum(counts, 1)
    return 1 / counts if kind == "Mean" else 1 / xp.sqrt(counts)


def _column(weights: Any, like: Any) -> Any:
    return weights.reshape(-1, *[1] * (like.ndim - 1)).astype(like.dtype)


def _picked(data: Any, indices: Any, segment_ids: Any) -> Any:
    if indices.shape != segment_ids.shape:
        message = "segment_ids and indices should have same size."
        raise InvalidArgumentError(None, None, message)
    wrong = np.flatnonzero((indices < 0) | (indices >= data.shape[0]))
    if wrong.size:
        message = f"indices[{wrong[0]}] = {indices[wrong[0]]} is not in [0, {data.shape[0]})"
        raise InvalidArgumentError(None, None, message)
    return data[indices]


def _reference(kind: str, data: Any, indices: Any, ids: Any, count: Any) -> Any:
    count = None if count is None else int(count)
    total = reduce_sorted(np.add, _picked(data, indices, ids), ids, 0, count)
    if kind == "Sum":
        return total
    counts = np.bincount(ids, minlength=len(total))
    return total * _column(_weights(counts, kind, np), total)


def _kernel(kind: str, data: Any, indices: Any, ids: Any, num: Any, check: Any) -> Any:
    rows, count = data.shape[0], int(num)
    check(jnp.all((indices >= 0) & (indices < rows)), lambda: f"indices are not in [0, {rows})")
    check(jnp.all(ids[1:] >= ids[:-1]), lambda: "segment ids are not increasing")
    check(jnp.all((ids >= 0) & (ids < count)), lambda: "segment ids must be < num_segments")
    total = jnp.zeros((count, *data.shape[1:]), data.dtype).at[ids].add(data[indices])
    if kind == "Sum":
        return total
    counts = jnp.zeros(count, np.float64).at[ids].add(1.0)
    return total * _column(_weights(counts, kind, jnp), total)


def _shape(data: Any, indices: Any, segment_ids: Any) -> Any:
    indices.with_rank(1).merge_with(segment_ids.with_rank(1))
    return TensorShape([None]).concatenate(data.with_rank_at_least(1)[1:])


def _counted_shape(data: Any, indices: Any, segment_ids: Any, num: Any, value: Any) -> Any:
    num.with_rank(0)
    if value is not None and value < 0:
        raise ValueError(f"Cannot specify a negative value for num_segments: {value}")
    rows = TensorShape([None if value is None else int(value)])
    return rows.concatenate(_shape(data, indices, segment_ids)[1:])


def _gradient(kind: str) -> Any:
    def rule(node: Any, dy: Any) -> list[Any]:
        data, indices, ids, *rest = node.inputs
        rows = ops.Shape(data)[0]
        if kind == "Sum":
            dx = ops.UnsortedSegmentSum(gather(dy, ids), indices, rows)
        else:
            dx = getattr(ops, f"SparseSegment{kind}Grad")(dy, indices, ids, rows)
        return [dx, None, None, *[None for _ in rest]]

    return rule


def _hang(opdef: OpDef, counted: OpDef, kind: str) -> None:
    opdef.shape(_shape)
    opdef.reference(
        lambda data, indices, segment_ids: _reference(kind, data, indices, segment_ids, None)
    )
    counted.shape(
        lambda data, indices, segment_ids, num_segments, num_segments_value: _counted_shape(
            data, indices, segment_ids, num_segments, num_segments_value
        )
    )
    counted.reference(
        lambda data, indices, segment_ids, num_segments: _reference(
            kind, data, indices, segment_ids, num_segments
        )
    )
    counted.kernel(
        lambda data, indices, segment_ids, num_segments, check: _kernel(
            kind, data, indices, segment_ids, num_segments, check
        )
    )
    picks, ids = np.array([3, 0, 0, 2], np.int32), np.array([0, 0, 1, 3], np.int32)
    for each, rest in ((opdef, ()), (counted, (5,))):
        each.gradient(_gradient(kind))
        each.examples(f[4, 3], picks, ids, *rest).examples(f[4], picks, ids, *rest)
        each.fails("not increasing", f[4, 3], picks, ids[::-1].copy(), *rest)
        each.fails("is not in [0, 2)", f[2, 3], picks, ids, *rest)
    counted.fails("must be < num_segments", f[4, 3], picks, ids, 3)


_hang(SparseSegmentSum, SparseSegmentSumWithNumSegments, "Sum")
_hang(SparseSegmentMean, SparseSegmentMeanWithNumSegments, "Mean")
_hang(SparseSegmentSqrtN, SparseSegmentSqrtNWithNumSegments, "SqrtN")


# -- gradients


def _gradient_shape(grad: Any, indices: Any, segment_ids: Any, output_dim0_value: Any) -> Any:
    indices.with_rank(1).merge_with(segment_ids.with_rank(1))
    rows = None if output_dim0_value is None else int(output_dim0_value)
    return TensorShape([rows]).concatenate(grad.with_rank_at_least(1)[1:])


def _spread_reference(kind: str, grad: Any, indices: Any, ids: Any, rows: Any) -> Any:
    if np.any((indices < 0) | (indices >= rows)):
        raise InvalidArgumentError(None, None, f"indices are not in [0, {int(rows)})")
    counts = np.bincount(ids, minlength=grad.shape[0])
    scaled = grad * _column(_weights(counts, kind, np), grad)
    out = np.zeros((int(rows), *grad.shape[1:]), grad.dtype)
    accumulate(np.add, out, indices, _picked(scaled, ids, indices))
    return out


def _spread_kernel(kind: str, grad: Any, indices: Any, ids: Any, rows: Any, check: Any) -> Any:
    rows, count = int(rows), grad.shape[0]
    check(jnp.all((indices >= 0) & (indices < rows)), lambda: f"indices are not in [0, {rows})")
    check(jnp.all((ids >= 0) & (ids < count)), lambda: f"segment ids are not in [0, {count})")
    counts = jnp.zeros(count, np.float64).at[ids].add(1.0)
    scaled = grad * _column(_weights(counts, kind, jnp), grad)
    return jnp.zeros((rows, *grad.shape[1:]), grad.dtype).at[indices].add(scaled[ids])


def _hang_gradient(opdef: OpDef, kind: str) -> None:
    opdef.shape(_gradient_shape)
    opdef.reference(
        lambda grad, indices, segment_ids, output_dim0: _spread_reference(
            kind, grad, indices, segment_ids, output_dim0
        )
    )
    opdef.kernel(
        lambda grad, indices, segment_ids, output_dim0, check: _spread_kernel(
            kind, grad, indices, segment_ids, output_dim0, check
        )
    )
    opdef.no_gradient("TensorFlow 1 defines none")
    picks, ids = np.array([0, 2, 2], np.int32), np.array([0, 0, 1], np.int32)
    opdef.examples(f[2, 3], picks, ids, 4).fails("not in [0, 2)", f[2, 3], picks, ids, 2)


_hang_gradient(SparseSegmentMeanGrad, "Mean")
_hang_gradient(SparseSegmentSqrtNGrad, "SqrtN")
