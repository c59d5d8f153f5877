"""Fused batch normalisation: `FusedBatchNorm` (V1 to V3) and its gradient."""

from typing import Literal

import numpy as np

from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.spec import BFloat16, Float, Half, Returns, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn.channel_sums import sum_per_channel
from millstream.ops.nn.cotangents import is_zero

Layout = Literal["NHWC", "NCHW"]


@op
def FusedBatchNorm[T: Float](
    x: Tensor[T],
    scale: Tensor[T],
    offset: Tensor[T],
    mean: Tensor[T],
    variance: Tensor[T],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    y=Tensor[T],
    batch_mean=Tensor[T],
    batch_variance=Tensor[T],
    reserve_space_1=Tensor[T],
    reserve_space_2=Tensor[T],
):
    """Normalises channels by batch (training) or given moments; gives the unbiased variance."""


@op
def FusedBatchNormV2[T: (Half, BFloat16, Float), U: Float](
    x: Tensor[T],
    scale: Tensor[U],
    offset: Tensor[U],
    mean: Tensor[U],
    variance: Tensor[U],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    y=Tensor[T],
    batch_mean=Tensor[U],
    batch_variance=Tensor[U],
    reserve_space_1=Tensor[U],
    reserve_space_2=Tensor[U],
):
    """Is `FusedBatchNorm` with moments in float32 for images of a narrower type."""


@op
def FusedBatchNormV3[T: (Half, BFloat16, Float), U: Float](
    x: Tensor[T],
    scale: Tensor[U],
    offset: Tensor[U],
    mean: Tensor[U],
    variance: Tensor[U],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    y=Tensor[T],
    batch_mean=Tensor[U],
    batch_variance=Tensor[U],
    reserve_space_1=Tensor[U],
    reserve_space_2=Tensor[U],
    reserve_space_3=Tensor[U],
):
    """Is `FusedBatchNormV2` with one more output, a zero that only GPUs have a use for."""


@op
def FusedBatchNormGrad[T: Float](
    y_backprop: Tensor[T],
    x: Tensor[T],
    scale: Tensor[T],
    reserve_space_1: Tensor[T],
    reserve_space_2: Tensor[T],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    x_backprop=Tensor[T],
    scale_backprop=Tensor[T],
    offset_backprop=Tensor[T],
    reserve_space_3=Tensor[T],
    reserve_space_4=Tensor[T],
):
    """Gives the gradients of `FusedBatchNorm` by image, scale and offset."""


@op
def FusedBatchNormGradV2[T: (Half, BFloat16, Float), U: Float](
    y_backprop: Tensor[T],
    x: Tensor[T],
    scale: Tensor[Float],
    reserve_space_1: Tensor[U],
    reserve_space_2: Tensor[U],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    x_backprop=Tensor[T],
    scale_backprop=Tensor[U],
    offset_backprop=Tensor[U],
    reserve_space_3=Tensor[U],
    reserve_space_4=Tensor[U],
):
    """Gives the gradients of `FusedBatchNormV2` by image, scale and offset."""


@op
def FusedBatchNormGradV3[T: (Half, BFloat16, Float), U: Float](
    y_backprop: Tensor[T],
    x: Tensor[T],
    scale: Tensor[Float],
    reserve_space_1: Tensor[U],
    reserve_space_2: Tensor[U],
    reserve_space_3: Tensor[U],
    *,
    epsilon: float = 0.0001,
    data_format: Layout = "NHWC",
    is_training: bool = True,
) -> Returns(
    x_backprop=Tensor[T],
    scale_backprop=Tensor[U],
    offset_backprop=Tensor[U],
    reserve_space_4=Tensor[U],
    reserve_space_5=Tensor[U],
):
    """Gives the gradients of `FusedBatchNormV3` by image, scale and offset."""


_FORWARD = (FusedBatchNorm, FusedBatchNormV2, FusedBatchNormV3)
_BACKWARD = (FusedBatchNormGrad, FusedBatchNormGradV2, FusedBatchNormGradV3)
_ATTRS = ("epsilon", "data_format", "is_training")


def _axes(data_format):
    """Returns the axes to sum over, and the shape that spreads a vector over channels."""
    return ((0, 2, 3), (1, -1, 1, 1)) if data_format == "NCHW" else ((0, 1, 2), (1, 1, 1, -1))


# -- values: the same arithmetic for `jnp` and `np`, checked against recorded values


def _total(xp, image, axes):
    return np.sum(image, axes, dtype=image.dtype) if xp is np else sum_per_channel(image, axes)


def _forward(xp, x, scale, offset, mean, variance, epsilon, data_format, is_training):
    wide = scale.dtype.type
    axes, spread = _axes(data_format)
    values = x.astype(scale.dtype)
    kept = (mean, variance, mean, variance)
    if is_training:
        count = max(x.size // max(scale.size, 1), 1)
        mean = _total(xp, values, axes) / wide(count)
        squares = xp.square(values - mean.reshape(spread))
        variance = _total(xp, squares, axes) / wide(count)
        kept = (mean, variance * wide(count / max(count - 1, 1)), mean, variance)
    factor = scale / xp.sqrt(variance + wide(epsilon))
    shift = offset - mean * factor
    y = values * factor.reshape(spread) + shift.reshape(spread)
    return (y.astype(x.dtype), *kept)


def _backward(xp, dy, x, scale, mean, variance, epsilon, data_format, is_training):
    wide = scale.dtype.type
    axes, spread = _axes(data_format)
    dy, values = dy.astype(scale.dtype), x.astype(scale.dtype)
    inverse = wide(1) / xp.sqrt(variance + wide(epsilon))
    centered = values - mean.reshape(spread)
    doffset = _total(xp, dy, axes)
    product = _total(xp, dy * centered, axes)
    dx = dy
    if is_training:
        count = wide(max(x.size // max(scale.size, 1), 1))
        level, slope = doffset / count, product * xp.square(inverse) / count
        dx = dy - level.reshape(spread) - centered * slope.reshape(spread)
    dx = dx * (scale * inverse).reshape(spread)
    spare = xp.zeros((), scale.dtype)
    return dx.astype(x.dtype), product * inverse, doffset, spare, spare


def _set_forward_rules(opdef, spare):
    @opdef.shape
    def _(x, scale, offset, mean, variance, data_format, is_training):
        x, channels = x.with_rank(4), scale.with_rank(1).merge_with(offset)
        if x.tuple is not None:
            depth = x.tuple[1 if data_format == "NCHW" else 3]
            channels = channels.merge_with(TensorShape([depth]))
        if not is_training:
            channels = channels.merge_with(mean).merge_with(variance)
        return (x, *[channels] * 4, *[TensorShape(None)] * spare)

    @opdef.reference
    def _(x, scale, offset, mean, variance, epsilon, data_format, is_training):
        rest = (mean, variance, epsilon, data_format, is_training)
        return (*_forward(np, x, scale, offset, *rest), *[np.zeros((), scale.dtype)] * spare)

    @opdef.kernel
    def _(x, scale, offset, mean, variance, epsilon, data_format, is_training):
        rest = (mean, variance, epsilon, data_format, is_training)
        return (*_forward(jnp, x, scale, offset, *rest), *[jnp.zeros((), scale.dtype)] * spare)

    empty = np.zeros(0, np.float32)
    opdef.examples(f[2, 5, 7, 5], f[5], f[5], empty, empty)
    opdef.examples(f[2, 5, 3, 4], f[5], f[5], empty, empty, data_format="NCHW")
    opdef.examples(f[2, 3, 4, 5], f[5], f[5], f[5], _POSITIVE, is_training=False)


def _set_backward_rules(opdef, spare):
    @opdef.shape
    def _(x, scale):
        return x.with_rank(4), scale, scale, TensorShape(None), TensorShape(None)

    @opdef.reference
    def _(
        y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training
    ):
        moments = (reserve_space_1, reserve_space_2)
        return _backward(np, y_backprop, x, scale, *moments, epsilon, data_format, is_training)

    @opdef.kernel
    def _(
        y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training
    ):
        moments = (reserve_space_1, reserve_space_2)
        return _backward(jnp, y_backprop, x, scale, *moments, epsilon, data_format, is_training)

    inputs = (f[2, 3, 4, 5], 2 * f[2, 3, 4, 5], f[5], f[5], _POSITIVE)
    rest = [np.zeros((), np.float32)] * spare
    opdef.examples(*inputs, *rest).examples(*inputs, *rest, is_training=False)
    opdef.examples(
        f[2, 5, 3, 4], 2 * f[2, 5, 3, 4], f[5], f[5], _POSITIVE, *rest, data_format="NCHW"
    )


_POSITIVE = np.linspace(0.5, 1.5, 5, dtype=np.float32)
for _opdef in _FORWARD:
    _set_forward_rules(_opdef, int(_opdef is FusedBatchNormV3))
for _opdef in _BACKWARD:
    _set_backward_rules(_opdef, int(_opdef is FusedBatchNormGradV3))


# -- gradients


class _Channels:
    """Arithmetic between images and one number per channel, as nodes in float32."""

    def __init__(self, data_format):
        self.axes, self.spread = _axes(data_format)

    def over(self, vector):
        """Spreads a vector over an image's channels."""
        return ops.Reshape(vector, list(self.spread))

    def sum(self, image):
        """Sums an image per channel."""
        return ops.Sum(image, list(self.axes))

    def count(self, image):
        """Returns the number of elements per channel."""
        sizes = ops.GatherV2(ops.Shape(image), list(self.axes), 0)
        return ops.Cast(ops.Prod(sizes, [0]), DstT=Float)


def _float(image):
    return image if image.dtype.base_dtype is Float else ops.Cast(image, DstT=Float)


def _forward_gradient(node, dy, *dmoments):
    x, scale, _, *given = node.inputs
    training = node.attrs["is_training"]
    backward = _BACKWARD[_FORWARD.index(node.opdef)]
    moments = node.outputs[3:5] if training else given
    attrs = {k: node.attrs[k] for k in _ATTRS}
    dx, dscale, doffset, *_ = backward(dy, x, scale, *moments, *node.outputs[5:], **attrs)
    if training and not all(is_zero(d) for d in dmoments[:4]):
        dx = dx + _through_moments(node, *dmoments[:4])
    return [dx, dscale, doffset, None, None]


def _through_moments(node, dmean, dunbiased, dkept_mean, dkept_variance):
    """Returns the part of the gradient that passes through the batch's mean and variance."""
    x, mean = node.inputs[0], node.outputs[3]
    channels = _Channels(node.attrs["data_format"])
    count = channels.count(x)
    level = (dmean + dkept_mean) / count
    slope = 2.0 * (dunbiased / ops.Maximum(count - 1.0, 1.0) + dkept_variance / count)
    centered = _float(x) - channels.over(mean)
    part = channels.over(level) + centered * channels.over(slope)
    return ops.Cast(part, DstT=x.dtype.base_dtype)


def _backward_gradient(node, ddx, ddscale, ddoffset, *_):
    """Differentiates the formula of `_backward`, moments being inputs like the others.

    With `P = sum(dy * c)`, `c = x - mean`, the three gradients are paired with their cotangents and
    the sum is differentiated by every input.
    """
    dy, x, scale, mean, variance, *rest = node.inputs
    training = node.attrs["is_training"]
    channels = _Channels(node.attrs["data_format"])
    over, total = channels.over, channels.sum
    g, a = _float(dy), _float(ddx)
    inverse = ops.Rsqrt(variance + node.attrs["epsilon"])
    centered = _float(x) - over(mean)
    product = total(g * centered)
    pairing, cubic = total(a * g), None
    by_dy, by_centered = a, None
    if training:
        count = channels.count(x)
        mean_a, slope = total(a) / count, total(a * centered) / count
        square = ops.Square(inverse)
        by_dy = a - over(mean_a) - centered * over(square * slope)
        by_centered = -over(scale * inverse * square) * (
            g * over(slope) + a * over(product / count)
        )
        cubic = square * product * slope
        pairing = pairing - total(g) * mean_a
    by_dy = by_dy * over(scale * inverse) + over(ddscale * inverse) * centered + over(ddoffset)
    through_scale = g * over(ddscale * inverse)
    by_x = through_scale if by_centered is None else by_centered + through_scale
    by_scale = pairing if cubic is None else pairing - cubic
    by_inverse = pairing if cubic is None else pairing - 3.0 * cubic
    by_variance = -0.5 * inverse * ops.Square(inverse) * (scale * by_inverse + ddscale * product)
    narrow = x.dtype.base_dtype
    return [
        ops.Cast(by_dy, DstT=narrow),
        ops.Cast(by_x, DstT=narrow),
        by_scale * inverse,
        -total(by_x),
        by_variance,
        *[None] * len(rest),
    ]


for _opdef in _FORWARD:
    _opdef.gradient(_forward_gradient)
for _opdef in _BACKWARD:
    _opdef.gradient(_backward_gradient)
