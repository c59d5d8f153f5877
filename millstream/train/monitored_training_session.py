"""`tf.train.MonitoredTrainingSession`: a monitored session with the usual hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base.export import export
from millstream.train.hooks.checkpoints import CheckpointSaverHook
from millstream.train.hooks.step_counter import StepCounterHook
from millstream.train.hooks.summaries import SummarySaverHook
from millstream.train.monitored_session import MonitoredSession
from millstream.train.scaffold import Scaffold
from millstream.train.session_creators import ChiefSessionCreator, WorkerSessionCreator
from millstream.train.session_run_hook import SessionRunHook

USE_DEFAULT = object()


@export("train.MonitoredTrainingSession")
def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: Any = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: Any = None,
) -> MonitoredSession:
    """Makes a `MonitoredSession` that saves checkpoints and summaries and counts steps.

    Args:
      master: the session's target.
      is_chief: whether it initialises the model and saves; else it waits for the one that does.
      checkpoint_dir: directory of the checkpoints; the latest one there is restored.
      scaffold: a `Scaffold`.
      hooks: `SessionRunHook`s.
      chief_only_hooks: hooks that only the chief has.
      save_checkpoint_secs: seconds between two checkpoints, by default 600; None for none.
      save_summaries_steps: steps between two summaries, by default 100; None for none.
      save_summaries_secs: seconds between two summaries instead.
      config: a `ConfigProto`.
      stop_grace_period_secs: how long threads may take to end, in seconds.
      log_step_count_steps: steps between two lines on the number of steps per second.
      max_wait_secs: how long to wait for the chief, in seconds.
      save_checkpoint_steps: steps between two checkpoints instead.
      summary_dir: directory of the summaries; default: `checkpoint_dir`.

    Returns:
      The session.

    Example:
      >>> with tf.train.MonitoredTrainingSession(checkpoint_dir="/tmp/model") as session:
      ...     while not session.should_stop():
      ...         session.run(train_op)
    """
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(
            scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs
        )
        return MonitoredSession(worker, list(hooks or []), stop_grace_period_secs)
    all_hooks = list(chief_only_hooks or [])
    chief = ChiefSessionCreator(
        scaffold=scaffold, checkpoint_dir=checkpoint_dir, master=master, config=config
    )
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(StepCounterHook(log_step_count_steps, output_dir=summary_dir))
        steps, secs = _intervals(save_summaries_steps, save_summaries_secs, (100, None))
        if (steps and steps > 0) or (secs and secs > 0):
            all_hooks.append(
                SummarySaverHook(steps, secs, output_dir=summary_dir, scaffold=scaffold)
            )
    if checkpoint_dir:
        steps, secs = _intervals(save_checkpoint_steps, save_checkpoint_secs, (None, 600))
        if (secs and secs > 0) or (steps and steps > 0):
            all_hooks.append(CheckpointSaverHook(checkpoint_dir, secs, steps, scaffold=scaffold))
    all_hooks.extend(hooks or [])
    return MonitoredSession(chief, all_hooks, stop_grace_period_secs)


def _intervals(steps: Any, secs: Any, default: tuple[Any, Any]) -> tuple[Any, Any]:
    """Returns steps and seconds; the default only where the program says nothing of either."""
    if steps is USE_DEFAULT and secs is USE_DEFAULT:
        return default
    return None if steps is USE_DEFAULT else steps, None if secs is USE_DEFAULT else secs
