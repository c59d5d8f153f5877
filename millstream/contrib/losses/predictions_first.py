"""The losses of `tf.losses` with predictions first, also `slim.losses`.

They sum by the number of elements whose weight is not zero, as those do.
"""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.losses import collected, functions, weighted
from millstream.ops import array, math, nn


def _both(name):
    return export(f"contrib.losses.{name}", f"contrib.slim.losses.{name}", module=__name__)


_both("add_loss")(collected.add_loss)
_both("get_losses")(collected.get_losses)
_both("get_regularization_losses")(collected.get_regularization_losses)
add_loss, get_losses = collected.add_loss, collected.get_losses
get_regularization_losses = collected.get_regularization_losses


@_both("get_total_loss")
def get_total_loss(add_regularization_losses=True, name="total_loss"):
    """Returns the sum of all losses, with those of regularizers if asked to."""
    return collected.get_total_loss(add_regularization_losses, name)


@_both("compute_weighted_loss")
def compute_weighted_loss(losses, weights=1.0, scope=None):
    """Is `tf.losses.compute_weighted_loss`."""
    return weighted.compute_weighted_loss(losses, weights, scope, GraphKeys.LOSSES)


@_both("absolute_difference")
def absolute_difference(predictions, labels=None, weights=1.0, scope=None):
    """Is `tf.losses.absolute_difference` with the predictions first."""
    return functions.absolute_difference(labels, predictions, weights=weights, scope=scope)


@_both("cosine_distance")
def cosine_distance(predictions, labels=None, axis=None, weights=1.0, scope=None, dim=None):
    """Is `tf.losses.cosine_distance` with the predictions first."""
    axis = dim if axis is None else axis
    return functions.cosine_distance(labels, predictions, axis=axis, weights=weights, scope=scope)


@_both("hinge_loss")
def hinge_loss(logits, labels=None, scope=None):
    """Returns the hinge losses of the elements, `[batch, …]`; it collects nothing.

    Args:
      logits: what the model says.
      labels: 0 or 1.
      scope: scope of the nodes.
    """
    with name_scope(scope, "hinge_loss", [logits, labels]):
        logits.shape.assert_is_compatible_with(labels.shape)
        labels = math.cast(labels, Float)
        ones = array.ones_like(labels)
        labels = math.subtract(2 * labels, ones)
        return nn.relu(math.subtract(ones, math.multiply(labels, logits)))


@_both("log_loss")
def log_loss(predictions, labels=None, weights=1.0, epsilon=1e-7, scope=None):
    """Is `tf.losses.log_loss` with the predictions first."""
    return functions.log_loss(labels, predictions, weights=weights, epsilon=epsilon, scope=scope)


@_both("mean_pairwise_squared_error")
def mean_pairwise_squared_error(predictions, labels=None, weights=1.0, scope=None):
    """Is `tf.losses.mean_pairwise_squared_error` with the predictions first."""
    return functions.mean_pairwise_squared_error(labels, predictions, weights=weights, scope=scope)


@_both("mean_squared_error")
def mean_squared_error(predictions, labels=None, weights=1.0, scope=None):
    """Is `tf.losses.mean_squared_error` with the predictions first."""
    return functions.mean_squared_error(labels, predictions, weights=weights, scope=scope)


@_both("sigmoid_cross_entropy")
def sigmoid_cross_entropy(logits, multi_class_labels, weights=1.0, label_smoothing=0, scope=None):
    """Is `tf.losses.sigmoid_cross_entropy` with the logits first."""
    return functions.sigmoid_cross_entropy(
        multi_class_labels, logits, weights=weights, label_smoothing=label_smoothing, scope=scope
    )


@_both("softmax_cross_entropy")
def softmax_cross_entropy(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
    """Is `tf.losses.softmax_cross_entropy` with the logits first."""
    return functions.softmax_cross_entropy(
        onehot_labels, logits, weights=weights, label_smoothing=label_smoothing, scope=scope
    )


@_both("sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(logits, labels, weights=1.0, scope=None):
    """Is `tf.losses.sparse_softmax_cross_entropy` with the logits first."""
    return functions.sparse_softmax_cross_entropy(labels, logits, weights=weights, scope=scope)
