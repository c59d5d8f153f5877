"""The gradient of a function as a function: what the op `SymbolicGradient` runs."""

from __future__ import annotations

from millstream.autodiff.branches import backpropagate, dense
from millstream.autodiff.control_flow import register_gradients
from millstream.ir.copying import copy_nodes
from millstream.ir.func_graph import FuncGraph, outermost
from millstream.ir.function import unique_function_name
from millstream.ops.array import zeros_like

register_gradients()


def symbolic_body(function: FuncGraph) -> FuncGraph:
    """Returns a body that computes the gradients of a function's arguments.

    Its arguments are the function's and the gradients of the function's results. If the function
    has a gradient function in the library, that is returned.
    """
    root = outermost(function)
    given = root.functions.get(function.name)
    if given is not None and given.gradient_name:
        return root.functions[given.gradient_name].graph
    found = function.symbolic_gradient
    if found is None:
        finished, root._finalized = root._finalized, False
        try:
            found = function.symbolic_gradient = _make(function)
        finally:
            root._finalized = finished
    return found


def _make(function: FuncGraph) -> FuncGraph:
    root = outermost(function)
    body = FuncGraph(unique_function_name(f"{function.name}_grad", root), root, inline=False)
    inputs = [body.add_input(t.dtype, t.shape) for t in function.inputs]
    seeds = [body.add_input(t.dtype.base_dtype, t.shape) for t in function.outputs]
    with body.as_default():
        copies = copy_nodes(function, dict(zip(function.inputs, inputs)))
        found = backpropagate([copies[t] for t in function.outputs], seeds, inputs)
        body.outputs = [
            body.capture(zeros_like(x) if dx is None else dense(dx)) for x, dx in zip(inputs, found)
        ]
    return body
