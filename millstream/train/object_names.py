"""Checkpoints that `tf.train.Checkpoint` wrote: their keys are paths of objects, not names."""

from __future__ import annotations

from typing import Any

from millstream.base import errors
from millstream.formats import protos
from millstream.formats.checkpoint import NewCheckpointReader
from millstream.formats.coding import parse_message

_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def keys_of_names(path: str) -> dict[str, str] | None:
    """Returns name of a variable -> its key in a checkpoint, `None` if that has names for keys.

    Raises:
      DataLossError: if the checkpoint is damaged.
    """
    reader = NewCheckpointReader(path)
    if not reader.has_tensor(_GRAPH_KEY):
        return None
    objects = parse_message(protos.TrackableObjectGraph, reader.get_tensor(_GRAPH_KEY), path)
    return {
        attribute.full_name: attribute.checkpoint_key
        for node in objects.nodes
        for attribute in node.attributes
    }


def by_key(named: dict[str, Any], keys: dict[str, str], path: str) -> dict[str, Any]:
    """Returns what is to be restored by its key in the checkpoint.

    Args:
      named: what is to be restored, by name.
      keys: what `keys_of_names` gave.
      path: path of the checkpoint, for the message.

    Raises:
      NotFoundError: if the checkpoint lacks one of the names.
    """
    missing = sorted(named.keys() - keys.keys())
    if missing:
        raise errors.NotFoundError(
            None,
            None,
            f"Checkpoint {path} was written by tf.train.Checkpoint or Keras and is restored by "
            f"names of variables. It lacks: {', '.join(missing)}. It has others: "
            f"{', '.join(sorted(filter(None, keys.keys() - named.keys())))}. "
            f"{len(named) - len(missing)} names match.",
        )
    return {keys[name]: item for name, item in named.items()}
