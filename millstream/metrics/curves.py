"""Areas under curves, and one rate where another has a given value."""

from millstream.base.dtypes import Int32, Int64
from millstream.base.export import export
from millstream.base.logging import warning
from millstream.metrics.accumulating import published
from millstream.metrics.thresholds import counts_at_thresholds
from millstream.ops import array, math
from millstream.ops.array.selecting import where
from millstream.ops.math.arithmetic import div
from millstream.ops.math.reductions import argmin
from millstream.ops.math.scans import cumsum
from millstream.state.scoping import variable_scope

_SMALL = 1e-7
_METHODS = ("trapezoidal", "careful_interpolation", "minoring", "majoring")


def spread_thresholds(number):
    """Returns `number` thresholds over `[0, 1]`, the ends moved out a little."""
    inner = [(i + 1) * 1.0 / (number - 1) for i in range(number - 2)]
    return [0.0 - _SMALL, *inner, 1.0 + _SMALL]


@export("metrics.auc")
def auc(
    labels, predictions, weights=None, num_thresholds=200, metrics_collections=None,
    updates_collections=None, curve="ROC", name=None, summation_method="trapezoidal",
    thresholds=None,
):  # fmt: skip
    """Computes the area under a curve of decisions at many thresholds.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      num_thresholds: how many thresholds to take.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      curve: `"ROC"`, or `"PR"` for precision over recall.
      name: variable scope of the metric.
      summation_method: `"trapezoidal"`; `"careful_interpolation"`, the right one for `"PR"`;
        `"minoring"` or `"majoring"` for bounds.
      thresholds: the inner thresholds, instead of evenly spaced ones.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if shapes do not fit, or for another curve or method.
    """
    with variable_scope(name, "auc", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        if thresholds is None:
            bounds = spread_thresholds(num_thresholds)
        else:
            bounds = [0.0 - _SMALL, *sorted(thresholds), 1.0 + _SMALL]
        values, updates = counts_at_thresholds(labels, predictions, bounds, weights)
        if curve == "PR" and summation_method == "trapezoidal":
            warning(
                "Trapezoidal rule is known to produce incorrect PR-AUCs; please switch to "
                '"careful_interpolation" instead.'
            )
        last = len(bounds) - 1
        value = published(
            _area(values, last, curve, summation_method, "value"), metrics_collections
        )
        update = _area(updates, last, curve, summation_method, "update_op")
        return value, published(update, updates_collections)


def _area(counts, last, curve, method, name):
    tp, fn, tn, fp = (counts[key] for key in ("tp", "fn", "tn", "fp"))
    if curve == "PR" and method == "careful_interpolation":
        return _interpolated_area(tp, fp, fn, last)
    if method not in _METHODS:
        raise ValueError(f"Invalid summation_method: {method}")
    epsilon = 1.0e-6
    recall = div(tp + epsilon, tp + fn + epsilon)
    if curve == "ROC":
        x, y = div(fp, fp + tn + epsilon), recall
    else:
        x, y = recall, div(tp + epsilon, tp + fp + epsilon)
    widths = x[:last] - x[1:]
    if method == "minoring":
        heights = math.minimum(y[:last], y[1:])
    elif method == "majoring":
        heights = math.maximum(y[:last], y[1:])
    else:
        heights = (y[:last] + y[1:]) / 2.0
    return math.reduce_sum(math.multiply(widths, heights), name=name)


def _interpolated_area(tp, fp, fn, last):
    """Interpolates true and false positives, not precision (Davis and Goadrich, 2006)."""
    gained = tp[:last] - tp[1:]
    p = tp + fp
    slope = math.div_no_nan(gained, math.maximum(p[:last] - p[1:], 0), name="prec_slope")
    intercept = tp[1:] - math.multiply(slope, p[1:])
    ratio = where(
        math.logical_and(p[:last] > 0, p[1:] > 0),
        math.div_no_nan(p[:last], math.maximum(p[1:], 0), name="recall_relative_ratio"),
        array.ones_like(p[1:]),
    )
    return math.reduce_sum(
        math.div_no_nan(
            slope * (gained + intercept * math.log(ratio)),
            math.maximum(tp[1:] + fn[1:], 0),
            name="pr_auc_increment",
        ),
        name="interpolate_pr_auc",
    )


@export("metrics.sensitivity_at_specificity")
def sensitivity_at_specificity(
    labels, predictions, specificity, weights=None, num_thresholds=200,
    metrics_collections=None, updates_collections=None, name=None,
):  # fmt: skip
    """Computes the recall at the threshold where the specificity is nearest to a value.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      specificity: a number in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      num_thresholds: how many thresholds to take.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if shapes do not fit, or the number is not in `[0, 1]`.
    """
    if specificity < 0 or specificity > 1:
        raise ValueError("`specificity` must be in the range [0, 1].")
    with variable_scope(name, "sensitivity_at_specificity", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, spread_thresholds(num_thresholds), weights
        )
        value = published(_sensitivity_at(values, specificity, "value"), metrics_collections)
        update = _sensitivity_at(updates, specificity, "update_op")
        return value, published(update, updates_collections)


def _sensitivity_at(counts, specificity, name):
    tp, fn, tn, fp = (counts[key] for key in ("tp", "fn", "tn", "fp"))
    found = div(tn, tn + fp + _SMALL)
    at = math.cast(argmin(math.abs(found - specificity), 0), Int32)
    return div(tp[at], tp[at] + fn[at] + _SMALL, name)


@export("metrics.specificity_at_sensitivity")
def specificity_at_sensitivity(
    labels, predictions, sensitivity, weights=None, num_thresholds=200,
    metrics_collections=None, updates_collections=None, name=None,
):  # fmt: skip
    """Computes the specificity at the threshold where the recall is nearest to a value.

    Args:
      labels: what is right, as booleans.
      predictions: probabilities, of the same shape.
      sensitivity: a number in `[0, 1]`.
      weights: a scalar, or a tensor that broadcasts to the predictions: weights of the elements.
      num_thresholds: how many thresholds to take.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if shapes do not fit, or the number is not in `[0, 1]`.
    """
    if sensitivity < 0 or sensitivity > 1:
        raise ValueError("`sensitivity` must be in the range [0, 1].")
    with variable_scope(name, "specificity_at_sensitivity", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(
            labels, predictions, spread_thresholds(num_thresholds), weights
        )
        value = published(_specificity_at(values, sensitivity, "value"), metrics_collections)
        update = _specificity_at(updates, sensitivity, "update_op")
        return value, published(update, updates_collections)


def _specificity_at(counts, sensitivity, name):
    tp, fn, tn, fp = (counts[key] for key in ("tp", "fn", "tn", "fp"))
    found = div(tp, tp + fn + _SMALL)
    least = math.reduce_min(math.abs(found - sensitivity))
    # Of several nearest thresholds the last is wanted; the running count is largest there.
    nearest = math.cast(math.equal(math.abs(found - sensitivity), least), Int64)
    at = math.cast(math.argmax(cumsum(nearest), 0), Int32)
    return div(tn[at], tn[at] + fp[at] + _SMALL, name)
