"""`tf.train.SessionManager`: makes a session whose model is initialised or restored."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.formats.checkpoint_state import get_checkpoint_state
from millstream.ir.default import get_default_graph
from millstream.runtime.session import Session


@export("train.SessionManager")
class SessionManager:
    """Makes sessions that are ready to train: initialised, restored or waited for.

    Args:
      local_init_op: node to run in every new session, after init or restore.
      ready_op: string vector of what is not initialised; empty when the model is ready.
      ready_for_local_init_op: string vector; empty when `local_init_op` can run.
      graph: the graph; default: the default graph.
      recovery_wait_secs: seconds between two looks at a model that others initialise.
      local_init_run_options: `RunOptions` for `local_init_op`.

    Raises:
      ValueError: if `ready_for_local_init_op` is given without `local_init_op`.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Any = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
    ) -> None:
        self._graph = get_default_graph() if graph is None else graph
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options = local_init_run_options
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                "If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                f"ready_for_local_init_op [{ready_for_local_init_op}]"
            )

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Makes a session, restores the latest checkpoint or initialises the model.

        Args:
          master: the session's target.
          init_op: node that initialises the model if there is no checkpoint.
          saver: restores the checkpoint.
          checkpoint_dir: directory of checkpoints.
          checkpoint_filename_with_path: a checkpoint instead.
          wait_for_checkpoint: whether to wait for one to appear.
          max_wait_secs: how long, in seconds.
          config: a `ConfigProto`.
          init_feed_dict: values by tensor for `init_op`.
          init_fn: a function of the session, called after `init_op`.

        Returns:
          A `Session` that is ready.

        Raises:
          RuntimeError: if the model is not ready after that.
          ValueError: if both `checkpoint_dir` and `checkpoint_filename_with_path` are given.
        """
        sess, is_loaded = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path,
            wait_for_checkpoint, max_wait_secs, config,
        )  # fmt: skip
        if not is_loaded:
            if init_op is None and init_fn is None and self._local_init_op is None:
                raise RuntimeError(
                    "Model is not initialized and no init_op or init_fn or local_init_op was given"
                )
            if init_op is not None:
                sess.run(init_op, feed_dict=init_feed_dict)
            if init_fn is not None:
                init_fn(sess)
        what = f"Init op: {getattr(init_op, 'name', init_op)}, init fn: {init_fn}"
        ready, message = self._try_run_local_init_op(sess)
        if not ready:
            raise RuntimeError(
                "Init operations did not make model ready for local_init.  "
                f"{what}, error: {message}"
            )
        ready, message = self._model_ready(sess)
        if not ready:
            raise RuntimeError(
                f"Init operations did not make model ready.  {what}, "
                f"local_init_op: {self._local_init_op}, error: {message}"
            )
        return sess

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Any, bool]:
        """Makes a session and restores the latest checkpoint, if there is one.

        Arguments as for `prepare_session`.

        Returns:
          A session, and whether its model is ready.
        """
        sess, is_loaded = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path,
            wait_for_checkpoint, max_wait_secs, config,
        )  # fmt: skip
        if not is_loaded:
            return sess, False
        place = checkpoint_dir or checkpoint_filename_with_path
        ready, message = self._try_run_local_init_op(sess)
        if not ready:
            logging.info(
                "Restoring model from %s did not make model ready for local init: %s",
                place, message,
            )  # fmt: skip
            return sess, False
        ready, message = self._model_ready(sess)
        if not ready:
            logging.info("Restoring model from %s did not make model ready: %s", place, message)
            return sess, False
        logging.info("Restored model from %s", place)
        return sess, True

    def wait_for_session(
        self, master: str, config: Any = None, max_wait_secs: float = float("Inf")
    ) -> Any:
        """Makes a session and waits until another one of the same target has initialised the model.

        Args:
          master: the session's target.
          config: a `ConfigProto`.
          max_wait_secs: how long to wait, in seconds.

        Raises:
          tf.errors.DeadlineExceededError: if the model is not ready by then.
        """
        if max_wait_secs is None:
            max_wait_secs = float("Inf")
        deadline = time.monotonic() + max_wait_secs
        while True:
            sess = Session(master, graph=self._graph, config=config)
            ready, message = self._try_run_local_init_op(sess)
            if ready:
                ready, message = self._model_ready(sess)
                if ready:
                    return sess
            _close_quietly(sess)
            if deadline - time.monotonic() < self._recovery_wait_secs:
                raise errors.DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs} secs."
                )
            logging.info("Waiting for model to be ready.  %s", message)
            time.sleep(self._recovery_wait_secs)

    def _restore_checkpoint(
        self,
        master: str,
        saver: Any,
        checkpoint_dir: Any,
        filename: Any,
        wait_for_checkpoint: bool,
        max_wait_secs: float,
        config: Any,
    ) -> tuple[Any, bool]:
        """Makes a session; returns it and whether a checkpoint was restored."""
        sess = Session(master, graph=self._graph, config=config)
        if checkpoint_dir and filename:
            raise ValueError(
                "Can not provide both checkpoint_dir and checkpoint_filename_with_path."
            )
        if not saver or not (checkpoint_dir or filename):
            return sess, False
        if filename:
            saver.restore(sess, filename)
            return sess, True
        state = get_checkpoint_state(checkpoint_dir)
        waited = 0.0
        while not (state and state.model_checkpoint_path):
            if not (wait_for_checkpoint and waited < max_wait_secs):
                return sess, False
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            waited += self._recovery_wait_secs
            state = get_checkpoint_state(checkpoint_dir)
        saver.restore(sess, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return sess, True

    def _model_ready(self, sess: Any) -> tuple[bool, str | None]:
        return _is_ready(self._ready_op, sess, "Model not ready")

    def _model_ready_for_local_init(self, sess: Any) -> tuple[bool, str | None]:
        return _is_ready(self._ready_for_local_init_op, sess, "Model not ready for local init")

    def _try_run_local_init_op(self, sess: Any) -> tuple[bool, str | None]:
        """Runs the local init op; returns false and a reason if it cannot be run yet."""
        if self._local_init_op is None:
            return True, None
        ready, message = self._model_ready_for_local_init(sess)
        if not ready:
            return False, message
        logging.info("Running local_init_op.")
        sess.run(self._local_init_op, options=self._local_init_run_options)
        logging.info("Done running local_init_op.")
        return True, None


def _is_ready(op: Any, sess: Any, message: str) -> tuple[bool, str | None]:
    """Returns whether a ready op finds nothing missing, and else what is."""
    if op is None:
        return True, None
    try:
        found = sess.run(op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            logging.warning("%s raised an unexpected error: %s", message, error)
            raise
        return False, str(error)
    if found is None or np.size(found) == 0:
        return True, None
    names = ", ".join(name.decode() for name in np.atleast_1d(found))
    return False, f"Variables not initialized: {names}"


def _close_quietly(sess: Any) -> None:
    """Closes a session that is given up; what goes wrong there does not matter any more."""
    try:
        sess.close()
    except Exception as error:  # noqa: BLE001
        logging.vlog(1, "Ignored while closing a session: %s", error)
