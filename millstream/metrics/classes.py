"""Metrics of classes: what was taken for what."""

from millstream.base.dtypes import Double, Float, Int64
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.metrics.accumulating import metric_variable, published
from millstream.ops import array, math
from millstream.ops.array.diagonals import diag_part
from millstream.ops.array.selecting import where
from millstream.ops.math.arithmetic import div
from millstream.ops.math.confusion import confusion_matrix
from millstream.state.assignments import assign_add, scatter_add
from millstream.state.scoping import variable_scope


def _flat(x):
    return array.reshape(x, [-1]) if x.shape.ndims is not None and x.shape.ndims > 1 else x


def accumulated_confusion(labels, predictions, num_classes, weights=None):
    """Adds up a confusion matrix, `[classes, classes]` float64; returns it and its update."""
    total = metric_variable([num_classes, num_classes], Double, name="total_confusion_matrix")
    predictions, labels = math.cast(predictions, Int64), math.cast(labels, Int64)
    num_classes = math.cast(num_classes, Int64)
    predictions, labels = _flat(predictions), _flat(labels)
    if weights is not None:
        weights = _flat(convert_to_tensor(weights))
    current = confusion_matrix(labels, predictions, num_classes, weights=weights, dtype=Double)
    return total, assign_add(total, current)


@export("metrics.mean_iou")
def mean_iou(
    labels,
    predictions,
    num_classes,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes the mean over classes of intersection over union.

    Args:
      labels: the right classes.
      predictions: the predicted classes, of the same shape.
      num_classes: the number of classes.
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
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        predictions.shape.assert_is_compatible_with(labels.shape)
        total, update = accumulated_confusion(labels, predictions, num_classes, weights)
        value = published(_mean_overlap(total), metrics_collections)
        return value, published(update, updates_collections)


def _mean_overlap(matrix):
    rows = math.cast(math.reduce_sum(matrix, 0), Float)
    columns = math.cast(math.reduce_sum(matrix, 1), Float)
    both = math.cast(diag_part(matrix), Float)
    union = rows + columns - both
    # Classes that never came up do not count.
    present = math.reduce_sum(math.cast(math.not_equal(union, 0), Float))
    union = where(math.greater(union, 0), union, array.ones_like(union))
    overlap = div(both, union)
    return where(math.greater(present, 0), math.reduce_sum(overlap, name="mean_iou") / present, 0)


@export("metrics.mean_per_class_accuracy")
def mean_per_class_accuracy(
    labels,
    predictions,
    num_classes,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes the mean over classes of how often they are recognised.

    Args:
      labels: the right classes.
      predictions: the predicted classes, of the same shape.
      num_classes: the number of classes.
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
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        labels = _flat(math.cast(labels, Int64))
        predictions = _flat(convert_to_tensor(predictions))
        predictions.shape.assert_is_compatible_with(labels.shape)
        total = metric_variable([num_classes], Float, name="total")
        count = metric_variable([num_classes], Float, name="count")
        ones = array.ones([array.size(labels)], Float)
        if labels.dtype != predictions.dtype:
            predictions = math.cast(predictions, labels.dtype)
        right = math.cast(math.equal(predictions, labels), Float)
        if weights is not None:
            weights = math.cast(_flat(convert_to_tensor(weights)), Float)
            right *= weights
            ones *= weights
        new_total = scatter_add(total, labels, ones)
        new_count = scatter_add(count, labels, right)
        per_class = math.div_no_nan(count, math.maximum(total, 0), name=None)
        value = published(math.reduce_mean(per_class, name="mean_accuracy"), metrics_collections)
        update = math.div_no_nan(new_count, math.maximum(new_total, 0), name="update_op")
        return value, published(update, updates_collections)
