"""Common subexpressions: compute equal nodes once."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.ir.node import Operation
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune


def merge_equal_nodes(program: Program) -> None:
    """Lets the first of several nodes with equal op, inputs, attrs and order stand for all."""
    first: dict[Any, Operation] = {}
    changed = False
    for node in program.nodes:
        key = _key(program, node)
        if key is None:
            continue
        found = first.setdefault(key, node)
        if found is not node:
            program.merged[node] = found
            program.aliases.update(zip(node.values(), found.values()))
            changed = True
    if changed:
        prune(program)


def _key(program: Program, node: Operation) -> Any:
    if node.opdef.effect is not None or node.opdef.stateful or not node.values():
        return None
    tensors = program.inputs(node)
    # A ref is read when its consumer runs: two readers may see different values.
    if any(t.dtype.is_ref for t in tensors) or any(t in program.fed for t in node.values()):
        return None
    attrs = node.attrs
    if any(isinstance(v, np.ndarray) for v in attrs.values()):
        return None
    try:
        items = frozenset((k, v) for k, v in attrs.items() if not k.startswith("_"))
        key = (node.type, tuple(tensors), items, node.device, frozenset(program.controls(node)))
        hash(key)
    except TypeError:
        return None
    return key
