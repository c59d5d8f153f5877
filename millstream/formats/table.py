"""Sorted string tables: files of keys in order with their values, as LevelDB writes them.

A table is blocks, an index block, and a footer that finds it. A block is entries whose keys share
prefixes with the key before, restart points at which they do not, and a trailer of one type byte
(0 plain, 1 snappy) and a checksum. Checkpoints of format 1, and the index of format 2, are tables.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator
from typing import IO

import cramjam

from millstream.base import errors
from millstream.formats.coding import get_varint, put_varint
from millstream.formats.crc import crc32c, mask, masked_crc32c
from millstream.formats.files import RandomAccessFile

_MAGIC = 0xDB4775248B80FB57
_FOOTER_SIZE = 48
_TRAILER_SIZE = 5
_BLOCK_SIZE = 256 << 10
_RESTART_INTERVAL = 16
_SNAPPY = 1
# Snappy's densest element makes 64 bytes from 3: a larger claim is damage.
_SNAPPY_MAX_RATIO = 22
# What the keys of a block may repeat of each other: names are short, but a claim need not be.
_MAX_KEY_BYTES = 64 << 20


class _BlockBuilder:
    def __init__(self, restart_interval: int):
        self._interval = restart_interval
        self.clear()

    def clear(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._restarts = [0]
        self._since_restart = 0
        self.last_key = b""

    @property
    def empty(self) -> bool:
        return not self._parts

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart < self._interval:
            shared = _shared_prefix(self.last_key, key)
        else:
            self._restarts.append(self.size)
            self._since_restart = 0
        head = put_varint(shared) + put_varint(len(key) - shared) + put_varint(len(value))
        self._parts += (head + key[shared:], value)
        self.size += len(head) + len(key) - shared + len(value)
        self._since_restart += 1
        self.last_key = key

    def estimated_size(self) -> int:
        return self.size + 4 * (len(self._restarts) + 1)

    def finish(self) -> bytes:
        count = len(self._restarts)
        return b"".join([*self._parts, struct.pack(f"<{count + 1}I", *self._restarts, count)])


def _shared_prefix(a: bytes, b: bytes) -> int:
    size = min(len(a), len(b))
    if a[:size] == b[:size]:
        return size
    return next(i for i in range(size) if a[i] != b[i])


def _separator(low: bytes, high: bytes) -> bytes:
    """Gives a short key k with low <= k < high."""
    at = _shared_prefix(low, high)
    if at < min(len(low), len(high)) and low[at] < 0xFF and low[at] + 1 < high[at]:
        return low[:at] + bytes([low[at] + 1])
    return low


def _successor(key: bytes) -> bytes:
    """Gives a short key that is not smaller."""
    for at, byte in enumerate(key):
        if byte != 0xFF:
            return key[:at] + bytes([byte + 1])
    return key


class TableWriter:
    """Writes a table to an open file, key by key in ascending order.

    Args:
        file: binary file at its start; the caller closes it.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._offset = 0
        self._block = _BlockBuilder(_RESTART_INTERVAL)
        self._index = _BlockBuilder(1)
        self._pending: tuple[bytes, bytes] | None = None  # last key and handle of the last block
        self._last_key: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Adds an entry.

        Raises:
            InvalidArgumentError: if the key does not follow the last one.
        """
        if self._last_key is not None and key <= self._last_key:
            raise errors.InvalidArgumentError(
                None, None, f"table keys must ascend: {key!r} after {self._last_key!r}"
            )
        if self._pending is not None:
            last, handle = self._pending
            self._index.add(_separator(last, key), handle)
            self._pending = None
        self._block.add(key, value)
        self._last_key = key
        if self._block.estimated_size() >= _BLOCK_SIZE:
            self._flush()

    def finish(self) -> None:
        """Writes what is pending, the index and the footer."""
        self._flush()
        meta = self._write_block(_BlockBuilder(_RESTART_INTERVAL).finish())
        if self._pending is not None:
            last, handle = self._pending
            self._index.add(_successor(last), handle)
        index = self._write_block(self._index.finish())
        handles = (meta + index).ljust(_FOOTER_SIZE - 8, b"\0")
        self._file.write(handles + struct.pack("<Q", _MAGIC))

    def _flush(self) -> None:
        if not self._block.empty:
            last = self._block.last_key
            self._pending = last, self._write_block(self._block.finish())
            self._block.clear()

    def _write_block(self, data: bytes) -> bytes:
        """Writes a block with its trailer, and gives its handle."""
        checksum = mask(crc32c(b"\0", crc32c(data)))
        self._file.write(data)
        self._file.write(b"\0" + struct.pack("<I", checksum))
        handle = put_varint(self._offset) + put_varint(len(data))
        self._offset += len(data) + _TRAILER_SIZE
        return handle


class Table:
    """Reads a table; every length and checksum is checked before it is used.

    Raises:
        DataLossError: if the file is no table, or damaged.
        NotFoundError: if there is no such file.
    """

    def __init__(self, path: str):
        self.path = path
        self._file = RandomAccessFile(path)
        try:
            self._index = self._read_index()
        except BaseException:
            self._file.close()
            raise
        self._last_keys = [key for key, _ in self._index]
        self._cached: tuple[int, list[tuple[bytes, bytes]]] | None = None

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Gives keys and values in order."""
        for number in range(len(self._index)):
            yield from self._entries(number)

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key, or None."""
        number = bisect_left(self._last_keys, key)
        if number == len(self._index):
            return None
        entries = self._entries(number)
        at = bisect_left(entries, (key, b""))
        return entries[at][1] if at < len(entries) and entries[at][0] == key else None

    def _damaged(self, what: str) -> errors.DataLossError:
        return errors.DataLossError(
            None,
            None,
            f"Unable to open table file {self.path}: {what}: perhaps your file is in a different "
            "file format and you need to use a different restore operator?",
        )

    def _read_index(self) -> list[tuple[bytes, tuple[int, int]]]:
        if self._file.size < _FOOTER_SIZE:
            raise self._damaged("file is too short to be an sstable")
        footer = self._file.read(self._file.size - _FOOTER_SIZE, _FOOTER_SIZE)
        if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
            raise self._damaged("not an sstable (bad magic number)")
        _, at = self._handle(footer, 0)
        handle, _ = self._handle(footer, at)
        return [(key, self._handle(value, 0)[0]) for key, value in self._parse(handle)]

    def _handle(self, data: bytes, at: int) -> tuple[tuple[int, int], int]:
        offset, at = get_varint(data, at)
        size, at = get_varint(data, at)
        if offset + size + _TRAILER_SIZE > self._file.size:
            raise self._damaged("a block lies outside of the file")
        return (offset, size), at

    def _entries(self, number: int) -> list[tuple[bytes, bytes]]:
        cached = self._cached
        if cached is None or cached[0] != number:
            cached = number, self._parse(self._index[number][1])
            self._cached = cached
        return cached[1]

    def _parse(self, handle: tuple[int, int]) -> list[tuple[bytes, bytes]]:
        data = self._read_block(*handle)
        if len(data) < 4:
            raise self._damaged("a block is too short")
        (restarts,) = struct.unpack_from("<I", data, len(data) - 4)
        end = len(data) - 4 * (restarts + 1)
        if end < 0:
            raise self._damaged("a block has more restart points than bytes")
        entries: list[tuple[bytes, bytes]] = []
        key, at = b"", 0
        room = _MAX_KEY_BYTES
        while at < end:
            shared, at = get_varint(data, at, end)
            unshared, at = get_varint(data, at, end)
            size, at = get_varint(data, at, end)
            value_at = at + unshared
            if shared > len(key) or value_at + size > end:
                raise self._damaged("an entry reaches beyond its block")
            key = key[:shared] + data[at:value_at]
            room -= shared
            if room < 0:
                raise self._damaged("the keys of a block share too much")
            at = value_at + size
            entries.append((key, data[value_at:at]))
        return entries

    def _read_block(self, offset: int, size: int) -> bytes:
        raw = self._file.read(offset, size + _TRAILER_SIZE)
        data, kind, (checksum,) = raw[:size], raw[size], struct.unpack("<I", raw[size + 1 :])
        if masked_crc32c(raw[: size + 1]) != checksum:
            raise self._damaged("block checksum mismatch")
        if kind == 0:
            return data
        if kind != _SNAPPY:
            raise self._damaged(f"block of unknown type {kind}")
        claimed, _ = get_varint(data, 0)
        if claimed > _SNAPPY_MAX_RATIO * size:
            raise self._damaged("a compressed block claims an impossible size")
        try:
            return bytes(cramjam.snappy.decompress_raw(data))
        except cramjam.DecompressionError as error:
            raise self._damaged(f"a compressed block cannot be expanded ({error})") from None
