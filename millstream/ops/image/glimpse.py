"""`ExtractGlimpse`: windows around places of images, with noise outside of them."""

import secrets

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.ir.spec import Dynamic, Float, Int32, Returns, Tensor, op


@op(effect=Dynamic(), stateful=True)
def ExtractGlimpse(
    input: Tensor[Float],
    size: Tensor[Int32],
    offsets: Tensor[Float],
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
) -> Returns(glimpse=Tensor[Float]):
    """Cuts a window around one place out of every image."""


@ExtractGlimpse.shape
def _(input, size_value, offsets):
    input, offsets = input.with_rank(4), offsets.with_rank(2)
    batch = input[:1].merge_with(offsets[:1]).as_list()[0]
    offsets[1:].merge_with([2])
    height, width = (None, None) if size_value is None else size_value.tolist()
    return [batch, height, width, input.as_list()[3]]


def _noise(kind, uniform, image, shape):
    """Returns what stands outside of an image; it differs from step to step, as in TensorFlow."""
    if kind == "zero":
        return np.zeros(shape, np.float32)
    draw = np.random.default_rng(secrets.randbits(64))
    if uniform:
        return draw.random(shape, np.float32)
    mean, deviation = image.mean(), image.std()
    return (draw.standard_normal(shape, np.float32) * deviation + mean).astype(np.float32)


def _corner(offset, sides, size, centered, normalized):
    """Returns the first row and column of a window."""
    place = offset * sides if normalized else offset
    if centered:
        place = place / 2 + sides / 2
    return np.trunc(place - size / 2).astype(np.int64)


@ExtractGlimpse.reference
def _(input, size, offsets, centered, normalized, uniform_noise, noise):
    if input.ndim != 4 or offsets.shape != (len(input), 2):
        message = (
            f"offsets must be [{len(input)}, 2] for images [batch, height, width, channels], got "
            f"{list(offsets.shape)} and {list(input.shape)}"
        )
        raise errors.InvalidArgumentError(None, None, message)
    if size.shape != (2,) or (size <= 0).any():
        message = f"size must be two positive numbers, not {size.tolist()}"
        raise errors.InvalidArgumentError(None, None, message)
    sides = np.array(input.shape[1:3], np.float32)
    windows = []
    for image, offset in zip(input, offsets):
        top, left = _corner(offset, sides, size.astype(np.float32), centered, normalized)
        rows, columns = top + np.arange(size[0]), left + np.arange(size[1])
        inside_rows = (rows >= 0) & (rows < image.shape[0])
        inside_columns = (columns >= 0) & (columns < image.shape[1])
        shape = (*size, image.shape[2])
        is_inside = inside_rows.all() and inside_columns.all()
        window = np.empty(shape, np.float32)
        if not is_inside:
            window[:] = _noise(noise, uniform_noise, image, shape)
        cut = image[rows[inside_rows]][:, columns[inside_columns]]
        window[np.ix_(inside_rows, inside_columns)] = cut
        windows.append(window)
    return np.stack(windows) if windows else np.zeros((0, *size, input.shape[3]), np.float32)


ExtractGlimpse.no_gradient("TensorFlow declares none")
ExtractGlimpse.examples(
    np.arange(40, dtype=np.float32).reshape(1, 5, 4, 2), [2, 3], np.array([[0.5, 0.25]], np.float32)
)
ExtractGlimpse.fails(
    "two positive", np.zeros([1, 5, 4, 2], np.float32), [2, 0], np.zeros([1, 2], np.float32)
)


@export("image.extract_glimpse")
def extract_glimpse(
    input, size, offsets, centered=True, normalized=True, uniform_noise=True, name=None
):
    """Cuts a window around one place out of every image.

    Args:
      input: float32 `[batch, height, width, channels]`.
      size: int32 `[2]`, the windows' height and width.
      offsets: float32 `[batch, (y, x)]`, the middles of the windows.
      centered: whether (0, 0) is the middle of the image rather than its first pixel.
      normalized: whether offsets are in (half) sides of the image rather than pixels.
      uniform_noise: whether noise outside of the image is uniform, else it is normal.
      name: name of the node.

    Returns:
      float32 `[batch, size[0], size[1], channels]`.
    """
    return ExtractGlimpse(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=uniform_noise,
        name=name,
    )
