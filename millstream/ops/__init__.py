"""Ops, by family. Loading any of them gives tensors their operators."""

from millstream.ops.math import operators as _operators  # noqa: F401 - installs them
