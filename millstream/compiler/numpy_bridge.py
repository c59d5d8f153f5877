"""What the NumPy tier needs of NumPy and NumPy does not document.

Steps run with floating point warnings off: TensorFlow's kernels say nothing of infinities. The
public `np.errstate` costs more than a small step, so the context variable behind it is set
directly where this NumPy has it.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np


class _QuietByErrstate:
    """Turns floating point warnings off, in a context."""

    def __init__(self) -> None:
        self._state = np.errstate(all="ignore")

    def __enter__(self) -> None:
        self._state.__enter__()

    def __exit__(self, *error: object) -> None:
        self._state.__exit__(None, None, None)


quiet: Any = _QuietByErrstate
"""A context manager class: `with quiet(): …` runs with floating point warnings off."""

with contextlib.suppress(ImportError):
    from numpy._core import umath as _umath

    _variable: Any = getattr(_umath, "_extobj_contextvar", None)
    _make_state: Any = getattr(_umath, "_make_extobj", None)

    if _variable is not None and _make_state is not None:
        _QUIET: Any = _make_state(all="ignore")

        class _QuietByVariable:
            """Turns floating point warnings off, in a context."""

            __slots__ = ("_token",)

            def __enter__(self) -> None:
                self._token = _variable.set(_QUIET)

            def __exit__(self, *error: object) -> None:
                _variable.reset(self._token)

        quiet = _QuietByVariable
