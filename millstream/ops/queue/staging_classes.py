"""`tf.contrib.staging.StagingArea`: a buffer that hides the time that an input takes."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.base.shapes import as_shape, unknown_shape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.flow.groups import no_op
from millstream.ops.queue.classes import type_list


@export("contrib.staging.StagingArea")
class StagingArea:
    """Is a small buffer of elements between one step and the next.

    A training step that takes its batch from the area and puts the next one into it does not wait
    for input. There is nothing to close: `put` waits while it is full, `get` while it is empty.

    Args:
      dtypes: the components' types: one, or a list.
      shapes: the components' shapes, or None.
      names: the components' names, or None; elements are then dictionaries.
      shared_name: name by which nodes share one area.
      capacity: most elements, 0 for any number.
      memory_limit: most bytes, 0 for any number.

    Raises:
      ValueError: if the lists have different lengths, or a limit is negative.

    Example:
      >>> area = StagingArea([tf.float32], shapes=[[64, 784]])
      >>> put, batch = area.put([images]), area.get()
    """

    def __init__(
        self, dtypes, shapes=None, names=None, shared_name=None, capacity=0, memory_limit=0
    ):
        self._dtypes = type_list(dtypes)
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError("StagingArea shapes must be the same length as dtypes")
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError("StagingArea names must be the same length as dtypes")
        if capacity < 0 or memory_limit < 0:
            raise ValueError("capacity and memory_limit must be >= 0")
        given = shapes if shapes is not None else [unknown_shape()] * len(self._dtypes)
        self._shapes = [as_shape(shape) for shape in given]
        self._names = names
        self._capacity, self._memory_limit = capacity, memory_limit
        graph = get_default_graph()
        self._name = shared_name or graph.unique_name(type(self).__name__)
        with name_scope(f"{self._name}_root"):
            no_op()

    @property
    def name(self) -> str:
        """The name of the area."""
        return self._name

    @property
    def dtypes(self) -> Any:
        """The components' types."""
        return self._dtypes

    @property
    def shapes(self) -> Any:
        """The components' shapes."""
        return self._shapes

    @property
    def names(self) -> Any:
        """The components' names, or None."""
        return self._names

    @property
    def capacity(self) -> int:
        """The most elements that it may hold."""
        return self._capacity

    @property
    def memory_limit(self) -> int:
        """The most bytes that it may hold."""
        return self._memory_limit

    def put(self, values: Any, name: str | None = None) -> Any:
        """Gives an operation that adds an element, waiting for room.

        Raises:
          ValueError: if types, shapes or names do not fit.
        """
        listed = self._listed(values)
        with name_scope(name, f"{self._name}_put", listed) as scope:
            tensors = [
                convert_to_tensor(value, dtype) for value, dtype in zip(listed, self._dtypes)
            ]
            for tensor, shape in zip(tensors, self._shapes):
                tensor.shape.assert_is_compatible_with(shape)
            return ops.Stage(tensors, name=scope, **self._common())

    def _listed(self, values: Any) -> list[Any]:
        if isinstance(values, dict):
            if not self._names:
                raise ValueError("Staging areas must have names to enqueue a dictionary")
            if set(values) != set(self._names):
                raise ValueError(
                    f"the dictionary's keys {sorted(values)} are not the names "
                    f"{sorted(self._names)}"
                )
            return [values[key] for key in self._names]
        if self._names:
            raise ValueError("You must enqueue a dictionary in a staging area with names")
        listed = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(listed) != len(self._dtypes):
            raise ValueError(
                f"Unexpected number of inputs '{len(listed)}' vs '{len(self._dtypes)}'"
            )
        return listed

    def _common(self) -> dict[str, Any]:
        return {
            "shared_name": self._name,
            "capacity": self._capacity,
            "memory_limit": self._memory_limit,
        }

    def get(self, name: str | None = None) -> Any:
        """Gives tensors of the oldest element, which is taken out, waiting for it."""
        name = name or f"{self._name}_get"
        return self._taken(ops.Unstage(dtypes=self._dtypes, name=name, **self._common()))

    def peek(self, index: Any, name: str | None = None) -> Any:
        """Gives tensors of an element that stays, waiting for it."""
        name = name or f"{self._name}_peek"
        return self._taken(ops.StagePeek(index, dtypes=self._dtypes, name=name, **self._common()))

    def _taken(self, tensors: list[Tensor]) -> Any:
        no_op()  # TensorFlow makes one, and random seeds depend on the number of nodes
        for tensor, shape in zip(tensors, self._shapes):
            tensor.set_shape(shape)
        return dict(zip(self._names, tensors)) if self._names else tensors

    def size(self, name: str | None = None) -> Tensor:
        """Gives the number of elements, an int32 scalar."""
        name = name or f"{self._name}_size"
        return ops.StageSize(dtypes=self._dtypes, name=name, **self._common())

    def clear(self, name: str | None = None) -> Any:
        """Gives an operation that drops all elements."""
        name = name or f"{self._name}_clear"
        return ops.StageClear(dtypes=self._dtypes, name=name, **self._common())
