"""Gives the ops that run functions their gradients."""

from __future__ import annotations

from typing import Any

from millstream.autodiff.branches import branches_gradient
from millstream.autodiff.loops import loop_gradient
from millstream.ops.flow import calling


def register_gradients() -> None:
    """Gives the ops that run functions their gradient rules."""
    rules: dict[Any, list[Any]] = {
        branches_gradient: [
            *(calling.If, calling.StatelessIf, calling.Case),
            *(calling.PartitionedCall, calling.StatefulPartitionedCall),
        ],
        loop_gradient: [calling.While, calling.StatelessWhile, calling.Loop],
    }
    for rule, opdefs in rules.items():
        rule.takes_wanted = True
        for opdef in opdefs:
            opdef.gradient(rule)
