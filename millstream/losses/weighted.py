"""`tf.losses.compute_weighted_loss`: weights the losses of the elements and puts them together."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.losses.collected import add_loss
from millstream.losses.reduction import Reduction
from millstream.losses.weights import assert_broadcastable, broadcast_weights
from millstream.ops import array, math
from millstream.ops.array.selecting import where


def _safe_mean(total, count):
    """Divides a sum by a count; 0 where that is 0."""
    return math.div_no_nan(math.reduce_sum(total), count, name="value")


def num_present(losses, weights, per_batch=False):
    """Counts the elements whose weight is not zero, per example if `per_batch`."""
    if isinstance(weights, float) and weights != 0.0:
        return _num_elements(losses)
    with name_scope(None, "num_present", (losses, weights)) as scope:
        weights = math.cast(weights, Float)
        present = where(
            math.equal(weights, 0.0), array.zeros_like(weights), array.ones_like(weights)
        )
        present = broadcast_weights(present, losses)
        if per_batch:
            axes = math.range_(1, array.rank(present))
            return math.reduce_sum(present, axis=axes, keepdims=True, name=scope)
        return math.reduce_sum(present, name=scope)


def _num_elements(losses):
    with name_scope(None, "num_elements", [losses]) as scope:
        return math.cast(array.size(losses, name=scope), losses.dtype)


@export("losses.compute_weighted_loss")
def compute_weighted_loss(
    losses, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=Reduction.SUM_BY_NONZERO_WEIGHTS,
):  # fmt: skip
    """Weights the losses of the elements and puts them together.

    Args:
      losses: `[batch, …]`, a loss per element.
      weights: a scalar, or a tensor of the same rank whose sizes are 1 or those of `losses`.
      scope: scope of the nodes.
      loss_collection: the collection that the result joins.
      reduction: a `Reduction`.

    Returns:
      A scalar of the type of `losses`; the weighted losses themselves for `Reduction.NONE`.

    Raises:
      ValueError: if the weights do not broadcast, or there is no such reduction.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", (losses, weights)):
        fits = assert_broadcastable(weights, losses)
        with control_dependencies((fits,)):
            losses = convert_to_tensor(losses)
            dtype = losses.dtype
            losses, weights = math.cast(losses, Float), math.cast(weights, Float)
            loss = math.multiply(losses, weights)
            if reduction != Reduction.NONE:
                loss = _reduced(math.reduce_sum(loss), losses, weights, reduction)
            loss = math.cast(loss, dtype)
            add_loss(loss, loss_collection)
            return loss


def _reduced(total, losses, weights, reduction):
    if reduction == Reduction.MEAN:
        return _safe_mean(total, math.reduce_sum(array.ones_like(losses) * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return _safe_mean(total, num_present(losses, weights))
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return _safe_mean(total, _num_elements(losses))
    return total
