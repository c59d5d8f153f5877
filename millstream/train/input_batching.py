"""Batching: queues between what makes examples one by one and what takes them in batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millstream.base.dtypes import float32
from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ops.math.arithmetic import maximum
from millstream.ops.math.cast import cast
from millstream.ops.queue.classes import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from millstream.summary.functions import scalar
from millstream.train.input_sources import Batching


def _batch(batching, batch_size, capacity, dynamic_pad, allow_smaller, shared_name, scope):
    """Puts a first-in-first-out queue behind examples and takes batches from it."""
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    queue = kind(
        capacity=capacity, dtypes=batching.types, shapes=batching.shapes, shared_name=shared_name
    )
    batching.fill(queue)
    scalar(f"fraction_of_{capacity}_full", cast(queue.size(), float32) * (1.0 / capacity))
    return batching.take(queue, batch_size, allow_smaller, scope)


def _shuffle(batching, batch_size, capacity, kept, seed, allow_smaller, shared_name, scope):
    """Puts a shuffling queue behind examples and takes batches from it."""
    queue = RandomShuffleQueue(
        capacity=capacity,
        min_after_dequeue=kept,
        seed=seed,
        dtypes=batching.types,
        shapes=batching.shapes,
        shared_name=shared_name,
    )
    batching.fill(queue)
    more = capacity - kept
    full = cast(maximum(0, queue.size() - kept), float32) * (1.0 / more)
    scalar(f"fraction_over_{kept}_of_{more}_full", full)
    return batching.take(queue, batch_size, allow_smaller, scope)


@export("train.batch")
def batch(
    tensors,
    batch_size,
    num_threads=1,
    capacity=32,
    enqueue_many=False,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Returns batches of examples that `num_threads` threads make.

    A queue runner is added to the graph's collection; start it with
    `tf.train.start_queue_runners`.

    Args:
      tensors: list or dictionary of tensors: one example.
      batch_size: how many examples make a batch; a number or a scalar tensor.
      num_threads: how many threads make examples; with more than one their order may change.
      capacity: most examples in the queue.
      enqueue_many: whether `tensors` are batches of examples already.
      shapes: shapes of the examples; by default those of `tensors`.
      dynamic_pad: whether examples of different sizes are padded with zeros.
      allow_smaller_final_batch: whether the last batch may have fewer examples.
      shared_name: name by which queues are shared.
      name: name of the nodes' scope.

    Returns:
      Tensors in the structure of `tensors`, each with a batch dimension.

    Raises:
      ValueError: if there is no tensor, or a shape is not known.
      tf.errors.OutOfRangeError: when it runs, if the examples have ended.

    Example:
      >>> image, label = read(tf.train.string_input_producer(files))
      >>> images, labels = tf.train.batch([image, label], 32)
    """
    return maybe_batch(
        tensors,
        True,
        batch_size,
        num_threads,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


@export("train.maybe_batch")
def maybe_batch(
    tensors,
    keep_input,
    batch_size,
    num_threads=1,
    capacity=32,
    enqueue_many=False,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Is `batch` that leaves out examples for which `keep_input` is false.

    Args:
      tensors: as for `batch`.
      keep_input: a bool scalar; or, with `enqueue_many`, one per example.
      batch_size: as for `batch`; so are all others.
      num_threads: see `batch`.
      capacity: see `batch`.
      enqueue_many: see `batch`.
      shapes: see `batch`.
      dynamic_pad: see `batch`.
      allow_smaller_final_batch: see `batch`.
      shared_name: see `batch`.
      name: see `batch`.
    """
    with name_scope(name, "batch", [*_values(tensors), keep_input]) as scope:
        batching = Batching([tensors], keep_input, enqueue_many, shapes, num_threads)
        return _batch(
            batching,
            batch_size,
            capacity,
            dynamic_pad,
            allow_smaller_final_batch,
            shared_name,
            scope,
        )


def _values(tensors: Any) -> list[Any]:
    return list(tensors.values()) if isinstance(tensors, Mapping) else list(tensors)


def _all_values(tensors_list: Any) -> list[Any]:
    if not isinstance(tensors_list, (list, tuple)) or not tensors_list:
        raise ValueError("Expected at least one set of tensors")
    return [value for tensors in tensors_list for value in _values(tensors)]


@export("train.batch_join")
def batch_join(
    tensors_list,
    batch_size,
    capacity=32,
    enqueue_many=False,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Returns batches of examples from several sources, each run in a thread of its own.

    Args:
      tensors_list: list with one list or dictionary of tensors per source.
      batch_size: see `batch`; so are all others.
      capacity: see `batch`.
      enqueue_many: see `batch`.
      shapes: see `batch`.
      dynamic_pad: see `batch`.
      allow_smaller_final_batch: see `batch`.
      shared_name: see `batch`.
      name: see `batch`.

    Raises:
      ValueError: if there is no source.
      TypeError: if the sources' types differ.
    """
    return maybe_batch_join(
        tensors_list,
        True,
        batch_size,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


@export("train.maybe_batch_join")
def maybe_batch_join(
    tensors_list,
    keep_input,
    batch_size,
    capacity=32,
    enqueue_many=False,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Is `batch_join` that leaves out examples for which `keep_input` is false.

    Args:
      tensors_list: see `batch_join`.
      keep_input: a bool scalar; or, with `enqueue_many`, one per example.
      batch_size: see `batch`; so are all others.
      capacity: see `batch`.
      enqueue_many: see `batch`.
      shapes: see `batch`.
      dynamic_pad: see `batch`.
      allow_smaller_final_batch: see `batch`.
      shared_name: see `batch`.
      name: see `batch`.
    """
    with name_scope(name, "batch_join", [*_all_values(tensors_list), keep_input]) as scope:
        batching = Batching(list(tensors_list), keep_input, enqueue_many, shapes)
        return _batch(
            batching,
            batch_size,
            capacity,
            dynamic_pad,
            allow_smaller_final_batch,
            shared_name,
            scope,
        )


@export("train.shuffle_batch")
def shuffle_batch(
    tensors,
    batch_size,
    capacity,
    min_after_dequeue,
    num_threads=1,
    seed=None,
    enqueue_many=False,
    shapes=None,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Returns batches of shuffled examples that `num_threads` threads make.

    Args:
      tensors: see `batch`.
      batch_size: see `batch`.
      capacity: most examples in the queue.
      min_after_dequeue: how many examples stay in the queue to choose among: the more, the better
        they are mixed.
      num_threads: see `batch`.
      seed: fixes the order, together with the graph's seed.
      enqueue_many: see `batch`.
      shapes: see `batch`.
      allow_smaller_final_batch: see `batch`.
      shared_name: see `batch`.
      name: see `batch`.

    Example:
      >>> images, labels = tf.train.shuffle_batch(
      ...     [image, label], batch_size=32, capacity=2000, min_after_dequeue=1000)
    """
    return maybe_shuffle_batch(
        tensors,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        num_threads,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


@export("train.maybe_shuffle_batch")
def maybe_shuffle_batch(
    tensors,
    batch_size,
    capacity,
    min_after_dequeue,
    keep_input,
    num_threads=1,
    seed=None,
    enqueue_many=False,
    shapes=None,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Is `shuffle_batch` that leaves out examples for which `keep_input` is false.

    Args:
      tensors: see `shuffle_batch`; so are all others.
      batch_size: see `shuffle_batch`.
      capacity: see `shuffle_batch`.
      min_after_dequeue: see `shuffle_batch`.
      keep_input: a bool scalar; or, with `enqueue_many`, one per example.
      num_threads: see `shuffle_batch`.
      seed: see `shuffle_batch`.
      enqueue_many: see `shuffle_batch`.
      shapes: see `shuffle_batch`.
      allow_smaller_final_batch: see `shuffle_batch`.
      shared_name: see `shuffle_batch`.
      name: see `shuffle_batch`.
    """
    with name_scope(name, "shuffle_batch", [*_values(tensors), keep_input]) as scope:
        batching = Batching([tensors], keep_input, enqueue_many, shapes, num_threads)
        return _shuffle(
            batching,
            batch_size,
            capacity,
            min_after_dequeue,
            seed,
            allow_smaller_final_batch,
            shared_name,
            scope,
        )


@export("train.shuffle_batch_join")
def shuffle_batch_join(
    tensors_list,
    batch_size,
    capacity,
    min_after_dequeue,
    seed=None,
    enqueue_many=False,
    shapes=None,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Returns batches of shuffled examples from several sources, each in a thread of its own.

    Args:
      tensors_list: see `batch_join`.
      batch_size: see `shuffle_batch`; so are all others.
      capacity: see `shuffle_batch`.
      min_after_dequeue: see `shuffle_batch`.
      seed: see `shuffle_batch`.
      enqueue_many: see `shuffle_batch`.
      shapes: see `shuffle_batch`.
      allow_smaller_final_batch: see `shuffle_batch`.
      shared_name: see `shuffle_batch`.
      name: see `shuffle_batch`.
    """
    return maybe_shuffle_batch_join(
        tensors_list,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


@export("train.maybe_shuffle_batch_join")
def maybe_shuffle_batch_join(
    tensors_list,
    batch_size,
    capacity,
    min_after_dequeue,
    keep_input,
    seed=None,
    enqueue_many=False,
    shapes=None,
    allow_smaller_final_batch=False,
    shared_name=None,
    name=None,
):
    """Is `shuffle_batch_join` that leaves out examples for which `keep_input` is false.

    Args:
      tensors_list: see `batch_join`.
      batch_size: see `shuffle_batch`; so are all others.
      capacity: see `shuffle_batch`.
      min_after_dequeue: see `shuffle_batch`.
      keep_input: a bool scalar; or, with `enqueue_many`, one per example.
      seed: see `shuffle_batch`.
      enqueue_many: see `shuffle_batch`.
      shapes: see `shuffle_batch`.
      allow_smaller_final_batch: see `shuffle_batch`.
      shared_name: see `shuffle_batch`.
      name: see `shuffle_batch`.
    """
    values = [*_all_values(tensors_list), keep_input]
    with name_scope(name, "shuffle_batch_join", values) as scope:
        batching = Batching(list(tensors_list), keep_input, enqueue_many, shapes)
        return _shuffle(
            batching,
            batch_size,
            capacity,
            min_after_dequeue,
            seed,
            allow_smaller_final_batch,
            shared_name,
            scope,
        )
