"""Ops, by family. Loading any of them gives tensors their operators."""

from millstream.ops.math import densify as _densify  # registers a conversion
from millstream.ops.math import operators as _operators  # installs them
