"""One step of sequences that differ in length: those that have ended keep their state."""

from millstream.base import nest
from millstream.base.shapes import TensorShape
from millstream.ir.scopes import colocate_with
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond
from millstream.rnn.structure import joined_statically


def kept_where(ended, old, new):
    """Returns `old` for the sequences that have ended and `new` for the others.

    Values without a batch, such as `TensorArray`s and scalars, are always the new ones.
    """
    if not isinstance(new, Tensor) or new.shape.ndims == 0:
        return new
    with colocate_with(new):
        return ops.Select(ended, old, new)


class Lengths:
    """The lengths of the sequences of a batch, with their extremes.

    Attributes:
      each: `[batch]` int32.
      shortest: the least length.
      longest: the greatest length.
    """

    def __init__(self, each, shortest, longest):
        self.each, self.shortest, self.longest = each, shortest, longest


def step(time, lengths, zero_output, state, call_cell, state_size, skip_conditionals=False):
    """Runs a cell at a time where some sequences may have ended.

    Ended sequences put out zeros and keep their state.

    Args:
      time: the step's number, an int or a scalar tensor.
      lengths: a `Lengths`.
      zero_output: zeros of the structure of the output.
      state: the state before.
      call_cell: function without arguments that returns the output and the new state.
      state_size: the cell's `state_size`.
      skip_conditionals: whether to run the cell and select at every step. Otherwise the cell is
        not run once all have ended, nor is there a selection while none has.

    Returns:
      The output and the new state.
    """
    flat_state, flat_zeros = nest.flatten(state), nest.flatten(zero_output)

    ended = time >= lengths.each

    def selected(output, new_state):
        outputs = [kept_where(ended, *p) for p in zip(flat_zeros, output, strict=True)]
        states = [kept_where(ended, *p) for p in zip(flat_state, new_state, strict=True)]
        return outputs + states

    def run():
        output, new_state = call_cell()
        nest.assert_same_structure(zero_output, output)
        nest.assert_same_structure(state, new_state)
        return nest.flatten(output), nest.flatten(new_state)

    def run_and_select():
        output, new_state = run()
        return cond(
            time < lengths.shortest,
            lambda: output + new_state,
            lambda: selected(output, new_state),
        )

    if skip_conditionals:
        results = selected(*run())
    else:
        results = cond(time >= lengths.longest, lambda: flat_zeros + flat_state, run_and_select)
    outputs, states = results[: len(flat_zeros)], results[len(flat_zeros) :]
    for result, before in zip(outputs, flat_zeros, strict=True):
        result.set_shape(before.shape)
    for result, before in zip(states, flat_state, strict=True):
        if isinstance(result, Tensor):
            result.set_shape(before.shape)
    return nest.pack_sequence_as(zero_output, outputs), nest.pack_sequence_as(state, states)


def state_dtype(given, state):
    """Returns the element type of a state: the one that is given, or that of its tensors.

    Raises:
      ValueError: if the tensors have several, or there are none.
    """
    if given:
        return given
    found = [t.dtype for t in nest.flatten(state)]
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if any(dtype != found[0] for dtype in found):
        raise ValueError(
            "State has tensors of different inferred_dtypes. Unable to infer a single "
            "representative dtype."
        )
    return found[0]


def with_batch(batch, sizes):
    """Returns a static shape with the batch in front."""
    return joined_statically(TensorShape([batch]), sizes)
