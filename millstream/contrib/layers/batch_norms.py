"""`batch_norm`: on `tf.layers` where that can do it, by hand where updates are special."""

from millstream.base.dtypes import Float
from millstream.contrib.framework.argument_scopes import add_arg_scope
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import (
    add_variable,
    collections_for,
    named_outputs,
    published,
    variable_getter,
)
from millstream.contrib.layers.dense_layers import ONES, ZEROS
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import add_to_collections, control_dependencies
from millstream.layers.choosing import known_truth, smart_cond
from millstream.layers.normalization import BatchNormalization
from millstream.ops import array, nn
from millstream.ops.nn.moments import weighted_moments
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope
from millstream.train.moving_averages import assign_moving_average

_INITIAL = {"beta": ZEROS, "gamma": ONES, "moving_mean": ZEROS, "moving_variance": ONES}


class _Settings:
    """The arguments of one call of `batch_norm`."""

    def __init__(self, given) -> None:
        self.__dict__.update(given)
        self.param_initializers = given["param_initializers"] or {}
        self.param_regularizers = given["param_regularizers"] or {}

    def initializer(self, name):
        return self.param_initializers.get(name, _INITIAL[name])

    def regularizer(self, name):
        return self.param_regularizers.get(name)

    def variable(self, name, shape, dtype, trainable):
        return model_variable(
            name, shape=shape, dtype=dtype, initializer=self.initializer(name),
            regularizer=self.regularizer(name) if trainable is not False else None,
            collections=collections_for(self.variables_collections, name),
            trainable=trainable,
        )  # fmt: skip

    def finished(self, outputs, alias):
        if self.activation_fn is not None:
            outputs = self.activation_fn(outputs)
        return named_outputs(self.outputs_collections, alias, outputs)


@published("batch_norm")
@add_arg_scope
def batch_norm(
    inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None,
    param_initializers=None, param_regularizers=None, updates_collections=GraphKeys.UPDATE_OPS,
    is_training=True, reuse=None, variables_collections=None, outputs_collections=None,
    trainable=True, batch_weights=None, fused=None, data_format="NHWC",
    zero_debias_moving_mean=False, scope=None, renorm=False, renorm_clipping=None,
    renorm_decay=0.99, adjustment=None,
):  # fmt: skip
    """Normalises each channel by the moments of the batch, or by their averages when not training.

    The updates of the averages join `updates_collections`; `create_train_op` runs them. With
    `updates_collections=None` they run in place.

    Args:
      inputs: `[batch, …, channels]`, or channels second for `NCHW`.
      decay: weight of the old value in the moving averages.
      center: whether `beta` is added.
      scale: whether it is multiplied by `gamma`.
      epsilon: small number against division by zero.
      activation_fn: function applied at the end, or `None`.
      param_initializers: dictionary of initializers of `beta`, `gamma`, `moving_mean`,
        `moving_variance`.
      param_regularizers: dictionary of regularizers of `beta`, `gamma`.
      updates_collections: collections of the updates; `None` to run them in place.
      is_training: a boolean, or a tensor of one.
      reuse: whether the variables must exist already.
      variables_collections: collections of the variables, or a dictionary by kind.
      outputs_collections: collections of the output.
      trainable: whether optimizers see `beta` and `gamma`.
      batch_weights: `[batch]` weights of the examples.
      fused: whether to use one node for it all where that is possible; so by default.
      data_format: `"NHWC"` or `"NCHW"`.
      zero_debias_moving_mean: whether the moving mean is corrected for having started at zero.
      scope: variable scope.
      renorm: whether training normalises by moving moments, up to clipping.
      renorm_clipping: dictionary with some of `rmax`, `rmin`, `dmax`.
      renorm_decay: weight of the old value in renormalisation's averages.
      adjustment: function from the input's shape to `(scale, bias)` of training.

    Raises:
      ValueError: for another layout, unknown ranks or channels, or options that do not go together.
    """
    s = _Settings(locals())
    fused = True if fused is None else fused
    inputs = convert_to_tensor(inputs)
    rank = inputs.shape.ndims
    can_fuse = batch_weights is None and not renorm and rank in (2, 4) and adjustment is None
    usual = updates_collections == GraphKeys.UPDATE_OPS
    if fused and can_fuse and (zero_debias_moving_mean or rank == 2 or not usual):
        return _fused(s, inputs)
    if data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with variable_scope(
        scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=variable_getter()
    ) as sc:
        if batch_weights is None and usual and not zero_debias_moving_mean:
            return _by_layer(s, inputs, fused, sc)
        if renorm:
            raise ValueError(
                "renorm is not supported with batch_weights, updates_collections or "
                "zero_debias_moving_mean"
            )
        if adjustment is not None:
            raise ValueError(
                "adjustment is not supported with batch_weights or updates_collections"
            )
        return _by_hand(s, inputs, sc)


def _by_layer(s, inputs, fused, sc):
    layer = BatchNormalization(
        axis=1 if s.data_format == "NCHW" else -1, momentum=s.decay, epsilon=s.epsilon,
        center=s.center, scale=s.scale, beta_initializer=s.initializer("beta"),
        gamma_initializer=s.initializer("gamma"),
        moving_mean_initializer=s.initializer("moving_mean"),
        moving_variance_initializer=s.initializer("moving_variance"),
        beta_regularizer=s.regularizer("beta"), gamma_regularizer=s.regularizer("gamma"),
        trainable=s.trainable, renorm=s.renorm, renorm_clipping=s.renorm_clipping,
        renorm_momentum=s.renorm_decay, adjustment=s.adjustment, name=sc.name, _scope=sc,
        _reuse=s.reuse, fused=fused,
    )  # fmt: skip
    outputs = layer(inputs, training=s.is_training)
    kinds = s.variables_collections
    add_variable(layer.moving_mean, kinds, "moving_mean")
    add_variable(layer.moving_variance, kinds, "moving_variance")
    if layer.beta is not None:
        add_variable(layer.beta, kinds, "beta")
    if layer.gamma is not None:
        add_variable(layer.gamma, kinds, "gamma")
    return s.finished(outputs, sc.name)


def _moved(s, moving_mean, moving_variance, mean, variance):
    """Moves both averages towards the batch's moments."""
    return (
        assign_moving_average(moving_mean, mean, s.decay, zero_debias=s.zero_debias_moving_mean),
        assign_moving_average(moving_variance, variance, s.decay, zero_debias=False),
    )


def _fused(s, inputs):
    """Uses one node, with updates in place, elsewhere, or corrected at the start."""
    if s.data_format not in ("NCHW", "NHWC"):
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with variable_scope(s.scope, "BatchNorm", [inputs], reuse=s.reuse) as sc:
        images = _as_images(s, inputs)
        params = images.shape[1:2] if s.data_format == "NCHW" else images.shape[-1:]
        if not params.is_fully_defined():
            raise ValueError(f"Inputs {images.name} has undefined `C` dimension {params}.")
        beta, gamma = _scales(s, params)
        moving = [
            s.variable(name, params, Float, False) for name in ("moving_mean", "moving_variance")
        ]

        def by_batch():
            return nn.fused_batch_norm(
                images, gamma, beta, epsilon=s.epsilon, data_format=s.data_format
            )

        def by_averages():
            return nn.fused_batch_norm(
                images, gamma, beta, mean=moving[0], variance=moving[1], epsilon=s.epsilon,
                is_training=False, data_format=s.data_format,
            )  # fmt: skip

        outputs, mean, variance = smart_cond(s.is_training, by_batch, by_averages)
        if known_truth(s.is_training) is not False:
            outputs = _with_updates(s, outputs, moving, mean, variance)
        outputs.set_shape(images.shape)
        if inputs.shape.ndims == 2:
            outputs = array.reshape(outputs, array.shape(inputs))
        return s.finished(outputs, sc.name)


def _as_images(s, inputs):
    rank = inputs.shape.ndims
    if rank == 4:
        return inputs
    channels = inputs.shape.as_list()[-1]
    if channels is None:
        raise ValueError("`C` dimension must be known but is None")
    sizes = [-1, channels, 1, 1] if s.data_format == "NCHW" else [-1, 1, 1, channels]
    return array.reshape(inputs, sizes)


def _scales(s, params):
    if s.center:
        beta = s.variable("beta", params, Float, s.trainable)
    else:
        beta = constant(0.0, dtype=Float, shape=params)
    if s.scale:
        return beta, s.variable("gamma", params, Float, s.trainable)
    return beta, constant(1.0, dtype=Float, shape=params)


def _with_updates(s, outputs, moving, mean, variance):
    def moved():
        return _moved(s, *moving, mean, variance)

    if s.updates_collections is not None:
        updates = smart_cond(
            s.is_training, moved, lambda: tuple(convert_to_tensor(v) for v in moving)
        )
        for update in updates:
            add_to_collections(s.updates_collections, update)
        return outputs

    def in_place():
        with control_dependencies(list(moved())):
            return array.identity(outputs)

    return smart_cond(s.is_training, in_place, lambda: outputs)


def _by_hand(s, inputs, sc):
    """Uses plain arithmetic, for weights of the examples and special updates."""
    shape, rank = inputs.shape, inputs.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    first = s.data_format == "NCHW"
    params = shape[1:2] if first else shape[-1:]
    if not params.is_fully_defined():
        raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {params}.")
    axes = [0, *range(2, rank)] if first else list(range(rank - 1))
    weights = _spread_weights(s.batch_weights, inputs)
    dtype = inputs.dtype.base_dtype
    beta = s.variable("beta", params, dtype, s.trainable) if s.center else None
    gamma = s.variable("gamma", params, dtype, s.trainable) if s.scale else None
    moving = _unpartitioned_averages(s, params, dtype)
    mean, variance = _moments(s, inputs, axes, moving, weights)

    def spread(v):
        if v is None or not first:
            return v
        return array.reshape(v, [1, params.as_list()[0], *[1] * (rank - 2)])

    outputs = nn.batch_normalization(
        inputs, spread(mean), spread(variance), spread(beta), spread(gamma), s.epsilon
    )
    outputs.set_shape(shape)
    return s.finished(outputs, sc.name)


def _unpartitioned_averages(s, params, dtype):
    scope = get_variable_scope()
    partitioner = scope.partitioner
    try:
        scope.set_partitioner(None)
        return tuple(
            s.variable(name, params, dtype, False) for name in ("moving_mean", "moving_variance")
        )
    finally:
        scope.set_partitioner(partitioner)


def _spread_weights(weights, inputs):
    """Returns weights of the examples that broadcast with the inputs."""
    if weights is None:
        return None
    weights = convert_to_tensor(weights)
    inputs.shape[0:1].assert_is_compatible_with(weights.shape)
    return array.reshape(weights, [-1, *[1] * (inputs.shape.ndims - 1)])


def _moments(s, inputs, axes, moving, weights):
    """Returns moments to normalise by, and arranges for the updates of the averages."""
    if known_truth(s.is_training) is False:
        return moving
    if weights is None:
        mean, variance = nn.moments(inputs, axes)
    else:
        mean, variance = weighted_moments(inputs, axes, weights)

    def averages():
        return tuple(convert_to_tensor(v) for v in moving)

    if s.updates_collections is not None:
        updates = smart_cond(s.is_training, lambda: _moved(s, *moving, mean, variance), averages)
        for update in updates:
            add_to_collections(s.updates_collections, update)
        return smart_cond(s.is_training, lambda: (mean, variance), averages)

    def in_place():
        with control_dependencies(list(_moved(s, *moving, mean, variance))):
            return array.identity(mean), array.identity(variance)

    return smart_cond(s.is_training, in_place, averages)
