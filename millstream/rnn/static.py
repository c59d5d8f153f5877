"""`tf.nn.static_rnn` and its kin: networks that are unrolled while they are built."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.nest import flatten
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.scopes import control_dependencies
from millstream.ops import array, math
from millstream.ops.array.reversing import reverse_sequence
from millstream.rnn.cell import check_cell
from millstream.rnn.stepping import Lengths, state_dtype, step
from millstream.rnn.structure import joined, joined_statically
from millstream.state.scoping import variable_scope


def _first_of(inputs):
    while nest.is_nested(inputs):
        inputs = inputs[0]
    return inputs


def _batch_of(first, inputs):
    """Returns the static batch size, `None` if it is not known, and checks all sizes."""
    if first.shape.ndims == 1:
        return first.shape.as_list()[0]
    batch = first.shape.with_rank_at_least(2).dims[0]
    for item in flatten(inputs):
        sizes = item.shape.with_rank_at_least(2).dims
        batch.assert_is_compatible_with(sizes[0])
        for i, size in enumerate(sizes[1:]):
            if size.value is None:
                raise ValueError(
                    f"Input size (dimension {i} of inputs) must be accessible via shape "
                    "inference, but saw value None."
                )
    return batch.value


def cache_on_reader(scope):
    """Keeps what is read of variables on the device of the variable, outside of loops."""
    if scope.caching_device is None and not isinstance(get_default_graph(), FuncGraph):
        scope.set_caching_device(lambda node: node.device)


@export("nn.static_rnn", "contrib.rnn.static_rnn")
def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    """Runs a cell over a list of inputs; every step has nodes of its own.

    Args:
      cell: an `RNNCell`.
      inputs: list of inputs by time, each `[batch, inputs]` or a structure of such tensors.
      initial_state: the state to begin with; by default the cell's zeros.
      dtype: element type of the zeros, without `initial_state`.
      sequence_length: `[batch]` int32 lengths; where a sequence has ended the output is zero and
        the state is kept.
      scope: variable scope, by default `"rnn"`.

    Returns:
      The list of outputs and the last state.

    Raises:
      TypeError: if `cell` is no cell or `inputs` no list.
      ValueError: if `inputs` is empty or its sizes are unknown, or there is neither
        `initial_state` nor `dtype`.

    Example:
      >>> cell = tf.nn.rnn_cell.GRUCell(8)
      >>> outputs, state = tf.nn.static_rnn(cell, [tf.ones([2, 3])] * 5, dtype=tf.float32)
      >>> len(outputs), state.shape
      (5, TensorShape([Dimension(2), Dimension(8)]))
    """
    check_cell("cell", cell)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with variable_scope(scope or "rnn") as opened:
        cache_on_reader(opened)
        first = _first_of(inputs)
        fixed = _batch_of(first, inputs)
        batch = fixed if fixed else array.shape(first)[0]
        state = _start(cell, initial_state, batch, dtype)
        lengths = zeros = None
        if sequence_length is not None:
            lengths, zeros = _prepare(cell, sequence_length, batch, fixed, dtype, state)
        for time, current in enumerate(inputs):
            if time:
                opened.reuse_variables()
            output, state = _run(cell, time, current, state, lengths, zeros)
            outputs.append(output)
        return outputs, state


def _start(cell, initial_state, batch, dtype):
    if initial_state is not None:
        return initial_state
    if not dtype:
        raise ValueError("If no initial_state is provided, dtype must be specified")
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch, dtype=dtype)
    return cell.zero_state(batch, dtype)


def _prepare(cell, sequence_length, batch, fixed, dtype, state):
    """Returns the lengths and zero outputs."""
    each = to_tensor(sequence_length, name="sequence_length")
    if each.shape.ndims not in (None, 1):
        raise ValueError("sequence_length must be a vector of length batch_size")

    def zeros(size):
        result = array.zeros(array.stack(joined(batch, size)), state_dtype(dtype, state))
        result.set_shape(joined_statically(fixed, size))
        return result

    made = nest.map_structure(zeros, cell.output_size)
    each = math.cast(each, int32, name="ToInt32")
    return Lengths(each, math.reduce_min(each), math.reduce_max(each)), made


def _run(cell, time, current, state, lengths, zeros):
    if lengths is None:
        return cell(current, state)
    return step(time, lengths, zeros, state, lambda: cell(current, state), cell.state_size)


@export("nn.static_state_saving_rnn", "contrib.rnn.static_state_saving_rnn")
def static_state_saving_rnn(
    cell, inputs, state_saver, state_name, sequence_length=None, scope=None
):
    """Is `static_rnn` that takes its state from an object and gives it back.

    Args:
      cell: an `RNNCell`.
      inputs: list of inputs by time, each `[batch, inputs]`.
      state_saver: has `state(name)`, which returns a tensor, and `save_state(name, value)`, which
        returns a node.
      state_name: names of the state, of the structure of `cell.state_size`.
      sequence_length: as for `static_rnn`.
      scope: as for `static_rnn`.

    Returns:
      The list of outputs and the last state; what is last is put out after the state is saved.

    Raises:
      ValueError: if the names do not have the structure of the state.
    """
    sizes = cell.state_size
    nested = nest.is_nested(sizes)
    if nested != nest.is_nested(state_name):
        raise ValueError(
            f"state_name should be the same type as cell.state_size.  state_name: {state_name}, "
            f"cell.state_size: {sizes}"
        )
    names, flat_sizes = nest.flatten(state_name), nest.flatten(sizes)
    if len(names) != len(flat_sizes):
        raise ValueError(
            f"#elems(state_name) != #elems(state_size): {len(names)} vs. {len(flat_sizes)}"
        )
    start = nest.pack_sequence_as(sizes, [state_saver.state(name) for name in names])
    outputs, state = static_rnn(
        cell, inputs, initial_state=start, sequence_length=sequence_length, scope=scope
    )
    flat_state = nest.flatten(state)
    saving = [
        state_saver.save_state(name, value) for name, value in zip(names, flat_state, strict=True)
    ]
    with control_dependencies(saving):
        outputs[-1] = nest.map_structure(array.identity, outputs[-1])
        state = nest.pack_sequence_as(sizes, [array.identity(s) for s in flat_state])
    return outputs, state


def reversed_steps(steps, lengths):
    """Returns a list of inputs by time backwards: each sequence within its length."""
    if lengths is None:
        return list(reversed(steps))
    flat = [nest.flatten(current) for current in steps]
    turned = [[] for _ in steps]
    for tensors in zip(*flat, strict=True):
        shape = tensors[0].shape
        for tensor in tensors:
            shape = shape.merge_with(tensor.shape)
        joint = array.stack(tensors)
        joint = reverse_sequence(joint, lengths, seq_axis=0, batch_axis=1)
        for row, result in zip(turned, array.unstack(joint), strict=True):
            result.set_shape(shape)
            row.append(result)
    pairs = zip(steps, turned, strict=True)
    return [nest.pack_sequence_as(structure=like, flat_sequence=row) for like, row in pairs]


@export("nn.static_bidirectional_rnn", "contrib.rnn.static_bidirectional_rnn")
def static_bidirectional_rnn(
    cell_fw, cell_bw, inputs, initial_state_fw=None, initial_state_bw=None, dtype=None,
    sequence_length=None, scope=None,
):  # fmt: skip
    """Runs one cell forwards and one backwards over a list of inputs.

    Args:
      cell_fw: the cell that runs forwards.
      cell_bw: the cell that runs backwards.
      inputs: list of inputs by time, each `[batch, inputs]`.
      initial_state_fw: state that the first begins with; by default zeros.
      initial_state_bw: state that the second begins with; by default zeros.
      dtype: element type of the zeros.
      sequence_length: `[batch]` lengths; the second cell begins at each sequence's end.
      scope: variable scope, by default `"bidirectional_rnn"`.

    Returns:
      The list of outputs of both side by side, and the last state of each.

    Raises:
      TypeError: if a cell is none, or `inputs` is no list.
      ValueError: if `inputs` is empty.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    if not nest.is_nested(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as opened:
            forwards, state_fw = static_rnn(
                cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=opened
            )
        with variable_scope("bw") as opened:
            turned = reversed_steps(inputs, sequence_length)
            backwards, state_bw = static_rnn(
                cell_bw, turned, initial_state_bw, dtype, sequence_length, scope=opened
            )
    backwards = reversed_steps(backwards, sequence_length)
    first, second = nest.flatten(forwards), nest.flatten(backwards)
    outputs = [array.concat([fw, bw], 1) for fw, bw in zip(first, second, strict=True)]
    return nest.pack_sequence_as(forwards, outputs), state_fw, state_bw
