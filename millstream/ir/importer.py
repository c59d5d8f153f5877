"""Messages to graphs: `tf.import_graph_def`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from millstream.base.errors import NotFoundError
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.formats import protos
from millstream.ir import attrs as attr_values
from millstream.ir import registry
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import outermost
from millstream.ir.function import Function
from millstream.ir.graph import GRAPH_DEF_PRODUCER, Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor


@export("import_graph_def", "graph_util.import_graph_def")
def import_graph_def(
    graph_def: Any,
    input_map: dict[Any, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a `GraphDef` to the default graph.

    Args:
      graph_def: the message.
      input_map: names of tensors (or `^node` control inputs) in `graph_def`, to tensors to use
        instead.
      return_elements: names of nodes and tensors to return.
      name: prefix of the new nodes' names; `import` by default, none if empty.
      op_dict: ignored, as in TF 1.15.
      producer_op_list: `OpList` of the ops that `graph_def` was made with: attrs that this version
        does not know are dropped if they have the default given there.

    Returns:
      The nodes and tensors named in `return_elements`, or `None` without it.

    Raises:
      TypeError: if an argument is of the wrong type.
      ValueError: if the graph is malformed, a version or attr does not fit, or `input_map` names
        something that is not there.
      tf.errors.NotFoundError: if an op is unknown.
    """
    del op_dict
    _check_arguments(graph_def, input_map, return_elements)
    _check_versions(graph_def.versions)
    graph = get_default_graph()
    prefix = "import" if name is None else name
    with (
        graph.name_scope(prefix)
        if prefix
        else graph.name_scope(graph.name_stack + "/" if graph.name_stack else None)
    ):
        replaced = _as_tensors(graph, input_map or {}, prefix)
        importer = Importer(graph, graph_def, replaced, producer_op_list)
        importer.run()
    unused = [k for k in importer.input_map if k not in importer.used and not importer.has(k)]
    if unused:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: {unused}")
    if return_elements is None:
        return None
    return [importer.element(e) for e in return_elements]


def _check_arguments(graph_def: Any, input_map: Any, return_elements: Any) -> None:
    if not hasattr(graph_def, "node") or not hasattr(graph_def, "versions"):
        raise TypeError("graph_def must be a GraphDef proto.")
    if input_map is not None and not (
        isinstance(input_map, dict) and all(isinstance(k, (str, bytes)) for k in input_map)  # pyright: ignore[reportUnknownVariableType]
    ):
        raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")
    if return_elements is not None and not all(
        isinstance(e, (str, bytes)) for e in return_elements
    ):
        raise TypeError("return_elements must be a list of strings.")


def _as_tensors(graph: Graph, input_map: dict[Any, Any], prefix: str) -> dict[Any, Any]:
    """Converts what else than tensors stands in an input map."""
    if all(isinstance(v, Tensor) for v in input_map.values()):
        return input_map
    if not prefix:
        raise ValueError(
            "import_graph_def needs a non-empty `name` if `input_map` contains values that are no "
            "tensors, to call the constants by"
        )
    with graph.name_scope("_inputs"):
        return {k: convert_to_tensor(v) for k, v in input_map.items()}


def _check_versions(versions: Any) -> None:
    if versions.min_consumer > GRAPH_DEF_PRODUCER:
        raise ValueError(
            f"GraphDef min consumer version {versions.min_consumer} above current version "
            f"{GRAPH_DEF_PRODUCER}. "
            "The graph needs a newer version of Millstream."
        )
    if GRAPH_DEF_PRODUCER in versions.bad_consumers:
        raise ValueError(f"GraphDef disallows consumer version {GRAPH_DEF_PRODUCER}.")


class Importer:
    """One import: maps names in the message to nodes in the graph as they are made."""

    def __init__(
        self, graph: Graph, graph_def: Any, input_map: dict[Any, Any], producer_op_list: Any
    ) -> None:
        self.graph = graph
        self.defs: dict[str, Any] = {}
        for node_def in graph_def.node:
            if node_def.name in self.defs:
                raise ValueError(f"Node '{node_def.name}' is not unique in the GraphDef")
            self.defs[node_def.name] = node_def
        self.input_map = {self._key(k): v for k, v in input_map.items()}
        self.used: set[str] = set()
        self.made: dict[str, Operation] = {}
        self.prefix = f"{graph.name_stack}/" if graph.name_stack else ""
        self.library = graph_def.library
        self.producer_ops = {op.name: op for op in producer_op_list.op} if producer_op_list else {}
        self.names = self._free_names()

    def _free_names(self) -> dict[str, str]:
        """Chooses the new nodes' names: the message's under the prefix, if need be numbered."""
        taken: set[str] = set()
        names: dict[str, str] = {}
        for name in self.defs:
            full = free = f"{self.prefix}{name}"
            count = 0
            while free in taken or self.graph.find_operation(free) is not None:
                count += 1
                free = f"{full}_{count}"
            taken.add(free)
            names[name] = free
        return names

    def has(self, edge: str) -> bool:
        """Returns whether the imported graph has a tensor or node of the message's name `edge`."""
        node = self.made.get(_node_of(edge))
        index = _index_of(edge)
        return node is not None and index is not None and index < max(len(node.values()), 1)

    @staticmethod
    def _key(key: Any) -> str:
        text = key.decode() if isinstance(key, bytes) else key
        return text[:-2] if text.endswith(":0") else text

    def run(self) -> None:
        """Makes all nodes, producers before consumers; loops' back edges are joined at the end."""
        for function in self.library.function:
            copy = protos.FunctionDef()
            copy.CopyFrom(function)
            name = function.signature.name
            root = outermost(self.graph)
            root.functions.setdefault(name, Function(name, None, copy, root))
        for pair in self.library.gradient:
            function = self.graph.functions.get(pair.function_name)
            if function is not None:
                function.gradient_name = pair.gradient_func
        back_edges: list[tuple[str, int, str]] = []
        for node_def in self._ordered():
            self._make(node_def, back_edges)
        for name, index, edge in back_edges:
            self.made[name].update_input(index, self.tensor(name, edge))

    def _ordered(self) -> Iterator[Any]:
        """Yields the node messages in an order in which inputs come first, but for `NextIteration`s
        of `Merge`s.
        """
        state: dict[str, int] = {}  # 1: being visited, 2: done
        for root in self.defs:
            stack = [] if root in state else [(root, iter(self._producers(root)))]
            state.setdefault(root, 1)
            while stack:
                name, producers = stack[-1]
                pending = next((p for p in producers if state.get(p) != 2), None)
                if pending is None:
                    stack.pop()
                    state[name] = 2
                    yield self.defs[name]
                elif state.get(pending) == 1:
                    raise ValueError(f"Node '{name}': the graph has a cycle through '{pending}'")
                else:
                    state[pending] = 1
                    stack.append((pending, iter(self._producers(pending))))

    def _producers(self, name: str) -> list[str]:
        node_def = self.defs[name]
        names: list[str] = []
        for edge in node_def.input:
            if self._key(edge) in self.input_map:
                continue
            producer = _node_of(edge)
            if producer not in self.defs:
                raise ValueError(f"Node '{name}': Unknown input node '{edge}'")
            if not self._is_back_edge(node_def, producer):
                names.append(producer)
        return names

    def _is_back_edge(self, node_def: Any, producer: str) -> bool:
        back = ("NextIteration", "RefNextIteration")
        return node_def.op in ("Merge", "RefMerge") and self.defs[producer].op in back

    def _make(self, node_def: Any, back_edges: list[tuple[str, int, str]]) -> None:
        opdef = registry.lookup(node_def.op)
        if opdef is None and node_def.op in self.graph.functions:
            node_def = _as_call(node_def, self.graph.functions[node_def.op])
            opdef = registry.get(node_def.op)
        if opdef is None:
            raise NotFoundError(
                None,
                None,
                f"Op type not registered '{node_def.op}' in Millstream, wanted by node "
                f"'{node_def.name}'",
            )
        inputs: list[Tensor | None] = []
        controls: list[Operation] = []
        for edge in node_def.input:
            if edge.startswith("^"):
                controls.append(self._control(edge))
            elif _node_of(edge) in self.defs and self._is_back_edge(node_def, _node_of(edge)):
                back_edges.append((node_def.name, len(inputs), edge))
                inputs.append(None)
            else:
                inputs.append(self.tensor(node_def.name, edge))
        known = next((t for t in inputs if t is not None), None)
        filled = [known if t is None else t for t in inputs]
        if any(t is None for t in filled):
            raise ValueError(f"Node '{node_def.name}': all inputs are back edges")
        node = self._create(node_def, opdef, filled)
        if controls:
            node.add_control_inputs(controls)
        if back_edges and back_edges[-1][0] == node_def.name:
            for tensor in node.values():
                tensor._shape = TensorShape(None)  # pyright: ignore[reportPrivateUsage]
        self.made[node_def.name] = node

    def _classes(self, name: str, classes: Any) -> tuple[str, ...]:
        """Returns colocation classes with the names that their nodes have here."""
        found: list[str] = []
        items: list[Any] = list(classes) if isinstance(classes, tuple) else [None]  # pyright: ignore[reportUnknownArgumentType]
        for c in items:
            if not isinstance(c, str):
                raise ValueError(f"Node '{name}': attr '_class' must be a list of UTF-8 strings")
            renamed = self.names.get(c[5:], self.prefix + c[5:])
            found.append(f"loc:@{renamed}" if c.startswith("loc:@") else c)
        return tuple(found)

    def _create(self, node_def: Any, opdef: Any, inputs: list[Any]) -> Operation:
        attrs = {k: attr_values.from_proto(v) for k, v in node_def.attr.items()}
        shapes = attrs.pop("_output_shapes", None)
        if "_class" in attrs:
            attrs["_class"] = self._classes(node_def.name, attrs["_class"])
        self._check_attrs(node_def, opdef, attrs)
        try:
            arguments = attr_values.complete(opdef, inputs, attrs)
            self._check_types(node_def, opdef, inputs, arguments[2])
            with self.graph.control_dependencies(None):
                node = self.graph.create_node(*arguments, f"{self.names[node_def.name]}/")
        except (TypeError, ValueError) as error:
            raise ValueError(f"Node '{node_def.name}': {error}") from None
        if node_def.device:
            node.set_device(node_def.device)
        for tensor, shape in zip(node.values(), shapes or (), strict=False):
            tensor.set_shape(shape)
        return node

    def _check_attrs(self, node_def: Any, opdef: Any, attrs: dict[str, Any]) -> None:
        """Refuses attrs that are missing or unknown; drops those that a newer op had added."""
        for spec in opdef.attrs.values():
            if spec.name not in attrs and not spec.has_default:
                raise ValueError(
                    f"Node '{node_def.name}': NodeDef missing attr '{spec.name}' of op "
                    f"'{opdef.name}'"
                )
        for key in [k for k in attrs if k not in opdef.attrs and not k.startswith("_")]:
            declared = self.producer_ops.get(opdef.name)
            defaults = {a.name: a.default_value for a in declared.attr} if declared else {}
            if defaults.get(key) != node_def.attr[key]:
                raise ValueError(
                    f"Node '{node_def.name}': NodeDef mentions attr '{key}' that op "
                    f"'{opdef.name}' does not have; was it made by a newer TensorFlow?"
                )
            del attrs[key]

    def _check_types(
        self, node_def: Any, opdef: Any, inputs: list[Tensor], attrs: dict[str, Any]
    ) -> None:
        spans = attr_values.input_types(opdef, attrs)
        if len(spans) != len(inputs):
            raise ValueError(
                f"NodeDef expected {len(spans)} inputs of op '{opdef.name}', found {len(inputs)}"
            )
        for index, (tensor, wanted) in enumerate(zip(inputs, spans, strict=True)):
            if tensor.dtype.base_dtype is not wanted:
                raise ValueError(
                    f"Input {index} of node {node_def.name} was passed "
                    f"{tensor.dtype.base_dtype.name} from "
                    f"{tensor.name} incompatible with expected {wanted.name}."
                )

    def _control(self, edge: str) -> Operation:
        if edge in self.input_map:
            self.used.add(edge)
            return self.input_map[edge].op
        return self.made[edge[1:]]

    def tensor(self, name: str, edge: str) -> Tensor:
        """Returns the tensor that an edge of the message names, wanted by node `name`."""
        key = self._key(edge)
        if key in self.input_map:
            self.used.add(key)
            target = self.input_map[key]
            return self.graph.as_graph_element(target, allow_operation=False)
        producer, index = _node_of(edge), _index_of(edge)
        if index is None:
            raise ValueError(f"Node '{name}': Unknown input node '{edge}'")
        outputs = self.made[producer].values()
        if index >= len(outputs):
            raise ValueError(
                f"Node '{name}': Connecting to invalid output {index} of source node "
                f"{producer} which has {len(outputs)} outputs"
            )
        return outputs[index]

    def element(self, wanted: Any) -> Any:
        """Returns the node or tensor that was imported under a name of the message."""
        text = wanted.decode() if isinstance(wanted, bytes) else wanted
        node_name, colon, index = text.rpartition(":")
        node = self.made.get(node_name if colon else text)
        if node is None or (colon and (not index.isdigit() or int(index) >= len(node.values()))):
            raise ValueError(f"Requested return_element '{text}' not found in graph_def.")
        return node.values()[int(index)] if colon else node


def _as_call(node_def: Any, function: Function) -> Any:
    """Returns the message of a node whose op is a function as one that calls the function."""
    signature = function.to_proto().signature
    call = protos.NodeDef(name=node_def.name, device=node_def.device, input=node_def.input)
    call.op = "StatefulPartitionedCall" if signature.is_stateful else "PartitionedCall"
    call.attr["f"].func.name = function.name
    call.attr["Tin"].list.SetInParent()
    call.attr["Tin"].list.type.extend(arg.type for arg in signature.input_arg)
    call.attr["Tout"].list.SetInParent()
    call.attr["Tout"].list.type.extend(arg.type for arg in signature.output_arg)
    return call


def _node_of(edge: str) -> str:
    return edge[1:] if edge.startswith("^") else edge.partition(":")[0]


def _index_of(edge: str) -> int | None:
    """Returns which output an edge names, `None` if that is no number."""
    _, colon, index = edge.partition(":")
    if not colon:
        return 0
    return int(index) if index.isdecimal() else None
