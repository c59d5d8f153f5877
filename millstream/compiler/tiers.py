"""Which tier runs a region, and when it changes.

Every region starts in the NumPy tier, per signature: the shapes of its inputs as far as they are
not fixed by the graph, and the values of its static inputs. What XLA would save per run is
predicted (`cost`); when the runs so far would have paid for compiling, it is compiled, in the
background, and a set number of runs later the region switches. All of this counts runs and reads no
clock, so a program takes the same tiers in every process. A region that compiling cannot help
never switches; one whose first run would take nearly as long as compiling is compiled before it.

State. A `Variant` is in one of these stages; `next_event` is the run at which it leaves it.

    NEW -> COLD -> COMPILING -> HOT
       \\-> HOT (at once)      \\-> STAYS (a kernel could not be traced, compiling does not pay)
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from millstream.base.errors import OpError, UnimplementedError
from millstream.compiler import cost
from millstream.compiler.buffer_values import is_buffer, signature
from millstream.compiler.executable import Executable, compile_region
from millstream.compiler.static_inputs import MOST_ELEMENTS

if TYPE_CHECKING:
    from millstream.compiler.region import BoundRegion, Region
    from millstream.compiler.steps import Frame

_LOG = logging.getLogger("millstream")

NEVER = 1 << 62
SWITCH_AT = 1.0
"""A region switches when its runs so far would have paid this part of compiling it."""
TRAINING_US = 1000.0
TRAINING_START, TRAINING_SWITCH = 2, 4
"""A region that changes what it reads is a training step, which is repeated for long: if it takes
more than so many microseconds, it is compiled from its second run on and switches at the fourth.
Not from its first: a program of one step should not wait for a compiler when it ends."""
START_AT = 0.1
"""Compiling starts after this part of the runs before the switch."""
AT_ONCE = 0.5
"""A region whose single run would take this part of the time to compile is compiled before it."""
AT_ONCE_IF_RUN_ONCE = 4.0
"""The same for initializers, which are not likely to be run again."""
MOST_VARIANTS = 64
SHAPES_BEFORE_WARNING = 16


class Stage(Enum):
    """Where a variant is on its way between the tiers."""

    NEW = "new"
    COLD = "cold"
    COMPILING = "compiling"
    HOT = "hot"
    STAYS = "stays"


class Variant:
    """A region for one signature.

    Attributes:
      runs: How often it ran.
      next_event: At which run `Tiers.advance` is to be called.
      executable: What runs it once it is hot.
    """

    __slots__ = ("executable", "job", "next_event", "runs", "stage", "switch_at")

    def __init__(self) -> None:
        self.runs = 0
        self.next_event = 1
        self.switch_at = NEVER
        self.executable: Executable | None = None
        self.stage = Stage.NEW
        self.job: Job | None = None


class Tiers:
    """The variants of a region.

    Attributes:
      sole: The only variant there can be; None if signatures differ.
    """

    def __init__(self, region: Region, mode: str) -> None:
        self._region = region
        self._mode = mode
        self._lock = threading.RLock()
        self._variants: dict[Any, Variant] = {}
        self._static_slots = region.static_slots
        self._varying = tuple(
            slot
            for slot in region.inputs
            if slot not in region.static_slots
            and slot in region.tensors
            and not region.tensors[slot].shape.is_fully_defined()
        )
        self._varying_keys = tuple(
            k for k in region.loads if k.kind != "owned" and not region.has_fixed_shape(k)
        )
        self._buffers = tuple(s for s, t in region.tensors.items() if t.op.opdef.has_buffers)
        varies = self._varying or self._static_slots or self._varying_keys or self._buffers
        self.sole = None if varies else Variant()
        self._overflow = Variant()
        self._overflow.next_event = NEVER
        self._warned = False

    def select(self, frame: Frame, bound: BoundRegion) -> Variant:
        """Finds the variant for the arrays in a frame."""
        key: Any = tuple([frame[slot].shape for slot in self._varying])
        if self._static_slots:
            values = [np.asarray(frame[slot]) for slot in self._static_slots]
            if any(v.size > MOST_ELEMENTS for v in values):
                return self._overflow
            key = (key, *[(v.shape, v.tobytes()) for v in values])
        if self._buffers:
            key = (key, *[signature(frame[s]) for s in self._buffers if is_buffer(frame[s])])
        if self._varying_keys:
            shapes = [getattr(bound.cells[k].value, "shape", ()) for k in self._varying_keys]
            key = (key, tuple(shapes))
        variant = self._variants.get(key)
        return self._add(key) if variant is None else variant

    def _add(self, key: Any) -> Variant:
        with self._lock:
            if len(self._variants) >= MOST_VARIANTS:
                return self._overflow
            variant = self._variants.setdefault(key, Variant())
            if len(self._variants) > SHAPES_BEFORE_WARNING and not self._warned:
                self._warn()
            return variant

    def _warn(self) -> None:
        compiled = sum(v.executable is not None for v in self._variants.values())
        if compiled < SHAPES_BEFORE_WARNING // 2:
            return
        self._warned = True
        _LOG.warning(
            "The computation around node %r was compiled for %d different input shapes, %s among "
            "them. Compiling takes time for each: pad inputs to fewer shapes if you can.",
            self._region.nodes[0].node.name,
            compiled,
            next(reversed(self._variants)),
        )

    def retire(self, variant: Variant) -> None:
        """Sends a variant back to NumPy for good: its executable does not fit its arrays."""
        variant.executable = None
        variant.stage, variant.next_event = Stage.STAYS, NEVER

    def compile_again(self, variant: Variant) -> None:
        """Makes a variant be compiled anew at its next run."""
        with self._lock:
            variant.executable = None
            variant.stage = Stage.COLD
            variant.next_event = variant.switch_at = variant.runs + 1

    # -- the way of a variant

    def advance(self, variant: Variant, bound: BoundRegion, frame: Frame) -> None:
        """Moves a variant on, as far as its number of runs allows."""
        with self._lock:
            if variant.stage is Stage.NEW:
                self._schedule(variant, bound, frame)
            if variant.stage is Stage.COLD and variant.runs >= variant.next_event:
                self._start(variant, bound, frame)
            if variant.stage is Stage.COMPILING and variant.runs >= variant.next_event:
                self._switch(variant)

    def _schedule(self, variant: Variant, bound: BoundRegion, frame: Frame) -> None:
        if not all(cell.value is not None for cell in bound.load_cells):
            variant.next_event = variant.runs + 1  # the run will fail; look again at the next
            return
        if self._mode == "auto" and not variant.runs > 1 and not self._region.is_measured:
            variant.next_event = variant.runs + 1  # how often its loops iterate is not known yet
            return
        variant.stage = Stage.COLD
        if self._mode == "xla":
            variant.next_event = variant.switch_at = variant.runs
            return
        start, switch = self._plan_switch(bound, frame)
        if self._mode == "numpy" or switch >= NEVER:
            variant.stage, variant.next_event = Stage.STAYS, NEVER
            return
        variant.next_event, variant.switch_at = start, switch

    def _plan_switch(self, bound: BoundRegion, frame: Frame) -> tuple[int, int]:
        """Tells at which runs to start compiling and to switch."""
        region = self._region
        known = {
            region.tensors[s]: np.shape(frame[s]) for s in region.inputs if s in region.tensors
        }
        expected = cost.estimate(region, known)
        saved = expected.numpy_us - expected.xla_us
        if saved <= 0:
            return NEVER, NEVER
        trains = region.trains and expected.numpy_us > TRAINING_US
        compile_us = expected.compile_us + (0.0 if trains else cost.FIRST_COMPILE_US)
        at_once = AT_ONCE_IF_RUN_ONCE if region.runs_once else AT_ONCE
        if expected.numpy_us >= at_once * compile_us:
            return 1, 1
        if trains:
            return TRAINING_START, TRAINING_SWITCH
        switch = max(2, math.ceil(SWITCH_AT * compile_us / saved))
        return max(1, math.floor(START_AT * switch)), switch

    def _start(self, variant: Variant, bound: BoundRegion, frame: Frame) -> None:
        region = self._region
        concrete = {**region.constants, **{s: np.asarray(frame[s]) for s in self._static_slots}}
        arguments = {s: _outline(frame[s]) for s in region.inputs if s not in concrete}
        donated = tuple(_outline(cell.value) for cell in bound.donated_cells)
        if bound.arena is not None:
            donated = (((bound.arena.size,), bound.arena.dtype), *donated)
        kept = tuple(_outline(cell.value) for cell in bound.kept_cells)
        variant.job = Job(lambda: compile_region(region, concrete, donated, kept, arguments))
        variant.stage, variant.next_event = Stage.COMPILING, variant.switch_at
        if variant.runs >= variant.switch_at:
            variant.job.run()
        else:
            variant.job.start()

    def _switch(self, variant: Variant) -> None:
        job, variant.job = variant.job, None
        assert job is not None
        job.wait()
        if job.executable is not None:
            variant.executable = job.executable
            variant.stage, variant.next_event = Stage.HOT, NEVER
            return
        self.retire(variant)
        if self._mode == "xla" and not isinstance(job.error, UnimplementedError):
            assert job.error is not None
            raise job.error
        kind = _LOG.debug if isinstance(job.error, OpError) else _LOG.warning
        kind("region of node %r stays in NumPy: %s", self._region.nodes[0].node.name, job.error)


def _outline(value: Any) -> Any:
    """Gives an array's shape and dtype without importing JAX for it; a buffer as it is."""
    if is_buffer(value):
        return value
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return value.shape, value.dtype


class Job:
    """One compilation, in a thread of its own or in the caller's.

    Compilations take turns. The thread is no daemon: a process that ended while XLA compiles would
    crash; so it waits for the one that runs, and drops those that have not begun.
    """

    _turn = threading.Lock()

    def __init__(self, work: Callable[[], Executable]) -> None:
        self._work = work
        self._done = threading.Event()
        self.executable: Executable | None = None
        self.error: Exception | None = None

    def start(self) -> None:
        """Compiles in the background."""
        threading.Thread(target=self.run, name="millstream-compile").start()

    def run(self) -> None:
        """Compiles, once it is this job's turn."""
        try:
            with Job._turn:
                if threading.main_thread().is_alive():
                    self.executable = self._work()
        except Exception as error:  # noqa: BLE001 - raised or logged where the variant switches
            self.error = error
        finally:
            self._done.set()

    def wait(self) -> None:
        """Waits until the job is done."""
        self._done.wait()
