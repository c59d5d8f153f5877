"""`tf.contrib.rnn.CoupledInputForgetGateLSTMCell`: an LSTM whose input gate is `1 - forget`."""

from contextlib import nullcontext

from millstream.base.export import export
from millstream.contrib.rnn.normalized import layer_normalized
from millstream.ops import array, math, nn
from millstream.ops.by_name import ops
from millstream.ops.math.clipping import clip_by_value
from millstream.rnn.cell import RNNCell, input_width
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


def in_shards(name, rows, columns, dtype, count):
    """Returns a matrix that is made of `count` pieces, `name_0` and so on."""
    least, more = divmod(rows, count)
    pieces = [
        get_variable(f"{name}_{i}", [least + (i < more), columns], dtype=dtype)
        for i in range(count)
    ]
    return pieces[0] if count == 1 else array.concat(pieces, 0)


@export("contrib.rnn.CoupledInputForgetGateLSTMCell")
class CoupledInputForgetGateLSTMCell(RNNCell):
    """An LSTM in which what is forgotten and what is taken in add up to one.

    Args:
      num_units: size of the cell state.
      use_peepholes: whether the gates see the cell state.
      initializer: initializer of the variables.
      num_proj: size of the output, if it is projected.
      proj_clip: bound of the projected output.
      num_unit_shards: into how many pieces the kernel is cut.
      num_proj_shards: into how many pieces the projection is cut.
      forget_bias: what is added to the forget gate before it is squashed.
      state_is_tuple: whether states are `LSTMStateTuple`s; else one tensor, `c` first.
      activation: activation of candidate and state.
      reuse: whether the variables must exist.
      layer_norm: whether to normalise the gates and the state.
      norm_gain: first value of the gains.
      norm_shift: first value of the shifts.

    Source: Greff et al., LSTM: A Search Space Odyssey (2015).
    """

    def __init__(
        self, num_units, use_peepholes=False, initializer=None, num_proj=None, proj_clip=None,
        num_unit_shards=1, num_proj_shards=1, forget_bias=1.0, state_is_tuple=True,
        activation=math.tanh, reuse=None, layer_norm=False, norm_gain=1.0, norm_shift=0.0,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._initializer = initializer
        self._num_proj, self._proj_clip = num_proj, proj_clip
        self._unit_shards, self._proj_shards = num_unit_shards, num_proj_shards
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._activation = activation
        self._layer_norm, self._gain, self._shift = layer_norm, norm_gain, norm_shift
        self._outputs = num_units if num_proj is None else num_proj

    @property
    def state_size(self):
        """`LSTMStateTuple(units, outputs)`, or their sum."""
        sizes = LSTMStateTuple(self._num_units, self._outputs)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self):
        """The size of the output."""
        return self._outputs

    def _norm(self, x, scope, dtype):
        return layer_normalized(x, scope, self._gain, self._shift, dtype)

    def call(self, inputs, state):
        """Returns the output and the new state."""
        units, dtype = self._num_units, inputs.dtype
        width = input_width(inputs.shape.with_rank(2))
        if self._state_is_tuple:
            c_prev, m_prev = state
        else:
            c_prev = ops.Slice(state, [0, 0], [-1, units])
            m_prev = ops.Slice(state, [0, units], [-1, self._outputs])
        with _initialized(self._initializer):
            kernel = in_shards("W", width + self._outputs, 3 * units, dtype, self._unit_shards)
            bias = get_variable("B", shape=[3 * units], initializer=Zeros(), dtype=dtype)
            gates = math.matmul(array.concat([inputs, m_prev], 1), kernel)
            if not self._layer_norm:
                gates = nn.bias_add(gates, bias)
            j, f, o = array.split(value=gates, num_or_size_splits=3, axis=1)
            if self._layer_norm:
                j = self._norm(j, "transform", dtype)
                f = self._norm(f, "forget", dtype)
                o = self._norm(o, "output", dtype)
            if self._use_peepholes:
                w_f = get_variable("W_F_diag", shape=[units], dtype=dtype)
                w_o = get_variable("W_O_diag", shape=[units], dtype=dtype)
                f = math.sigmoid(f + self._forget_bias + w_f * c_prev)
            else:
                f = math.sigmoid(f + self._forget_bias)
            c = f * c_prev + (1 - f) * self._activation(j)
            if self._layer_norm:
                c = self._norm(c, "state", dtype)
            seen = o + w_o * c if self._use_peepholes else o
            m = math.sigmoid(seen) * self._activation(c)
            if self._num_proj is not None:
                weights = in_shards("W_P", units, self._num_proj, dtype, self._proj_shards)
                m = math.matmul(m, weights)
                if self._proj_clip is not None:
                    m = clip_by_value(m, -self._proj_clip, self._proj_clip)
        new = LSTMStateTuple(c, m)
        return m, new if self._state_is_tuple else array.concat([c, m], 1)


def _initialized(initializer):
    if initializer is None:
        return nullcontext()
    return variable_scope(get_variable_scope(), initializer=initializer)
