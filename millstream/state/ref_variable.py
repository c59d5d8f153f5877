"""`RefVariable`: a variable whose users take a mutable reference; TF 1.x's default."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import DType, as_dtype
from millstream.base.shapes import UNKNOWN, TensorShape, as_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor, register_tensor_conversion_function
from millstream.ir.func_graph import lifted
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import identity
from millstream.ops.flow.conditionals import cond
from millstream.ops.state import assign as assign_ops
from millstream.ops.state import scatter, scatter_nd
from millstream.ops.state.slices import StridedSliceAssign
from millstream.ops.state.variable import IsVariableInitialized, VariableV2
from millstream.state import messages
from millstream.state.base import Variable
from millstream.state.initial import guarded
from millstream.state.making import Wishes, in_initializer_scope, join_collections
from millstream.state.options import checked_options


class RefVariable(Variable):
    """A variable whose users take a mutable reference to its value: see `tf.Variable`."""

    def __init__(
        self,
        initial_value: Any = None,
        trainable: Any = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        del expected_shape
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._init_from_proto(variable_def, import_scope)
            return
        synchronization, aggregation, trainable = checked_options(
            synchronization, aggregation, trainable, name
        )
        self._synchronization, self._aggregation = synchronization, aggregation
        self._trainable, self._constraint = trainable, constraint
        wishes = Wishes(initial_value, dtype, name, shape, collections, constraint, trainable)
        with lifted(), name_scope(name, "Variable") as scope:
            self._make_state(wishes, scope, validate_shape)
            self._make_initializer(validate_shape)
            self._make_snapshot(caching_device)
        join_collections(self, wishes)

    def _make_state(self, wishes: Wishes, scope: str, validate_shape: bool) -> None:
        """Adds the initial value and the variable's node."""
        dtype = None if wishes.dtype is None else as_dtype(wishes.dtype).base_dtype
        if wishes.is_function:
            with in_initializer_scope(scope) as make:
                self._initial_value = make(
                    lambda: convert_to_tensor(wishes.initial_value(), dtype, "initial_value")
                )
                self._variable = self._node(wishes, scope, validate_shape)
        else:
            self._initial_value = convert_to_tensor(wishes.initial_value, dtype, "initial_value")
            self._variable = self._node(wishes, scope, validate_shape)
        self._handle_name = self._variable.name

    def _node(self, wishes: Wishes, scope: str, validate_shape: bool) -> Tensor:
        found: TensorShape = self._initial_value.shape
        if validate_shape and not found.is_fully_defined():
            raise ValueError(f"initial_value must have a shape specified: {self._initial_value}")
        if wishes.shape is not None:
            found = as_shape(wishes.shape)
        elif not validate_shape:
            found = UNKNOWN
        return VariableV2(shape=found, dtype=self._initial_value.dtype.base_dtype, name=scope)

    def _make_initializer(self, validate_shape: bool) -> None:
        value = guarded(self._shared_name, self._initial_value)
        assigned = assign_ops.Assign(
            self._variable, value, validate_shape=validate_shape, use_locking=True
        )
        self._initializer_op = assigned.op

    def _make_snapshot(self, caching_device: Any) -> None:
        graph = self.graph
        if caching_device is not None:
            with graph.device(caching_device):
                self._snapshot = identity(self._variable, name="read")
        else:
            with graph.colocate_with(self._variable.op):
                self._snapshot = identity(self._variable, name="read")
        self._caching_device = caching_device

    # -- what it is

    @property
    def handle_or_ref(self) -> Tensor:
        """The ref."""
        return self._variable

    @property
    def dtype(self) -> DType:
        """The type of its elements, as a `_ref` type."""
        return self._variable.dtype

    @property
    def shape(self) -> TensorShape:
        """Its static shape."""
        return self._variable.shape

    @property
    def name(self) -> str:
        """Its name, `<node>:0`."""
        return self._variable.name

    def set_shape(self, shape: Any) -> None:
        """Adds to what is known of the shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    def _as_graph_element(self) -> Tensor:
        return self._variable

    def _ref(self) -> Tensor:
        return self._variable

    def _AsTensor(self) -> Tensor:  # the name that programs know
        return self._snapshot

    # -- reading

    def value(self) -> Tensor:
        """Returns the value as the variable's own `read` node gives it."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """Returns a new tensor with the value as it is when control dependencies are satisfied."""
        return identity(self._variable, name="read")

    def initialized_value(self) -> Tensor:
        """Returns the value if the variable has one when read, else its initial value."""
        with lifted():
            is_there = IsVariableInitialized(self._variable)
            return cond(is_there, self.read_value, lambda: self._initial_value)

    # -- writing

    def _assign(self, kind: str, value: Any, locking: Any, name: Any, read_value: bool) -> Any:
        op = getattr(assign_ops, f"Assign{kind}")
        ref = op(self._variable, value, use_locking=locking, name=name)
        return ref if read_value else ref.op

    def _scatter(self, kind: str, slices: IndexedSlices, locking: Any, name: Any) -> Tensor:
        op = getattr(scatter, f"Scatter{kind}")
        return op(self._variable, slices.indices, slices.values, use_locking=locking, name=name)

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: Any) -> Tensor:
        op = getattr(scatter_nd, f"ScatterNd{kind}")
        return op(self._variable, indices, updates, use_locking=True, name=name)

    def count_up_to(self, limit: int) -> Tensor:
        """Returns the value and then adds one; ends the step with `OutOfRangeError` at `limit`."""
        return assign_ops.CountUpTo(self._variable, limit=limit)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None = None, **masks: int
    ) -> Tensor:
        return StridedSliceAssign(self._variable, begin, end, strides, value, name=name, **masks)

    # -- messages

    def _init_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        element = messages.decode(self, variable_def, import_scope)
        self._variable = element(variable_def.variable_name)
        self._handle_name = self._variable.name
        self._snapshot = element(variable_def.snapshot_name)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns a `VariableDef`, or `None` if the variable lies outside `export_scope`."""
        return messages.encode(self, self._snapshot, False, export_scope)


def _as_tensor(
    value: RefVariable, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del name
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
            f"'{value.dtype.name}'"
        )
    return value.handle_or_ref if as_ref else value.value()


register_tensor_conversion_function(RefVariable, _as_tensor)
