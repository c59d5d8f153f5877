# pyright: reportPrivateUsage=false
"""`FuncGraph`: the graph of a function's body: a branch, a loop's body, a `Defun`, a map.

A tensor of an enclosing graph that an op inside uses is *captured*: a placeholder stands for it
inside, and whoever calls the function passes the outer tensor along. That holds for refs and
handles of variables too; what a call does to the variables behind them is worked out when it is
planned.

State. `inputs` lists the placeholders: those of the arguments, then those of the captures in the
order in which they were needed. `captures` maps each captured tensor, which belongs to `outer`
itself, to its placeholder; what comes from further out is captured by every graph on the way.
Collections, node numbers, the seed and the function library are the outermost graph's own. The
bodies of branches and loops also share its table of names, so that nodes inside are called as TF
1.15 calls them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.composite import CompositeTensor
from millstream.ir.context import default_graphs
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import OpDef
from millstream.ir.tensor import Tensor


class FuncGraph(Graph):
    """The body of a function: a graph inside another one.

    Attributes:
      name: The function's name.
      outer: The graph that it was made in.
      inputs: Placeholders of its arguments, then of what it captures.
      outputs: What it returns, flat.
      captures: Tensors of `outer` by which it is called, and their placeholders.
      control_captures: Nodes of `outer` that its nodes wait for.
      runs_side_effects: Whether assignments and the like run though no output needs them; in
        branches and loops, as in TF 1.15, they do not.
      caller: The only node that runs it, if there is one.
      symbolic_gradient: The body of the function's gradient as a function, once it was asked for.
      saved_at: For tensors that are returned for a gradient's sake, where.
      prefix: What tells hidden state of its nodes from that of nodes elsewhere.

    Args:
      name: The function's name.
      outer: The graph around it; by default the default graph.
      inline: Whether its nodes are named as nodes of the outer graph, in its current scope.
    """

    forward: FuncGraph | None = None
    """The body whose gradient this one computes, if it is one: its tensors can be used here."""

    building_function = True  # pyright: ignore[reportAssignmentType]

    def __init__(self, name: str, outer: Graph | None = None, inline: bool = True) -> None:
        outer = get_default_graph() if outer is None else outer
        self._root: Graph | None = None
        super().__init__()
        self.name = name
        self.outer = outer
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.captures: dict[Tensor, Tensor] = {}
        self.control_captures: dict[Operation, None] = {}
        self.runs_side_effects = False
        self.caller: Operation | None = None
        self.symbolic_gradient: FuncGraph | None = None
        self.saved_at: dict[Tensor, int] = {}
        self._stands_for: dict[Tensor, Tensor] = {}  # any outer tensor -> placeholder
        self._share(outermost(outer))
        self._inherit(outer, inline)

    def _share(self, root: Graph) -> None:
        self._root = root
        self._lock = root._lock
        self._collections = root._collections
        self.functions = root.functions
        self.producer = root.producer

    def _inherit(self, outer: Graph, inline: bool) -> None:
        self._gradient_overrides = outer._gradient_overrides
        self._attr_scopes = outer._attr_scopes
        self._container = outer._container
        self._device_stack = outer._device_stack
        self._colocation_stack = outer._colocation_stack
        self.prefix = "" if inline else f"{self.name}/"
        if inline:
            self._names_in_use = outer._names_in_use
            self._name_stack = outer._name_stack

    # -- what belongs to the outermost graph

    @property
    def _last_id(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 0 if self._root is None else self._root._last_id

    @_last_id.setter
    def _last_id(self, value: int) -> None:
        if self._root is not None:
            self._root._last_id = value

    @property
    def seed(self) -> int | None:
        """The outermost graph's seed."""
        return None if self._root is None else self._root.seed

    @seed.setter
    def seed(self, value: int | None) -> None:  # pyright: ignore
        if self._root is not None:
            self._root.seed = value

    def note_change(self) -> None:
        """Invalidates what was planned from the graphs around it."""
        self._changes += 1
        if self._root is not None:
            self._root.note_change()

    def check_not_finalized(self) -> None:
        """Raises RuntimeError if the outermost graph is finalized."""
        if self._root is not None:
            self._root.check_not_finalized()

    # -- inputs

    def add_input(
        self, dtype: DType, shape: Any = None, name: str = "arg", named: bool = False
    ) -> Tensor:
        """Adds a placeholder for an argument; to be called before anything is captured.

        Args:
          dtype: Its type, which may be a `_ref` type.
          shape: Its shape, unknown by default.
          name: What to call it.
          named: Whether it takes its name away from nodes made later, as TF 1.15's nodes for loop
            variables do.
        """
        shape = TensorShape(None) if shape is None else TensorShape(shape)
        opdef = registry.get("Placeholder")
        attrs = {"dtype": dtype.base_dtype, "shape": shape}
        scope = f"{self._name_stack}/" if self._name_stack else ""
        full = base = self.unique_name(name) if named else f"{scope}{name}"
        count = 0
        while full in self._by_name:
            count += 1
            full = f"{base}.{count}"
        # Straight to the graph: no scope of the program's applies to an input.
        names, self._names_in_use = self._names_in_use, {}
        try:
            with self._unscoped():
                tensor = super().create_node(opdef, (), attrs, (dtype,), f"{full}/").values()[0]
        finally:
            self._names_in_use = names
        self.inputs.append(tensor)
        return tensor

    @contextmanager
    def _unscoped(self) -> Generator[None]:
        kept = self._controllers, self._device_stack, self._colocation_stack, self._attr_scopes
        self._controllers, self._device_stack, self._colocation_stack = [], [], []
        self._attr_scopes = {}
        try:
            yield
        finally:
            self._controllers, self._device_stack, self._colocation_stack = kept[:3]
            self._attr_scopes = kept[3]

    def encloses(self, graph: Graph) -> bool:
        """Tells whether `graph` is this one or one around it, whose tensors can be used here."""
        inner: Graph = self
        while inner is not graph:
            if not isinstance(inner, FuncGraph):
                return False
            if inner.forward is graph:
                return True
            inner = inner.outer
        return True

    def capture(self, tensor: Tensor) -> Tensor:
        """Returns what stands inside for a tensor of this graph or one around it.

        Raises:
          ValueError: if the tensor belongs to any other graph.
        """
        if tensor.graph is self:
            return tensor
        found = self._stands_for.get(tensor)
        if found is not None:
            return found
        if not self.encloses(tensor.graph):
            raise ValueError(_foreign(tensor, self))
        outer = self.outer
        source = outer.capture(tensor) if isinstance(outer, FuncGraph) else tensor
        found = self.captures.get(source)
        if found is None:
            found = self.add_input(source.dtype, source.shape, f"captured.{len(self.captures)}")
            found._handle_data = source._handle_data
            found._source = source  # type: ignore[attr-defined]
            self.captures[source] = found
        self._stands_for[tensor] = found
        return found

    def find_capture(self, tensor: Tensor) -> Tensor | None:
        """Returns the placeholder of an outer tensor, `None` if it is not captured."""
        return tensor if tensor.graph is self else self._stands_for.get(tensor)

    # -- nodes

    def create_node(
        self,
        opdef: OpDef,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        output_types: Sequence[DType],
        name: str | None,
    ) -> Operation:
        """Adds a node, as `Graph.create_node` does; inputs from outside are captured."""
        inside = [t if t.op._graph is self else self.capture(t) for t in inputs]
        return super().create_node(opdef, inside, attrs, output_types, name)

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """Returns the tensor or node that `obj` stands for here; outer tensors are captured."""
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, Tensor) and obj.graph is not self and allow_tensor:
            return self.capture(obj)
        if isinstance(obj, Operation) and obj.graph is not self and self.encloses(obj.graph):
            return obj
        if isinstance(obj, str) and self._by_name.get(obj.partition(":")[0]) is None:
            return self.outer.as_graph_element(obj, allow_tensor, allow_operation)
        return super().as_graph_element(obj, allow_tensor, allow_operation)

    def _node_of(self, value: Any) -> Operation:
        element = getattr(value, "op", value)
        if isinstance(element, Operation) and self.encloses(element.graph):
            return element
        return super()._node_of(value)

    @contextmanager
    def control_dependencies(self, control_inputs: Any) -> Generator[None]:
        """Makes new nodes wait for `control_inputs`; for outer ones, the whole call waits."""
        inside: list[Any] = []
        for item in control_inputs or ():
            node = _control_node(item)
            if isinstance(node, Operation) and node.graph is not self:
                self._wait_for(node)
            else:
                inside.append(item)
        with super().control_dependencies(None if control_inputs is None else inside):
            yield

    def _wait_for(self, node: Operation) -> None:
        if not self.encloses(node.graph):
            raise ValueError(_foreign(node, self))
        self.control_captures[node] = None

    def default_session(self, session: Any, caller: str) -> Any:
        """Raises ValueError: what is inside a function has no value outside of a step."""
        raise ValueError(
            f"Cannot run `{caller}`: the tensor or node lives inside {self.description}. Return "
            "it from there and run what the call gives."
        )

    @property
    def description(self) -> str:
        """What to call the function in messages."""
        return f"the function '{self.name}' (a branch, a loop's body or the like)"


def _control_node(item: Any) -> Any:
    by_op = isinstance(item, CompositeTensor) or hasattr(item, "handle")
    element = item.op if by_op else item
    convert = getattr(element, "_as_graph_element", None)
    element = element if convert is None else convert()
    return element.op if isinstance(element, Tensor) else element


def _foreign(element: Any, graph: Graph) -> str:
    owner = element.graph
    if isinstance(owner, FuncGraph):
        return (
            f"Cannot use '{element.name}' here, because it is inside a cond or while context: it "
            f"lives inside {owner.description}. Return it from there and use what the call gives."
        )
    return f"{element} must be from the same graph as {graph}."


def outermost(graph: Graph) -> Graph:
    """Returns the graph that holds a function's graph, however deep that is nested; else itself."""
    while isinstance(graph, FuncGraph):
        graph = graph.outer
    return graph


def working_graph(graph: Graph) -> Graph:
    """Returns the graph that nodes on something of `graph` go to: the function's, inside of one."""
    default = default_graphs.top()
    return default if default is not None and default.building_function else graph


@contextmanager
def lifted() -> Generator[Graph]:
    """Is a context in which new nodes go to the outermost graph and wait for nothing.

    The name scope stays as it is.
    """
    inner = get_default_graph()
    graph = outermost(inner)
    if graph is inner:
        with graph.control_dependencies(None):
            yield graph
        return
    outer_stack, graph._name_stack = graph._name_stack, inner._name_stack
    try:
        with default_graphs.pushed(graph), graph.control_dependencies(None):
            yield graph
    finally:
        graph._name_stack = outer_stack
