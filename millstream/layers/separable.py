"""Convolutions in two stages: one filter per channel, then a mix of the channels."""

from millstream.base.export import export
from millstream.layers import lookups
from millstream.layers.calling import init_arguments, run_layer
from millstream.layers.convolutional import ZEROS, Convolution
from millstream.ops import array, nn
from millstream.ops.array.padding import pad

_ARGUMENTS = """
    Args:
      filters: number of output channels.
      kernel_size: size of the window, one number or one per axis.
      strides: steps of the window.
      padding: `"valid"` or `"same"`.
      data_format: `"channels_last"` or `"channels_first"`.
      dilation_rate: distance of the elements that the window looks at.
      depth_multiplier: number of filters per input channel.
      activation: function that is applied at the end, or its name.
      use_bias: whether a bias per channel is added.
      depthwise_initializer: initializer of the filters per channel.
      pointwise_initializer: initializer of the mix.
      bias_initializer: initializer of the bias.
      depthwise_regularizer: function from the filters per channel to a loss.
      pointwise_regularizer: function from the mix to a loss.
      bias_regularizer: function from the bias to a loss.
      activity_regularizer: function from the output to a loss.
      depthwise_constraint: function that projects the filters per channel after each update.
      pointwise_constraint: function that projects the mix after each update.
      bias_constraint: function that projects the bias after each update.
      trainable: whether optimizers see the variables.
      name: the layer's name.
"""


class _Separable(Convolution):
    def __init__(
        self, depth_multiplier=1, depthwise_initializer=None, pointwise_initializer=None,
        depthwise_regularizer=None, pointwise_regularizer=None, depthwise_constraint=None,
        pointwise_constraint=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = lookups.initializer(depthwise_initializer)
        self.pointwise_initializer = lookups.initializer(pointwise_initializer)
        self.depthwise_regularizer = lookups.regularizer(depthwise_regularizer)
        self.pointwise_regularizer = lookups.regularizer(pointwise_regularizer)
        self.depthwise_constraint = lookups.constraint(depthwise_constraint)
        self.pointwise_constraint = lookups.constraint(pointwise_constraint)
        self.depthwise_kernel = self.pointwise_kernel = None

    def build(self, input_shape):
        """Makes `depthwise_kernel`, `pointwise_kernel` and `bias`.

        Raises:
          ValueError: if the number of input channels is not known.
        """
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint, trainable=True, dtype=self.dtype,
        )  # fmt: skip
        ones = (1,) * self.rank
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", (*ones, self.depth_multiplier * channels, self.filters),
            initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint, trainable=True, dtype=self.dtype,
        )  # fmt: skip
        self._add_bias_weight()
        self.built = True

    def _separate(self, inputs, depthwise, pointwise, strides, rate, padding):
        first = self.channels_first
        return nn.separable_conv2d(
            inputs, depthwise, pointwise,
            strides=(1, 1, *strides) if first else (1, *strides, 1), padding=padding, rate=rate,
            data_format="NCHW" if first else "NHWC",
        )  # fmt: skip


@export("layers.SeparableConv1D")
class SeparableConv1D(_Separable):
    __doc__ = "Correlates each channel of sequences with filters of its own, then mixes them.\n" + (
        _ARGUMENTS
    )
    rank = 1

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
        dilation_rate=1, depth_multiplier=1, activation=None, use_bias=True,
        depthwise_initializer=None, pointwise_initializer=None, bias_initializer=ZEROS,
        depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
        bias_constraint=None, trainable=True, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))

    def call(self, inputs):
        """Filters each channel, mixes them, adds the bias and applies the activation."""
        if self.padding == "causal":
            inputs = pad(inputs, self._causal_padding())
        axis = 2 if self.channels_first else 1
        outputs = self._separate(
            array.expand_dims(inputs, axis),
            array.expand_dims(self.depthwise_kernel, 0),
            array.expand_dims(self.pointwise_kernel, 0),
            self.strides * 2, (1, *self.dilation_rate),
            "VALID" if self.padding == "causal" else self.padding.upper(),
        )  # fmt: skip
        if self.use_bias:
            layout = "NCHW" if self.channels_first else "NHWC"
            outputs = nn.bias_add(outputs, self.bias, data_format=layout)
        outputs = array.squeeze(outputs, [axis])
        return outputs if self.activation is None else self.activation(outputs)


@export("layers.SeparableConv2D")
class SeparableConv2D(_Separable):
    __doc__ = "Correlates each channel of images with filters of its own, then mixes them.\n" + (
        _ARGUMENTS
    )
    rank = 2

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
        dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True,
        depthwise_initializer=None, pointwise_initializer=None, bias_initializer=ZEROS,
        depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
        bias_constraint=None, trainable=True, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))

    def call(self, inputs):
        """Filters each channel, mixes them, adds the bias and applies the activation."""
        outputs = self._separate(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides,
            self.dilation_rate, self.padding.upper(),
        )  # fmt: skip
        if self.use_bias:
            outputs = self._with_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)


@export("layers.separable_conv1d")
def separable_conv1d(
    inputs, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
    dilation_rate=1, depth_multiplier=1, activation=None, use_bias=True,
    depthwise_initializer=None, pointwise_initializer=None, bias_initializer=ZEROS,
    depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
    bias_constraint=None, trainable=True, name=None, reuse=None,
):  # fmt: skip
    """Filters each channel of sequences, then mixes them; see `tf.layers.SeparableConv1D`.

    `reuse` says whether the variables must exist already.
    """
    return run_layer(SeparableConv1D, dict(locals()))


@export("layers.separable_conv2d")
def separable_conv2d(
    inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
    dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True,
    depthwise_initializer=None, pointwise_initializer=None, bias_initializer=ZEROS,
    depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
    bias_constraint=None, trainable=True, name=None, reuse=None,
):  # fmt: skip
    """Filters each channel of images, then mixes them; see `tf.layers.SeparableConv2D`.

    `reuse` says whether the variables must exist already.
    """
    return run_layer(SeparableConv2D, dict(locals()))
