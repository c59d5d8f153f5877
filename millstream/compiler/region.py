"""Regions: numeric nodes that run together, in one of two tiers.

A `Region` belongs to a graph and is shared by all sessions: it holds the NumPy steps, and per
signature (the shapes of its inputs as far as they vary, the values of its static inputs) a
`Variant` that counts its runs and, once that pays, holds an executable. A `BoundRegion` is a region
within one session: it knows the cells that hold the session's variables.

State of a run: `frame` alone. A region copies the variables it reads into slots of the frame, its
steps read and replace these, and at its end the replaced ones go back to their cells. Between
`gate.enter` and `gate.leave` no other step may touch a variable that this one writes, or write one
that it reads, so a run of a region is atomic; and no buffer that another step can see is donated.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from millstream.base import dtypes
from millstream.base.errors import OpError
from millstream.compiler import failures, jax_bridge
from millstream.compiler.arena import FEWEST, LARGEST_ELEMENTS, Arena
from millstream.compiler.effects import Access, Key
from millstream.compiler.numpy_bridge import quiet
from millstream.compiler.steps import Frame, NumPyStep
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.flow.buffer_room import SMALLEST_CAPACITY, NoRoom, doubled
from millstream.rewrite.program import Program

if TYPE_CHECKING:
    from millstream.compiler.calls import Call
    from millstream.compiler.executable import Executable
    from millstream.compiler.tiers import Tiers, Variant


class Cell(Protocol):
    """Where a session keeps the value of one variable; None while it has none."""

    value: Any


class Gate(Protocol):
    """What keeps steps that would disturb each other apart.

    `epoch` grows whenever a variable of the session loses its value.
    """

    epoch: int

    def enter(self, access: Any) -> None:
        """Waits until no step that conflicts with `access` is inside, then enters."""
        ...

    def leave(self, access: Any) -> None:
        """Ends what `enter` began."""
        ...


class RegionNode:
    """A node of a region: where it finds its operands and where its results go.

    Attributes:
      node: The node.
      access: What it takes and touches.
      ins: Slots of its operands, its own hidden state last.
      states: Slots of the state that it replaces, in the order in which its rule returns them.
      outs: Slots of its outputs that are arrays; None for one that nobody needs.
      call: The plans of the functions that it runs, or None.
    """

    __slots__ = ("access", "call", "ins", "node", "outs", "states")

    def __init__(
        self,
        node: Operation,
        access: Access,
        ins: Sequence[int],
        states: Sequence[int],
        outs: Sequence[int | None],
        call: Call | None = None,
    ) -> None:
        self.node = node
        self.call = call
        self.access = access
        self.ins = tuple(ins)
        self.states = tuple(states)
        self.outs = tuple(outs)


class Region:
    """A compiled or compilable group of nodes.

    Attributes:
      name: For traces and messages.
      nodes: Its nodes in order.
      steps: The NumPy steps: one per node, then moves of variables that are fetched.
      inputs: Slots filled from outside before it runs.
      foreign: Those of them that another region fills.
      exports: Slots that others look at after it ran.
      host_exports: Those of them that host nodes look at.
      static_slots: Slots whose value must be known to compile it.
      constants: Small constants among its inputs, by slot.
      large_constants: The large ones, which are not compiled into executables.
      tensors: The tensors behind its inputs, by slot.
      program_nodes: All nodes of the program that it is part of, in order.
      predecessors: Gives the nodes that must run before one of them.
      key_slots: The slot that holds each variable.
      loads: Variables whose value it needs on entry.
      optional: Those of them that only branches and loops need, which may not run.
      stores: Variables that it replaces.
      finals: (variable, slot) of variables whose value at the end is fetched.
      tiers: Which tier runs it; None where it can never be compiled.
      room: How many elements growing arrays have room for.
    """

    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self.program_nodes = program.nodes
        self.predecessors = program.predecessors
        self.nodes: list[RegionNode] = []
        self.steps: list[NumPyStep] = []
        self.inputs: tuple[int, ...] = ()
        self.foreign: tuple[int, ...] = ()
        self.exports: tuple[int, ...] = ()
        self.host_exports: frozenset[int] = frozenset()
        self.static_slots: tuple[int, ...] = ()
        self.constants: dict[int, Any] = {}
        self.large_constants: dict[int, Any] = {}
        self.tensors: dict[int, Tensor] = {}
        self.key_slots: dict[Key, int] = {}
        self.optional: frozenset[Key] = frozenset()
        self.loads: tuple[Key, ...] = ()
        self.stores: tuple[Key, ...] = ()
        self.finals: list[tuple[Key, int]] = []
        self.variable_nodes: dict[Key, Operation] = {}
        self.tiers: Tiers | None = None
        self.room = SMALLEST_CAPACITY

    @property
    def is_measured(self) -> bool:
        """Whether it is known, or was seen, how often its loops iterate."""
        return all(member.call.is_measured for member in self.nodes if member.call is not None)

    @property
    def trains(self) -> bool:
        """Whether it looks like a training step: it changes variables that it reads."""
        return any(key.kind != "owned" and key in self.loads for key in self.stores)

    def packed(self) -> tuple[Key, ...]:
        """Gives the small variables that its executables take and give back in one array."""
        groups: dict[dtypes.DType, list[Key]] = {}
        for key in self.loads:
            if key.kind != "owned" and key in self.stores and self.has_fixed_shape(key):
                attrs = self.variable_nodes[key].attrs
                if attrs["shape"].num_elements() <= LARGEST_ELEMENTS:
                    groups.setdefault(attrs["dtype"], []).append(key)
        if not groups:
            return ()
        largest = max(groups.values(), key=len)
        return tuple(largest) if len(largest) >= FEWEST else ()

    def shapes_of(self, keys: Sequence[Key]) -> list[tuple[int, ...]]:
        """Gives the shapes that the graph says variables have."""
        return [self.variable_nodes[key].attrs["shape"].tuple for key in keys]

    @property
    def runs_once(self) -> bool:
        """Whether it looks like an initializer: it sets variables and depends on nothing."""
        given = set(self.inputs) - self.constants.keys() - self.large_constants.keys()
        reads = any(key.kind != "owned" for key in self.loads)
        writes = any(key.kind != "owned" for key in self.stores)
        return writes and not reads and not given

    def has_fixed_shape(self, key: Key) -> bool:
        """Tells whether the graph says what shape a variable has."""
        node = self.variable_nodes[key]
        shape = node.attrs.get("shape")
        return shape is not None and shape.is_fully_defined()

    def reader_of(self, key: Key) -> Operation:
        """Gives the first node that needs a variable's value; its handle if it is only fetched."""
        for member in self.nodes:
            if key in member.access.reads:
                return member.node
        return self.variable_nodes[key]


class BoundRegion:
    """A region with the cells and the gate of one session.

    Attributes:
      cells: The cells of its variables.
      arena: Small ones that it reads and writes, or None.
      donated_cells: The other cells that it reads and writes.
      kept_cells: Cells that it only reads.
      load_cells: All cells that it reads.
      reads: Cells that it reads, for the gate.
      writes: Cells that it writes, for the gate.
    """

    def __init__(self, region: Region, cells: dict[Key, Any], gate: Gate) -> None:
        self.region = region
        self.blocking = False
        self.cells = cells
        self._gate = gate if region.key_slots else None
        slots = region.key_slots
        self._loads = [(slots[k], cells[k], k) for k in region.loads]
        self._optional = [cells[k] for k in region.optional]
        self._stores = [(slots[k], cells[k]) for k in region.stores]
        self._foreign = region.foreign
        self._steps = region.steps
        self._tiers = region.tiers
        written = set(region.stores)
        packed = region.packed() if region.tiers is not None else ()
        self.arena = _make_arena(region, packed, cells) if packed else None
        apart = [k for k in region.loads if k in written and k not in packed]
        self.donated_cells = [cells[k] for k in apart]
        self.kept_cells = [cells[k] for k in region.loads if k not in written]
        self._stored = [cells[k] for k in region.stores if k not in packed]
        self._checked_epoch = -1
        self.load_cells = [cells[k] for k in region.loads]
        self.reads = frozenset(self.load_cells)
        self.writes = frozenset(cells[k] for k in region.stores)

    def run(self, frame: Frame, step: Any) -> None:
        """Runs the region on a frame, in the tier that is due."""
        tiers = self._tiers
        if tiers is not None:
            variant = tiers.sole or tiers.select(frame, self)
            variant.runs += 1
            if variant.runs >= variant.next_event:
                tiers.advance(variant, self, frame)
            if variant.executable is not None and (not self._optional or self._all_there()):
                self._run_executable(frame, variant)
                return
        self.run_numpy(frame)

    def _all_there(self) -> bool:
        """Tells whether what compiled code takes has a value, even where it may not be needed."""
        return all(cell.value is not None for cell in self._optional)

    # -- the NumPy tier

    def run_numpy(self, frame: Frame, steps: Sequence[NumPyStep] | None = None) -> None:
        """Runs the region node by node; `steps` may stand for its own, one for one."""
        steps = self._steps if steps is None else steps
        gate = self._gate
        if gate is None:
            self._run_steps(frame, steps)
            return
        gate.enter(self)
        try:
            self.load(frame)
            try:
                self._run_steps(frame, steps)
            finally:
                self.store(frame)
        finally:
            gate.leave(self)

    def load(self, frame: Frame) -> None:
        """Copies the variables that the region reads into the frame."""
        for slot, cell, key in self._loads:
            value = cell.value
            if value.__class__ is not np.ndarray:
                if value is None and key in self.region.optional:
                    frame[slot] = None
                    continue
                if value is None:
                    raise failures.uninitialized(self.region.reader_of(key), key.kind, key.name)
                value = jax_bridge.view(value)
            frame[slot] = value

    def store(self, frame: Frame) -> None:
        """Copies the variables that the region replaced from the frame to their cells."""
        for slot, cell in self._stores:
            value = frame[slot]
            if value is not None:
                cell.value = value

    def _run_steps(self, frame: Frame, steps: Sequence[NumPyStep]) -> None:
        for slot in self._foreign:
            frame[slot] = jax_bridge.view(frame[slot])
        rest = iter(steps)
        with quiet():
            try:
                for step in rest:
                    step(frame)
            except Exception as error:  # noqa: BLE001 - a rule may raise anything
                position = len(steps) - operator.length_hint(rest) - 1
                raise self._blame(error, position, frame) from _cause(error)

    def _blame(self, error: Exception, position: int, frame: Frame) -> OpError:
        member = self.region.nodes[position]
        return failures.wrap(error, member.node, [frame[slot] for slot in member.ins])

    # -- the XLA tier

    def _run_executable(self, frame: Frame, variant: Variant) -> None:
        executable = variant.executable
        assert executable is not None
        try:
            result = self._dispatch(frame, executable)
        except TypeError:
            # A variable changed its shape behind the graph's back.
            assert self._tiers is not None
            self._tiers.retire(variant)
            self.run_numpy(frame)
            return
        try:
            executable.finish(frame, result)
        except NoRoom as error:
            # A TensorArray grew beyond what it was given: no state was changed.
            self.region.room = doubled(4 * error.needed)
            assert self._tiers is not None
            self._tiers.compile_again(variant)
            self.run_numpy(frame)

    def _dispatch(self, frame: Frame, executable: Executable) -> Any:
        gate = self._gate
        if gate is None:
            return executable.call(frame, (), ())
        gate.enter(self)
        try:
            if self._checked_epoch != gate.epoch:
                self.load(frame)
                self._checked_epoch = gate.epoch
            donated = tuple([cell.value for cell in self.donated_cells])
            kept = tuple([cell.value for cell in self.kept_cells])
            arena = self.arena
            if arena is not None:
                donated = (arena.take(), *donated)
            result = executable.call(frame, donated, kept)
            states = result[0]
            if arena is not None:
                arena.put(states[0])
                states = states[1:]
            for cell, value in zip(self._stored, states):
                cell.value = value
            return result
        finally:
            gate.leave(self)


def _make_arena(region: Region, keys: Sequence[Key], cells: dict[Key, Any]) -> Arena:
    dtype = region.variable_nodes[keys[0]].attrs["dtype"].np
    return Arena([cells[key] for key in keys], region.shapes_of(keys), dtype)


def _cause(error: Exception) -> Exception | None:
    return None if isinstance(error, OpError) else error
