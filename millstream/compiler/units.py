"""Cutting a program into units: regions that can be compiled, and groups of host nodes.

A node's *level* counts how often its longest path changes between numeric and host nodes: even
levels are numeric, odd ones host. Its *blockers* are the nodes among its ancestors that may wait
for something. Nodes with equal level and blockers form one unit. Along an edge neither ever
shrinks, so units cannot wait for each other in a circle; and what does not follow from a blocking
node never shares a unit with what does, so that a step may fill the queue that it drains.

Example: in `train(preprocess(queue.dequeue()), w)` beside `queue.enqueue(f(x))`, the nodes of
`f(x)` (level 0), `enqueue` and `dequeue` (level 1, each a unit of its own) and the training
(level 2, blocked by the dequeue) are four units.
"""

from __future__ import annotations

from enum import Enum

from millstream.base import dtypes
from millstream.compiler.bodies import Planner
from millstream.compiler.buffer_values import holds_buffer
from millstream.compiler.calls import Call, Wanted, make_call, wanted_tensors
from millstream.compiler.effects import Access, Key, Role, access_of, is_handle
from millstream.compiler.padding import find_padded
from millstream.compiler.schedule import schedule
from millstream.compiler.static_inputs import Leaves, StaticAnalysis
from millstream.ir.node import Operation
from millstream.ir.opdef import Calls, Dynamic, Host, Variable
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program

_UNCOMPILABLE_TYPES = frozenset({dtypes.string, dtypes.resource, dtypes.variant})


_NOBODY: frozenset[Operation] = frozenset()


class Kind(Enum):
    """How a node is run."""

    NUMERIC = "numeric"  # in a region
    HOST = "host"  # by itself, in Python
    SILENT = "silent"  # not at all: a handle, or a node that only orders others


class Unit:
    """Nodes that run together, in order.

    Attributes:
      nodes: The nodes, scheduled; silent ones are left out.
      is_region: Whether they may be compiled.
      blocking: Whether it is one host node that may wait.
      static_leaves: Values from outside that must be known when it is compiled.
      inputs_from: Indices of the units that must have run before.
    """

    def __init__(self, is_region: bool, blocking: bool) -> None:
        self.is_region = is_region
        self.blocking = blocking
        self.nodes: list[Operation] = []
        self.static_leaves: Leaves = frozenset()
        self.inputs_from: set[int] = set()


class Partition:
    """The units of a program, in an order in which they can be run one by one.

    Attributes:
      units: The units.
      access: What each node takes and touches.
      calls: The plans of nodes that run functions.
      before: The nodes that must run before a node.
      unit_of: The unit that runs a node.
    """

    def __init__(self, program: Program, plan_body: Planner) -> None:
        self.program = program
        self.calls: dict[Operation, Call] = {}
        self._plan_body = plan_body
        self._wanted: Wanted | None = None
        self.access: dict[Operation, Access] = {}
        self.before: dict[Operation, tuple[Operation, ...]] = {}
        self.unit_of: dict[Operation, Unit] = {}
        self.units: list[Unit] = []
        self._kinds: dict[Operation, Kind] = {}
        self._static = StaticAnalysis(program)
        program.leaves = self._static.leaves
        self._padded = find_padded(program)
        self._levels: dict[Operation, int] = {}
        self._blockers: dict[Operation, frozenset[Operation]] = {}
        self._written: dict[Operation, frozenset[Key]] = {}
        self._assign()

    def _assign(self) -> None:
        members: dict[tuple[int, frozenset[Operation], Operation | None], list[Operation]] = {}
        leaves: dict[Operation, Leaves] = {}
        for node in self.program.nodes:
            self.before[node] = tuple(dict.fromkeys(self.program.predecessors(node)))
            kind, leaves[node] = self._classify(node)
            self._kinds[node] = kind
            level, blockers = self._place(node, kind)
            own = node if self._is_blocking(node) else None
            members.setdefault((level, blockers, own), []).append(node)
        for key in sorted(members, key=lambda k: (k[0], len(k[1]), members[k][0].id)):
            self._add_unit(key[0], key[2] is not None, members[key], leaves)
        self._link()

    def _written_before(self, node: Operation) -> frozenset[Key]:
        """Gives the variables that are written by nodes which must run before `node`."""
        found: frozenset[Key] = frozenset()
        for before in self.program.predecessors(node):
            theirs = self._written.get(before)
            if theirs:
                found = theirs if found <= theirs else found | theirs
        return found

    def _classify(self, node: Operation) -> tuple[Kind, Leaves]:
        written = self._written_before(node)
        if is_silent(node):
            if written:
                self._written[node] = written
            return Kind.SILENT, frozenset()
        if isinstance(node.opdef.effect, Calls):
            return self._classify_call(node, written)
        access = self.access[node] = access_of(self.program, node, written)
        if written or access.writes:
            self._written[node] = written.union(access.writes)
        if is_compilable(node) or node in self._padded or self._is_numeric_check(node):
            needed = self._static.needed_by(node)
            if needed is not None:
                self._static.note_numeric(node)
                return Kind.NUMERIC, needed
        self._static.note_host(node)
        return Kind.HOST, frozenset()

    def _is_numeric_check(self, node: Operation) -> bool:
        """Tells whether a node is an assertion whose texts, if it has any, are known."""
        if node.type != "Assert":
            return False
        known = self.program.values
        return all(t in known or _is_compiled(t) for t in self.program.inputs(node))

    def _classify_call(self, node: Operation, written: frozenset[Key]) -> tuple[Kind, Leaves]:
        if self._wanted is None:
            self._wanted = wanted_tensors(self.program)
        call = self.calls[node] = make_call(self.program, node, self._plan_body, self._wanted)
        access = self.access[node] = call.access
        if written or access.writes:
            self._written[node] = written.union(access.writes)
        positions = call.static_positions() if call.numeric else None
        if positions is not None and _takes_numbers(call):
            needed = [self._static.leaves(call.tensors[p]) for p in positions]
            if None not in needed:
                return Kind.NUMERIC, frozenset(t for leaves in needed for t in leaves or ())
        self._static.note_host(node)
        return Kind.HOST, frozenset()

    def _is_blocking(self, node: Operation) -> bool:
        call = self.calls.get(node)
        return _is_blocking(node) if call is None else call.blocking

    def _place(self, node: Operation, kind: Kind) -> tuple[int, frozenset[Operation]]:
        level, blockers = 0, _NOBODY
        for before in self.before[node]:
            level = max(level, self._levels[before])
            theirs = self._blockers[before]
            if theirs is not blockers:
                blockers = theirs if blockers <= theirs else blockers | theirs
            if self._is_blocking(before):
                blockers = blockers | {before}
        if kind is not Kind.SILENT and level % 2 != (kind is Kind.HOST):
            level += 1
        self._levels[node], self._blockers[node] = level, blockers
        return level, blockers

    def _add_unit(
        self, level: int, blocking: bool, nodes: list[Operation], leaves: dict[Operation, Leaves]
    ) -> None:
        unit = Unit(level % 2 == 0, blocking)
        ordered = nodes
        if len(nodes) > 1:
            ordered = schedule(nodes, self.before.__getitem__, self.access)
        unit.nodes = [n for n in ordered if self._kinds[n] is not Kind.SILENT]
        needed = {t for n in unit.nodes for t in leaves[n]}
        if unit.is_region:
            needed |= self._static.crossing(unit.nodes)
        unit.static_leaves = frozenset(needed)
        self.units.append(unit)
        for node in nodes:
            self.unit_of[node] = unit

    def _link(self) -> None:
        index_of = {unit: i for i, unit in enumerate(self.units)}
        for node in self.program.nodes:
            unit = self.unit_of[node]
            for before in self.before[node]:
                other = self.unit_of[before]
                if other is not unit:
                    unit.inputs_from.add(index_of[other])

    def variable_value(self, tensor: Tensor) -> bool:
        """Tells whether a tensor has no array of its own but stands for a variable's."""
        return is_handle(tensor) and not self.program.is_known(tensor)


def is_silent(node: Operation) -> bool:
    """Tells whether a node does nothing at run time but order others."""
    opdef = node.opdef
    if isinstance(opdef.effect, Variable):
        return True
    if opdef.effect is not None:
        return False
    outputs = node.values()
    if not outputs:
        return not (opdef.kernel or opdef.reference or opdef.run)
    return all(t.dtype.is_ref for t in outputs) or (
        node.type == "Identity"
        and outputs[0].dtype is dtypes.resource
        and not holds_buffer(outputs[0])
    )


def is_compilable(node: Operation) -> bool:
    """Tells whether a node may be part of a region, its static inputs aside."""
    opdef = node.opdef
    if isinstance(opdef.effect, (Host, Dynamic)) or not opdef.kernel:
        return False
    if not all(map(_is_compiled, node.values())):
        return False
    return all(
        t.dtype.base_dtype not in _UNCOMPILABLE_TYPES
        or t.dtype is dtypes.resource
        or holds_buffer(t)
        for t in node.inputs
    )


def _is_compiled(tensor: Tensor) -> bool:
    """Tells whether compiled code can hold a tensor's value."""
    if tensor.dtype not in _UNCOMPILABLE_TYPES:
        return True
    return tensor.dtype is not dtypes.string and holds_buffer(tensor)


def _takes_numbers(call: Call) -> bool:
    """Tells whether what a call takes and gives can be part of compiled code."""
    given = [o.tensor for o in call.access.operands if o.role is Role.VALUE]
    made = [t for i, t in enumerate(call.node.values()) if i in call.wanted]
    return all(map(_is_compiled, (*given, *made)))


def _is_blocking(node: Operation) -> bool:
    effect = node.opdef.effect
    return isinstance(effect, Host) and effect.blocking
