"""What goes into a batching queue: examples from one or more sources, and who puts them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millstream.base.dtypes import bool_, int32
from millstream.base.shapes import as_shape
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_sparse_tensor
from millstream.ir.static_value import constant_value
from millstream.ops.array.partitioning import dynamic_partition
from millstream.ops.flow.conditionals import cond
from millstream.ops.flow.groups import no_op
from millstream.ops.math.cast import cast
from millstream.train import input_sparse
from millstream.train.queue_runner import QueueRunner, add_queue_runner


class Batching:
    """How examples go through a queue; all functions of this module make one.

    Args:
      sources: one list or dictionary of tensors per node that fills the queue.
      keep_input: bool tensor, scalar or `[batch]`: whether examples are put into the queue.
      enqueue_many: whether the tensors are batches of examples.
      shapes: shapes of the examples; by default those of the tensors.
      threads: how many threads run each node.
    """

    def __init__(
        self,
        sources: list[Any],
        keep_input: Any,
        enqueue_many: bool,
        shapes: Any,
        threads: int = 1,
    ) -> None:
        self._example = sources[0]
        self._enqueue_many = enqueue_many
        self._threads = threads
        lists = [converted(s) for s in sources]
        _check_alike(lists)
        self._keep = _checked_keep(keep_input, enqueue_many)
        self._lists, self._infos = _stored(lists, enqueue_many)
        self.types = [t.dtype.base_dtype for t in self._lists[0]]
        self.shapes = shapes_of(self._lists, shapes, enqueue_many)

    def fill(self, queue: Any) -> None:
        """Adds a queue runner for the queue."""
        per_source = [self._enqueue(queue, tensors) for tensors in self._lists]
        add_queue_runner(QueueRunner(queue, per_source * self._threads))

    def _enqueue(self, queue: Any, tensors: list[Any]) -> Any:
        enqueue = queue.enqueue_many if self._enqueue_many else queue.enqueue
        if self._keep.shape.ndims:
            choice = cast(self._keep, int32)
            return enqueue([dynamic_partition(t, choice, num_partitions=2)[1] for t in tensors])
        known = constant_value(self._keep)
        if known is None:
            return cond(self._keep, lambda: enqueue(tensors), no_op)
        return enqueue(tensors) if known else no_op()

    def take(self, queue: Any, batch_size: Any, allow_smaller: bool, name: str) -> Any:
        """Gives tensors of a batch, in the structure of a source."""
        dequeue = queue.dequeue_up_to if allow_smaller else queue.dequeue_many
        batch = input_sparse.restore(dequeue(batch_size, name=name), self._infos)
        if isinstance(self._example, Mapping):
            listed = batch if isinstance(batch, list) else [batch]
            return dict(zip(sorted(self._example), listed))
        return batch


def converted(source: Any) -> list[Any]:
    """Gives the tensors of a list or dictionary, in the order of its sorted keys."""
    tensors = [source[k] for k in sorted(source)] if isinstance(source, Mapping) else list(source)
    tensors = [convert_to_tensor_or_sparse_tensor(t) for t in tensors]
    if not tensors:
        raise ValueError("Expected at least one tensor in batch().")
    return tensors


def _check_alike(lists: list[list[Any]]) -> None:
    types = [t.dtype.base_dtype for t in lists[0]]
    for other in lists[1:]:
        found = [t.dtype.base_dtype for t in other]
        if found != types:
            raise TypeError(
                "Expected types to be consistent: "
                f"{', '.join(t.name for t in types)} vs. {', '.join(t.name for t in found)}."
            )


def _checked_keep(keep_input: Any, enqueue_many: bool) -> Any:
    keep = convert_to_tensor(keep_input, dtype=bool_)
    if keep.shape.ndims is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if not enqueue_many and keep.shape.ndims == 1:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if keep.shape.ndims > 1:
        raise ValueError("`keep_input` must be 0 or 1 dimensions.")
    return keep


def _stored(lists: list[list[Any]], enqueue_many: bool) -> tuple[list[Any], Any]:
    first, infos = input_sparse.store(lists[0], enqueue_many)
    others = [input_sparse.store(tensors, enqueue_many, infos)[0] for tensors in lists[1:]]
    return [first, *others], infos


def shapes_of(lists: list[Any], shapes: Any, enqueue_many: bool) -> Any:
    """Gives the shapes of the examples, as far as all sources agree."""
    if shapes is not None:
        return shapes
    found: list[Any] = []
    for alike in zip(*lists, strict=True):
        merged = None
        for tensor in alike:
            if tensor.shape.ndims is None:
                raise ValueError(f"Cannot infer Tensor's rank: {tensor}")
            own = as_shape(tensor.shape)[1:] if enqueue_many else as_shape(tensor.shape)
            merged = own if merged is None else merged.merge_with(own)
        found.append(merged)
    return found
