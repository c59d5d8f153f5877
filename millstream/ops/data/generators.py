"""Datasets of what Python generators give."""

from __future__ import annotations

from typing import Any

from millstream.base import errors
from millstream.ops.data.core import UNKNOWN, Dataset, Element, Iterator, Scope
from millstream.ops.data.functions import ElementFunction


class Generated(Dataset):
    """The elements that a function gives, called with a state until it ends.

    Args:
      init: makes the state, of no arguments or the captured ones.
      next_: gives the next element for the state; raises OutOfRangeError at the end.
      finalize: is called with the state when the iterator is closed.
    """

    def __init__(
        self, init: ElementFunction, next_: ElementFunction, finalize: ElementFunction
    ) -> None:
        self._functions = init, next_, finalize

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _Generator(*self._functions)


class _Generator(Iterator):
    """Its state is the number of elements given: to restore it, they are made again."""

    children = ()
    saved = ("given",)

    def __init__(
        self, init: ElementFunction, next_: ElementFunction, finalize: ElementFunction
    ) -> None:
        self._init, self._next, self._finalize = init, next_, finalize
        self._state: Element | None = None
        self.given = 0
        self._ended = False

    def next(self) -> Element | None:
        if self._ended:
            return None
        if self._state is None:
            self._state = self._init(())
        try:
            element = self._next(self._state)
        except errors.OutOfRangeError:
            self._ended = True
            self._end()
            return None
        self.given += 1
        return element

    def close(self) -> None:
        self._ended = True
        self._end()

    def _end(self) -> None:
        state, self._state = self._state, None
        if state is not None:
            self._finalize(state)

    def restore(self, state: dict[str, Any]) -> None:
        for _ in range(state["given"]):
            if self.next() is None:
                return
