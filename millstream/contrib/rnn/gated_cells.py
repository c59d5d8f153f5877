"""`tf.contrib.rnn`: cells with other gates: UGRNN, intersection, NAS and SRU."""

from millstream.base.export import export
from millstream.contrib.rnn.linear import Linear
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, math, nn
from millstream.rnn.cell import LayerRNNCell, RNNCell, input_width
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.initializers import Constant, Zeros
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


class _Units(RNNCell):
    """A cell whose state and output have `num_units`, with one linear map."""

    def __init__(self, num_units, initializer, forget_bias, reuse):
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias = forget_bias
        self._linear = None

    @property
    def state_size(self):
        """The number of units."""
        return self._num_units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units


@export("contrib.rnn.UGRNNCell")
class UGRNNCell(_Units):
    """A cell with a single gate between the state and a candidate.

    Args:
      num_units: size of the state.
      initializer: initializer of the variables.
      forget_bias: what is added to the gate before it is squashed.
      activation: activation of the candidate.
      reuse: whether the variables must exist.

    Source: Collins et al., Capacity and Trainability in Recurrent Neural Networks (2016).
    """

    def __init__(
        self, num_units, initializer=None, forget_bias=1.0, activation=math.tanh, reuse=None
    ):
        super().__init__(num_units, initializer, forget_bias, reuse)
        self._activation = activation

    def call(self, inputs, state):
        """Returns the new state twice."""
        input_width(inputs.shape.with_rank(2))
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            both = array.concat([inputs, state], 1)
            if self._linear is None:
                self._linear = Linear(both, 2 * self._num_units, True)
            joint = self._linear(both)
            gate, candidate = array.split(value=joint, num_or_size_splits=2, axis=1)
            c = self._activation(candidate)
            g = math.sigmoid(gate + self._forget_bias)
            new_state = g * state + (1.0 - g) * c
        return new_state, new_state


@export("contrib.rnn.IntersectionRNNCell")
class IntersectionRNNCell(_Units):
    """A cell with gated ways through time and through depth; outputs are as large as inputs.

    Args:
      num_units: size of state and output.
      num_in_proj: size to which the first inputs are projected; needed if it is not theirs.
      initializer: initializer of the variables.
      forget_bias: what is added to the gates before they are squashed.
      y_activation: activation of the output's candidate.
      reuse: whether the variables must exist.

    Source: Collins et al., Capacity and Trainability in Recurrent Neural Networks (2016).
    """

    def __init__(
        self, num_units, num_in_proj=None, initializer=None, forget_bias=1.0, y_activation=nn.relu,
        reuse=None,
    ):  # fmt: skip
        super().__init__(num_units, initializer, forget_bias, reuse)
        self._y_activation, self._num_in_proj = y_activation, num_in_proj
        self._projection = None

    def call(self, inputs, state):
        """Returns the output and the new state.

        Raises:
          ValueError: if the inputs have not the size of the state and are not projected.
        """
        width, units = input_width(inputs.shape.with_rank(2)), self._num_units
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            if width != units:
                if not self._num_in_proj:
                    raise ValueError(
                        "Must have input size == output size for Intersection RNN. To fix, "
                        "num_in_proj should be set to num_units at cell init."
                    )
                with variable_scope("in_projection"):
                    if self._projection is None:
                        self._projection = Linear(inputs, self._num_in_proj, True)
                    inputs = self._projection(inputs)
            both = array.concat([inputs, state], 1)
            if self._linear is None:
                self._linear = Linear(both, 4 * units, True)
            joint = self._linear(both)
            gate_h, h, gate_y, y = (joint[:, k * units : (k + 1) * units] for k in range(4))
            h, y = math.tanh(h), self._y_activation(y)
            gate_h = math.sigmoid(gate_h + self._forget_bias)
            gate_y = math.sigmoid(gate_y + self._forget_bias)
            new_state = gate_h * state + (1.0 - gate_h) * h
            return gate_y * inputs + (1.0 - gate_y) * y, new_state


@export("contrib.rnn.NASCell")
class NASCell(LayerRNNCell):
    """A cell that an architecture search has found.

    Args:
      num_units: size of the cell state.
      num_proj: size of the output, if it is projected.
      use_bias: whether there are biases.
      reuse: whether the variables must exist.
      **kwargs: as for `tf.layers.Layer`.

    Source: Zoph and Le, Neural Architecture Search with Reinforcement Learning (2016).
    """

    def __init__(self, num_units, num_proj=None, use_bias=False, reuse=None, **kwargs):
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units, self._num_proj, self._use_bias = num_units, num_proj, use_bias
        self._outputs = num_units if num_proj is None else num_proj
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self):
        """`LSTMStateTuple(units, outputs)`."""
        return LSTMStateTuple(self._num_units, self._outputs)

    @property
    def output_size(self):
        """The size of the output."""
        return self._outputs

    def build(self, inputs_shape):
        """Makes the kernels, the bias and the projection."""
        width, units = input_width(inputs_shape), self._num_units
        self._recurrent = self.add_weight("recurrent_kernel", [self._outputs, 8 * units])
        self._kernel = self.add_weight("kernel", [width, 8 * units])
        if self._use_bias:
            self._bias = self.add_weight("bias", [8 * units], initializer=Zeros())
        if self._num_proj is not None:
            self._projection = self.add_weight("projection_weights", [units, self._num_proj])
        self.built = True

    def call(self, inputs, state):
        """Returns the output and the new state."""
        c_prev, m_prev = state
        from_m = math.matmul(m_prev, self._recurrent)
        from_x = math.matmul(inputs, self._kernel)
        if self._use_bias:
            from_m = nn.bias_add(from_m, self._bias)
        m = array.split(axis=1, num_or_size_splits=8, value=from_m)
        x = array.split(axis=1, num_or_size_splits=8, value=from_x)
        sigmoid, tanh, relu = math.sigmoid, math.tanh, nn.relu
        first = [
            sigmoid(x[0] + m[0]), relu(x[1] + m[1]), sigmoid(x[2] + m[2]), relu(x[3] * m[3]),
            tanh(x[4] + m[4]), sigmoid(x[5] + m[5]), tanh(x[6] + m[6]), sigmoid(x[7] + m[7]),
        ]  # fmt: skip
        second = [
            tanh(first[0] * first[1]), tanh(first[2] + first[3]), tanh(first[4] * first[5]),
            sigmoid(first[6] + first[7]),
        ]  # fmt: skip
        second[0] = tanh(second[0] + c_prev)
        new_c = second[0] * second[1]
        third = tanh(second[2] + second[3])
        new_m = tanh(new_c * third)
        if self._num_proj is not None:
            new_m = math.matmul(new_m, self._projection)
        return new_m, LSTMStateTuple(new_c, new_m)


@export("contrib.rnn.SRUCell")
class SRUCell(LayerRNNCell):
    """A simple recurrent unit, whose gates do not look at the state.

    Args:
      num_units: size of the state.
      activation: activation of the state, by default the hyperbolic tangent.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
      **kwargs: as for `tf.layers.Layer`.

    Source: Lei et al., Simple Recurrent Units for Highly Parallelizable Recurrence (2017).
    """

    def __init__(self, num_units, activation=None, reuse=None, name=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units, self._activation = num_units, activation or math.tanh
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self):
        """The number of units."""
        return self._num_units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape):
        """Makes `kernel` `[inputs, 4 * units]` and `bias` `[2 * units]`."""
        width = input_width(inputs_shape)
        self._kernel = self.add_weight("kernel", shape=[width, 4 * self._num_units])
        self._bias = self.add_weight(
            "bias", shape=[2 * self._num_units], initializer=Constant(0.0, dtype=self.dtype)
        )
        self.built = True

    def call(self, inputs, state):
        """Returns the output and the new state."""
        joint = math.matmul(inputs, self._kernel)
        x, f, r, passed = array.split(value=joint, num_or_size_splits=4, axis=1)
        gates = math.sigmoid(nn.bias_add(array.concat([f, r], 1), self._bias))
        f, r = array.split(value=gates, num_or_size_splits=2, axis=1)
        c = f * state + (1.0 - f) * x
        return r * self._activation(c) + (1.0 - r) * passed, c
