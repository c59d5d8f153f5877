"""Distributions of positive numbers: gamma, exponential, beta."""

from __future__ import annotations

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
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
from millstream.ir.scopes import name_scope
from millstream.ops import math
from millstream.ops.array.filling import ones_like
from millstream.ops.array.identities import identity
from millstream.ops.math.functions import digamma, lgamma, log1p
from millstream.ops.math.special import betainc, igamma
from millstream.ops.random.functions import random_gamma, random_uniform


@export("distributions.Gamma")
class Gamma(ScalarDistribution):
    """The gamma distribution: density proportional to `x^(concentration - 1) exp(-rate x)`.

    Args:
      concentration: float, positive.
      rate: float, positive: the inverse of the scale.
      validate_args: whether parameters are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.

    Gradient: of samples, by the concentration too (implicitly).
    """

    def __init__(
        self, concentration, rate, validate_args=False, allow_nan_stats=True, name="Gamma"
    ):
        parameters = dict(locals())
        with name_scope(name, values=[concentration, rate]) as name:
            self._concentration = identity(
                positive(floating(concentration, "concentration"), validate_args),
                name="concentration",
            )
            self._rate = identity(positive(floating(rate, "rate"), validate_args), name="rate")
        self._operands = (self._concentration, self._rate)
        super().__init__(
            self._concentration.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            self._operands,
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        names = ("concentration", "rate")
        return dict.fromkeys(names, convert_to_tensor(sample_shape, dtypes.int32))

    @property
    def concentration(self):
        """The concentrations."""
        return self._concentration

    @property
    def rate(self):
        """The rates."""
        return self._rate

    def _sample_n(self, n, seed=None):
        return random_gamma([n], self.concentration, self.rate, self.dtype, seed)

    def _log_prob(self, x):
        norm = lgamma(self.concentration) - self.concentration * math.log(self.rate)
        return (self.concentration - 1.0) * math.log(x) - self.rate * x - norm

    def _cdf(self, x):
        # The op does not broadcast.
        x = self.rate * x * ones_like(self.concentration)
        return igamma(self.concentration * ones_like(x), x)

    def _entropy(self):
        a = self.concentration
        return a - math.log(self.rate) + lgamma(a) + (1.0 - a) * digamma(a)

    def _mean(self):
        return self.concentration / self.rate

    def _variance(self):
        return self.concentration / math.square(self.rate)

    def _stddev(self):
        return math.sqrt(self.concentration) / self.rate

    def _mode(self):
        mode = (self.concentration - 1.0) / self.rate
        return defined(self, math.greater(self.concentration, 1.0), mode, "The mode")


@export("distributions.Exponential")
class Exponential(Gamma):
    """The exponential distribution: `rate exp(-rate x)`.

    Args:
      rate: float, positive.
      validate_args: whether `rate` is checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(self, rate, validate_args=False, allow_nan_stats=True, name="Exponential"):
        parameters = dict(locals())
        with name_scope(name, values=[rate]) as name:
            rate = floating(rate, "rate")
            super().__init__(ones_like(rate), rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters
        self._operands = (self._rate,)

    @staticmethod
    def _param_shapes(sample_shape):
        return {"rate": convert_to_tensor(sample_shape, dtypes.int32)}

    def _sample_n(self, n, seed=None):
        # Never 0, whose logarithm is infinite.
        least = np.finfo(self.dtype.as_numpy_dtype).tiny
        drawn = random_uniform(self._drawn_shape(n), least, 1.0, self.dtype, seed)
        return -math.log(drawn) / self.rate


@export("distributions.Beta")
class Beta(ScalarDistribution):
    """The beta distribution: density proportional to `x^(c1 - 1) (1 - x)^(c0 - 1)` in (0, 1).

    Args:
      concentration1: float, positive: `c1`, by default 1.
      concentration0: float, positive: `c0`, by default 1.
      validate_args: whether parameters are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(
        self,
        concentration1=None,
        concentration0=None,
        validate_args=False,
        allow_nan_stats=True,
        name="Beta",
    ):
        parameters = dict(locals())
        with name_scope(name, values=[concentration1, concentration0]) as name:
            given = {"concentration1": concentration1, "concentration0": concentration0}
            self._concentration1, self._concentration0 = (
                positive(floating(1.0 if value is None else value, key), validate_args)
                for key, value in given.items()
            )
            self._total_concentration = self._concentration1 + self._concentration0
        self._operands = (self._concentration1, self._concentration0)
        super().__init__(
            self._total_concentration.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            self._operands,
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        names = ("concentration1", "concentration0")
        return dict.fromkeys(names, convert_to_tensor(sample_shape, dtypes.int32))

    @property
    def concentration1(self):
        """The concentrations at 1."""
        return self._concentration1

    @property
    def concentration0(self):
        """The concentrations at 0."""
        return self._concentration0

    @property
    def total_concentration(self):
        """Their sums."""
        return self._total_concentration

    def _sample_n(self, n, seed=None):
        one = over(self.concentration1, self.total_concentration)
        zero = over(self.concentration0, self.total_concentration)
        first = random_gamma([n], one, None, self.dtype, seed)
        second = random_gamma([n], zero, None, self.dtype, next_seed(seed, "beta"))
        return first / (first + second)

    def _log_norm(self):
        both = lgamma(self.concentration1) + lgamma(self.concentration0)
        return both - lgamma(self.total_concentration)

    def _log_prob(self, x):
        ones = (self.concentration1 - 1.0) * math.log(x)
        return ones + (self.concentration0 - 1.0) * log1p(-x) - self._log_norm()

    def _cdf(self, x):
        like = x * ones_like(self.total_concentration)
        return betainc(
            self.concentration1 * ones_like(like), self.concentration0 * ones_like(like), like
        )

    def _entropy(self):
        return (
            self._log_norm()
            - (self.concentration1 - 1.0) * digamma(self.concentration1)
            - (self.concentration0 - 1.0) * digamma(self.concentration0)
            + (self.total_concentration - 2.0) * digamma(self.total_concentration)
        )

    def _mean(self):
        return self.concentration1 / self.total_concentration

    def _variance(self):
        mean = self._mean()
        return mean * (1.0 - mean) / (1.0 + self.total_concentration)

    def _mode(self):
        mode = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        exists = math.logical_and(
            math.greater(over(self.concentration1, mode), 1.0),
            math.greater(over(self.concentration0, mode), 1.0),
        )
        return defined(self, exists, mode, "The mode")


@RegisterKL(Gamma, Gamma)
def _(a, b, name=None):
    with name_scope(name, "kl_gamma_gamma"):
        return (
            (a.concentration - b.concentration) * digamma(a.concentration)
            + lgamma(b.concentration)
            - lgamma(a.concentration)
            + b.concentration * math.log(a.rate)
            - b.concentration * math.log(b.rate)
            + a.concentration * (b.rate / a.rate - 1.0)
        )


@RegisterKL(Beta, Beta)
def _(a, b, name=None):
    with name_scope(name, "kl_beta_beta"):
        d1 = b.concentration1 - a.concentration1
        d0 = b.concentration0 - a.concentration0
        total = b.total_concentration - a.total_concentration
        return (
            b._log_norm()
            - a._log_norm()
            - digamma(a.concentration1) * d1
            - digamma(a.concentration0) * d0
            + digamma(a.total_concentration) * total
        )
