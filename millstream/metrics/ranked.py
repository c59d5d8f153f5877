"""Metrics of ranked classes: precision and recall among the first `k`."""

from millstream.base.dtypes import Double, Int64
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_sparse_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.losses.weights import assert_broadcastable
from millstream.metrics.accumulating import metric_variable, published
from millstream.ops import array, math
from millstream.ops.array.ranking import top_k
from millstream.ops.by_name import ops
from millstream.ops.math.arithmetic import div
from millstream.ops.sparse.making import sparse_retain
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.ops.sparse.sets import set_difference, set_intersection, set_size
from millstream.state.assignments import assign_add


def at_k_name(name, k=None, class_id=None):
    """Returns the default name of a metric: `recall_at_5_class3`."""
    name = f"{name}_at_k" if k is None else f"{name}_at_{k}"
    return name if class_id is None else f"{name}_class{class_id}"


def expanded_labels(labels, predictions):
    """Returns labels with an axis for several classes per example.

    Raises:
      ValueError: if their rank does not fit.
    """
    with name_scope(None, "expand_labels", (labels, predictions)):
        labels = convert_to_tensor_or_sparse_tensor(labels)
        ranks = labels.shape.ndims, predictions.shape.ndims
        if None in ranks or ranks[0] == ranks[1]:
            return labels
        if ranks[1] != ranks[0] + 1:
            raise ValueError(
                f"Unexpected labels shape {labels.shape} for predictions shape {predictions.shape}."
            )
        if isinstance(labels, SparseTensor):
            return sparse_reshape(labels, array.concat((labels.dense_shape, (1,)), 0))
        return array.expand_dims(labels, -1)


def _only(ids, class_id):
    """Returns the elements of the last axis that are a class, as a sparse tensor."""
    ids = convert_to_tensor_or_sparse_tensor(ids)
    if isinstance(ids, SparseTensor):
        return sparse_retain(ids, math.equal(ids.values, class_id))
    shape = array.shape(ids, out_type=Int64)
    one = array.concat((shape[:-1], math.cast([1], Int64)), 0)
    wanted = array.fill(one, math.cast(class_id, Int64))
    found = set_intersection(wanted, ids)
    return SparseTensor(found.indices, found.values, shape)


def counted(kind, labels, predictions_idx, class_id=None, weights=None):
    """Counts per example, as float64, the `true_positives`, `false_positives`, `false_negatives`.

    Args:
      kind: which of them.
      labels: `[…, labels]` int64, dense or sparse.
      predictions_idx: `[…, k]` int64.
      class_id: the only class to look at.
      weights: weights of the examples.
    """
    with name_scope(None, kind, (predictions_idx, labels, weights)):
        if class_id is not None:
            labels, predictions_idx = _only(labels, class_id), _only(predictions_idx, class_id)
        if kind == "true_positives":
            found = set_intersection(predictions_idx, labels)
        else:
            found = set_difference(predictions_idx, labels, aminusb=kind == "false_positives")
        count = math.cast(set_size(found), Double)
        if weights is not None:
            with control_dependencies((assert_broadcastable(weights, count),)):
                count = math.multiply(count, math.cast(weights, Double))
        return count


def _accumulated(kind, labels, predictions_idx, k, class_id, weights):
    """Adds counts up in a variable; returns it and its update."""
    with name_scope(None, at_k_name(kind[:-1], k, class_id)) as scope:
        count = counted(kind, labels, predictions_idx, class_id, weights)
        total = math.cast(math.reduce_sum(count), Double)
        variable = metric_variable([], Double, name=scope)
        return variable, assign_add(variable, total, name="update")


def _rate(
    kind, labels, predictions_idx, k, class_id, weights, metrics_collections,
    updates_collections, scope,
):  # fmt: skip
    """Returns the part of hits, and its update."""
    misses = "false_negatives" if kind == "recall" else "false_positives"
    labels = expanded_labels(labels, predictions_idx)
    ids = math.cast(predictions_idx, Int64)
    hits, new_hits = _accumulated("true_positives", labels, ids, k, class_id, weights)
    others, new_others = _accumulated(misses, labels, ids, k, class_id, weights)
    value = div(hits, _total(hits, others), name=scope)
    update = div(new_hits, _total(new_hits, new_others), name="update")
    return published(value, metrics_collections), published(update, updates_collections)


def _total(hits, misses):
    return ops.Add(hits, misses)


@export("metrics.recall_at_k")
def recall_at_k(
    labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of the right classes is among the first `k` predicted.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse: the right classes of each example.
      predictions: `[…, classes]` scores.
      k: how many of the best predictions count.
      class_id: the only class to look at; by default all.
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
        name, at_k_name("recall", k, class_id), (predictions, labels, weights)
    ) as scope:
        _, best = top_k(predictions, k)
        return _rate(
            "recall", labels, best, k, class_id, weights, metrics_collections,
            updates_collections, scope,
        )  # fmt: skip


@export("metrics.recall_at_top_k")
def recall_at_top_k(
    labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of the right classes is among the best `k` predicted.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse: the right classes of each example.
      predictions_idx: `[…, k]` int64, the best classes in order.
      k: how many of the best predictions count.
      class_id: the only class to look at; by default all.
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
    operands = (predictions_idx, labels, weights)
    with name_scope(name, at_k_name("recall", k, class_id), operands) as scope:
        return _rate(
            "recall", labels, convert_to_tensor(predictions_idx), k, class_id, weights,
            metrics_collections, updates_collections, scope,
        )  # fmt: skip


@export("metrics.precision_at_k")
def precision_at_k(
    labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of the first `k` predicted classes is right.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse: the right classes of each example.
      predictions: `[…, classes]` scores.
      k: how many of the best predictions count.
      class_id: the only class to look at; by default all.
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
        name, at_k_name("precision", k, class_id), (predictions, labels, weights)
    ) as scope:
        _, best = top_k(predictions, k)
        return _rate(
            "precision", labels, best, k, class_id, weights, metrics_collections,
            updates_collections, scope,
        )  # fmt: skip


@export("metrics.precision_at_top_k")
def precision_at_top_k(
    labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Computes which part of the best `k` predicted classes is right.

    Args:
      labels: `[…, labels]` or `[…]` int64, dense or sparse: the right classes of each example.
      predictions_idx: `[…, k]` int64, the best classes in order.
      k: how many of the best predictions count.
      class_id: the only class to look at; by default all.
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
    operands = (predictions_idx, labels, weights)
    with name_scope(name, at_k_name("precision", k, class_id), operands) as scope:
        return _rate(
            "precision", labels, convert_to_tensor(predictions_idx), k, class_id, weights,
            metrics_collections, updates_collections, scope,
        )  # fmt: skip


@export("metrics.sparse_precision_at_k")
def sparse_precision_at_k(
    labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
    updates_collections=None, name=None,
):  # fmt: skip
    """Is the older name of `tf.metrics.precision_at_k`."""
    return precision_at_k(
        labels, predictions, k, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections,
        name=name,
    )  # fmt: skip
