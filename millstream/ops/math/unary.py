"""Elementwise ops of one operand, such as `Exp`, and the functions that make them."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Bool, Int8, Int16
from millstream.base.lazy import LazyModule, jax, jnp, lax
from millstream.ir.spec import pos
from millstream.ops.by_name import ops
from millstream.ops.math._tables import (
    FLOATS,
    INEXACT,
    INTS,
    ByType,
    gradient_op,
    integer_or,
    unary,
    widened,
)
from millstream.ops.math.cast import to_integers
from millstream.ops.math.complex_numbers import conj

special: Any = LazyModule("scipy.special")

_FLAT = "constant almost everywhere"
_SIGNED = (*FLOATS, *INTS)
_NUMERIC = (*INEXACT, *INTS)
_UNIT = 0.9 * pos[2, 3] + -0.9  # within (-1, 1)


def _special(name: str) -> ByType:
    """Is the reference `scipy.special.<name>`, looked up when it is first called."""
    return widened(lambda x: getattr(special, name)(x))


def _whole(name: str) -> Any:
    """Is the kernel of an op that computes in floats but is declared for integers too."""
    return integer_or(
        lambda x: to_integers(getattr(jnp, name)(x.astype(np.float64)), x.dtype), name
    )


# -- powers and exponentials


Square = unary(
    "Square", _NUMERIC, "square", np.square,
    lambda node, dy: dy * (conj(node.inputs[0]) * 2),
    "Computes the square of each element.",
)  # fmt: skip
Sqrt = unary(
    "Sqrt", INEXACT, "sqrt", np.sqrt,
    lambda node, dy: SqrtGrad(node.outputs[0], dy),
    "Computes the square root of each element; NaN for negative real ones.",
    example=pos[2, 3],
)  # fmt: skip
Rsqrt = unary(
    "Rsqrt", INEXACT, lambda x: lax.rsqrt(x), lambda x: np.reciprocal(np.sqrt(x)),
    lambda node, dy: RsqrtGrad(node.outputs[0], dy),
    "Computes the reciprocal of the square root of each element.",
    example=pos[2, 3],
)  # fmt: skip
Exp = unary(
    "Exp", INEXACT, "exp", np.exp,
    lambda node, dy: dy * conj(node.outputs[0]),
    "Computes e to the power of each element.",
)  # fmt: skip
Expm1 = unary(
    "Expm1", INEXACT, "expm1", np.expm1,
    lambda node, dy: dy * conj(Exp(node.inputs[0])),
    "Computes `exp(x) - 1` of each element, exactly where `x` is small.",
)  # fmt: skip
Log = unary(
    "Log", INEXACT, "log", np.log,
    lambda node, dy: dy * Reciprocal(conj(node.inputs[0])),
    "Computes the natural logarithm of each element; NaN for negative real ones.",
    example=pos[2, 3],
)  # fmt: skip
Log1p = unary(
    "Log1p", INEXACT, "log1p", np.log1p,
    lambda node, dy: dy * Reciprocal(1 + conj(node.inputs[0])),
    "Computes `log(1 + x)` of each element, exactly where `x` is small.",
    example=pos[2, 3],
)  # fmt: skip


def _reciprocal_gradient(node: Any, dy: Any) -> Any:
    return ReciprocalGrad(node.outputs[0], dy)


def _reciprocals(x: Any) -> Any:
    return np.where(x == 0, np.zeros_like(x), np.trunc(1 / np.where(x == 0, 1, x)).astype(x.dtype))


def _reciprocals_kernel(x: Any) -> Any:
    return jnp.where(x == 0, 0, jnp.trunc(1.0 / jnp.where(x == 0, 1, x))).astype(x.dtype)


_RECIPROCAL: Any = (
    _NUMERIC,
    integer_or(_reciprocals_kernel, "reciprocal"),
    integer_or(_reciprocals, np.reciprocal),
    _reciprocal_gradient,
)
Reciprocal = unary(
    "Reciprocal", *_RECIPROCAL, "Computes `1 / x` of each element.", example=pos[2, 3]
)
Inv = unary("Inv", *_RECIPROCAL, "Computes `1 / x` of each element.", example=pos[2, 3])


# -- signs and rounding


Neg = unary(
    "Neg", _NUMERIC, "negative", np.negative, lambda node, dy: -dy,
    "Computes the negative of each element.",
)  # fmt: skip
Abs = unary(
    "Abs", (*_SIGNED, Int8, Int16), "abs", np.absolute,
    lambda node, dy: dy * Sign(node.inputs[0]),
    "Computes the absolute value of each element.",
)  # fmt: skip


def _sign(xp: Any) -> Any:
    # TensorFlow's sign of NaN is 0.
    return lambda x: xp().where(x == x, xp().sign(x), xp().zeros_like(x))


Sign = unary(
    "Sign", _NUMERIC, integer_or("sign", _sign(lambda: jnp)),
    integer_or(np.sign, _sign(lambda: np)),
    lambda node, dy: ops.ZerosLike(node.inputs[0]),
    "Computes -1, 0 or 1 for each element; `x / |x|` for complex ones.",
)  # fmt: skip
Floor = unary("Floor", FLOATS, "floor", np.floor, _FLAT, "Rounds each element down to an integer.")
Ceil = unary("Ceil", FLOATS, "ceil", np.ceil, _FLAT, "Rounds each element up to an integer.")
Rint = unary(
    "Rint", FLOATS, "rint", np.rint, _FLAT, "Rounds each element to an integer, halves to even."
)
Round = unary(
    "Round", _NUMERIC, integer_or(lambda x: x, "round"), integer_or(np.positive, np.rint), _FLAT,
    "Rounds each element to an integer, halves to even.",
)  # fmt: skip


# -- circular and hyperbolic functions


def _whole_reference(fn: Any) -> ByType:
    return widened(fn, low=False)


Sin = unary(
    "Sin", INEXACT, "sin", np.sin, lambda node, dy: dy * Cos(conj(node.inputs[0])),
    "Computes the sine of each element, in radians.",
)  # fmt: skip
Cos = unary(
    "Cos", INEXACT, "cos", np.cos, lambda node, dy: -dy * Sin(conj(node.inputs[0])),
    "Computes the cosine of each element, in radians.",
)  # fmt: skip
Tan = unary(
    "Tan", _NUMERIC, _whole("tan"), _whole_reference(np.tan),
    lambda node, dy: dy * Square(Reciprocal(Cos(conj(node.inputs[0])))),
    "Computes the tangent of each element, in radians.",
)  # fmt: skip
Asin = unary(
    "Asin", _NUMERIC, _whole("arcsin"), _whole_reference(np.arcsin),
    lambda node, dy: dy * Rsqrt(1 - Square(conj(node.inputs[0]))),
    "Computes the angle whose sine is each element, in radians.", example=_UNIT,
)  # fmt: skip
Acos = unary(
    "Acos", _NUMERIC, _whole("arccos"), _whole_reference(np.arccos),
    lambda node, dy: -dy * Rsqrt(1 - Square(conj(node.inputs[0]))),
    "Computes the angle whose cosine is each element, in radians.", example=_UNIT,
)  # fmt: skip
Atan = unary(
    "Atan", _NUMERIC, _whole("arctan"), _whole_reference(np.arctan),
    lambda node, dy: dy * Reciprocal(1 + Square(conj(node.inputs[0]))),
    "Computes the angle whose tangent is each element, in radians.",
)  # fmt: skip
Sinh = unary(
    "Sinh", INEXACT, "sinh", np.sinh, lambda node, dy: dy * Cosh(conj(node.inputs[0])),
    "Computes the hyperbolic sine of each element.",
)  # fmt: skip
Cosh = unary(
    "Cosh", INEXACT, "cosh", np.cosh, lambda node, dy: dy * Sinh(conj(node.inputs[0])),
    "Computes the hyperbolic cosine of each element.",
)  # fmt: skip
Tanh = unary(
    "Tanh", INEXACT, "tanh", np.tanh, lambda node, dy: TanhGrad(conj(node.outputs[0]), dy),
    "Computes the hyperbolic tangent of each element.",
)  # fmt: skip
Asinh = unary(
    "Asinh", INEXACT, "arcsinh", np.arcsinh,
    lambda node, dy: dy / Cosh(conj(node.outputs[0])),
    "Computes the number whose hyperbolic sine is each element.",
)  # fmt: skip
Acosh = unary(
    "Acosh", INEXACT, "arccosh", np.arccosh,
    lambda node, dy: dy / Sinh(conj(node.outputs[0])),
    "Computes the number whose hyperbolic cosine is each element; NaN for reals below 1.",
    example=pos[2, 3] + 1,
)  # fmt: skip
Atanh = unary(
    "Atanh", INEXACT, "arctanh", np.arctanh,
    lambda node, dy: dy * Reciprocal(1 - Square(conj(node.inputs[0]))),
    "Computes the number whose hyperbolic tangent is each element; NaN for reals beyond 1.",
    example=_UNIT,
)  # fmt: skip


# -- functions of probability theory


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _sigmoid_kernel(x: Any) -> Any:
    return 1 / (1 + jnp.exp(-x)) if x.dtype.kind == "c" else jax.nn.sigmoid(x)


Sigmoid = unary(
    "Sigmoid", INEXACT, _sigmoid_kernel, _sigmoid,
    lambda node, dy: SigmoidGrad(conj(node.outputs[0]), dy),
    "Computes `1 / (1 + exp(-x))` of each element.",
)  # fmt: skip

_TWO_OVER_ROOT_PI = 2 / np.sqrt(np.pi)


def _bell(x: Any) -> Any:
    scale = np.asarray(_TWO_OVER_ROOT_PI, x.dtype.base_dtype.np)
    return scale * Exp(-Square(x))


Erf = unary(
    "Erf", FLOATS, lambda x: lax.erf(x), _special("erf"),
    lambda node, dy: dy * _bell(node.inputs[0]),
    "Computes the Gauss error function of each element.",
)  # fmt: skip
Erfc = unary(
    "Erfc", FLOATS, lambda x: lax.erfc(x), _special("erfc"),
    lambda node, dy: -dy * _bell(node.inputs[0]),
    "Computes one minus the Gauss error function of each element.",
)  # fmt: skip
Lgamma = unary(
    "Lgamma", FLOATS, lambda x: lax.lgamma(x), _special("gammaln"),
    lambda node, dy: dy * Digamma(node.inputs[0]),
    "Computes the logarithm of the absolute value of the gamma function of each element.",
    example=pos[2, 3],
)  # fmt: skip


def _digamma(x: Any) -> Any:
    # TensorFlow gives +inf at every pole.
    return np.where((x <= 0) & (x == np.floor(x)), x.dtype.type(np.inf), special.digamma(x))


def _digamma_kernel(x: Any) -> Any:
    return jnp.where((x <= 0) & (x == jnp.floor(x)), jnp.inf, lax.digamma(x)).astype(x.dtype)


Digamma = unary(
    "Digamma", FLOATS, _digamma_kernel, widened(_digamma),
    lambda node, dy: dy * ops.Polygamma(np.asarray(1, dy.dtype.base_dtype.np), node.inputs[0]),
    "Computes the derivative of `Lgamma` of each element.",
    example=pos[2, 3],
)  # fmt: skip


def _i1e_gradient(node: Any, dy: Any) -> Any:
    x, y = node.inputs[0], node.outputs[0]
    # y / x tends to 1/2 as x tends to 0.
    safe = ops.Select(ops.Equal(x, _like(0, x)), ops.OnesLike(x), x)
    slope = BesselI0e(safe) - y * (Sign(safe) + Reciprocal(safe))
    half = ops.OnesLike(x) * 0.5
    return dy * ops.Select(ops.Equal(x, _like(0, x)), half, slope)


def _like(value: float, x: Any) -> Any:
    return np.asarray(value, x.dtype.base_dtype.np)


BesselI0e = unary(
    "BesselI0e", FLOATS, lambda x: lax.bessel_i0e(x), _special("i0e"),
    lambda node, dy: dy * (BesselI1e(node.inputs[0]) - Sign(node.inputs[0]) * node.outputs[0]),
    "Computes the modified Bessel function of order 0, times `exp(-|x|)`, of each element.",
)  # fmt: skip
BesselI1e = unary(
    "BesselI1e", FLOATS, lambda x: lax.bessel_i1e(x), _special("i1e"), _i1e_gradient,
    "Computes the modified Bessel function of order 1, times `exp(-|x|)`, of each element.",
)  # fmt: skip


# -- what kind of number


_IS = "its result is boolean"
IsNan = unary("IsNan", FLOATS, "isnan", np.isnan, _IS, "Tells which elements are NaN.", result=Bool)
IsInf = unary(
    "IsInf", FLOATS, "isinf", np.isinf, _IS, "Tells which elements are infinite.", result=Bool
)
IsFinite = unary(
    "IsFinite", FLOATS, "isfinite", np.isfinite, _IS,
    "Tells which elements are neither infinite nor NaN.", result=Bool,
)  # fmt: skip


# -- gradients given the result


def _sqrt_second(node: Any, dz: Any) -> list[Any]:
    y, z = node.inputs[0], node.outputs[0]
    part = dz / y
    return [-conj(part) * z, part * 0.5]


def _sqrt_grad(conjugate: Any) -> Any:
    # A plain 0.5 would make float32 of bfloat16.
    return lambda y, dy: dy * dy.dtype.type(0.5) / conjugate(y)


SqrtGrad = gradient_op(
    "SqrtGrad", INEXACT, _sqrt_grad(lambda y: jnp.conj(y)), _sqrt_grad(np.conj), _sqrt_second,
    "Computes the gradient of `Sqrt` given its result `y`.",
)  # fmt: skip


def _rsqrt_second(node: Any, dz: Any) -> list[Any]:
    y, dy = conj(node.inputs[0]), node.inputs[1]
    cotangent = conj(dz)
    return [cotangent * -1.5 * dy * Square(y), RsqrtGrad(y, dz)]


def _rsqrt_grad(conjugate: Any) -> Any:
    def body(y: Any, dy: Any) -> Any:
        y = conjugate(y)
        return dy * dy.dtype.type(-0.5) * y * (y * y)

    return body


RsqrtGrad = gradient_op(
    "RsqrtGrad", INEXACT, _rsqrt_grad(lambda y: jnp.conj(y)), _rsqrt_grad(np.conj),
    _rsqrt_second, "Computes the gradient of `Rsqrt` given its result `y`.",
)  # fmt: skip


def _reciprocal_second(node: Any, dz: Any) -> list[Any]:
    y, dy = conj(node.inputs[0]), node.inputs[1]
    return [conj(dz) * -2.0 * dy * y, ReciprocalGrad(y, dz)]


def _reciprocal_grad(conjugate: Any) -> Any:
    def body(y: Any, dy: Any) -> Any:
        y = conjugate(y)
        return -dy * y * y

    return body


_RECIPROCAL_GRAD: Any = (
    INEXACT, _reciprocal_grad(lambda y: jnp.conj(y)), _reciprocal_grad(np.conj), _reciprocal_second,
    "Computes the gradient of `Reciprocal` given its result `y`.",
)  # fmt: skip
ReciprocalGrad = gradient_op("ReciprocalGrad", *_RECIPROCAL_GRAD)
InvGrad = gradient_op("InvGrad", *_RECIPROCAL_GRAD)


def _sigmoid_second(node: Any, dz: Any) -> list[Any]:
    y, dy = conj(node.inputs[0]), conj(node.inputs[1])
    part = dz * dy
    return [part - part * 2.0 * y, SigmoidGrad(y, dz)]


def _sigmoid_grad(y: Any, dy: Any) -> Any:
    return dy * y * (1 - y)


SigmoidGrad = gradient_op(
    "SigmoidGrad", INEXACT, _sigmoid_grad, _sigmoid_grad, _sigmoid_second,
    "Computes the gradient of `Sigmoid` given its result `y`.",
)  # fmt: skip


def _tanh_second(node: Any, dz: Any) -> list[Any]:
    y, dy = conj(node.inputs[0]), conj(node.inputs[1])
    return [dz * -2.0 * dy * y, TanhGrad(y, dz)]


def _tanh_grad(y: Any, dy: Any) -> Any:
    return dy * (1 - y * y)


TanhGrad = gradient_op(
    "TanhGrad", INEXACT, _tanh_grad, _tanh_grad, _tanh_second,
    "Computes the gradient of `Tanh` given its result `y`.",
)  # fmt: skip
