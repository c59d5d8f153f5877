"""Reads checkpoints of format 2."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base import dtypes, errors
from millstream.base.dtypes import DType, as_dtype
from millstream.formats import protos
from millstream.formats.bundle.place import BUNDLE_VERSION, data_name, read_index
from millstream.formats.bundle.writer import lengths_crc
from millstream.formats.coding import (
    decode_name,
    encode_name,
    get_varint,
    parse_message,
    slice_key,
)
from millstream.formats.crc import crc32c, mask
from millstream.formats.files import RandomAccessFile, path_of
from millstream.formats.nearest import nearest_names
from millstream.formats.slices import Slices, assemble, check_slices, slices_from_proto


class BundleReader:
    """Reads tensors by name, checking every length, offset and checksum before use.

    Any thread may read. A context manager.

    Args:
        prefix: path of the checkpoint, without `.index`.

    Raises:
        DataLossError: if the index is damaged.
        InvalidArgumentError: if the checkpoint needs a newer program.
        NotFoundError: if there is no index.
    """

    def __init__(self, prefix: Any):
        self.prefix = path_of(prefix)
        self._header, self._entries = read_index(self.prefix)
        self._files: dict[int, RandomAccessFile] = {}
        version = self._header.version
        if version.min_consumer > BUNDLE_VERSION or BUNDLE_VERSION in version.bad_consumers:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Checkpoint {self.prefix} is of version {version.producer} and needs a reader of "
                f"at least version {version.min_consumer}; this one is of {BUNDLE_VERSION}",
            )

    def __enter__(self) -> "BundleReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def names(self) -> list[str]:
        """Lists the tensors, sorted; a partitioned one is listed once, by its full name."""
        return [decode_name(key) for key in self._entries if not key.startswith(b"\0")]

    def __contains__(self, name: str) -> bool:
        return encode_name(name) in self._entries

    def dtype_and_shape(self, name: str) -> tuple[DType, tuple[int, ...]]:
        """Returns the element type and the full shape of a tensor.

        Raises:
            NotFoundError: if there is no such tensor.
        """
        return self._type_of(name, self._entry(encode_name(name)))

    def slices(self, name: str) -> list[Slices]:
        """Lists the slices of a partitioned tensor; none if it is stored whole."""
        entry = self._entry(encode_name(name))
        return [slices_from_proto(proto) for proto in entry.slices]

    def get(self, name: str) -> np.ndarray:
        """Reads a tensor; a partitioned one is put together.

        Raises:
            DataLossError: if its data is damaged.
            NotFoundError: if there is no such tensor; the message has the nearest names.
        """
        entry = self._entry(encode_name(name))
        if entry.slices:
            _, shape = self._type_of(name, entry)
            return self._assemble(name, entry, tuple((0, size) for size in shape))
        return self._read(name, entry)

    def get_slice(self, name: str, shape: Sequence[int], slices: Slices) -> np.ndarray:
        """Reads a slice of a tensor, whichever way that was partitioned.

        Args:
            name: name of the full tensor.
            shape: shape that the caller thinks the full tensor has.
            slices: (start, length) per dimension.

        Raises:
            DataLossError: if the data is damaged.
            InvalidArgumentError: if the shape is another, or the slices stored leave gaps.
            NotFoundError: if there is no such tensor.
        """
        entry = self._entry(encode_name(name))
        _, stored = self._type_of(name, entry)
        if stored != tuple(shape):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{name} has shape {list(stored)} in {self.prefix}, not {list(shape)}",
            )
        check_slices(shape, slices)
        if entry.slices:
            return self._assemble(name, entry, slices)
        cut = tuple(slice(at, None if size < 0 else at + size) for at, size in slices)
        return self._read(name, entry)[cut]

    def _entry(self, key: bytes) -> Any:
        found = self._entries.get(key)
        if found is None or not key:
            raise self._not_found(decode_name(key))
        if isinstance(found, bytes):
            found = parse_message(protos.BundleEntryProto, found, self.prefix)
            self._entries[key] = found
        return found

    def _not_found(self, name: str) -> errors.NotFoundError:
        near = nearest_names(name, self.names())
        return errors.NotFoundError(
            None, None, f"Key {name} not found in checkpoint {self.prefix}{near}"
        )

    def _type_of(self, name: str, entry: Any) -> tuple[DType, tuple[int, ...]]:
        try:
            dtype = as_dtype(entry.dtype).base_dtype
        except TypeError:
            raise self._damaged(name, f"unknown element type {entry.dtype}") from None
        shape = tuple(dim.size for dim in entry.shape.dim)
        if entry.shape.unknown_rank or any(size < 0 for size in shape) or len(shape) > 64:
            raise self._damaged(name, "its shape is not fully defined")
        return dtype, shape

    def _damaged(self, name: str, what: str) -> errors.DataLossError:
        return errors.DataLossError(
            None, None, f"Checkpoint {self.prefix}, tensor {name!r}: {what}"
        )

    def _assemble(self, name: str, entry: Any, wanted: Slices) -> np.ndarray:
        dtype, shape = self._type_of(name, entry)
        stored = [slices_from_proto(proto) for proto in entry.slices]
        try:
            for slices in stored:
                check_slices(shape, slices)
        except errors.InvalidArgumentError as error:
            raise self._damaged(name, error.message) from None
        result = assemble(
            shape, wanted, dtype.np, stored, lambda slices: self._read_slice(name, dtype, slices)
        )
        if result is None:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Checkpoint {self.prefix} does not have all slices of {name!r} that make up "
                f"{list(wanted)}",
            )
        return result

    def _read_slice(self, name: str, dtype: DType, slices: Slices) -> np.ndarray:
        entry = self._entry(slice_key(name, slices))
        found, shape = self._type_of(name, entry)
        if found is not dtype or any(
            length not in (size, -1) for size, (_, length) in zip(shape, slices)
        ):
            raise self._damaged(name, f"slice {list(slices)} has another type or shape")
        return self._read(name, entry)

    def _read(self, name: str, entry: Any) -> np.ndarray:
        dtype, shape = self._type_of(name, entry)
        file = self._file(entry.shard_id)
        if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > file.size:
            raise self._damaged(
                name,
                f"its {entry.size} bytes at {entry.offset} lie outside of {file.path}, "
                f"which has {file.size}",
            )
        count = math.prod(shape)
        if dtype == dtypes.string:
            return self._read_strings(name, entry, file, count).reshape(shape)
        if not dtype.is_numpy_compatible:
            raise errors.UnimplementedError(
                None, None, f"Tensor {name!r} of type {dtype.name} cannot be restored"
            )
        if entry.size != count * dtype.np.itemsize:
            raise self._damaged(
                name, f"{entry.size} bytes do not make up {dtype.name}{list(shape)}"
            )
        data = file.read_into(entry.offset, np.empty(entry.size, np.uint8))
        if mask(crc32c(data)) != entry.crc32c:
            raise self._damaged(name, "checksum does not match: its data is damaged")
        if dtype == dtypes.bool_:
            return data.astype(np.bool_).reshape(shape)
        if self._header.endianness == protos.BundleHeaderProto.BIG:
            word = dtype.np.itemsize // (2 if dtype.is_complex else 1)
            data = np.ascontiguousarray(data.reshape(-1, word)[:, ::-1]).reshape(-1)
        return data.view(dtype.np).reshape(shape)

    def _read_strings(
        self, name: str, entry: Any, file: RandomAccessFile, count: int
    ) -> np.ndarray:
        if count > entry.size:
            raise self._damaged(name, f"{entry.size} bytes do not make up {count} strings")
        data = file.read(entry.offset, entry.size)
        lengths, at = [], 0
        for _ in range(count):
            length, at = get_varint(data, at)
            lengths.append(length)
        if at + 4 + sum(lengths) != len(data):
            raise self._damaged(name, "the lengths of its strings do not fit its size")
        crc = lengths_crc(lengths)
        checksum = data[at : at + 4]
        if mask(crc) != int.from_bytes(checksum, "little"):
            raise self._damaged(name, "checksum of the strings' lengths does not match")
        at += 4
        if mask(crc32c(data[at:], crc32c(checksum, crc))) != entry.crc32c:
            raise self._damaged(name, "checksum does not match: its data is damaged")
        strings = np.empty(count, object)
        for number, length in enumerate(lengths):
            strings[number] = data[at : at + length]
            at += length
        return strings

    def _file(self, shard: int) -> RandomAccessFile:
        file = self._files.get(shard)
        if file is None:
            if not 0 <= shard < max(self._header.num_shards, 1):
                raise errors.DataLossError(
                    None,
                    None,
                    f"Checkpoint {self.prefix} has {self._header.num_shards} data files, "
                    f"but names number {shard}",
                )
            path = data_name(self.prefix, shard, self._header.num_shards)
            file = self._files.setdefault(shard, RandomAccessFile(path))
        return file
