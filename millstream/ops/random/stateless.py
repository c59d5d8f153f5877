"""Random ops whose output follows from a seed that is an input, and their public functions."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    BFloat16,
    Double,
    Float,
    Half,
    Int32,
    Int64,
    Real,
    Tensor,
    Type,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.random import choice, philox, sampler
from millstream.ops.random.basic import empty_range
from millstream.ops.random.choice_ops import check_logits, samples_shape
from millstream.ops.random.functions import scaled, shape_tensor, uniform_limits
from millstream.ops.random.state import sizes, spelled_shape

Sampled = Type[Half, BFloat16, Float, Double]
_KEY = (np.array([0x3EC8F720], np.uint32), np.array([0x02461E29], np.uint32))
_TYPES = {"T": Int32, "Tseed": Int64}


@op(static="shape", defaults=_TYPES)
def StatelessRandomUniform[T: (Int32, Int64), Tseed: (Int32, Int64)](
    shape: Tensor[T], seed: Tensor[Tseed], *, dtype: Sampled = Float
) -> Tensor["dtype"]:
    """Draws from the uniform distribution on [0, 1) as `seed` says."""


@op(static="shape", defaults=_TYPES)
def StatelessRandomNormal[T: (Int32, Int64), Tseed: (Int32, Int64)](
    shape: Tensor[T], seed: Tensor[Tseed], *, dtype: Sampled = Float
) -> Tensor["dtype"]:
    """Draws standard normals as `seed` says."""


@op(static="shape", defaults=_TYPES)
def StatelessTruncatedNormal[T: (Int32, Int64), Tseed: (Int32, Int64)](
    shape: Tensor[T], seed: Tensor[Tseed], *, dtype: Sampled = Float
) -> Tensor["dtype"]:
    """Draws standard normals below 2 as `seed` says."""


@op(static="shape", defaults={"Tseed": Int64})
def StatelessRandomUniformInt[T: (Int32, Int64), Tseed: (Int32, Int64), dtype: (Int32, Int64)](
    shape: Tensor[T], seed: Tensor[Tseed], minval: Tensor[dtype], maxval: Tensor[dtype]
) -> Tensor[dtype]:
    """Draws integers from [minval, maxval) as `seed` says."""


@op(static="num_samples", defaults={"Tseed": Int64})
def StatelessMultinomial[T: Real, Tseed: (Int32, Int64)](
    logits: Tensor[T],
    num_samples: Tensor[Int32],
    seed: Tensor[Tseed],
    *,
    output_dtype: Type[Int32, Int64] = Int64,
) -> Tensor["output_dtype"]:
    """Draws classes as `seed` says, for each row of unnormalised log-probabilities."""


def _state(seed, xp):
    """Returns the generator's state for a seed of two integers, themselves scrambled."""
    if tuple(seed.shape) != (2,):
        message = f"seed must have shape [2], not {list(seed.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    wide = seed.astype(np.int64).view(np.uint64)
    low, high = wide.astype(np.uint32), (wide >> np.uint64(32)).astype(np.uint32)
    key = (xp.asarray(_KEY[0]), xp.asarray(_KEY[1]))
    w = philox.scramble(key, (low[0:1], high[0:1], low[1:2], high[1:2]), xp)
    zero = xp.zeros(2, np.uint32)
    return xp.concatenate([w[0], w[1], zero, w[2], w[3]])


def _check_seed(seed):
    seed.assert_has_rank(1)
    seed.assert_is_compatible_with([2])


def _declare(opdef, sample):
    @opdef.shape
    def _(shape, seed, shape_as_shape):
        _check_seed(seed)
        return spelled_shape(shape, shape_as_shape)

    @opdef.reference
    def _(shape, seed, dtype):
        return sample(_state(seed, np), sizes(shape), dtype.np)[1]

    @opdef.kernel
    def _(shape, seed, dtype):
        return sample(_state(seed, jnp), sizes(shape), dtype.np, jnp)[1]

    opdef.no_gradient("its output does not depend continuously on its inputs")
    for dtype in (Float, Half, BFloat16, Double):
        opdef.examples([3, 7], [1, 2], dtype=dtype)
    opdef.examples([2], np.array([-3, 2**40 + 4]))
    opdef.fails("", [2], [1, 2, 3]).fails("rank 1", [[2]], [1, 2])


for _opdef, _sample in (
    (StatelessRandomUniform, sampler.uniform),
    (StatelessRandomNormal, sampler.normal),
    (StatelessTruncatedNormal, sampler.truncated_normal),
):
    _declare(_opdef, _sample)


@StatelessRandomUniformInt.shape
def _(shape, seed, minval, maxval, shape_as_shape):
    _check_seed(seed)
    minval.assert_has_rank(0)
    maxval.assert_has_rank(0)
    return spelled_shape(shape, shape_as_shape)


@StatelessRandomUniformInt.reference
def _(shape, seed, minval, maxval, dtype):
    wanted = sizes(shape)
    if 0 not in wanted and not minval < maxval:
        raise errors.InvalidArgumentError(None, None, empty_range(minval, maxval))
    return sampler.uniform_int(_state(seed, np), wanted, dtype.np, minval, maxval)[1]


@StatelessRandomUniformInt.kernel
def _(shape, seed, minval, maxval, dtype, check):
    wanted = sizes(shape)
    if 0 not in wanted:
        check(minval < maxval, empty_range, minval, maxval)
    return sampler.uniform_int(_state(seed, jnp), wanted, dtype.np, minval, maxval, jnp)[1]


StatelessRandomUniformInt.no_gradient("its output is integers")
StatelessRandomUniformInt.examples([3, 7], [1, 2], -3, 12)
StatelessRandomUniformInt.fails("Need minval < maxval", [2], [1, 2], 3, 3)


@StatelessMultinomial.shape
def _(logits, num_samples, seed, num_samples_value):
    _check_seed(seed)
    return samples_shape(logits, num_samples, num_samples_value)


@StatelessMultinomial.reference
def _(logits, num_samples, seed, output_dtype):
    count = check_logits(logits, num_samples)
    return choice.multinomial(_state(seed, np), logits, count, output_dtype.np)[1]


@StatelessMultinomial.kernel
def _(logits, num_samples, seed, output_dtype):
    count = check_logits(logits, num_samples)
    return choice.multinomial(_state(seed, jnp), logits, count, output_dtype.np, jnp)[1]


StatelessMultinomial.no_gradient("its output is integers")
StatelessMultinomial.examples(f[3, 5], 7, [1, 2])
StatelessMultinomial.examples(f[3, 5], 1, [1, 2], output_dtype=Int32)
StatelessMultinomial.fails("rank", f[3], 2, [1, 2])
StatelessMultinomial.fails("num_classes should be positive", f[2, 0], 2, [1, 2])


@export("random.stateless_uniform", "contrib.stateless.stateless_random_uniform")
def stateless_random_uniform(shape, seed, minval=0, maxval=None, dtype=Float, name=None):
    """Draws from the uniform distribution on [minval, maxval); the same for the same seed.

    Args:
      shape: Integer vector: the shape of the output.
      seed: Two integers.
      minval: Lower limit, included; broadcasts for floats, a scalar for integers.
      maxval: Upper limit, excluded; by default 1, needed for integers.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      name: Name of the node.

    Raises:
      ValueError: If `dtype` is another type, or integer without `maxval`.
    """
    dtype = as_dtype(dtype)
    maxval = uniform_limits(minval, maxval, dtype)
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        if dtype.is_integer:
            return StatelessRandomUniformInt(shape, seed, minval, maxval, name=scope)
        sample = StatelessRandomUniform(shape, seed, dtype=dtype)
        return scaled(sample, ops.Sub(maxval, minval, name="sub"), minval, scope)


def _normal(opdef, default, shape, seed, mean, stddev, dtype, name):
    dtype = as_dtype(dtype)
    with name_scope(name, default, [shape, seed, mean, stddev]) as scope:
        shape = shape_tensor(shape)
        mean = convert_to_tensor(mean, dtype, name="mean")
        stddev = convert_to_tensor(stddev, dtype, name="stddev")
        return scaled(opdef(shape, seed, dtype=dtype), stddev, mean, scope)


@export("random.stateless_normal", "contrib.stateless.stateless_random_normal")
def stateless_random_normal(shape, seed, mean=0.0, stddev=1.0, dtype=Float, name=None):
    """Draws from the normal distribution; the same for the same seed.

    Args:
      shape: Integer vector: the shape of the output.
      seed: Two integers.
      mean: Mean; broadcasts.
      stddev: Standard deviation; broadcasts.
      dtype: float16, bfloat16, float32 or float64.
      name: Name of the node.
    """
    return _normal(
        StatelessRandomNormal, "stateless_random_normal", shape, seed, mean, stddev, dtype, name
    )


@export("random.stateless_truncated_normal", "contrib.stateless.stateless_truncated_normal")
def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype=Float, name=None):
    """Draws normals within two standard deviations; the same for the same seed.

    Args:
      shape: Integer vector: the shape of the output.
      seed: Two integers.
      mean: Mean before truncation; broadcasts.
      stddev: Standard deviation before truncation; broadcasts.
      dtype: float16, bfloat16, float32 or float64.
      name: Name of the node.
    """
    default = "stateless_truncated_normal"
    return _normal(StatelessTruncatedNormal, default, shape, seed, mean, stddev, dtype, name)


def _categorical(default, logits, num_samples, seed, dtype, name):
    with name_scope(name, default, [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        return StatelessMultinomial(logits, num_samples, seed, output_dtype=dtype)


@export("random.stateless_multinomial", "contrib.stateless.stateless_multinomial")
def stateless_multinomial(logits, num_samples, seed, output_dtype=Int64, name=None):
    """Draws classes, for each row of unnormalised log-probabilities; the same for the same seed.

    Args:
      logits: `[rows, classes]`, unnormalised log-probabilities.
      num_samples: Number of samples of each row, a scalar.
      seed: Two integers.
      output_dtype: int32 or int64.
      name: Name of the node.

    Returns:
      Classes, `[rows, num_samples]`.
    """
    return _categorical("stateless_multinomial", logits, num_samples, seed, output_dtype, name)


@export("random.stateless_categorical")
def stateless_categorical(logits, num_samples, seed, dtype=Int64, name=None):
    """Draws classes, for each row of unnormalised log-probabilities; the same for the same seed.

    Args:
      logits: `[rows, classes]`, unnormalised log-probabilities.
      num_samples: Number of samples of each row, a scalar.
      seed: Two integers.
      dtype: int32 or int64.
      name: Name of the node.

    Returns:
      Classes, `[rows, num_samples]`.
    """
    return _categorical("stateless_categorical", logits, num_samples, seed, dtype, name)
