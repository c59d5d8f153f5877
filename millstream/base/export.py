"""The public namespace: who publishes what, and how `tf.x.y` finds it without importing everything.

`@export("nn.relu")` only notes, in `EXPORTS`, that `tf.nn.relu` lives in this module under that
name. `python -m millstream.tools.gen_api` imports every module once and writes those notes to
`millstream/_api.tsv`; at run time the table alone answers `tf.nn.relu`, and the one module that
holds it is imported.

A row of the table is `public name <tab> module <tab> attribute`. Rows whose name begins with `op:`
tell which module declares an op type; they serve GraphDef import and `tf.raw_ops`.

Namespaces (`tf.nn`, `tf.contrib.layers`) are modules. Where the package has a real one of that
name, its `__init__.py` says `__getattr__, __dir__ = namespace(__name__)`; otherwise one is made
when it is first asked for, also by `import millstream.nn`.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

PACKAGE = "millstream"
TABLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_api.tsv")
OP_PREFIX = "op:"
_V1 = "compat.v1."

EXPORTS: dict[str, Export] = {}
"""Every public name published by the modules imported so far."""

CLASHES: list[tuple[str, str, str]] = []
"""(public name, one module, another) for names that two modules publish; there should be none."""


class Export:
    """Where a public name lives: the module and, once that is fully imported, the attribute."""

    __slots__ = ("_attribute", "module", "name", "value")

    def __init__(self, name: str, module: str, attribute: str | None, value: Any) -> None:
        self.name = name
        self.module = module
        self.value = value
        self._attribute = attribute

    @property
    def attribute(self) -> str:
        """Names the module's attribute; looks for the object itself when only that is known."""
        if self._attribute is None:
            self._attribute = _attribute_of(self.module, self.name, self.value)
        return self._attribute


def _attribute_of(module: str, name: str, value: Any) -> str:
    members = vars(sys.modules[module])
    leaf = name.rpartition(".")[2]
    if members.get(leaf) is value:
        return leaf
    for key, member in members.items():
        if member is value:
            return key
    raise LookupError(f"tf.{name} is exported by {module} but is no attribute of it")


def _note(export: Export) -> None:
    before = EXPORTS.setdefault(export.name, export)
    if before.module != export.module:
        CLASHES.append((export.name, before.module, export.module))
    EXPORTS[export.name] = export


def export[F](*names: str, module: str | None = None) -> Callable[[F], F]:
    """Publishes a function, class or op under names relative to `tf.`.

    Args:
      *names: Dotted public names, such as `"nn.relu"`. `compat.v1.*` needs no name of its own.
      module: Module that holds it, when that is not the caller's.

    Returns:
      A decorator that gives its argument back unchanged.
    """
    home = module or sys._getframe(1).f_globals["__name__"]

    def publish(value: F) -> F:
        attribute: str | None = None
        if isinstance(value, (type, types.FunctionType)) and value.__module__ == home:
            attribute = str(getattr(value, "__qualname__"))  # noqa: B009
            if "<" in attribute:
                attribute = None
        for name in names:
            _note(Export(name, home, attribute, value))
        return value

    return publish


def export_constant(name: str, value: Any) -> None:
    """Publishes a module-level value that is no function or class, under a name relative to `tf.`.

    The value must be bound to some name of the calling module by the time its import ends.
    """
    module = sys._getframe(1).f_globals["__name__"]
    _note(Export(name, module, None, value))


export_value = export_constant


class Table:
    """The rows of `_api.tsv`, with the tree of namespaces that they span."""

    def __init__(self, rows: Sequence[tuple[str, str, str]]) -> None:
        self.names: dict[str, tuple[str, str]] = {}
        self.ops: dict[str, tuple[str, str]] = {}
        self.children: dict[str, set[str]] = {"": set(), "compat": {"v1"}, "raw_ops": set()}
        for name, module, attribute in rows:
            if name.startswith(OP_PREFIX):
                self.ops[name[len(OP_PREFIX) :]] = (module, attribute)
            else:
                self.names[name] = (module, attribute)
                self._add(name)
        self.children["raw_ops"].update(self.ops)
        self.children[""].update(("compat", "raw_ops"))

    def _add(self, name: str) -> None:
        while name:
            parent, _, leaf = name.rpartition(".")
            siblings = self.children.setdefault(parent, set())
            if leaf in siblings:
                return
            siblings.add(leaf)
            name = parent

    def is_namespace(self, name: str) -> bool:
        """Tells whether `tf.<name>` is a module of other names."""
        if name == "compat.v1":
            return True
        return name.removeprefix(_V1) in self.children

    def entry(self, name: str) -> tuple[str, str] | None:
        """Gives (module, attribute) of a public name, or None."""
        found = self.names.get(name)
        if found is None and name.startswith(_V1):
            name = name[len(_V1) :]
            found = self.names.get(name)
        if found is None and name.startswith("raw_ops."):
            found = self.ops.get(name[len("raw_ops.") :])
        return found

    def members(self, namespace: str) -> set[str]:
        """Lists the names directly inside a namespace."""
        found = set(self.children.get(namespace, ()))
        if namespace == "compat.v1":
            found |= self.children[""] - {"contrib"}
        elif namespace.startswith(_V1):
            found |= self.children.get(namespace[len(_V1) :], set())
        return found


def read_rows(path: str = TABLE) -> list[tuple[str, str, str]]:
    """Reads the rows of a table file; a missing file is an empty table."""
    if not os.path.exists(path):
        return []
    rows: list[tuple[str, str, str]] = []
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        name, module, attribute = line.split("\t")
        rows.append((name, module, attribute))
    return rows


@cache
def table() -> Table:
    """Gives the table of public names, read on first use."""
    return Table(read_rows())


def resolve(name: str) -> Any:
    """Gives the object behind a public name relative to `tf.`, importing what holds it.

    Raises:
      AttributeError: If there is no such name.
    """
    found = table().entry(name)
    if found is not None:
        value: Any = importlib.import_module(found[0])
        for part in found[1].split("."):
            value = getattr(value, part)
        return value
    if table().is_namespace(name):
        return importlib.import_module(f"{PACKAGE}.{name}")
    raise AttributeError(name)


def op_module(op: str) -> str | None:
    """Names the module that declares an op type, or None if no module of Millstream does."""
    found = table().ops.get(op)
    return found[0] if found else None


def namespace(module: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Makes the `__getattr__` and `__dir__` of a module that shows part of the public namespace.

    Args:
      module: The module's `__name__`, such as `millstream.train`.
    """
    public = module.removeprefix(PACKAGE).lstrip(".")
    prefix = public + "." if public else ""

    def get_attribute(name: str) -> Any:
        if name.startswith("__"):
            if name == "__all__":
                return sorted(table().members(public))
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        try:
            value = resolve(prefix + name)
        except AttributeError as error:
            if error.args != (prefix + name,):
                raise
            raise AttributeError(f"module {module!r} has no attribute {name!r}") from None
        setattr(sys.modules[module], name, value)
        return value

    def list_attributes() -> list[str]:
        return sorted(table().members(public) | set(vars(sys.modules[module])))

    return get_attribute, list_attributes


class _NamespaceFinder:
    """Makes modules for namespaces that have no file, after the ordinary finders gave up.

    It is a finder and a loader by its methods alone: `importlib.abc` takes 30 ms to import.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, public = fullname.partition(".")
        if package != PACKAGE or not public or not table().is_namespace(public):
            return None
        return importlib.machinery.ModuleSpec(fullname, cast(Any, self), is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        get_attribute, list_attributes = namespace(name)
        module.__dict__["__getattr__"] = get_attribute
        module.__dict__["__dir__"] = list_attributes
        module.__doc__ = f"The public names below `tf.{name.removeprefix(PACKAGE + '.')}`."


def install_finder() -> None:
    """Makes `import millstream.nn` work for namespaces without a file."""
    if not any(isinstance(finder, _NamespaceFinder) for finder in sys.meta_path):
        sys.meta_path.append(cast(Any, _NamespaceFinder()))
