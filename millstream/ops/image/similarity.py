"""How alike two images are: the index of structural similarity, at one scale and at several."""

import numpy as np

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import math
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.padding import pad
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.image.adjust import convert_image_dtype
from millstream.ops.nn.depthwise import DepthwiseConv2dNative

_FACTORS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def _window(size, sigma):
    """Returns a bell of weights that add up to 1, `[size, size]`."""
    places = np.arange(size) - (size - 1) / 2
    bell = np.exp(-0.5 * (places[:, None] ** 2 + places**2) / sigma**2)
    return (bell / bell.sum()).astype(np.float32)


def _means(x, window):
    """Averages every channel of `[batch, height, width, channels]` under the window."""
    channels = shape(x)[-1]
    weights = ops.Tile(convert_to_tensor(window[:, :, None, None]), [1, 1, channels, 1])
    return DepthwiseConv2dNative(x, weights, strides=[1, 1, 1, 1], padding="VALID")


def _compare(x, y, max_val, filter_size, filter_sigma, k1, k2):
    """Returns similarity and contrast-structure of each channel, `[batch, channels]`."""
    window = _window(filter_size, filter_sigma)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_x, mean_y = _means(x, window), _means(y, window)
    product, squares = mean_x * mean_y * 2.0, math.square(mean_x) + math.square(mean_y)
    luminance = (product + c1) / (squares + c1)
    both = _means(x * y, window) * 2.0
    each = _means(math.square(x) + math.square(y), window)
    structure = (both - product + c2) / (each - squares + c2)
    similarity = math.reduce_mean(luminance * structure, [1, 2])
    return similarity, math.reduce_mean(structure, [1, 2])


def _prepared(img1, img2, max_val, least):
    """Returns both images as floats `[batch, height, width, channels]`, and the largest value.

    Raises:
      ValueError: if the shapes differ, or the images are smaller than `least`.
    """
    img1, img2 = convert_to_tensor(img1, name="img1"), convert_to_tensor(img2, name="img2")
    shape1 = img1.shape.with_rank_at_least(3)
    shape1[-3:].assert_is_compatible_with(img2.shape.with_rank_at_least(3)[-3:])
    for side in shape1[-3:-1].as_list() if shape1.ndims else ():
        if side is not None and side < least:
            raise ValueError(f"images must be at least {least} pixels high and wide, not {side}")
    max_val = math.cast(convert_to_tensor(max_val), img1.dtype)
    max_val = convert_image_dtype(max_val, np.float32)
    flat = []
    for image in (img1, img2):
        image = convert_image_dtype(image, np.float32)
        rows = reshape(image, concat([[-1], shape(image)[-3:]], 0))
        rows.set_shape([None, *image.shape[-3:].as_list()] if image.shape.ndims else [None] * 4)
        flat.append(rows)
    return *flat, max_val


def _in_batch(values, img1):
    """Averages over channels, and gives the result the shape of the batch."""
    found = math.reduce_mean(values, -1)
    return reshape(found, shape(convert_to_tensor(img1))[:-3])


@export("image.ssim")
def ssim(img1, img2, max_val, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03):
    """Computes the index of structural similarity of images.

    Args:
      img1: `[..., height, width, channels]`.
      img2: images of the same shape.
      max_val: largest value that pixels can have, such as 255.
      filter_size: pixels of the window's sides.
      filter_sigma: width of the bell of weights in it.
      k1: keeps the luminance term stable where images are dark.
      k2: keeps the other terms stable where there is no contrast.

    Returns:
      float32 `[...]`, 1 for equal images.

    Raises:
      ValueError: if the shapes differ, or images are smaller than the window.

    Source: Wang et al., Image quality assessment: from error visibility to structural
      similarity, 2004.
    """
    with name_scope(None, "SSIM"):
        x, y, largest = _prepared(img1, img2, max_val, filter_size)
        similarity, _ = _compare(x, y, largest, filter_size, filter_sigma, k1, k2)
        return _in_batch(similarity, img1)


@export("image.ssim_multiscale")
def ssim_multiscale(
    img1,
    img2,
    max_val,
    power_factors=_FACTORS,
    filter_size=11,
    filter_sigma=1.5,
    k1=0.01,
    k2=0.03,
):
    """Computes the structural similarity of images over several scales, each half the last.

    Args:
      img1: `[..., height, width, channels]`.
      img2: images of the same shape.
      max_val: largest value that pixels can have.
      power_factors: weights of the scales, finest first.
      filter_size: pixels of the window's sides.
      filter_sigma: width of the bell of weights in it.
      k1: keeps the luminance term stable where images are dark.
      k2: keeps the other terms stable where there is no contrast.

    Returns:
      float32 `[...]`, 1 for equal images.

    Raises:
      ValueError: if the shapes differ, or images are too small for so many scales.

    Source: Wang et al., Multi-scale structural similarity for image quality assessment, 2003.
    """
    with name_scope(None, "MS-SSIM"):
        least = (filter_size - 1) * 2 ** (len(power_factors) - 1) + 1
        x, y, largest = _prepared(img1, img2, max_val, least)
        terms = []
        for scale in range(len(power_factors)):
            if scale:
                x, y = _halved(x), _halved(y)
            similarity, structure = _compare(x, y, largest, filter_size, filter_sigma, k1, k2)
            last = scale == len(power_factors) - 1
            terms.append(ops.Relu(similarity if last else structure))
        powers = math.pow(stack(terms, axis=-1), list(power_factors))
        return _in_batch(math.reduce_prod(powers, -1), img1)


def _halved(x):
    """Averages blocks of four pixels; an odd side is made even by its last pixels again."""
    odd = shape(x)[1:3] % 2
    paddings = [[0, 0], [0, odd[0]], [0, odd[1]], [0, 0]]
    even = pad(x, stack([stack(row) for row in paddings]), "SYMMETRIC")
    even.set_shape([None, None, None, x.shape.as_list()[-1]])
    return ops.AvgPool(even, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
