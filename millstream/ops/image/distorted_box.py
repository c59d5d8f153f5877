"""`SampleDistortedBoundingBox`: random crops of images that keep enough of the objects.

Attempts draw words from a stream of their own in TensorFlow's order: an aspect ratio, a height and
a place. The first crop of a right area that covers enough of one box is taken; if no attempt gives
one, the whole image is.
"""

import math
from typing import NamedTuple

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    Float,
    Host,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    Tensor,
    UInt8,
    op,
)
from millstream.ops.random import philox
from millstream.ops.random.draws import unit32
from millstream.ops.random.state import initial

_SIZES = (UInt8, Int8, Int16, Int32, Int64)
_WORDS_PER_ATTEMPT = 4
_ASPECTS = (0.75, 1.3300000429153442)
_AREAS = (0.05000000074505806, 1.0)


@op(effect=Host())
def SampleDistortedBoundingBox[T: _SIZES](
    image_size: Tensor[T],
    bounding_boxes: Tensor[Float],
    *,
    seed: int = 0,
    seed2: int = 0,
    min_object_covered: float = 0.1,
    aspect_ratio_range: list[float] = _ASPECTS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> Returns(begin=Tensor[T], size=Tensor[T], bboxes=Tensor[Float]):
    """Gives a random part of an image that covers enough of its objects."""


@op(effect=Host())
def SampleDistortedBoundingBoxV2[T: _SIZES](
    image_size: Tensor[T],
    bounding_boxes: Tensor[Float],
    min_object_covered: Tensor[Float],
    *,
    seed: int = 0,
    seed2: int = 0,
    aspect_ratio_range: list[float] = _ASPECTS,
    area_range: list[float] = _AREAS,
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
) -> Returns(begin=Tensor[T], size=Tensor[T], bboxes=Tensor[Float]):
    """Gives a random part of an image that covers enough of its objects."""


def _shapes(image_size, bounding_boxes):
    image_size.with_rank(1).merge_with([3])
    bounding_boxes.with_rank(3)[2:].merge_with([4])
    return [3], [3], [1, 1, 4]


for _op in (SampleDistortedBoundingBox, SampleDistortedBoundingBoxV2):
    _op.shape(_shapes)
    _op.no_gradient("it gives places, not values")


class _Words:
    """A reader of the words of a stream, one by one."""

    def __init__(self, state, count):
        blocks = philox.blocks(state, 0, -(-count // 4))
        self._words = np.stack(blocks, axis=1).ravel()
        self._next = 0

    def _word(self):
        word = self._words[self._next : self._next + 1]
        self._next += 1
        return word

    def unit(self):
        """Returns a float32 in [0, 1)."""
        return unit32(self._word())[0]

    def below(self, n):
        """Returns an integer in [0, n)."""
        return int(self._word()[0]) % n


class _Wanted(NamedTuple):
    """What crops of an image may be like."""

    width: int
    height: int
    min_area: float
    max_area: float


def _rounded(x):
    return int(np.rint(x))


def _crop(words, wanted, aspect):
    """Returns a random crop (left, top, right, bottom) of an aspect ratio, or None."""
    height = _rounded(math.sqrt(wanted.min_area / aspect))
    highest = _rounded(math.sqrt(wanted.max_area / aspect))
    if _rounded(highest * aspect) > wanted.width:
        highest = int((wanted.width + 0.5 - 0.0000001) / aspect)
    highest = min(highest, wanted.height)
    if height >= highest:
        height = highest
    else:
        height += words.below(highest - height + 1)
    width = _rounded(height * aspect)
    if width * height < wanted.min_area:
        height += 1
        width = _rounded(height * aspect)
    if width * height > wanted.max_area:
        height -= 1
        width = _rounded(height * aspect)
    is_right = (
        wanted.min_area <= width * height <= wanted.max_area
        and 0 < width <= wanted.width
        and 0 < height <= wanted.height
    )
    if not is_right:
        return None
    top = words.below(wanted.height - height) if height < wanted.height else 0
    left = words.below(wanted.width - width) if width < wanted.width else 0
    return left, top, left + width, top + height


def _covers(crop, boxes, least):
    """Tells whether a crop covers at least a share of one box."""
    low = np.maximum(boxes[:, :2], crop[:2])
    high = np.minimum(boxes[:, 2:], crop[2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    shares = common / np.where(areas > 0, areas, 1)
    return bool(((shares >= least) & (areas > 0)).any())


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _pixel_boxes(bounding_boxes, height, width, use_image):
    """Returns boxes (left, top, right, bottom) in whole pixels."""
    boxes = bounding_boxes.reshape(-1, 4)
    if len(boxes) == 0:
        if not use_image:
            raise _invalid(
                "No bounding boxes provided as input. One must enable "
                "use_image_if_no_bounding_boxes if you wish to not provide any bounding boxes."
            )
        return np.array([[0, 0, width, height]])
    inside = (boxes >= 0) & (boxes <= 1)
    if not inside.all() or (boxes[:, :2] >= boxes[:, 2:]).any():
        raise _invalid(f"All bounding boxes must be in [0, 1] and not empty: {boxes.tolist()}")
    sides = np.array([width, height, width, height], np.float32)
    return (boxes[:, [1, 0, 3, 2]] * sides).astype(np.int64)


def _sides(image_size):
    if image_size.shape != (3,):
        raise _invalid(f"image_size must have 3 elements, not shape {list(image_size.shape)}")
    height, width = int(image_size[0]), int(image_size[1])
    if height <= 0 or width <= 0:
        raise _invalid(f"image height and width must be positive, not {height} x {width}")
    return height, width


def _check_range(name, values, highest):
    if len(values) != 2 or not 0 < values[0] <= values[1] <= highest:
        raise _invalid(f"{name} must be two rising numbers in (0, {highest}], not {list(values)}")


def _sample(ctx, image_size, bounding_boxes, least):
    attrs = ctx.node.attrs
    _check_range("aspect_ratio_range", attrs["aspect_ratio_range"], math.inf)
    _check_range("area_range", attrs["area_range"], 1)
    if not 0 <= least <= 1:
        raise _invalid(f"min_object_covered must be in [0, 1], not {least}")
    if attrs["max_attempts"] <= 0:
        raise _invalid(f"max_attempts must be positive, not {attrs['max_attempts']}")
    height, width = _sides(image_size)
    boxes = _pixel_boxes(bounding_boxes, height, width, attrs["use_image_if_no_bounding_boxes"])
    stream = ctx.resources.get_or_create("", f"_stream/{ctx.node.name}", lambda: [None])
    state = initial(ctx.node) if stream[0] is None else stream[0]
    blocks = attrs["max_attempts"] * _WORDS_PER_ATTEMPT
    stream[0] = philox.skip(state, blocks)
    # An attempt reads four words at most: ratio, height, top and left.
    words = _Words(state, blocks)
    low, high = np.array(attrs["aspect_ratio_range"], np.float32)
    areas = [np.float32(share) * height * width for share in attrs["area_range"]]
    wanted = _Wanted(width, height, *map(float, areas))
    for _ in range(attrs["max_attempts"]):
        aspect = float(words.unit() * (high - low) + low)
        crop = _crop(words, wanted, aspect)
        if crop is not None and _covers(np.array(crop), boxes, least):
            break
    else:
        crop = (0, 0, width, height)
    left, top, right, bottom = crop
    sides = np.array([height, width, height, width], np.float32)
    box = np.array([top, left, bottom, right], np.float32) / sides
    begin = np.array([top, left, 0], image_size.dtype)
    size = np.array([bottom - top, right - left, -1]).astype(image_size.dtype)
    return begin, size, box[None, None]


@SampleDistortedBoundingBox.run
def _(ctx, image_size, bounding_boxes, min_object_covered):
    return _sample(ctx, image_size, bounding_boxes, min_object_covered)


@SampleDistortedBoundingBoxV2.run
def _(ctx, image_size, bounding_boxes, min_object_covered):
    return _sample(ctx, image_size, bounding_boxes, float(min_object_covered))


_BOXES = np.array([[[0.1, 0.2, 0.8, 0.9]]], np.float32)
_SIZE = np.array([20, 30, 3], np.int32)
SampleDistortedBoundingBox.examples(_SIZE, _BOXES, seed=3)
SampleDistortedBoundingBoxV2.examples(_SIZE, _BOXES, np.float32(0.1), seed=3)


@export("image.sample_distorted_bounding_box")
def sample_distorted_bounding_box(
    image_size,
    bounding_boxes,
    seed=None,
    seed2=None,
    min_object_covered=0.1,
    aspect_ratio_range=None,
    area_range=None,
    max_attempts=None,
    use_image_if_no_bounding_boxes=None,
    name=None,
):
    """Draws a part of an image that covers enough of its objects, to crop it.

    Args:
      image_size: `[height, width, channels]`, an integer vector.
      bounding_boxes: float32 `[batch, boxes, (y1, x1, y2, x2)]`, in parts of the image's sides.
      seed: seed; with `seed2` absent or both 0 the part is different in every session.
      seed2: a second seed.
      min_object_covered: share of some box that the part must cover.
      aspect_ratio_range: least and largest width / height, by default 0.75 and 1.33.
      area_range: least and largest share of the image's area, by default 0.05 and 1.
      max_attempts: how often to draw before the whole image is taken, by default 100.
      use_image_if_no_bounding_boxes: whether without boxes the image counts as one.
      name: name of the scope.

    Returns:
      `(begin [3], size [3], bboxes [1, 1, 4])`: the first two for `tf.slice`, the box for
      `tf.image.draw_bounding_boxes`.

    Raises:
      InvalidArgumentError: when run, if there are no boxes, or some are empty or outside.

    Example:
      >>> begin, size, _ = tf.image.sample_distorted_bounding_box(     # doctest: +SKIP
      ...     tf.shape(image), boxes, min_object_covered=0.5)
      >>> crop = tf.slice(image, begin, size)                          # doctest: +SKIP
    """
    options = {
        "aspect_ratio_range": aspect_ratio_range,
        "area_range": area_range,
        "max_attempts": max_attempts,
        "use_image_if_no_bounding_boxes": use_image_if_no_bounding_boxes,
    }
    with name_scope(name, "sample_distorted_bounding_box"):
        return SampleDistortedBoundingBoxV2(
            image_size,
            bounding_boxes,
            min_object_covered,
            seed=seed or 0,
            seed2=seed2 or 0,
            **{key: value for key, value in options.items() if value is not None},
        )
