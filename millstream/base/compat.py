"""`tf.compat`: conversions between bytes and text, and tuples of number types."""

from __future__ import annotations

import contextlib
import datetime
import numbers
import os
from collections.abc import Generator
from typing import Any

import numpy as np

from millstream.base.export import export, export_constant

integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)

# That of TensorFlow 1.15.5.
_horizon = datetime.date(2019, 8, 21)


@export("compat.as_bytes")
def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Gives text encoded; bytes are given back.

    Raises:
      TypeError: If it is neither.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_text", "compat.as_str")
def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Gives bytes decoded; text is given back.

    Raises:
      TypeError: If it is neither.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


@export("compat.as_str_any")
def as_str_any(value: Any) -> str:
    """Gives bytes decoded and anything else as `str` shows it."""
    return as_text(value) if isinstance(value, bytes) else str(value)


@export("compat.path_to_str")
def path_to_str(path: Any) -> Any:
    """Gives a path object as text; anything else is given back."""
    return as_str_any(path.__fspath__()) if isinstance(path, os.PathLike) else path


@export("compat.forward_compatible")
def forward_compatible(year: int, month: int, day: int) -> bool:
    """Tells whether a change planned for a date is in force: it is if the horizon lies after it."""
    return _horizon > datetime.date(year, month, day)


@export("compat.forward_compatibility_horizon")
@contextlib.contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Generator[None]:
    """Sets the date that `forward_compatible` compares with, within a `with` block."""
    global _horizon
    before, _horizon = _horizon, datetime.date(year, month, day)
    try:
        yield
    finally:
        _horizon = before


for _name in ("integral_types", "real_types", "complex_types", "bytes_or_text_types"):
    export_constant(f"compat.{_name}", globals()[_name])
