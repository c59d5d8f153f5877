"""Turn blocks of four random words into samples: uniform, integer and normal, in every dtype.

A `Draw` says how many samples one block gives and how. Its function gets the four words of many
blocks as four arrays `uint32[n]` and returns one array `[n]` per sample. The same code serves NumPy
and JAX.

Source: the bit recipes are those of TensorFlow's CPU kernels, so that the streams are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from millstream.ops.random.exact import log64, sincos64
from millstream.ops.random.libm import log32, sincos32
from millstream.ops.random.philox import Array, Words

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
# Below this a uniform sample is raised to it, so that the normal samplers never take log(0).
SMALLEST = 1e-7


class Draw(NamedTuple):
    """How samples of one distribution come out of a block of words."""

    per_block: int
    dtype: np.dtype[Any]
    make: Callable[[Words, Any], tuple[Array, ...]]


def unit32(word: Array) -> Array:
    """Makes float32 in [0, 1) from the low 23 bits of a word."""
    bits = (word & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)
    return bits.view(np.float32) - np.float32(1)


def unit64(high: Array, low: Array) -> Array:
    """Makes float64 in [0, 1) from 20 bits of one word and all bits of another."""
    bits = (high & np.uint32(0xFFFFF) | np.uint32(0x3FF00000)).astype(np.uint64) << np.uint64(32)
    return (bits | low.astype(np.uint64)).view(np.float64) - 1.0


def _unit16(mantissa_bits: int, one: int, dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    mask = np.uint16((1 << mantissa_bits) - 1)

    def unit(word: Array) -> Array:
        bits = (word.astype(np.uint16) & mask) | np.uint16(one)
        return (bits.view(dtype).astype(np.float32) - np.float32(1)).astype(dtype)

    return unit


_UNITS = {
    np.dtype(np.float16): _unit16(10, 0x3C00, np.dtype(np.float16)),
    BFLOAT16: _unit16(7, 0x3F80, BFLOAT16),
    np.dtype(np.float32): unit32,
}


def uniform(dtype: np.dtype[Any]) -> Draw:
    """Draws from [0, 1) in float16, bfloat16, float32 or float64."""
    dtype = np.dtype(dtype)
    if dtype == np.float64:
        return Draw(2, dtype, lambda w, xp: (unit64(w[0], w[1]), unit64(w[2], w[3])))
    unit = _UNITS[dtype]
    return Draw(4, dtype, lambda w, xp: tuple(unit(word) for word in w))


def integers(dtype: np.dtype[Any], low: Array, high: Array) -> Draw:
    """Draws from [low, high) in int32 or int64, by remainder."""
    dtype = np.dtype(dtype)
    wide = np.dtype(np.uint64 if dtype.itemsize == 8 else np.uint32)

    def place(word: Array, xp: Any) -> Array:
        start = xp.asarray(low, dtype).reshape(1).view(wide)
        size = xp.asarray(high, dtype).reshape(1).view(wide) - start
        return (start + word % size).view(dtype)

    def make(w: Words, xp: Any) -> tuple[Array, ...]:
        if dtype.itemsize == 4:
            return tuple(place(word, xp) for word in w)
        return place(join(w[0], w[1]), xp), place(join(w[2], w[3]), xp)

    return Draw(4 if dtype.itemsize == 4 else 2, dtype, make)


def join(low: Array, high: Array) -> Array:
    """Joins two words to a uint64."""
    return low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)


def normal_pair32(word0: Array, word1: Array, xp: Any) -> tuple[Array, Array]:
    """Makes two float32 standard normals of two words, by Box and Muller."""
    radius = xp.maximum(unit32(word0), np.float32(SMALLEST))
    angle = (unit32(word1).astype(np.float64) * (2 * math.pi)).astype(np.float32)
    length = xp.sqrt(np.float32(-2) * log32(radius, xp))
    sine, cosine = sincos32(angle, xp)
    return sine * length, cosine * length


def normal_pair64(w: Words, xp: Any) -> tuple[Array, Array]:
    """Makes two float64 standard normals of four words, by Box and Muller."""
    radius = xp.maximum(unit64(w[0], w[1]), SMALLEST)
    angle = unit64(w[2], w[3]) * (2 * math.pi)
    length = xp.sqrt(-2.0 * log64(radius, xp))
    sine, cosine = sincos64(angle, xp)
    return sine * length, cosine * length


def normal32(w: Words, xp: Any) -> tuple[Array, ...]:
    """Makes four float32 standard normals of a block."""
    return (*normal_pair32(w[0], w[1], xp), *normal_pair32(w[2], w[3], xp))


def normal(dtype: np.dtype[Any]) -> Draw:
    """Draws standard normals in float16, bfloat16, float32 or float64."""
    dtype = np.dtype(dtype)
    if dtype == np.float64:
        return Draw(2, dtype, normal_pair64)
    return Draw(4, dtype, lambda w, xp: tuple(x.astype(dtype) for x in normal32(w, xp)))
