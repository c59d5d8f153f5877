"""Arithmetic on tensors written with Python's operators: installs `Tensor.__add__` and the others.

The node of `a + b` is called `add`, that of `-a` is `Neg`, and so on, as in TensorFlow.
"""

from collections.abc import Callable
from typing import Any

from millstream.base import dtypes
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array import slicing as _slicing  # noqa: F401 - it installs `__getitem__`
from millstream.ops.math import arithmetic, functions
from millstream.ops.math import binary as b
from millstream.ops.math import compare as c
from millstream.ops.math import unary as u
from millstream.ops.math.products import matmul


def _add(x: Any, y: Any, name: Any) -> Any:
    return (b.Add if x.dtype.base_dtype is dtypes.string else b.AddV2)(x, y, name=name)


def _divide(x: Any, y: Any, name: Any) -> Any:
    if x.dtype.is_floating and not (isinstance(y, Tensor) and y.dtype is not x.dtype):
        return b.RealDiv(x, y, name=name)
    with name_scope(None, name, [x]) as scope:
        return arithmetic.truediv(x, to_tensor(y, None, "y", x.dtype.base_dtype), scope)


_BINARY: dict[str, tuple[Callable[..., Any], str]] = {
    "add": (_add, "add"),
    "sub": (b.Sub, "sub"),
    "mul": (b.Mul, "mul"),
    "div": (arithmetic.div, "div"),
    "truediv": (_divide, "truediv"),
    "floordiv": (b.FloorDiv, "floordiv"),
    "mod": (b.FloorMod, "mod"),
    "pow": (b.Pow, "pow"),
    "matmul": (matmul, "matmul"),
    "and": (c.LogicalAnd, "and"),
    "or": (c.LogicalOr, "or"),
}
_PLAIN: dict[str, Callable[..., Any]] = {
    "lt": c.Less,
    "le": c.LessEqual,
    "gt": c.Greater,
    "ge": c.GreaterEqual,
    "neg": u.Neg,
    "abs": functions.abs,
    "invert": c.LogicalNot,
}


def _forward(fn: Callable[..., Any], name: str, reverse: str) -> Callable[..., Any]:
    def method(x: Tensor, y: Any) -> Any:
        try:
            return fn(x, y, name=name)
        except TypeError:
            # The other operand's class may know what to do with a tensor.
            if not isinstance(y, Tensor) and hasattr(type(y), reverse) and not _is_number(y):
                return NotImplemented
            raise

    return method


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, str, bytes)) or hasattr(value, "dtype")


def _backward(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(y: Tensor, x: Any) -> Any:
        with name_scope(None, name, [y]) as scope:
            return fn(to_tensor(x, y.dtype.base_dtype, "x"), y, name=scope)

    return method


def _xor(x: Any, y: Any) -> Any:
    with name_scope(None, "xor", [x]) as scope:
        return arithmetic.logical_xor(x, to_tensor(y, x.dtype.base_dtype, "y"), name=scope)


def _rxor(y: Any, x: Any) -> Any:
    with name_scope(None, "xor", [y]) as scope:
        return arithmetic.logical_xor(to_tensor(x, y.dtype.base_dtype, "x"), y, name=scope)


def _method(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a plain function, which binds to its tensor, of an op, which would not."""
    return lambda *operands: fn(*operands)


def _install() -> None:
    for word, (fn, name) in _BINARY.items():
        Tensor.install_operator(f"__{word}__", _forward(fn, name, f"__r{word}__"))
        Tensor.install_operator(f"__r{word}__", _backward(fn, name))
    for word, fn in _PLAIN.items():
        Tensor.install_operator(f"__{word}__", _method(fn))
    Tensor.install_operator("__xor__", _xor)
    Tensor.install_operator("__rxor__", _rxor)


_install()
