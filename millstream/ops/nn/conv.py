"""2-D convolution: `Conv2D` and its two gradient ops."""

from typing import Literal

import numpy as np

from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn import correlation, geometry

Padding = Literal["SAME", "VALID", "EXPLICIT"]
Layout = Literal["NHWC", "NCHW"]
_NONE: list[int] = []
_ONES = [1, 1, 1, 1]


@op
def Conv2D[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = _NONE,
    data_format: Layout = "NHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Correlates `[n, h, w, in]` images with a `[kh, kw, in, out]` filter."""


@op(static="input_sizes")
def Conv2DBackpropInput[T: (Half, BFloat16, Float, Double)](
    input_sizes: Tensor[Int32],
    filter: Tensor[T],
    out_backprop: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = _NONE,
    data_format: Layout = "NHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Gives the gradient of `Conv2D` by its images; also the transposed convolution."""


@op(static="filter_sizes")
def Conv2DBackpropFilter[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter_sizes: Tensor[Int32],
    out_backprop: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = _NONE,
    data_format: Layout = "NHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Gives the gradient of `Conv2D` by its filter."""


@Conv2D.shape
def _(input, filter, strides, padding, explicit_paddings, data_format, dilations):
    return correlation.correlated_shape(
        input, filter, strides, padding, explicit_paddings, data_format, dilations
    )


@Conv2DBackpropInput.shape
def _(input_sizes_as_shape, filter, out_backprop, data_format):
    if input_sizes_as_shape.ndims == 2:  # height and width only, as TensorFlow allows
        sizes, filter, dy = input_sizes_as_shape.as_list(), filter.with_rank(4), out_backprop
        batch = dy.with_rank(4).as_list()[0]
        return geometry.image_shape(data_format, batch, sizes, filter.as_list()[2])
    return input_sizes_as_shape.with_rank(4)


@Conv2DBackpropFilter.shape
def _(filter_sizes_as_shape):
    return filter_sizes_as_shape.with_rank(4)


def _image_sizes(input_sizes, filter, out_backprop, data_format):
    sizes = tuple(int(s) for s in input_sizes)
    if len(sizes) == 2:
        batch, channels = out_backprop.shape[0], filter.shape[2]
        return tuple(geometry.image_shape(data_format, batch, sizes, channels))
    return sizes


def _window(shape, size, strides, padding, explicit, data_format, dilations):
    return correlation.window_of(shape, size, strides, padding, data_format, dilations, explicit)


def _set_forward(register, rule):
    @register
    def _(input, filter, strides, padding, explicit_paddings, data_format, dilations):
        window = _window(
            input.shape, filter.shape[:2], strides, padding, explicit_paddings, data_format,
            dilations,
        )  # fmt: skip
        return rule(input, filter, window, data_format)


def _set_image_gradient(register, rule):
    @register
    def _(
        input_sizes, filter, out_backprop,
        strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        sizes = _image_sizes(input_sizes, filter, out_backprop, data_format)
        window = _window(
            sizes, filter.shape[:2], strides, padding, explicit_paddings, data_format, dilations
        )
        return rule(sizes, filter, out_backprop, window, data_format)


def _set_filter_gradient(register, rule):
    @register
    def _(
        input, filter_sizes, out_backprop,
        strides, padding, explicit_paddings, data_format, dilations,
    ):  # fmt: skip
        sizes = tuple(int(s) for s in filter_sizes)
        window = _window(
            input.shape, sizes[:2], strides, padding, explicit_paddings, data_format, dilations
        )
        return rule(input, sizes, out_backprop, window, data_format)


_set_forward(Conv2D.kernel, correlation.correlate)
_set_forward(Conv2D.reference, correlation.correlate_reference)
_set_image_gradient(Conv2DBackpropInput.kernel, correlation.image_gradient)
_set_image_gradient(Conv2DBackpropInput.reference, correlation.image_gradient_reference)
_set_filter_gradient(Conv2DBackpropFilter.kernel, correlation.filter_gradient)
_set_filter_gradient(Conv2DBackpropFilter.reference, correlation.filter_gradient_reference)

_ATTRS = ("strides", "use_cudnn_on_gpu", "padding", "explicit_paddings", "data_format", "dilations")


def _attrs(node):
    return {k: node.attrs[k] for k in _ATTRS}


@Conv2D.gradient
def _(node, dy):
    x, w = node.inputs
    x_shape, w_shape = ops.ShapeN([x, w])
    return [
        Conv2DBackpropInput(x_shape, w, dy, **_attrs(node)),
        Conv2DBackpropFilter(x, w_shape, dy, **_attrs(node)),
    ]


@Conv2DBackpropInput.gradient
def _(node, ddx):
    _, w, dy = node.inputs
    return [
        None,
        Conv2DBackpropFilter(ddx, ops.Shape(w), dy, **_attrs(node)),
        Conv2D(ddx, w, **_attrs(node)),
    ]


@Conv2DBackpropFilter.gradient
def _(node, ddw):
    x, _, dy = node.inputs
    return [
        Conv2DBackpropInput(ops.Shape(x), ddw, dy, **_attrs(node)),
        None,
        Conv2D(x, ddw, **_attrs(node)),
    ]


_SAME = {"strides": _ONES, "padding": "SAME"}
_VALID = {"strides": [1, 2, 2, 1], "padding": "VALID"}
_HOLES = {"strides": _ONES, "padding": "SAME", "dilations": [1, 2, 2, 1]}
_FIRST = {"strides": [1, 1, 1, 2], "padding": "SAME", "data_format": "NCHW"}
_EXPLICIT = {"strides": _ONES, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 1, 0, 0]}
for _x, _w, _y, _kind in (
    ((2, 5, 6, 3), (3, 3, 3, 4), (2, 5, 6, 4), _SAME),
    ((2, 8, 7, 2), (3, 2, 2, 4), (2, 3, 3, 4), _VALID),
    ((1, 7, 7, 2), (2, 2, 2, 3), (1, 7, 7, 3), _HOLES),
    ((1, 4, 5, 1), (3, 3, 1, 2), (1, 5, 4, 2), _EXPLICIT),
    ((1, 2, 4, 5), (2, 3, 2, 3), (1, 3, 4, 3), _FIRST),
    ((2, 3, 5, 4), (1, 1, 4, 3), (2, 2, 3, 3), _VALID),
    ((1, 4, 4, 4), (3, 3, 2, 6), (1, 4, 4, 6), _SAME),
):
    Conv2D.examples(f[_x], f[_w], **_kind)
    Conv2DBackpropInput.examples(np.array(_x, np.int32), f[_w], f[_y], **_kind)
    Conv2DBackpropFilter.examples(f[_x], np.array(_w, np.int32), f[_y], **_kind)
Conv2D.fails("not a multiple of input depth", f[1, 4, 4, 3], f[2, 2, 2, 1], **_SAME)
Conv2D.fails("Negative dimension size", f[1, 2, 2, 1], f[3, 3, 1, 1], **_VALID)
Conv2D.fails(
    "in the batch and depth", f[2, 2, 2, 1], f[1, 1, 1, 1], strides=[2, 1, 1, 1], padding="SAME"
)
Conv2DBackpropFilter.fails(
    "but its shape is",
    f[1, 3, 3, 2], np.array([2, 2, 2, 1], np.int32), f[1, 2, 3, 1], **_SAME,
)  # fmt: skip
Conv2DBackpropInput.fails(
    "channels do not fit",
    np.array([1, 3, 3, 5], np.int32), f[3, 3, 4, 2], f[1, 3, 3, 2], **_SAME,
)  # fmt: skip
