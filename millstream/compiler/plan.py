"""Plans: what a session does for one combination of fetches and feeds.

A plan is made once per graph and combination, and shared by all sessions of the graph. It says how
large a frame is and what is in it from the start (constants), where feeds go, which units run in
which order, and where fetched values are found. Sessions bind its actions to their own state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.errors import InvalidArgumentError
from millstream.compiler.effects import Access, Key, Operand, Role, key_of_variable, variable_behind
from millstream.compiler.frames import FrameGraph, NodePartition, has_control_flow
from millstream.compiler.host import HostCall
from millstream.compiler.region import Region, RegionNode
from millstream.compiler.steps import make_move_step, make_step, make_write_step
from millstream.compiler.tiers import Tiers
from millstream.compiler.units import Partition, Unit
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import Host
from millstream.ir.tensor import Tensor
from millstream.rewrite import rewrite
from millstream.rewrite.functionalize import functionalize
from millstream.rewrite.program import PLACEHOLDERS, Program
from millstream.rewrite.rules import bind_flat

type Action = Region | HostCall

LARGEST_LITERAL_BYTES = 4096
"""A larger constant is passed to executables as an argument, not compiled into them."""

_NOTHING = 0
"""The slot that always holds None: the operand of a rule that is not given the old state."""


class Plan:
    """How a step runs.

    Attributes:
      template: A fresh frame; copied for every step.
      feed_slots: Where fed arrays go, in the order of the feeds.
      fetch_slots: Where fetched values are found, in the order of the fetches.
      actions: What runs, in order.
      unit_of: For each action, the index of its unit.
      inputs_from: For each unit, the units that must have run before.
      blocking: Whether any action may wait.
      needs_step: Whether any action is a host node.
      program: What was planned, for traces.
      partition: The units, for traces.
      frames: What follows from what, if there is raw control flow: then nothing else orders them.
    """

    def __init__(self, program: Program, partition: Partition) -> None:
        self.program = program
        self.partition = partition
        self.template: list[Any] = [None]
        self.feed_slots: tuple[int, ...] = ()
        self.fetch_slots: tuple[int, ...] = ()
        self.actions: list[Action] = []
        self.unit_of: list[int] = []
        self.inputs_from = [frozenset(u.inputs_from) for u in partition.units]
        self.blocking = any(u.blocking for u in partition.units)
        self.frames: FrameGraph | None = None
        self.needs_step = False


class PlanOptions:
    """What of a session's configuration changes how its steps are planned.

    Attributes:
      optimize: Whether rewrite passes run.
      tier: `auto`, `numpy` or `xla`.
    """

    __slots__ = ("optimize", "tier")

    def __init__(self, optimize: bool = True, tier: str = "auto") -> None:
        self.optimize = optimize
        self.tier = tier


def make_plan(
    graph: Graph,
    fetches: Sequence[Tensor],
    targets: Sequence[Operation],
    feeds: Sequence[Tensor],
    options: PlanOptions,
    done: Iterable[Operation] = (),
) -> Plan:
    """Plans the step that computes `fetches` and runs `targets`, given `feeds`.

    Args:
      graph: The graph.
      fetches: Tensors whose values are wanted.
      targets: Nodes that are to run.
      feeds: Tensors whose values will be given.
      options: How to plan.
      done: Nodes that ran before and must not run again.

    Raises:
      InvalidArgumentError: If a placeholder that is needed is not fed, or a node has a type that
        its op does not compute.
    """
    program = Program(graph, fetches, targets, feeds)
    program.skip(done)
    return plan_program(program, options)


def plan_program(program: Program, options: PlanOptions) -> Plan:
    """Plans a program, which may be a function's body within a call."""
    raw = has_control_flow(program)
    if raw and options.optimize and not program.folded and not program.depth:
        functional = functionalize(program)
        if functional is not None:
            program, raw = functional, False
    rewrite(program, options.optimize, ordered=not raw)
    for node in program.nodes:
        if node.type in PLACEHOLDERS:
            raise InvalidArgumentError(None, node, _unfed_message(node))
        refusal = node.opdef.refusal(node)
        if refusal is not None:
            raise InvalidArgumentError(None, node, refusal)
    return _Builder(program, options, raw).build()


def _unfed_message(node: Operation) -> str:
    tensor = node.values()[0]
    name = _C_NAMES.get(tensor.dtype.name, tensor.dtype.name)
    text = f"You must feed a value for placeholder tensor '{node.name}' with dtype {name}"
    sizes = tensor.shape.tuple
    if sizes:
        text += f" and shape [{','.join('?' if s is None else str(s) for s in sizes)}]"
    return text


_C_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


class _Builder:
    def __init__(self, program: Program, options: PlanOptions, raw: bool) -> None:
        self._program = program
        self._options = options
        kind: Any = NodePartition if raw else Partition
        self._raw = raw

        def plan_body(inner: Program) -> Plan:
            return plan_program(inner, options)

        self._partition = kind(program, plan_body)
        self._plan = Plan(program, self._partition)
        self._slots: dict[Tensor, int] = {}
        self._produced_by: dict[int, Action | None] = {}
        self._used_by: dict[int, set[Action]] = {}
        self._wanted: set[Tensor] = set()
        self._compilable: list[Region] = []

    def build(self) -> Plan:
        plan, program = self._plan, self._program
        plan.feed_slots = tuple(self._slot(t) for t in program.feeds)
        fetches = [program.resolve(t) for t in program.fetches]
        self._find_wanted(fetches)
        for index, unit in enumerate(self._partition.units):
            for action in self._actions_of(unit):
                plan.actions.append(action)
                plan.unit_of.append(index)
        plan.fetch_slots = tuple(self._fetch_slot(t) for t in fetches)
        plan.needs_step = any(isinstance(a, HostCall) for a in plan.actions)
        if self._raw:
            plan.frames = FrameGraph(program, self._moved_slot, plan.unit_of)
            plan.needs_step = True
        for action in plan.actions:
            if isinstance(action, Region):
                self._finish_region(action)
        return plan

    def _find_wanted(self, fetches: list[Tensor]) -> None:
        self._wanted.update(fetches)
        for access in self._partition.access.values():
            self._wanted.update(o.tensor for o in access.operands if o.role is Role.VALUE)

    # -- slots

    def _new_slot(self, value: Any = None) -> int:
        self._plan.template.append(value)
        return len(self._plan.template) - 1

    def _slot(self, tensor: Tensor) -> int:
        slot = self._slots.get(tensor)
        if slot is None:
            value: Any = self._program.values.get(tensor)
            if value.__class__ is np.ndarray and not value.ndim and value.dtype.kind != "O":
                value = value[()]  # arithmetic on NumPy scalars is ten times faster
            slot = self._slots[tensor] = self._new_slot(value)
        return slot

    def _moved_slot(self, tensor: Tensor, dereferenced: bool) -> int | None:
        """Gives the slot of a tensor that is moved between frames; refs move as values or not."""
        if not tensor.dtype.is_ref:
            return self._slot(tensor)
        variable = variable_behind(self._program, tensor) if dereferenced else None
        if variable is None:
            return None
        region = Region(tensor.op.name, self._program)
        self._plan.actions.append(region)
        self._plan.unit_of.append(self._program.nodes.index(tensor.op))
        return self._read_finally(region, variable)

    def _key_slot(self, region: Region, key: Key) -> int:
        slot = region.key_slots.get(key)
        if slot is None:
            slot = region.key_slots[key] = self._new_slot()
        return slot

    # -- actions

    def _actions_of(self, unit: Unit) -> list[Action]:
        if unit.is_region:
            return [self._region(unit.nodes, unit)] if unit.nodes else []
        actions: list[Action] = []
        plain: list[Operation] = []
        for node in unit.nodes:
            if node.opdef.run or not node.opdef.reference or node in self._partition.calls:
                if plain:
                    actions.append(self._region(plain, None))
                    plain = []
                actions.append(self._host_call(node, unit))
            else:
                plain.append(node)
        if plain:
            actions.append(self._region(plain, None))
        return actions

    def _host_call(self, node: Operation, unit: Unit) -> HostCall:
        access = self._partition.access[node]
        call = HostCall(node, access, unit.blocking)
        call.call = self._partition.calls.get(node)
        for operand in access.operands:
            if operand.role is Role.VALUE:
                slot = self._use(operand.tensor, call)
            elif call.call is not None:
                self._note_variable(call.variable_nodes, operand)
                if operand.role is Role.STATE:
                    continue  # the functions' own plans know where to find it
                slot = _NOTHING
            else:
                slot = self._new_slot()
                assert operand.key is not None
                self._note_variable(call.variable_nodes, operand)
                target = call.handles if operand.role is Role.HANDLE else call.loads
                target.append((slot, operand.key))
            call.ins.append(slot)
        call.outs = self._out_slots(node, call)
        return call

    def _region(self, nodes: list[Operation], unit: Unit | None) -> Region:
        name = nodes[0].name if len(nodes) == 1 else f"{nodes[0].name}+{len(nodes) - 1}"
        region = Region(name, self._program)
        loads: dict[Key, None] = {}
        stores: dict[Key, None] = {}
        required: set[Key] = set()
        for node in nodes:
            access = self._partition.access[node]
            for key in access.reads:
                if key not in stores:
                    loads[key] = None
                    if node not in self._partition.calls:
                        required.add(key)
            for key in access.writes:
                stores[key] = None
            if access.owned:
                loads[access.owned] = stores[access.owned] = None
                region.variable_nodes[access.owned] = node
            self._add_node(region, node, access)
        region.loads, region.stores = tuple(loads), tuple(stores)
        calls = [node for node in nodes if node in self._partition.calls]
        region.optional = frozenset(loads.keys() - required) if calls else frozenset()
        if unit is not None:
            leaves = sorted(unit.static_leaves, key=lambda t: (t.op.id, t.value_index))
            region.static_slots = tuple(sorted(self._use(t, region) for t in leaves))
            self._compilable.append(region)
        return region

    def _add_node(self, region: Region, node: Operation, access: Access) -> None:
        ins: list[int] = []
        for operand in access.operands:
            if operand.role is Role.ABSENT:
                ins.append(_NOTHING)
            elif operand.role is Role.VALUE:
                ins.append(self._use(operand.tensor, region))
            else:
                assert operand.key is not None
                ins.append(self._key_slot(region, operand.key))
            self._note_variable(region.variable_nodes, operand)
        states = [self._key_slot(region, key) for key in access.writes]
        if access.owned:
            states.append(self._key_slot(region, access.owned))
            ins.append(states[-1])
        outs = self._out_slots(node, region)
        call = self._partition.calls.get(node)
        region.nodes.append(RegionNode(node, access, ins, states, outs, call))
        fn = bind_flat(node.opdef.reference, node) if call is None else call.run
        region.steps.append(
            make_write_step(fn, ins, states, outs) if states else make_step(fn, ins, outs)
        )

    def _note_variable(self, nodes: dict[Key, Operation], operand: Operand) -> None:
        if operand.key is not None and operand.key not in nodes:
            if operand.key.kind == "owned":
                nodes[operand.key] = operand.tensor.op
                return
            variable = variable_behind(self._program, operand.tensor)
            assert variable is not None
            nodes[operand.key] = variable

    def _out_slots(self, node: Operation, action: Action) -> list[int | None]:
        outs: list[int | None] = []
        for tensor in node.values():
            if tensor.dtype.is_ref and not isinstance(node.opdef.effect, Host):
                continue
            if tensor in self._program.fed or tensor not in self._wanted:
                outs.append(None)
                continue
            slot = self._slot(tensor)
            self._produced_by[slot] = action
            outs.append(slot)
        return outs

    def _use(self, tensor: Tensor, action: Action) -> int:
        slot = self._slot(tensor)
        self._used_by.setdefault(slot, set()).add(action)
        return slot

    # -- fetches

    def _fetch_slot(self, tensor: Tensor) -> int:
        if self._program.is_known(tensor) or not tensor.dtype.is_ref:
            if not self._program.is_known(tensor) and tensor.dtype is dtypes.resource:
                return self._fetch_handle(tensor)
            return self._exported(self._slot(tensor))
        variable = variable_behind(self._program, tensor)
        if variable is None:
            return self._exported(self._slot(tensor))
        key = key_of_variable(variable)
        return self._exported(self._read_finally(self._region_for_final(key), variable))

    def _read_finally(self, region: Region, variable: Operation) -> int:
        """Makes a region end with a read of a variable; gives the slot of its value."""
        key = key_of_variable(variable)
        region.variable_nodes.setdefault(key, variable)
        slot = self._new_slot()
        region.finals.append((key, slot))
        region.steps.append(make_move_step(self._key_slot(region, key), slot))
        if key not in region.loads and key not in region.stores:
            region.loads = (*region.loads, key)
        self._produced_by[slot] = region
        return slot

    def _exported(self, slot: int) -> int:
        self._used_by.setdefault(slot, set())
        producer = self._produced_by.get(slot)
        if isinstance(producer, Region) and slot not in producer.exports:
            producer.exports = (*producer.exports, slot)
        return slot

    def _fetch_handle(self, tensor: Tensor) -> int:
        variable = variable_behind(self._program, tensor)
        if variable is None:
            return self._slot(tensor)
        return self._new_slot(np.array(str(key_of_variable(variable)).encode(), object))

    def _region_for_final(self, key: Key) -> Region:
        """Finds where a variable is read at the end: with its last write, else its last read."""
        regions = [a for a in self._plan.actions if isinstance(a, Region)]
        for touches in (lambda r: key in r.stores, lambda r: key in r.key_slots):  # pyright: ignore
            found = next((r for r in reversed(regions) if touches(r)), None)  # pyright: ignore
            if found is not None:
                return found
        region = Region(key.name, self._program)
        self._plan.actions.append(region)
        self._plan.unit_of.append(len(self._plan.inputs_from))
        self._plan.inputs_from.append(frozenset(range(len(self._plan.inputs_from))))
        return region

    def _finish_region(self, region: Region) -> None:
        inputs = {s for m in region.nodes for s in m.ins} - set(region.key_slots.values())
        own = {s for m in region.nodes for s in m.outs}
        inputs.update(region.static_slots)
        region.inputs = tuple(sorted(inputs - own - {_NOTHING}))
        tensors = {slot: tensor for tensor, slot in self._slots.items() if slot in inputs}
        region.tensors = tensors
        template = self._plan.template
        for slot in region.inputs:
            value = template[slot]
            if value is not None:
                small = value.nbytes <= LARGEST_LITERAL_BYTES
                (region.constants if small else region.large_constants)[slot] = value
        region.foreign = tuple(
            s for s in region.inputs if isinstance(self._produced_by.get(s), Region)
        )
        used = (s for s in own if s is not None and self._used_by.get(s, set[Action]()) - {region})
        region.exports = tuple(sorted({*region.exports, *used}))
        region.host_exports = frozenset(
            s for s in region.exports if any(isinstance(a, HostCall) for a in self._used_by[s])
        )
        if region in self._compilable and region.nodes:
            region.tiers = Tiers(region, self._options.tier)
