"""Prune: keep the nodes that the fetches need, given the feeds."""

from __future__ import annotations

from millstream.ir.node import Operation
from millstream.rewrite.program import Program, sort_nodes


def prune(program: Program, ordered: bool = True) -> None:
    """Sets `program.nodes` to what must run, in order; or by creation, if there may be cycles."""
    seen: set[Operation] = set()
    stack = list(program.roots())
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(program.predecessors(node))
    program.nodes = sort_nodes(program, seen) if ordered else sorted(seen, key=lambda node: node.id)
