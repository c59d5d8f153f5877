"""Every op by its type name: `raw.Sum(x, axes)`.

Families of ops need each other (the gradient of `Tile` sums, that of `Sum` tiles), which modules that import one
another cannot do. The op is looked up when it is used, and its module imported then if it is not yet.
"""

from __future__ import annotations

from typing import Any

from millstream.ir import registry


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return registry.get(name)
    except KeyError as error:
        raise AttributeError(error.args[0]) from None
