"""`millstream run`: runs a program that says `import tensorflow`."""

from __future__ import annotations

import sys
from pathlib import Path

from millstream.compat import process, runner

HELP = """\
usage: millstream run SCRIPT [ARGUMENT ...]
       millstream run -m MODULE [ARGUMENT ...]

Runs a TensorFlow 1.x program as `python` would, unmodified: its `import tensorflow`, and what it
imports from tensorflow.python, tensorflow.core and tensorflow.examples, is served by Millstream.

environment:
  MILLSTREAM_HUGE_PAGES=0   do not restart the process with huge pages (Linux: saves page faults)
"""


def main(arguments: list[str]) -> int:
    """Runs the program that the command line names; all that follows the name is the program's."""
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if not first or (first == "-m" and not rest) or (first.startswith("-") and first != "-m"):
        return _refuse(f"unknown option {first}\n\n{HELP}" if first else HELP)
    if first == "-m":
        return _run_module(rest[0], rest[1:])
    problem = _why_unreadable(Path(first))
    if problem:
        return _refuse(f"can't open {first!r}: {problem}")
    process.restart_with_huge_pages()
    runner.run_script(first, rest)
    return 0


def _run_module(name: str, arguments: list[str]) -> int:
    process.restart_with_huge_pages()
    try:
        runner.run_module(name, arguments)
    except runner.NotFoundError as error:
        return _refuse(str(error), 1)
    return 0


def _refuse(message: str, code: int = 2) -> int:
    print(f"millstream run: {message}".rstrip(), file=sys.stderr)
    return code


def _why_unreadable(path: Path) -> str | None:
    try:
        if path.is_dir():
            return None if (path / "__main__.py").exists() else "it holds no __main__.py"
        path.open("rb").close()
    except OSError as error:
        return error.strerror
    return None
