"""Writes `millstream/_api.tsv`, the table by which `tf.x` finds its module.

    python -m millstream.tools.gen_api            # write it
    python -m millstream.tools.gen_api --check    # exit 1, with the difference, if it is stale

Run it after an `@export` or an op has been added, moved or removed.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from millstream.base import export
from millstream.ir import registry
from millstream.ir.opdef import OpDef

type Row = tuple[str, str, str]

TABLE = Path(export.TABLE)
ROOT = TABLE.parent
_op_homes: dict[str, str] = {}


def _executing_module(frame: FrameType | None) -> str:
    """Names the module whose top level is running, which is the one that declares an op."""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return frame.f_globals["__name__"]
        frame = frame.f_back
    raise LookupError("an op is registered outside of any module's top level")


def _watch_registry() -> None:
    """Notes for each op that is registered from now on which module does it."""
    register = registry.register

    def noting(opdef: OpDef) -> None:
        register(opdef)
        _op_homes[opdef.name] = _executing_module(sys._getframe(1))

    registry.register = noting


def module_names(root: Path = ROOT) -> list[str]:
    """Lists every module of the package below a directory, except `__main__`."""
    names: list[str] = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if parts[-1] != "__main__":
            names.append(".".join(parts))
    return names


def import_all(names: Iterable[str]) -> dict[str, str]:
    """Imports modules; gives for each that fails the error and where it arose."""
    failed: dict[str, str] = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            where = traceback.extract_tb(error.__traceback__)[-1]
            failed[name] = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    return failed


def _import_problems(failed: dict[str, str]) -> list[str]:
    """Words one problem per cause, since one broken module breaks all that import it."""
    causes: dict[str, list[str]] = {}
    for name, cause in failed.items():
        causes.setdefault(cause, []).append(name)
    return [f"cannot import {', '.join(names)}: {cause}" for cause, names in causes.items()]


def _export_rows() -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    problems = [f"tf.{name} is exported by {a} and by {b}" for name, a, b in export.CLASHES]
    for name, entry in export.EXPORTS.items():
        try:
            rows.append((name, entry.module, entry.attribute))
        except LookupError as error:
            problems.append(str(error))
    return rows, problems


def _op_rows() -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    problems: list[str] = []
    for name, module in _op_homes.items():
        rows.append((export.OP_PREFIX + name, module, name))
        if not isinstance(getattr(sys.modules[module], name, None), OpDef):
            problems.append(f"op {name} is declared in {module} but is no attribute of it")
    return rows, problems


def _shadowed(rows: Iterable[Row], modules: Iterable[str]) -> list[str]:
    """Finds public names that importing a module of the same name would hide."""
    public = {f"{export.PACKAGE}.{name}": home for name, home, _ in rows}
    return [
        f"tf.{module.partition('.')[2]}, exported by {public[module]}, is hidden by module {module}"
        for module in modules
        if module in public
    ]


def _leaf_and_namespace(rows: Iterable[Row]) -> list[str]:
    table = export.Table(list(rows))
    both = sorted(set(table.names) & set(table.children))
    return [f"tf.{name} is exported and is a namespace of other names" for name in both]


def collect() -> tuple[list[Row], list[str]]:
    """Imports the whole package and lists the rows of its table, sorted, and what is wrong."""
    _watch_registry()
    modules = module_names()
    failed = import_all(modules)
    rows, problems = _export_rows()
    op_rows, op_problems = _op_rows()
    rows += op_rows
    known = {row[0] for row in rows}
    # A module that is broken at the moment keeps its names.
    kept = {*failed, *(m for m in modules if any(m.startswith(f"{f}.") for f in failed))}
    rows += [row for row in export.read_rows() if row[1] in kept and row[0] not in known]
    problems += op_problems + _shadowed(rows, modules) + _leaf_and_namespace(rows)
    problems += _import_problems(failed)
    return sorted(rows), problems


def main(argv: list[str] | None = None) -> int:
    """Runs the tool; returns the process's exit status."""
    parser = argparse.ArgumentParser(description="Write or check the table of public names.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if stale")
    check = parser.parse_args(argv).check
    rows, problems = collect()
    wanted = "".join("\t".join(row) + "\n" for row in rows)
    found = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    if check:
        sys.stdout.writelines(
            difflib.unified_diff(
                found.splitlines(True), wanted.splitlines(True), "_api.tsv", "regenerated", n=0
            )
        )
    else:
        TABLE.write_text(wanted, encoding="utf-8")
        print(f"{TABLE.name}: {len(rows)} rows")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems or (check and wanted != found) else 0


if __name__ == "__main__":
    sys.exit(main())
