"""Counts, precision and recall of decisions at many thresholds at once."""

from millstream.base.dtypes import Bool, Float
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.scopes import control_dependencies
from millstream.losses.weights import broadcast_weights
from millstream.metrics.accumulating import matched, metric_variable, published
from millstream.ops import array, math
from millstream.ops.flow.checks import assert_greater_equal, assert_less_equal
from millstream.ops.math.arithmetic import div
from millstream.state.assignments import assign_add
from millstream.state.scoping import variable_scope

ALL = ("tp", "fn", "tn", "fp")
_NAMES = {
    "tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives",
    "fp": "false_positives",
}  # fmt: skip


def counts_at_thresholds(labels, predictions, thresholds, weights=None, includes=ALL):
    """Counts right and wrong decisions, a prediction above the threshold being a yes.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers.
      weights: weights of the elements.
      includes: which of `tp`, `fn`, `tn`, `fp` to count.

    Returns:
      `(values, updates)`: dictionaries of variables and of their updates, `[thresholds]` each.
    """
    in_range = "predictions must be in [0, 1]"
    with control_dependencies(
        [
            assert_greater_equal(predictions, math.cast(0.0, predictions.dtype), message=in_range),
            assert_less_equal(predictions, math.cast(1.0, predictions.dtype), message=in_range),
        ]
    ):
        predictions, labels, weights = matched(
            math.cast(predictions, Float), math.cast(labels, Bool), weights
        )
    number = len(thresholds)
    column = array.reshape(predictions, [-1, 1])
    labels = array.reshape(math.cast(labels, Bool), [1, -1])
    yes, bounds = _decisions(column, thresholds)
    no = math.logical_not(yes) if {"fn", "tn"} & set(includes) else None
    true = array.tile(labels, [number, 1])
    false = math.logical_not(true) if {"fp", "tn"} & set(includes) else None
    if weights is not None:
        weights = broadcast_weights(math.cast(weights, Float), predictions)
        weights = array.tile(array.reshape(weights, [1, -1]), [number, 1])
        bounds.shape.assert_is_compatible_with(weights.shape)
    pairs = {"tp": (true, yes), "fn": (true, no), "tn": (false, no), "fp": (false, yes)}
    values, updates = {}, {}
    for key in (key for key in ALL if key in includes):
        values[key] = metric_variable([number], Float, name=_NAMES[key])
        found = math.cast(math.logical_and(*pairs[key]), Float)
        if weights is not None:
            found *= weights
        updates[key] = assign_add(values[key], math.reduce_sum(found, 1))
    return values, updates


def _decisions(column, thresholds):
    """Returns `[thresholds, elements]` booleans, and the thresholds in that shape."""
    size = column.shape.as_list()[0]
    if size is None:
        size = array.shape(column)[0]
    bounds = array.tile(array.expand_dims(constant(thresholds), [1]), array.stack([1, size]))
    rows = array.tile(array.transpose(column), [len(thresholds), 1])
    return math.greater(rows, bounds), bounds


@export("metrics.true_positives_at_thresholds")
def true_positives_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Counts the elements that are true and predicted so, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "true_positives", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("tp",)
        )
        value = published(array.identity(values["tp"]), metrics_collections)
        return value, published(updates["tp"], updates_collections)


@export("metrics.false_positives_at_thresholds")
def false_positives_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Counts the elements that are false and predicted true, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "false_positives", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("fp",)
        )
        value = published(array.identity(values["fp"]), metrics_collections)
        return value, published(updates["fp"], updates_collections)


@export("metrics.true_negatives_at_thresholds")
def true_negatives_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Counts the elements that are false and predicted so, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "true_negatives", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("tn",)
        )
        value = published(array.identity(values["tn"]), metrics_collections)
        return value, published(updates["tn"], updates_collections)


@export("metrics.false_negatives_at_thresholds")
def false_negatives_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Counts the elements that are true and predicted false, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "false_negatives", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("fn",)
        )
        value = published(array.identity(values["fn"]), metrics_collections)
        return value, published(updates["fn"], updates_collections)


@export("metrics.precision_at_thresholds")
def precision_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes which part of what is predicted true is true, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "precision_at_thresholds", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("tp", "fp")
        )

        def part(counts, name):
            return div(counts["tp"], 1e-7 + counts["tp"] + counts["fp"], name="precision_" + name)

        value = published(part(values, "value"), metrics_collections)
        return value, published(part(updates, "update_op"), updates_collections)


@export("metrics.recall_at_thresholds")
def recall_at_thresholds(
    labels,
    predictions,
    thresholds,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes which part of what is true is predicted so, at each threshold.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      thresholds: a list of numbers in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "recall_at_thresholds", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, thresholds, weights, includes=("tp", "fn")
        )

        def part(counts, name):
            return div(counts["tp"], 1e-7 + counts["tp"] + counts["fn"], name="recall_" + name)

        value = published(part(values, "value"), metrics_collections)
        return value, published(part(updates, "update_op"), updates_collections)
