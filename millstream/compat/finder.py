"""The import hook that serves `tensorflow` and everything below it from Millstream.

`tensorflow` is then the very module `millstream`, and `tensorflow.nn` is `millstream.nn`. Internal
modules (`tensorflow.python.framework.ops`) are made from the table of `compat.table`.

While it is installed the hook comes first, so that it wins over a genuine TensorFlow in the same
environment, and it never passes a name below `tensorflow` on: half of one and half of the other
could not work.
"""

from __future__ import annotations

import importlib
import importlib.abc
import sys
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from typing import Any

from millstream.base import export
from millstream.compat import table

GENUINE = "tensorflow"


class TensorFlowFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads `tensorflow` and all modules below it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, inner = fullname.partition(".")
        if package != GENUINE:
            return None
        if inner and not _is_public(inner) and table.row_of(inner) is None:
            raise ModuleNotFoundError(_not_served(fullname), name=fullname)
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        inner = module.__name__.partition(".")[2]
        if not inner:
            # The import system takes what is in sys.modules after this call, so that
            # `tensorflow` is `millstream` itself and not a copy of its names.
            sys.modules[GENUINE] = sys.modules[export.PACKAGE]
        elif _is_public(inner):
            sys.modules[module.__name__] = importlib.import_module(f"{export.PACKAGE}.{inner}")
        else:
            _fill(module, table.row_of(inner) or table.Row(()))


def _is_public(inner: str) -> bool:
    return export.table().is_namespace(inner)


def _not_served(fullname: str) -> str:
    return (
        f"No module named {fullname!r}: Millstream serves this program's `import tensorflow` and "
        "has nothing public that would stand for this module"
    )


def _fill(module: types.ModuleType, row: table.Row) -> None:
    """Gives an internal module the attributes that its row of the table describes."""
    name = module.__name__

    def get_attribute(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        for candidate in row.candidates(attribute):
            try:
                value = _resolve(candidate)
            except AttributeError:
                continue
            setattr(module, attribute, value)
            return value
        raise AttributeError(
            f"module {name!r} has no attribute {attribute!r}: Millstream knows no public name "
            "that stands for it"
        )

    module.__dict__["__getattr__"] = get_attribute
    module.__doc__ = f"Names that TensorFlow keeps in `{name}`, served by Millstream."


def _resolve(candidate: str) -> Any:
    """Gives the object behind a public name, or an attribute of a module of Millstream's own."""
    if not candidate.startswith(f"{export.PACKAGE}."):
        return export.resolve(candidate)
    home, _, attribute = candidate.rpartition(".")
    module = importlib.import_module(home)
    try:
        return getattr(module, attribute)
    except AttributeError:
        if home == table.PROTOS:
            return _enum_value(module, attribute)
        raise


def _enum_value(protos: types.ModuleType, name: str) -> int:
    """Finds `DT_FLOAT` and the like, which message modules hold beside the messages."""
    for enum in ("DataType", "Code", "VariableSynchronization", "VariableAggregation"):
        values = dict(getattr(protos, enum).items())
        if name in values:
            return values[name]
    raise AttributeError(name)


_finder = TensorFlowFinder()


def installed() -> bool:
    """Tells whether `import tensorflow` gives Millstream."""
    return _finder in sys.meta_path


def install() -> None:
    """Makes `import tensorflow` give Millstream from now on, in this process.

    Raises:
      ImportError: If the process has imported genuine TensorFlow already.
    """
    if installed():
        return
    loaded = sys.modules.get(GENUINE)
    if loaded is not None and loaded is not sys.modules[export.PACKAGE]:
        raise ImportError(
            f"TensorFlow is imported already, from {getattr(loaded, '__file__', '?')}: call "
            "millstream.compat.install() before the first `import tensorflow`"
        )
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undoes `install`: later imports of `tensorflow` find the genuine one, if there is one."""
    if not installed():
        return
    sys.meta_path.remove(_finder)
    for name in [n for n in sys.modules if n == GENUINE or n.startswith(f"{GENUINE}.")]:
        del sys.modules[name]
