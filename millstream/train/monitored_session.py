"""`tf.train.MonitoredSession`: a session that initialises, recovers, calls hooks and stops."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.train import wrapped_sessions
from millstream.train.coordinator import Coordinator
from millstream.train.queue_runner import start_queue_runners
from millstream.train.session_creators import ChiefSessionCreator, SessionCreator
from millstream.train.session_run_hook import SessionRunHook
from millstream.train.wrapped_sessions import (
    _CoordinatedSession,
    _HookedSession,
    _RecoverableSession,
)


class _CoordinatedSessionCreator(SessionCreator):
    """Makes a session, starts its queue runners and tells the hooks."""

    def __init__(
        self, session_creator: Any, hooks: Sequence[SessionRunHook], stop_grace_period_secs: float
    ) -> None:
        self._session_creator = session_creator
        self._hooks = hooks
        self._stop_grace_period_secs = stop_grace_period_secs
        self.coord: Coordinator | None = None
        self.tf_sess: Any = None

    def create_session(self) -> _CoordinatedSession:
        """Returns a session with threads and hooks."""
        self.tf_sess = self._session_creator.create_session()
        # The end of the input is an error like others here: the step that meets it raises it.
        self.coord = Coordinator(clean_stop_exception_types=[])
        if get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        return _CoordinatedSession(
            _HookedSession(self.tf_sess, self._hooks), self.coord, self._stop_grace_period_secs
        )


class _MonitoredSession:
    """What `MonitoredSession` and `SingularMonitoredSession` share."""

    StepContext = wrapped_sessions.StepContext

    def __init__(
        self,
        session_creator: Any,
        hooks: Sequence[SessionRunHook] | None,
        should_recover: bool,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph_was_finalized = get_default_graph().finalized
        self._hooks = list(hooks or [])
        for hook in self._hooks:
            hook.begin()
        self._coordinated_creator = _CoordinatedSessionCreator(
            session_creator or ChiefSessionCreator(), self._hooks, stop_grace_period_secs
        )
        if should_recover:
            self._sess: Any = _RecoverableSession(self._coordinated_creator)
        else:
            self._sess = self._coordinated_creator.create_session()

    @property
    def graph(self) -> Any:
        """The graph, or None once the session is closed."""
        return None if self._tf_sess() is None else self._tf_sess().graph

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs a step with hooks; arguments as for `tf.Session.run`.

        Raises:
          RuntimeError: if the session is closed or a hook asked for the loop's end.
        """
        if self._sess is None:
            raise RuntimeError("Session is already closed.")
        return self._sess.run(fetches, feed_dict, options, run_metadata)

    def run_step_fn(self, step_fn: Callable[[Any], Any]) -> Any:
        """Calls a function that makes one step, possibly of several runs.

        Args:
          step_fn: a function of `step_context`, with `session`, `run_with_hooks()` and
            `request_stop()`.

        Returns:
          What it returns.

        Raises:
          ValueError: if it has other parameters.
          StopIteration: if it asks for the loop's end.
        """
        given = tuple(inspect.signature(step_fn).parameters)
        if given not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and "
                f"`step_context` arguments if it's an instance method. Got {given} instead."
            )
        if self._sess is None:
            raise RuntimeError("Session is already closed.")
        return self._sess.run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

    def should_stop(self) -> bool:
        """Returns whether the loop should end: a hook or thread asked for it, or it is closed."""
        return self._sess is None or self._sess.should_stop()

    def close(self) -> None:
        """Tells the hooks of the end, joins the threads and closes the session.

        Raises:
          RuntimeError: if it is closed.
        """
        self._close_internal()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (errors.OutOfRangeError, StopIteration):
            exception_type = None
        self._close_internal(exception_type)
        # True keeps the end of the input from being raised.
        return exception_type is None

    def _close_internal(self, exception_type: Any = None) -> None:
        try:
            if exception_type is None:
                if self._tf_sess() is None:
                    raise RuntimeError("Session is already closed.")
                for hook in self._hooks:
                    hook.end(self._tf_sess())
            elif issubclass(exception_type, KeyboardInterrupt):
                self._tell_of_interrupt()
        finally:
            try:
                if self._sess is None:
                    raise RuntimeError("Session is already closed.")
                self._sess.close()
            finally:
                self._sess = None
                self._coordinated_creator.tf_sess = None
                self._coordinated_creator.coord = None
                if not self._graph_was_finalized:
                    get_default_graph()._unsafe_unfinalize()

    def _tell_of_interrupt(self) -> None:
        """Lets hooks save what would be lost when the user interrupts a training."""
        for hook in self._hooks:
            interrupted = getattr(hook, "interrupted", None)
            if interrupted is None or self._tf_sess() is None:
                continue
            try:
                interrupted(self._tf_sess())
            except Exception as error:  # noqa: BLE001 - the interrupt itself must get through
                logging.error("The state at the interrupt could not be saved: %s", error)

    def _is_closed(self) -> bool:
        return self._coordinated_creator.tf_sess is None

    def _tf_sess(self) -> Any:
        """Returns the bare session; None once it is closed."""
        return self._coordinated_creator.tf_sess


@export("train.MonitoredSession")
class MonitoredSession(_MonitoredSession):
    """Initialises or restores a model, runs steps with hooks, and recovers from lost machines.

    When it is made, the hooks' `begin` is called, the graph made final, the model initialised or
    restored and queue runners are started. An error in a step closes it without telling hooks of
    the end; `tf.errors.OutOfRangeError`, the end of the input, ends the `with` block without error.

    Args:
      session_creator: makes the session; default: `ChiefSessionCreator()`.
      hooks: `SessionRunHook`s.
      stop_grace_period_secs: how long threads may take to end, in seconds.

    Example:
      >>> with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1000)]) as session:
      ...     while not session.should_stop():
      ...         session.run(train_op)
    """

    def __init__(
        self,
        session_creator: Any = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(
            session_creator, hooks, should_recover=True,
            stop_grace_period_secs=stop_grace_period_secs,
        )  # fmt: skip


@export("train.SingularMonitoredSession")
class SingularMonitoredSession(_MonitoredSession):
    """Is a `MonitoredSession` that does not recover and gives access to its bare session.

    Args:
      hooks: `SessionRunHook`s.
      scaffold: a `Scaffold`.
      master: the session's target.
      config: a `ConfigProto`.
      checkpoint_dir: directory whose latest checkpoint is restored.
      stop_grace_period_secs: how long threads may take to end, in seconds.
      checkpoint_filename_with_path: a checkpoint to restore instead.
    """

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Any = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: Any = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: Any = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold=scaffold, master=master, config=config, checkpoint_dir=checkpoint_dir,
            checkpoint_filename_with_path=checkpoint_filename_with_path,
        )  # fmt: skip
        super().__init__(
            creator, hooks, should_recover=False, stop_grace_period_secs=stop_grace_period_secs
        )

    def raw_session(self) -> Any:
        """Returns the bare session."""
        return self._tf_sess()
