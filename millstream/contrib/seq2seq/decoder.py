"""`tf.contrib.seq2seq.dynamic_decode`: the loop that drives a decoder."""

import abc
import contextlib

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.static_value import constant_value
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.flow import bodies
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.flow.while_loop import while_loop
from millstream.rnn.dynamic import transpose_batch_time
from millstream.rnn.static import cache_on_reader
from millstream.rnn.structure import zeros_of
from millstream.state.scoping import variable_scope


@export("contrib.seq2seq.Decoder")
class Decoder(metaclass=abc.ABCMeta):
    """Base of decoders: what `dynamic_decode` asks step by step."""

    @property
    def batch_size(self):
        """The number of sequences."""
        raise NotImplementedError

    @property
    def output_size(self):
        """Sizes of one step's outputs, without the batch."""
        raise NotImplementedError

    @property
    def output_dtype(self):
        """Element types of the outputs."""
        raise NotImplementedError

    @abc.abstractmethod
    def initialize(self, name=None):
        """Returns what is finished `[batch]`, the first inputs and the first state."""

    @abc.abstractmethod
    def step(self, time, inputs, state, name=None):
        """Runs a step; returns outputs, the next state, the next inputs and what is finished."""

    def finalize(self, outputs, final_state, sequence_lengths):
        """Returns outputs and state in their last form; called once, after the loop."""
        raise NotImplementedError

    def limited(self, going, time):
        """Returns `going` and, where a bound on `time` is known, whether it is kept.

        A loop whose steps are bounded before it runs is compiled together with its gradient.
        """
        del time
        return going

    @property
    def tracks_own_finished(self):
        """Whether `step` says of every sequence whether it is finished, also of those that were.

        Else what is finished once stays so.
        """
        return False


def _zero_outputs(decoder):
    def zeros(size, dtype):
        return zeros_of(decoder.batch_size, size, dtype)

    return nest.map_structure(zeros, decoder.output_size, decoder.output_dtype)


def _element_shape(batch_size, size):
    if not isinstance(size, TensorShape) or size.ndims == 0:
        return TensorShape(None)
    batch = constant_value(to_tensor(batch_size, name="batch_size"))
    return TensorShape([None if batch is None else int(batch)]).concatenate(size)


@export("contrib.seq2seq.dynamic_decode")
def dynamic_decode(
    decoder, output_time_major=False, impute_finished=False, maximum_iterations=None,
    parallel_iterations=32, swap_memory=False, scope=None, **kwargs,
):  # fmt: skip
    """Runs a decoder until all sequences are finished.

    Args:
      decoder: a `Decoder`.
      output_time_major: whether outputs are `[time, batch, …]` rather than `[batch, time, …]`.
      impute_finished: whether finished sequences put out zeros and keep their state; slower, but
        the state is then right, and so are gradients.
      maximum_iterations: the most steps, an int32 scalar; by default there is no limit.
      parallel_iterations: kept for TensorFlow's sake.
      swap_memory: kept for TensorFlow's sake.
      scope: variable scope, by default `"decoder"`.
      **kwargs: nothing else is understood.

    Returns:
      The outputs, the last state, and `[batch]` int32 numbers of steps.

    Raises:
      TypeError: if `decoder` is no `Decoder`.
      ValueError: if `maximum_iterations` is no scalar.
    """
    if kwargs:
        raise TypeError(f"dynamic_decode got unexpected arguments: {sorted(kwargs)}")
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with variable_scope(scope, "decoder") as opened:
        cache_on_reader(opened)
        if maximum_iterations is not None:
            maximum_iterations = to_tensor(
                maximum_iterations, dtype=int32, name="maximum_iterations"
            )
            if maximum_iterations.shape.ndims != 0:
                raise ValueError("maximum_iterations must be a scalar")
        finished, inputs, state = decoder.initialize()
        zeros = _zero_outputs(decoder)
        if maximum_iterations is not None:
            finished = math.logical_or(finished, maximum_iterations <= 0)
        lengths = array.zeros_like(finished, dtype=int32)
        time = constant(0, dtype=int32)

        def buffer(size, dtype):
            return TensorArray(
                dtype=dtype, size=0, dynamic_size=True,
                element_shape=_element_shape(decoder.batch_size, size),
            )  # fmt: skip

        buffers = nest.map_structure(buffer, decoder.output_size, decoder.output_dtype)
        _, buffers, state, _, _, lengths = while_loop(
            _test(decoder), _body(decoder, impute_finished, zeros),
            loop_vars=(time, buffers, state, inputs, finished, lengths),
            parallel_iterations=parallel_iterations, maximum_iterations=maximum_iterations,
            swap_memory=swap_memory,
        )  # fmt: skip
        outputs = nest.map_structure(lambda ta: ta.stack(), buffers)
        with contextlib.suppress(NotImplementedError):  # a decoder with nothing to finish
            outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            outputs = nest.map_structure(transpose_batch_time, outputs)
        return outputs, state, lengths


def _test(decoder):
    def unfinished(time, _buffers, _state, _inputs, finished, _lengths):
        going = math.logical_not(math.reduce_all(finished))
        with bodies.uncounted(get_default_graph()):
            return decoder.limited(going, time)

    return unfinished


def _body(decoder, impute_finished, zeros):
    def body(time, buffers, state, inputs, finished, lengths):
        outputs, next_state, next_inputs, ended = decoder.step(time, inputs, state)
        if not decoder.tracks_own_finished:
            ended = math.logical_or(ended, finished)
        lengths = ops.Select(
            math.logical_not(finished), array.fill(array.shape(lengths), time + 1), lengths
        )
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(buffers, outputs)
        nest.assert_same_structure(inputs, next_inputs)
        if impute_finished:
            outputs = nest.map_structure(
                lambda out, z: ops.Select(finished, z, out), outputs, zeros
            )
            next_state = nest.map_structure(
                lambda new, old: _kept(finished, new, old), next_state, state
            )
        buffers = nest.map_structure(lambda ta, out: ta.write(time, out), buffers, outputs)
        return time + 1, buffers, next_state, next_inputs, ended, lengths

    return body


def _kept(finished, new, old):
    if isinstance(old, TensorArray):
        return new
    new.set_shape(old.shape)
    return new if new.shape.ndims == 0 else ops.Select(finished, old, new)
