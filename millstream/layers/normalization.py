"""Batch normalisation, fused and not, with renormalisation and virtual batches."""

from millstream.base.dtypes import Float, as_dtype, bfloat16, float16
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import colocate_with, control_dependencies, name_scope
from millstream.layers import lookups
from millstream.layers.base import Layer
from millstream.layers.calling import run_layer
from millstream.layers.choosing import known_truth, smart_cond
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, math, nn
from millstream.state.assignments import assign, assign_sub
from millstream.state.initializers import Ones, Zeros
from millstream.state.options import VariableAggregation, VariableSynchronization

_ZEROS, _ONES = Zeros(), Ones()


@export("layers.BatchNormalization")
class BatchNormalization(Layer):
    """Normalises each channel by the moments of the batch, or by their averages when not training.

    In training it makes updates of the averages: they join `GraphKeys.UPDATE_OPS`, and the train
    step must depend on them.

    Args:
      axis: the channels' axis, or a list of axes.
      momentum: weight of the old value in the moving averages.
      epsilon: small number against division by zero.
      center: whether `beta` is added.
      scale: whether it is multiplied by `gamma`.
      beta_initializer: initializer of `beta`.
      gamma_initializer: initializer of `gamma`.
      moving_mean_initializer: initializer of the moving mean.
      moving_variance_initializer: initializer of the moving variance.
      beta_regularizer: function from `beta` to a loss.
      gamma_regularizer: function from `gamma` to a loss.
      beta_constraint: function that projects `beta` after each update.
      gamma_constraint: function that projects `gamma` after each update.
      renorm: whether training normalises by moving moments, up to clipping.
      renorm_clipping: dictionary with some of `rmin`, `rmax`, `dmax`.
      renorm_momentum: weight of the old value in renormalisation's averages.
      fused: whether to use one node for it all; `None`: where that is possible, for images.
      trainable: whether optimizers see `beta` and `gamma`.
      virtual_batch_size: size of parts of the batch that are normalised by themselves.
      adjustment: function from the input's shape, a tensor, to `(scale, bias)` of training.
      name: the layer's name.
      **kwargs: as for `Layer`.

    Source: Ioffe and Szegedy, 2015; Ioffe, 2017 for `renorm`.
    """

    def __init__(
        self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
        beta_initializer=_ZEROS, gamma_initializer=_ONES, moving_mean_initializer=_ZEROS,
        moving_variance_initializer=_ONES, beta_regularizer=None, gamma_regularizer=None,
        beta_constraint=None, gamma_constraint=None, renorm=False, renorm_clipping=None,
        renorm_momentum=0.99, fused=None, trainable=True, virtual_batch_size=None,
        adjustment=None, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"axis must be int or list, type given: {type(axis)}")
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.momentum, self.epsilon = momentum, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer = lookups.initializer(beta_initializer)
        self.gamma_initializer = lookups.initializer(gamma_initializer)
        self.moving_mean_initializer = lookups.initializer(moving_mean_initializer)
        self.moving_variance_initializer = lookups.initializer(moving_variance_initializer)
        self.beta_regularizer = lookups.regularizer(beta_regularizer)
        self.gamma_regularizer = lookups.regularizer(gamma_regularizer)
        self.beta_constraint = lookups.constraint(beta_constraint)
        self.gamma_constraint = lookups.constraint(gamma_constraint)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = renorm_clipping or {}
        unknown = sorted(set(self.renorm_clipping) - {"rmax", "rmin", "dmax"})
        if renorm and unknown:
            raise ValueError(f"renorm_clipping {renorm_clipping} contains keys not in "
                             "['rmax', 'rmin', 'dmax']")  # fmt: skip
        self.fused = fused
        self.virtual_batch_size, self.adjustment = virtual_batch_size, adjustment
        self.supports_masking = True

    # -- variables

    def build(self, input_shape):
        """Makes `gamma`, `beta`, `moving_mean`, `moving_variance`, and renormalisation's averages.

        Raises:
          ValueError: for axes that there are not or of which the size is not known, or virtual
            batches that do not go with the rest.
        """
        shape = as_shape(input_shape)
        if shape.ndims is None:
            raise ValueError("Input has undefined rank:", shape)
        rank = shape.ndims
        self._set_axes(rank)
        self._check_virtual()
        self.fused = self.fused in (None, True) and rank == 4 and self._can_fuse()
        if self.fused and self.axis not in ([1], [3]):
            self.fused = False
        sizes = {axis: shape.as_list()[axis] for axis in self.axis}
        for size in sizes.values():
            if size is None:
                raise ValueError("Input has undefined `axis` dimension. Input shape: ", shape)
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        params = [sizes.get(i, 1) for i in range(rank)]
        if self.virtual_batch_size is not None:
            # The parts of the batch make one more axis.
            params.insert(1, 1)
            self.axis = [axis + 1 for axis in self.axis]
        elif len(sizes) == 1:
            params = tuple(sizes.values())
        self._make_variables(params)
        self.built = True

    def _set_axes(self, rank):
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        self.axis = [axis + rank if axis < 0 else axis for axis in axes]
        for axis in self.axis:
            if axis < 0 or axis >= rank:
                raise ValueError(f"Invalid axis: {axis}")
        if len(set(self.axis)) != len(self.axis):
            raise ValueError(f"Duplicate axis: {self.axis}")

    def _check_virtual(self):
        if self.virtual_batch_size is None:
            return
        if self.virtual_batch_size <= 0:
            raise ValueError(
                "virtual_batch_size must be a positive integer that divides the true batch size of "
                "the input Tensor"
            )
        if 0 in self.axis:
            raise ValueError(
                "When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot "
                "include 0"
            )
        if self.adjustment is not None:
            raise ValueError("When using virtual_batch_size, adjustment cannot be specified")

    def _can_fuse(self):
        special = self.renorm or self.virtual_batch_size is not None or self.adjustment is not None
        return not special and len(self.axis) == 1

    @property
    def _param_dtype(self):
        dtype = as_dtype(self.dtype or Float)
        return Float if dtype in (float16, bfloat16) else dtype

    def _parameter(self, name, used, params, value):
        """Makes `gamma` or `beta`; without one the fused node needs a constant."""
        if used:
            return self.add_weight(
                name, params, dtype=self._param_dtype,
                initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"), trainable=True,
            )  # fmt: skip
        if self.fused:
            self._constants[name] = constant(value, dtype=self._param_dtype, shape=params)
        return None

    def _make_variables(self, params):
        self._constants = {}
        self.gamma = self._parameter("gamma", self.scale, params, 1.0)
        self.beta = self._parameter("beta", self.center, params, 0.0)
        partitioner = self._scope.partitioner
        self._scope.set_partitioner(None)
        try:
            self.moving_mean = self._average("moving_mean", params, self.moving_mean_initializer)
            self.moving_variance = self._average(
                "moving_variance", params, self.moving_variance_initializer
            )
            if self.renorm:
                self._make_renorm_averages(params)
        finally:
            self._scope.set_partitioner(partitioner)

    def _make_renorm_averages(self, params):
        def moving_stddev_initializer(*args, **kwargs):
            return math.sqrt(self.moving_variance_initializer(*args, **kwargs))

        self.moving_stddev = self._average("moving_stddev", params, moving_stddev_initializer)
        self.renorm_mean = self._average("renorm_mean", params, self.moving_mean_initializer)
        self.renorm_stddev = self._average("renorm_stddev", params, moving_stddev_initializer)

    def _average(self, name, params, initializer):
        return self.add_weight(
            name, params, dtype=self._param_dtype, initializer=initializer,
            synchronization=VariableSynchronization.ON_READ, trainable=False,
            aggregation=VariableAggregation.MEAN,
        )  # fmt: skip

    # -- nodes

    def call(self, inputs, training=False):
        """Normalises by the batch's moments if `training`, a boolean or a tensor of one."""
        if self.virtual_batch_size is None:
            return self._fused(inputs, training) if self.fused else self._plain(inputs, training)
        whole = [-1, *inputs.shape.as_list()[1:]]
        parts = array.reshape(inputs, [self.virtual_batch_size, -1, *whole[1:]])
        return array.reshape(self._plain(parts, training), whole)

    def _fused(self, inputs, training):
        beta = self.beta if self.center else self._constants["beta"]
        gamma = self.gamma if self.scale else self._constants["gamma"]
        layout = "NCHW" if self.axis == [1] else "NHWC"

        def by_batch():
            return nn.fused_batch_norm(
                inputs, gamma, beta, epsilon=self.epsilon, data_format=layout
            )

        def by_averages():
            return nn.fused_batch_norm(
                inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                epsilon=self.epsilon, is_training=False, data_format=layout,
            )  # fmt: skip

        outputs, mean, variance = smart_cond(training, by_batch, by_averages)
        known = known_truth(training)
        if known is None:
            momentum = smart_cond(training, lambda: self.momentum, lambda: 1.0)
        else:
            momentum = convert_to_tensor(self.momentum)
        if known is not False:
            self.add_update(_moved(self.moving_mean, mean, momentum))
            self.add_update(_moved(self.moving_variance, variance, momentum))
        return outputs

    def _plain(self, inputs, training):
        rank = inputs.shape.ndims
        axes = [i for i in range(rank) if i not in self.axis]
        if self.virtual_batch_size is not None:
            del axes[1]
        sizes = [1] * rank
        sizes[self.axis[0]] = inputs.shape.as_list()[self.axis[0]]

        def spread(v):
            if v is None or v.shape.ndims == rank or axes == list(range(rank - 1)):
                return v
            return array.reshape(v, sizes)

        scale, offset = spread(self.gamma), spread(self.beta)
        if known_truth(training) is False:
            mean, variance = self.moving_mean, self.moving_variance
        else:
            scale, offset = self._adjusted(inputs, training, scale, offset)
            mean, variance, scale, offset = self._trained(
                inputs, axes, training, scale, offset, spread
            )
        mean, variance = math.cast(mean, inputs.dtype), math.cast(variance, inputs.dtype)
        offset = None if offset is None else math.cast(offset, inputs.dtype)
        scale = None if scale is None else math.cast(scale, inputs.dtype)
        outputs = nn.batch_normalization(
            inputs, spread(mean), spread(variance), offset, scale, self.epsilon
        )
        outputs.set_shape(inputs.shape)
        return outputs

    def _adjusted(self, inputs, training, scale, offset):
        if self.adjustment is None:
            return scale, offset
        by, plus = self.adjustment(array.shape(inputs))
        by = smart_cond(training, lambda: by, lambda: array.ones_like(by))
        plus = smart_cond(training, lambda: plus, lambda: array.zeros_like(plus))
        return _composed(by, plus, scale, offset)

    def _trained(self, inputs, axes, training, scale, offset, spread):
        """Returns moments to normalise by, scale and offset; updates the averages."""
        keep = self.virtual_batch_size is not None or len(self.axis) > 1
        mean, variance = nn.moments(inputs, axes, keep_dims=keep)
        batch_mean, batch_variance = mean, variance
        mean = smart_cond(training, lambda: batch_mean, lambda: convert_to_tensor(self.moving_mean))
        variance = smart_cond(
            training, lambda: batch_variance, lambda: convert_to_tensor(self.moving_variance)
        )
        new_mean, new_variance = mean, variance
        if self.virtual_batch_size is not None:
            new_mean = math.reduce_mean(mean, axis=1, keepdims=True)
            new_variance = math.reduce_mean(variance, axis=1, keepdims=True)
        if self.renorm:
            r, d, new_mean, new_variance = self._corrections(new_mean, new_variance, training)
            r = spread(array.stop_gradient(r, name="renorm_r"))
            d = spread(array.stop_gradient(d, name="renorm_d"))
            scale, offset = _composed(r, d, scale, offset)
        self.add_update(
            smart_cond(
                training,
                lambda: _moved(self.moving_mean, new_mean, self.momentum),
                lambda: convert_to_tensor(self.moving_mean),
            )
        )
        self.add_update(
            smart_cond(
                training,
                lambda: self._variance_update(new_variance),
                lambda: convert_to_tensor(self.moving_variance),
            )
        )
        return mean, variance, scale, offset

    def _variance_update(self, variance):
        if not self.renorm:
            return _moved(self.moving_variance, variance, self.momentum)
        stddev = math.sqrt(variance + self.epsilon)
        spread = _moved(self.moving_stddev, stddev, self.momentum)
        value = nn.relu(spread * spread - self.epsilon)
        with name_scope("AssignNewValue") as scope, colocate_with(self.moving_variance):
            return assign(self.moving_variance, value, name=scope)

    def _corrections(self, mean, variance, training):
        """Returns scale and offset of renormalisation, and the moments to average."""
        stddev = math.sqrt(variance + self.epsilon)
        least = math.maximum(self.renorm_stddev, math.sqrt(self.epsilon))
        r = stddev / least
        d = (mean - self.renorm_mean) / least
        with control_dependencies([r, d]):
            mean, stddev = array.identity(mean), array.identity(stddev)
        clipping = self.renorm_clipping
        if clipping.get("rmin") is not None:
            r = math.maximum(r, clipping["rmin"])
        if clipping.get("rmax") is not None:
            r = math.minimum(r, clipping["rmax"])
        if clipping.get("dmax") is not None:
            d = math.minimum(math.maximum(d, -clipping["dmax"]), clipping["dmax"])
        batch_r, batch_d = r, d
        r = smart_cond(training, lambda: batch_r, lambda: array.ones_like(batch_r))
        d = smart_cond(training, lambda: batch_d, lambda: array.zeros_like(batch_d))
        moved = [
            self._renormed(self.renorm_mean, mean, training),
            self._renormed(self.renorm_stddev, stddev, training),
        ]
        with control_dependencies(moved):
            return r, d, array.identity(mean), array.identity(variance)

    def _renormed(self, variable, value, training):
        value = array.identity(value)
        return smart_cond(
            training,
            lambda: _moved(variable, value, self.renorm_momentum),
            lambda: array.identity(variable),
        )

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return TensorShape(input_shape) if isinstance(input_shape, (list, tuple)) else input_shape


def _composed(scale, offset, then_scale, then_offset):
    """Returns one scale and offset for two in turn."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    if then_offset is not None:
        offset = offset + then_offset
    return scale, offset


def _moved(variable, value, momentum):
    """Moves an average towards a value; returns the variable afterwards."""
    with name_scope("AssignMovingAvg") as scope, colocate_with(variable):
        dtype = variable.dtype.base_dtype
        decay = convert_to_tensor(1.0 - momentum, name="decay")
        if decay.dtype.base_dtype != dtype:
            decay = math.cast(decay, dtype)
        delta = (variable - math.cast(value, dtype)) * decay
        return assign_sub(variable, delta, name=scope)


@export("layers.batch_normalization")
def batch_normalization(
    inputs, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
    beta_initializer=_ZEROS, gamma_initializer=_ONES, moving_mean_initializer=_ZEROS,
    moving_variance_initializer=_ONES, beta_regularizer=None, gamma_regularizer=None,
    beta_constraint=None, gamma_constraint=None, training=False, trainable=True, name=None,
    reuse=None, renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None,
    virtual_batch_size=None, adjustment=None,
):  # fmt: skip
    """Normalises each channel by the moments of the batch, or by their averages when not training.

    Args:
      inputs: `[batch, …]`, floating.
      training: a boolean, or a tensor of one: whether to normalise by the batch's own moments and
        to make updates of the averages, in `GraphKeys.UPDATE_OPS`.
      reuse: whether the variables must exist already.

    The other arguments are those of `tf.layers.BatchNormalization`.

    Example:
      >>> x = tf.layers.batch_normalization(tf.ones([8, 4]), training=True)
      >>> len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
      2
    """
    given = dict(locals())
    return run_layer(BatchNormalization, given, training=given.pop("training"))
