"""Event files, as TensorBoard reads them: records of `Event` messages."""

import itertools
import os
import socket
import time
from collections.abc import Iterator
from typing import IO, Any

from millstream.base import errors
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.coding import parse_message
from millstream.formats.files import files_of, op_error, os_errors, path_of
from millstream.formats.tfrecord import frame, read_records

FILE_VERSION = "brain.Event:2"


class EventsWriter:
    """Writes events to a new file; it has no thread and no lock of its own.

    A file of an earlier writer is never overwritten, not even one of the same second.

    Args:
        path_prefix: path and first part of the name: `/logs/events` makes
            `/logs/events.out.tfevents.<seconds since 1970>.<host><filename_suffix>`.
        filename_suffix: end of the name.

    Raises:
        NotFoundError: if the directory does not exist.
    """

    def __init__(self, path_prefix: Any, filename_suffix: str = ""):
        prefix = path_of(path_prefix)
        start = time.time()
        self.path, self._file = _create(prefix, int(start), filename_suffix)
        self._closed = False
        self.write_event(protos.Event(wall_time=start, file_version=FILE_VERSION))
        self.flush()

    def write_event(self, event: Any) -> None:
        """Appends an `Event`."""
        self.write_serialized(event.SerializeToString())

    def write_serialized(self, event: bytes) -> None:
        """Appends a serialised `Event`.

        Raises:
            FailedPreconditionError: if the writer is closed.
        """
        if self._closed:
            raise errors.FailedPreconditionError(
                None, None, f"The event file {self.path} is closed: nothing can be written to it"
            )
        try:
            self._file.write(frame(event))
        except OSError as error:
            raise op_error(error, self.path) from error

    def flush(self) -> None:
        """Hands what was written to the operating system, so that others can read it."""
        if not self._closed:
            with os_errors(self.path):
                self._file.flush()

    def close(self) -> None:
        """Closes the file; doing it again is no error."""
        if not self._closed:
            self._closed = True
            with os_errors(self.path):
                self._file.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()


def _create(prefix: str, seconds: int, suffix: str) -> tuple[str, IO[bytes]]:
    """Creates the first file of this name, or of a later second, that does not exist."""
    files = files_of(prefix)
    host = socket.gethostname()
    for second in itertools.count(seconds):
        path = f"{prefix}.out.tfevents.{second:010d}.{host}{suffix}"
        with os_errors(path):
            try:
                return path, files.open(path, "xb")
            except FileExistsError:
                continue
    raise AssertionError("unreachable")


def events_prefix(directory: Any) -> str:
    """Gives the prefix of the event files of a directory."""
    return os.path.join(path_of(directory), "events")


@export("train.summary_iterator")
def summary_iterator(path: Any) -> Iterator[Any]:
    """Gives the `Event` messages of an event file one by one.

    Args:
        path: the file.

    Raises:
        DataLossError: if the file is truncated or damaged.
        NotFoundError: if there is no such file.
    """
    text = path_of(path)
    for record in read_records(text):
        yield parse_message(protos.Event, record, text)
