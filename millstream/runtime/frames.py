"""Runs graphs with raw control flow: frames, iterations, dead tensors.

State. A `_Frame` is a loop that runs, once per time that it is entered; an `_Iteration` of it holds
a frame of slots (a list, as everywhere else) and how many inputs each node still waits for. The
step itself is a frame of one iteration. Work is a queue of nodes with their iteration and whether
they are dead: all goes on in one thread, one node at a time.

A node runs when all its inputs have arrived, and passes its outputs on; if one was dead it does not
run, and what it passes on is dead. A `Switch` kills one of its outputs. A `Merge` runs with the
first input that is alive, or is dead when all that can come are. An `Exit` that was dead in every
iteration becomes a dead output of the loop when the loop is over.

Invariants.
- A value moves to another iteration's slots only by `Enter`, `Exit` and `NextIteration`.
- An iteration is dropped, with all its arrays, once nothing in it can run any more: nothing is
  queued in it, no loop inside runs, all iterations before it are dropped, and everything that
  enters the loop has.

Example: in `while_loop(i < 2, i + 1)` the frame gets iterations 0, 1 and 2; in the last `Switch`
sends `i` to `Exit` and kills what leads to `NextIteration`, so that no further iteration begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from millstream.base.errors import CancelledError, InvalidArgumentError
from millstream.compiler.frames import FrameGraph, FrameNode

type Slots = list[Any]


class _Iteration:
    """One iteration of a frame.

    Attributes:
      slots: Where its arrays are.
      waits: For nodes that got an input: how many more they wait for.
      dead: Nodes that got a dead input (for merges: how many).
      open: How many of its nodes are queued, plus the loops inside that run.
    """

    __slots__ = ("chosen", "dead", "frame", "number", "open", "slots", "waits")

    def __init__(self, frame: _Frame, number: int, slots: Slots) -> None:
        self.frame, self.number, self.slots = frame, number, slots
        self.waits: dict[int, int] = {}
        self.dead: dict[int, int] = {}
        self.chosen: dict[int, int] = {}
        self.open = 0


class _Frame:
    """A loop that runs."""

    def __init__(self, path: tuple[str, ...], parent: _Iteration | None, enters: int) -> None:
        self.path, self.parent = path, parent
        self.to_enter = enters
        self.iterations: dict[int, _Iteration] = {}
        self.invariants: list[tuple[int, Any, bool]] = []
        self.inner: dict[tuple[int, str], _Frame] = {}
        self.live_exits: set[int] = set()
        self.dead_exits: set[int] = set()


class FrameRun:
    """One step of a graph with raw control flow.

    Args:
      graph: What follows from what.
      template: What the slots of an iteration hold at first.
      run: Runs an action on slots.
      cancelled: Tells whether the step is to end.
    """

    def __init__(
        self,
        graph: FrameGraph,
        template: Sequence[Any],
        run: Callable[[int, Slots], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._nodes = graph.nodes
        self._graph = graph
        self._template = template
        self._run = run
        self._cancelled = cancelled
        self._queue: deque[tuple[int, _Iteration, bool]] = deque()

    def run(self, slots: Slots) -> None:
        """Runs the step on the slots of its own frame."""
        root = _Frame((), None, 0)
        start = root.iterations[0] = _Iteration(root, 0, slots)
        for number in self._graph.sources:
            self._push(number, start, False)
        queue = self._queue
        while queue:
            number, iteration, dead = queue.popleft()
            self._visit(number, iteration, dead)
            iteration.open -= 1
            if not iteration.open:
                self._clean(iteration)
        for action in self._graph.last:
            self._run(action, slots)

    # -- nodes

    def _push(self, number: int, iteration: _Iteration, dead: bool) -> None:
        iteration.open += 1
        self._queue.append((number, iteration, dead))

    def _visit(self, number: int, iteration: _Iteration, dead: bool) -> None:
        item = self._nodes[number]
        kind = item.kind
        if kind == "plain":
            if not dead:
                for action in item.actions:
                    self._run(action, iteration.slots)
            self._pass_on(item, iteration, dead)
        elif kind == "switch":
            self._switch(item, iteration, dead)
        elif kind == "merge":
            self._merge(number, item, iteration, dead)
        elif kind == "enter":
            self._enter(number, item, iteration, dead)
        elif kind == "next":
            self._next(number, item, iteration, dead)
        elif kind == "exit":
            self._exit(number, item, iteration, dead)
        elif kind == "trigger":
            self._pass_on(item, iteration, False)
        else:
            if not dead:
                _move(item, iteration.slots, iteration.slots)
            self._pass_on(item, iteration, dead)

    def _switch(self, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        slots = iteration.slots
        data, pred = item.ins
        choice = -1
        if not dead:
            assert pred is not None
            choice = int(bool(slots[pred]))
            target = item.outs[choice]
            if target is not None and data is not None:
                slots[target] = slots[data]
        for output, consumers in enumerate(item.consumers):
            for consumer, position in consumers:
                self._arrive(consumer, position, iteration, output != choice)
        for follower in item.followers:
            self._arrive(follower, -1, iteration, dead)

    def _merge(self, number: int, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        if not dead:
            slots = iteration.slots
            index = iteration.chosen[number]
            source, target = item.ins[index], item.outs[0]
            if target is not None and source is not None:
                slots[target] = slots[source]
            if item.outs[1] is not None:
                slots[item.outs[1]] = np.int32(index)
        self._pass_on(item, iteration, dead)

    # -- from one frame to another

    def _enter(self, number: int, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        if self._cancelled():
            raise CancelledError(None, item.node, "The step was cancelled.")
        outer = iteration.frame
        key = (iteration.number, item.node.attrs["frame_name"])
        frame = outer.inner.get(key)
        if frame is None:
            path = (*outer.path, key[1])
            frame = outer.inner[key] = _Frame(path, iteration, self._graph.enters[path])
            iteration.open += 1
            self._begin(frame, 0)
        frame.to_enter -= 1
        source = item.ins[0]
        value = None if dead or source is None else iteration.slots[source]
        if item.node.attrs["is_constant"]:
            frame.invariants.append((number, value, dead))
            for inner in list(frame.iterations.values()):
                self._deliver(item, inner, value, dead)
        else:
            self._deliver(item, frame.iterations[0], value, dead)
        if not frame.to_enter:
            first = frame.iterations.get(min(frame.iterations))
            if first is not None and not first.open:
                self._clean(first)

    def _begin(self, frame: _Frame, number: int) -> _Iteration:
        made = _Iteration(frame, number, list(self._template))
        frame.iterations[number] = made
        for source, value, dead in frame.invariants:
            self._deliver(self._nodes[source], made, value, dead)
        return made

    def _deliver(self, item: FrameNode, iteration: _Iteration, value: Any, dead: bool) -> None:
        target = item.outs[0]
        if not dead and target is not None:
            iteration.slots[target] = value
        self._pass_on(item, iteration, dead)

    def _next(self, number: int, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        if dead:
            return
        frame = iteration.frame
        following = frame.iterations.get(iteration.number + 1)
        if following is None:
            if self._cancelled():
                raise CancelledError(None, item.node, "The step was cancelled.")
            following = self._begin(frame, iteration.number + 1)
        source = item.ins[0]
        value = None if source is None else iteration.slots[source]
        self._deliver(item, following, value, False)

    def _exit(self, number: int, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        frame = iteration.frame
        if dead:
            frame.dead_exits.add(number)
            return
        frame.live_exits.add(number)
        parent = frame.parent
        assert parent is not None
        source = item.ins[0]
        value = None if source is None else iteration.slots[source]
        self._deliver(item, parent, value, False)

    def _clean(self, iteration: _Iteration) -> None:
        """Drops an iteration in which nothing can run any more, and those after it."""
        frame = iteration.frame
        parent = frame.parent
        if parent is None or frame.to_enter:
            return
        while frame.iterations:
            first = min(frame.iterations)
            if frame.iterations[first].open:
                return
            del frame.iterations[first]
        for number in frame.dead_exits - frame.live_exits:
            self._pass_on(self._nodes[number], parent, True)
        parent.frame.inner.pop((parent.number, frame.path[-1]), None)
        parent.open -= 1
        if not parent.open:
            self._clean(parent)

    # -- along edges

    def _pass_on(self, item: FrameNode, iteration: _Iteration, dead: bool) -> None:
        for consumers in item.consumers:
            for consumer, position in consumers:
                self._arrive(consumer, position, iteration, dead)
        for follower in item.followers:
            self._arrive(follower, -1, iteration, dead)

    def _arrive(self, number: int, position: int, iteration: _Iteration, dead: bool) -> None:
        item = self._nodes[number]
        if item.kind == "merge":
            self._arrive_at_merge(number, item, position, iteration, dead)
            return
        waits = iteration.waits
        left = waits.get(number, item.waits) - 1
        waits[number] = left
        if dead:
            iteration.dead[number] = 1
        if not left:
            self._push(number, iteration, number in iteration.dead)

    def _arrive_at_merge(
        self, number: int, item: FrameNode, position: int, iteration: _Iteration, dead: bool
    ) -> None:
        chosen = iteration.chosen
        left = iteration.waits.get(number, item.controls)
        if left < 0:  # it has run
            return
        if position < 0:
            left -= 1
        elif dead:
            iteration.dead[number] = iteration.dead.get(number, 0) + 1
        elif number not in chosen:
            chosen[number] = position
        alive = number in chosen
        all_dead = iteration.dead.get(number, 0) >= item.forward
        if not left and (alive or all_dead):
            iteration.waits[number] = -1
            self._push(number, iteration, not alive)
        else:
            iteration.waits[number] = left


def _move(item: FrameNode, source: Slots, target: Slots) -> None:
    if item.ins[0] is not None and item.outs[0] is not None:
        target[item.outs[0]] = source[item.ins[0]]


def check_alive(value: Any, position: int) -> None:
    """Raises InvalidArgumentError if a fetched value is dead."""
    if value is None:
        raise InvalidArgumentError(None, None, f"Retval[{position}] does not have value")
