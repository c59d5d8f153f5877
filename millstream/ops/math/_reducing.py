"""How arrays are reduced in either tier, and how the axes to reduce are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.dtypes import DType, bfloat16, float16, float32
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp, lax

type Reduce = Callable[[Any, tuple[int, ...], bool], Any]
"""Reduces an array along axes, which are kept with size 1 if the last argument says so."""

type ForType = Callable[[DType], Reduce]

_LOW = (float16, bfloat16)


def axes_of(x: Any, indices: Any) -> tuple[int, ...]:
    """Lists the axes that an array of reduction indices names, each once.

    Raises:
      InvalidArgumentError: if `x` has no such axis.
    """
    found = indices.tolist()
    if type(found) is int:
        found = [found]
    rank = x.ndim
    for axis in found:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None,
                None,
                f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)",
            )
    if len(found) < 2:
        return tuple(found)
    return tuple(dict.fromkeys(axis % rank for axis in found))


def with_axes(reduce: Reduce, keep: bool) -> Callable[[Any, Any], Any]:
    """Makes a rule of an array and its reduction indices.

    The indices are nearly always the same constant: their axes are found once.
    """
    last: tuple[Any, int, tuple[int, ...]] = (None, -1, ())

    def rule(x: Any, indices: Any) -> Any:
        nonlocal last
        known, rank, axes = last
        if known is not indices or rank != x.ndim:
            axes = axes_of(x, indices)
            last = (indices, x.ndim, axes)
        return reduce(x, axes, keep)

    return rule


def count_of(x: Any, axes: tuple[int, ...]) -> int:
    """Counts the elements that become one."""
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


def lowest(dtype: Any) -> Any:
    """Gives the identity of the maximum: minus infinity, or the smallest integer."""
    return dtype.type(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf)


def highest(dtype: Any) -> Any:
    """Gives the identity of the minimum: infinity, or the largest integer."""
    return dtype.type(np.iinfo(dtype).max if dtype.kind in "iu" else np.inf)


# -- NumPy


def widened(of_type: ForType) -> ForType:
    """Lets 16-bit floats be reduced in float32."""

    def pick(dtype: DType) -> Reduce:
        if dtype not in _LOW:
            return of_type(dtype)
        reduce, narrow = of_type(float32), dtype.np
        return lambda x, axes, keep: reduce(x.astype(np.float32), axes, keep).astype(narrow)

    return pick


def by_ufunc(ufunc: Any) -> ForType:
    """Reduces by a ufunc, in the type of the elements."""

    def pick(dtype: DType) -> Reduce:
        reduce, held = ufunc.reduce, dtype.np
        return lambda x, axes, keep: reduce(x, axes, held, None, keep)

    return widened(pick)


def _mean(dtype: DType) -> Reduce:
    add, held = np.add.reduce, dtype.np

    def of_floats(x: Any, axes: Any, keep: bool) -> Any:
        return add(x, axes, held, None, keep) / held.type(count_of(x, axes))

    def of_integers(x: Any, axes: Any, keep: bool) -> Any:
        # Cut towards zero; floats could not hold every int64.
        total = add(x, axes, held, None, keep)
        return (np.sign(total) * (np.abs(total) // max(count_of(x, axes), 1))).astype(held)

    return of_integers if held.kind in "iu" else of_floats


def _norm(dtype: DType) -> Reduce:
    held = dtype.np

    def norm(x: Any, axes: Any, keep: bool) -> Any:
        return np.sqrt(np.add.reduce(_squared(np, x), axes, None, None, keep)).astype(held)

    return norm


def _squared(xp: Any, x: Any) -> Any:
    return (xp.conj(x) * x).real if x.dtype.kind == "c" else xp.square(x)


mean, norm = widened(_mean), widened(_norm)


def extreme(ufunc: Any, nan_free: Any, initial: Any) -> ForType:
    """Reduces to the largest or smallest element, passing over NaN."""

    def pick(dtype: DType) -> Reduce:
        start = initial(dtype.np)
        reduce = (ufunc if dtype.np.kind in "iu" else nan_free).reduce
        return lambda x, axes, keep: reduce(x, axes, None, None, keep, start)

    return pick


# -- JAX


def kernel(reduce: Reduce) -> Callable[[Any, Any, bool], Any]:
    """Makes a kernel whose result is of the input's type."""

    def rule(input: Any, reduction_indices: Any, keep_dims: bool) -> Any:
        axes = axes_of(input, reduction_indices)
        return reduce(input, axes, keep_dims).astype(input.dtype)

    return rule


def mean_kernel(x: Any, axes: Any, keep: bool) -> Any:
    """Averages; integers are cut."""
    count = count_of(x, axes)
    if x.dtype.kind in "iu":
        total = jnp.sum(x, axes, dtype=x.dtype, keepdims=keep)
        return lax.div(total, jnp.full_like(total, max(count, 1)))
    if x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    return jnp.sum(x, axes, keepdims=keep) / x.dtype.type(count)


def extreme_kernel(name: str, initial: Any) -> Reduce:
    """Reduces to the largest or smallest element, passing over NaN."""

    def reduced(x: Any, axes: Any, keep: bool) -> Any:
        start = initial(x.dtype)
        if x.dtype.kind not in "iu":
            x = jnp.where(x == x, x, start)
        return getattr(jnp, name)(x, axes, keepdims=keep, initial=start)

    return reduced


def norm_kernel(x: Any, axes: Any, keep: bool) -> Any:
    """Computes the root of the sum of squares."""
    wide = x.astype(np.float64) if x.dtype.kind in "iu" else x
    return jnp.sqrt(jnp.sum(_squared(jnp, wide), axes, keepdims=keep))
