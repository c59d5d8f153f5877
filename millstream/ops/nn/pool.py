"""Max and average pooling of images, with their gradient ops; windows as attrs or tensors."""

from typing import Literal

import numpy as np

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
    ListOf,
    QInt8,
    Real,
    Returns,
    Tensor,
    Type,
    UInt8,
    UInt16,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.nn import pooling, windows

Padding = Literal["SAME", "VALID"]
Layout = Literal["NHWC", "NCHW"]
AnyLayout = Literal["NHWC", "NCHW", "NCHW_VECT_C"]
_POOLED = (Half, BFloat16, Float, Double, Int32, Int64, UInt8, Int16, Int8, UInt16, QInt8)


def _attrs(node):
    return {k: node.attrs[k] for k in ("ksize", "strides", "padding", "data_format")}


# -- maximum


@op(defaults={"T": Float})
def MaxPool[T: _POOLED](
    input: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    data_format: AnyLayout = "NHWC",
) -> Tensor[T]:
    """Gives the maximum of every window."""


@op(defaults={"T": Float})
def MaxPoolGrad[T: Real](
    orig_input: Tensor[T],
    orig_output: Tensor[T],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Sends the gradient of every window to its first maximum."""


@op
def MaxPoolGradGrad[T: Real](
    orig_input: Tensor[T],
    orig_output: Tensor[T],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Picks from `grad` the element at the first maximum of every window."""


@op(static=("ksize", "strides"), defaults={"T": Float})
def MaxPoolV2[T: _POOLED](
    input: Tensor[T],
    ksize: Tensor[Int32],
    strides: Tensor[Int32],
    *,
    padding: Padding,
    data_format: AnyLayout = "NHWC",
) -> Tensor[T]:
    """Is `MaxPool` with windows given as tensors."""


@op(static=("ksize", "strides"), defaults={"T": Float})
def MaxPoolGradV2[T: Real](
    orig_input: Tensor[T],
    orig_output: Tensor[T],
    grad: Tensor[T],
    ksize: Tensor[Int32],
    strides: Tensor[Int32],
    *,
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Is `MaxPoolGrad` with windows given as tensors."""


@op(static=("ksize", "strides"))
def MaxPoolGradGradV2[T: Real](
    orig_input: Tensor[T],
    orig_output: Tensor[T],
    grad: Tensor[T],
    ksize: Tensor[Int32],
    strides: Tensor[Int32],
    *,
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Is `MaxPoolGradGrad` with windows given as tensors."""


@MaxPool.shape
def _(input, ksize, strides, padding, data_format):
    return pooling.pooled_shape(input, ksize, strides, padding, data_format)


@MaxPoolV2.shape
def _(input, ksize_value, strides_value, padding, data_format):
    if ksize_value is None or strides_value is None:
        return [None] * 4
    sizes, steps = ksize_value.tolist(), strides_value.tolist()
    return pooling.pooled_shape(input, sizes, steps, padding, data_format)


for _opdef in (MaxPool, MaxPoolV2):

    @_opdef.kernel
    def _(input, ksize, strides, padding, data_format):
        return pooling.max_kernel(input, ksize, strides, padding, data_format)

    @_opdef.reference
    def _(input, ksize, strides, padding, data_format):
        return pooling.max_reference(input, ksize, strides, padding, data_format)


for _opdef in (MaxPoolGrad, MaxPoolGradV2):

    @_opdef.shape
    def _(orig_input):
        return orig_input.with_rank(4)

    @_opdef.kernel
    def _(orig_input, grad, ksize, strides, padding, data_format):
        return pooling.max_grad_kernel(orig_input, grad, ksize, strides, padding, data_format)

    @_opdef.reference
    def _(orig_input, grad, ksize, strides, padding, data_format):
        return pooling.max_grad_reference(orig_input, grad, ksize, strides, padding, data_format)


for _opdef in (MaxPoolGradGrad, MaxPoolGradGradV2):

    @_opdef.shape
    def _(orig_output):
        return orig_output.with_rank(4)

    @_opdef.kernel
    def _(orig_input, grad, ksize, strides, padding, data_format):
        return pooling.max_grad_grad_kernel(orig_input, grad, ksize, strides, padding, data_format)

    @_opdef.reference
    def _(orig_input, grad, ksize, strides, padding, data_format):
        return pooling.max_grad_grad_reference(
            orig_input, grad, ksize, strides, padding, data_format
        )


@MaxPool.gradient
def _(node, dy):
    return MaxPoolGrad(node.inputs[0], node.outputs[0], dy, **_attrs(node))


@MaxPoolGrad.gradient
def _(node, ddx):
    x, y, _ = node.inputs
    ddy = MaxPoolGradGrad(x, y, ddx, **_attrs(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddy]


@MaxPoolGradGrad.gradient
def _(node, ddy):
    x, y, _ = node.inputs
    ddx = MaxPoolGrad(x, y, ddy, **_attrs(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddx]


def _layout(node):
    return {k: node.attrs[k] for k in ("padding", "data_format")}


@MaxPoolV2.gradient
def _(node, dy):
    x, ksize, strides = node.inputs
    dx = MaxPoolGradV2(x, node.outputs[0], dy, ksize, strides, **_layout(node))
    return [dx, None, None]


@MaxPoolGradV2.gradient
def _(node, ddx):
    x, y, _, ksize, strides = node.inputs
    ddy = MaxPoolGradGradV2(x, y, ddx, ksize, strides, **_layout(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddy, None, None]


@MaxPoolGradGradV2.gradient
def _(node, ddy):
    x, y, _, ksize, strides = node.inputs
    ddx = MaxPoolGradV2(x, y, ddy, ksize, strides, **_layout(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddx, None, None]


_TILED = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
_RAGGED = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
_OVERLAP = {"ksize": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
_FIRST = {"ksize": [1, 1, 3, 2], "strides": [1, 1, 2, 1], "padding": "SAME", "data_format": "NCHW"}
_KINDS = (  # image, pooled image, attrs
    ((2, 4, 6, 3), (2, 2, 3, 3), _TILED),
    ((1, 5, 3, 2), (1, 2, 1, 2), _TILED),
    ((1, 5, 3, 2), (1, 3, 2, 2), _RAGGED),
    ((2, 5, 7, 2), (2, 3, 4, 2), _OVERLAP),
    ((1, 2, 4, 5), (1, 2, 2, 5), _FIRST),
)
for _image, _pooled, _kind in _KINDS:
    MaxPool.examples(f[_image], **_kind)
    MaxPoolGrad.examples(f[_image], f[_pooled], f[_pooled], **_kind)
    MaxPoolGradGrad.examples(f[_image], f[_pooled], 2 * f[_image], **_kind)
_WINDOW = (np.array([1, 3, 2, 1], np.int32), np.array([1, 1, 2, 1], np.int32))
MaxPoolV2.examples(f[2, 4, 5, 3], *_WINDOW, padding="SAME")
MaxPoolGradV2.examples(f[2, 4, 5, 3], f[2, 2, 2, 3], f[2, 2, 2, 3], *_WINDOW, padding="VALID")
MaxPoolGradGradV2.examples(
    f[2, 4, 5, 3], f[2, 2, 2, 3], 2 * f[2, 4, 5, 3], *_WINDOW, padding="VALID"
)
MaxPool.fails(
    "not yet supported on the batch",
    f[2, 2, 2, 1], ksize=[2, 2, 2, 1], strides=[1, 1, 1, 1], padding="SAME",
)  # fmt: skip
MaxPool.fails("Negative dimension size", f[1, 1, 1, 1], **_TILED)


# -- maximum and where it is


@op
def MaxPoolWithArgmax[T: Real](
    input: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    Targmax: Type[Int32, Int64] = Int64,
    padding: Padding,
    include_batch_in_index: bool = False,
) -> Returns(output=Tensor[T], argmax=Tensor["Targmax"]):
    """Gives the maximum of every window, and its place in the flattened image (or batch)."""


@MaxPoolWithArgmax.shape
def _(input, ksize, strides, padding):
    shape = pooling.pooled_shape(input, ksize, strides, padding, "NHWC")
    return shape, shape


def _flat_places(places, shape, window, include_batch):
    """Turns cells of windows into places in the flattened `[n, h, w, c]` image or batch."""
    n, height, width, channels = shape
    rows, columns = window.output
    (top, _), (left, _) = window.pads
    starts = (
        np.arange(rows)[:, None, None] * window.strides[0] - top,
        np.arange(columns)[:, None] * window.strides[1] - left,
    )
    y = starts[0] + places // window.size[1]
    x = starts[1] + places % window.size[1]
    flat = (y * width + x) * channels + np.arange(channels)
    if include_batch:
        flat = flat + np.arange(n)[:, None, None, None] * (height * width * channels)
    return flat


@MaxPoolWithArgmax.kernel
def _(input, ksize, strides, padding, Targmax, include_batch_in_index):
    window = pooling.window_of(input.shape, ksize, strides, padding, "NHWC")
    places = windows.first_maximum(input, window, "NHWC").astype(jnp.int64)
    flat = _flat_places(places, input.shape, window, include_batch_in_index)
    return windows.maximum(input, window, "NHWC"), flat.astype(Targmax.np)


@MaxPoolWithArgmax.reference
def _(input, ksize, strides, padding, Targmax, include_batch_in_index):
    window = pooling.window_of(input.shape, ksize, strides, padding, "NHWC")
    places = pooling.first_places(input, window, "NHWC")
    flat = _flat_places(places, input.shape, window, include_batch_in_index)
    best = pooling.max_reference(input, ksize, strides, padding, "NHWC")
    return best, flat.astype(Targmax.np)


@op
def MaxPoolGradWithArgmax[T: Real, Targmax: (Int32, Int64)](
    input: Tensor[T],
    grad: Tensor[T],
    argmax: Tensor[Targmax],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    include_batch_in_index: bool = False,
) -> Tensor[T]:
    """Adds each element of `grad` at its place `argmax` of the image."""


@MaxPoolGradWithArgmax.shape
def _(input):
    return input.with_rank(4)


def _batched_places(argmax, shape, include_batch):
    """Returns places in the flattened batch."""
    if include_batch:
        return argmax
    image = int(np.prod(shape[1:]))
    return argmax + (np.arange(shape[0]) * image)[:, None, None, None]


@MaxPoolGradWithArgmax.kernel
def _(input, grad, argmax, include_batch_in_index):
    flat = _batched_places(argmax.astype(jnp.int64), input.shape, include_batch_in_index)
    zeros = jnp.zeros(input.size, grad.dtype)
    return zeros.at[flat.reshape(-1)].add(grad.reshape(-1)).reshape(input.shape)


@MaxPoolGradWithArgmax.reference
def _(input, grad, argmax, include_batch_in_index):
    flat = _batched_places(argmax.astype(np.int64), input.shape, include_batch_in_index)
    total = np.zeros(input.size, grad.dtype)
    np.add.at(total, flat.reshape(-1), grad.reshape(-1))
    return total.reshape(input.shape)


MaxPoolGradWithArgmax.no_gradient("TensorFlow has none")


@MaxPoolWithArgmax.gradient
def _(node, dy, _):
    names = ("ksize", "strides", "padding", "include_batch_in_index")
    attrs = {k: node.attrs[k] for k in names}
    return MaxPoolGradWithArgmax(node.inputs[0], dy, node.outputs[1], **attrs)


MaxPoolWithArgmax.examples(f[2, 5, 7, 2], **_OVERLAP)
MaxPoolWithArgmax.examples(f[2, 4, 6, 3], **_TILED, include_batch_in_index=True, Targmax=Int32)
_ARGMAX = np.array([[0, 5], [11, 5]]).reshape(2, 2, 1, 1)
MaxPoolGradWithArgmax.examples(f[2, 4, 3, 1], f[2, 2, 1, 1], _ARGMAX, **_OVERLAP)


# -- average


@op
def AvgPool[T: (Half, BFloat16, Float, Double)](
    value: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Gives the mean of every window; padding does not count."""


@AvgPool.shape
def _(value, ksize, strides, padding, data_format):
    return pooling.pooled_shape(value, ksize, strides, padding, data_format)


@AvgPool.kernel
def _(value, ksize, strides, padding, data_format):
    return pooling.mean_kernel(value, ksize, strides, padding, data_format)


@AvgPool.reference
def _(value, ksize, strides, padding, data_format):
    return pooling.mean_reference(value, ksize, strides, padding, data_format)


@AvgPool.gradient
def _(node, dy):
    return AvgPoolGrad(ops.Shape(node.inputs[0]), dy, **_attrs(node))


@op(static="orig_input_shape")
def AvgPoolGrad[T: (Half, BFloat16, Float, Double)](
    orig_input_shape: Tensor[Int32],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 4),
    strides: ListOf(int, 4),
    padding: Padding,
    data_format: Layout = "NHWC",
) -> Tensor[T]:
    """Spreads the gradient of every window over its elements."""


@AvgPoolGrad.shape
def _(orig_input_shape_as_shape):
    return orig_input_shape_as_shape.with_rank(4)


@AvgPoolGrad.kernel
def _(orig_input_shape, grad, ksize, strides, padding, data_format):
    return pooling.mean_grad_kernel(orig_input_shape, grad, ksize, strides, padding, data_format)


@AvgPoolGrad.reference
def _(orig_input_shape, grad, ksize, strides, padding, data_format):
    return pooling.mean_grad_reference(orig_input_shape, grad, ksize, strides, padding, data_format)


@AvgPoolGrad.gradient
def _(node, ddx):
    return [None, AvgPool(ddx, **_attrs(node))]


for _image, _pooled, _kind in _KINDS:
    AvgPool.examples(f[_image], **_kind)
    AvgPoolGrad.examples(np.array(_image, np.int32), f[_pooled], **_kind)
