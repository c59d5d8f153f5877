"""The discrete cosine transforms of types 1 to 4: `dct`, `idct`."""

import math

from millstream.base.dtypes import Complex64, Float
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.padding import pad
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of
from millstream.ops.signal.fourier import fft, irfft, rfft


def _check(input, type, n, axis, norm):
    if axis != -1:
        raise ValueError("axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if type == 1 and input.shape.as_list()[-1] is not None and input.shape.as_list()[-1] < 2:
        raise ValueError("Type-I DCT requires the dimension to be greater than one.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


@export("signal.dct", "spectral.dct")
def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """Returns the discrete cosine transform of the last dimension.

    Args:
      input: `[…, samples]` float32.
      type: 1, 2, 3 or 4.
      n: the length to which the operand is cut or padded with zeros first.
      axis: -1.
      norm: `None`, or `"ortho"` for an orthonormal transform.
      name: name of the nodes' scope.

    Raises:
      ValueError: for another type or norm.
    """
    with name_scope(name, "dct"):
        x = convert_to_tensor(input, dtype=Float)
        x = _sized(x, n)
        _check(x, type, n, axis, norm)
        size = x.shape.as_list()[-1]
        size = ops.Shape(x)[-1] if size is None else size
        return _TYPES[type](x, size, cast(size, Float), norm)


@export("signal.idct", "spectral.idct")
def idct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """Undoes the discrete cosine transform of the last dimension, up to a factor.

    Args:
      input: `[…, samples]` float32.
      type: 1, 2, 3 or 4: that of the transform to undo.
      n: `None`.
      axis: -1.
      norm: `None`, or `"ortho"` for an orthonormal transform.
      name: name of the nodes' scope.

    Raises:
      ValueError: for another type or norm.
    """
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}.get(type, type), n, axis, norm, name)


def _sized(x, n):
    if n is None:
        return x
    known = x.shape.as_list()[-1]
    cut = x[..., :n]
    if known is not None and known >= n:
        return cut
    missing = ops.Maximum(0, n - ops.Shape(x)[-1]) if known is None else n - known
    rows = [[0, 0]] * (x.shape.ndims - 1) + [[0, missing]]
    padded = pad(cut, convert_to_tensor(rows))
    padded.set_shape([*x.shape.as_list()[:-1], n])
    return padded


def _first(x, size, width, norm):
    del size, width, norm
    return ops.Real(rfft(ops.ConcatV2([x, _reversed(x)], -1)))


def _reversed(x):
    return x[..., -2:0:-1]


def _turns(width, sign):
    """Returns `2 exp(±iπk / 2n)` for each k."""
    angle = sign * range_of(width) * math.pi * 0.5 / width
    return 2.0 * ops.Exp(ops.Complex(ops.ZerosLike(angle), angle))


def _second(x, size, width, norm):
    spectrum = rfft(x, fft_length=[2 * size])[..., :size]
    found = ops.Real(spectrum * _turns(width, -1.0))
    if norm == "ortho":
        scale = 0.5 * ops.Rsqrt(width)
        weights = pad(
            ops.ExpandDims(scale, 0), [[0, size - 1]], constant_values=scale * math.sqrt(2.0)
        )
        found = found * weights
    return found


def _third(x, size, width, norm):
    if norm == "ortho":
        scale = ops.Sqrt(width)
        weights = pad(
            ops.ExpandDims(scale, 0), [[0, size - 1]], constant_values=scale * math.sqrt(0.5)
        )
        x = x * weights
    else:
        x = x * width
    spectrum = _turns(width, 1.0) * ops.Complex(x, ops.ZerosLike(x))
    return irfft(spectrum, fft_length=[2 * size])[..., :size]


def _fourth(x, size, width, norm):
    doubled = ops.ConcatV2([x, ops.ZerosLike(x)], -1)
    at = range_of(2.0 * width)
    before = ops.Exp(ops.Complex(ops.ZerosLike(at), -math.pi * 0.5 * at / width))
    after = ops.Exp(ops.Complex(ops.ZerosLike(at), -math.pi * (2.0 * at + 1.0) * 0.25 / width))
    spectrum = fft(cast(doubled, Complex64) * before) * after
    found = 2.0 * ops.Real(spectrum)[..., :size]
    return found * (math.sqrt(0.5) * ops.Rsqrt(width)) if norm == "ortho" else found


_TYPES = {1: _first, 2: _second, 3: _third, 4: _fourth}
