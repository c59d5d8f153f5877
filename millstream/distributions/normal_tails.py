"""The normal distribution function, its logarithm and its inverse, exact far into the tails."""

from __future__ import annotations

import math as python_math
from typing import Any

import numpy as np

from millstream.base.dtypes import float64
from millstream.ops import math
from millstream.ops.array.selecting import where
from millstream.ops.math.functions import erf, erfc

_SQRT_HALF = python_math.sqrt(0.5)
_HALF_LOG_2PI = 0.5 * python_math.log(2 * python_math.pi)
# Wichura's AS 241 (1988): ratios of polynomials, lowest power first.
_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_NEAR = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip


def cdf(x: Any) -> Any:
    """Returns the probability below `x`; each side by the function that loses no digits there."""
    z = x * _SQRT_HALF
    return where(math.less(z, 0.0), 0.5 * erfc(-z), 0.5 + 0.5 * erf(z))


def log_cdf(x: Any) -> Any:
    """Returns the logarithm of the probability below `x`, by a series far below zero."""
    lower = -20.0 if x.dtype.base_dtype == float64 else -10.0
    middle = math.log(cdf(math.maximum(x, lower)))
    above = -cdf(-math.maximum(x, 0.0))
    return where(
        math.greater(x, 5.0), above, where(math.greater(x, lower), middle, _tail(x, lower))
    )


def _tail(x: Any, lower: float) -> Any:
    x = math.minimum(x, lower)
    inverse = 1.0 / math.square(x)
    series = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse))
    return -0.5 * math.square(x) - math.log(-x) - _HALF_LOG_2PI + math.log(series)


def quantile(p: Any) -> Any:
    """Returns the value that is not exceeded with probability `p`; infinite for 0 and 1."""
    q = p - 0.5
    middle = q * _ratio(_MIDDLE, 0.180625 - math.square(q))
    smaller = math.minimum(p, 1.0 - p)
    tiny = np.finfo(p.dtype.as_numpy_dtype).tiny
    r = math.sqrt(-math.log(math.maximum(smaller, tiny)))
    tail = where(math.less_equal(r, 5.0), _ratio(_NEAR, r - 1.6), _ratio(_FAR, r - 5.0))
    tail = where(math.less_equal(smaller, 0.0), tail * 0.0 + np.inf, tail)
    outer = where(math.less(q, 0.0), -tail, tail)
    return where(math.less_equal(math.abs(q), 0.425), middle, outer)


def _ratio(coefficients: Any, x: Any) -> Any:
    above, below = (_polynomial(part, x) for part in coefficients)
    return above / below


def _polynomial(coefficients: Any, x: Any) -> Any:
    total = x * 0.0 + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total
