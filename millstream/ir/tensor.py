"""`tf.Tensor`: one output of a node, symbolic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape

if TYPE_CHECKING:
    from millstream.ir.graph import Graph, Operation

UNKNOWN = unknown_shape()


@export("Tensor")
class Tensor:
    """One output of an `Operation`: a dtype, a partially known shape, and no value until a session
    runs it.
    """

    __array_priority__ = 100  # so that `ndarray + tensor` is ours

    def __init__(self, op: Operation, value_index: int, dtype: DType) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._shape: TensorShape = UNKNOWN
        self._consumers: list[Operation] | None = None
        self._handle_data: tuple[TensorShape, DType] | None = None

    @property
    def op(self) -> Operation:
        """The node that computes this tensor."""
        return self._op

    @property
    def dtype(self) -> DType:
        """The type of its elements; a `_ref` type for the output of a ref variable."""
        return self._dtype

    @property
    def graph(self) -> Graph:
        """The graph that holds it."""
        return self._op.graph

    @property
    def name(self) -> str:
        """Its name, `<node>:<output index>`."""
        return f"{self._op.name}:{self._value_index}"

    @property
    def device(self) -> str:
        """The device string of its node."""
        return self._op.device

    @property
    def value_index(self) -> int:
        """Which output of its node it is."""
        return self._value_index

    @property
    def shape(self) -> TensorShape:
        """What is known of its shape before it runs."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """Returns what is known of its shape before it runs."""
        return self._shape

    def set_shape(self, shape: Any) -> None:
        """Adds to what is known of the shape.

        Raises:
          ValueError: if `shape` contradicts what is known.
        """
        self._shape = self._shape.merge_with(shape)
        self.graph.note_change()

    def consumers(self) -> list[Operation]:
        """Returns the nodes that take this tensor as an input."""
        return list(self._consumers or ())

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Runs the tensor in `session` (default: the default session) and returns its array."""
        return self.graph.default_session(session, "Tensor.eval").run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self._shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        shape = f", shape={self._shape}" if self._shape.ndims is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name}{device})'

    def __copy__(self) -> Tensor:
        return self

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            "Tensor objects are only iterable when eager execution is enabled. "
            "To iterate over this tensor use tf.map_fn."
        )

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for symbolic Tensors. ({self.name}) "
            "Please call `x.shape` rather than `len(x)` for shape information."
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "Using a `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` "
            "instead of `if t:` "
            "to test if a tensor is defined, and use TensorFlow ops such as tf.cond to "
            "execute subgraphs "
            "conditioned on the value of a tensor."
        )

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array."
        )

    @staticmethod
    def install_operator(operator: str, func: Callable[..., Any]) -> None:
        """Installs `func` as the method `operator`; the arithmetic ops do this when they load."""
        setattr(Tensor, operator, func)

    _override_operator = install_operator  # TF's name, which some programs use


def tensor_nbytes(tensor: Tensor) -> int | None:
    """Returns the size in bytes of a tensor whose static shape is fully known, else `None`."""
    count = tensor.shape.num_elements()
    return None if count is None else count * tensor.dtype.size


def is_dense_tensor_like(value: Any) -> bool:
    """Returns whether `value` is a tensor or stands for one (a variable)."""
    return isinstance(value, Tensor) or hasattr(value, "_as_graph_element")
