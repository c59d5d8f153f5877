"""Accumulators at run time: they add up gradients until enough have come.

State. An accumulator has a *time step*, a running sum and a count, and a line of nodes that want a
result. A gradient that was computed for an earlier step is dropped; a result ends the step.

Invariant. The sum is not touched by anybody once it was given out: the next gradient starts anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape
from millstream.ops.queue.waiting import Attempt, Progress, Waiting


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


class Accumulator(Waiting):
    """Adds up dense gradients.

    Args:
      name: name for messages.
      dtype: type of the gradients.
      shape: shape of the gradients, as far as it is known.
      mean: whether results are means instead of sums.
    """

    kind = "ConditionalAccumulator"

    def __init__(self, name: str, dtype: DType, shape: TensorShape, mean: bool) -> None:
        super().__init__(name, lines=1)
        self.dtype, self.full_shape, self.mean = dtype, shape, mean
        self.count = 0
        self._step = 0
        self._sum: Any = None

    def _line(self) -> Any:
        return self._lines[0]

    def apply(self, local_step: int, gradient: Any) -> None:
        """Adds a gradient, unless it is stale."""
        with self._lock:
            if local_step < self._step:
                return
            self._check(gradient)
            self._add(gradient)
            self.count += 1
            self._advance()

    def _check(self, gradient: Any) -> None:
        found = np.shape(gradient)
        if not self.full_shape.is_compatible_with(found):
            raise _invalid(f"Shape mismatch: expected {self.full_shape}, got {list(found)}")
        if self.count and np.shape(self._sum) != found:
            raise _invalid(
                f"Shape mismatch: expected {list(np.shape(self._sum))}, got {list(found)}"
            )

    def _add(self, gradient: Any) -> None:
        self._sum = np.add(self._sum, gradient) if self.count else np.array(gradient)

    def _result(self) -> Any:
        if not self.mean:
            return self._sum
        return np.asarray(self._sum / np.asarray(self.count, self.dtype.np), self.dtype.np)

    def take(self, required: int, ctx: Any) -> Any:
        """Waits for `required` gradients; gives their sum or mean, and begins the next step.

        Raises:
          CancelledError: if the step was given up.
        """
        if required <= 0:
            raise _invalid(f"Argument num_required must be positive, but was {required}")
        taken: list[Any] = []

        def advance() -> Progress:
            if self.count < required:
                return Progress.NONE
            taken.append(self._result())
            self.count, self._sum = 0, None
            self._step += 1
            return Progress.DONE

        self._attend(self._line(), Attempt(advance), ctx, "TakeGradient")
        return taken[0]

    def set_step(self, step: int) -> None:
        """Sets the time step; gradients of earlier ones are dropped from now on."""
        with self._lock:
            self._step = max(self._step, step)

    def describe(self) -> str:
        """Says in words what the accumulator holds."""
        return (
            f"{self.kind} '{self.name}' holds {self.count} gradients of step {self._step}; "
            f"{len(self._line())} nodes wait for a result"
        )


class SparseAccumulator(Accumulator):
    """Adds up gradients of some rows; a row's mean is over the gradients that have it."""

    kind = "SparseConditionalAccumulator"

    def _check(self, gradient: Any) -> None:
        indices, values, shape = gradient
        if indices.ndim != 1 or not values.ndim:
            raise _invalid("Input indices should be vector and values should not be scalar")
        if len(indices) != len(values):
            raise _invalid(f"Expected {len(indices)} non-empty input values, got {len(values)}")
        known = self.full_shape.tuple
        if known is None:
            known = self._sum[1].shape if self.count else values.shape
        if len(known) != values.ndim:
            raise _invalid(f"Shape mismatch: expected values rank {len(known)}, got {values.ndim}")
        for axis in range(1, len(known)):
            for word, found in (("values", values.shape), ("shape", shape)):
                if known[axis] is not None and len(found) > axis and found[axis] != known[axis]:
                    raise _invalid(
                        f"Shape mismatch: expected {word} dim {axis} to be {known[axis]}, "
                        f"got {found[axis]}"
                    )
        self._check_rows(indices, shape)

    def _check_rows(self, indices: Any, shape: Any) -> None:
        known = self.full_shape.tuple
        rows = known[0] if known else None
        if len(shape) and rows is not None and shape[0] != rows and shape[0] >= 0:
            raise _invalid(f"Shape mismatch: expected shape dim 0 to be {rows}, got {shape[0]}")
        if rows is None and len(shape):
            rows = shape[0] if shape[0] >= 0 else None
        if indices.size and (indices.min() < 0 or (rows is not None and indices.max() >= rows)):
            raise _invalid(f"an index lies outside of the {rows} rows of the gradient")

    def _add(self, gradient: Any) -> None:
        indices, values, _ = gradient
        if not self.count:
            self._sum = np.array(indices), np.array(values), np.ones(len(indices), np.int64)
            return
        self._sum = _merged(self._sum, (indices, values, np.ones(len(indices), np.int64)))

    def _result(self) -> Any:
        indices, values, counts = self._sum
        if self.mean:
            per_row = counts.reshape(-1, *[1] * (values.ndim - 1))
            values = np.asarray(values / per_row.astype(self.dtype.np), self.dtype.np)
        known = self.full_shape.tuple
        rows = known[0] if known and known[0] is not None else -1
        return indices, values, np.array([rows, *values.shape[1:]], np.int64)


def _merged(first: Any, second: Any) -> Any:
    """Merges two sorted lists of rows; rows of both are added."""
    picks: list[tuple[int, int]] = []
    i = j = 0
    a, b = first[0].tolist(), second[0].tolist()
    while i < len(a) or j < len(b):
        from_a = j == len(b) or (i < len(a) and a[i] <= b[j])
        from_b = i == len(a) or (j < len(b) and b[j] <= a[i])
        picks.append((i if from_a else -1, j if from_b else -1))
        i, j = i + from_a, j + from_b
    left = np.array([p[0] for p in picks], int)
    right = np.array([p[1] for p in picks], int)
    indices = np.where(left >= 0, _rows(first[0], left), _rows(second[0], right))
    return (
        indices,
        _sum_rows(first[1], second[1], left, right),
        _sum_rows(first[2], second[2], left, right),
    )


def _rows(array: Any, picks: Any) -> Any:
    """Gives rows of an array; zeros for -1."""
    out = np.zeros((len(picks), *array.shape[1:]), array.dtype)
    out[picks >= 0] = array[picks[picks >= 0]]
    return out


def _sum_rows(a: Any, b: Any, left: Any, right: Any) -> Any:
    return _rows(a, left) + _rows(b, right)
