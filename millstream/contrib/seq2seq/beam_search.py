"""`tf.contrib.seq2seq.BeamSearchDecoder`: keeps the likeliest sequences."""

import collections

import numpy as np

from millstream.base import nest
from millstream.base.dtypes import bool_, int32, int64
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.contrib.seq2seq.beam_tensors import Beams
from millstream.contrib.seq2seq.decoder import Decoder
from millstream.contrib.seq2seq.wrapper import AttentionWrapperState
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.layers.base import Layer
from millstream.ops import array, math, nn
from millstream.ops.array.ranking import top_k
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond
from millstream.ops.nn.gather_tree import gather_tree
from millstream.rnn.cell import check_cell
from millstream.state.embedding import embedding_lookup

_State = collections.namedtuple(
    "BeamSearchDecoderState",
    ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs"),
)
_Output = collections.namedtuple(
    "BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids")
)
_Final = collections.namedtuple(
    "FinalBeamDecoderOutput", ("predicted_ids", "beam_search_decoder_output")
)


@export("contrib.seq2seq.BeamSearchDecoderState")
class BeamSearchDecoderState(_State):
    """State of a search: the cell's, and of each beam its log probability, end and length."""

    __slots__ = ()


@export("contrib.seq2seq.BeamSearchDecoderOutput")
class BeamSearchDecoderOutput(_Output):
    """One step of a search, `[batch, width]` each: scores, classes, and beams gone on from."""

    __slots__ = ()


@export("contrib.seq2seq.FinalBeamSearchDecoderOutput")
class FinalBeamSearchDecoderOutput(_Final):
    """Result of a search: whole sequences, `[batch, time, width]`, best first, and all steps."""

    __slots__ = ()


@export("contrib.seq2seq.BeamSearchDecoder")
class BeamSearchDecoder(Decoder):
    """Keeps the `beam_width` likeliest beginnings of each sequence.

    With an `AttentionWrapper`, tile encoder outputs, lengths and the initial state by `tile_batch`
    and give its `zero_state` the batch times the width.

    Args:
      cell: an `RNNCell`.
      embedding: a matrix `[classes, size]`, or a function from classes to inputs.
      start_tokens: `[batch]` int32: the classes to begin with.
      end_token: int32 scalar: the class that ends a sequence.
      initial_state: state to begin with, of `batch * beam_width` sequences.
      beam_width: number of beams.
      output_layer: layer that makes logits of the outputs.
      length_penalty_weight: exponent of the length penalty; zero for none.
      coverage_penalty_weight: weight of the coverage penalty; zero for none.
      reorder_tensor_arrays: whether `TensorArray`s in the state are put in the order of the beams
        at the end; they are tensors then.

    Raises:
      TypeError: if `cell` or `output_layer` is none.
      ValueError: if the tokens have wrong ranks.

    Source: Wu et al., Google's Neural Machine Translation System (2016), for the penalties.
    """

    def __init__(
        self, cell, embedding, start_tokens, end_token, initial_state, beam_width,
        output_layer=None, length_penalty_weight=0.0, coverage_penalty_weight=0.0,
        reorder_tensor_arrays=True,
    ):  # fmt: skip
        check_cell("cell", cell)
        if output_layer is not None and not isinstance(output_layer, Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._output_layer = cell, output_layer
        self._reorder = reorder_tensor_arrays
        self._embedding_fn = (
            embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
        )
        starts = to_tensor(start_tokens, dtype=int32, name="start_tokens")
        if starts.shape.ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._end_token = to_tensor(end_token, dtype=int32, name="end_token")
        if self._end_token.shape.ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._batch_size = array.size(start_tokens)
        self._beams = Beams(self._batch_size, beam_width)
        self._width = beam_width
        self._length_weight = length_penalty_weight
        self._coverage_weight = coverage_penalty_weight
        self._initial_cell_state = nest.map_structure(
            self._beams.split, initial_state, cell.state_size
        )
        starts = array.tile(array.expand_dims(starts, 1), [1, beam_width])
        self._start_inputs = self._embedding_fn(starts)
        self._finished = self._first_beam(False, True, bool_)

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._batch_size

    @property
    def tracks_own_finished(self):
        """True: which beams are finished changes with their order."""
        return True

    @property
    def output_size(self):
        """The width, three times."""
        shape = TensorShape([self._width])
        return BeamSearchDecoderOutput(scores=shape, predicted_ids=shape, parent_ids=shape)

    @property
    def output_dtype(self):
        """Floats, int32 and int32."""
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        return BeamSearchDecoderOutput(scores=dtype, predicted_ids=int32, parent_ids=int32)

    def _first_beam(self, on, off, dtype):
        zeros = array.zeros([self._batch_size], dtype=int32)
        return array.one_hot(zeros, self._width, on_value=on, off_value=off, dtype=dtype)

    def initialize(self, name=None):
        """Returns what is finished (all beams but the first), first inputs and state."""
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        attention = self._attention(self._initial_cell_state)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state,
            log_probs=self._first_beam(
                to_tensor(0.0, dtype=dtype), to_tensor(-np.inf, dtype=dtype), dtype
            ),
            finished=self._finished,
            lengths=array.zeros([self._batch_size, self._width], dtype=int64),
            accumulated_attention_probs=() if attention is None else attention,
        )
        return self._finished, self._start_inputs, state

    def _attention(self, cell_state):
        """Returns the mean of alignments `[batch, width, max_time]` if a penalty needs them."""
        if not self._coverage_weight:
            return None
        found = [
            a
            for part in ([cell_state] if _is_attended(cell_state) else cell_state)
            if _is_attended(part)
            for a in nest.flatten(part.alignments)
        ]
        if not found:
            raise ValueError("No attention found in the cell state for the coverage penalty.")
        return math.reduce_mean(array.stack(found, -1), -1) if len(found) > 1 else found[0]

    def step(self, time, inputs, state, name=None):
        """Runs a step of all beams and keeps the likeliest results."""
        with name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            sizes = self._cell.state_size
            merge, split = self._beams.merge, self._beams.split
            merged = nest.map_structure(lambda x: merge(x, x.shape[2:]), inputs)
            cell_state = nest.map_structure(merge, state.cell_state, sizes)
            outputs, cell_state = self._cell(merged, cell_state)
            outputs = nest.map_structure(lambda x: split(x, x.shape[1:]), outputs)
            cell_state = nest.map_structure(split, cell_state, sizes)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            output, next_state = self._search(outputs, cell_state, state)
            following = cond(
                math.reduce_all(next_state.finished),
                lambda: self._start_inputs,
                lambda: self._embedding_fn(output.predicted_ids),
            )
        return output, next_state, following, next_state.finished

    def _search(self, logits, cell_state, state):
        """Returns the step's output and state, of logits `[batch, width, classes]`."""
        classes = logits.shape.as_list()[-1]
        classes = array.shape(logits)[-1] if classes is None else classes
        going = math.logical_not(state.finished)
        total = array.expand_dims(state.log_probs, 2) + self._steps(logits, state.finished, classes)
        longer = array.one_hot(
            array.fill([self._batch_size, self._width], self._end_token), classes,
            on_value=np.int64(0), off_value=np.int64(1), dtype=int64,
        )  # fmt: skip
        longer *= array.expand_dims(math.cast(going, int64), 2)
        attention = self._attention(cell_state)
        if attention is not None:
            attention *= array.expand_dims(math.cast(going, attention.dtype), 2)
            attention = state.accumulated_attention_probs + attention
        scores = self._scores(
            total, longer + array.expand_dims(state.lengths, 2), state.finished, attention
        )
        flat = array.reshape(scores, [self._batch_size, -1])
        best, places = top_k(flat, k=self._width)
        best.set_shape(state.log_probs.shape)
        places.set_shape(state.log_probs.shape)
        words, parents = ops.FloorMod(places, classes), ops.FloorDiv(places, classes)
        choose = self._beams.choose
        finished = choose(state.finished, parents)
        lengths = choose(state.lengths, parents) + math.cast(math.logical_not(finished), int64)
        next_state = BeamSearchDecoderState(
            cell_state=nest.map_structure(lambda s: choose(s, parents), cell_state),
            log_probs=choose(array.reshape(total, [self._batch_size, -1]), places),
            finished=math.logical_or(finished, math.equal(words, self._end_token)),
            lengths=lengths,
            accumulated_attention_probs=() if attention is None else choose(attention, parents),
        )
        return BeamSearchDecoderOutput(best, words, parents), next_state

    def _steps(self, logits, finished, classes):
        """Returns log probabilities; finished beams can only go on with the end, at no cost."""
        log_p = nn.log_softmax(logits)
        kind = log_p.dtype
        row = array.one_hot(
            self._end_token, classes, dtype=kind, on_value=kind.np.type(0.0),
            off_value=kind.np.type(kind.min),
        )  # fmt: skip
        ended = array.tile(array.expand_dims(finished, 2), [1, 1, classes])
        return ops.Select(ended, array.zeros_like(log_p) + row, log_p)

    def _scores(self, log_p, lengths, finished, attention):
        weight = self._length_weight
        if not isinstance(weight, (int, float)) or weight:
            weight = to_tensor(weight, name="length_penalty_weight")
            lengths = math.cast(lengths, weight.dtype)
            log_p = log_p / math.pow((5.0 + lengths) / 6.0, weight)
        if attention is None:
            return log_p
        # Entries that were never attended to lie behind the end of the memory.
        seen = ops.Select(math.equal(attention, 0.0), array.ones_like(attention), attention)
        penalty = math.reduce_sum(math.log(math.minimum(seen, 1.0)), 2)
        # TensorFlow counts it for finished beams alone.
        penalty *= math.cast(finished, penalty.dtype) * self._coverage_weight
        return log_p + array.expand_dims(penalty, 2)

    def finalize(self, outputs, final_state, sequence_lengths):
        """Returns whole sequences, `[time, batch, width]`, and the last state."""
        del sequence_lengths  # those of the beams are in the state
        longest = math.cast(math.reduce_max(final_state.lengths, axis=1), int32)
        whole = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        if self._reorder:
            final_state = final_state._replace(
                cell_state=nest.map_structure(
                    lambda t: self._beams.sorted_history(
                        t, outputs.parent_ids, final_state.lengths
                    ),
                    final_state.cell_state,
                )
            )
        return FinalBeamSearchDecoderOutput(whole, outputs), final_state


def _is_attended(state):
    return isinstance(state, AttentionWrapperState)
