"""How an `Estimator` evaluates."""

from __future__ import annotations

from typing import Any

from millstream.base import logging
from millstream.estimator.foreign_checkpoint import explained
from millstream.estimator.input_data import features_and_labels
from millstream.estimator.mode_keys import ModeKeys
from millstream.estimator.summaries import write_checkpoint_path, write_dict
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.metrics.means import mean
from millstream.ops.flow.groups import group
from millstream.state.global_step import get_global_step
from millstream.train.evaluation import StopAfterNEvalsHook, evaluate_once
from millstream.train.session_run_hook import SessionRunHook
from millstream.train.warm_starting import warm_start

LOSS, GLOBAL_STEP = "loss", "global_step"


def stop_hooks(steps: int | None) -> list[SessionRunHook]:
    """Returns the hooks that end an evaluation.

    Raises:
      ValueError: if the number of steps is not positive.
    """
    if steps is None:
        return []
    if steps <= 0:
        raise ValueError(f"Must specify steps > 0, given: {steps}")
    return [StopAfterNEvalsHook(num_evals=steps)]


def run(
    estimator: Any, input_fn: Any, hooks: list[SessionRunHook], checkpoint_path: Any, name: Any
) -> dict[str, Any]:
    """Builds the graph, evaluates, and writes the results as summaries."""
    if not checkpoint_path:
        checkpoint_path = latest_checkpoint(estimator.model_dir)
        if not checkpoint_path:
            logging.info(
                "Could not find trained model in model_dir: %s, running initialization to "
                "evaluate.", estimator.model_dir,
            )  # fmt: skip
    with estimator._new_graph() as (graph, _):
        data = estimator._call_input_fn(input_fn, ModeKeys.EVAL)
        features, labels, input_hooks = features_and_labels(data)
        spec = estimator._call_model_fn(features, labels, ModeKeys.EVAL, estimator.config)
        if not checkpoint_path and estimator._warm_start_settings:
            warm_start(*estimator._warm_start_settings)
        update, values = _metrics(spec, get_global_step(graph))
        with explained(estimator.model_dir, checkpoint_path):
            results = evaluate_once(
                checkpoint_path=checkpoint_path, master=estimator._config.evaluation_master,
                scaffold=spec.scaffold, eval_ops=update, final_ops=values,
                hooks=[*input_hooks, *hooks, *spec.evaluation_hooks],
                config=estimator._session_config,
            )  # fmt: skip
        step = results[GLOBAL_STEP]
        write_dict(estimator.eval_dir(name), results, step)
        if checkpoint_path:
            write_checkpoint_path(estimator.eval_dir(name), checkpoint_path, step)
    return results


def _metrics(spec: Any, step: Any) -> tuple[Any, dict[str, Any]]:
    """Returns the node that updates all metrics, and their values by name.

    Raises:
      ValueError: if a metric has a name that is taken.
    """
    metrics = dict(spec.eval_metric_ops)
    if LOSS in metrics:
        raise ValueError(
            f'Metric with name "{LOSS}" is not allowed, because Estimator already defines a '
            f"default metric with the same name."
        )
    metrics[LOSS] = mean(spec.loss)
    updates, values = [], {}
    for name, metric in sorted(metrics.items()):
        value, update = metric if isinstance(metric, tuple) else (metric.result(), metric.updates)
        values[name] = value
        updates += update if isinstance(update, list) else [update]
    if GLOBAL_STEP in values:
        raise ValueError("Metric with name `global_step` is not allowed, because Estimator already "
                         "defines a default metric with the same name.")  # fmt: skip
    values[GLOBAL_STEP] = step
    return group(*updates), values
