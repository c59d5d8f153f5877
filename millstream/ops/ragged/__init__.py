"""Ragged tensors: rows of unequal length. Loading any part lets public functions take them."""

from millstream.ops.ragged import dispatch as _dispatch
