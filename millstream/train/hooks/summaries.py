"""`tf.train.SummarySaverHook`: writes summaries while training goes on."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.formats import protos
from millstream.summary.writer import FileWriterCache
from millstream.train.hooks.timers import SecondOrStepTimer, step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.SummarySaverHook", "estimator.SummarySaverHook")
class SummarySaverHook(SessionRunHook):
    """Writes summaries once in so many steps or seconds, beginning with the first step.

    Args:
      save_steps: steps between two writes.
      save_secs: seconds between two writes.
      output_dir: directory of the event file.
      summary_writer: a `FileWriter` to use instead.
      scaffold: a `Scaffold` whose summaries to write.
      summary_op: string tensors, serialised `Summary`s, to write instead; one or a list.

    Raises:
      ValueError: unless exactly one of scaffold and summaries, and exactly one of seconds and
        steps is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op = summary_op
        self._summary_writer = summary_writer
        self._output_dir = output_dir
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Opens the event file."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._next_step: Any = None
        self._global_step_tensor = step_tensor_for(self)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the global step, and the summaries if it is time to."""
        self._request_summary = self._next_step is None or self._timer.should_trigger_for_step(
            self._next_step
        )
        wanted: dict[str, Any] = {"global_step": self._global_step_tensor}
        if self._request_summary:
            summaries = self._get_summary_op()
            if summaries is not None:
                wanted["summary"] = summaries
        return SessionRunArgs(wanted)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Writes what was fetched."""
        writer = self._summary_writer
        if writer is None:
            return
        step = run_values.results["global_step"] + 1
        if self._next_step is None or self._request_summary:
            step = run_context.session.run(self._global_step_tensor)
        if self._next_step is None:
            writer.add_session_log(protos.SessionLog(status=protos.SessionLog.START), step)
        if self._request_summary:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        """Writes out what waits."""
        if self._summary_writer is not None:
            self._summary_writer.flush()

    def _get_summary_op(self) -> list[Any] | None:
        summaries = self._summary_op
        if summaries is None and self._scaffold.summary_op is not None:
            summaries = self._scaffold.summary_op
        if summaries is None:
            return None
        return summaries if isinstance(summaries, list) else [summaries]
