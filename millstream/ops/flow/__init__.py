"""Ops that order and check other nodes: groups, assertions, printing."""

from millstream.ops.flow.groups import group, no_op, tuple_, with_dependencies

__all__ = ["group", "no_op", "tuple_", "with_dependencies"]
