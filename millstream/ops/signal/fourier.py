"""`tf.signal.fft` and its kin, `fftshift`."""

from millstream.base.dtypes import Complex64, Float, Int32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array.padding import pad
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.signal import transforms


def _complex(opdef, leaf, what):
    def transform(input, name=None):
        return opdef(input, name=name)

    transform.__name__ = transform.__qualname__ = leaf
    transform.__doc__ = f"""{what}

    Args:
      input: complex64 or complex128.
      name: name of the node.
    """
    return export(leaf, f"signal.{leaf}", f"spectral.{leaf}")(transform)


fft = _complex(transforms.FFT, "fft", "Returns the Fourier transform of the last dimension.")
ifft = _complex(transforms.IFFT, "ifft", "Undoes the Fourier transform of the last dimension.")
fft2d = _complex(
    transforms.FFT2D, "fft2d", "Returns the Fourier transform of the last two dimensions."
)
ifft2d = _complex(
    transforms.IFFT2D, "ifft2d", "Undoes the Fourier transform of the last two dimensions."
)
fft3d = _complex(
    transforms.FFT3D, "fft3d", "Returns the Fourier transform of the last three dimensions."
)
ifft3d = _complex(
    transforms.IFFT3D, "ifft3d", "Undoes the Fourier transform of the last three dimensions."
)


def _real(opdef, leaf, rank, what):
    inverse = leaf.startswith("i")

    def transform(input_tensor, fft_length=None, name=None):
        with name_scope(name, leaf, [input_tensor, fft_length]) as scope:
            kind = Complex64 if inverse else Float
            x = convert_to_tensor(input_tensor, dtype_hint=kind)
            x.shape.with_rank_at_least(rank)
            if fft_length is None:
                fft_length = _natural_length(x, rank, inverse)
            else:
                fft_length = convert_to_tensor(fft_length, Int32)
            return opdef(_padded(x, fft_length, rank, inverse), fft_length, name=scope)

    transform.__name__ = transform.__qualname__ = leaf
    transform.__doc__ = f"""{what}

    Args:
      input_tensor: {"complex64" if inverse else "float32"}.
      fft_length: `[{rank}]` lengths to which the operand is cut or padded with zeros.
      name: name of the nodes.
    """
    return export(f"signal.{leaf}", f"spectral.{leaf}")(transform)


def _natural_length(x, rank, inverse):
    """Returns the lengths of a transform that neither cuts nor pads."""
    sizes = x.shape[-rank:] if x.shape.ndims is not None else None
    if sizes is not None and sizes.is_fully_defined():
        lengths = sizes.as_list()
        if inverse:
            lengths[-1] = max(0, 2 * (lengths[-1] - 1))
        return constant(lengths, Int32)
    length = shape(x)[-rank:]
    if inverse:
        last = ops.Maximum(0, 2 * (length[-1:] - 1))
        length = ops.ConcatV2([length[:-1], last], 0)
    return length


def _padded(x, fft_length, rank, inverse):
    """Pads what is too short with zeros; the op itself cuts what is too long."""
    known = constant_value(fft_length)
    if known is None or x.shape.ndims is None:
        needed = fft_length
        if inverse:
            needed = ops.ConcatV2([fft_length[:-1], fft_length[-1:] // 2 + 1], 0)
        missing = ops.Maximum(0, needed - shape(x)[-rank:])
        zeros = ops.ZerosLike(shape(x))
        return pad(x, ops.Pack([zeros, ops.ConcatV2([zeros[:-rank], missing], 0)], axis=1))
    lengths = [int(n) for n in known]
    if inverse:
        lengths[-1] = lengths[-1] // 2 + 1
    sizes = x.shape.as_list()[-rank:]
    if None in sizes:
        missing = ops.Maximum(0, constant(lengths, Int32) - shape(x)[-rank:])
        zeros = ops.ZerosLike(shape(x))
        return pad(x, ops.Pack([zeros, ops.ConcatV2([zeros[:-rank], missing], 0)], axis=1))
    if all(size >= length for size, length in zip(sizes, lengths, strict=True)):
        return x
    more = [[0, max(length - size, 0)] for size, length in zip(sizes, lengths, strict=True)]
    return pad(x, [[0, 0]] * (x.shape.ndims - rank) + more)


_HALF = "the half of the Fourier transform of real numbers that the other follows from"
rfft = _real(transforms.RFFT, "rfft", 1, f"Returns {_HALF}.")
rfft2d = _real(transforms.RFFT2D, "rfft2d", 2, f"Returns {_HALF}, in 2D.")
rfft3d = _real(transforms.RFFT3D, "rfft3d", 3, f"Returns {_HALF}, in 3D.")
irfft = _real(transforms.IRFFT, "irfft", 1, "Returns the real numbers that `rfft` had.")
irfft2d = _real(transforms.IRFFT2D, "irfft2d", 2, "Returns the real numbers that `rfft2d` had.")
irfft3d = _real(transforms.IRFFT3D, "irfft3d", 3, "Returns the real numbers that `rfft3d` had.")


@export("signal.fftshift")
def fftshift(x, axes=None, name=None):
    """Moves frequency zero to the middle of a spectrum.

    Args:
      x: a spectrum.
      axes: the axes to shift; all by default.
      name: name of the nodes' scope.
    """
    return _shifted(x, axes, name, "fftshift", lambda size: size // 2)


@export("signal.ifftshift")
def ifftshift(x, axes=None, name=None):
    """Undoes `fftshift`.

    Args:
      x: a spectrum.
      axes: the axes to shift; all by default.
      name: name of the nodes' scope.
    """
    return _shifted(x, axes, name, "ifftshift", lambda size: -(size // 2))


def _shifted(x, axes, name, default_name, shift):
    with name_scope(name, default_name):
        x = convert_to_tensor(x)
        sizes = shape(x)
        if axes is None:
            axes = tuple(range(x.shape.ndims))
        if isinstance(axes, int):
            return ops.Roll(x, shift(sizes[axes]), axes)
        shifts = ops.Pack([shift(sizes[axis]) for axis in axes])
        return ops.Roll(x, shifts, list(axes))
