"""Mutexes and `tf.CriticalSection`; the Fact op."""

import threading
from typing import Any

import numpy as np

from millstream.base import errors, nest
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.spec import Host, Resource, Returns, String, Tensor, Variant, op
from millstream.ops.array.identities import identity
from millstream.ops.flow.groups import no_op, tuple_
from millstream.ops.queue.sharing import shared_resource, thing_behind
from millstream.ops.queue.waiting import Attempt, Progress, Waiting

_FACT = b"0! == 1."


@op(stateful=True, effect=Host())
def Fact() -> Returns(fact=Tensor[String]):
    """Gives a true statement."""


Fact.shape_scalar()
Fact.no_gradient("strings have none")


@Fact.run
def _():
    return np.array(_FACT, object)


@op(effect=Host())
def MutexV2(*, container: str = "", shared_name: str = "") -> Returns(resource=Tensor[Resource]):
    """Makes a mutex: one step at a time can hold it."""


@op(effect=Host(blocking=True))
def MutexLock(mutex: Tensor[Resource]) -> Returns(mutex_lock=Tensor[Variant]):
    """Takes hold of a mutex, waiting for it."""


@op(effect=Host())
def ConsumeMutexLock(mutex_lock: Tensor[Variant]) -> None:
    """Lets go of a mutex."""


class Mutex(Waiting):
    """A mutex at run time; given to those who want it in the order in which they came."""

    kind = "Mutex"

    def __init__(self, name):
        super().__init__(name, lines=1)
        self._held = False

    def acquire(self, ctx):
        """Waits for the mutex; gives what releases it, once, at the latest when the step fails."""

        def advance():
            if self._held:
                return Progress.NONE
            self._held = True
            return Progress.DONE

        self._attend(self._lines[0], Attempt(advance), ctx, "MutexLock")
        return _Lock(self, ctx.cancel)

    def release(self):
        """Gives the mutex to the next."""
        with self._lock:
            self._held = False
            self._advance()


class _Lock:
    def __init__(self, mutex, cancel):
        self._mutex, self._cancel = mutex, cancel
        self._once = threading.Lock()
        self._token = cancel.register(self._release)

    def release(self):
        self._cancel.deregister(self._token)
        self._release()

    def _release(self):
        if self._once.acquire(blocking=False):
            self._mutex.release()


MutexV2.shape_scalar()
MutexLock.shape_scalar()


@MutexV2.run
def _(ctx):
    return shared_resource(ctx, Mutex, Mutex)


@MutexLock.run
def _(mutex, ctx):
    return thing_behind(mutex, Mutex).acquire(ctx)


@ConsumeMutexLock.run
def _(mutex_lock):
    lock = mutex_lock.item() if isinstance(mutex_lock, np.ndarray) else mutex_lock
    if not isinstance(lock, _Lock):
        raise errors.InvalidArgumentError(None, None, "expected what MutexLock gave")
    lock.release()
    return ()


for _opdef in (MutexV2, MutexLock, ConsumeMutexLock):
    _opdef.no_gradient("a mutex is no number")


@export("CriticalSection")
class CriticalSection:
    """Is a part of the graph that one step at a time may run.

    Args:
      name: name of the mutex's node.
      shared_name: name by which nodes share one mutex.
      critical_section_def: must be None.
      import_scope: must be None.

    Example:
      >>> section = CriticalSection()
      >>> total = section.execute(lambda: v.assign_add(1.0).read_value())
    """

    def __init__(self, name=None, shared_name=None, critical_section_def=None, import_scope=None):
        if critical_section_def is not None or import_scope is not None:
            raise ValueError("a critical section cannot be made from a message")
        with name_scope(name, "CriticalSection", []) as scope:
            self._handle = MutexV2(shared_name=shared_name or "", name=scope)

    @property
    def name(self) -> str:
        """The name of the mutex's node."""
        return self._handle.op.name

    def execute(self, fn: Any, exclusive_resource_access: bool = True, name: str | None = None):
        """Gives what `fn()` returns, computed while nobody else is in the section.

        Args:
          fn: makes the nodes; takes nothing, returns a structure of tensors.
          exclusive_resource_access: accepted; variables are not checked for use in other sections.
          name: name of the nodes' scope.

        Raises:
          ValueError: if `fn` executes the same section: it would wait for itself for ever.
        """
        del exclusive_resource_access
        with name_scope(name, "critical_section_execute", []):
            lock = MutexLock(self._handle)
            graph = get_default_graph()
            before = len(graph.nodes)
            with control_dependencies([lock]):
                result = fn()
            self._check_no_other_lock(graph, before)
            if result is None:
                with control_dependencies([lock]):
                    result = no_op()
            flat = nest.flatten(result)
            kept = [f if f is None or hasattr(f, "node_def") else identity(f) for f in flat]
            with control_dependencies([k for k in kept if k is not None]):
                done = ConsumeMutexLock(lock)
            with control_dependencies([done]):
                outputs = [self._after(item) for item in tuple_(kept)]
            return nest.pack_sequence_as(result, outputs)

    def _check_no_other_lock(self, graph: Any, before: int) -> None:
        for node in list(graph.nodes)[before:]:
            if node.type == "MutexLock" and node.inputs[0] is self._handle:
                raise ValueError(
                    f"'{node.name}' locks the critical section '{self.name}' within itself: the "
                    "step would wait for ever."
                )

    @staticmethod
    def _after(item: Any) -> Any:
        if item is None or hasattr(item, "node_def"):
            return no_op() if item is not None else None
        return identity(item)
