"""Writes checkpoints of format 2, tensor by tensor."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import IO, Any

import numpy as np

from millstream.base import dtypes, errors
from millstream.base.dtypes import DType, as_dtype
from millstream.formats import protos
from millstream.formats.bundle.place import put_in_place, staging_name
from millstream.formats.coding import encode_name, put_varint, slice_key
from millstream.formats.crc import crc32c, mask
from millstream.formats.files import files_of, os_errors, parent_of, path_of
from millstream.formats.slices import Slices, check_slices, shape_of, slices_to_proto

_CHUNK = 4 << 20


class BundleWriter:
    """Writes a checkpoint, tensor by tensor, without a second copy of any.

    A context manager: leaving it normally finishes the checkpoint, an exception leaves whatever
    was there before.

    Args:
        prefix: path of the checkpoint, such as `/models/model.ckpt-100`. Its directory is made
            if only the last part is missing.
    """

    def __init__(self, prefix: Any):
        self.prefix = path_of(prefix)
        self._entries: dict[bytes, Any] = {}
        self._offset = 0
        files = files_of(self.prefix)
        directory = parent_of(self.prefix)
        with os_errors(self.prefix):
            if directory and not files.exists(directory):
                files.mkdir(directory)
            self._path = staging_name(self.prefix)
            self._file: IO[bytes] = files.open(self._path, "wb")

    def __enter__(self) -> "BundleWriter":
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()

    def add(self, name: str, array: Any, dtype: DType | None = None) -> None:
        """Writes a tensor.

        Args:
            name: name that it is restored by.
            array: its value; strings as an object array of `bytes` or `str`.
            dtype: element type; quantised types need it.

        Raises:
            InvalidArgumentError: if there is such a name already.
        """
        array = np.asarray(array)
        self._add(encode_name(name), array, as_dtype(dtype or array.dtype).base_dtype)

    def add_slice(
        self,
        name: str,
        shape: Sequence[int],
        slices: Slices,
        array: Any,
        dtype: DType | None = None,
    ) -> None:
        """Writes one slice of a partitioned tensor.

        Args:
            name: name of the full tensor.
            shape: shape of the full tensor.
            slices: (start, length) per dimension.
            array: value of the slice.
            dtype: element type; quantised types need it.

        Raises:
            InvalidArgumentError: if the slice, its value and its full tensor do not fit together.
        """
        array = np.asarray(array)
        dtype = as_dtype(dtype or array.dtype).base_dtype
        check_slices(shape, slices)
        if array.shape != shape_of(shape, slices):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Slice {list(slices)} of {name} has shape {list(shape_of(shape, slices))}, "
                f"but its value has shape {list(array.shape)}",
            )
        full = _full_entry(dtype, shape)
        key = encode_name(name)
        known = self._entries.get(key)
        if known is not None and not _same_tensor(known, full):
            raise _duplicate(name)
        self._add(slice_key(name, slices), array, dtype)
        (full if known is None else known).slices.append(slices_to_proto(slices))
        self._entries.setdefault(key, full)

    def finish(self) -> None:
        """Puts the checkpoint in place.

        Raises:
            ResourceExhaustedError: if the disk is full; the earlier checkpoint stays.
        """
        try:
            with os_errors(self._path):
                files_of(self._path).sync(self._file)
                self._file.close()
            put_in_place(self.prefix, self._entries, [self._path])
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Removes what was written."""
        files = files_of(self._path)
        # Closing writes what is buffered, for which there may be no room; the file goes anyway.
        with contextlib.suppress(OSError):
            self._file.close()
        with os_errors(self._path):
            if files.exists(self._path):
                files.remove(self._path)

    def _add(self, key: bytes, array: np.ndarray, dtype: DType) -> None:
        if not key or key in self._entries:
            raise _duplicate(key.decode("utf-8", "replace"))
        entry = _full_entry(dtype, array.shape)
        with os_errors(self._path):
            if dtype == dtypes.string:
                size, crc = _write_strings(self._file, array)
            elif not dtype.is_numpy_compatible:
                raise errors.UnimplementedError(
                    None, None, f"Tensors of type {dtype.name} cannot be saved"
                )
            else:
                size, crc = _write_numbers(self._file, array, dtype)
        entry.offset, entry.size, entry.crc32c = self._offset, size, mask(crc)
        self._offset += size
        self._entries[key] = entry


def _full_entry(dtype: DType, shape: Sequence[int]) -> Any:
    entry = protos.BundleEntryProto(dtype=dtype.enum)
    entry.shape.SetInParent()
    for size in shape:
        entry.shape.dim.add(size=size)
    return entry


def _same_tensor(a: Any, b: Any) -> bool:
    """Tells whether two entries are for slices of one tensor."""
    sliced = bool(a.slices) or not a.size
    return sliced and a.dtype == b.dtype and a.shape == b.shape


def _duplicate(name: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, f"Adding duplicate key: {name!r}")


def _write_numbers(file: IO[bytes], array: np.ndarray, dtype: DType) -> tuple[int, int]:
    """Writes an array's bytes, little-endian; returns their number and checksum."""
    array = np.ascontiguousarray(array, dtype.np.newbyteorder("<"))
    data = array.reshape(-1).view(np.uint8)
    crc = 0
    # In chunks, so that the write finds in the cache what the checksum has just read.
    for start in range(0, data.size, _CHUNK):
        chunk = data[start : start + _CHUNK]
        crc = crc32c(chunk, crc)
        file.write(chunk)
    return data.size, crc


def _write_strings(file: IO[bytes], array: np.ndarray) -> tuple[int, int]:
    """Writes the lengths as varints, their checksum, and the strings one after the other."""
    strings = [
        text.encode() if isinstance(text, str) else bytes(text) for text in array.ravel().tolist()
    ]
    lengths = b"".join(put_varint(len(text)) for text in strings)
    crc = lengths_crc(len(text) for text in strings)
    checksum = mask(crc).to_bytes(4, "little")
    text = b"".join(strings)
    for part in (lengths, checksum, text):
        file.write(part)
    return len(lengths) + 4 + len(text), crc32c(text, crc32c(checksum, crc))


def lengths_crc(lengths: Iterable[int]) -> int:
    """Returns the checksum of strings' lengths, as 4 bytes each (8 where they do not fit)."""
    return crc32c(b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths))
