"""What makes the session of a `MonitoredSession`, and makes it again after a failure."""

from __future__ import annotations

import abc
from typing import Any

from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.train.scaffold import Scaffold
from millstream.train.session_manager import SessionManager


@export("train.SessionCreator")
class SessionCreator(metaclass=abc.ABCMeta):
    """Makes a `tf.Session`; override `create_session`."""

    @abc.abstractmethod
    def create_session(self) -> Any:
        """Returns a session that is ready to run."""


class _WithManager(SessionCreator):
    """Makes sessions by a `SessionManager` over a scaffold's nodes."""

    _scaffold: Scaffold

    def __init__(self) -> None:
        self._session_manager: SessionManager | None = None

    def _get_session_manager(self) -> SessionManager:
        if self._session_manager is None:
            self._session_manager = SessionManager(
                local_init_op=self._scaffold.local_init_op,
                ready_op=self._scaffold.ready_op,
                ready_for_local_init_op=self._scaffold.ready_for_local_init_op,
                graph=get_default_graph(),
            )
        return self._session_manager


@export("train.ChiefSessionCreator")
class ChiefSessionCreator(_WithManager):
    """Makes a session and initialises its model, or restores it.

    Args:
      scaffold: the nodes to do it with; default: made by `Scaffold()`.
      master: the session's target.
      config: a `ConfigProto`.
      checkpoint_dir: directory whose latest checkpoint is restored, if it has one.
      checkpoint_filename_with_path: a checkpoint instead.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
    ) -> None:
        super().__init__()
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_filename_with_path = checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config

    def create_session(self) -> Any:
        """Returns a session whose model is initialised."""
        self._scaffold.finalize()
        return self._get_session_manager().prepare_session(
            self._master,
            saver=self._scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config,
            init_op=self._scaffold.init_op,
            init_feed_dict=self._scaffold.init_feed_dict,
            init_fn=self._scaffold.init_fn,
        )


@export("train.WorkerSessionCreator")
class WorkerSessionCreator(_WithManager):
    """Makes a session and waits until the chief has initialised its model.

    Args:
      scaffold: the nodes that tell whether it is; default: made by `Scaffold()`.
      master: the session's target.
      config: a `ConfigProto`.
      max_wait_secs: how long to wait, in seconds.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        super().__init__()
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """Returns a session whose model somebody has initialised."""
        self._scaffold.finalize()
        return self._get_session_manager().wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )
