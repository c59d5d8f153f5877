"""`tf.train.CheckpointSaverHook`: saves checkpoints while training goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.files import path_of
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.summary.writer import FileWriterCache
from millstream.train.graph_files import write_graph
from millstream.train.hooks.timers import SecondOrStepTimer, step_tensor_for
from millstream.train.meta_graph import export_meta_graph
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.CheckpointSaverListener", "estimator.CheckpointSaverListener")
class CheckpointSaverListener:
    """Is told about the saves of a `CheckpointSaverHook`; override what is of interest."""

    def begin(self) -> None:
        """Is called before the session is made."""

    def before_save(self, session: Any, global_step_value: Any) -> None:
        """Is called before a checkpoint is saved."""

    def after_save(self, session: Any, global_step_value: Any) -> Any:
        """Is called after a checkpoint was saved; a true result ends the training."""

    def end(self, session: Any, global_step_value: Any) -> None:
        """Is called when the training ends, after the last save."""


@export("train.CheckpointSaverHook", "estimator.CheckpointSaverHook")
class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint at the start, once in so many seconds or steps, and at the end.

    A training that is interrupted (Ctrl-C) is saved too, so that it resumes at that step.

    Args:
      checkpoint_dir: directory of the checkpoints.
      save_secs: seconds between two checkpoints.
      save_steps: steps between two checkpoints.
      saver: the `Saver`.
      checkpoint_basename: file name of the checkpoints, before the step.
      scaffold: a `Scaffold` whose saver to use.
      listeners: `CheckpointSaverListener`s to tell about saves.

    Raises:
      ValueError: if saver and scaffold are given, or not exactly one of seconds and steps.
    """

    def __init__(
        self,
        checkpoint_dir: Any,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
    ) -> None:
        logging.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver = saver
        self._checkpoint_dir = path_of(checkpoint_dir)
        self._save_path = os.path.join(self._checkpoint_dir, checkpoint_basename)
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
        self._listeners = list(listeners or [])
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        """Opens the event file."""
        self._summary_writer = FileWriterCache.get(self._checkpoint_dir)
        self._global_step_tensor = step_tensor_for(self)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph, and a first checkpoint."""
        step = session.run(self._global_step_tensor)
        graph = get_default_graph()
        graph_def = graph.as_graph_def(add_shapes=True)
        write_graph(graph_def, self._checkpoint_dir, "graph.pbtxt")
        saver = self._get_saver()
        self._summary_writer.add_graph(graph)
        self._summary_writer.add_meta_graph(
            export_meta_graph(graph=graph, graph_def=graph_def, saver_def=saver and saver.saver_def)
        )
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Fetches the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Saves if it is time to."""
        if not self._timer.should_trigger_for_step(run_values.results + self._steps_per_run):
            return
        # What was fetched with the step may be from before it; a read after the step is exact.
        step = run_context.session.run(self._global_step_tensor)
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Saves the last state, unless it was just saved."""
        step = session.run(self._global_step_tensor)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def interrupted(self, session: Any) -> None:
        """Saves the state of a training that the user interrupts, and says so."""
        step = session.run(self._global_step_tensor)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        logging.warning(
            "Training was interrupted at step %d; its state is saved in %s. Run the program again "
            "to resume from there.", step, self._save_path,
        )  # fmt: skip

    def _save(self, session: Any, step: Any) -> bool:
        """Saves a checkpoint; returns whether a listener wants the training to end."""
        logging.info("Saving checkpoints for %d into %s.", step, self._save_path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(session, self._save_path, global_step=step)
        self._summary_writer.add_session_log(
            protos.SessionLog(status=protos.SessionLog.CHECKPOINT, checkpoint_path=self._save_path),
            step,
        )
        wants_stop = False
        for listener in self._listeners:
            if listener.after_save(session, step):
                logging.info(
                    "A CheckpointSaverListener requested that training be stopped. listener: %s",
                    listener,
                )
                wants_stop = True
        return wants_stop

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if not savers:
            raise RuntimeError(
                f"No items in collection {GraphKeys.SAVERS}. Please add a saver to the collection "
                "or provide a saver or scaffold."
            )
        if len(savers) > 1:
            raise RuntimeError(
                f"More than one item in collection {GraphKeys.SAVERS}. Please indicate which one "
                "to use by passing it to the constructor."
            )
        self._saver = savers[0]
        return self._saver
