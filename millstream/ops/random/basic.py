"""Random ops of a given shape: RandomUniform, RandomUniformInt, RandomStandardNormal, …"""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp
from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Int64, Tensor, Type, op
from millstream.ops.random import sampler
from millstream.ops.random.state import RNG, sizes, spelled_shape

Sampled = Type[Half, BFloat16, Float, Double]


@op(effect=RNG, static="shape")
def RandomUniform[T: (Int32, Int64)](
    shape: Tensor[T], *, dtype: Sampled, seed: int = 0, seed2: int = 0
) -> Tensor["dtype"]:
    """Draws from the uniform distribution on [0, 1)."""


@op(effect=RNG, static="shape")
def RandomStandardNormal[T: (Int32, Int64)](
    shape: Tensor[T], *, dtype: Sampled, seed: int = 0, seed2: int = 0
) -> Tensor["dtype"]:
    """Draws from the normal distribution of mean 0 and standard deviation 1."""


@op(effect=RNG, static="shape")
def TruncatedNormal[T: (Int32, Int64)](
    shape: Tensor[T], *, dtype: Sampled, seed: int = 0, seed2: int = 0
) -> Tensor["dtype"]:
    """Draws standard normals, and draws anew those of 2 and beyond."""


@op(effect=RNG, static="shape")
def RandomUniformInt[T: (Int32, Int64), Tout: (Int32, Int64)](
    shape: Tensor[T],
    minval: Tensor[Tout],
    maxval: Tensor[Tout],
    *,
    seed: int = 0,
    seed2: int = 0,
) -> Tensor[Tout]:
    """Draws integers from [minval, maxval); slightly biased unless that is 2**n integers long."""


def _declare(opdef, sample):
    """Hangs the rules on an op whose only input is the shape."""
    opdef.shape(lambda shape, shape_as_shape: spelled_shape(shape, shape_as_shape))
    opdef.reference(lambda shape, dtype, rng: sample(rng, sizes(shape), dtype.np))
    opdef.kernel(lambda shape, dtype, rng: sample(rng, sizes(shape), dtype.np, jnp))
    opdef.no_gradient("its output does not depend continuously on its input")
    for dtype in (Float, Half, BFloat16, Double):
        opdef.examples([3, 7], dtype=dtype, seed=1, seed2=2)
    opdef.examples(np.zeros(0, np.int32), dtype=Float, seed=3).examples([0, 2], dtype=Float, seed=3)
    opdef.fails("rank 1", [[2]], dtype=Float)
    opdef.fails("-2", [-2], dtype=Float)


for _opdef, _sample in (
    (RandomUniform, sampler.uniform),
    (RandomStandardNormal, sampler.normal),
    (TruncatedNormal, sampler.truncated_normal),
):
    _declare(_opdef, _sample)


@RandomUniformInt.shape
def _(shape, minval, maxval, shape_as_shape):
    minval.assert_has_rank(0)
    maxval.assert_has_rank(0)
    return spelled_shape(shape, shape_as_shape)


def empty_range(low, high):
    """Words the error about a range without integers."""
    return f"Need minval < maxval, got {low} >= {high}"


@RandomUniformInt.reference
def _(shape, minval, maxval, Tout, rng):
    wanted = sizes(shape)
    if 0 not in wanted and not minval < maxval:
        raise errors.InvalidArgumentError(None, None, empty_range(minval, maxval))
    return sampler.uniform_int(rng, wanted, Tout.np, minval, maxval)


@RandomUniformInt.kernel
def _(shape, minval, maxval, Tout, rng, check):
    wanted = sizes(shape)
    if 0 not in wanted:
        check(minval < maxval, empty_range, minval, maxval)
    return sampler.uniform_int(rng, wanted, Tout.np, minval, maxval, jnp)


RandomUniformInt.no_gradient("its output is integers")
RandomUniformInt.examples([3, 7], -3, 12, seed=1, seed2=2)
RandomUniformInt.examples([0], 3, 3, seed=1)
RandomUniformInt.fails("Need minval < maxval", [2], 3, 3)
RandomUniformInt.fails("rank", [2], [0], 3)
