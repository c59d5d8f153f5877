"""Barriers: elements whose components arrive one by one, by key, and leave when they are complete.

State. A barrier holds incomplete elements by key, and complete ones in the order in which their
first component came. It is open until it is closed; then no new keys are taken, but incomplete
elements can still be completed, unless they were cancelled.
"""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    Host,
    Int32,
    Int64,
    ListOf,
    Ref,
    Returns,
    Shape,
    String,
    Tensor,
    Tensors,
    Type,
    op,
)
from millstream.ops.queue.core import UNBOUNDED, owned, stack_component
from millstream.ops.queue.kinds import PriorityQueue
from millstream.ops.queue.sharing import shared_resource, thing_behind
from millstream.ops.queue.waiting import Attempt, Progress, Waiting

_RefHandle = Ref[String]
_FIRST = -(2**63)


@op(effect=Host())
def Barrier(
    *,
    component_types: ListOf(Type, 1),
    shapes: ListOf(Shape) = (),
    capacity: int = -1,
    container: str = "",
    shared_name: str = "",
) -> Returns(handle=_RefHandle):
    """Makes a barrier."""


@op(effect=Host())
def BarrierInsertMany[T](
    handle: _RefHandle, keys: Tensor[String], values: Tensor[T], *, component_index: int
) -> None:
    """Gives one component to each of several elements."""


@op(effect=Host(blocking=True))
def BarrierTakeMany(
    handle: _RefHandle,
    num_elements: Tensor[Int32],
    *,
    allow_small_batch: bool = False,
    wait_for_incomplete: bool = False,
    timeout_ms: int = -1,
) -> Returns(indices=Tensor[Int64], keys=Tensor[String], values=Tensors["component_types"]):
    """Takes complete elements, waiting for them."""


@op(effect=Host())
def BarrierClose(handle: _RefHandle, *, cancel_pending_enqueues: bool = False) -> None:
    """Closes a barrier: no new keys are taken."""


@op(effect=Host())
def BarrierReadySize(handle: _RefHandle) -> Returns(size=Tensor[Int32]):
    """Counts the complete elements."""


@op(effect=Host())
def BarrierIncompleteSize(handle: _RefHandle) -> Returns(size=Tensor[Int32]):
    """Counts the incomplete elements."""


class BarrierState(Waiting):
    """A barrier at run time."""

    kind = "Barrier"

    def __init__(self, name, types, shapes):
        super().__init__(name, lines=1)
        self.types, self.shapes = types, shapes
        self._ready = PriorityQueue(name, name, UNBOUNDED, (), ())
        self._incomplete = {}
        self._next = _FIRST
        self._closed = self._cancelled = False

    def insert(self, keys, rows, component):
        """Gives a component to each of several elements."""
        with self._lock:
            for key in keys:
                self._check(key, component)
            for key, row in zip(keys, rows, strict=True):
                index, parts = self._incomplete.setdefault(key, (self._next, {}))
                parts[component] = row
                if len(parts) == len(self.types):
                    del self._incomplete[key]
                    self._ready._push((index, key, parts))
            self._next += 1
            self._advance()

    def _check(self, key, component):
        known = self._incomplete.get(key)
        if known is None and self._closed:
            raise errors.CancelledError(
                None,
                None,
                f"Barrier {self.name} is closed, but attempted to insert a brand new key: "
                f"{key.decode(errors='replace')}",
            )
        if self._cancelled:
            raise errors.CancelledError(None, None, f"Barrier {self.name} is closed.")
        if known is not None and component in known[1]:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Key {key.decode(errors='replace')} already has a value for component "
                f"{component} in barrier {self.name}",
            )

    def take(self, count, small, wait, ctx):
        """Takes complete elements: `count`, or with `small` the rest once it is closed."""
        taken = []

        def advance():
            ready, open_ones = self._ready.size(), len(self._incomplete)
            wanted = count
            if ready < count and self._closed:
                if small and (not wait or not open_ones) and ready:
                    wanted = ready
                elif not open_ones or (not small and ready + open_ones < count):
                    raise errors.OutOfRangeError(
                        None,
                        None,
                        f"Barrier '{self.name}' is closed and has insufficient elements "
                        f"(requested {count}, total size {ready + open_ones})",
                    )
            if ready < wanted:
                return Progress.NONE
            taken.extend(self._ready._pop() for _ in range(wanted))
            return Progress.DONE

        self._attend(self._lines[0], Attempt(advance), ctx, "BarrierTakeMany")
        return taken

    def shut(self, cancel):
        """Closes it; `cancel` drops incomplete elements."""
        with self._lock:
            if self._closed and (self._cancelled or not cancel):
                word = "already closed" if not self._cancelled else "already cancelled"
                raise errors.CancelledError(None, None, f"Barrier '{self.name}' is {word}.")
            self._closed = True
            if cancel:
                self._cancelled = True
                self._incomplete.clear()
            self._advance()

    def close(self):
        """Wakes everyone who waits: the session is closed."""
        with self._lock:
            self._closed = True
            self._incomplete.clear()
            self._advance()

    def ready_size(self):
        """Counts the complete elements."""
        return self._ready.size()

    def incomplete_size(self):
        """Counts the incomplete elements."""
        return len(self._incomplete)

    def describe(self):
        """Says in words what the barrier holds."""
        return (
            f"{self.kind} '{self.name}' holds {self.ready_size()} complete and "
            f"{self.incomplete_size()} incomplete elements"
        )


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _barrier(handle):
    return thing_behind(handle, BarrierState)


@Barrier.shape
def _():
    return [2]


@Barrier.run
def _(ctx, component_types, shapes):
    return shared_resource(
        ctx, BarrierState, lambda name: BarrierState(name, component_types, shapes)
    )


@BarrierInsertMany.run
def _(handle, keys, values, component_index, T):
    barrier = _barrier(handle)
    if not 0 <= component_index < len(barrier.types):
        raise _invalid(f"The component ID is out of range {component_index} > num_components")
    if barrier.types[component_index] != T:
        wanted = barrier.types[component_index].name
        raise _invalid(f"component {component_index} is of type {wanted}, not {T.name}")
    keys, values = np.asarray(keys), owned(np.asarray(values))
    if keys.ndim != 1 or not values.ndim or len(keys) != len(values):
        raise _invalid(
            f"Keys and values must have the same number of rows, not {list(keys.shape)} and "
            f"{list(values.shape)}"
        )
    if barrier.shapes:
        wanted = barrier.shapes[component_index]
        if not wanted.is_compatible_with(values.shape[1:]):
            raise _invalid(f"Shape mismatch: expected {wanted}, got {list(values.shape[1:])}")
    barrier.insert(keys.tolist(), list(values), component_index)
    return ()


@BarrierTakeMany.shape
def _(component_types):
    rows = [None]
    return (rows, rows, *[None] * len(component_types))


@BarrierTakeMany.run
def _(handle, num_elements, component_types, allow_small_batch, wait_for_incomplete, ctx):
    barrier = _barrier(handle)
    if num_elements < 0:
        raise _invalid(f"num_elements must not be negative, but is {num_elements}")
    taken = barrier.take(int(num_elements), allow_small_batch, wait_for_incomplete, ctx)
    values = [
        stack_component([parts[i] for _, _, parts in taken], dtype, shape)
        for i, (dtype, shape) in enumerate(zip(component_types, barrier.shapes))
    ]
    indices = np.array([index for index, _, _ in taken], np.int64)
    return indices, np.array([key for _, key, _ in taken], object), values


@BarrierClose.run
def _(handle, cancel_pending_enqueues):
    _barrier(handle).shut(cancel_pending_enqueues)
    return ()


@BarrierReadySize.run
def _(handle):
    return np.int32(_barrier(handle).ready_size())


@BarrierIncompleteSize.run
def _(handle):
    return np.int32(_barrier(handle).incomplete_size())


BarrierReadySize.shape_scalar()
BarrierIncompleteSize.shape_scalar()
for _opdef in (
    Barrier,
    BarrierInsertMany,
    BarrierTakeMany,
    BarrierClose,
    BarrierReadySize,
    BarrierIncompleteSize,
):
    _opdef.no_gradient("what goes through a barrier is cut off from what it came from")
