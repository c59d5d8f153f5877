"""Layers that rearrange: flatten, stack, repeat, encodings, maxout, soft maxima."""

import functools

import numpy as np

from millstream.base.dtypes import Float, Int64
from millstream.contrib.framework.argument_scopes import add_arg_scope
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import (
    collections_for,
    named_outputs,
    published,
)
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.layers.core import flatten as flatten_layer
from millstream.ops import array, math, nn
from millstream.ops.array.broadcasting import meshgrid
from millstream.ops.array.indicators import one_hot
from millstream.ops.array.selecting import where
from millstream.ops.math.ranges import linspace
from millstream.state.initializers import Ones
from millstream.state.scoping import variable_scope


@published("flatten")
@add_arg_scope
def flatten(inputs, outputs_collections=None, scope=None):
    """Makes one axis of all but the first.

    Args:
      inputs: `[batch, …]`.
      outputs_collections: collections of the output.
      scope: name scope.

    Raises:
      ValueError: if the rank is not known.
    """
    with name_scope(scope, "Flatten", [inputs]) as sc:
        inputs = convert_to_tensor(inputs)
        return named_outputs(outputs_collections, sc, flatten_layer(inputs))


@published("one_hot_encoding")
@add_arg_scope
def one_hot_encoding(
    labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None
):
    """Encodes classes as vectors: `[batch]` as `[batch, num_classes]`.

    Args:
      labels: integers.
      num_classes: number of classes.
      on_value: what stands for the class.
      off_value: what stands elsewhere.
      outputs_collections: collections of the output.
      scope: name scope.
    """
    with name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = convert_to_tensor(labels)
        if labels.dtype.name == "int32":
            labels = math.cast(labels, Int64, name="ToInt64")
        outputs = one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return named_outputs(outputs_collections, sc, outputs)


@published("softmax")
@add_arg_scope
def softmax(logits, scope=None):
    """Normalises along the last axis of a tensor of any rank."""
    with variable_scope(scope, "softmax", [logits]):
        classes = logits.shape.as_list()[-1]
        predictions = nn.softmax(array.reshape(logits, [-1, classes]))
        predictions = array.reshape(predictions, array.shape(logits))
        predictions.set_shape(logits.shape)
        return predictions


@published("maxout")
@add_arg_scope
def maxout(inputs, num_units, axis=-1, scope=None):
    """Takes the largest of each group of units along an axis, which becomes `num_units` long.

    Raises:
      ValueError: if the number of units is not a multiple of `num_units`.
    """
    with variable_scope(scope, "MaxOut", [inputs]):
        inputs = convert_to_tensor(inputs)
        sizes = inputs.shape.as_list()
        channels = sizes[axis]
        if channels % num_units:
            raise ValueError(
                f"number of features({channels}) is not a multiple of num_units({num_units})"
            )
        sizes[axis] = num_units
        groups = [*sizes, channels // num_units]
        dynamic = [array.shape(inputs)[i] if n is None else n for i, n in enumerate(groups)]
        outputs = math.reduce_max(array.reshape(inputs, dynamic), -1, keepdims=False)
        outputs.set_shape(sizes)
        return outputs


@published("repeat")
@add_arg_scope
def repeat(inputs, repetitions, layer, *args, **kwargs):
    """Applies a layer several times, each with variables of its own: `repeat(x, 3, conv2d, 64, 3)`.

    Args:
      inputs: a tensor.
      repetitions: how many times.
      layer: the layer.
      *args: its arguments.
      **kwargs: the same; `scope` gives scopes `<scope>/<scope>_1`, ….
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs = convert_to_tensor(inputs)
        if scope is None:
            scope = _name_of(layer, "repeat")
        for i in range(repetitions):
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{scope}_{i + 1}"})
        return outputs


def _name_of(layer, default):
    if isinstance(layer, functools.partial):
        return layer.func.__name__
    return getattr(layer, "__name__", default)


@published("stack")
@add_arg_scope
def stack(inputs, layer, stack_args, **kwargs):
    """Applies a layer with one set of arguments after the other: `stack(x, conv2d, [(32, 3), …])`.

    Args:
      inputs: a tensor.
      layer: the layer.
      stack_args: its arguments, one or a list for each application.
      **kwargs: arguments of all; `scope` gives scopes `<scope>/<scope>_1`, ….
    """
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with variable_scope(scope, "Stack", [inputs]):
        outputs = convert_to_tensor(inputs)
        if scope is None:
            scope = _name_of(layer, "stack")
        for i, args in enumerate(stack_args):
            args = args if isinstance(args, (list, tuple)) else [args]
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{scope}_{i + 1}"})
        return outputs


@published("spatial_softmax")
@add_arg_scope
def spatial_softmax(
    features, temperature=None, name=None, variables_collections=None, trainable=True,
    data_format="NHWC",
):  # fmt: skip
    """Finds where each channel of an image is large: its mean place, in `[-1, 1]`.

    Args:
      features: `[batch, height, width, channels]`, or `NCHW`.
      temperature: how sharp: a number, a tensor, or `None` to learn it.
      name: variable scope.
      variables_collections: collections of the temperature.
      trainable: whether optimizers see it.
      data_format: `"NHWC"` or `"NCHW"`.

    Returns:
      `[batch, 2 * channels]`: x and y of each channel.

    Raises:
      ValueError: for another layout.
    """
    with variable_scope(name, "spatial_softmax"):
        features = convert_to_tensor(features)
        if data_format == "NHWC":
            features = array.transpose(features, [0, 3, 1, 2])
        elif data_format != "NCHW":
            raise ValueError("data_format has to be either NCHW or NHWC.")
        static = features.shape.as_list()
        sizes = [n or array.shape(features)[i] for i, n in enumerate(static)]
        _, channels, height, width = sizes
        pos_x, pos_y = meshgrid(
            linspace(-1.0, 1.0, num=height), linspace(-1.0, 1.0, num=width), indexing="ij"
        )
        pos_x = array.reshape(pos_x, [height * width])
        pos_y = array.reshape(pos_y, [height * width])
        if temperature is None:
            temperature = model_variable(
                "temperature", shape=(), dtype=Float, initializer=Ones(),
                collections=collections_for(variables_collections, "temperature"),
                trainable=trainable,
            )  # fmt: skip
        flat = array.reshape(features, [-1, height * width])
        attention = nn.softmax(flat / temperature)
        places = [
            math.reduce_sum(position * attention, [1], keepdims=True) for position in (pos_x, pos_y)
        ]
        outputs = array.reshape(array.concat(places, 1), [-1, channels * 2])
        outputs.set_shape([None, static[1] * 2 if static[1] else None])
        return outputs


@published("images_to_sequence")
@add_arg_scope
def images_to_sequence(inputs, data_format="NHWC", outputs_collections=None, scope=None):
    """Makes sequences of the rows of images: `[width, batch * height, channels]`.

    Raises:
      ValueError: for another layout.
    """
    with name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = convert_to_tensor(inputs)
        if data_format not in ("NCHW", "NHWC"):
            raise ValueError("data_format has to be either NCHW or NHWC.")
        if data_format == "NCHW":
            inputs = array.transpose(inputs, [0, 2, 3, 1])
        _, _, width, depth = inputs.shape.as_list()
        sizes = array.shape(inputs)
        batch, height = sizes[0], sizes[1]
        columns = array.transpose(inputs, [2, 0, 1, 3])
        outputs = array.reshape(columns, [width, batch * height, depth])
        return named_outputs(outputs_collections, sc, outputs)


@published("sequence_to_images")
@add_arg_scope
def sequence_to_images(
    inputs, height, output_data_format="channels_last", outputs_collections=None, scope=None
):
    """Makes images of sequences of columns: the inverse of `images_to_sequence`."""
    with name_scope(scope, "SequenceToImages", [inputs]) as sc:
        inputs = convert_to_tensor(inputs)
        width, batches, depth = inputs.shape.as_list()
        batch = -1 if batches is None else batches // height
        images = array.reshape(inputs, [width, batch, height, depth])
        order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
        outputs = array.transpose(images, order)
        return named_outputs(outputs_collections, sc, outputs)


@published("dense_to_sparse")
@add_arg_scope
def dense_to_sparse(tensor, eos_token=0, outputs_collections=None, scope=None):
    """Makes a sparse tensor of the elements that are not `eos_token`."""
    with variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        tensor = convert_to_tensor(tensor)
        indices = where(math.not_equal(tensor, convert_to_tensor(eos_token, tensor.dtype)))
        values = array.gather_nd(tensor, indices)
        outputs = SparseTensor(indices, values, array.shape(tensor, out_type=Int64))
        return named_outputs(outputs_collections, sc.name, outputs)


@published("poincare_normalize")
@add_arg_scope
def poincare_normalize(x, axis=1, epsilon=1e-5, name=None):
    """Scales vectors that are longer than one back into the unit ball."""
    with name_scope(name, "poincare_normalize", [x]) as full:
        x = convert_to_tensor(x, name="x")
        squares = math.reduce_sum(math.square(x), axis, keepdims=True)
        inverse = math.rsqrt(math.maximum(squares, epsilon))
        inverse = math.minimum((1.0 - epsilon) * inverse, np.float32(1.0))
        return math.multiply(x, inverse, name=full)
