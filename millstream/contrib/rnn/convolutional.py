"""`tf.contrib.rnn`: LSTMs whose gates are convolutions."""

from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ops import array, math, nn
from millstream.rnn.cell import RNNCell
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant

_CONVOLUTIONS = {
    1: (nn.conv1d, 1),
    2: (nn.conv2d, [1, 1, 1, 1]),
    3: (nn.conv3d, [1, 1, 1, 1, 1]),
}


@export("contrib.rnn.ConvLSTMCell")
class ConvLSTMCell(RNNCell):
    """An LSTM over images or the like, `[batch, *spatial, channels]`.

    Args:
      conv_ndims: number of spatial axes, 1, 2 or 3.
      input_shape: shape of an input without the batch.
      output_channels: channels of the output.
      kernel_shape: spatial shape of the kernel.
      use_bias: whether there is a bias.
      skip_connection: whether the inputs join the outputs' channels.
      forget_bias: what is added to the forget gate before it is squashed.
      initializers: not used.
      name: the cell's name and its scope's.

    Raises:
      ValueError: if `input_shape` has another rank.

    Source: Shi et al., Convolutional LSTM Network (2015).
    """

    def __init__(
        self, conv_ndims, input_shape, output_channels, kernel_shape, use_bias=True,
        skip_connection=False, forget_bias=1.0, initializers=None, name="conv_lstm_cell",
    ):  # fmt: skip
        super().__init__(name=name)
        del initializers
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._ndims, self._input_shape = conv_ndims, list(input_shape)
        self._channels, self._kernel_shape = output_channels, list(kernel_shape)
        self._use_bias, self._skip = use_bias, skip_connection
        self._forget_bias = forget_bias
        self._total = output_channels + (self._input_shape[-1] if skip_connection else 0)

    @property
    def output_size(self):
        """The shape of an output."""
        return TensorShape([*self._input_shape[:-1], self._total])

    @property
    def state_size(self):
        """The shapes of cell state and output."""
        shape = TensorShape([*self._input_shape[:-1], self._channels])
        return LSTMStateTuple(shape, shape)

    def call(self, inputs, state, scope=None):
        """Returns the output and the new state."""
        del scope
        cell, hidden = state
        joint = self._convolved([inputs, hidden])
        i, candidate, f, o = array.split(value=joint, num_or_size_splits=4, axis=self._ndims + 1)
        new_cell = math.sigmoid(f + self._forget_bias) * cell
        new_cell += math.sigmoid(i) * math.tanh(candidate)
        output = math.tanh(new_cell) * math.sigmoid(o)
        if self._skip:
            output = array.concat([output, inputs], self._ndims + 1)
        return output, LSTMStateTuple(new_cell, output)

    def _convolved(self, parts):
        columns, dtype = 4 * self._channels, parts[0].dtype
        channels = sum(x.shape.as_list()[-1] for x in parts)
        kernel = get_variable("kernel", [*self._kernel_shape, channels, columns], dtype=dtype)
        convolve, strides = _CONVOLUTIONS[self._ndims]
        joint = array.concat(parts, self._ndims + 1)
        result = convolve(joint, kernel, strides, padding="SAME")
        if not self._use_bias:
            return result
        bias = get_variable(
            "biases", [columns], dtype=dtype, initializer=Constant(0.0, dtype=dtype)
        )
        return result + bias


@export("contrib.rnn.Conv1DLSTMCell")
class Conv1DLSTMCell(ConvLSTMCell):
    """Is `ConvLSTMCell` with one spatial axis.

    Args:
      name: the cell's name and its scope's.
      **kwargs: as for `ConvLSTMCell`.
    """

    def __init__(self, name="conv_1d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=1, name=name, **kwargs)


@export("contrib.rnn.Conv2DLSTMCell")
class Conv2DLSTMCell(ConvLSTMCell):
    """Is `ConvLSTMCell` with two spatial axes.

    Args:
      name: the cell's name and its scope's.
      **kwargs: as for `ConvLSTMCell`.
    """

    def __init__(self, name="conv_2d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=2, name=name, **kwargs)


@export("contrib.rnn.Conv3DLSTMCell")
class Conv3DLSTMCell(ConvLSTMCell):
    """Is `ConvLSTMCell` with three spatial axes.

    Args:
      name: the cell's name and its scope's.
      **kwargs: as for `ConvLSTMCell`.
    """

    def __init__(self, name="conv_3d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=3, name=name, **kwargs)
