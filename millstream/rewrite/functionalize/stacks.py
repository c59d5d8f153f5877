"""Stacks that carry values from a loop to the loop of its gradient, as arrays."""

from __future__ import annotations

from millstream.ir.tensor import Tensor


class Stack:
    """What became of a stack: values that a loop saved, one per iteration.

    Attributes:
      parts: The array `[trips, …]`, then how many trips there were. Of a loop within a loop, all
        that is an array with one more axis, `[outer trips, trips, …]` and `[outer trips]`, and the
        number of outer trips comes second.
      is_filled: Whether a loop fills it.
    """

    def __init__(self) -> None:
        self.parts: list[Tensor] = []
        self.is_filled = False


class Push:
    """A value to be saved in every iteration of a loop.

    Attributes:
      stack: Where it goes.
      part: Which part of the stack it is, if that was filled by a loop inside; else None.
      value: The value.
    """

    def __init__(self, stack: Stack, part: int | None, value: Tensor) -> None:
        self.stack, self.part, self.value = stack, part, value
