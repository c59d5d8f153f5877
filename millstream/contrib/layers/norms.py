"""Normalisation within an example: over a layer, a channel, a group, a vector."""

from millstream.base.dtypes import Int32
from millstream.contrib.framework.argument_scopes import add_arg_scope
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import collections_for, named_outputs, published
from millstream.contrib.layers.dense_layers import ONES, ZEROS
from millstream.ir.convert import convert_to_tensor
from millstream.ops import array, math, nn
from millstream.ops.math.arithmetic import div
from millstream.ops.nn.moments import moments
from millstream.state.scoping import variable_scope


def _parameter(name, wanted, shape, dtype, collections, trainable, initializer):
    if not wanted:
        return None
    return model_variable(
        name, shape=shape, dtype=dtype, initializer=initializer,
        collections=collections_for(collections, name), trainable=trainable,
    )  # fmt: skip


@published("layer_norm")
@add_arg_scope
def layer_norm(
    inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None,
    outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1, scope=None,
):  # fmt: skip
    """Normalises each example by its own moments.

    Args:
      inputs: `[batch, …]`; sizes from `begin_params_axis` on must be known.
      center: whether `beta` is added.
      scale: whether it is multiplied by `gamma`.
      activation_fn: function applied at the end, or `None`.
      reuse: whether the variables must exist already.
      variables_collections: collections of the variables, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see the variables.
      begin_norm_axis: first axis that the moments go over.
      begin_params_axis: first axis of `beta` and `gamma`.
      scope: variable scope.

    Raises:
      ValueError: if rank or sizes are not known, or axes do not fit.

    Source: Ba et al., 2016.
    """
    with variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
        inputs = convert_to_tensor(inputs)
        shape, rank = inputs.shape, inputs.shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        dtype = inputs.dtype.base_dtype
        if begin_norm_axis < 0:
            begin_norm_axis += rank
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(
                f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) "
                f"must be < rank(inputs) ({rank})"
            )
        params = shape[begin_params_axis:]
        if not params.is_fully_defined():
            raise ValueError(
                f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: "
                f"{shape}"
            )
        beta = _parameter("beta", center, params, dtype, variables_collections, trainable, ZEROS)
        gamma = _parameter("gamma", scale, params, dtype, variables_collections, trainable, ONES)
        mean, variance = moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
        # A half's range is smaller than 1e-12.
        epsilon = 1e-3 if dtype.name == "float16" else 1e-12
        outputs = nn.batch_normalization(
            inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=epsilon
        )
        outputs.set_shape(shape)
        if activation_fn is not None:
            outputs = activation_fn(outputs)
        return named_outputs(outputs_collections, sc.name, outputs)


@published("instance_norm")
@add_arg_scope
def instance_norm(
    inputs, center=True, scale=True, epsilon=1e-6, activation_fn=None, param_initializers=None,
    reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
    data_format="NHWC", scope=None,
):  # fmt: skip
    """Normalises each channel of each image by its own moments.

    Args:
      inputs: `[batch, …, channels]`, or channels second for `NCHW`.
      center: whether `beta` is added.
      scale: whether it is multiplied by `gamma`.
      epsilon: small number against division by zero.
      activation_fn: function applied at the end, or `None`.
      param_initializers: dictionary of initializers of `beta`, `gamma`.
      reuse: whether the variables must exist already.
      variables_collections: collections of the variables, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see the variables.
      data_format: `"NHWC"` or `"NCHW"`.
      scope: variable scope.

    Raises:
      ValueError: for another layout, or if rank or channels are not known.

    Source: Ulyanov et al., 2016.
    """
    inputs = convert_to_tensor(inputs)
    shape, rank = inputs.shape, inputs.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
        first = data_format == "NCHW"
        axis = 1 if first else rank - 1
        params = shape[axis : axis + 1]
        if not params.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {params}.")
        initializers, dtype = param_initializers or {}, inputs.dtype.base_dtype
        beta = _parameter(
            "beta", center, params, dtype, variables_collections, trainable,
            initializers.get("beta", ZEROS),
        )  # fmt: skip
        gamma = _parameter(
            "gamma", scale, params, dtype, variables_collections, trainable,
            initializers.get("gamma", ONES),
        )  # fmt: skip
        if first:
            sizes = [1, params.as_list()[0], *[1] * (rank - 2)]
            gamma = None if gamma is None else array.reshape(gamma, sizes)
            beta = None if beta is None else array.reshape(beta, sizes)
        axes = [a for a in range(1, rank) if a != axis]
        mean, variance = moments(inputs, axes, keep_dims=True)
        outputs = nn.batch_normalization(
            inputs, mean, variance, beta, gamma, epsilon, name="instancenorm"
        )
        outputs.set_shape(shape)
        if activation_fn is not None:
            outputs = activation_fn(outputs)
        return named_outputs(outputs_collections, sc.name, outputs)


def _group_axes(rank, channels_axis, reduction_axes):
    """Returns the channels' axis and the others to reduce, none negative."""
    if channels_axis > rank - 1:
        raise ValueError("Axis is out of bounds.")
    channels = channels_axis + rank if channels_axis < 0 else channels_axis
    axes = []
    for axis in reduction_axes:
        if abs(axis) > rank - 1 and axis != -rank:
            raise ValueError("Axis is out of bounds.")
        axes.append(axis + rank if axis < 0 else axis)
    if channels in axes:
        raise ValueError(f"reduction_axes must be mutually exclusive with channels_axis {channels}")
    if axes and not (max(axes) < channels or min(axes) > channels):
        raise ValueError("channels_axis must be before or after all reduction_axes")
    return channels, axes


def _group_moments(grouped, axes, mean_close_to_zero):
    if not mean_close_to_zero:
        return moments(grouped, sorted(axes), keep_dims=True)
    mean = math.reduce_mean(grouped, axis=axes, keepdims=True)
    squares = math.reduce_mean(math.square(grouped), axis=axes, keepdims=True)
    return mean, squares - math.square(mean)


@published("group_norm")
@add_arg_scope
def group_norm(
    inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True,
    epsilon=1e-6, activation_fn=None, param_initializers=None, reuse=None,
    variables_collections=None, outputs_collections=None, trainable=True, scope=None,
    mean_close_to_zero=False,
):  # fmt: skip
    """Normalises groups of channels of each image by their own moments.

    Args:
      inputs: a tensor of known rank.
      groups: number of groups; it divides that of the channels.
      channels_axis: the channels' axis.
      reduction_axes: the axes that the moments go over, all before the channels or all after.
      center: whether `beta` is added.
      scale: whether it is multiplied by `gamma`.
      epsilon: small number against division by zero.
      activation_fn: function applied at the end, or `None`.
      param_initializers: dictionary of initializers of `beta`, `gamma`.
      reuse: whether the variables must exist already.
      variables_collections: collections of the variables, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see the variables.
      scope: variable scope.
      mean_close_to_zero: whether means are small, so that squares may be averaged directly.

    Raises:
      ValueError: if rank or channels are not known, or axes and groups do not fit.

    Source: Wu and He, 2018.
    """
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    axis, reduced = _group_axes(rank, channels_axis, reduction_axes)
    channels = inputs.shape.as_list()[axis]
    if channels is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channel dimension.")
    if groups > channels or channels % groups:
        raise ValueError(
            f"Invalid groups {groups} for {channels} channels."
            if groups > channels
            else f"{channels} channels is not commensurate with {groups} groups."
        )
    static = inputs.shape.as_list()
    dynamic = array.shape(inputs)
    sizes = [dynamic[i] if n is None else n for i, n in enumerate(static)]
    grouped = array.reshape(inputs, [*sizes[:axis], groups, channels // groups, *sizes[axis + 1 :]])
    with variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:
        axes = [axis + 1, *(a + 1 if a > axis else a for a in reduced)]
        params = [1] * (rank + 1)
        params[axis], params[axis + 1] = groups, channels // groups
        initializers, dtype = param_initializers or {}, inputs.dtype.base_dtype
        beta = _parameter(
            "beta", center, [channels], dtype, variables_collections, trainable,
            initializers.get("beta", ZEROS),
        )  # fmt: skip
        beta = None if beta is None else array.reshape(beta, params)
        gamma = _parameter(
            "gamma", scale, [channels], dtype, variables_collections, trainable,
            initializers.get("gamma", ONES),
        )  # fmt: skip
        gamma = None if gamma is None else array.reshape(gamma, params)
        mean, variance = _group_moments(grouped, axes, mean_close_to_zero)
        gain = math.rsqrt(variance + epsilon)
        offset = -mean * gain
        if gamma is not None:
            gain *= gamma
            offset *= gamma
        if beta is not None:
            offset += beta
        outputs = array.reshape(grouped * gain + offset, sizes)
        outputs.set_shape(inputs.shape)
        if activation_fn is not None:
            outputs = activation_fn(outputs)
        return named_outputs(outputs_collections, sc.name, outputs)


@published("unit_norm")
@add_arg_scope
def unit_norm(inputs, dim, epsilon=1e-7, scope=None):
    """Divides vectors along the axis `dim` by their lengths.

    Raises:
      ValueError: if there is no such axis, or the rank is not known.
    """
    with variable_scope(scope, "UnitNorm", [inputs]):
        rank = inputs.shape.ndims
        if not rank:
            raise ValueError("The input rank must be known.")
        if dim < 0 or dim >= rank:
            raise ValueError(f"dim must be positive but smaller than the input rank: {dim}")
        lengths = math.sqrt(epsilon + math.reduce_sum(math.square(inputs), dim, keepdims=True))
        multiples = [array.ones([dim], Int32)] if dim else []
        size = array.slice_helper(array.shape(inputs), slice(dim, dim + 1))
        multiples.append(size)
        if dim < rank - 1:
            multiples.append(array.ones([rank - 1 - dim], Int32))
        return div(inputs, array.tile(lengths, array.concat(multiples, 0)))
