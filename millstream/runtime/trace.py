"""Traced steps: what ran when, for `RunMetadata.step_stats`.

A full trace runs every region node by node in the NumPy tier, so that each node has a time of its
own; lower levels time a region as one node of type `Region`, in the tier that is due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.compiler.host import BoundHostCall
from millstream.compiler.host_calls import BoundHostFunction
from millstream.compiler.region import BoundRegion, RegionNode
from millstream.compiler.steps import Frame, NumPyStep
from millstream.formats import protos
from millstream.ir.node import Operation
from millstream.runtime.config import RunSettings
from millstream.runtime.devices import TASK
from millstream.runtime.executor import BoundAction, BoundPlan

FULL_TRACE = 3
_DEVICE = f"{TASK}/device:CPU:0"
_ALLOCATOR = "cpu"


def run_traced(
    bound: BoundPlan, values: list[Any], timeout_ms: int, options: RunSettings, metadata: Any
) -> list[Any]:
    """Runs a step and fills `metadata`, a `RunMetadata`, with what was asked for."""
    recorder = Recorder()
    runs = bound
    if options.trace_level:
        full = options.trace_level == FULL_TRACE
        runs = bound.with_actions([_traced(action, recorder, full) for action in bound.actions])
    arrays = runs.run(values, timeout_ms)
    filled = protos.RunMetadata()
    if options.trace_level:
        recorder.write(filled.step_stats)
    if options.partition_graphs:
        graph = filled.partition_graphs.add()
        graph.node.extend(node.node_def for node in bound.plan.program.nodes)
    # By bytes, so that it may be another installation's message.
    metadata.ParseFromString(filled.SerializeToString())
    return arrays


def _traced(action: Any, recorder: Recorder, full: bool) -> BoundAction:
    if isinstance(action, (BoundHostCall, BoundHostFunction)):
        return _TracedHostCall(action, recorder)
    return _TracedNodes(action, recorder) if full else _TracedRegion(action, recorder)


class Recorder:
    """Collects what the actions of one step did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[tuple[Operation | str, int, int, int, list[Any]]] = []

    def note(
        self, node: Operation | str, start_ns: int, end_ns: int, outputs: Sequence[Any]
    ) -> None:
        """Notes that a node, or a region of that name, ran; times are of `time.time_ns`."""
        with self._lock:
            shown = [_described(value) for value in outputs]
            self._records.append((node, start_ns, end_ns, threading.get_ident(), shown))

    def write(self, step_stats: Any) -> None:
        """Writes everything into a `StepStats` message."""
        device = step_stats.dev_stats.add(device=_DEVICE)
        threads: dict[int, int] = {}
        for node, start_ns, end_ns, thread, outputs in sorted(self._records, key=lambda r: r[1]):
            stats = device.node_stats.add(
                node_name=node if isinstance(node, str) else node.name,
                timeline_label=_label(node),
                thread_id=threads.setdefault(thread, len(threads)),
            )
            _write_times(stats, start_ns, end_ns)
            _write_outputs(stats, outputs)
        device.thread_names.update({number: f"thread {number}" for number in threads.values()})


def _label(node: Operation | str) -> str:
    if isinstance(node, str):
        return f"{node} = Region()"
    inputs = [t.op.name if not t.value_index else t.name for t in node.inputs]
    return f"{node.name} = {node.type}({', '.join(inputs)})"


def _write_times(stats: Any, start_ns: int, end_ns: int) -> None:
    start, length = start_ns // 1000, max(1, (end_ns - start_ns) // 1000)
    stats.scheduled_micros = stats.all_start_micros = start
    stats.op_end_rel_micros = stats.all_end_rel_micros = length
    stats.scheduled_nanos = stats.all_start_nanos = start_ns
    stats.op_end_rel_nanos = stats.all_end_rel_nanos = end_ns - start_ns


def _described(value: Any) -> tuple[Any, tuple[int, ...], int] | None:
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return None
    try:
        return as_dtype(np.dtype(value.dtype)), value.shape, int(value.nbytes)
    except TypeError:
        return None


def _write_outputs(stats: Any, outputs: list[Any]) -> None:
    total = 0
    for slot, found in enumerate(outputs):
        if found is None:
            continue
        dtype, shape, nbytes = found
        total += nbytes
        tensor = stats.output.add(slot=slot).tensor_description
        tensor.dtype = dtype.as_datatype_enum
        tensor.shape.SetInParent()  # TensorBoard does not take none for a scalar's
        for size in shape:
            tensor.shape.dim.add(size=size)
        tensor.allocation_description.allocator_name = _ALLOCATOR
        tensor.allocation_description.requested_bytes = nbytes
        tensor.allocation_description.allocated_bytes = nbytes
    if total:
        stats.memory.add(allocator_name=_ALLOCATOR, total_bytes=total, peak_bytes=total)


class _TracedHostCall:
    """A host node that is timed."""

    def __init__(self, action: BoundHostCall | BoundHostFunction, recorder: Recorder) -> None:
        self.blocking = action.blocking
        self._action, self._recorder = action, recorder

    def run(self, frame: Frame, step: Any) -> None:
        """Runs and times it."""
        start = time.time_ns()
        self._action.run(frame, step)
        call = self._action.call
        outputs = [frame[slot] for slot in call.outs if slot is not None]
        self._recorder.note(call.node, start, time.time_ns(), outputs)


class _TracedRegion:
    """A region that is timed as a whole."""

    blocking = False

    def __init__(self, action: BoundRegion, recorder: Recorder) -> None:
        self._action, self._recorder = action, recorder

    def run(self, frame: Frame, step: Any) -> None:
        """Runs and times it."""
        start = time.time_ns()
        self._action.run(frame, step)
        region = self._action.region
        outputs = [frame[slot] for slot in region.exports]
        self._recorder.note(region.name, start, time.time_ns(), outputs)


class _TracedNodes:
    """A region that runs on NumPy, each node timed."""

    blocking = False

    def __init__(self, action: BoundRegion, recorder: Recorder) -> None:
        self._action, self._recorder = action, recorder

    def run(self, frame: Frame, step: Any) -> None:
        """Runs its nodes and times each."""
        region = self._action.region
        steps = [self._timed(s, m) for s, m in zip(region.steps, region.nodes)]
        self._action.run_numpy(frame, [*steps, *region.steps[len(steps) :]])

    def _timed(self, step: NumPyStep, member: RegionNode) -> NumPyStep:
        slots = [s for s in (*member.states, *member.outs) if s is not None]

        def timed(frame: Frame) -> None:
            start = time.time_ns()
            step(frame)
            end = time.time_ns()
            self._recorder.note(member.node, start, end, [frame[slot] for slot in slots])

        return timed
