"""Ops, by family. Loading any of them gives tensors their operators."""

from millstream.ops.math import densify as _densify  # registers a conversion
from millstream.ops.math import operators as _operators  # installs them
from millstream.ops.sparse import operators as _sparse_operators  # and those of SparseTensor
