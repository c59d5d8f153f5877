"""How TF prints arrays: one form for assertions and `tf.Print`, one for `tf.print`."""

from math import prod
from typing import Any

import numpy as np

_ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}


def escaped(text: bytes) -> str:
    """Spells bytes as the inside of a C string literal."""
    return "".join(
        _ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in text
    )


def _element(value: Any) -> str:
    """Spells one element with as many digits as tell it from its neighbours."""
    if isinstance(value, bytes):
        return escaped(value)
    kind = np.asarray(value).dtype
    if kind.kind == "b":
        return "1" if value else "0"
    if kind.kind in "iu":
        return str(int(value))
    if kind.kind == "c":
        return f"({_element(value.real)},{_element(value.imag)})"
    return _spelt(value) if kind == np.float64 else _spelt_narrow(value)


def _spelt(value: Any) -> str:
    text = f"{value:.15g}"
    return text if float(text) == value else f"{value:.17g}"


def _spelt_narrow(value: Any) -> str:
    value = np.float32(value)
    text = f"{value:.6g}"
    return text if np.float32(text) == value else f"{value:.9g}"


def brief(array: Any, count: int) -> str:
    """Spells the first `count` elements of an array, all if it is negative: `[[1 2][3...]...]`."""
    array = np.asarray(array)
    flat = array.reshape(-1)
    limit = flat.size if count < 0 else min(count, flat.size)
    if array.ndim <= 1:
        words = [_element(value) for value in flat[:limit]]
        return "[" + " ".join(words) + ("...]" if limit < flat.size else "]")
    if not array.size:
        return "[]"
    rest = "..." if limit < flat.size else ""
    return "[" + _rows(flat, array.shape[1:], array.shape[0], 0, limit) + rest + "]"


def _rows(flat: Any, shape: tuple[int, ...], count: int, start: int, limit: int) -> str:
    """Spells `count` parts of a shape, of which those beyond the limit are left out."""
    size = prod(shape)
    text = ""
    for begin in range(start, start + count * size, size):
        if begin >= limit:
            break
        if len(shape) > 1:
            text += "[" + _rows(flat, shape[1:], shape[0], begin, limit) + "]"
            continue
        words = [_element(value) for value in flat[begin : min(begin + size, limit)]]
        text += "[" + " ".join(words) + ("...]" if begin + size > limit else "]")
    return text


def full(array: Any, edge: int) -> str:
    """Spells an array over several lines, with `edge` entries at both ends of long dimensions."""
    array = np.asarray(array)
    if not array.ndim:
        return _quoted(array[()])
    return _nested(array, edge, 1)


def _quoted(value: Any) -> str:
    return f'"{_element(value)}"' if isinstance(value, bytes) else _element(value)


def _nested(array: Any, edge: int, depth: int) -> str:
    whole = edge < 0 or len(array) <= 2 * edge
    ends = [array] if whole else [array[:edge], array[len(array) - edge :]]
    if array.ndim == 1:
        parts = [" ".join(_quoted(value) for value in end) for end in ends]
        return "[" + " ... ".join(parts) + "]"
    between = "\n" * (array.ndim - 1) + " " * depth
    parts = [between.join(_nested(row, edge, depth + 1) for row in end) for end in ends]
    return "[" + (between + "..." + between).join(parts) + "]"
