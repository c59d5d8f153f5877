"""Distributions shifted and stretched: normal, Laplace, Student's t, uniform."""

from __future__ import annotations

import math as python_math

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.distributions import normal_tails
from millstream.distributions.distribution import (
    FULLY_REPARAMETERIZED,
    RegisterKL,
    next_seed,
)
from millstream.distributions.scalar import (
    ScalarDistribution,
    defined,
    floating,
    over,
    positive,
)
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import math
from millstream.ops.array.filling import ones_like, zeros_like
from millstream.ops.array.identities import identity
from millstream.ops.array.selecting import where
from millstream.ops.flow.checks import assert_less
from millstream.ops.math.functions import digamma, lgamma, log1p
from millstream.ops.math.special import betainc
from millstream.ops.random.functions import random_gamma, random_normal, random_uniform

_LOG_2PI = python_math.log(2 * python_math.pi)


class _LocationScale(ScalarDistribution):
    """A distribution shifted by `loc` and stretched by `scale`."""

    def __init__(self, loc, scale, validate_args, allow_nan_stats, parameters, name, *others):
        self._loc = identity(floating(loc, "loc"), name="loc")
        self._scale = identity(positive(floating(scale, "scale"), validate_args), name="scale")
        if self._loc.dtype != self._scale.dtype:
            raise TypeError(
                f"loc and scale must have one dtype, not {self._loc.dtype.name} and "
                f"{self._scale.dtype.name}"
            )
        self._operands = (*others, self._loc, self._scale)
        super().__init__(
            self._loc.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            self._operands,
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        return dict.fromkeys(("loc", "scale"), convert_to_tensor(sample_shape, dtypes.int32))

    @property
    def loc(self):
        """Where the distributions lie."""
        return self._loc

    @property
    def scale(self):
        """How wide they are."""
        return self._scale

    def _z(self, x):
        return (x - self.loc) / self.scale

    def _mean(self):
        return over(self.loc, self.scale)

    def _mode(self):
        return over(self.loc, self.scale)


@export("distributions.Normal")
class Normal(_LocationScale):
    """The normal distribution of mean `loc` and standard deviation `scale`.

    Args:
      loc: float, the means.
      scale: float, the standard deviations, positive.
      validate_args: whether `scale` is checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.

    Example:
      >>> dist = tf.distributions.Normal(loc=0.0, scale=[1.0, 2.0])   # doctest: +SKIP
      >>> dist.log_prob(dist.sample(3)).shape                         # doctest: +SKIP
      TensorShape([Dimension(3), Dimension(2)])
    """

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
        parameters = dict(locals())
        with name_scope(name, values=[loc, scale]) as name:
            super().__init__(loc, scale, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        drawn = random_normal(self._drawn_shape(n), dtype=self.dtype, seed=seed)
        return drawn * self.scale + self.loc

    def _log_prob(self, x):
        return -0.5 * math.square(self._z(x)) - (0.5 * _LOG_2PI + math.log(self.scale))

    def _cdf(self, x):
        return normal_tails.cdf(self._z(x))

    def _log_cdf(self, x):
        return normal_tails.log_cdf(self._z(x))

    def _survival_function(self, x):
        return normal_tails.cdf(-self._z(x))

    def _log_survival_function(self, x):
        return normal_tails.log_cdf(-self._z(x))

    def _entropy(self):
        return 0.5 * (1.0 + _LOG_2PI) + math.log(over(self.scale, self.loc))

    def _stddev(self):
        return over(self.scale, self.loc)

    def _quantile(self, p):
        return normal_tails.quantile(p) * self.scale + self.loc


@export("distributions.Laplace")
class Laplace(_LocationScale):
    """The Laplace distribution: `exp(-|x - loc| / scale) / (2 scale)`.

    Args:
      loc: float, the means.
      scale: float, positive.
      validate_args: whether `scale` is checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Laplace"):
        parameters = dict(locals())
        with name_scope(name, values=[loc, scale]) as name:
            super().__init__(loc, scale, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        # Never -1, whose logarithm below would be infinite.
        least = np.nextafter(*np.array([-1, 0], self.dtype.as_numpy_dtype))
        drawn = random_uniform(self._drawn_shape(n), least, 1.0, self.dtype, seed)
        return self.loc - self.scale * math.sign(drawn) * log1p(-math.abs(drawn))

    def _log_prob(self, x):
        return -math.abs(self._z(x)) - (python_math.log(2) + math.log(self.scale))

    def _cdf(self, x):
        z = self._z(x)
        return 0.5 + 0.5 * math.sign(z) * (1.0 - math.exp(-math.abs(z)))

    def _log_cdf(self, x):
        return _log_laplace_cdf(self._z(x))

    def _log_survival_function(self, x):
        return _log_laplace_cdf(-self._z(x))

    def _entropy(self):
        return python_math.log(2) + 1.0 + math.log(over(self.scale, self.loc))

    def _stddev(self):
        return python_math.sqrt(2) * over(self.scale, self.loc)


def _log_laplace_cdf(z):
    lower = python_math.log(0.5) + math.minimum(z, 0.0)
    upper = log1p(-0.5 * math.exp(-math.abs(z)))
    return where(math.less(z, 0.0), lower, upper)


@export("distributions.StudentT")
class StudentT(_LocationScale):
    """Student's t distribution of `df` degrees of freedom, shifted and stretched.

    Args:
      df: float, the degrees of freedom, positive.
      loc: float, the means where they exist.
      scale: float, how wide; the standard deviation only for many degrees of freedom.
      validate_args: whether `df` and `scale` are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(self, df, loc, scale, validate_args=False, allow_nan_stats=True, name="StudentT"):
        parameters = dict(locals())
        with name_scope(name, values=[df, loc, scale]) as name:
            self._df = identity(positive(floating(df, "df"), validate_args), name="df")
            super().__init__(loc, scale, validate_args, allow_nan_stats, parameters, name, self._df)

    @staticmethod
    def _param_shapes(sample_shape):
        return dict.fromkeys(("df", "loc", "scale"), convert_to_tensor(sample_shape, dtypes.int32))

    @property
    def df(self):
        """The degrees of freedom."""
        return self._df

    def _spread(self, x):
        return x * ones_like(self.df * self.loc * self.scale)

    def _sample_n(self, n, seed=None):
        normal = random_normal(self._drawn_shape(n), dtype=self.dtype, seed=seed)
        df = self._spread(self.df)
        gamma = random_gamma([n], 0.5 * df, 0.5, self.dtype, next_seed(seed, "student_t"))
        return normal * math.rsqrt(gamma / df) * self.scale + self.loc

    def _log_prob(self, x):
        half = 0.5 * (self.df + 1.0)
        bell = -half * log1p(math.square(self._z(x)) / self.df)
        norm = math.log(math.abs(self.scale)) + 0.5 * math.log(self.df)
        return bell - (
            norm + 0.5 * python_math.log(python_math.pi) + lgamma(0.5 * self.df) - lgamma(half)
        )

    def _cdf(self, x):
        z = self._z(x) * ones_like(self.df)
        share = self.df / (math.square(z) + self.df)
        outside = 0.5 * betainc(0.5 * self.df * ones_like(z), 0.5 * ones_like(z), share)
        return where(math.less(z, 0.0), outside, 1.0 - outside)

    def _entropy(self):
        df = self._spread(self.df)
        half = 0.5 * (df + 1.0)
        log_beta = lgamma(0.5 * df) + lgamma(0.5 * ones_like(df)) - lgamma(half)
        scale = math.log(math.abs(self.scale)) + 0.5 * math.log(df)
        return scale + log_beta + half * (digamma(half) - digamma(0.5 * df))

    def _mean(self):
        mean = self._spread(self.loc)
        return defined(self, math.greater(self._spread(self.df), 1.0), mean, "The mean")

    def _variance(self):
        df = self._spread(self.df)
        finite = (
            math.square(self._spread(self.scale))
            * df
            / where(math.greater(df, 2.0), df - 2.0, ones_like(df))
        )
        infinite = zeros_like(df) + np.array(np.inf, self.dtype.as_numpy_dtype)
        variance = where(math.greater(df, 2.0), finite, infinite)
        return defined(self, math.greater(df, 1.0), variance, "The variance")

    def _mode(self):
        return identity(self.loc)


@export("distributions.Uniform")
class Uniform(ScalarDistribution):
    """The uniform distribution between `low`, included, and `high`.

    Args:
      low: float, the lower bounds.
      high: float, the upper bounds, larger.
      validate_args: whether `low < high` is checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(
        self, low=0.0, high=1.0, validate_args=False, allow_nan_stats=True, name="Uniform"
    ):
        parameters = dict(locals())
        with name_scope(name, values=[low, high]) as name:
            low, high = floating(low, "low"), floating(high, "high")
            message = "uniform distribution not defined when low >= high."
            checks = [assert_less(low, high, message=message)] if validate_args else []
            with control_dependencies(checks):
                self._low, self._high = identity(low, "low"), identity(high, "high")
        self._operands = (self._low, self._high)
        super().__init__(
            self._low.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            self._operands,
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        return dict.fromkeys(("low", "high"), convert_to_tensor(sample_shape, dtypes.int32))

    @property
    def low(self):
        """The lower bounds."""
        return self._low

    @property
    def high(self):
        """The upper bounds."""
        return self._high

    def range(self, name="range"):
        """Returns `high - low`."""
        with self._scope(name):
            return self.high - self.low

    def _sample_n(self, n, seed=None):
        drawn = random_uniform(self._drawn_shape(n), dtype=self.dtype, seed=seed)
        return self.low + (self.high - self.low) * drawn

    def _prob(self, x):
        width = (self.high - self.low) * ones_like(x)
        inside = math.logical_and(
            math.greater_equal(x + zeros_like(width), self.low), math.less(x, self.high)
        )
        found = where(inside, ones_like(width) / width, zeros_like(width))
        nan = math.not_equal(x + zeros_like(width), x + zeros_like(width))
        return where(nan, x + zeros_like(width), found)

    def _cdf(self, x):
        share = (x - self.low) / (self.high - self.low)
        return math.minimum(math.maximum(share, 0.0), 1.0)

    def _entropy(self):
        return math.log(self.high - self.low)

    def _mean(self):
        return (self.low + self.high) / 2.0

    def _variance(self):
        return math.square(self.high - self.low) / 12.0

    def _stddev(self):
        return (self.high - self.low) / python_math.sqrt(12.0)

    def _quantile(self, p):
        return self.low + (self.high - self.low) * p


@RegisterKL(Normal, Normal)
def _(a, b, name=None):
    with name_scope(name, "kl_normal_normal"):
        ratio = math.square(a.scale) / math.square(b.scale)
        distance = math.squared_difference(a.loc, b.loc) / (2.0 * math.square(b.scale))
        return distance + 0.5 * (ratio - 1.0 - math.log(ratio))
