"""Datasets that join several, or take elements apart: zip, concatenate, unbatch."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from millstream.ops.data.core import INFINITE, UNKNOWN, Dataset, Element, Iterator, Scope, invalid
from millstream.ops.data.transforms import Unary

type Elements = list[Element]


class Zip(Dataset):
    """Elements of several datasets side by side, until the first ends."""

    def __init__(self, sources: list[Dataset]) -> None:
        self.inputs = tuple(sources)

    @property
    def cardinality(self) -> int:
        sizes = [source.cardinality for source in self.inputs]
        if UNKNOWN in sizes:
            return UNKNOWN
        finite = [size for size in sizes if size != INFINITE]
        return min(finite) if finite else INFINITE

    def iterate(self, scope: Scope) -> Iterator:
        return _Zipped([source.iterate(scope) for source in self.inputs])


class _Zipped(Iterator):
    saved = ("kept",)

    def __init__(self, sources: list[Iterator]) -> None:
        self.input = sources
        # What was taken from some inputs when another failed or gave less.
        self.kept: list[Elements] = [[] for _ in sources]

    def take(self, count: int) -> Elements:
        for kept, source in zip(self.kept, self.input, strict=True):
            if not kept:
                kept.extend(source.take(count))
                if not kept:
                    return []
                count = min(count, len(kept))
        size = min(count, *(len(kept) for kept in self.kept))
        rows = [tuple(c for part in parts for c in part) for parts in zip(*self.kept)]
        self.kept = [kept[size:] for kept in self.kept]
        return rows[:size]


class Concatenate(Dataset):
    """The elements of one dataset, then of another."""

    def __init__(self, first: Dataset, second: Dataset) -> None:
        self.inputs = (first, second)

    @property
    def cardinality(self) -> int:
        sizes = [source.cardinality for source in self.inputs]
        if INFINITE in sizes:
            return INFINITE
        return UNKNOWN if UNKNOWN in sizes else sum(sizes)

    def iterate(self, scope: Scope) -> Iterator:
        return _Concatenated([source.iterate(scope) for source in self.inputs])


class _Concatenated(Iterator):
    saved = ("at",)

    def __init__(self, sources: list[Iterator]) -> None:
        self.input, self.at = sources, 0

    def take(self, count: int) -> Elements:
        while self.at < len(self.input):
            found = self.input[self.at].take(count)
            if found:
                return found
            self.at += 1
        return []


class Directed(Dataset):
    """Elements of several datasets in the order that a dataset of numbers gives."""

    def __init__(self, selector: Dataset, sources: list[Dataset]) -> None:
        self.inputs = (selector, *sources)

    def iterate(self, scope: Scope) -> Iterator:
        selector, *sources = (source.iterate(scope) for source in self.inputs)
        return _Directed(selector, sources)


class _Directed(Iterator):
    children = ("selector", "input")
    saved = ("ended",)

    def __init__(self, selector: Iterator, sources: list[Iterator]) -> None:
        self.selector, self.input = selector, sources
        self.ended = [False] * len(sources)

    def next(self) -> Element | None:
        while not all(self.ended):
            chosen = self.selector.next()
            if chosen is None:
                return None
            index = int(chosen[0])
            if not 0 <= index < len(self.input):
                raise invalid(f"Selector index out of range: {index} >= {len(self.input)}")
            if self.ended[index]:
                continue
            element = self.input[index].next()
            if element is not None:
                return element
            self.ended[index] = True
        return None


class Unbatch(Unary):
    """The slices of each element."""

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Unbatched(self.source.iterate(scope))


class _Unbatched(Iterator):
    saved = ("ready",)

    def __init__(self, source: Iterator) -> None:
        self.input = source
        self.ready: Any = deque[Element]()

    def next(self) -> Element | None:
        while not self.ready:
            element = self.input.next()
            if element is None:
                return None
            sizes = {np.shape(component)[:1] for component in element}
            if () in sizes:
                raise invalid("Cannot unbatch an element of scalars")
            if len(sizes) > 1:
                raise invalid("Input element must have the same batch size in each component.")
            self.ready.extend(zip(*element, strict=True))
        return self.ready.popleft()

    def save(self) -> dict[str, Any]:
        return {**super().save(), "ready": list(self.ready)}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore({**state, "ready": deque(state["ready"])})
