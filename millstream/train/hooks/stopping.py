"""Hooks that end a training, or hold up its start."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from millstream.base import logging
from millstream.base.export import export
from millstream.train.hooks.timers import step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.StopAtStepHook", "estimator.StopAtStepHook")
class StopAtStepHook(SessionRunHook):
    """Ends the training after so many steps, or at a certain global step.

    Args:
      num_steps: how many steps to make from where the training begins.
      last_step: the global step to stop at.

    Raises:
      ValueError: unless exactly one is given.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps = num_steps
        self._last_step = last_step

    def begin(self) -> None:
        """Makes the tensor that reads the global step."""
        self._global_step_tensor = step_tensor_for(self)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Finds out where the training begins."""
        if self._last_step is None:
            self._last_step = int(session.run(self._global_step_tensor)) + (self._num_steps or 0)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Asks for the end when the last step is done."""
        if run_values.results + 1 < self._last_step:
            return
        if run_context.session.run(self._global_step_tensor) >= self._last_step:
            run_context.request_stop()


@export("train.NanLossDuringTrainingError", "estimator.NanLossDuringTrainingError")
class NanLossDuringTrainingError(RuntimeError):
    """Is raised when the loss becomes NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


@export("train.NanTensorHook", "estimator.NanTensorHook")
class NanTensorHook(SessionRunHook):
    """Ends the training when the loss is NaN.

    Args:
      loss_tensor: the loss.
      fail_on_nan_loss: whether to raise; else the training just ends.

    Raises:
      NanLossDuringTrainingError: during a run, if the loss is NaN.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss_tensor = loss_tensor
        self._fail_on_nan_loss = fail_on_nan_loss

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the loss."""
        return SessionRunArgs(self._loss_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Looks at the loss."""
        if not np.isnan(run_values.results).any():
            return
        if self._fail_on_nan_loss:
            logging.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        logging.warning("Model diverged with loss = NaN.")
        run_context.request_stop()


@export("train.GlobalStepWaiterHook", "estimator.GlobalStepWaiterHook")
class GlobalStepWaiterHook(SessionRunHook):
    """Holds up the first step until the global step, moved on by others, has reached a number.

    Args:
      wait_until_step: the number.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        """Makes the tensor that reads the global step."""
        self._worker_is_started = False
        self._global_step_tensor = step_tensor_for(self)

    def before_run(self, run_context: Any) -> None:
        """Waits, the first time."""
        if self._worker_is_started:
            return
        self._worker_is_started = True
        if self._wait_until_step <= 0:
            return
        logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
        logged = 0
        while (step := run_context.session.run(self._global_step_tensor)) < self._wait_until_step:
            if step - logged > 1000:
                logging.info(
                    "Waiting for global step %d before starting training. Current step is %d.",
                    self._wait_until_step, step,
                )  # fmt: skip
                logged = step
            time.sleep(0.5)
        logging.info("Done waiting, now starting training.")
