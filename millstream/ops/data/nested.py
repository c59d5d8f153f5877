"""Datasets whose elements come from datasets that a function makes: flat_map, interleave."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from millstream.ops.data.core import UNKNOWN, Dataset, Element, Iterator, Scope, invalid
from millstream.ops.data.functions import ElementFunction
from millstream.ops.data.sources import Elements as Listed
from millstream.ops.data.threads import Prefetched
from millstream.ops.data.transforms import Unary

type Elements = list[Element]

_READ_AHEAD = 16


def dataset_of(function: ElementFunction, element: Element) -> Dataset:
    """Gives the dataset that a function makes of an element.

    Raises:
      InvalidArgumentError: If it makes something else.
    """
    results = function(element)
    if len(results) != 1 or not isinstance(results[0], Dataset):
        raise invalid("Function must return a single scalar of dtype DT_VARIANT.")
    return results[0]


class _Inner(Iterator):
    """Walks over the dataset made of one element, which is part of its state."""

    saved = ("element",)

    def __init__(
        self, function: ElementFunction, element: Element, scope: Scope, ahead: int
    ) -> None:
        self.element = element
        found = dataset_of(function, element).iterate(scope)
        self.input = Prefetched(found, scope, ahead) if ahead else found

    def take(self, count: int) -> Elements:
        return self.input.take(count)


class Nested(Unary):
    """The base of those that a function makes datasets for."""

    def __init__(self, source: Dataset, function: ElementFunction) -> None:
        super().__init__(source)
        self._function = function

    @property
    def cardinality(self) -> int:
        return UNKNOWN


class FlatMap(Nested):
    """The elements of the datasets that a function makes, one dataset after the other."""

    def iterate(self, scope: Scope) -> Iterator:
        return _FlatMapped(self.source.iterate(scope), self._function, scope)


class _FlatMapped(Iterator):
    children = ("input", "inner")

    def __init__(self, source: Iterator, function: ElementFunction, scope: Scope) -> None:
        self.input, self._function, self._scope = source, function, scope
        self.inner: _Inner | None = None

    def take(self, count: int) -> Elements:
        while True:
            if self.inner is None:
                element = self.input.next()
                if element is None:
                    return []
                self.inner = _Inner(self._function, element, self._scope, 0)
            found = self.inner.take(count)
            if found:
                return found
            self.inner.close()
            self.inner = None

    def restore_child(self, name: str, state: Any) -> None:
        if name == "inner" and state is not None:
            self.inner = _Inner(self._function, tuple(state["element"]), self._scope, 0)
        super().restore_child(name, state)


class Interleave(Nested):
    """Elements of several datasets that a function makes, in blocks, in turn."""

    def __init__(
        self, source: Dataset, function: ElementFunction, cycle: int, block: int, parallel: bool
    ) -> None:
        super().__init__(source, function)
        self._cycle, self._block, self._ahead = cycle, block, _READ_AHEAD if parallel else 0

    def iterate(self, scope: Scope) -> Iterator:
        source = self.source.iterate(scope)
        return _Interleaved(source, self._function, scope, self._cycle, self._block, self._ahead)


class _Interleaved(Iterator):
    children = ("input", "open")
    saved = ("at", "given", "ended")

    def __init__(
        self,
        source: Iterator,
        function: ElementFunction,
        scope: Scope,
        cycle: int,
        block: int,
        ahead: int,
    ) -> None:
        self.input, self._function, self._scope = source, function, scope
        self._block, self._ahead = block, ahead
        self.open: list[_Inner | None] = [None] * cycle
        self.at = self.given = 0
        self.ended = False

    def take(self, count: int) -> Elements:
        while not self.ended or any(self.open):
            inner = self.open[self.at]
            if inner is not None:
                found = inner.take(min(count, self._block - self.given))
                if found:
                    self.given += len(found)
                    if self.given == self._block:
                        self._advance()
                    return found
                inner.close()
                self.open[self.at] = None
                self._advance()
            elif not self.ended:
                element = self.input.next()
                if element is None:
                    self.ended = True
                else:
                    self.open[self.at] = self._make(element)
                    self._open_ahead()
            else:
                self._advance()
        return []

    def _make(self, element: Element) -> _Inner:
        return _Inner(self._function, element, self._scope, self._ahead)

    def _open_ahead(self) -> None:
        """Opens the whole first cycle, so that its datasets are read at the same time."""
        if not self._ahead or self.at:
            return
        for place in range(1, len(self.open)):
            if self.open[place] is not None:
                return
            element = self.input.next()
            if element is None:
                self.ended = True
                return
            self.open[place] = self._make(element)

    def _advance(self) -> None:
        self.at = (self.at + 1) % len(self.open)
        self.given = 0

    def restore_child(self, name: str, state: Any) -> None:
        if name == "open":
            for place, saved in enumerate(state):
                self.open[place] = self._make(tuple(saved["element"])) if saved else None
        super().restore_child(name, state)


class StagedInterleave(Nested):
    """Is `Interleave` as the experimental `parallel_interleave` orders elements.

    Datasets that are finished are replaced at once by ones that were opened ahead, `staged` of
    them.
    """

    def __init__(
        self, source: Dataset, function: ElementFunction, cycle: int, block: int, staged: int
    ) -> None:
        super().__init__(source, function)
        self._sizes = cycle, block, staged

    def iterate(self, scope: Scope) -> Iterator:
        return _Staged(self.source.iterate(scope), self._function, scope, *self._sizes)


class _Staged(Iterator):
    children = ("input", "open", "staged")
    saved = ("at", "given", "ended")

    def __init__(
        self,
        source: Iterator,
        function: ElementFunction,
        scope: Scope,
        cycle: int,
        block: int,
        staged: int,
    ) -> None:
        self.input, self._function, self._scope = source, function, scope
        self._sizes = cycle, block, staged
        self.open: list[_Inner | None] = []
        self.staged: list[_Inner] = []
        self.at = self.given = 0
        self.ended = self._started = False

    def next(self) -> Element | None:
        if not self._started:
            self._start()
        block = self._sizes[1]
        while any(self.open):
            for step in range(len(self.open)):
                place = (self.at + step) % len(self.open)
                if self.open[place] is None:
                    continue
                element = self._next_of(place)
                if element is not None:
                    self.at, self.given = place, self.given + 1
                    if self.given == block:
                        self.at, self.given = (place + 1) % len(self.open), 0
                    return element
                if self._replace(place):
                    self.at, self.given = (place + 1) % len(self.open), 0
                    break
        return None

    def _start(self) -> None:
        self._started = True
        cycle, _, staged = self._sizes
        while len(self.open) < cycle and (inner := self._make()) is not None:
            self.open.append(inner)
        while len(self.staged) < staged and (inner := self._make()) is not None:
            self.staged.append(inner)

    def _make(self) -> _Inner | None:
        element = None if self.ended else self.input.next()
        if element is None:
            self.ended = True
            return None
        return _Inner(self._function, element, self._scope, _READ_AHEAD)

    def _next_of(self, place: int) -> Element | None:
        inner = self.open[place]
        return None if inner is None else inner.next()

    def _replace(self, place: int) -> bool:
        """Closes a dataset that ended; tells whether another took its place."""
        inner = self.open[place]
        assert inner is not None
        inner.close()
        self.open[place] = None
        another = self._make()
        if another is not None:
            self.staged.append(another)
        if self.staged:
            self.open[place] = self.staged.pop(0)
            return True
        return False

    def restore(self, state: dict[str, Any]) -> None:
        self._started = True
        for name in ("open", "staged"):
            setattr(self, name, [self._reopened(saved) for saved in state[name]])
        super().restore(state)

    def _reopened(self, saved: Any) -> _Inner | None:
        if saved is None:
            return None
        return _Inner(self._function, tuple(saved["element"]), self._scope, _READ_AHEAD)


# -- groups


class GroupByWindow(Unary):
    """Windows of elements of one key, each turned into a dataset by a function.

    Args:
      source: the dataset.
      key: gives an element's key.
      reduce: makes a dataset of a key and the dataset of a window.
      size: gives how many elements make a window, for a key.
    """

    def __init__(
        self,
        source: Dataset,
        key: ElementFunction,
        reduce: ElementFunction,
        size: ElementFunction,
    ) -> None:
        super().__init__(source)
        self._functions = key, reduce, size

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Windows(self.source.iterate(scope), *self._functions, scope)


class _Windows(Iterator):
    children = ("input", "inner")
    saved = ("groups", "sizes", "window", "ended")

    def __init__(
        self,
        source: Iterator,
        key: ElementFunction,
        reduce: ElementFunction,
        size: ElementFunction,
        scope: Scope,
    ) -> None:
        self.input, self._scope = source, scope
        self._key, self._reduce, self._size = key, reduce, size
        self.groups: dict[int, Elements] = {}
        self.sizes: dict[int, int] = {}
        self.window: tuple[int, Elements] | None = None
        self.inner: Iterator | None = None
        self.ended = False

    def take(self, count: int) -> Elements:
        while True:
            if self.inner is not None:
                found = self.inner.take(count)
                if found:
                    return found
                self.inner.close()
                self.inner = self.window = None
            if not self._fill():
                return []

    def _fill(self) -> bool:
        """Collects elements until a window is full, or at the end for each that is left."""
        while not self.ended:
            element = self.input.next()
            if element is None:
                self.ended = True
                break
            (key,) = self._key(element)
            key = int(key)
            group = self.groups.setdefault(key, [])
            if key not in self.sizes:
                self.sizes[key] = self._size_of(key)
            group.append(element)
            if len(group) == self.sizes[key]:
                self._open(key)
                return True
        if not self.groups:
            return False
        self._open(min(self.groups))
        return True

    def _size_of(self, key: int) -> int:
        (size,) = self._size((np.int64(key),))
        if int(size) <= 0:
            raise invalid(f"Window size must be greater than zero, but got {int(size)}.")
        return int(size)

    def _open(self, key: int) -> None:
        self.window = key, self.groups.pop(key)
        self.sizes.pop(key, None)
        self._iterate_window()

    def _iterate_window(self) -> None:
        assert self.window is not None
        key, elements = self.window
        made = dataset_of(self._reduce, (np.int64(key), Listed(elements)))
        self.inner = made.iterate(self._scope)

    def save(self) -> dict[str, Any]:
        groups = [[key, group] for key, group in self.groups.items()]
        return {**super().save(), "groups": groups, "sizes": list(self.sizes.items())}

    def restore(self, state: dict[str, Any]) -> None:
        groups = {key: list(group) for key, group in state["groups"]}
        super().restore({**state, "groups": groups, "sizes": dict(state["sizes"])})

    def restore_child(self, name: str, state: Any) -> None:
        if name == "inner" and self.window is not None:
            self._iterate_window()
        super().restore_child(name, state)


class GroupByReducer(Unary):
    """What functions make of all elements of each key, in the order of the keys."""

    def __init__(
        self,
        source: Dataset,
        key: ElementFunction,
        init: ElementFunction,
        reduce: ElementFunction,
        finalize: ElementFunction,
    ) -> None:
        super().__init__(source)
        self._functions = key, init, reduce, finalize

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Reduced(self.source.iterate(scope), *self._functions)


class _Reduced(Iterator):
    saved = ("states",)

    def __init__(
        self,
        source: Iterator,
        key: ElementFunction,
        init: ElementFunction,
        reduce: ElementFunction,
        finalize: ElementFunction,
    ) -> None:
        self.input = source
        self._key, self._init, self._reduce, self._finalize = key, init, reduce, finalize
        self.states: Any = None

    def next(self) -> Element | None:
        if self.states is None:
            self.states = self._collect()
        return self._finalize(self.states.popleft()) if self.states else None

    def _collect(self) -> Any:
        states: dict[int, Element] = {}
        while (element := self.input.next()) is not None:
            (key,) = self._key(element)
            number = int(key)
            if number not in states:
                states[number] = self._init((key,))
            states[number] = self._reduce((*states[number], *element))
        return deque(states[number] for number in sorted(states))

    def save(self) -> dict[str, Any]:
        states = None if self.states is None else list(self.states)
        return {**super().save(), "states": states}

    def restore(self, state: dict[str, Any]) -> None:
        states = state["states"]
        super().restore({**state, "states": None if states is None else deque(states)})
