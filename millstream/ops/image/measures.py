"""Gradients, variation and other measures of images."""

import numpy as np

from millstream.base.dtypes import float32, int32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.flow import with_dependencies
from millstream.ops.image.adjust import convert_image_dtype
from millstream.ops.math.reductions import reduce_std
from millstream.ops.nn.separable import depthwise_conv2d


@export("image.image_gradients")
def image_gradients(image):
    """Returns the differences of neighbouring pixels, `(dy, dx)`, each shaped like `image`.

    Args:
      image: `[batch, height, width, channels]`.

    Returns:
      The differences to the pixel below and to that on the right; the last row, and the last
      column, are zero.

    Raises:
      ValueError: for another rank.
    """
    if image.shape.ndims != 4:
        raise ValueError(
            f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.shape}."
        )
    shape = array.shape(image)
    batch, height, width, depth = array.unstack(shape, name="unstack")
    down = image[:, 1:, :, :] - image[:, :-1, :, :]
    right = image[:, :, 1:, :] - image[:, :, :-1, :]
    row = array.zeros(array.stack([batch, 1, width, depth]), image.dtype)
    down = array.reshape(array.concat([down, row], 1), shape)
    column = array.zeros(array.stack([batch, height, 1, depth]), image.dtype)
    return down, array.reshape(array.concat([right, column], 2), shape)


@export("image.sobel_edges")
def sobel_edges(image):
    """Returns Sobel edge maps, `[batch, height, width, channels, 2]`: of rows, then of columns.

    Args:
      image: `[batch, height, width, channels]`, floats.
    """
    static = image.shape
    shape = array.shape(image)
    rows = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    kernels = constant(np.stack([rows, rows.T], -1)[:, :, None], float32)
    filters = ops.Tile(
        kernels,
        array.stack([1, 1, shape[3], 1], name="sobel_filters/multiples"),
        name="sobel_filters",
    )
    padded = ops.MirrorPad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv2d(padded, filters, [1, 1, 1, 1], "VALID")
    result = array.reshape(edges, array.concat([shape, [2]], 0))
    result.set_shape(static.concatenate([2]))
    return result


@export("image.total_variation")
def total_variation(images, name=None):
    """Sums the absolute differences of neighbouring pixels.

    Args:
      images: `[batch, height, width, channels]` or `[height, width, channels]`.
      name: name of the nodes.

    Returns:
      `[batch]`, or a scalar for a single image.

    Raises:
      ValueError: for another rank.
    """
    with name_scope(name, "total_variation"):
        rank = images.shape.ndims
        if rank not in (3, 4):
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        axes = None if rank == 3 else [1, 2, 3]
        if rank == 3:
            down = images[1:, :, :] - images[:-1, :, :]
            right = images[:, 1:, :] - images[:, :-1, :]
        else:
            down = images[:, 1:, :, :] - images[:, :-1, :, :]
            right = images[:, :, 1:, :] - images[:, :, :-1, :]
        return math.reduce_sum(math.abs(down), axes) + math.reduce_sum(math.abs(right), axes)


@export("image.per_image_standardization")
def per_image_standardization(image):
    """Shifts and scales each image to mean 0 and variance 1.

    Args:
      image: `[..., height, width, channels]`.

    Returns:
      A tensor of the same shape; the deviation is taken as at least `1 / sqrt(values)`, so that an
      even image becomes zeros.
    """
    with name_scope(None, "per_image_standardization", [image]) as scope:
        image = to_tensor(image, None, "image")
        image, original = with_dependencies([], image), image.dtype.base_dtype
        values = math.reduce_prod(array.shape(image)[-3:])
        image = math.cast(image, float32)
        mean = math.reduce_mean(image, [-1, -2, -3], keepdims=True)
        spread = reduce_std(image, [-1, -2, -3], keepdims=True)
        least = math.rsqrt(math.cast(values, float32))
        adjusted = math.maximum(spread, least)
        result = ops.RealDiv(image - mean, adjusted, name=scope)
        return convert_image_dtype(result, original, saturate=True)


@export("image.grayscale_to_rgb")
def grayscale_to_rgb(images, name=None):
    """Repeats `[..., 1]` luminance as three equal colours, `[..., 3]`."""
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        images = to_tensor(images, None, "images")
        images = with_dependencies([], images)
        outer = array.expand_dims(array.rank(images) - 1, 0)
        multiples = array.concat([array.ones(outer, int32), array.expand_dims(3, 0)], 0)
        result = ops.Tile(images, multiples, name=scope)
        result.set_shape(images.shape[:-1].concatenate([3]))
        return result


@export("image.psnr")
def psnr(a, b, max_val, name=None):
    """Computes the peak signal-to-noise ratio of two images, in decibels.

    Args:
      a: `[..., height, width, channels]`.
      b: an image of the same shape and dtype.
      max_val: the largest value that an image of this type can have.
      name: name of the nodes.

    Returns:
      `[...]` float32.
    """
    with name_scope(name, "PSNR", [a, b]):
        peak = convert_image_dtype(math.cast(max_val, a.dtype.base_dtype), float32)
        a, b = convert_image_dtype(a, float32), convert_image_dtype(b, float32)
        error = math.reduce_mean(math.squared_difference(a, b), [-3, -2, -1])
        ten = np.float32(10)
        level = 20 * math.log(peak) / math.log(ten)
        return ops.Sub(level, np.float32(10 / np.log(10)) * math.log(error), name="psnr")
