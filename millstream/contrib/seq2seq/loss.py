"""`tf.contrib.seq2seq.sequence_loss`: the cross entropy of sequences."""

from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ops import array, math, nn


@export("contrib.seq2seq.sequence_loss")
def sequence_loss(
    logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
    sum_over_timesteps=False, sum_over_batch=False, softmax_loss_function=None, name=None,
):  # fmt: skip
    """Computes the weighted cross entropy of sequences of classes.

    Args:
      logits: `[batch, time, classes]` floats.
      targets: `[batch, time]` integers.
      weights: `[batch, time]` weights: zero for what does not count.
      average_across_timesteps: whether to divide the sum over time by that of the weights.
      average_across_batch: whether to divide the sum over sequences by that of the weights.
      sum_over_timesteps: whether to divide the sum over time by the number of weights that are
        not zero.
      sum_over_batch: the same over sequences.
      softmax_loss_function: function of `labels` and `logits` in place of the cross entropy.
      name: scope of the nodes.

    Returns:
      A scalar, a vector or a matrix of losses, with the axes that were neither averaged nor summed.

    Raises:
      ValueError: if ranks are wrong, or both an average and a sum is wanted.
    """
    if logits.shape.ndims != 3:
        raise ValueError("Logits must be a [batch_size x sequence_length x logits] tensor")
    if targets.shape.ndims != 2:
        raise ValueError("Targets must be a [batch_size x sequence_length] tensor")
    if weights.shape.ndims != 2:
        raise ValueError("Weights must be a [batch_size x sequence_length] tensor")
    if average_across_timesteps and sum_over_timesteps:
        raise ValueError(
            "average_across_timesteps and sum_over_timesteps cannot be set to True at same time."
        )
    if average_across_batch and sum_over_batch:
        raise ValueError(
            "average_across_batch and sum_over_batch cannot be set to True at same time."
        )
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        classes = array.shape(logits)[2]
        flat = array.reshape(logits, [-1, classes])
        labels = array.reshape(targets, [-1])
        if softmax_loss_function is None:
            losses = nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=flat)
        else:
            losses = softmax_loss_function(labels=labels, logits=flat)
        losses *= array.reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return math.div_no_nan(math.reduce_sum(losses), math.reduce_sum(weights))
        if sum_over_timesteps and sum_over_batch:
            count = math.cast(math.count_nonzero(weights), losses.dtype)
            return math.div_no_nan(math.reduce_sum(losses), count)
        losses = array.reshape(losses, array.shape(logits)[0:2])
        if average_across_timesteps or average_across_batch:
            axis = [0] if average_across_batch else [1]
            return math.div_no_nan(
                math.reduce_sum(losses, axis=axis), math.reduce_sum(weights, axis)
            )
        if sum_over_timesteps or sum_over_batch:
            axis = [0] if sum_over_batch else [1]
            count = math.cast(math.count_nonzero(weights, axis=axis), losses.dtype)
            return math.div_no_nan(math.reduce_sum(losses, axis=axis), count)
        return losses
