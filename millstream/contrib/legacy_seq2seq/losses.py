"""`tf.contrib.legacy_seq2seq`: losses of lists of logits, and models in buckets."""

from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ops import array, math, nn
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


def _check(logits, targets, weights):
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            "Lengths of logits, weights, and targets must be the same "
            f"{len(logits)}, {len(weights)}, {len(targets)}."
        )


@export("contrib.legacy_seq2seq.sequence_loss_by_example")
def sequence_loss_by_example(
    logits, targets, weights, average_across_timesteps=True, softmax_loss_function=None, name=None
):
    """Computes the weighted cross entropy of each sequence.

    Args:
      logits: list by time of `[batch, classes]` logits.
      targets: list of `[batch]` int32 classes.
      weights: list of `[batch]` float weights.
      average_across_timesteps: whether to divide by the sum of the weights.
      softmax_loss_function: function of `labels` and `logits` in place of the cross entropy.
      name: scope of the nodes.

    Returns:
      `[batch]` losses.

    Raises:
      ValueError: if the lists differ in length.
    """
    _check(logits, targets, weights)
    with name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        parts = []
        for logit, target, weight in zip(logits, targets, weights, strict=True):
            if softmax_loss_function is None:
                target = array.reshape(target, [-1])
                loss = nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logit)
            else:
                loss = softmax_loss_function(labels=target, logits=logit)
            parts.append(loss * weight)
        total = math.add_n(parts)
        if average_across_timesteps:
            size = math.add_n(weights)
            size += 1e-12  # so that nothing is divided by zero
            total /= size
        return total


@export("contrib.legacy_seq2seq.sequence_loss")
def sequence_loss(
    logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
    softmax_loss_function=None, name=None,
):  # fmt: skip
    """Computes the weighted cross entropy of sequences, as one number.

    Args:
      logits: list by time of `[batch, classes]` logits.
      targets: list of `[batch]` int32 classes.
      weights: list of `[batch]` float weights.
      average_across_timesteps: whether to divide by the sum of the weights.
      average_across_batch: whether to divide by the number of sequences.
      softmax_loss_function: function of `labels` and `logits` in place of the cross entropy.
      name: scope of the nodes.

    Returns:
      A scalar.

    Raises:
      ValueError: if the lists differ in length.
    """
    with name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        cost = math.reduce_sum(
            sequence_loss_by_example(
                logits, targets, weights, average_across_timesteps, softmax_loss_function
            )
        )
        if not average_across_batch:
            return cost
        return cost / math.cast(array.shape(targets[0])[0], cost.dtype)


@export("contrib.legacy_seq2seq.model_with_buckets")
def model_with_buckets(
    encoder_inputs, decoder_inputs, targets, weights, buckets, seq2seq, softmax_loss_function=None,
    per_example_loss=False, name=None,
):  # fmt: skip
    """Makes a model for several lengths, which share their variables.

    Args:
      encoder_inputs: list of encoder inputs by time, as long as the longest bucket.
      decoder_inputs: list of decoder inputs.
      targets: list of `[batch]` int32 classes.
      weights: list of `[batch]` float weights.
      buckets: list of pairs of lengths, of encoder and decoder.
      seq2seq: function `(encoder_inputs, decoder_inputs) -> (outputs, state)`.
      softmax_loss_function: function of `labels` and `logits` in place of the cross entropy.
      per_example_loss: whether losses are `[batch]`.
      name: scope of the nodes.

    Returns:
      The outputs and the losses of each bucket.

    Raises:
      ValueError: if an input is shorter than the last bucket.
    """
    wanted = (
        ("encoder_inputs", encoder_inputs, 0),
        ("targets", targets, 1),
        ("weights", weights, 1),
    )
    for what, given, side in wanted:
        if len(given) < buckets[-1][side]:
            raise ValueError(
                f"Length of {what} ({len(given)}) must be at least that of last bucket "
                f"({buckets[-1][side]})."
            )
    losses, outputs = [], []
    loss = sequence_loss_by_example if per_example_loss else sequence_loss
    with name_scope(name, "model_with_buckets", [*encoder_inputs, *decoder_inputs, *targets]):
        for j, (sources, steps) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if j > 0 else None):
                found, _ = seq2seq(encoder_inputs[:sources], decoder_inputs[:steps])
                outputs.append(found)
                losses.append(
                    loss(
                        found, targets[:steps], weights[:steps],
                        softmax_loss_function=softmax_loss_function,
                    )
                )  # fmt: skip
    return outputs, losses
