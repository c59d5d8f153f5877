"""Complex numbers: their parts, conjugates, absolute values and angles."""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    Complex64,
    Complex128,
    Double,
    Float,
    Returns,
    Tensor,
    Type,
    Variant,
    c,
    f,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.math._tables import Unbroadcast, broadcast_shape

__all__ = ["Angle", "Complex", "ComplexAbs", "Conj", "Imag", "Real"]
__all__ += ["angle", "complex", "conj", "imag", "make_complex", "real", "with_zero_imag"]

Part = Type[Float, Double]


@op(defaults={"T": Float})
def Complex[T: (Float, Double)](
    real: Tensor[T], imag: Tensor[T], *, Tout: Type[Complex64, Complex128] = Complex64
) -> Returns(out=Tensor["Tout"]):
    """Makes complex numbers of real and imaginary parts, which broadcast."""


@Complex.shape
def _(real, imag):
    return broadcast_shape(real, imag)


@Complex.kernel
def _(real, imag, Tout):
    return lax.complex(*jnp.broadcast_arrays(real, imag)).astype(Tout.np)


@Complex.reference
def _(real, imag, Tout):
    # `real + 1j * imag` would make NaN of infinite parts.
    out = np.empty(np.broadcast(real, imag).shape, Tout.np)
    out.real, out.imag = real, imag
    return out


@Complex.gradient
def _(node, dz):
    back = Unbroadcast(*node.inputs)
    return [back.x(real(dz)), back.y(imag(dz))]


Complex.examples(f[2, 3], f[3]).examples(f[()], f[2])
Complex.fails("Dimensions must be equal", f[2], f[3])


def _part_op(opdef: Any, kernel: Any, reference: Any) -> None:
    """Hangs shape, kernel and reference on an op that gives one real number per complex one."""
    opdef.shape_unchanged()
    name = opdef.inputs[0].name
    rules = {
        "input": (lambda input, Tout: kernel(input).astype(Tout.np),
                  lambda input, Tout: reference(input).astype(Tout.np)),
        "x": (lambda x, Tout: kernel(x).astype(Tout.np),
              lambda x, Tout: reference(x).astype(Tout.np)),
    }  # fmt: skip
    opdef.kernel(rules[name][0])
    opdef.reference(rules[name][1])
    opdef.examples(c[2, 3]).examples(c[()])


@op(defaults={"T": Complex64})
def Real[T: (Complex64, Complex128)](input: Tensor[T], *, Tout: Part = Float) -> Tensor["Tout"]:
    """Takes the real part of each element."""


@Real.gradient
def _(node, dy):
    return with_zero_imag(dy)


_part_op(Real, lambda x: x.real, lambda x: x.real)


@op(defaults={"T": Complex64})
def Imag[T: (Complex64, Complex128)](input: Tensor[T], *, Tout: Part = Float) -> Tensor["Tout"]:
    """Takes the imaginary part of each element."""


@Imag.gradient
def _(node, dy):
    return make_complex(np.zeros((), dy.dtype.base_dtype.np), dy)


_part_op(Imag, lambda x: x.imag, lambda x: x.imag)


@op(defaults={"T": Complex64})
def Angle[T: (Complex64, Complex128)](input: Tensor[T], *, Tout: Part = Float) -> Tensor["Tout"]:
    """Computes the argument of each element, in radians from -pi to pi."""


@Angle.gradient
def _(node, dy):
    z = node.inputs[0]
    return -with_zero_imag(dy) * ops.Reciprocal(make_complex(imag(z), real(z)))


_part_op(Angle, lambda x: jnp.angle(x), np.angle)


@op(defaults={"T": Complex64})
def ComplexAbs[T: (Complex64, Complex128)](x: Tensor[T], *, Tout: Part = Float) -> Returns(
    y=Tensor["Tout"]
):
    """Computes the absolute value of each complex element."""


@ComplexAbs.gradient
def _(node, dy):
    return with_zero_imag(dy) * ops.Sign(node.inputs[0])


_part_op(ComplexAbs, lambda x: jnp.abs(x), np.absolute)


@op(defaults={"T": Complex64})
def Conj[T: (Complex64, Complex128, Variant)](input: Tensor[T]) -> Tensor[T]:
    """Computes the complex conjugate of each element."""


Conj.shape_unchanged()


@Conj.kernel
def _(input):
    return jnp.conj(input)


@Conj.reference
def _(input):
    return np.conjugate(input)


@Conj.gradient
def _(node, dy):
    return conj(dy)


Conj.examples(c[2, 3])


def make_complex(real: Any, imag: Any) -> Any:
    """Adds a `Complex` node whose type suits that of the parts, one of which may be an array."""
    wide = (real if isinstance(imag, np.ndarray) else imag).dtype == dtypes.float64
    # Arrays would be converted to the default of `T`, which is float32.
    tout = dtypes.complex128 if wide else dtypes.complex64
    return Complex(to_tensor(real), to_tensor(imag), Tout=tout)


def with_zero_imag(x: Any) -> Any:
    """Adds a `Complex` node that makes real numbers complex."""
    return make_complex(x, np.zeros((), x.dtype.base_dtype.np))


@export("complex", "dtypes.complex")
def complex(real: Any, imag: Any, name: Any = None) -> Any:
    """Makes complex numbers of real and imaginary parts.

    Args:
      real: `float32` or `float64`.
      imag: the same type, of a shape that broadcasts.
      name: name for the node.

    Returns:
      A tensor of `complex64` or `complex128`.

    Raises:
      TypeError: if the parts have other types, or differ.
    """
    real, imag = to_tensor(real, name="real"), to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        types = real.dtype.base_dtype, imag.dtype.base_dtype
        if types == (dtypes.float64, dtypes.float64):
            out = dtypes.complex128
        elif types == (dtypes.float32, dtypes.float32):
            out = dtypes.complex64
        else:
            raise TypeError(
                f"real and imag have incorrect types: {real.dtype.name} {imag.dtype.name}"
            )
        return Complex(real, imag, Tout=out, name=scope)


def _part(opdef: Any, x: Any, name: Any, of_real: Any) -> Any:
    with name_scope(name, opdef.name, [x]) as scope:
        x = to_tensor(x, name="input")
        if not x.dtype.is_complex:
            return of_real(x)
        return opdef(x, Tout=x.dtype.real_dtype.base_dtype, name=scope)


@export("real", "math.real")
def real(input: Any, name: Any = None) -> Any:
    """Takes the real part of each element; a real tensor is returned as it is.

    Args:
      input: a numeric tensor.
      name: name for the node.

    Returns:
      A tensor of `float32` for `complex64`, `float64` for `complex128`.
    """
    return _part(Real, input, name, lambda x: x)


@export("imag", "math.imag")
def imag(input: Any, name: Any = None) -> Any:
    """Takes the imaginary part of each element; zeros for a real tensor.

    Args:
      input: a numeric tensor.
      name: name for the node.

    Returns:
      A tensor of `float32` for `complex64`, `float64` for `complex128`.
    """
    return _part(Imag, input, name, _zeros_like)


@export("angle", "math.angle")
def angle(input: Any, name: Any = None) -> Any:
    """Computes the argument of each element, in radians; zeros for a real tensor.

    Args:
      input: a numeric tensor.
      name: name for the node.

    Returns:
      A tensor of `float32` for `complex64`, `float64` for `complex128`.
    """
    return _part(Angle, input, name, _zeros_like)


def _zeros_like(x: Any) -> Any:
    if x.shape.is_fully_defined():
        return to_tensor(np.zeros(x.shape.as_list(), x.dtype.base_dtype.np), name="zeros_like")
    return ops.ZerosLike(x, name="zeros_like")


@export("conj", "math.conj")
def conj(x: Any, name: Any = None) -> Any:
    """Computes the complex conjugate of each element; a real tensor is returned as it is.

    Args:
      x: a numeric tensor.
      name: name for the node.

    Returns:
      A tensor of the same type.

    Raises:
      TypeError: if `x` is not numeric.
    """
    if getattr(getattr(x, "dtype", None), "is_floating", False) and hasattr(x, "op"):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype.base_dtype is dtypes.variant:
            return Conj(x, name=scope)
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}")
