"""Learning rates that fall with the global step: `tf.train.exponential_decay` and the like."""

from __future__ import annotations

import math
from typing import Any

from millstream.base.dtypes import Int32, Int64
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.selecting import where
from millstream.ops.by_name import ops
from millstream.ops.math.arithmetic import divide, equal, minimum, multiply, pow
from millstream.ops.math.cast import cast
from millstream.ops.math.functions import ceil, exp, floor, negative, sqrt
from millstream.ops.random.functions import random_normal


def _require_step(global_step: Any) -> None:
    if global_step is None:
        raise ValueError("None values not supported.")


@export("train.exponential_decay")
def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
    staircase: bool = False, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns `learning_rate * decay_rate ** (global_step / decay_steps)`.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      decay_steps: steps in which the rate falls by `decay_rate`.
      decay_rate: factor.
      staircase: whether the exponent is rounded down to a whole number.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.

    Example:
      >>> step = tf.train.get_or_create_global_step()
      >>> rate = tf.train.exponential_decay(0.1, step, 1000, 0.96, staircase=True)
    """
    _require_step(global_step)
    scope_of = [learning_rate, global_step, decay_steps, decay_rate]
    with name_scope(name, "ExponentialDecay", scope_of) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        decay_steps = cast(decay_steps, rate.dtype)
        decay_rate = cast(decay_rate, rate.dtype)
        exponent: Any = cast(global_step, rate.dtype) / decay_steps
        if staircase:
            exponent = floor(exponent)
        return multiply(rate, ops.Pow(decay_rate, exponent), name=scope)


@export("train.natural_exp_decay")
def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
    staircase: bool = False, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns `learning_rate * exp(-decay_rate * global_step / decay_steps)`.

    Arguments and errors are those of `tf.train.exponential_decay`.
    """
    factor = exp(negative(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase, name)


@export("train.inverse_time_decay")
def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
    staircase: bool = False, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns `learning_rate / (1 + decay_rate * global_step / decay_steps)`.

    Arguments and errors are those of `tf.train.exponential_decay`.
    """
    _require_step(global_step)
    scope_of = [learning_rate, global_step, decay_rate]
    with name_scope(name, "InverseTimeDecay", scope_of) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        decay_steps = cast(decay_steps, rate.dtype)
        decay_rate = cast(decay_rate, rate.dtype)
        done: Any = cast(global_step, rate.dtype) / decay_steps
        if staircase:
            done = floor(done)
        one = cast(constant(1), rate.dtype)
        slope = ops.Mul(decay_rate, done, name="Mul")
        return divide(rate, ops.Add(one, slope, name="Add"), name=scope)


@export("train.piecewise_constant", "train.piecewise_constant_decay")
def piecewise_constant(x: Any, boundaries: Any, values: Any, name: Any = None) -> Tensor:
    """Returns the value whose interval `x` lies in.

    Args:
      x: the step, a scalar tensor or variable.
      boundaries: rising upper limits of all intervals but the last; each belongs to its interval.
      values: one value for each interval, one more than there are boundaries.
      name: name of the nodes.

    Raises:
      ValueError: if numbers or types do not fit, or `x` is `None`.

    Example:
      >>> step = tf.train.get_or_create_global_step()
      >>> rate = tf.train.piecewise_constant(step, [10000, 20000], [0.1, 0.01, 0.001])
    """
    if x is None:
        raise ValueError("None values not supported.")
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    limits = [convert_to_tensor(b) for b in boundaries]
    rates = [convert_to_tensor(v) for v in values]
    x = convert_to_tensor(x)
    limits = [_limit(b, x) for b in limits]
    for rate in rates[1:]:
        if rate.dtype.base_dtype is not rates[0].dtype.base_dtype:
            raise ValueError(
                "Values must have elements all with the same dtype "
                f"({rates[0].dtype.base_dtype!r} vs {rate.dtype.base_dtype!r})."
            )
    with name_scope(name, "PiecewiseConstant", [x, *limits, *rates]):
        found = rates[0]
        for limit, rate in zip(limits, rates[1:], strict=True):
            found = where(ops.Greater(x, limit), rate, found)
        return found


def _limit(boundary: Tensor, x: Tensor) -> Tensor:
    have, wanted = boundary.dtype.base_dtype, x.dtype.base_dtype
    if have is wanted:
        return boundary
    if have is Int32 and wanted is Int64:
        return cast(boundary, wanted)
    raise ValueError(f"Boundaries ({have!r}) must have the same dtype as x ({wanted!r}).")


@export("train.polynomial_decay")
def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001,
    power: Any = 1.0, cycle: bool = False, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns a rate that falls from `learning_rate` to `end_learning_rate` along a power.

    That is `(learning_rate - end) * (1 - global_step / decay_steps) ** power + end`.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      decay_steps: steps until the end rate is reached.
      end_learning_rate: the rate from then on.
      power: exponent.
      cycle: whether the rate rises again after the end, to fall over ever more steps.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.
    """
    _require_step(global_step)
    scope_of = [learning_rate, global_step, decay_steps, end_learning_rate, power]
    with name_scope(name, "PolynomialDecay", scope_of) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        end = cast(end_learning_rate, rate.dtype)
        power = cast(power, rate.dtype)
        step = cast(global_step, rate.dtype)
        steps: Any = cast(decay_steps, rate.dtype)
        if cycle:
            # At step 0 the first cycle is under way already.
            cycles = where(equal(step, 0), constant(1.0, rate.dtype), ceil(step / decay_steps))
            steps = ops.Mul(steps, cycles, name="Mul")
        else:
            step = minimum(step, decay_steps)
        done = step / steps
        span: Any = rate - end
        return ops.Add(ops.Mul(span, ops.Pow(1 - done, power), name="Mul"), end, name=scope)


def _cosine(done: Any) -> Any:
    """Returns half a cosine wave, from 1 at 0 to 0 at 1."""
    return 0.5 * (1.0 + ops.Cos(constant(math.pi) * done))


@export("train.cosine_decay")
def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: Any = None
) -> Tensor:
    """Returns a rate that falls along half a cosine wave, to `alpha * learning_rate`.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      decay_steps: steps until the end is reached.
      alpha: the end rate, as a part of `learning_rate`.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.

    Source: Loshchilov and Hutter, "SGDR" (2017).
    """
    _require_step(global_step)
    with name_scope(name, "CosineDecay", [learning_rate, global_step]):
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps = cast(decay_steps, rate.dtype)
        step: Any = minimum(cast(global_step, rate.dtype), steps)
        wave = _cosine(step / steps)
        return ops.Mul(rate, (1 - alpha) * wave + alpha, name="Mul_3")


@export("train.cosine_decay_restarts")
def cosine_decay_restarts(
    learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: Any = 2.0,
    m_mul: Any = 1.0, alpha: Any = 0.0, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns a rate that falls along half a cosine wave, again and again.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      first_decay_steps: steps of the first wave.
      t_mul: how much longer each wave is than the one before.
      m_mul: how much higher each wave starts than the one before.
      alpha: the end rate, as a part of `learning_rate`.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.

    Source: Loshchilov and Hutter, "SGDR" (2017).
    """
    _require_step(global_step)
    with name_scope(name, "SGDRDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        first = cast(first_decay_steps, rate.dtype)
        alpha = cast(alpha, rate.dtype)
        t_mul, m_mul = cast(t_mul, rate.dtype), cast(m_mul, rate.dtype)
        done = cast(global_step, rate.dtype) / first
        wave, part = _wave(done, t_mul)
        height: Any = pow(m_mul, wave)
        cosine = 0.5 * height * (1.0 + ops.Cos(constant(math.pi) * part))
        return multiply(rate, (1 - alpha) * cosine + alpha, name=scope)


def _wave(done: Any, t_mul: Any) -> tuple[Any, Any]:
    """Returns the number of the wave and the part of it that is done, after `done` first waves."""
    same: Any = equal(t_mul, 1.0)
    # Waves of one length would divide by zero below; 2 stands for any other ratio there.
    ratio: Any = where(same, constant(2.0, t_mul.dtype), t_mul)
    number: Any = floor(ops.Log(1.0 - done * (1.0 - ratio)) / ops.Log(ratio))
    before = (1.0 - pow(ratio, number)) / (1.0 - ratio)
    part: Any = (done - before) / pow(ratio, number)
    whole: Any = floor(done)
    return where(same, whole, number), where(same, done - whole, part)


@export("train.linear_cosine_decay")
def linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: Any = 0.5,
    alpha: Any = 0.0, beta: Any = 0.001, name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns a rate that falls along a line times a cosine wave.

    That is `learning_rate * ((alpha + linear) * cosine + beta)`.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      decay_steps: steps until the end is reached.
      num_periods: how many waves.
      alpha: see the formula.
      beta: see the formula.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.

    Source: Bello et al., "Neural optimizer search" (2017).
    """
    _require_step(global_step)
    with name_scope(name, "LinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps: Any = cast(decay_steps, rate.dtype)
        periods, alpha, beta = (cast(x, rate.dtype) for x in (num_periods, alpha, beta))
        step: Any = minimum(cast(global_step, rate.dtype), steps)
        line = (steps - step) / steps
        part = step / steps
        wave = _cosine(2.0 * periods * part)
        return multiply(rate, (alpha + line) * wave + beta, name=scope)


@export("train.noisy_linear_cosine_decay")
def noisy_linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: Any = 1.0,
    variance_decay: Any = 0.55, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001,
    name: Any = None,
) -> Tensor:  # fmt: skip
    """Is `linear_cosine_decay` with noise on the line, whose variance falls with the steps.

    Args:
      learning_rate: the rate at step 0, a number or scalar tensor.
      global_step: the step, a scalar integer tensor or variable.
      decay_steps: steps until the end is reached.
      initial_variance: variance of the noise at step 0.
      variance_decay: exponent of its fall.
      num_periods: how many waves.
      alpha: as in `linear_cosine_decay`.
      beta: as in `linear_cosine_decay`.
      name: name of the nodes.

    Raises:
      ValueError: without a `global_step`.

    Source: Bello et al., "Neural optimizer search" (2017).
    """
    _require_step(global_step)
    with name_scope(name, "NoisyLinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps: Any = cast(decay_steps, rate.dtype)
        given = (initial_variance, variance_decay, num_periods, alpha, beta)
        variance, fall, periods, alpha, beta = (cast(x, rate.dtype) for x in given)
        step: Any = minimum(cast(global_step, rate.dtype), steps)
        line = (steps - step) / steps
        stddev = sqrt(variance / ops.Pow(1.0 + step, fall))
        noisy = line + random_normal(line.shape, stddev=stddev)
        part = step / steps
        wave = _cosine(2.0 * periods * part)
        return multiply(rate, (alpha + noisy) * wave + beta, name=scope)
