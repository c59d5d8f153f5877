"""How often a loop iterates, where that can be told before it runs.

A loop's test often looks at counters alone: values whose next one follows from counters and from
values that do not change. Where these are known, the loop is run through with its counters alone.
Where only some of the conditions joined by `and` are of this kind (a bound on the iterations), they
give an upper limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from millstream.compiler.bodies import Body, inputs_behind
from millstream.ir.func_graph import FuncGraph
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor

if TYPE_CHECKING:
    from millstream.compiler.calls import Iteration

_UNKNOWN: Any = object()
GUESSED_TRIPS = 16.0
MOST_TRIPS = 1 << 20
"""How far iterations are counted before the loop runs."""
MOST_ROOM = 1 << 12
"""Up to which limit there is room for every iteration that it allows, however few there are."""


class _Counters(NamedTuple):
    """Loop values that follow from each other and tell when to stop.

    Attributes:
      changing: Their positions.
      given: Positions of the inputs that must be known.
      test: Which of the test's conditions they decide.
      exact: Whether these are all.
    """

    changing: tuple[int, ...]
    given: frozenset[int]
    test: tuple[Tensor, ...]
    exact: bool


class TripCount:
    """What is known of the number of iterations of one loop.

    Attributes:
      seen: How many there were when it last ran in the NumPy tier, None before.
    """

    def __init__(
        self, loop: Iteration, graph: FuncGraph, test: FuncGraph | None, plan: Callable[..., Body]
    ) -> None:
        self.seen: int | None = None
        self._from_graph: Any = _UNKNOWN
        self._loop = loop
        self._graph, self._test, self._plan = graph, test, plan
        self._counters: _Counters | None = None
        self._bodies: tuple[Body, Body] | None = None
        if test is not None:
            self._counters = self._find(test)

    @property
    def is_cheap(self) -> bool:
        """Whether counting is worth while where nothing needs the number."""
        return self._counters is not None and self._counters.exact

    @property
    def is_measured(self) -> bool:
        """Whether the loop ran before, or its number of iterations is known."""
        return self.seen is not None or self._known() is not None

    def expected(self) -> float:
        """Gives the number of iterations: of the last run, else by the graph, else a guess."""
        if self.seen is not None:
            return float(self.seen)
        known = self._known()
        return GUESSED_TRIPS if known is None else float(known)

    def _known(self) -> int | None:
        if self._from_graph is _UNKNOWN:
            values = self._loop.program.values
            self._from_graph = self.limit([values.get(t) for t in self._loop.tensors])[0]
        return self._from_graph

    def needed(self) -> set[int] | None:
        """Gives the inputs that must be known to limit the iterations; None if nothing helps."""
        if self._test is None:
            return {self._loop.count}
        found = self._counters
        return None if found is None else set(found.given)

    def limit(self, inputs: Sequence[Any]) -> tuple[int | None, bool]:
        """Counts the iterations, for operands of which those that are known are NumPy arrays.

        Returns:
          An upper limit, None if there is none; and whether it is the exact number.
        """
        if self._test is None:
            limit = inputs[self._loop.count]
            return (max(int(limit), 0), True) if _is_known(limit) else (None, False)
        found = self._counters
        if found is None or not all(_is_known(inputs[p]) for p in found.given):
            return None, False
        bound = -1
        if self._loop.limit_at is not None and _is_known(inputs[self._loop.limit_at]):
            bound = int(inputs[self._loop.limit_at])
        count = self._count(found, inputs)
        if bound >= 0:
            count = bound if count is None else min(count, bound)
        return count, found.exact and count is not None

    def _count(self, found: _Counters, inputs: Sequence[Any]) -> int | None:
        at_once = [self._divided(condition, inputs) for condition in found.test]
        if None not in at_once:
            return min(count for count in at_once if count is not None)
        body, test = self._planned(found)
        values = [v if _is_known(v) else None for v in inputs[: self._loop.count]]
        rest = [None] * (len(self._graph.inputs) - self._loop.count)
        for trips in range(MOST_TRIPS):
            if not all(test.run(values, {})):
                return trips
            for position, value in zip(found.changing, body.run([*values, *rest], {})):
                values[position] = value
        return None

    def _divided(self, condition: Tensor, inputs: Sequence[Any]) -> int | None:
        """Counts the iterations of `i < limit` with `i += step` by a division; None for others."""
        node = condition.op
        if self._test is None or node.type not in ("Less", "LessEqual"):
            return None
        position = {t: i for i, t in enumerate(self._test.inputs)}
        counter = position.get(node.inputs[0])
        limit = self._value(node.inputs[1], position, inputs)
        if counter is None or limit is None or not node.inputs[0].dtype.is_integer:
            return None
        output = self._graph.outputs[counter]
        if output.op.type not in ("Add", "AddV2"):
            return None
        before, added = output.op.inputs
        step = constant_array(added)
        if before is not self._graph.inputs[counter] or step is None or step.ndim or step <= 0:
            return None
        distance = int(limit) - int(inputs[counter]) + (node.type == "LessEqual")
        return max(0, -(-distance // int(step)))

    def _value(self, tensor: Tensor, position: Any, inputs: Sequence[Any]) -> Any:
        """Gives the value of a limit that stays as it is, if it is known."""
        index = position.get(tensor)
        if index is None:
            return constant_array(tensor)
        return inputs[index] if self._loop.fixed[index] and _is_known(inputs[index]) else None

    def _planned(self, found: _Counters) -> tuple[Body, Body]:
        if self._bodies is None:
            assert self._test is not None
            operands = self._loop.tensors[: self._loop.count]
            rest = [None] * (len(self._graph.inputs) - len(operands))
            fixed = self._loop.fixed
            body = self._plan(
                self._graph, [*operands, *rest], found.changing, [*fixed, *[False] * len(rest)]
            )
            joined = _with_outputs(self._test, found.test)
            test = self._plan(joined, operands, range(len(found.test)), fixed)
            self._bodies = body, test
        return self._bodies

    # -- finding the counters

    def _find(self, test: FuncGraph) -> _Counters | None:
        parts = _conjuncts(test.outputs[0])
        closed = [(t, self._closure(test, t)) for t in parts]
        usable = [(t, c) for t, c in closed if c is not None]
        if not usable:
            return None
        # A limit that shapes tell serves every step; one that is fed would be compiled for anew.
        usable = [(t, c) for t, c in usable if self._is_fixed(c)] or usable
        given = frozenset(p for _, closure in usable for p in closure)
        changing = tuple(sorted(p for p in given if not self._loop.fixed[p]))
        return _Counters(changing, given, tuple(t for t, _ in usable), len(usable) == len(parts))

    def _closure(self, test: FuncGraph, condition: Tensor) -> frozenset[int] | None:
        """Gives the inputs that decide a condition, in all iterations; None if it is no counter."""
        if not _is_cheap(test, condition):
            return None
        found = set(inputs_behind(test, [condition]))
        queue = list(found)
        while queue:
            position = queue.pop()
            if position >= self._loop.count:
                return None
            if self._loop.fixed[position]:
                continue
            output = self._graph.outputs[position]
            if not _is_cheap(self._graph, output):
                return None
            for before in inputs_behind(self._graph, [output]):
                if before not in found:
                    found.add(before)
                    queue.append(before)
        known = self._loop.program.leaves
        tensors = self._loop.tensors
        if known is not None and any(known(tensors[p]) is None for p in found):
            return None
        return frozenset(found)

    def _is_fixed(self, positions: frozenset[int]) -> bool:
        """Tells whether inputs follow from constants and shapes alone, none of them large."""
        known, values = self._loop.program.leaves, self._loop.program.values
        tensors = [self._loop.tensors[p] for p in positions]
        constants = [values[t] for t in tensors if t in values]
        small = all(np.all(np.abs(v) <= MOST_ROOM) for v in constants)
        return small and known is not None and all(known(t) == frozenset() for t in tensors)


def _is_known(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic, int, bool))


def _conjuncts(tensor: Tensor) -> list[Tensor]:
    node = tensor.op
    if node.type == "Identity":
        return _conjuncts(node.inputs[0])
    if node.type == "LogicalAnd":
        return [part for t in node.inputs for part in _conjuncts(t)]
    return [tensor]


def _is_cheap(graph: FuncGraph, tensor: Tensor) -> bool:
    """Tells whether a value follows from a few pure operations on small integers or bools."""
    stack, seen = [tensor], set[Any]()
    inputs = set(graph.inputs)
    while stack:
        found = stack.pop()
        if found.dtype.is_floating and found.shape.ndims != 0:
            return False
        if found in inputs or found.op in seen:
            continue
        node = found.op
        seen.add(node)
        opdef = node.opdef
        pure = opdef.effect is None and not opdef.stateful and opdef.reference
        if not pure or len(seen) > 20 or node.control_inputs:
            return False
        stack.extend(node.inputs)
    return True


def _with_outputs(graph: FuncGraph, outputs: Sequence[Tensor]) -> FuncGraph:
    """Gives a view of a body that returns other tensors."""
    view = object.__new__(FuncGraph)
    view.__dict__.update(graph.__dict__)
    view.outputs = list(outputs)
    return view
