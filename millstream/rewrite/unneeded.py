"""Leave out pure nodes that others only wait for.

`tf.group` and `tf.control_dependencies` ask for nodes to run whose values nobody takes: gradients
of which a part is unused, a loss behind a training step. Without effects of their own they need not
run; whoever waited for them waits for what they would have waited for.
"""

from __future__ import annotations

from collections import Counter

from millstream.ir.node import Operation
from millstream.ir.opdef import Calls, Dynamic
from millstream.rewrite.program import PLACEHOLDERS, Program
from millstream.rewrite.prune import prune

_MEANT_TO_FAIL = frozenset({"CheckNumerics", "EnsureShape"})
"""Ops without effects that programs use for the errors that they raise."""


def leave_out_unneeded(program: Program) -> None:
    """Takes out nodes without effects whose outputs no node takes and the step does not give."""
    asked_for = set(program.targets)
    uses = Counter(program.resolve(tensor).op for tensor in program.fetches)
    for node in program.nodes:
        uses.update(tensor.op for tensor in program.inputs(node))
    unneeded: list[Operation] = []
    for node in reversed(program.nodes):
        if not uses[node] and node not in asked_for and _is_optional(node):
            uses.subtract(tensor.op for tensor in program.inputs(node))
            unneeded.append(node)
    # In order, so that what a node waits for is settled before the node.
    for node in reversed(unneeded):
        program.folded[node] = tuple(dict.fromkeys(program.predecessors(node)))
    if unneeded:
        _forward(program, set(unneeded))
        prune(program)


def _forward(program: Program, unneeded: set[Operation]) -> None:
    """Makes what was folded before wait for what stands in for the nodes left out."""
    folded = program.folded
    for node, waits in folded.items():
        if not unneeded.isdisjoint(waits):
            followed = (n for wait in waits for n in folded.get(wait, (wait,)))
            folded[node] = tuple(dict.fromkeys(followed))


def _is_optional(node: Operation) -> bool:
    opdef = node.opdef
    if any(isinstance(tensor.op.opdef.effect, Calls) for tensor in node.inputs):
        return False  # of a function runs what its wanted results need
    return (
        (opdef.effect is None or isinstance(opdef.effect, Dynamic))
        and not opdef.stateful
        and bool(node.values())
        and node.type not in _MEANT_TO_FAIL
        and node.type not in PLACEHOLDERS
        and not any(tensor.dtype.is_ref for tensor in node.values())
    )
