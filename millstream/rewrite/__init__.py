"""Passes: program → program, applied in order before a step's plan is made."""

from __future__ import annotations

from collections.abc import Callable

from millstream.rewrite.cse import merge_equal_nodes
from millstream.rewrite.fold import fold
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune
from millstream.rewrite.unneeded import leave_out_unneeded

PASSES: list[Callable[[Program], None]] = [fold, merge_equal_nodes, leave_out_unneeded]
"""What runs after pruning, in this order. A pass must keep fed and fetched tensors."""


def rewrite(program: Program, optimize: bool = True, ordered: bool = True) -> Program:
    """Prunes a program and, unless told not to, applies every pass.

    Args:
      program: The program.
      optimize: Whether passes run.
      ordered: Whether its nodes can be put in order; if not, which run is known only when they do.
    """
    prune(program, ordered)
    if not ordered:
        return program
    if optimize:
        for apply_pass in PASSES:
            apply_pass(program)
    return program
