"""Host nodes: strings, files, queues, summaries, Python functions. Never compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.errors import UnimplementedError
from millstream.compiler import failures, jax_bridge
from millstream.compiler.calls import Call
from millstream.compiler.effects import Access, Key
from millstream.compiler.region import Gate
from millstream.compiler.steps import Frame
from millstream.ir.node import Operation
from millstream.rewrite.rules import bind_flat

_PYTHON_NUMBERS = frozenset({bool, int, float, complex, list, tuple})


class HostCall:
    """A host node within a plan.

    Attributes:
      node: The node.
      access: What it takes and touches.
      blocking: Whether it may wait for other nodes or steps.
      ins: Slots of its operands.
      outs: Slots of its outputs; None for one that nobody needs.
      loads: (slot, variable) of values of variables that it is given.
      call: The plans of the functions that it runs, or None.
      handles: (slot, variable) of variables that it is given themselves, as cells.
    """

    def __init__(self, node: Operation, access: Access, blocking: bool) -> None:
        self.node = node
        self.access = access
        self.blocking = blocking
        self.name = node.name
        self.ins: list[int] = []
        self.outs: list[int | None] = []
        self.loads: list[tuple[int, Key]] = []
        self.handles: list[tuple[int, Key]] = []
        self.variable_nodes: dict[Key, Operation] = {}
        self.call: Call | None = None

    @property
    def stores(self) -> tuple[Key, ...]:
        """The variables that functions which it runs replace."""
        return self.access.writes

    @property
    def keys(self) -> list[Key]:
        """The variables that it touches."""
        return [key for _, key in (*self.loads, *self.handles)]


class BoundHostCall:
    """A host node with the cells and the gate of one session.

    Values of variables are taken under the gate, which is left before the node runs: a host node
    may run steps of the same session.
    """

    def __init__(self, call: HostCall, cells: dict[Key, Any], gate: Gate) -> None:
        self.call = call
        self.blocking = call.blocking
        self._gate = gate
        self._loads = [(slot, cells[key], key) for slot, key in call.loads]
        self._handles = [(slot, cells[key]) for slot, key in call.handles]
        self._ins = tuple(call.ins)
        self._outs = tuple(call.outs)
        self._rule = call.node.opdef.run or call.node.opdef.reference
        self._wants_context = bool(self._rule) and ("extra", "ctx") in self._rule.sources
        self._fn: Callable[..., Any] | None = None
        self.reads = frozenset(cell for _, cell, _ in self._loads)
        self.writes: frozenset[Any] = frozenset()

    def run(self, frame: Frame, step: Any) -> None:
        """Runs the node on a frame.

        Raises:
          OpError: Whatever the node's rule raised, as an error of the `tf.errors` tree.
        """
        node = self.call.node
        if not self._rule:
            raise UnimplementedError(None, node, f"{node.type} has no rule that runs it.")
        if self._loads:
            self._load(frame)
        for slot, cell in self._handles:
            frame[slot] = cell
        operands = [jax_bridge.view(frame[slot]) for slot in self._ins]
        try:
            if self._wants_context:
                operands.append(step.context(node))
            results = self._bound()(*operands)
        except Exception as error:
            wrapped = failures.wrap(error, node, operands)
            if wrapped is error:
                raise
            raise wrapped from error
        self._put(frame, results)

    def _bound(self) -> Callable[..., Any]:
        if self._fn is None:
            self._fn = bind_flat(self._rule, self.call.node)
        return self._fn

    def _load(self, frame: Frame) -> None:
        self._gate.enter(self)
        try:
            for slot, cell, key in self._loads:
                if cell.value is None:
                    raise failures.uninitialized(self.call.node, key.kind, key.name)
                frame[slot] = jax_bridge.view(cell.value)
        finally:
            self._gate.leave(self)

    def _put(self, frame: Frame, results: Any) -> None:
        outs = self._outs
        if len(outs) == 1:
            results = (results,)
        for slot, value in zip(outs, results if outs else ()):
            if slot is not None:
                frame[slot] = np.asarray(value) if value.__class__ in _PYTHON_NUMBERS else value
