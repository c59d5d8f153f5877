"""Distributions of vectors: Dirichlet, multinomial, and the two compounded."""

from __future__ import annotations

from millstream.base import dtypes
from millstream.base.export import export
from millstream.distributions.discrete import logits_and_probs
from millstream.distributions.distribution import (
    FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED,
    Distribution,
    RegisterKL,
    next_seed,
)
from millstream.distributions.scalar import defined, floating, positive
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import math
from millstream.ops.array.diagonals import matrix_set_diag
from millstream.ops.array.filling import ones_like
from millstream.ops.array.identities import identity
from millstream.ops.array.indicators import one_hot
from millstream.ops.array.joining import concat
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape
from millstream.ops.flow.checks import assert_non_negative
from millstream.ops.flow.functional import map_fn
from millstream.ops.math.functions import digamma, lgamma
from millstream.ops.math.special import lbeta
from millstream.ops.nn.cross_entropy import log_softmax
from millstream.ops.random.choice_ops import multinomial
from millstream.ops.random.functions import random_gamma


def _drawn_counts(logits, total_counts, n, seed):
    """Draws `n` vectors of how often each class came, row by row.

    Args:
      logits: `[rows, classes]`.
      total_counts: int32 `[rows]`, the numbers of draws.
      n: how many vectors.
      seed: seed of the random numbers.

    Returns:
      `[n, rows, classes]`.
    """
    classes = shape(logits)[-1]

    def draw(operands):
        row, total = operands
        drawn = reshape(multinomial(row[None], n * total, seed), [n, total])
        return math.reduce_sum(one_hot(drawn, classes, dtype=logits.dtype), -2)

    return transpose(map_fn(draw, [logits, total_counts], dtype=logits.dtype), [1, 0, 2])


class _CountsOrShares(Distribution):
    """A distribution of vectors of as many elements as the last dimension of a parameter."""

    def _parameter(self):
        raise NotImplementedError

    def _batch_shape_tensor(self):
        return shape(self._parameter())[:-1]

    def _batch_shape(self):
        return self._parameter().shape[:-1]

    def _event_shape_tensor(self):
        return shape(self._parameter())[-1:]

    def _event_shape(self):
        return self._parameter().shape[-1:]


@export("distributions.Dirichlet")
class Dirichlet(_CountsOrShares):
    """The Dirichlet distribution of vectors of shares: density ~ `prod(x^(concentration - 1))`.

    Args:
      concentration: float `[*batch_shape, classes]`, positive.
      validate_args: whether parameters are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(self, concentration, validate_args=False, allow_nan_stats=True, name="Dirichlet"):
        parameters = dict(locals())
        with name_scope(name, values=[concentration]) as name:
            concentration = floating(concentration, "concentration")
            self._concentration = positive(concentration, validate_args)
            self._total_concentration = math.reduce_sum(self._concentration, -1)
        super().__init__(
            concentration.dtype,
            FULLY_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            (self._concentration, self._total_concentration),
            name,
        )

    @property
    def concentration(self):
        """The concentrations."""
        return self._concentration

    @property
    def total_concentration(self):
        """Their sums over the last dimension."""
        return self._total_concentration

    def _parameter(self):
        return self.concentration

    def _sample_n(self, n, seed=None):
        drawn = random_gamma([n], self.concentration, None, self.dtype, seed)
        return drawn / math.reduce_sum(drawn, -1, keepdims=True)

    def _log_prob(self, x):
        return math.reduce_sum((self.concentration - 1.0) * math.log(x), -1) - lbeta(
            self.concentration
        )

    def _entropy(self):
        classes = math.cast(self.event_shape_tensor()[0], self.dtype)
        total = self.total_concentration
        inner = math.reduce_sum((self.concentration - 1.0) * digamma(self.concentration), -1)
        return lbeta(self.concentration) + (total - classes) * digamma(total) - inner

    def _mean(self):
        return self.concentration / self.total_concentration[..., None]

    def _scale(self):
        return math.rsqrt(1.0 + self.total_concentration[..., None])

    def _covariance(self):
        x = self._scale() * self._mean()
        outer = -x[..., :, None] * x[..., None, :]
        return matrix_set_diag(outer, self._variance())

    def _variance(self):
        scale = self._scale()
        x = scale * self._mean()
        return x * (scale - x)

    def _mode(self):
        classes = math.cast(self.event_shape_tensor()[0], self.dtype)
        mode = (self.concentration - 1.0) / (self.total_concentration[..., None] - classes)
        return defined(self, math.greater(self.concentration, 1.0), mode, "The mode")


class _Counts(_CountsOrShares):
    """A distribution of how often each class comes in `total_count` draws."""

    @property
    def total_count(self):
        """The numbers of draws."""
        return self._total_count

    def _take_total(self, total_count, validate_args):
        total_count = floating(total_count, "total_count")
        checks = []
        if validate_args:
            message = "total_count must be non-negative."
            checks = [assert_non_negative(total_count, message=message)]
        with control_dependencies(checks):
            self._total_count = identity(total_count, "total_count")

    def _log_orders(self, counts):
        """Returns the logarithm of the number of orders in which classes can come so often."""
        return lgamma(self.total_count + 1.0) - math.reduce_sum(lgamma(counts + 1.0), -1)


@export("distributions.Multinomial")
class Multinomial(_Counts):
    """The multinomial distribution: how often each class comes in independent draws.

    Args:
      total_count: float `[*batch_shape]`, whole numbers of draws.
      logits: float `[*batch_shape, classes]`, unnormalised log-probabilities; or
      probs: float `[*batch_shape, classes]`, probabilities.
      validate_args: whether parameters are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.

    Raises:
      ValueError: if not just one of `logits` and `probs` is given.
    """

    def __init__(
        self,
        total_count,
        logits=None,
        probs=None,
        validate_args=False,
        allow_nan_stats=True,
        name="Multinomial",
    ):
        parameters = dict(locals())
        with name_scope(name, values=[total_count, logits, probs]) as name:
            self._take_total(total_count, validate_args)
            self._logits, self._probs = logits_and_probs(logits, probs, True, validate_args)
            self._mean_val = self._total_count[..., None] * self._probs
        super().__init__(
            self._probs.dtype,
            NOT_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            (self._total_count, self._logits, self._probs),
            name,
        )

    @property
    def logits(self):
        """The log-probabilities, perhaps unnormalised."""
        return self._logits

    @property
    def probs(self):
        """The probabilities."""
        return self._probs

    def _parameter(self):
        return self._mean_val

    def _sample_n(self, n, seed=None):
        classes, batch = self.event_shape_tensor(), self.batch_shape_tensor()
        logits = self.logits * ones_like(self._mean_val)
        totals = math.cast(self.total_count * ones_like(self._mean_val[..., 0]), dtypes.int32)
        rows = reshape(logits, concat([[-1], classes], 0))
        counts = _drawn_counts(rows, reshape(totals, [-1]), n, seed)
        return reshape(counts, concat([[n], batch, classes], 0))

    def _log_prob(self, counts):
        likely = math.reduce_sum(counts * log_softmax(self.logits), -1)
        return likely + self._log_orders(counts)

    def _mean(self):
        return identity(self._mean_val)

    def _covariance(self):
        p = self.probs * ones_like(self.total_count)[..., None]
        outer = -self._mean_val[..., :, None] * p[..., None, :]
        return matrix_set_diag(outer, self._variance())

    def _variance(self):
        p = self.probs * ones_like(self.total_count)[..., None]
        return self._mean_val - self._mean_val * p


@export("distributions.DirichletMultinomial")
class DirichletMultinomial(_Counts):
    """The multinomial distribution whose probabilities are drawn from a Dirichlet distribution.

    Args:
      total_count: float `[*batch_shape]`, whole numbers of draws.
      concentration: float `[*batch_shape, classes]`, positive.
      validate_args: whether parameters are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.
    """

    def __init__(
        self,
        total_count,
        concentration,
        validate_args=False,
        allow_nan_stats=True,
        name="DirichletMultinomial",
    ):
        parameters = dict(locals())
        with name_scope(name, values=[total_count, concentration]) as name:
            self._take_total(total_count, validate_args)
            concentration = floating(concentration, "concentration")
            self._concentration = positive(concentration, validate_args)
            self._total_concentration = math.reduce_sum(self._concentration, -1)
        super().__init__(
            concentration.dtype,
            NOT_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            (self._total_count, self._concentration),
            name,
        )

    @property
    def concentration(self):
        """The concentrations."""
        return self._concentration

    @property
    def total_concentration(self):
        """Their sums over the last dimension."""
        return self._total_concentration

    def _parameter(self):
        return self.concentration

    def _sample_n(self, n, seed=None):
        if self.total_count.shape.ndims != 0:
            raise ValueError("Samples need a scalar total_count.")
        classes, batch = self.event_shape_tensor(), self.batch_shape_tensor()
        drawn = random_gamma([n], self.concentration, None, self.dtype, seed)
        logits = reshape(math.log(drawn), concat([[-1], classes], 0))
        seed = next_seed(seed, "dirichlet_multinomial")
        classes_drawn = multinomial(logits, math.cast(self.total_count, dtypes.int32), seed)
        counts = one_hot(classes_drawn, classes[0], dtype=self.dtype)
        return reshape(math.reduce_sum(counts, -2), concat([[n], batch, classes], 0))

    def _log_prob(self, counts):
        mixed = lbeta(self.concentration + counts) - lbeta(self.concentration)
        return mixed + self._log_orders(counts)

    def _mean(self):
        share = self.concentration / self.total_concentration[..., None]
        return self.total_count[..., None] * share

    def _scale(self):
        total = self.total_concentration[..., None]
        return math.sqrt((1.0 + total / self.total_count[..., None]) / (1.0 + total))

    def _covariance(self):
        x = self._scale() * self._mean()
        outer = -x[..., :, None] * x[..., None, :]
        return matrix_set_diag(outer, self._variance())

    def _variance(self):
        scale = self._scale()
        x = scale * self._mean()
        return x * (self.total_count[..., None] * scale - x)


@RegisterKL(Dirichlet, Dirichlet)
def _(a, b, name=None):
    with name_scope(name, "kl_dirichlet_dirichlet"):
        inner = digamma(a.concentration) - digamma(a.total_concentration[..., None])
        shift = math.reduce_sum((a.concentration - b.concentration) * inner, -1)
        return shift - lbeta(a.concentration) + lbeta(b.concentration)
