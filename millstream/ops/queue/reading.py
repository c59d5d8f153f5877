"""Readers at run time: they take work units, most often file names, from a queue, and give records.

State. A reader has at most one work unit in progress, with an iterator over its records, and counts
units and records. One node at a time uses it; others wait for their turn, which a cancelled step
gives up.

Invariants.
- A work unit is taken only when the one before has ended, and is never dropped half read: an error
  in it is raised again by every later read until the reader is reset.
- Records that were read before an error are given out first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from millstream.base import errors
from millstream.base.mutex import Mutex
from millstream.formats import protos
from millstream.ops.queue.core import Queue
from millstream.ops.queue.records import Source

type Record = tuple[bytes, bytes]


class Reader:
    """Reads the records of work units.

    Args:
      name: the node's name.
      source: what kind of reader it is.
      attrs: the node's attrs.
    """

    kind = "Reader"

    def __init__(self, name: str, source: Source, attrs: dict[str, Any]) -> None:
        self.name = name
        self.source = source
        self._attrs = attrs
        self._lock = Mutex()
        self._busy = False
        self._waiting: list[threading.Event] = []
        self._forget()

    def _forget(self) -> None:
        self._work: bytes | None = None
        self._records: Iterator[Record] = iter(())
        self._failure: errors.OpError | None = None
        self.started = self.finished = self.produced = 0

    @contextmanager
    def _turn(self, ctx: Any) -> Iterator[None]:
        """Waits until no other node uses the reader."""
        while not self._begin(ctx):
            pass
        try:
            yield
        finally:
            with self._lock:
                self._busy = False
                waiting, self._waiting = self._waiting, []
            for gate in waiting:
                gate.set()

    def _begin(self, ctx: Any) -> bool:
        """Takes the turn if nobody has it, else sleeps until it is given up."""
        with self._lock:
            if not self._busy:
                self._busy = True
                return True
            gate = threading.Event()
            self._waiting.append(gate)
        token = ctx.cancel.register(gate.set)
        gate.wait()
        ctx.cancel.deregister(token)
        if ctx.cancel.is_cancelled:
            raise errors.CancelledError(None, None, "Read operation was cancelled")
        return False

    # -- reading

    def read(self, queue: Queue, ctx: Any) -> Record:
        """Gives the next record.

        Raises:
          OutOfRangeError: if the queue of work units is closed and empty.
        """
        with self._turn(ctx):
            while True:
                found = self._some(queue, 1, ctx)
                if found:
                    return found[0]

    def read_up_to(self, queue: Queue, count: int, ctx: Any) -> list[Record]:
        """Gives up to `count` records, at least one, all of one work unit."""
        with self._turn(ctx):
            while True:
                found = self._some(queue, count, ctx)
                if found:
                    return found

    def _some(self, queue: Queue, count: int, ctx: Any) -> list[Record]:
        """Gives records of the work unit in progress; none if that is at its end."""
        if self._failure is not None:
            raise self._failure
        if self._work is None:
            self._start(queue, ctx)
        found: list[Record] = []
        try:
            for record in self._records:
                found.append(record)
                if self.source.ends_at_once:
                    self._finish()
                if len(found) == count:
                    break
            else:
                self._finish()
        except errors.OpError as error:
            self._failure = type(error)(None, None, error.message)
            if not found:
                raise
        self.produced += len(found)
        return found

    def _start(self, queue: Queue, ctx: Any) -> None:
        ((value,),) = queue.take(1, ctx)
        work = value.item() if isinstance(value, np.ndarray) else value
        if not isinstance(work, bytes):
            raise errors.InvalidArgumentError(
                None, None, "A reader needs a queue of scalar strings, one component each"
            )
        self._work = work
        self._records = self.source.records(work, self._attrs)
        self.started += 1

    def _finish(self) -> None:
        if self._work is not None:
            self.finished = self.started
            self._work = None

    # -- state

    def reset(self, ctx: Any) -> None:
        """Forgets the work in progress and the counts."""
        with self._turn(ctx):
            self._forget()

    def serialize(self) -> bytes:
        """Gives the state as a string.

        Raises:
          UnimplementedError: if this kind of reader cannot.
        """
        if not self.source.serializable:
            raise errors.UnimplementedError(None, None, "Reader SerializeState")
        state = protos.ReaderBaseState(
            work_started=self.started,
            work_finished=self.finished,
            num_records_produced=self.produced,
            current_work=self._work or b"",
        )
        return state.SerializeToString()

    def restore(self, data: bytes, ctx: Any) -> None:
        """Goes back to a state.

        Raises:
          UnimplementedError: if this kind of reader cannot.
          InvalidArgumentError: if `data` is no state.
        """
        if not self.source.serializable:
            raise errors.UnimplementedError(None, None, "Reader RestoreState")
        try:
            state = protos.ReaderBaseState.FromString(data)
        except DecodeError:
            state = None
        if state is None or not self._is_sound(state):
            text = data.decode(errors="replace")
            message = f"Could not parse state for {self.source.name} '{self.name}': {text}"
            raise errors.InvalidArgumentError(None, None, message)
        with self._turn(ctx):
            self._forget()
            self.started, self.finished = state.work_started, state.work_finished
            self.produced = state.num_records_produced
            if self.started > self.finished:
                self._work = state.current_work
                self._records = self.source.records(self._work, self._attrs)

    @staticmethod
    def _is_sound(state: Any) -> bool:
        return (
            0 <= state.work_finished <= state.work_started
            and state.num_records_produced >= 0
            and state.work_started - state.work_finished <= 1
        )
