"""Hooks that end a training early, by what evaluations found."""

from __future__ import annotations

import operator
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from millstream.base import logging
from millstream.base.dtypes import Bool
from millstream.base.export import export
from millstream.formats import gfile
from millstream.formats.events import summary_iterator
from millstream.ir.graph_collections import GraphKeys
from millstream.state.assignments import assign
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant
from millstream.state.scope import AUTO_REUSE
from millstream.state.scoping import variable_scope
from millstream.train.checkpoint_utils import load_variable
from millstream.train.hooks.timers import SecondOrStepTimer, step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("estimator.experimental.make_early_stopping_hook")
def make_early_stopping_hook(
    estimator: Any,
    should_stop_fn: Callable[[], bool],
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Makes a hook that ends a training when a function says so.

    Args:
      estimator: the estimator.
      should_stop_fn: a function of nothing.
      run_every_secs: seconds between two calls.
      run_every_steps: steps between two calls, instead.

    Returns:
      A hook for `Estimator.train` or `TrainSpec`.

    Raises:
      TypeError: if `should_stop_fn` cannot be called.
      ValueError: if both seconds and steps are given.
    """
    if not callable(should_stop_fn):
        raise TypeError("`should_stop_fn` must be callable.")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    if estimator.config.is_chief:
        return _StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)
    return _CheckForStoppingHook()


def _stop_variable() -> Any:
    with variable_scope("signal_early_stopping", reuse=AUTO_REUSE):
        return get_variable(
            "STOP", shape=[], dtype=Bool, initializer=Constant(False), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES],
        )  # fmt: skip


class _StopOnPredicateHook(SessionRunHook):
    """Asks a function now and then, and tells all workers by a variable."""

    def __init__(self, should_stop_fn: Any, run_every_secs: Any, run_every_steps: Any) -> None:
        self._should_stop_fn = should_stop_fn
        self._timer = SecondOrStepTimer(every_secs=run_every_secs, every_steps=run_every_steps)

    def begin(self) -> None:
        self._global_step_tensor = step_tensor_for(self)
        self._stop_op = assign(_stop_variable(), True)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results
        if not self._timer.should_trigger_for_step(step):
            return
        self._timer.update_last_triggered_step(step)
        if self._should_stop_fn():
            logging.info("Requesting early stopping at global step %d", step)
            run_context.session.run(self._stop_op)
            run_context.request_stop()


class _CheckForStoppingHook(SessionRunHook):
    """Ends the training of a worker when the chief says so."""

    def begin(self) -> None:
        self._stop_variable = _stop_variable()

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._stop_variable)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if run_values.results:
            logging.info("Early stopping requested, suspending run.")
            run_context.request_stop()


def read_eval_metrics(eval_dir: Any) -> OrderedDict[int, dict[str, float]]:
    """Reads the metrics that evaluations wrote.

    Args:
      eval_dir: directory of their event files.

    Returns:
      Values by name, by global step, in the order of the steps.
    """
    found: dict[int, dict[str, float]] = {}
    for path in gfile.Glob(os.path.join(os.fspath(eval_dir), "*tfevents*")):
        for event in summary_iterator(path):
            values = {
                value.tag: value.simple_value
                for value in event.summary.value
                if value.HasField("simple_value")
            }
            if values:
                found.setdefault(event.step, {}).update(values)
    return OrderedDict(sorted(found.items()))


def _crossed_hook(
    estimator: Any, metric: str, threshold: float, better: Any, word: str, eval_dir: Any,
    min_steps: int, secs: Any, steps: Any,
) -> SessionRunHook:  # fmt: skip
    directory = eval_dir or estimator.eval_dir()

    def should_stop() -> bool:
        for step, values in read_eval_metrics(directory).items():
            if step >= min_steps and better(values[metric], threshold):
                logging.info(
                    'At step %s, metric "%s" has value %s which is %s the configured threshold '
                    "(%s) for early stopping.", step, metric, values[metric], word, threshold,
                )  # fmt: skip
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, secs, steps)


def _stuck_hook(estimator: Any, metric: str, patience: int, better: Any, word: str, eval_dir: Any,
                min_steps: int, secs: Any, steps: Any) -> SessionRunHook:  # fmt: skip
    directory = eval_dir or estimator.eval_dir()

    def should_stop() -> bool:
        best, best_step = None, 0
        for step, values in read_eval_metrics(directory).items():
            if step < min_steps:
                continue
            value = values[metric]
            if best is None or better(value, best):
                best, best_step = value, step
            if step - best_step >= patience:
                logging.info(
                    'No %s in metric "%s" for %s steps, which is greater than or equal to max '
                    "steps (%s) configured for early stopping.",
                    word, metric, step - best_step, patience,
                )  # fmt: skip
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, secs, steps)


@export("estimator.experimental.stop_if_higher_hook")
def stop_if_higher_hook(
    estimator: Any,
    metric_name: str,
    threshold: float,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Makes a hook that ends a training once an evaluated metric exceeds a threshold.

    Args:
      estimator: the estimator.
      metric_name: name of the metric.
      threshold: the value.
      eval_dir: directory of the evaluations; default: the estimator's.
      min_steps: evaluations before that step do not count.
      run_every_secs: seconds between two looks.
      run_every_steps: steps between two looks, instead.
    """
    return _crossed_hook(estimator, metric_name, threshold, operator.gt, "higher than", eval_dir,
                         min_steps, run_every_secs, run_every_steps)  # fmt: skip


@export("estimator.experimental.stop_if_lower_hook")
def stop_if_lower_hook(
    estimator: Any,
    metric_name: str,
    threshold: float,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Makes a hook that ends a training once a metric falls below a threshold.

    Arguments as for `stop_if_higher_hook`.
    """
    return _crossed_hook(estimator, metric_name, threshold, operator.lt, "lower than", eval_dir,
                         min_steps, run_every_secs, run_every_steps)  # fmt: skip


@export("estimator.experimental.stop_if_no_increase_hook")
def stop_if_no_increase_hook(
    estimator: Any,
    metric_name: str,
    max_steps_without_increase: int,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Makes a hook that ends a training once a metric has not grown for so many steps.

    Arguments as for `stop_if_higher_hook`, with the number of steps for the threshold.
    """
    return _stuck_hook(estimator, metric_name, max_steps_without_increase, operator.gt, "increase",
                       eval_dir, min_steps, run_every_secs, run_every_steps)  # fmt: skip


@export("estimator.experimental.stop_if_no_decrease_hook")
def stop_if_no_decrease_hook(
    estimator: Any,
    metric_name: str,
    max_steps_without_decrease: int,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """Makes a hook that ends a training once a metric has not shrunk for so many steps.

    Arguments as for `stop_if_higher_hook`, with the number of steps for the threshold.
    """
    return _stuck_hook(estimator, metric_name, max_steps_without_decrease, operator.lt, "decrease",
                       eval_dir, min_steps, run_every_secs, run_every_steps)  # fmt: skip


@export("estimator.experimental.make_stop_at_checkpoint_step_hook")
def make_stop_at_checkpoint_step_hook(
    estimator: Any, last_step: int, wait_after_file_check_secs: float = 30
) -> SessionRunHook:
    """Makes a hook that ends a worker once the latest checkpoint is of a certain step.

    Args:
      estimator: the estimator.
      last_step: the step.
      wait_after_file_check_secs: seconds between two looks at the checkpoint.
    """
    return _StopAtCheckpointStepHook(
        estimator.model_dir, last_step, wait_after_file_check_secs, estimator.config.is_chief
    )


class _StopAtCheckpointStepHook(SessionRunHook):
    def __init__(self, model_dir: Any, last_step: int, pause_s: float, is_chief: bool) -> None:
        self._model_dir, self._last_step, self._is_chief = model_dir, last_step, is_chief
        self._timer = SecondOrStepTimer(every_secs=pause_s)

    def begin(self) -> None:
        self._global_step_tensor = step_tensor_for(self)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = run_values.results + 1
        if step < self._last_step:
            return
        if self._is_chief:
            if run_context.session.run(self._global_step_tensor) >= self._last_step:
                run_context.request_stop()
            return
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if load_variable(self._model_dir, GraphKeys.GLOBAL_STEP) >= self._last_step:
                run_context.request_stop()
