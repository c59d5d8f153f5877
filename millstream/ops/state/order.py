"""Updates at indices that may repeat, as if they were done one after the other.

Updates of different rows do not see each other. So all first occurrences of an index can be done at
once, then all second ones, and so on: with distinct indices there is one such wave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.lazy import jnp, lax


def skipped_index(dtype: Any) -> int:
    """Returns the index that updates of rows skip: the largest of an integer type.

    The compiler gives it for rows that only fill up an array.
    """
    return int(np.iinfo(dtype).max)


def without_skipped(indices: Any, rows: Any) -> tuple[Any, Any]:
    """Leaves out, in a reference, the rows whose index is to be skipped."""
    if indices.ndim != 1 or not indices.size or rows.ndim == 0:
        return indices, rows
    kept = indices != skipped_index(indices.dtype)
    return (indices, rows) if kept.all() else (indices[kept], rows[kept])


def apply_in_waves(
    step: Callable[..., Any], states: tuple[Any, ...], indices: Any, size: int
) -> tuple[Any, ...]:
    """Applies `step` to the occurrences of each index in turn, in a kernel.

    Args:
      step: `(states, indices) -> states`; it must ignore rows whose index is `size`.
      states: arrays with `size` rows.
      indices: `[n]`, each in [0, size].
      size: number of rows, which also marks those that are not to be touched.
    """
    count = indices.shape[0]
    if count <= 1:
        return step(states, indices) if count else states
    order = jnp.argsort(indices, stable=True)
    in_order = indices[order]
    nth = jnp.arange(count) - jnp.searchsorted(in_order, in_order, side="left")
    occurrence = jnp.zeros_like(nth).at[order].set(nth)
    # Rows that are not to be touched need no waves of their own.
    occurrence = jnp.where(indices == size, 0, occurrence)

    def wave(number: Any, states: Any) -> Any:
        return step(states, jnp.where(occurrence == number, indices, size))

    return lax.fori_loop(0, jnp.max(occurrence) + 1, wave, states)


def waves(indices: Any) -> list[Any]:
    """Splits the positions of `indices`, `[n]`, into waves of distinct indices, for references."""
    count = indices.size
    order = np.argsort(indices, kind="stable")
    in_order = indices[order]
    nth = np.arange(count) - np.searchsorted(in_order, in_order, side="left")
    occurrence = np.empty_like(nth)
    occurrence[order] = nth
    last = int(occurrence.max(initial=-1))
    return [np.flatnonzero(occurrence == number) for number in range(last + 1)]
