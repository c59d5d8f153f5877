"""Iterators that work ahead in threads of their own: prefetch, map with parallel calls.

State. The threads know a *shared part* (a buffer, flags, the input), not the iterator itself: when
that is forgotten, its finaliser tells the shared part to stop. Everything in the shared part is
read and written under the scope's condition, except the input: one thread uses it at a time.

Invariants.
- Elements come out in the order in which they went in.
- A thread that waits, waits on the scope's condition; closing the scope, or the iterator, ends it.
- An error is given out in the place of its element; the thread goes on with the next.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from typing import Any

from millstream.base import errors
from millstream.ops.data.core import Dataset, Element, Iterator, Scope
from millstream.ops.data.functions import ElementFunction
from millstream.ops.data.transforms import Unary

type Elements = list[Element]

_LARGEST_CHUNK = 64
_CHUNK_SECONDS = 0.002
_MOST_THREADS = 16
AUTOTUNE = -1
_AUTOTUNED_BUFFER = 8


class _Shared:
    """What an iterator shares with its threads."""

    def __init__(self, source: Iterator, scope: Scope) -> None:
        self.input, self.scope = source, scope
        self.stopped = False
        self.threads = 0

    def stop(self) -> None:
        with self.scope.condition:
            self.stopped = True
            self.scope.condition.notify_all()

    def start(self, work: Any) -> None:
        self.threads += 1
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Any) -> None:
        try:
            work()
        except errors.CancelledError:
            pass
        finally:
            with self.scope.condition:
                self.threads -= 1
                is_last = not self.threads
                self.scope.condition.notify_all()
            if is_last and self.stopped:
                self.input.close()

    def is_over(self) -> bool:
        return self.stopped or self.scope.closed


class Prefetch(Unary):
    """The elements, some of them computed before they are asked for."""

    def __init__(self, source: Dataset, size: int) -> None:
        super().__init__(source)
        self._size = _AUTOTUNED_BUFFER if size == AUTOTUNE else size

    def iterate(self, scope: Scope) -> Iterator:
        source = self.source.iterate(scope)
        return Prefetched(source, scope, self._size) if self._size else source


class _Ahead(_Shared):
    def __init__(self, source: Iterator, scope: Scope, size: int) -> None:
        super().__init__(source, scope)
        self.size = size
        self.ready: Any = deque[Any]()  # elements and errors
        self.ended = self.paused = self.busy = False

    def work(self) -> None:
        condition = self.scope.condition
        while True:
            with condition:
                while not self.is_over() and (
                    self.paused or self.ended or len(self.ready) >= self.size
                ):
                    condition.wait()
                if self.is_over():
                    return
                room = self.size - len(self.ready)
                # Whoever waits for the first element need not wait for the others.
                count = min(room, _LARGEST_CHUNK) if self.ready else 1
                self.busy = True
            found = self._take(count)
            with condition:
                self.busy = False
                self.ready.extend(found)
                self.ended = not found
                condition.notify_all()

    def _take(self, count: int) -> list[Any]:
        try:
            return self.input.take(count)
        except Exception as error:  # noqa: BLE001 - given to whoever asks for the element
            return [error]


class Prefetched(Iterator):
    """Takes elements ahead in a thread that starts when the first is asked for."""

    def __init__(self, source: Iterator, scope: Scope, size: int) -> None:
        self.input = source
        self._ahead = _Ahead(source, scope, size)
        self._scope = scope
        self._finalizer = weakref.finalize(self, self._ahead.stop)
        self._finalizer.atexit = False

    def take(self, count: int) -> Elements:
        ahead, condition = self._ahead, self._scope.condition
        found: Elements = []
        with condition:
            if not ahead.threads and not ahead.is_over():
                ahead.start(ahead.work)
            self._scope.wait_for(lambda: ahead.ready or (ahead.ended and not ahead.busy))
            while ahead.ready and len(found) < count:
                if isinstance(ahead.ready[0], Exception):
                    if found:
                        break
                    condition.notify_all()
                    raise ahead.ready.popleft()
                found.append(ahead.ready.popleft())
            condition.notify_all()
        return found

    def close(self) -> None:
        self._ahead.stop()
        if not self._ahead.threads:
            self.input.close()

    def save(self) -> dict[str, Any]:
        with _Paused(self._ahead, self._scope):
            ready = [item for item in self._ahead.ready if not isinstance(item, Exception)]
            return {"input": self.input.save(), "ready": ready, "ended": self._ahead.ended}

    def restore(self, state: dict[str, Any]) -> None:
        self.input.restore(state["input"])
        self._ahead.ready = deque(state["ready"])
        self._ahead.ended = state["ended"]


class _Paused:
    """Keeps the thread of a `_Ahead` from using the input."""

    def __init__(self, ahead: _Ahead, scope: Scope) -> None:
        self._ahead, self._scope = ahead, scope

    def __enter__(self) -> None:
        with self._scope.condition:
            self._ahead.paused = True
            self._scope.wait_for(lambda: not self._ahead.busy)

    def __exit__(self, *_: object) -> None:
        with self._scope.condition:
            self._ahead.paused = False
            self._scope.condition.notify_all()


# -- map with parallel calls


class ParallelMap(Unary):
    """What a function makes of each element, computed by several threads.

    Args:
      source: the dataset.
      function: the function.
      calls: how many calls may run at a time; AUTOTUNE for one per processor.
    """

    def __init__(self, source: Dataset, function: ElementFunction, calls: int) -> None:
        super().__init__(source)
        self._function = function
        self._calls = (os.cpu_count() or 1) if calls == AUTOTUNE else calls

    def iterate(self, scope: Scope) -> Iterator:
        source = self.source.iterate(scope)
        return ParallelMapped(source, scope, self._function, self._calls)


class _Slot:
    """Elements that a thread is working on, and what became of them."""

    __slots__ = ("done", "elements", "results")

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self.results: Any = None
        self.done = False


class _Calls(_Shared):
    def __init__(
        self, source: Iterator, scope: Scope, function: ElementFunction, calls: int
    ) -> None:
        super().__init__(source, scope)
        self.function, self.calls = function, calls
        self.slots: Any = deque[_Slot]()
        self.ended = self.paused = self.taking = False
        self.chunk = 1

    def work(self) -> None:
        while (slot := self._next_slot()) is not None:
            if slot.done:
                continue
            start = time.perf_counter()
            results = self._results(slot.elements)
            spent = time.perf_counter() - start
            with self.scope.condition:
                slot.results, slot.done = results, True
                self._tune(len(slot.elements), spent)
                self.scope.condition.notify_all()

    def _tune(self, count: int, seconds: float) -> None:
        """Lets threads take so many elements at a time that changing threads does not matter.

        Calls of functions that may wait, for files or for each other, are never put together.
        """
        if not self.function.is_vectorized:
            return
        each = seconds / max(count, 1)
        wanted = int(_CHUNK_SECONDS / max(each, 1e-9))
        self.chunk = max(1, min(wanted, 2 * self.chunk, _LARGEST_CHUNK))

    def _next_slot(self) -> _Slot | None:
        """Takes the next elements from the input; only one thread does that at a time."""
        condition = self.scope.condition
        with condition:
            while not self.is_over() and not self.ended and self._must_wait():
                condition.wait()
            if self.is_over() or self.ended:
                return None
            self.taking = True
            count = self.chunk
        slot = self._take(count)
        with condition:
            self.taking = False
            if slot is None:
                self.ended = True
            else:
                self.slots.append(slot)
            condition.notify_all()
        return slot

    def _must_wait(self) -> bool:
        return self.paused or self.taking or len(self.slots) >= self.calls + 1

    def _take(self, count: int) -> _Slot | None:
        try:
            elements = self.input.take(count)
        except Exception as error:  # noqa: BLE001 - given to whoever asks for the element
            slot = _Slot([])
            slot.results, slot.done = [error], True
            return slot
        return _Slot(elements) if elements else None

    def _results(self, elements: Elements) -> list[Any]:
        if len(elements) > 1:
            try:
                return self.function.many(elements)
            except Exception:  # noqa: BLE001 - found out one by one, which of them it is
                pass
        return [self._result(element) for element in elements]

    def _result(self, element: Element) -> Any:
        try:
            return self.function(element)
        except Exception as error:  # noqa: BLE001 - given to whoever asks for the element
            return error


class ParallelMapped(Iterator):
    """Gives what threads computed, in order; they start when the first is asked for."""

    def __init__(
        self, source: Iterator, scope: Scope, function: ElementFunction, calls: int
    ) -> None:
        self.input, self._scope = source, scope
        self._calls = _Calls(source, scope, function, calls)
        self._ready: Any = deque[Any]()
        self._finalizer = weakref.finalize(self, self._calls.stop)
        self._finalizer.atexit = False

    def take(self, count: int) -> Elements:
        if not self._ready:
            self._wait()
        ready, found = self._ready, []
        while len(found) < count:
            if not ready and not self._refill():
                break
            if isinstance(ready[0], Exception):
                if found:
                    break
                error = ready.popleft()
                if isinstance(error, errors.OutOfRangeError):
                    return []
                raise error
            found.append(ready.popleft())
        return found

    def _wait(self) -> None:
        calls = self._calls
        with self._scope.condition:
            if not calls.threads and not calls.ended and not calls.is_over():
                for _ in range(min(calls.calls, _MOST_THREADS)):
                    calls.start(calls.work)
            self._scope.wait_for(self._is_there)
        self._refill()

    def _is_there(self) -> bool:
        calls = self._calls
        if calls.slots:
            return calls.slots[0].done
        return calls.ended and not calls.taking

    def _refill(self) -> bool:
        """Moves what the first slots hold to where it is given out from."""
        calls, moved = self._calls, False
        with self._scope.condition:
            while calls.slots and calls.slots[0].done and not self._ready:
                self._ready.extend(calls.slots.popleft().results)
                moved = True
            if moved:
                self._scope.condition.notify_all()
        return bool(self._ready)

    def close(self) -> None:
        self._calls.stop()
        if not self._calls.threads:
            self.input.close()

    def save(self) -> dict[str, Any]:
        calls, condition = self._calls, self._scope.condition
        with condition:
            calls.paused = True
            self._scope.wait_for(
                lambda: not calls.taking and all(slot.done for slot in calls.slots)
            )
        try:
            ready = [*self._ready, *(r for slot in calls.slots for r in slot.results)]
            ready = [item for item in ready if not isinstance(item, Exception)]
            return {"input": self.input.save(), "ready": ready, "ended": calls.ended}
        finally:
            with condition:
                calls.paused = False
                condition.notify_all()

    def restore(self, state: dict[str, Any]) -> None:
        self.input.restore(state["input"])
        self._ready = deque(state["ready"])
        self._calls.ended = state["ended"]
