"""Convolutions over one, two and three axes."""

from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.convert import convert_to_tensor
from millstream.layers import lookups
from millstream.layers.base import Layer
from millstream.layers.calling import init_arguments, run_layer
from millstream.layers.core import data_layout
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, nn
from millstream.ops.array.padding import pad
from millstream.ops.nn.conv import Conv2D as Conv2DOp
from millstream.ops.nn.conv3d import Conv3D as Conv3DOp
from millstream.ops.nn.convolution import strides_and_rates
from millstream.ops.nn.space_to_batch import base_paddings, interleaved, spatial_axes_of
from millstream.state.initializers import Zeros

ZEROS = Zeros()

_ARGUMENTS = """
    Args:
      filters: number of output channels.
      kernel_size: size of the window, one number or one per axis.
      strides: steps of the window.
      padding: `"valid"` or `"same"`.
      data_format: `"channels_last"` or `"channels_first"`.
      dilation_rate: distance of the elements that the window looks at; not together with strides.
      activation: function that is applied at the end, or its name.
      use_bias: whether a bias per channel is added.
      kernel_initializer: initializer of the kernel; by default the scope's.
      bias_initializer: initializer of the bias.
      kernel_regularizer: function from the kernel to a loss.
      bias_regularizer: function from the bias to a loss.
      activity_regularizer: function from the output to a loss.
      kernel_constraint: function that projects the kernel after each update.
      bias_constraint: function that projects the bias after each update.
      trainable: whether optimizers see the variables.
      name: the layer's name.
"""


def sizes_of(value, count, name):
    """Returns `count` integers for one number or as many.

    Raises:
      ValueError: if it is something else.
    """
    if isinstance(value, int):
        return (value,) * count
    wrong = f"The `{name}` argument must be a tuple of {count} integers. Received: {value}"
    try:
        sizes = tuple(int(size) for size in value)
    except (TypeError, ValueError):
        raise ValueError(wrong) from None
    if len(sizes) != count:
        raise ValueError(wrong)
    return sizes


def checked_padding(value, causal=False):
    """Returns a padding in lower case.

    Raises:
      ValueError: if there is no such padding.
    """
    padding = value.lower() if isinstance(value, str) else value
    if padding not in ("valid", "same", *(["causal"] if causal else [])):
        raise ValueError(
            'The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", '
            f"only for `Conv1D). Received: {padding}"
        )
    return padding


def window_output(size, window, padding, stride, dilation=1):
    """Returns how many places a window has along an axis; `None` if the size is not known."""
    if size is None:
        return None
    reach = (window - 1) * dilation + 1
    places = size if padding in ("same", "causal") else size - reach + 1
    return (places + stride - 1) // stride


class Convolution(Layer):
    """Base of the convolutions; `rank` is the number of axes that the window slides over."""

    rank = 2

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
        activation=None, use_bias=True, kernel_initializer=None, bias_initializer=ZEROS,
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None, trainable=True, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(
            trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs
        )
        self.filters = filters
        self.kernel_size = sizes_of(kernel_size, self.rank, "kernel_size")
        self.strides = sizes_of(strides, self.rank, "strides")
        self.padding = checked_padding(padding, causal=self.rank == 1)
        self.data_format = data_layout(data_format)
        self.dilation_rate = sizes_of(dilation_rate, self.rank, "dilation_rate")
        self.activation = lookups.activation(activation)
        self.use_bias = use_bias
        self.kernel_initializer = lookups.initializer(kernel_initializer)
        self.bias_initializer = lookups.initializer(bias_initializer)
        self.kernel_regularizer = lookups.regularizer(kernel_regularizer)
        self.bias_regularizer = lookups.regularizer(bias_regularizer)
        self.kernel_constraint = lookups.constraint(kernel_constraint)
        self.bias_constraint = lookups.constraint(bias_constraint)
        self.kernel = self.bias = None
        self._dilation = self._paddings = None
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def channels_first(self):
        """Whether the channels stand before the axes that the window slides over."""
        return self.data_format == "channels_first"

    @property
    def layout(self):
        """The layout in the words of the ops, `"NHWC"`."""
        space = "DHW"[3 - self.rank :]
        return f"NC{space}" if self.channels_first else f"N{space}C"

    def _channels(self, input_shape, what="inputs"):
        axis = 1 if self.channels_first else -1
        channels = as_shape(input_shape).as_list()[axis]
        if channels is None:
            raise ValueError(
                f"The channel dimension of the {what} should be defined. Found `None`."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_bias_weight(self):
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.filters,), initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
                trainable=True, dtype=self.dtype,
            )  # fmt: skip

    def build(self, input_shape):
        """Makes `kernel`, `[window…, in, filters]`, and `bias`, `[filters]`.

        Raises:
          ValueError: if the number of input channels is not known.
        """
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint, trainable=True, dtype=self.dtype,
        )  # fmt: skip
        self._add_bias_weight()
        strides_and_rates(self.rank, self.strides, self.dilation_rate)
        self._dilation = convert_to_tensor(list(self.dilation_rate), name="dilation_rate")
        if any(rate > 1 for rate in self.dilation_rate):
            padding = "VALID" if self.padding == "causal" else self.padding.upper()
            sizes = self.kernel.shape.as_list()
            self._paddings = base_paddings(padding, sizes, self._dilation, self.rank)
        self.built = True

    def call(self, inputs):
        """Correlates with the kernel, adds the bias and applies the activation."""
        if self.padding == "causal":
            inputs = pad(inputs, self._causal_padding())
        padding = "VALID" if self.padding == "causal" else self.padding.upper()
        if all(rate == 1 for rate in self.dilation_rate):
            outputs = self._correlate(inputs, padding)
        else:
            axes = spatial_axes_of(None, self.rank, self.layout)
            outputs = interleaved(
                inputs, self._dilation, self._paddings, axes,
                lambda x: self._correlate(x, "VALID"),
            )  # fmt: skip
        if self.use_bias:
            outputs = self._with_bias(outputs)
        return outputs if self.activation is None else self.activation(outputs)

    def _causal_padding(self):
        left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return [[0, 0], [0, 0], [left, 0]] if self.channels_first else [[0, 0], [left, 0], [0, 0]]

    def _correlate(self, inputs, padding):
        if self.rank == 1:
            layout = "NCW" if self.channels_first else "NWC"
            return nn.conv1d(inputs, self.kernel, self.strides[0], padding, data_format=layout)
        opdef = Conv2DOp if self.rank == 2 else Conv3DOp
        strides = (1, 1, *self.strides) if self.channels_first else (1, *self.strides, 1)
        return opdef(inputs, self.kernel, strides=strides, padding=padding, data_format=self.layout)

    def _with_bias(self, outputs):
        if self.rank == 1 and self.channels_first:
            return outputs + array.reshape(self.bias, (1, self.filters, 1))
        layout = "NCHW" if self.channels_first else "NHWC"
        return nn.bias_add(outputs, self.bias, data_format=layout)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the convolved images."""
        sizes = as_shape(input_shape).as_list()
        space = sizes[2:] if self.channels_first else sizes[1:-1]
        settings = zip(space, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        places = [window_output(n, k, self.padding, s, d) for n, k, s, d in settings]
        if self.channels_first:
            return TensorShape([sizes[0], self.filters, *places])
        return TensorShape([sizes[0], *places, self.filters])


@export("layers.Conv1D")
class Conv1D(Convolution):
    __doc__ = "Correlates sequences, `[batch, width, channels]`, with a filter.\n" + _ARGUMENTS
    rank = 1

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
        dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None,
        bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
        name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))


@export("layers.Conv2D")
class Conv2D(Convolution):
    __doc__ = "Correlates images, `[batch, height, width, channels]`, with a filter.\n" + _ARGUMENTS
    rank = 2

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
        dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
        bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
        name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))


@export("layers.Conv3D")
class Conv3D(Convolution):
    __doc__ = "Correlates volumes, `[batch, depth, height, width, channels]`, with a filter.\n" + (
        _ARGUMENTS
    )
    rank = 3

    def __init__(
        self, filters, kernel_size, strides=(1, 1, 1), padding="valid",
        data_format="channels_last", dilation_rate=(1, 1, 1), activation=None, use_bias=True,
        kernel_initializer=None, bias_initializer=ZEROS, kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, trainable=True, name=None, **kwargs,
    ) -> None:  # fmt: skip
        super().__init__(**init_arguments(locals()))


@export("layers.conv1d")
def conv1d(
    inputs, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
    dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None,
    bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
    name=None, reuse=None,
):  # fmt: skip
    """Correlates sequences, `[batch, width, channels]`, with a filter; see `tf.layers.Conv1D`.

    `reuse` says whether the variables must exist already.
    """
    return run_layer(Conv1D, dict(locals()))


@export("layers.conv2d")
def conv2d(
    inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
    dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
    bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
    name=None, reuse=None,
):  # fmt: skip
    """Correlates images, `[batch, height, width, channels]`, with a filter; see `tf.layers.Conv2D`.

    `reuse` says whether the variables must exist already.

    Example:
      >>> tf.layers.conv2d(tf.ones([1, 8, 8, 3]), 4, 3).shape.as_list()
      [1, 6, 6, 4]
    """
    return run_layer(Conv2D, dict(locals()))


@export("layers.conv3d")
def conv3d(
    inputs, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
    dilation_rate=(1, 1, 1), activation=None, use_bias=True, kernel_initializer=None,
    bias_initializer=ZEROS, kernel_regularizer=None, bias_regularizer=None,
    activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True,
    name=None, reuse=None,
):  # fmt: skip
    """Correlates volumes with a filter; see `tf.layers.Conv3D`.

    `reuse` says whether the variables must exist already.
    """
    return run_layer(Conv3D, dict(locals()))
