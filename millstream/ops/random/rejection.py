"""Gamma and Poisson samplers: rejection loops over all samples at once.

Sample number i draws from blocks of its own, starting at 256·i, so that the loops are independent
of each other: each turn tries once more for the samples that are not done. Computed in float64.

Sources: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; Knuth, TAOCP
vol. 2; Hörmann, "The transformed rejection method for generating Poisson random variables", 1993.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from millstream.base.lazy import LazyModule, jax, lax
from millstream.ops.random import draws, philox
from millstream.ops.random.philox import Array
from millstream.ops.random.sampler import RESERVED

# SciPy takes 0.2 s to load, which a program that draws no such samples need not wait for.
special: Any = LazyModule("scipy.special")

# A sample owns 256 blocks; one that is not done by then (a rate that is beyond the output's type)
# keeps what it has.
_MOST_TURNS = RESERVED
_POISSON_SPLIT = 10


def _uniforms(rng: Array, start: Array, xp: Any) -> tuple[Array, Array]:
    """Returns the two uniforms of a block in the order in which TensorFlow takes them."""
    w = philox.blocks_at(rng, start, xp)
    return draws.unit64(w[2], w[3]), draws.unit64(w[0], w[1])


def _loop(turn: Any, state: Any, xp: Any) -> Array:
    """Repeats `turn` until `state.done` everywhere; returns `state.value`."""
    if xp is np:
        return _loop_np(turn, state)

    def unfinished(carry: Any) -> Array:
        turns, state = carry
        return (turns < _MOST_TURNS) & ~xp.all(state.done)

    return lax.while_loop(unfinished, lambda c: (c[0] + 1, turn(c[1])), (0, state))[1].value


def _loop_np(turn: Any, state: Any) -> Array:
    """Is `_loop` for NumPy: each turn computes only for the samples that are not done."""
    value = state.value.copy()
    index = np.flatnonzero(~state.done)
    for _ in range(_MOST_TURNS):
        if not index.size:
            break
        state = turn(type(state)(*(field[~state.done] for field in state)))
        value[index] = state.value
        index = index[~state.done]
    return value


class _Gamma(NamedTuple):
    """Where each sample's loop stands: its next block, its spare normal and its spare uniform."""

    done: Array
    alpha: Array
    block: Array
    normal: Array
    has_normal: Array
    uniform: Array
    has_uniform: Array
    value: Array


def _take(
    rng: Array, make: Any, block: Array, spare: Array, has_spare: Array, wanted: Array, xp: Any
) -> tuple[Array, Array, Array, Array]:
    """Takes the next of a generator that makes two values of a block: the spare, or a new one."""
    first, second = make(rng, block, xp)
    value = xp.where(has_spare, spare, first)
    draws_anew = wanted & ~has_spare
    return (
        value,
        block + draws_anew.astype(np.uint64),
        xp.where(draws_anew, second, spare),
        xp.where(wanted, ~has_spare, has_spare),
    )


def _normals(rng: Array, block: Array, xp: Any) -> tuple[Array, Array]:
    """Returns the two float64 normals of a block; their last bits do not matter here."""
    w = philox.blocks_at(rng, block, xp)
    length = xp.sqrt(-2.0 * xp.log(xp.maximum(draws.unit64(w[0], w[1]), draws.SMALLEST)))
    angle = draws.unit64(w[2], w[3]) * (2 * math.pi)
    return xp.cos(angle) * length, xp.sin(angle) * length


def _gamma_turn(rng: Array, s: _Gamma, xp: Any) -> _Gamma:
    alpha = s.alpha
    small = alpha < 1
    d = alpha + xp.where(small, 2 / 3, -1 / 3)
    c = 1 / 3 / xp.sqrt(d)
    todo = ~s.done
    x, block, normal, has_normal = _take(rng, _normals, s.block, s.normal, s.has_normal, todo, xp)
    v = 1 + c * x
    tries = todo & ~(v <= 0)
    u, block, uniform, has_uniform = _take(
        rng, _uniforms, block, s.uniform, s.has_uniform, tries, xp
    )
    v = v * v * v
    x2 = x * x
    sure = (u < 1 - 0.0331 * x2 * x2) | (xp.log(u) < 0.5 * x2 + d * (1 - v + xp.log(v)))
    accepted = tries & sure
    boosted = accepted & small
    boost, block, uniform, has_uniform = _take(
        rng, _uniforms, block, uniform, has_uniform, boosted, xp
    )
    value = d * v * xp.where(small, boost ** (1 / alpha), 1.0)
    return _Gamma(
        s.done | accepted,
        alpha,
        block,
        normal,
        has_normal,
        uniform,
        has_uniform,
        xp.where(accepted, value, s.value),
    )


def gamma(rng: Array, alpha: Array, samples: int, dtype: Any, xp: Any = np) -> Array:
    """Returns `[samples, n]` gamma variables of the shape parameters `alpha: [n]`.

    The state is left as it is.
    """
    index = xp.arange(samples * alpha.shape[0], dtype=np.uint64)
    start = index * np.uint64(RESERVED)
    alpha = xp.repeat(alpha.astype(np.float64), samples)
    with np.errstate(all="ignore"):
        exponential = -xp.log(1.0 - _uniforms(rng, start, xp)[0])
        zero, no = xp.zeros_like(alpha), xp.zeros(alpha.shape, bool)
        state = _Gamma(alpha == 1, alpha, start, zero, no, zero, no, exponential)
        value = _loop(lambda s: _gamma_turn(rng, s, xp), state, xp)
        if np.dtype(dtype).itemsize > 2:  # TensorFlow's threads flush subnormal numbers to zero
            value = xp.where(value < np.finfo(dtype).tiny, 0.0, value)
        return value.reshape(-1, samples).T.astype(dtype)


class _Poisson(NamedTuple):
    """Where each sample's loop stands: its next block, its product of uniforms and its count."""

    done: Array
    rate: Array
    block: Array
    product: Array
    value: Array


def _log_gamma(x: Array, xp: Any) -> Array:
    return special.gammaln(x) if xp is np else jax.scipy.special.gammaln(x)


def _transformed(rate: Array, u: Array, v: Array, xp: Any) -> tuple[Array, Array]:
    """Tries a sample of a large rate; returns it and whether it is accepted."""
    b = 0.931 + 2.53 * xp.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    u = u - 0.5
    us = 0.5 - xp.abs(u)
    k = xp.floor((2 * a / us + b) * u + rate + 0.43)
    sure = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    hopeless = (k < 0) | ((us < 0.013) & (v > us))
    left = xp.log(v * inverse_alpha / (a / (us * us) + b))
    right = -rate + k * xp.log(rate) - _log_gamma(k + 1, xp)
    return k, sure | (~hopeless & (left <= right))


def _multiply(done: Array, product: Array, value: Array, u: Array, limit: Array, xp: Any) -> Any:
    """Does one step of Knuth's loop: counts the factors until the product falls to the limit."""
    product = xp.where(done, product, product * u)
    finished = ~done & (product <= limit)
    value = xp.where(done | finished, value, value + 1)
    return done | finished, product, value


def _poisson_turn(rng: Array, most: float, s: _Poisson, xp: Any) -> _Poisson:
    u, v = _uniforms(rng, s.block, xp)
    small = s.rate < _POISSON_SPLIT
    limit = xp.exp(-s.rate)
    done, product, value = _multiply(s.done | ~small, s.product, s.value, u, limit, xp)
    done, product, value = _multiply(done, product, value, v, limit, xp)
    k, accepted = _transformed(s.rate, u, v, xp)
    accepted = accepted & (k <= most) & ~s.done & ~small
    done = xp.where(small, done, s.done | accepted)
    value = xp.where(accepted, k, value)
    return _Poisson(done, s.rate, s.block + np.uint64(1), product, value)


def poisson(rng: Array, rate: Array, samples: int, dtype: Any, xp: Any = np) -> Array:
    """Returns `[samples, n]` Poisson variables of the rates `rate: [n]`.

    Rates that are negative or not finite give NaN, or 0 in integers. The state is left as it is.
    """
    dtype = np.dtype(dtype)
    most = _largest(dtype)
    index = xp.arange(samples * rate.shape[0], dtype=np.uint64)
    rate = xp.repeat(rate.astype(np.float64), samples)
    bad = ~(xp.isfinite(rate) & (rate >= 0))
    rate = xp.where(bad, 1.0, rate)
    initial = xp.where(rate < _POISSON_SPLIT, 0.0, xp.minimum(xp.floor(rate), most))
    start = index * np.uint64(RESERVED)
    state = _Poisson(bad, rate, start, xp.ones_like(rate), initial)
    with np.errstate(all="ignore"):
        value = _loop(lambda s: _poisson_turn(rng, most, s, xp), state, xp)
        wrong = math.nan if dtype.kind == "f" else 0.0
        return xp.where(bad, wrong, value).reshape(-1, samples).T.astype(dtype)


def _largest(dtype: np.dtype[Any]) -> float:
    """Returns the largest float64 that the type holds."""
    if dtype.kind == "f":
        return float(np.finfo(dtype).max)
    most = int(np.iinfo(dtype).max)
    return float(most) if int(float(most)) == most else math.nextafter(float(most), 0)
