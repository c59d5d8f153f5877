"""Fake quantisation: floats rounded to what integers of few bits could tell, in training."""

import functools

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.spec import Float, Returns, Tensor, f, op
from millstream.ops.by_name import ops

_F = np.float32


@op
def FakeQuantWithMinMaxArgs(
    inputs: Tensor[Float],
    *,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(outputs=Tensor[Float]):
    """Rounds to steps between two fixed bounds."""


@op
def FakeQuantWithMinMaxArgsGradient(
    gradients: Tensor[Float],
    inputs: Tensor[Float],
    *,
    min: float = -6.0,
    max: float = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(backprops=Tensor[Float]):
    """Gives the gradient of `FakeQuantWithMinMaxArgs`."""


@op
def FakeQuantWithMinMaxVars(
    inputs: Tensor[Float],
    min: Tensor[Float],
    max: Tensor[Float],
    *,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(outputs=Tensor[Float]):
    """Rounds to steps between two bounds that are learnt."""


@op
def FakeQuantWithMinMaxVarsGradient(
    gradients: Tensor[Float],
    inputs: Tensor[Float],
    min: Tensor[Float],
    max: Tensor[Float],
    *,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(
    backprops_wrt_input=Tensor[Float],
    backprop_wrt_min=Tensor[Float],
    backprop_wrt_max=Tensor[Float],
):
    """Gives the gradients of `FakeQuantWithMinMaxVars`."""


@op
def FakeQuantWithMinMaxVarsPerChannel(
    inputs: Tensor[Float],
    min: Tensor[Float],
    max: Tensor[Float],
    *,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(outputs=Tensor[Float]):
    """Rounds to steps between bounds that are learnt for each channel."""


@op
def FakeQuantWithMinMaxVarsPerChannelGradient(
    gradients: Tensor[Float],
    inputs: Tensor[Float],
    min: Tensor[Float],
    max: Tensor[Float],
    *,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> Returns(
    backprops_wrt_input=Tensor[Float],
    backprop_wrt_min=Tensor[Float],
    backprop_wrt_max=Tensor[Float],
):
    """Gives the gradients of `FakeQuantWithMinMaxVarsPerChannel`."""


# -- shapes


def _check_attrs(num_bits, fixed=None):
    if not 2 <= num_bits <= 16:
        raise ValueError(f"num_bits must be between 2 and 16, not {num_bits}")
    if fixed is not None and fixed[0] >= fixed[1]:
        raise ValueError(f"min has to be smaller than max, was: {fixed[0]} >= {fixed[1]}")


@FakeQuantWithMinMaxArgs.shape
def _(inputs, min, max, num_bits):
    _check_attrs(num_bits, (min, max))
    return inputs


@FakeQuantWithMinMaxArgsGradient.shape
def _(gradients, inputs, min, max, num_bits):
    _check_attrs(num_bits, (min, max))
    return gradients.merge_with(inputs)


@FakeQuantWithMinMaxVars.shape
def _(inputs, min, max, num_bits):
    _check_attrs(num_bits)
    min.assert_has_rank(0)
    max.assert_has_rank(0)
    return inputs


@FakeQuantWithMinMaxVarsGradient.shape
def _(gradients, inputs, min, max, num_bits):
    _check_attrs(num_bits)
    min.assert_has_rank(0)
    max.assert_has_rank(0)
    return gradients.merge_with(inputs), [], []


def _channels(inputs, min, max):
    inputs = inputs.with_rank_at_least(1)
    bounds = min.with_rank(1).merge_with(max.with_rank(1))
    return inputs, bounds if inputs.ndims is None else bounds.merge_with(inputs[-1:])


@FakeQuantWithMinMaxVarsPerChannel.shape
def _(inputs, min, max, num_bits):
    _check_attrs(num_bits)
    return _channels(inputs, min, max)[0]


@FakeQuantWithMinMaxVarsPerChannelGradient.shape
def _(gradients, inputs, min, max, num_bits):
    _check_attrs(num_bits)
    inputs, bounds = _channels(inputs, min, max)
    return gradients.merge_with(inputs), bounds, bounds


# -- rules, the same formulas in both tiers


def _nudged(xp, low, high, num_bits, narrow_range):
    """Returns bounds moved so that zero is one of the steps, and the size of a step."""
    first, last = _F(1 if narrow_range else 0), _F(2**num_bits - 1)
    low, high = xp.asarray(low, np.float32), xp.asarray(high, np.float32)
    step = (high - low) / (last - first)
    is_flat = step == 0
    zero = first - low / xp.where(is_flat, _F(1), step)
    # Half away from zero, as C's roundf; zero is not negative between the two.
    zero = xp.where(zero < first, first, xp.where(zero > last, last, xp.floor(zero + _F(0.5))))
    return (first - zero) * step, (last - zero) * step, step


def _rounded(xp, inputs, min, max, num_bits, narrow_range):
    low, high, step = _nudged(xp, min, max, num_bits, narrow_range)
    inverse = _F(1) / xp.where(step == 0, _F(1), step)
    clamped = xp.clip(inputs, low, high)
    rounded = xp.floor((clamped - low) * inverse + _F(0.5)) * step + low
    return xp.where(step == 0, _F(0), rounded).astype(np.float32)


def _parts(xp, dy, x, low, high, num_bits, narrow_range):
    """Splits a gradient into what goes to the input and to either bound, elementwise."""
    nudged_low, nudged_high, step = _nudged(xp, low, high, num_bits, narrow_range)
    zero = xp.zeros((), np.float32)
    below = xp.where((x < nudged_low) & (step != 0), dy, zero)
    above = xp.where((x > nudged_high) & (step != 0), dy, zero)
    inside = xp.where(((x >= nudged_low) & (x <= nudged_high)) | (step == 0), dy, zero)
    return inside, below, above


for _op in (
    FakeQuantWithMinMaxArgs,
    FakeQuantWithMinMaxVars,
    FakeQuantWithMinMaxVarsPerChannel,
):
    _op.kernel(functools.partial(_rounded, jnp))
    _op.reference(functools.partial(_rounded, np))


def _of_args(xp, gradients, inputs, min, max, num_bits, narrow_range):
    return _parts(xp, gradients, inputs, min, max, num_bits, narrow_range)[0]


def _of_vars(xp, gradients, inputs, min, max, num_bits, narrow_range):
    inside, below, above = _parts(xp, gradients, inputs, min, max, num_bits, narrow_range)
    return inside, below.sum(dtype=np.float32), above.sum(dtype=np.float32)


def _of_channels(xp, gradients, inputs, min, max, num_bits, narrow_range):
    inside, below, above = _parts(xp, gradients, inputs, min, max, num_bits, narrow_range)
    axes = tuple(range(inputs.ndim - 1))
    return inside, below.sum(axes, dtype=np.float32), above.sum(axes, dtype=np.float32)


for _op, _rule in (
    (FakeQuantWithMinMaxArgsGradient, _of_args),
    (FakeQuantWithMinMaxVarsGradient, _of_vars),
    (FakeQuantWithMinMaxVarsPerChannelGradient, _of_channels),
):
    _op.kernel(functools.partial(_rule, jnp))
    _op.reference(functools.partial(_rule, np))
    _op.no_gradient("TensorFlow registers none")


@FakeQuantWithMinMaxArgs.gradient
def _(node, dy):
    return ops.FakeQuantWithMinMaxArgsGradient(dy, node.inputs[0], **_own_attrs(node))


@FakeQuantWithMinMaxVars.gradient
def _(node, dy):
    return list(ops.FakeQuantWithMinMaxVarsGradient(dy, *node.inputs, **_own_attrs(node)))


@FakeQuantWithMinMaxVarsPerChannel.gradient
def _(node, dy):
    grad = ops.FakeQuantWithMinMaxVarsPerChannelGradient
    return list(grad(dy, *node.inputs, **_own_attrs(node)))


def _own_attrs(node):
    names = ("min", "max", "num_bits", "narrow_range")
    return {name: node.attrs[name] for name in names if name in node.attrs}


_LOW, _HIGH = np.float32(-1.3), np.float32(2.2)
_LOWS, _HIGHS = np.array([-1, -0.1, 0], np.float32), np.array([1, 0.7, 3], np.float32)
FakeQuantWithMinMaxArgs.examples(4 * f[3, 4]).examples(f[3], num_bits=3, narrow_range=True)
FakeQuantWithMinMaxArgs.fails("num_bits must be", f[3], num_bits=1)
FakeQuantWithMinMaxArgs.fails("min has to be smaller", f[3], min=2.0, max=1.0)
FakeQuantWithMinMaxArgsGradient.examples(f[3, 4], 9 * f[3, 4])
FakeQuantWithMinMaxVars.examples(2 * f[3, 4], _LOW, _HIGH).examples(f[3], _LOW, _LOW, num_bits=4)
FakeQuantWithMinMaxVarsGradient.examples(f[3, 4], 3 * f[3, 4], _LOW, _HIGH)
FakeQuantWithMinMaxVarsPerChannel.examples(2 * f[4, 3], _LOWS, _HIGHS)
FakeQuantWithMinMaxVarsPerChannel.fails("not compatible", f[4, 2], _LOWS, _HIGHS)
FakeQuantWithMinMaxVarsPerChannelGradient.examples(f[4, 3], 3 * f[4, 3], _LOWS, _HIGHS)


# -- public functions


@export("quantization.fake_quant_with_min_max_args", "fake_quant_with_min_max_args")
def fake_quant_with_min_max_args(inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None):
    """Rounds to steps between two fixed bounds; zero is one of the steps.

    Args:
      inputs: float32 `[...]`.
      min: lower bound, which is moved a little so that zero is exact.
      max: upper bound.
      num_bits: bits that tell the steps apart, 2 to 16.
      narrow_range: whether the lowest step is left out.
      name: name of the node.

    Gradient: passes where the input lies between the bounds.
    """
    return FakeQuantWithMinMaxArgs(
        inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export(
    "quantization.fake_quant_with_min_max_args_gradient", "fake_quant_with_min_max_args_gradient"
)
def fake_quant_with_min_max_args_gradient(
    gradients, inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None
):
    """Gives the gradient of `tf.fake_quant_with_min_max_args` by its inputs.

    Args:
      gradients: float32 `[...]`, the gradient by the outputs.
      inputs: float32 of the same shape.
      min: lower bound.
      max: upper bound.
      num_bits: bits that tell the steps apart.
      narrow_range: whether the lowest step is left out.
      name: name of the node.
    """
    return FakeQuantWithMinMaxArgsGradient(
        gradients, inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export("quantization.fake_quant_with_min_max_vars", "fake_quant_with_min_max_vars")
def fake_quant_with_min_max_vars(inputs, min, max, num_bits=8, narrow_range=False, name=None):
    """Rounds to steps between two bounds that may be learnt; zero is one of the steps.

    Args:
      inputs: float32 `[...]`.
      min: float32 scalar, the lower bound.
      max: float32 scalar, the upper bound.
      num_bits: bits that tell the steps apart, 2 to 16.
      narrow_range: whether the lowest step is left out.
      name: name of the node.

    Gradient: passes to the input between the bounds, else to the bound that clipped it.
    """
    return FakeQuantWithMinMaxVars(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export(
    "quantization.fake_quant_with_min_max_vars_gradient", "fake_quant_with_min_max_vars_gradient"
)
def fake_quant_with_min_max_vars_gradient(
    gradients, inputs, min, max, num_bits=8, narrow_range=False, name=None
):
    """Gives the gradients of `tf.fake_quant_with_min_max_vars` by inputs and bounds.

    Args:
      gradients: float32 `[...]`, the gradient by the outputs.
      inputs: float32 of the same shape.
      min: float32 scalar.
      max: float32 scalar.
      num_bits: bits that tell the steps apart.
      narrow_range: whether the lowest step is left out.
      name: name of the node.

    Returns:
      `(backprops_wrt_input [...], backprop_wrt_min [], backprop_wrt_max [])`.
    """
    return FakeQuantWithMinMaxVarsGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export(
    "quantization.fake_quant_with_min_max_vars_per_channel",
    "fake_quant_with_min_max_vars_per_channel",
)
def fake_quant_with_min_max_vars_per_channel(
    inputs, min, max, num_bits=8, narrow_range=False, name=None
):
    """Rounds to steps between bounds of each channel; zero is one of the steps.

    Args:
      inputs: float32 `[..., channels]`.
      min: float32 `[channels]`.
      max: float32 `[channels]`.
      num_bits: bits that tell the steps apart, 2 to 16.
      narrow_range: whether the lowest step is left out.
      name: name of the node.
    """
    return FakeQuantWithMinMaxVarsPerChannel(
        inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export(
    "quantization.fake_quant_with_min_max_vars_per_channel_gradient",
    "fake_quant_with_min_max_vars_per_channel_gradient",
)
def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients, inputs, min, max, num_bits=8, narrow_range=False, name=None
):
    """Gives the gradients of `tf.fake_quant_with_min_max_vars_per_channel`.

    Args:
      gradients: float32 `[..., channels]`, the gradient by the outputs.
      inputs: float32 of the same shape.
      min: float32 `[channels]`.
      max: float32 `[channels]`.
      num_bits: bits that tell the steps apart.
      narrow_range: whether the lowest step is left out.
      name: name of the node.

    Returns:
      `(backprops_wrt_input [..., channels], backprop_wrt_min, backprop_wrt_max [channels])`.
    """
    return FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )
