"""`ResourceVariable`: a variable behind a handle, whose reads and writes are nodes of their own."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import DType, as_dtype
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor, register_tensor_conversion_function
from millstream.ir.func_graph import lifted, working_graph
from millstream.ir.node import Operation
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import handle_data
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import identity
from millstream.ops.flow.conditionals import cond
from millstream.ops.state import assign as assign_ops
from millstream.ops.state import scatter, scatter_nd
from millstream.ops.state.gather import ResourceGather, ResourceGatherNd
from millstream.ops.state.slices import ResourceStridedSliceAssign
from millstream.ops.state.variable import ReadVariableOp, VarHandleOp, VarIsInitializedOp
from millstream.state import messages
from millstream.state.base import Variable
from millstream.state.initial import guarded
from millstream.state.making import Wishes, in_initializer_scope, join_collections
from millstream.state.options import checked_options


class BaseResourceVariable(Variable):
    """What a resource variable and the result of an assignment to it have in common."""

    _handle: Tensor
    _dtype: DType
    _shape: TensorShape
    _graph_element: Tensor
    _cached_value: Tensor | None = None
    _is_initialized_op: Tensor | None = None

    # -- what it is

    @property
    def handle(self) -> Tensor:
        """The handle by which ops take the variable."""
        return self._handle

    @property
    def handle_or_ref(self) -> Tensor:
        """The handle."""
        return self._handle

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """Its static shape."""
        return self._shape

    @property
    def create(self) -> Operation:
        """The node that gives it its initial value."""
        return self._initializer_op

    def _as_graph_element(self) -> Tensor:
        return self._graph_element

    # -- reading

    def _read(self) -> Tensor:
        value = ReadVariableOp(self._handle, dtype=self._dtype)
        value.set_shape(self._shape)
        return value

    def value(self) -> Tensor:
        """Returns a tensor with the value as it is when control dependencies are satisfied."""
        if self._cached_value is not None:
            return self._cached_value
        graph = working_graph(self.graph)
        with graph.colocate_with(None, ignore_existing=True), graph.device(self._handle.device):
            return self._read()

    def read_value(self) -> Tensor:
        """Returns a new tensor with the value as it is when control dependencies are satisfied."""
        with name_scope("Read"), working_graph(self.graph).device(self._handle.device):
            value = self._read()
        return identity(value)

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Returns whether the variable has a value, a bool tensor."""
        return VarIsInitializedOp(self._handle, name=name)

    def initialized_value(self) -> Tensor:
        """Returns the value if the variable has one when read, else its initial value."""
        with lifted():
            return cond(self.is_initialized(), self.read_value, lambda: self._initial_value)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """Returns the rows at `indices`."""
        with name_scope("Gather" if name is None else name) as scope:
            value = ResourceGather(self._handle, indices, dtype=self._dtype, name=scope)
        return identity(value)

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """Returns the slices at the index tuples in the last axis of `indices`."""
        with name_scope("GatherNd" if name is None else name) as scope:
            value = ResourceGatherNd(self._handle, indices, dtype=self._dtype, name=scope)
        return identity(value)

    # -- writing

    def _after(self, write: Operation, read_value: bool = True) -> Any:
        """Returns the variable as it is after a write, or the node that writes."""
        return _WrittenVariable(self, write) if read_value else write

    def _assign(self, kind: str, value: Any, locking: Any, name: Any, read_value: bool) -> Any:
        del locking
        tensor = convert_to_tensor(value, self._dtype)
        if not kind and not self._shape.is_compatible_with(tensor.shape):
            raise ValueError(f"Shapes {self._shape} and {tensor.shape} are incompatible")
        op = getattr(assign_ops, f"Assign{kind}VariableOp")
        return self._after(op(self._handle, tensor, name=name), read_value)

    def _scatter(self, kind: str, slices: IndexedSlices, locking: Any, name: Any) -> Any:
        del locking
        op = getattr(scatter, f"ResourceScatter{kind}")
        values = convert_to_tensor(slices.values, self._dtype)
        return self._after(op(self._handle, slices.indices, values, name=name))

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: Any) -> Any:
        op = getattr(scatter_nd, f"ResourceScatterNd{kind}")
        values = convert_to_tensor(updates, self._dtype)
        return self._after(op(self._handle, indices, values, name=name))

    def count_up_to(self, limit: int) -> Tensor:
        """Returns the value and then adds one; ends the step with `OutOfRangeError` at `limit`."""
        return assign_ops.ResourceCountUpTo(self._handle, limit=limit, T=self._dtype)

    def _strided_slice_assign(
        self, begin: Any, end: Any, strides: Any, value: Any, name: str | None = None, **masks: int
    ) -> Any:
        tensor = convert_to_tensor(value, self._dtype)
        write = ResourceStridedSliceAssign(
            self._handle, begin, end, strides, tensor, name=name, **masks
        )
        return self._after(write)

    # -- messages

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns a `VariableDef`, or `None` if the variable lies outside `export_scope`."""
        snapshot = self._graph_element if self._cached_value is None else self._cached_value
        return messages.encode(self, snapshot, True, export_scope)


class ResourceVariable(BaseResourceVariable):
    """A variable behind a handle: see `tf.Variable`."""

    def __init__(
        self,
        initial_value: Any = None,
        trainable: Any = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        variable_def: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        distribute_strategy: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        del validate_shape, distribute_strategy
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
            self._make_handle(wishes, scope)
            self._make_initializer()
            self._make_first_read(caching_device)
        join_collections(self, wishes)

    def _make_handle(self, wishes: Wishes, scope: str) -> None:
        node_name = scope.rstrip("/")
        dtype = None if wishes.dtype is None else as_dtype(wishes.dtype).base_dtype
        with in_initializer_scope(scope) as make:

            def initial() -> Tensor:
                found = wishes.initial_value
                return convert_to_tensor(
                    found() if wishes.is_function else found, dtype, "initial_value"
                )

            self._initial_value = make(initial)
            self._dtype = self._initial_value.dtype.base_dtype
            found = self._initial_value.shape if wishes.shape is None else as_shape(wishes.shape)
            self._shape = found
            self._handle = VarHandleOp(
                shape=found, dtype=self._dtype, shared_name=node_name, name=scope
            )
        self._handle_name = f"{node_name}:0"

    def _make_initializer(self) -> None:
        graph = self.graph
        with name_scope("IsInitialized"):
            self._is_initialized_op = VarIsInitializedOp(self._handle)
        with (
            name_scope("Assign") as scope,
            graph.colocate_with(None, ignore_existing=True),
            graph.device(self._handle.device),
        ):
            value = guarded(self._shared_name, self._initial_value)
            self._initializer_op = assign_ops.AssignVariableOp(self._handle, value, name=scope)

    def _make_first_read(self, caching_device: Any) -> None:
        graph = self.graph
        self._caching_device = caching_device
        with name_scope("Read"), graph.device(self._handle.device):
            value = ReadVariableOp(self._handle, dtype=self._dtype)
            self._graph_element = value
            if caching_device is not None:
                with (
                    graph.colocate_with(None, ignore_existing=True),
                    graph.device(caching_device),
                ):
                    self._cached_value = identity(value)

    # -- messages

    def _init_from_proto(self, variable_def: Any, import_scope: str | None) -> None:
        if not variable_def.is_resource:
            raise ValueError("Trying to restore Variable as ResourceVariable.")
        element = messages.decode(self, variable_def, import_scope)
        self._handle = element(variable_def.variable_name)
        known = handle_data(self._handle)
        self._shape, self._dtype = known or (TensorShape(None), self._handle.op.attrs["dtype"])
        self._handle_name = self._handle.name
        self._graph_element = self._imported_read(variable_def, element)

    def _imported_read(self, variable_def: Any, element: Any) -> Tensor:
        if not variable_def.snapshot_name:
            return self.read_value()
        snapshot = element(variable_def.snapshot_name)
        if snapshot.op.type != "ReadVariableOp":
            self._cached_value = snapshot
            return snapshot.op.inputs[0]
        return snapshot


class _WrittenVariable(BaseResourceVariable):
    """A resource variable as it is after a write: whoever reads it waits for the write."""

    def __init__(self, variable: BaseResourceVariable, write: Operation) -> None:
        self._parent_op = write
        for name in (
            "_handle", "_handle_name", "_dtype", "_shape", "_trainable", "_constraint",
            "_synchronization", "_aggregation", "_initializer_op", "_initial_value",
        ):  # fmt: skip
            setattr(self, name, getattr(variable, name))
        self._graph_element = self._read()

    @property
    def op(self) -> Operation:
        """The node that writes."""
        return self._parent_op

    def _read(self) -> Tensor:
        with working_graph(self.graph).control_dependencies([self._parent_op]):
            return super()._read()


def _as_tensor(
    value: BaseResourceVariable, dtype: DType | None = None, name: str | None = None,
    as_ref: bool = False,
) -> Any:  # fmt: skip
    del name
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type {dtype.name!r} for variable of type "
            f"{value.dtype.name!r}"
        )
    return value.handle if as_ref else value.value()


register_tensor_conversion_function(BaseResourceVariable, _as_tensor)
