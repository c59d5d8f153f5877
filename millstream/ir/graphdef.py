"""Graphs to messages: `NodeDef`, `OpDef`, `GraphDef`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from millstream.formats import protos
from millstream.ir import attrs as attr_values

if TYPE_CHECKING:
    from millstream.ir.node import Operation
    from millstream.ir.opdef import ArgSpec, AttrSpec, OpDef


def encode_node(node: Operation, add_shapes: bool = False) -> Any:
    """Returns a node as a `NodeDef`.

    With `add_shapes` its static output shapes are in `_output_shapes`.
    """
    message = protos.NodeDef(name=node.name, op=node.type, device=node.device)
    message.input.extend(_edge(t.op.name, t.value_index) for t in node.inputs)
    message.input.extend(f"^{c.name}" for c in node.control_inputs)
    specs = node.opdef.attrs
    for key, value in node.attrs.items():
        spec = specs.get(key)
        message.attr[key].CopyFrom(attr_values.to_proto(value, spec.kind if spec else None))
    if add_shapes and node.values():
        shapes = tuple(t.shape for t in node.values())
        message.attr["_output_shapes"].CopyFrom(attr_values.to_proto(shapes))
    return message


def _edge(name: str, index: int) -> str:
    return f"{name}:{index}" if index else name


def encode_graph(
    nodes: Iterable[Operation], functions: Iterable[Any], producer: int, add_shapes: bool = False
) -> Any:
    """Returns nodes and library functions as a `GraphDef`."""
    message = protos.GraphDef()
    message.versions.producer = producer
    for node in nodes:
        found = message.node.add()
        found.CopyFrom(encode_node(node, add_shapes))
        if len(node.control_inputs) > 1:
            # As TensorFlow orders them in a whole graph, though not in a single `node_def`.
            found.input[len(node.inputs) :] = sorted(found.input[len(node.inputs) :])
    for function in functions:
        message.library.function.append(function.to_proto())
        if function.gradient_name:
            message.library.gradient.add(
                function_name=function.name, gradient_func=function.gradient_name
            )
    return message


def encode_op(opdef: OpDef) -> Any:
    """Returns an op's declaration as an `OpDef` message."""
    message = protos.OpDef(name=opdef.name, is_stateful=opdef.stateful)
    for arg in opdef.inputs:
        _encode_arg(message.input_arg.add(), arg)
    for arg in opdef.outputs:
        _encode_arg(message.output_arg.add(), arg)
    for spec in opdef.attrs.values():
        _encode_attr(message.attr.add(), spec)
    return message


def _encode_arg(message: Any, arg: ArgSpec) -> None:
    message.name = arg.name
    message.is_ref = arg.is_ref
    if arg.dtype is not None:
        message.type = arg.dtype.enum
    message.type_attr = arg.type_attr or ""
    message.type_list_attr = arg.type_list_attr or ""
    message.number_attr = arg.number_attr or ""


def _encode_attr(message: Any, spec: AttrSpec) -> None:
    message.name, message.type = spec.name, spec.kind
    if spec.allowed is not None:
        message.allowed_values.CopyFrom(attr_values.to_proto(spec.allowed))
    if spec.minimum is not None and (spec.kind == "int" or spec.kind.startswith("list")):
        message.has_minimum, message.minimum = True, spec.minimum
    if spec.has_default and spec.default is not None:
        message.default_value.CopyFrom(attr_values.to_proto(spec.default, spec.kind))
