"""The queues that are not plain first-in-first-out: padded, shuffled, by priority."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base.dtypes import DType, int64
from millstream.base.shapes import TensorShape
from millstream.ops.queue.core import Element, Queue, stack_component
from millstream.ops.random import philox


class PaddingQueue(Queue):
    """A first-in-first-out queue whose batches are padded with zeros to the largest element."""

    kind = "PaddingFIFOQueue"

    def stack(self, elements: list[Element]) -> list[Any]:
        """Makes one batch per component, each dimension as large as the largest element's."""
        return [
            _padded([element[i] for element in elements], dtype, shape)
            for i, (dtype, shape) in enumerate(zip(self.types, self.shapes))
        ]


def _padded(parts: list[Any], dtype: DType, shape: TensorShape) -> Any:
    shapes = {np.shape(part) for part in parts}
    if len(shapes) <= 1:
        return stack_component(parts, dtype, shape)
    largest = tuple(map(max, zip(*shapes)))
    empty = b"" if dtype.np.kind == "O" else 0
    batch = np.full((len(parts), *largest), empty, dtype.np)
    for row, part in zip(batch, parts):
        row[tuple(map(slice, np.shape(part)))] = part
    return batch


class _Words:
    """The 32-bit random words of one seed, one by one."""

    _BLOCKS = 64

    def __init__(self, seed: int, seed2: int) -> None:
        if not seed and not seed2:
            seed, seed2 = secrets.randbits(64), secrets.randbits(64)
        self._rng = philox.initial_state(seed, seed2)
        self._drawn = 0
        self._words: list[int] = []

    def next(self) -> int:
        """Gives the next word."""
        if not self._words:
            four = philox.blocks(self._rng, self._drawn, self._BLOCKS)
            self._drawn += self._BLOCKS
            self._words = np.stack(four, axis=-1).ravel().tolist()[::-1]
        return self._words.pop()


class ShuffleQueue(Queue):
    """A queue that gives out its elements at random, and keeps some back to choose among.

    Args:
      name: name for messages.
      node_name: name of the node that made it.
      capacity: most elements it may hold.
      types: the components' types.
      shapes: the components' shapes, or none.
      kept: how many elements stay in it until it is closed.
      seeds: the two seeds; both zero for random ones.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        name: str,
        node_name: str,
        capacity: int,
        types: Sequence[DType],
        shapes: Sequence[TensorShape],
        kept: int,
        seeds: tuple[int, int],
    ) -> None:
        super().__init__(name, node_name, capacity, types, shapes)
        self.kept, self.seeds = kept, seeds
        self._words = _Words(*seeds)
        self._elements: list[Element] = []

    def _pop(self) -> Element:
        elements = self._elements
        index = self._words.next() % len(elements)
        chosen = elements[index]
        elements[index] = elements[-1]
        elements.pop()
        return chosen

    def _restore(self, elements: list[Element]) -> None:
        self._elements.extend(elements)

    def _available(self) -> int:
        return len(self._elements) - (0 if self._closed else self.kept)

    def describe(self) -> str:
        """Says in words what the queue holds and who waits for it."""
        return f"{super().describe()}; it keeps {self.kept} back until it is closed"


class PriorityQueue(Queue):
    """A queue that gives out the element with the smallest priority, its first component.

    A binary heap with the sifting order that TensorFlow's has, so that elements of equal priority
    come in the same order.
    """

    kind = "PriorityQueue"

    def __init__(
        self,
        name: str,
        node_name: str,
        capacity: int,
        types: Sequence[DType],
        shapes: Sequence[TensorShape],
    ) -> None:
        super().__init__(name, node_name, capacity, (int64, *types), (TensorShape([]), *shapes))
        self._elements: list[Element] = []

    def _push(self, element: Element) -> None:
        self._elements.append(element)
        self._sift_up(len(self._elements) - 1, element)

    def _sift_up(self, hole: int, element: Element) -> None:
        heap, priority = self._elements, element[0]
        while hole and heap[(hole - 1) // 2][0] > priority:
            heap[hole] = heap[(hole - 1) // 2]
            hole = (hole - 1) // 2
        heap[hole] = element

    def _pop(self) -> Element:
        heap = self._elements
        first, last = heap[0], heap.pop()
        if heap:
            self._sift_up(self._hole_at_the_bottom(), last)
        return first

    def _hole_at_the_bottom(self) -> int:
        """Moves smaller children up from the root; gives the place that becomes free."""
        heap, hole = self._elements, 0
        while (child := 2 * hole + 2) < len(heap):
            if heap[child][0] > heap[child - 1][0]:
                child -= 1
            heap[hole] = heap[child]
            hole = child
        if child == len(heap):  # a last node without a sibling
            heap[hole] = heap[child - 1]
            hole = child - 1
        return hole

    def _restore(self, elements: list[Element]) -> None:
        for element in elements:
            self._push(element)
