"""What distributions of single numbers share: parameters that broadcast, and checks."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.shapes import TensorShape, broadcast_static_shape
from millstream.distributions.distribution import Distribution, without_nan
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies
from millstream.ops.array.filling import ones_like, zeros_like
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.selecting import where
from millstream.ops.array.shapes import shape
from millstream.ops.flow.checks import assert_positive
from millstream.ops.math.sums import broadcast_dynamic_shape


def floating(value: Any, name: str, like: Any = None) -> Any:
    """Converts a parameter to a tensor of floats, float32 where nothing says otherwise.

    Raises:
      TypeError: if it is no float.
    """
    wanted = None if like is None else like.dtype.base_dtype
    tensor = convert_to_tensor(value, wanted, name, preferred_dtype=dtypes.float32)
    if not tensor.dtype.is_floating:
        raise TypeError(f"{name} must be floating, not {tensor.dtype.name}")
    return tensor


def positive(tensor: Any, validate_args: bool) -> Any:
    """Passes a parameter on, with a check that it is positive if that is wanted."""
    checks = [assert_positive(tensor)] if validate_args else []
    with control_dependencies(checks):
        return identity(tensor)


class ScalarDistribution(Distribution):
    """A distribution of single numbers; its batch shape is that of its parameters broadcast.

    A subclass sets `_operands`, the tensors of its parameters.
    """

    _operands: tuple[Any, ...] = ()

    def _batch_shape_tensor(self):
        return functools.reduce(broadcast_dynamic_shape, [shape(t) for t in self._operands])

    def _batch_shape(self):
        return functools.reduce(broadcast_static_shape, [t.shape for t in self._operands])

    def _event_shape_tensor(self):
        return convert_to_tensor([], dtypes.int32)

    def _event_shape(self):
        return TensorShape([])

    def _drawn_shape(self, n):
        """Returns the shape of `n` samples."""
        return concat([[n], self.batch_shape_tensor()], 0)


def over(x: Any, like: Any) -> Any:
    """Broadcasts a parameter over the shape of another."""
    return x * ones_like(like)


def defined(distribution: Any, condition: Any, value: Any, what: str) -> Any:
    """Gives NaN, or an error when run, where a statistic does not exist."""
    nan = zeros_like(value) + np.array(np.nan, value.dtype.as_numpy_dtype)
    found = where(condition, value, nan)
    if distribution.allow_nan_stats:
        return found
    return without_nan(found, f"{what} does not exist for all parameters.")
