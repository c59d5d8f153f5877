"""Choosing elements by a condition, and keeping them within bounds: `Select`, `ClipByValue`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Bool
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, broadcast
from millstream.ir.spec import Number, Tensor, b, f, i, op
from millstream.ops.by_name import ops
from millstream.ops.math._tables import Unbroadcast, broadcast_shape

__all__ = ["ClipByValue", "Select", "SelectV2"]


@op
def Select[T](condition: Tensor[Bool], t: Tensor[T], e: Tensor[T]) -> Tensor[T]:
    """Takes the elements of `t` where `condition` is true and those of `e` where it is false.

    The condition has their shape, or is a vector that chooses among rows, or a scalar.
    """


@Select.shape
def _(condition, t, e):
    shape = t.merge_with(e)
    if condition.ndims in (None, 0):
        return shape
    if shape.ndims is not None and condition.ndims == 1 and shape.ndims != 1:
        if not shape.with_rank_at_least(1)[:1].is_compatible_with(condition):
            raise ValueError(
                f"Dimensions must be equal, but are {_first(condition)} and {_first(shape)}"
            )
        return shape
    return shape.merge_with(condition) if condition.ndims != 1 or shape.ndims == 1 else shape


def _first(shape: TensorShape) -> Any:
    return shape.as_list()[0]


def _aligned(condition: Any, t: Any) -> Any:
    if condition.ndim == 1 and t.ndim > 1:
        return condition.reshape(condition.shape + (1,) * (t.ndim - 1))
    return condition


@Select.kernel
def _(condition, t, e):
    return jnp.where(_aligned(condition, t), t, e)


@Select.reference
def _(condition, t, e):
    return np.where(_aligned(condition, t), t, e)


@Select.gradient
def _(node, dy):
    condition = node.inputs[0]
    zeros = ops.ZerosLike(node.inputs[1])
    return [None, Select(condition, dy, zeros), Select(condition, zeros, dy)]


Select.examples(b[2, 3], f[2, 3], f[2, 3]).examples(b[2], f[2, 3], f[2, 3])
Select.examples(b[()], i[2, 3], i[2, 3]).fails("not compatible", b[2], f[2], f[3])


@op
def SelectV2[T](condition: Tensor[Bool], t: Tensor[T], e: Tensor[T]) -> Tensor[T]:
    """Takes elements of `t` where `condition` is true, else of `e`; all three broadcast."""


@SelectV2.shape
def _(condition, t, e):
    return broadcast_shape(condition, broadcast_shape(t, e))


@SelectV2.kernel
def _(condition, t, e):
    return jnp.where(condition, t, e)


@SelectV2.reference
def _(condition, t, e):
    return np.where(condition, t, e)


@SelectV2.gradient
def _(node, dy):
    condition, t, e = node.inputs
    zeros = ops.ZerosLike(dy)
    return [
        None,
        Unbroadcast(t, dy).x(SelectV2(condition, dy, zeros)),
        Unbroadcast(e, dy).x(SelectV2(condition, zeros, dy)),
    ]


SelectV2.examples(b[2, 3], f[2, 3], f[2, 3]).examples(b[3], f[2, 1], f[()])
SelectV2.fails("Dimensions must be equal", b[2], f[2], f[3])


@op
def ClipByValue[T: Number](
    t: Tensor[T], clip_value_min: Tensor[T], clip_value_max: Tensor[T]
) -> Tensor[T]:
    """Brings each element that lies outside of two bounds to the nearer one."""


@ClipByValue.shape
def _(t, clip_value_min, clip_value_max):
    for bound in (clip_value_min, clip_value_max):
        if bound.ndims != 0 and broadcast(t, bound) is None:
            raise ValueError(f"Shapes {t} and {bound} are not compatible")
    return t


@ClipByValue.kernel
def _(t, clip_value_min, clip_value_max):
    return jnp.maximum(jnp.minimum(t, clip_value_max), clip_value_min)


@ClipByValue.reference
def _(t, clip_value_min, clip_value_max):
    return np.maximum(np.minimum(t, clip_value_max), clip_value_min)


@ClipByValue.gradient
def _(node, dy):
    t, low, high = node.inputs
    zeros = ops.ZerosLike(dy)
    below, above = ops.Less(t, low), ops.Greater(t, high)
    return [
        Select(ops.LogicalOr(below, above), zeros, dy),
        Unbroadcast(low, dy).x(Select(below, dy, zeros)),
        Unbroadcast(high, dy).x(Select(above, dy, zeros)),
    ]


ClipByValue.examples(f[2, 3], np.float32(-0.5), np.float32(0.5))
ClipByValue.examples(f[2, 3], -1.0 * np.ones((2, 3), np.float32), np.ones((2, 3), np.float32))
