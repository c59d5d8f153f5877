"""Patches cut out of images and volumes by a sliding window: `ExtractImagePatches` and its kin."""

import functools
import math
from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.constant import constant
from millstream.ir.spec import ListOf, Real, Returns, Tensor, f, i, op
from millstream.ops.by_name import ops
from millstream.ops.nn import geometry, windows
from millstream.ops.nn._arguments import renamed

Padding = Literal["SAME", "VALID"]


@op
def ExtractImagePatches[T: Real](
    images: Tensor[T],
    *,
    ksizes: ListOf(int, 4),
    strides: ListOf(int, 4),
    rates: ListOf(int, 4),
    padding: Padding,
) -> Returns(patches=Tensor[T]):
    """Puts the pixels of every window of an image into the depth."""


@op
def ExtractVolumePatches[T: Real](
    input: Tensor[T],
    *,
    ksizes: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
) -> Returns(patches=Tensor[T]):
    """Puts the voxels of every window of a volume into the depth."""


def _check(**lists):
    """Refuses windows across images or channels, when run, as TensorFlow does."""
    for name, values in lists.items():
        if values[0] != 1 or values[-1] != 1:
            message = f"{name} must be 1 along batch and depth, not {list(values)}"
            raise errors.UnimplementedError(None, None, message)


def _check_positive(**lists):
    for name, values in lists.items():
        if min(values) < 1:
            raise ValueError(f"{name} must be positive, not {list(values)}")


def _patched_shape(shape, ksizes, strides, rates, padding):
    shape = shape.with_rank(len(ksizes))
    sizes = shape.tuple or (None,) * len(ksizes)
    spatial = [
        geometry.output_size(sizes[a], ksizes[a], strides[a], padding, rates[a])
        for a in range(1, len(ksizes) - 1)
    ]
    depth = None if sizes[-1] is None else sizes[-1] * math.prod(ksizes[1:-1])
    return [sizes[0], *spatial, depth]


@ExtractImagePatches.shape
def _(images, ksizes, strides, rates, padding):
    _check_positive(ksizes=ksizes, strides=strides, rates=rates)
    return _patched_shape(images, ksizes, strides, rates, padding)


@ExtractVolumePatches.shape
def _(input, ksizes, strides, padding):
    _check_positive(ksizes=ksizes, strides=strides)
    return _patched_shape(input, ksizes, strides, (1,) * 5, padding)


def _window(x, ksizes, strides, rates, padding):
    _check(ksizes=ksizes, strides=strides, rates=rates)
    size = ksizes[1:-1]
    return geometry.window_of(x.shape, size, strides, padding, "NDHWC"[: x.ndim], rates)


def _patches(x, ksizes, strides, rates, padding):
    window = _window(x, ksizes, strides, rates, padding)
    cut = geometry.patches(x, window)
    return np.ascontiguousarray(cut).reshape(*cut.shape[: 1 + len(window.size)], -1)


def _kernel(x, ksizes, strides, rates, padding):
    window = _window(x, ksizes, strides, rates, padding)
    return jnp.concatenate(list(windows.cells(x, window, 0)), axis=-1)


@ExtractImagePatches.reference
def _(images, ksizes, strides, rates, padding):
    return _patches(images, ksizes, strides, rates, padding)


@ExtractVolumePatches.reference
def _(input, ksizes, strides, padding):
    return _patches(input, ksizes, strides, (1,) * 5, padding)


@ExtractImagePatches.kernel
def _(images, ksizes, strides, rates, padding):
    return _kernel(images, ksizes, strides, rates, padding)


@ExtractVolumePatches.kernel
def _(input, ksizes, strides, padding):
    return _kernel(input, ksizes, strides, (1,) * 5, padding)


def _selecting_filter(node):
    """Returns the filter of the convolution that an extraction of patches is: ones and zeros."""
    depth = node.inputs[0].shape.as_list()[-1] if node.inputs[0].shape.ndims else None
    if depth is None:
        raise ValueError(f"The gradient of '{node.name}' needs the depth of its input")
    size = node.attrs["ksizes"][1:-1]
    cells = math.prod(size) * depth
    ones = np.eye(cells).reshape(*size, depth, cells)
    return constant(ones, node.inputs[0].dtype)


@ExtractImagePatches.gradient
def _(node, dy):
    return ops.Conv2DBackpropInput(
        ops.Shape(node.inputs[0]),
        _selecting_filter(node),
        dy,
        strides=node.attrs["strides"],
        padding=node.attrs["padding"],
        dilations=node.attrs["rates"],
    )


@ExtractVolumePatches.gradient
def _(node, dy):
    return ops.Conv3DBackpropInputV2(
        ops.Shape(node.inputs[0]),
        _selecting_filter(node),
        dy,
        strides=node.attrs["strides"],
        padding=node.attrs["padding"],
    )


_IMAGE = functools.partial(ExtractImagePatches.examples, f[2, 5, 6, 2])
_IMAGE(ksizes=[1, 3, 2, 1], strides=[1, 2, 1, 1], rates=[1, 1, 1, 1], padding="VALID")
_IMAGE(ksizes=[1, 2, 2, 1], strides=[1, 2, 2, 1], rates=[1, 2, 1, 1], padding="SAME")
ExtractImagePatches.fails(
    "ksizes must be positive",
    f[2, 5, 6, 2],
    ksizes=[1, 0, 2, 1],
    strides=[1, 2, 1, 1],
    rates=[1, 1, 1, 1],
    padding="SAME",
)
ExtractVolumePatches.examples(
    f[1, 3, 4, 5, 2], ksizes=[1, 2, 2, 3, 1], strides=[1, 1, 2, 2, 1], padding="SAME"
)
ExtractVolumePatches.examples(
    i[1, 3, 4, 5, 2], ksizes=[1, 2, 2, 3, 1], strides=[1, 1, 2, 2, 1], padding="VALID"
)


@export("image.extract_image_patches", "extract_image_patches")
def extract_image_patches(
    images, ksizes=None, strides=None, rates=None, padding=None, name=None, sizes=None
):
    """Puts the pixels of every window of an image into the depth.

    Args:
      images: `[batch, height, width, depth]`.
      ksizes: `[1, rows, columns, 1]`, the size of the windows.
      strides: `[1, down, across, 1]`, pixels from one window to the next.
      rates: `[1, down, across, 1]`, pixels from one cell of a window to the next.
      padding: "VALID", or "SAME" with zeros outside of the image.
      name: name of the node.
      sizes: another name of `ksizes`.

    Returns:
      `[batch, windows down, windows across, rows * columns * depth]`.

    Raises:
      ValueError: if a list does not begin and end with 1.
    """
    ksizes = renamed("ksizes", ksizes, "sizes", sizes)
    return ExtractImagePatches(
        images, ksizes=ksizes, strides=strides, rates=rates, padding=padding, name=name
    )


@export("image.extract_patches")
def extract_patches(images, sizes, strides, rates, padding, name=None):
    """Puts the pixels of every window of an image into the depth.

    Arguments as for `tf.image.extract_image_patches`.
    """
    return extract_image_patches(images, sizes, strides, rates, padding, name)


@export("extract_volume_patches")
def extract_volume_patches(input, ksizes, strides, padding, name=None):
    """Puts the voxels of every window of a volume into the depth.

    Args:
      input: `[batch, planes, height, width, depth]`.
      ksizes: `[1, planes, rows, columns, 1]`, the size of the windows.
      strides: voxels from one window to the next, in the same form.
      padding: "VALID", or "SAME" with zeros outside of the volume.
      name: name of the node.

    Returns:
      `[batch, …, planes * rows * columns * depth]`.
    """
    return ExtractVolumePatches(input, ksizes=ksizes, strides=strides, padding=padding, name=name)
