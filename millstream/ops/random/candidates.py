"""Candidate samplers: classes drawn for sampled losses, perhaps without repetition.

A sampler reads a stream of words and turns them, chunk after chunk, into candidates. The first
`num_sampled` candidates are the sample; where it must be free of repetitions, the first that differ
from all before. Chunks are parsed all at once, not word by word.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from millstream.base.lazy import lax
from millstream.ops.random import draws, philox
from millstream.ops.random.philox import Array

# TensorFlow sets 2048 words, 512 blocks, aside for each sample.
RESERVED_BLOCKS = 512


class Carry(NamedTuple):
    """What a chunk leaves to the next: whether a float was read but its partner not, and which."""

    pending: Array
    word: Array


class Sampler(NamedTuple):
    """One distribution over classes.

    Attributes:
      words: Words that one candidate takes, as a rule.
      parse: `(words uint32[n], carry, xp) -> (classes int64[n / words], valid bool[…], carry)`.
      probability: `(classes, xp) -> float32`.
    """

    words: int
    parse: Callable[[Array, Carry, Any], tuple[Array, Array, Carry]]
    probability: Callable[[Array, Any], Array]


def uniform(size: int) -> Sampler:
    """Draws every class below `size` alike."""
    refused = np.uint64(2**64 % size)

    def parse(words: Array, carry: Carry, xp: Any) -> tuple[Array, Array, Carry]:
        wide = draws.join(words[0::2], words[1::2])
        return (wide % np.uint64(size)).astype(np.int64), wide >= refused, carry

    def probability(classes: Array, xp: Any) -> Array:
        return xp.full(classes.shape, 1 / size, np.float32)

    return Sampler(2, parse, probability)


def log_uniform(size: int) -> Sampler:
    """Draws class k with probability log((k + 2) / (k + 1)) / log(size + 1)."""
    log_size = math.log1p(size)

    def parse(words: Array, carry: Carry, xp: Any) -> tuple[Array, Array, Carry]:
        unit = draws.unit64(words[0::2], words[1::2])
        classes = xp.exp(unit * log_size).astype(np.int64) - 1
        return classes % size, xp.ones(classes.shape, bool), carry

    def probability(classes: Array, xp: Any) -> Array:
        x = classes.astype(np.float64)
        return (xp.log((x + 2) / (x + 1)) / log_size).astype(np.float32)

    return Sampler(2, parse, probability)


def unigram(weights: Array) -> Sampler:
    """Draws class k with probability proportional to the whole number `weights[k]`."""

    def parse(words: Array, carry: Carry, xp: Any) -> tuple[Array, Array, Carry]:
        sums = xp.cumsum(weights.astype(np.uint32))
        total = sums[-1:]
        classes = xp.searchsorted(sums, words % total, side="right").astype(np.int64)
        # Words below 2**32 % total would favour the first classes.
        refused = (xp.zeros_like(total) - total) % total
        return classes, words >= refused, carry

    def probability(classes: Array, xp: Any) -> Array:
        total = xp.sum(weights).astype(np.float32)
        return weights[classes].astype(np.float32) / total

    return Sampler(1, parse, probability)


class Alias(NamedTuple):
    """Walker's table: keep column k with chance `keep[k]`, else take `other[k]`."""

    keep: np.ndarray
    other: np.ndarray
    chance: np.ndarray


def alias_table(weights: np.ndarray) -> Alias:
    """Makes the table for float32 weights, the columns paired as TensorFlow pairs them."""
    total = np.float32(0)
    for weight in weights.astype(np.float32):
        total += weight
    size = len(weights)
    left = weights.astype(np.float32) * np.float32(size) / total
    high = [k for k in range(size) if left[k] >= 1]
    low = [k for k in range(size) if not left[k] >= 1]
    keep, other = np.ones(size, np.float32), np.arange(size)
    while low and high:
        k, donor = low.pop(), high.pop()
        keep[k], other[k] = left[k], donor
        left[donor] -= np.float32(1) - left[k]
        (low if left[donor] < 1 else high).append(donor)
    return Alias(keep, other, weights.astype(np.float32) / total)


def fixed_unigram(table: Alias) -> Sampler:
    """Draws class k with probability `table.chance[k]`, by a float and a column."""
    size = len(table.keep)
    refused = np.uint32(2**32 % size)

    def parse(words: Array, carry: Carry, xp: Any) -> tuple[Array, Array, Carry]:
        place = xp.arange(words.shape[0], dtype=np.int64)
        # A refused word leaves the float pending; every other word makes or meets one.
        bad = xp.where(words < refused, place, -1)
        before = xp.append(np.int64(-1), _running_max(bad, xp)[:-1])
        since_bad = (place - before) % 2 == 1
        from_start = (place % 2 == 1) != carry.pending
        is_column = xp.where(before >= 0, since_bad, from_start)
        float_place = _running_max(xp.where(is_column, -1, place), xp)
        word = xp.where(float_place >= 0, words[float_place], carry.word)
        column = (words % np.uint32(size)).astype(np.int64)
        keep, other = xp.asarray(table.keep)[column], xp.asarray(table.other)[column]
        classes = xp.where(draws.unit32(word) < keep, column, other)
        valid = is_column & (words >= refused)
        return classes, valid, Carry(~valid[-1], word[-1])

    def probability(classes: Array, xp: Any) -> Array:
        return xp.asarray(table.chance)[classes]

    return Sampler(1, parse, probability)


def _running_max(array: Array, xp: Any) -> Array:
    return np.maximum.accumulate(array) if xp is np else lax.cummax(array)


class _Search(NamedTuple):
    """Where the search stands: the sample so far, its length, the tries, and the next block."""

    found: Array
    count: Array
    tries: Array
    block: Array
    carry: Carry


def sample(
    rng: Array, sampler: Sampler, count: int, unique: bool, xp: Any = np
) -> tuple[Array, Array]:
    """Returns `count` classes, and the number of tries it took, an int64 scalar.

    The state is left as it is.
    """
    chunk = max(64, 2 * count if unique else count)
    blocks = -(-chunk * sampler.words // 4)
    start = _Search(
        _filler(count + blocks * 4 // sampler.words) + xp.arange(count, dtype=np.int64),
        xp.asarray(0, np.int64),
        xp.asarray(0, np.int64),
        xp.asarray(0, np.uint64),
        Carry(xp.asarray(False), xp.asarray(0, np.uint32)),
    )

    def step(s: _Search) -> _Search:
        columns = philox.blocks(rng, s.block, blocks, xp)
        words = xp.stack(columns, axis=-1).reshape(-1)
        classes, valid, carry = sampler.parse(words, s.carry, xp)
        fresh = valid & _is_new(s.found, classes, valid, xp) if unique else valid
        number = s.count + xp.cumsum(fresh.astype(np.int64))
        wanted = fresh & (number <= count)
        found = _put(s.found, xp.where(wanted, number - 1, count), classes, xp)
        # The tries end with the candidate that completes the sample.
        tries = s.tries + xp.sum(valid & (number - fresh < count)).astype(np.int64)
        total = xp.minimum(number[-1], count)
        return _Search(found, total, tries, s.block + np.uint64(blocks), carry)

    if xp is not np:
        state = lax.while_loop(lambda s: s.count < count, step, start)
    else:
        state = start
        while state.count < count:
            state = step(state)
    return state.found, state.tries


def _filler(length: int) -> int:
    """Returns a number above all classes, small enough to be packed with a place below `length`."""
    return 1 << (61 - length.bit_length())


def _is_new(found: Array, classes: Array, valid: Array, xp: Any) -> Array:
    """Tells which candidates are neither in `found` nor an earlier valid candidate.

    They are sorted by class and place, packed in one number, which is the fastest to sort.
    """
    known = found.shape[0]
    length = known + classes.shape[0]
    place = xp.arange(length, dtype=np.int64)
    # What is not valid must not hide a later candidate: it gets a value of its own.
    classes = xp.where(valid, classes, _filler(length) + place[known:])
    bits = np.int64(length.bit_length())
    packed = xp.sort((xp.concatenate([found, classes]) << bits) | place)
    ordered, order = packed >> bits, packed & np.int64((1 << int(bits)) - 1)
    repeated = xp.append(xp.asarray([False]), ordered[1:] == ordered[:-1])
    return ~_scatter(repeated, order, xp)[known:]


def _scatter(values: Array, order: Array, xp: Any) -> Array:
    """Undoes the permutation `order`."""
    if xp is not np:
        return xp.zeros_like(values).at[order].set(values, unique_indices=True)
    result = np.empty_like(values)
    result[order] = values
    return result


def _put(array: Array, index: Array, values: Array, xp: Any) -> Array:
    """Sets `array[index] = values`; an index beyond the end is left out."""
    if xp is not np:
        return array.at[index].set(values, mode="drop")
    inside = index < array.shape[0]
    array = array.copy()
    array[index[inside]] = values[inside]
    return array


def expected_count(chance: Array, count: int, unique: bool, tries: Array, xp: Any = np) -> Array:
    """Returns how often a class of probability `chance` is expected in the sample, float32."""
    wide = chance.astype(np.float64)
    plain = wide * count
    if not unique:
        return plain.astype(np.float32)
    distinct = -xp.expm1(tries.astype(np.float64) * xp.log1p(-wide))
    return xp.where(tries == count, plain, distinct).astype(np.float32)
