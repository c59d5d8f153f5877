"""Graphs with raw control flow (`Switch`, `Merge`, `Enter`, `Exit`, `NextIteration`), planned.

Such a graph may have cycles, and which of its nodes run is found out on the way. So every node is
an action of its own, and a `FrameGraph` says what follows from what. `millstream.runtime.frames`
runs it. This is what takes everything; `millstream.rewrite.functionalize` makes something faster
of the branches and loops that TensorFlow's own functions write.

A node's *frame* is the loop that it is in: a tuple of frame names, outermost first. All its inputs
come from one frame; only `Enter` and `Exit` lead from one to another.
"""

from __future__ import annotations

from collections.abc import Callable

from millstream.base.errors import InvalidArgumentError
from millstream.compiler.bodies import Planner
from millstream.compiler.calls import Call, make_call, wanted_tensors
from millstream.compiler.effects import Access, Operand, Role, access_of
from millstream.compiler.units import Unit, is_silent
from millstream.ir.node import Operation
from millstream.ir.opdef import Calls
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune

KINDS = {
    **dict.fromkeys(("Switch", "RefSwitch"), "switch"),
    **dict.fromkeys(("Merge", "RefMerge"), "merge"),
    **dict.fromkeys(("Enter", "RefEnter"), "enter"),
    **dict.fromkeys(("Exit", "RefExit"), "exit"),
    **dict.fromkeys(("NextIteration", "RefNextIteration"), "next"),
    "LoopCond": "pass",
    "ControlTrigger": "trigger",
}
BACK_EDGES = frozenset({"NextIteration", "RefNextIteration"})
CONTROL_FLOW = frozenset(KINDS)

type Frame = tuple[str, ...]


class NodePartition:
    """A program with each node a unit of its own; see `millstream.compiler.units.Partition`."""

    def __init__(self, program: Program, plan_body: Planner) -> None:
        self.program = program
        self.access: dict[Operation, Access] = {}
        self.calls: dict[Operation, Call] = {}
        self.before: dict[Operation, tuple[Operation, ...]] = {}
        self.unit_of: dict[Operation, Unit] = {}
        self.units: list[Unit] = []
        wanted = wanted_tensors(program)
        for node in program.nodes:
            self.before[node] = tuple(dict.fromkeys(program.predecessors(node)))
            unit = self.unit_of[node] = Unit(is_region=False, blocking=False)
            self.units.append(unit)
            if node.type in CONTROL_FLOW:
                operands = program.inputs(node)
                self.access[node] = _moved(operands)
            elif isinstance(node.opdef.effect, Calls):
                call = self.calls[node] = make_call(program, node, plan_body, wanted)
                self.access[node] = call.access
                unit.nodes = [node]
            elif not is_silent(node):
                self.access[node] = access_of(program, node)
                unit.nodes = [node]


def _moved(tensors: list[Tensor]) -> Access:
    """Gives the access of a node that only passes values on."""
    return Access(tuple(Operand(Role.VALUE, t, None) for t in tensors), (), (), None)


class FrameNode:
    """A node as the executor of frames sees it.

    Attributes:
      node: The node.
      kind: What is peculiar to it: see `KINDS`; `plain` for all others.
      ins: Slots of its inputs; None for refs, which have no value.
      outs: Slots of its outputs.
      waits: How many inputs and control inputs must arrive before it can run.
      controls: How many of them are control inputs.
      forward: For a merge: how many inputs come from before the loop.
      consumers: For each output, (number of the consumer, which input it is).
      followers: Numbers of the nodes that wait for it by control inputs.
      frame: Where it is.
    """

    def __init__(self, node: Operation) -> None:
        self.node = node
        self.kind = KINDS.get(node.type, "plain")
        self.ins: list[int | None] = []
        self.outs: list[int | None] = []
        self.waits = 0
        self.controls = 0
        self.forward = 0
        self.consumers: list[list[tuple[int, int]]] = [[] for _ in node.values()]
        self.followers: list[int] = []
        self.frame: Frame = ()
        self.actions: list[int] = []


class FrameGraph:
    """What follows from what in a program with raw control flow.

    Attributes:
      nodes: The nodes.
      sources: Numbers of the nodes that wait for nothing.
      enters: How many `Enter`s lead into a frame.
      last: Actions that run when all is done.

    Raises:
      InvalidArgumentError: If there is a cycle that is no loop, or frames do not fit.
    """

    def __init__(
        self, program: Program, slot_of: Callable[[Tensor, bool], int | None], unit_of: list[int]
    ) -> None:
        self._program = program
        self.nodes = [FrameNode(node) for node in program.nodes]
        self._number = {node: i for i, node in enumerate(program.nodes)}
        for number, item in enumerate(self.nodes):
            self._connect(number, item, slot_of)
        for action, unit in enumerate(unit_of):
            if unit < len(self.nodes):
                self.nodes[unit].actions.append(action)
        self.last = [a for a, unit in enumerate(unit_of) if unit >= len(self.nodes)]
        self.sources = [i for i, item in enumerate(self.nodes) if not item.waits]
        self.enters: dict[Frame, int] = {}
        self._assign_frames()

    def _connect(
        self, number: int, item: FrameNode, slot_of: Callable[[Tensor, bool], int | None]
    ) -> None:
        program = self._program
        values = not any(arg.is_ref for arg in item.node.opdef.inputs) and item.kind != "plain"
        for position, tensor in enumerate(program.inputs(item.node)):
            item.ins.append(slot_of(tensor, values))
            if program.is_known(tensor):
                continue
            producer = self.nodes[self._number[tensor.op]]
            producer.consumers[tensor.value_index].append((number, position))
            item.waits += 1
            item.forward += tensor.op.type not in BACK_EDGES
        for control in program.controls(item.node):
            self.nodes[self._number[control]].followers.append(number)
            item.waits += 1
            item.controls += 1
        item.outs = [slot_of(t, False) for t in item.node.values()]

    # -- frames

    def _assign_frames(self) -> None:
        """Follows all edges from the sources, and checks that every node is reached."""
        missing = [n.forward + n.controls if n.kind == "merge" else n.waits for n in self.nodes]
        origin: list[FrameNode | None] = [None] * len(self.nodes)
        ready = list(self.sources)
        seen = 0
        while ready:
            number = ready.pop()
            item = self.nodes[number]
            seen += 1
            frame = self._frame_after(item)
            for follower in [c for out in item.consumers for c, _ in out] + item.followers:
                other = self.nodes[follower]
                if item.kind == "next" and other.kind == "merge":
                    self._check_frame(other, frame, item, origin[follower])
                    continue
                if origin[follower] is None:
                    origin[follower], other.frame = item, frame
                self._check_frame(other, frame, item, origin[follower])
                missing[follower] -= 1
                if not missing[follower]:
                    ready.append(follower)
        if seen < len(self.nodes):
            stuck = next(n for n, left in zip(self.nodes, missing) if left)
            raise InvalidArgumentError(
                None,
                stuck.node,
                f"The graph has a cycle through node {stuck.node.name!r} that is not a loop made "
                "of Enter, Merge and NextIteration.",
            )

    def _frame_after(self, item: FrameNode) -> Frame:
        if item.kind == "enter":
            inner = (*item.frame, item.node.attrs["frame_name"])
            self.enters[inner] = self.enters.get(inner, 0) + 1
            return inner
        if item.kind == "exit":
            if not item.frame:
                raise InvalidArgumentError(
                    None, item.node, f"Exit {item.node.name!r} is in no loop's frame."
                )
            return item.frame[:-1]
        return item.frame

    def _check_frame(
        self, item: FrameNode, frame: Frame, source: FrameNode, first: FrameNode | None
    ) -> None:
        if item.frame != frame:
            one, two = "/".join(item.frame), "/".join(frame)
            raise InvalidArgumentError(
                None,
                item.node,
                f"The node {item.node.name!r} has inputs from different frames. The input "
                f"{first.node.name if first else '?'!r} is in frame {one!r}. The input "
                f"{source.node.name!r} is in frame {two!r}.",
            )


def has_control_flow(program: Program) -> bool:
    """Tells whether a program that was not pruned yet has raw control flow."""
    if not any(node.type in CONTROL_FLOW for node in program.graph.nodes):
        return False
    prune(program, ordered=False)
    return any(node.type in CONTROL_FLOW for node in program.nodes)
