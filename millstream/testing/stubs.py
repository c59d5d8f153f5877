"""`tf.test.StubOutForTesting`: replaces attributes and puts them back."""

from __future__ import annotations

import inspect
from typing import Any

from millstream.base.export import export


@export("test.StubOutForTesting")
class StubOutForTesting:
    """Replaces attributes of modules, classes and objects until the end of a context.

    Example:
      >>> with StubOutForTesting() as stubs:
      ...     stubs.Set(os.path, "exists", lambda path: True)
    """

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []
        self._smart: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> StubOutForTesting:
        return self

    def __exit__(self, *_: object) -> None:
        self.CleanUp()

    def __del__(self) -> None:
        self.CleanUp()

    def CleanUp(self) -> None:
        """Puts everything back."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:
        """Replaces `parent.child_name`, which it must have."""
        self._replaced.append((parent, child_name, _kept(parent, child_name)))
        setattr(parent, child_name, new_child)

    def UnsetAll(self) -> None:
        """Puts back what `Set` replaced, latest first."""
        while self._replaced:
            setattr(*self._replaced.pop())

    def SmartSet(self, obj: Any, attr_name: str, new_attr: Any) -> None:
        """Replaces an attribute where it is defined: in the object, its class or a base of that.

        Raises:
          AttributeError: if it is defined nowhere.
        """
        owner = obj
        if not inspect.ismodule(obj) and attr_name not in vars(obj):
            bases = inspect.getmro(obj if inspect.isclass(obj) else type(obj))
            owner = next((base for base in bases if attr_name in vars(base)), None)
        if owner is None or not hasattr(owner, attr_name):
            raise AttributeError(f"Attribute not found: {attr_name}")
        self._smart.append((owner, attr_name, _kept(owner, attr_name)))
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self) -> None:
        """Puts back what `SmartSet` replaced, latest first."""
        while self._smart:
            setattr(*self._smart.pop())


def _kept(owner: Any, name: str) -> Any:
    """Returns an attribute as its owner holds it: static and class methods as such."""
    return vars(owner)[name] if name in vars(owner) else getattr(owner, name)
