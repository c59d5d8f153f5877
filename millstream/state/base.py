"""What all variables share: `tf.Variable`'s interface, its operators, and who makes which kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.array.slicing import slice_helper
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.slice_info import SaveSliceInfo
from millstream.state.updates import Updates


class _VariableMeta(type):
    """Makes `tf.Variable(…)` ask the creators in force; subclasses are made as usual."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_create" in cls.__dict__:
            return cls._create(*args, **kwargs)  # type: ignore[attr-defined]
        return super().__call__(*args, **kwargs)


class Variable(Updates, metaclass=_VariableMeta):
    """State that lives in a session from one step to the next: a mutable array with a name.

    `tf.Variable(initial_value, …)` adds a variable to the default graph, a `RefVariable`, or a
    `ResourceVariable` if `use_resource` says so. It has a value once its `initializer` has run.

    Args:
      initial_value: a tensor or what converts to one, or a function without arguments that makes
        one.
      trainable: whether optimizers see it: whether it joins `GraphKeys.TRAINABLE_VARIABLES`.
      collections: collections that it joins; default `[GraphKeys.GLOBAL_VARIABLES]`.
      validate_shape: whether it keeps the shape of its initial value, which must then be known.
      caching_device: device on which what is read is kept for the rest of the step.
      name: name of the variable's node, made unique; default `"Variable"`.
      variable_def: a `VariableDef` message: the variable of a graph that was imported.
      dtype: element type to convert the initial value to.
      expected_shape: not used.
      import_scope: scope that was put before the names in `variable_def`.
      constraint: function that projects the value after each update by an optimizer.
      use_resource: whether to make a `ResourceVariable`; `None` asks scope and process.
      synchronization: a `VariableSynchronization`.
      aggregation: a `VariableAggregation`.
      shape: shape of the variable where it is less specific than the initial value's.

    Raises:
      ValueError: if there is neither an initial value nor a `variable_def`, or its shape is not
        known although `validate_shape` holds.

    Example:
      >>> w = tf.Variable(tf.zeros([10, 3]), name="w")
      >>> w.shape
      TensorShape([Dimension(10), Dimension(3)])
    """

    __array_priority__ = 100  # so that `ndarray + variable` is ours
    SaveSliceInfo = SaveSliceInfo

    _create: Callable[..., Any]  # set by `millstream.state.variables`
    from_proto: Callable[..., Any]  # the same

    # Subclasses fill these in.
    _handle_name: str
    _initializer_op: Operation
    _initial_value: Any
    _snapshot: Tensor
    _trainable: bool
    _constraint: Any
    _synchronization: VariableSynchronization
    _aggregation: VariableAggregation
    _save_slice_info: SaveSliceInfo | None = None

    # -- what it is

    @property
    def name(self) -> str:
        """Its name, `<node>:0`."""
        return self._handle_name

    @property
    def _shared_name(self) -> str:
        return self._handle_name.partition(":")[0]

    @property
    def handle_or_ref(self) -> Tensor:
        """The tensor that stands for the variable itself: a ref or a resource handle."""
        raise NotImplementedError(type(self).__name__)

    @property
    def op(self) -> Operation:
        """The variable's node."""
        return self.handle_or_ref.op

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self.handle_or_ref.graph

    @property
    def device(self) -> str:
        """The device string of its node."""
        return self.handle_or_ref.device

    @property
    def dtype(self) -> DType:
        """The type of its elements; that of a `RefVariable` is a `_ref` type."""
        raise NotImplementedError(type(self).__name__)

    @property
    def shape(self) -> TensorShape:
        """Its static shape."""
        raise NotImplementedError(type(self).__name__)

    def get_shape(self) -> TensorShape:
        """Returns its static shape."""
        return self.shape

    @property
    def initializer(self) -> Operation:
        """The node that gives it its initial value."""
        return self._initializer_op

    @property
    def initial_value(self) -> Any:
        """The tensor that it is initialised with."""
        return self._initial_value

    @property
    def trainable(self) -> bool:
        """Whether optimizers see it."""
        return self._trainable

    @property
    def constraint(self) -> Any:
        """The function that projects its value after an update, or `None`."""
        return self._constraint

    @property
    def synchronization(self) -> VariableSynchronization:
        """When copies on several devices are brought together."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """How updates from several devices are combined."""
        return self._aggregation

    def _as_graph_element(self) -> Tensor:
        raise NotImplementedError(type(self).__name__)

    # -- reading

    def value(self) -> Tensor:
        """Returns the tensor that is the variable's value when the step reads it."""
        raise NotImplementedError(type(self).__name__)

    def read_value(self) -> Tensor:
        """Returns a new tensor with the value as it is when control dependencies are satisfied."""
        raise NotImplementedError(type(self).__name__)

    def eval(self, session: Any = None) -> Any:
        """Returns its value in `session` (default: the default session), as an array."""
        return self._as_graph_element().eval(session=session)

    def initialized_value(self) -> Tensor:
        """Returns the value if the variable has one when read, else its initial value."""
        raise NotImplementedError(type(self).__name__)

    def set_shape(self, shape: Any) -> None:
        """Adds to what is known of the shape."""
        self.value().set_shape(shape)

    # -- writing

    def load(self, value: Any, session: Any = None) -> None:
        """Gives the variable the array `value` in `session`, without adding to the graph."""
        run = self.graph.default_session(session, "Variable.load").run
        run(self.initializer, {self.initializer.inputs[1]: value})

    # -- saving

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns a `VariableDef`, or `None` if the variable lies outside `export_scope`."""
        raise NotImplementedError(type(self).__name__)

    def _set_save_slice_info(self, save_slice_info: SaveSliceInfo | None) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> SaveSliceInfo | None:
        return self._save_slice_info

    # -- as a Python object

    def experimental_ref(self) -> VariableRef:
        """Returns a hashable stand-in for the variable."""
        return VariableRef(self)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("'Variable' object is not iterable.")

    def __getitem__(self, slice_spec: Any) -> Tensor:
        return slice_helper(self.value(), slice_spec, var=self)

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.get_shape()} dtype={self.dtype.name}>"


class VariableRef:
    """A hashable stand-in for a variable, equal to others of the same variable."""

    __slots__ = ("_variable",)

    def __init__(self, variable: Variable) -> None:
        self._variable = variable

    def deref(self) -> Variable:
        """Returns the variable."""
        return self._variable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VariableRef) and self._variable is other._variable

    def __hash__(self) -> int:
        return id(self._variable)


OPERATORS = (
    "__abs__", "__add__", "__and__", "__div__", "__floordiv__", "__ge__", "__gt__", "__invert__",
    "__le__", "__lt__", "__matmul__", "__mod__", "__mul__", "__neg__", "__or__", "__pow__",
    "__radd__", "__rand__", "__rdiv__", "__rfloordiv__", "__rmatmul__", "__rmod__", "__rmul__",
    "__ror__", "__rpow__", "__rsub__", "__rtruediv__", "__rxor__", "__sub__", "__truediv__",
    "__xor__",
)  # fmt: skip
"""Operators that act on a variable's value as they do on any tensor."""


def _operator(name: str) -> Callable[..., Any]:
    def operate(self: Variable, *args: Any, **kwargs: Any) -> Any:
        return getattr(Tensor, name)(self.value(), *args, **kwargs)

    operate.__name__ = operate.__qualname__ = name
    return operate


for _name in OPERATORS:
    setattr(Variable, _name, _operator(_name))
