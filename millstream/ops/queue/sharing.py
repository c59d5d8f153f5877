"""Which thing a node that makes a queue, reader or the like stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.ops.queue.core import private_name


def shared_resource(ctx: Any, kind: type[Any], make: Callable[[str], Any]) -> Any:
    """Gives the thing that the node makes, or that another node of the same `shared_name` made.

    Args:
      ctx: the node's context.
      kind: the class that it must have.
      make: makes it, given its name.

    Raises:
      InvalidArgumentError: if another kind of thing has that name.
    """
    node = ctx.node
    shared = node.attrs["shared_name"]
    # A slash in front keeps private names apart from those that programs give.
    key = shared or f"/{node.name}"
    found = ctx.resources.get_or_create(
        ctx.container, key, lambda: make(shared or private_name(node.name))
    )
    if type(found) is not kind:
        raise errors.InvalidArgumentError(
            None, None, f"'{shared}' is shared as a {_word(found)}, but a {kind.kind} is wanted"
        )
    return found


def _word(thing: Any) -> str:
    return getattr(thing, "kind", type(thing).__name__)


def thing_behind(handle: Any, kind: type[Any]) -> Any:
    """Gives what a handle stands for at run time.

    Raises:
      InvalidArgumentError: if it is no `kind`.
    """
    thing = handle.item() if isinstance(handle, np.ndarray) and not handle.ndim else handle
    if not isinstance(thing, kind):
        raise errors.InvalidArgumentError(
            None, None, f"expected the handle of a {kind.kind}, got {type(thing).__name__}"
        )
    return thing
