"""Runs requests that wait together as one batch.

A request waits until the batch is full or the first in it has waited long enough. Requests go
together if they are for one signature and their arrays differ in the first dimension alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np


class _Waiting:
    """A request that waits for its part of a batch."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.arrays = arrays
        self.rows = len(next(iter(arrays.values())))
        self.done = threading.Event()
        self.outputs: dict[str, Any] | None = None
        self.error: Exception | None = None


class Batcher:
    """Collects calls of a function into batches.

    The thread whose request opens a batch waits and runs it; the others wait for him. There is
    one open batch per key, guarded by the condition; it is closed, under it, before it runs.

    Args:
      run: `(signature, arrays) -> outputs`, row by row in the first dimension.
      max_rows: rows of a full batch.
      timeout_ms: milliseconds that a batch stays open at most.
    """

    def __init__(
        self, run: Callable[[str, dict[str, Any]], dict[str, Any]], max_rows: int, timeout_ms: float
    ) -> None:
        self._run = run
        self._max_rows = max_rows
        self._timeout = timeout_ms / 1000
        self._open: dict[Any, list[_Waiting]] = {}
        self._changed = threading.Condition()

    def __call__(self, name: str, arrays: dict[str, Any]) -> dict[str, Any]:
        """Runs one request, perhaps with others."""
        if not _can_join(arrays) or len(next(iter(arrays.values()))) >= self._max_rows:
            return self._run(name, arrays)
        request = _Waiting(arrays)
        shapes = {key: (a.shape[1:], a.dtype.str) for key, a in sorted(arrays.items())}
        key = (name, tuple(shapes.items()))
        with self._changed:
            batch = self._open.get(key)
            if batch is not None and self._rows(batch) + request.rows <= self._max_rows:
                batch.append(request)
                self._changed.notify_all()
                leads = False
            else:
                batch = self._open[key] = [request]
                leads = True
        if leads:
            self._lead(name, key, batch)
        request.done.wait()
        if request.error is not None:
            raise request.error
        assert request.outputs is not None
        return request.outputs

    @staticmethod
    def _rows(batch: list[_Waiting]) -> int:
        return sum(request.rows for request in batch)

    def _lead(self, name: str, key: Any, batch: list[_Waiting]) -> None:
        """Waits for the batch to fill, closes it and runs it."""
        deadline = time.monotonic() + self._timeout
        with self._changed:
            while self._open.get(key) is batch and self._rows(batch) < self._max_rows:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if self._open.get(key) is batch:
                del self._open[key]
        try:
            self._run_batch(name, batch)
        except Exception as error:  # noqa: BLE001 - every request of the batch raises it
            for request in batch:
                request.error = error
        for request in batch:
            request.done.set()

    def _run_batch(self, name: str, batch: list[_Waiting]) -> None:
        if len(batch) == 1:
            batch[0].outputs = self._run(name, batch[0].arrays)
            return
        joined = {key: np.concatenate([r.arrays[key] for r in batch]) for key in batch[0].arrays}
        outputs = self._run(name, joined)
        start = 0
        for request in batch:
            stop = start + request.rows
            request.outputs = {key: array[start:stop] for key, array in outputs.items()}
            start = stop


def _can_join(arrays: dict[str, Any]) -> bool:
    lengths = {a.shape[0] if a.ndim else None for a in arrays.values()}
    return len(lengths) == 1 and None not in lengths
