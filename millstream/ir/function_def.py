"""Functions to messages and back: `FunctionDef`.

In a `FunctionDef` a node's output is named by the output's name in its op, `node:out_arg:index`,
and an argument by its name alone.
"""

from __future__ import annotations

import re
from typing import Any

from millstream.base.dtypes import as_dtype
from millstream.base.errors import NotFoundError
from millstream.formats import protos
from millstream.ir import attrs as attr_values
from millstream.ir import graphdef, registry
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import Function
from millstream.ir.graph import Graph
from millstream.ir.importer import Importer
from millstream.ir.node import Operation
from millstream.ir.opdef import ArgSpec, arg_spans
from millstream.ir.tensor import Tensor


def encode_function(graph: FuncGraph) -> Any:
    """Returns a body as a `FunctionDef`."""
    message = protos.FunctionDef()
    signature = message.signature
    signature.name = graph.name
    names: dict[str, int] = {}
    edges: dict[Tensor, str] = {}
    for index, tensor in enumerate(graph.inputs):
        arg = signature.input_arg.add()
        arg.name = edges[tensor] = _argument_name(tensor.op.name, names)
        arg.type, arg.is_ref = tensor.dtype.base_dtype.enum, tensor.dtype.is_ref
        shape = attr_values.to_proto((tensor.shape,))
        message.arg_attr[index].attr["_output_shapes"].CopyFrom(shape)
    inputs = {t.op for t in graph.inputs}
    for node in graph.nodes:
        if node not in inputs:
            _encode_node(message, node, edges)
    signature.is_stateful = any(n.opdef.stateful for n in graph.nodes if n not in inputs)
    for tensor in graph.outputs:
        arg = signature.output_arg.add()
        arg.name = _argument_name(tensor.op.name, names)
        arg.type = tensor.dtype.base_dtype.enum
        message.ret[arg.name] = edges[tensor]
    return message


def _argument_name(name: str, taken: dict[str, int]) -> str:
    """Makes a name such as arguments have: lower case, without slashes, not used yet."""
    base = re.sub(r"[^a-z0-9]", "_", name.rpartition("/")[2].lower())
    if not base[:1].isalpha():
        base = f"arg_{base}"
    full = base
    while full in taken:
        taken[base] += 1
        full = f"{base}_{taken[base]}"
    taken[full] = 0
    return full


def _encode_node(message: Any, node: Operation, edges: dict[Tensor, str]) -> None:
    found = message.node_def.add()
    found.CopyFrom(graphdef.encode_node(node))
    del found.input[:]
    found.input.extend(edges[t] for t in node.inputs)
    found.input.extend(f"^{c.name}" for c in node.control_inputs)
    for arg, (start, stop) in zip(node.opdef.outputs, node.opdef.output_spans(node)):
        for index, tensor in enumerate(node.values()[start:stop]):
            edges[tensor] = f"{node.name}:{arg.name}:{index}"


def decode_function(message: Any, owner: Graph) -> FuncGraph:
    """Returns the body that a `FunctionDef` describes, inside of `owner`.

    Raises:
      ValueError: if the message is malformed.
      NotFoundError: if an op is unknown.
    """
    graph = FuncGraph(message.signature.name, owner, inline=False)
    arguments: dict[str, Tensor] = {}
    for index, arg in enumerate(message.signature.input_arg):
        dtype = as_dtype(arg.type)
        if arg.is_ref:
            dtype = dtype._as_ref  # pyright: ignore[reportPrivateUsage]
        arguments[arg.name] = graph.add_input(dtype, _shape_of(message, index), arg.name)
    flat = protos.GraphDef()
    outputs = _OutputNames(message.node_def, owner)
    for node_def in message.node_def:
        copy = flat.node.add()
        copy.CopyFrom(node_def)
        copy.input[:] = [outputs.flat(edge) for edge in node_def.input]
    with graph.as_default():
        importer = Importer(graph, flat, dict(arguments), None)
        importer.run()
        for arg in message.signature.output_arg:
            if arg.name not in message.ret:
                raise ValueError(f"Function {graph.name} returns nothing for output '{arg.name}'")
            edge = outputs.flat(message.ret[arg.name])
            graph.outputs.append(importer.tensor(graph.name, edge))
    return graph


def _shape_of(message: Any, index: int) -> Any:
    if index not in message.arg_attr:
        return None
    shapes = attr_values.from_proto(message.arg_attr[index].attr["_output_shapes"])
    return shapes[0] if shapes else None


class _OutputNames:
    """Translates `node:out_arg:index` to `node:flat index`."""

    def __init__(self, node_defs: Any, owner: Graph) -> None:
        self._defs = {node_def.name: node_def for node_def in node_defs}
        self._owner = owner

    def flat(self, edge: str) -> str:
        name, _, rest = edge.partition(":")
        node_def = self._defs.get(name)
        if node_def is None or edge.startswith("^") or not rest:
            return name if node_def is None and not edge.startswith("^") else edge
        out_arg, _, index = rest.partition(":")
        for arg, (start, stop) in self._spans(node_def):
            if arg.name == out_arg and start + int(index or 0) < stop:
                return f"{name}:{start + int(index or 0)}"
        raise ValueError(f"Node '{name}' ({node_def.op}) has no output '{rest}'")

    def _spans(self, node_def: Any) -> list[tuple[ArgSpec, tuple[int, int]]]:
        opdef = registry.lookup(node_def.op)
        if opdef is None and node_def.op in self._owner.functions:
            signature = self._owner.functions[node_def.op].to_proto().signature
            return [(ArgSpec(a.name), (i, i + 1)) for i, a in enumerate(signature.output_arg)]
        if opdef is None:
            raise NotFoundError(None, None, f"Op type not registered '{node_def.op}' in Millstream")
        attrs = {k: attr_values.from_proto(v) for k, v in node_def.attr.items()}
        return list(zip(opdef.outputs, arg_spans(opdef.outputs, attrs)))


Function.encode = staticmethod(encode_function)
Function.decode = staticmethod(decode_function)
