"""Distributions of classes: Bernoulli and categorical."""

from __future__ import annotations

from millstream.base import dtypes
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.distributions.distribution import NOT_REPARAMETERIZED, Distribution, RegisterKL
from millstream.distributions.scalar import ScalarDistribution, floating
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import math
from millstream.ops.array.filling import ones_like, zeros_like
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape
from millstream.ops.flow.checks import assert_less_equal, assert_non_negative
from millstream.ops.math.functions import log1p
from millstream.ops.nn.activations import softplus
from millstream.ops.nn.cross_entropy import (
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    sparse_softmax_cross_entropy_with_logits,
)
from millstream.ops.random.choice_ops import multinomial
from millstream.ops.random.functions import random_uniform


def logits_and_probs(logits, probs, is_vector, validate_args):
    """Returns logits and probabilities, whichever of the two was given.

    Args:
      logits: log-odds, or unnormalised log-probabilities of classes in the last dimension.
      probs: probabilities.
      is_vector: whether there are classes in the last dimension.
      validate_args: whether probabilities are checked when a step runs.

    Raises:
      ValueError: if not just one is given.
    """
    if (logits is None) == (probs is None):
        raise ValueError("Must pass probs or logits, but not both.")
    if probs is None:
        logits = floating(logits, "logits")
        return logits, (softmax(logits) if is_vector else math.sigmoid(logits))
    probs = floating(probs, "probs")
    checks = []
    if validate_args:
        checks = [assert_non_negative(probs, message="probs has components less than 0.")]
        checks.append(assert_less_equal(probs, ones_like(probs), message="probs is larger than 1."))
    with control_dependencies(checks):
        probs = identity(probs, "probs")
    return (math.log(probs) if is_vector else math.log(probs) - log1p(-probs)), probs


@export("distributions.Bernoulli")
class Bernoulli(ScalarDistribution):
    """The distribution of 0 and 1.

    Args:
      logits: float, the log-odds of 1; or
      probs: float, the probabilities of 1.
      dtype: dtype of the samples.
      validate_args: whether probabilities are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.

    Raises:
      ValueError: if not just one of `logits` and `probs` is given.
    """

    def __init__(
        self,
        logits=None,
        probs=None,
        dtype=dtypes.int32,
        validate_args=False,
        allow_nan_stats=True,
        name="Bernoulli",
    ):
        parameters = dict(locals())
        with name_scope(name) as name:
            self._logits, self._probs = logits_and_probs(logits, probs, False, validate_args)
        self._operands = (self._probs,)
        super().__init__(
            dtype,
            NOT_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            (self._logits, self._probs),
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        return {"logits": convert_to_tensor(sample_shape, dtypes.int32)}

    @property
    def logits(self):
        """The log-odds of 1."""
        return self._logits

    @property
    def probs(self):
        """The probabilities of 1."""
        return self._probs

    def _sample_n(self, n, seed=None):
        drawn = random_uniform(self._drawn_shape(n), dtype=self.probs.dtype, seed=seed)
        return math.cast(math.less(drawn, self.probs), self.dtype)

    def _log_prob(self, event):
        event = math.cast(event, self.logits.dtype)
        logits = self.logits + zeros_like(event)
        event = event + zeros_like(self.logits)
        return -sigmoid_cross_entropy_with_logits(labels=event, logits=logits)

    def _entropy(self):
        return -self.logits * (math.sigmoid(self.logits) - 1.0) + softplus(-self.logits)

    def _mean(self):
        return identity(self.probs)

    def _variance(self):
        return self._mean() * (1.0 - self.probs)

    def _mode(self):
        return math.cast(math.greater(self.probs, 0.5), self.dtype)


@export("distributions.Categorical")
class Categorical(Distribution):
    """The distribution of class numbers.

    Args:
      logits: float `[*batch_shape, classes]`, unnormalised log-probabilities; or
      probs: float `[*batch_shape, classes]`, probabilities.
      dtype: dtype of the samples.
      validate_args: whether probabilities are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      name: name of the scope.

    Raises:
      ValueError: if not just one of `logits` and `probs` is given.
    """

    def __init__(
        self,
        logits=None,
        probs=None,
        dtype=dtypes.int32,
        validate_args=False,
        allow_nan_stats=True,
        name="Categorical",
    ):
        parameters = dict(locals())
        with name_scope(name) as name:
            self._logits, self._probs = logits_and_probs(logits, probs, True, validate_args)
            if self._logits.shape.ndims == 0:
                raise ValueError("logits and probs must have a last dimension of classes")
        super().__init__(
            dtype,
            NOT_REPARAMETERIZED,
            validate_args,
            allow_nan_stats,
            parameters,
            (self._logits, self._probs),
            name,
        )

    @staticmethod
    def _param_shapes(sample_shape):
        raise NotImplementedError("the number of classes does not follow from the samples' shape")

    @property
    def event_size(self):
        """The number of classes, an int32 scalar."""
        return shape(self.logits)[-1]

    @property
    def logits(self):
        """The log-probabilities, perhaps unnormalised."""
        return self._logits

    @property
    def probs(self):
        """The probabilities."""
        return self._probs

    def _batch_shape_tensor(self):
        return shape(self.logits)[:-1]

    def _batch_shape(self):
        return self.logits.shape[:-1]

    def _event_shape_tensor(self):
        return convert_to_tensor([], dtypes.int32)

    def _event_shape(self):
        return TensorShape([])

    def _sample_n(self, n, seed=None):
        rows = reshape(self.logits, concat([[-1], [self.event_size]], 0))
        wide = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
        draws = multinomial(rows, n, seed=seed, output_dtype=wide)
        found = reshape(transpose(draws), concat([[n], self.batch_shape_tensor()], 0))
        return math.cast(found, self.dtype)

    def _log_prob(self, k):
        k = convert_to_tensor(k, name="k")
        if k.dtype.is_floating:
            k = math.cast(k, dtypes.int32)
        same = self.logits.shape[:-1].is_fully_defined() and (
            k.shape.is_fully_defined() and k.shape.as_list() == self.logits.shape[:-1].as_list()
        )
        logits = self.logits
        if not same:
            k = k * math.cast(ones_like(logits[..., 0]), k.dtype)
            logits = logits * ones_like(math.cast(k, logits.dtype))[..., None]
        return -sparse_softmax_cross_entropy_with_logits(labels=k, logits=logits)

    def _cdf(self, k):
        classes = math.range_(self.event_size)
        # TensorFlow counts the classes below `k`, without `k` itself.
        below = math.less(classes, math.cast(k, dtypes.int32)[..., None])
        return math.reduce_sum(self.probs * math.cast(below, self.probs.dtype), -1)

    def _entropy(self):
        return -math.reduce_sum(log_softmax(self.logits) * self.probs, -1)

    def _mode(self):
        return math.argmax(self.logits, axis=-1, output_type=self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _(a, b, name=None):
    with name_scope(name, "kl_bernoulli_bernoulli"):
        zero = softplus(-a.logits) - softplus(-b.logits)
        one = softplus(a.logits) - softplus(b.logits)
        # The logarithms of probabilities of 1 and of 0 differ by these.
        return -(math.sigmoid(a.logits) * zero + math.sigmoid(-a.logits) * one)


@RegisterKL(Categorical, Categorical)
def _(a, b, name=None):
    with name_scope(name, "kl_categorical_categorical"):
        differences = log_softmax(a.logits) - log_softmax(b.logits)
        return math.reduce_sum(a.probs * differences, -1)
