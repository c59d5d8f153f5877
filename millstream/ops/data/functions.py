"""Functions of elements: what `map` and its kin call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.ops.data.core import Element, as_array, components
from millstream.ops.data.vectorized import vectorized


class ElementFunction:
    """A function of the graph's library, on elements.

    Args:
      call: what `ctx.function` gave.
      captured: arrays for what the function captured.
    """

    def __init__(self, call: Callable[[list[Any]], list[Any]], captured: list[Any]) -> None:
        self._call = call
        body = getattr(call, "body", None)
        self._many = None if body is None else vectorized(body, captured)

    @property
    def is_vectorized(self) -> bool:
        """Whether several elements cost less than each by itself; such functions never wait."""
        return self._many is not None

    def __call__(self, element: Element) -> Element:
        """Gives the function's results for an element."""
        if self._many is not None:
            return self._many([element])[0]
        return components(self._call([as_array(component) for component in element]))

    def many(self, elements: list[Element]) -> list[Element]:
        """Gives the results for several elements.

        Raises:
          Exception: If it fails for any of them.
        """
        if self._many is not None:
            return self._many(elements)
        return [self(element) for element in elements]


def element_function(ctx: Any, f: Any, captured: Any) -> ElementFunction:
    """Prepares the function that an attr of a dataset node names."""
    captured = list(captured)
    return ElementFunction(ctx.function(f, captured), captured)
