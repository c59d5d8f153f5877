"""What branches and loops have in common: bodies made of Python functions, joined inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from millstream.base import dtypes
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph, outermost
from millstream.ir.function import register, unique_function_name
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor


@contextmanager
def uncounted(graph: Graph):
    """Is a context in which new nodes do not count, so that later seeds equal TF 1.15's.

    TF 1.15 makes other nodes for branches and loops; `count` accounts for those.
    """
    root = outermost(graph)
    last = root._last_id
    try:
        yield
    finally:
        root._last_id = last


def count(graph: Graph, nodes: int) -> None:
    """Counts nodes that TF 1.15 makes at this point and Millstream does not."""
    outermost(graph)._last_id += nodes


def new_body(name: str) -> FuncGraph:
    """Makes an empty body in the default graph, named after its scope."""
    outer = get_default_graph()
    scope = outer.get_name_scope().replace("/", "_")
    return FuncGraph(unique_function_name(f"{scope}_{name}" if scope else name, outer), outer)


def join_inputs(bodies: Sequence[FuncGraph], arguments: int) -> list[Tensor]:
    """Makes all bodies capture what any of them captures, in one order.

    Args:
      bodies: The bodies, all inside the same graph.
      arguments: How many of their inputs are no captures.

    Returns:
      The captured tensors of the graph around them.
    """
    tensors = list(dict.fromkeys(t for body in bodies for t in body.captures))
    with uncounted(bodies[0]):
        for body in bodies:
            captured = [body.capture(t) for t in tensors]
            body.inputs[:] = [*body.inputs[:arguments], *captured]
    return tensors


def registered(bodies: Sequence[FuncGraph]) -> list[Any]:
    """Adds bodies to the graph's library; gives the references for a node's attrs."""
    return [register(body) for body in bodies]


@contextmanager
def after_captured(bodies: Sequence[FuncGraph]):
    """Is a context in which new nodes wait for the outer nodes that nodes inside wait for."""
    controls: dict[Operation, None] = {}
    for body in bodies:
        controls.update(body.control_captures)
    with ExitStack() as stack:
        if controls:
            stack.enter_context(get_default_graph().control_dependencies(list(controls)))
        yield


def is_stateful(bodies: Sequence[FuncGraph]) -> bool:
    """Tells whether any node of the bodies has state."""
    return any(
        node.opdef.stateful for body in bodies for node in body.nodes if node.type != "Placeholder"
    )


def merged_shape(first: Any, second: Any) -> Any:
    """Gives what two partial shapes agree on."""
    return first.most_specific_compatible_shape(second)


def make_call(opdef: Any, inputs: Sequence[Tensor], attrs: dict[str, Any], types: Any, name: str):
    """Adds a node that takes its inputs as they are, refs and handles included."""
    graph = get_default_graph()
    return graph.create_node(opdef, inputs, attrs, types, name)


def base_types(tensors: Sequence[Tensor]) -> tuple[dtypes.DType, ...]:
    """Gives the types of tensors, refs as what they refer to."""
    return tuple(t.dtype.base_dtype for t in tensors)


def call_body(body: FuncGraph, fn: Callable[..., Any], *args: Any) -> Any:
    """Calls a Python function with the body as the default graph."""
    with body.as_default():
        return fn(*args)
