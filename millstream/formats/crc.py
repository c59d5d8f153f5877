"""CRC-32C checksums, plain and masked as record, table and checkpoint files store them."""

from typing import Any

import google_crc32c

_MASK_DELTA = 0xA282EAD8


def crc32c(data: Any, crc: int = 0) -> int:
    """Returns the CRC-32C of bytes or of a contiguous array, continuing from `crc`."""
    return google_crc32c.extend(crc, data)


def mask(crc: int) -> int:
    """Masks a checksum, so that checksums of data that holds checksums stay good."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """Inverts `mask`."""
    rotated = (masked - _MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """Returns the masked CRC-32C of bytes: `mask(crc32c(data))`, a call fewer for small records."""
    crc = google_crc32c.extend(0, data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF
