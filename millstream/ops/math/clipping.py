"""Clipping: `tf.clip_by_value`, `tf.clip_by_norm`, `tf.clip_by_global_norm` and the like."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import colocate_with, name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import ones_like
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import stack
from millstream.ops.array.selecting import where
from millstream.ops.array.shapes import rank, size
from millstream.ops.by_name import ops
from millstream.ops.math.arithmetic import maximum, minimum
from millstream.ops.math.cast import cast
from millstream.ops.math.functions import rsqrt, sqrt
from millstream.ops.math.ranges import range as range_of
from millstream.ops.math.reductions import reduce_sum


def _values(t: Any, name: str = "t") -> Tensor:
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t: Any, values: Tensor) -> Any:
    """Returns `values` as `IndexedSlices` if `t` is that."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(values, t.indices, t.dense_shape)
    return values


@export("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: Any = None) -> Any:
    """Returns `t` with what lies outside of [clip_value_min, clip_value_max] moved to the limits.

    Args:
      t: a tensor or `IndexedSlices`.
      clip_value_min: lower limit; broadcasts to the shape of `t`.
      clip_value_max: upper limit; broadcasts to the shape of `t`.
      name: name of the nodes.

    Raises:
      ValueError: if a limit would broadcast to a larger shape.
    """
    values = t.values if isinstance(t, IndexedSlices) else t
    with name_scope(name, "clip_by_value", [values, clip_value_min, clip_value_max]) as scope:
        values = _values(t)
        low = minimum(values, clip_value_max)
        values.shape.merge_with(low.shape)
        clipped = maximum(low, clip_value_min, name=scope)
        values.shape.merge_with(clipped.shape)
        return _like(t, clipped)


@export("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: Any = None) -> Any:
    """Returns `t` scaled down so that its L2 norm is at most `clip_norm`.

    Args:
      t: a tensor or `IndexedSlices`.
      clip_norm: the largest norm, positive.
      axes: axes that a norm is taken over, one norm for each position of the others; by default
        all.
      name: name of the nodes.
    """
    values = t.values if isinstance(t, IndexedSlices) else t
    with name_scope(name, "clip_by_norm", [values, clip_norm]) as scope:
        x: Any = _values(t)
        squares = reduce_sum(x * x, axes, keepdims=True)
        positive = squares > 0
        # The gradient of a root is infinite at zero, so the root is not taken there.
        safe = where(positive, squares, ones_like(squares))
        norm = where(positive, sqrt(safe), squares)
        scaled = x * clip_norm
        x.shape.merge_with(scaled.shape)
        return _like(t, identity(scaled / maximum(norm, clip_norm), name=scope))


@export("clip_by_average_norm")
def clip_by_average_norm(t: Any, clip_norm: Any, name: Any = None) -> Tensor:
    """Returns `t` scaled down so that its norm per element is at most `clip_norm`."""
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = cast(size(t), Float)
        inverse_norm: Any = rsqrt(reduce_sum(t * t, range_of(rank(t))))
        scaled = t * clip_norm
        limit = minimum(inverse_norm * count, constant(1.0, dtype=t.dtype) / clip_norm)
        return identity(scaled * limit, name=scope)


def _sequence(t_list: Any) -> list[Any]:
    if not isinstance(t_list, (list, tuple)) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return [
        t if t is None or isinstance(t, IndexedSlices) else convert_to_tensor(t, name=f"t_{i}")
        for i, t in enumerate(t_list)
    ]


@export("global_norm", "linalg.global_norm")
def global_norm(t_list: Any, name: Any = None) -> Tensor:
    """Returns the L2 norm of all tensors of a list together.

    Args:
      t_list: tensors, `IndexedSlices` or `None`s, which count nothing.
      name: name of the nodes.

    Raises:
      TypeError: if `t_list` is no list.
    """
    parts = [t for t in _sequence(t_list) if t is not None]
    with name_scope(name, "global_norm", [_values(t) for t in parts]):
        halves: list[Tensor] = []
        for t in parts:
            values = _values(t)
            with colocate_with(values):
                halves.append(ops.L2Loss(values))
        if halves:
            half = reduce_sum(stack(halves))
        else:
            half = reduce_sum(constant([], Float, name="stack"))
        return sqrt(half * constant(2.0, dtype=half.dtype), name="global_norm")


@export("clip_by_global_norm")
def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: Any = None
) -> tuple[list[Any], Tensor]:
    """Scales all tensors of a list by one factor so that their global norm is at most `clip_norm`.

    Args:
      t_list: tensors, `IndexedSlices` or `None`s.
      clip_norm: the largest global norm, positive.
      use_norm: the global norm, where it has been computed already.
      name: name of the nodes.

    Returns:
      The scaled tensors, and the global norm before; if that is not finite all are NaN.

    Raises:
      TypeError: if `t_list` is no list.
    """
    parts = _sequence(t_list)
    norm: Any = global_norm(parts) if use_norm is None else use_norm
    given = [_values(t) for t in parts if t is not None]
    with name_scope(name, "clip_by_global_norm", [*given, clip_norm]) as scope:
        factor = clip_norm * minimum(1.0 / norm, constant(1.0, dtype=norm.dtype) / clip_norm)
        factor = where(ops.IsFinite(norm), factor, constant(float("nan"), dtype=norm.dtype))
        clipped: list[Any] = []
        for i, t in enumerate(parts):
            if t is None:
                clipped.append(None)
                continue
            values = _values(t)
            with colocate_with(values):
                scaled = identity(values * factor, name=f"{scope.rstrip('/')}/_{i}")
            clipped.append(_like(t, scaled))
    return clipped, norm
