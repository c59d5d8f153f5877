"""Reductions of groups of elements named by ids in any order: `UnsortedSegmentSum`, …"""

from typing import Any

import numpy as np

from millstream.base.dtypes import Int32, Int64
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Number, Real, Tensor, f, i, op
from millstream.ops.by_name import ops
from millstream.ops.math._reducing import highest, lowest
from millstream.ops.math.cast import cast
from millstream.ops.math.segments import align, gather

_IDS = (Int32, Int64)
_unsorted = op(static="num_segments", defaults={"Tnumsegments": Int32})


@_unsorted
def UnsortedSegmentSum[T: Number, Tindices: _IDS, Tnumsegments: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices], num_segments: Tensor[Tnumsegments]
) -> Tensor[T]:
    """Adds the elements that share a segment; those of negative ids are dropped."""


@_unsorted
def UnsortedSegmentProd[T: Number, Tindices: _IDS, Tnumsegments: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices], num_segments: Tensor[Tnumsegments]
) -> Tensor[T]:
    """Multiplies the elements that share a segment; those of negative ids are dropped."""


@_unsorted
def UnsortedSegmentMax[T: Real, Tindices: _IDS, Tnumsegments: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices], num_segments: Tensor[Tnumsegments]
) -> Tensor[T]:
    """Takes the largest of the elements that share a segment; the lowest number of none."""


@_unsorted
def UnsortedSegmentMin[T: Real, Tindices: _IDS, Tnumsegments: _IDS](
    data: Tensor[T], segment_ids: Tensor[Tindices], num_segments: Tensor[Tnumsegments]
) -> Tensor[T]:
    """Takes the smallest of the elements that share a segment; the highest number of none."""


def _shape(data: Any, segment_ids: Any, num_segments: Any, num_segments_value: Any) -> Any:
    num_segments.with_rank(0)
    rank = segment_ids.ndims
    if rank is None or data.ndims is None:
        return None
    if not data[:rank].is_compatible_with(segment_ids):
        raise ValueError(f"data.shape {data} does not start with segment_ids.shape {segment_ids}")
    if num_segments_value is not None and num_segments_value < 0:
        raise ValueError(
            "Dimension size, given by scalar input 2, must be non-negative but is "
            f"{num_segments_value}"
        )
    rows = None if num_segments_value is None else int(num_segments_value)
    return TensorShape([rows]).concatenate(data[rank:])


def _start(dtype: Any, initial: Any) -> Any:
    return initial(dtype) if callable(initial) else dtype.type(initial)


def _finite_lowest(dtype: Any) -> Any:
    """Is what the maximum of no elements gives: the lowest finite number."""
    return lowest(dtype) if dtype.kind in "iu" else -_largest(dtype)


def _finite_highest(dtype: Any) -> Any:
    return highest(dtype) if dtype.kind in "iu" else _largest(dtype)


def _largest(dtype: Any) -> Any:
    return dtype.type(np.frombuffer(np.int64(_LARGEST_BITS[dtype.name]).tobytes(), dtype)[0])


_LARGEST_BITS = {
    "float16": 0x7BFF,
    "bfloat16": 0x7F7F,
    "float32": 0x7F7FFFFF,
    "float64": 0x7FEFFFFFFFFFFFFF,
}


def _reference(data: Any, ids: Any, num: Any, ufunc: Any, initial: Any) -> Any:
    count = int(num)
    if data.shape[: ids.ndim] != ids.shape:
        raise InvalidArgumentError(
            None, None,
            f"data.shape = {list(data.shape)} does not start with "
            f"segment_ids.shape = {list(ids.shape)}",
        )  # fmt: skip
    flat = ids.ravel()
    wrong = np.flatnonzero(flat >= count)
    if wrong.size:
        raise InvalidArgumentError(None, None, _out_of_range(ids, count))
    rows = data.reshape(-1, *data.shape[ids.ndim :])
    if flat.size and flat.min() < 0:
        rows, flat = rows[flat >= 0], flat[flat >= 0]
    out = np.full((count, *rows.shape[1:]), _start(data.dtype, initial), data.dtype)
    accumulate(ufunc, out, flat, rows)
    return out


def accumulate(ufunc: Any, out: Any, ids: Any, rows: Any) -> None:
    """Combines rows into the rows of `out` that `ids` name; equal ids in their order."""
    if rows.ndim == 1 or rows.size < _FEW:
        ufunc.at(out, ids, rows)
        return
    # `ufunc.at` goes row by row; over sorted ids `reduceat` is several times faster.
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    totals = ufunc.reduceat(rows[order], starts, axis=0, dtype=rows.dtype)
    targets = ordered[starts]
    out[targets] = ufunc(out[targets], totals)


_FEW = 512


def _out_of_range(ids: Any, count: int) -> str:
    where = np.argwhere(ids >= count)[0]
    place = ",".join(map(str, where))
    return f"segment_ids[{place}] = {ids[tuple(where)]} is out of range [0, {count})"


def _kernel(data: Any, ids: Any, num: Any, check: Any, method: str, initial: Any) -> Any:
    count = int(num)
    check(jnp.all(ids < count), lambda found: _out_of_range(found, count), ids)
    flat = ids.reshape(-1)
    # What lies outside is dropped, but negative indices would count from the end.
    flat = jnp.where(flat < 0, count, flat)
    rows = data.reshape(-1, *data.shape[ids.ndim :])
    out = jnp.full((count, *rows.shape[1:]), _start(data.dtype, initial), data.dtype)
    return getattr(out.at[flat], method)(rows, mode="drop")


def _hang(opdef: OpDef, ufunc: Any, method: str, initial: Any) -> None:
    opdef.shape(_shape)
    opdef.reference(
        lambda data, segment_ids, num_segments: _reference(
            data, segment_ids, num_segments, ufunc, initial
        )
    )
    opdef.kernel(
        lambda data, segment_ids, num_segments, check: _kernel(
            data, segment_ids, num_segments, check, method, initial
        )
    )
    ids, filled = np.array([2, -1, 2, 0], np.int32), np.array([1, -1, 1, 0], np.int32)
    # Every segment has elements: the extremes of none are too large to differentiate by.
    opdef.examples(f[4, 3], filled, 2).examples(f[4], filled.astype(np.int64), 2)
    opdef.examples(i[2, 2], np.array([[0, 1], [1, 0]], np.int32), np.int64(2))
    opdef.fails("segment_ids[0] = 2 is out of range [0, 2)", f[4, 3], ids, 2)
    opdef.fails("must be non-negative but is -1", f[4, 3], ids, -1)
    opdef.fails("does not start with", f[3, 3], ids, 4)


_hang(UnsortedSegmentSum, np.add, "add", 0)
_hang(UnsortedSegmentProd, np.multiply, "multiply", 1)
_hang(UnsortedSegmentMax, np.maximum, "max", _finite_lowest)
_hang(UnsortedSegmentMin, np.minimum, "min", _finite_highest)


# -- gradients


def _gather_known(params: Any, ids: Any) -> Any:
    """Takes rows, zeros for negative ids."""
    rows = gather(params, ops.Maximum(ids, np.zeros((), ids.dtype.base_dtype.np)))
    known = ops.GreaterEqual(ids, np.zeros((), ids.dtype.base_dtype.np))
    zero = np.zeros((), params.dtype.base_dtype.np)
    return ops.SelectV2(_aligned(known, ids, rows), rows, zero)


def _aligned(known: Any, ids: Any, rows: Any) -> Any:
    if ids.shape.ndims is not None:
        return align(known, ids.shape.ndims, rows)
    ones = ops.Fill(ops.ExpandDims(ops.Rank(rows) - ops.Rank(ids), 0), np.int32(1))
    return ops.Reshape(known, ops.ConcatV2([ops.Shape(ids), ones], np.int32(0)))


@UnsortedSegmentSum.gradient
def _(node, dy):
    return [_gather_known(dy, node.inputs[1]), None, None]


def _extreme_gradient(node: Any, dy: Any) -> list[Any]:
    data, ids, count = node.inputs
    chosen = ops.Equal(data, _gather_known(node.outputs[0], ids))
    known = ops.GreaterEqual(ids, np.zeros((), ids.dtype.base_dtype.np))
    chosen = ops.LogicalAnd(chosen, _aligned(known, ids, data))
    winners = UnsortedSegmentSum(cast(chosen, dy.dtype.base_dtype), ids, count)
    share = _gather_known(dy / winners, ids)
    return [ops.SelectV2(chosen, share, np.zeros((), dy.dtype.base_dtype.np)), None, None]


UnsortedSegmentMax.gradient(_extreme_gradient)
UnsortedSegmentMin.gradient(_extreme_gradient)


@UnsortedSegmentProd.gradient
def _(node, dy):
    data, ids, count = node.inputs
    zero = ops.Equal(data, np.zeros((), data.dtype.base_dtype.np))
    zeros = UnsortedSegmentSum(cast(zero, Int32), ids, count)
    # With two zeros in a segment no element changes the product.
    dy = ops.Select(ops.Greater(zeros, np.int32(1)), ops.ZerosLike(dy), dy)
    filled = ops.Select(zero, ops.OnesLike(data), data)
    others = _gather_known(UnsortedSegmentProd(filled, ids, count), ids)
    product = _gather_known(node.outputs[0], ids)
    slope = ops.Select(zero, others, product / filled)
    return [_gather_known(dy, ids) * slope, None, None]
