"""How an `Estimator` trains."""

from __future__ import annotations

from typing import Any

from millstream.base import errors, logging
from millstream.estimator.foreign_checkpoint import explained
from millstream.estimator.input_data import features_and_labels
from millstream.estimator.mode_keys import ModeKeys
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.state.global_step import get_global_step
from millstream.summary.functions import scalar
from millstream.train.checkpoint_utils import load_variable
from millstream.train.global_step_read import get_or_create_global_step_read
from millstream.train.hooks.checkpoints import CheckpointSaverHook
from millstream.train.hooks.logging_tensor import LoggingTensorHook
from millstream.train.hooks.stopping import NanTensorHook, StopAtStepHook
from millstream.train.monitored_training_session import MonitoredTrainingSession
from millstream.train.saver import Saver
from millstream.train.session_run_hook import SessionRunHook
from millstream.train.warm_starting import warm_start


def saved_global_step(model_dir: str) -> int:
    """Returns the global step of the latest checkpoint; 0 without one."""
    try:
        return int(load_variable(model_dir, GraphKeys.GLOBAL_STEP))
    except (errors.OpError, ValueError, KeyError):
        return 0


def stop_hooks(steps: int | None, max_steps: int | None) -> list[SessionRunHook]:
    """Returns the hooks that end a training."""
    if steps is None and max_steps is None:
        return []
    return [StopAtStepHook(steps, max_steps)]


def run(estimator: Any, input_fn: Any, hooks: list[SessionRunHook], listeners: list[Any]) -> Any:
    """Builds the graph and trains.

    Returns:
      The loss of the last step, or None if there was none.
    """
    with estimator._new_graph() as (graph, _):
        get_or_create_global_step_read(graph)
        data = estimator._call_input_fn(input_fn, ModeKeys.TRAIN)
        features, labels, input_hooks = features_and_labels(data)
        spec = estimator._call_model_fn(features, labels, ModeKeys.TRAIN, estimator.config)
        step = get_global_step(graph)
        if estimator._warm_start_settings:
            logging.info("Warm-starting with WarmStartSettings: %s", estimator._warm_start_settings)
            warm_start(*estimator._warm_start_settings)
        return _train(estimator, spec, step, [*input_hooks, *hooks], listeners)


def _train(
    estimator: Any, spec: Any, step: Any, hooks: list[SessionRunHook], listeners: list[Any]
) -> Any:
    graph, config = get_default_graph(), estimator._config
    if not any(s.op.name == "loss" for s in graph.get_collection(GraphKeys.SUMMARIES)):
        scalar("loss", spec.loss)
    graph.add_to_collection(GraphKeys.LOSSES, spec.loss)
    hooks = [*hooks, NanTensorHook(spec.loss)]
    if config.log_step_count_steps is not None:
        shown = {"loss": spec.loss, "step": step}
        hooks.append(LoggingTensorHook(shown, every_n_iter=config.log_step_count_steps))
    hooks.extend(spec.training_hooks)
    if not (spec.scaffold.saver or graph.get_collection(GraphKeys.SAVERS)):
        saver = Saver(
            sharded=True, max_to_keep=config.keep_checkpoint_max,
            keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
            defer_build=True, save_relative_paths=True,
        )  # fmt: skip
        graph.add_to_collection(GraphKeys.SAVERS, saver)
    chief_hooks = [*_saver_hooks(config, spec, hooks, listeners), *spec.training_chief_hooks]
    with explained(estimator.model_dir):
        session = MonitoredTrainingSession(
            master=config.master, is_chief=config.is_chief, checkpoint_dir=estimator.model_dir,
            scaffold=spec.scaffold, hooks=hooks, chief_only_hooks=chief_hooks,
            save_checkpoint_secs=0, save_summaries_steps=config.save_summary_steps,
            config=estimator._session_config, max_wait_secs=config.session_creation_timeout_secs,
            log_step_count_steps=config.log_step_count_steps,
        )  # fmt: skip
    loss, made_steps = None, False
    wanted = [spec.train_op, spec.loss]
    with session:
        while not session.should_stop():
            _, loss = session.run(wanted)
            made_steps = True
    if not made_steps:
        logging.warning(
            "Training with estimator made no steps. Perhaps input is empty or misspecified."
        )
    return loss


def _saver_hooks(
    config: Any, spec: Any, hooks: list[SessionRunHook], listeners: list[Any]
) -> list[SessionRunHook]:
    """Returns a hook that saves, unless there is one, and tells the listeners' hook of them.

    Raises:
      ValueError: if there are listeners, but nothing saves.
    """
    every = [*hooks, *spec.training_chief_hooks]
    savers = [hook for hook in every if isinstance(hook, CheckpointSaverHook)]
    made: list[SessionRunHook] = []
    if not savers and (config.save_checkpoints_secs or config.save_checkpoints_steps):
        savers = [
            CheckpointSaverHook(
                config.model_dir, config.save_checkpoints_secs, config.save_checkpoints_steps,
                scaffold=spec.scaffold,
            )
        ]  # fmt: skip
        made = list(savers)
    if listeners:
        if not savers:
            raise ValueError(
                "There should be a CheckpointSaverHook to use saving_listeners. Please set one of "
                "the RunConfig.save_checkpoints_steps or RunConfig.save_checkpoints_secs."
            )
        for listener in listeners:
            if listener not in savers[0]._listeners:
                savers[0]._listeners.append(listener)
    return made
