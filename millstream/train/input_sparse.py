"""Sparse tensors on their way through a queue: kept in a map, with their handles in the queue."""

from __future__ import annotations

from typing import Any, NamedTuple

from millstream.ir.composite import SparseTensor
from millstream.ops.array.reshaping import expand_dims, squeeze
from millstream.ops.flow.groups import with_dependencies
from millstream.ops.queue.sparse_maps import (
    AddManySparseToTensorsMap,
    AddSparseToTensorsMap,
    TakeManySparseFromTensorsMap,
)


class SparseInfo(NamedTuple):
    """What must be known of a component to take it out again.

    Attributes:
      map_op: the first operation that stores such components; None for a dense one.
      rank: rank of a sparse component; None if it is not known.
    """

    map_op: Any
    rank: int | None


def store(
    tensors: list[Any], enqueue_many: bool, known: list[SparseInfo] | None = None
) -> tuple[list[Any], list[SparseInfo]]:
    """Puts sparse tensors into maps.

    Args:
      tensors: the components of an element, or of a batch of them.
      enqueue_many: whether it is a batch.
      known: what another call gave; the same maps are used.

    Returns:
      The components with handles in place of sparse tensors, and what `restore` needs.
    """
    stored: list[Any] = []
    infos: list[SparseInfo] = []
    for index, tensor in enumerate(tensors):
        if not isinstance(tensor, SparseTensor):
            stored.append(tensor)
            infos.append(SparseInfo(None, None))
            continue
        earlier = known[index].map_op if known else None
        handle = _add(tensor, enqueue_many, earlier)
        infos.append(SparseInfo(earlier or handle.op, _rank(tensor, enqueue_many)))
        stored.append(expand_dims(handle, -1))
    return stored, infos


def _rank(tensor: SparseTensor, enqueue_many: bool) -> int | None:
    rank = tensor.shape.ndims
    return rank if rank is None or enqueue_many else rank + 1


def _add(tensor: SparseTensor, enqueue_many: bool, earlier: Any) -> Any:
    kind = AddManySparseToTensorsMap if enqueue_many else AddSparseToTensorsMap
    shared = ""
    if earlier is not None:
        shared = earlier.get_attr("shared_name").decode() or earlier.name
    return kind(tensor.indices, tensor.values, tensor.dense_shape, shared_name=shared)


def restore(taken: Any, infos: list[SparseInfo]) -> Any:
    """Takes the sparse tensors of a batch out of their maps.

    Args:
      taken: what was dequeued, a tensor or a list.
      infos: what `store` gave.

    Returns:
      The same with `SparseTensor`s in place of handles.
    """
    if all(info.map_op is None for info in infos):
        return taken
    is_list = isinstance(taken, (list, tuple))
    listed: list[Any] = list(taken) if is_list else [taken]
    tensors = [_take(t, i) for t, i in zip(listed, infos, strict=True)]
    # Every handle that was dequeued must be taken out, or its tensor stays in the map for ever.
    all_values = [t.values if isinstance(t, SparseTensor) else t for t in tensors]
    ready = [_after(all_values, t) for t in tensors]
    return ready if is_list else tensors[0]


def _take(handles: Any, info: SparseInfo) -> Any:
    if info.map_op is None:
        return handles
    shared = info.map_op.get_attr("shared_name").decode() or info.map_op.name
    parts = TakeManySparseFromTensorsMap(
        squeeze(handles, [1]), dtype=info.map_op.inputs[1].dtype.base_dtype, shared_name=shared
    )
    indices, values, dense_shape = parts
    indices.set_shape([None, info.rank])
    dense_shape.set_shape([info.rank])
    return SparseTensor(indices, values, dense_shape)


def _after(nodes: list[Any], tensor: Any) -> Any:
    if not isinstance(tensor, SparseTensor):
        return with_dependencies(nodes, tensor)
    parts = [with_dependencies(nodes, part) for part in tensor.component_tensors]
    return SparseTensor(*parts)
