"""Values made of several tensors: `tf.IndexedSlices` and `tf.SparseTensor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.base.nest import Composite
from millstream.base.shapes import TensorShape
from millstream.ir.tensor import Tensor, is_dense_tensor_like


class CompositeTensor(Composite):
    """Base of the values that stand for several tensors; `op` is the node to wait for."""

    def _to_components(self) -> list[Any]:
        return self.component_tensors

    def _from_components(self, components: Sequence[Any]) -> Any:
        return type(self)(*components)

    @property
    def op(self) -> Any:
        """The node that makes the values."""
        raise AttributeError("op")

    @property
    def component_tensors(self) -> list[Any]:
        """The tensors that it is made of, in a fixed order."""
        raise AttributeError("component_tensors")


@export("IndexedSlices")
class IndexedSlices(CompositeTensor):
    """Some rows of a larger tensor: `dense[indices[i]] += values[i]`.

    What gradients of `gather` are.

    Args:
      values: `[rows, …]`.
      indices: `[rows]`, integers; an index may stand there more than once.
      dense_shape: shape of the larger tensor, an integer vector, or `None`.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values, self._indices, self._dense_shape = values, indices, dense_shape

    @property
    def values(self) -> Any:
        """The rows, `[rows, …]`."""
        return self._values

    @property
    def indices(self) -> Any:
        """Where each row goes, `[rows]`."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the tensor that the rows belong to, as a tensor, or `None`."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """What is known of the dense shape's first dimension and the rows' shape."""
        return TensorShape([None]).concatenate(self._values.shape[1:])

    @property
    def name(self) -> str:
        """The name of `values`."""
        return self._values.name

    @property
    def device(self) -> str:
        """The device of `values`."""
        return self._values.device

    @property
    def op(self) -> Any:
        """The node that makes `values`."""
        return self._values.op

    @property
    def dtype(self) -> DType:
        """The type of `values`."""
        return self._values.dtype

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self._values.graph

    @property
    def component_tensors(self) -> list[Any]:
        """Values, indices and, where known, the dense shape."""
        parts = [self._values, self._indices]
        return parts if self._dense_shape is None else [*parts, self._dense_shape]

    def __str__(self) -> str:
        dense = f", dense_shape={self._dense_shape}" if self._dense_shape is not None else ""
        return f"IndexedSlices(indices={self._indices}, values={self._values}{dense})"

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)


@export("IndexedSlicesValue", "compat.v1.IndexedSlicesValue")
class IndexedSlicesValue(NamedTuple):
    """What fetching an `IndexedSlices` gives: arrays."""

    values: Any
    indices: Any
    dense_shape: Any


@export("SparseTensor", "sparse.SparseTensor")
class SparseTensor(CompositeTensor):
    """A tensor of which only some elements are kept.

    Args:
      indices: `[n, rank]` int64, in row-major order for most ops.
      values: `[n]`.
      dense_shape: `[rank]` int64.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        parts = SparseTensor.converter(indices, values, dense_shape)
        self._indices, self._values, self._dense_shape = parts
        self._indices.shape.with_rank(2)
        self._values.shape.with_rank(1)
        self._dense_shape.shape.with_rank(1)

    converter: Any  # set by `millstream.ir.convert`, which makes tensors of arrays

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Returns `sparse_tensor_value` as a `SparseTensor`; it may be one already."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        """Where the elements stand, `[n, rank]` int64."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements, `[n]`."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The full shape, `[rank]` int64."""
        return self._dense_shape

    @property
    def op(self) -> Any:
        """The node that makes `values`."""
        return self._values.op

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self._indices.graph

    @property
    def shape(self) -> TensorShape:
        """What is known of the full shape."""
        return SparseTensor.shape_of(self._dense_shape)

    shape_of: Any  # set by `millstream.ir.static_value`

    def get_shape(self) -> TensorShape:
        """Returns what is known of the full shape."""
        return self.shape

    @property
    def component_tensors(self) -> list[Any]:
        """Indices, values and dense shape."""
        return [self._indices, self._values, self._dense_shape]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Runs it in `session` (default: the default session) and returns a `SparseTensorValue`."""
        parts = self.graph.default_session(session, "SparseTensor.eval").run(
            [self.indices, self.values, self.dense_shape], feed_dict
        )
        return SparseTensorValue(*parts)

    def __str__(self) -> str:
        parts = f"indices={self._indices}, values={self._values}, dense_shape={self._dense_shape}"
        return f"SparseTensor({parts})"


@export("SparseTensorValue", "compat.v1.SparseTensorValue")
class SparseTensorValue(NamedTuple):
    """What fetching a `SparseTensor` gives, and what may be fed for one: arrays."""

    indices: Any
    values: Any
    dense_shape: Any


@export("is_tensor", "contrib.framework.is_tensor")
def is_tensor(x: Any) -> bool:
    """Tells whether `x` is a tensor or stands for one: dense, sparse, ragged, or a variable."""
    return isinstance(x, CompositeTensor) or is_dense_tensor_like(x)
