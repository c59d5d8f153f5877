"""What all metrics share: their variables, their operands, their collections."""

from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import get_collection_ref
from millstream.losses.squeezing import squeeze_last
from millstream.ops import array, math
from millstream.ops.flow.conditionals import cond
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.variables import create


def metric_variable(shape, dtype, validate_shape=True, name=None):
    """Makes a local variable of zeros in which a metric adds up.

    It joins `GraphKeys.LOCAL_VARIABLES` and `GraphKeys.METRIC_VARIABLES`.
    """
    return create(
        lambda: array.zeros(shape, dtype), trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        validate_shape=validate_shape, name=name,
        synchronization=VariableSynchronization.ON_READ, aggregation=VariableAggregation.SUM,
    )  # fmt: skip


def published(value, collections):
    """Adds a value to a collection, or several, and returns it."""
    if collections:
        names = [collections] if isinstance(collections, str) else collections
        for name in dict.fromkeys(names):
            get_collection_ref(name).append(value)
    return value


def matched(predictions, labels, weights):
    """Returns predictions, labels and weights as tensors of fitting ranks.

    Raises:
      ValueError: if the shapes of labels and predictions differ.
    """
    predictions = convert_to_tensor(predictions)
    if labels is not None:
        labels, predictions = squeeze_last(labels, predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
    if weights is None:
        return predictions, labels, None
    weights = convert_to_tensor(weights)
    ranks = weights.shape.ndims, predictions.shape.ndims
    if ranks[0] == 0:
        return predictions, labels, weights
    if None in ranks:
        return predictions, labels, _matched_in_step(weights, predictions)
    if ranks[0] - ranks[1] == 1:
        weights = array.squeeze(weights, [-1])
    elif ranks[1] - ranks[0] == 1:
        weights = array.expand_dims(weights, [-1])
    return predictions, labels, weights


def _matched_in_step(weights, predictions):
    """Returns weights of the predictions' rank, when only a step knows the ranks."""
    rank = array.rank(weights)
    more = rank - array.rank(predictions)
    known = weights.shape.ndims is not None

    def squeezed():
        if known and not weights.shape[-1].is_compatible_with(1):
            return weights
        return array.squeeze(weights, [-1])

    def expanded():
        return cond(math.equal(more, -1), lambda: array.expand_dims(weights, [-1]), lambda: weights)

    def adjusted():
        return cond(math.equal(more, 1), squeezed, expanded)

    return cond(math.equal(rank, 0), lambda: weights, adjusted)
