"""Draw words from the counter-based generator Philox 4x32-10.

The state of a random node is one array `rng: uint32[6]`: the key (low word, high word) and a
counter of four words, lowest first. One counter value gives one *block* of four 32-bit words, so
that any part of a stream can be computed on its own: nothing here loops over samples.

Every function is written against the array operators that NumPy and JAX share, and gives the same
bits under both; `xp` is the array module to use. 64-bit mode must be on while JAX traces.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.lazy import lax

type Array = Any
type Words = tuple[Array, Array, Array, Array]

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint32(0x9E3779B9)
_WEYL_1 = np.uint32(0xBB67AE85)
_ROUNDS = 10
_MASK = 0xFFFFFFFF


def initial_state(seed: int, seed2: int) -> np.ndarray:
    """Returns the state of a generator that has drawn nothing.

    Args:
      seed: Becomes the key; taken modulo 2**64.
      seed2: Becomes the upper half of the counter; taken modulo 2**64.
    """
    return np.array(
        [seed & _MASK, seed >> 32 & _MASK, 0, 0, seed2 & _MASK, seed2 >> 32 & _MASK], np.uint32
    )


def _counter(rng: Array, offset: Array) -> Words:
    """Returns the counter of `rng` advanced by each of `offset: uint64[...]`."""
    wide = rng[2:6].astype(np.uint64)
    low = wide[0:1] | wide[1:2] << np.uint64(32)
    high = wide[2:3] | wide[3:4] << np.uint64(32)
    moved = low + offset
    high = high + (moved < low).astype(np.uint64)
    shift = np.uint64(32)
    return (
        moved.astype(np.uint32),
        (moved >> shift).astype(np.uint32),
        high.astype(np.uint32),
        (high >> shift).astype(np.uint32),
    )


def skip(rng: Array, count: Array | int, xp: Any = np) -> Array:
    """Returns the state after `count` blocks, a Python int or a uint64 scalar."""
    offset = xp.asarray(count, np.uint64).reshape(1)
    return xp.concatenate([rng[0:2], *_counter(rng, offset)])


def _round(_: Any, state: tuple[Array, ...]) -> tuple[Array, ...]:
    c0, c1, c2, c3, k0, k1 = state
    shift = np.uint64(32)
    p0 = c0.astype(np.uint64) * _MULTIPLIER_0
    p1 = c2.astype(np.uint64) * _MULTIPLIER_1
    return (
        (p1 >> shift).astype(np.uint32) ^ c1 ^ k0,
        p1.astype(np.uint32),
        (p0 >> shift).astype(np.uint32) ^ c3 ^ k1,
        p0.astype(np.uint32),
        k0 + _WEYL_0,
        k1 + _WEYL_1,
    )


def _two_rounds(_: Any, state: tuple[Array, ...]) -> tuple[Array, ...]:
    return _round(0, _round(0, state))


def scramble(key: tuple[Array, Array], counter: Words, xp: Any = np) -> Words:
    """Applies the ten rounds to counters `uint32[...]`, under a key of two words `uint32[1]`."""
    state = (*counter, *key)
    if xp is np:
        if counter[0].size == 1:
            return _scramble_one(key, counter)
        for turn in range(_ROUNDS):
            state = _round(turn, state)
    else:
        # A loop keeps XLA from fusing the rounds into every use of the words: it compiles and runs
        # faster.
        state = lax.fori_loop(0, _ROUNDS // 2, _two_rounds, state)
    return state[0], state[1], state[2], state[3]


def _scramble_one(key: tuple[Array, Array], counter: Words) -> Words:
    """Is `scramble` of one counter: with Python's integers a tenth of what arrays cost."""
    k0, k1 = (int(word.item()) for word in key)
    c0, c1, c2, c3 = (int(word.item()) for word in counter)
    for _ in range(_ROUNDS):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _MASK, (p0 >> 32) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    shape = counter[0].shape
    words = np.array([c0, c1, c2, c3], np.uint32)
    return (
        words[0:1].reshape(shape),
        words[1:2].reshape(shape),
        words[2:3].reshape(shape),
        words[3:4].reshape(shape),
    )


def blocks_at(rng: Array, offset: Array, xp: Any = np) -> Words:
    """Returns the four words of the blocks `offset: uint64[...]` after the state's counter."""
    return scramble((rng[0:1], rng[1:2]), _counter(rng, offset), xp)


def blocks(rng: Array, first: Array | int, count: int, xp: Any = np) -> Words:
    """Returns the words `uint32[count]` of `count` successive blocks from block `first`."""
    return blocks_at(rng, xp.arange(count, dtype=np.uint64) + xp.asarray(first, np.uint64), xp)
