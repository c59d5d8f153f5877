"""Colours: `RGBToHSV`, `HSVToRGB` and the ops that adjust hue, saturation and contrast."""

import numpy as np

from millstream.base.lazy import jnp
from millstream.ir.spec import BFloat16, Double, Float, Half, Tensor, f, op
from millstream.ops.by_name import ops


@op(defaults={"T": Float})
def RGBToHSV[T: (Half, BFloat16, Float, Double)](images: Tensor[T]) -> Tensor[T]:
    """Turns red, green, blue on the last axis into hue, saturation, value, all in [0, 1]."""


@op(defaults={"T": Float})
def HSVToRGB[T: (Half, BFloat16, Float, Double)](images: Tensor[T]) -> Tensor[T]:
    """Turns hue, saturation, value on the last axis into red, green, blue, all in [0, 1]."""


@op(defaults={"T": Float})
def AdjustHue[T: (Half, Float)](images: Tensor[T], delta: Tensor[Float]) -> Tensor[T]:
    """Turns the hue of `[..., 3]` images by `delta` of a full circle."""


@op(defaults={"T": Float})
def AdjustSaturation[T: (Half, Float)](images: Tensor[T], scale: Tensor[Float]) -> Tensor[T]:
    """Multiplies the saturation of `[..., 3]` images, up to 1."""


@op(defaults={"T": Float})
def AdjustContrastv2[T: (Half, Float)](
    images: Tensor[T], contrast_factor: Tensor[Float]
) -> Tensor[T]:
    """Multiplies the distance of each value to the mean of its image and channel."""


@AdjustContrastv2.shape
def _(images):
    return images.with_rank_at_least(3)


def _colored(images):
    images = images.with_rank_at_least(1)
    if images.tuple is not None and images.tuple[-1] not in (None, 3):
        raise ValueError(f"Dimension must be 3 but is {images.tuple[-1]}")
    return images


for _opdef in (RGBToHSV, HSVToRGB, AdjustHue, AdjustSaturation):

    @_opdef.shape
    def _(images):
        return _colored(images)


# -- conversion, the same arithmetic in `jnp` and `np`; recorded values check it


def _to_hsv(xp, rgb):
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, low = rgb.max(-1), rgb.min(-1)
    spread = value - low
    one = rgb.dtype.type(1)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, one), value * 0)
    norm = one / (6 * xp.where(spread > 0, spread, one))
    hue = xp.where(
        red == value,
        norm * (green - blue),
        xp.where(
            green == value,
            norm * (blue - red) + rgb.dtype.type(2 / 6),
            norm * (red - green) + rgb.dtype.type(4 / 6),
        ),
    )
    hue = xp.where(spread > 0, hue, hue * 0)
    hue = xp.where(hue < 0, hue + one, hue)
    return xp.stack([hue, saturation, value], -1).astype(rgb.dtype)


def _to_rgb(xp, hsv):
    hue, saturation, value = hsv[..., 0] * 6, hsv[..., 1], hsv[..., 2]
    red = xp.clip(xp.abs(hue - 3) - 1, 0, 1)
    green = xp.clip(2 - xp.abs(hue - 2), 0, 1)
    blue = xp.clip(2 - xp.abs(hue - 4), 0, 1)
    mix = xp.stack([red, green, blue], -1)
    gray = (1 - saturation)[..., None]
    return ((gray + saturation[..., None] * mix) * value[..., None]).astype(hsv.dtype)


def _turned(xp, images, delta):
    hsv = _to_hsv(xp, images.astype(np.float32))
    hue = (hsv[..., 0] + delta) % np.float32(1)
    turned = xp.concatenate([hue[..., None], hsv[..., 1:]], -1)
    return _to_rgb(xp, turned).astype(images.dtype)


def _saturated(xp, images, scale):
    hsv = _to_hsv(xp, images.astype(np.float32))
    saturation = xp.clip(hsv[..., 1:2] * scale, 0, 1)
    scaled = xp.concatenate([hsv[..., :1], saturation, hsv[..., 2:]], -1)
    return _to_rgb(xp, scaled).astype(images.dtype)


def _contrasted(images, factor):
    wide = images.astype(np.float32)
    mean = wide.mean((-3, -2), keepdims=True)
    return ((wide - mean) * factor + mean).astype(images.dtype)


@RGBToHSV.kernel
def _(images):
    return _to_hsv(jnp, images)


@RGBToHSV.reference
def _(images):
    return _to_hsv(np, images)


@HSVToRGB.kernel
def _(images):
    return _to_rgb(jnp, images)


@HSVToRGB.reference
def _(images):
    return _to_rgb(np, images)


@AdjustHue.kernel
def _(images, delta):
    return _turned(jnp, images, delta)


@AdjustHue.reference
def _(images, delta):
    return _turned(np, images, delta)


@AdjustSaturation.kernel
def _(images, scale):
    return _saturated(jnp, images, scale)


@AdjustSaturation.reference
def _(images, scale):
    return _saturated(np, images, scale)


@AdjustContrastv2.kernel
@AdjustContrastv2.reference
def _(images, contrast_factor):
    return _contrasted(images, contrast_factor)


# -- gradients


@RGBToHSV.gradient
def _(node, dy):
    """Differentiates by the largest, the smallest and the middle of the three colours."""
    rgb, hsv = node.inputs[0], node.outputs[0]
    dtype = rgb.dtype.base_dtype
    dhue, dsaturation, dvalue = ops.Unpack(dy, num=3, axis=-1)
    value = hsv[..., 2]
    low = ops.Min(rgb, [-1])
    spread = value - low
    colors = ops.Unpack(rgb, num=3, axis=-1)
    largest = _first([ops.Equal(c, value) for c in colors])
    smallest = _first([ops.Equal(c, low) for c in colors])
    at_most = [ops.Cast(here, DstT=dtype) for here in largest]
    at_least = [ops.Cast(here, DstT=dtype) for here in smallest]
    by_low = -ops.DivNoNan(dsaturation, value)
    by_value = dvalue + ops.DivNoNan(dsaturation * low, value * value)
    numerators = [colors[i - 2] - colors[i - 1] for i in range(3)]
    numerator = _weighted(at_most, numerators)
    slope = ops.DivNoNan(dhue, 6.0 * spread)
    by_spread = -ops.DivNoNan(slope * numerator, spread)
    parts = []
    for i in range(3):
        along = at_most[i - 1] - at_most[i - 2]
        part = at_most[i] * (by_value + by_spread) + at_least[i] * (by_low - by_spread)
        parts.append(part + slope * along)
    return ops.Pack(parts, axis=-1)


def _first(conditions):
    """Returns conditions of which at most one holds: the first that does."""
    taken, found = None, []
    for condition in conditions:
        found.append(
            condition if taken is None else ops.LogicalAnd(condition, ops.LogicalNot(taken))
        )
        taken = condition if taken is None else ops.LogicalOr(taken, condition)
    return found


def _weighted(weights, values):
    return ops.AddN([w * v for w, v in zip(weights, values, strict=True)])


for _opdef in (HSVToRGB, AdjustHue, AdjustSaturation, AdjustContrastv2):
    _opdef.no_gradient("TensorFlow has none")
_COLORS = np.array(
    [[[0.2, 0.5, 0.9], [0.8, 0.1, 0.3]], [[0.3, 0.7, 0.4], [0.6, 0.9, 0.05]]], np.float32
)
_GRAY = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1.0, 0.0, 0.0]], np.float32)
RGBToHSV.examples(_COLORS)
for _opdef in (HSVToRGB,):
    _opdef.examples(_COLORS).examples(_GRAY)
for _delta in (0.3, -0.7):
    AdjustHue.examples(_COLORS, np.float32(_delta)).examples(_GRAY, np.float32(_delta))
for _scale in (0.4, 2.5):
    AdjustSaturation.examples(_COLORS, np.float32(_scale))
AdjustContrastv2.examples(f[2, 3, 4, 3], np.float32(0.7))
RGBToHSV.fails("must be 3", f[2, 4])
