"""Arenas: the small variables of a training step, kept in one device array.

An executable costs more than a microsecond per array that it takes and gives back, which for a
bias of ten numbers is all it costs. So where a region updates many small variables of one dtype,
its executables take them packed in one flat array and give that back.

State. While an arena is *attached*, its cells have no value of their own and read it from the
arena; the first to read after a step copies the whole array to the host, once. Whoever sets one of
the cells makes the arena *release* all of them: each gets its value back, and the next step packs
them anew.

Invariants. `put` is called inside the gate by a step that writes every cell of the arena. `release`
may run beside steps that read other cells of it: it leaves the host copy in place for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Protocol

import numpy as np

from millstream.compiler import jax_bridge

FEWEST = 16
"""How many variables make an arena worth its while."""
LARGEST_ELEMENTS = 1024
"""A larger variable keeps its own array."""


class Cell(Protocol):
    """A cell that can live in an arena."""

    value: Any

    def attach(self, arena: Any, index: int) -> None:
        """Makes the cell read its value from place `index` of an arena."""
        ...

    def detach(self, arena: Any, value: Any) -> None:
        """Gives the cell a value of its own, unless it left the arena already."""
        ...


class Arena:
    """Several cells and the flat array that holds their values while it is attached."""

    def __init__(
        self, cells: Sequence[Cell], shapes: Sequence[tuple[int, ...]], dtype: Any
    ) -> None:
        self.cells = list(cells)
        self.dtype = np.dtype(dtype)
        self.spans = spans(shapes)
        self.size = self.spans[-1][1]
        self._array: Any = None
        self._copy: Any = None

    def take(self) -> Any:
        """Gives the flat array for a step that is going to replace it.

        Raises:
          TypeError: If a variable has not the shape or dtype that the graph says it has.
        """
        if self._array is not None:
            return self._array
        parts: list[Any] = []
        for cell, (_, _, shape) in zip(self.cells, self.spans):
            value: Any = np.asarray(jax_bridge.view(cell.value))
            if value.shape != shape or value.dtype != self.dtype:
                raise TypeError(f"a packed variable has shape {value.shape}, not {shape}")
            parts.append(value.ravel())
        return np.concatenate(parts)

    def put(self, array: Any) -> None:
        """Takes the flat array with the new values of all cells."""
        attached = self._array is not None
        self._array, self._copy = array, None
        if not attached:
            for index, cell in enumerate(self.cells):
                cell.attach(self, index)

    def read(self, index: int) -> Any:
        """Gives the value of one cell as a NumPy array that never changes."""
        copy = self._copy
        if copy is None:
            copy = self._copy = np.array(jax_bridge.view(self._array))
        start, stop, shape = self.spans[index]
        value = copy[start:stop].reshape(shape)
        return value if shape else value[()]

    def release(self) -> None:
        """Gives every cell a value of its own again."""
        values = [self.read(index) for index in range(len(self.cells))]
        for cell, value in zip(self.cells, values):
            cell.detach(self, value)
        self._array = None


def spans(shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Gives (start, stop, shape) of each of several arrays laid out one behind the other."""
    found: list[tuple[int, int, tuple[int, ...]]] = []
    start = 0
    for shape in shapes:
        stop = start + prod(shape)
        found.append((start, stop, shape))
        start = stop
    return found
