"""Datasets of several elements at a time: batches, padded batches, windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base import errors
from millstream.ops.data.core import INFINITE, UNKNOWN, Dataset, Element, Iterator, Scope, invalid
from millstream.ops.data.sources import Elements as Listed
from millstream.ops.data.transforms import Unary

type Elements = list[Element]


def collect(source: Iterator, count: int) -> Elements:
    """Takes `count` elements, fewer only at the end."""
    found = source.take(count)
    while found and len(found) < count:
        more = source.take(count - len(found))
        if not more:
            break
        found.extend(more)
    return found


def stack(parts: tuple[Any, ...], place: int) -> Any:
    """Puts one component of several elements into one array.

    Raises:
      InvalidArgumentError: If their shapes differ.
    """
    first = parts[0]
    if first.__class__ is bytes or not isinstance(first, (np.ndarray, np.generic)):
        array = np.empty(len(parts), object)
        array[:] = parts
        return array
    if isinstance(first, np.generic):
        return np.array(parts, first.dtype)
    result = np.empty((len(parts), *first.shape), first.dtype)
    shape = first.shape
    for row, part in enumerate(parts):
        if part.shape != shape:
            raise invalid(
                f"Cannot batch tensors with different shapes in component {place}. First element "
                f"had shape {_spell(shape)} and element {row} had shape {_spell(part.shape)}."
            )
        result[row] = part
    return result


def _spell(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


class Batch(Unary):
    """Several elements stacked."""

    def __init__(self, source: Dataset, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self._size, self._drop = size, drop_remainder

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        if size < 0:
            return size
        return size // self._size if self._drop else -(-size // self._size)

    def iterate(self, scope: Scope) -> Iterator:
        return _Batched(self.source.iterate(scope), self._size, self._drop)

    def combine(self, elements: Elements) -> Element:
        """Makes one element of several."""
        return combine(elements)


def combine(elements: Elements) -> Element:
    """Stacks the components of elements."""
    columns = zip(*elements, strict=True)
    return tuple([stack(column, place) for place, column in enumerate(columns)])


class _Batched(Iterator):
    saved = ("kept",)

    def __init__(self, source: Iterator, size: int, drop: bool) -> None:
        self.input, self._size, self._drop = source, size, drop
        self.kept: Elements = []

    def next(self) -> Element | None:
        try:
            while len(self.kept) < self._size:
                found = self.input.take(self._size - len(self.kept))
                if not found:
                    break
                self.kept.extend(found)
        except Exception:
            # As in TensorFlow, what was collected goes with the element that failed.
            self.kept = []
            raise
        elements, self.kept = self.kept, []
        if not elements or (self._drop and len(elements) < self._size):
            return None
        return self._combine(elements)

    def _combine(self, elements: Elements) -> Element:
        return combine(elements)


class PaddedBatch(Batch):
    """Several elements padded to one shape and stacked.

    Args:
      source: the dataset.
      size: how many.
      drop_remainder: whether a last smaller batch is dropped.
      shapes: the shapes to pad to, by component; -1 for the largest of the batch.
      fillers: what to pad with, by component.
    """

    def __init__(
        self,
        source: Dataset,
        size: int,
        drop_remainder: bool,
        shapes: list[list[int]],
        fillers: list[Any],
    ) -> None:
        super().__init__(source, size, drop_remainder)
        self._padding = shapes, fillers

    def iterate(self, scope: Scope) -> Iterator:
        source = self.source.iterate(scope)
        return _Padded(source, self._size, self._drop, *self._padding)


class _Padded(_Batched):
    def __init__(
        self, source: Iterator, size: int, drop: bool, shapes: list[list[int]], fillers: list[Any]
    ) -> None:
        super().__init__(source, size, drop)
        self._shapes, self._fillers = shapes, fillers

    def _combine(self, elements: Elements) -> Element:
        columns = zip(*elements, strict=True)
        return tuple(
            _pad(column, shape, filler, place)
            for place, (column, shape, filler) in enumerate(
                zip(columns, self._shapes, self._fillers, strict=True)
            )
        )


def _pad(parts: tuple[Any, ...], shape: list[int], filler: Any, place: int) -> Any:
    """Puts arrays into one that is large enough, filled elsewhere."""
    if not shape and not np.shape(parts[0]):
        return stack(parts, place)
    shapes = [np.shape(part) for part in parts]
    for found in shapes:
        if len(found) != len(shape):
            raise invalid(
                f"All elements in a batch must have the same rank as the padded shape for "
                f"component{place}: expected rank {len(shape)} but got element with rank "
                f"{len(found)}"
            )
    largest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    for axis, (wanted, size) in enumerate(zip(shape, largest, strict=True)):
        if 0 <= wanted < size:
            raise errors.DataLossError(
                None,
                None,
                f"Attempted to pad to a smaller size than the input element: axis {axis} of "
                f"component {place} has {size}, to be padded to {wanted}",
            )
    final = [size if wanted < 0 else wanted for wanted, size in zip(shape, largest, strict=True)]
    if all(found == tuple(final) for found in shapes):
        return stack(parts, place)
    result = np.full((len(parts), *final), filler, np.asarray(parts[0]).dtype)
    for row, part in zip(result, parts, strict=True):
        row[tuple(map(slice, np.shape(part)))] = part
    return result


class SparseBatch(Unary):
    """Several elements as a sparse tensor of a given row shape: indices, values, shape."""

    def __init__(self, source: Dataset, size: int, row_shape: list[int]) -> None:
        super().__init__(source)
        self._size, self._row_shape = size, row_shape

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        return size if size < 0 else -(-size // self._size)

    def iterate(self, scope: Scope) -> Iterator:
        return _SparseBatched(self.source.iterate(scope), self._size, self._row_shape)


class _SparseBatched(Iterator):
    def __init__(self, source: Iterator, size: int, row_shape: list[int]) -> None:
        self.input, self._size, self._row_shape = source, size, row_shape

    def next(self) -> Element | None:
        elements = collect(self.input, self._size)
        if not elements:
            return None
        arrays = [np.asarray(element[0]) for element in elements]
        rank = len(self._row_shape)
        for array in arrays:
            if array.ndim != rank or any(
                0 <= most < size for most, size in zip(self._row_shape, array.shape, strict=True)
            ):
                raise errors.DataLossError(
                    None,
                    None,
                    f"Input element had shape ({_spell(array.shape)}) that is incompatible with "
                    f"the row shape ({_spell(tuple(self._row_shape))}).",
                )
        rows = [np.indices(array.shape).reshape(rank, -1).T for array in arrays]
        numbers = np.repeat(np.arange(len(arrays)), [len(row) for row in rows])
        indices = np.concatenate([numbers[:, None], np.concatenate(rows)], 1).astype(np.int64)
        largest = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
        shape = [
            len(arrays),
            *(size if most < 0 else most for most, size in zip(self._row_shape, largest)),
        ]
        values = np.concatenate([array.ravel() for array in arrays])
        parts = np.empty(3, object)
        parts[:] = [indices, values, np.array(shape, np.int64)]
        return (parts,)


class Window(Unary):
    """Datasets of several elements, one dataset per component.

    Args:
      source: the dataset.
      size: elements per window.
      shift: elements from the start of one window to the start of the next.
      stride: elements from one of a window to its next.
      drop_remainder: whether smaller windows at the end are dropped.
    """

    def __init__(
        self, source: Dataset, size: int, shift: int, stride: int, drop_remainder: bool
    ) -> None:
        super().__init__(source)
        self._sizes = size, shift, stride, drop_remainder

    @property
    def cardinality(self) -> int:
        total = self.source.cardinality
        if total in (INFINITE, UNKNOWN):
            return total
        size, shift, stride, drop = self._sizes
        need = (size - 1) * stride + 1 if drop else 1
        return 0 if total < need else (total - need) // shift + 1

    def iterate(self, scope: Scope) -> Iterator:
        return _Windowed(self.source.iterate(scope), *self._sizes)


class _Windowed(Iterator):
    saved = ("kept", "skip")

    def __init__(self, source: Iterator, size: int, shift: int, stride: int, drop: bool) -> None:
        self.input = source
        self._size, self._shift, self._stride, self._drop = size, shift, stride, drop
        self.kept: Elements = []
        self.skip = 0

    def next(self) -> Element | None:
        span = (self._size - 1) * self._stride + 1
        while self.skip and (found := self.input.take(self.skip)):
            self.skip -= len(found)
        if len(self.kept) < span:
            self.kept.extend(collect(self.input, span - len(self.kept)))
        chosen = self.kept[:: self._stride][: self._size]
        if not chosen or (self._drop and len(chosen) < self._size):
            return None
        self.skip = max(self._shift - len(self.kept), 0)
        self.kept = self.kept[self._shift :]
        columns = zip(*chosen, strict=True)
        return tuple(Listed([(part,) for part in column]) for column in columns)
