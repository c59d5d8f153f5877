"""How nodes wait for a shared thing: in lines, first come first served, without polling.

State. A `Waiting` (a queue, a barrier, an accumulator) has one lock and one or more *lines* of
*attempts*. An attempt is what one node wants; it holds how far it has come. Whoever changes the
thing holds the lock and calls `_advance`, which tries the attempts at the heads of the lines until
none gets further. A thread whose attempt is not complete then sleeps on a lock of its own, and is
woken exactly once.

Invariants.
- Only the head of a line is tried, so nobody is overtaken within a line.
- An attempt leaves its line when it is complete, has failed or is cancelled, and then, and only
  then, its thread is woken.
- A cancelled attempt gives back what it had taken (`undo`): nothing is lost.
- No code of users and nothing that can wait runs under the lock.

Example: a queue that holds 1 element. A takes 2: its attempt holds the one and waits. B takes 1 and
waits behind A. C adds 2 elements; within C's call A completes and is woken, then B.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from millstream.base import errors
from millstream.base.mutex import Mutex
from millstream.ops.queue import stalls


class Progress(Enum):
    """How far an attempt came."""

    NONE = 0
    SOME = 1
    DONE = 2


class Attempt:
    """What one node wants of a shared thing.

    Args:
      advance: goes as far as possible; gives a `Progress`, or raises what the node is to raise.
      undo: gives back what was taken; called if the attempt is cancelled or fails.
    """

    __slots__ = ("_advance", "_undo", "_wake", "done", "error")

    def __init__(
        self, advance: Callable[[], Progress], undo: Callable[[], None] | None = None
    ) -> None:
        self._advance = advance
        self._undo = undo
        self._wake: threading.Lock | None = None
        self.done = False
        self.error: errors.OpError | None = None

    def advance(self) -> Progress:
        """Goes as far as possible; an error makes the attempt fail."""
        try:
            progress = self._advance()
        except errors.OpError as error:
            self.fail(error)
            return Progress.DONE
        if progress is Progress.DONE:
            self._finish()
        return progress

    def fail(self, error: errors.OpError) -> None:
        """Ends the attempt without success."""
        if self._undo is not None:
            self._undo()
        self.error = error
        self._finish()

    def _finish(self) -> None:
        self.done = True
        if self._wake is not None:
            self._wake.release()

    def prepare_to_wait(self) -> None:
        """Makes what `wait` sleeps on; called with the thing's lock held."""
        self._wake = threading.Lock()
        self._wake.acquire()

    def wait(self, seconds: float) -> bool:
        """Sleeps until the attempt is over; tells whether it is (-1: no time limit)."""
        assert self._wake is not None
        return self._wake.acquire(timeout=seconds)


type Line = deque[Attempt]


class Waiting:
    """A thing that nodes wait for; see the module's page."""

    kind = "Resource"

    def __init__(self, name: str, lines: int) -> None:
        self.name = name
        self._lock = Mutex()
        self._lines: tuple[Line, ...] = tuple(deque[Attempt]() for _ in range(lines))

    def _attend(self, line: Line, attempt: Attempt, ctx: Any, what: str) -> None:
        """Puts an attempt at the end of a line and waits until it is over.

        Args:
          line: one of the thing's lines.
          attempt: the attempt.
          ctx: context of the node that wants it.
          what: what the node does, for messages: `Dequeue`.

        Raises:
          OpError: what the attempt failed with; CancelledError if the step was given up.
        """
        with self._lock:
            line.append(attempt)
            self._advance()
            if not attempt.done:
                attempt.prepare_to_wait()
        if not attempt.done:
            self._sleep(line, attempt, ctx, what)
        if attempt.error is not None:
            raise attempt.error

    def _sleep(self, line: Line, attempt: Attempt, ctx: Any, what: str) -> None:
        def give_up() -> None:
            self._cancel(line, attempt, f"{what} operation was cancelled")

        token = ctx.cancel.register(give_up)
        try:
            limit = stalls.limit_s()
            if not attempt.wait(limit):
                stalls.report(ctx, self, limit)
                attempt.wait(-1)
        except BaseException:
            give_up()  # an interrupt: nobody is there any more to take the result
            raise
        finally:
            ctx.cancel.deregister(token)

    def _cancel(self, line: Line, attempt: Attempt, message: str) -> None:
        with self._lock:
            if attempt.done:
                return
            line.remove(attempt)
            attempt.fail(errors.CancelledError(None, None, message))
            self._advance()

    def _cancel_all(self, line: Line, error: errors.OpError) -> None:
        """Fails all attempts of a line; called with the lock held."""
        waiting = list(line)
        line.clear()
        for attempt in waiting:
            attempt.fail(error)

    def _advance(self) -> None:
        """Tries the heads of all lines until none gets further; called with the lock held."""
        changed = True
        while changed:
            changed = False
            for line in self._lines:
                while line:
                    progress = line[0].advance()
                    if progress is Progress.NONE:
                        break
                    changed = True
                    if progress is Progress.SOME:
                        break
                    line.popleft()

    def describe(self) -> str:
        """Says in words what the thing holds and who waits for it."""
        return f"{self.kind} '{self.name}'"


def closed_error(thing: Waiting) -> errors.CancelledError:
    """Makes the error of a node that adds to a closed thing."""
    return errors.CancelledError(None, None, f"{thing.kind} '{thing.name}' is closed.")
