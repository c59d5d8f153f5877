"""Counts of right and wrong decisions, precision and recall."""

from millstream.base.dtypes import Bool, Float
from millstream.base.export import export
from millstream.ir.scopes import control_dependencies
from millstream.metrics.accumulating import matched, metric_variable, published
from millstream.ops import array, math
from millstream.ops.array.selecting import where
from millstream.ops.flow.static_checks import assert_rank_in, assert_type
from millstream.ops.math.arithmetic import div
from millstream.state.assignments import assign_add
from millstream.state.scoping import variable_scope


def count_condition(values, weights, metrics_collections, updates_collections):
    """Counts, weighted, how often a boolean tensor is true; returns value and update."""
    assert_type(values, Bool)
    count = metric_variable([], Float, name="count")
    values = math.cast(values, Float)
    if weights is not None:
        with control_dependencies((assert_rank_in(weights, (0, array.rank(values))),)):
            values = math.multiply(values, math.cast(weights, Float))
    value = published(array.identity(count), metrics_collections)
    update = assign_add(count, math.reduce_sum(values))
    return value, published(update, updates_collections)


def _decided(labels, predictions, weights):
    return matched(math.cast(predictions, Bool), math.cast(labels, Bool), weights)


@export("metrics.true_positives")
def true_positives(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Counts the elements that are true and predicted so.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
        predictions, labels, weights = _decided(labels, predictions, weights)
        found = math.logical_and(math.equal(labels, True), math.equal(predictions, True))
        return count_condition(found, weights, metrics_collections, updates_collections)


@export("metrics.false_positives")
def false_positives(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Counts the elements that are false and predicted true.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
        predictions, labels, weights = _decided(labels, predictions, weights)
        found = math.logical_and(math.equal(labels, False), math.equal(predictions, True))
        return count_condition(found, weights, metrics_collections, updates_collections)


@export("metrics.true_negatives")
def true_negatives(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Counts the elements that are false and predicted so.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
        predictions, labels, weights = _decided(labels, predictions, weights)
        found = math.logical_and(math.equal(labels, False), math.equal(predictions, False))
        return count_condition(found, weights, metrics_collections, updates_collections)


@export("metrics.false_negatives")
def false_negatives(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Counts the elements that are true and predicted false.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
        predictions, labels, weights = _decided(labels, predictions, weights)
        found = math.logical_and(math.equal(labels, True), math.equal(predictions, False))
        return count_condition(found, weights, metrics_collections, updates_collections)


@export("metrics.precision")
def precision(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes which part of what is predicted true is true.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
    with variable_scope(name, "precision", (predictions, labels, weights)):
        predictions, labels, weights = _decided(labels, predictions, weights)
        hits, new_hits = true_positives(labels, predictions, weights)
        misses, new_misses = false_positives(labels, predictions, weights)
        value = published(_part(hits, misses, "value"), metrics_collections)
        return value, published(_part(new_hits, new_misses, "update_op"), updates_collections)


@export("metrics.recall")
def recall(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes which part of what is true is predicted so.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
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
    with variable_scope(name, "recall", (predictions, labels, weights)):
        predictions, labels, weights = _decided(labels, predictions, weights)
        hits, new_hits = true_positives(labels, predictions, weights)
        misses, new_misses = false_negatives(labels, predictions, weights)
        value = published(_part(hits, misses, "value"), metrics_collections)
        return value, published(_part(new_hits, new_misses, "update_op"), updates_collections)


def _part(hits, misses, name):
    return where(math.greater(hits + misses, 0), div(hits, hits + misses), 0, name)
