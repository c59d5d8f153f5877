"""Clears away what sharded saves that did not live to their end left behind."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from millstream.base import errors, logging
from millstream.formats.files import files_of, os_errors, parent_of

_PARTS = r"_temp_[0-9a-f]{32}"

_lock = threading.Lock()
_being_saved: list[str] = []


@contextmanager
def cleared(save_path: str, target: str) -> Iterator[None]:
    """Is a context for a sharded save: it removes parts of earlier ones, and its own if it fails.

    Parts that another thread of this process is writing stay.

    Args:
      save_path: path of the checkpoints, without number.
      target: path of the one that is being saved.
    """
    with _lock:
        _being_saved.append(target)
    try:
        _remove_parts(save_path, but_for=target)
        yield
    except BaseException:
        with _lock:
            _being_saved.remove(target)
        _remove_parts(save_path)
        raise
    with _lock:
        _being_saved.remove(target)


def _remove_parts(save_path: str, but_for: str | None = None) -> None:
    """Removes the directories in which shards wait to be made one checkpoint."""
    directory = parent_of(save_path)
    base = save_path[len(directory) :].lstrip("/")
    pattern = re.compile(rf"({re.escape(base)}(-\d+)?){_PARTS}")
    files = files_of(save_path)
    try:
        with os_errors(save_path):
            found = files.listdir(directory or ".") if files.isdir(directory or ".") else []
        for name in found:
            match = pattern.fullmatch(name)
            prefix = save_path[: len(save_path) - len(base)]
            if match and not _in_use(prefix + match[1], but_for):
                with os_errors(prefix + name):
                    files.rmtree(prefix + name)
    except errors.OpError as error:
        logging.warning("Parts of an earlier checkpoint stay: %s", error.message)


def _in_use(target: str, but_for: str | None) -> bool:
    with _lock:
        return target in _being_saved and target != but_for
