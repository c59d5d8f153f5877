"""Passes: program → program, applied in order before a step's plan is made."""

from __future__ import annotations

from collections.abc import Callable

from millstream.rewrite.cse import merge_equal_nodes
from millstream.rewrite.fold import fold
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune

PASSES: list[Callable[[Program], None]] = [fold, merge_equal_nodes]
"""What runs after pruning, in this order. A pass must keep fed and fetched tensors."""


def rewrite(program: Program, optimize: bool = True) -> Program:
    """Prunes a program and, unless told not to, applies every pass."""
    prune(program)
    if optimize:
        for apply_pass in PASSES:
            apply_pass(program)
    return program
