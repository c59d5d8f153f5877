"""`Timeline`: the times of a traced step as a file for `chrome://tracing` or Perfetto."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_LABEL = re.compile(r"^(?P<name>\S+) = (?P<op>[^(\s]+)\((?P<inputs>.*)\)$")


class StepStatsAnalysis(NamedTuple):
    """What `Timeline.analyze_step_stats` gives.

    Attributes:
      chrome_trace: The trace; `format_to_string()` gives its JSON.
      allocator_maximums: Bytes in use at the peak, by allocator.
    """

    chrome_trace: ChromeTrace
    allocator_maximums: dict[str, AllocatorMaximum]


class AllocatorMaximum(NamedTuple):
    """The peak of one allocator.

    Attributes:
      timestamp: When it was, in microseconds.
      num_bytes: Bytes in use then.
      tensors: Names of the nodes whose outputs were in use then.
    """

    timestamp: int
    num_bytes: int
    tensors: set[str]


class ChromeTrace:
    """A list of events in Chrome's trace format."""

    def __init__(self) -> None:
        self._metadata: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def add_process(self, name: str) -> int:
        """Adds a row group and gives its number."""
        number = len(self._metadata)
        event = {"name": "process_name", "ph": "M", "pid": number, "args": {"name": name}}
        self._metadata.append(event)
        return number

    def add_event(self, kind: str, name: str, process: int, thread: int, **more: Any) -> None:
        """Adds an event: `X` a span, `s` and `t` the ends of an arrow, `C` a counter."""
        self._events.append({"ph": kind, "name": name, "pid": process, "tid": thread, **more})

    def format_to_string(self, pretty: bool = False) -> str:
        """Gives the trace as JSON."""
        trace = {"traceEvents": self._metadata + self._events}
        return json.dumps(trace, indent=4) if pretty else json.dumps(trace)


class Timeline:
    """Shows the `StepStats` of a step as a timeline.

    Args:
      step_stats: `RunMetadata.step_stats` of a step that was traced.
      graph: Not needed; TensorFlow takes it.

    Example:
      >>> session.run(train, options=options, run_metadata=metadata)
      >>> text = Timeline(metadata.step_stats).generate_chrome_trace_format()
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        self._step_stats = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False
    ) -> str:
        """Gives the timeline as JSON for `chrome://tracing`.

        Args:
          show_dataflow: Whether arrows lead from a node to those that take its outputs.
          show_memory: Whether the bytes that outputs took are shown as a counter.
        """
        analysis = self.analyze_step_stats(show_dataflow, show_memory)
        return analysis.chrome_trace.format_to_string(pretty=True)

    def analyze_step_stats(
        self, show_dataflow: bool = True, show_memory: bool = True
    ) -> StepStatsAnalysis:
        """Makes the trace and finds the peak of memory use."""
        trace = ChromeTrace()
        spans: dict[str, tuple[int, int, Any]] = {}
        for device in self._step_stats.dev_stats:
            process = trace.add_process(f"{device.device} Compute")
            for stats in device.node_stats:
                spans[stats.node_name] = (process, stats.thread_id, stats)
        for process, thread, stats in spans.values():
            _add_span(trace, process, thread, stats)
        if show_dataflow:
            _add_arrows(trace, spans)
        maximums = _memory(trace if show_memory else None, spans)
        return StepStatsAnalysis(trace, maximums)


def _parse(stats: Any) -> tuple[str, str, list[str]]:
    """Gives a node's name, op and inputs as its label tells them."""
    match = _LABEL.match(stats.timeline_label)
    if match is None:
        return stats.node_name, stats.node_name, []
    inputs = [text.strip() for text in match["inputs"].split(",") if text.strip()]
    return match["name"], match["op"], inputs


def _add_span(trace: ChromeTrace, process: int, thread: int, stats: Any) -> None:
    name, op, inputs = _parse(stats)
    args = {"name": name, "op": op} | {f"input{i}": text for i, text in enumerate(inputs)}
    start, length = stats.all_start_micros, stats.all_end_rel_micros
    trace.add_event("X", op, process, thread, cat="Op", ts=start, dur=length, args=args)


def _add_arrows(trace: ChromeTrace, spans: dict[str, tuple[int, int, Any]]) -> None:
    arrow = 0
    for process, thread, stats in spans.values():
        for text in _parse(stats)[2]:
            source = spans.get(text.partition(":")[0].lstrip("^"))
            if source is None:
                continue
            start = source[2].all_start_micros + source[2].all_end_rel_micros
            common: dict[str, Any] = {"cat": "DataFlow", "id": arrow}
            trace.add_event("s", text, source[0], source[1], ts=start, **common)
            trace.add_event("t", text, process, thread, ts=stats.all_start_micros, **common)
            arrow += 1


def _memory(
    trace: ChromeTrace | None, spans: dict[str, tuple[int, int, Any]]
) -> dict[str, AllocatorMaximum]:
    """Adds up what outputs take, each from when it is made to the end of its last reader."""
    last_use: dict[str, int] = {}
    for _, _, stats in spans.values():
        end = stats.all_start_micros + stats.all_end_rel_micros
        for name in (stats.node_name, *(i.partition(":")[0] for i in _parse(stats)[2])):
            last_use[name] = max(end, last_use.get(name, 0))
    changes: dict[str, list[tuple[int, int, str]]] = {}
    for name, (_, _, stats) in spans.items():
        for memory in stats.memory:
            changes.setdefault(memory.allocator_name, []).extend(
                [
                    (stats.all_start_micros, memory.total_bytes, name),
                    (last_use[name], -memory.total_bytes, name),
                ]
            )
    return {allocator: _peak(trace, allocator, sorted(c)) for allocator, c in changes.items()}


def _peak(
    trace: ChromeTrace | None, allocator: str, changes: list[tuple[int, int, str]]
) -> AllocatorMaximum:
    process = trace.add_process(f"{allocator} memory") if trace is not None else 0
    alive: set[str] = set()
    in_use, best = 0, AllocatorMaximum(0, 0, set())
    for when, change, name in changes:
        in_use += change
        (alive.add if change > 0 else alive.discard)(name)
        if in_use > best.num_bytes:
            best = AllocatorMaximum(when, in_use, set(alive))
        if trace is not None:
            trace.add_event("C", allocator, process, 0, ts=when, args={allocator: in_use})
    return best
