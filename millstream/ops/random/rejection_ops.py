"""RandomGamma, its gradient, and RandomPoissonV2."""

import math

import numpy as np

from millstream.base.lazy import jnp, lax
from millstream.base.shapes import broadcast_static_shape
from millstream.ir.spec import (
    Double,
    Float,
    Half,
    Int32,
    Int64,
    Tensor,
    Type,
    op,
    pos,
)
from millstream.ops.by_name import ops
from millstream.ops.random import rejection, sampler
from millstream.ops.random.rejection import special
from millstream.ops.random.state import RNG, sizes


@op(effect=RNG, static="shape")
def RandomGamma[S: (Int32, Int64), T: (Half, Float, Double)](
    shape: Tensor[S], alpha: Tensor[T], *, seed: int = 0, seed2: int = 0
) -> Tensor[T]:
    """Draws `shape` samples of the gamma distribution of each shape parameter `alpha`, rate 1."""


@op
def RandomGammaGrad[T: (Float, Double)](alpha: Tensor[T], sample: Tensor[T]) -> Tensor[T]:
    """Gives the derivative of gamma samples with respect to their shape parameters."""


@op(effect=RNG, static="shape", defaults={"R": Double})
def RandomPoissonV2[S: (Int32, Int64), R: (Half, Float, Double, Int32, Int64)](
    shape: Tensor[S],
    rate: Tensor[R],
    *,
    seed: int = 0,
    seed2: int = 0,
    dtype: Type[Half, Float, Double, Int32, Int64] = Int64,
) -> Tensor["dtype"]:
    """Draws `shape` samples of the Poisson distribution of each rate."""


def _sampled(sample, rng, shape, parameter, dtype, xp):
    """Returns `(new rng, samples)`; the samples of one parameter vary along the leading axes."""
    wanted = sizes(shape)
    full = wanted + tuple(parameter.shape)
    flat = xp.reshape(parameter, -1)
    values = sample(rng, flat, math.prod(wanted), dtype.np, xp).reshape(full)
    return sampler.advance(rng, math.prod(full), xp), values


@RandomGamma.shape
def _(shape, alpha, shape_as_shape):
    shape.assert_has_rank(1)
    return shape_as_shape.concatenate(alpha)


@RandomGamma.reference
def _(shape, alpha, T, rng):
    return _sampled(rejection.gamma, rng, shape, alpha, T, np)


@RandomGamma.kernel
def _(shape, alpha, T, rng):
    return _sampled(rejection.gamma, rng, shape, alpha, T, jnp)


@RandomGamma.gradient
def _(node, dy):
    shape, alpha = node.inputs
    # The leading axes of the samples are those of `shape`; `alpha` broadcasts against the rest.
    slope = RandomGammaGrad(alpha, node.outputs[0])
    leading = ops.Range(0, ops.Size(shape), 1)
    return [None, ops.Sum(ops.Mul(dy, slope), leading)]


RandomGamma.examples([3], pos[2], seed=1, seed2=2)
RandomGamma.examples([2, 3], 10 * pos[2, 2], seed=1, seed2=2)
RandomGamma.examples([5], [0.1, 1.0, 3.0], seed=1, seed2=2)
RandomGamma.fails("rank", [[2]], pos[2])


@RandomGammaGrad.shape
def _(alpha, sample):
    return broadcast_static_shape(alpha, sample)


# Nodes of the double exponential quadrature.
_STEP = 1 / 64
_NODES = np.arange(-4.0, 4.0, _STEP)


def _slope_below(a, x):
    """Integrates over [0, x] in the variable v = (t / x) ** a, divided by the density at x."""
    odds = np.pi * np.sinh(_NODES)
    log_v, log_rest = -np.logaddexp(0, -odds), -np.logaddexp(0, odds)
    weight = log_v + log_rest + np.log(np.pi * np.cosh(_NODES) * _STEP)
    ratio = x * -np.expm1(log_v / a) + np.log(x / a)
    excess = np.log(x) + log_v / a - special.digamma(a)
    return -np.sum(np.exp(ratio + weight) * excess, axis=-1)


def _slope_above(a, x):
    """Integrates over [x, infinity) in the variable log(t - x), divided by the density at x."""
    y = np.exp(np.pi / 2 * np.sinh(_NODES))
    weight = y * np.pi / 2 * np.cosh(_NODES) * _STEP
    density = np.exp((a - 1) * np.log1p(y / x) - y)
    return np.sum(weight * density * (np.log(x + y) - special.digamma(a)), axis=-1)


@RandomGammaGrad.reference
def _(alpha, sample):
    a, x = np.broadcast_arrays(np.asarray(alpha, np.float64), np.asarray(sample, np.float64))
    a, x = a[..., None], x[..., None]
    with np.errstate(all="ignore"):
        slope = np.where((x < a)[..., 0], _slope_below(a, x), _slope_above(a, x))
    return slope.astype(alpha.dtype)


@RandomGammaGrad.kernel
def _(alpha, sample):
    return lax.random_gamma_grad(*jnp.broadcast_arrays(alpha, sample))


RandomGammaGrad.no_gradient("TensorFlow declares none")
RandomGammaGrad.examples(pos[3, 1], pos[4])
RandomGammaGrad.examples([0.2, 1.0, 5.0, 50.0], [0.01, 3.0, 5.5, 40.0])


@RandomPoissonV2.shape
def _(shape, rate, shape_as_shape):
    shape.assert_has_rank(1)
    return shape_as_shape.concatenate(rate)


@RandomPoissonV2.reference
def _(shape, rate, dtype, rng):
    return _sampled(rejection.poisson, rng, shape, rate, dtype, np)


@RandomPoissonV2.kernel
def _(shape, rate, dtype, rng):
    return _sampled(rejection.poisson, rng, shape, rate, dtype, jnp)


RandomPoissonV2.no_gradient("its output is whole numbers")
for _dtype in (Half, Float, Double, Int32, Int64):
    RandomPoissonV2.examples([3], 5 * pos[2], dtype=_dtype, seed=1, seed2=2)
RandomPoissonV2.examples([3], 40 * pos[2, 2], seed=1, seed2=2)
RandomPoissonV2.fails("rank", [[2]], pos[2])
