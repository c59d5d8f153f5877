"""Helpers for ops that work string by string."""

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import errors


def each(fn: Callable[..., Any], *arrays: Any) -> Any:
    """Applies `fn` to the elements of arrays, broadcast; returns an array of objects."""
    result = np.frompyfunc(fn, len(arrays), 1)(*arrays)
    if isinstance(result, np.ndarray):
        return result
    scalar = np.empty((), object)
    scalar[()] = result
    return scalar


def as_text(value: bytes) -> str:
    """Decodes UTF-8; bytes that are no UTF-8 survive a round trip through `as_bytes`."""
    return value.decode("utf-8", "surrogateescape")


def as_bytes(value: str) -> bytes:
    """Undoes `as_text`."""
    return value.encode("utf-8", "surrogateescape")


def invalid(message: str) -> errors.InvalidArgumentError:
    """Makes the error for an operand that makes no sense."""
    return errors.InvalidArgumentError(None, None, message)
