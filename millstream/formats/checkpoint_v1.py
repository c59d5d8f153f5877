"""Checkpoints of format 1: tables of `SavedTensorSlices` messages.

The entry of the empty key lists every tensor with its slices; each slice then has an entry of its
own. A tensor that was not partitioned is one slice of whole dimensions. A checkpoint may be spread
over several files, `<prefix>-00000-of-00002` and so on.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType, as_dtype
from millstream.formats import protos
from millstream.formats.coding import parse_message, slice_key
from millstream.formats.files import files_of, os_errors, path_of, temporary_name
from millstream.formats.globs import match_files
from millstream.formats.nearest import nearest_names
from millstream.formats.shapes import shape_to_proto
from millstream.formats.slices import (
    Slices,
    assemble,
    check_slices,
    shape_of,
    slices_from_proto,
    slices_to_proto,
)
from millstream.formats.table import Table, TableWriter
from millstream.formats.tensors import decode_elements, encode_elements

V1_VERSION = 1
_MAX_BYTES = 2**31 - 1


class V1Writer:
    """Writes one file of a checkpoint of format 1, in one piece at the end.

    A context manager: leaving it normally puts the file in place, an exception leaves whatever
    was there before.

    Args:
        path: file to write.
    """

    def __init__(self, path: Any):
        self.path = path_of(path)
        self._meta = protos.SavedTensorSliceMeta()
        self._meta.versions.producer = V1_VERSION
        self._tensors: dict[str, Any] = {}
        self._data: dict[bytes, bytes] = {}

    def __enter__(self) -> "V1Writer":
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:
            self.finish()

    def add(self, name: str, array: Any, dtype: DType | None = None) -> None:
        """Writes a tensor.

        Raises:
            InvalidArgumentError: if there is such a name already, or the tensor has 2 GB.
        """
        array = np.asarray(array)
        self.add_slice(name, array.shape, ((0, -1),) * array.ndim, array, dtype)

    def add_slice(
        self,
        name: str,
        shape: Sequence[int],
        slices: Slices,
        array: Any,
        dtype: DType | None = None,
    ) -> None:
        """Writes one slice of a partitioned tensor.

        Raises:
            InvalidArgumentError: if the slice, its value and its full tensor do not fit together.
        """
        array = np.asarray(array)
        dtype = as_dtype(dtype or array.dtype).base_dtype
        check_slices(shape, slices)
        key = slice_key(name, slices)
        meta = protos.SavedSliceMeta(name=name, type=dtype.enum, shape=shape_to_proto(list(shape)))
        known = self._tensors.setdefault(name, meta)
        if key in self._data or (known.type, known.shape) != (meta.type, meta.shape):
            raise _invalid(f"Adding duplicate key, or a slice of another tensor: {name!r}")
        if array.shape != shape_of(shape, slices):
            raise _invalid(f"Slice {list(slices)} of {name!r} has a value of {list(array.shape)}")
        if array.nbytes > _MAX_BYTES:
            raise _invalid(f"{name!r} has {array.nbytes} bytes; format 1 holds less than 2 GB")
        record = protos.SavedTensorSlices()
        record.data.name = name
        record.data.slice.CopyFrom(slices_to_proto(slices))
        if not dtype.np.hasobject:
            array = np.ascontiguousarray(array, dtype.np)
        record.data.data.CopyFrom(encode_elements(array, dtype))
        self._data[key] = record.SerializeToString(deterministic=True)
        known.slice.append(slices_to_proto(slices))

    def finish(self) -> None:
        """Puts the file in place."""
        self._meta.tensor.extend(self._tensors.values())
        head = protos.SavedTensorSlices(meta=self._meta)
        files = files_of(self.path)
        temporary = temporary_name(self.path)
        with os_errors(self.path):
            try:
                with files.open(temporary, "wb") as file:
                    writer = TableWriter(file)
                    writer.add(b"", head.SerializeToString(deterministic=True))
                    for key in sorted(self._data):
                        writer.add(key, self._data[key])
                    writer.finish()
                    files.sync(file)
                files.rename(temporary, self.path)
            except BaseException:
                if files.exists(temporary):
                    files.remove(temporary)
                raise


class _Stored:
    """A tensor that a checkpoint has: its type, full shape, and where each slice lies."""

    def __init__(self, dtype: DType, shape: tuple[int, ...]):
        self.dtype = dtype
        self.shape = shape
        self.tables: dict[Slices, Table] = {}


class V1Reader:
    """Reads tensors by name from checkpoints of format 1; a context manager.

    Args:
        pattern: path of the file, or a pattern that matches all files of a sharded checkpoint.

    Raises:
        DataLossError: if a file is damaged.
        NotFoundError: if no file matches.
    """

    def __init__(self, pattern: Any):
        self.prefix = path_of(pattern)
        self._tables: list[Table] = []
        self._stored: dict[str, _Stored] = {}
        try:
            paths = [path for path in match_files(self.prefix) if not files_of(path).isdir(path)]
        except errors.NotFoundError:
            paths = []
        if not paths or not self.prefix:
            raise errors.NotFoundError(
                None,
                None,
                "Unsuccessful TensorSliceReader constructor: "
                f"Failed to find any matching files for {self.prefix}",
            )
        try:
            for path in paths:
                self._load(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "V1Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files."""
        for table in self._tables:
            table.close()

    def names(self) -> list[str]:
        """Lists the tensors, sorted; a partitioned one is listed once."""
        return sorted(self._stored)

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def dtype_and_shape(self, name: str) -> tuple[DType, tuple[int, ...]]:
        """Returns the element type and the full shape of a tensor.

        Raises:
            NotFoundError: if there is no such tensor.
        """
        stored = self._find(name)
        return stored.dtype, stored.shape

    def slices(self, name: str) -> list[Slices]:
        """Lists the slices of a partitioned tensor; none if it is stored whole."""
        found = list(self._find(name).tables)
        return [] if len(found) == 1 and all(part == (0, -1) for part in found[0]) else found

    def get(self, name: str) -> np.ndarray:
        """Reads a tensor; a partitioned one is put together.

        Raises:
            DataLossError: if its data is damaged.
            NotFoundError: if there is no such tensor; the message has the nearest names.
        """
        stored = self._find(name)
        return self._assemble(name, stored, ((0, -1),) * len(stored.shape))

    def get_slice(self, name: str, shape: Sequence[int], slices: Slices) -> np.ndarray:
        """Reads a slice of a tensor, whichever way that was partitioned.

        Raises:
            InvalidArgumentError: if the shape is another, or the slices stored leave gaps.
            NotFoundError: if there is no such tensor.
        """
        stored = self._find(name)
        if stored.shape != tuple(shape):
            raise _invalid(
                f"{name!r} has shape {list(stored.shape)} in {self.prefix}, not {list(shape)}"
            )
        check_slices(shape, slices)
        return self._assemble(name, stored, slices)

    def _find(self, name: str) -> _Stored:
        stored = self._stored.get(name)
        if stored is None:
            raise errors.NotFoundError(
                None,
                None,
                f"{name} not found in checkpoint file {self.prefix}"
                + nearest_names(name, self.names()),
            )
        return stored

    def _load(self, path: str) -> None:
        table = Table(path)
        self._tables.append(table)
        head = parse_message(protos.SavedTensorSlices, table.get(b"") or b"", path)
        if not head.HasField("meta"):
            raise errors.DataLossError(None, None, f"{path}: the list of tensors is missing")
        versions = head.meta.versions
        if versions.min_consumer > V1_VERSION or V1_VERSION in versions.bad_consumers:
            raise _invalid(f"{path} needs a reader of at least version {versions.min_consumer}")
        for meta in head.meta.tensor:
            self._register(meta, table)

    def _register(self, meta: Any, table: Table) -> None:
        try:
            dtype = as_dtype(meta.type).base_dtype
        except TypeError:
            raise _damaged(table.path, meta.name, f"unknown element type {meta.type}") from None
        shape = tuple(dim.size for dim in meta.shape.dim)
        if meta.shape.unknown_rank or any(size < 0 for size in shape) or len(shape) > 64:
            raise _damaged(table.path, meta.name, "its shape is not fully defined")
        stored = self._stored.setdefault(meta.name, _Stored(dtype, shape))
        if (stored.dtype, stored.shape) != (dtype, shape):
            raise _damaged(table.path, meta.name, "its files do not agree on its type and shape")
        for proto in meta.slice:
            slices = slices_from_proto(proto)
            try:
                check_slices(shape, slices)
            except errors.InvalidArgumentError as error:
                raise _damaged(table.path, meta.name, error.message) from None
            stored.tables[slices] = table

    def _assemble(self, name: str, stored: _Stored, wanted: Slices) -> np.ndarray:
        def read(slices: Slices) -> np.ndarray:
            return self._read(name, stored, slices)

        result = assemble(stored.shape, wanted, stored.dtype.np, list(stored.tables), read)
        if result is None:
            raise _invalid(
                f"Checkpoint {self.prefix} does not have all slices of {name!r} that make up "
                f"{list(wanted)}"
            )
        return result

    def _read(self, name: str, stored: _Stored, slices: Slices) -> np.ndarray:
        table = stored.tables[slices]
        data = table.get(slice_key(name, slices))
        if data is None:
            raise _damaged(table.path, name, f"slice {list(slices)} is missing")
        record = parse_message(protos.SavedTensorSlices, data, table.path)
        if not stored.dtype.is_numpy_compatible:
            raise errors.UnimplementedError(
                None, None, f"Tensor {name!r} of type {stored.dtype.name} cannot be restored"
            )
        try:
            flat = decode_elements(record.data.data, stored.dtype)
        except ValueError as error:
            raise _damaged(table.path, name, str(error)) from None
        shape = shape_of(stored.shape, slices)
        if flat.size != math.prod(shape):
            raise _damaged(table.path, name, f"{flat.size} elements do not make up {list(shape)}")
        return flat.reshape(shape)


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def _damaged(path: str, name: str, what: str) -> errors.DataLossError:
    return errors.DataLossError(None, None, f"{path}, tensor {name!r}: {what}")
