"""Functions: bodies of branches, loops, `Defun`s and dataset maps, in a graph's library.

A function is a `FuncGraph` under a name in `graph.functions`; an attr of kind `func` names it by a
`FunctionRef`. To make one of a Python function:

    body = build("my_map", fn, [(dtypes.float32, [None, 3])])     # a FuncGraph
    ref = register(body)                                          # a FunctionRef, for an attr
    node = SomeOp(..., list(body.captures), f=ref)                # captures become inputs

**Calling a function from a host op.** The `run` rule of a `Host` op gets `ctx`, and

    call = ctx.function(f, captured)      # once: `f` the attr's FunctionRef, `captured` the arrays
                                          # of what the body captured, in the order of its captures
    results = call([x, y])                # any number of times, from any thread

`call` takes a list of arrays, one per argument, and returns a list of arrays, one per output,
which the caller may keep and change. It is prepared once (planned, and compiled when that pays) and
safe to call from several threads at once; it remains usable after the step that made it, as long
as the session is open. Captured variables (refs and handles) are found through the graph and read
at each call; whatever stands for them in `captured` is not looked at. Assignments, prints and
assertions in the body run at each call even if no output needs them. Errors are `tf.errors`.

`FunctionDef` messages are written and read in `ir/function_def.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from millstream.base import nest
from millstream.base.dtypes import DType
from millstream.ir.attrs import FunctionRef
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph, outermost
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import Host, Writes


class Function:
    """A function of a graph's library: a `FuncGraph`, or a message that becomes one when needed.

    Attributes:
      name: Its name in the library.
      gradient_name: Name of the function that computes its gradient, or empty.
    """

    # Set by `millstream.ir.function_def`.
    encode: Callable[[FuncGraph], Any]
    decode: Callable[[Any, Graph], FuncGraph]

    def __init__(self, name: str, graph: FuncGraph | None, message: Any, owner: Graph) -> None:
        self.name = name
        self.gradient_name = ""
        self._graph, self._message, self._owner = graph, message, owner

    @property
    def graph(self) -> FuncGraph:
        """The body."""
        if self._graph is None:
            self._graph = Function.decode(self._message, self._owner)
        return self._graph

    def holds(self, name: str) -> bool:
        """Tells whether the body, where it is there already, has a node of a name."""
        return self._graph is not None and self._graph.find_operation(name) is not None

    def to_proto(self) -> Any:
        """Returns the function as a `FunctionDef`."""
        if self._message is not None:
            return self._message
        return Function.encode(self.graph)


def build(
    name: str,
    fn: Callable[..., Any],
    arguments: Sequence[tuple[DType, Any]],
    outer: Graph | None = None,
    inline: bool = False,
) -> FuncGraph:
    """Makes a body of a Python function of tensors.

    Args:
      name: What to call it; made unique in the library.
      fn: Called once, with a placeholder per argument. Returns a structure of tensors or values.
      arguments: (dtype, shape) of each argument.
      outer: The graph around it; by default the default graph.
      inline: Whether nodes inside are named as if they were nodes of the outer graph.

    Returns:
      The body. Its `structured_outputs` is what `fn` returned, as tensors of the body.
    """
    graph = FuncGraph(unique_function_name(name, outer), outer, inline)
    with graph.as_default():
        inputs = [graph.add_input(t, s, f"arg.{i}") for i, (t, s) in enumerate(arguments)]

        def inside(value: Any) -> Any:
            return graph.capture(convert_to_tensor(value))

        results = nest.map_structure(inside, fn(*inputs), expand_composites=True)
    graph.structured_outputs = results  # type: ignore[attr-defined]
    graph.outputs = nest.flatten(results, expand_composites=True)
    return graph


def register(graph: FuncGraph) -> FunctionRef:
    """Adds a body to the library of its outermost graph and returns what names it in attrs."""
    root = outermost(graph)
    root.functions[graph.name] = Function(graph.name, graph, None, root)
    root.note_change()
    return FunctionRef(graph.name)


def unique_function_name(name: str, graph: Graph | None = None) -> str:
    """Returns `name`, made a valid function name and numbered, as none in the library is called."""
    root = outermost(get_default_graph() if graph is None else graph)
    base = re.sub(r"\W", "_", name) or "function"
    while True:
        number = root.function_numbers.get(base, 0)
        root.function_numbers[base] = number + 1
        full = f"{base}_{number}" if number else base
        if full not in root.functions:
            return full


def body_of(graph: Graph, ref: FunctionRef) -> FuncGraph:
    """Returns the body that a `FunctionRef` in a node of `graph` names.

    Raises:
      ValueError: if the library has no such function.
    """
    found = graph.functions.get(ref.name)
    if found is None:
        raise ValueError(f"Function {ref.name} is not defined in the graph's library.")
    return found.graph


def side_effects(graph: FuncGraph) -> list[Operation]:
    """Lists the nodes of a body that are to run even if no output needs them."""
    return [node for node in graph.nodes if _has_side_effect(node)]


def _has_side_effect(node: Operation) -> bool:
    effect = node.opdef.effect
    if isinstance(effect, Writes):
        return True
    if not node.values():
        return node.opdef.stateful and node.type != "NoOp"
    return isinstance(effect, Host) and node.type in ("Print", "PyFunc")
