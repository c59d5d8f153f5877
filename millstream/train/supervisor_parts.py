"""What a `Supervisor` consists of, for programs to look at."""

from __future__ import annotations

from typing import Any

from millstream.train.coordinator import Coordinator
from millstream.train.session_manager import SessionManager


class SupervisorParts:
    """The properties of a `Supervisor`."""

    _is_chief: bool
    _coord: Coordinator
    _session_manager: SessionManager
    _init_op: Any
    _init_feed_dict: Any
    _ready_op: Any
    _ready_for_local_init_op: Any
    _summary_writer: Any
    _summary_op: Any
    _save_summaries_secs: Any
    _global_step: Any
    _saver: Any
    _save_model_secs: Any
    _save_path: Any

    @property
    def is_chief(self) -> bool:
        """Whether it initialises the model and saves."""
        return self._is_chief

    @property
    def session_manager(self) -> SessionManager:
        """The `SessionManager` that makes its sessions."""
        return self._session_manager

    @property
    def coord(self) -> Coordinator:
        """The `Coordinator` of its threads."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """The node that initialises the model."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """Values by tensor for `init_op`."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """A string vector of what is not initialised."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """A string vector, empty when `local_init_op` can run; or None."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        """The `FileWriter`, or None."""
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        """The merged summaries, or None."""
        return self._summary_op

    @property
    def save_summaries_secs(self) -> Any:
        """Seconds between two summaries."""
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        """The global step, or None."""
        return self._global_step

    @property
    def saver(self) -> Any:
        """The `Saver`, or None."""
        return self._saver

    @property
    def save_model_secs(self) -> Any:
        """Seconds between two checkpoints."""
        return self._save_model_secs

    @property
    def save_path(self) -> Any:
        """The path of the checkpoints, without step; or None."""
        return self._save_path
