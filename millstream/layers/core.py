"""Dense layers, dropout and flattening."""

from millstream.base.dtypes import Float, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.convert import convert_to_tensor
from millstream.layers import lookups
from millstream.layers.base import Layer
from millstream.layers.calling import run_layer
from millstream.layers.choosing import smart_cond
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, nn
from millstream.ops.by_name import ops
from millstream.ops.math.tensordot import tensordot
from millstream.state.initializers import Zeros

_ZEROS = Zeros()


@export("layers.Dense")
class Dense(Layer):
    """Multiplies by a matrix, `kernel`, and adds a vector, `bias`.

    Args:
      units: size of the output's last axis.
      activation: function that is applied at the end, or its name.
      use_bias: whether there is a bias.
      kernel_initializer: initializer of the kernel; by default the scope's.
      bias_initializer: initializer of the bias.
      kernel_regularizer: function from the kernel to a loss.
      bias_regularizer: function from the bias to a loss.
      activity_regularizer: function from the output to a loss.
      kernel_constraint: function that projects the kernel after each update.
      bias_constraint: function that projects the bias after each update.
      trainable: whether optimizers see the variables.
      name: the layer's name.
      **kwargs: as for `Layer`.
    """

    def __init__(
        self, units, activation=None, use_bias=True, kernel_initializer=None,
        bias_initializer=_ZEROS, kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
        name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(
            trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs
        )
        self.units = int(units)
        self.activation = lookups.activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = lookups.initializer(kernel_initializer)
        self.bias_initializer = lookups.initializer(bias_initializer)
        self.kernel_regularizer = lookups.regularizer(kernel_regularizer)
        self.bias_regularizer = lookups.regularizer(bias_regularizer)
        self.kernel_constraint = lookups.constraint(kernel_constraint)
        self.bias_constraint = lookups.constraint(bias_constraint)
        self.kernel = self.bias = None
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        """Makes `kernel`, `[in, units]`, and `bias`, `[units]`.

        Raises:
          TypeError: for inputs that are not floating.
          ValueError: if the size of the last axis is not known.
        """
        dtype = as_dtype(self.dtype or Float)
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(
                f"Unable to build `Dense` layer with non-floating point dtype {dtype!r}"
            )
        size = as_shape(input_shape).as_list()[-1]
        if size is None:
            raise ValueError(
                "The last dimension of the inputs to `Dense` should be defined. Found `None`."
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel", [size, self.units], initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
            dtype=self.dtype, trainable=True,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.units], initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
                dtype=self.dtype, trainable=True,
            )  # fmt: skip
        self.built = True

    def call(self, inputs):
        """Gives `activation(inputs · kernel + bias)`."""
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if rank > 2:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        else:
            outputs = ops.MatMul(inputs, self.kernel)
        if self.use_bias:
            outputs = nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape with `units` for the last axis."""
        shape = as_shape(input_shape).with_rank_at_least(2)
        if shape.as_list()[-1] is None:
            raise ValueError(
                "The innermost dimension of input_shape must be defined, but saw: "
                f"{tuple(shape.as_list())}"
            )
        return shape[:-1].concatenate(self.units)


@export("layers.dense")
def dense(
    inputs, units, activation=None, use_bias=True, kernel_initializer=None,
    bias_initializer=_ZEROS, kernel_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
    name=None, reuse=None,
):  # fmt: skip
    """Multiplies by a matrix, adds a vector, and applies an activation.

    Args:
      inputs: `[…, in]`, floating, of rank 2 at least.
      units: size of the output's last axis.
      activation: function that is applied at the end, or its name.
      use_bias: whether there is a bias.
      kernel_initializer: initializer of the kernel; by default the scope's.
      bias_initializer: initializer of the bias.
      kernel_regularizer: function from the kernel to a loss.
      bias_regularizer: function from the bias to a loss.
      activity_regularizer: function from the output to a loss.
      kernel_constraint: function that projects the kernel after each update.
      bias_constraint: function that projects the bias after each update.
      trainable: whether optimizers see the variables.
      name: the layer's name and scope; with `reuse` its variables are shared.
      reuse: whether the variables must exist already.

    Returns:
      `[…, units]`.

    Example:
      >>> tf.layers.dense(tf.ones([2, 3]), 4, activation=tf.nn.relu).shape
      TensorShape([Dimension(2), Dimension(4)])
    """
    return run_layer(Dense, dict(locals()))


@export("layers.Dropout")
class Dropout(Layer):
    """Zeroes elements at random while training, and scales the others up.

    Args:
      rate: probability that an element is zeroed.
      noise_shape: shape of the decisions, `None` for the input's size: `[None, 1, 4]`.
      seed: seed of the decisions.
      name: the layer's name.
      **kwargs: as for `Layer`.
    """

    def __init__(self, rate=0.5, noise_shape=None, seed=None, name=None, **kwargs) -> None:
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.supports_masking = True

    def _noise_shape(self, inputs):
        if self.noise_shape is None:
            return None
        sizes = array.shape(inputs)
        return convert_to_tensor(
            [sizes[i] if size is None else size for i, size in enumerate(self.noise_shape)]
        )

    def call(self, inputs, training=False):
        """Gives the inputs with elements zeroed, if `training`, a boolean or a tensor."""

        def dropped():
            return nn.dropout(
                inputs, noise_shape=self._noise_shape(inputs), seed=self.seed, rate=self.rate
            )

        return smart_cond(training, dropped, lambda: array.identity(inputs))

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape


@export("layers.dropout")
def dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None):
    """Zeroes elements at random while training, and scales the others up.

    Args:
      inputs: a floating tensor.
      rate: probability that an element is zeroed.
      noise_shape: shape of the decisions, `None` for the input's size: `[None, 1, 4]`.
      seed: seed of the decisions.
      training: a boolean, or a tensor of one, that says whether to do it.
      name: the layer's name.
    """
    layer = Dropout(rate, noise_shape=noise_shape, seed=seed, name=name)
    return layer(inputs, training=training)


@export("layers.Flatten")
class Flatten(Layer):
    """Makes one axis of all but the first.

    Args:
      data_format: `"channels_last"` or `"channels_first"`, which is turned into the former first.
      **kwargs: as for `Layer`.
    """

    def __init__(self, data_format=None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.data_format = data_layout(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """Gives `[batch, all the rest]`."""
        rank = inputs.shape.ndims
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = array.transpose(inputs, perm=[0, *range(2, rank), 1])
        batch = inputs.shape.as_list()[0] if rank else None
        outputs = array.reshape(inputs, [batch or array.shape(inputs)[0], -1])
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape):
        """Returns `[batch, product of the other sizes]`."""
        shape = as_shape(input_shape)
        if not shape.ndims:
            return TensorShape([None, None])
        return TensorShape([shape[0], shape[1:].num_elements()])


@export("layers.flatten")
def flatten(inputs, name=None, data_format="channels_last"):
    """Makes one axis of all but the first.

    Args:
      inputs: `[batch, …]`.
      name: the layer's name.
      data_format: `"channels_last"` or `"channels_first"`, which is turned into the former first.

    Returns:
      `[batch, all the rest]`.
    """
    return Flatten(name=name, data_format=data_format)(inputs)


def data_layout(value):
    """Checks a `data_format`; `None` is `"channels_last"`.

    Raises:
      ValueError: if it is neither `"channels_first"` nor `"channels_last"`.
    """
    layout = "channels_last" if value is None else value.lower()
    if layout not in ("channels_first", "channels_last"):
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last". '
            f"Received: {value}"
        )
    return layout
