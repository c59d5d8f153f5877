"""Datasets that read files: lines, TFRecords, records of one length, CSV, SQLite tables."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import zlib
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType, String
from millstream.formats.files import files_of, os_errors
from millstream.formats.tfrecord import read_records
from millstream.ops.data.core import UNKNOWN, Dataset, Element, Iterator, Scope, invalid

type Elements = list[Element]

_CHUNK = 1 << 18
_WINDOW_BITS = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}


class Files(Dataset):
    """What a function reads from files, one after the other.

    Args:
      paths: the files.
      read: gives the elements of a file.
    """

    def __init__(self, paths: list[str], read: Callable[[str], Any]) -> None:
        self._paths, self._read = paths, read

    @property
    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        return _FromFiles(self._paths, self._read)


class _FromFiles(Iterator):
    """Its state is the number of the file and of the element within it."""

    children = ()
    saved = ("place",)

    def __init__(self, paths: list[str], read: Callable[[str], Any]) -> None:
        self._paths, self._read = paths, read
        self._file = self._given = 0
        self._open: Any = None

    @property
    def place(self) -> list[int]:
        """Number of the file, number of elements given of it."""
        return [self._file, self._given]

    @place.setter
    def place(self, place: list[int]) -> None:
        self._file, self._given = place
        if self._file < len(self._paths):
            elements = self._read(self._paths[self._file])
            self._open = itertools.islice(elements, self._given, None)

    def take(self, count: int) -> Elements:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        found: Elements = []
        try:
            while len(found) < count and self._file < len(self._paths):
                if self._open is None:
                    self._open, self._given = self._read(self._paths[self._file]), 0
                size = len(found)
                found.extend(itertools.islice(self._open, count - size))
                self._given += len(found) - size
                if len(found) < count:
                    self._next_file()
        except Exception as error:
            # What follows in a damaged file cannot be trusted: go on with the next.
            self._next_file()
            if not found:
                raise
            self._failure = error
        return found

    def _next_file(self) -> None:
        self._open = None
        self._file += 1
        self._given = 0

    def close(self) -> None:
        close = getattr(self._open, "close", None)
        if close is not None:
            # Another thread may be inside: it finds its pipeline closed when it comes back.
            with contextlib.suppress(ValueError):
                close()


def chunks_of(path: str, compression: str) -> Generator[bytes]:
    """Gives the bytes of a file, expanded, piece by piece.

    Raises:
      NotFoundError: If there is no such file.
      DataLossError: If it is compressed and damaged.
    """
    with os_errors(path), files_of(path).open(path, "rb") as file:
        raw = iter(lambda: file.read(_CHUNK), b"")
        if not compression:
            yield from raw
            return
        stream = zlib.decompressobj(_WINDOW_BITS[compression])
        try:
            for data in raw:
                while data:
                    if stream.eof:
                        stream = zlib.decompressobj(_WINDOW_BITS[compression])
                    yield stream.decompress(data, _CHUNK)
                    data = stream.unconsumed_tail or stream.unused_data
        except zlib.error as error:
            raise errors.DataLossError(None, None, f"{path}: inflate() failed: {error}") from None
        if not stream.eof:
            raise errors.DataLossError(None, None, f"{path}: the compressed data is truncated")


def check_compression(compression: str) -> str:
    """Returns a compression type.

    Raises:
      InvalidArgumentError: If there is none of that name.
    """
    if compression not in ("", *_WINDOW_BITS):
        raise invalid(f"Unsupported compression_type: {compression}.")
    return compression


def lines(path: str, compression: str) -> Generator[Element]:
    """Gives the lines of a file, without their ends."""
    rest = b""
    for chunk in chunks_of(path, compression):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        for line in parts:
            yield (line.removesuffix(b"\r"),)
    if rest:
        yield (rest.removesuffix(b"\r"),)


def records(path: str, compression: str) -> Any:
    """Gives the records of a TFRecord file."""
    return zip(read_records(path, compression), strict=False)


def fixed_records(
    path: str, header: int, size: int, footer: int, compression: str
) -> Generator[Element]:
    """Gives the records of one length between the header and the footer of a file, in bytes."""
    if not compression:
        with os_errors(path):
            _check_body(path, files_of(path).stat(path).length, header, size, footer)
    data, at_start, total = b"", True, 0
    for chunk in chunks_of(path, compression):
        total += len(chunk)
        data += chunk
        if at_start:
            if len(data) < header:
                continue
            data, at_start = data[header:], False
        at = 0
        while len(data) - at >= size + footer:
            yield (data[at : at + size],)
            at += size
        data = data[at:]
    _check_body(path, total, header, size, footer)


def _check_body(path: str, total: int, header: int, size: int, footer: int) -> None:
    body = total - header - footer
    if body < 0 or body % size:
        raise invalid(
            f"Excluding the header ({header} bytes) and footer ({footer} bytes), input file "
            f'"{path}" has body length {body} bytes, which is not an exact multiple of the record '
            f"length ({size} bytes)."
        )


def csv_records(path: str, compression: str, header: bool) -> Generator[bytes]:
    """Gives the records of a CSV file: lines, joined where a quoted field holds a line end."""
    pending = b""
    for (line,) in _raw_lines(path, compression):
        whole = pending + line
        if whole.count(b'"') % 2:
            pending = whole
            continue
        pending = b""
        if header:
            header = False
            continue
        yield whole.removesuffix(b"\n").removesuffix(b"\r")
    if pending:
        yield pending


def _raw_lines(path: str, compression: str) -> Generator[tuple[bytes]]:
    rest = b""
    for chunk in chunks_of(path, compression):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        for line in parts:
            yield (line + b"\n",)
    if rest:
        yield (rest,)


def csv_elements(path: str, compression: str, header: bool, parser: Any, types: Any) -> Any:
    """Gives the rows of a CSV file as elements."""
    convert = [None if dtype == String else dtype.np.type for dtype in types]
    found = csv_records(path, compression, header)
    for number, record in enumerate(found):
        values = parser.parse(record, number)
        yield tuple([v if fn is None else fn(v) for v, fn in zip(values, convert, strict=True)])


class Table(Dataset):
    """The rows that a query of an SQLite database gives."""

    def __init__(self, path: str, query: str, types: tuple[DType, ...]) -> None:
        self._path, self._query, self._types = path, query, types

    def iterate(self, scope: Scope) -> Iterator:
        return _FromFiles([self._path], self._rows)

    def _rows(self, path: str) -> Generator[Element]:
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
            try:
                for row in connection.execute(self._query):
                    yield self._element(row)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise invalid(f"{path}: {error}") from None

    def _element(self, row: tuple[Any, ...]) -> Element:
        if len(row) != len(self._types):
            raise invalid(
                f"The number of columns in query ({len(row)}) must match the number of elements "
                f"in output_types ({len(self._types)})."
            )
        return tuple(map(_cell, row, self._types))


def _cell(value: Any, dtype: DType) -> Any:
    if dtype == String:
        if value is None:
            return b""
        return value if isinstance(value, bytes) else str(value).encode()
    return np.asarray(0 if value is None else value).astype(dtype.np)[()]
