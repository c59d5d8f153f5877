"""The collection of losses and what is made of it."""

from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import add_to_collection, get_collection
from millstream.ops import math


@export("losses.add_loss")
def add_loss(loss, loss_collection=GraphKeys.LOSSES):
    """Adds a loss of your own to the collection of losses.

    Args:
      loss: a scalar tensor.
      loss_collection: the collection; `None` for none.
    """
    if loss_collection:
        add_to_collection(loss_collection, loss)


@export("losses.get_losses")
def get_losses(scope=None, loss_collection=GraphKeys.LOSSES):
    """Lists the losses of the collection whose names match `scope`."""
    return get_collection(loss_collection, scope)


@export("losses.get_regularization_losses")
def get_regularization_losses(scope=None):
    """Lists the losses of regularizers whose names match `scope`."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


@export("losses.get_regularization_loss")
def get_regularization_loss(scope=None, name="total_regularization_loss"):
    """Returns the sum of the losses of regularizers; zero if there are none."""
    losses = get_regularization_losses(scope)
    return math.add_n(losses, name=name) if losses else constant(0.0)


@export("losses.get_total_loss")
def get_total_loss(add_regularization_losses=True, name="total_loss", scope=None):
    """Returns the sum of all losses of the collection.

    Args:
      add_regularization_losses: whether those of regularizers are added.
      name: name of the node.
      scope: a regular expression that the losses' names must match.

    Raises:
      ValueError: if there are no losses.
    """
    losses = get_losses(scope=scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope=scope)
    return math.add_n(losses, name=name)
