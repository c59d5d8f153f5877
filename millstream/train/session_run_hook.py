"""`tf.train.SessionRunHook`: how code takes part in every step of a monitored session."""

from __future__ import annotations

from typing import Any, NamedTuple

from millstream.base.export import export


@export("train.SessionRunArgs", "estimator.SessionRunArgs")
class SessionRunArgs(NamedTuple):
    """Says what a hook, or the program, wants of one `Session.run`.

    Args:
      fetches: what to fetch, as for `Session.run`.
      feed_dict: values by tensor.
      options: a `RunOptions`.
    """

    fetches: Any
    feed_dict: Any = None
    options: Any = None


@export("train.SessionRunValues", "estimator.SessionRunValues")
class SessionRunValues(NamedTuple):
    """Holds what one `Session.run` gave to a hook.

    Args:
      results: the values of the hook's fetches, in their structure.
      options: the `RunOptions` of the run.
      run_metadata: the `RunMetadata` of the run.
    """

    results: Any
    options: Any
    run_metadata: Any


@export("train.SessionRunContext", "estimator.SessionRunContext")
class SessionRunContext:
    """Tells a hook about the run that it takes part in, and lets it ask for the loop's end.

    Args:
      original_args: the `SessionRunArgs` of the program's own call.
      session: the session, for further runs.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the program asked for, without what hooks added."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The plain session that runs the step; its runs call no hooks."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked for the loop's end."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Makes the monitored session's `should_stop()` true after this run."""
        self._stop_requested = True


@export("train.SessionRunHook", "estimator.SessionRunHook")
class SessionRunHook:
    """Takes part in the steps of a `MonitoredSession`; override what is of interest.

    Example:
      >>> class Count(SessionRunHook):
      ...     def begin(self):
      ...         self.steps = 0
      ...     def after_run(self, run_context, run_values):
      ...         self.steps += 1
    """

    def begin(self) -> None:
        """Is called once before the session is made; the last chance to add nodes."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Is called when a session was made or recovered; the graph is final.

        Args:
          session: the new session.
          coord: the `Coordinator` of its threads.
        """

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Is called before each run.

        Args:
          run_context: the run.

        Returns:
          What to fetch and feed beside the program's own; None for nothing.
        """
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Is called after each run that did not fail.

        Args:
          run_context: the run.
          run_values: the values of what `before_run` asked for.
        """

    def end(self, session: Any) -> None:
        """Is called before the session closes, unless it closes because of an error.

        Args:
          session: a session that can still be run.
        """
