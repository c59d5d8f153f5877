"""The threads of a `Supervisor` that summarise, count steps and save."""

from __future__ import annotations

import time
from typing import Any

from millstream.base import logging
from millstream.formats import protos
from millstream.state.global_step import global_step as read_global_step
from millstream.train.coordinator import LooperThread


class SVSummaryThread(LooperThread):
    """Writes the summaries once in so many seconds."""

    def __init__(self, sv: Any, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """Writes them once."""
        summary = self._sess.run(self._sv.summary_op)
        step = None
        if self._sv.global_step is not None:
            step = read_global_step(self._sess, self._sv.global_step)
        if self._sv.summary_writer:
            logging.info("Recording summary at step %s.", step)
            self._sv.summary_writer.add_summary(summary, step)


class SVStepCounterThread(LooperThread):
    """Measures the number of steps per second."""

    def __init__(self, sv: Any, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess
        self._tag = f"{sv.global_step.op.name}/sec"
        self._last_time, self._last_step = 0.0, 0

    def start_loop(self) -> None:
        """Notes where counting begins."""
        self._last_time = time.time()
        self._last_step = read_global_step(self._sess, self._sv.global_step)

    def run_loop(self) -> None:
        """Measures since the last time."""
        step, now = read_global_step(self._sess, self._sv.global_step), time.time()
        seconds = now - self._last_time
        rate = (step - self._last_step) / seconds if seconds > 0 else float("inf")
        self._last_time, self._last_step = now, step
        value = protos.Summary.Value(tag=self._tag, simple_value=rate)
        if self._sv.summary_writer:
            self._sv.summary_writer.add_summary(protos.Summary(value=[value]), step)
        logging.info("%s: %g", self._tag, rate)


class SVTimerCheckpointThread(LooperThread):
    """Saves a checkpoint once in so many seconds."""

    def __init__(self, sv: Any, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_model_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """Saves one."""
        sv = self._sv
        logging.info("Saving checkpoint to path %s", sv.save_path)
        sv.saver.save(self._sess, sv.save_path, global_step=sv.global_step)
        if sv.summary_writer and sv.global_step is not None:
            log = protos.SessionLog(
                status=protos.SessionLog.CHECKPOINT, checkpoint_path=sv.save_path
            )
            sv.summary_writer.add_session_log(log, read_global_step(self._sess, sv.global_step))
