"""Evenly spaced numbers: `tf.range` and `tf.linspace`."""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import BFloat16, Double, Float, Int32, Int64, as_dtype
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Tensor, op
from millstream.ops.math.cast import cast

__all__ = ["LinSpace", "Range", "linspace", "range"]


@op(static=("start", "limit", "delta"), defaults={"Tidx": Int32})
def Range[Tidx: (BFloat16, Float, Double, Int32, Int64)](
    start: Tensor[Tidx], limit: Tensor[Tidx], delta: Tensor[Tidx]
) -> Tensor[Tidx]:
    """Counts from `start` in steps of `delta`, as long as `limit` is not reached."""


def _steps(start: Any, limit: Any, delta: Any) -> int:
    """Counts the numbers of a range.

    Raises:
      ValueError: if the range would never end.
    """
    if delta == 0:
        raise ValueError(f"Requires delta != 0: {delta}")
    if delta > 0 and start > limit:
        raise ValueError(f"Requires start <= limit when delta > 0: {start}/{limit}")
    if delta < 0 and start < limit:
        raise ValueError(f"Requires start >= limit when delta < 0: {start}/{limit}")
    if isinstance(delta, int):
        return -((start - limit) // delta)
    return int(np.ceil(abs((limit - start) / delta)))


@Range.shape
def _(start, limit, delta, start_value, limit_value, delta_value):
    for shape in (start, limit, delta):
        shape.with_rank(0)
    values = [start_value, limit_value, delta_value]
    if any(v is None for v in values):
        return [None]
    return [_steps(*[v.item() for v in values])]


@Range.kernel
@Range.reference
def _(start, limit, delta):
    try:
        count = _steps(start.item(), limit.item(), delta.item())
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    if start.dtype.kind == "i":
        first, step = int(start), int(delta)
        return np.arange(first, first + count * step, step, start.dtype)
    # Floats are added up one by one, which gives the roundings that TensorFlow gives.
    values = np.full(count, delta, start.dtype)
    values[:1] = start
    return np.add.accumulate(values, dtype=start.dtype)


Range.no_gradient("its operands decide how many numbers there are")
Range.examples(np.int32(0), np.int32(5), np.int32(1)).examples(0.0, 1.0, 0.1, Tidx=Float)
Range.examples(np.int64(9), np.int64(0), np.int64(-4)).examples(3, 3, 1)
Range.fails("Requires delta != 0", 0, 5, 0).fails("Requires start <= limit", 5, 0, 1)
Range.fails("Requires start >= limit", 0, 5, -1)


@op(static="num", defaults={"Tidx": Int32})
def LinSpace[T: (BFloat16, Float, Double), Tidx: (Int32, Int64)](
    start: Tensor[T], stop: Tensor[T], num: Tensor[Tidx]
) -> Tensor[T]:
    """Makes `num` numbers at equal distances from `start` to `stop`."""


@LinSpace.shape
def _(start, stop, num, num_value):
    for shape in (start, stop, num):
        shape.with_rank(0)
    if num_value is None:
        return [None]
    if num_value <= 0:
        raise ValueError(f"Requires num > 0: {num_value}")
    return [int(num_value)]


def _spaced(xp: Any, start: Any, stop: Any, num: Any) -> Any:
    if num <= 0:
        raise InvalidArgumentError(None, None, f"Requires num > 0: {num}")
    step = (stop - start) / max(int(num) - 1, 1)
    return (start + step * xp.arange(int(num)).astype(start.dtype)).astype(start.dtype)


LinSpace.kernel(lambda start, stop, num: _spaced(jnp, start, stop, num))
LinSpace.reference(lambda start, stop, num: _spaced(np, start, stop, num))
LinSpace.no_gradient("TensorFlow defines none")
LinSpace.examples(np.float32(0), np.float32(1), 5).examples(np.float32(2), np.float32(1), 1)
LinSpace.fails("Requires num > 0", np.float32(0), np.float32(1), 0)

_HIERARCHY = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


@export("range")
def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = "range"
) -> Any:
    """Counts from `start` in steps of `delta`, as long as `limit` is not reached.

    Args:
      start: the first number; the limit, if that is not given, and then the first number is 0.
      limit: where to stop; it is not part of the result.
      delta: the step, which may be negative.
      dtype: the type of the numbers; by default the widest type of the three operands.
      name: name for the node.

    Returns:
      A vector.

    Raises:
      ValueError: if the step is 0 or leads away from the limit.

    Example:
      >>> range(3, 18, 3).shape.as_list()
      [5]
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        operands = zip((start, limit, delta), ("start", "limit", "delta"), strict=True)
        tensors = [to_tensor(value, wanted, label) for value, label in operands]
        if wanted is None:
            widest = max((t.dtype.base_dtype for t in tensors), key=_rank_of)
            tensors = [cast(t, widest) for t in tensors]
        return Range(*tensors, name=scope)


def _rank_of(dtype: Any) -> int:
    if dtype not in _HIERARCHY:
        raise TypeError(f"range cannot infer its type from operands of {dtype.name}; give `dtype`")
    return _HIERARCHY.index(dtype)


@export("linspace", "lin_space")
def linspace(start: Any, stop: Any, num: Any, name: Any = None) -> Any:
    """Makes `num` numbers at equal distances from `start` to `stop`.

    Args:
      start: a scalar of `float32`, `float64` or `bfloat16`.
      stop: a scalar of the same type, the last number.
      num: how many numbers to make.
      name: name for the node.

    Returns:
      `[num]`, of the same type.

    Raises:
      ValueError: if `num` is not positive.
    """
    return LinSpace(start, stop, num, name=name)
