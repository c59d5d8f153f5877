"""Cutting files into records, each with a key that says where it was found."""

from __future__ import annotations

import importlib
import importlib.util
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from millstream.base import errors
from millstream.formats.files import files_of, os_errors, read_file
from millstream.formats.tfrecord import read_records

type Records = Iterator[tuple[bytes, bytes]]

_FRAME_BYTES = 16
_WINDOW_BITS = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}


class Source(NamedTuple):
    """How a kind of reader gets records out of a work unit.

    Attributes:
      name: the op's name without version.
      records: `(work, attrs) -> records` with their keys.
      ends_at_once: whether a work unit has one record and is done with it.
      serializable: whether the reader's state can be written.
    """

    name: str
    records: Callable[[bytes, dict[str, Any]], Records]
    ends_at_once: bool = False
    serializable: bool = False


def path_in(work: bytes) -> str:
    """Gives the path that a work unit is."""
    return work.decode("utf-8", "surrogateescape")


def tf_records(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives the records of a TFRecord file; keys have the offset in bytes."""
    offset = 0
    for record in read_records(path_in(work), attrs["compression_type"]):
        yield b"%b:%d" % (work, offset), record
        offset += len(record) + _FRAME_BYTES


def text_lines(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives the lines of a file without their ends; keys have the line's number, from 1."""
    path = path_in(work)
    with os_errors(path), files_of(path).open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if number > attrs["skip_header_lines"]:
                yield b"%b:%d" % (work, number), line.removesuffix(b"\n").replace(b"\r", b"")


def whole_file(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives the contents of a file; the key is its path."""
    del attrs
    path = path_in(work)
    with os_errors(path):
        yield work, read_file(path)


def itself(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives the work unit itself."""
    del attrs
    yield work, work


def fixed_length(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives pieces of a file of one length; keys have the piece's number, from 0."""
    path = path_in(work)
    size = attrs["record_bytes"]
    hop = attrs["hop_bytes"] or size
    if attrs.get("encoding"):
        yield from _pieces(_decoded(path, attrs["encoding"]), work, attrs, hop)
        return
    with os_errors(path), files_of(path).open(path, "rb") as file:
        end = files_of(path).stat(path).length - attrs["footer_bytes"]
        at, number = attrs["header_bytes"], 0
        file.seek(at)
        while at + size <= end:
            piece = file.read(size)
            if len(piece) < size:
                raise errors.DataLossError(None, None, f"{path} ends within a record at {at}")
            yield b"%b:%d" % (work, number), piece
            at, number = at + hop, number + 1
            if hop != size:
                file.seek(at)


def _decoded(path: str, encoding: str) -> bytes:
    try:
        return zlib.decompress(read_file(path), _WINDOW_BITS[encoding])
    except zlib.error as error:
        raise errors.DataLossError(None, None, f"{path}: inflate() failed: {error}") from None


def _pieces(data: bytes, work: bytes, attrs: dict[str, Any], hop: int) -> Records:
    size, end = attrs["record_bytes"], len(data) - attrs["footer_bytes"]
    starts = range(attrs["header_bytes"], end - size + 1, hop)
    for number, start in enumerate(starts):
        yield b"%b:%d" % (work, number), data[start : start + size]


def lmdb_items(work: bytes, attrs: dict[str, Any]) -> Records:
    """Gives the items of an LMDB database in the order of their keys."""
    del attrs
    path = path_in(work)
    if importlib.util.find_spec("lmdb") is None:
        raise errors.FailedPreconditionError(
            None, None, f"To read {path}, LMDBReader needs the package lmdb: pip install lmdb"
        )
    lmdb: Any = importlib.import_module("lmdb")
    try:
        with (
            lmdb.open(path, readonly=True, lock=False, subdir=os.path.isdir(path)) as database,
            database.begin() as transaction,
        ):
            yield from transaction.cursor()
    except lmdb.Error as error:
        kind = errors.DataLossError if os.path.exists(path) else errors.NotFoundError
        raise kind(None, None, f"{path}: {error}") from None


SOURCES = (
    Source("TFRecordReader", tf_records),
    Source("TextLineReader", text_lines),
    Source("WholeFileReader", whole_file, ends_at_once=True, serializable=True),
    Source("FixedLengthRecordReader", fixed_length),
    Source("LMDBReader", lmdb_items),
    Source("IdentityReader", itself, ends_at_once=True, serializable=True),
)
