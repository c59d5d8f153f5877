"""Maps that keep sparse tensors under handles, numbers that can go through a queue."""

import threading

import numpy as np

from millstream.base import errors
from millstream.base.shapes import TensorShape
from millstream.ir.spec import Host, Int64, Returns, Tensor, Type, op


@op(effect=Host())
def AddSparseToTensorsMap[T](
    sparse_indices: Tensor[Int64],
    sparse_values: Tensor[T],
    sparse_shape: Tensor[Int64],
    *,
    container: str = "",
    shared_name: str = "",
) -> Returns(sparse_handle=Tensor[Int64]):
    """Puts a sparse tensor into a map and gives its handle."""


@op(effect=Host())
def AddManySparseToTensorsMap[T](
    sparse_indices: Tensor[Int64],
    sparse_values: Tensor[T],
    sparse_shape: Tensor[Int64],
    *,
    container: str = "",
    shared_name: str = "",
) -> Returns(sparse_handles=Tensor[Int64]):
    """Puts the rows of a sparse tensor into a map and gives their handles, `[rows]`."""


@op(effect=Host())
def TakeManySparseFromTensorsMap(
    sparse_handles: Tensor[Int64], *, dtype: Type, container: str = "", shared_name: str = ""
) -> Returns(
    sparse_indices=Tensor[Int64], sparse_values=Tensor["dtype"], sparse_shape=Tensor[Int64]
):
    """Takes sparse tensors out of a map and makes them rows of one."""


class SparseMap:
    """Sparse tensors by handle; each can be taken once."""

    kind = "SparseTensorsMap"

    def __init__(self):
        self._lock = threading.Lock()
        self._next = 0
        self._kept = {}

    def add(self, parts):
        """Keeps indices, values and shape; returns their handle."""
        with self._lock:
            handle = self._next
            self._next += 1
            self._kept[handle] = parts
            return handle

    def take(self, handle):
        """Gives what is kept under a handle, and forgets it.

        Raises:
          InvalidArgumentError: if there is nothing.
        """
        with self._lock:
            found = self._kept.pop(handle, None)
        if found is None:
            raise _invalid(f"Unable to find SparseTensor: {handle} in map")
        return found


def _map(ctx):
    return ctx.resources.get_or_create(ctx.container, f"/map/{ctx.resource_name}", SparseMap)


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _check(indices, values, shape):
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise _invalid("a sparse tensor needs indices of rank 2, values and a shape of rank 1")
    if len(indices) != len(values):
        raise _invalid(f"{len(indices)} indices do not fit {len(values)} values")
    if indices.shape[1] != len(shape):
        raise _invalid(f"indices of rank {indices.shape[1]} do not fit a shape of {len(shape)}")


@AddSparseToTensorsMap.run
def _(sparse_indices, sparse_values, sparse_shape, ctx):
    parts = [np.array(p) for p in (sparse_indices, sparse_values, sparse_shape)]
    _check(*parts)
    return np.int64(_map(ctx).add(tuple(parts)))


@AddManySparseToTensorsMap.run
def _(sparse_indices, sparse_values, sparse_shape, ctx):
    indices, values, shape = (np.array(p) for p in (sparse_indices, sparse_values, sparse_shape))
    _check(indices, values, shape)
    if len(shape) < 1:
        raise _invalid("Rank of input SparseTensor should be > 0, but saw rank: 0")
    count = int(shape[0])
    if len(indices) and not 0 <= indices[:, 0].min() <= indices[:, 0].max() < count:
        raise _invalid(f"an index lies outside of the {count} rows of the sparse tensor")
    kept = _map(ctx)
    handles = np.empty(count, np.int64)
    for row in range(count):
        own = indices[:, 0] == row
        handles[row] = kept.add((indices[own][:, 1:], values[own], shape[1:]))
    return handles


@TakeManySparseFromTensorsMap.run
def _(sparse_handles, dtype, ctx):
    handles = np.asarray(sparse_handles)
    if handles.ndim != 1:
        raise _invalid(f"sparse_handles must be a vector, not of shape {list(handles.shape)}")
    if not handles.size:
        raise _invalid("Must have at least 1 serialized SparseTensor, but input has 0")
    kept = _map(ctx)
    rows = [kept.take(handle) for handle in handles.tolist()]
    if len({len(shape) for _, _, shape in rows}) > 1:
        raise _invalid("Inconsistent rank across SparseTensors of one batch")
    if any(values.dtype != dtype.np for _, values, _ in rows):
        raise _invalid(f"a SparseTensor of the batch is not of type {dtype.name}")
    indices = [
        np.concatenate([np.full((len(own), 1), number, np.int64), own], axis=1)
        for number, (own, _, _) in enumerate(rows)
    ]
    largest = np.max([shape for _, _, shape in rows], axis=0)
    shape = np.concatenate([[len(rows)], largest]).astype(np.int64)
    return np.concatenate(indices), np.concatenate([v for _, v, _ in rows]), shape


AddSparseToTensorsMap.shape_scalar()
AddManySparseToTensorsMap.shape(lambda: [None])
TakeManySparseFromTensorsMap.shape(
    lambda: (TensorShape([None, None]), TensorShape([None]), TensorShape([None]))
)
for _opdef in (AddSparseToTensorsMap, AddManySparseToTensorsMap, TakeManySparseFromTensorsMap):
    _opdef.no_gradient("what goes through a queue is cut off from what it came from")
