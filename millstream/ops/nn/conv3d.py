"""3-D convolution: `Conv3D` and its gradient ops, old (filter or image given) and new (sizes)."""

from typing import Literal

import numpy as np

from millstream.ir.spec import (
    BFloat16,
    Double,
    Float,
    Half,
    Int32,
    Int64,
    ListOf,
    Tensor,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.nn import correlation

Padding = Literal["SAME", "VALID"]
Layout = Literal["NDHWC", "NCDHW"]
_ONES = [1, 1, 1, 1, 1]


@op
def Conv3D[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter: Tensor[T],
    *,
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Correlates `[n, d, h, w, in]` volumes with a `[kd, kh, kw, in, out]` filter."""


@op(static="input_sizes", defaults={"Tshape": Int32})
def Conv3DBackpropInputV2[T: (Half, BFloat16, Float, Double), Tshape: (Int32, Int64)](
    input_sizes: Tensor[Tshape],
    filter: Tensor[T],
    out_backprop: Tensor[T],
    *,
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Gives the gradient of `Conv3D` by its volumes; also the transposed convolution."""


@op(static="filter_sizes")
def Conv3DBackpropFilterV2[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter_sizes: Tensor[Int32],
    out_backprop: Tensor[T],
    *,
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
    dilations: list[int] = _ONES,
) -> Tensor[T]:
    """Gives the gradient of `Conv3D` by its filter."""


@Conv3D.shape
def _(input, filter, strides, padding, data_format, dilations):
    return correlation.correlated_shape(input, filter, strides, padding, (), data_format, dilations)


@Conv3DBackpropInputV2.shape
def _(input_sizes_as_shape):
    return input_sizes_as_shape.with_rank(5)


@Conv3DBackpropFilterV2.shape
def _(filter_sizes_as_shape):
    return filter_sizes_as_shape.with_rank(5)


def _set_forward(register, rule):
    @register
    def _(input, filter, strides, padding, data_format, dilations):
        window = correlation.window_of(
            input.shape, filter.shape[:3], strides, padding, data_format, dilations
        )
        return rule(input, filter, window, data_format)


def _set_image_gradient(register, rule):
    @register
    def _(input_sizes, filter, out_backprop, strides, padding, data_format, dilations):
        sizes = tuple(int(s) for s in input_sizes)
        window = correlation.window_of(
            sizes, filter.shape[:3], strides, padding, data_format, dilations
        )
        return rule(sizes, filter, out_backprop, window, data_format)


def _set_filter_gradient(register, rule):
    @register
    def _(input, filter_sizes, out_backprop, strides, padding, data_format, dilations):
        sizes = tuple(int(s) for s in filter_sizes)
        window = correlation.window_of(
            input.shape, sizes[:3], strides, padding, data_format, dilations
        )
        return rule(input, sizes, out_backprop, window, data_format)


_set_forward(Conv3D.kernel, correlation.correlate)
_set_forward(Conv3D.reference, correlation.correlate_reference)
_set_image_gradient(Conv3DBackpropInputV2.kernel, correlation.image_gradient)
_set_image_gradient(Conv3DBackpropInputV2.reference, correlation.image_gradient_reference)
_set_filter_gradient(Conv3DBackpropFilterV2.kernel, correlation.filter_gradient)
_set_filter_gradient(Conv3DBackpropFilterV2.reference, correlation.filter_gradient_reference)


def _attrs(node):
    return {k: node.attrs[k] for k in ("strides", "padding", "data_format", "dilations")}


@Conv3D.gradient
def _(node, dy):
    x, w = node.inputs
    x_shape, w_shape = ops.ShapeN([x, w])
    return [
        Conv3DBackpropInputV2(x_shape, w, dy, **_attrs(node)),
        Conv3DBackpropFilterV2(x, w_shape, dy, **_attrs(node)),
    ]


@Conv3DBackpropInputV2.gradient
def _(node, ddx):
    _, w, dy = node.inputs
    return [
        None,
        Conv3DBackpropFilterV2(ddx, ops.Shape(w), dy, **_attrs(node)),
        Conv3D(ddx, w, **_attrs(node)),
    ]


@Conv3DBackpropFilterV2.gradient
def _(node, ddw):
    x, _, dy = node.inputs
    return [
        Conv3DBackpropInputV2(ops.Shape(x), ddw, dy, **_attrs(node)),
        None,
        Conv3D(x, ddw, **_attrs(node)),
    ]


_SAME = {"strides": _ONES, "padding": "SAME"}
_VALID = {"strides": [1, 2, 1, 2, 1], "padding": "VALID"}
for _x, _w, _y, _kind in (
    ((1, 3, 4, 3, 2), (2, 3, 2, 2, 3), (1, 3, 4, 3, 3), _SAME),
    ((2, 4, 3, 5, 1), (2, 2, 3, 1, 2), (2, 2, 2, 2, 2), _VALID),
):
    Conv3D.examples(f[_x], f[_w], **_kind)
    Conv3DBackpropInputV2.examples(np.array(_x, np.int32), f[_w], f[_y], **_kind)
    Conv3DBackpropFilterV2.examples(f[_x], np.array(_w, np.int32), f[_y], **_kind)
Conv3D.fails("not a multiple", f[1, 2, 2, 2, 3], f[1, 1, 1, 2, 1], **_SAME)
