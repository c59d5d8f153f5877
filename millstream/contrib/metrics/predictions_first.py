"""The metrics of `tf.metrics` with predictions first, also `slim.metrics`."""

from millstream.base.dtypes import Float, Int32
from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.metrics import (
    average_precision,
    classes,
    counts,
    curves,
    means,
    ranked,
)
from millstream.metrics import (
    thresholds as at_thresholds,
)
from millstream.ops import array, math
from millstream.ops.array.ranking import in_top_k
from millstream.ops.math.confusion import confusion_matrix as confusion
from millstream.ops.sparse import sets


def _both(name):
    return export(f"contrib.metrics.{name}", f"contrib.slim.metrics.{name}", module=__name__)


set_difference, set_intersection = sets.set_difference, sets.set_intersection
set_size, set_union = sets.set_size, sets.set_union
for _name in ("set_difference", "set_intersection", "set_size", "set_union"):
    _both(_name)(getattr(sets, _name))


@_both("accuracy")
def accuracy(predictions, labels, weights=None, name=None):
    """Computes how often predictions equal labels in this batch, weighted.

    Raises:
      ValueError: if types or shapes differ.
    """
    if not (labels.dtype.is_integer or labels.dtype.name in ("bool", "string")):
        raise ValueError(
            f"Labels should have bool, integer, or string dtype. Given: {labels.dtype}"
        )
    if not labels.dtype.is_compatible_with(predictions.dtype):
        raise ValueError(
            f"Dtypes of predictions and labels should match. Given: predictions "
            f"({predictions.dtype}) and labels ({labels.dtype})"
        )
    predictions.shape.assert_is_compatible_with(labels.shape)
    with name_scope(name, "accuracy", [predictions, labels]):
        right = math.cast(math.equal(predictions, labels), Float)
        if weights is None:
            return math.reduce_mean(right)
        right = math.multiply(right, weights)
        total = math.reduce_sum(math.multiply(array.ones_like(right), weights))
        return math.reduce_sum(right) / total


@_both("aggregate_metrics")
def aggregate_metrics(*value_update_tuples):
    """Splits metrics into two lists: of values, and of updates.

    Raises:
      ValueError: if there are no metrics.
    """
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples)
    return list(values), list(updates)


@_both("aggregate_metric_map")
def aggregate_metric_map(names_to_tuples):
    """Splits a dictionary of metrics into two: of values, and of updates.

    Example:
      >>> values, updates = tf.contrib.metrics.aggregate_metric_map(
      ...     {"mean": tf.metrics.mean(tf.ones([2]))})
      >>> list(values)
      ['mean']
    """
    values = {name: pair[0] for name, pair in names_to_tuples.items()}
    return values, {name: pair[1] for name, pair in names_to_tuples.items()}


@_both("confusion_matrix")
def confusion_matrix(labels, predictions, num_classes=None, dtype=Int32, name=None, weights=None):
    """Is `tf.confusion_matrix`."""
    return confusion(
        labels, predictions, num_classes=num_classes, dtype=dtype, name=name, weights=weights
    )


@_both("streaming_true_positives")
def streaming_true_positives(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.true_positives` with the predictions first."""
    return counts.true_positives(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_true_negatives")
def streaming_true_negatives(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.true_negatives` with the predictions first."""
    return counts.true_negatives(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_false_positives")
def streaming_false_positives(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.false_positives` with the predictions first."""
    return counts.false_positives(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_false_negatives")
def streaming_false_negatives(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.false_negatives` with the predictions first."""
    return counts.false_negatives(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_precision")
def streaming_precision(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.precision` with the predictions first."""
    return counts.precision(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_recall")
def streaming_recall(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.recall` with the predictions first."""
    return counts.recall(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_accuracy")
def streaming_accuracy(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.accuracy` with the predictions first."""
    return means.accuracy(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_absolute_error")
def streaming_mean_absolute_error(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_absolute_error` with the predictions first."""
    return means.mean_absolute_error(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_squared_error")
def streaming_mean_squared_error(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_squared_error` with the predictions first."""
    return means.mean_squared_error(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_root_mean_squared_error")
def streaming_root_mean_squared_error(
    predictions, labels, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.root_mean_squared_error` with the predictions first."""
    return means.root_mean_squared_error(
        labels, predictions, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean")
def streaming_mean(
    values, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean` with the values first."""
    return means.mean(
        values, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_tensor")
def streaming_mean_tensor(
    values, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_tensor` with the values first."""
    return means.mean_tensor(
        values, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_percentage_less")
def streaming_percentage_less(
    values, threshold, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.percentage_below` with the values first."""
    return means.percentage_below(
        values, threshold, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_relative_error")
def streaming_mean_relative_error(
    predictions, labels, normalizer, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_relative_error` with the predictions first."""
    return means.mean_relative_error(
        labels, predictions, normalizer, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_cosine_distance")
def streaming_mean_cosine_distance(
    predictions, labels, dim, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_cosine_distance` with the predictions first."""
    return means.mean_cosine_distance(
        labels, predictions, dim, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_mean_iou")
def streaming_mean_iou(
    predictions, labels, num_classes, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.mean_iou` with the predictions first."""
    return classes.mean_iou(
        labels, predictions, num_classes, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_precision_at_thresholds")
def streaming_precision_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.precision_at_thresholds` with the predictions first."""
    return at_thresholds.precision_at_thresholds(
        labels, predictions, thresholds, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_recall_at_thresholds")
def streaming_recall_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.recall_at_thresholds` with the predictions first."""
    return at_thresholds.recall_at_thresholds(
        labels, predictions, thresholds, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_sensitivity_at_specificity")
def streaming_sensitivity_at_specificity(
    predictions, labels, specificity, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.sensitivity_at_specificity` with the predictions first."""
    return curves.sensitivity_at_specificity(
        labels, predictions, specificity, weights=weights, num_thresholds=num_thresholds,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_specificity_at_sensitivity")
def streaming_specificity_at_sensitivity(
    predictions, labels, sensitivity, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.specificity_at_sensitivity` with the predictions first."""
    return curves.specificity_at_sensitivity(
        labels, predictions, sensitivity, weights=weights, num_thresholds=num_thresholds,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_sparse_precision_at_k")
def streaming_sparse_precision_at_k(
    predictions, labels, k, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.precision_at_k` with the predictions first."""
    return ranked.precision_at_k(
        labels, predictions, k, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_sparse_recall_at_k")
def streaming_sparse_recall_at_k(
    predictions, labels, k, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.recall_at_k` with the predictions first."""
    return ranked.recall_at_k(
        labels, predictions, k, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_sparse_average_precision_at_k")
def streaming_sparse_average_precision_at_k(
    predictions, labels, k, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.average_precision_at_k` with the predictions first."""
    return average_precision.average_precision_at_k(
        labels, predictions, k, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_sparse_precision_at_top_k")
def streaming_sparse_precision_at_top_k(
    top_k_predictions, labels, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.precision_at_top_k` with the top_k_predictions first."""
    return ranked.precision_at_top_k(
        labels, top_k_predictions, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("sparse_recall_at_top_k")
def sparse_recall_at_top_k(
    labels, top_k_predictions, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is `tf.metrics.recall_at_top_k`."""
    return ranked.recall_at_top_k(
        labels, top_k_predictions, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip


@_both("streaming_auc")
def streaming_auc(
    predictions, labels, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, curve="ROC", name=None,
):  # fmt: skip
    """Is `tf.metrics.auc` with the predictions first."""
    return curves.auc(
        labels, predictions, weights=weights, num_thresholds=num_thresholds,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        curve=curve, name=name,
    )  # fmt: skip


@_both("streaming_recall_at_k")
def streaming_recall_at_k(
    predictions, labels, k, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes how often the label is among the `k` best predictions.

    Args:
      predictions: `[batch, classes]` scores.
      labels: `[batch]` classes.
      k: how many count.
      weights: weights of the examples.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`.
    """
    found = math.cast(in_top_k(predictions, labels, k), Float)
    return means.mean(
        found, weights, metrics_collections, updates_collections, name or f"recall_at_{k}"
    )


@_both("streaming_true_positives_at_thresholds")
def streaming_true_positives_at_thresholds(predictions, labels, thresholds, weights=None):
    """Is `tf.metrics.true_positives_at_thresholds` with the predictions first."""
    return at_thresholds.true_positives_at_thresholds(
        labels, predictions, thresholds, weights=weights
    )


@_both("streaming_true_negatives_at_thresholds")
def streaming_true_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
    """Is `tf.metrics.true_negatives_at_thresholds` with the predictions first."""
    return at_thresholds.true_negatives_at_thresholds(
        labels, predictions, thresholds, weights=weights
    )


@_both("streaming_false_positives_at_thresholds")
def streaming_false_positives_at_thresholds(predictions, labels, thresholds, weights=None):
    """Is `tf.metrics.false_positives_at_thresholds` with the predictions first."""
    return at_thresholds.false_positives_at_thresholds(
        labels, predictions, thresholds, weights=weights
    )


@_both("streaming_false_negatives_at_thresholds")
def streaming_false_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
    """Is `tf.metrics.false_negatives_at_thresholds` with the predictions first."""
    return at_thresholds.false_negatives_at_thresholds(
        labels, predictions, thresholds, weights=weights
    )
