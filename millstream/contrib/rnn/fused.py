"""`tf.contrib.rnn`: cells that run over a whole sequence at once."""

import abc

from millstream.base.dtypes import int32, int64
from millstream.base.export import export
from millstream.contrib.rnn.block_cells import peepholes
from millstream.ir.convert import to_tensor
from millstream.layers.base import Layer
from millstream.layers.input_spec import InputSpec
from millstream.ops import array, math
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.array.reversing import reverse, reverse_sequence
from millstream.ops.nn.lstm_block import BlockLSTM
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.rnn.dynamic import dynamic_rnn
from millstream.rnn.static import static_rnn
from millstream.state.initializers import Constant


@export("contrib.rnn.FusedRNNCell")
class FusedRNNCell(metaclass=abc.ABCMeta):
    """Base of cells that run over a whole sequence `[time, batch, inputs]`."""

    @abc.abstractmethod
    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        """Runs over a sequence.

        Args:
          inputs: `[time, batch, inputs]`.
          initial_state: the state to begin with.
          dtype: element type of the state, without `initial_state`.
          sequence_length: `[batch]` lengths.
          scope: variable scope.

        Returns:
          Outputs `[time, batch, outputs]`, and the last state.
        """


@export("contrib.rnn.FusedRNNCellAdaptor")
class FusedRNNCellAdaptor(FusedRNNCell):
    """Makes a fused cell of an `RNNCell`.

    Args:
      cell: the cell.
      use_dynamic_rnn: whether to loop with `dynamic_rnn`; else the steps are unrolled.
    """

    def __init__(self, cell, use_dynamic_rnn=False):
        self._cell = cell
        self._use_dynamic_rnn = use_dynamic_rnn

    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        """Runs over a sequence; see `FusedRNNCell`. A list of steps gives a list."""
        listed = isinstance(inputs, list)
        options = {"initial_state": initial_state, "dtype": dtype, "scope": scope}
        options["sequence_length"] = sequence_length
        if self._use_dynamic_rnn:
            if listed:
                inputs = array.stack(inputs)
            outputs, state = dynamic_rnn(self._cell, inputs, time_major=True, **options)
            return (array.unstack(outputs) if listed else outputs), state
        steps = inputs if listed else array.unstack(inputs)
        outputs, state = static_rnn(self._cell, steps, **options)
        return (outputs if listed else array.stack(outputs)), state


@export("contrib.rnn.TimeReversedFusedRNN")
class TimeReversedFusedRNN(FusedRNNCell):
    """Runs a fused cell backwards in time.

    Args:
      cell: the fused cell.
    """

    def __init__(self, cell):
        self._cell = cell

    def _turned(self, x, lengths):
        if isinstance(x, list):
            steps = self._turned(array.stack(x), lengths)
            return array.unstack(steps)
        if lengths is None:
            return reverse(x, [0])
        return reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)

    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        """Runs over a sequence; see `FusedRNNCell`."""
        outputs, state = self._cell(
            self._turned(inputs, sequence_length),
            initial_state=initial_state,
            dtype=dtype,
            sequence_length=sequence_length,
            scope=scope,
        )
        return self._turned(outputs, sequence_length), state


@export("contrib.rnn.LSTMBlockWrapper")
class LSTMBlockWrapper(Layer):
    """Base of fused LSTMs: states, lengths and outputs around `_call_cell`."""

    @property
    @abc.abstractmethod
    def num_units(self):
        """The number of units."""

    @abc.abstractmethod
    def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
        """Returns the states and outputs of all steps, `[time, batch, units]` each."""

    def call(self, inputs, initial_state=None, dtype=None, sequence_length=None):
        """Runs over a sequence.

        Args:
          inputs: `[time, batch, inputs]`, or a list of its steps.
          initial_state: pair of cell state and output, `[batch, units]` each; zeros by default.
          dtype: element type, without `initial_state`.
          sequence_length: `[batch]` lengths; outputs behind a sequence's end are zero.

        Returns:
          The outputs, in the form of `inputs`, and the last `LSTMStateTuple`.

        Raises:
          ValueError: if the shapes do not fit, or there is neither state nor type.
        """
        listed = isinstance(inputs, list)
        inputs = array.stack(inputs) if listed else inputs
        steps, batch = _sizes(inputs)
        given = initial_state is not None
        if not given and dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        cell_state, output = self._start(initial_state, batch, dtype)
        dtype = output.dtype
        if sequence_length is not None:
            sequence_length = to_tensor(sequence_length, dtype=int32)
        states, outputs = self._call_cell(inputs, cell_state, output, dtype, sequence_length)
        if sequence_length is None:
            last = LSTMStateTuple(states[-1], outputs[-1])
        else:
            outputs, last = self._cut(
                states, outputs, cell_state, output, sequence_length, steps, batch, dtype
            )
        return (array.unstack(outputs) if listed else outputs), last

    def _start(self, initial_state, batch, dtype):
        if initial_state is None:
            zeros = array.zeros(array.stack([batch, self.num_units]), dtype=dtype)
            return zeros, zeros
        if len(initial_state) != 2:
            raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
        return initial_state

    def _cut(self, states, outputs, cell_state, output, lengths, steps, batch, dtype):
        """Zeroes outputs behind the sequences' ends, and finds the states there."""
        mask = array.transpose(sequence_mask(lengths, steps, dtype=dtype), [1, 0])
        mask = array.tile(array.expand_dims(mask, -1), [1, 1, self.num_units])
        outputs = outputs * mask
        states = array.concat([array.expand_dims(cell_state, [0]), states], 0)
        with_first = array.concat([array.expand_dims(output, [0]), outputs], 0)
        last_state = _at(states, lengths, batch)
        return outputs, LSTMStateTuple(last_state, _at(with_first, lengths, batch))


def _at(rows, lengths, batch):
    places = array.stack([lengths, math.range_(batch)], axis=1)
    return array.gather_nd(rows, places)


def _sizes(inputs):
    """Returns the numbers of steps and sequences, static ones if they are known."""
    shape = inputs.shape.with_rank(3).as_list()
    if shape[2] is None:
        raise ValueError(f"Expecting inputs_shape[2] to be set: {inputs.shape}")
    batch = array.shape(inputs)[1] if shape[1] is None else shape[1]
    return array.shape(inputs)[0] if shape[0] is None else shape[0], batch


@export("contrib.rnn.LSTMBlockFusedCell")
class LSTMBlockFusedCell(LSTMBlockWrapper):
    """An LSTM that runs over a whole sequence in one node.

    The variables are those of `BasicLSTMCell`. This is the fastest LSTM there is here.

    Args:
      num_units: size of the output and of the cell state.
      forget_bias: what is added to the forget gate before it is squashed.
      cell_clip: bound of the cell state; `None` for none.
      use_peephole: whether the gates see the cell state.
      reuse: whether the variables must exist.
      dtype: element type of the variables.
      name: the cell's name and its scope's.
    """

    def __init__(
        self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, reuse=None,
        dtype=None, name="lstm_fused_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self._use_peephole = use_peephole
        self.input_spec = InputSpec(ndim=3)

    @property
    def num_units(self):
        """The number of units."""
        return self._num_units

    def build(self, input_shape):
        """Makes `kernel`, `bias` and the peepholes."""
        width, units = input_shape[2], self._num_units
        width = getattr(width, "value", width)
        self._kernel = self.add_weight("kernel", [width + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=Constant(0.0))
        if self._use_peephole:
            self._diagonals = peepholes(self, units, True, None)
        self.built = True

    def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
        steps = inputs.shape.as_list()[0]
        steps = array.shape(inputs)[0] if steps is None else steps
        if self._use_peephole:
            diagonals = self._diagonals
        else:
            diagonals = peepholes(self, self._num_units, False, dtype)
        longest = steps if sequence_length is None else math.reduce_max(sequence_length)
        result = BlockLSTM(
            *(math.cast(longest, int64), inputs, initial_cell_state, initial_output),
            *(self._kernel, *diagonals, self._bias),
            forget_bias=float(self._forget_bias), cell_clip=float(self._cell_clip),
            use_peephole=self._use_peephole,
        )  # fmt: skip
        return result.cs, result.h
