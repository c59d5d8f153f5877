"""Compute float64 logarithms, sines and cosines to 75 bits, rounded once.

The NumPy tier and the compiled tier must draw the same float64 normals, but their elementary
functions differ in the last bit, and a compiler may fuse multiplications with additions. So numbers
are held here as unevaluated sums `(high, low)` of two float64, every product that matters is of
factors cut short enough to be exact, and the last bit of the result no longer depends on how a step
was rounded, but for one sample in millions.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np

from millstream.ops.random.philox import Array

type Pair = tuple[Array, Array]

_UPPER_HALF = np.uint64(0xFFFFFFFFF8000000)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
_DIGITS = 50
_LOG_STEPS = 128
_SINE_STEPS = 64


def _two_sum(a: Array, b: Array) -> Pair:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _split(a: Array) -> Pair:
    upper = (a.view(np.uint64) & _UPPER_HALF).view(np.float64)
    return upper, a - upper


def _multiply(a: Pair, b: Pair) -> Pair:
    a1, a2 = _split(a[0])
    b1, b2 = _split(b[0])
    rest = (a1 * b2 + a2 * b1) + (a2 * b2 + (a[0] * b[1] + a[1] * b[0]))
    return _two_sum(a1 * b1, rest)


def _add(a: Pair, b: Pair) -> Pair:
    total, error = _two_sum(a[0], b[0])
    return _two_sum(total, error + (a[1] + b[1]))


def _halve(a: Pair, factor: float) -> Pair:
    """Scales by a power of two."""
    return a[0] * factor, a[1] * factor


def _pair(value: Decimal, bits: int = 53) -> tuple[float, float]:
    """Splits an exact value in a float of at most `bits` bits and the rest."""
    significand, exponent = math.frexp(float(value))
    high = math.ldexp(round(math.ldexp(significand, bits)), exponent - bits)
    return high, float(value - Decimal(high))


def _columns(pairs: list[tuple[float, float]]) -> np.ndarray:
    return np.array(pairs, np.float64).T.copy()


@cache
def _log_tables() -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Returns inverses of eleven bits of the points k/128, their logarithms negated, and log 2."""
    with localcontext() as context:
        context.prec = _DIGITS
        points = np.arange(_LOG_STEPS * 3 // 4 - 1, _LOG_STEPS * 3 // 2 + 2)
        inverses = np.rint(_LOG_STEPS / points * 1024) / 1024
        logs = [_pair(-Decimal(float(inverse)).ln()) for inverse in inverses]
        return inverses, _columns(logs), _pair(Decimal(2).ln(), 40)


def log64(x: Array, xp: Any = np) -> Array:
    """Returns the logarithm of positive, finite, normal `x: float64[n]`."""
    inverses, logs, (log2_high, log2_low) = _log_tables()
    origin = np.uint64(0x3FE8000000000000)  # 0.75
    from_origin = x.view(np.uint64) - origin
    exponent = from_origin.view(np.int64) >> np.int64(52)
    bits = x.view(np.uint64) - (exponent << np.int64(52)).view(np.uint64)
    m = bits.view(np.float64)
    index = xp.rint(m * _LOG_STEPS).astype(np.int32) - np.int32(_LOG_STEPS * 3 // 4 - 1)
    inverse = xp.asarray(inverses)[index]
    m1, m2 = _split(m)
    r = _two_sum(m1 * inverse - 1.0, m2 * inverse)
    r2 = _multiply(r, r)
    third = (xp.full_like(x, 1 / 3), xp.full_like(x, float(Decimal(1) / 3 - Decimal(1 / 3))))
    r3 = _multiply(_multiply(r2, r), third)
    s = r[0]
    tail = (
        r2[0] * r2[0] * (-1 / 4 + s * (1 / 5 + s * (-1 / 6 + s * (1 / 7 + s * (-1 / 8 + s / 9)))))
    )
    series = _add(_add(r, _halve(r2, -0.5)), (r3[0], r3[1] + tail))
    k = exponent.astype(np.float64)
    base = _add((k * log2_high, k * log2_low), tuple(xp.asarray(logs)[:, index]))
    return sum(_add(base, series))


def _sine(x: Decimal, odd: int) -> Decimal:
    """Sums the series of sin (`odd` = 1) or cos (`odd` = 0)."""
    term = x if odd else Decimal(1)
    total = term
    for n in range(2 + odd, 60, 2):
        term = -term * x * x / (n * (n - 1))
        total += term
    return total


@cache
def _sine_tables() -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Returns sines and cosines of k/64, |k| <= 51, and pi/2 in three parts."""
    with localcontext() as context:
        context.prec = _DIGITS
        points = [Decimal(k) / _SINE_STEPS for k in range(-51, 52)]
        sines = [_pair(_sine(p, 1)) for p in points]
        cosines = [_pair(_sine(p, 0)) for p in points]
        first, _ = _pair(_PI / 2, 48)
        second, _ = _pair(_PI / 2 - Decimal(first), 48)
        third = float(_PI / 2 - Decimal(first) - Decimal(second))
        return _columns(sines), _columns(cosines), (first, second, third)


def _reduced_sincos(t: Pair, xp: Any) -> tuple[Array, Array]:
    """Returns sine and cosine of |t| <= 0.79."""
    sines, cosines, _ = _sine_tables()
    step = xp.rint(t[0] * _SINE_STEPS)
    index = step.astype(np.int32) + np.int32(51)
    s0, c0 = tuple(xp.asarray(sines)[:, index]), tuple(xp.asarray(cosines)[:, index])
    d = _two_sum(t[0] - step * (1 / _SINE_STEPS), t[1])
    d2 = _multiply(d, d)
    sixth = (xp.full_like(step, -1 / 6), xp.full_like(step, float(Decimal(1 / 6) - Decimal(1) / 6)))
    d3 = _multiply(_multiply(d2, d), sixth)
    x2 = d2[0]
    d_tail = x2 * x2 * d[0] * (1 / 120 + x2 * (-1 / 5040 + x2 / 362880))
    sine = _add(d, (d3[0], d3[1] + d_tail))
    c_tail = x2 * x2 * (1 / 24 + x2 * (-1 / 720 + x2 / 40320))
    versine = _two_sum(d2[0] * -0.5, d2[1] * -0.5 + c_tail)
    minus_sine = _halve(sine, -1.0)
    return (
        sum(_add(s0, _add(_multiply(c0, sine), _multiply(s0, versine)))),
        sum(_add(c0, _add(_multiply(s0, minus_sine), _multiply(c0, versine)))),
    )


def sincos64(x: Array, xp: Any = np) -> tuple[Array, Array]:
    """Returns the sine and cosine of `x: float64[n]` in [0, 2 pi]."""
    first, second, third = _sine_tables()[2]
    turns = xp.rint(x * (2 / math.pi))
    t = _two_sum(x - turns * first, turns * -second)
    sine, cosine = _reduced_sincos((t[0], t[1] - turns * third), xp)
    quarter = turns.astype(np.int32)
    swap = (quarter & np.int32(1)) != 0
    sign = 1.0 - (quarter & np.int32(2)).astype(np.float64)
    cosine_sign = 1.0 - ((quarter + np.int32(1)) & np.int32(2)).astype(np.float64)
    return xp.where(swap, cosine, sine) * sign, xp.where(swap, sine, cosine) * cosine_sign
