"""Constant folding: run once, while planning, what depends on no feed and no state."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.ir.node import Operation
from millstream.ir.tensor import tensor_nbytes
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune
from millstream.rewrite.rules import bind_flat

# A folded value lives as long as its plan: `tf.zeros([1000, 1000])` in an initializer should not.
LARGEST_RESULT_BYTES = 1 << 16

SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank", "VariableShape"})
"""Ops whose outputs depend on their inputs' shapes alone."""


def fold(program: Program) -> None:
    """Replaces nodes by their values where every input's value, or only its shape, matters."""
    changed = False
    with np.errstate(all="ignore"):
        for node in program.nodes:
            changed |= _fold_node(program, node)
    if changed:
        prune(program)


def _fold_node(program: Program, node: Operation) -> bool:
    opdef = node.opdef
    pure = opdef.effect is None and not opdef.stateful and opdef.reference and node.values()
    if not pure or any(t in program.fed for t in node.values()):
        return False
    if node.type != "Const" and not all(_is_small(t) for t in node.values()):
        return False
    operands = _operands(program, node)
    if operands is None:
        return False
    try:
        results: Any = bind_flat(opdef.reference, node)(*operands)
    except Exception:  # noqa: BLE001 - it fails again, with its name, when a step runs it
        return False
    results = results if isinstance(results, (tuple, list)) else (results,)
    for tensor, value in zip(node.values(), results):  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        program.values[tensor] = value
    program.folded[node] = tuple(dict.fromkeys(program.predecessors(node)))
    return True


def _is_small(tensor: Any) -> bool:
    size = tensor_nbytes(tensor)
    return size is not None and size <= LARGEST_RESULT_BYTES


def _operands(program: Program, node: Operation) -> list[Any] | None:
    tensors = program.inputs(node)
    if node.type in SHAPE_OPS:
        if all(t.shape.is_fully_defined() and t.dtype.is_numpy_compatible for t in tensors):
            return [np.broadcast_to(np.empty((), t.dtype.np), t.shape.tuple) for t in tensors]
        return None
    values = program.values
    if all(t in values for t in tensors):
        return [values[t] for t in tensors]
    return None
