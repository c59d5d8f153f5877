"""Datasets that are made from nothing but values: tensors, slices, ranges, random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.ops.data.core import INFINITE, Dataset, Iterator, Scope, plain
from millstream.ops.data.words import Words


class Elements(Dataset):
    """A list of elements."""

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements

    @property
    def cardinality(self) -> int:
        return len(self.elements)

    def iterate(self, scope: Scope) -> Iterator:
        return _Counted(self.elements.__getitem__, len(self.elements))


class Slices(Dataset):
    """The slices of tensors along their first axis."""

    def __init__(self, tensors: list[np.ndarray]) -> None:
        self._tensors = tensors

    @property
    def cardinality(self) -> int:
        return len(self._tensors[0])

    def iterate(self, scope: Scope) -> Iterator:
        return _Rows(self._tensors)


class _Rows(Iterator):
    children = ()
    saved = ("at",)

    def __init__(self, tensors: list[np.ndarray]) -> None:
        self._tensors, self.at = tensors, 0
        self._size = len(tensors[0])

    def take(self, count: int) -> list[Any]:
        start, stop = self.at, min(self.at + count, self._size)
        if start >= stop:
            return []
        self.at = stop
        return list(zip(*[tensor[start:stop] for tensor in self._tensors], strict=True))


class _Counted(Iterator):
    """Gives what a function makes of 0, 1, …"""

    children = ()
    saved = ("at",)

    def __init__(self, make: Any, size: int) -> None:
        self._make, self._size, self.at = make, size, 0

    def take(self, count: int) -> list[Any]:
        start, stop = self.at, min(self.at + count, self._size)
        self.at = max(start, stop)
        return [self._make(i) for i in range(start, stop)]


class Range(Dataset):
    """The numbers from `start` to `stop`, exclusive, by `step`."""

    def __init__(self, start: int, stop: int, step: int) -> None:
        self._range = range(start, stop, step)

    @property
    def cardinality(self) -> int:
        return len(self._range)

    def iterate(self, scope: Scope) -> Iterator:
        numbers, convert = self._range, np.int64
        return _Counted(lambda i: (convert(numbers[i]),), len(numbers))


class Random(Dataset):
    """Random numbers of 32 bits without end."""

    def __init__(self, seed: int, seed2: int) -> None:
        self._seeds = seed, seed2

    @property
    def cardinality(self) -> int:
        return INFINITE

    def iterate(self, scope: Scope) -> Iterator:
        return _RandomNumbers(Words(*self._seeds))


class _RandomNumbers(Iterator):
    children = ()
    saved = ("state",)

    def __init__(self, words: Words) -> None:
        self._words = words

    @property
    def state(self) -> Any:
        """Where the generator is."""
        return self._words.save()

    @state.setter
    def state(self, state: Any) -> None:
        self._words.restore(state)

    def take(self, count: int) -> list[Any]:
        return [(np.int64(self._words.next()),) for _ in range(count)]


class SparseSlices(Dataset):
    """The rows of a sparse tensor, as indices, values and shape."""

    def __init__(self, indices: np.ndarray, values: np.ndarray, shape: np.ndarray) -> None:
        self._parts = indices, values, shape

    @property
    def cardinality(self) -> int:
        return int(self._parts[2][0])

    def iterate(self, scope: Scope) -> Iterator:
        indices, values, shape = self._parts
        starts = np.searchsorted(indices[:, 0], np.arange(int(shape[0]) + 1))

        def row(i: int) -> Any:
            part = slice(starts[i], starts[i + 1])
            return indices[part, 1:], values[part], shape[1:]

        return _Counted(row, int(shape[0]))


def component_elements(components: list[Any]) -> Elements:
    """Makes the dataset of one element."""
    return Elements([tuple(plain(component) for component in components)])
