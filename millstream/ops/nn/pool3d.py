"""Max and average pooling of volumes, and their gradient ops."""

from typing import Literal

import numpy as np

from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, ListOf, Real, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn import pooling

Padding = Literal["SAME", "VALID"]
Layout = Literal["NDHWC", "NCDHW"]


def _attrs(node):
    return {k: node.attrs[k] for k in ("ksize", "strides", "padding", "data_format")}


@op
def MaxPool3D[T: (Half, BFloat16, Float)](
    input: Tensor[T],
    *,
    ksize: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
) -> Tensor[T]:
    """Gives the maximum of every window."""


@op(defaults={"T": Float, "TInput": Float})
def MaxPool3DGrad[T: (Half, BFloat16, Float), TInput: (Half, BFloat16, Float)](
    orig_input: Tensor[TInput],
    orig_output: Tensor[TInput],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
) -> Tensor[T]:
    """Sends the gradient of every window to its maxima, to all of them if there are several."""


@op
def MaxPool3DGradGrad[T: Real](
    orig_input: Tensor[T],
    orig_output: Tensor[T],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
) -> Tensor[T]:
    """Picks from `grad` the element at the first maximum of every window."""


@op
def AvgPool3D[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    *,
    ksize: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
) -> Tensor[T]:
    """Gives the mean of every window; padding does not count."""


@op(static="orig_input_shape")
def AvgPool3DGrad[T: (Half, BFloat16, Float, Double)](
    orig_input_shape: Tensor[Int32],
    grad: Tensor[T],
    *,
    ksize: ListOf(int, 5),
    strides: ListOf(int, 5),
    padding: Padding,
    data_format: Layout = "NDHWC",
) -> Tensor[T]:
    """Spreads the gradient of every window over its elements."""


for _opdef in (MaxPool3D, AvgPool3D):

    @_opdef.shape
    def _(input, ksize, strides, padding, data_format):
        return pooling.pooled_shape(input, ksize, strides, padding, data_format)


@MaxPool3DGrad.shape
def _(orig_input):
    return orig_input.with_rank(5)


@MaxPool3DGradGrad.shape
def _(orig_output):
    return orig_output.with_rank(5)


@AvgPool3DGrad.shape
def _(orig_input_shape_as_shape):
    return orig_input_shape_as_shape.with_rank(5)


def _set_forward(register, rule):
    @register
    def _(input, ksize, strides, padding, data_format):
        return rule(input, ksize, strides, padding, data_format)


def _set_backward(register, rule):
    @register
    def _(orig_input, grad, ksize, strides, padding, data_format):
        return rule(orig_input, grad, ksize, strides, padding, data_format)


def _set_mean_backward(register, rule):
    @register
    def _(orig_input_shape, grad, ksize, strides, padding, data_format):
        return rule(orig_input_shape, grad, ksize, strides, padding, data_format)


_set_forward(MaxPool3D.kernel, pooling.max_kernel)
_set_forward(MaxPool3D.reference, pooling.max_reference)
_set_forward(AvgPool3D.kernel, pooling.mean_kernel)
_set_forward(AvgPool3D.reference, pooling.mean_reference)
_set_backward(MaxPool3DGrad.kernel, pooling.all_max_grad_kernel)
_set_backward(MaxPool3DGrad.reference, pooling.all_max_grad_reference)
_set_backward(MaxPool3DGradGrad.kernel, pooling.max_grad_grad_kernel)
_set_backward(MaxPool3DGradGrad.reference, pooling.max_grad_grad_reference)
_set_mean_backward(AvgPool3DGrad.kernel, pooling.mean_grad_kernel)
_set_mean_backward(AvgPool3DGrad.reference, pooling.mean_grad_reference)


@MaxPool3D.gradient
def _(node, dy):
    return MaxPool3DGrad(node.inputs[0], node.outputs[0], dy, **_attrs(node))


@MaxPool3DGrad.gradient
def _(node, ddx):
    x, y, _ = node.inputs
    ddy = MaxPool3DGradGrad(x, y, ddx, **_attrs(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddy]


@MaxPool3DGradGrad.gradient
def _(node, ddy):
    x, y, _ = node.inputs
    ddx = MaxPool3DGrad(x, y, ddy, **_attrs(node))
    return [ops.ZerosLike(x), ops.ZerosLike(y), ddx]


@AvgPool3D.gradient
def _(node, dy):
    return AvgPool3DGrad(ops.Shape(node.inputs[0]), dy, **_attrs(node))


@AvgPool3DGrad.gradient
def _(node, ddx):
    return [None, AvgPool3D(ddx, **_attrs(node))]


_TILED = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], "padding": "SAME"}
_OVERLAP = {"ksize": [1, 2, 3, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "VALID"}
for _image, _pooled, _kind in (
    ((1, 2, 3, 4, 2), (1, 1, 2, 2, 2), _TILED),
    ((1, 3, 5, 3, 1), (1, 2, 2, 2, 1), _OVERLAP),
):
    # In float32, differences are taken over long steps: values must be far apart.
    MaxPool3D.examples(10 * f[_image], **_kind)
    MaxPool3DGrad.examples(10 * f[_image], f[_pooled], f[_pooled], **_kind)
    MaxPool3DGradGrad.examples(10 * f[_image], f[_pooled], 2 * f[_image], **_kind, T=Float)
    AvgPool3D.examples(f[_image], **_kind)
    AvgPool3DGrad.examples(np.array(_image, np.int32), f[_pooled], **_kind)
