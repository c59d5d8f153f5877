"""`tf.contrib.rnn.GLSTMCell`: an LSTM of groups that do not see each other."""

from millstream.base.export import export
from millstream.contrib.rnn.linear import Linear
from millstream.ops import array, math, nn
from millstream.ops.by_name import ops
from millstream.rnn.cell import RNNCell
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


@export("contrib.rnn.GLSTMCell")
class GLSTMCell(RNNCell):
    """An LSTM that is cut into groups, each with a part of inputs, state and output.

    Args:
      num_units: size of the cell state.
      initializer: initializer of the variables.
      num_proj: size of the output, if it is projected.
      number_of_groups: number of groups; it divides all sizes.
      forget_bias: what is added to the forget gate before it is squashed.
      activation: activation of candidate and state.
      reuse: whether the variables must exist.

    Raises:
      ValueError: if a size cannot be divided.

    Source: Kuchaiev and Ginsburg, Factorization tricks for LSTM networks (2017).
    """

    def __init__(
        self, num_units, initializer=None, num_proj=None, number_of_groups=1, forget_bias=1.0,
        activation=math.tanh, reuse=None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias, self._activation = forget_bias, activation
        self._groups = number_of_groups
        self._num_proj = num_proj
        self._outputs = num_units if num_proj is None else num_proj
        if self._num_units % self._groups:
            raise ValueError("num_units must be divisible by number_of_groups")
        if self._outputs % self._groups:
            raise ValueError("num_proj must be divisible by number_of_groups")
        self._maps = None
        self._projection = None

    @property
    def state_size(self):
        """`LSTMStateTuple(units, outputs)`."""
        return LSTMStateTuple(self._num_units, self._outputs)

    @property
    def output_size(self):
        """The size of the output."""
        return self._outputs

    def _part(self, x, group, width):
        size = width // self._groups
        if self._groups == 1:
            return x
        return ops.Slice(
            x, [0, group * size], [-1, size], name=f"GLSTM_group{group}_input_generation"
        )

    def call(self, inputs, state):
        """Returns the output and the new state.

        Raises:
          ValueError: if the size of the inputs is unknown or cannot be divided.
        """
        c_prev, m_prev = state
        width = inputs.shape.with_rank(2).as_list()[1]
        if width is None or width % self._groups:
            raise ValueError(f"input size ({width}) must be divisible by number_of_groups "
                             f"({self._groups})")  # fmt: skip
        with variable_scope(get_variable_scope(), initializer=self._initializer):
            parts = [self._group(g, inputs, m_prev, width) for g in range(self._groups)]
            i, j, f, o = (
                self._biased(name, [part[k] for part in parts], inputs.dtype)
                for k, name in enumerate("ijfo")
            )
        c = math.sigmoid(f + self._forget_bias) * c_prev + math.sigmoid(i) * self._activation(j)
        m = math.sigmoid(o) * self._activation(c)
        if self._num_proj is not None:
            with variable_scope("projection"):
                if self._projection is None:
                    self._projection = Linear(m, self._num_proj, False)
                m = self._projection(m)
        return m, LSTMStateTuple(c, m)

    def _group(self, group, inputs, m_prev, width):
        """Returns a group's four gates, without biases."""
        with variable_scope(f"group{group}"):
            both = array.concat(
                [self._part(inputs, group, width), self._part(m_prev, group, self._outputs)], 1
            )
            if self._maps is None:
                self._maps = {}
            if group not in self._maps:
                self._maps[group] = Linear(both, 4 * self._num_units // self._groups, False)
            return array.split(value=self._maps[group](both), num_or_size_splits=4, axis=1)

    def _biased(self, name, parts, dtype):
        bias = get_variable(
            f"bias_{name}", [self._num_units], dtype=dtype, initializer=Constant(0.0, dtype=dtype)
        )
        return nn.bias_add(array.concat(parts, 1), bias)
