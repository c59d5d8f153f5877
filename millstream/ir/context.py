"""The stacks of default graphs and default sessions, one of each per thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


class DefaultStack(threading.local):
    """A per-thread stack whose top is the default."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Any] = []
        self.enforce_nesting = True

    def top(self) -> Any:
        """Returns the innermost default, or `None`."""
        return self.items[-1] if self.items else None

    @contextmanager
    def pushed(self, item: Any) -> Generator[Any]:
        """Makes `item` the default inside the context.

        Raises:
          AssertionError: if contexts are left in another order than the reverse of entering.
        """
        self.items.append(item)
        try:
            yield item
        finally:
            self.remove(item)

    def remove(self, item: Any) -> None:
        """Takes `item` off the stack, which it tops unless nesting is not enforced."""
        if not self.items:
            return
        if self.enforce_nesting and self.items[-1] is not item:
            raise AssertionError(
                f"Nesting violated for default stack of {type(item).__name__} objects"
            )
        for index in range(len(self.items) - 1, -1, -1):
            if self.items[index] is item:
                del self.items[index]
                return


default_graphs = DefaultStack()
default_sessions = DefaultStack()


def find_session(graph: Any, session: Any, caller: str) -> Any:
    """Returns `session` or the default session, checked to run `graph`.

    Raises:
      ValueError: if there is none, or it runs another graph.
    """
    if session is None:
        session = default_sessions.top()
        if session is None:
            raise ValueError(
                f"Cannot run `{caller}`: No default session is registered. Use `with "
                "sess.as_default()` or "
                "pass an explicit session."
            )
        what = "the default session"
    else:
        what = "the passed session"
    if session.graph is not graph:
        raise ValueError(f"Cannot run `{caller}`: {what} runs a different graph than the tensor's.")
    return session
