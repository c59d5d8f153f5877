"""Resizing of images: bilinear, nearest neighbour, bicubic, by area; and the gradient ops."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.spec import (
    BFloat16,
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    Tensor,
    UInt8,
    UInt16,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.image import weights

_INTEGERS = (Int8, UInt8, Int16, UInt16, Int32, Int64)


@op(static="size")
def ResizeBilinear[T: (*_INTEGERS, BFloat16, Half, Float, Double)](
    images: Tensor[T],
    size: Tensor[Int32],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Returns(resized_images=Tensor[Float]):
    """Resizes `[n, h, w, c]` images by weighing the four pixels around each place."""


@op
def ResizeBilinearGrad[T: (Float, BFloat16, Half, Double)](
    grads: Tensor[Float],
    original_image: Tensor[T],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Tensor[T]:
    """Gives the gradient of `ResizeBilinear`."""


@op(static="size")
def ResizeBicubic[T: (*_INTEGERS, Half, Float, Double)](
    images: Tensor[T],
    size: Tensor[Int32],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Returns(resized_images=Tensor[Float]):
    """Resizes `[n, h, w, c]` images by cubic convolution of 16 pixels."""


@op
def ResizeBicubicGrad[T: (Float, Double)](
    grads: Tensor[Float],
    original_image: Tensor[T],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Tensor[T]:
    """Gives the gradient of `ResizeBicubic`."""


@op(static="size")
def ResizeArea[T: (*_INTEGERS, Half, Float, Double)](
    images: Tensor[T], size: Tensor[Int32], *, align_corners: bool = False
) -> Returns(resized_images=Tensor[Float]):
    """Resizes `[n, h, w, c]` images by averaging the area that each new pixel covers."""


@op(static="size")
def ResizeNearestNeighbor[T: (*_INTEGERS, Half, Float, Double)](
    images: Tensor[T],
    size: Tensor[Int32],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Returns(resized_images=Tensor[T]):
    """Resizes `[n, h, w, c]` images by copying the nearest pixel."""


@op(static="size")
def ResizeNearestNeighborGrad[T: (UInt8, Int8, Int32, Half, Float, Double)](
    grads: Tensor[T],
    size: Tensor[Int32],
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Tensor[T]:
    """Gives the gradient of `ResizeNearestNeighbor` by an image of the given size."""


# -- shapes


def _resized(images, size_value):
    images = images.with_rank(4)
    batch, _, _, channels = images.tuple or (None,) * 4
    height, width = (None, None) if size_value is None else size_value.tolist()
    return [batch, height, width, channels]


for _opdef in (ResizeBilinear, ResizeBicubic, ResizeArea, ResizeNearestNeighbor):

    @_opdef.shape
    def _(images, size_value):
        return _resized(images, size_value)


for _opdef in (ResizeBilinearGrad, ResizeBicubicGrad):

    @_opdef.shape
    def _(original_image):
        return original_image.with_rank(4)


@ResizeNearestNeighborGrad.shape
def _(grads, size_value):
    return _resized(grads, size_value)


def _sizes(images, size):
    """Returns old and new height and width.

    Raises:
      InvalidArgumentError: if one is not positive.
    """
    new = tuple(int(s) for s in size)
    if len(new) != 2 or min(new) <= 0 or 0 in images.shape[1:3]:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"output dimensions must be positive, and images not empty: size {list(new)}, images "
            f"{list(images.shape)}",
        )
    return images.shape[1:3], new


# -- rules: a resize is a product with one matrix per axis


def _apply(xp, images, rows, columns):
    """Multiplies images with a matrix along rows and one along columns."""
    partial = xp.einsum("oh,nhwc->nowc", rows, images)
    return xp.einsum("ow,nhwc->nhoc", columns, partial)


def _matrices(make, old, new, *options):
    return [make(n, wanted, *options) for n, wanted in zip(old, new, strict=True)]


def _set_rules(opdef, make):
    @opdef.kernel
    def _(images, size, align_corners, half_pixel_centers):
        options = (align_corners, half_pixel_centers)
        pair = _matrices(make, *_sizes(images, size), *options)
        return _apply(jnp, images.astype(jnp.float32), *pair)

    @opdef.reference
    def _(images, size, align_corners, half_pixel_centers):
        options = (align_corners, half_pixel_centers)
        pair = _matrices(make, *_sizes(images, size), *options)
        return _apply(np, images.astype(np.float64), *pair).astype(np.float32)


def _set_grad_rules(opdef, make):
    @opdef.kernel
    def _(grads, original_image, align_corners, half_pixel_centers):
        old, new = original_image.shape[1:3], grads.shape[1:3]
        rows, columns = _matrices(make, old, new, align_corners, half_pixel_centers)
        wide = grads.astype(jnp.promote_types(original_image.dtype, jnp.float32))
        return _apply(jnp, wide, rows.T, columns.T).astype(original_image.dtype)

    @opdef.reference
    def _(grads, original_image, align_corners, half_pixel_centers):
        old, new = original_image.shape[1:3], grads.shape[1:3]
        rows, columns = _matrices(make, old, new, align_corners, half_pixel_centers)
        wide = grads.astype(np.float64)
        return _apply(np, wide, rows.T, columns.T).astype(original_image.dtype)


_set_rules(ResizeBicubic, weights.cubic_matrix)
_set_grad_rules(ResizeBilinearGrad, weights.linear_matrix)
_set_grad_rules(ResizeBicubicGrad, weights.cubic_matrix)


def _between(images, axis, lower, upper, fraction, xp):
    """Weighs two neighbours along an axis."""
    shape = [1] * images.ndim
    shape[axis] = -1
    first, second = xp.take(images, lower, axis), xp.take(images, upper, axis)
    return first + (second - first) * fraction.reshape(shape)


@ResizeBilinear.kernel
def _(images, size, align_corners, half_pixel_centers):
    old, new = _sizes(images, size)
    result = images.astype(jnp.float32)
    for axis in (2, 1):
        places = weights.linear(old[axis - 1], new[axis - 1], align_corners, half_pixel_centers)
        result = _between(result, axis, *places, jnp)
    return result


@ResizeBilinear.reference
def _(images, size, align_corners, half_pixel_centers):
    (height, width), new = _sizes(images, size)
    options = (align_corners, half_pixel_centers)
    top, bottom, down = weights.linear(height, new[0], *options)
    left, right, across = weights.linear(width, new[1], *options)
    pixels = images.reshape(len(images), height * width, images.shape[3])

    def corner(rows, columns):
        places = (rows[:, None] * width + columns).ravel()
        found = np.take(pixels, places, 1).astype(np.float32)
        return found.reshape(len(images), new[0], new[1] * images.shape[3])

    def between(first, second, fraction):
        second -= first
        second *= fraction
        second += first
        return second

    # Pixels and channels as one axis: NumPy multiplies long rows much faster.
    across, down = np.repeat(across, images.shape[3]), down[:, None]
    upper = between(corner(top, left), corner(top, right), across)
    lower = between(corner(bottom, left), corner(bottom, right), across)
    return between(upper, lower, down).reshape(len(images), *new, images.shape[3])


@ResizeArea.kernel
def _(images, size, align_corners):
    pair = _matrices(weights.area_matrix, *_sizes(images, size), align_corners)
    return _apply(jnp, images.astype(jnp.float32), *pair)


@ResizeArea.reference
def _(images, size, align_corners):
    pair = _matrices(weights.area_matrix, *_sizes(images, size), align_corners)
    return _apply(np, images.astype(np.float64), *pair).astype(np.float32)


@ResizeNearestNeighbor.kernel
def _(images, size, align_corners, half_pixel_centers):
    options = (align_corners, half_pixel_centers)
    rows, columns = _matrices(weights.nearest, *_sizes(images, size), *options)
    return jnp.take(jnp.take(images, rows, 1), columns, 2)


@ResizeNearestNeighbor.reference
def _(images, size, align_corners, half_pixel_centers):
    options = (align_corners, half_pixel_centers)
    rows, columns = _matrices(weights.nearest, *_sizes(images, size), *options)
    return images[:, rows[:, None], columns]


@ResizeNearestNeighborGrad.kernel
def _(grads, size, align_corners, half_pixel_centers):
    new, old = _sizes(grads, size)
    rows, columns = _matrices(weights.nearest, old, new, align_corners, half_pixel_centers)
    zeros = jnp.zeros((grads.shape[0], *old, grads.shape[3]), grads.dtype)
    return zeros.at[:, rows[:, None], columns].add(grads)


@ResizeNearestNeighborGrad.reference
def _(grads, size, align_corners, half_pixel_centers):
    new, old = _sizes(grads, size)
    rows, columns = _matrices(weights.nearest, old, new, align_corners, half_pixel_centers)
    total = np.zeros((grads.shape[0], *old, grads.shape[3]), grads.dtype)
    np.add.at(total, (slice(None), rows[:, None], columns), grads)
    return total


# -- gradients


def _options(node):
    return {k: node.attrs[k] for k in ("align_corners", "half_pixel_centers")}


def _size_of(images):
    return ops.StridedSlice(ops.Shape(images), [1], [3], [1])


@ResizeBilinear.gradient
def _(node, dy):
    if not node.inputs[0].dtype.is_floating:
        return [None, None]
    return [ResizeBilinearGrad(dy, node.inputs[0], **_options(node)), None]


@ResizeBilinearGrad.gradient
def _(node, ddx):
    dy, x = node.inputs
    return [ResizeBilinear(ddx, _size_of(dy), **_options(node)), ops.ZerosLike(x)]


@ResizeBicubic.gradient
def _(node, dy):
    x = node.inputs[0]
    if x.dtype.base_dtype not in (Float, Double):
        return [None, None]
    return [ResizeBicubicGrad(dy, x, **_options(node)), None]


@ResizeBicubicGrad.gradient
def _(node, ddx):
    dy, x = node.inputs
    return [ResizeBicubic(ddx, _size_of(dy), **_options(node)), ops.ZerosLike(x)]


ResizeArea.no_gradient("TensorFlow has none")


@ResizeNearestNeighbor.gradient
def _(node, dy):
    return [ResizeNearestNeighborGrad(dy, _size_of(node.inputs[0]), **_options(node)), None]


@ResizeNearestNeighborGrad.gradient
def _(node, ddx):
    return [ResizeNearestNeighbor(ddx, _size_of(node.inputs[0]), **_options(node)), None]


_BIGGER, _SMALLER = np.array([7, 9], np.int32), np.array([2, 3], np.int32)
for _kind in ({}, {"align_corners": True}, {"half_pixel_centers": True}):
    for _size in (_BIGGER, _SMALLER):
        _new = (1, *_size.tolist(), 2)
        # In float32 whatever the images are, so that differences need long steps.
        for _opdef in (ResizeBilinear, ResizeBicubic):
            _opdef.examples(f[1, 4, 5, 2], _size, **_kind, T=Float)
        for _opdef in (ResizeBilinearGrad, ResizeBicubicGrad):
            _opdef.examples(f[_new], f[1, 4, 5, 2], **_kind, T=Float)
        ResizeNearestNeighbor.examples(f[1, 4, 5, 2], _size, **_kind)
        ResizeNearestNeighborGrad.examples(f[_new], np.array([4, 5], np.int32), **_kind)
for _size in (_BIGGER, _SMALLER):
    ResizeArea.examples(f[1, 4, 5, 2], _size)
ResizeBilinear.fails("must be positive", f[1, 2, 2, 1], np.array([0, 2], np.int32))


# -- public functions


@export("image.resize_bilinear")
def resize_bilinear(images, size, align_corners=False, name=None, half_pixel_centers=False):
    """Resizes images by weighing the four pixels around each place.

    Args:
      images: `[batch, height, width, channels]`, integers or floats.
      size: two int32 numbers, the new height and width.
      align_corners: whether the centres of corner pixels stay where they are.
      name: name of the node.
      half_pixel_centers: whether pixels are thought of as centred at halves.

    Returns:
      `[batch, new height, new width, channels]` float32.
    """
    return ResizeBilinear(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


@export("image.resize_bicubic")
def resize_bicubic(images, size, align_corners=False, name=None, half_pixel_centers=False):
    """Resizes images by cubic convolution; arguments as for `resize_bilinear`.

    Returns:
      `[batch, new height, new width, channels]` float32.
    """
    return ResizeBicubic(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


@export("image.resize_nearest_neighbor")
def resize_nearest_neighbor(images, size, align_corners=False, name=None, half_pixel_centers=False):
    """Resizes images by copying the nearest pixel; arguments as for `resize_bilinear`.

    Returns:
      `[batch, new height, new width, channels]`, of the dtype of `images`.
    """
    return ResizeNearestNeighbor(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


@export("image.resize_area")
def resize_area(images, size, align_corners=False, name=None):
    """Resizes images by averaging areas; arguments as for `resize_bilinear`.

    Returns:
      `[batch, new height, new width, channels]` float32.
    """
    return ResizeArea(images, size, align_corners=align_corners, name=name)
