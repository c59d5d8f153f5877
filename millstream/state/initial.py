"""Initial values that depend on other variables, which may not have their values yet."""

from __future__ import annotations

from typing import Any

from millstream.ir.graph_collections import GraphKeys
from millstream.ir.node import Operation
from millstream.ir.opdef import Variable as VariableEffect
from millstream.ir.tensor import Tensor

# What these give does not depend on the order of initialisation, or is the program's own care.
_KEPT = frozenset(
    (
        "IsVariableInitialized", "ReadVariableOp", "VarIsInitializedOp",
    )
)  # fmt: skip


def guarded(name: str, initial_value: Tensor) -> Tensor:
    """Returns `initial_value` computed from the initial values of variables that have none yet.

    The nodes between those variables and `initial_value` are copied, as `<node>_<name>`.

    Args:
      name: name of the variable that is to be initialised.
      initial_value: what it is to be initialised with.
    """
    if _has_cycle(initial_value.op):
        return initial_value
    return _Copier(name.replace("/", "_").replace(":", "_")).safe(initial_value)


def _has_cycle(start: Operation) -> bool:
    """Tells whether a loop of control flow lies behind a node."""
    path: set[Operation] = set()
    done: set[Operation] = set()
    stack: list[tuple[Operation, bool]] = [(start, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            path.discard(node)
            done.add(node)
        elif node in path:
            return True
        elif node not in done:
            path.add(node)
            stack.append((node, True))
            before = [t.op for t in node.inputs] + node.control_inputs
            stack += [(n, False) for n in before if n not in done]
    return False


def _is_kept(node: Operation) -> bool:
    """Tells whether a node is safe as it is, such as one that asks whether there is a value."""
    if node.type in ("If", "StatelessIf"):
        return node.inputs[0].op.type in ("IsVariableInitialized", "VarIsInitializedOp")
    return node.type in _KEPT


class _Copier:
    """Copies the part of the graph that depends on uninitialised variables."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._replaced: dict[Tensor, Tensor] = {}

    def safe(self, tensor: Tensor) -> Tensor:
        """Returns what to use in place of `tensor`, which is the tensor itself where it is safe."""
        for node in _inputs_first(tensor.op):
            self._replace_outputs(node)
        return self._replaced.get(tensor, tensor)

    def _replace_outputs(self, node: Operation) -> None:
        if _is_kept(node) or not node.values() or node.values()[0] in self._replaced:
            return
        if isinstance(node.opdef.effect, VariableEffect):
            variable = _variable_of(node)
            if variable is not None:
                self._replaced[node.values()[0]] = variable.initialized_value()
            return
        inputs = [self._replaced.get(t, t) for t in node.inputs]
        if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
            return
        copy = _copied(node, inputs, f"{node.name}_{self._suffix}")
        self._replaced.update(zip(node.values(), copy.values(), strict=True))


def _copied(node: Operation, inputs: list[Tensor], name: str) -> Operation:
    """Adds a node like `node` on other inputs."""
    graph = node.graph
    with graph.name_scope(""):
        types = [t.dtype.base_dtype for t in node.values()]
        return graph.create_node(node.opdef, inputs, dict(node.attrs), types, name)


def _inputs_first(start: Operation) -> list[Operation]:
    """Lists the nodes behind `start`, each after those that it takes inputs of."""
    order: list[Operation] = []
    seen: set[Operation] = set()
    stack: list[tuple[Operation, bool]] = [(start, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if not _is_kept(node):
                stack += [(t.op, False) for t in reversed(node.inputs)]
    return order


def _variable_of(node: Operation) -> Any:
    """Finds the variable object of a variable's node, if a collection has it."""
    for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in node.graph.get_collection(key):
            if variable.name in (node.name, f"{node.name}:0"):
                return variable
    return None
