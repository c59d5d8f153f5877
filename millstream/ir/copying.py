# pyright: reportPrivateUsage=false
"""Copies of function bodies: for a call that needs more outputs than others of the function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import unique_function_name
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor


def copy_node(
    node: Operation, inputs: Iterable[Tensor], controls: Iterable[Operation], infer: bool = False
) -> Any:
    """Adds a node like `node`, on other inputs, to the default graph.

    Its outputs have the shapes of `node`'s, unless `infer` says that they follow from the inputs.
    """
    graph = get_default_graph()
    types = [t.dtype for t in node.values()]
    copy = graph.create_node(node.opdef, list(inputs), dict(node.attrs), types, node.name + "/")
    for old, new in zip(node.values(), copy.values()):
        new._shape = new._shape if infer else old.shape
        new._handle_data = old._handle_data
    controls = list(controls)
    if controls:
        copy.add_control_inputs(controls)
    return copy


def copy_nodes(
    source: FuncGraph, known: dict[Tensor, Tensor], infer: bool = False
) -> dict[Tensor, Tensor]:
    """Adds copies of a body's nodes to the default graph.

    Args:
      source: The body.
      known: What to use for its inputs.
      infer: Whether shapes are worked out anew.

    Returns:
      For each tensor of the body, its copy.
    """
    copies = dict(known)
    nodes: dict[Operation, Operation] = {}
    inputs = {t.op for t in source.inputs}
    for node in source.nodes:
        if node in inputs:
            continue
        controls = [nodes[c] for c in node.control_inputs if c in nodes]
        copy = copy_node(node, [copies[t] for t in node.inputs], controls, infer)
        nodes[node] = copy
        copies.update(zip(node.values(), copy.values()))
    return copies


def copy_body(source: FuncGraph) -> FuncGraph:
    """Returns a body that computes the same under another name; nodes keep their names."""
    outer = source.outer
    body = FuncGraph(unique_function_name(source.name, outer), outer, inline=False)
    body.prefix = source.prefix
    body.runs_side_effects = source.runs_side_effects
    known: dict[Tensor, Tensor] = {}
    for tensor in source.inputs:
        made = body.add_input(tensor.dtype, tensor.shape, tensor.op.name)
        made._handle_data = tensor._handle_data
        known[tensor] = made
    with body.as_default():
        copies = copy_nodes(source, known)
    body.outputs = [copies[t] for t in source.outputs]
    return body
