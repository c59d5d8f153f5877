"""`tf.Graph`: nodes in creation order, their names, look-up, and what holds for the graph as a
whole.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.formats import protos
from millstream.ir import attrs as attr_values
from millstream.ir import graphdef, registry
from millstream.ir.context import default_graphs, find_session
from millstream.ir.graph_collections import Collections
from millstream.ir.graph_scopes import GraphScopes
from millstream.ir.infer import infer_shapes
from millstream.ir.node import Operation, note_consumer
from millstream.ir.opdef import OpDef
from millstream.ir.tensor import Tensor

_VALID_NODE_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\-/]*$")
_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\-/]*$")

GRAPH_DEF_PRODUCER = 134


@export("Graph")
class Graph(Collections, GraphScopes):
    """A dataflow graph: nodes by name, collections, seeds, and the scopes that new nodes fall
    under.

    Example:
      >>> g = Graph()
      >>> with g.as_default():
      ...     assert get_default_graph() is g
    """

    building_function = False
    """Whether this graph is the body of a function."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self.nodes: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names_in_use: dict[str, int] = {}
        self._name_stack = ""
        self._last_id = 0
        self._changes = 0
        self._finalized = False
        self.seed: int | None = None
        self.functions: dict[str, Any] = {}
        self.function_numbers: dict[str, int] = {}
        self.producer = GRAPH_DEF_PRODUCER
        self.executables: dict[Any, Any] = {}  # plans, kept by the compiler

    # -- nodes

    def next_id(self) -> int:
        """Counts a new node and returns its number."""
        self._last_id += 1
        return self._last_id

    def note_change(self) -> None:
        """Invalidates what was planned from the graph."""
        self._changes += 1

    @property
    def version(self) -> int:
        """A number that grows whenever the graph changes."""
        return self._last_id + self._changes

    def create_node(
        self,
        opdef: OpDef,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        output_types: Sequence[DType],
        name: str | None,
    ) -> Operation:
        """Adds a node. `name` ending in `/` is taken as it is, others are made unique in the
        current scope.

        Raises:
          RuntimeError: if the graph is finalized.
          ValueError: if a shape rule refuses the inputs, or the exact name is taken.
        """
        self.check_not_finalized()
        with self._lock:
            name = opdef.name if name is None else name
            if name.endswith("/"):
                name = name[:-1]
                self._names_in_use.setdefault(name.lower(), 1)
            else:
                name = self.unique_name(name)
            if not _VALID_NODE_NAME.match(name):
                raise ValueError(f"'{name}' is not a valid node name")
            if name in self._by_name:
                raise ValueError(f"Duplicate node name in graph: '{name}'")
            control = self.controls_for(inputs)
            node = Operation(self, opdef, name, tuple(inputs), attrs, output_types, control)
            try:
                infer_shapes(node)
            except ValueError:
                self._last_id -= 1
                raise
            self.apply_scopes(node)
            for tensor in inputs:
                note_consumer(tensor, node)
            self.nodes.append(node)
            self._by_name[name] = node
        return node

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Tensor],
        dtypes: Sequence[Any] | None = None,
        input_types: Any = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: Any = None,
        compute_shapes: bool = True,
        compute_device: bool = True,
    ) -> Operation:
        """Adds a node of the op called `op_type`, with ready tensors as inputs and `AttrValue`s as
        attrs.
        """
        opdef = registry.get(op_type)
        values = {k: attr_values.from_public(v) for k, v in (attrs or {}).items()}
        outer = self._name_stack
        try:
            return self.create_node(*attr_values.complete(opdef, inputs, values), name)
        finally:
            self._name_stack = outer

    # -- names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Returns `name` in the current scope, with `_1`, `_2`, … behind it if it is taken."""
        if self._name_stack:
            name = f"{self._name_stack}/{name}"
        key = name.lower()
        used = self._names_in_use
        count = used.get(key, 0)
        if mark_as_used:
            used[key] = count + 1
        if not count:
            return name
        candidate = key
        while candidate in used:
            candidate = f"{key}_{count}"
            count += 1
        if mark_as_used:
            used[candidate] = 1
        return f"{name}_{count - 1}"

    def name_scope(self, name: str | None) -> Any:
        """Returns a context in which new nodes are called `<name>/…`.

        `name` ending in `/` re-enters that scope.
        """
        if name:
            self._check_scope_name(name)
        return self._name_scope(name)

    def _check_scope_name(self, name: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"A scope name is a string, not {name!r}")
        pattern = _VALID_SCOPE_NAME if self._name_stack else _VALID_NODE_NAME
        if not pattern.match(name):
            raise ValueError(f"'{name}' is not a valid scope name")

    @contextmanager
    def _name_scope(self, name: str | None) -> Generator[str]:
        old = self._name_stack
        try:
            self._name_stack = self.enter_name(name)
            yield f"{self._name_stack}/" if self._name_stack else ""
        finally:
            self._name_stack = old

    def enter_name(self, name: str | None) -> str:
        """Returns the name stack of a scope called `name`, without entering it."""
        if not name:
            return ""
        return name[:-1] if name.endswith("/") else self.unique_name(name)

    def get_name_scope(self) -> str:
        """Returns the name of the current scope, without a slash at its end."""
        return self._name_stack

    @property
    def name_stack(self) -> str:
        """The current scope's name; settable by those who enter scopes without a context."""
        return self._name_stack

    @name_stack.setter
    def name_stack(self, value: str) -> None:
        self._name_stack = value

    # -- look-up

    def get_operations(self) -> list[Operation]:
        """Returns the nodes in creation order."""
        return list(self.nodes)

    def get_operation_by_name(self, name: str) -> Operation:
        """Returns the node called `name`.

        KeyError if there is none, ValueError if the name is a tensor's.
        """
        return self._typed(name, Operation)

    def get_tensor_by_name(self, name: str) -> Tensor:
        """Returns the tensor called `name` (`node:0`).

        KeyError if there is none, ValueError for a node's name.
        """
        return self._typed(name, Tensor)

    def _typed(self, name: Any, kind: type[Any]) -> Any:
        if not isinstance(name, str):
            what = "Operation" if kind is Operation else "Tensor"
            raise TypeError(f"{what} names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, kind is Tensor, kind is Operation)

    def find_operation(self, name: str) -> Operation | None:
        """Returns the node called `name`, or `None`."""
        return self._by_name.get(name)

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """Returns the tensor or node that `obj` — a name, a tensor, a node or a variable — stands
        for.

        Raises:
          KeyError: if the graph has no such name.
          ValueError: if `obj` belongs to another graph, or is of the kind not allowed.
          TypeError: if `obj` cannot stand for either.
        """
        wanted = " or ".join(["Tensor"] * allow_tensor + ["Operation"] * allow_operation)
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, (str, bytes)):
            return self._by_element_name(
                obj if isinstance(obj, str) else obj.decode(), allow_tensor, allow_operation
            )
        if (allow_tensor and isinstance(obj, Tensor)) or (
            allow_operation and isinstance(obj, Operation)
        ):
            if obj.graph is not self:
                kind = "Tensor" if isinstance(obj, Tensor) else "Operation"
                raise ValueError(f"{kind} {obj} is not an element of this graph.{_inside(obj)}")
            return obj
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")

    def _by_element_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        node_name, colon, index = name.rpartition(":")
        if not colon:
            node = self._by_name.get(name)
            if node is None:
                raise KeyError(
                    f"The name '{name}' refers to an Operation not in the "
                    f"graph.{self._nearest(name)}"
                )
            if not allow_operation:
                raise ValueError(
                    f"The name '{name}' refers to an Operation, not a Tensor. Perhaps you "
                    f"meant '{name}:0'?"
                )
            return node
        if not allow_tensor:
            raise ValueError(f"Name '{name}' appears to refer to a Tensor, not a Operation.")
        if ":" in node_name or not index.isdigit():
            raise ValueError(f"The name '{name}' looks like a tensor's, but is no <node>:<index>.")
        node = self._by_name.get(node_name)
        if node is None:
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. The operation, "
                f"'{node_name}', "
                f"does not exist in the graph.{self._nearest(node_name)}"
            )
        if int(index) >= len(node.values()):
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. The operation, "
                f"'{node_name}', "
                f"exists but only has {len(node.values())} outputs."
            )
        return node.values()[int(index)]

    def _nearest(self, name: str) -> str:
        import difflib  # a slow import, only wanted for a message

        for function in self.functions.values():
            if function.holds(name):
                return (
                    f" A node of that name lives inside the function '{function.name}' (a branch, "
                    "a loop's body or the like): return what you need from there."
                )
        close = difflib.get_close_matches(name, self._by_name, n=3)
        return f" Nearest names: {', '.join(map(repr, close))}." if close else ""

    # -- the graph as a whole

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """Returns the graph as a `GraphDef`; with `from_version` only the nodes added after it."""
        nodes = [n for n in self.nodes if n.id > (from_version or 0)]
        return graphdef.encode_graph(nodes, self.functions.values(), self.producer, add_shapes)

    def node_def_of(self, node: Operation) -> Any:
        """Returns a node as a `NodeDef`."""
        return graphdef.encode_node(node)

    def op_def_of(self, opdef: OpDef) -> Any:
        """Returns an op's declaration as an `OpDef` message."""
        return graphdef.encode_op(opdef)

    @property
    def graph_def_versions(self) -> Any:
        """The version numbers that the graph's `GraphDef` carries."""
        return protos.VersionDef(producer=self.producer)

    @contextmanager
    def as_default(self) -> Generator[Graph]:
        """Makes this the graph of the current thread that new nodes go to."""
        with default_graphs.pushed(self):
            yield self

    def default_session(self, session: Any, caller: str) -> Any:
        """Returns `session`, else the default session, checked to be of this graph."""
        return find_session(self, session, caller)

    @property
    def finalized(self) -> bool:
        """Whether nodes can no longer be added."""
        return self._finalized

    def finalize(self) -> None:
        """Forbids further nodes."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def check_not_finalized(self) -> None:
        """Raises RuntimeError if the graph is finalized."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    _check_not_finalized = check_not_finalized

    def prevent_feeding(self, tensor: Tensor) -> None:
        """Marks a tensor as one that a session may not be fed."""
        self.unfeedable.add(tensor)

    def prevent_fetching(self, op: Operation) -> None:
        """Marks a node as one that a session may not fetch."""
        self.unfetchable.add(op)

    def is_feedable(self, tensor: Tensor) -> bool:
        """Returns whether a session may be fed `tensor`."""
        return tensor not in self.unfeedable

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Returns whether a session may fetch the tensor or node."""
        return getattr(tensor_or_op, "op", tensor_or_op) not in self.unfetchable


def _inside(element: Any) -> str:
    graph = element.graph
    if not graph.building_function:
        return ""
    return f" It lives inside {graph.description}: return it from there."
