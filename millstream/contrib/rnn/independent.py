"""`tf.contrib.rnn`: cells whose units see only their own state: IndRNN, IndyGRU, IndyLSTM."""

from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, math, nn
from millstream.ops.by_name import ops
from millstream.rnn.cell import LayerRNNCell, input_width
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.initializers import Constant, RandomUniform, Zeros


class _Independent(LayerRNNCell):
    """Keeps the arguments that the cells have in common."""

    def __init__(self, num_units, activation, reuse, name, dtype):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=2)
        self._num_units, self._activation = num_units, activation or math.tanh

    @property
    def state_size(self):
        """The number of units."""
        return self._num_units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units


@export("contrib.rnn.IndRNNCell")
class IndRNNCell(_Independent):
    """Is `BasicRNNCell` whose recurrent weights are a vector.

    Args:
      num_units: size of the state.
      activation: by default the hyperbolic tangent.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
      dtype: element type of the variables.

    Source: Li et al., Independently Recurrent Neural Network (2018).
    """

    def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None):
        super().__init__(num_units, activation, reuse, name, dtype)

    def build(self, inputs_shape):
        """Makes `kernel_w`, `kernel_u` and `bias`."""
        width, units = input_width(inputs_shape), self._num_units
        self._kernel_w = self.add_weight("kernel_w", shape=[width, units])
        self._kernel_u = self.add_weight(
            "kernel_u", shape=[1, units],
            initializer=RandomUniform(minval=-1, maxval=1, dtype=self.dtype),
        )  # fmt: skip
        self._bias = self.add_weight("bias", shape=[units], initializer=Zeros(dtype=self.dtype))
        self.built = True

    def call(self, inputs, state):
        """Returns the new state twice."""
        gates = math.matmul(inputs, self._kernel_w) + state * self._kernel_u
        output = self._activation(nn.bias_add(gates, self._bias))
        return output, output


@export("contrib.rnn.IndyGRUCell")
class IndyGRUCell(_Independent):
    """Is `GRUCell` whose recurrent weights are vectors.

    Args:
      num_units: size of the state.
      activation: by default the hyperbolic tangent.
      reuse: whether the variables must exist.
      kernel_initializer: initializer of the kernels.
      bias_initializer: initializer of the biases.
      name: the cell's name and its scope's.
      dtype: element type of the variables.

    Source: Gonnet and Deselaers, IndyLSTMs: Independently Recurrent LSTMs (2019).
    """

    def __init__(
        self, num_units, activation=None, reuse=None, kernel_initializer=None,
        bias_initializer=None, name=None, dtype=None,
    ):  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, inputs_shape):
        """Makes the kernels and biases of gates and candidate."""
        width, units = input_width(inputs_shape), self._num_units
        given, kernel = self._bias_initializer, self._kernel_initializer
        ones, zeros = Constant(1.0, dtype=self.dtype), Zeros(dtype=self.dtype)
        self._gate_w = self.add_weight(
            "gates/kernel_w", shape=[width, 2 * units], initializer=kernel
        )
        bound = RandomUniform(minval=-1, maxval=1, dtype=self.dtype)
        self._gate_u = self.add_weight("gates/kernel_u", shape=[1, 2 * units], initializer=bound)
        self._gate_bias = self.add_weight(
            "gates/bias", shape=[2 * units], initializer=ones if given is None else given
        )
        self._candidate_w = self.add_weight(
            "candidate/kernel", shape=[width, units], initializer=kernel
        )
        self._candidate_u = self.add_weight(
            "candidate/kernel_u", shape=[1, units],
            initializer=RandomUniform(minval=-1, maxval=1, dtype=self.dtype),
        )  # fmt: skip
        self._candidate_bias = self.add_weight(
            "candidate/bias", shape=[units], initializer=zeros if given is None else given
        )
        self.built = True

    def call(self, inputs, state):
        """Returns the new state twice."""
        gates = math.matmul(inputs, self._gate_w) + array.tile(state, [1, 2]) * self._gate_u
        gates = math.sigmoid(nn.bias_add(gates, self._gate_bias))
        r, u = array.split(value=gates, num_or_size_splits=2, axis=1)
        kept = r * state
        candidate = math.matmul(inputs, self._candidate_w) + kept * self._candidate_u
        c = self._activation(nn.bias_add(candidate, self._candidate_bias))
        new_h = u * state + (1 - u) * c
        return new_h, new_h


@export("contrib.rnn.IndyLSTMCell")
class IndyLSTMCell(_Independent):
    """Is `BasicLSTMCell` whose recurrent weights are vectors.

    Args:
      num_units: size of the output and of the cell state.
      forget_bias: what is added to the forget gate before it is squashed.
      activation: by default the hyperbolic tangent.
      reuse: whether the variables must exist.
      kernel_initializer: initializer of the kernels.
      bias_initializer: initializer of the bias.
      name: the cell's name and its scope's.
      dtype: element type of the variables.

    Source: Gonnet and Deselaers, IndyLSTMs: Independently Recurrent LSTMs (2019).
    """

    def __init__(
        self, num_units, forget_bias=1.0, activation=None, reuse=None, kernel_initializer=None,
        bias_initializer=None, name=None, dtype=None,
    ):  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype)
        self._forget_bias = forget_bias
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    @property
    def state_size(self):
        """`LSTMStateTuple(units, units)`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    def build(self, inputs_shape):
        """Makes `kernel_w`, `kernel_u` and `bias`."""
        width, units = input_width(inputs_shape), self._num_units
        given = self._bias_initializer
        self._kernel_w = self.add_weight(
            "kernel_w", shape=[width, 4 * units], initializer=self._kernel_initializer
        )
        self._kernel_u = self.add_weight(
            "kernel_u", shape=[1, 4 * units],
            initializer=RandomUniform(minval=-1, maxval=1, dtype=self.dtype),
        )  # fmt: skip
        self._bias = self.add_weight(
            "bias", shape=[4 * units],
            initializer=Zeros(dtype=self.dtype) if given is None else given,
        )  # fmt: skip
        self.built = True

    def call(self, inputs, state):
        """Returns the output and the new state."""
        one = constant(1, dtype=int32)
        c, h = state
        gates = math.matmul(inputs, self._kernel_w)
        gates += array.tile(h, [1, 4]) * self._kernel_u
        gates = nn.bias_add(gates, self._bias)
        i, j, f, o = array.split(value=gates, num_or_size_splits=4, axis=one)
        forget_bias = constant(self._forget_bias, dtype=f.dtype)
        kept = ops.Mul(c, ops.Sigmoid(ops.Add(f, forget_bias)))
        new_c = ops.Add(kept, ops.Mul(ops.Sigmoid(i), self._activation(j)))
        new_h = ops.Mul(self._activation(new_c), ops.Sigmoid(o))
        return new_h, LSTMStateTuple(new_c, new_h)
