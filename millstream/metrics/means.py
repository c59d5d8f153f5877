"""Metrics that are means over all elements."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.scopes import control_dependencies
from millstream.losses.squeezing import squeeze_last
from millstream.losses.weights import broadcast_weights
from millstream.metrics.accumulating import matched, metric_variable, published
from millstream.ops import array, math
from millstream.ops.array.selecting import where
from millstream.ops.math.arithmetic import div
from millstream.state.assignments import assign_add
from millstream.state.scoping import variable_scope


@export("metrics.mean")
def mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """Computes the weighted mean of all values.

    Args:
      values: a tensor.
      weights: a scalar, or a tensor that broadcasts to the values: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "mean", (values, weights)):
        values = math.cast(values, Float)
        total = metric_variable([], Float, name="total")
        count = metric_variable([], Float, name="count")
        if weights is None:
            number = math.cast(array.size(values), Float)
        else:
            values, weights = _weighted(values, weights)
            values = math.multiply(values, weights)
            number = math.reduce_sum(weights)
        return _means(
            total, count, math.reduce_sum(values), number, values,
            metrics_collections, updates_collections,
        )  # fmt: skip


def _weighted(values, weights):
    """Returns values, and weights of their shape."""
    values, _, weights = matched(values, None, weights)
    return values, broadcast_weights(math.cast(weights, Float), values)


def _means(total, count, added, number, values, metrics_collections, updates_collections):
    """Adds to total and count; returns the mean before and after."""
    new_total = assign_add(total, added)
    with control_dependencies([values]):
        new_count = assign_add(count, number)
    value = math.div_no_nan(total, math.maximum(count, 0), name="value")
    published(value, metrics_collections)
    update = math.div_no_nan(new_total, math.maximum(new_count, 0), name="update_op")
    return value, published(update, updates_collections)


@export("metrics.mean_tensor")
def mean_tensor(
    values, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes the weighted mean of each element of a tensor over the batches.

    Args:
      values: a tensor of known shape.
      weights: a scalar, or a tensor that broadcasts to the values: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "mean", (values, weights)):
        total = metric_variable(values.shape, Float, name="total_tensor")
        count = metric_variable(values.shape, Float, name="count_tensor")
        number = array.ones_like(values)
        if weights is not None:
            values, weights = _weighted(values, weights)
            values = math.multiply(values, weights)
            number = math.multiply(number, weights)
        return _means(
            total, count, values, number, values, metrics_collections, updates_collections
        )


@export("metrics.accuracy")
def accuracy(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes how often predictions equal labels.

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
    predictions, labels, weights = matched(predictions, labels, weights)
    if labels.dtype != predictions.dtype:
        predictions = math.cast(predictions, labels.dtype)
    right = math.cast(math.equal(predictions, labels), Float)
    return mean(right, weights, metrics_collections, updates_collections, name or "accuracy")


@export("metrics.mean_absolute_error")
def mean_absolute_error(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes the mean distance of predictions from labels.

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
    predictions, labels, weights = matched(predictions, labels, weights)
    errors = math.abs(predictions - labels)
    return mean(
        errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error"
    )


@export("metrics.mean_squared_error")
def mean_squared_error(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes the mean squared error.

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
    predictions, labels, weights = matched(predictions, labels, weights)
    errors = math.squared_difference(labels, predictions)
    return mean(
        errors, weights, metrics_collections, updates_collections, name or "mean_squared_error"
    )


@export("metrics.root_mean_squared_error")
def root_mean_squared_error(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes the root of the mean squared error.

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
    predictions, labels, weights = matched(predictions, labels, weights)
    value, update = mean_squared_error(
        labels, predictions, weights, None, None, name or "root_mean_squared_error"
    )
    value = published(math.sqrt(value), metrics_collections)
    return value, published(math.sqrt(update), updates_collections)


@export("metrics.mean_relative_error")
def mean_relative_error(
    labels,
    predictions,
    normalizer,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes the mean distance of predictions from labels, relative to a normalizer.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
      normalizer: what each error is divided by; where it is 0, the error counts as 0.
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
    predictions, labels, weights = matched(predictions, labels, weights)
    predictions, normalizer = squeeze_last(predictions, normalizer)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    errors = where(
        math.equal(normalizer, 0.0), array.zeros_like(labels),
        div(math.abs(labels - predictions), normalizer),
    )  # fmt: skip
    return mean(
        errors, weights, metrics_collections, updates_collections, name or "mean_relative_error"
    )


@export("metrics.mean_cosine_distance")
def mean_cosine_distance(
    labels,
    predictions,
    dim,
    weights=None,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """Computes one minus the mean inner product of unit vectors.

    Args:
      labels: what is right.
      predictions: what the model says, of the same shape.
      dim: the axis of the vectors.
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
    predictions, labels, weights = matched(predictions, labels, weights)
    products = math.multiply(predictions, labels)
    products = math.reduce_sum(products, axis=[dim], keepdims=True)
    value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
    value, update = math.subtract(1.0, value), math.subtract(1.0, update)
    published(value, metrics_collections)
    return value, published(update, updates_collections)


@export("metrics.percentage_below")
def percentage_below(
    values, threshold, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Computes the part of the values that is below a threshold.

    Args:
      values: a tensor.
      threshold: a number.
      weights: a scalar, or a tensor that broadcasts to the values: weights of the elements.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: variable scope of the metric.

    Returns:
      `(value, update)`: the value so far, and the node that takes this batch in and returns the
      value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    below = math.cast(math.less(values, threshold), Float)
    return mean(
        below, weights, metrics_collections, updates_collections,
        name or "percentage_below_threshold",
    )  # fmt: skip
