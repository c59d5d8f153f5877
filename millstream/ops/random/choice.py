"""Random order and random choice: the samplers behind RandomShuffle and Multinomial."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.lazy import jax, lax
from millstream.ops.random import draws, philox, sampler
from millstream.ops.random.philox import Array


def _words(rng: Array, count: int, xp: Any) -> Array:
    blocks = philox.blocks(rng, 0, -(-count // 4), xp)
    return xp.stack(blocks, axis=-1).reshape(-1)[:count]


def permutation(rng: Array, size: int, xp: Any = np) -> tuple[Array, Array]:
    """Returns the new state and a random permutation of `range(size)`.

    It is the one that the usual loop gives: for each place i, swap it with place `target[i] >= i`.
    What stands at place k just before turn k came there by the latest swap that aimed at k, from
    the place m < k of that turn, and so on: chains that are followed here by doubling.
    """
    if size < 2:
        return rng, xp.arange(size, dtype=np.int64)
    place = xp.arange(size, dtype=np.int64)
    left = size - place[:-1]
    target = (_words(rng, size - 1, xp).astype(np.int64) % left) + place[:-1]
    target = xp.append(target, np.int64(size - 1))
    latest_at, latest_before = _latest(target, xp)
    origin = _follow(latest_at, size, xp)
    moved = xp.where(latest_before >= 0, origin[latest_before], target)
    result = xp.where(target == place, origin, moved)
    return philox.skip(rng, (size + 2) // 4, xp), result


def _latest(target: Array, xp: Any) -> tuple[Array, Array]:
    """Finds, for each place k, the latest turns before k that aimed at k, and at `target[k]`.

    Returns:
      Two arrays of turns: k itself or -1 where there was none.
    """
    size = target.shape[0]
    place = xp.arange(size, dtype=np.int64)
    order = xp.sort(target * size + place)
    turn, aim = order % size, order // size
    same = xp.append(xp.asarray([False]), aim[1:] == aim[:-1])
    previous = xp.where(same, xp.append(np.int64(-1), turn[:-1]), -1)
    before = _scatter(xp.full(size, -1, np.int64), turn, previous, xp)
    # Turns aim at later places or their own, so that the latest one at k is the last of its group,
    # or the last but one if turn k stays where it is.
    last = xp.append(aim[1:] != aim[:-1], xp.asarray([True]))
    latest = xp.where(turn == aim, previous, turn)
    own = xp.where(latest < 0, aim, latest)
    at = _scatter(place, xp.where(last, aim, size), own, xp)
    return at, before


def _scatter(array: Array, index: Array, values: Array, xp: Any) -> Array:
    """Sets `array[index] = values`; an index beyond the end is left out."""
    if xp is not np:
        return array.at[index].set(values, mode="drop")
    array = np.append(array, array[:1])
    array[index] = values
    return array[:-1]


def _follow(parent: Array, size: int, xp: Any) -> Array:
    """Follows each chain of `parent` to its end, by doubling."""
    turns = max(size - 1, 1).bit_length()
    if xp is not np:
        return lax.fori_loop(0, turns, lambda _, found: found[found], parent)
    for _ in range(turns):
        further = parent[parent]
        if np.array_equal(further, parent):
            break
        parent = further
    return parent


def multinomial(
    rng: Array, logits: Array, samples: int, dtype: Any, xp: Any = np
) -> tuple[Array, Array]:
    """Returns the new state and `[rows, samples]` classes drawn by `logits: [rows, classes]`.

    Logits that are not finite have no weight; a row without weight gives the number of classes.
    TensorFlow draws the rows one after the other from one stream, as is done here, but where there
    is work for several threads it starts afresh at a row that depends on their number.
    """
    rows, _ = logits.shape
    uniform = sampler.draw(rng, rows * samples, draws.uniform(np.dtype(np.float64)), xp)
    wide = logits.astype(np.float64)
    finite = xp.isfinite(wide)
    highest = xp.max(xp.where(finite, wide, -np.inf), axis=1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        weights = xp.where(finite, xp.exp(wide - highest), 0.0)
    sums = xp.cumsum(weights, axis=1)
    wanted = uniform.reshape(rows, samples) * sums[:, -1:]
    found = _search_rows(sums, wanted, xp)
    reserved = rows * ((samples + 3) // 4 * 4) * 2
    return sampler.advance(rng, reserved, xp), found.astype(dtype)


def _search_rows(sums: Array, wanted: Array, xp: Any) -> Array:
    """Counts, for each `wanted[i, j]`, the sums of row i that do not exceed it."""
    if xp is not np:
        return jax.vmap(lambda a, v: xp.searchsorted(a, v, side="right"))(sums, wanted)
    if wanted.shape[1] == 1:
        return (sums <= wanted).sum(axis=1, keepdims=True)
    rows = [np.searchsorted(a, v, side="right") for a, v in zip(sums, wanted, strict=True)]
    return np.reshape(rows, wanted.shape)
