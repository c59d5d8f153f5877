"""Iterators in checkpoints: a resumed input goes on where it was."""

from __future__ import annotations

import os
from typing import Any

from millstream.base.export import export
from millstream.data.iterators import GLOBAL_ITERATORS, Iterator
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.ir.default import get_default_graph
from millstream.ops.by_name import ops
from millstream.state.global_step import get_global_step
from millstream.train.hooks.timers import SecondOrStepTimer
from millstream.train.saveable import SaveableObject, SaveSpec
from millstream.train.saver import Saver
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


class _SaveableIterator(SaveableObject):
    def __init__(self, handle: Any) -> None:
        name = handle.name.partition(":")[0]
        state = ops.IteratorState(handle)
        super().__init__(handle, [SaveSpec(state, "", f"{name}-iterator_state")], name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        """Returns the operation that puts the iterator where it was."""
        return ops.SetIteratorState(self.op, restored_tensors[0])


@export("data.experimental.make_saveable_from_iterator", "contrib.data.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator: Iterator) -> SaveableObject:
    """Returns what lets a `tf.train.Saver` save where an iterator is.

    Add it to the collection `tf.GraphKeys.SAVEABLE_OBJECTS`, or give it to the saver. The iterator
    must be started before it is restored.
    """
    return _SaveableIterator(iterator._iterator_resource)


@export("data.experimental.CheckpointInputPipelineHook", "contrib.data.CheckpointInputPipelineHook")
class CheckpointInputPipelineHook(SessionRunHook):
    """Saves where the iterators of an Estimator's input are, whenever the model is saved.

    The state goes to checkpoints of its own, `input.ckpt-…`; a training that starts again goes on
    where its input was.

    Args:
      estimator: the `tf.estimator.Estimator` whose directory and intervals to use.
    """

    def __init__(self, estimator: Any) -> None:
        config = estimator.config
        self._directory = config.model_dir
        task = f"_{config.task_type}_{config.task_id}" if config.num_worker_replicas > 1 else ""
        self._basename = f"input{task}.ckpt"
        self._state_name = f"checkpoint_input{task}"
        self._timer = SecondOrStepTimer(
            every_secs=config.save_checkpoints_secs, every_steps=config.save_checkpoints_steps
        )
        self._saver: Any = None

    def begin(self) -> None:
        """Makes the saver of the iterators that the graph has."""
        iterators = get_default_graph().get_collection(GLOBAL_ITERATORS)
        if not iterators:
            raise ValueError("No iterator was found: the input function must make one")
        self._saver = Saver([_SaveableIterator(handle) for handle in iterators])
        self._step = get_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Restores the iterators, if they were saved."""
        path = latest_checkpoint(self._directory, self._state_name)
        if path is not None:
            self._saver.restore(session, path)
        else:
            self._save(session)

    def before_run(self, run_context: Any) -> Any:
        """Asks for the step."""
        return SessionRunArgs(self._step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Saves, if it is time."""
        step = run_values.results + 1
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            self._save(run_context.session)

    def end(self, session: Any) -> None:
        """Saves."""
        self._save(session)

    def _save(self, session: Any) -> None:
        path = os.path.join(self._directory, self._basename)
        step = session.run(self._step)
        self._saver.save(
            session,
            path,
            global_step=step,
            latest_filename=self._state_name,
            write_meta_graph=False,
        )
