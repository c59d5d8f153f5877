"""Fully connected layers, bias, dropout."""

import functools

from millstream.contrib.framework.argument_scopes import add_arg_scope
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import (
    add_variable,
    collections_for,
    named_outputs,
    published,
    published_value,
    variable_getter,
)
from millstream.contrib.layers.penalties import xavier_initializer
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.layers.core import Dense, Dropout
from millstream.ops import array, math, nn
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Ones, Zeros
from millstream.state.scoping import variable_scope

XAVIER = xavier_initializer()
ZEROS, ONES = Zeros(), Ones()
_RENAMED = variable_getter({"bias": "biases", "kernel": "weights"})


def finished(outputs, normalizer_fn, normalizer_params, activation_fn, collections, alias):
    """Normalises, activates and collects the outputs of a layer."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return named_outputs(collections, alias, outputs)


@published("fully_connected")
@add_arg_scope
def fully_connected(
    inputs, num_outputs, activation_fn=nn.relu, normalizer_fn=None, normalizer_params=None,
    weights_initializer=XAVIER, weights_regularizer=None, biases_initializer=ZEROS,
    biases_regularizer=None, reuse=None, variables_collections=None, outputs_collections=None,
    trainable=True, scope=None,
):  # fmt: skip
    """Multiplies by a matrix `weights`, adds `biases` or normalises, and activates.

    Args:
      inputs: `[…, in]`, of rank 2 at least.
      num_outputs: size of the last axis of the output.
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

    Returns:
      `[…, num_outputs]`.

    Raises:
      ValueError: if `num_outputs` is no integer, or the inputs' last size is not known.
    """
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be one of (int,), got {num_outputs}.")
    with variable_scope(
        scope, "fully_connected", [inputs], reuse=reuse, custom_getter=_RENAMED
    ) as sc:
        inputs = convert_to_tensor(inputs)
        layer = Dense(
            units=num_outputs, activation=None,
            use_bias=not normalizer_fn and biases_initializer is not None,
            kernel_initializer=weights_initializer, bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
            trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc,
            _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        add_variable(layer.kernel, variables_collections, "weights")
        if layer.bias is not None:
            add_variable(layer.bias, variables_collections, "biases")
        return finished(
            outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name
        )


def _with_activation(function, activation):
    made = functools.partial(function, activation_fn=activation)
    made.__doc__ = function.__doc__
    return made


relu = _with_activation(fully_connected, nn.relu)
relu6 = _with_activation(fully_connected, nn.relu6)
elu = _with_activation(fully_connected, nn.elu)
linear = _with_activation(fully_connected, None)
for _name, _value in (("relu", relu), ("relu6", relu6), ("elu", elu), ("linear", linear)):
    published_value(_name, _value, __name__)


@published("bias_add")
@add_arg_scope
def bias_add(
    inputs, activation_fn=None, initializer=ZEROS, regularizer=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, data_format="NHWC",
    scope=None,
):  # fmt: skip
    """Adds a bias per channel, and activates.

    Args:
      inputs: `[…, channels]`, or channels second for `NCHW`.
      activation_fn: function applied at the end, or `None`.
      initializer: initializer of the bias.
      regularizer: function from the bias to a loss.
      reuse: whether the variable must exist already.
      variables_collections: collections of the variable, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see the variable.
      data_format: `"NHWC"` or `"NCHW"`.
      scope: variable scope.

    Raises:
      ValueError: for another layout, or unknown channels.
    """
    _check_layout(data_format)
    with variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if rank is None:
            raise ValueError("Dims of shape must be known but is None")
        if rank != 4 and data_format == "NCHW":
            raise ValueError("Data format NCHW only supports 4D Tensor")
        axis = 1 if data_format == "NCHW" else -1
        channels = inputs.shape.as_list()[axis]
        if channels is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = model_variable(
            "biases", shape=[channels], dtype=inputs.dtype.base_dtype, initializer=initializer,
            regularizer=regularizer, trainable=trainable,
            collections=collections_for(variables_collections, "biases"),
        )  # fmt: skip
        outputs = nn.bias_add(inputs, biases, data_format=data_format)
        return finished(outputs, None, None, activation_fn, outputs_collections, sc.name)


def _check_layout(data_format):
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")


@published("dropout")
@add_arg_scope
def dropout(
    inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None,
    scope=None, seed=None,
):  # fmt: skip
    """Zeroes elements at random while training, and scales the others up.

    Args:
      inputs: a floating tensor.
      keep_prob: probability that an element is kept.
      noise_shape: shape of the decisions, `None` for the input's size.
      is_training: a boolean, or a tensor of one.
      outputs_collections: collections of the output.
      scope: variable scope.
      seed: seed of the decisions.
    """
    with variable_scope(scope, "Dropout", [inputs], custom_getter=variable_getter()) as sc:
        inputs = convert_to_tensor(inputs)
        layer = Dropout(
            rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc
        )
        outputs = layer(inputs, training=is_training)
        return named_outputs(outputs_collections, sc.name, outputs)


@published("legacy_fully_connected")
def legacy_fully_connected(
    x, num_output_units, activation_fn=None, weight_init=XAVIER, bias_init=ZEROS, name=None,
    weight_collections=("weights",), bias_collections=("biases",),
    output_collections=("activations",), trainable=True, weight_regularizer=None,
    bias_regularizer=None,
):  # fmt: skip
    """Multiplies by a matrix `weights`, adds `bias` and activates, as skflow's models do.

    Args:
      x: `[…, in]`.
      num_output_units: size of the last axis of the output.
      activation_fn: function applied at the end, or `None`.
      weight_init: initializer of the weights.
      bias_init: initializer of the bias; `None` for no bias.
      name: variable scope.
      weight_collections: collections of the weights.
      bias_collections: collections of the bias.
      output_collections: collections of the output.
      trainable: whether optimizers see the variables.
      weight_regularizer: function from the weights to a loss.
      bias_regularizer: function from the bias to a loss.
    """
    with variable_scope(name, "fully_connected", [x]):
        x = convert_to_tensor(x)
        sizes = x.shape.as_list()
        if sizes[-1] is None:
            raise ValueError("last dimension of x must be known but is None")
        if not trainable:
            raise ValueError("legacy_fully_connected makes trainable variables only")
        dtype = x.dtype.base_dtype
        w = get_variable(
            "weights", [sizes[-1], num_output_units], dtype, weight_init, weight_regularizer,
            collections=[*(weight_collections or ()), GraphKeys.GLOBAL_VARIABLES],
        )  # fmt: skip
        flat = x if len(sizes) <= 2 else array.reshape(x, [-1, sizes[-1]])
        y = math.matmul(flat, w)
        if bias_init is not None:
            b = get_variable(
                "bias", [num_output_units], dtype, bias_init, bias_regularizer,
                collections=[*(bias_collections or ()), GraphKeys.GLOBAL_VARIABLES],
            )  # fmt: skip
            y = nn.bias_add(y, b)
        if len(sizes) > 2:
            outer = array.shape(x)[:-1]
            y = array.reshape(y, array.concat([outer, [num_output_units]], 0))
            y.set_shape([*sizes[:-1], num_output_units])
        return finished(y, None, None, activation_fn, list(output_collections or ()), name or "fc")


legacy_linear = _with_activation(legacy_fully_connected, None)
legacy_relu = _with_activation(legacy_fully_connected, nn.relu)
published_value("legacy_linear", legacy_linear, __name__)
published_value("legacy_relu", legacy_relu, __name__)
