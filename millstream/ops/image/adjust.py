"""Brightness, contrast, hue, saturation, and conversion of image types: `tf.image.adjust_*`."""

import numpy as np

from millstream.base.dtypes import as_dtype, float16, float32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.image.color import (
    AdjustContrastv2,
    AdjustHue,
    AdjustSaturation,
    HSVToRGB,
    RGBToHSV,
)
from millstream.ops.math.cast import saturate_cast
from millstream.ops.math.tensordot import tensordot
from millstream.ops.random.functions import random_uniform


@export("image.convert_image_dtype")
def convert_image_dtype(image, dtype, saturate=False, name=None):
    """Converts images between types, whose full ranges correspond: `[0, 1]` for floats.

    Args:
      image: an image, or several.
      dtype: the type to give.
      saturate: whether values outside the range are clipped before they become integers.
      name: name of the nodes.

    Returns:
      A tensor of the same shape.
    """
    image = to_tensor(image, None, "image")
    dtype, given = as_dtype(dtype), image.dtype.base_dtype
    if dtype == given:
        return array.identity(image, name=name)
    with name_scope(name, "convert_image", [image]) as scope:
        if given.is_integer and dtype.is_integer:
            return _between_integers(image, given, dtype, saturate, scope)
        if given.is_floating and dtype.is_floating:
            return math.cast(image, dtype, name=scope)
        if given.is_integer:
            return ops.Mul(math.cast(image, dtype), 1.0 / given.max, name=scope)
        # Half a step more makes every integer equally wide.
        scaled = ops.Mul(image, dtype.max + 0.5)
        return _cast(scaled, dtype, saturate, scope)


def _cast(image, dtype, saturate, name):
    return (
        saturate_cast(image, dtype, name=name) if saturate else math.cast(image, dtype, name=name)
    )


def _between_integers(image, given, dtype, saturate, name):
    if given.max > dtype.max:
        scaled = ops.FloorDiv(image, (given.max + 1) // (dtype.max + 1), name="truediv")
        return _cast(scaled, dtype, saturate, name)
    wide = _cast(image, dtype, saturate, None)
    return ops.Mul(wide, (dtype.max + 1) // (given.max + 1), name=name)


def _as_float(image):
    """Returns a floating image, and the type that it had."""
    image = to_tensor(image, None, "image")
    original = image.dtype.base_dtype
    if original in (float16, float32):
        return image, original
    return convert_image_dtype(image, float32), original


@export("image.adjust_brightness")
def adjust_brightness(image, delta):
    """Adds `delta` to every value of an image.

    Args:
      image: an image, or several, of any type; integers are converted to floats and back.
      delta: what to add, on the scale of `[0, 1]`.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    with name_scope(None, "adjust_brightness", [image, delta]) as scope:
        floats, original = _as_float(image)
        adjusted = ops.Add(floats, math.cast(delta, floats.dtype.base_dtype), name=scope)
        return convert_image_dtype(adjusted, original, saturate=True)


@export("image.adjust_contrast")
def adjust_contrast(images, contrast_factor):
    """Multiplies the distance of every value to the mean of its image and channel.

    Args:
      images: `[..., height, width, channels]`, of any type.
      contrast_factor: a scalar.

    Returns:
      A tensor of the shape and dtype of `images`.
    """
    with name_scope(None, "adjust_contrast", [images, contrast_factor]) as scope:
        floats, original = _as_float(images)
        adjusted = AdjustContrastv2(floats, contrast_factor=contrast_factor, name=scope)
        return convert_image_dtype(adjusted, original, saturate=True)


@export("image.adjust_gamma")
def adjust_gamma(image, gamma=1, gain=1):
    """Computes `gain * image ** gamma`.

    Args:
      image: an image, or several, of any type.
      gamma: the exponent, not negative.
      gain: the factor.

    Returns:
      A tensor of the shape and dtype of `image`.

    Raises:
      ValueError: for a negative exponent.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]):
        if isinstance(gamma, int | float) and gamma < 0:
            raise ValueError("Gamma should be a non-negative real number.")
        floats, original = _as_float(image)
        adjusted = gain * floats**gamma
        return convert_image_dtype(adjusted, original, saturate=True)


@export("image.adjust_hue")
def adjust_hue(image, delta, name=None):
    """Turns the hue of RGB images.

    Args:
      image: `[..., 3]`, of any type.
      delta: part of a full circle, in `[-1, 1]`.
      name: name of the nodes.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    with name_scope(name, "adjust_hue", [image]):
        floats, original = _as_float(image)
        return convert_image_dtype(AdjustHue(floats, delta), original)


@export("image.adjust_saturation")
def adjust_saturation(image, saturation_factor, name=None):
    """Multiplies the saturation of RGB images.

    Args:
      image: `[..., 3]`, of any type.
      saturation_factor: a scalar.
      name: name of the nodes.

    Returns:
      A tensor of the shape and dtype of `image`.
    """
    with name_scope(name, "adjust_saturation", [image]):
        floats, original = _as_float(image)
        return convert_image_dtype(AdjustSaturation(floats, saturation_factor), original)


# -- at random


def _check_range(lower, upper):
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


@export("image.random_brightness")
def random_brightness(image, max_delta, seed=None):
    """Adds a random number of `[-max_delta, max_delta)` to every value of an image.

    Args:
      image: an image, or several, of any type.
      max_delta: bound of the number, not negative.
      seed: seed of the number.

    Raises:
      ValueError: for a negative bound.
    """
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


@export("image.random_contrast")
def random_contrast(image, lower, upper, seed=None):
    """Multiplies the contrast by a random number of `[lower, upper)`.

    Args:
      image: an image, or several, of any type.
      lower: least factor, not negative.
      upper: bound of the factor.
      seed: seed of the factor.

    Raises:
      ValueError: if the range is empty or negative.
    """
    _check_range(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


@export("image.random_hue")
def random_hue(image, max_delta, seed=None):
    """Turns the hue by a random part of a circle in `[-max_delta, max_delta)`.

    Args:
      image: `[..., 3]`, of any type.
      max_delta: bound of the part, in `[0, 0.5]`.
      seed: seed of the part.

    Raises:
      ValueError: for another bound.
    """
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


@export("image.random_saturation")
def random_saturation(image, lower, upper, seed=None):
    """Multiplies the saturation by a random number of `[lower, upper)`.

    Args:
      image: `[..., 3]`, of any type.
      lower: least factor, not negative.
      upper: bound of the factor.
      seed: seed of the factor.

    Raises:
      ValueError: if the range is empty or negative.
    """
    _check_range(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


# -- colour spaces


@export("image.rgb_to_hsv")
def rgb_to_hsv(images, name=None):
    """Converts `[..., 3]` red, green, blue in [0, 1] to hue, saturation, value in [0, 1]."""
    return RGBToHSV(images, name=name)


@export("image.hsv_to_rgb")
def hsv_to_rgb(images, name=None):
    """Converts `[..., 3]` hue, saturation, value in [0, 1] to red, green, blue in [0, 1]."""
    return HSVToRGB(images, name=name)


@export("image.rgb_to_grayscale")
def rgb_to_grayscale(images, name=None):
    """Converts `[..., 3]` colours to `[..., 1]` luminance, as television weighs them."""
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        images = to_tensor(images, None, "images")
        original = images.dtype.base_dtype
        floats = convert_image_dtype(images, float32)
        gray = tensordot(floats, [0.2989, 0.5870, 0.1140], [-1, -1])
        return convert_image_dtype(array.expand_dims(gray, -1), original, name=scope)


_YIQ = np.array(
    [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ]
)
_FROM_YIQ = np.array(
    [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
)
_YUV = np.array(
    [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ]
)
_FROM_YUV = np.array([[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]])


def _mixed(images, matrix):
    images = to_tensor(images, None, "images")
    kernel = constant(matrix, images.dtype.base_dtype, name="kernel")
    last = images.shape.ndims - 1
    return tensordot(images, kernel, [[last], [0]])


@export("image.rgb_to_yiq")
def rgb_to_yiq(images):
    """Converts `[..., 3]` colours to luminance and the two chroma parts of NTSC."""
    return _mixed(images, _YIQ)


@export("image.yiq_to_rgb")
def yiq_to_rgb(images):
    """Converts `[..., 3]` luminance and chroma of NTSC to red, green, blue."""
    return _mixed(images, _FROM_YIQ)


@export("image.rgb_to_yuv")
def rgb_to_yuv(images):
    """Converts `[..., 3]` colours to luminance and the two chroma parts of PAL."""
    return _mixed(images, _YUV)


@export("image.yuv_to_rgb")
def yuv_to_rgb(images):
    """Converts `[..., 3]` luminance and chroma of PAL to red, green, blue."""
    return _mixed(images, _FROM_YUV)
