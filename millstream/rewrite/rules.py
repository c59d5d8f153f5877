"""Binding rules to nodes such that results are flat: one array, or one per output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.ir.node import Operation
from millstream.ir.opdef import Rule


def bind_flat(rule: Rule, node: Operation, **extras: Any) -> Callable[..., Any]:
    """Binds a rule to a node; lists that stand for list outputs are flattened.

    Returns:
      A function of the node's flat operands that gives one array if the node has one output, else
      a sequence with one array per output (new states, for a rule that gives these, come first).
    """
    fn = rule.bind(node, **extras)
    outputs = node.opdef.outputs
    if not any(arg.is_list for arg in outputs):
        return fn
    single = len(node.values()) == 1

    def flat(*operands: Any) -> Any:
        results = fn(*operands)
        if not isinstance(results, (list, tuple)):
            return results if single else (results,)
        items: list[Any] = []
        for result in results:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(result, (list, tuple)):
                items.extend(result)  # pyright: ignore[reportUnknownArgumentType]
            else:
                items.append(result)
        return items[0] if single else items

    return flat
