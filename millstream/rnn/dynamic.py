"""`tf.nn.dynamic_rnn` and `tf.nn.bidirectional_dynamic_rnn`: loops over time."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import array, math
from millstream.ops.array.reversing import reverse, reverse_sequence
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.flow.while_loop import while_loop
from millstream.rnn.cell import check_cell
from millstream.rnn.static import cache_on_reader
from millstream.rnn.stepping import Lengths, state_dtype, step
from millstream.rnn.structure import joined, joined_statically, static_shape_of
from millstream.state.scoping import variable_scope


@export("contrib.rnn.transpose_batch_time")
def transpose_batch_time(x):
    """Exchanges the first two axes of a tensor; one of a lower rank stays as it is."""
    x = to_tensor(x)
    static = x.shape
    if static.ndims is not None and static.ndims < 2:
        return x
    rank = array.rank(x)
    result = array.transpose(x, array.concat(([1, 0], math.range_(2, rank)), axis=0))
    if static.ndims is not None:
        sizes = static.as_list()
        result.set_shape([sizes[1], sizes[0], *sizes[2:]])
    return result


@export("contrib.rnn.best_effort_input_batch_size")
def best_effort_input_batch_size(flat_input):
    """Returns the number of sequences, as an int if it is known and a tensor otherwise.

    Args:
      flat_input: list of tensors `[time, batch, ...]`.

    Raises:
      ValueError: if one has no batch.
    """
    for item in flat_input:
        shape = item.shape
        if shape.ndims is None:
            continue
        if shape.ndims < 2:
            raise ValueError(f"Expected input tensor {item} to have rank at least 2")
        batch = shape.as_list()[1]
        if batch is not None:
            return batch
    return array.shape(flat_input[0])[1]


@export("nn.dynamic_rnn")
def dynamic_rnn(
    cell, inputs, sequence_length=None, initial_state=None, dtype=None, parallel_iterations=None,
    swap_memory=False, time_major=False, scope=None,
):  # fmt: skip
    """Runs a cell over sequences in a loop.

    Args:
      cell: an `RNNCell`.
      inputs: `[batch, time, inputs]`, or a structure of such tensors.
      sequence_length: `[batch]` int32 lengths; where a sequence has ended the output is zero and
        the state is kept.
      initial_state: the state to begin with; by default the cell's zeros.
      dtype: element type of the zeros, without `initial_state`.
      parallel_iterations: kept for TensorFlow's sake.
      swap_memory: kept for TensorFlow's sake.
      time_major: whether inputs and outputs are `[time, batch, …]`; saves two transpositions.
      scope: variable scope, by default `"rnn"`.

    Returns:
      The outputs, `[batch, time, outputs]`, and the last state.

    Raises:
      TypeError: if `cell` is no cell.
      ValueError: if the size of the inputs is unknown, the lengths are no vector, or there is
        neither `initial_state` nor `dtype`.

    Example:
      >>> cell = tf.nn.rnn_cell.BasicLSTMCell(8)
      >>> outputs, state = tf.nn.dynamic_rnn(cell, tf.ones([2, 5, 3]), dtype=tf.float32)
      >>> outputs.shape, state.h.shape
      (TensorShape([Dimension(2), Dimension(5), Dimension(8)]), TensorShape([Dimension(2), \
Dimension(8)]))
    """
    check_cell("cell", cell)
    with variable_scope(scope or "rnn") as opened:
        cache_on_reader(opened)
        flat = nest.flatten(inputs)
        if not time_major:
            flat = [to_tensor(x) for x in flat]
            flat = [transpose_batch_time(x) for x in flat]
        sequence_length = _as_lengths(sequence_length)
        batch = best_effort_input_batch_size(flat)
        state = _start(cell, initial_state, batch, dtype)
        if sequence_length is not None:
            sequence_length = _checked_lengths(sequence_length, batch)
        inputs = nest.pack_sequence_as(structure=inputs, flat_sequence=flat)
        outputs, last = _loop(
            cell, inputs, state, sequence_length, dtype, parallel_iterations or 32, swap_memory
        )
        if not time_major:
            outputs = nest.map_structure(transpose_batch_time, outputs)
        return outputs, last


def _as_lengths(lengths):
    if lengths is None:
        return None
    lengths = math.cast(lengths, int32)
    if lengths.shape.ndims not in (None, 1):
        raise ValueError(
            f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}"
        )
    return array.identity(lengths, name="sequence_length")


def _start(cell, initial_state, batch, dtype):
    if initial_state is not None:
        return initial_state
    if not dtype:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch, dtype=dtype)
    return cell.zero_state(batch, dtype)


def _checked_lengths(lengths, batch):
    """Returns the lengths, after a check that there is one for each sequence."""
    found, wanted = array.shape(lengths), array.stack([batch])
    check = assert_true(
        math.reduce_all(math.equal(found, wanted)),
        [f"Expected shape for Tensor {lengths.name} is ", wanted, " but saw shape: ", found],
    )
    with control_dependencies([check]):
        return array.identity(lengths, name="CheckSeqLen")


def _static_sizes(flat):
    """Returns the static numbers of steps and sequences.

    Raises:
      ValueError: if inputs differ in them, or an input's size is not known.
    """
    shapes = [x.shape.with_rank_at_least(3) for x in flat]
    steps, batch = shapes[0].as_list()[:2]
    for shape in shapes:
        if not shape[2:].is_fully_defined():
            raise ValueError(
                "Input size (depth of inputs) must be accessible via shape inference, but saw "
                "value None."
            )
        own_steps, own_batch = shape.as_list()[:2]
        if own_steps != steps:
            raise ValueError(
                "Time steps is not the same for all the elements in the input in a batch."
            )
        if own_batch != batch:
            raise ValueError("Batch_size is not the same for all the elements in the input.")
    return steps, batch


def _loop(cell, inputs, state, lengths, dtype, parallel_iterations, swap_memory):
    """Runs the loop over inputs `[time, batch, …]`."""
    flat = nest.flatten(inputs)
    sizes = nest.flatten(cell.output_size)
    steps = array.shape(flat[0])[0]
    batch = best_effort_input_batch_size(flat)
    static_steps, static_batch = _static_sizes(flat)
    kind = state_dtype(dtype, state)
    zeros = [array.zeros(array.stack(joined(batch, size)), kind) for size in sizes]
    zero_output = nest.pack_sequence_as(structure=cell.output_size, flat_sequence=zeros)
    longest = steps
    if lengths is not None:
        lengths = Lengths(lengths, math.reduce_min(lengths), math.reduce_max(lengths))
        longest = lengths.longest
    time = constant(0, dtype=int32, name="time")
    with name_scope("dynamic_rnn") as base:
        pass

    def buffer(name, shape, dtype):
        return TensorArray(dtype, size=steps, element_shape=shape, tensor_array_name=base + name)

    outputs = tuple(
        buffer(f"output_{i}", TensorShape([static_batch]).concatenate(static_shape_of(size)), kind)
        for i, size in enumerate(sizes)
    )
    given = [buffer(f"input_{i}", x.shape[1:], x.dtype) for i, x in enumerate(flat)]
    given = [buffer.unstack(x) for buffer, x in zip(given, flat, strict=True)]

    def body(time, outputs, state):
        current = [source.read(time) for source in given]
        for tensor, x in zip(current, flat, strict=True):
            tensor.set_shape(x.shape[1:])
        current = nest.pack_sequence_as(structure=inputs, flat_sequence=current)
        if lengths is None:
            output, new_state = cell(current, state)
        else:
            output, new_state = step(
                time, lengths, zero_output, state, lambda: cell(current, state), cell.state_size,
                skip_conditionals=True,
            )  # fmt: skip
        output = nest.flatten(output)
        written = [ta.write(time, value) for ta, value in zip(outputs, output, strict=True)]
        return time + 1, tuple(written), new_state

    bound = math.minimum(steps, math.maximum(1, longest))
    _, outputs, last = while_loop(
        cond=lambda time, *_: time < bound, body=body, loop_vars=(time, outputs, state),
        parallel_iterations=parallel_iterations, maximum_iterations=steps,
        swap_memory=swap_memory,
    )  # fmt: skip
    results = _stacked(outputs, sizes, [static_steps, static_batch])
    return nest.pack_sequence_as(structure=cell.output_size, flat_sequence=results), last


def _stacked(arrays, sizes, leading):
    """Stacks the outputs of all steps, with the static shapes that are known of them."""
    results = [ta.stack() for ta in arrays]
    for result, size in zip(results, sizes, strict=True):
        result.set_shape(joined_statically(leading, size))
    return results


def _turned(x, lengths, seq_axis, batch_axis):
    if lengths is None:
        return reverse(x, axis=[seq_axis])
    return reverse_sequence(x, lengths, seq_axis=seq_axis, batch_axis=batch_axis)


@export("nn.bidirectional_dynamic_rnn")
def bidirectional_dynamic_rnn(
    cell_fw, cell_bw, inputs, sequence_length=None, initial_state_fw=None, initial_state_bw=None,
    dtype=None, parallel_iterations=None, swap_memory=False, time_major=False, scope=None,
):  # fmt: skip
    """Runs one cell forwards and one backwards over sequences.

    Args:
      cell_fw: the cell that runs forwards.
      cell_bw: the cell that runs backwards.
      inputs: as for `dynamic_rnn`.
      sequence_length: `[batch]` lengths; the second cell begins at each sequence's end.
      initial_state_fw: state that the first begins with; by default zeros.
      initial_state_bw: state that the second begins with; by default zeros.
      dtype: element type of the zeros.
      parallel_iterations: as for `dynamic_rnn`.
      swap_memory: as for `dynamic_rnn`.
      time_major: as for `dynamic_rnn`.
      scope: variable scope, by default `"bidirectional_rnn"`.

    Returns:
      The outputs of both, which one may concatenate, and the last states of both.

    Raises:
      TypeError: if a cell is none.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    options = {
        "sequence_length": sequence_length, "dtype": dtype, "swap_memory": swap_memory,
        "parallel_iterations": parallel_iterations, "time_major": time_major,
    }  # fmt: skip
    seq_axis, batch_axis = (0, 1) if time_major else (1, 0)

    def turned(x):
        return _turned(x, sequence_length, seq_axis, batch_axis)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as opened:
            forwards, state_fw = dynamic_rnn(
                cell_fw, inputs, initial_state=initial_state_fw, scope=opened, **options
            )
        with variable_scope("bw") as opened:
            backwards, state_bw = dynamic_rnn(
                cell_bw, nest.map_structure(turned, inputs), initial_state=initial_state_bw,
                scope=opened, **options,
            )  # fmt: skip
    return (forwards, nest.map_structure(turned, backwards)), (state_fw, state_bw)
