"""Public functions of the elementwise ops of one operand: `tf.exp`, `tf.abs`, …"""

from typing import Any

from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.by_name import ops
from millstream.ops.math import unary as u
from millstream.ops.math._tables import unary_function
from millstream.ops.math.complex_numbers import ComplexAbs

_HERE = __name__


def _function(opdef: Any, *names: str, sparse: bool = False) -> Any:
    return unary_function(opdef, *names, module=_HERE, sparse=sparse)


square = _function(u.Square, "square", "math.square", sparse=True)
sqrt = _function(u.Sqrt, "sqrt", "math.sqrt", sparse=True)
rsqrt = _function(u.Rsqrt, "rsqrt", "math.rsqrt")
exp = _function(u.Exp, "exp", "math.exp")
expm1 = _function(u.Expm1, "expm1", "math.expm1")
log = _function(u.Log, "log", "math.log")
log1p = _function(u.Log1p, "log1p", "math.log1p")
reciprocal = _function(u.Reciprocal, "reciprocal", "math.reciprocal")
negative = _function(u.Neg, "negative", "math.negative", sparse=True)
sign = _function(u.Sign, "sign", "math.sign", sparse=True)
floor = _function(u.Floor, "floor", "math.floor")
ceil = _function(u.Ceil, "ceil", "math.ceil")
rint = _function(u.Rint, "rint", "math.rint")
sin = _function(u.Sin, "sin", "math.sin")
cos = _function(u.Cos, "cos", "math.cos")
tan = _function(u.Tan, "tan", "math.tan")
asin = _function(u.Asin, "asin", "math.asin")
acos = _function(u.Acos, "acos", "math.acos")
atan = _function(u.Atan, "atan", "math.atan")
sinh = _function(u.Sinh, "sinh", "math.sinh")
cosh = _function(u.Cosh, "cosh", "math.cosh")
tanh = _function(u.Tanh, "tanh", "math.tanh", "nn.tanh", sparse=True)
asinh = _function(u.Asinh, "asinh", "math.asinh")
acosh = _function(u.Acosh, "acosh", "math.acosh")
atanh = _function(u.Atanh, "atanh", "math.atanh")
sigmoid = _function(u.Sigmoid, "sigmoid", "math.sigmoid", "nn.sigmoid")
erf = _function(u.Erf, "erf", "math.erf", sparse=True)
erfc = _function(u.Erfc, "erfc", "math.erfc")
lgamma = _function(u.Lgamma, "lgamma", "math.lgamma")
digamma = _function(u.Digamma, "digamma", "math.digamma")
bessel_i0e = _function(u.BesselI0e, "math.bessel_i0e")
bessel_i1e = _function(u.BesselI1e, "math.bessel_i1e")
is_nan = _function(u.IsNan, "is_nan", "math.is_nan", "debugging.is_nan")
is_inf = _function(u.IsInf, "is_inf", "math.is_inf", "debugging.is_inf")
is_finite = _function(u.IsFinite, "is_finite", "math.is_finite", "debugging.is_finite")


@export("abs", "math.abs")
def abs(x: Any, name: Any = None) -> Any:
    """Computes the absolute value of each element; a real number also for complex ones.

    Args:
      x: a numeric tensor or `SparseTensor`.
      name: name for the node.

    Returns:
      The same kind of tensor; of the parts' type for a complex one.
    """
    if isinstance(x, SparseTensor):
        return SparseTensor(x.indices, abs(x.values, name), x.dense_shape)
    with name_scope(name, "Abs", [x]) as scope:
        x = to_tensor(x, name="x")
        if x.dtype.is_complex:
            return ComplexAbs(x, Tout=x.dtype.real_dtype.base_dtype, name=scope)
        return u.Abs(x, name=scope)


@export("round", "math.round")
def round(x: Any, name: Any = None) -> Any:
    """Rounds each element to an integer, halves to even; integers are returned as they are.

    Args:
      x: a numeric tensor.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    x = to_tensor(x, name="x")
    return x if x.dtype.is_integer else u.Round(x, name=name)


@export("log_sigmoid", "math.log_sigmoid")
def log_sigmoid(x: Any, name: Any = None) -> Any:
    """Computes `log(1 / (1 + exp(-x)))` of each element, without overflow.

    Args:
      x: a tensor of floats.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = to_tensor(x, name="x")
        return u.Neg(ops.Softplus(u.Neg(x)), name=scope)


@export("math.bessel_i0")
def bessel_i0(x: Any, name: Any = None) -> Any:
    """Computes the modified Bessel function of order 0 of each element.

    Args:
      x: a tensor of floats.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "bessel_i0", [x]):
        return exp(abs(x)) * u.BesselI0e(x)


@export("math.bessel_i1")
def bessel_i1(x: Any, name: Any = None) -> Any:
    """Computes the modified Bessel function of order 1 of each element.

    Args:
      x: a tensor of floats.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "bessel_i1", [x]):
        return exp(abs(x)) * u.BesselI1e(x)
