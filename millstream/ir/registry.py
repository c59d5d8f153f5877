"""The table of ops by type name. An op's module is imported when its name is first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from millstream.base import export

if TYPE_CHECKING:
    from millstream.ir.opdef import OpDef

_ops: dict[str, OpDef] = {}


def register(opdef: OpDef) -> None:
    """Adds an op.

    Raises:
      ValueError: if the name is taken.
    """
    if opdef.name in _ops:
        raise ValueError(f"Op '{opdef.name}' is already registered")
    _ops[opdef.name] = opdef


def lookup(name: str) -> OpDef | None:
    """Returns the op called `name`, or `None` if Millstream has none.

    Imports its module if need be.
    """
    found = _ops.get(name)
    if found is None:
        module = export.op_module(name)
        if module is not None:
            importlib.import_module(module)
            found = _ops.get(name)
    return found


def get(name: str) -> OpDef:
    """Returns the op called `name`.

    Raises:
      KeyError: if there is none.
    """
    found = lookup(name)
    if found is None:
        raise KeyError(f"Op type not registered '{name}' in Millstream")
    return found


def all_ops() -> dict[str, OpDef]:
    """Returns the ops whose modules are loaded, by name."""
    return dict(_ops)
