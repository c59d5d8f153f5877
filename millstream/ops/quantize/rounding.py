"""`QuantizeAndDequantize*`: floats rounded to whole steps of their own range, and back."""

import functools
from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Tensor, f, op

_TYPES = (BFloat16, Half, Float, Double)


@op
def QuantizeAndDequantize[T: _TYPES](
    input: Tensor[T],
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    input_min: float = 0.0,
    input_max: float = 0.0,
) -> Tensor[T]:
    """Rounds floats to whole steps; the form of old graphs."""


@op
def QuantizeAndDequantizeV2[T: _TYPES](
    input: Tensor[T],
    input_min: Tensor[T],
    input_max: Tensor[T],
    *,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: Literal["HALF_TO_EVEN", "HALF_UP"] = "HALF_TO_EVEN",
    narrow_range: bool = False,
) -> Tensor[T]:
    """Rounds floats to whole steps of a range."""


@op(static="num_bits")
def QuantizeAndDequantizeV3[T: _TYPES](
    input: Tensor[T],
    input_min: Tensor[T],
    input_max: Tensor[T],
    num_bits: Tensor[Int32],
    *,
    signed_input: bool = True,
    range_given: bool = True,
    narrow_range: bool = False,
) -> Tensor[T]:
    """Rounds floats to whole steps of a range, by a number of bits that is a tensor."""


def _check_bits(num_bits, signed_input):
    if not 0 < num_bits < 63 + (not signed_input):
        raise ValueError(f"num_bits is out of range: {num_bits} with signed_input {signed_input}")


@QuantizeAndDequantize.shape
def _(input, num_bits, signed_input, range_given, input_min, input_max):
    _check_bits(num_bits, signed_input)
    if range_given and input_min > input_max:
        raise ValueError(f"Invalid range: input_min {input_min} > input_max {input_max}")
    return input


@QuantizeAndDequantizeV2.shape
def _(input, input_min, input_max, num_bits, signed_input):
    _check_bits(num_bits, signed_input)
    input_min.assert_has_rank(0)
    input_max.assert_has_rank(0)
    return input


@QuantizeAndDequantizeV3.shape
def _(input, input_min, input_max, num_bits):
    num_bits.assert_has_rank(0)
    return input


def _levels(num_bits, signed, narrow):
    """Returns the lowest and the highest step."""
    if not signed:
        return 0, 2**num_bits - 1
    return -(2 ** (num_bits - 1)) + bool(narrow), 2 ** (num_bits - 1) - 1


def _quantized(xp, x, bounds, levels, is_given, round_mode):
    """Rounds so that the larger of the two bounds is the end of the steps on its side."""
    dtype = x.dtype
    x = x if x.dtype == np.float64 else x.astype(np.float32)
    low, high = bounds if is_given else (x.min(initial=np.inf), x.max(initial=-np.inf))
    low, high = xp.asarray(low, x.dtype), xp.asarray(high, x.dtype)
    first, last = (np.asarray(level, x.dtype) for level in levels)
    largest = np.asarray(np.finfo(x.dtype).max, x.dtype)

    def scale_of(level, bound):
        usable = level * bound > 0
        return xp.where(usable, level / xp.where(usable, bound, 1), largest)

    from_low, from_high = scale_of(first, low), scale_of(last, high)
    by_low = from_low < from_high
    scale = xp.where(by_low, from_low, from_high)
    inverse = xp.where(by_low, low / (first if first else np.ones((), x.dtype)), high / last)
    if is_given:
        x = xp.clip(
            x, xp.where(by_low, low, first * inverse), xp.where(by_low, last * inverse, high)
        )
    steps = x * scale
    rounded = (
        xp.floor(steps + np.asarray(0.5, x.dtype)) if round_mode == "HALF_UP" else xp.round(steps)
    )
    return (rounded * inverse).astype(dtype)


def _v1(xp, input, signed_input, num_bits, range_given, input_min, input_max):
    levels = _levels(num_bits, signed_input, False)
    return _quantized(xp, input, (input_min, input_max), levels, range_given, "HALF_TO_EVEN")


def _v2(
    xp, input, input_min, input_max, signed_input, num_bits, range_given, round_mode, narrow_range
):
    levels = _levels(num_bits, signed_input, narrow_range)
    return _quantized(xp, input, (input_min, input_max), levels, range_given, round_mode)


def _v3(xp, input, input_min, input_max, num_bits, signed_input, range_given, narrow_range):
    bits = int(num_bits)
    try:
        _check_bits(bits, signed_input)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None
    levels = _levels(bits, signed_input, narrow_range)
    return _quantized(xp, input, (input_min, input_max), levels, range_given, "HALF_TO_EVEN")


for _op, _rule in (
    (QuantizeAndDequantize, _v1),
    (QuantizeAndDequantizeV2, _v2),
    (QuantizeAndDequantizeV3, _v3),
):
    _op.kernel(functools.partial(_rule, jnp))
    _op.reference(functools.partial(_rule, np))


@QuantizeAndDequantize.gradient
def _(node, dy):
    return dy


@QuantizeAndDequantizeV2.gradient
def _(node, dy):
    return [dy, None, None]


@QuantizeAndDequantizeV3.gradient
def _(node, dy):
    return [dy, None, None, None]


QuantizeAndDequantize.examples(2 * f[3, 4]).examples(f[3, 4], range_given=True, input_max=0.7)
QuantizeAndDequantize.fails("num_bits is out of range", f[3], num_bits=0)
QuantizeAndDequantizeV2.examples(2 * f[3, 4], 0.0, 0.0, num_bits=4)
QuantizeAndDequantizeV2.examples(
    2 * f[3, 4], -0.6, 1.1, range_given=True, narrow_range=True, round_mode="HALF_UP"
)
QuantizeAndDequantizeV3.examples(2 * f[3, 4], -0.6, 1.1, 5, signed_input=False)
QuantizeAndDequantizeV3.fails("num_bits is out of range", f[3], -0.6, 1.1, 99)


@export("quantization.quantize_and_dequantize", "quantize_and_dequantize")
def quantize_and_dequantize(
    input,
    input_min,
    input_max,
    signed_input=True,
    num_bits=8,
    range_given=False,
    round_mode="HALF_TO_EVEN",
    name=None,
    narrow_range=False,
):
    """Rounds floats to whole steps of a range, as integers of few bits would.

    Args:
      input: float `[...]`.
      input_min: scalar, the lower end of the range if that is given.
      input_max: scalar, its upper end.
      signed_input: whether steps lie on both sides of zero.
      num_bits: bits that tell the steps apart.
      range_given: whether the range is given rather than that of the input.
      round_mode: "HALF_TO_EVEN" or "HALF_UP".
      name: name of the node.
      narrow_range: whether the lowest step is left out.

    Gradient: passes unchanged to `input`.
    """
    return QuantizeAndDequantizeV2(
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        name=name,
    )
