"""Bodies of functions, planned for one call: what branches, loops and calls are made of.

A body is planned like a step of its own whose feeds are the function's inputs. If that gives a
single region, the call can be part of a region itself: the NumPy tier runs the body's steps on a
frame of their own (`Body.run`), and tracing the call traces the body's nodes
(`millstream.compiler.lower_calls`). Otherwise the executor runs the body's plan
(`millstream.compiler.host_calls`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from millstream.base.errors import OpError
from millstream.compiler import failures
from millstream.compiler.effects import Key, is_handle, variable_behind
from millstream.compiler.region import Region
from millstream.ir.func_graph import FuncGraph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program

if TYPE_CHECKING:
    from millstream.compiler.plan import Plan

type Planner = Callable[[Program], "Plan"]


class Body:
    """A function's body within one call.

    Attributes:
      graph: The body.
      plan: How it runs.
      region: Its only region, if all of it is numeric and there is something to run.
      numeric: Whether it can be part of a region.
      outputs: Positions among the function's outputs of what it computes.
      nodes: The variables, or nodes with hidden state, behind the keys that it touches.
    """

    def __init__(self, graph: FuncGraph, plan: Plan, outputs: Sequence[int]) -> None:
        self.graph = graph
        self.plan = plan
        self.outputs = tuple(outputs)
        actions = plan.actions
        only = actions[0] if len(actions) == 1 else None
        self.region = only if isinstance(only, Region) and only.tiers is not None else None
        self.numeric = plan.frames is None and (not actions or self.region is not None)
        self.nodes: dict[Key, Operation] = {}
        self.stores: dict[Key, None] = {}
        for action in actions:
            self.nodes.update(action.variable_nodes)
            self.stores.update(dict.fromkeys(action.stores))
        region = self.region
        slots = () if region is None else region.loads
        self._loads = [(region.key_slots[k], k) for k in slots] if region is not None else []
        self._stores = [(region.key_slots[k], k) for k in region.stores] if region else []

    @property
    def static_positions(self) -> frozenset[int]:
        """Positions of the inputs whose value must be known to compile the body."""
        if self.region is None:
            return frozenset()
        slots = self.region.static_slots
        return frozenset(i for i, s in enumerate(self.plan.feed_slots) if s in slots)

    def run(self, inputs: Iterable[Any], states: dict[Key, Any]) -> list[Any]:
        """Runs the body in the NumPy tier.

        Args:
          inputs: One array per input of the function.
          states: Variables by key; those that the body writes are replaced.

        Returns:
          One array per item of `outputs`.
        """
        plan = self.plan
        frame = plan.template.copy()
        for slot, value in zip(plan.feed_slots, inputs):
            frame[slot] = value
        region = self.region
        if region is not None:
            for slot, key in self._loads:
                value = states[key]
                if value is None and key not in region.optional:
                    raise failures.uninitialized(region.reader_of(key), key.kind, key.name)
                frame[slot] = value
            self._run_steps(region, frame)
            for slot, key in self._stores:
                states[key] = frame[slot]
        return [frame[slot] for slot in plan.fetch_slots]

    def _run_steps(self, region: Region, frame: list[Any]) -> None:
        rest = iter(region.steps)
        try:
            for step in rest:
                step(frame)
        except Exception as error:
            position = len(region.steps) - operator.length_hint(rest) - 1
            member = region.nodes[position]
            wrapped = failures.wrap(error, member.node, [frame[slot] for slot in member.ins])
            if wrapped is error:
                raise
            raise wrapped from (None if isinstance(error, OpError) else error)


def body_program(
    outer: Program,
    graph: FuncGraph,
    operands: Sequence[Tensor | None],
    outputs: Sequence[int],
    fixed: Sequence[bool],
    targets: Sequence[Operation] = (),
) -> Program:
    """Makes the program of a function's body within one call.

    Args:
      outer: The program that calls.
      graph: The body.
      operands: The outer tensor behind each input, None for one that has none.
      outputs: Which outputs are wanted.
      fixed: For each input, whether it has its operand's value whenever the body runs.
      targets: Nodes to run beside.
    """
    fetches = [graph.outputs[i] for i in outputs]
    program = Program(graph, fetches, targets, graph.inputs)
    for inner, operand, is_fixed in zip(graph.inputs, operands, fixed):
        if operand is None:
            continue
        operand = outer.resolve(operand)
        variable = variable_behind(outer, operand) if is_handle(operand) else None
        if variable is not None:
            program.handles[inner] = variable
        elif is_fixed and operand in outer.values:
            program.values[inner] = outer.values[operand]
    return program


def passed_on(graph: FuncGraph, count: int) -> list[bool]:
    """Tells which of a loop's first `count` inputs its body returns as they are."""
    return [_origin(graph.outputs[i]) is graph.inputs[i] for i in range(count)]


def _origin(tensor: Tensor) -> Tensor:
    while tensor.op.type == "Identity" and not tensor.op.control_inputs:
        tensor = tensor.op.inputs[0]
    return tensor


def inputs_behind(graph: FuncGraph, tensors: Iterable[Tensor]) -> Iterator[int]:
    """Yields the positions of the inputs that tensors of a body depend on."""
    position = {t: i for i, t in enumerate(graph.inputs)}
    stack = list(tensors)
    seen: set[Operation] = set()
    done: set[int] = set()
    while stack:
        tensor = stack.pop()
        index = position.get(tensor)
        if index is not None:
            if index not in done:
                done.add(index)
                yield index
            continue
        node = tensor.op
        if node not in seen:
            seen.add(node)
            stack.extend(node.inputs)
            for control in node.control_inputs:
                if control not in seen:
                    seen.add(control)
                    stack.extend(control.inputs)
