"""`tf.nn.rnn_cell`: the basic cell, LSTM and GRU."""

import collections

from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.layers import lookups
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, math, nn
from millstream.ops.by_name import ops
from millstream.ops.math.clipping import clip_by_value
from millstream.rnn.cell import BIAS, WEIGHTS, LayerRNNCell, input_width
from millstream.state.initializers import Constant, Zeros
from millstream.state.partitioning import fixed_size_partitioner

_Pair = collections.namedtuple("LSTMStateTuple", ("c", "h"))


@export("nn.rnn_cell.LSTMStateTuple", "contrib.rnn.LSTMStateTuple")
class LSTMStateTuple(_Pair):
    """State of an LSTM: the cell state `c` and the output `h`, both `[batch, units]`."""

    __slots__ = ()

    @property
    def dtype(self):
        """The element type of both.

        Raises:
          TypeError: if they differ.
        """
        c, h = self
        if c.dtype != h.dtype:
            raise TypeError(f"Inconsistent internal state: {c.dtype} vs {h.dtype}")
        return c.dtype


def _dense(inputs, kernel, bias):
    return nn.bias_add(math.matmul(inputs, kernel), bias)


@export("nn.rnn_cell.BasicRNNCell", "contrib.rnn.BasicRNNCell")
class BasicRNNCell(LayerRNNCell):
    """The simplest cell: `output = new_state = tanh([inputs, state] @ kernel + bias)`.

    Args:
      num_units: size of the state.
      activation: what to use instead of the hyperbolic tangent, or its name.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
      dtype: element type of the variables.
      **kwargs: as for `tf.layers.Layer`.
    """

    def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = lookups.activation(activation) if activation else math.tanh

    @property
    def state_size(self):
        """The number of units."""
        return self._num_units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape):
        """Makes `kernel` `[inputs + units, units]` and `bias` `[units]`."""
        width = input_width(inputs_shape)
        self._kernel = self.add_weight(WEIGHTS, shape=[width + self._num_units, self._num_units])
        self._bias = self.add_weight(
            BIAS, shape=[self._num_units], initializer=Zeros(dtype=self.dtype)
        )
        self.built = True

    def call(self, inputs, state):
        """Returns the output twice."""
        both = array.concat([inputs, state], 1)
        output = self._activation(_dense(both, self._kernel, self._bias))
        return output, output


@export("nn.rnn_cell.GRUCell", "contrib.rnn.GRUCell")
class GRUCell(LayerRNNCell):
    """A gated recurrent unit.

    The variables are `gates/kernel`, `gates/bias` (ones at first), `candidate/kernel` and
    `candidate/bias`.

    Args:
      num_units: size of the state.
      activation: what to use instead of the hyperbolic tangent, or its name.
      reuse: whether the variables must exist.
      kernel_initializer: initializer of both kernels.
      bias_initializer: initializer of both biases.
      name: the cell's name and its scope's.
      dtype: element type of the variables.
      **kwargs: as for `tf.layers.Layer`.

    Source: Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014).
    """

    def __init__(
        self, num_units, activation=None, reuse=None, kernel_initializer=None,
        bias_initializer=None, name=None, dtype=None, **kwargs,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = lookups.activation(activation) if activation else math.tanh
        self._kernel_initializer = lookups.initializer(kernel_initializer)
        self._bias_initializer = lookups.initializer(bias_initializer)

    @property
    def state_size(self):
        """The number of units."""
        return self._num_units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape):
        """Makes the kernels and biases of gates and candidate."""
        width, units = input_width(inputs_shape), self._num_units
        given = self._bias_initializer
        self._gate_kernel = self.add_weight(
            f"gates/{WEIGHTS}", shape=[width + units, 2 * units],
            initializer=self._kernel_initializer,
        )  # fmt: skip
        self._gate_bias = self.add_weight(
            f"gates/{BIAS}", shape=[2 * units],
            initializer=given if given is not None else Constant(1.0, dtype=self.dtype),
        )  # fmt: skip
        self._candidate_kernel = self.add_weight(
            f"candidate/{WEIGHTS}", shape=[width + units, units],
            initializer=self._kernel_initializer,
        )  # fmt: skip
        self._candidate_bias = self.add_weight(
            f"candidate/{BIAS}", shape=[units],
            initializer=given if given is not None else Zeros(dtype=self.dtype),
        )  # fmt: skip
        self.built = True

    def call(self, inputs, state):
        """Returns the new state twice."""
        gates = math.sigmoid(
            _dense(array.concat([inputs, state], 1), self._gate_kernel, self._gate_bias)
        )
        r, u = array.split(value=gates, num_or_size_splits=2, axis=1)
        both = array.concat([inputs, r * state], 1)
        c = self._activation(_dense(both, self._candidate_kernel, self._candidate_bias))
        new_h = u * state + (1 - u) * c
        return new_h, new_h


@export("nn.rnn_cell.BasicLSTMCell", "contrib.rnn.BasicLSTMCell")
class BasicLSTMCell(LayerRNNCell):
    """A long short-term memory without peepholes, projection or clipping.

    Args:
      num_units: size of the output and of the cell state.
      forget_bias: what is added to the forget gate before it is squashed; zero when weights come
        from cuDNN.
      state_is_tuple: whether states are `LSTMStateTuple`s; else `[batch, 2 * units]`, `c` first.
      activation: what to use instead of the hyperbolic tangent, or its name.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
      dtype: element type of the variables.
      **kwargs: as for `tf.layers.Layer`.

    Source: Zaremba et al., Recurrent Neural Network Regularization (2014).
    """

    def __init__(
        self, num_units, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None,
        name=None, dtype=None, **kwargs,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = lookups.activation(activation) if activation else math.tanh

    @property
    def state_size(self):
        """`LSTMStateTuple(units, units)`, or twice the units."""
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape):
        """Makes `kernel` `[inputs + units, 4 * units]` and `bias` `[4 * units]`."""
        width, units = input_width(inputs_shape), self._num_units
        self._kernel = self.add_weight(WEIGHTS, shape=[width + units, 4 * units])
        self._bias = self.add_weight(BIAS, shape=[4 * units], initializer=Zeros(dtype=self.dtype))
        self.built = True

    def call(self, inputs, state):
        """Returns the output and the new state."""
        one = constant(1, dtype=int32)
        if self._state_is_tuple:
            c, h = state
        else:
            c, h = array.split(value=state, num_or_size_splits=2, axis=one)
        gates = _dense(array.concat([inputs, h], 1), self._kernel, self._bias)
        i, j, f, o = array.split(value=gates, num_or_size_splits=4, axis=one)
        forget_bias = constant(self._forget_bias, dtype=f.dtype)
        # The named ops are those that TensorFlow uses here in place of operators.
        kept = ops.Mul(c, ops.Sigmoid(ops.Add(f, forget_bias)))
        new_c = ops.Add(kept, ops.Mul(ops.Sigmoid(i), self._activation(j)))
        new_h = ops.Mul(self._activation(new_c), ops.Sigmoid(o))
        if self._state_is_tuple:
            return new_h, LSTMStateTuple(new_c, new_h)
        return new_h, array.concat([new_c, new_h], 1)


@export("nn.rnn_cell.LSTMCell", "contrib.rnn.LSTMCell")
class LSTMCell(LayerRNNCell):
    """A long short-term memory with peepholes, projection and clipping at choice.

    Args:
      num_units: size of the cell state.
      use_peepholes: whether the gates see the cell state, through diagonal matrices `w_f_diag`,
        `w_i_diag`, `w_o_diag`.
      cell_clip: bound of the cell state.
      initializer: initializer of kernels and peepholes.
      num_proj: size of the output, by projection with `projection/kernel`; by default `num_units`
        without one.
      proj_clip: bound of the projected output, if `num_proj` is positive.
      num_unit_shards: into how many pieces the kernel is cut; a partitioner does the same.
      num_proj_shards: into how many pieces the projection's kernel is cut.
      forget_bias: what is added to the forget gate before it is squashed.
      state_is_tuple: whether states are `LSTMStateTuple`s; else one tensor, `c` first.
      activation: what to use instead of the hyperbolic tangent, or its name.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
      dtype: element type of the variables.
      **kwargs: as for `tf.layers.Layer`.

    Source: Sak et al., Long Short-Term Memory Recurrent Neural Network Architectures (2014).
    """

    def __init__(
        self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None,
        proj_clip=None, num_unit_shards=None, num_proj_shards=None, forget_bias=1.0,
        state_is_tuple=True, activation=None, reuse=None, name=None, dtype=None, **kwargs,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._use_peepholes = use_peepholes
        self._cell_clip = cell_clip
        self._initializer = lookups.initializer(initializer)
        self._num_proj = num_proj
        self._proj_clip = proj_clip
        self._num_unit_shards, self._num_proj_shards = num_unit_shards, num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = lookups.activation(activation) if activation else math.tanh
        self._output_size = num_proj or num_units

    @property
    def state_size(self):
        """`LSTMStateTuple(units, outputs)`, or their sum."""
        sizes = LSTMStateTuple(self._num_units, self._output_size)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self):
        """The number of units, or `num_proj`."""
        return self._output_size

    def build(self, inputs_shape):
        """Makes the kernel, the bias, the peepholes and the projection."""
        width, units = input_width(inputs_shape), self._num_units
        self._kernel = self.add_weight(
            WEIGHTS, shape=[width + self._output_size, 4 * units], initializer=self._initializer,
            partitioner=_in_pieces(self._num_unit_shards),
        )  # fmt: skip
        dtype = self.dtype
        self._bias = self.add_weight(BIAS, shape=[4 * units], initializer=Zeros(dtype=dtype))
        if self._use_peepholes:
            self._w_f_diag, self._w_i_diag, self._w_o_diag = (
                self.add_weight(f"w_{gate}_diag", shape=[units], initializer=self._initializer)
                for gate in "fio"
            )
        if self._num_proj is not None:
            self._proj_kernel = self.add_weight(
                f"projection/{WEIGHTS}", shape=[units, self._num_proj],
                initializer=self._initializer, partitioner=_in_pieces(self._num_proj_shards),
            )  # fmt: skip
        self.built = True

    def _split_state(self, state):
        if self._state_is_tuple:
            return state
        units, outputs = self._num_units, self._output_size
        return ops.Slice(state, [0, 0], [-1, units]), ops.Slice(state, [0, units], [-1, outputs])

    def call(self, inputs, state):
        """Returns the output and the new state.

        Raises:
          ValueError: if the size of the input is not known.
        """
        c_prev, m_prev = self._split_state(state)
        input_width(inputs.shape.with_rank(2))
        gates = _dense(array.concat([inputs, m_prev], 1), self._kernel, self._bias)
        i, j, f, o = array.split(value=gates, num_or_size_splits=4, axis=1)
        sigmoid = math.sigmoid
        if self._use_peepholes:
            forget = sigmoid(f + self._forget_bias + self._w_f_diag * c_prev)
            c = forget * c_prev + sigmoid(i + self._w_i_diag * c_prev) * self._activation(j)
        else:
            c = sigmoid(f + self._forget_bias) * c_prev + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            c = clip_by_value(c, -self._cell_clip, self._cell_clip)
        seen = o + self._w_o_diag * c if self._use_peepholes else o
        m = self._projected(sigmoid(seen) * self._activation(c))
        if self._state_is_tuple:
            return m, LSTMStateTuple(c, m)
        return m, array.concat([c, m], 1)

    def _projected(self, m):
        if self._num_proj is None:
            return m
        m = math.matmul(m, self._proj_kernel)
        if self._proj_clip is not None:
            m = clip_by_value(m, -self._proj_clip, self._proj_clip)
        return m


def _in_pieces(count):
    return None if count is None else fixed_size_partitioner(count)
