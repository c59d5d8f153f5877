"""Biases and the L2 loss: `BiasAdd`, `BiasAddGrad`, `BiasAddV1`, `L2Loss`."""

from typing import Literal

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Floating, Number, Tensor, f, op
from millstream.ops import math
from millstream.ops.by_name import ops
from millstream.ops.nn.activations import relu
from millstream.ops.nn.channel_sums import sum_per_channel

Layout = Literal["NHWC", "NCHW"]


@op
def BiasAdd[T: Number](
    value: Tensor[T], bias: Tensor[T], *, data_format: Layout = "NHWC"
) -> Tensor[T]:
    """Adds a vector `bias` along the channels of `value`."""


@BiasAdd.shape
def _(value, bias, data_format):
    value, bias = value.with_rank_at_least(2), bias.with_rank(1)
    if value.tuple is None:
        return value
    channel = 1 if data_format == "NCHW" else -1
    sizes = list(value.tuple)
    sizes[channel] = (value[channel : channel + 1 or None].merge_with(bias)).tuple[0]
    return sizes


def _aligned(value, bias, data_format):
    if data_format == "NHWC" or value.ndim == 2:
        return bias
    return bias.reshape(1, -1, *(1,) * (value.ndim - 2))


@BiasAdd.kernel
@BiasAdd.reference
def _(value, bias, data_format):
    return value + _aligned(value, bias, data_format)


@BiasAdd.gradient
def _(node, dy):
    return [dy, BiasAddGrad(dy, data_format=node.attrs["data_format"])]


BiasAdd.examples(f[2, 3], f[3]).examples(f[2, 3, 4, 5], f[3], data_format="NCHW")
BiasAdd.fails("not compatible", f[2, 3], f[4])


@op
def BiasAddGrad[T: Number](out_backprop: Tensor[T], *, data_format: Layout = "NHWC") -> Tensor[T]:
    """Sums over all axes but the channels."""


@BiasAddGrad.shape
def _(out_backprop, data_format):
    out_backprop = out_backprop.with_rank_at_least(2)
    if out_backprop.tuple is None:
        return [None]
    return [out_backprop.tuple[1 if data_format == "NCHW" else -1]]


def _other_axes(x, data_format):
    channel = 1 if data_format == "NCHW" else x.ndim - 1
    return tuple(a for a in range(x.ndim) if a != channel)


@BiasAddGrad.kernel
def _(out_backprop, data_format):
    axes = _other_axes(out_backprop, data_format)
    if jnp.issubdtype(out_backprop.dtype, jnp.floating):
        return sum_per_channel(out_backprop, axes)
    return jnp.sum(out_backprop, axes, dtype=out_backprop.dtype)


@BiasAddGrad.reference
def _(out_backprop, data_format):
    axes = _other_axes(out_backprop, data_format)
    return out_backprop.sum(axes, dtype=out_backprop.dtype)


@BiasAddGrad.gradient
def _(node, ddb):
    dy = node.inputs[0]
    zeros = ops.ZerosLike(dy)
    return BiasAdd(zeros, ddb, data_format=node.attrs["data_format"])


BiasAddGrad.examples(f[2, 3]).examples(f[4, 5, 6, 3]).examples(f[2, 3, 4, 5], data_format="NCHW")


@op
def BiasAddV1[T: Number](value: Tensor[T], bias: Tensor[T]) -> Tensor[T]:
    """Adds a vector `bias` along the last axis of `value`."""


@BiasAddV1.shape
def _(value, bias):
    return BiasAdd.shape_rule.fn(value, bias, "NHWC")


@BiasAddV1.kernel
@BiasAddV1.reference
def _(value, bias):
    return value + bias


@BiasAddV1.gradient
def _(node, dy):
    del node
    return [dy, BiasAddGrad(dy)]


BiasAddV1.examples(f[2, 3], f[3])


@op
def L2Loss[T: Floating](t: Tensor[T]) -> Tensor[T]:
    """Gives half the sum of squares."""


L2Loss.shape_scalar()


@L2Loss.kernel
def _(t):
    return (jnp.sum(jnp.square(t)) / 2).astype(t.dtype)


@L2Loss.reference
def _(t):
    flat = t.reshape(-1)
    return np.asarray(np.dot(flat, flat) / 2).astype(t.dtype)


@L2Loss.gradient
def _(node, dy):
    return node.inputs[0] * dy


L2Loss.examples(f[3, 4]).examples(f[0])


@export("nn.bias_add")
def bias_add(value, bias, data_format=None, name=None):
    """Adds a vector along the channels.

    Args:
      value: `[batch, …, channels]`, or `[batch, channels, …]` for a layout that begins with `NC`.
      bias: `[channels]`, of the dtype of `value`.
      data_format: the layout, `NHWC` (also `N…C`) or `NCHW` (also `NC…`).
      name: name of the node.

    Returns:
      A tensor of the shape and dtype of `value`.

    Raises:
      ValueError: for another layout.
    """
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        layout = "NHWC"
        if data_format is not None:
            if data_format.startswith("NC"):
                layout = "NCHW"
            elif not (data_format.startswith("N") and data_format.endswith("C")):
                raise ValueError("data_format must be of the form `N...C` or `NC...`")
        value = to_tensor(value, None, "input")
        bias = to_tensor(bias, value.dtype.base_dtype, "bias")
        return BiasAdd(value, bias, data_format=layout, name=scope)


@export("nn.l2_loss")
def l2_loss(t, name=None):
    """Computes half the sum of squares, `sum(t ** 2) / 2`.

    Args:
      t: a floating tensor of any shape.
      name: name of the node.

    Returns:
      A scalar of the dtype of `t`.
    """
    return L2Loss(t, name=name)


@export("nn.xw_plus_b")
def xw_plus_b(x, weights, biases, name=None):
    """Computes `x @ weights + biases`.

    Args:
      x: `[batch, in]`.
      weights: `[in, out]`.
      biases: `[out]`.
      name: name of the result's node.

    Returns:
      `[batch, out]`.
    """
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x = to_tensor(x, None, "x")
        weights = to_tensor(weights, None, "weights")
        biases = to_tensor(biases, None, "biases")
        return bias_add(math.matmul(x, weights), biases, name=scope)


@export("nn.relu_layer")
def relu_layer(x, weights, biases, name=None):
    """Computes `relu(x @ weights + biases)`.

    Args:
      x: `[batch, in]`.
      weights: `[in, out]`.
      biases: `[out]`.
      name: name of the result's node.

    Returns:
      `[batch, out]`.
    """
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x = to_tensor(x, None, "x")
        weights = to_tensor(weights, None, "weights")
        biases = to_tensor(biases, None, "biases")
        return relu(bias_add(math.matmul(x, weights), biases), name=scope)
