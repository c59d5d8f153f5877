"""`tf.graph_util`: GraphDefs cut down, stripped of training nodes, and frozen."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import Any

from millstream.base import logging
from millstream.base.dtypes import as_dtype, int32
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.tensors import make_tensor_proto
from millstream.ir.graph import Graph

_REF_VARIABLES = frozenset(("Variable", "VariableV2"))
_CPU_TYPES = {
    "Const": ("dtype", ("DT_STRING", "DT_INT32")),
    "DynamicStitch": ("T", ("DT_INT32",)),
    "ParallelDynamicStitch": ("T", ("DT_INT32",)),
    "Cast": ("SrcT", ("DT_INT32",)),
}


@export("graph_util.must_run_on_cpu")
def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Tells whether TensorFlow can run a node on a CPU only.

    Args:
      node: an `Operation` or `NodeDef`.
      pin_variables_on_cpu: whether to count variables among them.
    """
    node_def = node if hasattr(node, "attr") else node.node_def
    if pin_variables_on_cpu and node_def.op in _REF_VARIABLES | {"VarHandleOp"}:
        return True
    if node_def.op not in _CPU_TYPES:
        return False
    attr, types = _CPU_TYPES[node_def.op]
    return node_def.attr[attr].type in {protos.DataType.Value(name) for name in types}


@export("graph_util.tensor_shape_from_node_def_name")
def tensor_shape_from_node_def_name(graph: Graph, input_name: str) -> Any:
    """Returns the static shape of a tensor that is named as a NodeDef's input is (`x` or `x:1`)."""
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name).get_shape()


@export("graph_util.extract_sub_graph")
def extract_sub_graph(graph_def: Any, dest_nodes: Iterable[str]) -> Any:
    """Returns the part of a graph that some nodes depend on, in the order of the graph.

    Args:
      graph_def: the `GraphDef`.
      dest_nodes: names of the nodes.

    Raises:
      TypeError: if `graph_def` is no `GraphDef`, or `dest_nodes` one string.
      AssertionError: if a node is not in the graph.
    """
    _check_graph_def(graph_def)
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    by_name = {node.name: node for node in graph_def.node}
    for name in dest_nodes:
        if name not in by_name:
            raise AssertionError(f"{name} is not in graph")
    needed = set(dest_nodes)
    waiting = deque(dest_nodes)
    while waiting:
        for edge in by_name[waiting.popleft()].input:
            name = _node_of(edge)
            if name not in by_name:
                raise AssertionError(f"{name}, which a node takes, is not in graph")
            if name not in needed:
                needed.add(name)
                waiting.append(name)
    return _with_nodes(graph_def, [node for node in graph_def.node if node.name in needed])


@export("graph_util.remove_training_nodes")
def remove_training_nodes(input_graph: Any, protected_nodes: Collection[str] | None = None) -> Any:
    """Returns a graph without the nodes that only training needs.

    `CheckNumerics` nodes and `Identity` nodes without control inputs go; what took their output
    takes their input.

    Args:
      input_graph: the `GraphDef` of a model ready for inference.
      protected_nodes: names of nodes to keep.
    """
    protected = frozenset(protected_nodes or ())
    replaced = {
        node.name: node.input[0]
        for node in input_graph.node
        if node.op in ("Identity", "CheckNumerics")
        and node.name not in protected
        and not any(edge.startswith("^") for edge in node.input)
    }
    kept: list[Any] = []
    for node in input_graph.node:
        if node.name not in replaced:
            copy = protos.NodeDef()
            copy.CopyFrom(node)
            copy.input[:] = [_resolved(edge, replaced) for edge in node.input]
            kept.append(copy)
    return _with_nodes(input_graph, kept)


def _resolved(edge: str, replaced: dict[str, str]) -> str:
    mark = "^" if edge.startswith("^") else ""
    while _node_of(edge) in replaced:
        edge = replaced[_node_of(edge)]
    return mark + (_node_of(edge) if mark else edge.removeprefix("^"))


@export("graph_util.convert_variables_to_constants")
def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: list[str],
    variable_names_whitelist: Collection[str] | None = None,
    variable_names_blacklist: Collection[str] | None = None,
) -> Any:
    """Freezes a graph: replaces its variables by constants with their values in a session.

    Args:
      sess: the session with the variables.
      input_graph_def: the `GraphDef` of the session's graph.
      output_node_names: names of the nodes to keep, with what they depend on.
      variable_names_whitelist: names of the only variables to replace.
      variable_names_blacklist: names of variables to leave.

    Returns:
      The `GraphDef` of the frozen graph.

    Raises:
      AssertionError: if a node is not in the graph.
      FailedPreconditionError: if a variable has no value yet.
      ValueError: if a resource variable that is to be replaced is used by an op that cannot
        take a constant instead, such as an assignment.

    Example:
      >>> frozen = tf.graph_util.convert_variables_to_constants(     # doctest: +SKIP
      ...     sess, sess.graph.as_graph_def(), ["softmax"])
    """
    graph_def = extract_sub_graph(input_graph_def, output_node_names)
    names = [node.name for node in graph_def.node if _is_variable(node)]
    if variable_names_whitelist is not None:
        names = [name for name in names if name in variable_names_whitelist]
    names = [name for name in names if name not in (variable_names_blacklist or ())]
    arrays = dict(zip(names, sess.run([_reading(sess.graph, name) for name in names])))
    logging.info("Froze %d variables.", len(arrays))
    frozen = _Freezer(graph_def, arrays).run()
    logging.info("Converted %d variables to const ops.", len(arrays))
    return frozen


def _is_variable(node: Any) -> bool:
    return node.op in _REF_VARIABLES or node.op == "VarHandleOp"


def _reading(graph: Graph, name: str) -> str:
    """Names a tensor that gives the value of a variable."""
    node = graph.get_operation_by_name(name)
    if node.type != "VarHandleOp":
        return f"{name}:0"
    for consumer in node.outputs[0].consumers():
        if consumer.type == "ReadVariableOp" and not consumer.control_inputs:
            return consumer.outputs[0].name
    raise ValueError(f"No node of the graph reads the variable '{name}'.")


class _Freezer:
    """Replaces variables, and the nodes that take their handles, in a GraphDef."""

    def __init__(self, graph_def: Any, arrays: dict[str, Any]):
        self._graph_def = graph_def
        self._arrays = arrays
        self._nodes = {node.name: node for node in graph_def.node}

    def run(self) -> Any:
        nodes: list[Any] = []
        for node in self._graph_def.node:
            nodes.extend(self._replaced(node))
        return _with_nodes(self._graph_def, nodes)

    def _replaced(self, node: Any) -> list[Any]:
        if node.name in self._arrays:
            return [_constant(node.name, self._arrays[node.name])]
        taken = [edge for edge in node.input if self._handle_in(edge)]
        if not taken:
            return [node]
        replace = _FROZEN.get(node.op)
        if replace is None:
            raise ValueError(
                f"Cannot freeze: node '{node.name}' ({node.op}) uses the variable "
                f"'{self._handle_in(taken[0])}' itself, not its value. Name outputs that do not "
                "need it, or put the variable on the blacklist."
            )
        variable = self._arrays[self._handle_in(taken[0])]
        return replace(node, as_dtype(variable.dtype).as_datatype_enum)

    def _handle_in(self, edge: str) -> str:
        """Names the variable to freeze whose handle an edge carries, or gives ""."""
        if edge.startswith("^"):
            return ""
        node = self._nodes[_node_of(edge)]
        while node.op == "Identity":
            node = self._nodes[_node_of(node.input[0])]
        return node.name if node.op == "VarHandleOp" and node.name in self._arrays else ""


def _constant(name: str, array: Any) -> Any:
    node = protos.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = as_dtype(array.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(array))
    return node


def _frozen_identity(node: Any, dtype: int) -> list[Any]:
    frozen = protos.NodeDef(name=node.name, op="Identity", input=node.input, device=node.device)
    frozen.attr["T"].type = dtype
    if "_class" in node.attr:
        frozen.attr["_class"].CopyFrom(node.attr["_class"])
    return [frozen]


def _frozen_gather(node: Any, dtype: int) -> list[Any]:
    axis = protos.NodeDef(name=f"{node.name}/axis", op="Const", device=node.device)
    axis.attr["dtype"].type = int32.as_datatype_enum
    axis.attr["value"].tensor.CopyFrom(make_tensor_proto(0, int32))
    frozen = protos.NodeDef(name=node.name, op="GatherV2", device=node.device)
    frozen.input.extend([*node.input[:2], axis.name, *node.input[2:]])
    frozen.attr["Tparams"].type = dtype
    frozen.attr["Tindices"].type = node.attr["Tindices"].type
    frozen.attr["Taxis"].type = int32.as_datatype_enum
    if "_class" in node.attr:
        frozen.attr["_class"].CopyFrom(node.attr["_class"])
    return [axis, frozen]


_FROZEN = {
    "ReadVariableOp": _frozen_identity,
    "Identity": _frozen_identity,
    "ResourceGather": _frozen_gather,
}


def _check_graph_def(graph_def: Any) -> None:
    if not hasattr(graph_def, "node") or not hasattr(graph_def, "versions"):
        raise TypeError("graph_def must be a GraphDef proto.")


def _with_nodes(graph_def: Any, nodes: Iterable[Any]) -> Any:
    """Returns a GraphDef of these nodes, with the library and versions of another."""
    found = protos.GraphDef()
    found.node.extend(nodes)
    found.library.CopyFrom(graph_def.library)
    found.versions.CopyFrom(graph_def.versions)
    return found


def _node_of(edge: str) -> str:
    return edge.removeprefix("^").partition(":")[0]
