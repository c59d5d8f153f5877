"""The base class of distributions.

A distribution is a batch of independent ones: parameters of shape `batch_shape` make one
distribution per element, whose samples have shape `event_shape`. `sample([n])` has shape
`[n, *batch_shape, *event_shape]`; `log_prob` of it has shape `[n, *batch_shape]`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export, export_constant
from millstream.base.shapes import TensorShape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.static_value import constant_value
from millstream.ops import math
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape
from millstream.ops.flow.assertions import Assert
from millstream.ops.math.functions import is_nan


@export("distributions.ReparameterizationType")
class ReparameterizationType:
    """Says whether gradients pass from samples to a distribution's parameters.

    Compared by identity: there are the constants `tf.distributions.FULLY_REPARAMETERIZED` and
    `NOT_REPARAMETERIZED`.
    """

    def __init__(self, rep_type: str) -> None:
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")
export_constant("distributions.FULLY_REPARAMETERIZED", FULLY_REPARAMETERIZED)
export_constant("distributions.NOT_REPARAMETERIZED", NOT_REPARAMETERIZED)


def next_seed(seed: Any, salt: str) -> int | None:
    """Derives the seed of a second stream from a seed, as TensorFlow does."""
    if seed is None:
        return None
    digest = hashlib.md5(f"{seed}{salt}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) & 0x7FFFFFFF


@export("distributions.Distribution")
class Distribution:
    """A batch of probability distributions; the base of those of your own.

    A subclass gives what it can of `_sample_n(n, seed)`, `_log_prob(value)` or `_prob(value)`,
    `_log_cdf` or `_cdf`, `_entropy()`, `_mean()`, `_variance()` or `_stddev()`, `_mode()`,
    `_quantile(value)`, `_covariance()`, and its shapes: `_batch_shape_tensor()`,
    `_batch_shape()`, `_event_shape_tensor()`, `_event_shape()`.

    Args:
      dtype: dtype of the samples.
      reparameterization_type: whether gradients pass through samples.
      validate_args: whether parameters and values are checked when a step runs.
      allow_nan_stats: whether statistics that do not exist are NaN rather than an error.
      parameters: the arguments of the constructor, by name.
      graph_parents: tensors that it is made of.
      name: scope of the nodes.
    """

    def __init__(
        self,
        dtype,
        reparameterization_type,
        validate_args,
        allow_nan_stats,
        parameters=None,
        graph_parents=None,
        name=None,
    ):
        if not name or not name.endswith("/"):
            with name_scope(name or type(self).__name__) as name:
                pass
        self._dtype = dtypes.as_dtype(dtype)
        self._reparameterization_type = reparameterization_type
        self._validate_args = validate_args
        self._allow_nan_stats = allow_nan_stats
        self._parameters = dict(parameters or {})
        self._graph_parents = list(graph_parents or [])
        self._name = name

    # -- what it is

    @property
    def name(self):
        """The scope of its nodes."""
        return self._name

    @property
    def dtype(self):
        """The dtype of its samples."""
        return self._dtype

    @property
    def parameters(self):
        """The arguments that it was made with, by name."""
        return {k: v for k, v in self._parameters.items() if k not in ("self", "__class__")}

    @property
    def reparameterization_type(self):
        """`FULLY_REPARAMETERIZED` or `NOT_REPARAMETERIZED`."""
        return self._reparameterization_type

    @property
    def allow_nan_stats(self):
        """Whether statistics that do not exist are NaN rather than an error."""
        return self._allow_nan_stats

    @property
    def validate_args(self):
        """Whether parameters and values are checked when a step runs."""
        return self._validate_args

    def copy(self, **override_parameters_kwargs):
        """Makes a distribution with some parameters replaced."""
        return type(self)(**{**self.parameters, **override_parameters_kwargs})

    @classmethod
    def param_shapes(cls, sample_shape, name="DistributionParamShapes"):
        """Returns the shapes of parameters, by name, for which `sample()` has a given shape."""
        with name_scope(name):
            return cls._param_shapes(sample_shape)

    @classmethod
    def param_static_shapes(cls, sample_shape):
        """Returns these shapes as `TensorShape`s.

        Raises:
          ValueError: if `sample_shape` is not known.
        """
        if not isinstance(sample_shape, TensorShape):
            known = constant_value(convert_to_tensor(sample_shape, dtypes.int32))
            sample_shape = None if known is None else TensorShape(known.tolist())
        if sample_shape is None or not sample_shape.is_fully_defined():
            raise ValueError("TensorShape sample_shape must be fully defined")
        shapes = cls._param_shapes(sample_shape.as_list())
        return {name: TensorShape(constant_value(s).tolist()) for name, s in shapes.items()}

    @staticmethod
    def _param_shapes(sample_shape):
        raise NotImplementedError("_param_shapes not implemented")

    def __repr__(self):
        return (
            f"<tf.distributions.{type(self).__name__} '{self.name}' "
            f"batch_shape={self.batch_shape} event_shape={self.event_shape} "
            f"dtype={self.dtype.name}>"
        )

    def _missing(self, what):
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    @contextmanager
    def _scope(self, name: str) -> Iterator[None]:
        with name_scope(self.name), name_scope(name):
            yield

    # -- shapes

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """Returns the shape of the batch of distributions, int32 `[batch rank]`."""
        with self._scope(name):
            if self.batch_shape.is_fully_defined():
                return convert_to_tensor(self.batch_shape.as_list(), dtypes.int32, "batch_shape")
            return self._batch_shape_tensor()

    @property
    def batch_shape(self):
        """The static shape of the batch of distributions."""
        return TensorShape(self._batch_shape())

    def event_shape_tensor(self, name="event_shape_tensor"):
        """Returns the shape of one sample of one distribution, int32 `[event rank]`."""
        with self._scope(name):
            if self.event_shape.is_fully_defined():
                return convert_to_tensor(self.event_shape.as_list(), dtypes.int32, "event_shape")
            return self._event_shape_tensor()

    @property
    def event_shape(self):
        """The static shape of one sample of one distribution."""
        return TensorShape(self._event_shape())

    def is_scalar_event(self, name="is_scalar_event"):
        """Tells, as a tensor, whether a sample is a scalar."""
        with self._scope(name):
            return convert_to_tensor(self._is_scalar(self.event_shape, self.event_shape_tensor))

    def is_scalar_batch(self, name="is_scalar_batch"):
        """Tells, as a tensor, whether there is one distribution only."""
        with self._scope(name):
            return convert_to_tensor(self._is_scalar(self.batch_shape, self.batch_shape_tensor))

    @staticmethod
    def _is_scalar(static, dynamic):
        if static.ndims is not None:
            return static.ndims == 0
        return math.equal(shape(dynamic())[0], 0)

    def _batch_shape_tensor(self):
        raise self._missing("batch_shape_tensor")

    def _batch_shape(self):
        return TensorShape(None)

    def _event_shape_tensor(self):
        raise self._missing("event_shape_tensor")

    def _event_shape(self):
        return TensorShape(None)

    # -- samples

    def _sample_n(self, n, seed=None):
        raise self._missing("sample_n")

    def sample(self, sample_shape=(), seed=None, name="sample"):
        """Draws samples.

        Args:
          sample_shape: shape of the samples to draw from each distribution, 0 or 1 dimensions.
          seed: seed of the random numbers.
          name: scope of the nodes.

        Returns:
          `[*sample_shape, *batch_shape, *event_shape]`.
        """
        with self._scope(name):
            sample_shape = convert_to_tensor(sample_shape, dtypes.int32, "sample_shape")
            if sample_shape.shape.ndims == 0:
                sample_shape = reshape(sample_shape, [1])
            samples = self._sample_n(math.reduce_prod(sample_shape), seed)
            drawn = shape(samples)[1:]
            samples = reshape(samples, concat([sample_shape, drawn], 0))
            known = constant_value(sample_shape)
            rows = TensorShape(None if known is None else known.tolist())
            samples.set_shape(rows.concatenate(self.batch_shape).concatenate(self.event_shape))
            return samples

    # -- densities

    def _value(self, value):
        return convert_to_tensor(value, name="value", preferred_dtype=self.dtype)

    def _first_of(self, value, *ways):
        """Returns what the first way gives that the class has.

        Args:
          value: the operand, or `None` for statistics without one.
          *ways: (method, function of its result) pairs.
        """
        arguments = () if value is None else (value,)
        for method, after in ways:
            found = getattr(self, method, None)
            if found is not None:
                return after(found(*arguments))
        raise self._missing(ways[0][0].lstrip("_"))

    def log_prob(self, value, name="log_prob"):
        """Returns the logarithm of the density (or probability) of values.

        Args:
          value: `[..., *batch_shape, *event_shape]`.
          name: scope of the nodes.

        Returns:
          `[..., *batch_shape]`.
        """
        with self._scope(name):
            ways = (("_log_prob", _same), ("_prob", math.log))
            return self._first_of(self._value(value), *ways)

    def prob(self, value, name="prob"):
        """Returns the density (or probability) of values; shapes as in `log_prob`."""
        with self._scope(name):
            ways = (("_prob", _same), ("_log_prob", math.exp))
            return self._first_of(self._value(value), *ways)

    def log_cdf(self, value, name="log_cdf"):
        """Returns the logarithm of the probability of at most a value."""
        with self._scope(name):
            ways = (("_log_cdf", _same), ("_cdf", math.log))
            return self._first_of(self._value(value), *ways)

    def cdf(self, value, name="cdf"):
        """Returns the probability of at most a value."""
        with self._scope(name):
            ways = (("_cdf", _same), ("_log_cdf", math.exp))
            return self._first_of(self._value(value), *ways)

    def log_survival_function(self, value, name="log_survival_function"):
        """Returns the logarithm of the probability of more than a value."""
        with self._scope(name):
            ways = (
                ("_log_survival_function", _same),
                ("_survival_function", math.log),
                ("_cdf", lambda p: math.log1p(-p)),
            )
            return self._first_of(self._value(value), *ways)

    def survival_function(self, value, name="survival_function"):
        """Returns the probability of more than a value."""
        with self._scope(name):
            ways = (
                ("_survival_function", _same),
                ("_log_survival_function", math.exp),
                ("_cdf", lambda p: 1.0 - p),
            )
            return self._first_of(self._value(value), *ways)

    def quantile(self, value, name="quantile"):
        """Returns the value that is not exceeded with a given probability."""
        with self._scope(name):
            return self._first_of(self._value(value), ("_quantile", _same))

    # -- statistics

    def entropy(self, name="entropy"):
        """Returns the Shannon entropy in nats, `[*batch_shape]`."""
        with self._scope(name):
            return self._first_of(None, ("_entropy", _same))

    def mean(self, name="mean"):
        """Returns the mean, `[*batch_shape, *event_shape]`."""
        with self._scope(name):
            return self._first_of(None, ("_mean", _same))

    def variance(self, name="variance"):
        """Returns the variance of each element, `[*batch_shape, *event_shape]`."""
        with self._scope(name):
            return self._first_of(None, ("_variance", _same), ("_stddev", math.square))

    def stddev(self, name="stddev"):
        """Returns the standard deviation of each element, `[*batch_shape, *event_shape]`."""
        with self._scope(name):
            return self._first_of(None, ("_stddev", _same), ("_variance", math.sqrt))

    def covariance(self, name="covariance"):
        """Returns the covariance of the elements of a vector event, `[*batch_shape, k, k]`."""
        with self._scope(name):
            return self._first_of(None, ("_covariance", _same))

    def mode(self, name="mode"):
        """Returns the most probable value, `[*batch_shape, *event_shape]`."""
        with self._scope(name):
            return self._first_of(None, ("_mode", _same))

    def cross_entropy(self, other, name="cross_entropy"):
        """Returns the mean of `-other.log_prob` under this distribution, in nats."""
        with self._scope(name):
            return self.entropy() + self.kl_divergence(other)

    def kl_divergence(self, other, name="kl_divergence"):
        """Returns the Kullback-Leibler divergence from this distribution to another, in nats.

        Raises:
          NotImplementedError: if none is registered for the two classes.
        """
        with self._scope(name):
            return divergence(self, other, self._allow_nan_stats)


def _same(value):
    return value


_DIVERGENCES: dict[tuple[type, type], Any] = {}


@export("distributions.RegisterKL")
class RegisterKL:
    """Registers a function as the divergence between distributions of two classes.

    Args:
      dist_cls_a: class of the first distribution.
      dist_cls_b: class of the second.

    Example:
      >>> @tf.distributions.RegisterKL(MyNormal, MyNormal)     # doctest: +SKIP
      ... def _(a, b, name=None):
      ...     return ...
    """

    def __init__(self, dist_cls_a, dist_cls_b):
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn):
        """Registers the function `(a, b, name) -> tensor`, and returns it.

        Raises:
          TypeError: if it cannot be called.
          ValueError: if the two classes have one.
        """
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            names = " || ".join(kind.__name__ for kind in self._key)
            raise ValueError(
                f"KL({names}) has already been registered to {_DIVERGENCES[self._key]}"
            )
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn


def divergence(a, b, allow_nan_stats=True):
    """Returns the divergence registered for the nearest base classes of two distributions."""
    pairs = [
        (i + j, _DIVERGENCES[ka, kb])
        for i, ka in enumerate(type(a).__mro__)
        for j, kb in enumerate(type(b).__mro__)
        if (ka, kb) in _DIVERGENCES
    ]
    if not pairs:
        raise NotImplementedError(
            "No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(a).__name__} and distribution_b type {type(b).__name__}"
        )
    _, function = min(pairs, key=lambda pair: pair[0])
    return function(a, b, name=None)


@export("distributions.kl_divergence")
def kl_divergence(distribution_a, distribution_b, allow_nan_stats=True, name=None):
    """Returns the Kullback-Leibler divergence `KL(a || b)` in nats, `[*batch_shape]`.

    Args:
      distribution_a: the distribution whose mean is taken.
      distribution_b: the other.
      allow_nan_stats: whether NaN is a result; otherwise it is an error when run.
      name: name of the scope.

    Raises:
      NotImplementedError: if none is registered for the two classes.
    """
    with name_scope(name, "KullbackLeibler"):
        found = divergence(distribution_a, distribution_b)
        return found if allow_nan_stats else without_nan(found, "KL computed as NaN.")


def without_nan(x, message):
    """Passes a tensor on after a check that no element is NaN."""
    check = Assert(math.logical_not(math.reduce_any(is_nan(x))), [message, x])
    with control_dependencies([check]):
        return identity(x)
