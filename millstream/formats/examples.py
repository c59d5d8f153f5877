"""Serialised `tf.Example` messages taken apart: features by name, then columns of values.

An example is walked once, into the bytes of its features by name; a column, one feature of many
examples, is then decoded at once with NumPy. Both check every length. What is spelled otherwise
than writers spell it (unknown fields, unpacked numbers, a message in several parts) goes through
the protobuf library, which alone decides what is malformed.
"""

from collections.abc import Callable, Sequence

import numpy as np
from google.protobuf.message import DecodeError, Message

from millstream.formats import protos

FLOAT, INT64, BYTES = "float_list", "int64_list", "bytes_list"
NO_VALUES = ""
_TAGS = {BYTES: 0x0A, FLOAT: 0x12, INT64: 0x1A}
_EMPTY_FEATURE = b"\x12\x00"


class MalformedError(ValueError):
    """The bytes are no such message."""


class _UnusualError(Exception):
    """The message is spelled as the fast way does not expect."""


class WrongKindError(Exception):
    """A feature has values of another kind.

    Attributes:
        index: which example it is.
        kind: the kind that it has.
        feature: the `Feature`.
    """

    def __init__(self, index: int, kind: str, feature: Message):
        super().__init__(index, kind)
        self.index, self.kind, self.feature = index, kind, feature


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Reads an unsigned number; returns it and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise _UnusualError


def varint(value: int) -> bytes:
    """Writes an unsigned number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def split(record: bytes) -> dict[bytes, bytes]:
    """Returns the entry `value` (with its tag) of every feature of an example, by name.

    Raises:
        MalformedError: if it is no `Example`.
    """
    try:
        return _split(record)
    except (_UnusualError, IndexError):
        return split_by_protobuf(record)


def _split(record: bytes) -> dict[bytes, bytes]:
    size = len(record)
    found: dict[bytes, bytes] = {}
    if not size:
        return found
    length, at = _varint(record, 1)
    if record[0] != 0x0A or at + length != size:
        raise _UnusualError
    # One loop without calls: this is where reading examples spends its time.
    while at < size:
        length, start = record[at + 1], at + 2
        if length > 0x7F:
            second = record[start]
            if second > 0x7F:
                length, start = _varint(record, at + 1)
            else:
                length += (second << 7) - 0x80
                start += 1
        end, key_size = start + length, record[start + 1]
        value_at = start + 2 + key_size
        if record[at] != 0x0A or record[start] != 0x0A or key_size > 0x7F:
            raise _UnusualError
        if value_at > end or end > size:
            raise _UnusualError
        found[record[start + 2 : value_at]] = record[value_at:end]
        at = end
    return found


def split_by_protobuf(record: bytes) -> dict[bytes, bytes]:
    """Cuts an example into features with the protobuf library.

    Raises:
        MalformedError: if it is no `Example`.
    """
    try:
        example = protos.Example.FromString(record)
    except DecodeError:
        raise MalformedError from None
    return split_features(example.features)


def split_features(features: Message) -> dict[bytes, bytes]:
    """Returns the entry `value` of every feature of a `Features` message, by name."""
    return {
        key.encode(): b"\x12" + _delimited(feature.SerializeToString())
        for key, feature in features.feature.items()  # type: ignore[attr-defined]
    }


def _delimited(data: bytes) -> bytes:
    return varint(len(data)) + data


def has_values(value: bytes | None) -> bool:
    """Tells whether an example has the feature: one without a kind counts as missing."""
    return value is not None and value != _EMPTY_FEATURE and value != b""


# -- from an entry's value to the payload of its list


class _Headers:
    """What stands before the payload of a list with one packed (or one bytes) field, by size.

    The value of an entry is `12 n1 kind n2 0a n3 payload`: as the sizes are nested, the length of
    the whole determines every byte of the header.
    """

    def __init__(self, kind: str):
        self._tag = bytes([_TAGS[kind]])
        self._by_size: dict[int, bytes] = {}

    def of(self, size: int) -> bytes | None:
        """Returns the header of a value that is `size` long; None if there is none."""
        header = self._by_size.get(size)
        if header is None:
            header = self._make(size)
            if header is not None and len(self._by_size) < 4096:
                self._by_size[size] = header
        return header

    def _make(self, size: int) -> bytes | None:
        for payload in range(max(size - 33, 0), size - 5):
            inner = b"\x0a" + varint(payload)
            middle = self._tag + varint(len(inner) + payload) + inner
            header = b"\x12" + varint(len(middle) + payload) + middle
            if len(header) + payload == size:
                return header
        return None


_headers = {kind: _Headers(kind) for kind in _TAGS}


def parse_feature(value: bytes) -> Message:
    """Parses the value of an entry, with its tag, as a `Feature`.

    Raises:
        MalformedError: if it is none.
    """
    try:
        return protos.Features.FeatureEntry.FromString(value).value
    except DecodeError:
        raise MalformedError from None


def _slow_values(value: bytes, kind: str, index: int) -> Sequence:
    feature = parse_feature(value)
    found = feature.WhichOneof("kind") or NO_VALUES
    if found and found != kind:
        raise WrongKindError(index, found, feature)
    return getattr(feature, kind).value


def _slow_payload(value: bytes, kind: str, index: int) -> bytes:
    values = _slow_values(value, kind, index)
    if kind == FLOAT:
        return np.array(values, "<f4").tobytes()
    return b"".join(varint(v & 0xFFFFFFFFFFFFFFFF) for v in values)


def _payloads(values: Sequence[bytes], kind: str) -> list[bytes]:
    of = _headers[kind].of
    found = []
    for index, value in enumerate(values):
        header = of(len(value))
        if header is not None and value.startswith(header):
            found.append(value[len(header) :])
        else:
            found.append(_slow_payload(value, kind, index) if value else b"")
    return found


# -- columns: the values of one feature in many examples, one after the other, and their counts

type Column = tuple[np.ndarray, np.ndarray]


def floats(values: Sequence[bytes]) -> Column:
    """Decodes a column of floats: all values, and how many each example has.

    Raises:
        WrongKindError: if an example has values of another kind.
        MalformedError: if a feature is malformed.
    """
    uniform = _uniform(values, FLOAT)
    if uniform is not None:
        data, size = uniform
        if size % 4 == 0:
            return _floats_of(data.tobytes()), np.full(len(values), size // 4)
    parts = _payloads(values, FLOAT)
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    if (sizes % 4).any():
        raise MalformedError
    return _floats_of(b"".join(parts)), sizes // 4


def _floats_of(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<f4").astype(np.float32)


def ints(values: Sequence[bytes]) -> Column:
    """Decodes a column of integers: all values, and how many each example has; see `floats`."""
    uniform = _uniform(values, INT64)
    if uniform is not None:
        data, size = uniform
        return _varints(data.ravel(), np.full(len(values), size))
    parts = _payloads(values, INT64)
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    return _varints(np.frombuffer(b"".join(parts), np.uint8), sizes)


def _uniform(values: Sequence[bytes], kind: str) -> tuple[np.ndarray, int] | None:
    """Returns the payloads as rows of bytes, and their size, if all have the same header."""
    if len(values) < 2:
        return None
    size = len(values[0])
    header = _headers[kind].of(size)
    if header is None:
        return None
    if len(set(map(len, values))) > 1:
        return None
    rows = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), size)
    width = len(header)
    if not (rows[:, :width] == np.frombuffer(header, np.uint8)).all():
        return None
    return rows[:, width:], size - width


def _varints(data: np.ndarray, sizes: np.ndarray) -> Column:
    """Decodes packed integers; `sizes` says how many bytes belong to each example."""
    is_last = data < 0x80
    stops = np.cumsum(sizes)
    if data.size and not is_last[stops[sizes > 0] - 1].all():
        raise MalformedError
    if is_last.all():
        return data.astype(np.int64), sizes
    ends = np.flatnonzero(is_last)
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1] + 1
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > 10:
        raise MalformedError
    result = np.zeros(ends.size, np.uint64)
    for place in range(longest):
        rows = slice(None) if place == 0 else lengths > place
        part = (data[starts[rows] + place] & np.uint8(0x7F)).astype(np.uint64)
        result[rows] |= part << np.uint64(7 * place)
    counted = np.concatenate([[0], np.cumsum(is_last)])
    return result.view(np.int64), counted[stops] - counted[stops - sizes]


def byte_strings(values: Sequence[bytes]) -> tuple[list[bytes], np.ndarray]:
    """Decodes a column of strings: all values, and how many each example has; see `floats`."""
    of = _headers[BYTES].of
    found: list[bytes] = []
    counts = np.ones(len(values), np.int64)
    for index, value in enumerate(values):
        header = of(len(value))
        if header is not None and value.startswith(header):
            found.append(value[len(header) :])
        elif value:
            several = _slow_values(value, BYTES, index)
            counts[index] = len(several)
            found.extend(several)
        else:
            counts[index] = 0
    return found, counts


def one(value: bytes, kind: str) -> np.ndarray | list[bytes]:
    """Decodes one feature of one example: a column of one row, without the cost of a column.

    Raises:
        WrongKindError: if it has values of another kind.
        MalformedError: if it is malformed.
    """
    header = _headers[kind].of(len(value))
    if header is None or not value.startswith(header):
        return DECODERS[kind]([value])[0]
    start = len(header)
    if kind == BYTES:
        return [value[start:]]
    if kind == FLOAT and (len(value) - start) % 4 == 0:
        return np.frombuffer(value, "<f4", offset=start).astype(np.float32)
    if kind == INT64 and len(value) - start < 20:
        return np.array(_few_varints(value, start), np.int64)
    return DECODERS[kind]([value])[0]


def _few_varints(data: bytes, at: int) -> list[int]:
    found = []
    try:
        while at < len(data):
            value, at = _varint(data, at)
            found.append(_signed(value))
    except (IndexError, _UnusualError):
        raise MalformedError from None
    return found


def _signed(value: int) -> int:
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


DECODERS: dict[str, Callable[[Sequence[bytes]], tuple]] = {
    FLOAT: floats,
    INT64: ints,
    BYTES: byte_strings,
}
