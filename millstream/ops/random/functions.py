"""Public functions that draw tensors of a given shape: `tf.random_uniform`, …"""

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.random_seed import seed_attrs
from millstream.ir.scopes import name_scope
from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Int64
from millstream.ops.array.filling import zeros_like
from millstream.ops.by_name import ops
from millstream.ops.random.basic import (
    RandomStandardNormal,
    RandomUniform,
    RandomUniformInt,
    TruncatedNormal,
)
from millstream.ops.random.rejection_ops import RandomGamma, RandomPoissonV2

_UNIFORM_TYPES = (Half, BFloat16, Float, Double, Int32, Int64)


def shape_tensor(shape):
    """Converts the argument `shape` of a random function."""
    empty = isinstance(shape, tuple | list) and not shape
    return convert_to_tensor(shape, Int32 if empty else None, name="shape")


def scaled(sample, factor, offset, name):
    """Returns `sample * factor + offset`, as the nodes `mul` and `name`."""
    return ops.Add(ops.Mul(sample, factor, name="mul"), offset, name=name)


def uniform_limits(minval, maxval, dtype):
    """Converts the limits of a uniform distribution; the upper one may be left out for floats.

    Raises:
      ValueError: If the type cannot be drawn, or is integer and `maxval` is missing.
    """
    if dtype not in _UNIFORM_TYPES:
        raise ValueError(f"Invalid dtype {dtype!r}")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    return maxval


@export("random_uniform", "random.uniform")
def random_uniform(shape, minval=0, maxval=None, dtype=Float, seed=None, name=None):
    """Draws from the uniform distribution on [minval, maxval).

    Integers are slightly biased unless `maxval - minval` is a power of two.

    Args:
      shape: Integer vector: the shape of the output.
      minval: Lower limit, included; broadcasts for floats, a scalar for integers.
      maxval: Upper limit, excluded; by default 1, needed for integers.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Raises:
      ValueError: If `dtype` is another type, or integer without `maxval`.

    Example:
      >>> tf.random_uniform([2, 3], -1, 1, seed=7).shape.as_list()
      [2, 3]
    """
    dtype = as_dtype(dtype)
    maxval = uniform_limits(minval, maxval, dtype)
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        seeds = seed_attrs(seed)
        if dtype.is_integer:
            return RandomUniformInt(shape, minval, maxval, **seeds, name=scope)
        sample = RandomUniform(shape, dtype=dtype, **seeds)
        return scaled(sample, ops.Sub(maxval, minval, name="sub"), minval, scope)


def _normal(opdef, default, shape, mean, stddev, dtype, seed, name):
    dtype = as_dtype(dtype)
    with name_scope(name, default, [shape, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        return scaled(opdef(shape, dtype=dtype, **seed_attrs(seed)), stddev, mean, scope)


@export("random_normal", "random.normal")
def random_normal(shape, mean=0.0, stddev=1.0, dtype=Float, seed=None, name=None):
    """Draws from the normal distribution.

    Args:
      shape: Integer vector: the shape of the output.
      mean: Mean; broadcasts.
      stddev: Standard deviation; broadcasts.
      dtype: float16, bfloat16, float32 or float64.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.
    """
    return _normal(
        RandomStandardNormal, "random_normal", shape, mean, stddev, dtype, seed, name
    )  # fmt: skip


@export("truncated_normal", "random.truncated_normal")
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=Float, seed=None, name=None):
    """Draws from the normal distribution, anew what lies two standard deviations off or more.

    Args:
      shape: Integer vector: the shape of the output.
      mean: Mean before truncation; broadcasts.
      stddev: Standard deviation before truncation; broadcasts.
      dtype: float16, bfloat16, float32 or float64.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.
    """
    return _normal(TruncatedNormal, "truncated_normal", shape, mean, stddev, dtype, seed, name)


@export("random_gamma", "random.gamma")
def random_gamma(shape, alpha, beta=None, dtype=Float, seed=None, name=None):
    """Draws from gamma distributions, `shape` samples of each.

    Args:
      shape: Integer vector: the shape of the samples of one distribution.
      alpha: Shape parameters; broadcast with `beta`.
      beta: Rate parameters, by default 1.
      dtype: float16, float32 or float64.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      A tensor of shape `shape + broadcast(alpha, beta).shape`, not below the least normal number.

    Gradient:
      Flows to `alpha` and `beta`, through the sample.
    """
    dtype = as_dtype(dtype)
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = convert_to_tensor(shape, Int32, name="shape")
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        alpha = ops.AddV2(alpha, zeros_like(beta), name="add")
        sample = RandomGamma(shape, alpha, **seed_attrs(seed))
        tiny = np.finfo(dtype.np).tiny
        return ops.Maximum(tiny, ops.RealDiv(sample, beta, name="truediv"))


@export("random_poisson", "random.poisson")
def random_poisson(lam, shape, dtype=Float, seed=None, name=None):
    """Draws from Poisson distributions, `shape` samples of each.

    Args:
      lam: Rates, of any shape.
      shape: Integer vector: the shape of the samples of one distribution.
      dtype: float16, float32, float64, int32 or int64.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      A tensor of shape `shape + lam.shape`.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        shape = convert_to_tensor(shape, Int32, name="shape")
        return RandomPoissonV2(shape, lam, dtype=as_dtype(dtype), **seed_attrs(seed))
