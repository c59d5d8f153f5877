"""The executor: runs the actions of a plan on a frame.

State. A `BoundPlan` is a plan within one session: its actions know their cells. It holds nothing
of a step; that lives in the frame (a list of slots, made from the plan's template) and, where
there are host nodes, in a `Step`.

Where no action can wait, actions run one after another in the caller's thread. Otherwise the caller
becomes a scheduler: units whose inputs are there go to a ready queue, blocking ones to threads of
their own (but for one beside which there is nothing else to do), all others run in the caller's
thread, so that regions never run concurrently within a step. The first error cancels the step: what
waits is woken, nothing new starts, and the error is raised when every thread has ended.

Invariants.
- A slot is written by one action, before any action that reads it is started.
- No work of a step outlives it.

Example: a step of `[queue.enqueue(x), queue.dequeue()]` on an empty queue. Both are ready; each
gets a thread; the dequeue waits until the enqueue has run.
"""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from millstream.base.errors import CancelledError, DeadlineExceededError, InternalError
from millstream.compiler import jax_bridge
from millstream.compiler.frames import FrameGraph
from millstream.compiler.host import BoundHostCall, HostCall
from millstream.compiler.host_calls import BoundHostFunction, Runner
from millstream.compiler.plan import Plan
from millstream.compiler.region import BoundRegion
from millstream.compiler.steps import Frame, take
from millstream.ir.node import Operation
from millstream.ir.opdef import Owns
from millstream.ops.flow.buffers import Buffer
from millstream.runtime.frames import FrameRun, check_alive
from millstream.runtime.resources import ResourceManager
from millstream.runtime.step import Step
from millstream.runtime.workers import workers


class BoundAction(Protocol):
    """Something that runs on a frame: a region, a host node, or one of them being traced."""

    blocking: bool

    def run(self, frame: Frame, step: Any) -> None:
        """Runs it."""
        ...


class BoundPlan:
    """A plan within a session, ready to run."""

    def __init__(self, plan: Plan, session: Any, resources: ResourceManager) -> None:
        self.plan = plan
        self._session = session
        self._resources = resources
        self.actions: list[BoundAction] = [self._bind(action) for action in plan.actions]
        self._template = plan.template
        self._feed_slots = plan.feed_slots
        self._fetch_slots = plan.fetch_slots
        self._plain = not plan.needs_step and not plan.blocking
        self._only = self.actions[0].run if len(self.actions) == 1 and self._plain else None

    def _bind(self, action: Any) -> BoundAction:
        gate = self._resources.gate
        if isinstance(action, HostCall) and action.call is not None:
            return BoundHostFunction(action, self._bind_function)
        if isinstance(action, HostCall):
            cells = {key: self._resources.cell(key) for key in action.keys}
            return BoundHostCall(action, cells, gate)
        cells = {
            key: self._resources.cell(key, _initial_of(action.variable_nodes[key]))
            for key in action.key_slots
        }
        return BoundRegion(action, cells, gate)

    def _bind_function(self, plan: Plan) -> Runner:
        return BoundPlan(plan, self._session, self._resources).call

    def call(self, values: list[Any], step: Step) -> list[Any]:
        """Runs the plan as a part of a step; gives fetched values as NumPy sees them."""
        frame = self._template.copy()
        for slot, value in zip(self._feed_slots, values):
            frame[slot] = value
        if self.plan.frames is not None:
            self._run_frames(self.plan.frames, frame, step, 0)
        elif self.plan.blocking:
            _Dataflow(self, frame, step, 0).run()
        else:
            for action in self.actions:
                action.run(frame, step)
        return [jax_bridge.view(frame[slot]) for slot in self._fetch_slots]

    def with_actions(self, actions: list[BoundAction]) -> BoundPlan:
        """Gives the same plan with other actions, one for one."""
        other = copy.copy(self)
        other.actions = actions
        other._only = None
        return other

    def run(self, values: list[Any], timeout_ms: int = 0) -> list[Any]:
        """Runs a step.

        Args:
          values: What is fed, one array per feed.
          timeout_ms: When to give up waiting, in milliseconds; 0 for never.

        Returns:
          The fetched arrays, which the caller may change.
        """
        frame = self._template.copy()
        for slot, value in zip(self._feed_slots, values):
            frame[slot] = value
        if self._only is not None:
            self._only(frame, None)
        elif self._plain:
            for action in self.actions:
                action.run(frame, None)
        else:
            self._run_step(frame, timeout_ms)
        return [fetched(frame, slot) for slot in self._fetch_slots]

    def _run_frames(self, graph: FrameGraph, slots: Frame, step: Step, timeout_ms: int) -> None:
        actions = self.actions
        late = threading.Event()

        def time_out() -> None:
            late.set()
            step.cancel.cancel()

        timer = threading.Timer(timeout_ms / 1000, time_out) if timeout_ms else None

        def run(action: int, slots: Frame) -> None:
            actions[action].run(slots, step)

        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            FrameRun(graph, self._template, run, lambda: step.cancel.is_cancelled).run(slots)
        except CancelledError:
            if not late.is_set():
                raise
            raise timed_out(timeout_ms) from None
        finally:
            if timer is not None:
                timer.cancel()
        for position, slot in enumerate(self._fetch_slots):
            check_alive(slots[slot], position)

    def _run_step(self, frame: Frame, timeout_ms: int) -> None:
        step = Step(self._session, self._resources, self._session.next_step_id())
        try:
            if self.plan.frames is not None:
                self._run_frames(self.plan.frames, frame, step, timeout_ms)
            elif self.plan.blocking:
                _Dataflow(self, frame, step, timeout_ms).run()
            else:
                for action in self.actions:
                    action.run(frame, step)
        finally:
            step.cancel.close()


def _initial_of(node: Operation) -> Callable[[], Any] | None:
    """Gives what makes the first value of a node's hidden state; None for variables."""
    effect = node.opdef.effect
    return (lambda: effect.initial(node)) if isinstance(effect, Owns) else None


def fetched(frame: Frame, slot: int) -> Any:
    """Gives the value of a slot as users get it: a scalar, bytes, or an array of their own."""
    value: Any = frame[slot]
    if value.__class__ is np.ndarray:
        if value.ndim:
            del value
            return take(frame, slot)
        return value[()]
    if isinstance(cast(object, value), np.generic):
        return value
    if isinstance(value, Buffer):
        if not value.is_array:
            raise InternalError(None, None, "Tensorflow type 21 not convertible to numpy dtype.")
        return np.float32(0)  # the flow of a TensorArray is a scalar for users
    return jax_bridge.fetched(value)


def timed_out(timeout_ms: int) -> DeadlineExceededError:
    """Makes the error of a step that took too long."""
    return DeadlineExceededError(
        None, None, f"Timed out waiting for notification after {timeout_ms} ms"
    )


class _Dataflow:
    """One step of a plan with units that may wait."""

    def __init__(self, bound: BoundPlan, frame: Frame, step: Step, timeout_ms: int) -> None:
        self._frame, self._step, self._timeout_ms = frame, step, timeout_ms
        plan = bound.plan
        self._actions: list[list[BoundAction]] = [[] for _ in plan.inputs_from]
        for index, action in zip(plan.unit_of, bound.actions):
            self._actions[index].append(action)
        self._missing = [len(before) for before in plan.inputs_from]
        self._followers: list[list[int]] = [[] for _ in plan.inputs_from]
        for index, before in enumerate(plan.inputs_from):
            for other in before:
                self._followers[other].append(index)
        self._ready = [i for i, count in enumerate(self._missing) if not count]
        self._done: queue.SimpleQueue[tuple[int, BaseException | None]] = queue.SimpleQueue()
        self._running = 0
        self._error: BaseException | None = None

    def run(self) -> None:
        """Runs every unit, or raises the first error once all threads have ended."""
        timer = self._start_timer()
        try:
            self._loop()
        except BaseException:
            # An interrupt of the caller's thread: the others must not outlive the step.
            self._step.cancel.cancel()
            while self._running:
                self._done.get()
                self._running -= 1
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if self._error is not None:
            raise self._error

    def _loop(self) -> None:
        while self._ready or self._running:
            if len(self._ready) == 1 and not self._running and self._error is None:
                # Nothing else can go on until this unit has run: it may as well wait here.
                index = self._ready.pop()
                self._finish(index, self._attempt(index))
                continue
            self._start_blocking()
            if self._ready and self._error is None:
                index = self._ready.pop(0)
                self._finish(index, self._attempt(index))
                continue
            if not self._running:
                break
            index, error = self._done.get()
            self._running -= 1
            self._finish(index, error)

    def _start_timer(self) -> threading.Timer | None:
        if not self._timeout_ms:
            return None
        timer = threading.Timer(self._timeout_ms / 1000, self._time_out)
        timer.daemon = True
        timer.start()
        return timer

    def _time_out(self) -> None:
        if self._error is None:
            self._error = timed_out(self._timeout_ms)
        self._step.cancel.cancel()

    def _start_blocking(self) -> None:
        if self._error is not None:
            return
        waiting = [i for i in self._ready if self._may_wait(i)]
        for index in waiting:
            self._ready.remove(index)
            self._running += 1
            workers.start(lambda index=index: self._run_apart(index))

    def _may_wait(self, index: int) -> bool:
        return any(action.blocking for action in self._actions[index])

    def _run_apart(self, index: int) -> None:
        self._done.put((index, self._attempt(index)))

    def _attempt(self, index: int) -> BaseException | None:
        try:
            for action in self._actions[index]:
                action.run(self._frame, self._step)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            return error
        return None

    def _finish(self, index: int, error: BaseException | None) -> None:
        if error is not None:
            if self._error is None:
                self._error = error
            self._step.cancel.cancel()
            return
        for follower in self._followers[index]:
            self._missing[follower] -= 1
            if not self._missing[follower]:
                self._ready.append(follower)
