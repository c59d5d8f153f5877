"""Functions of elements: what `map` and its kin call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.ops.data.core import Element, as_array, components


class ElementFunction:
    """A function of the graph's library, on elements.

    Args:
      call: what `ctx.function` gave.
    """

    def __init__(self, call: Callable[[list[Any]], list[Any]]) -> None:
        self._call = call

    def __call__(self, element: Element) -> Element:
        """Gives the function's results for an element."""
        return components(self._call([as_array(component) for component in element]))

    def many(self, elements: list[Element]) -> list[Element]:
        """Gives the results for several elements."""
        return [self(element) for element in elements]


def element_function(ctx: Any, f: Any, captured: Any) -> ElementFunction:
    """Prepares the function that an attr of a dataset node names."""
    return ElementFunction(ctx.function(f, list(captured)))
