"""`tf.contrib.learn.monitors`: what watches a training; every monitor is a hook."""

from __future__ import annotations

from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.train.hooks.checkpoints import CheckpointSaverHook
from millstream.train.hooks.step_counter import StepCounterHook
from millstream.train.hooks.stopping import (
    NanLossDuringTrainingError,
    NanTensorHook,
    StopAtStepHook,
)
from millstream.train.hooks.summaries import SummarySaverHook
from millstream.train.hooks.timers import step_tensor_for
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook

export("contrib.learn.monitors.NanLossDuringTrainingError",
       "contrib.learn.NanLossDuringTrainingError",
       module=NanLossDuringTrainingError.__module__)(NanLossDuringTrainingError)  # fmt: skip


@export("contrib.learn.monitors.BaseMonitor")
class BaseMonitor(SessionRunHook):
    """Is told of the steps of a training; override what is of interest."""

    def __init__(self) -> None:
        self._estimator: Any = None
        self._fetched: list[Any] = []

    def set_estimator(self, estimator: Any) -> None:
        """Notes which model is trained."""
        self._estimator = estimator

    def epoch_begin(self, epoch: int) -> None:
        """Is kept for programs that call it."""

    def epoch_end(self, epoch: int) -> None:
        """Is kept for programs that call it."""

    def begin(self, max_steps: Any = None) -> None:
        """Is called before the session is made."""
        self._global_step_tensor = step_tensor_for(self)

    def step_begin(self, step: int) -> list[Any]:
        """Returns what to fetch in the step: tensors or their names."""
        return []

    def step_end(self, step: int, output: dict[str, Any]) -> bool:
        """Is told what was fetched, by name; a true result ends the training."""
        return False

    def post_step(self, step: int, session: Any) -> None:
        """Is called after the step."""

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Asks `step_begin` what to fetch."""
        self._step = int(run_context.session.run(self._global_step_tensor)) + 1
        graph = get_default_graph()
        self._fetched = [graph.as_graph_element(item) for item in self.step_begin(self._step) or []]
        return SessionRunArgs(self._fetched or None)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Tells `step_end` what was fetched."""
        values = run_values.results or []
        output = {item.name: value for item, value in zip(self._fetched, values)}
        if self.step_end(self._step, output):
            run_context.request_stop()
        self.post_step(self._step, run_context.session)


@export("contrib.learn.monitors.EveryN")
class EveryN(BaseMonitor):
    """Is told of every n-th step; override `every_n_step_begin` and `every_n_step_end`.

    Args:
      every_n_steps: n.
      first_n_steps: of the first so many steps it is told in any case.
    """

    def __init__(self, every_n_steps: int = 100, first_n_steps: int = 1) -> None:
        super().__init__()
        self._every_n_steps, self._first_n_steps = every_n_steps, first_n_steps
        self._last: int | None = None
        self._first: int | None = None
        self._active = False

    def every_n_step_begin(self, step: int) -> list[Any]:
        """Returns what to fetch in such a step."""
        return []

    def every_n_step_end(self, step: int, outputs: dict[str, Any]) -> bool:
        """Is told what was fetched, by name; a true result ends the training."""
        return False

    def every_n_post_step(self, step: int, session: Any) -> None:
        """Is called after such a step."""

    def step_begin(self, step: int) -> list[Any]:
        """Asks `every_n_step_begin`, if it is the time."""
        if self._first is None:
            self._first = step
        is_early = step - self._first < self._first_n_steps
        self._active = is_early or self._last is None or step >= self._last + self._every_n_steps
        return self.every_n_step_begin(step) if self._active else []

    def step_end(self, step: int, output: dict[str, Any]) -> bool:
        """Tells `every_n_step_end`, if it is the time."""
        if not self._active:
            return False
        self._last = step
        return bool(self.every_n_step_end(step, output))

    def post_step(self, step: int, session: Any) -> None:
        """Tells `every_n_post_step`, if it is the time."""
        if self._active:
            self.every_n_post_step(step, session)


@export("contrib.learn.monitors.PrintTensor")
class PrintTensor(EveryN):
    """Logs tensors every n-th step.

    Args:
      tensor_names: names, or names to show by tensor names in a dict.
      every_n: n.
      first_n: the first so many steps are logged in any case.
    """

    def __init__(self, tensor_names: Any, every_n: int = 100, first_n: int = 1) -> None:
        super().__init__(every_n, first_n)
        names = tensor_names if isinstance(tensor_names, dict) else {n: n for n in tensor_names}
        self._names = {tag: n if ":" in n else f"{n}:0" for tag, n in names.items()}

    def every_n_step_begin(self, step: int) -> list[Any]:
        """Fetches the tensors."""
        return list(self._names.values())

    def every_n_step_end(self, step: int, outputs: dict[str, Any]) -> bool:
        """Logs them."""
        shown = [f"{tag} = {outputs[n]!s}" for tag, n in self._names.items() if n in outputs]
        logging.info("Step %d: %s", step, ", ".join(shown))
        return False


@export("contrib.learn.monitors.CaptureVariable")
class CaptureVariable(EveryN):
    """Keeps the values of a variable every n-th step.

    Args:
      var_name: name of its tensor.
      every_n: n.
      first_n: the first so many steps are kept in any case.
    """

    def __init__(self, var_name: str, every_n: int = 100, first_n: int = 1) -> None:
        super().__init__(every_n, first_n)
        self._name = var_name if ":" in var_name else f"{var_name}:0"
        self._values: dict[int, Any] = {}

    @property
    def values(self) -> dict[int, Any]:
        """The values by step."""
        return self._values

    def every_n_step_begin(self, step: int) -> list[Any]:
        """Fetches the variable."""
        return [self._name]

    def every_n_step_end(self, step: int, outputs: dict[str, Any]) -> bool:
        """Keeps its value."""
        self._values[step] = outputs[self._name]
        return False


@export("contrib.learn.monitors.ValidationMonitor")
class ValidationMonitor(EveryN):
    """Evaluates the model while it trains, and ends the training when it gets no better.

    An evaluation looks at the latest checkpoint; the `RunConfig` says how often there is one.

    Args:
      x: features.
      y: labels.
      input_fn: a function that returns both, instead.
      batch_size: rows per batch of `x`.
      eval_steps: how many batches to look at.
      every_n_steps: steps between two evaluations.
      metrics: further metrics, as for `BaseEstimator.evaluate`.
      hooks: hooks of the evaluations.
      early_stopping_rounds: steps without improvement that end the training; None for none.
      early_stopping_metric: name of the metric that counts.
      early_stopping_metric_minimize: whether small is good.
      name: of the evaluations.
      check_interval_secs: accepted; a checkpoint is looked for at every evaluation.

    Raises:
      ValueError: if there are neither arrays nor `input_fn`.
    """

    def __init__(
        self,
        x: Any = None,
        y: Any = None,
        input_fn: Any = None,
        batch_size: int | None = None,
        eval_steps: int | None = None,
        every_n_steps: int = 100,
        metrics: Any = None,
        hooks: Any = None,
        early_stopping_rounds: int | None = None,
        early_stopping_metric: str = "loss",
        early_stopping_metric_minimize: bool = True,
        name: str | None = None,
        check_interval_secs: float = 5,
    ) -> None:
        super().__init__(every_n_steps, first_n_steps=-1)
        if x is None and input_fn is None:
            raise ValueError("Either x or input_fn should be provided.")
        self._data = {
            "x": x, "y": y, "input_fn": input_fn, "batch_size": batch_size, "steps": eval_steps,
            "metrics": metrics, "hooks": hooks, "name": name,
        }  # fmt: skip
        self._rounds, self._metric = early_stopping_rounds, early_stopping_metric
        self._minimize = early_stopping_metric_minimize
        self._best_value: Any = None
        self._best_value_step: int | None = None
        self._best_metrics: Any = None
        self._early_stopped = False
        self._latest_path: str | None = None

    @property
    def early_stopped(self) -> bool:
        """Whether it has ended the training."""
        return self._early_stopped

    @property
    def best_step(self) -> int | None:
        """The step of the best evaluation."""
        return self._best_value_step

    @property
    def best_value(self) -> Any:
        """The metric's value in the best evaluation."""
        return self._best_value

    @property
    def best_metrics(self) -> Any:
        """All metrics of the best evaluation."""
        return self._best_metrics

    def every_n_step_end(self, step: int, outputs: dict[str, Any]) -> bool:
        """Evaluates, if there is a new checkpoint."""
        path = self._estimator._estimator.latest_checkpoint()
        if path is None or path == self._latest_path:
            return False
        self._latest_path = path
        found = self._estimator.evaluate(checkpoint_path=path, **self._data)
        logging.info("Validation (step %d): %s", step,
                     ", ".join(f"{k} = {v!s}" for k, v in found.items()))  # fmt: skip
        if self._rounds is None:
            return False
        return self._judge(found, step)

    def _judge(self, found: dict[str, Any], step: int) -> bool:
        if self._metric not in found:
            raise ValueError(f"Metric {self._metric} missing from outputs {sorted(found)}.")
        value = found[self._metric]
        best = self._best_value
        if best is None or (value < best if self._minimize else value > best):
            self._best_value, self._best_value_step, self._best_metrics = value, step, found
        self._early_stopped = step - (self._best_value_step or 0) >= self._rounds
        if self._early_stopped:
            logging.info("Stopping. Best step: %s with %s = %s.", self._best_value_step,
                         self._metric, self._best_value)  # fmt: skip
        return self._early_stopped


@export("contrib.learn.monitors.StepCounter")
class StepCounter(StepCounterHook):
    """Measures steps per second; arguments as for `tf.train.StepCounterHook`."""

    def __init__(
        self, every_n_steps: int = 100, output_dir: Any = None, summary_writer: Any = None
    ) -> None:
        super().__init__(every_n_steps, output_dir=output_dir, summary_writer=summary_writer)


@export("contrib.learn.monitors.SummarySaver")
class SummarySaver(SummarySaverHook):
    """Writes summaries; arguments as for `tf.train.SummarySaverHook`, in another order."""

    def __init__(
        self,
        summary_op: Any,
        save_steps: int = 100,
        output_dir: Any = None,
        summary_writer: Any = None,
        scaffold: Any = None,
    ) -> None:
        super().__init__(
            save_steps, output_dir=output_dir, summary_writer=summary_writer, scaffold=scaffold,
            summary_op=summary_op,
        )  # fmt: skip


@export("contrib.learn.monitors.NanLoss")
class NanLoss(NanTensorHook):
    """Ends a training whose loss is NaN; looks at every step, whatever `every_n_steps` says."""

    def __init__(
        self, loss_tensor: Any, every_n_steps: int = 100, fail_on_nan_loss: bool = True
    ) -> None:
        del every_n_steps
        super().__init__(loss_tensor, fail_on_nan_loss)


for _name, _kind in (("CheckpointSaver", CheckpointSaverHook), ("StopAtStep", StopAtStepHook)):
    export(f"contrib.learn.monitors.{_name}", module=_kind.__module__)(_kind)


@export("contrib.learn.monitors.replace_monitors_with_hooks")
def as_hooks(monitors_or_hooks: Any, estimator: Any) -> list[SessionRunHook]:
    """Returns monitors as hooks that know their model.

    Args:
      monitors_or_hooks: monitors and hooks, or one.
      estimator: the model.

    Raises:
      TypeError: if something is neither.
    """
    given = monitors_or_hooks or []
    found = list(given) if isinstance(given, (list, tuple)) else [given]
    for monitor in found:
        if not isinstance(monitor, SessionRunHook):
            raise TypeError(f"monitors must be monitors or hooks, not {monitor!r}")
        if isinstance(monitor, BaseMonitor):
            monitor.set_estimator(estimator)
    return found
