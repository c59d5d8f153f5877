"""Dropout that keeps SELU's moments, a scaled softplus, losses with the operands turned round."""

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math, nn
from millstream.ops.array.ranking import top_k
from millstream.ops.nn.convolution import conv1d_transpose
from millstream.ops.random.functions import random_uniform
from millstream.state.sampled_losses import sampled_softmax_loss

export("contrib.nn.conv1d_transpose")(conv1d_transpose)

# Where SELU ends for large negative inputs.
_SELU_FLOOR = -1.7580993408473766


@export("contrib.nn.alpha_dropout")
def alpha_dropout(x, keep_prob, noise_shape=None, seed=None, name=None):
    """Drops elements to SELU's floor at random, and keeps mean and spread.

    Args:
      x: a floating tensor.
      keep_prob: probability that an element is kept.
      noise_shape: shape of the decisions, which broadcasts to that of `x`.
      seed: seed of the decisions.
      name: scope of the nodes.

    Raises:
      ValueError: if `keep_prob` is not in `(0, 1]`.

    Source: Klambauer et al., 2017.
    """
    with name_scope(name, "alpha_dropout", [x]):
        x = convert_to_tensor(x, name="x")
        if not 0.0 < keep_prob <= 1.0:
            raise ValueError(
                f"keep_prob must be a scalar tensor or a float in the range (0, 1], got {keep_prob}"
            )
        keep = convert_to_tensor(keep_prob, x.dtype, name="keep_prob")
        if keep_prob == 1.0:
            return x
        shape = array.shape(x) if noise_shape is None else noise_shape
        kept = math.floor(keep + random_uniform(shape, seed=seed, dtype=x.dtype))
        scale = math.pow(keep + _SELU_FLOOR**2 * keep * (1 - keep), -0.5)
        dropped = x * kept + _SELU_FLOOR * (1 - kept)
        result = scale * dropped - scale * _SELU_FLOOR * (1 - keep)
        result.set_shape(x.shape)
        return result


@export("contrib.nn.scaled_softplus")
def scaled_softplus(x, alpha, clip=None, name=None):
    """Computes `alpha * log(1 + exp(x / alpha))`, smooth for large `alpha`, cut off at `clip`.

    Args:
      x: a floating tensor.
      alpha: how soft, a positive number or tensor.
      clip: the largest result, or `None`.
      name: scope of the nodes.
    """
    with name_scope(name, "scaled_softplus", [x, alpha]):
        x = convert_to_tensor(x, name="x")
        alpha = convert_to_tensor(alpha, x.dtype, name="alpha")
        result = alpha * nn.softplus(x / alpha)
        return result if clip is None else math.minimum(result, clip)


@export("contrib.nn.deprecated_flipped_softmax_cross_entropy_with_logits")
def deprecated_flipped_softmax_cross_entropy_with_logits(logits, labels, dim=-1, name=None):
    """Is `tf.nn.softmax_cross_entropy_with_logits` with the logits first."""
    return nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


@export("contrib.nn.deprecated_flipped_sparse_softmax_cross_entropy_with_logits")
def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits, labels, name=None):
    """Is `tf.nn.sparse_softmax_cross_entropy_with_logits` with the logits first."""
    return nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


@export("contrib.nn.deprecated_flipped_sigmoid_cross_entropy_with_logits")
def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits, targets, name=None):
    """Is `tf.nn.sigmoid_cross_entropy_with_logits` with the logits first."""
    return nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)


@export("contrib.nn.nth_element")
def nth_element(input, n, reverse=False, name=None):
    """Finds the `n`-th smallest element of each row, from 0; the largest with `reverse`.

    Args:
      input: `[…, size]`.
      n: an integer below the size.
      reverse: whether to count from the largest.
      name: scope of the nodes.

    Returns:
      `[…]`.
    """
    with name_scope(name, "nth_element", [input, n]):
        input = convert_to_tensor(input)
        values = input if reverse else -input
        best = top_k(values, n + 1)[0][..., n]
        return best if reverse else -best


@export("contrib.nn.sampled_sparse_softmax_loss")
def sampled_sparse_softmax_loss(
    weights, biases, labels, inputs, num_sampled, num_classes, sampled_values=None,
    remove_accidental_hits=True, partition_strategy="mod", name="sampled_sparse_softmax_loss",
):  # fmt: skip
    """Is `tf.nn.sampled_softmax_loss` for one true class per example, `[batch, 1]`.

    The arguments are those of `tf.nn.sampled_softmax_loss`.
    """
    return sampled_softmax_loss(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true=1,
        sampled_values=sampled_values, remove_accidental_hits=remove_accidental_hits,
        partition_strategy=partition_strategy, name=name,
    )  # fmt: skip
