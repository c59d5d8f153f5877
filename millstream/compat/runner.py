"""Runs a program as `python` would, with `import tensorflow` served by Millstream.

The program is `__main__`; `sys.argv`, `sys.path[0]`, `__file__` and its exit code are what plain
Python would give it, and tracebacks begin at the program's first line, not in this file.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

from millstream.compat import finder


class NotFoundError(Exception):
    """There is no such module to run."""


def run_script(path: str, arguments: list[str]) -> None:
    """Runs a file of Python source, as `python path arguments…` does.

    Args:
      path: The file. A directory with a `__main__.py` works too.
      arguments: `sys.argv[1:]` of the program.

    Raises:
      FileNotFoundError: If there is no such file.
      SystemExit: When the program exits.
    """
    if Path(path).is_dir():
        sys.path[0] = path
        _run_found(_find("__main__"), path, arguments)
        return
    file = os.path.abspath(path)
    with io.open_code(file) as stream:
        source = stream.read()
    sys.path[0] = os.path.dirname(os.path.realpath(file))
    loader = SourceFileLoader("__main__", file)
    main = _new_main(__file__=file, __cached__=None, __loader__=loader, __package__=None)
    _start(main, lambda: compile(source, file, "exec", dont_inherit=True), [path, *arguments])


def run_module(name: str, arguments: list[str]) -> None:
    """Runs a module or package found on the path, as `python -m name arguments…` does.

    Raises:
      NotFoundError: If there is no such module.
      SystemExit: When the program exits.
    """
    sys.path[0] = str(Path.cwd())
    sys.argv = ["-m", *arguments]
    finder.install()
    _run_found(_find(name), None, arguments)


def _run_found(spec: ModuleSpec, argv0: str | None, arguments: list[str]) -> None:
    loader: Any = spec.loader
    main = _new_main(
        __spec__=spec,
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=loader,
        __package__=spec.parent,
    )
    argv = [argv0 or spec.origin or spec.name, *arguments]
    _start(main, lambda: loader.get_code(spec.name), argv)


def _find(name: str) -> ModuleSpec:
    if name == "__main__":
        # This process has a `__main__` already; the one wanted is that of sys.path[0].
        spec = importlib.machinery.PathFinder.find_spec(name, [sys.path[0]])
        where = f"in {sys.path[0]!r}"
    else:
        spec, where = _spec_of(name), "on the path"
    if spec is not None and spec.submodule_search_locations is not None:
        return _find(f"{name}.__main__")
    if spec is None or spec.loader is None or not hasattr(spec.loader, "get_code"):
        raise NotFoundError(f"no module named {name!r} {where}")
    return spec


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None  # a parent package is what is missing
        raise


def _new_main(**attributes: Any) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__dict__.update({"__spec__": None, "__builtins__": builtins, **attributes})
    return main


def _start(
    main: types.ModuleType, code: Callable[[], types.CodeType | None], argv: list[str]
) -> None:
    finder.install()
    sys.argv = argv
    sys.modules["__main__"] = main
    sys.excepthook = _hook(sys.excepthook)
    exec(code() or "", main.__dict__)


def _hook(inner: Callable[..., Any]) -> Callable[..., None]:
    """Leaves the frames before the program's own out of what is printed."""

    def show(kind: type[BaseException], value: BaseException, trace: Any) -> None:
        program = sys.modules["__main__"].__dict__
        first = trace
        while first is not None and first.tb_frame.f_globals is not program:
            first = first.tb_next
        if first is None and not isinstance(value, SyntaxError):
            first = trace  # the error is in Millstream's own runner
        inner(kind, value.with_traceback(first), first)

    return show
