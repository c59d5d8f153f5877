"""Metrics that several heads share."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Bool
from millstream.ir.scopes import name_scope
from millstream.metrics.counts import precision, recall
from millstream.metrics.curves import auc
from millstream.metrics.means import accuracy, mean
from millstream.ops.array.broadcasting import broadcast_to
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast


def weighted(weights: Any, values: Any) -> Any:
    """Returns weights that broadcast to values, or None for weight 1."""
    if isinstance(weights, float):
        return None
    if weights.shape.ndims == values.shape.ndims:
        return weights
    return broadcast_to(weights, shape(values))


def predictions_mean(predictions: Any, weights: Any, name: str) -> Any:
    """Returns the metric of the mean prediction."""
    with name_scope(name, "predictions_mean", (predictions, weights)) as scope:
        predictions = cast(predictions, "float32")
        return mean(predictions, weighted(weights, predictions), name=scope)


def labels_mean(labels: Any, weights: Any, name: str) -> Any:
    """Returns the metric of the mean label, the share of positive ones."""
    with name_scope(name, "labels_mean", (labels, weights)) as scope:
        labels = cast(labels, "float32")
        return mean(labels, weighted(weights, labels), name=scope)


def accuracy_baseline(mean_label: Any) -> tuple[Any, Any]:
    """Returns the accuracy of the best constant prediction, from the mean label's metric."""
    value, update = mean_label
    with name_scope(None, "accuracy_baseline", mean_label):
        return (
            ops.Maximum(value, 1.0 - value, name="value"),
            ops.Maximum(update, 1.0 - update, name="update_op"),
        )


def area(labels: Any, predictions: Any, weights: Any, curve: str, name: str) -> Any:
    """Returns the metric of the area under a curve, `ROC` or `PR`."""
    return auc(
        labels=labels, predictions=predictions, weights=weighted(weights, predictions), curve=curve,
        name=name,
    )  # fmt: skip


def at_threshold(
    labels: Any, predictions: Any, weights: Any, threshold: float, key: Any
) -> dict[str, Any]:
    """Returns accuracy, precision and recall of predictions above a threshold."""
    chosen = cast(predictions > threshold, "float32")
    weights = weighted(weights, predictions)
    found: dict[str, Any] = {}
    for kind, metric in (("accuracy", accuracy), ("precision", precision), ("recall", recall)):
        name = key(f"{kind}/positive_threshold_{threshold:g}")
        if metric is accuracy:
            found[name] = metric(labels=labels, predictions=chosen, weights=weights, name=name)
        else:
            found[name] = metric(
                labels=cast(labels, Bool), predictions=cast(chosen, Bool), weights=weights,
                name=name,
            )  # fmt: skip
    return found


def checked_thresholds(thresholds: Any) -> tuple[float, ...]:
    """Returns thresholds as a tuple.

    Raises:
      ValueError: if one is not between 0 and 1.
    """
    found = tuple(thresholds or ())
    for threshold in found:
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"thresholds not in (0, 1): {found}.")
    return found
