"""Resizing by method, flipping, cropping and padding of images."""

import numbers

import numpy as np

from millstream.base.dtypes import float32, int32
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.flow import with_dependencies
from millstream.ops.image.resize import (
    resize_area,
    resize_bicubic,
    resize_bilinear,
    resize_nearest_neighbor,
)
from millstream.ops.random.functions import random_uniform


def _image(image, batch):
    """Returns an image of three axes, or of four if `batch`.

    Raises:
      ValueError: for another number of axes, or an axis without elements.
    """
    image = to_tensor(image, None, "image")
    rank = image.shape.ndims
    if rank is None or rank not in ((3, 4) if batch else (3,)):
        wanted = "either 3 or 4" if batch else "3"
        raise ValueError(f"'image' (shape {image.shape}) must have {wanted} dimensions.")
    if any(size == 0 for size in image.shape.as_list()[-3:]):
        raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {image.shape}")
    return image


def _checked(image):
    """Makes the node that TensorFlow hangs its shape checks on."""
    return with_dependencies([], image)


# -- resizing


@export("image.ResizeMethod")
class ResizeMethod:
    """Names of the ways to resize an image."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_METHODS = {
    ResizeMethod.BILINEAR: resize_bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
    ResizeMethod.BICUBIC: resize_bicubic,
    ResizeMethod.AREA: resize_area,
}


@export("image.resize_images", "image.resize")
def resize_images(
    images,
    size,
    method=ResizeMethod.BILINEAR,
    align_corners=False,
    preserve_aspect_ratio=False,
    name=None,
):
    """Resizes images by the chosen method.

    Args:
      images: `[batch, height, width, channels]` or `[height, width, channels]`.
      size: two int32 numbers, the new height and width.
      method: one of `tf.image.ResizeMethod`.
      align_corners: whether the centres of corner pixels stay where they are.
      preserve_aspect_ratio: whether `size` is only a bound.
      name: name of the nodes.

    Returns:
      float32 images (for nearest neighbour, of the dtype of `images`); `images` themselves if their
      size is the wanted one.

    Raises:
      ValueError: for images of another rank, another method, or a `size` that is no pair.
    """
    with name_scope(name, "resize", [images, size]):
        images = to_tensor(images, None, "images")
        rank = images.shape.ndims
        if rank is None:
            raise ValueError("'images' contains no shape.")
        if rank not in (3, 4):
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        if rank == 3:
            images = array.expand_dims(images, 0)
        result = _resized(images, size, method, align_corners, preserve_aspect_ratio)
        return ops.Squeeze(result, squeeze_dims=[0]) if rank == 3 else result


def _resized(images, size, method, align_corners, preserve_aspect_ratio):
    try:
        size = to_tensor(size, int32, "size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not size.shape.is_compatible_with([2]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    _, height, width, _ = images.shape.as_list()
    known = constant_array(size)
    if preserve_aspect_ratio:
        if known is not None:
            known = _bound(known, height, width)
        size = _bounded(images, size, height, width)
    if known is not None and known.tolist() == [height, width]:
        return images
    if method not in _METHODS:
        raise ValueError("Resize method is not implemented.")
    result = _METHODS[method](images, size, align_corners=align_corners)
    if known is not None:
        result.set_shape([None, *known.tolist(), None])
    return result


def _bound(size, height, width):
    """Returns the size that `_bounded` will compute, `None` if it is not known yet."""
    if height is None or width is None:
        return None
    sides = np.array([height, width], np.float32)
    scale = (size.astype(np.float32) / sides).min()
    return np.round(scale * sides).astype(np.int32)


def _bounded(images, size, height, width):
    """Returns the largest size of the images' proportions that fits into `size`."""
    sizes = None if None not in (height, width) else array.shape(images)
    height = sizes[1] if height is None else height
    width = sizes[2] if width is None else width
    known = constant_array(size)
    wanted = [size[0], size[1]] if known is None else known
    by_height = math.cast(wanted[0], float32) / math.cast(height, float32)
    by_width = math.cast(wanted[1], float32) / math.cast(width, float32)
    scale = math.minimum(by_height, by_width)
    new = [
        math.cast(math.round(scale * math.cast(side, float32)), int32) for side in (height, width)
    ]
    return array.stack(new, name="size")


@export("image.resize_image_with_pad")
def resize_image_with_pad(
    image, target_height, target_width, method=ResizeMethod.BILINEAR, align_corners=False
):
    """Resizes an image without changing its proportions, and pads it with zeros.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`, of known size.
      target_height: the new height.
      target_width: the new width.
      method: one of `tf.image.ResizeMethod`.
      align_corners: whether the centres of corner pixels stay where they are.

    Returns:
      float32 images of the new size.
    """
    with name_scope(None, "resize_image_with_pad", [image]):
        image = _image(image, batch=True)
        height, width = image.shape.as_list()[-3:-1]
        ratio = max(width / target_width, height / target_height)
        new_height, new_width = int(height / ratio), int(width / ratio)
        resized = resize_images(image, [new_height, new_width], method, align_corners)
        top, left = (target_height - new_height) // 2, (target_width - new_width) // 2
        return pad_to_bounding_box(resized, top, left, target_height, target_width)


# -- turning


def _flip(image, axis, scope_name):
    with name_scope(None, scope_name, [image]):
        image = _checked(_image(image, batch=True))
        axis = axis + 1 if image.shape.ndims == 4 else axis
        return ops.ReverseV2(image, [axis])


@export("image.flip_left_right")
def flip_left_right(image):
    """Mirrors images, so that left becomes right.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.

    Raises:
      ValueError: for another rank.
    """
    return _flip(image, 1, "flip_left_right")


@export("image.flip_up_down")
def flip_up_down(image):
    """Mirrors images, so that up becomes down; see `flip_left_right`."""
    return _flip(image, 0, "flip_up_down")


def _random_flip(image, axis, seed, scope_name):
    """Mirrors where a random number says so.

    A single image TensorFlow mirrors in one branch of a conditional; here one of two is selected.
    """
    with name_scope(None, scope_name, [image]) as scope:
        image = _checked(_image(image, batch=True))
        if image.shape.ndims == 3:
            mirror = math.less(random_uniform([], 0, 1.0, seed=seed), 0.5)
            result = array.identity(
                ops.SelectV2(mirror, ops.ReverseV2(image, [axis]), image), name=scope
            )
        else:
            batch = array.shape(image)[0]
            draws = random_uniform([batch], 0, 1.0, seed=seed)
            flips = math.round(array.reshape(draws, [batch, 1, 1, 1]))
            flips = math.cast(flips, image.dtype.base_dtype)
            flipped = ops.ReverseV2(image, [axis + 1])
            result = flips * flipped + (1 - flips) * image
        result.set_shape(image.shape)
        return result


@export("image.random_flip_left_right")
def random_flip_left_right(image, seed=None):
    """Mirrors left and right with probability one half, each image of a batch for itself.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      seed: seed of the decisions.
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


@export("image.random_flip_up_down")
def random_flip_up_down(image, seed=None):
    """Mirrors up and down with probability one half; see `random_flip_left_right`."""
    return _random_flip(image, 0, seed, "random_flip_up_down")


@export("image.transpose_image", "image.transpose")
def transpose_image(image, name=None):
    """Exchanges height and width of images of three or four axes."""
    with name_scope(name, "transpose", [image]):
        image = _checked(_image(image, batch=True))
        order = [1, 0, 2] if image.shape.ndims == 3 else [0, 2, 1, 3]
        return ops.Transpose(image, order, name="transpose")


@export("image.rot90")
def rot90(image, k=1, name=None):
    """Turns images by `k` quarter circles against the clock.

    TensorFlow decides among four branches when it runs; here `k` is a number.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      k: how many quarters, an integer or constant.
      name: name of the nodes.

    Raises:
      ValueError: for another rank, or a `k` that is not known.
    """
    with name_scope(name, "rot90", [image, k]):
        image = _checked(_image(image, batch=True))
        known = constant_array(k) if isinstance(k, Tensor) else np.asarray(k)
        if known is None:
            raise ValueError(f"rot90 needs a k that is known while the graph is built, got {k}")
        rank = image.shape.ndims
        rows, columns = rank - 3, rank - 2
        order = [*range(rank - 3), columns, rows, rank - 1]
        quarter = int(known) % 4
        if quarter == 0:
            return array.identity(image)
        if quarter == 2:
            return ops.ReverseV2(image, [rows, columns])
        turned = ops.ReverseV2(image, [columns]) if quarter == 1 else image
        turned = ops.Transpose(turned, order, name="transpose")
        return turned if quarter == 1 else ops.ReverseV2(turned, [columns])


# -- cutting and padding


@export("image.central_crop")
def central_crop(image, central_fraction):
    """Cuts out the middle of images.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`, of known size.
      central_fraction: which part of height and width to keep, in `(0, 1]`.

    Raises:
      ValueError: for another part or another rank.
    """
    with name_scope(None, "central_crop", [image]):
        image = to_tensor(image, None, "image")
        if not 0.0 < central_fraction <= 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if central_fraction == 1.0:
            return image
        image = _image(image, batch=True)
        _checked(image)
        starts, sizes = [], []
        for size in image.shape.as_list()[-3:-1]:
            start = int((size - size * central_fraction) / 2)
            starts.append(start)
            sizes.append(size - 2 * start)
        outer = [0] * (image.shape.ndims - 3)
        begin = array.stack([*outer, *starts, 0])
        extent = array.stack([*[-1] * len(outer), *sizes, -1])
        return ops.Slice(image, begin, extent)


def _as_batch(image):
    """Returns four axes, and whether there were only three."""
    image = to_tensor(image, None, "image")
    alone = image.shape.ndims == 3
    return (array.expand_dims(image, 0) if alone else _image(image, batch=True)), alone


def _alone(image, alone):
    return ops.Squeeze(image, squeeze_dims=[0]) if alone else image


def _refuse(problems):
    for bad, message in problems:
        if isinstance(bad, bool | np.bool_) and bad:
            raise ValueError(message)


def _known(*values):
    return all(isinstance(v, numbers.Integral) for v in values)


@export("image.crop_to_bounding_box")
def crop_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """Cuts a box out of images.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`.
      offset_height: the box's first row.
      offset_width: the box's first column.
      target_height: the box's height.
      target_width: the box's width.

    Raises:
      ValueError: if the box is empty or not inside the image.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        image, alone = _as_batch(image)
        _, height, width, depth = image.shape.as_list()
        if _known(offset_height, offset_width, target_height, target_width):
            _refuse([
                (offset_width < 0, "offset_width must be >= 0."),
                (offset_height < 0, "offset_height must be >= 0."),
                (target_width <= 0, "target_width must be > 0."),
                (target_height <= 0, "target_height must be > 0."),
                (
                    width is not None and width < target_width + offset_width,
                    "width must be >= target + offset.",
                ),
                (
                    height is not None and height < target_height + offset_height,
                    "height must be >= target + offset.",
                ),
            ])  # fmt: skip
        image = _checked(image)
        begin = array.stack([0, offset_height, offset_width, 0])
        extent = array.stack([-1, target_height, target_width, -1])
        cropped = ops.Slice(image, begin, extent)
        sizes = [n if _known(n) else None for n in (target_height, target_width)]
        cropped.set_shape([image.shape.as_list()[0], *sizes, depth])
        return _alone(cropped, alone)


@export("image.pad_to_bounding_box")
def pad_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """Puts images into larger ones of zeros.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`, of known size.
      offset_height: rows of zeros above.
      offset_width: columns of zeros on the left.
      target_height: the new height.
      target_width: the new width.

    Raises:
      ValueError: if the image does not fit.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        image, alone = _as_batch(image)
        batch, height, width, depth = image.shape.as_list()
        if height is None or width is None:
            symbolic = array.shape(image)
            height = symbolic[1] if height is None else height
            width = symbolic[2] if width is None else width
        after_width = target_width - offset_width - width
        after_height = target_height - offset_height - height
        if _known(after_width, after_height, offset_height, offset_width):
            _refuse([
                (offset_height < 0, "offset_height must be >= 0"),
                (offset_width < 0, "offset_width must be >= 0"),
                (after_width < 0, "width must be <= target - offset"),
                (after_height < 0, "height must be <= target - offset"),
            ])  # fmt: skip
        image = _checked(image)
        margins = [0, 0, offset_height, after_height, offset_width, after_width, 0, 0]
        padded = ops.Pad(image, array.reshape(array.stack(margins), [4, 2]))
        sizes = [n if _known(n) else None for n in (target_height, target_width)]
        padded.set_shape([batch, *sizes, depth])
        return _alone(padded, alone)


@export("image.resize_image_with_crop_or_pad", "image.resize_with_crop_or_pad")
def resize_image_with_crop_or_pad(image, target_height, target_width):
    """Cuts or pads images evenly on both sides to the wanted size.

    Args:
      image: `[batch, height, width, channels]` or `[height, width, channels]`, of known size.
      target_height: the new height.
      target_width: the new width.

    Raises:
      ValueError: if a size is not positive, or the image's is not known.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        image, alone = _as_batch(image)
        if target_height <= 0 or target_width <= 0:
            raise ValueError("target_height and target_width must be > 0.")
        _, height, width, _ = image.shape.as_list()
        if height is None or width is None:
            raise ValueError(f"the image's height and width must be known, got {image.shape}")
        image = _checked(image)
        cropped = crop_to_bounding_box(
            image,
            max((height - target_height) // 2, 0),
            max((width - target_width) // 2, 0),
            min(target_height, height),
            min(target_width, width),
        )
        padded = pad_to_bounding_box(
            cropped,
            max((target_height - height) // 2, 0),
            max((target_width - width) // 2, 0),
            target_height,
            target_width,
        )
        return _alone(_checked(padded), alone)
