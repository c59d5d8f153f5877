"""Metrics that `tf.metrics` does not have: rates, moments, concatenation, agreement, curves."""

from millstream.base.dtypes import Float, Int32
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies
from millstream.metrics import counts
from millstream.metrics.accumulating import matched, metric_variable, published
from millstream.metrics.classes import accumulated_confusion
from millstream.metrics.curves import spread_thresholds
from millstream.metrics.thresholds import ALL, counts_at_thresholds
from millstream.ops import array, math
from millstream.ops.array.diagonals import diag_part
from millstream.ops.array.selecting import where
from millstream.ops.math.arithmetic import div
from millstream.ops.math.reductions import argmin
from millstream.state.assignments import assign, assign_add
from millstream.state.scoping import variable_scope


def _both(name):
    return export(f"contrib.metrics.{name}", f"contrib.slim.metrics.{name}", module=__name__)


@_both("count")
def count(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """Counts values, or adds their weights up.

    Args:
      values: a tensor.
      weights: a scalar, or a tensor that broadcasts to the values.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`.
    """
    with variable_scope(name, "count", (values, weights)):
        total = metric_variable([], Float, name="count")
        if weights is None:
            number = math.cast(array.size(values), Float)
        else:
            values, _, weights = matched(values, None, weights)
            number = math.reduce_sum(
                math.cast(weights, Float) * array.ones_like(math.cast(values, Float))
            )
        with control_dependencies([values] if hasattr(values, "op") else []):
            update = assign_add(total, number)
        value = published(array.identity(total), metrics_collections)
        return value, published(update, updates_collections)


def _rate(name, default, kinds, predictions, labels, weights, metrics, updates):
    with variable_scope(name, default, (predictions, labels, weights)):
        wrong, new_wrong = getattr(counts, kinds[0])(labels, predictions, weights)
        right, new_right = getattr(counts, kinds[1])(labels, predictions, weights)
        value = math.div_no_nan(wrong, wrong + right, name="value")
        update = math.div_no_nan(new_wrong, new_wrong + new_right, name="update_op")
        return published(value, metrics), published(update, updates)


@_both("streaming_false_positive_rate")
def streaming_false_positive_rate(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes which part of what is false is predicted true."""
    return _rate(
        name, "false_positive_rate", ("false_positives", "true_negatives"), predictions, labels,
        weights, metrics_collections, updates_collections,
    )  # fmt: skip


@_both("streaming_false_negative_rate")
def streaming_false_negative_rate(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes which part of what is true is predicted false."""
    return _rate(
        name, "false_negative_rate", ("false_negatives", "true_positives"), predictions, labels,
        weights, metrics_collections, updates_collections,
    )  # fmt: skip


def _rates(name, default, kinds, predictions, labels, thresholds, weights, metrics, updates):
    with variable_scope(name, default, (predictions, labels, weights)):
        values, new = counts_at_thresholds(labels, predictions, thresholds, weights, includes=kinds)
        wrong, right = kinds
        value = div(values[wrong], 1e-7 + values[wrong] + values[right], name="value")
        update = div(new[wrong], 1e-7 + new[wrong] + new[right], name="update_op")
        return published(value, metrics), published(update, updates)


@_both("streaming_false_positive_rate_at_thresholds")
def streaming_false_positive_rate_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of what is false is predicted true, at each threshold."""
    return _rates(
        name, "false_positive_rate_at_thresholds", ("fp", "tn"), predictions, labels, thresholds,
        weights, metrics_collections, updates_collections,
    )  # fmt: skip


@_both("streaming_false_negative_rate_at_thresholds")
def streaming_false_negative_rate_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of what is true is predicted false, at each threshold."""
    return _rates(
        name, "false_negative_rate_at_thresholds", ("fn", "tp"), predictions, labels, thresholds,
        weights, metrics_collections, updates_collections,
    )  # fmt: skip


@_both("streaming_covariance")
def streaming_covariance(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes the unbiased covariance of predictions and labels, stably, batch by batch.

    Source: Chan, Golub and LeVeque, 1979.
    """
    with variable_scope(name, "covariance", (predictions, labels, weights)):
        predictions, labels, weights = matched(predictions, labels, weights)
        total, means, moment = (
            metric_variable([], Float, name="count"),
            [metric_variable([], Float, name=n) for n in ("mean_prediction", "mean_label")],
            metric_variable([], Float, name="comoment"),
        )
        if weights is None:
            number = math.cast(array.size(labels), Float)
            weights = array.ones_like(labels)
        else:
            weights = math.cast(weights, Float) * array.ones_like(labels)
            number = math.reduce_sum(weights)
        batch = [
            math.div_no_nan(math.reduce_sum(x * weights), number) for x in (predictions, labels)
        ]
        new_total = total + number
        steps = [math.div_no_nan((b - m) * number, new_total) for b, m in zip(batch, means)]
        centred = (predictions - batch[0]) * (labels - batch[1]) * weights
        between = (batch[0] - means[0]) * (batch[1] - means[1])
        added = math.reduce_sum(centred) + between * math.div_no_nan(number * total, new_total)
        with control_dependencies([*steps, added, new_total]):
            moved = [assign_add(m, s) for m, s in zip(means, steps)]
            counted, summed = assign(total, new_total), assign_add(moment, added)
        value = _unbiased(moment, total, "covariance")
        with control_dependencies(moved):
            update = _unbiased(summed, counted, "update_op")
        return published(value, metrics_collections), published(update, updates_collections)


def _unbiased(moment, total, name):
    return math.truediv(moment, math.maximum(total - 1, 1), name=name)


@_both("streaming_pearson_correlation")
def streaming_pearson_correlation(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes Pearson's correlation of predictions and labels."""
    with variable_scope(name, "pearson_r", (predictions, labels, weights)):
        predictions, labels, weights = matched(predictions, labels, weights)
        pairs = [
            streaming_covariance(*operands, weights=weights, name=scope)
            for operands, scope in (
                ((predictions, labels), "covariance"),
                ((predictions, predictions), "variance_predictions"),
                ((labels, labels), "variance_labels"),
            )
        ]

        def correlation(parts, name):
            scale = math.multiply(math.sqrt(parts[1]), math.sqrt(parts[2]))
            return math.truediv(parts[0], scale, name=name)

        value = correlation([p[0] for p in pairs], "pearson_r")
        update = correlation([p[1] for p in pairs], "update_op")
        return published(value, metrics_collections), published(update, updates_collections)


@_both("cohen_kappa")
def cohen_kappa(
    labels, predictions_idx, num_classes, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes Cohen's kappa, the agreement of two raters beyond chance.

    Raises:
      ValueError: if there are fewer than two classes.
    """
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2. Found: {num_classes}")
    with variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
        labels, ids = convert_to_tensor(labels), convert_to_tensor(predictions_idx)
        total, updated = accumulated_confusion(labels, ids, num_classes, weights)

        def kappa(matrix, name):
            rows, columns = math.reduce_sum(matrix, 1), math.reduce_sum(matrix, 0)
            every = math.reduce_sum(rows)
            by_chance = math.div_no_nan(math.reduce_sum(rows * columns), every)
            agreed = math.reduce_sum(diag_part(matrix))
            return math.div_no_nan(agreed - by_chance, every - by_chance, name=name)

        value = published(kappa(total, "value"), metrics_collections)
        return value, published(kappa(updated, "update_op"), updates_collections)


@_both("streaming_curve_points")
def streaming_curve_points(
    labels=None, predictions=None, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, curve="ROC", name=None,
):  # fmt: skip
    """Computes the points of a curve, `[num_thresholds, 2]`: its x and y at each threshold.

    Raises:
      ValueError: for another curve than `"ROC"` or `"PR"`.
    """
    with variable_scope(name, "curve_points", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        values, updates = counts_at_thresholds(
            labels, predictions, spread_thresholds(num_thresholds), weights
        )

        def points(c, name):
            recall = math.div_no_nan(c["tp"], c["tp"] + c["fn"])
            if curve == "ROC":
                x, y = math.div_no_nan(c["fp"], c["fp"] + c["tn"]), recall
            else:
                x, y = recall, math.div_no_nan(c["tp"], c["tp"] + c["fp"])
            return array.stack([x, y], axis=1, name=name)

        value = published(points(values, "value"), metrics_collections)
        return value, published(points(updates, "update_op"), updates_collections)


def _at(
    name, default, labels, predictions, weights, number, compute, metrics, updates, includes=ALL
):
    """Makes a metric that is a function of the counts at many thresholds."""
    with variable_scope(name, default, (labels, predictions, weights)):
        values, new = counts_at_thresholds(
            labels, predictions, spread_thresholds(number), weights, includes=includes
        )
        value = published(compute(values, "value"), metrics)
        return value, published(compute(new, "update_op"), updates)


@_both("precision_at_recall")
def precision_at_recall(
    labels, predictions, target_recall, weights=None, num_thresholds=200,
    metrics_collections=None, updates_collections=None, name=None,
):  # fmt: skip
    """Computes the precision at the highest threshold whose recall reaches a value.

    Raises:
      ValueError: if `target_recall` is not in `[0, 1]`.
    """
    if target_recall < 0 or target_recall > 1:
        raise ValueError("`target_recall` must be in the range [0, 1].")

    def compute(c, name):
        recalls = div(c["tp"], c["tp"] + c["fn"] + 1e-7)
        reaching = math.cast(math.greater_equal(recalls, target_recall), Int32)
        # Recall falls with the threshold; the last one that reaches the value is wanted.
        at = math.maximum(math.reduce_sum(reaching) - 1, 0)
        return div(c["tp"][at] + 1e-7, c["tp"][at] + c["fp"][at] + 1e-7, name)

    return _at(
        name, "precision_at_recall", labels, predictions, weights, num_thresholds, compute,
        metrics_collections, updates_collections,
    )  # fmt: skip


@_both("recall_at_precision")
def recall_at_precision(
    labels, predictions, precision, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, name=None, strict_mode=False,
):  # fmt: skip
    """Computes the recall at the threshold where the precision is nearest to a value.

    With `strict_mode`, thresholds of smaller precision do not count; without any other the recall
    is 0.

    Raises:
      ValueError: if `precision` is not in `[0, 1]`.
    """
    if not 0 <= precision <= 1:
        raise ValueError("`precision` must be in the range [0, 1].")

    def compute(c, name):
        precisions = div(c["tp"], c["tp"] + c["fp"] + 1e-7)
        distance = math.abs(precisions - precision)
        reaches = math.greater_equal(precisions, precision)
        if strict_mode:
            distance = where(reaches, distance, 2.0 * array.ones_like(distance))
        at = math.cast(argmin(distance, 0), Int32)
        recall = div(c["tp"][at], c["tp"][at] + c["fn"][at] + 1e-7)
        if strict_mode:
            recall = recall * math.cast(math.reduce_any(reaches), Float)
        return array.identity(recall, name=name)

    return _at(
        name, "recall_at_precision", labels, predictions, weights, num_thresholds, compute,
        metrics_collections, updates_collections,
    )  # fmt: skip


@_both("f1_score")
def f1_score(
    labels, predictions, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes the best harmonic mean of precision and recall over the thresholds."""

    def compute(c, name):
        precision = div(c["tp"], 1e-7 + c["tp"] + c["fp"])
        recall = div(c["tp"], 1e-7 + c["tp"] + c["fn"])
        scores = 2.0 * precision * recall / (precision + recall + 1e-7)
        return math.reduce_max(scores, name=name)

    return _at(
        name, "f1", labels, predictions, weights, num_thresholds, compute,
        metrics_collections, updates_collections, includes=("tp", "fn", "fp"),
    )  # fmt: skip
