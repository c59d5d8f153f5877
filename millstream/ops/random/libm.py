"""Evaluate logarithm, sine and cosine in float32 as the C library under TensorFlow does.

TensorFlow's normal samplers call the platform's `logf` and `sincosf`. glibc (2.28 and later)
evaluates both in float64 with short polynomials and rounds once; its results are within 0.82 and
0.56 units in the last place, so neither NumPy's float32 functions nor correct rounding reproduce
them. The polynomials below do, for each of the 2**23 arguments that a sampler can pass: the tests
check all of them against recorded sums.

The arithmetic is float64 whose last bits do not matter, so that a compiler may fuse multiplications
with additions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

type Array = Any

# The significand is reduced to [0.699, 1.398) and that interval cut in sixteen; each part expands
# about a point near its middle, the part that holds 1 about 1 itself.
_LOG_ORIGIN = np.uint32(0x3F330000)
_LOG_EDGES = (_LOG_ORIGIN + (np.arange(17, dtype=np.uint32) << np.uint32(19))).view(np.float32)
_LOG_CENTRES = (_LOG_EDGES[:-1].astype(np.float64) + _LOG_EDGES[1:]) / 2
_LOG_CENTRES[9] = 1.0
_LOG_CENTRES[10] = 1.0534233
_LOG_SCALE = 1 / _LOG_CENTRES
_LOG_OFFSET = np.log(_LOG_CENTRES)
_LOG_2, _LOG_3, _LOG_4 = -0.4999997485802103, 0.333456765744066, -0.25089342214237154
_LOG_OF_2 = math.log(2.0)

_SIN_3, _SIN_5, _SIN_7 = -0.16666654943701084, 0.008332178146138854, -0.00019517298981385725
_COS_2, _COS_4 = -0.49999999725108224, 0.041666623324344516
_COS_6, _COS_8 = -0.001388676379437604, 2.4390450703564542e-05
_HALF_PI = math.pi / 2


def log32(x: Array, xp: Any = np) -> Array:
    """Returns the logarithm of positive, finite, normal `x: float32[...]`."""
    from_origin = x.view(np.uint32) - _LOG_ORIGIN
    exponent = from_origin.view(np.int32) >> np.int32(23)
    significand = (x.view(np.uint32) - (exponent << np.int32(23)).view(np.uint32)).view(np.float32)
    part = (from_origin >> np.uint32(19)) & np.uint32(15)
    r = significand.astype(np.float64) * xp.asarray(_LOG_SCALE)[part] - 1.0
    base = xp.asarray(_LOG_OFFSET)[part] + exponent.astype(np.float64) * _LOG_OF_2
    r2 = r * r
    return ((_LOG_4 * r2 + (_LOG_3 * r + _LOG_2)) * r2 + (base + r)).astype(np.float32)


def sincos32(x: Array, xp: Any = np) -> tuple[Array, Array]:
    """Returns the sine and cosine of `x: float32[...]` between 0 and 120."""
    wide = x.astype(np.float64)
    turns = xp.rint(wide * (1 / _HALF_PI))
    quarter = turns.astype(np.int32)
    t = wide - turns * _HALF_PI
    t2 = t * t
    sine = t * (1.0 + t2 * (_SIN_3 + t2 * (_SIN_5 + t2 * _SIN_7)))
    cosine = 1.0 + t2 * (_COS_2 + t2 * (_COS_4 + t2 * (_COS_6 + t2 * _COS_8)))
    swap = (quarter & np.int32(1)) != 0
    sign = 1.0 - (quarter & np.int32(2)).astype(np.float64)
    cosine_sign = 1.0 - ((quarter + np.int32(1)) & np.int32(2)).astype(np.float64)
    return (
        (xp.where(swap, cosine, sine) * sign).astype(np.float32),
        (xp.where(swap, sine, cosine) * cosine_sign).astype(np.float32),
    )
