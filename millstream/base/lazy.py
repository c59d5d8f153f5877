"""Stand-ins for JAX's modules that import it on first use.

JAX takes half a second and 135 MB to load, and a graph can be built, or run on NumPy, without
it. So every module that needs JAX writes `from millstream.base.lazy import jax, jnp, lax` and
touches an attribute only when it compiles or runs something.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


class LazyModule:
    """Imports a module when one of its attributes is first read, then acts as that module."""

    def __init__(self, module: str) -> None:
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            # Introspection (pytest, inspect, copy) must not be what loads JAX.
            raise AttributeError(name)
        module = importlib.import_module(self._module)
        try:
            value = getattr(module, name)
        except AttributeError:
            try:
                value = importlib.import_module(f"{self._module}.{name}")
            except ModuleNotFoundError:
                raise AttributeError(f"module {self._module!r} has no attribute {name!r}") from None
        # Later reads then find the attribute without passing through here.
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(importlib.import_module(self._module))

    def __repr__(self) -> str:
        state = "loaded" if self._module in sys.modules else "not loaded yet"
        return f"<lazy module {self._module!r}, {state}>"


jax: Any = LazyModule("jax")
jnp: Any = LazyModule("jax.numpy")
lax: Any = LazyModule("jax.lax")
jnn: Any = LazyModule("jax.nn")


def jax_loaded() -> bool:
    """Tells whether JAX has been imported in this process."""
    return "jax" in sys.modules
