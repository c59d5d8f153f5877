"""How the commands print: tables for people, JSON for programs, errors in one line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from millstream.base.errors import OpError

FAILURES = (OpError, OSError, ValueError, KeyError, AssertionError)
"""What a file or an argument of the user can cause; the message tells him what to do."""


def command(name: str, description: str | None, *paths: tuple[str, str]) -> argparse.ArgumentParser:
    """Makes the parser of a command with positional paths and `--json`.

    Args:
      name: name of the command.
      description: the docstring of its module.
      *paths: (name, help) of each positional argument.
    """
    parser = argparse.ArgumentParser(prog=f"millstream {name}", description=description)
    for path, what in paths:
        parser.add_argument(path, help=what)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def guarded(name: str, run: Callable[[], Any]) -> int:
    """Runs a command; what the user's input causes ends it with one line and exit code 1."""
    try:
        return run() or 0
    except FAILURES as error:
        message = error.message if isinstance(error, OpError) else str(error)
        print(f"millstream {name}: {message}", file=sys.stderr)
        return 1


def print_json(value: Any) -> None:
    """Prints JSON; arrays become lists, bytes become text."""
    print(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints a table; columns whose name ends in `#` hold numbers and are set to the right."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        numeric = column.endswith("#")
        table.add_column(
            column.removesuffix("#"), justify="right" if numeric else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row))
    console = Console(highlight=False)
    if title:
        console.print(title, style="bold")
    console.print(table)


def size_text(count: float) -> str:
    """Writes a number of bytes with a fitting unit."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError("not reached")
