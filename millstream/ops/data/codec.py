"""Plain values as bytes: elements in files, states of iterators in checkpoints.

A value is a letter and what it says: numbers and sizes as varints, arrays as `TensorProto`s. What
comes from a file is checked; no code is run to read it.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.formats import protos, tensors
from millstream.formats.examples import varint
from millstream.ops.data.sources import Elements

_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_DEEPEST = 100


def encode(value: Any) -> bytes:
    """Encodes None, numbers, strings, arrays, and tuples, lists, dicts and datasets of such.

    Raises:
      UnimplementedError: If it contains something else.
    """
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Any, out: list[bytes]) -> None:
    if value is None or isinstance(value, bool):
        out.append({None: b"N", True: b"T", False: b"F"}[value])
    elif isinstance(value, int):
        text = str(value).encode()
        out += [b"i", varint(len(text)), text]
    elif isinstance(value, float) and not isinstance(value, np.generic):
        out += [b"f", struct.pack("<d", value)]
    elif isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        out += [b"s" if isinstance(value, str) else b"b", varint(len(data)), data]
    elif isinstance(value, (tuple, list)):
        out += [b"(" if isinstance(value, tuple) else b"[", varint(len(value))]
        for item in value:
            _write(item, out)
    elif isinstance(value, dict):
        out += [b"{", varint(len(value))]
        for key, item in value.items():
            _write(key, out)
            _write(item, out)
    elif isinstance(value, Elements):
        out += [b"d", varint(value.cardinality)]
        for element in value.elements:
            _write(element, out)
    else:
        _write_array(value, out)


def _write_array(value: Any, out: list[bytes]) -> None:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise errors.UnimplementedError(
            None, None, f"an element of type {type(value).__name__} cannot be stored"
        )
    array = np.asarray(value)
    if array.dtype == object and any(type(item) is not bytes for item in array.ravel()):
        out += [b"o", varint(array.ndim), *map(varint, array.shape)]
        for item in array.ravel():
            _write(item, out)
        return
    data = tensors.encode(array, as_dtype(array.dtype)).SerializeToString()
    out += [b"g" if isinstance(value, np.generic) else b"a", varint(len(data)), data]


def decode(data: bytes) -> Any:
    """Decodes what `encode` wrote.

    Raises:
      DataLossError: If it is damaged.
    """
    reader = _Reader(data)
    try:
        value = reader.read(0)
    except (IndexError, ValueError, TypeError, struct.error, DecodeError, KeyError) as error:
        raise errors.DataLossError(None, None, f"stored value is damaged: {error}") from None
    if reader.at != len(data):
        raise errors.DataLossError(None, None, "stored value is damaged: it is too long")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def _bytes(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self._data):
            raise ValueError("it is truncated")
        part = self._data[self.at : self.at + size]
        self.at += size
        return part

    def _size(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a size is malformed")

    def read(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deep")
        kind = self._bytes(1)
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"f":
            return struct.unpack("<d", self._bytes(8))[0]
        if kind == b"o":
            return self._objects(depth)
        size = self._size()
        if kind in b"([{d":
            return self._many(kind, size, depth)
        return _ATOMS[kind](self._bytes(size))

    def _many(self, kind: bytes, size: int, depth: int) -> Any:
        if kind == b"{":
            return {self.read(depth + 1): self.read(depth + 1) for _ in range(size)}
        items = [self.read(depth + 1) for _ in range(size)]
        if kind == b"d":
            return Elements(items)
        return tuple(items) if kind == b"(" else items

    def _objects(self, depth: int) -> np.ndarray:
        shape = tuple(self._size() for _ in range(self._size()))
        count = int(np.prod(shape))
        if count > len(self._data):
            raise ValueError("it is truncated")
        array = np.empty(count, object)
        for place in range(count):
            array[place] = self.read(depth + 1)
        return array.reshape(shape)


def _array(data: bytes) -> np.ndarray:
    return tensors.decode(protos.TensorProto.FromString(data))


_ATOMS: dict[bytes, Any] = {
    b"i": int,
    b"s": bytes.decode,
    b"b": bytes,
    b"a": _array,
    b"g": lambda data: _array(data)[()],
}
