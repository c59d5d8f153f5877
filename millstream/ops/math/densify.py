"""Makes a tensor of `IndexedSlices` where one is needed: rows are added up into zeros."""

from __future__ import annotations

import warnings
from typing import Any

from millstream.base.dtypes import DType
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import register_tensor_conversion_function
from millstream.ir.static_value import constant_array
from millstream.ops.by_name import ops

# A dense gradient of this many elements is hardly what the user meant.
MANY_ELEMENTS = 100_000_000


def _warn_if_large(dense_shape: Any) -> None:
    sizes = constant_array(dense_shape)
    if sizes is None:
        what = "of unknown shape"
    elif (count := int(sizes.prod())) >= MANY_ELEMENTS:
        what = f"with {count} elements"
    else:
        return
    warnings.warn(
        f"Converting sparse IndexedSlices to a dense Tensor {what}. "
        "This may consume a large amount of memory.",
        stacklevel=2,
    )


def _from_slices(
    value: IndexedSlices, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del as_ref
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype "
            f"{value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(
            f"Tensor conversion requested for IndexedSlices without dense_shape: {value}"
        )
    _warn_if_large(value.dense_shape)
    rows = value.dense_shape[0]
    return ops.UnsortedSegmentSum(value.values, value.indices, rows, name=name)


register_tensor_conversion_function(IndexedSlices, _from_slices)
