"""`tf.Operation`: a node of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from millstream.base import origin
from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.ir import attrs as attr_values
from millstream.ir.device import canonical_name
from millstream.ir.opdef import OpDef
from millstream.ir.tensor import Tensor

if TYPE_CHECKING:
    from millstream.ir.graph import Graph


@export("Operation")
class Operation:
    """A node: an op with inputs, attrs and a name in a graph. Made by calling an op, never
    directly.
    """

    def __init__(
        self, graph: Graph, opdef: OpDef, name: str, inputs: tuple[Tensor, ...], attrs: dict[str,
        Any],
        output_types: Sequence[DType], control_inputs: tuple[Operation, ...],
    ) -> None:  # fmt: skip
        self._graph = graph
        self.opdef = opdef
        self._name = name
        self._inputs = inputs
        self.attrs = attrs
        self._control_inputs = control_inputs
        self._device = ""
        self._id = graph.next_id()
        self.origin = origin.capture()
        self._outputs = tuple(Tensor(self, i, t) for i, t in enumerate(output_types))

    @property
    def name(self) -> str:
        """Its full name in the graph."""
        return self._name

    @property
    def type(self) -> str:
        """The name of its op, such as `MatMul`."""
        return self.opdef.name

    @property
    def graph(self) -> Graph:
        """The graph that holds it."""
        return self._graph

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that it takes, flat."""
        return self._inputs

    @property
    def control_inputs(self) -> list[Operation]:
        """The nodes that must have run before it."""
        return list(self._control_inputs)

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors that it computes."""
        return list(self._outputs)

    @property
    def device(self) -> str:
        """Its device string, empty where the runtime may choose."""
        return self._device

    @property
    def traceback(self) -> list[Any]:
        """The user's frames that made it, as `traceback` tuples."""
        return self.origin.traceback

    @property
    def node_def(self) -> Any:
        """Its `NodeDef` message."""
        return self._graph.node_def_of(self)

    @property
    def op_def(self) -> Any:
        """The `OpDef` message of its op."""
        return self._graph.op_def_of(self.opdef)

    def values(self) -> tuple[Tensor, ...]:
        """Returns its outputs."""
        return self._outputs

    def get_attr(self, name: str) -> Any:
        """Returns the value of an attr: bytes for strings, lists for lists, messages for shapes and
        tensors.

        Raises:
          ValueError: if the node has no such attr.
        """
        if name not in self.attrs:
            raise ValueError(f"Operation '{self._name}' has no attr named '{name}'.")
        return attr_values.to_public(self.attrs[name])

    def colocation_groups(self) -> list[bytes]:
        """Returns the colocation classes of the node; its own if it has none."""
        groups: tuple[str, ...] | None = self.attrs.get("_class")
        if groups is None:
            return [f"loc:@{self._name}".encode()]
        return [g.encode() for g in groups if g.startswith("loc:@")]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs the node in `session` (default: the default session)."""
        self._graph.default_session(session, "Operation.run").run(self, feed_dict)

    def set_device(self, device: Any) -> None:
        """Sets the device string."""
        self._device = canonical_name(device)

    _set_device = set_device

    def set_attr(self, name: str, value: Any) -> None:
        """Sets an attr to a value in the system's own form or an `AttrValue` message."""
        self.attrs[name] = attr_values.from_public(value)
        self._graph.note_change()

    _set_attr = set_attr

    def add_control_inputs(self, nodes: Sequence[Operation]) -> None:
        """Adds nodes that must run before this one."""
        self._control_inputs = tuple(dict.fromkeys((*self._control_inputs, *nodes)))
        self._graph.note_change()

    _add_control_inputs = add_control_inputs

    def _add_control_input(self, node: Operation) -> None:
        self.add_control_inputs([node])

    def remove_control_inputs(self) -> None:
        """Lets it wait for its inputs alone."""
        self._control_inputs = ()
        self._graph.note_change()

    _remove_all_control_inputs = remove_control_inputs

    def add_outputs(self, types: Sequence[DType]) -> tuple[Tensor, ...]:
        """Adds outputs behind the others; the caller takes care of the attrs."""
        start = len(self._outputs)
        made = tuple(Tensor(self, start + i, t) for i, t in enumerate(types))
        self._outputs = (*self._outputs, *made)
        self._graph.note_change()
        return made

    def become(self, opdef: OpDef, attrs: dict[str, Any]) -> None:
        """Makes it a node of another op that takes and gives the same and can do more."""
        self.opdef = opdef
        self.attrs = attrs
        self._graph.note_change()

    def update_input(self, index: int, tensor: Tensor) -> None:
        """Replaces input `index`."""
        inputs = list(self._inputs)
        inputs[index] = tensor
        self._inputs = tuple(inputs)
        note_consumer(tensor, self)
        self._graph.note_change()

    _update_input = update_input

    @property
    def id(self) -> int:
        """Its number in the graph, counted from 1 in creation order."""
        return self._id

    def __repr__(self) -> str:
        return f"<tf.Operation '{self._name}' type={self.type}>"

    def __str__(self) -> str:
        return str(self.node_def)


def note_consumer(tensor: Tensor, node: Operation) -> None:
    consumers = tensor._consumers  # pyright: ignore[reportPrivateUsage]
    if consumers is None:
        tensor._consumers = [node]  # pyright: ignore[reportPrivateUsage]
    elif consumers[-1] is not node:
        consumers.append(node)
