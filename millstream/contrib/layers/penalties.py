"""Regularizers, and initializers that slim programs use."""

import math as scalar_math
import numbers

from millstream.base import dtypes
from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.base.logging import info
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import add_to_collection, get_collection, name_scope
from millstream.ops import math, nn
from millstream.ops.random.functions import random_uniform, truncated_normal


def _published(name):
    return export(
        f"contrib.layers.{name}", f"contrib.slim.{name}", f"contrib.slim.regularizers.{name}",
        module=__name__,
    )  # fmt: skip


def _check_scale(scale):
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real):
        if scale < 0.0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")
        if scale == 0.0:
            info("Scale of 0 disables regularizer.")
            return False
    return True


def _nothing(_):
    return None


@_published("l1_regularizer")
def l1_regularizer(scale, scope=None):
    """Returns a function that gives `scale * sum(|weights|)`.

    Args:
      scale: a float, not negative; 0 turns it off.
      scope: name of the nodes.

    Raises:
      ValueError: if `scale` is negative or an integer.
    """
    if not _check_scale(scale):
        return _nothing

    def l1(weights, name=None):
        with name_scope(scope, "l1_regularizer", [weights]) as full:
            my_scale = convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return math.multiply(my_scale, math.reduce_sum(math.abs(weights)), name=name or full)

    return l1


@_published("l2_regularizer")
def l2_regularizer(scale, scope=None):
    """Returns a function that gives `scale * sum(weights ** 2) / 2`.

    Args:
      scale: a float, not negative; 0 turns it off.
      scope: name of the nodes.

    Raises:
      ValueError: if `scale` is negative or an integer.
    """
    if not _check_scale(scale):
        return _nothing

    def l2(weights):
        with name_scope(scope, "l2_regularizer", [weights]) as name:
            my_scale = convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return math.multiply(my_scale, nn.l2_loss(weights), name=name)

    return l2


@_published("l1_l2_regularizer")
def l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None):
    """Returns a function that gives the sum of `l1_regularizer`'s and `l2_regularizer`'s losses.

    Raises:
      ValueError: if a scale is negative or an integer.
    """
    for scale in (scale_l1, scale_l2):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"scale cannot be an integer: {scale}")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


@_published("sum_regularizer")
def sum_regularizer(regularizer_list, scope=None):
    """Returns a function that gives the sum of what several regularizers give."""
    regularizers = [r for r in regularizer_list if r is not None]
    if not regularizers:
        return None

    def sum_reg(weights):
        with name_scope(scope, "sum_regularizer", [weights]) as name:
            found = [loss for loss in (r(weights) for r in regularizers) if loss is not None]
            return math.add_n(found, name=name) if found else None

    return sum_reg


@_published("apply_regularization")
def apply_regularization(regularizer, weights_list=None):
    """Adds up a regularizer's losses of weights, and collects the sum.

    Args:
      regularizer: function from a tensor to a scalar loss, or to `None`.
      weights_list: tensors; by default `GraphKeys.WEIGHTS`.

    Returns:
      A scalar.

    Raises:
      ValueError: if there are no weights, or a loss is no scalar.
    """
    if not weights_list:
        weights_list = get_collection(GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with name_scope("get_regularization_penalty", values=weights_list) as scope:
        losses = [regularizer(w) for w in weights_list]
        losses = [convert_to_tensor(0.0) if loss is None else loss for loss in losses]
        for loss in losses:
            if loss.shape.ndims != 0:
                raise ValueError(
                    "regularizer must return a scalar Tensor instead of a Tensor with rank "
                    f"{loss.shape.ndims}."
                )
        total = math.add_n(losses, name=scope)
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total


# -- initializers


def _initializers(name):
    return export(
        f"contrib.layers.{name}", f"contrib.slim.{name}", f"contrib.slim.initializers.{name}",
        module=__name__,
    )  # fmt: skip


@_initializers("variance_scaling_initializer")
def variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=Float):
    """Returns an initializer whose spread keeps the scale of what a layer passes on.

    Args:
      factor: what the variance is multiplied by.
      mode: `"FAN_IN"`, `"FAN_OUT"` or `"FAN_AVG"`: the number that it is divided by.
      uniform: uniform numbers rather than truncated normal ones.
      seed: seed of the numbers.
      dtype: a floating type.

    Raises:
      TypeError: for a type that is not floating, or another mode.

    Source: He et al., 2015.
    """
    if not dtypes.as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")

    def _initializer(shape, dtype=dtype, partition_info=None):
        if not dtypes.as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        if partition_info is not None:
            shape = partition_info.full_shape
        n = _fans(shape, mode)
        if uniform:
            limit = scalar_math.sqrt(3.0 * factor / n)
            return random_uniform(shape, -limit, limit, dtype, seed=seed)
        # 1.3 makes up for what truncation takes from the spread.
        stddev = scalar_math.sqrt(1.3 * factor / n)
        return truncated_normal(shape, 0.0, stddev, dtype, seed=seed)

    return _initializer


def _fans(shape, mode):
    sizes = [float(size) for size in shape]
    fan_in = sizes[-2] if len(sizes) > 1 else (sizes[-1] if sizes else 1.0)
    fan_out = sizes[-1] if sizes else 1.0
    for size in sizes[:-2]:
        fan_in *= size
        fan_out *= size
    return {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]


@_initializers("xavier_initializer")
def xavier_initializer(uniform=True, seed=None, dtype=Float):
    """Returns Glorot's initializer, uniform or normal.

    Source: Glorot and Bengio, 2010.
    """
    return variance_scaling_initializer(
        factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype
    )


_initializers("xavier_initializer_conv2d")(xavier_initializer)
