"""Ops that use queues: enqueue, dequeue, close, size."""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    Bool,
    Host,
    Int32,
    Ref,
    Resource,
    Returns,
    String,
    Tensor,
    Tensors,
    op,
)
from millstream.ops.queue.core import Queue, owned
from millstream.ops.queue.making import shape_words
from millstream.ops.queue.sharing import thing_behind

_WAITS = Host(blocking=True)
_Handle = Tensor[Resource]
_RefHandle = Ref[String]


@op(effect=_WAITS)
def QueueEnqueue(
    handle: _RefHandle, components: Tensors["Tcomponents"], *, timeout_ms: int = -1
) -> None:
    """Adds one element to a queue, waiting for room."""


@op(effect=_WAITS)
def QueueEnqueueV2(
    handle: _Handle, components: Tensors["Tcomponents"], *, timeout_ms: int = -1
) -> None:
    """Adds one element to a queue, waiting for room."""


@op(effect=_WAITS)
def QueueEnqueueMany(
    handle: _RefHandle, components: Tensors["Tcomponents"], *, timeout_ms: int = -1
) -> None:
    """Adds the rows of a batch to a queue, waiting for room."""


@op(effect=_WAITS)
def QueueEnqueueManyV2(
    handle: _Handle, components: Tensors["Tcomponents"], *, timeout_ms: int = -1
) -> None:
    """Adds the rows of a batch to a queue, waiting for room."""


@op(effect=_WAITS)
def QueueDequeue(handle: _RefHandle, *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes one element from a queue, waiting for it."""


@op(effect=_WAITS)
def QueueDequeueV2(handle: _Handle, *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes one element from a queue, waiting for it."""


@op(effect=_WAITS)
def QueueDequeueMany(handle: _RefHandle, n: Tensor[Int32], *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes a batch of `n` elements from a queue, waiting for them."""


@op(effect=_WAITS)
def QueueDequeueManyV2(handle: _Handle, n: Tensor[Int32], *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes a batch of `n` elements from a queue, waiting for them."""


@op(effect=_WAITS)
def QueueDequeueUpTo(handle: _RefHandle, n: Tensor[Int32], *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes a batch of `n` elements from a queue; of what is left, once it is closed."""


@op(effect=_WAITS)
def QueueDequeueUpToV2(handle: _Handle, n: Tensor[Int32], *, timeout_ms: int = -1) -> Returns(
    components=Tensors["component_types"]
):
    """Takes a batch of `n` elements from a queue; of what is left, once it is closed."""


@op(effect=_WAITS)
def QueueClose(handle: _RefHandle, *, cancel_pending_enqueues: bool = False) -> None:
    """Closes a queue: nothing can be added any more."""


@op(effect=_WAITS)
def QueueCloseV2(handle: _Handle, *, cancel_pending_enqueues: bool = False) -> None:
    """Closes a queue: nothing can be added any more."""


@op(effect=Host())
def QueueSize(handle: _RefHandle) -> Returns(size=Tensor[Int32]):
    """Counts the elements of a queue."""


@op(effect=Host())
def QueueSizeV2(handle: _Handle) -> Returns(size=Tensor[Int32]):
    """Counts the elements of a queue."""


@op(effect=Host())
def QueueIsClosed(handle: _RefHandle) -> Returns(is_closed=Tensor[Bool]):
    """Tells whether a queue is closed."""


@op(effect=Host())
def QueueIsClosedV2(handle: _Handle) -> Returns(is_closed=Tensor[Bool]):
    """Tells whether a queue is closed."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _queue(handle, types, timeout_ms, what):
    """Gives the queue, once it is clear that the node fits it."""
    queue = thing_behind(handle, Queue)
    if timeout_ms != -1:
        raise _invalid("Timeout not supported yet.")
    if tuple(types) != queue.types:
        found, expected = (", ".join(t.name for t in each) for each in (types, queue.types))
        raise _invalid(f"Signature mismatch of {what}, have: {found} expected: {expected}")
    return queue


def _check_shapes(queue, shapes, batch=None):
    lead = () if batch is None else (batch,)
    for index, (expected, found) in enumerate(zip(queue.shapes, shapes)):
        sizes = expected.tuple
        if sizes is None:
            continue
        sizes = (*lead, *sizes)
        if len(sizes) != len(found) or any(a is not None and a != b for a, b in zip(sizes, found)):
            raise _invalid(
                f"Shape mismatch in tuple component {index}. Expected {shape_words(sizes)}, "
                f"got {shape_words(tuple(found))}"
            )


def _enqueue(handle, components, Tcomponents, timeout_ms, ctx):
    queue = _queue(handle, Tcomponents, timeout_ms, "enqueue")
    _check_shapes(queue, [np.shape(c) for c in components])
    queue.add([tuple(owned(c) for c in components)], ctx)
    return ()


def _enqueue_many(handle, components, Tcomponents, timeout_ms, ctx):
    queue = _queue(handle, Tcomponents, timeout_ms, "enqueue_many")
    batches = [np.asarray(c) for c in components]
    if not all(batch.ndim for batch in batches):
        index = next(i for i, batch in enumerate(batches) if not batch.ndim)
        raise _invalid(f"Shape mismatch in tuple component {index}: a batch has one dimension more")
    count = len(batches[0])
    for index, batch in enumerate(batches):
        if len(batch) != count:
            raise _invalid(
                "All input tensors must have the same size in the 0th dimension. Component "
                f"{index} has {len(batch)}, and should have {count}"
            )
    _check_shapes(queue, [batch.shape for batch in batches], count)
    rows = [_rows(batch) for batch in batches]
    queue.add(list(zip(*rows)), ctx)
    return ()


def _rows(batch):
    """Gives the elements of a batch that nobody will change."""
    batch = owned(batch)
    if batch.ndim == 1 and batch.dtype == object:
        return [np.array(item, object) for item in batch]
    return list(batch)


def _dequeue(handle, component_types, timeout_ms, ctx):
    (element,) = _queue(handle, component_types, timeout_ms, "dequeue").take(1, ctx)
    return list(element)


def _dequeue_many(handle, n, component_types, timeout_ms, ctx):
    return _batch(handle, n, component_types, timeout_ms, ctx, up_to=False)


def _dequeue_up_to(handle, n, component_types, timeout_ms, ctx):
    return _batch(handle, n, component_types, timeout_ms, ctx, up_to=True)


def _batch(handle, n, component_types, timeout_ms, ctx, up_to):
    queue = _queue(handle, component_types, timeout_ms, "dequeue_many")
    if np.ndim(n):
        raise _invalid(f"n must be a scalar, got shape {list(np.shape(n))}")
    count = int(n)
    if count < 0:
        what = "DequeueUpToOp" if up_to else "DequeueManyOp"
        raise _invalid(f"{what} requested {count} < 0 elements")
    if len(queue.shapes) != len(queue.types):
        raise _invalid(
            f"{queue.kind}'s DequeueMany and DequeueUpTo require the components to have "
            "specified shapes."
        )
    return queue.stack(queue.take(count, ctx, up_to))


def _close(handle, cancel_pending_enqueues, ctx):
    thing_behind(handle, Queue).request_close(ctx, cancel_pending_enqueues)
    return ()


def _size(handle):
    return np.int32(thing_behind(handle, Queue).size())


def _is_closed(handle):
    return np.bool_(thing_behind(handle, Queue).is_closed())


for _opdefs, _rule in (
    ((QueueEnqueue, QueueEnqueueV2), _enqueue),
    ((QueueEnqueueMany, QueueEnqueueManyV2), _enqueue_many),
    ((QueueDequeue, QueueDequeueV2), _dequeue),
    ((QueueDequeueMany, QueueDequeueManyV2), _dequeue_many),
    ((QueueDequeueUpTo, QueueDequeueUpToV2), _dequeue_up_to),
    ((QueueClose, QueueCloseV2), _close),
    ((QueueSize, QueueSizeV2), _size),
    ((QueueIsClosed, QueueIsClosedV2), _is_closed),
):
    for _opdef in _opdefs:
        _opdef.run(_rule)
        _opdef.no_gradient("what goes through a queue is cut off from what it came from")

for _opdef in (QueueSize, QueueSizeV2, QueueIsClosed, QueueIsClosedV2):
    _opdef.shape_scalar()
