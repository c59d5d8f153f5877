"""Public functions of two operands: `tf.add`, `tf.divide`, `tf.equal`, `tf.bitwise.invert`, …"""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_n_to_tensor, to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import zeros_like
from millstream.ops.math import binary as b
from millstream.ops.math import compare as c
from millstream.ops.math._tables import binary_function, unary_function
from millstream.ops.math.cast import cast

_HERE = __name__


def _function(opdef: Any, *names: str) -> Any:
    return binary_function(opdef, *names, module=_HERE)


add = _function(b.Add, "add", "math.add")
subtract = _function(b.Sub, "subtract", "math.subtract")
multiply = _function(b.Mul, "multiply", "math.multiply")
realdiv = _function(b.RealDiv, "realdiv")
truncatediv = _function(b.TruncateDiv, "truncatediv")
truncatemod = _function(b.TruncateMod, "truncatemod")
floor_div = _function(b.FloorDiv, "floor_div")
mod = _function(b.FloorMod, "mod", "floormod", "math.floormod", "math.mod")
maximum = _function(b.Maximum, "maximum", "math.maximum")
minimum = _function(b.Minimum, "minimum", "math.minimum")
squared_difference = _function(b.SquaredDifference, "squared_difference", "math.squared_difference")
xdivy = _function(b.Xdivy, "math.xdivy")
xlogy = _function(b.Xlogy, "math.xlogy")

equal = _function(c.Equal, "equal", "math.equal")
not_equal = _function(c.NotEqual, "not_equal", "math.not_equal")
less = _function(c.Less, "less", "math.less")
less_equal = _function(c.LessEqual, "less_equal", "math.less_equal")
greater = _function(c.Greater, "greater", "math.greater")
greater_equal = _function(c.GreaterEqual, "greater_equal", "math.greater_equal")
logical_and = _function(c.LogicalAnd, "logical_and", "math.logical_and")
logical_or = _function(c.LogicalOr, "logical_or", "math.logical_or")
logical_not = unary_function(c.LogicalNot, "logical_not", "math.logical_not", module=_HERE)

bitwise_and = _function(c.BitwiseAnd, "bitwise.bitwise_and")
bitwise_or = _function(c.BitwiseOr, "bitwise.bitwise_or")
bitwise_xor = _function(c.BitwiseXor, "bitwise.bitwise_xor")
left_shift = _function(c.LeftShift, "bitwise.left_shift")
right_shift = _function(c.RightShift, "bitwise.right_shift")
invert = unary_function(c.Invert, "bitwise.invert", module=_HERE)


@export("atan2", "math.atan2")
def atan2(y: Any, x: Any, name: Any = None) -> Any:
    """Computes the angle of the points (x, y), in radians from -pi to pi.

    Args:
      y: a tensor of floats.
      x: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    return b.Atan2(y, x, name=name)


@export("math.nextafter")
def nextafter(x1: Any, x2: Any, name: Any = None) -> Any:
    """Gives the next representable number after each `x1` in the direction of `x2`.

    Args:
      x1: a tensor of `float32` or `float64`.
      x2: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    return b.NextAfter(x1, x2, name=name)


@export("pow", "math.pow")
def pow(x: Any, y: Any, name: Any = None) -> Any:
    """Raises `x` to the power of `y`.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.

    Raises:
      InvalidArgumentError: at run time, for a negative power of integers.
    """
    with name_scope(name, "Pow", [x]) as scope:
        return b.Pow(x, y, name=scope)


_WIDER = {
    dtypes.uint8: dtypes.float32,
    dtypes.int8: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.int64: dtypes.float64,
    **dict.fromkeys((dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)),
    **dict.fromkeys((dtypes.complex64, dtypes.complex128)),
}


def _same_types(x: Any, y: Any, follow: bool) -> tuple[Any, Any]:
    """Converts operands; the second takes the type of the first if it is to `follow` it."""
    x = to_tensor(x, name="x")
    y = to_tensor(y, x.dtype.base_dtype if follow else None, name="y")
    have, other = x.dtype.base_dtype, y.dtype.base_dtype
    if have is not other:
        raise TypeError(f"x and y must have the same dtype, got {have!r} != {other!r}")
    return x, y


@export("truediv", "math.truediv")
def truediv(x: Any, y: Any, name: Any = None) -> Any:
    """Divides as Python's `/` does: integers become floats first.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type that broadcasts with it.
      name: name for the nodes.

    Returns:
      A tensor of the same type; `float64` for 32 and 64 bit integers, `float32` for narrower ones.

    Raises:
      TypeError: if the types differ, or cannot be divided.
    """
    with name_scope(name, "truediv", [x, y]) as scope:
        x, y = _same_types(x, y, follow=False)
        try:
            wider = _WIDER[x.dtype.base_dtype]
        except KeyError:
            raise TypeError(f"Invalid dtype {x.dtype!r} in __truediv__.") from None
        if wider is not None:
            x, y = cast(x, wider), cast(y, wider)
        return b.RealDiv(x, y, name=scope)


@export("div")
def div(x: Any, y: Any, name: Any = None) -> Any:
    """Divides as Python 2's `/` does: the quotient of integers is rounded down.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.

    Raises:
      TypeError: if the types differ.
    """
    with name_scope(name, "div", [x, y]) as scope:
        x, y = _same_types(x, y, follow=True)
        inexact = x.dtype.is_floating or x.dtype.is_complex
        return (b.RealDiv if inexact else b.FloorDiv)(x, y, name=scope)


@export("divide", "math.divide")
def divide(x: Any, y: Any, name: Any = None) -> Any:
    """Divides as Python's `/` does; plain numbers give a plain number.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      The quotient, as `x / y` gives it.
    """
    if name is not None:
        return truediv(x, y, name)
    return x / y


@export("div_no_nan", "math.divide_no_nan")
def div_no_nan(x: Any, y: Any, name: Any = None) -> Any:
    """Divides `x` by `y`, giving 0 where `y` is 0.

    Args:
      x: a tensor of `float16`, `float32`, `float64` or complex numbers.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        x = to_tensor(x, name="x")
        y = to_tensor(y, x.dtype.base_dtype, name="y")
        return b.DivNoNan(x, y, name=scope)


@export("math.multiply_no_nan")
def multiply_no_nan(x: Any, y: Any, name: Any = None) -> Any:
    """Multiplies `x` and `y`, giving 0 where `y` is 0, even if `x` is not finite.

    Args:
      x: a tensor of `float16`, `float32`, `float64` or complex numbers.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "multiply_no_nan", [x, y]) as scope:
        x = to_tensor(x, name="x")
        y = to_tensor(y, x.dtype.base_dtype, name="y")
        return b.MulNoNan(x, y, name=scope)


@export("math.reciprocal_no_nan")
def reciprocal_no_nan(x: Any, name: Any = None) -> Any:
    """Computes `1 / x` of each element, giving 0 where `x` is 0.

    Args:
      x: a tensor of floats or complex numbers.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = to_tensor(x, name="x")
        one = to_tensor(np.asarray(1, x.dtype.base_dtype.np), name="one")
        return b.DivNoNan(one, x, name=scope)


@export("floordiv", "math.floordiv")
def floordiv(x: Any, y: Any, name: Any = None) -> Any:
    """Divides and rounds down, as Python's `//` does.

    Args:
      x: a tensor of real numbers.
      y: a tensor of the same type that broadcasts with it.
      name: name for the node.

    Returns:
      A tensor of the same type.

    Raises:
      InvalidArgumentError: at run time, where an integer is divided by zero.
    """
    with name_scope(name, "floordiv", [x, y]) as scope:
        return b.FloorDiv(x, y, name=scope)


@export("logical_xor", "math.logical_xor")
def logical_xor(x: Any, y: Any, name: Any = "LogicalXor") -> Any:
    """Tells where exactly one of two boolean tensors is true.

    Args:
      x: a boolean tensor.
      y: a boolean tensor that broadcasts with it.
      name: name for the last node.

    Returns:
      A boolean tensor.
    """
    either, twice = c.LogicalOr(x, y), c.LogicalAnd(x, y)
    return c.LogicalAnd(either, c.LogicalNot(twice), name=name)


@export("scalar_mul", "math.scalar_mul")
def scalar_mul(scalar: Any, x: Any, name: Any = None) -> Any:
    """Multiplies a tensor or `IndexedSlices` by one number.

    Args:
      scalar: a number, or a tensor of shape `[]`.
      x: a tensor or `IndexedSlices`.
      name: name for the node.

    Returns:
      The same kind of tensor as `x`.

    Raises:
      ValueError: if `scalar` is not a scalar.
    """
    scalar = to_tensor(scalar, x.dtype.base_dtype, name="scalar")
    if scalar.shape.ndims not in (None, 0):
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(b.Mul(scalar, x.values, name=name), x.indices, x.dense_shape)
    return b.Mul(scalar, x, name=name)


@export("math.polyval")
def polyval(coeffs: Any, x: Any, name: Any = None) -> Any:
    """Evaluates a polynomial by Horner's rule.

    Args:
      coeffs: a list of tensors that broadcast with `x`, the highest power's first.
      x: a numeric tensor.
      name: name for the nodes.

    Returns:
      A tensor of the same type as `x`.
    """
    with name_scope(name, "polyval", [*coeffs, x]) as scope:
        x = to_tensor(x, name="x")
        if not len(coeffs):
            return zeros_like(x, name=scope)
        coeffs = convert_n_to_tensor(coeffs, name="coeff")
        value: Tensor = coeffs[0]
        for coefficient in coeffs[1:]:
            value = coefficient + value * x  # type: ignore[operator]
        return value
