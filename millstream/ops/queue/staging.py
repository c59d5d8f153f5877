"""Staging areas at run time: small buffers between steps, in order or by key.

State. An area holds *entries*: lists of arrays; of a map area they have keys, and may be complete
or not. It has a line of nodes that put and one of nodes that get. Capacity (in entries) and memory
(in bytes) limit what it holds; 0 stands for no limit.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.ops.queue.waiting import Attempt, Progress, Waiting


def _bytes_of(entry: Any) -> int:
    return sum(np.asarray(a).nbytes for a in entry)


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


class StagingArea(Waiting):
    """A first-in-first-out staging area.

    Args:
      name: name for messages.
      capacity: most entries, 0 for any number.
      memory_limit: most bytes, 0 for any number.
    """

    kind = "StagingArea"

    def __init__(self, name: str, capacity: int, memory_limit: int) -> None:
        super().__init__(name, lines=2)
        self.capacity, self.memory_limit = capacity, memory_limit
        self._putting, self._getting = self._lines
        self._entries: deque[list[Any]] = deque()
        self._bytes = 0

    def _has_room(self, size: int) -> bool:
        if self.capacity and len(self._entries) >= self.capacity:
            return False
        return not self.memory_limit or self._bytes + size <= self.memory_limit

    def put(self, entry: list[Any], ctx: Any) -> None:
        """Adds an entry, waiting for room.

        Raises:
          ResourceExhaustedError: if the entry alone is larger than the limit.
        """
        size = _bytes_of(entry)
        _check_limit(size, self.memory_limit)

        def advance() -> Progress:
            if not self._has_room(size):
                return Progress.NONE
            self._entries.append(entry)
            self._bytes += size
            return Progress.DONE

        self._attend(self._putting, Attempt(advance), ctx, "Stage")

    def get(self, ctx: Any) -> list[Any]:
        """Takes the oldest entry, waiting for it."""
        taken: list[list[Any]] = []

        def advance() -> Progress:
            if not self._entries:
                return Progress.NONE
            taken.append(self._entries.popleft())
            self._bytes -= _bytes_of(taken[0])
            return Progress.DONE

        self._attend(self._getting, Attempt(advance), ctx, "Unstage")
        return taken[0]

    def peek(self, index: int, ctx: Any) -> list[Any]:
        """Gives an entry that stays, waiting for it."""
        seen: list[list[Any]] = []

        def advance() -> Progress:
            if len(self._entries) <= index:
                return Progress.NONE
            seen.append(self._entries[index])
            return Progress.DONE

        self._attend(self._getting, Attempt(advance), ctx, "StagePeek")
        return seen[0]

    def clear(self) -> None:
        """Drops all entries."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0
            self._advance()

    def size(self) -> int:
        """Counts the entries."""
        return len(self._entries)

    def describe(self) -> str:
        """Says in words what the area holds."""
        return f"{self.kind} '{self.name}' holds {self.size()} entries"


def _check_limit(size: int, limit: int) -> None:
    if limit and size > limit:
        raise errors.ResourceExhaustedError(
            None, None, f"Attempted to insert tensors with combined size of '{size}' bytes into "
            f"Staging Area with a memory limit of '{limit}'."
        )  # fmt: skip


class MapStagingArea(Waiting):
    """A staging area whose entries have keys and may be put part by part.

    Args:
      name: name for messages.
      capacity: most complete entries, 0 for any number.
      memory_limit: most bytes, 0 for any number.
      width: number of arrays of a complete entry.
      ordered: whether the smallest key comes first where none is asked for.
    """

    kind = "MapStagingArea"

    def __init__(
        self, name: str, capacity: int, memory_limit: int, width: int, ordered: bool
    ) -> None:
        super().__init__(name, lines=2)
        self.capacity, self.memory_limit = capacity, memory_limit
        self._width, self._ordered = width, ordered
        self._putting, self._getting = self._lines
        self._complete: dict[int, dict[int, Any]] = {}
        self._partial: dict[int, dict[int, Any]] = {}

    def _held_bytes(self) -> int:
        entries = [*self._complete.values(), *self._partial.values()]
        return sum(_bytes_of(entry.values()) for entry in entries)

    def put(self, key: int, parts: dict[int, Any], ctx: Any) -> None:
        """Adds parts of the entry of a key, waiting for room.

        Raises:
          InvalidArgumentError: if a part is there already.
        """
        size = _bytes_of(parts.values())
        _check_limit(size, self.memory_limit)

        def advance() -> Progress:
            self._check_new(key, parts)
            whole = {**self._partial.get(key, {}), **parts}
            if len(whole) == self._width and self.capacity <= len(self._complete) and self.capacity:
                return Progress.NONE
            if self.memory_limit and self._held_bytes() + size > self.memory_limit:
                return Progress.NONE
            self._partial.pop(key, None)
            (self._complete if len(whole) == self._width else self._partial)[key] = whole
            return Progress.DONE

        self._attend(self._putting, Attempt(advance), ctx, "Stage")

    def _check_new(self, key: int, parts: dict[int, Any]) -> None:
        if any(not 0 <= index < self._width for index in parts):
            raise _invalid(f"Index is out of the range of {self._width} components")
        if key in self._complete:
            raise _invalid(f"The tensor with key '{key}' was already inserted.")
        for index in parts:
            if index in self._partial.get(key, {}):
                raise _invalid(
                    f"The tensor for index '{index}' for key '{key}' was already initialized "
                    f"'{self._width}'."
                )

    def _advance(self) -> None:
        """Tries everybody, not only who came first: each waits for a key of its own."""
        changed = True
        while changed:
            changed = False
            for line in self._lines:
                for attempt in list(line):
                    if attempt.advance() is Progress.DONE:
                        line.remove(attempt)
                        changed = True

    def get(self, key: int | None, indices: list[int], ctx: Any, keep: bool) -> Any:
        """Gives parts of an entry, waiting for it.

        Args:
          key: the entry's key; None for any entry (of an ordered area, the smallest key).
          indices: which parts.
          ctx: the node's context.
          keep: whether the parts stay.

        Returns:
          The key and the list of parts.

        Raises:
          InvalidArgumentError: if a part was taken before.
        """
        found: list[tuple[int, list[Any]]] = []

        def advance() -> Progress:
            chosen = self._choose(key)
            if chosen is None:
                return Progress.NONE
            found.append((chosen, self._parts(chosen, indices, keep)))
            return Progress.DONE

        self._attend(self._getting, Attempt(advance), ctx, "Unstage")
        return found[0]

    def _choose(self, key: int | None) -> int | None:
        if key is not None:
            return key if key in self._complete else None
        if not self._complete:
            return None
        return min(self._complete) if self._ordered else next(iter(self._complete))

    def _parts(self, key: int, indices: list[int], keep: bool) -> list[Any]:
        entry = self._complete[key]
        for index in indices:
            if index not in entry:
                raise _invalid(
                    f"Tensor at index '{index}' for key '{key}' has already been removed."
                )
        parts = [entry[index] for index in indices]
        if not keep:
            for index in indices:
                entry.pop(index, None)
            if not entry:
                del self._complete[key]
        return parts

    def clear(self) -> None:
        """Drops all entries."""
        with self._lock:
            self._complete.clear()
            self._partial.clear()
            self._advance()

    def size(self) -> int:
        """Counts the complete entries."""
        return len(self._complete)

    def incomplete_size(self) -> int:
        """Counts the entries that miss parts."""
        return len(self._partial)

    def describe(self) -> str:
        """Says in words what the area holds."""
        return f"{self.kind} '{self.name}' holds {self.size()} complete entries"
