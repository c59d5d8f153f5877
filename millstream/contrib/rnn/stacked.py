"""`tf.contrib.rnn.stack_bidirectional_*`: several layers that run both ways."""

from millstream.base.export import export
from millstream.ops import array
from millstream.rnn.dynamic import bidirectional_dynamic_rnn
from millstream.rnn.static import static_bidirectional_rnn
from millstream.state.scoping import variable_scope


def _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw):
    for name, cells in (("fw", cells_fw), ("bw", cells_bw)):
        if cells is None:
            raise ValueError(f"Must specify at least one {name} cell for BidirectionalRNN.")
        if not isinstance(cells, list):
            raise ValueError(f"cells_{name} must be a list of RNNCells (one per layer).")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    pairs = ((initial_states_fw, cells_fw, "fw"), (initial_states_bw, cells_bw, "bw"))
    for states, cells, name in pairs:
        if states is not None and (not isinstance(states, list) or len(states) != len(cells)):
            raise ValueError(
                f"initial_states_{name} must be a list of state tensors (one per layer)."
            )


def _start(states, layer):
    return states[layer] if states else None


@export("contrib.rnn.stack_bidirectional_rnn")
def stack_bidirectional_rnn(
    cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None, dtype=None,
    sequence_length=None, scope=None,
):  # fmt: skip
    """Runs layers of `tf.nn.static_bidirectional_rnn`, each on both outputs of the one before.

    Args:
      cells_fw: list of cells that run forwards, one per layer.
      cells_bw: list of cells that run backwards.
      inputs: list of inputs by time, each `[batch, inputs]`.
      initial_states_fw: list of states that the first begin with; by default zeros.
      initial_states_bw: list of states that the second begin with.
      dtype: element type of the zeros.
      sequence_length: `[batch]` lengths.
      scope: variable scope, by default `"stack_bidirectional_rnn"`.

    Returns:
      The last layer's list of outputs, and the layers' last states, forwards and backwards.

    Raises:
      ValueError: if the lists do not fit together.
    """
    _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw = [], []
    outputs = inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{i}") as opened:
                outputs, state_fw, state_bw = static_bidirectional_rnn(
                    cell_fw, cell_bw, outputs, _start(initial_states_fw, i),
                    _start(initial_states_bw, i), dtype, sequence_length, opened,
                )  # fmt: skip
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)


@export("contrib.rnn.stack_bidirectional_dynamic_rnn")
def stack_bidirectional_dynamic_rnn(
    cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None, dtype=None,
    sequence_length=None, parallel_iterations=None, time_major=False, scope=None,
    swap_memory=False,
):  # fmt: skip
    """Runs layers of `tf.nn.bidirectional_dynamic_rnn`, each on both outputs of the one before.

    Args:
      cells_fw: list of cells that run forwards, one per layer.
      cells_bw: list of cells that run backwards.
      inputs: `[batch, time, inputs]`.
      initial_states_fw: list of states that the first begin with; by default zeros.
      initial_states_bw: list of states that the second begin with.
      dtype: element type of the zeros.
      sequence_length: `[batch]` lengths.
      parallel_iterations: kept for TensorFlow's sake.
      time_major: whether inputs and outputs are `[time, batch, …]`.
      scope: variable scope, by default `"stack_bidirectional_rnn"`.
      swap_memory: kept for TensorFlow's sake.

    Returns:
      The last layer's outputs side by side, and the layers' last states, forwards and backwards.

    Raises:
      ValueError: if the lists do not fit together.
    """
    _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw = [], []
    outputs = inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{i}"):
                both, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    cell_fw, cell_bw, outputs, initial_state_fw=_start(initial_states_fw, i),
                    initial_state_bw=_start(initial_states_bw, i), dtype=dtype,
                    sequence_length=sequence_length, parallel_iterations=parallel_iterations,
                    swap_memory=swap_memory, time_major=time_major,
                )  # fmt: skip
                outputs = array.concat(both, 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return outputs, tuple(states_fw), tuple(states_bw)
