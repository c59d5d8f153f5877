"""Fill arrays of any size with samples, in chunks, and move the state on as TensorFlow does.

After an op with `n` outputs TensorFlow's CPU kernels skip 256·n blocks, whatever they used of them.
Each function returns `(new rng, array)`; `xp` is `np` for the NumPy tier and `jnp` for a traced
kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from millstream.base.lazy import lax
from millstream.ops.random import draws, philox
from millstream.ops.random.draws import Draw
from millstream.ops.random.philox import Array

RESERVED = 256
# Blocks computed at a time: enough to keep vector units and threads busy, few enough to stay in the
# cache.
CHUNK = 1 << 14
# A group of truncated normals owns this many blocks for each sample of it.
_RESERVED_BLOCKS = 64

type Fill = Callable[[Array, int], Array]


def advance(rng: Array, outputs: int, xp: Any = np) -> Array:
    """Returns the state after an op that has `outputs` outputs."""
    return philox.skip(rng, outputs * RESERVED, xp)


def _barrier(arrays: tuple[Array, ...], xp: Any) -> tuple[Array, ...]:
    """Keeps XLA from recomputing arrays in each of their uses."""
    return arrays if xp is np else lax.optimization_barrier(arrays)


def _interleave(columns: tuple[Array, ...], xp: Any) -> Array:
    return xp.stack(_barrier(columns, xp), axis=-1).reshape(-1)


def in_chunks(fill: Fill, size: int, per_unit: int, xp: Any = np) -> Array:
    """Concatenates `fill(first unit, units)` over chunks until there are `size` samples.

    Args:
      fill: Returns `units * per_unit` samples; `first unit` is a uint64 scalar, `units` an int.
      size: Number of samples.
      per_unit: Samples that one unit gives.
      xp: Array module.
    """
    units = -(-size // per_unit)
    if units <= CHUNK:
        return fill(np.uint64(0), units)[:size]
    chunks = -(-units // CHUNK)
    if xp is np:
        parts = [fill(np.uint64(i * CHUNK), min(CHUNK, units - i * CHUNK)) for i in range(chunks)]
        return np.concatenate(parts)[:size]
    starts = xp.arange(chunks, dtype=np.uint64) * np.uint64(CHUNK)
    return lax.map(lambda first: fill(first, CHUNK), starts).reshape(-1)[:size]


def draw(rng: Array, size: int, how: Draw, xp: Any = np) -> Array:
    """Returns `size` samples of a distribution that uses every block in turn."""

    def fill(first: Array, units: int) -> Array:
        words = _barrier(philox.blocks(rng, first, units, xp), xp)
        return _interleave(how.make(words, xp), xp)

    return in_chunks(fill, size, how.per_block, xp)


def _filled(rng: Array, shape: Sequence[int], how: Draw, xp: Any) -> tuple[Array, Array]:
    size = math.prod(shape)
    return advance(rng, size, xp), draw(rng, size, how, xp).reshape(tuple(shape))


def uniform(rng: Array, shape: Sequence[int], dtype: Any, xp: Any = np) -> tuple[Array, Array]:
    """Draws from [0, 1)."""
    return _filled(rng, shape, draws.uniform(dtype), xp)


def uniform_int(
    rng: Array, shape: Sequence[int], dtype: Any, low: Array, high: Array, xp: Any = np
) -> tuple[Array, Array]:
    """Draws int32 or int64 from [low, high)."""
    return _filled(rng, shape, draws.integers(dtype, low, high), xp)


def normal(rng: Array, shape: Sequence[int], dtype: Any, xp: Any = np) -> tuple[Array, Array]:
    """Draws standard normals."""
    return _filled(rng, shape, draws.normal(dtype), xp)


def truncated_normal(
    rng: Array, shape: Sequence[int], dtype: Any, xp: Any = np
) -> tuple[Array, Array]:
    """Draws standard normals, those beyond two standard deviations redrawn."""
    size = math.prod(shape)
    return advance(rng, size, xp), truncated(rng, size, dtype, xp).reshape(tuple(shape))


def truncated(rng: Array, size: int, dtype: Any, xp: Any = np) -> Array:
    """Returns `size` truncated normals, without moving the state.

    A group of samples (two for float64, else four) takes the normals of successive blocks that are
    small enough, in order, from blocks of its own.
    """
    dtype = np.dtype(dtype)
    group = 2 if dtype == np.float64 else 4
    make = draws.normal_pair64 if group == 2 else draws.normal32

    def fill(first: Array, units: int) -> Array:
        start = np.arange(units, dtype=np.uint64) if xp is np else xp.arange(units, dtype=np.uint64)
        start = (start + first) * np.uint64(group * _RESERVED_BLOCKS)
        columns = _first_small(rng, start, make, group, xp)
        return _interleave(tuple(column.astype(dtype) for column in columns), xp)

    return in_chunks(fill, size, group, xp)


def _keep_small(
    columns: tuple[Array, ...], count: Array, values: tuple[Array, ...], xp: Any
) -> tuple[tuple[Array, ...], Array]:
    """Appends the values below two to the rows of `columns`, of which `count` are filled."""
    for value in values:
        small = xp.abs(value) < 2
        slot = xp.where(small, count, -1)
        columns = tuple(xp.where(slot == i, value, old) for i, old in enumerate(columns))
        count = count + small.astype(np.int32)
    return columns, count


def _first_small(rng: Array, start: Array, make: Any, group: int, xp: Any) -> tuple[Array, ...]:
    """Returns the first `group` normals below two in the blocks from each `start`."""
    dtype = np.dtype(np.float64 if group == 2 else np.float32)
    columns = tuple(xp.zeros(start.shape, dtype) for _ in range(group))
    count = xp.zeros(start.shape, np.int32)
    if xp is np:
        return _first_small_np(rng, start, make, columns, count)

    def body(state: Any) -> Any:
        block, columns, count = state
        words = lax.optimization_barrier(philox.blocks_at(rng, start + block, xp))
        values = lax.optimization_barrier(make(words, xp))
        return (block + np.uint64(1), *_keep_small(columns, count, values, xp))

    def unfinished(state: Any) -> Array:
        return xp.any(state[2] < group)

    return lax.while_loop(unfinished, body, (xp.asarray(0, np.uint64), columns, count))[1]


def _first_small_np(
    rng: Array, start: Array, make: Any, columns: tuple[Array, ...], count: Array
) -> tuple[Array, ...]:
    columns, count = _keep_small(columns, count, make(philox.blocks_at(rng, start), np), np)
    block = 0
    while (rest := np.flatnonzero(count < len(columns))).size:
        block += 1
        values = make(philox.blocks_at(rng, start[rest] + np.uint64(block)), np)
        more, count[rest] = _keep_small(tuple(c[rest] for c in columns), count[rest], values, np)
        for column, part in zip(columns, more, strict=True):
            column[rest] = part
    return columns
