"""Runs a model over its evaluation data once, from one checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from millstream.base import logging
from millstream.base.dtypes import Int64
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies
from millstream.ops.array.identities import identity
from millstream.state.assignments import assign_add
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.train.hooks.final import FinalOpsHook
from millstream.train.monitored_session import MonitoredSession
from millstream.train.session_creators import ChiefSessionCreator
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook

# With more steps than that, ten lines tell the progress.
_LOG_EACH_BELOW = 20


@export("contrib.training.get_or_create_eval_step")
def get_or_create_eval_step() -> Any:
    """Returns the local variable that counts the steps of an evaluation, made if need be.

    Raises:
      ValueError: if there are several.
    """
    found = get_default_graph().get_collection(GraphKeys.EVAL_STEP)
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    return get_variable(
        "eval_step", shape=[], dtype=Int64, initializer=Zeros(), trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP],
    )  # fmt: skip


@export("contrib.training.StopAfterNEvalsHook")
class StopAfterNEvalsHook(SessionRunHook):
    """Ends an evaluation after so many steps.

    Args:
      num_evals: how many; None for no end.
      log_progress: whether to log it.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        self._num_evals = num_evals
        self._evals_completed: Any = None
        self._log_progress = log_progress
        few = num_evals is None or num_evals < _LOG_EACH_BELOW
        self._log_frequency = 1 if few else math.floor(num_evals / 10.0)

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the number of steps."""
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Ends the evaluation after the last step."""
        completed = run_values.results["evals_completed"]
        if self._log_progress:
            if self._num_evals is None:
                logging.info("Evaluation [%d]", completed)
            elif completed % self._log_frequency == 0 or completed == self._num_evals:
                logging.info("Evaluation [%d/%d]", completed, self._num_evals)
        if self._num_evals is not None and completed >= self._num_evals:
            run_context.request_stop()


def counted(eval_ops: Any) -> tuple[Any, Any]:
    """Adds the counting of steps to what an evaluation runs.

    Args:
      eval_ops: nodes and tensors: one, a list or a dict; or None.

    Returns:
      All that is to be run, and the tensor of the count after it.
    """
    step = get_or_create_eval_step()
    if eval_ops is None:
        return None, None
    count = assign_add(step, 1, use_locking=True)
    if isinstance(eval_ops, dict):
        eval_ops = {**eval_ops, "update_eval_step": count}
        flat = list(eval_ops.values())
    elif isinstance(eval_ops, (tuple, list)):
        flat = eval_ops = [*eval_ops, count]
    else:
        flat = eval_ops = [eval_ops, count]
    with control_dependencies(flat):
        return eval_ops, identity(step.read_value())


@export("contrib.training.evaluate_once")
def evaluate_once(
    checkpoint_path: Any,
    master: str = "",
    scaffold: Any = None,
    eval_ops: Any = None,
    feed_dict: Any = None,
    final_ops: Any = None,
    final_ops_feed_dict: Any = None,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Any = None,
) -> Any:
    """Runs an evaluation from one checkpoint until its input or a hook ends it.

    Args:
      checkpoint_path: the checkpoint; None to initialise the variables instead.
      master: the session's target.
      scaffold: a `Scaffold`.
      eval_ops: what to run each step: one, a list or a dict.
      feed_dict: values by tensor for the steps.
      final_ops: what to fetch at the end.
      final_ops_feed_dict: values by tensor for `final_ops`.
      hooks: `SessionRunHook`s, such as `StopAfterNEvalsHook`.
      config: a `ConfigProto`.

    Returns:
      The values of `final_ops`.
    """
    hooks = list(hooks or [])
    eval_ops, count = counted(eval_ops)
    for hook in hooks:
        if isinstance(hook, StopAfterNEvalsHook):
            hook._set_evals_completed_tensor(count)
    logging.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    creator = ChiefSessionCreator(
        scaffold=scaffold, checkpoint_filename_with_path=checkpoint_path, master=master,
        config=config,
    )  # fmt: skip
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    with MonitoredSession(session_creator=creator, hooks=[*hooks, final]) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    logging.info("Finished evaluation at %s", time.strftime("%Y-%m-%d-%H:%M:%S", time.gmtime()))
    return final.final_ops_values
