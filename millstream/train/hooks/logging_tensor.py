"""`tf.train.LoggingTensorHook`: logs the values of tensors while training goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import logging
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.train.hooks.timers import NeverTriggerTimer, SecondOrStepTimer
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.LoggingTensorHook", "estimator.LoggingTensorHook")
class LoggingTensorHook(SessionRunHook):
    """Logs tensors once in so many steps or seconds, or at the end.

    Args:
      tensors: a dict from the names to log under to tensors or tensor names, or a list of those.
      every_n_iter: steps between two lines.
      every_n_secs: seconds between two lines.
      at_end: whether to log at the end of the training.
      formatter: makes the line from the dict of values; default `name = value, name = value`.

    Raises:
      ValueError: if both or, without `at_end`, none of the two intervals are given, or the number
        of steps is not positive.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[Any, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError(
                "either at_end and/or exactly one of every_n_iter and every_n_secs must be "
                "provided."
            )
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, dict):
            self._tag_order = sorted(tensors)
        else:
            self._tag_order = list(tensors)
            tensors = {item: item for item in tensors}
        self._tensors = tensors
        self._formatter = formatter
        self._log_at_end = at_end
        self._timer: Any = (
            NeverTriggerTimer()
            if only_at_end
            else SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)
        )

    def begin(self) -> None:
        """Looks the tensors up."""
        self._timer.reset()
        self._iter_count = 0
        self._current_tensors = {tag: _element(tensor) for tag, tensor in self._tensors.items()}
        self._wanted = SessionRunArgs(self._current_tensors)

    def before_run(self, run_context: Any) -> SessionRunArgs | None:
        """Fetches the tensors if it is time to."""
        self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
        return self._wanted if self._should_trigger else None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Logs what was fetched."""
        if self._should_trigger:
            self._log_tensors(run_values.results)
        self._iter_count += 1

    def end(self, session: Any) -> None:
        """Logs the last values, if asked to."""
        if self._log_at_end:
            self._log_tensors(session.run(self._current_tensors))

    def _log_tensors(self, values: dict[Any, Any]) -> None:
        elapsed, _ = self._timer.update_last_triggered_step(self._iter_count)
        if self._formatter:
            logging.info(self._formatter(values))
            return
        with np.printoptions(suppress=True):
            line = ", ".join(f"{tag} = {values[tag]!s}" for tag in self._tag_order)
        logging.info("%s", line if elapsed is None else f"{line} ({elapsed:.3f} sec)")


def _element(given: Any) -> Any:
    """Returns the tensor or node that an object or name stands for; `loss` means `loss:0`."""
    graph = get_default_graph()
    if not isinstance(given, str) or ":" in given:
        return graph.as_graph_element(given)
    element = graph.as_graph_element(f"{given}:0")
    if len(element.op.outputs) > 1:
        raise ValueError(f"Name {given} is ambiguous, as this `Operation` has multiple outputs.")
    return element
