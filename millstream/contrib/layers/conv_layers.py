"""Convolutions of `contrib.layers`."""

from millstream.contrib.framework.argument_scopes import add_arg_scope
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import (
    add_variable,
    collections_for,
    n_positive_integers,
    named_outputs,
    published,
    two_element_tuple,
    variable_getter,
)
from millstream.contrib.layers.dense_layers import XAVIER, ZEROS, finished
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.layers import convolutional, pooling, transposed
from millstream.layers.separable import SeparableConv2D
from millstream.ops import array, nn
from millstream.ops.nn.pools import pool as pool_of
from millstream.state.scoping import variable_scope

_RENAMED = variable_getter({"bias": "biases", "kernel": "weights"})
_BY_RANK = {3: convolutional.Conv1D, 4: convolutional.Conv2D, 5: convolutional.Conv3D}
_LAYOUTS = (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")


def _layout(data_format):
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def _check_format(data_format, allowed):
    if data_format not in allowed:
        raise ValueError(f"Invalid data_format: {data_format!r}")


@published("convolution")
@add_arg_scope
def convolution(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
    conv_dims=None,
):  # fmt: skip
    """Correlates images of one, two or three axes with a filter; `conv_dims` checks the number.

    Args:
      inputs: `[batch, space…, in]`, or channels second for a layout that begins with `NC`.
      num_outputs: number of output channels.
      kernel_size: size of the window, one number or one per axis.
      stride: steps of the window.
      padding: `"SAME"` or `"VALID"`.
      data_format: the layout.
      rate: distance of the elements that the window looks at.
      activation_fn: function applied at the end, or `None`.
      normalizer_fn: function applied in place of the biases, such as `batch_norm`.
      normalizer_params: its keyword arguments.
      weights_initializer: initializer of the weights.
      weights_regularizer: function from the weights to a loss.
      biases_initializer: initializer of the biases; `None` for no biases.
      biases_regularizer: function from the biases to a loss.
      reuse: whether the variables must exist already.
      variables_collections: collections of the variables, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see the variables.
      scope: variable scope.
      conv_dims: number of axes that there must be, or `None`.

    Raises:
      ValueError: for another layout or rank.
    """
    _check_format(data_format, _LAYOUTS)
    with variable_scope(scope, "Conv", [inputs], reuse=reuse, custom_getter=_RENAMED) as sc:
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if conv_dims is not None and conv_dims + 2 != rank:
            raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
        if rank not in _BY_RANK:
            raise ValueError("Convolution not supported for input with rank", rank)
        layer = _BY_RANK[rank](
            filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
            data_format=_layout(data_format), dilation_rate=rate, activation=None,
            use_bias=not normalizer_fn and biases_initializer is not None,
            kernel_initializer=weights_initializer, bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
            trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc,
            _reuse=reuse,
        )  # fmt: skip
        return _finished_layer(
            layer, inputs, variables_collections, normalizer_fn, normalizer_params, activation_fn,
            outputs_collections, sc.name,
        )  # fmt: skip


def _finished_layer(
    layer, inputs, variables_collections, normalizer_fn, normalizer_params, activation_fn,
    outputs_collections, alias,
):  # fmt: skip
    outputs = layer(inputs)
    add_variable(layer.kernel, variables_collections, "weights")
    if layer.bias is not None:
        add_variable(layer.bias, variables_collections, "biases")
    return finished(
        outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, alias
    )


@published("conv1d", "convolution1d")
@add_arg_scope
def convolution1d(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Correlates sequences, `[batch, width, channels]`, with a filter; see `convolution`."""
    return convolution(conv_dims=1, **locals())


@published("conv2d", "convolution2d")
@add_arg_scope
def convolution2d(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Correlates images, `[batch, height, width, channels]`, with a filter; see `convolution`."""
    return convolution(conv_dims=2, **locals())


@published("conv3d", "convolution3d")
@add_arg_scope
def convolution3d(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Correlates volumes with a filter; see `convolution`."""
    return convolution(conv_dims=3, **locals())


def _transposed(kind, default_scope, given):
    inputs, reuse, normalizer_fn = given["inputs"], given["reuse"], given["normalizer_fn"]
    with variable_scope(
        given["scope"], default_scope, [inputs], reuse=reuse, custom_getter=_RENAMED
    ) as sc:
        inputs = convert_to_tensor(inputs)
        layer = kind(
            filters=given["num_outputs"], kernel_size=given["kernel_size"],
            strides=given["stride"], padding=given["padding"],
            data_format=_layout(given["data_format"]), activation=None,
            use_bias=not normalizer_fn and given["biases_initializer"] is not None,
            kernel_initializer=given["weights_initializer"],
            bias_initializer=given["biases_initializer"],
            kernel_regularizer=given["weights_regularizer"],
            bias_regularizer=given["biases_regularizer"], trainable=given["trainable"],
            name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        return _finished_layer(
            layer, inputs, given["variables_collections"], normalizer_fn,
            given["normalizer_params"], given["activation_fn"], given["outputs_collections"],
            sc.name,
        )  # fmt: skip


@published("conv2d_transpose", "convolution2d_transpose")
@add_arg_scope
def convolution2d_transpose(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NHWC",
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Spreads images over larger ones: the gradient of `convolution2d`, with its arguments.

    Raises:
      ValueError: for another layout.
    """
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    return _transposed(transposed.Conv2DTranspose, "Conv2d_transpose", locals())


@published("conv3d_transpose", "convolution3d_transpose")
@add_arg_scope
def convolution3d_transpose(
    inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NDHWC",
    activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None, weights_initializer=XAVIER,
    weights_regularizer=None, biases_initializer=ZEROS, biases_regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Spreads volumes over larger ones: the gradient of `convolution3d`, with its arguments.

    Raises:
      ValueError: for another layout.
    """
    if data_format not in ("NCDHW", "NDHWC"):
        raise ValueError("data_format has to be either NCDHW or NDHWC.")
    return _transposed(transposed.Conv3DTranspose, "Conv3d_transpose", locals())


@published("conv2d_in_plane", "convolution2d_in_plane")
@add_arg_scope
def convolution2d_in_plane(
    inputs, kernel_size, stride=1, padding="SAME", activation_fn=nn.relu, normalizer_fn=None,
    normalizer_params=None, weights_initializer=XAVIER, weights_regularizer=None,
    biases_initializer=ZEROS, biases_regularizer=None, reuse=None, variables_collections=None,
    outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Correlates every channel with one and the same filter; arguments as for `convolution`."""
    with variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
        dtype = inputs.dtype.base_dtype
        height, width = two_element_tuple(kernel_size)
        down, right = two_element_tuple(stride)
        channels = inputs.shape.as_list()[3]
        weights = model_variable(
            "weights", shape=[height, width, 1, 1], dtype=dtype, initializer=weights_initializer,
            regularizer=weights_regularizer, trainable=trainable,
            collections=collections_for(variables_collections, "weights"),
        )  # fmt: skip
        filters = array.tile(weights, [1, 1, channels, 1])
        outputs = nn.depthwise_conv2d(inputs, filters, [1, down, right, 1], padding)
        if normalizer_fn is None and biases_initializer is not None:
            biases = model_variable(
                "biases", shape=[channels], dtype=dtype, initializer=biases_initializer,
                regularizer=biases_regularizer, trainable=trainable,
                collections=collections_for(variables_collections, "biases"),
            )  # fmt: skip
            outputs = nn.bias_add(outputs, biases)
        return finished(
            outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name
        )


@published("separable_conv2d", "separable_convolution2d")
@add_arg_scope
def separable_convolution2d(
    inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding="SAME",
    data_format="NHWC", rate=1, activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None,
    weights_initializer=XAVIER, pointwise_initializer=None, weights_regularizer=None,
    biases_initializer=ZEROS, biases_regularizer=None, reuse=None, variables_collections=None,
    outputs_collections=None, trainable=True, scope=None,
):  # fmt: skip
    """Correlates each channel with filters of its own, then mixes them if `num_outputs` is given.

    Args:
      depth_multiplier: number of filters per channel.
      pointwise_initializer: initializer of the mix; by default that of the weights.

    The other arguments are those of `convolution`; `num_outputs` may be `None`.
    """
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    getter = variable_getter(
        {"bias": "biases", "depthwise_kernel": "depthwise_weights",
         "pointwise_kernel": "pointwise_weights"}
    )  # fmt: skip
    with variable_scope(
        scope, "SeparableConv2d", [inputs], reuse=reuse, custom_getter=getter
    ) as sc:
        inputs = convert_to_tensor(inputs)
        if num_outputs is None:
            outputs = _depthwise(inputs, locals())
        else:
            layer = SeparableConv2D(
                filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
                data_format=_layout(data_format), dilation_rate=two_element_tuple(rate),
                activation=None, depth_multiplier=depth_multiplier,
                use_bias=not normalizer_fn and biases_initializer is not None,
                depthwise_initializer=weights_initializer,
                pointwise_initializer=(
                    weights_initializer if pointwise_initializer is None else pointwise_initializer
                ),
                bias_initializer=biases_initializer, depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
                trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc,
                _reuse=reuse,
            )  # fmt: skip
            outputs = layer(inputs)
            add_variable(layer.depthwise_kernel, variables_collections, "weights")
            add_variable(layer.pointwise_kernel, variables_collections, "weights")
            if layer.bias is not None:
                add_variable(layer.bias, variables_collections, "biases")
        return finished(
            outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name
        )


def _depthwise(inputs, given):
    """Correlates each channel with filters of its own, and adds biases."""
    first = given["data_format"] == "NCHW"
    height, width = two_element_tuple(given["kernel_size"])
    down, right = two_element_tuple(given["stride"])
    channels = inputs.shape.as_list()[1 if first else -1]
    dtype, trainable = inputs.dtype.base_dtype, given["trainable"]
    number, kinds = given["depth_multiplier"] * channels, given["variables_collections"]
    weights = model_variable(
        "depthwise_weights", shape=[height, width, channels, given["depth_multiplier"]],
        dtype=dtype, initializer=given["weights_initializer"],
        regularizer=given["weights_regularizer"], trainable=trainable,
        collections=collections_for(kinds, "weights"),
    )  # fmt: skip
    strides = [1, 1, down, right] if first else [1, down, right, 1]
    outputs = nn.depthwise_conv2d(
        inputs, weights, strides, given["padding"], rate=two_element_tuple(given["rate"]),
        data_format=given["data_format"],
    )  # fmt: skip
    if given["normalizer_fn"] is None and given["biases_initializer"] is not None:
        biases = model_variable(
            "biases", shape=[number], dtype=dtype, initializer=given["biases_initializer"],
            regularizer=given["biases_regularizer"], trainable=trainable,
            collections=collections_for(kinds, "biases"),
        )  # fmt: skip
        outputs = nn.bias_add(outputs, biases, data_format=given["data_format"])
    return outputs


# -- pooling


def _pooled(kind, default_scope, inputs, kernel_size, stride, padding, data_format, names, scope):
    with name_scope(scope, default_scope, [inputs]) as sc:
        inputs = convert_to_tensor(inputs)
        layer = kind(
            pool_size=kernel_size, strides=stride, padding=padding,
            data_format=_layout(data_format), _scope=sc,
        )  # fmt: skip
        return named_outputs(names, sc, layer(inputs))


@published("max_pool2d")
@add_arg_scope
def max_pool2d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NHWC", outputs_collections=None,
    scope=None,
):  # fmt: skip
    """Takes the largest element of each window of images.

    Args:
      inputs: `[batch, height, width, channels]`, or `NCHW`.
      kernel_size: size of the window, one number or two.
      stride: steps of the window.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NHWC"` or `"NCHW"`.
      outputs_collections: collections of the output.
      scope: name scope.

    Raises:
      ValueError: for another layout.
    """
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    return _pooled(
        pooling.MaxPooling2D, "MaxPool2D", inputs, kernel_size, stride, padding, data_format,
        outputs_collections, scope,
    )  # fmt: skip


@published("avg_pool2d")
@add_arg_scope
def avg_pool2d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NHWC", outputs_collections=None,
    scope=None,
):  # fmt: skip
    """Takes the mean of each window of images; arguments as for `max_pool2d`."""
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    return _pooled(
        pooling.AveragePooling2D, "AvgPool2D", inputs, kernel_size, stride, padding, data_format,
        outputs_collections, scope,
    )  # fmt: skip


@published("max_pool3d")
@add_arg_scope
def max_pool3d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NDHWC", outputs_collections=None,
    scope=None,
):  # fmt: skip
    """Takes the largest element of each window of volumes; arguments as for `max_pool2d`."""
    if data_format not in ("NCDHW", "NDHWC"):
        raise ValueError("data_format has to be either NCDHW or NDHWC.")
    return _pooled(
        pooling.MaxPooling3D, "MaxPool3D", inputs, kernel_size, stride, padding, data_format,
        outputs_collections, scope,
    )  # fmt: skip


@published("avg_pool3d")
@add_arg_scope
def avg_pool3d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NDHWC", outputs_collections=None,
    scope=None,
):  # fmt: skip
    """Takes the mean of each window of volumes; arguments as for `max_pool2d`."""
    if data_format not in ("NCDHW", "NDHWC"):
        raise ValueError("data_format has to be either NCDHW or NDHWC.")
    return _pooled(
        pooling.AveragePooling3D, "AvgPool3D", inputs, kernel_size, stride, padding, data_format,
        outputs_collections, scope,
    )  # fmt: skip


@published("pool")
@add_arg_scope
def pool(
    inputs, kernel_size, pooling_type, padding="VALID", data_format=None, dilation_rate=1,
    stride=1, outputs_collections=None, scope=None,
):  # fmt: skip
    """Pools over all axes between batch and channels.

    Args:
      inputs: `[batch, space…, channels]`.
      kernel_size: size of the window, one number or one per axis.
      pooling_type: `"AVG"` or `"MAX"`.
      padding: `"SAME"` or `"VALID"`.
      data_format: a layout; one that begins with `NC` has the channels second.
      dilation_rate: distance of the elements that the window looks at.
      stride: steps of the window.
      outputs_collections: collections of the output.
      scope: name scope.

    Raises:
      ValueError: if the rank is not known, or sizes do not fit it.
    """
    with name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        outputs = pool_of(
            input=inputs, window_shape=n_positive_integers(rank - 2, kernel_size),
            pooling_type=pooling_type, padding=padding, data_format=data_format,
            dilation_rate=n_positive_integers(rank - 2, dilation_rate),
            strides=n_positive_integers(rank - 2, stride), name=sc,
        )  # fmt: skip
        return named_outputs(outputs_collections, sc, outputs)
