"""Calls: nodes that run functions, within a program.

A `Call` belongs to one node of one program. It holds the plans of the functions' bodies, knows what
variables they touch, and runs them in the NumPy tier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from millstream.autodiff.symbolic import symbolic_body
from millstream.base.errors import InvalidArgumentError, UnimplementedError
from millstream.compiler.bodies import Body, Planner, body_program, inputs_behind, passed_on
from millstream.compiler.effects import Access, Key, Operand, Role, is_handle, variable_behind
from millstream.compiler.trips import TripCount
from millstream.ir.attrs import FunctionRef
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import body_of, side_effects
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program

MOST_NESTED = 64
"""How deep calls may be nested; a function that calls itself comes here."""

type Wanted = frozenset[Tensor]


class Call:
    """A node that runs functions.

    Attributes:
      node: The node.
      bodies: Its functions' bodies, planned.
      access: What it takes and touches: its inputs, then the variables in `keys`.
      keys: The variables that its bodies touch.
      wanted: Positions of its outputs that somebody looks at.
    """

    bodies: list[Body]

    def __init__(self, program: Program, node: Operation, plan: Planner, wanted: Wanted) -> None:
        self.node = node
        self.program = program
        self.tensors = program.inputs(node)
        self._plan = plan
        if program.depth >= MOST_NESTED:
            raise InvalidArgumentError(
                None, node, f"{node.type} {node.name!r}: functions call each other without end."
            )
        self.wanted = tuple(i for i, t in enumerate(node.values()) if t in wanted)

    def _function(self, ref: FunctionRef) -> FuncGraph:
        return body_of(self.program.graph, ref)

    def _planned(
        self,
        graph: FuncGraph,
        operands: Sequence[Tensor | None],
        outputs: Sequence[int],
        fixed: Sequence[bool],
        targets: Sequence[Operation] = (),
    ) -> Body:
        if len(operands) != len(graph.inputs):
            raise InvalidArgumentError(
                None,
                self.node,
                f"{self.node.type} {self.node.name!r} gives {len(operands)} arguments to function "
                f"{graph.name}, which takes {len(graph.inputs)}.",
            )
        inner = body_program(self.program, graph, operands, outputs, fixed, targets)
        inner.depth = self.program.depth + 1
        return Body(graph, self._plan(inner), outputs)

    def _finish(self) -> None:
        """Works out which variables the bodies touch."""
        nodes: dict[Key, Operation] = {}
        stores: dict[Key, None] = {}
        for body in self.bodies:
            nodes.update(body.nodes)
            stores.update(body.stores)
        self.nodes = nodes
        self.keys = tuple(nodes)
        operands = [self._operand(t) for t in self.tensors]
        operands += [Operand(Role.STATE, nodes[key].values()[0], key) for key in self.keys]
        self.access = Access(tuple(operands), self.keys, tuple(stores), None)

    def _operand(self, tensor: Tensor) -> Operand:
        behind = variable_behind(self.program, tensor) if is_handle(tensor) else None
        return Operand(Role.VALUE if behind is None else Role.ABSENT, tensor, None)

    @property
    def numeric(self) -> bool:
        """Whether it can be part of a region, static inputs aside."""
        return all(body.numeric for body in self.bodies)

    @property
    def expected_runs(self) -> float | None:
        """How often its bodies run; None if one of them runs once."""
        return None

    @property
    def is_measured(self) -> bool:
        """Whether it is known, or was seen, how often the bodies of this and inner calls run."""
        inner = [m.call for b in self.bodies if b.region for m in b.region.nodes if m.call]
        return all(call.is_measured for call in inner)

    @property
    def blocking(self) -> bool:
        """Whether anything inside may wait."""
        return any(body.plan.blocking for body in self.bodies)

    def static_positions(self) -> Iterable[int] | None:
        """Gives the inputs whose value must be known to compile it; None if it cannot be."""
        return {p for body in self.bodies for p in body.static_positions}

    def run(self, *operands: Any) -> Any:
        """Runs it in the NumPy tier: new states, then outputs; one alone bare."""
        count = len(self.tensors)
        states = dict(zip(self.keys, operands[count:]))
        outputs = self.compute(operands[:count], states)
        results = [states[key] for key in self.access.writes] + outputs
        return results[0] if len(results) == 1 else results

    def compute(self, inputs: Sequence[Any], states: dict[Key, Any]) -> list[Any]:
        """Gives all outputs, None for those that nobody wants; replaces what it writes."""
        raise NotImplementedError

    def spread(self, values: Sequence[Any]) -> list[Any]:
        """Puts the wanted outputs where they belong among all outputs."""
        found: list[Any] = [None] * len(self.node.values())
        for position, value in zip(self.wanted, values):
            found[position] = value
        return found


class Branches(Call):
    """`If`, `Case` and calls of one function: the first input may choose between branches.

    Attributes:
      chosen: The only branch that can be taken, if the graph tells; the bodies are this one alone.
    """

    def __init__(self, program: Program, node: Operation, plan: Planner, wanted: Wanted) -> None:
        super().__init__(program, node, plan, wanted)
        attrs = node.attrs
        if "f" in attrs:
            refs, self.offset = (attrs["f"],), 0
        elif "branches" in attrs:
            refs, self.offset = attrs["branches"], 1
        else:
            refs, self.offset = (attrs["else_branch"], attrs["then_branch"]), 1
        self._count = len(refs)
        self.chosen: int | None = 0 if not self.offset else None
        if self.offset and self.tensors[0] in program.values:
            self.chosen = self.index(program.values[self.tensors[0]])
        if self.chosen is not None:
            refs = (refs[self.chosen],)
        operands = self.tensors[self.offset :]
        self.bodies = [self._branch(self._function(ref), operands) for ref in refs]
        self._finish()

    def _branch(self, graph: FuncGraph, operands: Sequence[Tensor]) -> Body:
        if self.node.type == "SymbolicGradient":
            graph = symbolic_body(graph)
        targets = side_effects(graph) if graph.runs_side_effects else ()
        return self._planned(graph, operands, self.wanted, [True] * len(operands), targets)

    def index(self, value: Any) -> int:
        """Tells which branch a value of the first input chooses."""
        if self.node.type == "Case":
            number = int(value)
            return number if 0 <= number < self._count else self._count - 1
        array = np.asarray(value)
        if array.ndim:
            return int(array.size > 0)
        return int(bool(array[()]))

    def static_positions(self) -> set[int]:
        """Gives the inputs whose value must be known to compile it."""
        return {p + self.offset for body in self.bodies for p in body.static_positions}

    def body_for(self, inputs: Sequence[Any]) -> Body:
        """Gives the body that is to run."""
        return self.bodies[0 if self.chosen is not None else self.index(inputs[0])]

    def compute(self, inputs: Sequence[Any], states: dict[Key, Any]) -> list[Any]:
        """Runs the branch that is taken."""
        return self.spread(self.body_for(inputs).run(inputs[self.offset :], states))


class Iteration(Call):
    """`While` and `Loop`.

    Attributes:
      body: What an iteration runs: `live` new loop values, then `saves`.
      test: What tells whether to go on, None where the number of iterations is given.
      count: The number of loop values.
      has_limit: Whether the input behind them limits the iterations.
      slices_at: The position of the first array that is taken apart.
      live: Positions of the loop values that matter.
      fixed: For each loop value, whether it stays as it is.
      saves: Positions of the saved values that are wanted.
      trips: What is known of the number of iterations.
    """

    def __init__(self, program: Program, node: Operation, plan: Planner, wanted: Wanted) -> None:
        super().__init__(program, node, plan, wanted)
        attrs = node.attrs
        self.count = len(attrs["T"])
        self.is_loop = node.type == "Loop"
        self.has_limit = bool(attrs.get("limits"))
        self.slices_at = self.count + self.has_limit
        self.reverse = bool(attrs.get("reverse"))
        graph = self._function(attrs["body"])
        test = self._function(attrs["cond"]) if attrs["cond"].name else None
        self._check_arity(graph)
        self.saves = [p - self.count - 1 for p in self.wanted if p > self.count]
        self.fixed = passed_on(graph, self.count)
        self.live = self._live(graph, test)
        operands = self.tensors[: self.count]
        slices: list[Tensor | None] = [None] * len(attrs.get("Tslice", ()))
        fixed = [*self.fixed, *[False] * len(slices)]
        outputs = [*self.live, *[self.count + p for p in self.saves]]
        targets = side_effects(graph) if graph.runs_side_effects else ()
        self.body = self._planned(graph, [*operands, *slices], outputs, fixed, targets)
        self.bodies = [self.body]
        self.test: Body | None = None
        if test is not None:
            self.test = self._planned(test, operands, [0], self.fixed)
            self.bodies.append(self.test)
        self._finish()
        self.trips = TripCount(self, graph, test, self._planned)

    def _check_arity(self, graph: FuncGraph) -> None:
        saves = len(self.node.attrs.get("Tsave", ()))
        if len(graph.outputs) != self.count + saves:
            raise InvalidArgumentError(
                None,
                self.node,
                f"{self.node.type} {self.node.name!r} has {self.count} loop values, but its body "
                f"returns {len(graph.outputs)}.",
            )

    def _live(self, graph: FuncGraph, test: FuncGraph | None) -> list[int]:
        """Lists the loop values that change and on which anything depends that is wanted."""
        needed = {p for p in self.wanted if p < self.count}
        if test is not None:
            needed.update(inputs_behind(test, test.outputs))
        needed.update(p for p in self._behind(graph, [self.count + p for p in self.saves]))
        if graph.runs_side_effects:
            needed.update(range(self.count))
        queue = list(needed)
        while queue:
            for before in self._behind(graph, [queue.pop()]):
                if before not in needed:
                    needed.add(before)
                    queue.append(before)
        return sorted(p for p in needed if not self.fixed[p])

    def _behind(self, graph: FuncGraph, outputs: Iterable[int]) -> list[int]:
        found = inputs_behind(graph, [graph.outputs[p] for p in outputs])
        return [p for p in found if p < self.count]

    @property
    def limit_at(self) -> int | None:
        """The position of the input that limits the iterations."""
        return self.count if self.has_limit else None

    @property
    def expected_runs(self) -> float:
        """How often the body runs."""
        return self.trips.expected()

    @property
    def is_measured(self) -> bool:
        """Whether it is known, or was seen, how often the bodies of this and inner calls run."""
        return self.trips.is_measured and super().is_measured

    @property
    def numeric(self) -> bool:
        """Whether it can be part of a region, static inputs aside."""
        varies = getattr(self.node, "shapes_vary", False)
        return super().numeric and not varies and not (self.test and self.test.stores)

    def static_positions(self) -> set[int] | None:
        """Gives the inputs whose value must be known to compile it; None if it cannot be."""
        found: set[int] = set()
        for body in self.bodies:
            for position in body.static_positions:
                if position >= self.count or not self.fixed[position]:
                    return None
                found.add(position)
        if self.saves and not self._has_slices:
            bound = self.trips.needed()
            if bound is None:
                return None
            found |= bound
        return found

    @property
    def _has_slices(self) -> bool:
        return len(self.tensors) > self.slices_at

    def compute(self, inputs: Sequence[Any], states: dict[Key, Any]) -> list[Any]:
        """Runs all iterations."""
        run = self.body.run
        test = self.test
        values = list(inputs[: self.count])
        limit = int(inputs[self.count]) if self.has_limit else -1
        slices = inputs[self.slices_at :]
        saved: list[list[Any]] = [[] for _ in self.saves]
        trips = 0
        while (limit < 0 or trips < limit) and (test is None or test.run(values, states)[0]):
            index = limit - 1 - trips if self.reverse else trips
            results = run([*values, *[s[index] for s in slices]], states)
            for position, value in zip(self.live, results):
                values[position] = value
            for items, value in zip(saved, results[len(self.live) :]):
                items.append(value)
            trips += 1
        self.trips.seen = trips
        return self.results(values, saved, trips, slices)

    def results(
        self,
        values: list[Any],
        saved: list[list[Any]],
        trips: int,
        slices: Sequence[Any],
        room: int = 0,
    ) -> list[Any]:
        """Gives the node's outputs, from what iterations returned one after the other.

        Zeros fill what is saved up to the length of `slices`, or else to `room`.
        """
        if not self.is_loop:
            return values
        room = len(slices[0]) if slices else room
        if not trips and self.saves:
            saved = [[item] for item in self._examples(values, slices)]
        outputs: list[Any] = [None] * len(self.node.attrs["Tsave"])
        for position, items in zip(self.saves, saved):
            stacked = _together(items[::-1] if self.reverse else items)
            outputs[position] = _filled_up(stacked[:trips], room)
        return [*values, np.int32(trips), *outputs]

    def _examples(self, values: list[Any], slices: Sequence[Any]) -> list[Any]:
        """Gives values of the shapes that an iteration would have saved, had there been one."""
        tensors = [self.body.graph.outputs[self.count + p] for p in self.saves]
        known = all(t.shape.is_fully_defined() for t in tensors)
        if known or self.keys or not self.body.numeric:
            sizes = [[size or 0 for size in t.shape.tuple or ()] for t in tensors]
            return [np.zeros(s, t.dtype.base_dtype.np) for s, t in zip(sizes, tensors)]
        elements = [np.zeros(s.shape[1:], s.dtype) for s in slices]
        return self.body.run([*values, *elements], {})[len(self.live) :]


def _filled_up(array: Any, room: int) -> Any:
    if array.dtype == object or len(array) >= room:
        return array
    filled = np.zeros((room, *array.shape[1:]), array.dtype)
    filled[: len(array)] = array
    return filled


def _together(items: list[Any]) -> Any:
    """Gives the values of all iterations as one array: of objects, if their shapes differ."""
    first = np.shape(items[0])
    if items[0].__class__ is not np.ndarray and not first:
        return np.array(items)
    if all(item.shape == first for item in items):
        return np.stack(items)
    rows = np.empty(len(items), object)
    rows[:] = items
    return rows


_KINDS: dict[str, type[Call]] = {
    **dict.fromkeys(("If", "StatelessIf", "Case"), Branches),
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall"), Branches),
    "SymbolicGradient": Branches,
    **dict.fromkeys(("While", "StatelessWhile", "Loop"), Iteration),
}


def make_call(program: Program, node: Operation, plan: Planner, wanted: Wanted) -> Call:
    """Plans the functions that a node runs.

    Args:
      program: The program that the node belongs to.
      node: The node.
      plan: Makes the plan of a body's program.
      wanted: The tensors of the program that somebody looks at.
    """
    kind: Callable[..., Call] | None = _KINDS.get(node.type)
    if kind is None and "f" in node.attrs:
        kind = Branches
    if kind is None:
        raise UnimplementedError(None, node, f"{node.type} has no rule that runs it.")
    return kind(program, node, plan, wanted)


def wanted_tensors(program: Program) -> Wanted:
    """Gives the tensors of a program that nodes take or that are fetched."""
    found = {program.resolve(t) for t in program.fetches}
    for node in program.nodes:
        found.update(program.inputs(node))
    return frozenset(found)
