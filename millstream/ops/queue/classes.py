"""`tf.FIFOQueue` and its kin: queues as Python objects that make nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from millstream.base.dtypes import DType, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape, unknown_shape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.random_seed import seed_attrs
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops


@export("QueueBase", "io.QueueBase", "queue.QueueBase")
class QueueBase:
    """Is a queue in the graph: elements, tuples of tensors, go in at one end and come out later.

    Programs make one of the subclasses.

    Args:
      dtypes: the components' types.
      shapes: the components' shapes, or None.
      names: the components' names, or None; elements are then dictionaries.
      queue_ref: the tensor of the queue's handle.

    Raises:
      ValueError: if the lists have different lengths.
    """

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: Tensor) -> None:
        self._dtypes: list[DType] = dtypes
        if shapes is not None:
            if len(shapes) != len(dtypes):
                raise ValueError("Queue shapes must have the same length as dtypes")
            self._shapes = [as_shape(shape) for shape in shapes]
        else:
            self._shapes = [unknown_shape() for _ in dtypes]
        if names is not None and len(names) != len(dtypes):
            raise ValueError("List of names must have the same length as the list of dtypes")
        self._names = names
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.rpartition("/")[2]

    @staticmethod
    def from_list(index: Any, queues: Any) -> QueueBase:
        """Gives the queue that `index`, a scalar tensor, selects from a list of queues.

        Raises:
          TypeError: if `queues` is no list of queues, or their components differ.
        """
        if (
            not queues
            or not isinstance(queues, list)
            or not all(isinstance(queue, QueueBase) for queue in queues)
        ):
            raise TypeError("A list of queues expected")
        listed: list[QueueBase] = queues
        first = listed[0]
        if any(queue.dtypes != first.dtypes for queue in listed):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(queue.names != first.names for queue in listed):
            raise TypeError("Queues do not have matching component names.")
        shapes = [reduce(_common_shape, parts) for parts in zip(*(q.shapes for q in listed))]
        refs = ops.Pack([queue.queue_ref for queue in listed], name="stack")
        selected = ops.GatherV2(refs, index, 0, name="GatherV2")
        return QueueBase(first.dtypes, shapes, first.names, selected)

    # -- what it is

    @property
    def queue_ref(self) -> Tensor:
        """The tensor of the queue's handle."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the queue's node."""
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[DType]:
        """The components' types."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The components' shapes."""
        return self._shapes

    @property
    def names(self) -> Any:
        """The components' names, or None."""
        return self._names

    # -- adding

    def enqueue(self, vals: Any, name: str | None = None) -> Any:
        """Gives an operation that adds one element, waiting for room.

        Args:
          vals: a tensor, a list of one per component, or a dictionary if they have names.
          name: name of the operation.

        Raises:
          ValueError: if shapes or names do not fit.
          tf.errors.CancelledError: when it runs, if the queue is closed.
        """
        with name_scope(name, f"{self._name}_enqueue", _tensors_in(vals)) as scope:
            components = self._components(vals)
            for value, shape in zip(components, self._shapes):
                value.shape.assert_is_compatible_with(shape)
            return self._op("QueueEnqueue")(self._queue_ref, components, name=scope)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Any:
        """Gives an operation that adds the rows of a batch as elements, waiting for room.

        Args:
          vals: as for `enqueue`, each with one dimension more.
          name: name of the operation.

        Raises:
          ValueError: if shapes or names do not fit.
          tf.errors.CancelledError: when it runs, if the queue is closed.
        """
        with name_scope(name, f"{self._name}_EnqueueMany", _tensors_in(vals)) as scope:
            components = self._components(vals)
            rows = components[0].shape.with_rank_at_least(1)[:1]
            for value, shape in zip(components, self._shapes):
                rows = rows.merge_with(value.shape.with_rank_at_least(1)[:1])
                value.shape[1:].assert_is_compatible_with(shape)
            return self._op("QueueEnqueueMany")(self._queue_ref, components, name=scope)

    def _components(self, vals: Any) -> list[Tensor]:
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                    f"({sorted(vals)}), Queue: ({sorted(self._names)})"
                )
            values: Sequence[Any] = [vals[key] for key in self._names]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            values = vals if isinstance(vals, (list, tuple)) else [vals]
        return [
            convert_to_tensor(value, dtype, name=f"component_{index}")
            for index, (value, dtype) in enumerate(zip(values, self._dtypes))
        ]

    # -- taking

    def dequeue(self, name: str | None = None) -> Any:
        """Gives tensors of one element that is taken from the queue, waiting for it.

        Returns:
          A tensor; a list if the elements have several components, a dictionary if they have
          names.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        made = self._op("QueueDequeue")(
            self._queue_ref, component_types=self._dtypes, name=name or f"{self._name}_Dequeue"
        )
        return self._taken(made, None)

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Gives tensors of a batch of `n` elements, waiting for them.

        Args:
          n: how many; a number or a scalar int32 tensor.
          name: name of the operation.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and holds fewer.
        """
        made = self._op("QueueDequeueMany")(
            self._queue_ref, n, component_types=self._dtypes,
            name=name or f"{self._name}_DequeueMany",
        )  # fmt: skip
        count = constant_array(made[0].op.inputs[1])
        return self._taken(made, [None if count is None else int(count)])

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Gives tensors of a batch of `n` elements, or of the rest once the queue is closed.

        Args:
          n: how many at most; a number or a scalar int32 tensor.
          name: name of the operation.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        made = self._op("QueueDequeueUpTo")(
            self._queue_ref, n, component_types=self._dtypes,
            name=name or f"{self._name}_DequeueUpTo",
        )  # fmt: skip
        return self._taken(made, [None])

    def _taken(self, tensors: list[Tensor], batch: Any) -> Any:
        for tensor, shape in zip(tensors, self._shapes):
            tensor.set_shape(shape if batch is None else TensorShape(batch).concatenate(shape))
        if self._names:
            return dict(zip(self._names, tensors))
        return tensors[0] if len(tensors) == 1 else tensors

    # -- the rest

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """Gives an operation that closes the queue.

        Args:
          cancel_pending_enqueues: whether operations that wait for room fail with
            `tf.errors.CancelledError`; else the queue is closed when they are done.
          name: name of the operation.
        """
        return self._op("QueueClose")(
            self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues,
            name=name or f"{self._name}_Close",
        )  # fmt: skip

    def is_closed(self, name: str | None = None) -> Any:
        """Gives a bool tensor that tells whether the queue is closed."""
        return self._op("QueueIsClosed")(self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name: str | None = None) -> Any:
        """Gives an int32 tensor that counts the elements in the queue."""
        return self._op("QueueSize")(self._queue_ref, name=name or f"{self._name}_Size")

    def _op(self, name: str) -> Any:
        is_ref = self._queue_ref.dtype.is_ref
        return getattr(ops, name if is_ref else f"{name}V2")


def _tensors_in(vals: Any) -> list[Any]:
    values = vals.values() if isinstance(vals, dict) else vals
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _common_shape(a: TensorShape, b: TensorShape) -> TensorShape:
    """Gives the most that is true of both shapes."""
    first, second = a.tuple, b.tuple
    if first is None or second is None or len(first) != len(second):
        return unknown_shape()
    return TensorShape([x if x == y else None for x, y in zip(first, second)])


# -- the kinds


def type_list(dtypes: Any) -> list[DType]:
    """Gives one type, or a list of types, as a list."""
    if not isinstance(dtypes, (list, tuple)):
        return [as_dtype(dtypes)]
    return [as_dtype(dtype) for dtype in dtypes]


def shape_list(
    shapes: Any, dtypes: list[DType], partial: bool = False, unknown_rank: bool = False
) -> list[TensorShape] | None:
    """Gives one shape, or a list of shapes, as a list; None for None.

    Args:
      shapes: what the program gave.
      dtypes: the components' types.
      partial: whether dimensions may be unknown.
      unknown_rank: whether ranks may be unknown.

    Raises:
      ValueError: if a shape is not known as far as it must be, or their number is wrong.
      TypeError: if `shapes` is no list of shapes.
    """
    del dtypes
    if partial and (
        not isinstance(shapes, (list, tuple))
        or not shapes
        or any(shape is None or isinstance(shape, int) for shape in shapes)
    ):
        raise ValueError("When providing partial shapes, a list of shapes must be provided.")
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape):
        shapes = [shapes]
    if not isinstance(shapes, (list, tuple)):
        raise TypeError("shapes must be a TensorShape or a list or tuple of TensorShapes.")
    if all(shape is None or isinstance(shape, int) for shape in shapes):
        shapes = [shapes]
    found = [as_shape(shape) for shape in shapes]
    if not partial and any(not shape.is_fully_defined() for shape in found):
        raise ValueError(f"All shapes must be fully defined: {found}")
    if not unknown_rank and any(shape.ndims is None for shape in found):
        raise ValueError(f"All shapes must have a defined rank: {found}")
    return found


def _name_list(names: Any, dtypes: list[DType]) -> Any:
    if names is None:
        return None
    listed = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(listed) != len(dtypes):
        raise ValueError("List of names must have the same length as the list of dtypes")
    return listed


def _check_lengths(shapes: Any, dtypes: list[DType]) -> None:
    if shapes is not None and len(shapes) != len(dtypes):
        raise ValueError("Queue shapes must have the same length as dtypes")


@export("FIFOQueue", "queue.FIFOQueue")
class FIFOQueue(QueueBase):
    """Is a queue that gives out elements in the order in which they came.

    Args:
      capacity: most elements it may hold; adding more waits.
      dtypes: the components' types: one, or a list.
      shapes: the components' shapes, fully known, or None: batches cannot be taken then.
      names: the components' names, or None; elements are then dictionaries.
      shared_name: name by which nodes share one queue.
      name: name of the node.

    Example:
      >>> queue = FIFOQueue(10, [tf.float32, tf.int32], shapes=[[28, 28], []])
      >>> fill = queue.enqueue([image, label])
      >>> images, labels = queue.dequeue_many(64)
    """

    def __init__(
        self, capacity, dtypes, shapes=None, names=None, shared_name=None, name="fifo_queue"
    ):
        dtypes = type_list(dtypes)
        shapes = shape_list(shapes, dtypes)
        names = _name_list(names, dtypes)
        _check_lengths(shapes, dtypes)
        ref = ops.FIFOQueueV2(
            component_types=dtypes, shapes=shapes or (), capacity=capacity,
            shared_name=shared_name or "", name=name,
        )  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@export("PaddingFIFOQueue", "io.PaddingFIFOQueue", "queue.PaddingFIFOQueue")
class PaddingFIFOQueue(QueueBase):
    """Is a `FIFOQueue` of elements of various sizes; batches are padded with zeros.

    Args:
      capacity: most elements it may hold.
      dtypes: the components' types: one, or a list.
      shapes: list of the components' shapes; dimensions that are None may vary.
      names: the components' names, or None.
      shared_name: name by which nodes share one queue.
      name: name of the node.

    Raises:
      ValueError: if `shapes` is no list with one shape of known rank per component.
    """

    def __init__(
        self, capacity, dtypes, shapes, names=None, shared_name=None, name="padding_fifo_queue"
    ):
        dtypes = type_list(dtypes)
        shapes = shape_list(shapes, dtypes, partial=True) or []
        names = _name_list(names, dtypes)
        if len(dtypes) != len(shapes):
            raise ValueError(
                "Shapes must be provided for all components, but received "
                f"{len(dtypes)} dtypes and {len(shapes)} shapes."
            )
        ref = ops.PaddingFIFOQueueV2(
            component_types=dtypes, shapes=shapes, capacity=capacity,
            shared_name=shared_name or "", name=name,
        )  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@export("RandomShuffleQueue", "io.RandomShuffleQueue", "queue.RandomShuffleQueue")
class RandomShuffleQueue(QueueBase):
    """Is a queue that gives out its elements in random order.

    Args:
      capacity: most elements it may hold.
      min_after_dequeue: how many elements stay in it until it is closed, to choose among.
      dtypes: the components' types: one, or a list.
      shapes: the components' shapes, fully known, or None.
      names: the components' names, or None.
      seed: number that fixes the order, together with the graph's seed.
      shared_name: name by which nodes share one queue.
      name: name of the node.
    """

    def __init__(
        self,
        capacity,
        min_after_dequeue,
        dtypes,
        shapes=None,
        names=None,
        seed=None,
        shared_name=None,
        name="random_shuffle_queue",
    ):
        dtypes = type_list(dtypes)
        shapes = shape_list(shapes, dtypes)
        names = _name_list(names, dtypes)
        _check_lengths(shapes, dtypes)
        ref = ops.RandomShuffleQueueV2(
            component_types=dtypes, shapes=shapes or (), capacity=capacity,
            min_after_dequeue=min_after_dequeue, **seed_attrs(seed),
            shared_name=shared_name or "", name=name,
        )  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@export("PriorityQueue", "io.PriorityQueue", "queue.PriorityQueue")
class PriorityQueue(QueueBase):
    """Is a queue that gives out elements by priority, the smallest number first.

    The first component of every element is its priority, an int64 scalar.

    Args:
      capacity: most elements it may hold.
      types: the other components' types: one, or a list.
      shapes: the other components' shapes, fully known.
      names: the components' names, or None.
      shared_name: name by which nodes share one queue.
      name: name of the node.
    """

    def __init__(
        self, capacity, types, shapes=None, names=None, shared_name=None, name="priority_queue"
    ):
        types = type_list(types)
        shapes = shape_list(shapes, types)
        names = _name_list(names, types)
        _check_lengths(shapes, types)
        if shapes is None:
            raise TypeError(
                "Expected list for 'shapes' argument to 'priority_queue_v2' Op, not None."
            )
        ref = ops.PriorityQueueV2(
            component_types=types, shapes=shapes, capacity=capacity,
            shared_name=shared_name or "", name=name,
        )  # fmt: skip
        dtypes = [as_dtype("int64"), *types]
        super().__init__(dtypes, [TensorShape([]), *shapes], names, ref)
