"""Partial runs: one step, fed and fetched in several calls.

State. A `PartialRun` knows what was declared, which nodes ran, what was fed, and those results that
nodes still to run will take. Every call plans just what its fetches need beyond that, so a node
runs at most once, when something it leads to is first fetched.
"""

from __future__ import annotations

from typing import Any

from millstream.base import dtypes
from millstream.base.errors import InvalidArgumentError
from millstream.compiler.plan import PlanOptions, make_plan
from millstream.compiler.units import is_silent
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import PLACEHOLDERS, Program
from millstream.rewrite.prune import prune
from millstream.runtime.executor import BoundPlan
from millstream.runtime.fetches import Fetches

_OPTIONS = PlanOptions(optimize=False, tier="numpy")


def _refuse(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


class PartialRun:
    """One step that is under way.

    Args:
      session: The session.
      fetches: All that will be fetched.
      feeds: All tensors that will be fed.

    Raises:
      InvalidArgumentError: If nothing is to be fetched, or `feeds` lacks a placeholder.
    """

    def __init__(self, session: Any, fetches: Fetches, feeds: list[Tensor]) -> None:
        if not fetches.tensors and not fetches.nodes:
            raise _refuse("Must specify at least one target to fetch or execute.")
        self._session = session
        self._unfed = dict.fromkeys(feeds)
        self._unfetched: dict[Any, None] = dict.fromkeys((*fetches.tensors, *fetches.nodes))
        self._declared = {*feeds, *self._unfetched}
        self._known: dict[Tensor, Any] = {}
        self._done: set[Operation] = set()
        program = Program(session.graph, fetches.tensors, fetches.nodes, feeds)
        prune(program)
        self._nodes = program.nodes
        missing = next((n for n in self._nodes if n.type in PLACEHOLDERS), None)
        if missing is not None:
            # Planning says it in the words of an ordinary step.
            make_plan(session.graph, missing.values(), (), (), _OPTIONS)

    @property
    def is_finished(self) -> bool:
        """Whether everything was fetched."""
        return not self._unfetched

    def run(self, fetches: Fetches, feeds: dict[Tensor, Any]) -> list[Any]:
        """Feeds and fetches a part.

        Returns:
          The arrays of `fetches.tensors`.

        Raises:
          InvalidArgumentError: If a feed or fetch was not declared, or came before, or does not
            follow from what was fed so far.
        """
        wanted = [*fetches.tensors, *fetches.nodes]
        for tensor in feeds:
            self._check(tensor, self._unfed, "feed", "fed")
        for item in wanted:
            self._check(item, self._unfetched, "fetch", "fetched")
        for tensor, value in feeds.items():
            self._known[tensor] = value
            del self._unfed[tensor]
        return self._compute(fetches)

    def _check(self, item: Any, left: dict[Any, None], what: str, done: str) -> None:
        if item not in self._declared:
            raise _refuse(f"The {what} {item.name} was not specified in partial_run_setup.")
        if item not in left:
            raise _refuse(f"The {what} {item.name} has already been {done}.")

    def _compute(self, fetches: Fetches) -> list[Any]:
        known = tuple(self._known)
        tensors = [t for t in fetches.tensors if t not in self._known]
        program = Program(self._session.graph, tensors, fetches.nodes, known)
        program.skip(self._done)
        prune(program)
        self._check_computable(program)
        later = self._needed_later(program, tensors)
        plan = make_plan(
            self._session.graph, [*tensors, *later], fetches.nodes, known, _OPTIONS, self._done
        )
        bound = BoundPlan(plan, self._session, self._session.resources)
        values = bound.run(list(self._known.values()))
        results = dict(zip([*tensors, *later], values))
        self._known.update((t, results[t]) for t in later)
        self._known.update((t, results[t]) for t in tensors if not t.dtype.is_ref)
        self._done.update(n for n in program.nodes if not is_silent(n))
        for item in (*fetches.tensors, *fetches.nodes):
            del self._unfetched[item]
        return [results[t] if t in results else self._known[t] for t in fetches.tensors]

    def _check_computable(self, program: Program) -> None:
        taken = {t for n in program.nodes for t in n.inputs} | set(program.fetches)
        for tensor in self._unfed:
            if tensor in taken:
                raise _refuse(
                    f"Fetch {tensor.name} can't be computed from the feeds that have been fed "
                    "so far."
                )

    def _needed_later(self, program: Program, tensors: list[Tensor]) -> list[Tensor]:
        """Lists results of this call that nodes of later calls take."""
        now = set(program.nodes)
        made = {t for n in now for t in n.values() if not _is_handle(t)} - set(tensors)
        rest = [n for n in self._nodes if n not in now and n not in self._done]
        taken = {t: None for n in rest for t in n.inputs if t in made}
        taken.update((t, None) for t in self._unfetched if t in made)
        return list(taken)


def _is_handle(tensor: Tensor) -> bool:
    return tensor.dtype.is_ref or tensor.dtype is dtypes.resource
