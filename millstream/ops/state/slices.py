"""Assignment to a slice of a variable: `StridedSliceAssign` and its resource form."""

from typing import Any

from millstream.base.dtypes import Int32, Int64
from millstream.base.errors import UnimplementedError
from millstream.ir.spec import Ref, Resource, Returns, Tensor, Writes, f, op
from millstream.ops.state.checks import spell
from millstream.ops.state.rules import named

_BOUNDS = ("begin", "end", "strides")
_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


@op(effect=Writes("ref", sparse=True), static=_BOUNDS)
def StridedSliceAssign[T, Index: (Int32, Int64)](
    ref: Ref[T], begin: Tensor[Index], end: Tensor[Index], strides: Tensor[Index],
    value: Tensor[T], *, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0,
) -> Returns(output_ref=Ref[T]):  # fmt: skip
    """Replaces a slice of a variable, spelt as for `StridedSlice`."""


@op(effect=Writes("ref", sparse=True), static=_BOUNDS)
def ResourceStridedSliceAssign[T, Index: (Int32, Int64)](
    ref: Tensor[Resource], begin: Tensor[Index], end: Tensor[Index], strides: Tensor[Index],
    value: Tensor[T], *, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0,
) -> None:  # fmt: skip
    """Replaces a slice of the variable behind a handle, spelt as for `StridedSlice`."""


def index_of(begin: Any, end: Any, strides: Any, masks: dict[str, int]) -> tuple[Any, ...]:
    """Returns the NumPy index that a strided slice's bounds and masks spell."""
    index: list[Any] = []
    for axis, (first, last, stride) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << axis
        if masks["ellipsis_mask"] & bit:
            index.append(Ellipsis)
        elif masks["new_axis_mask"] & bit:
            index.append(None)
        elif masks["shrink_axis_mask"] & bit:
            index.append(int(first))
        else:
            index.append(
                slice(
                    None if masks["begin_mask"] & bit else int(first),
                    None if masks["end_mask"] & bit else int(last),
                    int(stride),
                )
            )
    return tuple(index)


def _require_shape(part: tuple[int, ...], value: Any) -> None:
    if part != value.shape:
        raise UnimplementedError(
            None, None,
            f"sliced l-value shape {spell(part)} does not match r-value shape "
            f"{spell(value.shape)}. Automatic broadcasting not yet implemented.",
        )  # fmt: skip


def _kernel(ref: Any, begin: Any, end: Any, strides: Any, value: Any, *masks: int) -> Any:
    index = index_of(begin, end, strides, dict(zip(_MASKS, masks, strict=True)))
    _require_shape(ref[index].shape, value)
    return ref.at[index].set(value)


def _reference(ref: Any, begin: Any, end: Any, strides: Any, value: Any, *masks: int) -> Any:
    index = index_of(begin, end, strides, dict(zip(_MASKS, masks, strict=True)))
    _require_shape(ref[index].shape, value)
    ref = ref.copy()
    ref[index] = value
    return ref


for _op in (StridedSliceAssign, ResourceStridedSliceAssign):
    _op.kernel(named(_kernel, ("ref", *_BOUNDS, "value", *_MASKS)))
    _op.reference(named(_reference, ("ref", *_BOUNDS, "value", *_MASKS)))
    _op.no_gradient("an assignment is not a function of its operands")
    _op.examples(f[4, 3], [1, 0], [3, 0], [1, 1], f[2, 3], end_mask=2)
    _op.examples(
        f[4, 3], [0, 2], [0, 3], [1, 1], f[4], begin_mask=1, end_mask=1, shrink_axis_mask=2
    )

StridedSliceAssign.shape_unchanged()
