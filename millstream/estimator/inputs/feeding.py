"""Feeds a queue from arrays in memory, batch by batch, for so many epochs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from millstream.base import dtypes, errors
from millstream.ir.scopes import name_scope
from millstream.ops.array.placeholders import placeholder
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.queue.classes import FIFOQueue, RandomShuffleQueue
from millstream.summary.functions import scalar
from millstream.train.queue_runner import QueueRunner, add_queue_runner


class Epochs:
    """Gives the row numbers of batches, epoch after epoch.

    A batch may hold the end of one epoch and the beginning of the next; the last one is short.

    Args:
      size: number of rows.
      batch_size: rows per batch.
      num_epochs: how many epochs; None for no end.
      start: the row to begin with.
    """

    def __init__(self, size: int, batch_size: int, num_epochs: int | None, start: int = 0) -> None:
        self._size, self._batch_size = size, batch_size
        self._left = None if num_epochs is None else size * num_epochs
        self._next = start

    def take(self) -> np.ndarray:
        """Returns the next row numbers, fewer at the end; none after it."""
        count = self._batch_size if self._left is None else min(self._batch_size, self._left)
        rows = (self._next + np.arange(count)) % self._size
        if self._left is not None:
            self._left -= count
        self._next = (self._next + count) % self._size
        return rows


class FeedingQueueRunner(QueueRunner):
    """Runs enqueue operations that are fed by functions.

    Args:
      queue: the queue.
      enqueue_ops: list of operations, one per thread.
      feeds: for each a list of placeholders and a function that returns their values.
    """

    def __init__(self, queue: Any, enqueue_ops: Any, feeds: Sequence[tuple[Any, Any]]) -> None:
        super().__init__(queue, enqueue_ops)
        self._feeds = dict(zip(enqueue_ops, feeds))

    def _enqueuer(self, sess: Any, enqueue_op: Any) -> Any:
        placeholders, values = self._feeds[enqueue_op]
        enqueue = sess.make_callable(enqueue_op, feed_list=list(placeholders))
        return lambda: enqueue(*values())

    def to_proto(self, export_scope: str | None = None) -> None:
        """Returns None, so that it is left out of files: functions cannot be written."""


def array_dtype(array: np.ndarray) -> Any:
    """Returns the dtype of a queue component for an array; text and objects are strings."""
    return dtypes.String if array.dtype.kind in "OUS" else dtypes.as_dtype(array.dtype)


class _Values:
    """Gives row numbers and rows of all columns, for one enqueue."""

    def __init__(
        self, columns: Sequence[np.ndarray], rows: Epochs, num_epochs: int | None, index: Any
    ) -> None:
        self._columns, self._rows, self._num_epochs = columns, rows, num_epochs
        self._index = index

    def __call__(self) -> list[np.ndarray]:
        rows = self._rows.take()
        if not len(rows):
            raise errors.OutOfRangeError(None, None, f"Already emitted {self._num_epochs} epochs.")
        first = rows if self._index is None else self._index[rows]
        return [first, *(column[rows] for column in self._columns)]


def enqueue_data(
    columns: Sequence[np.ndarray],
    capacity: int,
    shuffle: bool,
    num_threads: int,
    enqueue_size: int,
    num_epochs: int | None,
    index: np.ndarray | None = None,
) -> Any:
    """Makes a queue that threads fill with row numbers and rows.

    Args:
      columns: arrays with equally many rows.
      capacity: of the queue, in rows.
      shuffle: whether rows leave the queue in random order.
      num_threads: how many threads fill it; each goes through all rows.
      enqueue_size: rows per enqueue.
      num_epochs: how many times to go through the rows; None for no end.
      index: what stands in the first component in place of row numbers.

    Returns:
      The queue.
    """
    with name_scope("enqueue_input"):
        kinds = [dtypes.Int64 if index is None else array_dtype(index), *map(array_dtype, columns)]
        shapes = [[], *(column.shape[1:] for column in columns)]
        least = int(capacity / 4) if shuffle else 0
        if shuffle:
            queue = RandomShuffleQueue(
                capacity, dtypes=kinds, min_after_dequeue=least, shapes=shapes
            )
        else:
            queue = FIFOQueue(capacity, dtypes=kinds, shapes=shapes)
        size = len(columns[0])
        enqueue_ops, feeds = [], []
        for _ in range(num_threads):
            placeholders = [placeholder(kind) for kind in kinds]
            enqueue_ops.append(queue.enqueue_many(placeholders))
            start = random.randrange(size) if shuffle else 0
            rows = Epochs(size, enqueue_size, num_epochs, start)
            feeds.append((placeholders, _Values(columns, rows, num_epochs, index)))
        add_queue_runner(FeedingQueueRunner(queue, enqueue_ops, feeds))
        _summarize(queue, least, capacity)
    return queue


def _summarize(queue: Any, least: int, capacity: int) -> None:
    over = ops.Maximum(0, queue.size() - least)
    full = cast(over, dtypes.Float) * (1.0 / (capacity - least))
    scalar(f"queue/{queue.name}fraction_over_{least}_of_{capacity - least}_full", full)


def batches(
    columns: Sequence[np.ndarray], batch_size: int, num_epochs: int | None
) -> Iterator[list[np.ndarray]]:
    """Gives the batches that an unshuffled queue of these columns would give."""
    rows = Epochs(len(columns[0]), batch_size, num_epochs)
    while len(taken := rows.take()):
        if num_epochs is None and len(taken) < batch_size:
            return
        yield [column[taken] for column in columns]
