"""Room for growing buffers in compiled code: a guess, and what happens when it was too small."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from millstream.base import errors

SMALLEST_CAPACITY = 64
"""The capacity that a growing buffer starts with in a loop of unknown trip count."""
room: ContextVar[int] = ContextVar("room", default=SMALLEST_CAPACITY)
"""The capacity that growing buffers are given while something is traced."""


class NoRoom(errors.UnimplementedError):
    """A growing buffer was written behind its capacity: the step is to be run again with more.

    Attributes:
      needed: The capacity that would have been enough so far.
    """

    needed = 0


def no_room(index: Any) -> str:
    """Is the message of a check that a growing buffer has room for an index: raises `NoRoom`."""
    error = NoRoom(None, None, f"A TensorArray has no room for index {int(index)}.")
    error.needed = int(index) + 1
    raise error


def doubled(needed: int) -> int:
    """Gives the capacity to try next: the power of two that holds `needed` elements."""
    return max(SMALLEST_CAPACITY, 1 << (max(needed, 1) - 1).bit_length())
