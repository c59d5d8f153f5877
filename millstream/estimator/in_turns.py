"""`tf.estimator.train_and_evaluate`: trains, and evaluates whenever a checkpoint was saved."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from millstream.base import logging
from millstream.base.export import export
from millstream.estimator.cluster import EVALUATOR
from millstream.estimator.estimator import Estimator
from millstream.estimator.exporter import Exporter
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.train.hooks.checkpoints import CheckpointSaverListener
from millstream.train.hooks.timers import SecondOrStepTimer
from millstream.train.session_run_hook import SessionRunHook

_GLOBAL_STEP = "global_step"


def _hooks(hooks: Any) -> tuple[SessionRunHook, ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook}")
    return found


class _Train(NamedTuple):
    input_fn: Any
    max_steps: Any
    hooks: Any


@export("estimator.TrainSpec")
class TrainSpec(_Train):
    """Says what `train_and_evaluate` trains on.

    Args:
      input_fn: as for `Estimator.train`.
      max_steps: the global step to stop at; None until the input ends.
      hooks: `SessionRunHook`s.

    Raises:
      ValueError: if `max_steps` is not positive.
      TypeError: if a hook is none.
    """

    def __new__(
        cls,
        input_fn: Callable[..., Any],
        max_steps: int | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
    ) -> TrainSpec:
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(cls, input_fn, max_steps, _hooks(hooks))


class _Eval(NamedTuple):
    input_fn: Any
    steps: Any
    name: Any
    hooks: Any
    exporters: Any
    start_delay_secs: Any
    throttle_secs: Any


@export("estimator.EvalSpec")
class EvalSpec(_Eval):
    """Says what `train_and_evaluate` evaluates with, and exports.

    Args:
      input_fn: as for `Estimator.evaluate`.
      steps: how many batches to look at; None until the input ends.
      name: of the evaluation.
      hooks: `SessionRunHook`s.
      exporters: an `Exporter`, or several.
      start_delay_secs: how long an evaluator of a cluster waits at first, in seconds.
      throttle_secs: least time between two evaluations, in seconds.

    Raises:
      ValueError: if a number is negative, or exporters have one name.
      TypeError: if something is of a wrong class.
    """

    def __new__(
        cls,
        input_fn: Callable[..., Any],
        steps: int | None = 100,
        name: str | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        exporters: Any = None,
        start_delay_secs: float = 120,
        throttle_secs: float = 600,
    ) -> EvalSpec:
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        for what, value in (("start_delay", start_delay_secs), ("throttle", throttle_secs)):
            if value < 0:
                raise ValueError(f"Must specify {what}_secs >= 0, given: {value}")
        return super().__new__(
            cls, input_fn, steps, name, _hooks(hooks), _exporters(exporters), start_delay_secs,
            throttle_secs,
        )  # fmt: skip


def _exporters(given: Any) -> tuple[Exporter, ...]:
    if given is None:
        return ()
    found = (given,) if isinstance(given, Exporter) else tuple(given)
    names: set[str] = set()
    for exporter in found:
        if not isinstance(exporter, Exporter):
            raise TypeError(
                "`exporters` must be an Exporter, an iterable of Exporter, or `None`, found "
                f"{given}."
            )
        if not exporter.name or exporter.name in names:
            raise ValueError(
                "`exporters` must have unique names, and the names must not be empty, found "
                f"{[e.name for e in found]}."
            )
        names.add(exporter.name)
    return found


@export("estimator.train_and_evaluate")
def train_and_evaluate(
    estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec
) -> tuple[Any, Any] | None:
    """Trains an estimator, and evaluates and exports it whenever a checkpoint was saved.

    Args:
      estimator: the estimator.
      train_spec: what to train on.
      eval_spec: what to evaluate with.

    Returns:
      The values of the last evaluation by name, and a list of what was exported.

    Raises:
      TypeError: if an argument is of a wrong class.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(
            f"`estimator` must have type `tf.estimator.Estimator`, given {type(estimator)}"
        )
    if not isinstance(train_spec, TrainSpec):
        raise TypeError(
            f"`train_spec` must have type `tf.estimator.TrainSpec`. Got: {type(train_spec)}"
        )
    if not isinstance(eval_spec, EvalSpec):
        raise TypeError(
            f"`eval_spec` must have type `tf.estimator.EvalSpec`. Got: {type(eval_spec)}"
        )
    config = estimator.config
    if config.task_type == EVALUATOR:
        if config.task_id > 0:
            raise ValueError(
                f"For distributed training, there can only be one `evaluator` task (with task id "
                f"0).  Given task id {config.task_id}"
            )
        return _run_evaluator(estimator, train_spec, eval_spec)
    if config.cluster_spec:
        return _run_task(estimator, train_spec)
    return _run_local(estimator, train_spec, eval_spec)


def _run_local(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, Any]:
    logging.info("Not using Distribute Coordinator.")
    logging.info("Running training and evaluation locally (non-distributed).")
    logging.info(
        "Start train and evaluate loop. The evaluate will happen after every checkpoint. "
        "Checkpoint frequency is determined based on RunConfig arguments: save_checkpoints_steps "
        "%s or save_checkpoints_secs %s.",
        estimator.config.save_checkpoints_steps, estimator.config.save_checkpoints_secs,
    )  # fmt: skip
    evaluator = _Evaluator(estimator, eval_spec, train_spec.max_steps)
    listener = _Listener(evaluator, eval_spec.throttle_secs)
    estimator.train(
        input_fn=train_spec.input_fn, max_steps=train_spec.max_steps,
        hooks=list(train_spec.hooks), saving_listeners=[listener],
    )  # fmt: skip
    return listener.metrics, listener.exports


def _run_task(estimator: Estimator, train_spec: TrainSpec) -> None:
    estimator.train(
        input_fn=train_spec.input_fn, max_steps=train_spec.max_steps, hooks=list(train_spec.hooks)
    )


def _run_evaluator(
    estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec
) -> tuple[Any, Any]:
    """Evaluates each new checkpoint that others save, until the last step."""
    if eval_spec.start_delay_secs:
        logging.info("Waiting %f secs before starting eval.", eval_spec.start_delay_secs)
        time.sleep(eval_spec.start_delay_secs)
    evaluator = _Evaluator(estimator, eval_spec, train_spec.max_steps)
    metrics, exports = None, []
    while True:
        start = time.monotonic()
        found = evaluator.evaluate_and_export()
        if found is not None:
            metrics, exports = found
            if train_spec.max_steps and metrics[_GLOBAL_STEP] >= train_spec.max_steps:
                logging.info("Exiting evaluation, global_step=%s >= train max_steps=%s",
                             metrics[_GLOBAL_STEP], train_spec.max_steps)  # fmt: skip
                return metrics, exports
        time.sleep(max(0.0, start + eval_spec.throttle_secs - time.monotonic()))


class _Evaluator:
    """Evaluates and exports the latest checkpoint, if it is new."""

    def __init__(self, estimator: Estimator, spec: EvalSpec, max_steps: int | None) -> None:
        self._estimator, self._spec, self._max_steps = estimator, spec, max_steps
        self._previous: str | None = None

    def evaluate_and_export(self) -> tuple[dict[str, Any], list[Any]] | None:
        """Returns metrics and exports; None if there is no new checkpoint."""
        path = latest_checkpoint(self._estimator.model_dir)
        if not path:
            logging.warning(
                "Estimator is not trained yet. Will start an evaluation when a checkpoint is ready."
            )
            return None
        if path == self._previous:
            logging.warning(
                "No new checkpoint ready for evaluation. Skip the current evaluation pass as "
                "evaluation results are expected to be same for the same checkpoint."
            )
            return None
        spec = self._spec
        metrics = self._estimator.evaluate(
            input_fn=spec.input_fn, steps=spec.steps, hooks=list(spec.hooks),
            checkpoint_path=path, name=spec.name,
        )  # fmt: skip
        if not metrics:
            raise ValueError("Estimator.evaluate should return dict of metrics; it is empty.")
        if _GLOBAL_STEP not in metrics:
            raise ValueError("Estimator.evaluate should return a dict with key `global_step`.")
        is_final = bool(self._max_steps) and metrics[_GLOBAL_STEP] >= self._max_steps
        self._previous = path
        return metrics, self._export(path, metrics, is_final)

    def _export(self, path: str, metrics: dict[str, Any], is_final: bool) -> list[Any]:
        base = os.path.join(self._estimator.model_dir, "export")
        return [
            exporter.export(
                estimator=self._estimator, export_path=os.path.join(base, exporter.name),
                checkpoint_path=path, eval_result=metrics, is_the_final_export=is_final,
            )
            for exporter in self._spec.exporters
        ]  # fmt: skip


class _Listener(CheckpointSaverListener):
    """Evaluates after a checkpoint was saved, though not too often."""

    def __init__(self, evaluator: _Evaluator, throttle_secs: float) -> None:
        self._evaluator, self._throttle_secs = evaluator, throttle_secs
        self.metrics: dict[str, Any] | None = None
        self.exports: list[Any] = []

    def begin(self) -> None:
        self._timer = SecondOrStepTimer(every_secs=self._throttle_secs)
        self._is_first_run = True

    def after_save(self, session: Any, global_step_value: Any) -> None:
        # The first checkpoint is from before the first step.
        if self._is_first_run:
            self._is_first_run = False
            return
        if self._timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value)
        else:
            logging.info(
                "Skip the current checkpoint eval due to throttle secs (%s secs).",
                self._throttle_secs,
            )

    def end(self, session: Any, global_step_value: Any) -> None:
        if global_step_value != self._timer.last_triggered_step():
            self._evaluate(global_step_value)

    def _evaluate(self, step: Any) -> None:
        self._timer.update_last_triggered_step(step)
        found = self._evaluator.evaluate_and_export()
        if found is None:
            raise RuntimeError("There was no new checkpoint after the training.")
        self.metrics, self.exports = found
