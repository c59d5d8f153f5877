"""`tf.train.StepCounterHook`: measures steps per second."""

from __future__ import annotations

from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.state.global_step import get_global_step
from millstream.summary.writer import FileWriterCache
from millstream.train.hooks.timers import SecondOrStepTimer, step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook

_WARNINGS = 5


@export("train.StepCounterHook", "estimator.StepCounterHook")
class StepCounterHook(SessionRunHook):
    """Logs how many steps a second the training makes, and writes it as a summary.

    Args:
      every_n_steps: steps between two measurements.
      every_n_secs: seconds between two measurements.
      output_dir: directory of the event file.
      summary_writer: a `FileWriter` to use instead.

    Raises:
      ValueError: unless exactly one of steps and seconds is given.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
        self._summary_writer = summary_writer
        self._output_dir = output_dir
        self._last_global_step: Any = None
        self._warnings_left = _WARNINGS
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        """Opens the event file."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._global_step_tensor = step_tensor_for(self)
        self._summary_tag = f"{get_global_step().op.name}/sec"

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Measures if it is time to."""
        stale = run_values.results
        if self._timer.should_trigger_for_step(stale + self._steps_per_run):
            step = run_context.session.run(self._global_step_tensor)
            if self._timer.should_trigger_for_step(step):
                seconds, steps = self._timer.update_last_triggered_step(step)
                if seconds is not None:
                    self._log_and_record(steps, seconds, step)
        if stale == self._last_global_step and self._warnings_left:
            self._warnings_left -= 1
            logging.warning(
                "The global step does not grow: it is %s, as in the step before. Pass "
                "tf.train.get_global_step() to Optimizer.minimize or apply_gradients.", stale,
            )  # fmt: skip
        self._last_global_step = stale

    def _log_and_record(self, elapsed_steps: Any, elapsed_time: float, global_step: Any) -> None:
        rate = float(elapsed_steps) / elapsed_time if elapsed_time else float("inf")
        if self._summary_writer is not None:
            value = protos.Summary.Value(tag=self._summary_tag, simple_value=rate)
            self._summary_writer.add_summary(protos.Summary(value=[value]), global_step)
        logging.info("%s: %g", self._summary_tag, rate)
