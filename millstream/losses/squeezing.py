"""Last axes of size 1 that labels, predictions or weights have more than the others."""

from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.flow.conditionals import cond


def squeeze_last(labels, predictions, expected_rank_diff=0, name=None):
    """Squeezes the last axis of labels or predictions, whichever has one more than expected.

    Args:
      labels: a tensor.
      predictions: a tensor, whose rank should be `expected_rank_diff` higher.
      expected_rank_diff: how many axes more the predictions should have.
      name: scope of the nodes.

    Returns:
      `(labels, predictions)`.
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        if predictions.shape.ndims is not None and labels.shape.ndims is not None:
            more = predictions.shape.ndims - labels.shape.ndims - expected_rank_diff
            if more == 1 and _may_be_one(predictions):
                predictions = array.squeeze(predictions, [-1])
            elif more == -1 and _may_be_one(labels):
                labels = array.squeeze(labels, [-1])
            return labels, predictions
        more = array.rank(predictions) - array.rank(labels)
        predictions = _squeezed_if(predictions, more, expected_rank_diff + 1)
        return _squeezed_if(labels, more, expected_rank_diff - 1), predictions


def _may_be_one(tensor):
    return tensor.shape[-1].is_compatible_with(1)


def _squeezed_if(tensor, rank_diff, wanted):
    if tensor.shape.ndims is not None and not (tensor.shape.ndims and _may_be_one(tensor)):
        return tensor
    return cond(math.equal(wanted, rank_diff), lambda: array.squeeze(tensor, [-1]), lambda: tensor)


def squeeze_weights(labels, weights):
    """Squeezes the last axis of weights that have one more than the labels."""
    weights = convert_to_tensor(weights)
    if labels.shape.ndims is not None and weights.shape.ndims is not None:
        if weights.shape.ndims - labels.shape.ndims == 1:
            weights = array.squeeze(weights, [-1])
        return weights
    more = array.rank(weights) - array.rank(labels)
    return _squeezed_if(weights, more, 1)
