"""Iterators in checkpoints: a resumed input goes on where it was."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.data.iterators import Iterator
from millstream.ops.by_name import ops
from millstream.train.saveable import SaveableObject, SaveSpec


class _SaveableIterator(SaveableObject):
    def __init__(self, handle: Any) -> None:
        name = handle.name.partition(":")[0]
        state = ops.IteratorState(handle)
        super().__init__(handle, [SaveSpec(state, "", f"{name}-iterator_state")], name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        """Returns the operation that puts the iterator where it was."""
        return ops.SetIteratorState(self.op, restored_tensors[0])


@export("data.experimental.make_saveable_from_iterator", "contrib.data.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator: Iterator) -> SaveableObject:
    """Returns what lets a `tf.train.Saver` save where an iterator is.

    Add it to the collection `tf.GraphKeys.SAVEABLE_OBJECTS`, or give it to the saver. The iterator
    must be started before it is restored.
    """
    return _SaveableIterator(iterator._iterator_resource)
