"""Templates of example data for the contract test: `f[2, 3]` is a float32 array to be made later.

A template is data-free at import time; `make(dtype)` gives the array, in another dtype if wanted,
from a seed that
depends on its shape alone, so that failures repeat.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from millstream.base import dtypes

if TYPE_CHECKING:
    from millstream.base.dtypes import DType


@dataclass(frozen=True)
class Template:
    """An example array: a kind of data, a dtype and a shape.

    Arithmetic on it is applied to the data.
    """

    kind: str
    dtype: DType
    shape: tuple[int, ...]
    scale: float = 1.0
    offset: float = 0.0

    def make(self, dtype: DType | None = None) -> Any:
        """Returns the data as a NumPy array of `dtype` (default: the template's own)."""
        wanted = self.dtype if dtype is None else dtype
        key = zlib.crc32(repr((self.kind, self.shape)).encode())
        rng = np.random.default_rng(key)
        if self.kind == "bool":
            return np.asarray(rng.random(self.shape) < 0.5)
        if self.kind == "int" or wanted.is_integer or wanted.is_quantized:
            low = 0 if wanted.is_unsigned or self.kind == "positive" else -4
            data = rng.integers(low, 5, self.shape) + (self.kind == "positive")
        elif self.kind == "positive":
            data = rng.random(self.shape) + 0.5
        else:
            data = rng.standard_normal(self.shape)
        data = data * self.scale + self.offset
        if wanted.is_complex:
            data = data + 1j * rng.standard_normal(self.shape)
        return np.asarray(data).astype(wanted.np)

    def __rmul__(self, factor: float) -> Template:
        return Template(
            self.kind, self.dtype, self.shape, self.scale * factor, self.offset * factor
        )

    def __add__(self, offset: float) -> Template:
        return Template(self.kind, self.dtype, self.shape, self.scale, self.offset + offset)


class _Maker:
    def __init__(self, kind: str, dtype: DType) -> None:
        self._kind, self._dtype = kind, dtype

    def __getitem__(self, shape: Any) -> Template:
        sizes = cast("tuple[int, ...]", shape if isinstance(shape, tuple) else (shape,))
        return Template(self._kind, self._dtype, sizes)


f = _Maker("real", dtypes.float32)
f64 = _Maker("real", dtypes.float64)
c = _Maker("real", dtypes.complex64)
i = _Maker("int", dtypes.int32)
i64 = _Maker("int", dtypes.int64)
b = _Maker("bool", dtypes.bool_)
pos = _Maker("positive", dtypes.float32)
