"""The losses of `tf.losses`, each per element first and then put together."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.losses.collected import add_loss
from millstream.losses.reduction import Reduction
from millstream.losses.squeezing import squeeze_last, squeeze_weights
from millstream.losses.weighted import compute_weighted_loss, num_present
from millstream.losses.weights import assert_broadcastable
from millstream.ops import array, math, nn
from millstream.ops.array.selecting import where

_REDUCTION = Reduction.SUM_BY_NONZERO_WEIGHTS


def _check_given(**operands):
    for name, value in operands.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _as_floats(predictions, labels):
    """Returns both as float32.

    Raises:
      ValueError: if their shapes differ.
    """
    predictions, labels = math.cast(predictions, Float), math.cast(labels, Float)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return predictions, labels


@export("losses.absolute_difference")
def absolute_difference(
    labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures the distance, `|predictions - labels|`.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "absolute_difference", (predictions, labels, weights)) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = math.abs(math.subtract(predictions, labels))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.cosine_distance")
def cosine_distance(
    labels, predictions, axis=None, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION, dim=None,
):  # fmt: skip
    """Measures one minus the inner product of unit vectors along an axis.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      axis: the axis of the vectors.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.
      dim: the older name of `axis`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "cosine_distance_loss", (predictions, labels, weights)) as scope:
        predictions, labels = _as_floats(predictions, labels)
        products = math.multiply(predictions, labels)
        losses = 1 - math.reduce_sum(products, axis=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.hinge_loss")
def hinge_loss(
    labels, logits, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures by how much `logits` miss a margin of 1; labels are 0 or 1.

    Args:
      labels: what is right; of the shape of the predictions.
      logits: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, logits=logits)
    with name_scope(scope, "hinge_loss", (logits, labels, weights)) as scope:
        logits, labels = _as_floats(logits, labels)
        ones = array.ones_like(labels)
        labels = math.subtract(2 * labels, ones)
        losses = nn.relu(math.subtract(ones, math.multiply(labels, logits)))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.huber_loss")
def huber_loss(
    labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures the square of small errors and the size of large ones.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      delta: where the square goes over into a line.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "huber_loss", (predictions, labels, weights)) as scope:
        predictions, labels = _as_floats(predictions, labels)
        error = math.abs(math.subtract(predictions, labels))
        small = math.minimum(error, delta)
        large = math.subtract(error, small)
        half = convert_to_tensor(0.5, dtype=small.dtype)
        losses = math.add(
            math.multiply(half, math.multiply(small, small)), math.multiply(delta, large)
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.log_loss")
def log_loss(
    labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures the cross entropy of probabilities, of labels 0 or 1.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      epsilon: small number against the logarithm of 0.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "log_loss", (predictions, labels, weights)) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = -math.multiply(labels, math.log(predictions + epsilon)) - math.multiply(
            (1 - labels), math.log(1 - predictions + epsilon)
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.mean_pairwise_squared_error")
def mean_pairwise_squared_error(
    labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES
):
    """Measures the squared error of the differences between all pairs of elements of an example.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      weights: a scalar, or `[batch, 1, …]`: weights of the examples.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.

    Returns:
      The loss, a scalar.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_pairwise_squared_error", (predictions, labels, weights)) as scope:
        weights, labels = math.cast(weights, Float), math.cast(labels, Float)
        with control_dependencies((assert_broadcastable(weights, labels),)):
            predictions = math.cast(predictions, Float)
            predictions.shape.assert_is_compatible_with(labels.shape)
            loss = _pairwise_loss(math.subtract(predictions, labels), weights)
            add_loss(loss, loss_collection)
            return loss


def _pairwise_loss(error, weights):
    axes = math.range_(1, array.rank(error))
    squares = math.reduce_sum(math.square(error), axis=axes, keepdims=True)
    count = num_present(error, weights, per_batch=True)
    term1 = 2.0 * math.div_no_nan(squares, math.maximum(count - 1, 0), name="value")
    total = math.reduce_sum(error, axis=axes, keepdims=True)
    square = math.square(total)
    pairs = math.maximum(math.multiply(count, count - 1), 0)
    term2 = 2.0 * math.div_no_nan(square, pairs, name="value")
    loss = math.reduce_sum(math.multiply(term1 - term2, weights))
    is_any = math.reduce_sum(count) > 0
    return where(is_any, loss, array.zeros_like(loss), name="value")


@export("losses.mean_squared_error")
def mean_squared_error(
    labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures the square of the error.

    Args:
      labels: what is right; of the shape of the predictions.
      predictions: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_squared_error", (predictions, labels, weights)) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = math.squared_difference(predictions, labels)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy(
    multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None,
    loss_collection=GraphKeys.LOSSES, reduction=_REDUCTION,
):  # fmt: skip
    """Measures the cross entropy of independent classes by their logits.

    Args:
      multi_class_labels: what is right; of the shape of the predictions.
      logits: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      label_smoothing: how far labels are moved towards one half.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(multi_class_labels=multi_class_labels, logits=logits)
    with name_scope(
        scope, "sigmoid_cross_entropy_loss", (logits, multi_class_labels, weights)
    ) as scope:
        logits = convert_to_tensor(logits)
        multi_class_labels = math.cast(multi_class_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(multi_class_labels.shape)
        if label_smoothing > 0:
            multi_class_labels = multi_class_labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = nn.sigmoid_cross_entropy_with_logits(
            labels=multi_class_labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.softmax_cross_entropy")
def softmax_cross_entropy(
    onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None,
    loss_collection=GraphKeys.LOSSES, reduction=_REDUCTION,
):  # fmt: skip
    """Measures the cross entropy of distributions over classes.

    Args:
      onehot_labels: what is right; of the shape of the predictions.
      logits: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      label_smoothing: how far labels are moved towards equal probabilities.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(onehot_labels=onehot_labels, logits=logits)
    with name_scope(scope, "softmax_cross_entropy_loss", (logits, onehot_labels, weights)) as scope:
        logits = convert_to_tensor(logits)
        onehot_labels = math.cast(onehot_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(onehot_labels.shape)
        if label_smoothing > 0:
            classes = math.cast(array.shape(onehot_labels)[-1], logits.dtype)
            kept, spread = 1.0 - label_smoothing, label_smoothing / classes
            onehot_labels = onehot_labels * kept + spread
        onehot_labels = array.stop_gradient(onehot_labels, name="labels_stop_gradient")
        losses = nn.softmax_cross_entropy_with_logits_v2(
            labels=onehot_labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


@export("losses.sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(
    labels, logits, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
    reduction=_REDUCTION,
):  # fmt: skip
    """Measures the cross entropy of classes given by number.

    Args:
      labels: the right classes, `[batch, …]` int32 or int64.
      logits: what the model says, `[batch, …]`.
      weights: a scalar, or a tensor that broadcasts: weights of the elements.
      scope: scope of the nodes.
      loss_collection: the collection that the loss joins.
      reduction: a `tf.losses.Reduction`.

    Returns:
      The loss, a scalar unless the reduction is `NONE`.

    Raises:
      ValueError: if shapes do not fit, or labels or predictions are `None`.
    """
    _check_given(labels=labels, logits=logits)
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", (logits, labels, weights)) as scope:
        labels, logits = squeeze_last(labels, logits, expected_rank_diff=1)
        if weights is not None:
            weights = squeeze_weights(labels, weights)
        losses = nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)
