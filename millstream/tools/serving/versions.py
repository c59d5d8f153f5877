"""Finds the versions of a model on disk, loads new ones and lets old ones go."""

from __future__ import annotations

import os
import threading
from typing import Any

from millstream.base import logging
from millstream.base.errors import NotFoundError, OpError
from millstream.saved_model.loader import contains_saved_model
from millstream.tools.serving.batching import Batcher
from millstream.tools.serving.model import LoadedModel


class ModelVersions:
    """The newest version of a model in a directory, kept current by a thread.

    The directory is a SavedModel, version 1, or has one in a subdirectory per version number.
    A new version serves once it is loaded; the old one goes when its last request is answered.

    Args:
      path: the directory.
      max_batch: rows to run at once, 1 for no batches.
      batch_timeout_ms: milliseconds that a request waits for others.

    Raises:
      NotFoundError: if there is no version.
    """

    def __init__(self, path: str, max_batch: int = 1, batch_timeout_ms: float = 1.0) -> None:
        self._path = path
        self._batch = (max_batch, batch_timeout_ms)
        self._lock = threading.Lock()
        self._failed: dict[int, str] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        newest = self._newest()
        if newest is None:
            raise NotFoundError(None, None, f"There is no SavedModel in {path} or in {path}/1, …")
        self._serving = _Serving(LoadedModel(self._directory(newest), newest), *self._batch)

    def watch(self, seconds: float) -> None:
        """Looks for new versions in a thread, every so many seconds."""
        self._thread = threading.Thread(target=self._watch, args=(seconds,), daemon=True)
        self._thread.start()

    def _watch(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            self.refresh()

    def refresh(self) -> None:
        """Loads the newest version, if it is new; one that cannot be loaded is reported once."""
        newest = self._newest()
        if newest is None or newest == self._serving.model.version or newest in self._failed:
            return
        try:
            model = LoadedModel(self._directory(newest), newest)
        except (OpError, OSError, RuntimeError, ValueError, KeyError) as error:
            self._failed[newest] = str(error)
            logging.error("version %d cannot be loaded: %s", newest, error)
            return
        with self._lock:
            old, self._serving = self._serving, _Serving(model, *self._batch)
        old.retire()
        logging.info("version %d serves", newest)

    def _versions(self) -> list[int]:
        if contains_saved_model(self._path):
            return [1]
        try:
            names = os.listdir(self._path)
        except OSError:
            return []
        numbers = [int(name) for name in names if name.isascii() and name.isdigit()]
        return sorted(n for n in numbers if contains_saved_model(self._directory(n)))

    def _newest(self) -> int | None:
        return max((v for v in self._versions() if v not in self._failed), default=None)

    def _directory(self, version: int) -> str:
        if contains_saved_model(self._path):
            return self._path
        return os.path.join(self._path, str(version))

    def use(self, version: int | None = None) -> _Serving:
        """Gives what serves, as a context manager that keeps it alive.

        Raises:
          NotFoundError: if another version is asked for.
        """
        with self._lock:
            serving = self._serving
            if version is not None and version != serving.model.version:
                message = f"version {version} is not served; version {serving.model.version} is"
                raise NotFoundError(None, None, message)
            serving.enter()
            return serving

    def status(self) -> list[dict[str, Any]]:
        """Lists the versions with their states, newest first."""
        rows = [_status(self._serving.model.version, "AVAILABLE", "OK", "")]
        rows += [_status(v, "END", "UNKNOWN", text) for v, text in sorted(self._failed.items())]
        return sorted(rows, key=lambda row: -int(row["version"]))

    def close(self) -> None:
        """Ends the thread and frees the model."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._serving.retire()


class _Serving:
    """A loaded version with its users counted; closed when retired and unused."""

    def __init__(self, model: LoadedModel, max_batch: int, timeout_ms: float) -> None:
        self.model = model
        self.run = Batcher(model.run, max_batch, timeout_ms) if max_batch > 1 else model.run
        self._lock = threading.Lock()
        self._users = 0
        self._retired = False

    def enter(self) -> None:
        """Counts a user."""
        with self._lock:
            self._users += 1

    def __enter__(self) -> _Serving:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            unused = self._retired and not self._users
        if unused:
            self.model.close()

    def retire(self) -> None:
        """Closes the model, at once or after its last user."""
        with self._lock:
            self._retired = True
            unused = not self._users
        if unused:
            self.model.close()


def _status(version: int, state: str, code: str, message: str) -> dict[str, Any]:
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": message},
    }
