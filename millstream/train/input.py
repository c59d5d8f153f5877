"""Producers: queues that give out file names, numbers or rows of tensors, epoch after epoch."""

from __future__ import annotations

import numpy as np

from millstream.base.dtypes import float32, int64, string
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_n_to_tensor, convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops.array.gathering import gather
from millstream.ops.array.identities import identity
from millstream.ops.array.shapes import shape, size
from millstream.ops.flow.assertions import assert_true
from millstream.ops.io.files import matching_files
from millstream.ops.math.cast import cast
from millstream.ops.math.compare import Greater
from millstream.ops.math.ranges import range as number_range
from millstream.ops.queue.classes import FIFOQueue
from millstream.ops.random.choice_ops import random_shuffle
from millstream.state.variables import Variable
from millstream.summary.functions import scalar
from millstream.train.queue_runner import QueueRunner, add_queue_runner

_LOCAL = [GraphKeys.LOCAL_VARIABLES]


@export("train.match_filenames_once")
def match_filenames_once(pattern, name=None):
    """Returns a local variable that keeps the names of the files that match a pattern.

    The directory is read when local variables are initialised.

    Args:
      pattern: a pattern such as `dir/part-*`, or a 1-D tensor of several.
      name: name of the variable.
    """
    with name_scope(name, "matching_filenames", [pattern]) as scope:
        return Variable(
            name=scope,
            initial_value=matching_files(pattern),
            trainable=False,
            validate_shape=False,
            collections=_LOCAL,
        )


@export("train.limit_epochs")
def limit_epochs(tensor, num_epochs=None, name=None):
    """Returns `tensor`, which can be taken `num_epochs` times and then raises OutOfRangeError.

    The count is kept in a local variable, `epochs`, which must be initialised.

    Args:
      tensor: any tensor.
      num_epochs: how many times; None for no limit.
      name: name of the nodes' scope.

    Raises:
      ValueError: if `num_epochs` is not positive.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        zero = constant(0, dtype=int64)
        epochs = Variable(zero, name="epochs", trainable=False, collections=_LOCAL)
        with control_dependencies([epochs.count_up_to(num_epochs)]):
            return identity(tensor, name=scope)


@export("train.input_producer")
def input_producer(
    input_tensor,
    element_shape=None,
    num_epochs=None,
    shuffle=True,
    seed=None,
    capacity=32,
    shared_name=None,
    summary_name=None,
    name=None,
    cancel_op=None,
):
    """Returns a queue that a queue runner fills with the rows of a tensor, again and again.

    Args:
      input_tensor: tensor of at least one dimension.
      element_shape: shape of a row, if it does not follow from the tensor.
      num_epochs: how many times each row is given out; None for no end. Kept in a local variable.
      shuffle: whether the rows are shuffled in each epoch.
      seed: fixes the order, together with the graph's seed.
      capacity: of the queue.
      shared_name: name by which queues are shared.
      summary_name: name of a summary of how full the queue is; None for no summary.
      name: name of the nodes' scope.
      cancel_op: operation that stops the queue runner; made by default.

    Returns:
      The `FIFOQueue`.

    Raises:
      ValueError: if a row's shape is not fully known.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        rows = convert_to_tensor(input_tensor, name="input_tensor")
        element_shape = rows.shape[1:].merge_with(element_shape)
        if not element_shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be "
                "specified"
            )
        if shuffle:
            rows = random_shuffle(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(
            capacity=capacity,
            dtypes=[rows.dtype.base_dtype],
            shapes=[element_shape],
            shared_name=shared_name,
            name=name,
        )
        fill = queue.enqueue_many([rows])
        add_queue_runner(QueueRunner(queue, [fill], cancel_op=cancel_op))
        if summary_name is not None:
            scalar(summary_name, cast(queue.size(), float32) * (1.0 / capacity))
        return queue


@export("train.string_input_producer")
def string_input_producer(
    string_tensor,
    num_epochs=None,
    shuffle=True,
    seed=None,
    capacity=32,
    shared_name=None,
    name=None,
    cancel_op=None,
):
    """Returns a queue that a queue runner fills with strings, such as the names of files to read.

    Args:
      string_tensor: the strings, `[n]`.
      num_epochs: how many times each is given out; None for no end. Kept in a local variable.
      shuffle: whether they are shuffled in each epoch.
      seed: fixes the order, together with the graph's seed.
      capacity: of the queue.
      shared_name: name by which queues are shared.
      name: name of the nodes' scope.
      cancel_op: operation that stops the queue runner; made by default.

    Returns:
      The `FIFOQueue`.

    Raises:
      ValueError: if `string_tensor` is an empty list.
      tf.errors.InvalidArgumentError: when it runs, if it is an empty tensor.
    """
    empty = "string_input_producer requires a non-null input tensor"
    if isinstance(string_tensor, (list, tuple, np.ndarray)) and not len(string_tensor):
        raise ValueError(empty)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        names = convert_to_tensor(string_tensor, dtype=string)
        with control_dependencies([assert_true(Greater(size(names), 0), [empty])]):
            names = identity(names)
        return input_producer(
            names,
            element_shape=[],
            num_epochs=num_epochs,
            shuffle=shuffle,
            seed=seed,
            capacity=capacity,
            shared_name=shared_name,
            name=scope,
            summary_name=f"fraction_of_{capacity}_full",
            cancel_op=cancel_op,
        )


@export("train.range_input_producer")
def range_input_producer(
    limit, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns a queue that a queue runner fills with the integers from 0 to `limit - 1`.

    Args:
      limit: a number or an int32 scalar.
      num_epochs: how many times each is given out; None for no end. Kept in a local variable.
      shuffle: whether they are shuffled in each epoch.
      seed: fixes the order, together with the graph's seed.
      capacity: of the queue.
      shared_name: name by which queues are shared.
      name: name of the nodes' scope.
    """
    with name_scope(name, "input_producer", [limit]) as scope:
        return input_producer(
            number_range(limit),
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
        )


@export("train.slice_input_producer")
def slice_input_producer(
    tensor_list, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None
):
    """Returns one row of each tensor of a list, another one in each step.

    A queue runner fills a queue with the rows' numbers.

    Args:
      tensor_list: tensors with equally many rows.
      num_epochs: how many times each row is given out; None for no end. Kept in a local variable.
      shuffle: whether the rows are shuffled in each epoch.
      seed: fixes the order, together with the graph's seed.
      capacity: of the queue.
      shared_name: name by which queues are shared.
      name: name of the nodes' scope.

    Returns:
      List of tensors.

    Raises:
      ValueError: if the list is empty.
    """
    with name_scope(name, "input_producer", tensor_list):
        tensors = convert_n_to_tensor(tensor_list)
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        count = shape(tensors[0])[0]
        queue = range_input_producer(
            count,
            num_epochs=num_epochs,
            shuffle=shuffle,
            seed=seed,
            capacity=capacity,
            shared_name=shared_name,
        )
        index = queue.dequeue()
        return [gather(tensor, index) for tensor in tensors]
