"""Loops of raw control flow as `While`, or as `Loop` where stacks are filled or emptied in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from millstream.base import dtypes
from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.attrs import FunctionRef
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import Dynamic
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import Identity
from millstream.ops.flow.bodies import base_types, is_stateful
from millstream.ops.flow.calling import NO_FUNCTION, Loop, StatelessWhile, While
from millstream.rewrite.functionalize.stacks import Push, Stack
from millstream.rewrite.functionalize.structure import (
    ENTERS,
    MERGES,
    NEXTS,
    Irregular,
    Path,
    source_of,
)
from millstream.rewrite.functionalize.sums import Sum, find_sum

if TYPE_CHECKING:
    from millstream.rewrite.functionalize.levels import Emitter


def constant_in(graph: Graph, number: int) -> Tensor:
    """Makes an int32 constant in a graph."""
    attrs = {"dtype": dtypes.int32, "value": np.array(number, np.int32)}
    name = graph.unique_name("index") + "/"
    return graph.create_node(registry.get("Const"), (), attrs, (dtypes.int32,), name).values()[0]


def run_loop(emitter: Emitter, path: Path, graph: Graph) -> None:
    """Makes the node of the loop at `path` in `graph`."""
    enters = emitter.entered.pop(path)
    _LoopMaker(emitter, path, graph, enters).run()


class _LoopMaker:
    """One loop while it is made."""

    def __init__(self, emitter: Emitter, path: Path, graph: Graph, enters: list[Operation]) -> None:
        self._emitter, self._path, self._graph = emitter, path, graph
        self._enters = enters
        here = [n for n in emitter.structure.order if emitter.structure.path[n] == path]
        self._merges = [n for n in here if n.type in MERGES and _is_loop_merge(n)]
        self._pops = [n for n in emitter.structure.order if self._empties(n)]
        conditions = [n for n in here if n.type == "LoopCond"]
        if len(conditions) != 1:
            raise Irregular(f"loop {path[-1].key!r} has {len(conditions)} conditions")
        self._condition = conditions[0]
        self._before = set(emitter.done)
        self._totals: dict[int, Tensor] = {}

    def run(self) -> None:
        """Makes both functions and the node."""
        emitter = self._emitter
        name = self._path[-1].key
        self._test = emitter.new_body(f"{name}_cond", self._graph)
        self._body = emitter.new_body(f"{name}_body", self._graph)
        for enter in self._enters:
            emitter.values[enter.values()[0]] = emitter.value(enter.inputs[0])
        starts = [self._start(m) for m in self._merges]
        self._make_test()
        slices = self._begin_body()
        emitter.pushes.append([])
        emitter.exits.append([])
        for enter in self._enters:
            emitter.finish(enter)
        emitter.run_level(self._path, self._body)
        pushes, exits = emitter.pushes.pop(), emitter.exits.pop()
        for stack, parts in self._whole:
            stack.parts = parts
        pushes += self._pushed_inside()
        node, saved_from = self._make_node(starts, slices, pushes)
        saved = dict(zip(dict.fromkeys(p.value for p in pushes), node.values()[saved_from:]))
        self._note_saved(pushes, saved, node.values()[saved_from - 1])
        inside = [n for n in emitter.structure.order if n in emitter.done and n not in self._before]
        emitter.close(inside, node)
        self._leave(node, exits)

    def _start(self, merge: Operation) -> Tensor:
        enter = next((t for t in merge.inputs if t.op.type in ENTERS), None)
        if enter is None:
            raise Irregular(f"nothing enters the loop at {merge.name!r}")
        value = self._emitter.value(enter)
        if not isinstance(value, Tensor):
            raise Irregular("a stack is a loop variable")
        return value

    def _next(self, merge: Operation) -> Tensor:
        back = next((t for t in merge.inputs if t.op.type in NEXTS), None)
        value = None if back is None else self._emitter.values.get(back)
        if not isinstance(value, Tensor):
            raise Irregular(f"nothing comes back to {merge.name!r}")
        return value

    def _argument(self, body: FuncGraph, merge: Operation) -> Tensor:
        tensor = merge.values()[0]
        return body.add_input(tensor.dtype.base_dtype, tensor.shape, "loop_value")

    # -- functions

    def _make_test(self) -> None:
        """Copies what the condition follows from into a function of its own."""
        emitter = self._emitter
        values = dict(emitter.values)
        for merge in self._merges:
            values[merge.values()[0]] = self._argument(self._test, merge)
        kept = dict(emitter.nodes)
        for node in self._behind_condition():
            effect = node.opdef.effect
            if effect is not None and not isinstance(effect, Dynamic):
                raise Irregular(f"the condition of loop {self._path[-1].key!r} has effects")
            emitter.clone(node, self._test, values)
        emitter.nodes = kept
        result = values[self._condition.inputs[0]]
        self._test.outputs = [self._test.capture(result)]
        self._test.control_captures.clear()

    def _behind_condition(self) -> list[Operation]:
        structure = self._emitter.structure
        needed: set[Operation] = set()
        stack = [self._condition.inputs[0].op]
        while stack:
            node = stack.pop()
            if node in needed or node in self._merges or node.type in ENTERS:
                continue
            if structure.path[node] != self._path:
                raise Irregular(f"the condition of loop {self._path[-1].key!r} has branches")
            needed.add(node)
            stack.extend(t.op for t in structure.inputs(node))
        return [n for n in structure.order if n in needed]

    def _begin_body(self) -> list[Tensor]:
        """Adds the body's arguments; gives the arrays that are taken apart for its pops."""
        emitter = self._emitter
        for merge in self._merges:
            emitter.values[merge.values()[0]] = self._argument(self._body, merge)
        self._count = len(self._merges)
        taken: dict[Tensor, Tensor] = {}
        self._limits: list[Tensor] = []
        self._whole: list[tuple[Stack, list[Tensor]]] = []
        for pop in self._pops:
            stack = self._stack_behind(pop)
            inside = _depth(emitter.structure.path[pop]) - _depth(self._path)
            if not isinstance(stack, Stack) or len(stack.parts) != inside + 2:
                raise Irregular(f"{pop.name!r} takes from a stack that no loop like this filled")
            saved, trips, *inner = stack.parts
            for array in (saved, *inner):
                if array not in taken:
                    taken[array] = self._element(array)
            elements = [taken[array] for array in (saved, *inner)]
            self._limits.append(trips)
            if not inside:
                emitter.pops[pop] = elements[0]
            self._whole.append((stack, stack.parts))
            stack.parts = elements
        return list(taken)

    def _element(self, array: Tensor) -> Tensor:
        shape = array.shape[1:] if array.shape.ndims else TensorShape(None)
        return self._body.add_input(array.dtype.base_dtype, shape, "popped")

    def _empties(self, node: Operation) -> bool:
        path = self._emitter.structure.path[node]
        return node.type == "StackPopV2" and path[: len(self._path)] == self._path

    def _stack_behind(self, pop: Operation) -> Any:
        tensor = pop.inputs[0]
        while tensor not in self._emitter.values and tensor.op.inputs:
            tensor = tensor.op.inputs[0]  # switches and enters that pass the handle on
        return self._emitter.value(tensor)

    # -- the node

    def _make_node(
        self, starts: list[Tensor], slices: list[Tensor], pushes: list[Push]
    ) -> tuple[Operation, int]:
        body, test = self._body, self._test
        nexts = [body.capture(_dereferenced(body, self._next(m))) for m in self._merges]
        saves = [
            body.capture(_dereferenced(body, value))
            for value in dict.fromkeys(p.value for p in pushes)
        ]
        popped = body.inputs[self._count : self._count + len(slices)]
        sums = self._find_sums(nexts) if slices and not pushes else {}
        factors = dict.fromkeys(t for found in sums.values() for t in found.factors)
        saves += [t for t in factors if t not in popped]
        captured = list(dict.fromkeys([*test.captures, *body.captures]))
        inner = [body.capture(t) for t in captured]
        body.inputs[:] = [*body.inputs[: self._count], *inner, *popped]
        test.inputs[:] = [*test.inputs[: self._count], *[test.capture(t) for t in captured]]
        body.outputs = [*nexts, *inner, *saves]
        inputs = [*[_dereferenced(self._graph, t) for t in starts], *captured]
        name = f"{self._path[-1].key}/While"
        attrs: dict[str, Any] = {
            "T": base_types(inputs),
            "body": register(body),
            "output_shapes": (),
            "parallel_iterations": 10,
        }
        if not slices and not saves:
            opdef = While if is_stateful([test, body]) else StatelessWhile
            attrs["cond"] = register(test)
            both = [test, body]
            return self._emitter.call(opdef, inputs, attrs, attrs["T"], name, both), len(inputs)
        limits = [self._limit(pushes)] if slices else []
        cond: FunctionRef = NO_FUNCTION if slices else register(test)
        attrs |= {
            "cond": cond,
            "limits": len(limits),
            "Tslice": base_types(slices),
            "Tsave": base_types(saves),
            "reverse": bool(slices),
        }
        types = [*attrs["T"], dtypes.int32, *attrs["Tsave"]]
        bodies = [body] if slices else [test, body]
        node = self._emitter.call(Loop, [*inputs, *limits, *slices], attrs, types, name, bodies)
        for made, save in zip(node.values()[len(inputs) + 1 :], saves):
            made._shape = TensorShape([None]).concatenate(save.shape)  # pyright: ignore[reportPrivateUsage]
        arrays = dict(zip((*popped, *saves), (*slices, *node.values()[len(inputs) + 1 :])))
        for position, found in sums.items():
            parts = [arrays[t] for t in found.factors]
            self._totals[position] = found.total(self._graph, inputs[position], parts)
        return node, len(inputs) + 1

    def _find_sums(self, nexts: list[Tensor]) -> dict[int, Sum]:
        """Takes sums over all iterations out of the loop: their variables stay as they are."""
        body = self._body
        outside = set(body.captures.values())
        found: dict[int, Sum] = {}
        for position, result in enumerate(nexts):
            argument, tested = body.inputs[position], self._test.inputs[position]
            added = find_sum(body, argument, result, lambda t: t.graph is body and t not in outside)
            if added is not None and not tested.consumers():
                found[position] = added
                nexts[position] = argument
        return found

    def _limit(self, pushes: list[Push]) -> Tensor:
        """Gives how often a loop runs that empties stacks: as often as it says it counts down."""
        test = self._condition.inputs[0].op
        if test.type != "GreaterEqual" or test.inputs[0].op not in self._merges:
            raise Irregular("a loop that empties stacks does not count down")
        if pushes:
            raise Irregular("a loop both fills and empties stacks")
        if len({id(limit) for limit in self._limits}) != 1:
            raise Irregular("a loop empties stacks of different loops")
        return self._limits[0]

    def _pushed_inside(self) -> list[Push]:
        """Lists what loops inside of this one saved, of which all iterations are to be kept."""
        emptied = [stack for stack, _ in self._whole]
        return [
            Push(stack, part, value)
            for stack in self._emitter.stacks
            if stack not in emptied
            for part, value in enumerate(stack.parts)
            if value.graph is self._body
        ]

    @staticmethod
    def _note_saved(pushes: list[Push], saved: dict[Tensor, Tensor], trips: Tensor) -> None:
        for push in pushes:
            if push.part is None:
                push.stack.parts = [saved[push.value], trips]
            else:
                push.stack.parts[push.part] = saved[push.value]
        for stack in dict.fromkeys(p.stack for p in pushes if p.part is not None):
            stack.parts.insert(1, trips)

    def _leave(self, node: Operation, exits: list[Operation]) -> None:
        emitter = self._emitter
        place = {m.values()[0]: i for i, m in enumerate(self._merges)}
        for leaving in exits:
            switch = source_of(leaving.inputs[0]).op
            position = place.get(switch.inputs[0]) if switch.inputs else None
            if position is None:
                raise Irregular(f"Exit {leaving.name!r} leaves with no loop variable")
            tensor = self._totals.get(position, node.values()[position])
            tensor._shape = leaving.values()[0].shape  # pyright: ignore[reportPrivateUsage]
            emitter.values[leaving.values()[0]] = tensor
            emitter.nodes[leaving] = node
        for leaving in exits:
            emitter.finish(leaving)


def _depth(path: Path) -> int:
    """Counts the loops around a path."""
    return sum(scope.is_loop for scope in path)


def _is_loop_merge(node: Operation) -> bool:
    return any(t.op.type in ENTERS or t.op.type in NEXTS for t in node.inputs)


def _dereferenced(graph: Graph, tensor: Tensor) -> Tensor:
    """Gives a ref's value, anything else as it is."""
    if not tensor.dtype.is_ref:
        return tensor
    dtype = tensor.dtype.base_dtype
    name = graph.unique_name("value") + "/"
    return graph.create_node(Identity, [tensor], {"T": dtype}, (dtype,), name).values()[0]
