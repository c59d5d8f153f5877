"""Calls whose functions have host nodes: the executor runs the functions' own plans.

Every iteration of such a loop is a step within the step: regions inside take their variables from
the session's cells and give them back, host nodes wait as they do elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base.errors import CancelledError
from millstream.compiler import jax_bridge
from millstream.compiler.bodies import Body
from millstream.compiler.calls import Branches, Call, Iteration
from millstream.compiler.host import HostCall
from millstream.compiler.plan import Plan
from millstream.compiler.steps import Frame

type Runner = Callable[[list[Any], Any], list[Any]]
SMALLEST_ROOM = 8
"""Saved values of loops are filled up with zeros to a power of two, at least to this, so that what
follows is compiled for few lengths."""


class BoundHostFunction:
    """A call within one session.

    Args:
      action: The call within its plan.
      bind: Makes of a plan a function of fed values and the step, which returns fetched values.
    """

    def __init__(self, action: HostCall, bind: Callable[[Plan], Runner]) -> None:
        assert action.call is not None
        self.call = action
        self.blocking = action.blocking
        self._inner: Call = action.call
        self._run_body: dict[Body, Runner] = {b: bind(b.plan) for b in self._inner.bodies}
        self._count = len(self._inner.tensors)
        self._ins = tuple(action.ins)
        self._outs = tuple(action.outs)

    def run(self, frame: Frame, step: Any) -> None:
        """Runs the call on a frame."""
        inputs = [jax_bridge.view(frame[slot]) for slot in self._ins]
        if isinstance(self._inner, Branches):
            results = self._branch(self._inner, inputs, step)
        else:
            assert isinstance(self._inner, Iteration)
            results = self._iterate(self._inner, inputs, step)
        for slot, value in zip(self._outs, results):
            if slot is not None:
                frame[slot] = value

    def _branch(self, call: Branches, inputs: list[Any], step: Any) -> list[Any]:
        body = call.body_for(inputs)
        return call.spread(self._run_body[body](inputs[call.offset :], step))

    def _iterate(self, call: Iteration, inputs: list[Any], step: Any) -> list[Any]:
        run = self._run_body[call.body]
        test = None if call.test is None else self._run_body[call.test]
        values = inputs[: call.count]
        limit = int(inputs[call.count]) if call.has_limit else -1
        slices = inputs[call.slices_at :]
        saved: list[list[Any]] = [[] for _ in call.saves]
        trips = 0
        while (limit < 0 or trips < limit) and (test is None or bool(test(values, step)[0])):
            if step.cancel.is_cancelled:
                raise CancelledError(None, call.node, "The step was cancelled.")
            index = limit - 1 - trips if call.reverse else trips
            results = run([*values, *[s[index] for s in slices]], step)
            for position, value in zip(call.live, results):
                values[position] = value
            for items, value in zip(saved, results[len(call.live) :]):
                items.append(value)
            trips += 1
        call.trips.seen = trips
        room = max(SMALLEST_ROOM, 1 << (trips - 1).bit_length())
        return call.results(values, saved, trips, slices, room)
