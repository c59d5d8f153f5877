"""Makes the new graph: level by level, as soon as what a level needs is there.

State. `values` maps tensors of the old graph to those of the new one; `nodes` maps nodes. A *level*
is a path with the graph (the new graph itself, a branch, a loop's body) that its nodes go to. Nodes
whose inputs are all there wait in `ready`, by path. A level runs its own nodes first; when none is
left it runs a whole loop or both sides of a choice, which makes more of its own nodes ready. What
of a choice only becomes ready later (the gradient of a branch) goes to another `If` on the same
tensor, which takes what it needs of the first one's inside as further outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.ir import registry
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register, side_effects, unique_function_name
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import Identity
from millstream.ops.flow.bodies import base_types, is_stateful
from millstream.ops.flow.calling import FakeParam, If, StatelessIf
from millstream.ops.flow.groups import NoOp
from millstream.rewrite.functionalize import loops
from millstream.rewrite.functionalize.stacks import Push, Stack
from millstream.rewrite.functionalize.structure import (
    ENTERS,
    EXITS,
    MERGES,
    NEXTS,
    SWITCHES,
    Irregular,
    Path,
    Scope,
    Structure,
    is_loop_merge,
)
from millstream.rewrite.program import Program


class Emitter:
    """The new graph while it is made; see the module."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.program = structure.program
        self.root = Graph()
        self.root.functions.update(self.program.graph.functions)
        self.root.producer = self.program.graph.producer
        self.values: dict[Tensor, Any] = {}
        self.nodes: dict[Operation, Operation] = {}
        self.done: set[Operation] = set()
        self.ready: dict[Path, list[Operation]] = {}
        self.entered: dict[Path, list[Operation]] = {}
        self.closing: dict[tuple[Path, Tensor], list[Operation]] = {}
        self.pushes: list[list[Push]] = []
        self.pops: dict[Operation, Tensor] = {}
        self.stacks: list[Stack] = []
        self.exits: list[list[Operation]] = []
        self.waits = dict(structure.waits)
        self._enters = {
            structure.output_path[nodes[0].values()[0]]: len(nodes)
            for nodes in structure.enters.values()
        }

    def run(self) -> Program:
        """Makes the new program."""
        for tensor in self.program.feeds:
            self.values[tensor] = self._fed(tensor)
        for node in self.structure.order:
            if not self.waits[node]:
                self._note_ready(node)
        self.run_level((), self.root)
        missing = next((n for n in self.program.nodes if n not in self.done), None)
        if missing is not None:
            raise Irregular(f"node {missing.name!r} never becomes ready")
        return Program(
            self.root,
            [self.values[t] for t in self.program.fetches],
            [self.nodes[n] for n in self.program.targets if n in self.nodes],
            [self.values[t] for t in self.program.feeds],
        )

    def _fed(self, tensor: Tensor) -> Tensor:
        opdef = registry.get("Placeholder")
        attrs = {"dtype": tensor.dtype.base_dtype, "shape": tensor.shape}
        name = tensor.op.name + (f"_{tensor.value_index}" if tensor.value_index else "")
        node = self.root.create_node(opdef, (), attrs, (tensor.dtype,), f"{name}/")
        node.origin = tensor.op.origin
        return node.values()[0]

    # -- what is ready

    def _note_ready(self, node: Operation) -> None:
        path = self.structure.path[node]
        if node.type in ENTERS:
            inner = self.structure.output_path[node.values()[0]]
            self.entered.setdefault(inner, []).append(node)
        elif node.type in MERGES and not is_loop_merge(node):
            choice = self.structure.output_path[node.inputs[0]][-1].key
            self.closing.setdefault((path, choice), []).append(node)
        else:
            self.ready.setdefault(path, []).append(node)

    def finish(self, node: Operation) -> None:
        """Notes that a node is in the new graph, and what that makes ready."""
        self.done.add(node)
        behind = [c for t in node.values() for c in self.structure.consumers.get(t, ())]
        for follower in (*behind, *self.structure.followers.get(node, ())):
            self.waits[follower] -= 1
            if not self.waits[follower]:
                self._note_ready(follower)

    def run_level(self, path: Path, graph: Graph) -> None:
        """Runs all that can be run at a path and inside of it."""
        while True:
            mine = self.ready.get(path)
            if mine:
                self._emit(mine.pop(), graph)
                continue
            inner = self._next_scope(path)
            if inner is None:
                return
            if isinstance(inner, Tensor):
                self._run_choice(path, inner, graph)
            else:
                loops.run_loop(self, inner, graph)

    def _next_scope(self, path: Path) -> Tensor | Path | None:
        """Gives a loop right inside a path, or a choice, that can be run now or go on."""
        depth = len(path)
        for where, waiting in [*self.ready.items(), *self.entered.items()]:
            if not waiting or len(where) <= depth or where[:depth] != path:
                continue
            if waiting is self.entered.get(where) and len(waiting) < self._enters[where]:
                continue
            if not where[depth].is_loop:
                return where[depth].key
            if len(where) == depth + 1:
                return where
        return next((c for (at, c), nodes in self.closing.items() if nodes and at == path), None)

    # -- single nodes

    def _emit(self, node: Operation, graph: Graph) -> None:
        kind = node.type
        if kind in EXITS:
            self.exits[-1].append(node)
            return  # it is there when its loop is
        if kind in SWITCHES or kind in ("LoopCond", *NEXTS):
            value = self.value(node.inputs[0])
            self.values.update((t, value) for t in node.values())
        elif kind in MERGES:
            pass  # the loop has set its value
        elif kind.startswith("Stack") and kind.endswith("V2") and kind != "StackV2":
            self._emit_stack_op(node)
        elif kind == "StackV2":
            self.values[node.values()[0]] = Stack()
            self.stacks.append(self.values[node.values()[0]])
        elif node.values() and all(t in self.program.fed for t in node.values()):
            pass
        else:
            self.clone(node, graph, self.values)
        self.finish(node)

    def _emit_stack_op(self, node: Operation) -> None:
        if node.type == "StackCloseV2":
            return
        if not self.pushes:
            raise Irregular(f"{node.name!r} is in no loop")
        if node.type == "StackPopV2":
            self.values[node.values()[0]] = self.pops[node]
            return
        stack, value = self.value(node.inputs[0]), self.value(node.inputs[1])
        if not isinstance(stack, Stack) or isinstance(value, Stack):
            raise Irregular("a stack of stacks")
        if stack.is_filled:
            raise Irregular("a stack is filled in two places")
        stack.is_filled = True
        self.pushes[-1].append(Push(stack, None, value))
        self.values[node.values()[0]] = value

    def value(self, tensor: Tensor) -> Any:
        """Gives what stands for a tensor in the new graph."""
        found = self.values.get(tensor)
        if found is None:
            raise Irregular(f"{tensor.name} is not there when it is needed")
        return found

    def clone(self, node: Operation, graph: Graph, values: dict[Tensor, Any]) -> Operation:
        """Copies a node to a graph of the new program."""
        inputs = [values.get(t) for t in node.inputs]
        if not all(isinstance(t, Tensor) for t in inputs):
            raise Irregular(f"an input of {node.name!r} is not there when it is needed")
        opdef, attrs = node.opdef, dict(node.attrs)
        if node.type == "ControlTrigger":
            opdef = NoOp
        types = [t.dtype for t in node.values()]
        made = graph.create_node(opdef, inputs, attrs, types, f"{node.name}/")
        made.origin = node.origin
        made._device = node._device  # pyright: ignore[reportPrivateUsage]
        for new, old in zip(made.values(), node.values()):
            values[old] = new
            new._handle_data = old._handle_data  # pyright: ignore[reportPrivateUsage]
            if new.shape.is_compatible_with(old.shape):
                new.set_shape(old.shape)
        self.nodes[node] = made
        self.wait_for(made, [self.nodes.get(c) for c in self.program.controls(node)])
        return made

    def wait_for(self, node: Operation, controls: Sequence[Operation | None]) -> None:
        """Makes a new node wait for others, which may be in a graph around its own."""
        graph = node.graph
        mine = [c for c in controls if c is not None and c.graph is graph and c is not node]
        if mine:
            node.add_control_inputs(mine)
        if isinstance(graph, FuncGraph):
            outer = {c: None for c in controls if c is not None and c.graph is not graph}
            graph.control_captures.update(outer)

    # -- functions

    def new_body(self, name: str, outer: Graph) -> FuncGraph:
        """Makes an empty body of a function."""
        body = FuncGraph(unique_function_name(name, self.root), outer, inline=False)
        body.prefix = ""
        return body

    def call(
        self, opdef: Any, inputs: Sequence[Tensor], attrs: dict[str, Any], types: Any, name: str,
        bodies: Sequence[FuncGraph],
    ) -> Operation:  # fmt: skip
        """Adds the node that calls bodies."""
        graph = bodies[0].outer
        node = graph.create_node(opdef, inputs, attrs, types, graph.unique_name(name) + "/")
        for body in bodies:
            body.caller = node
            body.runs_side_effects = bool(side_effects(body)) or any(
                inner.runs_side_effects for inner in _callees(body)
            )
            self.wait_for(node, list(body.control_captures))
        return node

    def close(self, inside: Sequence[Operation], node: Operation) -> None:
        """Notes that nodes are now part of another one."""
        for item in inside:
            if item in self.nodes:
                self.nodes[item] = node

    # -- choices

    def _run_choice(self, path: Path, choice: Tensor, graph: Graph) -> None:
        before = set(self.done)
        branches = [self.new_body(f"{choice.op.name}_{i}", graph) for i in range(2)]
        for side, body in enumerate(branches):
            self.run_level((*path, Scope(choice, side)), body)
        inside = [n for n in self.structure.order if n in self.done and n not in before]
        merges = self.closing.pop((path, choice), [])
        if not merges and not inside:
            raise Irregular(f"a choice on {choice.name} makes no progress")
        outputs = _Outputs(self, branches)
        for merge in merges:
            outputs.add_merge(merge)
        for node in inside:
            outputs.add_inner(node, set(merges))
        for stack in self.stacks:
            outputs.add_stack(stack)
        for push in self.pushes[-1] if self.pushes else ():
            outputs.add_push(push)
        node = self._make_if(choice, branches, outputs)
        self.close(inside, node)
        for merge in merges:
            self.nodes[merge] = node
            self.finish(merge)

    def _make_if(self, choice: Tensor, branches: list[FuncGraph], outputs: _Outputs) -> Operation:
        for body, results in zip(branches, outputs.results):
            body.outputs = [body.capture(_plain(t, body)) for t in results]
        captured = list(dict.fromkeys(t for body in branches for t in body.captures))
        for body in branches:
            body.inputs[:] = [body.capture(t) for t in captured]
        types = base_types(branches[0].outputs)
        attrs = {
            "Tcond": choice.dtype.base_dtype,
            "Tin": base_types(captured),
            "Tout": types,
            "else_branch": register(branches[0]),
            "then_branch": register(branches[1]),
            "output_shapes": (),
        }
        opdef = If if is_stateful(branches) else StatelessIf
        inputs = [self.value(choice), *captured]
        node = self.call(opdef, inputs, attrs, types, f"{choice.op.name}/If", branches)
        for puts, made, pair in zip(outputs.targets, node.values(), zip(*outputs.results)):
            shape = pair[0].shape.most_specific_compatible_shape(pair[1].shape)
            if "FakeParam" in (pair[0].op.type, pair[1].op.type):
                shape = pair[pair[0].op.type == "FakeParam"].shape
            made._shape = shape  # pyright: ignore[reportPrivateUsage]
            for put in puts:
                put(made)
        return node


class _Outputs:
    """What a choice gives: what its merges join, and what later parts of its branches need."""

    def __init__(self, emitter: Emitter, branches: list[FuncGraph]) -> None:
        self._emitter, self._branches = emitter, branches
        self.results: list[list[Tensor]] = [[], []]
        self.targets: list[list[Any]] = []
        self._place: dict[Tensor, int] = {}

    def add_merge(self, merge: Operation) -> None:
        """Adds what a merge joins, and which side it came from if anybody looks at that."""
        emitter = self._emitter
        paths = emitter.structure.output_path
        sides = [paths[t][-1].branch for t in merge.inputs]
        values = [emitter.value(t) for t in merge.inputs]
        if any(isinstance(v, Stack) for v in values):
            raise Irregular("a choice between stacks")
        self._add([values[sides.index(side)] for side in range(2)], self._setter(merge.values()[0]))
        index = merge.values()[1]
        if emitter.structure.consumers.get(index) or index in emitter.program.fetches:
            places = [self._number(body, sides.index(i)) for i, body in enumerate(self._branches)]
            self._add(places, self._setter(index))

    def add_inner(self, node: Operation, merges: set[Operation]) -> None:
        """Adds outputs of an inner node that nodes which come later take."""
        emitter, structure = self._emitter, self._emitter.structure
        for tensor in node.values():
            later = [
                c
                for c in (*structure.consumers.get(tensor, ()), *structure.choices.get(tensor, ()))
                if c not in emitter.done and c not in merges
            ]
            value = emitter.values.get(tensor)
            if not later or value is None:
                continue
            if isinstance(value, Tensor) and value.graph in self._branches:
                self._add_one(value, self._setter(tensor))

    def add_stack(self, stack: Stack) -> None:
        """Adds outputs for what a loop inside saved."""
        for index, value in enumerate(stack.parts):
            if value.graph in self._branches:
                self._add_one(value, lambda made, i=index: stack.parts.__setitem__(i, made))

    def add_push(self, push: Push) -> None:
        """Adds an output for a value that only one branch saves; the other saves anything."""
        if push.value.graph in self._branches:
            self._add_one(push.value, lambda made: setattr(push, "value", made))

    def _add_one(self, value: Tensor, put: Any) -> None:
        if value in self._place:
            self.targets[self._place[value]].append(put)
            return
        self._place[value] = len(self.targets)
        side = self._branches.index(value.graph)  # pyright: ignore[reportArgumentType]
        attrs = {"dtype": value.dtype.base_dtype, "shape": value.shape}
        other = self._branches[1 - side]
        types = (value.dtype.base_dtype,)
        fake = other.create_node(FakeParam, (), attrs, types, other.unique_name("fake") + "/")
        pair = [value, fake.values()[0]]
        self._add(pair if side == 0 else pair[::-1], put)

    def _add(self, pair: list[Tensor], put: Any) -> None:
        for results, value in zip(self.results, pair):
            results.append(value)
        self.targets.append([put])

    def _setter(self, tensor: Tensor) -> Any:
        return lambda made: self._emitter.values.__setitem__(tensor, made)

    @staticmethod
    def _number(body: FuncGraph, number: int) -> Tensor:
        return loops.constant_in(body, number)


def _plain(tensor: Tensor, body: FuncGraph) -> Tensor:
    """Gives a ref's value, anything else as it is."""
    if not tensor.dtype.is_ref:
        return tensor
    dtype = tensor.dtype.base_dtype
    name = body.unique_name("value") + "/"
    return body.create_node(Identity, [tensor], {"T": dtype}, (dtype,), name).values()[0]


def _callees(body: FuncGraph) -> list[FuncGraph]:
    """Lists the bodies that nodes of a body call."""
    found: list[FuncGraph] = []
    for node in body.nodes:
        for key in ("then_branch", "else_branch", "body", "cond"):
            ref = node.attrs.get(key)
            if ref is not None and getattr(ref, "name", "") in body.functions:
                found.append(body.functions[ref.name].graph)
    return found
