"""Comparison, logic, bits: ops whose result is boolean, and those on single bits."""

from typing import Any

import numpy as np

from millstream.base.dtypes import (
    Bool,
    Complex64,
    Complex128,
    Int8,
    Int16,
    Int32,
    Int64,
    QInt8,
    QInt32,
    QUInt8,
    String,
    UInt8,
)
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import UNKNOWN, broadcast
from millstream.ir.spec import Number, Returns, Tensor, b, f, i, op
from millstream.ops.math._tables import (
    FLOATS,
    INTEGERS,
    REALS,
    binary,
    broadcast_shape,
    hang_rules,
    unary,
)

_BOOLEAN = "its result is boolean"
_COMPARABLE = (
    *FLOATS, UInt8, Int8, Int16, Int32, Int64, Complex64, QUInt8, QInt8, QInt32, String, Bool,
    Complex128,
)  # fmt: skip


# -- order


def _order(name: str, kernel: str, reference: Any, doc: str) -> Any:
    opdef = binary(
        name, REALS, kernel, reference, _BOOLEAN, doc, result=Bool, examples=(i[2, 3], i[3])
    )
    return opdef.examples(f[2, 3], f[3])


Less = _order("Less", "less", np.less, "Tells where the first tensor is less.")
LessEqual = _order(
    "LessEqual", "less_equal", np.less_equal, "Tells where the first tensor is less or equal."
)
Greater = _order("Greater", "greater", np.greater, "Tells where the first tensor is greater.")
GreaterEqual = _order(
    "GreaterEqual", "greater_equal", np.greater_equal,
    "Tells where the first tensor is greater or equal.",
)  # fmt: skip


# -- equality


@op
def Equal[T: _COMPARABLE](
    x: Tensor[T], y: Tensor[T], *, incompatible_shape_error: bool = True
) -> Returns(z=Tensor[Bool]):
    """Tells where two tensors are equal."""


@op
def NotEqual[T: _COMPARABLE](
    x: Tensor[T], y: Tensor[T], *, incompatible_shape_error: bool = True
) -> Returns(z=Tensor[Bool]):
    """Tells where two tensors differ."""


def _shape_of_equality(x: Any, y: Any, incompatible_shape_error: bool) -> Any:
    if incompatible_shape_error:
        return broadcast_shape(x, y)
    # Operands that do not broadcast make a scalar, so their shapes must be known to say which.
    if not (x.is_fully_defined() and y.is_fully_defined()):
        return UNKNOWN
    shape = broadcast(x, y)
    return [] if shape is None else shape


def _broadcasts(x: Any, y: Any) -> bool:
    pairs = zip(reversed(x.shape), reversed(y.shape), strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def _equality(opdef: Any, kernel: str, reference: Any, of_misfits: bool) -> None:
    opdef.shape(_shape_of_equality)

    @opdef.kernel
    def _(x, y, incompatible_shape_error):
        if not incompatible_shape_error and not _broadcasts(x, y):
            return jnp.asarray(of_misfits)
        return getattr(jnp, kernel)(x, y)

    @opdef.reference
    def _(x, y, incompatible_shape_error):
        if not incompatible_shape_error and not _broadcasts(x, y):
            return np.bool_(of_misfits)
        return reference(x, y)

    opdef.no_gradient(_BOOLEAN)
    opdef.examples(i[2, 3], i[3]).examples(f[2, 3], f[2, 3]).examples(b[4], b[4])
    opdef.examples(np.array([b"a", b"b"], object), b"b", T=String)
    opdef.examples(f[2], f[3], incompatible_shape_error=False)
    opdef.fails("Dimensions must be equal, but are 2 and 3", f[2], f[3])


_equality(Equal, "equal", np.equal, False)
_equality(NotEqual, "not_equal", np.not_equal, True)


@op
def ApproximateEqual[T: Number](x: Tensor[T], y: Tensor[T], *, tolerance: float = 1e-5) -> Returns(
    z=Tensor[Bool]
):
    """Tells where two tensors of one shape differ by less than `tolerance`."""


@ApproximateEqual.shape
def _(x, y):
    return x.merge_with(y)


def _distance(x: Any, y: Any) -> Any:
    if x.dtype.kind in "ui":
        # Differences of integers may overflow.
        x, y = x.astype(np.float64), y.astype(np.float64)
    return abs(x - y)


@ApproximateEqual.kernel
def _(x, y, tolerance):
    return _distance(x, y) < tolerance


@ApproximateEqual.reference
def _(x, y, tolerance):
    return np.less(_distance(x, y), tolerance)


ApproximateEqual.no_gradient(_BOOLEAN)
ApproximateEqual.examples(f[2, 3], f[2, 3] + 0.3, tolerance=0.5)
ApproximateEqual.fails("not compatible", f[2], f[3])


# -- logic


@op
def LogicalAnd(x: Tensor[Bool], y: Tensor[Bool]) -> Returns(z=Tensor[Bool]):
    """Tells where both tensors are true."""


@op
def LogicalOr(x: Tensor[Bool], y: Tensor[Bool]) -> Returns(z=Tensor[Bool]):
    """Tells where one of two tensors is true, or both are."""


@op
def LogicalNot(x: Tensor[Bool]) -> Returns(y=Tensor[Bool]):
    """Tells where a tensor is false."""


for _op, _kernel, _reference in (
    (LogicalAnd, "logical_and", np.logical_and),
    (LogicalOr, "logical_or", np.logical_or),
):
    hang_rules(_op, broadcast_shape, _kernel, _reference, _BOOLEAN).examples(b[2, 3], b[3])
    _op.fails("Dimensions must be equal", b[2], b[3])
hang_rules(LogicalNot, lambda x: x, "logical_not", np.logical_not, _BOOLEAN).examples(b[2, 3])


# -- bits


_INTEGER = "integers have no gradient"


def _bitwise(name: str, kernel: Any, reference: Any, doc: str) -> Any:
    data = (i[2, 3], np.array([5, 1, 2], np.int32))
    return binary(name, INTEGERS, kernel, reference, _INTEGER, doc, examples=data)


def _shift(xp: Any, shift: Any) -> Any:
    """Makes a shift by any count: ones out of range are brought to the nearest one in range."""

    def rule(x: Any, y: Any) -> Any:
        most = y.dtype.type(y.dtype.itemsize * 8 - 1)
        count = xp().minimum(xp().maximum(y, y.dtype.type(0)), most)
        return shift(*xp().broadcast_arrays(x, count))

    return rule


BitwiseAnd = _bitwise("BitwiseAnd", "bitwise_and", np.bitwise_and, "Computes `x & y` bit by bit.")
BitwiseOr = _bitwise("BitwiseOr", "bitwise_or", np.bitwise_or, "Computes `x | y` bit by bit.")
BitwiseXor = _bitwise("BitwiseXor", "bitwise_xor", np.bitwise_xor, "Computes `x ^ y` bit by bit.")
LeftShift = _bitwise(
    "LeftShift", _shift(lambda: jnp, lambda x, n: lax.shift_left(x, n)),
    _shift(lambda: np, np.left_shift), "Shifts each element `y` bits to the left.",
)  # fmt: skip
RightShift = _bitwise(
    "RightShift", _shift(lambda: jnp, lambda x, n: jnp.right_shift(x, n)),
    _shift(lambda: np, np.right_shift),
    "Shifts each element `y` bits to the right, keeping the sign.",
)  # fmt: skip
Invert = unary(
    "Invert", INTEGERS, "bitwise_not", np.invert, _INTEGER, "Flips every bit of each element.",
    example=i[2, 3],
)  # fmt: skip


def _count_bits(x: Any) -> Any:
    # NumPy counts the bits of the absolute value.
    return np.bitwise_count(x.view(f"u{x.dtype.itemsize}"))


PopulationCount = unary(
    "PopulationCount", INTEGERS, lambda x: lax.population_count(x).astype(np.uint8), _count_bits,
    _INTEGER, "Counts the bits that are set in each element.", result=UInt8, example=i[2, 3],
)  # fmt: skip
