"""Which public names stand behind TensorFlow's internal modules.

Programs reach below the public interface: `from tensorflow.python.framework import ops`. Nearly
all that they fetch there is public under another name. `modules.tsv` says where: a row gives a
module (below `tensorflow.`), the public namespaces searched for its names, in order (`.` is `tf`
itself; `millstream.x.y` is a module of ours), and the names that differ (`theirs=public.name`).
Contrib, `gen_*_ops` and `*_pb2` modules follow rules instead, below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from millstream.base import export

TABLE = Path(__file__).with_name("modules.tsv")
PROTOS = "millstream.formats.protos"
OPS_IN_SNAKE_CASE = "raw_ops:snake_case"

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z0-9])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Row:
    """Where to look for the names of one internal module."""

    namespaces: tuple[str, ...]
    renamed: dict[str, str] = field(default_factory=dict[str, str])

    def candidates(self, name: str) -> Iterator[str]:
        """Lists the public names that may stand for `name`, the likeliest first."""
        if name in self.renamed:
            yield self.renamed[name]
            return
        for namespace in self.namespaces:
            if namespace == OPS_IN_SNAKE_CASE:
                op = ops_in_snake_case().get(name.lstrip("_"))
                if op:
                    yield f"raw_ops.{op}"
            elif not name.startswith("_") or namespace.startswith("millstream."):
                yield name if namespace == "." else f"{namespace}.{name}"


@cache
def rows() -> dict[str, Row]:
    """Reads the table; the keys are module names below `tensorflow.`."""
    found: dict[str, Row] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, namespaces, renamed = (line + "\t\t").split("\t")[:3]
            pairs = (pair.split("=") for pair in renamed.split())
            found[module] = Row(tuple(namespaces.split()), dict(pairs))
    return found


@cache
def packages() -> frozenset[str]:
    """Names every package that a module of the table lies in."""
    found = {"core"}
    for module in rows():
        parts = module.split(".")
        found.update(".".join(parts[:n]) for n in range(1, len(parts)))
    return frozenset(found)


def row_of(module: str) -> Row | None:
    """Finds what serves `tensorflow.<module>`, or None if Millstream has nothing for it."""
    found = rows().get(module) or _row_by_rule(module)
    if found is None and module in packages():
        return Row(())
    return found


def _row_by_rule(module: str) -> Row | None:
    path, _, leaf = module.rpartition(".")
    if leaf.endswith("_pb2"):
        return Row((PROTOS,))
    if module.startswith("core."):
        return Row(())  # the packages that lead to message files hold no names themselves
    if leaf.startswith("gen_") and leaf.endswith("_ops") and path == "python.ops":
        return Row((OPS_IN_SNAKE_CASE,))
    if module.startswith("contrib."):
        return _contrib_row(module)
    return None


def _contrib_row(module: str) -> Row | None:
    """Serves `contrib.layers.python.layers.utils` from `contrib.layers.utils`, else its package."""
    parts = module.split(".")
    if "python" not in parts:
        return None
    cut = parts.index("python")
    library, inner = ".".join(parts[:cut]), parts[cut + 1 :]
    if not export.table().is_namespace(library):
        return None
    longer = [f"{library}.{'.'.join(inner[n:])}" for n in range(len(inner))]
    return Row((*(name for name in longer if export.table().is_namespace(name)), library))


def snake_case(op: str) -> str:
    """Spells an op type as TensorFlow's generated functions do: `Conv2DBackpropInput` gives
    `conv2d_backprop_input`."""
    return _WORD.sub("_", op).lower()


@cache
def ops_in_snake_case() -> dict[str, str]:
    """Maps the names of TensorFlow's generated op functions to op types."""
    return {snake_case(op): op for op in export.table().ops}
