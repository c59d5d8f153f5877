"""The best sequence of tags, in NumPy and in the graph."""

import numpy as np

from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.contrib.crf.cells import CrfDecodeBackwardRnnCell, CrfDecodeForwardRnnCell
from millstream.contrib.crf.scores import by_length, one_less
from millstream.ops import array, math
from millstream.ops.array.reversing import reverse_sequence
from millstream.ops.by_name import ops
from millstream.rnn.dynamic import dynamic_rnn
from millstream.state.scoping import variable_scope


@export("contrib.crf.viterbi_decode")
def viterbi_decode(score, transition_params):
    """Finds the best sequence of tags, outside of TensorFlow.

    Args:
      score: `[time, tags]` array of scores of tags.
      transition_params: `[tags, tags]` array of scores of transitions.

    Returns:
      The list of tags, and their score.

    Example:
      >>> viterbi_decode(np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros([2, 2]))[0]
      [0, 1]
    """
    best = np.zeros_like(score)
    before = np.zeros_like(score, dtype=np.int32)
    best[0] = score[0]
    for t in range(1, score.shape[0]):
        ways = np.expand_dims(best[t - 1], 1) + transition_params
        best[t] = score[t] + np.max(ways, 0)
        before[t] = np.argmax(ways, 0)
    tags = [int(np.argmax(best[-1]))]
    for row in before[:0:-1]:
        tags.append(int(row[tags[-1]]))
    return tags[::-1], np.max(best[-1])


@export("contrib.crf.crf_decode")
def crf_decode(potentials, transition_params, sequence_length):
    """Finds the best sequences of tags.

    Args:
      potentials: `[batch, time, tags]` scores of tags.
      transition_params: `[tags, tags]` scores of transitions.
      sequence_length: `[batch]` lengths.

    Returns:
      `[batch, time]` int32 tags, zero behind the ends, and `[batch]` scores.
    """

    def single():
        scores = array.squeeze(potentials, [1])
        tags = array.expand_dims(math.argmax(scores, axis=1), 1)
        return math.cast(tags, dtype=int32), math.reduce_max(scores, axis=1)

    def multi():
        transitions = one_less(sequence_length)
        first = array.squeeze(ops.Slice(potentials, [0, 0, 0], [-1, 1, -1]), axis=[1])
        rest = ops.Slice(potentials, [0, 1, 0], [-1, -1, -1])
        with variable_scope("crf_fwd"):
            before, scores = dynamic_rnn(
                CrfDecodeForwardRnnCell(transition_params), inputs=rest,
                sequence_length=transitions, initial_state=first, dtype=int32,
            )  # fmt: skip
        before = reverse_sequence(before, transitions, seq_axis=1)
        last = array.expand_dims(math.cast(math.argmax(scores, axis=1), dtype=int32), axis=-1)
        with variable_scope("crf_bwd"):
            tags, _ = dynamic_rnn(
                CrfDecodeBackwardRnnCell(potentials.shape.as_list()[2]), inputs=before,
                sequence_length=transitions, initial_state=last, dtype=int32,
            )  # fmt: skip
        tags = array.concat([last, array.squeeze(tags, axis=[2])], axis=1)
        tags = reverse_sequence(tags, sequence_length, seq_axis=1)
        return tags, math.reduce_max(scores, axis=1)

    return by_length(potentials, single, multi)
