"""`tf.nn.raw_rnn`: a loop in which a function decides what comes next."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.constant import constant
from millstream.ops import array, math
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.flow.while_loop import while_loop
from millstream.rnn.cell import check_cell
from millstream.rnn.static import cache_on_reader
from millstream.rnn.stepping import kept_where
from millstream.rnn.structure import joined, static_shape_of
from millstream.state.scoping import variable_scope


@export("nn.raw_rnn")
def raw_rnn(cell, loop_fn, parallel_iterations=None, swap_memory=False, scope=None):
    """Runs a cell until all sequences have finished, on inputs that a function makes.

    `loop_fn(time, cell_output, cell_state, loop_state)` returns whether each sequence has
    finished (`[batch]` booleans), the next input, the next cell state, what to emit, and a state
    of its own or `None`. It is first called with `time = 0` and otherwise `None`; then it returns
    the first input and state, and for what is emitted an example without a batch, or `None` if it
    is the cell's output.

    Args:
      cell: an `RNNCell`.
      loop_fn: the function.
      parallel_iterations: kept for TensorFlow's sake.
      swap_memory: kept for TensorFlow's sake.
      scope: variable scope, by default `"rnn"`.

    Returns:
      A `TensorArray` of what was emitted (zeros for sequences that had finished), the last cell
      state, and the last loop state.

    Raises:
      TypeError: if `cell` is no cell or `loop_fn` no function.
      ValueError: if what it returns changes its structure.
    """
    check_cell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn") as opened:
        cache_on_reader(opened)
        time = constant(0, dtype=int32)
        finished, current, state, emitted, loop_state = loop_fn(time, None, None, None)
        has_state = loop_state is not None
        loop_state = loop_state if has_state else constant(0, dtype=int32)
        nest.assert_same_structure(state, cell.state_size)
        buffers, zeros = _emission(cell, emitted, state, nest.flatten(current))
        *_, buffers, state, loop_state = while_loop(
            _unfinished, _body(cell, loop_fn, zeros),
            loop_vars=[time, finished, current, buffers, state, loop_state],
            parallel_iterations=parallel_iterations or 32, swap_memory=swap_memory,
        )  # fmt: skip
        return buffers, state, loop_state if has_state else None


def _unfinished(_time, finished, *_):
    return math.logical_not(math.reduce_all(finished))


def _emission(cell, example, state, flat_input):
    """Returns the buffers of what is emitted, and its zeros."""
    static = flat_input[0].shape.with_rank_at_least(1).dims[0]
    for x in flat_input:
        static = static.merge_with(x.shape.with_rank_at_least(1).dims[0])
    static = static.value
    batch = array.shape(flat_input[0])[0] if static is None else static
    if example is None:
        structure = cell.output_size
        sizes = nest.flatten(structure)
        kinds = [nest.flatten(state)[0].dtype] * len(sizes)
    else:
        structure, flat = example, nest.flatten(example)
        sizes = [e.shape if e.shape.is_fully_defined() else array.shape(e) for e in flat]
        kinds = [e.dtype for e in flat]
    buffers = [
        TensorArray(
            dtype=kind, dynamic_size=True, size=0, name=f"rnn_output_{i}",
            element_shape=TensorShape([static]).concatenate(static_shape_of(size)),
        )
        for i, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
    ]  # fmt: skip
    zeros = [
        array.zeros(joined(batch, size), kind) for kind, size in zip(kinds, sizes, strict=True)
    ]
    return nest.pack_sequence_as(structure, buffers), nest.pack_sequence_as(structure, zeros)


def _body(cell, loop_fn, zeros):
    def body(time, finished, current, buffers, state, loop_state):
        output, cell_state = cell(current, state)
        nest.assert_same_structure(state, cell_state)
        nest.assert_same_structure(cell.output_size, output)
        next_time = time + 1
        ended, following, next_state, emitted, next_loop_state = loop_fn(
            next_time, output, cell_state, loop_state
        )
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(current, following)
        nest.assert_same_structure(buffers, emitted)
        if next_loop_state is None:
            next_loop_state = loop_state

        def kept(old, new):
            return nest.map_structure(lambda a, b: kept_where(finished, a, b), old, new)

        emitted, next_state = kept(zeros, emitted), kept(state, next_state)
        buffers = nest.map_structure(lambda ta, x: ta.write(time, x), buffers, emitted)
        finished = math.logical_or(finished, ended)
        return next_time, finished, following, buffers, next_state, next_loop_state

    return body
