"""Scores and likelihoods of tag sequences."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.crf.cells import CrfForwardRnnCell
from millstream.ops import array, math
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond
from millstream.rnn.dynamic import dynamic_rnn
from millstream.state.get_variable import get_variable


def by_length(steps, single, multi):
    """Calls `single` if there is one step, else `multi`; in the graph if that is not known."""
    static = steps.shape.as_list()[1] if steps.shape.ndims is not None else None
    if static is not None:
        return single() if static == 1 else multi()
    return cond(math.equal(array.shape(steps)[1], 1), single, multi)


def one_less(lengths):
    """Returns the numbers of transitions of sequences."""
    return math.maximum(array.zeros_like(lengths), lengths - 1)


def zero_if_empty(values, lengths):
    """Returns `[batch]` values, zero for sequences without steps."""
    return ops.Select(math.less_equal(lengths, 0), array.zeros_like(values), values)


@export("contrib.crf.crf_unary_score")
def crf_unary_score(tag_indices, sequence_lengths, inputs):
    """Adds up the scores of tags.

    Args:
      tag_indices: `[batch, time]` integers.
      sequence_lengths: `[batch]` lengths.
      inputs: `[batch, time, tags]` scores.

    Returns:
      `[batch]` scores.
    """
    sizes = array.shape(inputs)
    batch, steps, tags = sizes[0], sizes[1], sizes[2]
    offsets = array.expand_dims(math.range_(batch) * steps * tags, 1)
    offsets += array.expand_dims(math.range_(steps) * tags, 0)
    offsets = math.cast(offsets, tag_indices.dtype)
    places = array.reshape(offsets + tag_indices, [-1])
    scores = array.reshape(array.gather(array.reshape(inputs, [-1]), places), [batch, steps])
    mask = sequence_mask(sequence_lengths, maxlen=array.shape(tag_indices)[1], dtype=Float)
    return math.reduce_sum(scores * mask, 1)


@export("contrib.crf.crf_binary_score")
def crf_binary_score(tag_indices, sequence_lengths, transition_params):
    """Adds up the scores of transitions.

    Args:
      tag_indices: `[batch, time]` integers.
      sequence_lengths: `[batch]` lengths.
      transition_params: `[tags, tags]` scores.

    Returns:
      `[batch]` scores.
    """
    tags = transition_params.shape.as_list()[0]
    count = array.shape(tag_indices)[1] - 1
    begins = ops.Slice(tag_indices, [0, 0], array.stack([-1, count]))
    ends = ops.Slice(tag_indices, [0, 1], array.stack([-1, count]))
    scores = array.gather(array.reshape(transition_params, [-1]), begins * tags + ends)
    mask = sequence_mask(sequence_lengths, maxlen=array.shape(tag_indices)[1], dtype=Float)
    return math.reduce_sum(scores * ops.Slice(mask, [0, 1], [-1, -1]), 1)


@export("contrib.crf.crf_sequence_score")
def crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params):
    """Computes the score of a sequence of tags, of tags and transitions together.

    Args:
      inputs: `[batch, time, tags]` scores of tags.
      tag_indices: `[batch, time]` integers.
      sequence_lengths: `[batch]` lengths.
      transition_params: `[tags, tags]` scores of transitions.

    Returns:
      `[batch]` scores, zero for empty sequences.
    """

    def single():
        rows = array.reshape(math.range_(array.shape(inputs)[0]), [-1, 1])
        rows = math.cast(rows, tag_indices.dtype)
        places = array.concat([rows, tag_indices], axis=1)
        scores = array.gather_nd(array.squeeze(inputs, [1]), places)
        return zero_if_empty(scores, sequence_lengths)

    def multi():
        unary = crf_unary_score(tag_indices, sequence_lengths, inputs)
        return unary + crf_binary_score(tag_indices, sequence_lengths, transition_params)

    return by_length(inputs, single, multi)


@export("contrib.crf.crf_multitag_sequence_score")
def crf_multitag_sequence_score(inputs, tag_bitmap, sequence_lengths, transition_params):
    """Computes the score of all sequences of allowed tags, added up in logarithms.

    Args:
      inputs: `[batch, time, tags]` scores of tags.
      tag_bitmap: `[batch, time, tags]` booleans: which tags are allowed.
      sequence_lengths: `[batch]` lengths.
      transition_params: `[tags, tags]` scores of transitions.

    Returns:
      `[batch]` scores.
    """
    never = float("-inf") * array.ones_like(inputs)
    allowed = ops.Select(tag_bitmap, inputs, never)

    def single():
        return math.reduce_logsumexp(allowed, axis=[1, 2], keepdims=False)

    return by_length(
        inputs, single, lambda: crf_log_norm(allowed, sequence_lengths, transition_params)
    )


@export("contrib.crf.crf_log_norm")
def crf_log_norm(inputs, sequence_lengths, transition_params):
    """Computes the logarithm of the sum of the exponentials of all sequences' scores.

    Args:
      inputs: `[batch, time, tags]` scores of tags.
      sequence_lengths: `[batch]` lengths.
      transition_params: `[tags, tags]` scores of transitions.

    Returns:
      `[batch]` numbers, zero for empty sequences.
    """
    first = array.squeeze(ops.Slice(inputs, [0, 0, 0], [-1, 1, -1]), [1])

    def single():
        return zero_if_empty(math.reduce_logsumexp(first, [1]), sequence_lengths)

    def multi():
        rest = ops.Slice(inputs, [0, 1, 0], [-1, -1, -1])
        cell = CrfForwardRnnCell(transition_params)
        _, alphas = dynamic_rnn(
            cell=cell, inputs=rest, sequence_length=one_less(sequence_lengths),
            initial_state=first, dtype=Float,
        )  # fmt: skip
        return zero_if_empty(math.reduce_logsumexp(alphas, [1]), sequence_lengths)

    return by_length(inputs, single, multi)


@export("contrib.crf.crf_log_likelihood")
def crf_log_likelihood(inputs, tag_indices, sequence_lengths, transition_params=None):
    """Computes the log likelihood of sequences of tags.

    Args:
      inputs: `[batch, time, tags]` scores of tags.
      tag_indices: `[batch, time]` integers.
      sequence_lengths: `[batch]` lengths.
      transition_params: `[tags, tags]` scores of transitions; by default the variable
        `transitions`.

    Returns:
      `[batch]` log likelihoods, and the transition scores.

    Source: Lafferty et al., Conditional Random Fields (2001).
    """
    tags = inputs.shape.as_list()[2]
    if transition_params is None:
        transition_params = get_variable("transitions", [tags, tags])
    score = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
    return score - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params
