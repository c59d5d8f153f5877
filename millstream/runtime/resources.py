"""The resource manager: what a session keeps between steps, and who may touch it when.

State. A `ResourceManager` holds *cells*, one per variable or other piece of a node's state, by
(kind, container, name); and *resources*, Python objects such as queues, tables and readers, by
(container, name). A cell's `value` is a NumPy array, a NumPy scalar or a JAX array; None before the
variable is initialised. The `Gate` holds the accesses that are inside it and those that wait.

Invariants.
- An array in a cell is never changed in place, and its buffer is donated only by a step inside the
  gate that writes the cell.
- Two accesses that are inside the gate together never touch one cell if either writes it. Reading
  steps share.
- Who waits is overtaken by nobody whom it conflicts with, so a stream of readers cannot keep a
  writer waiting for ever.
- Nobody waits for anything else while inside the gate; so waiting for it ends.

Example:
  >>> manager = ResourceManager()
  >>> cell = manager.cell(("ref", "", "w"))
  >>> cell.value is None
  True
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from millstream.base.errors import InvalidArgumentError, NotFoundError

DEFAULT_CONTAINER = "localhost"


class Cell:
    """The value of one variable in one session; None while it has none."""

    __slots__ = ("_arena", "_index", "_value", "key")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self._value: Any = None
        self._arena: Any = None
        self._index = 0

    @property
    def value(self) -> Any:
        """The variable's current array, or None."""
        arena = self._arena
        return self._value if arena is None else arena.read(self._index)

    @value.setter
    def value(self, value: Any) -> None:
        if self._arena is not None:
            self._arena.release()
        self._value = value

    def attach(self, arena: Any, index: int) -> None:
        """Makes the cell read its value from place `index` of an arena (see `compiler.arena`)."""
        if self._arena is not None and self._arena is not arena:
            self._arena.release()
        self._arena, self._index = arena, index
        self._value = None

    def detach(self, arena: Any, value: Any) -> None:
        """Gives the cell a value of its own, unless it left the arena already."""
        if self._arena is arena:
            # In this order: a step that reads at this moment finds one or the other.
            self._value = value
            self._arena = None

    @property
    def is_initialized(self) -> bool:
        """Whether the variable has a value."""
        return self.value is not None

    def __repr__(self) -> str:
        return f"<cell {self.key}>"


class Access(Protocol):
    """What a step is going to touch."""

    reads: frozenset[Any]
    writes: frozenset[Any]


def conflicts(a: Access, b: Access) -> bool:
    """Tells whether two accesses must not be inside the gate together."""
    if a.writes and not (a.writes.isdisjoint(b.reads) and a.writes.isdisjoint(b.writes)):
        return True
    return bool(b.writes) and not b.writes.isdisjoint(a.reads)


class Gate:
    """Keeps steps apart that would disturb each other; nearly free while nobody does.

    Attributes:
      epoch: Grows whenever a variable loses its value.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._inside: list[Access] = []
        self._waiting: list[Access] = []

    def enter(self, access: Access) -> None:
        """Waits until nothing inside conflicts with `access`, then puts it inside."""
        with self._lock:
            if self._inside or self._waiting:
                self._wait(access)
            self._inside.append(access)

    def leave(self, access: Access) -> None:
        """Takes `access` out again."""
        with self._lock:
            self._inside.remove(access)
            if self._waiting:
                self._freed.notify_all()

    def _wait(self, access: Access) -> None:
        waiting = self._waiting
        ahead = [w for w in waiting if conflicts(access, w)]
        if not ahead and not any(conflicts(access, other) for other in self._inside):
            return
        place = _Place(access)
        waiting.append(place)
        try:
            while self._must_wait(place):
                self._freed.wait()
        finally:
            waiting.remove(place)
            # Whoever stood behind may now be first.
            if waiting:
                self._freed.notify_all()

    def _must_wait(self, place: _Place) -> bool:
        if any(conflicts(place, other) for other in self._inside):
            return True
        for other in self._waiting:
            if other is place:
                return False
            if conflicts(place, other):
                return True
        return False


class _Place:
    """A place in the queue: the same access may wait in several threads."""

    __slots__ = ("reads", "writes")

    def __init__(self, access: Access) -> None:
        self.reads, self.writes = access.reads, access.writes


class ResourceManager:
    """Holds the state of a session, or of a server that several sessions share.

    Attributes:
      gate: What steps pass through while they touch cells.
    """

    def __init__(self) -> None:
        self.gate = Gate()
        self._lock = threading.RLock()
        self._cells: dict[Hashable, Cell] = {}
        self._resources: dict[tuple[str, str], Any] = {}

    # -- cells

    def cell(self, key: Any, initial: Callable[[], Any] | None = None) -> Cell:
        """Gives the cell of a key, (kind, container, name), made when first asked for.

        Args:
          key: The key.
          initial: Makes its first value; None for a variable, which has none before it is assigned.
        """
        with self._lock:
            found = self._cells.get(key)
            if found is None:
                found = self._cells[key] = Cell(key)
                if initial is not None:
                    found.value = initial()
            return found

    def clear_cell(self, key: Any) -> bool:
        """Takes a variable's value away; tells whether it had one."""
        with self._lock:
            cell = self._cells.get(key)
            had = cell is not None and cell.value is not None
            if cell is not None:
                cell.value = None
                self.gate.epoch += 1
            return had

    # -- other resources

    def get_or_create(self, container: str, name: str, factory: Callable[[], Any]) -> Any:
        """Gives the resource of that name, calling `factory` if there is none yet."""
        key = (container or DEFAULT_CONTAINER, name)
        found = self._resources.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._resources:
                self._resources[key] = factory()
            return self._resources[key]

    def lookup(self, container: str, name: str, kind: type[Any] | None = None) -> Any:
        """Gives the resource of that name.

        Raises:
          NotFoundError: If there is none.
          InvalidArgumentError: If it is not of class `kind`.
        """
        container = container or DEFAULT_CONTAINER
        with self._lock:
            found = self._resources.get((container, name))
        if found is None:
            raise NotFoundError(None, None, f"Resource {container}/{name} does not exist.")
        if kind is not None and not isinstance(found, kind):
            message = (
                f"Resource {container}/{name} is a {type(found).__name__}, no {kind.__name__}."
            )
            raise InvalidArgumentError(None, None, message)
        return found

    def delete(self, container: str, name: str) -> None:
        """Forgets a resource.

        Raises:
          NotFoundError: If there is none.
        """
        container = container or DEFAULT_CONTAINER
        with self._lock:
            if self._resources.pop((container, name), None) is None:
                raise NotFoundError(None, None, f"Resource {container}/{name} does not exist.")

    def reset(self, containers: list[str] | None = None) -> None:
        """Forgets the variables and resources in some containers; in all if none is named."""
        with self._lock:
            for key, cell in self._cells.items():
                kind, container = key[0], key[1] or DEFAULT_CONTAINER  # type: ignore[index]
                if kind != "owned" and (not containers or container in containers):
                    cell.value = None
            for place in list(self._resources):
                if not containers or place[0] in containers:
                    del self._resources[place]
            self.gate.epoch += 1

    def close(self) -> None:
        """Closes the resources that can be closed and forgets everything."""
        with self._lock:
            resources = list(self._resources.values())
            self.reset()
        for resource in resources:
            close = getattr(resource, "close", None)
            if callable(close):
                close()
