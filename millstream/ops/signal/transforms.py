"""The Fourier transforms: FFT, IFFT, RFFT, IRFFT in one to three dimensions, and `Batch…`.

`RFFT` cuts its operand to `fft_length` first and gives the half of the spectrum that the other half
follows from; `IRFFT` goes back.
"""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.spec import (
    Complex64,
    Complex128,
    Float,
    Int32,
    Tensor,
    c,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast

_complex = op(defaults={"Tcomplex": Complex64})
_real = op(static="fft_length")


@_complex
def FFT[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last dimension."""


@_complex
def IFFT[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last dimension back."""


@_complex
def FFT2D[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last two dimensions."""


@_complex
def IFFT2D[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last two dimensions back."""


@_complex
def FFT3D[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last three dimensions."""


@_complex
def IFFT3D[Tcomplex: (Complex64, Complex128)](input: Tensor[Tcomplex]) -> Tensor[Tcomplex]:
    """Transforms the last three dimensions back."""


@op
def BatchFFT(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `FFT`."""


@op
def BatchIFFT(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `IFFT`."""


@op
def BatchFFT2D(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `FFT2D`."""


@op
def BatchIFFT2D(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `IFFT2D`."""


@op
def BatchFFT3D(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `FFT3D`."""


@op
def BatchIFFT3D(input: Tensor[Complex64]) -> Tensor[Complex64]:
    """Is the former name of `IFFT3D`."""


@_real
def RFFT(input: Tensor[Float], fft_length: Tensor[Int32]) -> Tensor[Complex64]:
    """Gives the first half of the spectrum of real numbers, along the last dimension."""


@_real
def RFFT2D(input: Tensor[Float], fft_length: Tensor[Int32]) -> Tensor[Complex64]:
    """Gives half of the spectrum of real numbers, along the last two dimensions."""


@_real
def RFFT3D(input: Tensor[Float], fft_length: Tensor[Int32]) -> Tensor[Complex64]:
    """Gives half of the spectrum of real numbers, along the last three dimensions."""


@_real
def IRFFT(input: Tensor[Complex64], fft_length: Tensor[Int32]) -> Tensor[Float]:
    """Gives the real numbers that half a spectrum belongs to, along the last dimension."""


@_real
def IRFFT2D(input: Tensor[Complex64], fft_length: Tensor[Int32]) -> Tensor[Float]:
    """Gives the real numbers that half a spectrum belongs to, along the last two dimensions."""


@_real
def IRFFT3D(input: Tensor[Complex64], fft_length: Tensor[Int32]) -> Tensor[Float]:
    """Gives the real numbers that half a spectrum belongs to, along the last three dimensions."""


def _axes(rank):
    return tuple(range(-rank, 0))


def _size(tensor, rank):
    """Returns the number of elements of the last dimensions, in the type of the tensor."""
    shape = ops.Shape(tensor)
    return cast(ops.Prod(shape[-rank:], 0), tensor.dtype)


def _hang_complex(opdef, inverse, rank, gradient_of):
    leaf = "ifftn" if inverse else "fftn"

    def kernel(input):
        return getattr(jnp.fft, leaf)(input, axes=_axes(rank)).astype(input.dtype)

    def reference(input):
        if 0 in input.shape[-rank:]:
            return np.array(input)
        return getattr(np.fft, leaf)(input, axes=_axes(rank)).astype(input.dtype)

    def gradient(node, dy):
        (x,) = node.inputs
        other = ops.__getattr__(gradient_of)(dy)
        count = _size(x, rank)
        return [other / count if inverse else other * count]

    opdef.shape(lambda input: input.with_rank_at_least(rank))
    opdef.kernel(kernel)
    opdef.reference(reference)
    opdef.examples(c[(2, 3, 4)[-rank:]]).examples(c[2, 2, 3, 4])
    opdef.fails("rank", c[()])
    if opdef.name.startswith("Batch"):
        opdef.no_gradient("TensorFlow 1 defines none")
    else:
        opdef.gradient(gradient)


for _rank, _forward, _back in ((1, FFT, IFFT), (2, FFT2D, IFFT2D), (3, FFT3D, IFFT3D)):
    _hang_complex(_forward, False, _rank, _back.name)
    _hang_complex(_back, True, _rank, _forward.name)
for _rank, _forward, _back in (
    *((1, BatchFFT, BatchIFFT), (2, BatchFFT2D, BatchIFFT2D)),
    (3, BatchFFT3D, BatchIFFT3D),
):
    _hang_complex(_forward, False, _rank, "")
    _hang_complex(_back, True, _rank, "")


# -- real numbers


def _lengths(fft_length, rank):
    """Returns the lengths of a transform.

    Raises:
      InvalidArgumentError: if there are not as many as dimensions, or one is not positive.
    """
    sizes = [int(d) for d in np.ravel(fft_length)]
    if len(sizes) != rank or np.ndim(fft_length) != 1:
        raise errors.InvalidArgumentError(
            None, None, f"fft_length must have shape [{rank}], got {list(np.shape(fft_length))}"
        )
    if min(sizes) < 0:
        raise errors.InvalidArgumentError(
            None, None, f"fft_length must not be negative, got {sizes}"
        )
    return sizes


def _cut(input, lengths):
    """Cuts the last dimensions.

    Raises:
      InvalidArgumentError: if one is too short.
    """
    rank = len(lengths)
    if input.ndim < rank:
        raise errors.InvalidArgumentError(
            None, None, f"Input must have rank of at least {rank} but got: {list(input.shape)}"
        )
    for axis, length in enumerate(lengths, input.ndim - rank):
        # An empty result needs no input.
        if input.shape[axis] < length and 0 not in lengths:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Input dimension {axis} must have length of at least {length} but got: "
                f"{input.shape[axis]}",
            )
    return input[(..., *(slice(0, length) for length in lengths))]


def _half(lengths):
    return [*lengths[:-1], lengths[-1] // 2 + 1 if lengths[-1] else 0]


def _real_shape(rank, inverse):
    def shape(input, fft_length, fft_length_value):
        input = input.with_rank_at_least(rank)
        fft_length.with_rank(1)
        if input.ndims is None:
            return None
        if fft_length_value is None:
            return input[:-rank].concatenate(TensorShape([None] * rank))
        lengths = _lengths(fft_length_value, rank)
        return input[:-rank].concatenate(TensorShape(lengths if inverse else _half(lengths)))

    return shape


def _hang_real(opdef, rank):
    def run(xp, input, lengths):
        if 0 in lengths or 0 in input.shape:
            return xp.zeros((*input.shape[:-rank], *_half(lengths)), np.complex64)
        cut = _cut(input, lengths)
        return xp.fft.rfftn(cut, axes=_axes(rank)).astype(np.complex64)

    def gradient(node, dy):
        x, length = node.inputs
        total = cast(ops.Prod(length, 0), dy.dtype)
        full = _widened(dy, length, rank)
        dx = ops.Real(_transform_back(full, rank) * total)
        return [_widened(dx, ops.Shape(x)[-rank:], rank), None]

    opdef.shape(_real_shape(rank, inverse=False))
    opdef.kernel(lambda input, fft_length: run(jnp, input, _lengths(fft_length, rank)))
    opdef.reference(lambda input, fft_length: run(np, input, _lengths(fft_length, rank)))
    opdef.gradient(gradient)
    opdef.examples(f[2, 3, 4, 6], np.array([2, 3, 6][-rank:], np.int32))
    opdef.examples(f[2, 3, 4, 6], np.array([3, 2, 5][-rank:], np.int32))
    opdef.fails("length of at least", f[2, 3, 4, 6], np.array([2, 3, 8][-rank:], np.int32))


def _hang_inverse(opdef, rank):
    def run(xp, input, lengths):
        if 0 in lengths or 0 in input.shape:
            return xp.zeros((*input.shape[:-rank], *lengths), np.float32)
        cut = _cut(input, _half(lengths))
        if rank > 1:
            cut = xp.fft.ifftn(cut, axes=_axes(rank)[:-1])
        return xp.fft.irfft(cut, n=lengths[-1], axis=-1).astype(np.float32)

    def gradient(node, dy):
        x, length = node.inputs
        forward = getattr(ops, f"RFFT{'' if rank == 1 else f'{rank}D'}")
        dx = forward(dy, length)
        total = cast(ops.Prod(length, 0), dx.dtype)
        dx = dx * _weights(length[-1], dx.dtype) / total
        return [_widened(dx, ops.Shape(x)[-rank:], rank), None]

    opdef.shape(_real_shape(rank, inverse=True))
    opdef.kernel(lambda input, fft_length: run(jnp, input, _lengths(fft_length, rank)))
    opdef.reference(lambda input, fft_length: run(np, input, _lengths(fft_length, rank)))
    opdef.gradient(gradient)
    opdef.examples(c[2, 3, 4, 4], np.array([2, 3, 6][-rank:], np.int32))
    opdef.examples(c[2, 3, 4, 4], np.array([3, 4, 5][-rank:], np.int32))
    opdef.fails("length of at least", c[2, 3, 4, 4], np.array([2, 3, 8][-rank:], np.int32))


def _transform_back(x, rank):
    return getattr(ops, f"IFFT{'' if rank == 1 else f'{rank}D'}")(x)


def _widened(x, sizes, rank):
    """Pads the last dimensions with zeros to `sizes`."""
    shape = ops.Shape(x)
    missing = sizes - shape[-rank:]
    zeros = ops.ZerosLike(shape)
    lead = ops.ConcatV2([zeros[:-rank], missing], 0)
    return ops.Pad(x, ops.Pack([zeros, lead], axis=1))


def _weights(length, dtype):
    """Tells how often each element of half a spectrum occurs in the whole one: once or twice."""
    count = length // 2 + 1
    at = ops.Range(0, count, 1)
    twice = ops.Minimum(at, length - 2 * at)
    return cast(1 + ops.Minimum(twice, 1), dtype)


for _rank, _opdef in ((1, RFFT), (2, RFFT2D), (3, RFFT3D)):
    _hang_real(_opdef, _rank)
for _rank, _opdef in ((1, IRFFT), (2, IRFFT2D), (3, IRFFT3D)):
    _hang_inverse(_opdef, _rank)
