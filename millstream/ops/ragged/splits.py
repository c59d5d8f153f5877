"""Row splits of ragged tensors, made of lengths and rows, and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import Int32, Int64
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.array.joining import concat, stack
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_max
from millstream.ops.math.cast import cast


def as_indices(value: Any, name: str) -> Tensor:
    """Returns splits or the like as a tensor of int32 or int64."""
    if isinstance(value, Tensor):
        return value if value.dtype in (Int32, Int64) else cast(value, Int64)
    array = np.asarray(value)
    return convert_to_tensor(
        array if array.dtype == np.int32 and isinstance(value, np.ndarray) else
        array.astype(np.int64), name=name,
    )  # fmt: skip


def splits_of_lengths(lengths: Tensor) -> Tensor:
    """Returns the splits of rows of these lengths."""
    return concat([constant([0], lengths.dtype), ops.Cumsum(lengths, 0)], 0)


def splits_of_rows(rows: Tensor, nrows: Any = None) -> Tensor:
    """Returns the splits that put each element into its row."""
    if nrows is None:
        nrows = reduce_max(concat([rows, constant([-1], rows.dtype)], 0)) + 1
    nrows = cast(convert_to_tensor(nrows), rows.dtype)
    return splits_of_lengths(ops.UnsortedSegmentSum(ops.OnesLike(rows), rows, nrows))


def rows_of_splits(splits: Tensor) -> Tensor:
    """Returns the row of each element."""
    places = ops.Range(constant(0, splits.dtype), splits[-1], constant(1, splits.dtype))
    before = ops.UpperBound(stack([splits]), stack([places]), out_type=splits.dtype)
    return before[0] - 1


def unpadded_lengths(tensor: Tensor, padding: Any, columns: Any, dtype: Any) -> Tensor:
    """Returns how long each row is without the padding at its end."""
    padding = convert_to_tensor(padding, dtype=tensor.dtype, name="padding")
    full = ops.NotEqual(tensor, padding)
    inner = list(range(2, tensor.shape.ndims))
    if inner:
        full = ops.Any(full, inner)
    places = ops.Range(constant(1, dtype), columns + 1, constant(1, dtype))
    ends = cast(full, dtype) * places
    return reduce_max(concat([ends, ops.ZerosLike(ends[:, :1])], 1), 1)
