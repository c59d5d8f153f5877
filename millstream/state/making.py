"""What making a ref variable and a resource variable have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope


class Wishes:
    """What a variable was asked to be, checked.

    Raises:
      ValueError: if there is no initial value, collections are no list, or the constraint cannot be
        called.
    """

    def __init__(
        self, initial_value: Any, dtype: Any, name: str | None, shape: Any, collections: Any,
        constraint: Any, trainable: bool,
    ) -> None:  # fmt: skip
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if collections is None:
            collections = [GraphKeys.GLOBAL_VARIABLES]
        if not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                "collections argument to Variable constructor must be a list, tuple, or set. Got "
                f"{collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self.is_function = callable(initial_value)
        self.initial_value, self.dtype, self.name, self.shape = initial_value, dtype, name, shape
        self.collections: list[Any] = list(collections)
        if trainable and GraphKeys.TRAINABLE_VARIABLES not in self.collections:
            self.collections.append(GraphKeys.TRAINABLE_VARIABLES)


def join_collections(variable: Any, wishes: Wishes) -> None:
    """Adds a new variable to the collections that it was to join."""
    get_default_graph().add_to_collections(wishes.collections, variable)


@contextmanager
def in_initializer_scope(scope: str) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Is a context in which nodes are colocated with a variable that is not there yet.

    Args:
      scope: name of the variable's node, with a slash.

    Yields:
      A function that calls its argument in the name scope `Initializer`, on no device.
    """
    graph = get_default_graph()

    def make(function: Callable[[], Any]) -> Any:
        with name_scope("Initializer"), graph.device(None):
            return function()

    with graph._attr_scope({"_class": (f"loc:@{scope.rstrip('/')}",)}):
        yield make
