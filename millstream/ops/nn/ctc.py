"""`tf.nn.ctc_*`: connectionist temporal classification, the losses and the decoders."""

from millstream.base.dtypes import int32, int64
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import renamed
from millstream.ops.nn.ctc_decoders import CTCBeamSearchDecoder, CTCGreedyDecoder
from millstream.ops.nn.ctc_loss_op import CTCLoss


@export("nn.ctc_loss")
def ctc_loss(
    labels,
    inputs=None,
    sequence_length=None,
    preprocess_collapse_repeated=False,
    ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False,
    time_major=True,
    logits=None,
):
    """Computes the negative log probability that paths through time spell the labels.

    The last class is the blank; softmax is applied to the logits here.

    Args:
      labels: int32 `SparseTensor` `[batch, max_labels]` of classes, none of them blank.
      inputs: `[time, batch, classes]` logits.
      sequence_length: `[batch]` int32 numbers of time steps.
      preprocess_collapse_repeated: whether equal labels next to each other count as one.
      ctc_merge_repeated: whether a class that is put out again at once is the same label.
      ignore_longer_outputs_than_inputs: whether sequences with more labels than time steps get a
        loss of zero; otherwise they are an error.
      time_major: false says that the logits are `[batch, time, classes]`.
      logits: another name for `inputs`.

    Returns:
      `[batch]` losses; infinite where there is no path (repeated labels need a blank between).

    Raises:
      TypeError: if `labels` is no `SparseTensor`.

    Source: Graves et al., Connectionist Temporal Classification (2006).
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    inputs = renamed("logits", logits, "inputs", inputs)
    if not time_major:
        inputs = array.transpose(inputs, [1, 0, 2])
    loss, _ = CTCLoss(
        inputs,
        labels.indices,
        labels.values,
        sequence_length,
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )
    return loss


@export("nn.ctc_loss_v2")
def ctc_loss_v2(
    labels,
    logits,
    label_length,
    logit_length,
    logits_time_major=True,
    unique=None,
    blank_index=None,
    name=None,
):
    """Computes the CTC loss of dense or sparse labels, with the blank at any index.

    Args:
      labels: `[batch, max_labels]` int32, or a `SparseTensor`.
      logits: `[time, batch, classes]`, or `[batch, time, classes]` if not `logits_time_major`.
      label_length: `[batch]` numbers of labels; `None` for sparse ones.
      logit_length: `[batch]` numbers of time steps.
      logits_time_major: the layout of `logits`.
      unique: what `ctc_unique_labels` gave; it changes nothing.
      blank_index: class of the blank, from the end if negative. By default 0; sparse labels need
        it.
      name: scope of the nodes.

    Returns:
      `[batch]` losses.

    Raises:
      ValueError: if labels are sparse and there is no `blank_index`.
    """
    del unique
    if isinstance(labels, SparseTensor) and blank_index is None:
        raise ValueError("blank_index must be given when using SparseTensor labels.")
    with name_scope(name, "ctc_loss", [logits, logit_length]):
        logits = to_tensor(logits)
        if not logits_time_major:
            logits = array.transpose(logits, [1, 0, 2])
        classes = logits.shape.with_rank(3).as_list()[2]
        blank = blank_index or 0
        blank = blank + classes if blank < 0 else blank
        if not isinstance(labels, SparseTensor):
            labels = _sparse_labels(labels, label_length, classes)
        logits, labels = _blank_last(logits, labels, blank, classes)
        return ctc_loss(labels, logits, logit_length)


def _sparse_labels(labels, lengths, classes):
    """Returns the labels before `lengths`, and behind them a class that does not exist.

    It marks the end, without which a sequence of no labels could not be told.
    """
    labels = to_tensor(labels, dtype=int32)
    lengths = math.cast(lengths, int32)
    padded = ops.Pad(labels, [[0, 0], [0, 1]])
    width = array.shape(padded)[1]
    places = ops.ExpandDims(ops.Range(0, width, 1), 0)
    ends = ops.ExpandDims(lengths, 1)
    full = ops.Select(
        ops.Equal(places + ops.ZerosLike(padded), ends + ops.ZerosLike(padded)),
        ops.ZerosLike(padded) + (classes + 1),
        padded,
    )
    kept = ops.LessEqual(places + ops.ZerosLike(padded), ends + ops.ZerosLike(padded))
    indices = ops.Where(kept)
    return SparseTensor(
        indices, array.gather_nd(full, indices), array.shape(padded, out_type=int64)
    )


def _blank_last(logits, labels, blank, classes):
    """Moves the blank's column behind the others and numbers the labels anew."""
    if blank == classes - 1:
        return logits, labels
    logits = array.concat(
        [logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]], 2
    )
    values = math.cast(labels.values, int32)
    behind = math.cast(ops.Greater(values, blank), int32)
    return logits, SparseTensor(labels.indices, values - behind, labels.dense_shape)


@export("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True):
    """Takes the likeliest class at each time and drops blanks.

    Args:
      inputs: `[time, batch, classes]` logits; the last class is the blank.
      sequence_length: `[batch]` int32 numbers of time steps.
      merge_repeated: whether equal classes next to each other are one label.

    Returns:
      A list of one int64 `SparseTensor` `[batch, max_labels]`, and `[batch, 1]` negative sums of
      the greatest logits.
    """
    indices, values, shape, log_probability = CTCGreedyDecoder(
        inputs, sequence_length, merge_repeated=merge_repeated
    )
    return [SparseTensor(indices, values, shape)], log_probability


@export("nn.ctc_beam_search_decoder")
def ctc_beam_search_decoder(
    inputs, sequence_length, beam_width=100, top_paths=1, merge_repeated=True
):
    """Finds the likeliest label sequences by beam search.

    Args:
      inputs: `[time, batch, classes]` logits; the last class is the blank.
      sequence_length: `[batch]` int32 numbers of time steps.
      beam_width: how many prefixes to keep.
      top_paths: how many sequences to return, at most `beam_width`.
      merge_repeated: whether equal labels next to each other are returned as one (a quirk of
        TensorFlow 1: even when a blank was between them).

    Returns:
      A list of `top_paths` int64 `SparseTensor`s `[batch, max_labels]`, and their log
      probabilities, `[batch, top_paths]`.
    """
    indices, values, shapes, log_probability = CTCBeamSearchDecoder(
        inputs,
        sequence_length,
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=merge_repeated,
    )
    parts = zip(indices, values, shapes, strict=True)
    return [SparseTensor(*part) for part in parts], log_probability


@export("nn.ctc_beam_search_decoder_v2")
def ctc_beam_search_decoder_v2(inputs, sequence_length, beam_width=100, top_paths=1):
    """Is `ctc_beam_search_decoder` that leaves repeated labels alone."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, False)
