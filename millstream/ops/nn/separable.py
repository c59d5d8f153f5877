"""Depthwise and separable convolutions: the public functions."""

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array
from millstream.ops.nn._arguments import renamed
from millstream.ops.nn.conv import Conv2D
from millstream.ops.nn.depthwise import (
    DepthwiseConv2dNative,
    DepthwiseConv2dNativeBackpropFilter,
    DepthwiseConv2dNativeBackpropInput,
)
from millstream.ops.nn.space_to_batch import with_space_to_batch


def _rate_pair(rate, dilations):
    rate = renamed("dilations", dilations, "rate", rate)
    return [1, 1] if rate is None else rate


def _depthwise(x, w, strides, padding, rate, data_format, name):
    def apply(images, _, padding):
        return DepthwiseConv2dNative(
            images,
            w,
            strides=strides,
            padding=padding,
            data_format=data_format or "NHWC",
            name=name,
        )

    return with_space_to_batch(
        x,
        filter_shape=array.shape(w),
        dilation_rate=rate,
        padding=padding,
        data_format=data_format,
        op=apply,
    )


@export("nn.depthwise_conv2d")
def depthwise_conv2d(
    input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None
):
    """Correlates every channel with filters of its own.

    Args:
      input: `[batch, height, width, channels]` (or `NCHW`), floats.
      filter: `[kernel height, kernel width, channels, multiplier]`.
      strides: four numbers.
      padding: `"SAME"` or `"VALID"`.
      rate: two dilation rates.
      name: name of the nodes.
      data_format: `"NHWC"` or `"NCHW"`.
      dilations: the newer name of `rate`.

    Returns:
      `[batch, out height, out width, channels * multiplier]`; channel `c` gives the outputs
      `c * multiplier` up to `(c + 1) * multiplier`.
    """
    rate = _rate_pair(rate, dilations)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = to_tensor(input, None, "tensor_in")
        filter = to_tensor(filter, None, "filter_in")
        return _depthwise(input, filter, strides, padding, rate, data_format, scope)


@export("nn.separable_conv2d")
def separable_conv2d(
    input,
    depthwise_filter,
    pointwise_filter,
    strides,
    padding,
    rate=None,
    name=None,
    data_format=None,
    dilations=None,
):
    """Correlates every channel with filters of its own, then mixes channels pixel by pixel.

    Args:
      input: `[batch, height, width, channels]` (or `NCHW`), floats.
      depthwise_filter: `[kernel height, kernel width, channels, multiplier]`.
      pointwise_filter: `[1, 1, channels * multiplier, out]`.
      strides: four numbers, for the first step.
      padding: `"SAME"` or `"VALID"`, for the first step.
      rate: two dilation rates.
      name: name of the nodes.
      data_format: `"NHWC"` or `"NCHW"`.
      dilations: the newer name of `rate`.

    Returns:
      `[batch, out height, out width, out]`.

    Raises:
      ValueError: if channels do not fit.
    """
    rate = _rate_pair(rate, dilations)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = to_tensor(input, None, "tensor_in")
        depthwise_filter = to_tensor(depthwise_filter, None, "depthwise_filter")
        pointwise_filter = to_tensor(pointwise_filter, None, "pointwise_filter")
        pointwise_filter.shape.with_rank(4)[:2].assert_is_compatible_with([1, 1])
        middle = _depthwise(
            input, depthwise_filter, strides, padding, rate, data_format, "depthwise"
        )
        return Conv2D(
            middle,
            pointwise_filter,
            strides=[1, 1, 1, 1],
            padding="VALID",
            data_format=data_format or "NHWC",
            name=scope,
        )


@export("nn.depthwise_conv2d_native")
def depthwise_conv2d_native(
    input, filter, strides, padding, data_format="NHWC", dilations=(1, 1, 1, 1), name=None
):
    """Correlates every channel with filters of its own, as one node; see `depthwise_conv2d`."""
    return DepthwiseConv2dNative(
        input,
        filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.depthwise_conv2d_backprop_input", "nn.depthwise_conv2d_native_backprop_input")
def depthwise_conv2d_native_backprop_input(
    input_sizes,
    filter,
    out_backprop,
    strides,
    padding,
    data_format="NHWC",
    dilations=(1, 1, 1, 1),
    name=None,
):
    """Computes the gradient of `depthwise_conv2d_native` by its images, of shape `input_sizes`."""
    return DepthwiseConv2dNativeBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.depthwise_conv2d_backprop_filter", "nn.depthwise_conv2d_native_backprop_filter")
def depthwise_conv2d_native_backprop_filter(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    data_format="NHWC",
    dilations=(1, 1, 1, 1),
    name=None,
):
    """Computes the gradient of `depthwise_conv2d_native` by its filter, of shape `filter_sizes`."""
    return DepthwiseConv2dNativeBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
