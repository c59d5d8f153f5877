"""Reading keys and values of a table from the lines of a text file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from millstream.base import dtypes, errors, logging
from millstream.base.dtypes import DType
from millstream.formats.files import files_of, os_errors

LINE_NUMBER = -1
WHOLE_LINE = -2


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


class Column(NamedTuple):
    """Where in a line something stands, and what type it has."""

    index: int
    dtype: DType

    def read(self, line: bytes, fields: list[bytes], number: int) -> Any:
        """Gives the key or value in a line."""
        if self.index == LINE_NUMBER:
            return number
        text = line if self.index == WHOLE_LINE else fields[self.index]
        if self.dtype == dtypes.string:
            return text
        try:
            return int(text) if self.dtype.is_integer else float(text)
        except ValueError:
            raise _invalid(
                f"Field {text.decode(errors='replace')} in line {number} is not a valid "
                f"{self.dtype.name}."
            ) from None


def read_pairs(
    path: str, key: Column, value: Column, vocab_size: int, delimiter: str
) -> Iterator[tuple[Any, Any]]:
    """Gives the pairs of key and value in a file.

    Args:
      path: the file.
      key: where keys stand.
      value: where values stand.
      vocab_size: how many lines to read; -1 for all.
      delimiter: what stands between columns.

    Raises:
      NotFoundError: if there is no such file.
      InvalidArgumentError: if a line has too few columns or another type, or lines are missing.
    """
    needed = max(key.index, value.index)
    count = 0
    with os_errors(path), files_of(path).open(path, "rb") as file:
        for number, raw in enumerate(file):
            if number == vocab_size:
                logging.warning("Truncated %s to its first %d records.", path, vocab_size)
                return
            line = raw.removesuffix(b"\n").removesuffix(b"\r")
            fields = line.split(delimiter.encode()) if needed >= 0 else []
            if needed >= len(fields) and needed >= 0:
                raise _invalid(
                    f"Invalid number of columns in {path} line {number} "
                    f"({line.decode(errors='replace')}) : expected {needed + 1} got {len(fields)}"
                )
            yield key.read(line, fields, number), value.read(line, fields, number)
            count += 1
    if vocab_size not in (-1, count):
        raise _invalid(f"Invalid vocab_size in {path}: expected {vocab_size} but got {count}")
