"""The layers of a monitored session: each wraps a session and adds one thing.

From the outside in: `_RecoverableSession` makes the session anew when a machine was lost,
`_CoordinatedSession` stops and joins the threads that feed it, `_HookedSession` calls the hooks.
`_sess` is the next one in, as programs that need the bare session expect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from millstream.base import errors, logging
from millstream.formats import protos
from millstream.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)

PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)


class StepContext:
    """Is what the function of `MonitoredSession.run_step_fn` gets.

    Args:
      session: the bare session.
      run_with_hooks_fn: the `run` that calls hooks.
    """

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
        self._session = session
        self._run_with_hooks_fn = run_with_hooks_fn

    @property
    def session(self) -> Any:
        """The bare session; its runs call no hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a step with hooks; as `MonitoredSession.run`."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the training loop.

        Raises:
          StopIteration: always; the `with` block of the session takes it.
        """
        raise StopIteration("step_fn has requested the iterations to stop.")


class _WrappedSession:
    """Passes everything on to a session."""

    def __init__(self, sess: Any) -> None:
        self._sess = sess

    @property
    def graph(self) -> Any:
        """The graph of the session."""
        return self._sess.graph

    @property
    def sess_str(self) -> bytes:
        """The target of the session as bytes."""
        return self._sess.sess_str

    def should_stop(self) -> bool:
        """Returns whether the training should end."""
        if self._check_stop():
            return True
        if self._sess is None:
            return True
        return isinstance(self._sess, _WrappedSession) and self._sess.should_stop()

    def _check_stop(self) -> bool:
        return False

    def close(self) -> None:
        """Closes the session, unless that was done; a lost machine is no error then."""
        if self._sess:
            try:
                self._sess.close()
            except PREEMPTION_ERRORS as error:
                logging.error(
                    "An error was raised while the session was closing: %s", error.message
                )
            finally:
                self._sess = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a step, as `tf.Session.run`."""
        return self._sess.run(*args, **kwargs)

    def run_step_fn(
        self, step_fn: Callable[[StepContext], Any], raw_session: Any, run_with_hooks: Any
    ) -> Any:
        """Calls a function with a `StepContext`."""
        run_with_hooks = run_with_hooks or self.run
        if isinstance(self._sess, _WrappedSession):
            return self._sess.run_step_fn(step_fn, raw_session, run_with_hooks)
        return step_fn(StepContext(raw_session, run_with_hooks))


class _RecoverableSession(_WrappedSession):
    """Makes its session anew when a run failed because a machine was lost, and runs again."""

    def __init__(self, sess_creator: Any) -> None:
        self._sess_creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> Any:
        while True:
            try:
                return self._sess_creator.create_session()
            except PREEMPTION_ERRORS as error:
                _log_loss("a session was made", error)

    def _check_stop(self) -> bool:
        try:
            return self._sess._check_stop() if self._sess else False
        except PREEMPTION_ERRORS as error:
            _log_loss("the session was asked whether to stop", error)
            self.close()
            self._sess = None
            # The session is made anew by the next run.
            return False

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ):
        """Runs a step, anew if it was lost."""
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return self._sess.run(fetches, feed_dict, options, run_metadata)
            except PREEMPTION_ERRORS as error:
                self._give_up(error)

    def run_step_fn(self, step_fn: Any, raw_session: Any, run_with_hooks: Any) -> Any:
        """Calls a function, anew if its step was lost."""
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                    raw_session = self._sess_creator.tf_sess
                return self._sess.run_step_fn(step_fn, raw_session, run_with_hooks)
            except PREEMPTION_ERRORS as error:
                self._give_up(error)

    def _give_up(self, error: errors.OpError) -> None:
        _log_loss("a step was run", error)
        self.close()
        self._sess = None


def _log_loss(when: str, error: errors.OpError) -> None:
    logging.info(
        "An error was raised while %s; a new session will be made. This may be due to a preemption "
        "in a connected worker or parameter server. Error: %s", when, error,
    )  # fmt: skip


class _CoordinatedSession(_WrappedSession):
    """Stops and joins the threads of a coordinator when it is closed."""

    def __init__(self, sess: Any, coord: Any, stop_grace_period_secs: float = 120) -> None:
        super().__init__(sess)
        self._coord = coord
        self._stop_grace_period_secs = stop_grace_period_secs

    def _check_stop(self) -> bool:
        # An error of a thread is raised here, in the thread that trains.
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def close(self) -> None:
        """Stops and joins the threads, then closes the session."""
        self._coord.request_stop()
        try:
            self._coord.join(
                stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True
            )
        finally:
            try:
                super().close()
            except Exception as error:  # noqa: BLE001 - what the join raised matters more
                logging.vlog(1, "Ignored while closing a session: %s", error)

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ):
        """Runs a step; if it fails because a thread failed, the thread's error is raised."""
        try:
            return self._sess.run(fetches, feed_dict, options, run_metadata)
        except PREEMPTION_ERRORS:
            raise
        except Exception:
            self._coord.raise_requested_exception()
            raise


class _HookedSession(_WrappedSession):
    """Calls hooks before and after each step."""

    def __init__(self, sess: Any, hooks: Sequence[SessionRunHook]) -> None:
        super().__init__(sess)
        self._hooks = hooks
        self._should_stop = False
        # What hooks are shown when nobody asked for options; made once, for steps are short.
        self._no_options, self._no_metadata = protos.RunOptions(), protos.RunMetadata()

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ):
        """Runs a step that fetches what the program and all hooks want."""
        if self._should_stop:
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        wanted, feeds, options = self._before(context, fetches, feed_dict, options)
        if options is None and run_metadata is None:
            results = self._sess.run(wanted[0], feeds)
            options, run_metadata = self._no_options, self._no_metadata
        else:
            run_metadata = protos.RunMetadata() if run_metadata is None else run_metadata
            results = self._sess.run(wanted[0], feeds, options, run_metadata)
        for hook, place in zip(self._hooks, wanted[1]):
            result = None if place is None else results[place]
            hook.after_run(context, SessionRunValues(result, options, run_metadata))
        self._should_stop = self._should_stop or context.stop_requested
        return results[0]

    def _before(self, context: Any, fetches: Any, feed_dict: Any, options: Any) -> Any:
        """Calls `before_run` of all hooks.

        Returns:
          All that is fetched, and each hook's place in it; all that is fed; the options.
        """
        all_fetches, places = [fetches], []
        merged = None
        if options is not None:
            merged = protos.RunOptions()
            merged.CopyFrom(options)
        feeds = feed_dict
        hook_feeds: dict[Any, Any] = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            place = None
            if request is not None:
                if not isinstance(request, SessionRunArgs):
                    raise TypeError(
                        f"before_run of {type(hook).__name__} must return tf.train.SessionRunArgs "
                        f"or None, but it returned {request!r}"
                    )
                if request.fetches is not None:
                    place = len(all_fetches)
                    all_fetches.append(request.fetches)
                if request.feed_dict:
                    feeds = self._merge_feeds(feeds, hook_feeds, feed_dict, request.feed_dict)
                if request.options is not None:
                    merged = protos.RunOptions() if merged is None else merged
                    merge_options(merged, request.options)
            places.append(place)
        return (all_fetches, places), feeds, merged

    @staticmethod
    def _merge_feeds(feeds: Any, hook_feeds: dict[Any, Any], user_feeds: Any, new: Any) -> Any:
        twice = [key for key in new if key in hook_feeds]
        if twice:
            raise RuntimeError(f"Same tensor is fed by two hooks. Conflict(s): {twice}")
        twice = [key for key in new if key in (user_feeds or {})]
        if twice:
            raise RuntimeError(
                f"Same tensor is fed by a SessionRunHook and user. Conflict(s): {twice}"
            )
        hook_feeds.update(new)
        return {**(feeds or {}), **new}


def merge_options(options: Any, new: Any) -> None:
    """Adds to `RunOptions` what others ask for: the most detailed trace, the longest time."""
    options.trace_level = max(options.trace_level, new.trace_level)
    options.timeout_in_ms = max(options.timeout_in_ms, new.timeout_in_ms)
    options.inter_op_thread_pool = max(options.inter_op_thread_pool, new.inter_op_thread_pool)
    options.output_partition_graphs = max(
        options.output_partition_graphs, new.output_partition_graphs
    )
    options.debug_options.debug_tensor_watch_opts.extend(new.debug_options.debug_tensor_watch_opts)
