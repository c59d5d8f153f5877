"""Numbers and strings as bytes: varints, keys whose bytes sort as their values do, messages."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from millstream.base import errors


def put_varint(value: int) -> bytes:
    """Encodes an unsigned integer in 7-bit groups, lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def get_varint(data: bytes, offset: int, end: int | None = None) -> tuple[int, int]:
    """Decodes a varint of at most 64 bits.

    Returns:
        The value, and the offset behind it.

    Raises:
        DataLossError: if it does not end before `end`, or is longer than 64 bits.
    """
    end = len(data) if end is None else end
    value = shift = 0
    while offset < end and shift < 70:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, offset
        shift += 7
    raise errors.DataLossError(None, None, "damaged integer: a varint does not end")


def ordered_number(value: int) -> bytes:
    """Encodes an unsigned integer: its length in bytes, then the bytes, highest first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def ordered_string(text: bytes) -> bytes:
    """Encodes a string with an end that sorts before any continuation."""
    escaped = (part.replace(b"\xff", b"\xff\x00") for part in text.split(b"\x00"))
    return b"\x00\xff".join(escaped) + b"\x00\x01"


def ordered_signed(value: int) -> bytes:
    """Encodes a signed integer: leading one bits count its bytes, complemented if negative."""
    magnitude = value if value >= 0 else ~value
    bits = magnitude.bit_length() + 1
    size = 1
    while size < 10 and bits > 7 * size:
        size += 1
    # `size` ones and a zero head the bytes, as far as the sign bit leaves room for them.
    header = ((1 << size) - 1) << (8 * size - size)
    word = (header ^ magnitude) & ((1 << 8 * size) - 1)
    if value < 0:
        word ^= (1 << 8 * size) - 1
    return word.to_bytes(size, "big")


def encode_name(name: str) -> bytes:
    """Encodes a tensor's name as a key; names that are no UTF-8 survive a round trip."""
    return name.encode("utf-8", "surrogateescape")


def decode_name(key: bytes) -> str:
    """Inverts `encode_name`."""
    return key.decode("utf-8", "surrogateescape")


def slice_key(name: str, slices: Sequence[tuple[int, int]]) -> bytes:
    """Gives the key under which checkpoints keep one slice of a tensor."""
    parts = [ordered_number(0), ordered_string(encode_name(name)), ordered_number(len(slices))]
    for start, length in slices:
        parts += [ordered_signed(start), ordered_signed(length)]
    return b"".join(parts)


def parse_message(cls: Any, data: bytes, path: str) -> Any:
    """Parses a message found in a file.

    Raises:
        DataLossError: if the bytes are none.
    """
    try:
        return cls.FromString(data)
    except DecodeError as error:
        raise errors.DataLossError(
            None, None, f"{path}: cannot parse a message of type {cls.DESCRIPTOR.name}: {error}"
        ) from None
