"""Elementwise arithmetic of two operands that broadcast: `AddV2`, `Mul`, `FloorMod`, `Pow`, …"""

from typing import Any

import numpy as np

from millstream.base.dtypes import (
    BFloat16,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    String,
    UInt8,
    UInt16,
)
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp, lax
from millstream.ir.spec import f, i, pos
from millstream.ops.by_name import ops
from millstream.ops.math._tables import (
    FLOATS,
    INTS,
    ByType,
    Checked,
    binary,
    both,
    integer_or,
)
from millstream.ops.math.complex_numbers import conj

_SUMMABLE = (*FLOATS, UInt8, Int8, Int16, Int32, Int64, Complex64, Complex128)
_ARITHMETIC = (*FLOATS, UInt8, Int8, UInt16, Int16, Int32, Int64, Complex64, Complex128)
_NO_NAN = (Half, Float, Double, Complex64, Complex128)
_REAL = (*FLOATS, *INTS)


# -- sums and products


def _joined(x: Any, y: Any) -> Any:
    return np.asarray(np.add(x, y), object)


_ADD = ByType(lambda dtype: _joined if dtype is String else np.add)
_ADD_GRADIENT = both(lambda dz, x, y, z: dz, lambda dz, x, y, z: dz)

Add = binary(
    "Add", (*_SUMMABLE, String), "add", _ADD, _ADD_GRADIENT,
    "Adds two tensors; joins strings.",
)  # fmt: skip
AddV2 = binary("AddV2", _SUMMABLE, "add", np.add, _ADD_GRADIENT, "Adds two tensors.")
Sub = binary(
    "Sub", _ARITHMETIC, "subtract", np.subtract,
    both(lambda dz, x, y, z: dz, lambda dz, x, y, z: -dz),
    "Subtracts the second tensor from the first.",
)  # fmt: skip
Mul = binary(
    "Mul", _ARITHMETIC, "multiply", np.multiply,
    both(lambda dz, x, y, z: Mul(dz, conj(y)), lambda dz, x, y, z: Mul(conj(x), dz)),
    "Multiplies two tensors.",
)  # fmt: skip


def _square_kernel(x: Any, y: Any) -> Any:
    return jnp.square(x - y)


def _square_reference(x: Any, y: Any) -> Any:
    return np.square(np.subtract(x, y))


def _absolute_square(xp: Any) -> Any:
    def rule(x: Any, y: Any) -> Any:
        difference = xp().subtract(x, y)
        return xp().conj(difference) * difference

    return rule


SquaredDifference = binary(
    "SquaredDifference", (*_REAL, Complex64, Complex128),
    ByType(lambda dtype: _absolute_square(lambda: jnp) if dtype.is_complex else _square_kernel),
    ByType(lambda dtype: _absolute_square(lambda: np) if dtype.is_complex else _square_reference),
    both(lambda dz, x, y, z: 2 * dz * (x - y), lambda dz, x, y, z: -2 * dz * (x - y)),
    "Squares the difference of two tensors.",
)  # fmt: skip


# -- quotients


def _no_nan(xp: Any, combine: Any, zero: Any) -> Any:
    """Makes a rule that gives 0 where an operand is 0, whatever the other is."""

    def rule(x: Any, y: Any) -> Any:
        z = combine(x, y)
        return xp().where(zero(x, y) == 0, z.dtype.type(0), z)

    return rule


def _no_nan_rules(kernel: Any, reference: Any, zero: Any) -> tuple[Any, Any]:
    return _no_nan(lambda: jnp, kernel, zero), _no_nan(lambda: np, reference, zero)


MulNoNan = binary(
    "MulNoNan", _NO_NAN, *_no_nan_rules(lambda x, y: x * y, np.multiply, lambda x, y: y),
    both(lambda dz, x, y, z: MulNoNan(dz, y), lambda dz, x, y, z: MulNoNan(x, dz)),
    "Multiplies two tensors; gives 0 where the second is 0, even if the first is not finite.",
)  # fmt: skip
DivNoNan = binary(
    "DivNoNan", _NO_NAN, *_no_nan_rules(lambda x, y: x / y, np.divide, lambda x, y: y),
    both(
        lambda dz, x, y, z: DivNoNan(dz, y),
        lambda dz, x, y, z: dz * DivNoNan(DivNoNan(-x, y), y),
    ),
    "Divides the first tensor by the second; gives 0 where the second is 0.",
)  # fmt: skip


def _nonzero(x: Any) -> Any:
    zero = np.zeros((), x.dtype.base_dtype.np)
    return ops.Cast(ops.NotEqual(x, zero), DstT=x.dtype.base_dtype)


Xdivy = binary(
    "Xdivy", _NO_NAN, *_no_nan_rules(lambda x, y: x / y, np.divide, lambda x, y: x),
    both(
        lambda dz, x, y, z: Xdivy(_nonzero(x), y) * dz,
        lambda dz, x, y, z: Xdivy(-x, ops.Square(y)) * dz,
    ),
    "Divides the first tensor by the second; gives 0 where the first is 0.",
)  # fmt: skip
Xlogy = binary(
    "Xlogy", _NO_NAN,
    *_no_nan_rules(lambda x, y: x * jnp.log(y), lambda x, y: x * np.log(y), lambda x, y: x),
    both(
        lambda dz, x, y, z: Xlogy(_nonzero(x), y) * dz,
        lambda dz, x, y, z: Xdivy(x, y) * dz,
    ),
    "Multiplies the first tensor by the logarithm of the second; gives 0 where the first is 0.",
    examples=(f[2, 3], pos[3]),
)  # fmt: skip

_BY_ZERO = "Integer division by zero"


def _checked_kernel(fn: Any) -> Checked:
    def kernel(x: Any, y: Any, check: Any) -> Any:
        check(jnp.all(y != 0), lambda: _BY_ZERO)
        x, y = jnp.broadcast_arrays(x, y)
        return fn(x, jnp.where(y == 0, y.dtype.type(1), y))

    return Checked(kernel)


def _checked_reference(fn: Any) -> Any:
    def reference(x: Any, y: Any) -> Any:
        if not y.all():
            raise InvalidArgumentError(None, None, _BY_ZERO)
        return fn(x, y)

    return reference


def _cut(x: Any, y: Any) -> Any:
    """Divides integers, rounding towards zero."""
    return np.floor_divide(np.subtract(x, np.fmod(x, y)), y)


_DIVIDE: Any = (
    integer_or(_checked_kernel(lambda x, y: lax.div(x, y)), "divide"),
    integer_or(_checked_reference(_cut), np.divide),
)


def _quotient_gradient(name: str) -> Any:
    def divide(x: Any, y: Any) -> Any:
        return getattr(ops, name)(x, y)

    return both(
        lambda dz, x, y, z: divide(dz, conj(y)),
        lambda dz, x, y, z: dz * divide(divide(-conj(x), conj(y)), conj(y)),
    )


_DIVISORS = (f[2, 3], pos[3] + 1)
Div = binary(
    "Div", _ARITHMETIC, *_DIVIDE, _quotient_gradient("Div"),
    "Divides as C does: integers are rounded towards zero.", examples=_DIVISORS,
)  # fmt: skip
RealDiv = binary(
    "RealDiv", _ARITHMETIC, *_DIVIDE, _quotient_gradient("RealDiv"),
    "Divides the first tensor by the second.", examples=_DIVISORS,
)  # fmt: skip
TruncateDiv = binary(
    "TruncateDiv", _ARITHMETIC, *_DIVIDE, "constant almost everywhere",
    "Divides integers, rounding towards zero.", examples=_DIVISORS,
)  # fmt: skip


def _floor_kernel(x: Any, y: Any) -> Any:
    quotient = x / y
    return quotient if quotient.dtype.kind == "c" else jnp.floor(quotient)


def _floor_reference(x: Any, y: Any) -> Any:
    # `np.floor_divide` rounds the exact quotient, TensorFlow the rounded one: 1 // 0.1 is 10.
    quotient = np.divide(x, y)
    return quotient if quotient.dtype.kind == "c" else np.floor(quotient)


FloorDiv = binary(
    "FloorDiv", _ARITHMETIC,
    integer_or(_checked_kernel(lambda x, y: jnp.floor_divide(x, y)), _floor_kernel),
    integer_or(_checked_reference(np.floor_divide), _floor_reference),
    "constant almost everywhere",
    "Divides and rounds down.", examples=_DIVISORS,
)  # fmt: skip
FloorMod = binary(
    "FloorMod", _REAL,
    integer_or(_checked_kernel(lambda x, y: jnp.remainder(x, y)), "remainder"),
    integer_or(_checked_reference(np.remainder), np.remainder),
    both(lambda dz, x, y, z: dz, lambda dz, x, y, z: dz * -FloorDiv(x, y)),
    "Computes the rest of a division rounded down, which has the sign of the divisor.",
    examples=_DIVISORS,
)  # fmt: skip

_REST: Any = (
    (Int32, Int64, BFloat16, Half, Float, Double),
    integer_or(_checked_kernel(lambda x, y: lax.rem(x, y)), "fmod"),
    integer_or(_checked_reference(np.fmod), np.fmod),
    "TensorFlow defines none",
    "Computes the rest of a division rounded towards zero, which has the sign of the dividend.",
)
Mod = binary("Mod", *_REST, examples=_DIVISORS)
TruncateMod = binary("TruncateMod", *_REST, examples=_DIVISORS)
for _op in (Div, TruncateDiv, FloorDiv, FloorMod, Mod, TruncateMod):
    _op.examples(i[2, 3], np.array([3, -3, 2], np.int32), T=Int32)
    _op.fails(_BY_ZERO, np.array([1, 2], np.int32), np.array([1, 0], np.int32))


# -- powers


_NEGATIVE_POWER = "Integers to negative integer powers are not allowed"


def _pow_kernel(x: Any, y: Any, check: Any) -> Any:
    check(jnp.all(y >= 0), lambda: _NEGATIVE_POWER)
    return jnp.power(x, jnp.maximum(y, 0))


def _pow_integers(x: Any, y: Any) -> Any:
    if np.less(y, 0).any():
        raise InvalidArgumentError(None, None, _NEGATIVE_POWER)
    return np.power(x, y)


def _pow_reference(x: Any, y: Any) -> Any:
    # The general power is ten times slower than a product or a root.
    if not y.shape and x.dtype.kind == "f":
        if y == 2:
            return np.square(x)
        if y == 0.5:
            return np.sqrt(x)
    return np.power(x, y)


def _pow_log(dz: Any, x: Any, z: Any) -> Any:
    """Computes `dz * z * log(x)`, 0 where the logarithm of `x` is not defined."""
    zero = np.zeros((), x.dtype.base_dtype.np)
    known = ops.NotEqual(x, zero) if x.dtype.is_complex else ops.Greater(x, zero)
    safe = ops.Log(ops.Select(known, x, ops.OnesLike(x)))
    return dz * conj(z) * conj(ops.Select(known, safe, ops.ZerosLike(x)))


Pow = binary(
    "Pow", (*_REAL, Complex64, Complex128),
    integer_or(Checked(_pow_kernel), "power"), integer_or(_pow_integers, _pow_reference),
    both(
        lambda dz, x, y, z: dz * conj(y) * Pow(conj(x), conj(y) - 1),
        lambda dz, x, y, z: _pow_log(dz, x, z),
    ),
    "Raises the first tensor to the power of the second.",
    examples=(pos[2, 3], 0.5 * pos[3]),
)  # fmt: skip
Pow.examples(i[2, 3], np.array([3, 0, 2], np.int32), T=Int32).examples(pos[4], 2.0).examples(
    pos[4], 0.5
)
Pow.fails(_NEGATIVE_POWER, np.array([2], np.int32), np.array([-1], np.int32))


# -- extremes


def _larger(dz: Any, compare: str, x: Any, y: Any, first: bool) -> Any:
    mask, zeros = getattr(ops, compare)(x, y), ops.ZerosLike(dz)
    return ops.Select(mask, dz, zeros) if first else ops.Select(mask, zeros, dz)


def _extreme_gradient(compare: str) -> Any:
    return both(
        lambda dz, x, y, z: _larger(dz, compare, x, y, True),
        lambda dz, x, y, z: _larger(dz, compare, x, y, False),
    )


# A NaN in the first operand wins, one in the second loses, as in TensorFlow.
Maximum = binary(
    "Maximum", _REAL, integer_or("maximum", lambda x, y: jnp.where(x < y, y, x)),
    integer_or(np.maximum, lambda x, y: np.where(x < y, y, x)),
    _extreme_gradient("GreaterEqual"),
    "Takes the larger of two tensors' elements.", examples=(f[2, 3], f[3]),
)  # fmt: skip
Minimum = binary(
    "Minimum", _REAL, integer_or("minimum", lambda x, y: jnp.where(y < x, y, x)),
    integer_or(np.minimum, lambda x, y: np.where(y < x, y, x)),
    _extreme_gradient("LessEqual"),
    "Takes the smaller of two tensors' elements.", examples=(f[2, 3], f[3]),
)  # fmt: skip


# -- others


def _over_square_radius(dz: Any, y: Any, x: Any) -> Any:
    return dz / (ops.Square(x) + ops.Square(y))


Atan2 = binary(
    "Atan2", FLOATS, "arctan2", np.arctan2,
    both(
        lambda dz, y, x, z: x * _over_square_radius(dz, y, x),
        lambda dz, y, x, z: -y * _over_square_radius(dz, y, x),
    ),
    "Computes the angle of the point (x, y), in radians from -pi to pi.",
    names=("y", "x", "z"), examples=(f[2, 3], pos[3]),
)  # fmt: skip


NextAfter = binary(
    "NextAfter", (Double, Float), "nextafter", np.nextafter,
    both(
        lambda dz, x, y, z: dz * ops.OnesLike(z),
        lambda dz, x, y, z: ops.ZerosLike(z),
    ),
    "Gives the next representable number from the first towards the second.",
    names=("x1", "x2", "output"),
)  # fmt: skip

__all__ = [
    *("Add", "AddV2", "Atan2", "Div", "DivNoNan", "FloorDiv", "FloorMod", "Maximum", "Minimum"),
    *("Mod", "Mul", "MulNoNan", "NextAfter", "Pow", "RealDiv", "SquaredDifference", "Sub"),
    *("TruncateDiv", "TruncateMod", "Xdivy", "Xlogy"),
]
