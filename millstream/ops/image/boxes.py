"""Boxes `(y1, x1, y2, x2)`, in parts of an image's sides, drawn into it."""

import numpy as np

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.ir.spec import Dynamic, Float, Half, Tensor, f, op

_COLORS = [
    (1, 1, 0, 1),
    (0, 0, 1, 1),
    (1, 0, 0, 1),
    (0, 1, 0, 1),
    (0.5, 0, 0.5, 1),
    (0.5, 0.5, 0, 1),
    (0.5, 0, 0, 1),
    (0, 0, 0.5, 1),
    (0, 1, 1, 1),
    (1, 0, 1, 1),
]


# -- drawing


@op(effect=Dynamic(), defaults={"T": Float})
def DrawBoundingBoxes[T: (Float, Half)](images: Tensor[T], boxes: Tensor[Float]) -> Tensor[T]:
    """Draws boxes into images, in ten colours that take turns."""


@op(effect=Dynamic(), defaults={"T": Float})
def DrawBoundingBoxesV2[T: (Float, Half)](
    images: Tensor[T], boxes: Tensor[Float], colors: Tensor[Float]
) -> Tensor[T]:
    """Draws boxes into images, in colours that take turns."""


def _drawn_shape(images, boxes):
    images, boxes = images.with_rank(4), boxes.with_rank(3)
    boxes[2:].merge_with([4])
    return images


for _op in (DrawBoundingBoxes, DrawBoundingBoxesV2):
    _op.shape(_drawn_shape)
    _op.no_gradient("TensorFlow declares none")


def _draw(image, box, color):
    """Draws one box: its edges, one pixel wide, as far as they lie in the image."""
    height, width = image.shape[:2]
    top, bottom = int(box[0] * (height - 1)), int(box[2] * (height - 1))
    left, right = int(box[1] * (width - 1)), int(box[3] * (width - 1))
    if bottom < top or right < left:
        logging.warning("Bounding box %s is inverted and will not be drawn.", box.tolist())
        return
    if top >= height or bottom < 0 or left >= width or right < 0:
        logging.warning("Bounding box %s lies outside of the image.", box.tolist())
        return
    rows = slice(max(top, 0), min(bottom, height - 1) + 1)
    columns = slice(max(left, 0), min(right, width - 1) + 1)
    for row in (top, bottom):
        if 0 <= row < height:
            image[row, columns] = color
    for column in (left, right):
        if 0 <= column < width:
            image[rows, column] = color


def _drawn(images, boxes, colors):
    depth = images.shape[-1]
    if images.ndim != 4 or depth not in (1, 3, 4):
        message = f"images must be [batch, height, width, 1, 3 or 4], not {list(images.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    if boxes.ndim != 3 or boxes.shape[2] != 4 or len(boxes) != len(images):
        message = f"boxes must be [{len(images)}, boxes, 4], not {list(boxes.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    if colors.ndim != 2 or (len(colors) and colors.shape[1] < depth):
        message = f"colors must be [colors, {depth}], not {list(colors.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    drawn = images.copy()
    for image, of_image in zip(drawn, boxes):
        for number, box in enumerate(of_image):
            _draw(image, box, colors[number % len(colors), :depth])
    return drawn


def _default_colors(depth):
    colors = np.array(_COLORS, np.float32)
    if depth == 1:
        colors[:, 0] = 1
    return colors


@DrawBoundingBoxes.reference
def _(images, boxes):
    return _drawn(images, boxes, _default_colors(images.shape[-1]))


@DrawBoundingBoxesV2.reference
def _(images, boxes, colors):
    usable = colors if len(colors) else _default_colors(images.shape[-1])
    return _drawn(images, boxes, usable)


_BOXES = np.array([[[0.1, 0.2, 0.8, 0.9], [0, 0, 0.5, 0.4]]], np.float32)
DrawBoundingBoxes.examples(f[1, 5, 6, 3], _BOXES).examples(f[1, 5, 6, 1], _BOXES)
DrawBoundingBoxes.fails("rank 4", f[5, 6, 3], _BOXES)
DrawBoundingBoxes.fails("1, 3 or 4", f[1, 5, 6, 2], _BOXES)
DrawBoundingBoxesV2.examples(f[1, 5, 6, 3], _BOXES, np.array([[0.2, 0.3, 0.4]], np.float32))
DrawBoundingBoxesV2.fails("colors must be", f[1, 5, 6, 3], _BOXES, f[2, 2])


@export("image.draw_bounding_boxes")
def draw_bounding_boxes(images, boxes, name=None, colors=None):
    """Draws the edges of boxes into images.

    Args:
      images: float32 or float16 `[batch, height, width, 1, 3 or 4]`.
      boxes: float32 `[batch, boxes, (y1, x1, y2, x2)]`, in parts of the image's sides.
      name: name of the node.
      colors: float32 `[colors, depth]`, which take turns; ten by default.

    Returns:
      The images with boxes.
    """
    if colors is None:
        return DrawBoundingBoxes(images, boxes, name=name)
    return DrawBoundingBoxesV2(images, boxes, colors, name=name)
