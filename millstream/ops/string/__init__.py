"""Ops on strings."""

from millstream.ops.string.joining import string_join
from millstream.ops.string.numbers import as_string

__all__ = ["as_string", "string_join"]
