"""Datasets that pass elements on one by one: map, filter, take, zip, repeat and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base import errors
from millstream.ops.data.core import INFINITE, UNKNOWN, Dataset, Element, Iterator, Scope, invalid
from millstream.ops.data.functions import ElementFunction

type Elements = list[Element]


class Unary(Dataset):
    """A dataset made from one other."""

    def __init__(self, source: Dataset) -> None:
        self.inputs = (source,)

    @property
    def source(self) -> Dataset:
        """The dataset that it is made from."""
        return self.inputs[0]

    @property
    def cardinality(self) -> int:
        return self.source.cardinality


class Same(Unary):
    """Another dataset's elements as they are."""

    def iterate(self, scope: Scope) -> Iterator:
        return self.source.iterate(scope)


# -- map and filter


class Map(Unary):
    """What a function makes of each element."""

    def __init__(self, source: Dataset, function: ElementFunction) -> None:
        super().__init__(source)
        self._function = function

    def iterate(self, scope: Scope) -> Iterator:
        return _Mapped(self.source.iterate(scope), self._function)


class _Mapped(Iterator):
    saved = ("waiting",)

    def __init__(self, source: Iterator, function: ElementFunction) -> None:
        self.input, self._function = source, function
        self.waiting: Elements = []

    def take(self, count: int) -> Elements:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        elements, self.waiting = self.waiting or self.input.take(count), []
        if len(elements) > 1:
            try:
                return self._function.many(elements)
            except Exception:  # noqa: BLE001 - found out one by one, which of them it is
                return self._one_by_one(elements)
        try:
            return [self._function(element) for element in elements]
        except errors.OutOfRangeError:
            return []

    def _one_by_one(self, elements: Elements) -> Elements:
        results: Elements = []
        for place, element in enumerate(elements):
            try:
                results.append(self._function(element))
            except Exception as error:
                self.waiting = elements[place + 1 :]
                if isinstance(error, errors.OutOfRangeError):
                    return results
                if not results:
                    raise
                self._failure = error
                return results
        return results


class Filter(Unary):
    """The elements for which a function gives true."""

    def __init__(self, source: Dataset, predicate: ElementFunction) -> None:
        super().__init__(source)
        self._predicate = predicate

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Filtered(self.source.iterate(scope), self._predicate)


class _Filtered(Iterator):
    def __init__(self, source: Iterator, predicate: ElementFunction) -> None:
        self.input, self._predicate = source, predicate

    def next(self) -> Element | None:
        while (element := self.input.next()) is not None:
            if _truth(self._predicate(element)):
                return element
        return None


def _truth(result: Element) -> bool:
    (value,) = result
    if np.shape(value):
        raise invalid("Filter predicate must return a scalar bool.")
    return bool(value)


class LastComponent(Unary):
    """The elements whose last component, a bool that is dropped, is true."""

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _ByLast(self.source.iterate(scope))


class _ByLast(Iterator):
    def __init__(self, source: Iterator) -> None:
        self.input = source

    def next(self) -> Element | None:
        while (element := self.input.next()) is not None:
            if element[-1]:
                return element[:-1]
        return None


class TakeWhile(Filter):
    """The elements before the first for which a function gives false."""

    def iterate(self, scope: Scope) -> Iterator:
        return _TakenWhile(self.source.iterate(scope), self._predicate)


class _TakenWhile(Iterator):
    saved = ("ended",)

    def __init__(self, source: Iterator, predicate: ElementFunction) -> None:
        self.input, self._predicate, self.ended = source, predicate, False

    def next(self) -> Element | None:
        element = None if self.ended else self.input.next()
        if element is None or not _truth(self._predicate(element)):
            self.ended = True
            return None
        return element


class Scan(Unary):
    """What a function makes of each element and a state that it passes on."""

    def __init__(self, source: Dataset, function: ElementFunction, initial: Element) -> None:
        super().__init__(source)
        self._function, self._initial = function, initial

    def iterate(self, scope: Scope) -> Iterator:
        return _Scanned(self.source.iterate(scope), self._function, self._initial)


class _Scanned(Iterator):
    saved = ("state",)

    def __init__(self, source: Iterator, function: ElementFunction, state: Element) -> None:
        self.input, self._function, self.state = source, function, state

    def next(self) -> Element | None:
        element = self.input.next()
        if element is None:
            return None
        results = self._function((*self.state, *element))
        count = len(self.state)
        self.state = results[:count]
        return results[count:]


class IgnoreErrors(Unary):
    """The elements that can be computed."""

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Ignoring(self.source.iterate(scope))


class _Ignoring(Iterator):
    def __init__(self, source: Iterator) -> None:
        self.input = source

    def take(self, count: int) -> Elements:
        while True:
            try:
                return self.input.take(count)
            except errors.CancelledError:
                raise
            except errors.OpError:
                continue


# -- how many


class Take(Unary):
    """The first elements; all if `count` is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self._count = count

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        if size == UNKNOWN:
            return size
        if self._count < 0:
            return size
        return self._count if size == INFINITE else min(size, self._count)

    def iterate(self, scope: Scope) -> Iterator:
        source = self.source.iterate(scope)
        return source if self._count < 0 else _Taken(source, self._count)


class _Taken(Iterator):
    saved = ("left",)

    def __init__(self, source: Iterator, count: int) -> None:
        self.input, self.left = source, count

    def take(self, count: int) -> Elements:
        if not self.left:
            return []
        found = self.input.take(min(count, self.left))
        self.left -= len(found)
        return found


class Skip(Unary):
    """The elements after the first; none if `count` is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self._count = count

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        if self._count < 0:
            return 0
        return size if size < 0 else max(size - self._count, 0)

    def iterate(self, scope: Scope) -> Iterator:
        return _Skipped(self.source.iterate(scope), self._count)


class _Skipped(Iterator):
    saved = ("left",)

    def __init__(self, source: Iterator, count: int) -> None:
        self.input, self.left = source, count

    def take(self, count: int) -> Elements:
        while self.left:
            found = self.input.take(self.left if self.left > 0 else 1024)
            if not found:
                return []
            self.left -= len(found) if self.left > 0 else 0
        return self.input.take(count)


class Shard(Unary):
    """Every `count`th element, from number `index` on."""

    def __init__(self, source: Dataset, count: int, index: int) -> None:
        super().__init__(source)
        self._count, self._index = count, index

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        return size if size < 0 else max(0, -(-(size - self._index) // self._count))

    def iterate(self, scope: Scope) -> Iterator:
        return _Sharded(self.source.iterate(scope), self._count, self._index)


class _Sharded(Iterator):
    saved = ("place",)

    def __init__(self, source: Iterator, count: int, index: int) -> None:
        self.input, self._count, self._index, self.place = source, count, index, 0

    def next(self) -> Element | None:
        while (element := self.input.next()) is not None:
            place, self.place = self.place, (self.place + 1) % self._count
            if place == self._index:
                return element
        return None


class Unique(Unary):
    """The elements that were not there before."""

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _OnlyNew(self.source.iterate(scope))


class _OnlyNew(Iterator):
    saved = ("known",)

    def __init__(self, source: Iterator) -> None:
        self.input = source
        self.known: Any = set[Any]()

    def next(self) -> Element | None:
        while (element := self.input.next()) is not None:
            value = element[0]
            key = value if isinstance(value, bytes) else np.asarray(value).item()
            if key not in self.known:
                self.known.add(key)
                return element
        return None

    def save(self) -> dict[str, Any]:
        return {**super().save(), "known": list(self.known)}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore({**state, "known": set(state["known"])})


class Repeat(Unary):
    """The elements several times; for ever if `count` is negative."""

    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self.count = count

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        if self.count < 0:
            return 0 if size == 0 else INFINITE
        if self.count == 0:
            return 0
        return size if size < 0 else size * self.count

    def iterate(self, scope: Scope) -> Iterator:
        return _Repeated(self.source, scope, self.count)


class _Repeated(Iterator):
    saved = ("left",)

    def __init__(self, source: Dataset, scope: Scope, count: int) -> None:
        self._source, self._scope, self.left = source, scope, count
        self.input: Iterator | None = source.iterate(scope) if count else None
        self._is_fresh = True

    def take(self, count: int) -> Elements:
        while self.input is not None:
            found = self.input.take(count)
            if found:
                self._is_fresh = False
                return found
            self._start_again()
        return []

    def _start_again(self) -> None:
        old, self.input = self.input, None
        assert old is not None
        old.close()
        self.left -= 1 if self.left > 0 else 0
        # For ever nothing is nothing.
        if self.left and not (self._is_fresh and self.left < 0):
            self.input, self._is_fresh = self._source.iterate(self._scope), True

    def restore_child(self, name: str, state: Any) -> None:
        if state is not None and self.input is None:
            self.input = self._source.iterate(self._scope)
        super().restore_child(name, state)
