"""`ops.Reshape(x, shape)`: ops by name, for rules that need ops of another family.

Families of ops need each other (the gradient of `Tile` sums, that of `Sum` tiles), which modules
that import one another cannot do. An op's module is imported when the op is first used.
"""

from __future__ import annotations

from typing import Any

from millstream.ir import registry


class OpsByName:
    """Has every op as an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            opdef = registry.get(name)
        except KeyError as error:
            raise AttributeError(*error.args) from None
        # Later reads then find the op without passing through here.
        setattr(self, name, opdef)
        return opdef


ops = OpsByName()
