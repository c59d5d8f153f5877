"""Prepared steps: what a session keeps per combination of fetches and feed keys."""

from __future__ import annotations

from typing import Any

from millstream.compiler.plan import Plan, make_plan
from millstream.runtime import devices
from millstream.runtime import feeds as feeding
from millstream.runtime.executor import BoundPlan
from millstream.runtime.fetches import Fetches


class Prepared:
    """A step of a session that was asked for before: how to feed, run and unpack it."""

    __slots__ = ("bound", "build", "converters", "expands", "plan")

    def __init__(self, session: Any, fetches: Fetches, keys: tuple[Any, ...]) -> None:
        graph = session.graph
        tensors = [feeding.feed_tensor(graph, key) for key in keys]
        self.converters = [feeding.make_converter(t, k) for t, k in zip(tensors, keys)]
        self.plan = _plan_of(session, fetches, tuple(tensors))
        self.bound = BoundPlan(self.plan, session, session.resources)
        self.build = fetches.build
        self.expands = False


def _plan_of(session: Any, fetches: Fetches, tensors: tuple[Any, ...]) -> Plan:
    """Finds the plan among those of the graph, or makes it. Sessions share plans."""
    options = session.settings.plan_options
    key = (fetches.tensors, fetches.nodes, tensors, options.optimize, options.tier)
    plans = session.graph.executables
    plan = plans.get(key)
    if plan is None:
        plan = make_plan(session.graph, fetches.tensors, fetches.nodes, tensors, options)
        devices.check_placement(plan.program.nodes, session.settings)
        plan = plans.setdefault(key, plan)
    return plan
