"""`tf.train.QueueRunner`: threads that keep a queue filled while a program takes from it."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.ir.context import default_sessions
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.train.coordinator import Coordinator
from millstream.train.meta_graph import register_collection

_WRAPPED_SESSIONS = ("MonitoredSession", "SingularMonitoredSession")
_ENDED = (errors.OutOfRangeError,)


@export("train.QueueRunner", "train.queue_runner.QueueRunner")
class QueueRunner:
    """Holds the enqueue operations of a queue and runs each in a thread of its own.

    When an enqueue operation meets the end of its own input, its thread ends; when the last thread
    has ended, the queue is closed, so that who takes from it comes to an end too. When the
    coordinator stops, the queue is closed and pending enqueues are cancelled.

    Args:
      queue: the queue.
      enqueue_ops: list of operations, one per thread; the same may be there several times.
      close_op: operation that closes the queue; made by default.
      cancel_op: operation that closes it and cancels pending enqueues; made by default.
      queue_closed_exception_types: tuple of the error classes that mean that a queue upstream is
        at its end, by default `(tf.errors.OutOfRangeError,)`.
      queue_runner_def: a `QueueRunnerDef` to be made from, instead of all others.
      import_scope: scope that the names in `queue_runner_def` are relative to.

    Raises:
      ValueError: if both `queue` and `queue_runner_def` are given, or something is missing.
      TypeError: if `queue_closed_exception_types` is no tuple of error classes.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Any = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: Any = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if queue is not None and queue_runner_def is not None:
            raise ValueError("queue_runner_def and queue are mutually exclusive.")
        if queue_runner_def is not None:
            self._set_from_proto(queue_runner_def, import_scope)
        else:
            self._set(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types)
        self._lock = threading.Lock()
        self._running: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._raised: list[BaseException] = []

    def _set(self, queue: Any, enqueue_ops: Any, close: Any, cancel: Any, ended: Any) -> None:
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self._queue = queue
        self._queue_name = str(queue.name)
        self._enqueue_ops = enqueue_ops
        self._close_op = queue.close() if close is None else close
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel is None else cancel
        if ended is None:
            ended = _ENDED
        elif not _is_error_classes(ended):
            raise TypeError(
                "queue_closed_exception_types, when provided, must be a tuple of tf.errors types, "
                f"but saw: {ended}"
            )
        self._ended: tuple[type[errors.OpError], ...] = ended

    def _set_from_proto(self, message: Any, scope: str | None) -> None:
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(f"{scope.rstrip('/')}/{name}" if scope else name)

        self._queue = find(message.queue_name)
        self._queue_name = self._queue.name
        self._enqueue_ops = [find(name) for name in message.enqueue_op_name]
        self._close_op = find(message.close_op_name)
        self._cancel_op = find(message.cancel_op_name)
        codes = message.queue_closed_exception_types
        self._ended = tuple(errors.exception_type_from_error_code(c) for c in codes) or _ENDED

    # -- what it consists of

    @property
    def queue(self) -> Any:
        """The queue; its node if the runner was made from a `QueueRunnerDef`."""
        return self._queue

    @property
    def enqueue_ops(self) -> Any:
        """The operations that fill the queue, one per thread."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and cancels pending enqueues."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[type[errors.OpError], ...]:
        """The errors that mean that the input of an enqueue operation is at its end."""
        return self._ended

    @property
    def name(self) -> str:
        """The name of the queue's node."""
        return self._queue_name

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What threads without a coordinator raised since they were started last."""
        return self._raised

    def threads_running(self, session: Any) -> int | None:
        """Counts the threads that fill the queue in a session; None if none was ever started."""
        with self._lock:
            return self._running.get(session)

    # -- running

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """Makes the threads that run the enqueue operations, and with `coord` one that cancels.

        Args:
          sess: the session that they run in.
          coord: told of errors; the threads stop when it does and are registered with it.
          daemon: whether a program may end while they run.
          start: whether they are started.

        Returns:
          The threads; none if the session has some already that have not ended.
        """
        with self._lock:
            if self._running.get(sess, 0) > 0:
                return []
            self._running[sess] = len(self._enqueue_ops)
            self._raised = []
        threads = [
            self._thread(op.name, self._fill, (sess, op, coord), daemon) for op in self._enqueue_ops
        ]
        if coord is not None:
            arguments = (sess, self._cancel_op, coord)
            threads.append(self._thread("close_on_stop", self._cancel_on_stop, arguments, daemon))
            for thread in threads:
                coord.register_thread(thread)
        if start:
            for thread in threads:
                thread.start()
        return threads

    def _thread(self, name: str, work: Any, arguments: Any, daemon: bool) -> threading.Thread:
        name = f"QueueRunnerThread-{self.name}-{name}"
        return threading.Thread(target=work, args=arguments, name=name, daemon=daemon)

    def _fill(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> None:
        """Runs an enqueue operation until its input ends, the coordinator stops, or it fails."""
        ended = False
        try:
            enqueue = self._enqueuer(sess, enqueue_op)
            while coord is None or not coord.should_stop():
                enqueue()
        except self._ended:
            ended = True
        except Exception as error:
            if coord is not None:
                coord.request_stop(error)
                return
            logging.error("Exception in QueueRunner: %s", error)
            with self._lock:
                self._raised.append(error)
            raise
        finally:
            with self._lock:
                self._running[sess] = left = self._running.get(sess, 1) - 1
        if ended and not left:
            self._attempt(sess, self._close_op)

    def _enqueuer(self, sess: Any, enqueue_op: Any) -> Any:
        """Returns the function of nothing that a thread calls over and over."""
        return sess.make_callable(enqueue_op)

    def _cancel_on_stop(self, sess: Any, cancel_op: Any, coord: Coordinator) -> None:
        coord.wait_for_stop()
        self._attempt(sess, cancel_op)

    def _attempt(self, sess: Any, op: Any) -> None:
        """Runs an operation whose failure changes nothing any more."""
        try:
            sess.run(op)
        except Exception as error:  # noqa: BLE001 - most often the session or the queue is closed
            logging.vlog(1, "Ignored exception: %s", error)

    # -- messages

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Gives the runner as a `QueueRunnerDef`; None if its queue lies outside `export_scope`."""
        if export_scope is not None and not self._queue_name.startswith(export_scope):
            return None
        prefix = f"{export_scope.rstrip('/')}/" if export_scope else ""
        message = protos.QueueRunnerDef()
        message.queue_name = self._queue_name.removeprefix(prefix)
        message.enqueue_op_name.extend(op.name.removeprefix(prefix) for op in self._enqueue_ops)
        message.close_op_name = self._close_op.name.removeprefix(prefix)
        message.cancel_op_name = self._cancel_op.name.removeprefix(prefix)
        codes = [errors.error_code_from_exception_type(kind) for kind in self._ended]
        message.queue_closed_exception_types.extend(codes)
        return message

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """Makes a runner from a `QueueRunnerDef` whose nodes are in the default graph."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _is_error_classes(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(v, type) and issubclass(v, errors.OpError) for v in value)
    )


@export("train.add_queue_runner", "train.queue_runner.add_queue_runner")
def add_queue_runner(qr, collection=GraphKeys.QUEUE_RUNNERS):
    """Adds a `QueueRunner` to a collection, for `start_queue_runners` to find.

    Args:
      qr: the runner.
      collection: name of the collection.
    """
    get_default_graph().add_to_collection(collection, qr)


@export("train.start_queue_runners", "train.queue_runner.start_queue_runners")
def start_queue_runners(
    sess=None, coord=None, daemon=True, start=True, collection=GraphKeys.QUEUE_RUNNERS
):
    """Starts all queue runners of a collection.

    Args:
      sess: the session that they run in, by default the default session.
      coord: a `Coordinator` for the threads.
      daemon: whether a program may end while they run.
      start: whether the threads are started, or only made.
      collection: name of the collection.

    Returns:
      List of the threads.

    Raises:
      ValueError: if there is no session.
      TypeError: if `sess` is none.
    """
    if sess is None:
        sess = default_sessions.top()
        if sess is None:
            raise ValueError(
                "Cannot start queue runners: No default session is registered. Use `with "
                "sess.as_default()` or pass an explicit session to "
                "tf.start_queue_runners(sess=sess)"
            )
    if type(sess).__name__ in _WRAPPED_SESSIONS:
        return []  # it has started them itself
    if not (hasattr(sess, "run") and hasattr(sess, "make_callable")):
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    runners = get_default_graph().get_collection(collection)
    if not runners:
        logging.warning(
            "`tf.train.start_queue_runners()` was called when no queue runners were defined. You "
            "can safely remove the call to this deprecated function."
        )
    with sess.graph.as_default():
        return [
            thread
            for runner in runners
            for thread in runner.create_threads(sess, coord=coord, daemon=daemon, start=start)
        ]


register_collection(
    GraphKeys.QUEUE_RUNNERS,
    lambda: protos.QueueRunnerDef,
    lambda item, scope: item.to_proto(scope),
    QueueRunner.from_proto,
)
