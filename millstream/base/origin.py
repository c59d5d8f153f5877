"""Origins: the user's line that made each node.

`capture()` runs once per node, so it must cost well under a microsecond: it keeps code objects and
instruction offsets, and turns them into file names and line numbers only when an error is shown.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import functools
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep
_GENERATED = "<millstream"
"""How the file names of generated code begin."""

# A node made in a generator-based context manager has its frames between ours and the user's.
_TRANSPARENT = frozenset({contextlib.__file__, functools.__file__})

_INNER_MODULES = (f"{__name__.partition('.')[0]}.", "contextlib.", "functools.")

_inner: dict[str | None, bool] = {}
_depth = 1
_frame = sys._getframe
_module_name = sys._getframemodulename


class Origin(tuple[CodeType | int, ...]):
    """Is the place in the user's program that made a node, innermost frame first.

    It is empty, and false, where no user code was running. `str(origin)` reads `train.py:12`, or
    `model.py:31 in tower()`.
    """

    __slots__ = ()

    def frames(self) -> Iterator[tuple[str, int, str]]:
        """Gives (file name, line number, function name) per captured frame, innermost first."""
        for index in range(0, len(self), 2):
            code, offset = self[index], self[index + 1]
            assert isinstance(code, CodeType)
            assert isinstance(offset, int)
            yield code.co_filename, line_of(code, offset), code.co_name

    @property
    def traceback(self) -> list[traceback.FrameSummary]:
        """The captured frames as `traceback` lists them, outermost first."""
        found = [traceback.FrameSummary(file, line, name) for file, line, name in self.frames()]
        return found[::-1]

    def __str__(self) -> str:
        return ", called at ".join(_describe(*frame) for frame in self.frames())

    def __repr__(self) -> str:
        return f"<origin {str(self) or 'unknown'}>"

    def __reduce__(self) -> tuple[type[Origin], tuple[()]]:
        # Code objects cannot be copied to another process.
        return Origin, ()


NOWHERE = Origin()


def line_of(code: CodeType, offset: int) -> int:
    """Finds the line of the instruction at a byte offset of a code object."""
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def _describe(file: str, line: int, function: str) -> str:
    near = os.path.relpath(file) if os.path.isabs(file) else file
    shown = file if near.startswith(os.pardir) else near
    return f"{shown}:{line}" if function == "<module>" else f"{shown}:{line} in {function}()"


def _is_inner_file(file: str) -> bool:
    return file.startswith((_PACKAGE, _GENERATED)) or file in _TRANSPARENT


def _is_inner_module(name: str | None) -> bool:
    inner = name is not None and (name + ".").startswith(_INNER_MODULES)
    _inner[name] = inner
    return inner


def _user_frame(depth: int) -> tuple[FrameType, int] | None:
    """Finds the nearest frame, `depth` or more above the caller, that is the user's.

    The module's name can be read without making a frame object, which is most of the cost.
    """
    inner = _inner
    while True:
        name = _module_name(depth)
        if not (inner[name] if name in inner else _is_inner_module(name)):
            try:
                frame = _frame(depth)
            except ValueError:
                return None
            # `functools.wraps` gives a function of ours the module name of the user's.
            if not _is_inner_file(frame.f_code.co_filename):
                return frame, depth
        depth += 1


def capture(skip: int = 0) -> Origin:
    """Notes which line of the user's program is running now.

    Args:
      skip: Number of calling frames, from the innermost, that are known to be the package's own;
        looking at each costs 50 ns.

    Returns:
      The innermost frames, as many as `set_depth` asked for, that lie outside this package.
    """
    found = _user_frame(2 + skip)
    if found is None:
        return NOWHERE
    frame, depth = found
    if _depth == 1:
        return Origin((frame.f_code, frame.f_lasti))
    parts: list[CodeType | int] = []
    while found is not None and len(parts) < 2 * _depth:
        frame, depth = found
        parts += (frame.f_code, frame.f_lasti)
        found = _user_frame(depth + 1)
    return Origin(parts)


def set_depth(frames: int) -> int:
    """Chooses how many of the user's frames each later origin keeps.

    Args:
      frames: At least 1.

    Returns:
      The depth until now.

    Raises:
      ValueError: If `frames` is less than 1.
    """
    global _depth
    if frames < 1:
        raise ValueError(f"an origin keeps at least one frame, not {frames}")
    before, _depth = _depth, frames
    return before
