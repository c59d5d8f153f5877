"""Queues at run time: first in first out, padded, shuffled and by priority.

State. A queue holds *elements*, tuples with one array per component; no more than its capacity. It
is open until it is closed, and never open again. It has a line of nodes that add elements and one
of nodes that take some (see `waiting`).

Invariants.
- What a node adds keeps its order; nodes that add, and nodes that take, are served in the order in
  which they came.
- Closing is itself something that waits in the line of adders: elements that were being added
  before are still added, unless pending ones are to be cancelled.
- A closed queue gives out what it holds. Who wants more than that gets OutOfRangeError and what he
  had taken goes back to where it was; who takes "up to" n gets the rest.
- Arrays in a queue are never changed: what might be is copied when it is added.

Example: `capacity=2`. Adding 3 elements waits with one in hand. `close()` waits behind it. Taking
one lets the adder and then the closer finish; two more can be taken, then OutOfRangeError.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape
from millstream.ops.queue.waiting import Attempt, Progress, Waiting, closed_error

type Element = tuple[Any, ...]

_numbers = itertools.count()
UNBOUNDED = 2**31 - 1


def private_name(node_name: str) -> str:
    """Gives a thing that is not shared a name for messages, as TensorFlow does."""
    return f"_{next(_numbers)}_{node_name}"


class Queue(Waiting):
    """A first-in-first-out queue; the base of the others.

    Args:
      name: name for messages.
      node_name: name of the node that made it.
      capacity: most elements it may hold; negative for no limit.
      types: the components' types.
      shapes: the components' shapes, or none if they are not fixed.
    """

    kind = "FIFOQueue"

    def __init__(
        self,
        name: str,
        node_name: str,
        capacity: int,
        types: Sequence[DType],
        shapes: Sequence[TensorShape],
    ) -> None:
        super().__init__(name, lines=2)
        self.node_name = node_name
        self.capacity = UNBOUNDED if capacity < 0 else capacity
        self.types = tuple(types)
        self.shapes = tuple(shapes)
        self._closed = False
        self._adders, self._takers = self._lines
        self._elements: Any = deque[Element]()

    # -- what it holds; called with the lock held

    def _push(self, element: Element) -> None:
        self._elements.append(element)

    def _pop(self) -> Element:
        return self._elements.popleft()

    def _restore(self, elements: list[Element]) -> None:
        """Puts back what was taken, as if it had not been."""
        self._elements.extendleft(reversed(elements))

    def _available(self) -> int:
        """Counts the elements that may be taken."""
        return len(self._elements)

    # -- adding

    def add(self, elements: list[Element], ctx: Any) -> None:
        """Adds elements, waiting for room.

        Raises:
          CancelledError: if the queue is closed, or the step was given up.
        """
        if not elements:
            return
        waiting = deque(elements)

        def advance() -> Progress:
            if self._closed:
                raise closed_error(self)
            room = self.capacity - len(self._elements)
            if room <= 0:
                return Progress.NONE
            for _ in range(min(room, len(waiting))):
                self._push(waiting.popleft())
            return Progress.SOME if waiting else Progress.DONE

        self._attend(self._adders, Attempt(advance), ctx, "Enqueue")

    # -- taking

    def take(self, count: int, ctx: Any, up_to: bool = False) -> list[Element]:
        """Takes elements, waiting for them.

        Args:
          count: how many.
          ctx: context of the node that takes them.
          up_to: whether fewer will do once the queue is closed, but at least one.

        Raises:
          OutOfRangeError: if the queue is closed and holds too few.
          CancelledError: if the step was given up.
        """
        if not count:
            return []
        taking = _Taking(self, count, up_to)
        self._attend(self._takers, Attempt(taking.advance, taking.undo), ctx, "Dequeue")
        return taking.taken

    # -- the rest

    def request_close(self, ctx: Any, cancel_pending: bool) -> None:
        """Closes the queue: after the elements that are being added, or cancelling these.

        Raises:
          CancelledError: if it is closed and nothing is to be cancelled.
        """
        if cancel_pending:
            with self._lock:
                self._close_now(cancel_adders=True)
            return

        def advance() -> Progress:
            if self._closed:
                message = f"Queue '{self.name}' is already closed."
                raise errors.CancelledError(None, None, message)
            self._closed = True
            return Progress.DONE

        self._attend(self._adders, Attempt(advance), ctx, "Close")

    def _close_now(self, cancel_adders: bool) -> None:
        self._closed = True
        if cancel_adders:
            error = errors.CancelledError(None, None, "Enqueue operation was cancelled")
            self._cancel_all(self._adders, error)
        self._advance()

    def close(self) -> None:
        """Wakes everyone who waits: the session that owns the queue is closed."""
        with self._lock:
            self._close_now(cancel_adders=True)

    def size(self) -> int:
        """Counts the elements."""
        return len(self._elements)

    def is_closed(self) -> bool:
        """Tells whether it was closed."""
        return self._closed

    def describe(self) -> str:
        """Says in words what the queue holds and who waits for it."""
        limit = "any number" if self.capacity == UNBOUNDED else self.capacity
        state = ", closed" if self._closed else ""
        return (
            f"{self.kind} '{self.node_name}' holds {self.size()} of {limit} elements{state}; "
            f"{len(self._adders)} nodes wait to enqueue and {len(self._takers)} to dequeue"
        )

    def stack(self, elements: list[Element]) -> list[Any]:
        """Makes one batch per component of elements."""
        return [
            stack_component([element[i] for element in elements], dtype, shape)
            for i, (dtype, shape) in enumerate(zip(self.types, self.shapes))
        ]


class _Taking:
    """What a node that takes elements has so far."""

    def __init__(self, queue: Queue, count: int, up_to: bool) -> None:
        self._queue, self._wanted, self._up_to = queue, count, up_to
        self.taken: list[Element] = []

    def advance(self) -> Progress:
        queue = self._queue
        if queue._closed and queue.size() < self._wanted - len(self.taken):
            self._make_do()
        before = len(self.taken)
        for _ in range(min(queue._available(), self._wanted - before)):
            self.taken.append(queue._pop())
        if len(self.taken) == self._wanted:
            return Progress.DONE
        return Progress.SOME if len(self.taken) > before else Progress.NONE

    def _make_do(self) -> None:
        """Settles for what there is, if that is allowed: no more elements will come."""
        requested = self._wanted
        self.undo()
        size = self._queue.size()
        if self._up_to and size:
            self._wanted = size
            return
        queue = self._queue
        raise errors.OutOfRangeError(
            None,
            None,
            f"{queue.kind} '{queue.name}' is closed and has insufficient elements "
            f"(requested {requested}, current size {size})",
        )

    def undo(self) -> None:
        self._queue._restore(self.taken)
        self.taken = []


def stack_component(parts: list[Any], dtype: DType, shape: TensorShape) -> Any:
    """Stacks arrays of one shape; of none, gives an empty batch of the declared shape."""
    if not parts:
        return np.empty((0, *(size or 0 for size in shape.as_list())), dtype.np)
    batch = np.empty((len(parts), *np.shape(parts[0])), dtype.np)
    for index, part in enumerate(parts):
        batch[index] = part[()] if part.__class__ is np.ndarray and not part.ndim else part
    return batch


def owned(value: Any) -> Any:
    """Gives an array that nobody will change: itself if it is read-only, else a copy."""
    if value.__class__ is np.ndarray and value.flags.writeable:
        return value.copy()
    return value
