"""Public functions on groups of rows: `tf.segment_sum`, `tf.unsorted_segment_mean`, …"""

from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.opdef import OpDef
from millstream.ir.scopes import name_scope
from millstream.ops.array.filling import ones
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math import segments as s
from millstream.ops.math import sparse_segments as p
from millstream.ops.math import unsorted_segments as u
from millstream.ops.math.functions import sqrt

_SORTED = """{what} the rows that share a segment.

Args:
  data: `[rows, …]`.
  segment_ids: `[rows]`, integers that start at 0 or above and never decrease.
  name: name for the node.

Returns:
  `[last id + 1, …]`, of the same type.

Raises:
  InvalidArgumentError: at run time, if the ids decrease.
"""


def _sorted(opdef: OpDef, leaf: str, what: str) -> Any:
    def fn(data: Any, segment_ids: Any, name: Any = None) -> Any:
        return opdef(data, segment_ids, name=name)

    fn.__name__ = fn.__qualname__ = leaf
    fn.__doc__ = _SORTED.format(what=what)
    return export(leaf, f"math.{leaf}", module=__name__)(fn)


segment_sum = _sorted(s.SegmentSum, "segment_sum", "Adds")
segment_mean = _sorted(s.SegmentMean, "segment_mean", "Averages")
segment_prod = _sorted(s.SegmentProd, "segment_prod", "Multiplies")
segment_max = _sorted(s.SegmentMax, "segment_max", "Takes the largest of")
segment_min = _sorted(s.SegmentMin, "segment_min", "Takes the smallest of")

_UNSORTED = """{what} the elements that share a segment, whose ids come in any order.

Args:
  data: `[…, …]`, whose shape starts with that of the ids.
  segment_ids: integers; elements of negative ids are dropped.
  num_segments: how many segments there are.
  name: name for the node.

Returns:
  `[num_segments, …]`, of the same type.

Raises:
  InvalidArgumentError: at run time, if an id is not below `num_segments`.
"""


def _unsorted(opdef: OpDef, leaf: str, what: str) -> Any:
    def fn(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> Any:
        return opdef(data, segment_ids, num_segments, name=name)

    fn.__name__ = fn.__qualname__ = leaf
    fn.__doc__ = _UNSORTED.format(what=what)
    return export(leaf, f"math.{leaf}", module=__name__)(fn)


unsorted_segment_sum = _unsorted(u.UnsortedSegmentSum, "unsorted_segment_sum", "Adds")
unsorted_segment_prod = _unsorted(u.UnsortedSegmentProd, "unsorted_segment_prod", "Multiplies")
unsorted_segment_max = _unsorted(
    u.UnsortedSegmentMax, "unsorted_segment_max", "Takes the largest of"
)
unsorted_segment_min = _unsorted(
    u.UnsortedSegmentMin, "unsorted_segment_min", "Takes the smallest of"
)


def _how_many(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Counts the elements of each segment, at least 1, in a shape that broadcasts with sums."""
    counted = ones(shape(segment_ids), dtype=data.dtype)
    counts = u.UnsortedSegmentSum(counted, segment_ids, num_segments)
    if data.shape.ndims is None or segment_ids.shape.ndims is None:
        raise TypeError("the ranks of data and segment_ids must be known")
    sizes = [num_segments] + [1] * (data.shape.ndims - segment_ids.shape.ndims)
    return ops.Maximum(ops.Reshape(counts, sizes), np.ones((), data.dtype.base_dtype.np))


def _mean(
    scope: str, name: Any, data: Any, segment_ids: Any, num_segments: Any, divisor: Any
) -> Any:
    with name_scope(name, scope):
        data = to_tensor(data)
        segment_ids = to_tensor(segment_ids)
        counts = _how_many(data, segment_ids, num_segments)
        total = u.UnsortedSegmentSum(data, segment_ids, num_segments)
        return total / divisor(counts)


@export("unsorted_segment_mean", "math.unsorted_segment_mean")
def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> Any:
    """Averages the elements that share a segment, whose ids come in any order.

    Args:
      data: `[…, …]`, whose shape starts with that of the ids.
      segment_ids: integers; elements of negative ids are dropped.
      num_segments: how many segments there are.
      name: name for the nodes.

    Returns:
      `[num_segments, …]`, of the same type; 0 where a segment is empty.
    """
    return _mean("UnsortedSegmentMean", name, data, segment_ids, num_segments, lambda n: n)


@export("unsorted_segment_sqrt_n", "math.unsorted_segment_sqrt_n")
def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: Any = None
) -> Any:
    """Adds the elements that share a segment and divides by the root of their number.

    Args:
      data: `[…, …]`, whose shape starts with that of the ids.
      segment_ids: integers; elements of negative ids are dropped.
      num_segments: how many segments there are.
      name: name for the nodes.

    Returns:
      `[num_segments, …]`, of the same type; 0 where a segment is empty.
    """
    return _mean("UnsortedSegmentSqrtN", name, data, segment_ids, num_segments, sqrt)


_PICKED = """{what} the rows `data[indices]` that share a segment.

Args:
  data: `[rows, …]`.
  indices: `[n]`, the rows to take.
  segment_ids: `[n]`, int32 numbers that never decrease.
  name: name for the node.
  num_segments: how many segments there are; by default as many as the ids name.

Returns:
  `[num_segments, …]`, of the same type.

Raises:
  InvalidArgumentError: at run time, for ids that decrease and rows that do not exist.
"""


def _sparse(opdef: OpDef, counted: OpDef, leaf: str, what: str) -> Any:
    def fn(
        data: Any, indices: Any, segment_ids: Any, name: Any = None, num_segments: Any = None
    ) -> Any:
        if num_segments is None:
            return opdef(data, indices, segment_ids, name=name)
        return counted(data, indices, segment_ids, num_segments, name=name)

    fn.__name__ = fn.__qualname__ = f"sparse_{leaf}"
    fn.__doc__ = _PICKED.format(what=what)
    return export(f"sparse_{leaf}", f"sparse.{leaf}", module=__name__)(fn)


sparse_segment_sum = _sparse(
    p.SparseSegmentSum, p.SparseSegmentSumWithNumSegments, "segment_sum", "Adds"
)
sparse_segment_mean = _sparse(
    p.SparseSegmentMean, p.SparseSegmentMeanWithNumSegments, "segment_mean", "Averages"
)
sparse_segment_sqrt_n = _sparse(
    p.SparseSegmentSqrtN, p.SparseSegmentSqrtNWithNumSegments, "segment_sqrt_n",
    "Adds, and divides by the root of their number,",
)  # fmt: skip
