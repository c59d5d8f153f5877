"""`tf.contrib.learn.Experiment` and `learn_runner.run`: training and evaluating, in one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.contrib.learn.base import Evaluable, Trainable
from millstream.contrib.learn.monitor_classes import ValidationMonitor
from millstream.estimator.estimator import Estimator as CoreEstimator


@export("contrib.learn.Experiment")
class Experiment:
    """Holds a model with all that is needed to train and evaluate it.

    Args:
      estimator: a `tf.contrib.learn` model or a `tf.estimator.Estimator`.
      train_input_fn: a function that returns features and labels to train on.
      eval_input_fn: one that returns those to evaluate with.
      eval_metrics: further metrics, as for `BaseEstimator.evaluate`.
      train_steps: how many steps to make; None until the input ends.
      eval_steps: how many batches to evaluate; None until the input ends.
      train_monitors: monitors or hooks of the training.
      eval_hooks: hooks of the evaluation.
      local_eval_frequency: as `min_eval_frequency`.
      eval_delay_secs: accepted.
      continuous_eval_throttle_secs: accepted.
      min_eval_frequency: steps between two evaluations of a training.
      delay_workers_by_global_step: accepted.
      export_strategies: accepted; see `reset_export_strategies`.
      train_steps_per_iteration: steps between two evaluations of `continuous_train_and_eval`.
      checkpoint_and_export: accepted.
      saving_listeners: accepted.
      check_interval_secs: accepted.

    Raises:
      ValueError: if `estimator` cannot be trained or evaluated.
    """

    def __init__(
        self,
        estimator: Any,
        train_input_fn: Callable[..., Any],
        eval_input_fn: Callable[..., Any],
        eval_metrics: Any = None,
        train_steps: int | None = None,
        eval_steps: int | None = 100,
        train_monitors: Any = None,
        eval_hooks: Any = None,
        local_eval_frequency: int | None = None,
        eval_delay_secs: float = 120,
        continuous_eval_throttle_secs: float = 60,
        min_eval_frequency: int | None = None,
        delay_workers_by_global_step: bool = False,
        export_strategies: Any = None,
        train_steps_per_iteration: int | None = None,
        checkpoint_and_export: bool = False,
        saving_listeners: Any = None,
        check_interval_secs: float = 5,
    ) -> None:
        self._is_core = isinstance(estimator, CoreEstimator)
        if not self._is_core:
            for kind in (Evaluable, Trainable):
                if not isinstance(estimator, kind):
                    raise ValueError(
                        f"`estimator` must implement `{kind.__name__}` or `tf.estimator.Estimator`."
                    )
        self._estimator = estimator
        self._train_input_fn, self._eval_input_fn = train_input_fn, eval_input_fn
        self._eval_metrics, self._eval_hooks = eval_metrics, list(eval_hooks or [])
        self._train_steps, self._eval_steps = train_steps, eval_steps
        self._train_monitors = list(train_monitors or [])
        self._min_eval_frequency = min_eval_frequency or local_eval_frequency
        self._export_strategies = export_strategies
        self._train_steps_per_iteration = train_steps_per_iteration

    @property
    def estimator(self) -> Any:
        """The model."""
        return self._estimator

    @property
    def eval_metrics(self) -> Any:
        """The further metrics."""
        return self._eval_metrics

    @property
    def train_steps(self) -> int | None:
        """How many steps the training makes."""
        return self._train_steps

    @property
    def eval_steps(self) -> int | None:
        """How many batches an evaluation looks at."""
        return self._eval_steps

    def extend_train_hooks(self, additional_hooks: Any) -> None:
        """Adds hooks to the training."""
        self._train_monitors.extend(additional_hooks)

    def reset_export_strategies(self, new_export_strategies: Any = None) -> Any:
        """Replaces the export strategies and returns the former ones."""
        former, self._export_strategies = self._export_strategies, new_export_strategies
        return former

    def train(self, delay_secs: float | None = None) -> Any:
        """Trains up to the number of steps; returns the model."""
        del delay_secs
        return self._train(self._train_steps, self._train_monitors)

    def _train(self, max_steps: int | None, hooks: list[Any]) -> Any:
        if self._is_core:
            return self._estimator.train(self._train_input_fn, hooks=hooks, max_steps=max_steps)
        return self._estimator.fit(
            input_fn=self._train_input_fn, max_steps=max_steps, monitors=hooks
        )

    def evaluate(self, delay_secs: float | None = None, name: str | None = None) -> Any:
        """Evaluates; returns the metrics by name."""
        del delay_secs
        return self._evaluate(self._eval_input_fn, self._eval_steps, name)

    def _evaluate(self, input_fn: Any, steps: int | None, name: str | None) -> Any:
        if self._is_core:
            return self._estimator.evaluate(
                input_fn, steps=steps, hooks=self._eval_hooks, name=name
            )
        return self._estimator.evaluate(
            input_fn=input_fn, steps=steps, metrics=self._eval_metrics, hooks=self._eval_hooks,
            name=name,
        )  # fmt: skip

    def train_and_evaluate(self) -> tuple[Any, list[Any]]:
        """Trains, evaluating now and then and at the end.

        Returns:
          The metrics of the last evaluation by name, and an empty list of exports.
        """
        hooks = list(self._train_monitors)
        if self._min_eval_frequency and not self._is_core:
            hooks.append(
                ValidationMonitor(
                    input_fn=self._eval_input_fn, eval_steps=self._eval_steps,
                    metrics=self._eval_metrics, every_n_steps=self._min_eval_frequency,
                    hooks=self._eval_hooks,
                )
            )  # fmt: skip
        self._train(self._train_steps, hooks)
        return self.evaluate(), []

    local_run = train_and_evaluate

    def continuous_train_and_eval(
        self, continuous_eval_predicate_fn: Callable[[Any], bool] | None = None
    ) -> tuple[Any, list[Any]]:
        """Trains some steps and evaluates, in turns, up to the number of steps.

        Args:
          continuous_eval_predicate_fn: a function of the last metrics; false ends it.

        Returns:
          The metrics of the last evaluation by name, and an empty list of exports.
        """
        step, metrics = 0, None
        while continuous_eval_predicate_fn is None or continuous_eval_predicate_fn(metrics):
            if self._train_steps is not None and step >= self._train_steps:
                break
            step += self._train_steps_per_iteration or self._train_steps or 1000
            limit = step if self._train_steps is None else min(step, self._train_steps)
            self._train(limit, self._train_monitors)
            metrics = self.evaluate()
        return metrics, []

    def test(self) -> tuple[Any, list[Any]]:
        """Trains and evaluates one step each, to see whether it works."""
        self._train(1, self._train_monitors)
        return self._evaluate(self._eval_input_fn, 1, "one_pass"), []


@export("contrib.learn.learn_runner.run")
def run(
    experiment_fn: Callable[..., Experiment],
    output_dir: Any = None,
    schedule: str | None = None,
    run_config: Any = None,
    hparams: Any = None,
) -> Any:
    """Makes an experiment and runs it.

    Args:
      experiment_fn: a function of `output_dir`, or of `run_config` and `hparams`.
      output_dir: directory of the model.
      schedule: name of the experiment's method to call, by default `train_and_evaluate`.
      run_config: a `RunConfig` with `model_dir`.
      hparams: hyperparameters.

    Returns:
      What the method returns.

    Raises:
      ValueError: if both or none of `output_dir` and `run_config` are given, or there is no such
        method.
      TypeError: if `experiment_fn` gives no `Experiment`.
    """
    if (output_dir is None) == (run_config is None):
        raise ValueError("Exactly one of `output_dir` and `run_config` must be given.")
    if not callable(experiment_fn):
        raise TypeError("Experiment builder is not callable.")
    if output_dir is not None:
        experiment = experiment_fn(output_dir=os.fspath(output_dir))
    else:
        experiment = experiment_fn(run_config, hparams)
    if not isinstance(experiment, Experiment):
        raise TypeError(
            f"Experiment builder did not return an Experiment instance, got {type(experiment)}"
        )
    schedule = schedule or "train_and_evaluate"
    task = getattr(experiment, schedule, None)
    if not callable(task):
        raise ValueError(f"Schedule references non-existent or non-callable task {schedule}")
    logging.vlog(1, "Running %s", schedule)
    return task()
