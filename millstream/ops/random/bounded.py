"""ParameterizedTruncatedNormal: normals between two limits, by three kinds of rejection.

The output is made of batches, each with parameters of its own. All batches draw from one stream,
one after the other, so a batch begins where the one before has stopped: a loop whose every turn
reads a stretch of the stream for one batch. (Where there is work for several threads, TensorFlow
starts afresh at a batch that depends on their number.)

All arithmetic is float64, rounded after each step to the output's type as TensorFlow's is.

Source: Robert, "Simulation of truncated normal variables", 1995.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp, lax
from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Int64, Tensor, op
from millstream.ops.random import draws, philox
from millstream.ops.random.libm import log32
from millstream.ops.random.philox import Array
from millstream.ops.random.state import RNG, sizes, spelled_shape

# Samples of a batch where all batches have the same parameters.
_BATCH = 100
# Blocks that TensorFlow sets aside are 2000 for every four samples.
_RESERVED = 2000
# A normal is drawn, and kept or not, if a limit is further off than this and the other is beyond
# the mean.
_FAR = 1.3
_BLOCKS = 64
_INVALID = "Invalid parameters: need stdev > 0, minval < maxval, and one of the limits finite"


@op(effect=RNG, static="shape")
def ParameterizedTruncatedNormal[T: (Int32, Int64), dtype: (Half, BFloat16, Float, Double)](
    shape: Tensor[T],
    means: Tensor[dtype],
    stdevs: Tensor[dtype],
    minvals: Tensor[dtype],
    maxvals: Tensor[dtype],
    *,
    seed: int = 0,
    seed2: int = 0,
) -> Tensor[dtype]:
    """Draws normals between limits, with parameters for each index of the first axis."""


class _Batch(NamedTuple):
    """Parameters of batches, as float64 arrays `[batches]`, limits in standard deviations."""

    mean: Array
    stdev: Array
    low: Array
    high: Array
    width: Array
    peak: Array  # of the uniform proposal
    rate: Array  # of the exponential proposal
    method: Array  # 0 uniform, 1 exponential, 2 normal


def _rounder(dtype: Any, xp: Any) -> Any:
    """Returns a function that rounds float64 to the type and back."""
    if dtype == np.float64:
        return lambda x: x
    if xp is np:
        return lambda x: np.asarray(x).astype(dtype).astype(np.float64)
    exponent = {np.dtype(np.float16): 5}.get(dtype, 8)
    mantissa = {np.dtype(np.float16): 10, np.dtype(np.float32): 23}.get(dtype, 7)
    return lambda x: lax.reduce_precision(x, exponent, mantissa)


def _prepare(mean: Array, stdev: Array, low: Array, high: Array, r: Any, xp: Any) -> _Batch:
    """Mirrors batches so that the lower limit is the nearer, and chooses their method."""
    mirror = (low == -math.inf) | (high < mean)
    low, high = xp.where(mirror, high, low), xp.where(mirror, low, high)
    stdev = xp.where(mirror, -stdev, stdev)
    low, high = r(r(low - mean) / stdev), r(r(high - mean) / stdev)
    square = r(low * low)
    root = r(xp.sqrt(r(square + 4)))
    exponent = r(0.5 + r(r(low * r(low - root)) / 4))
    cutoff = r(r(2 * r(xp.exp(exponent))) / r(low + root))
    width = r(high - low)
    normal = ((low < -r(_FAR)) & (high >= 0)) | ((high > r(_FAR)) & (low <= 0))
    method = xp.where(normal, 2, xp.where(width < cutoff, 0, 1))
    peak = xp.where(low < 0, 0.0, square)
    return _Batch(mean, stdev, low, high, width, peak, r(r(low + root) / 2), method)


def _candidates(words: Any, b: _Batch, dtype: Any, r: Any, xp: Any) -> tuple[Array, Array, Array]:
    """Returns what a stretch of blocks proposes for one batch.

    Returns:
      The proposals, whether each is accepted, and the number of blocks read with it.
    """
    uniform = xp.stack(draws.uniform(dtype).make(words, xp), axis=-1).astype(np.float64)
    normal = xp.stack(draws.normal(dtype).make(words, xp), axis=-1).astype(np.float64)
    per_block = uniform.shape[1]
    flat = r(r(uniform[0::2] * b.width) + b.low).reshape(-1)
    gain = r(xp.exp(r(r(b.peak - r(flat * flat)) / 2)))
    flat_kept = uniform[1::2].reshape(-1) <= gain
    first, second = uniform[:, 0::2].reshape(-1), uniform[:, 1::2].reshape(-1)
    steep = r(r(-_log(first, dtype, r, xp) / b.rate) + b.low)
    x = xp.where(b.low < b.rate, r(b.rate - steep), r(b.low - b.rate))
    steep_kept = (second <= r(xp.exp(r(r(-x * x) / 2)))) & (steep < b.high)
    plain = normal.reshape(-1)[: flat.shape[0]]
    plain_kept = (plain >= b.low) & (plain <= b.high)
    place = xp.arange(flat.shape[0], dtype=np.int64)
    read = (2 * (place // per_block) + 2, place // (per_block // 2) + 1, place // per_block + 1)

    def chosen(options: Any) -> Array:
        zero, one, two = options
        return xp.where(b.method == 0, zero, xp.where(b.method == 1, one, two))

    kept = chosen((flat_kept, steep_kept, plain_kept))
    return chosen((flat, steep, plain)), kept, chosen(read)


def _log(x: Array, dtype: Any, r: Any, xp: Any) -> Array:
    positive = xp.where(x > 0, x, 1.0)
    if dtype == np.float64:
        value = xp.log(positive)
    else:
        value = r(log32(positive.astype(np.float32), xp).astype(np.float64))
    return xp.where(x > 0, value, -math.inf)


class _Progress(NamedTuple):
    """Where the loop stands: the batch, its samples so far, the next block, and all samples."""

    batch: Array
    filled: Array
    block: Array
    output: Array


def _turn(rng: Array, every: _Batch, goal: Array, dtype: Any, s: _Progress, xp: Any) -> _Progress:
    r = _rounder(dtype, xp)
    batch = _Batch(*(field[s.batch] for field in every))
    words = philox.blocks(rng, s.block, _BLOCKS, xp)
    proposals, kept, read = _candidates(words, batch, dtype, r, xp)
    values = r(r(proposals * batch.stdev) + batch.mean)
    number = s.filled + xp.cumsum(kept.astype(np.int64))
    wanted = kept & (number <= goal[s.batch])
    most = s.output.shape[1]
    index = xp.where(wanted, number - 1, most)
    output = s.output
    if xp is np:
        output[s.batch, index[wanted]] = values[wanted]
    else:
        output = output.at[s.batch, index].set(values, mode="drop")
    filled = xp.minimum(number[-1], goal[s.batch])
    full = filled >= goal[s.batch]
    used = xp.where(full, xp.max(xp.where(wanted, read, 0)), read[-1])
    block = s.block + used.astype(np.uint64)
    return _Progress(s.batch + full, xp.where(full, 0, filled), block, output)


def _batches(wanted: tuple[int, ...], parameters: Any) -> tuple[int, int]:
    """Returns the number of batches and of samples in each."""
    if len(wanted) < 1:
        raise errors.InvalidArgumentError(None, None, "shape must have one dimension or more")
    size = math.prod(wanted)
    if all(p.size == 1 for p in parameters) and any(p.ndim == 0 for p in parameters):
        return -(-size // _BATCH), _BATCH
    for name, p in zip(("means", "stdevs", "minvals", "maxvals"), parameters, strict=True):
        if p.ndim > 1 or p.size not in (1, wanted[0]):
            shape = list(p.shape)
            message = f"Input {name} should have length 1 or shape[0], got shape: {shape}"
            raise errors.InvalidArgumentError(None, None, message)
    return wanted[0], size // max(wanted[0], 1)


def _is_valid(stdev: Array, low: Array, high: Array, xp: Any) -> Array:
    return (stdev > 0) & (low < high) & (xp.isfinite(low) | xp.isfinite(high))


def _draw(rng: Array, shape: Array, parameters: Any, dtype: Any, check: Any, xp: Any) -> Any:
    """Returns the new state and the samples; `check` is called with whether all is valid."""
    wanted = sizes(shape)
    count, each = _batches(wanted, parameters)
    size = math.prod(wanted)
    if not size:
        return rng, xp.zeros(wanted, dtype)
    wide = [xp.broadcast_to(p.astype(np.float64).reshape(-1), (count,)) for p in parameters]
    check(xp.all(_is_valid(*wide[1:], xp)))
    every = _prepare(*wide, _rounder(dtype, xp), xp)
    goal = xp.minimum(size - xp.arange(count, dtype=np.int64) * each, each)
    zero = xp.asarray(0, np.int64)
    state = _Progress(zero, zero, xp.asarray(0, np.uint64), xp.zeros((count, each), np.float64))
    if xp is np:
        while state.batch < count:
            state = _turn(rng, every, goal, dtype, state, np)
    else:
        state = lax.while_loop(
            lambda s: s.batch < count, lambda s: _turn(rng, every, goal, dtype, s, xp), state
        )
    samples = state.output.reshape(-1)[:size].reshape(wanted).astype(dtype)
    return philox.skip(rng, count * _RESERVED * (each + 3) // 4, xp), samples


@ParameterizedTruncatedNormal.shape
def _(shape, means, stdevs, minvals, maxvals, shape_as_shape):
    for parameter in (means, stdevs, minvals, maxvals):
        parameter.with_rank_at_most(1)
    return spelled_shape(shape, shape_as_shape)


@ParameterizedTruncatedNormal.reference
def _(shape, means, stdevs, minvals, maxvals, dtype, rng):
    def check(ok):
        if not ok:
            raise errors.InvalidArgumentError(None, None, _INVALID)

    with np.errstate(all="ignore"):
        parameters = [np.asarray(p) for p in (means, stdevs, minvals, maxvals)]
        return _draw(rng, shape, parameters, np.dtype(dtype.np), check, np)


@ParameterizedTruncatedNormal.kernel
def _(shape, means, stdevs, minvals, maxvals, dtype, rng, check):
    parameters = [means, stdevs, minvals, maxvals]
    return _draw(
        rng,
        shape,
        parameters,
        np.dtype(dtype.np),
        lambda ok: check(ok, lambda: _INVALID),
        jnp,
    )


ParameterizedTruncatedNormal.no_gradient("its output does not depend continuously on its inputs")
ParameterizedTruncatedNormal.examples([3, 50], 0.0, 1.0, -1.0, 0.5, seed=1)
ParameterizedTruncatedNormal.examples(
    [4, 3], [0.0, 1, 2, 0], [1.0, 2, 1, 1], [-1.0, -50, 8, -0.1], [2.0, 1000, 20, 0.1], seed=1
)
ParameterizedTruncatedNormal.examples([0, 3], 0.0, 1.0, -1.0, 0.5, seed=1)
ParameterizedTruncatedNormal.fails("Invalid parameters", [3], 0.0, 1.0, 2.0, 2.0)
ParameterizedTruncatedNormal.fails("length 1 or shape[0]", [4], [0.0] * 3, 1.0, 0.0, 1.0)
