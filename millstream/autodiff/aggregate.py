"""Sums the gradients that reach one tensor along several paths."""

from typing import Any

from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.tensor import Tensor
from millstream.ops.array import concat
from millstream.ops.math import add_n, cast


@export("AggregationMethod")
class AggregationMethod:
    """How `tf.gradients` adds gradients up: at once, or (saving memory) pairwise as they come."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def aggregate(parts: list[Any], method: int | None) -> Any:
    """Returns the sum of `parts`: `IndexedSlices` if all are, else a tensor; `None` if empty.

    Raises:
      ValueError: if `method` is no `AggregationMethod`.
    """
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(p, IndexedSlices) for p in parts):
        return concat_slices(parts)
    if method in (AggregationMethod.EXPERIMENTAL_TREE, AggregationMethod.EXPERIMENTAL_ACCUMULATE_N):
        total = parts[0]
        for part in parts[1:]:
            total = add_n([total, part])
        return total
    if method not in (None, AggregationMethod.ADD_N):
        raise ValueError(f"Invalid aggregation_method specified {method}.")
    return add_n(parts)


def concat_slices(parts: list[IndexedSlices]) -> IndexedSlices:
    """Returns the sum of row-wise gradients: all their rows, one behind the other."""
    values = concat([p.values for p in parts], 0)
    rows = [p.indices for p in parts]
    wide = any(r.dtype.size == 8 for r in rows)
    if wide and not all(r.dtype.size == 8 for r in rows):
        rows = [_to_int64(r) for r in rows]
    return IndexedSlices(values, concat(rows, 0), parts[0].dense_shape)


def _to_int64(indices: Tensor) -> Tensor:
    from_type, wanted = indices.dtype.base_dtype, "int64"
    return indices if from_type.name == wanted else cast(indices, wanted)
