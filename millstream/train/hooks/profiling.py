"""`tf.train.ProfilerHook`: traces steps while training goes on."""

from __future__ import annotations

import os
from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.file_object import GFile
from millstream.formats.files import path_of
from millstream.runtime.timeline import Timeline
from millstream.summary.writer import FileWriterCache
from millstream.train.hooks.timers import SecondOrStepTimer, step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.ProfilerHook", "estimator.ProfilerHook")
class ProfilerHook(SessionRunHook):
    """Traces a step once in so many steps or seconds and writes `timeline-<step>.json`.

    The files are for Chrome's `chrome://tracing`; the events also go to TensorBoard.

    Args:
      save_steps: steps between two traces.
      save_secs: seconds between two traces.
      output_dir: directory of the files.
      show_dataflow: whether arrows show the way of the tensors.
      show_memory: whether the sizes of tensors are shown.

    Raises:
      ValueError: unless exactly one of seconds and steps is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: Any = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._output_dir = path_of(output_dir)
        self._output_file = os.path.join(self._output_dir, "timeline-{}.json")
        self._show_dataflow = show_dataflow
        self._show_memory = show_memory
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Opens the event file."""
        self._next_step: Any = None
        self._file_writer = FileWriterCache.get(self._output_dir)
        self._global_step_tensor = step_tensor_for(self)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Turns tracing on if it is time to."""
        self._request_summary = self._next_step is not None and self._timer.should_trigger_for_step(
            self._next_step
        )
        options = (
            protos.RunOptions(trace_level=protos.RunOptions.FULL_TRACE)
            if self._request_summary
            else None
        )
        return SessionRunArgs({"global_step": self._global_step_tensor}, options=options)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Writes the trace."""
        step = run_values.results["global_step"] + 1
        if self._next_step is None:
            self._timer.update_last_triggered_step(run_values.results["global_step"])
        if self._request_summary:
            step = run_context.session.run(self._global_step_tensor)
            self._timer.update_last_triggered_step(step)
            self._save(step, self._output_file.format(step), run_values.run_metadata.step_stats)
            self._file_writer.add_run_metadata(run_values.run_metadata, f"step_{step:d}")
        self._next_step = step + 1

    def _save(self, step: Any, save_path: str, step_stats: Any) -> None:
        logging.info("Saving timeline for %d into '%s'.", step, save_path)
        with GFile(save_path, "w") as file:
            trace = Timeline(step_stats).generate_chrome_trace_format(
                show_dataflow=self._show_dataflow, show_memory=self._show_memory
            )
            file.write(trace)
