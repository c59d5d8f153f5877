"""Ops, by family. Loading any of them gives tensors their operators."""

from millstream.ops.math import densify as _densify  # noqa: F401 - registers a conversion
from millstream.ops.math import operators as _operators  # noqa: F401 - installs them
