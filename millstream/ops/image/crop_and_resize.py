"""`CropAndResize`: boxes cut out of images and resized to one size, and its gradient ops."""

from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jax, jnp
from millstream.ir.spec import (
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    Tensor,
    Type,
    UInt8,
    UInt16,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import renamed

_IMAGES = (UInt8, UInt16, Int8, Int16, Int32, Int64, Half, Float, Double)


@op(static="crop_size")
def CropAndResize[T: _IMAGES](
    image: Tensor[T],
    boxes: Tensor[Float],
    box_ind: Tensor[Int32],
    crop_size: Tensor[Int32],
    *,
    method: Literal["bilinear", "nearest"] = "bilinear",
    extrapolation_value: float = 0.0,
) -> Returns(crops=Tensor[Float]):
    """Cuts boxes `[n, (y1, x1, y2, x2)]` out of images and resizes each to `crop_size`."""


@op(static="image_size")
def CropAndResizeGradImage(
    grads: Tensor[Float],
    boxes: Tensor[Float],
    box_ind: Tensor[Int32],
    image_size: Tensor[Int32],
    *,
    T: Type[Float, Half, Double],
    method: Literal["bilinear", "nearest"] = "bilinear",
) -> Tensor["T"]:
    """Gives the gradient of `CropAndResize` by its images."""


@op
def CropAndResizeGradBoxes[T: _IMAGES](
    grads: Tensor[Float],
    image: Tensor[T],
    boxes: Tensor[Float],
    box_ind: Tensor[Int32],
    *,
    method: Literal["bilinear"] = "bilinear",
) -> Tensor[Float]:
    """Gives the gradient of `CropAndResize` by its boxes."""


@CropAndResize.shape
def _(image, boxes, box_ind, crop_size_value):
    image, boxes = image.with_rank(4), boxes.with_rank(2)
    count = boxes[:1].merge_with(box_ind.with_rank(1)).tuple[0]
    if boxes.tuple is not None and boxes.tuple[1] not in (None, 4):
        raise ValueError(f"Dimension must be 4 but is {boxes.tuple[1]}")
    height, width = (None, None) if crop_size_value is None else crop_size_value.tolist()
    return [count, height, width, None if image.tuple is None else image.tuple[3]]


@CropAndResizeGradImage.shape
def _(image_size_as_shape):
    return image_size_as_shape.with_rank(4)


@CropAndResizeGradBoxes.shape
def _(boxes):
    return boxes.with_rank(2)


def _places(xp, low, high, size, count):
    """Returns where `count` pixels of each box lie along one axis of images, `[boxes, count]`."""
    if count == 1:
        return xp.float32(0.5) * (low + high)[:, None] * xp.float32(size - 1)
    step = (high - low) * xp.float32(size - 1) / xp.float32(count - 1)
    first = low * xp.float32(size - 1)
    return first[:, None] + np.arange(count, dtype=np.float32) * step[:, None]


def _grid(xp, boxes, sizes, crop):
    rows = _places(xp, boxes[:, 0], boxes[:, 2], sizes[0], crop[0])
    columns = _places(xp, boxes[:, 1], boxes[:, 3], sizes[1], crop[1])
    return rows, columns


def _outside(xp, rows, columns, sizes):
    rows_out = (rows < 0) | (rows > sizes[0] - 1)
    columns_out = (columns < 0) | (columns > sizes[1] - 1)
    return rows_out[:, :, None] | columns_out[:, None, :]


def _neighbours(xp, places, size, method):
    """Returns pixels before and behind each place, and how far it is from the first."""
    if method == "nearest":
        nearest = xp.clip(xp.floor(places + np.float32(0.5)), 0, size - 1).astype(np.int32)
        return nearest, nearest, xp.zeros_like(places)
    before = xp.floor(places)
    pair = (xp.clip(p, 0, size - 1).astype(np.int32) for p in (before, xp.ceil(places)))
    return (*pair, places - before)


def _crops(xp, image, boxes, box_ind, crop, method, fill):
    """Is both rules, a gather of four pixels and their weighted mean."""
    sizes = image.shape[1:3]
    rows, columns = _grid(xp, boxes, sizes, crop)
    top, bottom, down = _neighbours(xp, rows, sizes[0], method)
    left, right, across = _neighbours(xp, columns, sizes[1], method)
    down, across = down[:, :, None, None], across[:, None, :, None]
    which = box_ind[:, None, None]

    def pixels(y, x):
        return image[which, y[:, :, None], x[:, None, :]].astype(np.float32)

    upper = pixels(top, left) * (1 - across) + pixels(top, right) * across
    lower = pixels(bottom, left) * (1 - across) + pixels(bottom, right) * across
    mean = upper * (1 - down) + lower * down
    out = _outside(xp, rows, columns, sizes)[..., None]
    return xp.where(out, np.float32(fill), mean).astype(np.float32)


def _message(box_ind, batch):
    return f"box_index has values outside [0, {batch}): {np.asarray(box_ind).tolist()}"


def _check_boxes(box_ind, batch):
    if ((box_ind < 0) | (box_ind >= batch)).any():
        raise errors.InvalidArgumentError(None, None, _message(box_ind, batch))


def _sizes(crop_size):
    crop = tuple(int(s) for s in crop_size)
    if len(crop) != 2 or min(crop) <= 0:
        raise errors.InvalidArgumentError(
            None, None, f"crop dimensions must be positive, got {list(crop)}"
        )
    return crop


@CropAndResize.kernel
def _(image, boxes, box_ind, crop_size, method, extrapolation_value, check):
    batch = image.shape[0]
    inside = jnp.all((box_ind >= 0) & (box_ind < batch))
    check(inside, lambda found: _message(found, batch), box_ind)
    crop = _sizes(crop_size)
    return _crops(jnp, image, boxes, box_ind, crop, method, extrapolation_value)


@CropAndResize.reference
def _(image, boxes, box_ind, crop_size, method, extrapolation_value):
    _check_boxes(box_ind, image.shape[0])
    return _crops(np, image, boxes, box_ind, _sizes(crop_size), method, extrapolation_value)


@CropAndResizeGradImage.kernel
def _(grads, boxes, box_ind, image_size, T, method):
    sizes = tuple(int(s) for s in image_size)
    like = jax.ShapeDtypeStruct(sizes, np.float32)
    crop = grads.shape[1:3]
    pull = jax.linear_transpose(
        lambda image: _crops(jnp, image, boxes, box_ind, crop, method, 0), like
    )
    return pull(grads)[0].astype(T.np)


@CropAndResizeGradImage.reference
def _(grads, boxes, box_ind, image_size, T, method):
    sizes = tuple(int(s) for s in image_size)
    _check_boxes(box_ind, sizes[0])
    rows, columns = _grid(np, boxes, sizes[1:3], grads.shape[1:3])
    top, bottom, down = _neighbours(np, rows, sizes[1], method)
    left, right, across = _neighbours(np, columns, sizes[2], method)
    out = _outside(np, rows, columns, sizes[1:3])[..., None]
    given = np.where(out, np.float32(0), grads)
    total = np.zeros(sizes, np.float32)
    which = box_ind[:, None, None]
    for y, weight_y in ((top, 1 - down), (bottom, down)):
        for x, weight_x in ((left, 1 - across), (right, across)):
            share = given * weight_y[:, :, None, None] * weight_x[:, None, :, None]
            np.add.at(total, (which, y[:, :, None], x[:, None, :]), share)
    return total.astype(T.np)


@CropAndResizeGradBoxes.kernel
def _(grads, image, boxes, box_ind):
    crop = grads.shape[1:3]
    image = image.astype(jnp.float32)
    _, pull = jax.vjp(lambda b: _crops(jnp, image, b, box_ind, crop, "bilinear", 0), boxes)
    return pull(grads)[0]


@CropAndResizeGradBoxes.reference
def _(grads, image, boxes, box_ind):
    """Follows places to boxes: `y = y1 * (1 - t) + y2 * t`, scaled by the image's size."""
    _check_boxes(box_ind, image.shape[0])
    sizes, crop = image.shape[1:3], grads.shape[1:3]
    rows, columns = _grid(np, boxes, sizes, crop)
    top, bottom, down = _neighbours(np, rows, sizes[0], "bilinear")
    left, right, across = _neighbours(np, columns, sizes[1], "bilinear")
    which = box_ind[:, None, None]

    def pixels(y, x):
        return image[which, y[:, :, None], x[:, None, :]].astype(np.float32)

    down, across = down[:, :, None, None], across[:, None, :, None]
    rise = (pixels(bottom, left) - pixels(top, left)) * (1 - across)
    rise += (pixels(bottom, right) - pixels(top, right)) * across
    run = (pixels(top, right) - pixels(top, left)) * (1 - down)
    run += (pixels(bottom, right) - pixels(bottom, left)) * down
    given = np.where(_outside(np, rows, columns, sizes)[..., None], np.float32(0), grads)
    by_rows = (given * rise).sum((2, 3)) * np.float32(sizes[0] - 1)
    by_columns = (given * run).sum((1, 3)) * np.float32(sizes[1] - 1)
    parts = []
    for along, count in ((by_rows, crop[0]), (by_columns, crop[1])):
        at = np.full(1, 0.5) if count == 1 else np.arange(count) / (count - 1)
        parts.append(((along * (1 - at)).sum(1), (along * at).sum(1)))
    (y1, y2), (x1, x2) = parts
    return np.stack([y1, x1, y2, x2], 1).astype(np.float32)


@CropAndResize.gradient
def _(node, dy):
    image, boxes, box_ind, _ = node.inputs
    method = node.attrs["method"]
    by_image = None
    if image.dtype.base_dtype in (Half, Float, Double):
        by_image = CropAndResizeGradImage(
            dy, boxes, box_ind, ops.Shape(image), T=image.dtype.base_dtype, method=method
        )
    # TensorFlow takes the bilinear slope by the boxes for either method.
    return [by_image, CropAndResizeGradBoxes(dy, image, boxes, box_ind), None, None]


CropAndResizeGradImage.no_gradient("TensorFlow has none")
CropAndResizeGradBoxes.no_gradient("TensorFlow has none")
_BOXES = np.array([[0.13, 0.21, 0.82, 0.93], [0.05, 0.11, 1.2, 0.77]], np.float32)
_WHICH = np.array([1, 0], np.int32)
# Half way between pixels, so that differences of boxes do not pass one.
_HALF_WAY = np.array([[0.1, 0.25, 0.7, 0.75], [0.3, 1 / 12, 0.9, 11 / 12]], np.float32)
CropAndResize.examples(f[2, 6, 7, 2], _HALF_WAY, _WHICH, np.array([2, 2], np.int32), T=Float)
CropAndResizeGradImage.examples(
    f[2, 3, 4, 2], _BOXES, _WHICH, np.array([2, 6, 7, 2], np.int32), T=Float
)
CropAndResizeGradImage.examples(
    f[2, 3, 4, 2], _BOXES, _WHICH, np.array([2, 6, 7, 2], np.int32), T=Double, method="nearest"
)
CropAndResizeGradBoxes.examples(f[2, 3, 4, 2], f[2, 6, 7, 2], _BOXES, _WHICH)
CropAndResizeGradBoxes.examples(f[2, 1, 4, 2], f[2, 6, 7, 2], _BOXES, _WHICH)
CropAndResize.fails(
    "box_index has values outside", f[1, 6, 7, 2], _BOXES, _WHICH, np.array([3, 4], np.int32)
)


@export("image.crop_and_resize")
def crop_and_resize(
    image,
    boxes,
    box_ind=None,
    crop_size=None,
    method="bilinear",
    extrapolation_value=0,
    name=None,
    box_indices=None,
):
    """Cuts boxes out of images and resizes each to one size.

    Args:
      image: `[batch, height, width, channels]`.
      boxes: `[n, 4]` float32, `(y1, x1, y2, x2)` as parts of height and width less one; a box may
        reach outside, or be mirrored.
      box_ind: `[n]` int32, which image each box is cut out of.
      crop_size: two int32 numbers, the new height and width.
      method: `"bilinear"` or `"nearest"`.
      extrapolation_value: what pixels outside the image are.
      name: name of the node.
      box_indices: the newer name of `box_ind`.

    Returns:
      `[n, new height, new width, channels]` float32.
    """
    return CropAndResize(
        image,
        boxes,
        renamed("box_indices", box_indices, "box_ind", box_ind),
        crop_size,
        method=method,
        extrapolation_value=extrapolation_value,
        name=name,
    )
