"""`tf.estimator.experimental.InMemoryEvaluatorHook`: evaluates without checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from millstream.base.export import export
from millstream.estimator import evaluating
from millstream.estimator.estimator import Estimator
from millstream.estimator.input_data import features_and_labels
from millstream.estimator.mode_keys import ModeKeys
from millstream.estimator.summaries import write_dict
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.state.global_step import get_global_step
from millstream.train.evaluation import StopAfterNEvalsHook, counted
from millstream.train.hooks.final import FinalOpsHook
from millstream.train.hooks.timers import SecondOrStepTimer
from millstream.train.monitored_session import MonitoredSession
from millstream.train.scaffold import Scaffold
from millstream.train.session_creators import ChiefSessionCreator
from millstream.train.session_run_hook import SessionRunHook


@export("estimator.experimental.InMemoryEvaluatorHook")
class InMemoryEvaluatorHook(SessionRunHook):
    """Evaluates at the beginning, every n-th step and at the end, from the values in memory.

    The evaluation's graph is built once.

    Args:
      estimator: the estimator that is trained.
      input_fn: a function that returns features and labels to evaluate with.
      steps: how many batches to look at; None until the input ends.
      hooks: hooks of the evaluation.
      name: of the evaluation.
      every_n_iter: n.

    Raises:
      ValueError: if `every_n_iter` is not positive, or others train along.
    """

    def __init__(
        self,
        estimator: Estimator,
        input_fn: Callable[..., Any],
        steps: int | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        name: str | None = None,
        every_n_iter: int = 100,
    ) -> None:
        if every_n_iter is None or every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if estimator.config.num_ps_replicas > 0 or estimator.config.num_worker_replicas > 1:
            raise ValueError("InMemoryEvaluator does not support distributed training.")
        self._estimator, self._input_fn, self._name = estimator, input_fn, name
        self._hooks = [*(hooks or []), *evaluating.stop_hooks(steps)]
        self._timer = SecondOrStepTimer(every_steps=every_n_iter)

    def begin(self) -> None:
        """Builds the graph of the evaluation."""
        self._timer.reset()
        self._iter_count = 0
        trained = get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES)
        self._sources = {v.op.name: v for v in trained}
        estimator = self._estimator
        with estimator._new_graph() as (graph, _):
            data = estimator._call_input_fn(self._input_fn, ModeKeys.EVAL)
            features, labels, input_hooks = features_and_labels(data)
            spec = estimator._call_model_fn(features, labels, ModeKeys.EVAL, estimator.config)
            update, self._values = evaluating._metrics(spec, get_global_step(graph))
            self._update, count = counted(update)
            self._run_hooks = [*self._hooks, *input_hooks, *spec.evaluation_hooks]
            for hook in self._run_hooks:
                if isinstance(hook, StopAfterNEvalsHook):
                    hook._set_evals_completed_tensor(count)
            self._targets = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
            self._scaffold = Scaffold(
                init_fn=lambda _, session: self._load(session), copy_from_scaffold=spec.scaffold
            )
            self._graph = graph
        self._current: dict[str, Any] = {}

    def _load(self, session: Any) -> None:
        for variable in self._targets:
            if variable.op.name in self._current:
                variable.load(self._current[variable.op.name], session)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Evaluates the initial values."""
        self._evaluate(session)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Evaluates if it is time to."""
        self._iter_count += 1
        if self._timer.should_trigger_for_step(self._iter_count):
            self._evaluate(run_context.session)

    def end(self, session: Any) -> None:
        """Evaluates the last values."""
        self._evaluate(session)

    def _evaluate(self, session: Any) -> None:
        self._timer.update_last_triggered_step(self._iter_count)
        self._current = session.run(self._sources)
        with self._graph.as_default():
            final = FinalOpsHook(self._values)
            creator = ChiefSessionCreator(self._scaffold, config=self._estimator._session_config)
            with MonitoredSession(creator, [*self._run_hooks, final]) as evaluation:
                while not evaluation.should_stop():
                    evaluation.run(self._update)
            found = final.final_ops_values
            write_dict(self._estimator.eval_dir(self._name), found, found["global_step"])
