"""The average precision of ranked classes."""

from millstream.base.dtypes import Double, Int64
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_sparse_tensor
from millstream.ir.scopes import name_scope
from millstream.losses.weights import broadcast_weights
from millstream.metrics.accumulating import metric_variable, published
from millstream.metrics.ranked import at_k_name, counted, expanded_labels
from millstream.ops import array, math
from millstream.ops.array.ranking import top_k
from millstream.ops.array.selecting import where_v2
from millstream.ops.math.arithmetic import div
from millstream.ops.math.scans import cumsum
from millstream.ops.sparse.joining import sparse_concat
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.ops.sparse.sets import set_size
from millstream.state.assignments import assign_add


def average_precision(labels, predictions_idx):
    """Computes the average precision of each example, `[…]` float64.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse.
      predictions_idx: `[…, k]`, the best classes in order.

    Raises:
      ValueError: if `predictions_idx` is a scalar.
    """
    with name_scope(None, "average_precision", (predictions_idx, labels)) as scope:
        ids = math.cast(predictions_idx, Int64, name="predictions_idx")
        if ids.shape.ndims == 0:
            raise ValueError("The rank of predictions_idx must be at least 1.")
        k = ids.shape.as_list()[-1]
        labels = expanded_labels(labels, ids)
        hits = counted("true_positives", _repeated(labels, k), array.expand_dims(ids, -1))
        precision = div(cumsum(hits, axis=-1), cumsum(array.ones_like(hits), axis=-1))
        total = math.reduce_sum(math.multiply(precision, hits), axis=(-1,))
        return div(total, math.cast(_relevant(labels, k), Double), name=scope)


def _repeated(labels, k):
    """Returns the labels `k` times: `[…, k, labels]`."""
    if not isinstance(labels, SparseTensor):
        labels = array.expand_dims(labels, -2)
        rank = labels.shape.ndims
        return array.tile(labels, [1] * (rank - 2) + [k, 1])
    shape = labels.dense_shape
    one = math.cast([1], Int64)
    row = sparse_reshape(labels, array.concat((shape[:-1], one, shape[-1:]), 0))
    return sparse_concat(-2, [row] * k)


def _relevant(labels, k):
    """Counts the labels of each example, at most `k`; negative ones are no labels."""
    if isinstance(labels, SparseTensor):
        return math.minimum(set_size(labels), k)
    is_label = math.greater_equal(labels, 0)
    ones = where_v2(is_label, array.ones_like(labels), array.zeros_like(labels))
    return math.minimum(math.reduce_sum(ones, axis=-1), k)


def _in_range(labels, classes):
    """Returns labels of which those that are no class are -1."""
    labels = convert_to_tensor_or_sparse_tensor(labels)
    if isinstance(labels, SparseTensor):
        values = _in_range(labels.values, classes)
        return SparseTensor(labels.indices, values, labels.dense_shape)
    outside = math.greater_equal(labels, math.cast(classes, labels.dtype))
    return where_v2(outside, -1 * array.ones_like(labels), labels)


def _accumulated(labels, ids, weights, metrics_collections, updates_collections, scope):
    precision = average_precision(labels, ids)
    if weights is not None:
        weights = broadcast_weights(math.cast(weights, Double), precision)
        precision = math.multiply(precision, weights)
    if weights is None:
        most = math.cast(array.size(precision), Double)
    else:
        most = math.reduce_sum(weights)
    # TF 1.15 calls it so because of another node there.
    with name_scope(None, "max_1", (precision,)) as inner:
        best = metric_variable([], Double, name=inner)
        new_best = assign_add(best, most, name="update")
    with name_scope(None, "total", (precision,)) as inner:
        total = metric_variable([], Double, name=inner)
        new_total = assign_add(total, math.reduce_sum(precision), name="update")
    value = math.div_no_nan(total, math.maximum(best, 0), name="mean")
    update = math.div_no_nan(new_total, math.maximum(new_best, 0), name=scope)
    return published(value, metrics_collections), published(update, updates_collections)


@export("metrics.average_precision_at_k")
def average_precision_at_k(
    labels, predictions, k, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Computes the mean over examples of the average precision of the first `k` predictions.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse: the right classes of each example.
      predictions: `[…, classes]` scores.
      k: how many of the best predictions count.
      weights: a scalar, or `[…]`: weights of the examples.
      metrics_collections: collections that the value joins.
      updates_collections: collections that the update joins.
      name: name scope of the metric.

    Returns:
      `(value, update)`, float64: the value so far, and the node that takes this batch in and
      returns the value then.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(
        name, at_k_name("average_precision", k), (predictions, labels, weights)
    ) as scope:
        predictions = convert_to_tensor(predictions)
        _, best = top_k(predictions, k)
        labels = _in_range(labels, array.shape(predictions)[-1])
        return _accumulated(labels, best, weights, metrics_collections, updates_collections, scope)


@export("metrics.sparse_average_precision_at_k")
def sparse_average_precision_at_k(
    labels, predictions, k, weights=None, metrics_collections=None, updates_collections=None,
    name=None,
):  # fmt: skip
    """Is the older name of `tf.metrics.average_precision_at_k`."""
    return average_precision_at_k(
        labels, predictions, k, weights=weights, metrics_collections=metrics_collections,
        updates_collections=updates_collections, name=name,
    )  # fmt: skip
