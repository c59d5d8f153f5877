"""Batches of examples of one kind: `tf.contrib.training.bucket`, `bucket_by_sequence_length`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import bool_, float32, int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array.selecting import where
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond
from millstream.ops.flow.groups import group, no_op
from millstream.ops.math.cast import cast
from millstream.ops.math.reductions import reduce_min
from millstream.ops.queue.classes import FIFOQueue, PaddingFIFOQueue
from millstream.summary.functions import scalar
from millstream.train import input_sparse
from millstream.train.input_sources import converted, shapes_of
from millstream.train.queue_runner import QueueRunner, add_queue_runner

_ENDED = (errors.OutOfRangeError, errors.CancelledError)
_INT32 = np.iinfo(np.int32)


@export("contrib.training.bucket")
def bucket(
    tensors,
    which_bucket,
    batch_size,
    num_buckets,
    num_threads=1,
    capacity=32,
    bucket_capacities=None,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    keep_input=True,
    shared_name=None,
    name=None,
):
    """Returns batches of examples all of which were put into the same bucket.

    Args:
      tensors: list or dictionary of tensors: one example.
      which_bucket: number of the example's bucket, an int32 scalar.
      batch_size: how many examples make a batch; or a list with one number per bucket.
      num_buckets: number of buckets.
      num_threads: how many threads make examples.
      capacity: most batches that wait, and most examples in a bucket.
      bucket_capacities: most examples in each bucket, a list; or None.
      shapes: shapes of the examples; by default those of the tensors.
      dynamic_pad: whether examples of different sizes are padded with zeros.
      allow_smaller_final_batch: whether the last batches may have fewer examples.
      keep_input: bool scalar: whether the example is used.
      shared_name: name by which queues are shared.
      name: name of the nodes' scope.

    Returns:
      The bucket's number, and tensors in the structure of `tensors` with a batch dimension.

    Raises:
      ValueError: if a list has not one element per bucket.
    """
    sizes = _per_bucket(batch_size, num_buckets, "batch_size")
    limits = _per_bucket(bucket_capacities or capacity, num_buckets, "bucket_capacities")
    listed = list(tensors.values()) if isinstance(tensors, Mapping) else list(tensors)
    with name_scope(name, "bucket", listed):
        examples = converted(tensors)
        keep = convert_to_tensor(keep_input, dtype=bool_)
        sizes_known = [constant_value(convert_to_tensor(s, name="batch_size")) for s in sizes]
        stored, infos = input_sparse.store(examples, enqueue_many=False)
        types = [t.dtype.base_dtype for t in stored]
        own_shapes = shapes_of([stored], shapes, enqueue_many=False)
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        buckets = [
            kind(
                capacity=limits[i],
                dtypes=types,
                shapes=own_shapes,
                shared_name=f"{shared_name}_{i}" if shared_name else None,
                name=f"bucket_queue_{i}",
            )
            for i in range(num_buckets)
        ]
        rows = _common_size(sizes_known) if not allow_smaller_final_batch else None
        top = PaddingFIFOQueue(
            capacity=capacity,
            dtypes=[int32, *types],
            shapes=[[], *(TensorShape([rows]).concatenate(s) for s in own_shapes)],
            shared_name=shared_name,
            name="top_queue",
        )
        fill = _fill_buckets(buckets, stored, which_bucket, keep)
        passing = [_pass_on(top, q, i, sizes[i], allow_smaller_final_batch) for i, q in
                   enumerate(buckets)]  # fmt: skip
        _add_runners(top, buckets, fill, passing, num_threads)
        _add_summaries(top, buckets, capacity)
        number, *batch = top.dequeue(name="dequeue_top")
        batch = input_sparse.restore(batch, infos)
        if isinstance(tensors, Mapping):
            return number, dict(zip(sorted(tensors), batch))
        return number, batch[0] if len(batch) == 1 else batch


def _per_bucket(value: Any, num_buckets: int, word: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        return [value] * num_buckets
    if len(value) != num_buckets:
        raise ValueError(
            f"If {word} is a list it must have num_buckets elements: {len(value)} vs. {num_buckets}"
        )
    return list(value)


def _common_size(sizes: list[Any]) -> int | None:
    known = {None if size is None else int(size) for size in sizes}
    return known.pop() if len(known) == 1 else None


def _fill_buckets(buckets: list[Any], stored: list[Any], which: Any, keep: Any) -> Any:
    def fill() -> Any:
        parts = [
            cond(ops.Equal(which, i), lambda queue=queue: queue.enqueue(stored), no_op)
            for i, queue in enumerate(buckets)
        ]
        return group(*parts, name="group_enqueues")

    known = constant_value(keep)
    if known is None:
        return cond(keep, fill, no_op)
    return fill() if known else no_op()


def _pass_on(top: Any, queue: Any, number: int, size: Any, allow_smaller: bool) -> Any:
    """Gives the operation that puts a batch of a bucket into the queue of batches."""
    bucket_number = constant(number, dtype=int32)
    take = queue.dequeue_up_to if allow_smaller else queue.dequeue_many
    batch = take(size, name=f"read_bucket_{number}")
    parts = batch if isinstance(batch, list) else [batch]
    return top.enqueue([bucket_number, *parts], name=f"enqueue_from_bucket_{number}")


def _add_runners(
    top: Any, buckets: list[Any], fill: Any, passing: list[Any], num_threads: int
) -> None:
    close, cancel = top.close(), top.close(cancel_pending_enqueues=True)
    add_queue_runner(
        QueueRunner(
            buckets[0], passing, close_op=close, cancel_op=cancel,
            queue_closed_exception_types=_ENDED,
        )
    )  # fmt: skip
    close = group(*[q.close() for q in buckets])
    cancel = group(*[q.close(cancel_pending_enqueues=True) for q in buckets])
    add_queue_runner(
        QueueRunner(
            top, [fill] * num_threads, close_op=close, cancel_op=cancel,
            queue_closed_exception_types=_ENDED,
        )
    )  # fmt: skip


def _add_summaries(top: Any, buckets: list[Any], capacity: int) -> None:
    for queue in buckets:
        scalar(f"bucket/{queue.name}/size", cast(top.size(), float32))
    full = cast(top.size(), float32) * (1.0 / capacity)
    scalar(f"bucket/{top.name}/fraction_of_{capacity}_full", full)


@export("contrib.training.bucket_by_sequence_length")
def bucket_by_sequence_length(
    input_length,
    tensors,
    batch_size,
    bucket_boundaries,
    num_threads=1,
    capacity=32,
    bucket_capacities=None,
    shapes=None,
    dynamic_pad=False,
    allow_smaller_final_batch=False,
    keep_input=True,
    shared_name=None,
    name=None,
):
    """Returns batches of examples of similar length, so that little is padded.

    Args:
      input_length: the example's length, an int32 scalar.
      tensors: see `bucket`.
      batch_size: see `bucket`.
      bucket_boundaries: ascending lengths at which a new bucket begins.
      num_threads: see `bucket`; so are all others.
      capacity: see `bucket`.
      bucket_capacities: see `bucket`.
      shapes: see `bucket`.
      dynamic_pad: see `bucket`.
      allow_smaller_final_batch: see `bucket`.
      keep_input: see `bucket`.
      shared_name: see `bucket`.
      name: see `bucket`.

    Returns:
      The lengths of a batch's examples, and tensors in the structure of `tensors`.

    Raises:
      TypeError: if `bucket_boundaries` is no list of integers.
      ValueError: if it is empty or does not ascend.
    """
    _check_boundaries(bucket_boundaries)
    named = isinstance(tensors, Mapping)
    listed = [tensors[k] for k in sorted(tensors)] if named else list(tensors)
    with name_scope(name, "bucket_by_sequence_length", [input_length, *listed]):
        length = convert_to_tensor(input_length, dtype=int32, name="input_length")
        least = np.array([_INT32.min, *bucket_boundaries], np.int32)
        most = np.array([*bucket_boundaries, _INT32.max], np.int32)
        fits = ops.LogicalAnd(ops.LessEqual(least, length), ops.Less(length, most))
        _, batch = bucket(
            tensors=[length, *listed],
            which_bucket=cast(reduce_min(where(fits)), int32),
            batch_size=batch_size,
            num_buckets=len(bucket_boundaries) + 1,
            num_threads=num_threads,
            capacity=capacity,
            bucket_capacities=bucket_capacities,
            shapes=shapes,
            dynamic_pad=dynamic_pad,
            allow_smaller_final_batch=allow_smaller_final_batch,
            keep_input=keep_input,
            shared_name=shared_name,
        )
        lengths, *rest = batch
        if named:
            return lengths, dict(zip(sorted(tensors), rest))
        return lengths, rest


def _check_boundaries(boundaries: Any) -> None:
    if not isinstance(boundaries, (list, tuple)):
        raise TypeError(f"bucket_boundaries must be a list or tuple, but received: {boundaries}")
    if not boundaries:
        raise ValueError("bucket_boundaries must not be empty")
    for first, second in itertools.pairwise(boundaries):
        if not isinstance(first, int) or not isinstance(second, int):
            raise TypeError(f"bucket boundaries must be integers, but saw: {first} and {second}")
        if first >= second:
            raise ValueError(
                f"Buckets must contain sequential increasing lengths, but saw: {first} before "
                f"{second}"
            )
