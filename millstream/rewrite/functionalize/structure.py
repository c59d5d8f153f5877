"""Where each node of a graph with raw control flow is: in which branches, in which loops.

A node's *path* is a tuple of scopes, outermost first: a loop by the name of its frame, or one side
of a choice by the tensor that chooses. `Switch` and `Enter` lead into a scope, `Merge` and `Exit`
out of it; any other node is where its inputs are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program

SWITCHES = frozenset({"Switch", "RefSwitch"})
MERGES = frozenset({"Merge", "RefMerge"})
ENTERS = frozenset({"Enter", "RefEnter"})
EXITS = frozenset({"Exit", "RefExit"})
NEXTS = frozenset({"NextIteration", "RefNextIteration"})


class Irregular(Exception):
    """The control flow is not one of branches and loops as TensorFlow's functions make them."""


class Scope(NamedTuple):
    """A loop, or one side of a choice.

    Attributes:
      key: The frame's name, or the tensor that chooses.
      branch: None for a loop; which side otherwise.
    """

    key: Any
    branch: int | None = None

    @property
    def is_loop(self) -> bool:
        """Whether it is a loop."""
        return self.branch is None


type Path = tuple[Scope, ...]


def source_of(tensor: Tensor) -> Tensor:
    """Gives the tensor that identities pass on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor


def chooser_of(switch: Operation) -> Tensor:
    """Gives the tensor that a switch depends on, in the loops around it if it comes from there."""
    tensor = source_of(switch.inputs[1])
    while tensor.op.type in ENTERS:
        tensor = source_of(tensor.op.inputs[0])
    return tensor


class Structure:
    """The paths of a program's nodes.

    Attributes:
      program: The program.
      order: Its nodes, such that inputs come first, the back edges of loops aside.
      path: Where each node is.
      output_path: Where each of its outputs is.
      consumers: The nodes that take a tensor.
      followers: The nodes that wait for a node.
      waits: How many edges lead to a node, back edges aside.
      enters: The nodes that lead into a frame, by its name.
      choices: The switches that a tensor chooses for.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.path: dict[Operation, Path] = {}
        self.output_path: dict[Tensor, Path] = {}
        self.consumers: dict[Tensor, list[Operation]] = {}
        self.followers: dict[Operation, list[Operation]] = {}
        self.waits: dict[Operation, int] = {}
        self.enters: dict[str, list[Operation]] = {}
        self.choices: dict[Tensor, list[Operation]] = {}
        for node in program.nodes:
            self._connect(node)
            if node.type in ENTERS:
                self.enters.setdefault(node.attrs["frame_name"], []).append(node)
        self.order = self._ordered()
        for node in self.order:
            self._place(node)
        self._check_ends()

    def inputs(self, node: Operation) -> list[Tensor]:
        """Lists the tensors that a node waits for before it can run for the first time."""
        known = self.program.is_known
        return [t for t in node.inputs if not known(t) and not _is_back_edge(node, t)]

    def _connect(self, node: Operation) -> None:
        tensors = self.inputs(node)
        for tensor in tensors:
            self.consumers.setdefault(tensor, []).append(node)
        controls = list(self.program.controls(node))
        for control in controls:
            self.followers.setdefault(control, []).append(node)
        self.waits[node] = len(tensors) + len(controls)

    def _ordered(self) -> list[Operation]:
        waits = dict(self.waits)
        ready = [node for node in self.program.nodes if not waits[node]]
        entered: dict[str, int] = {}
        for node in ready:  # grows while it is walked
            released = [node]
            if node.type in ENTERS:
                # Where a loop is, is known when all is placed that enters it.
                frame = node.attrs["frame_name"]
                entered[frame] = entered.get(frame, 0) + 1
                complete = entered[frame] == len(self.enters[frame])
                released = self.enters[frame] if complete else []
            for follower in self._behind(released):
                waits[follower] -= 1
                if not waits[follower]:
                    ready.append(follower)
        if len(ready) < len(self.program.nodes):
            raise Irregular("there is a cycle that is no loop")
        return ready

    def _behind(self, nodes: list[Operation]) -> list[Operation]:
        found = [c for n in nodes for t in n.values() for c in self.consumers.get(t, ())]
        return found + [f for n in nodes for f in self.followers.get(n, ())]

    # -- paths

    def _place(self, node: Operation) -> None:
        inside = [self.output_path[t] for t in self.inputs(node)]
        waited = [self._path_behind(c) for c in self.program.controls(node)]
        if node.type in MERGES and not is_loop_merge(node):
            path = self._merged(node, inside)
        elif node.type == "ControlTrigger":
            path = _common(waited)
        else:
            path = _joined(node, [*inside, *waited])
        self.path[node] = path
        if node.type in ENTERS:
            self._place_frame(self.enters[node.attrs["frame_name"]])
            return
        for tensor in node.values():
            self.output_path[tensor] = self._path_after(node, path, tensor.value_index)

    def _path_after(self, node: Operation, path: Path, index: int) -> Path:
        if node.type in SWITCHES and not is_loop_switch(node):
            choice = chooser_of(node)
            if index == 0:
                self.choices.setdefault(choice, []).append(node)
            # Inside a branch, a choice by the same tensor has been made already.
            if Scope(choice, index) in path:
                return path
            return (*path, Scope(choice, index))
        if node.type in ENTERS:
            return (*path, Scope(node.attrs["frame_name"]))
        if node.type in EXITS:
            if not path or not path[-1].is_loop:
                raise Irregular(f"Exit {node.name!r} is in no loop")
            return path[:-1]
        return path

    def _place_frame(self, enters: list[Operation]) -> None:
        """Places a loop where the innermost value comes from that enters it."""
        if all(enter in self.path for enter in enters):
            around = _joined(enters[0], [self.path[enter] for enter in enters])
            inside = (*around, Scope(enters[0].attrs["frame_name"]))
            self.output_path.update((t, inside) for enter in enters for t in enter.values())

    def _path_behind(self, node: Operation) -> Path:
        """Gives where a node is that waits for another by a control input."""
        if node.type in ENTERS or node.type in EXITS:
            return self.output_path[node.values()[0]]
        return self.path[node]

    def _merged(self, node: Operation, inside: list[Path]) -> Path:
        if len(inside) != 2 or not all(inside):
            raise Irregular(f"Merge {node.name!r} does not join two branches")
        one, two = inside
        if one[:-1] != two[:-1] or one[-1].is_loop or two[-1].is_loop:
            raise Irregular(f"Merge {node.name!r} joins what is no two branches")
        if one[-1].key is not two[-1].key or one[-1].branch == two[-1].branch:
            raise Irregular(f"Merge {node.name!r} joins branches of different choices")
        return one[:-1]

    def _check_ends(self) -> None:
        for tensor in self.program.fetches:
            if not self.program.is_known(tensor) and self.output_path[tensor]:
                raise Irregular(f"what is fetched, {tensor.name}, may not be computed")


def is_loop_merge(node: Operation) -> bool:
    """Tells whether a merge begins an iteration."""
    return any(t.op.type in ENTERS or t.op.type in NEXTS for t in node.inputs)


def is_loop_switch(node: Operation) -> bool:
    """Tells whether a switch ends an iteration."""
    return source_of(node.inputs[1]).op.type == "LoopCond"


def _is_back_edge(node: Operation, tensor: Tensor) -> bool:
    return node.type in MERGES and tensor.op.type in NEXTS


def _joined(node: Operation, paths: list[Path]) -> Path:
    longest: Path = max(paths, key=len, default=())
    for path in paths:
        if longest[: len(path)] != path:
            raise Irregular(f"{node.name!r} takes values from different branches or loops")
    return longest


def _common(paths: list[Path]) -> Path:
    shortest: Path = min(paths, key=len, default=())
    while any(path[: len(shortest)] != shortest for path in paths):
        shortest = shortest[:-1]
    return shortest
