"""`tf.nn.rnn_cell.MultiRNNCell`: cells one upon the other."""

from millstream.base import nest
from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.layers.base import Layer
from millstream.ops import array
from millstream.ops.by_name import ops
from millstream.rnn.cell import RNNCell, check_cell
from millstream.state.scoping import variable_scope


@export("nn.rnn_cell.MultiRNNCell", "contrib.rnn.MultiRNNCell")
class MultiRNNCell(RNNCell):
    """Gives each cell's output to the next one; the output is the last one's.

    Args:
      cells: the cells, from the input on; an object for each, since each has its own variables.
      state_is_tuple: whether states are tuples of the cells' states; else one tensor.

    Raises:
      ValueError: if there are no cells, or one state cannot hold theirs.
      TypeError: if `cells` is no list.
    """

    def __init__(self, cells, state_is_tuple=True):
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_nested(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        for number, cell in enumerate(cells):
            check_cell(f"cell_{number}", cell)
        self._cells = cells
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(nest.is_nested(c.state_size) for c in cells):
            raise ValueError(
                "Some cells return tuples of states, but the flag state_is_tuple is not set.  "
                f"State sizes are: {[c.state_size for c in cells]}"
            )

    @property
    def state_size(self):
        """The tuple of the cells' state sizes, or their sum."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self):
        """The last cell's output size."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size, dtype):
        """Returns the tuple of the cells' zero states."""
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    @property
    def trainable_weights(self):
        """The cells' variables that optimizers see."""
        if not self.trainable:
            return []
        return [v for cell in self._layers() for v in cell.trainable_weights]

    @property
    def non_trainable_weights(self):
        """The cells' variables that optimizers do not see."""
        fixed = [v for cell in self._layers() for v in cell.non_trainable_weights]
        if self.trainable:
            return fixed
        return [v for cell in self._layers() for v in cell.trainable_weights] + fixed

    def _layers(self):
        return [cell for cell in self._cells if isinstance(cell, Layer)]

    def call(self, inputs, state):
        """Runs the cells one after the other.

        Raises:
          ValueError: if `state` is no tuple of the right length.
        """
        begin = 0
        current = inputs
        states = []
        for i, cell in enumerate(self._cells):
            with variable_scope(f"cell_{i}"):
                if self._state_is_tuple:
                    mine = self._state_of(state, i)
                else:
                    mine = ops.Slice(state, [0, begin], [-1, cell.state_size])
                    begin += cell.state_size
                current, new_state = cell(current, mine)
                states.append(new_state)
        return current, tuple(states) if self._state_is_tuple else array.concat(states, 1)

    def _state_of(self, state, i):
        if not nest.is_nested(state):
            raise ValueError(
                f"Expected state to be a tuple of length {len(self.state_size)}, but received: "
                f"{state}"
            )
        return state[i]
