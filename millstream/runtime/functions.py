"""Functions that host nodes call: what `ctx.function` gives (see `ir/function.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base.errors import InvalidArgumentError
from millstream.compiler.plan import make_plan
from millstream.ir.attrs import FunctionRef
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import body_of, side_effects
from millstream.runtime.executor import BoundPlan


class FunctionCall:
    """A function of the graph's library within a session, with values for what it captured.

    Args:
      session: The session.
      body: The function's body.
      captured: An array per capture of the body.
    """

    def __init__(self, session: Any, body: FuncGraph, captured: Sequence[Any]) -> None:
        self.body = body
        self._bound = bound_function(session, body)
        self._captured = list(captured)
        self._arguments = len(body.inputs) - len(self._captured)

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Runs the function on one array per argument; gives one array per output."""
        if len(arrays) != self._arguments:
            message = (
                f"Function {self.body.name} takes {self._arguments} arguments, got {len(arrays)}"
            )
            raise InvalidArgumentError(None, None, message)
        return self._bound.run([*arrays, *self._captured])


def bound_function(session: Any, body: FuncGraph) -> BoundPlan:
    """Gives a function's plan within a session; made once per body."""
    known: dict[FuncGraph, BoundPlan] = session.functions
    found = known.get(body)
    if found is None:
        options = session.settings.plan_options
        plan = make_plan(body, body.outputs, side_effects(body), body.inputs, options)
        found = known.setdefault(body, BoundPlan(plan, session, session.resources))
    return found


def function_call(session: Any, f: Any, captured: Sequence[Any] = ()) -> FunctionCall:
    """Prepares a call of the function that `f`, a `FunctionRef` or a body, names."""
    body = body_of(session.graph, f) if isinstance(f, FunctionRef) else f
    return FunctionCall(session, body, captured)
