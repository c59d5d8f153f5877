"""`tf.contrib.rnn.AttentionCellWrapper`: a cell that attends to its own last outputs."""

from millstream.base import nest
from millstream.base.export import export
from millstream.contrib.rnn.linear import Linear
from millstream.ops import array, math, nn
from millstream.ops.by_name import ops
from millstream.rnn.cell import RNNCell, check_cell
from millstream.state.get_variable import get_variable
from millstream.state.scoping import variable_scope


@export("contrib.rnn.AttentionCellWrapper")
class AttentionCellWrapper(RNNCell):
    """Adds attention to the last `attn_length` outputs.

    The state is that of the cell, the last attention `[batch, attn_size]` and the outputs,
    `[batch, attn_size * attn_length]`.

    Args:
      cell: the cell.
      attn_length: how many outputs to attend to.
      attn_size: size of an output; by default the cell's.
      attn_vec_size: size of the hidden layer of the attention; by default `attn_size`.
      input_size: size of what the cell reads; by default that of the input.
      state_is_tuple: whether states are tuples; else one tensor.
      reuse: whether the variables must exist.

    Raises:
      TypeError: if `cell` is no cell.
      ValueError: if its state is a tuple but `state_is_tuple` is false, or `attn_length` is not
        positive.

    Source: Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate
    (2014); Rocktäschel et al., Reasoning about Entailment with Neural Attention (2015).
    """

    def __init__(
        self, cell, attn_length, attn_size=None, attn_vec_size=None, input_size=None,
        state_is_tuple=True, reuse=None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        check_cell("cell", cell)
        if nest.is_nested(cell.state_size) and not state_is_tuple:
            raise ValueError(
                "Cell returns tuple of states, but the flag state_is_tuple is not set. State size "
                f"is: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._cell, self._length = cell, attn_length
        self._size = cell.output_size if attn_size is None else attn_size
        self._vec_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size
        self._state_is_tuple = state_is_tuple
        self._to_input = self._to_query = self._to_output = None

    @property
    def state_size(self):
        """Sizes of the cell's state, the attention and the outputs that are kept."""
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self):
        """The size of an output."""
        return self._size

    def call(self, inputs, state):
        """Runs a step."""
        states, attention, kept = self._parts(state)
        kept = array.reshape(kept, [-1, self._length, self._size])
        width = self._input_size
        width = inputs.shape.as_list()[1] if width is None else width
        if self._to_input is None:
            self._to_input = Linear([inputs, attention], width, True)
        output, new_state = self._cell(self._to_input([inputs, attention]), states)
        query = new_state
        if self._state_is_tuple:
            query = array.concat(nest.flatten(new_state), 1)
        attention, newest = self._attend(query, kept)
        with variable_scope("attn_output_projection"):
            if self._to_output is None:
                self._to_output = Linear([output, attention], self._size, True)
            output = self._to_output([output, attention])
        kept = array.concat([newest, array.expand_dims(output, 1)], 1)
        kept = array.reshape(kept, [-1, self._length * self._size])
        result = (new_state, attention, kept)
        return output, result if self._state_is_tuple else array.concat(list(result), 1)

    def _parts(self, state):
        if self._state_is_tuple:
            return state
        size = self._cell.state_size
        return (
            ops.Slice(state, [0, 0], [-1, size]),
            ops.Slice(state, [0, size], [-1, self._size]),
            ops.Slice(state, [0, size + self._size], [-1, self._size * self._length]),
        )

    def _attend(self, query, kept):
        """Returns the attention `[batch, attn_size]` and what is kept, without the oldest."""
        with variable_scope("attention"):
            k = get_variable("attn_w", [1, 1, self._size, self._vec_size])
            v = get_variable("attn_v", [self._vec_size])
            hidden = array.reshape(kept, [-1, self._length, 1, self._size])
            features = nn.conv2d(hidden, k, [1, 1, 1, 1], "SAME")
            if self._to_query is None:
                self._to_query = Linear(query, self._vec_size, True)
            y = array.reshape(self._to_query(query), [-1, 1, 1, self._vec_size])
            scores = math.reduce_sum(v * math.tanh(features + y), [2, 3])
            weights = array.reshape(nn.softmax(scores), [-1, self._length, 1, 1])
            attention = math.reduce_sum(weights * hidden, [1, 2])
            attention = array.reshape(attention, [-1, self._size])
            return attention, ops.Slice(kept, [0, 1, 0], [-1, -1, -1])
