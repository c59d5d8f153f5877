"""Tables of elementwise ops: declaration, rules and public function of an op in one row each.

A row's kernel is the name of a `jax.numpy` function or a function of its own, its reference a NumPy
ufunc wherever one says the same as TensorFlow: the NumPy tier then calls the ufunc itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from millstream.base.dtypes import (
    BFloat16,
    Complex64,
    Complex128,
    Double,
    DType,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
)
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, broadcast
from millstream.ir import spec
from millstream.ir.composite import SparseTensor
from millstream.ir.opdef import OpDef, Rule, RuleKind
from millstream.ops.by_name import ops

FLOATS = (BFloat16, Half, Float, Double)
COMPLEXES = (Complex64, Complex128)
INEXACT = (*FLOATS, *COMPLEXES)
INTS = (Int32, Int64)
INTEGERS = (Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64)
REALS = (Float, Double, Int32, UInt8, Int16, Int8, Int64, BFloat16, UInt16, Half, UInt32, UInt64)


class Checked:
    """A kernel that is also given `check`, as its last argument."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn


class ByType:
    """A rule that differs by element type: `pick(T)` is called when a node is planned.

    One that may pick a `Checked` kernel is `checked`.
    """

    def __init__(self, pick: Callable[[DType], Any], checked: bool = False) -> None:
        self.pick, self.checked = pick, checked


class ByNode:
    """A rule that differs by attrs: `pick(node)` is called when a node is planned."""

    checked = False

    def __init__(self, pick: Callable[[Any], Any]) -> None:
        self.pick = pick


type Body = str | Callable[..., Any] | ByType | ByNode


class ElementwiseRule(Rule):
    """A rule that is given all inputs in order and nothing else, so that it may be a ufunc."""

    __slots__ = ()

    def __init__(self, opdef: OpDef, kind: RuleKind, fn: Any) -> None:
        self.opdef, self.kind, self.fn = opdef, kind, fn
        self._sources = [("input", index) for index in range(len(opdef.inputs))]
        if isinstance(fn, ByType) and fn.checked:
            self._sources.append(("extra", "check"))

    def bind(self, node: Any, **extras: Any) -> Callable[..., Any]:
        """Returns the function for the node's element type."""
        fn: Any = self.fn
        if isinstance(fn, ByType):
            fn = fn.pick(node.inputs[0].dtype.base_dtype)
        elif isinstance(fn, ByNode):
            fn = fn.pick(node)
        if isinstance(fn, Checked):
            return partial(_call_checked, fn.fn, extras["check"])
        return getattr(jnp, fn) if isinstance(fn, str) else fn


def _call_checked(fn: Callable[..., Any], check: Any, *arrays: Any) -> Any:
    return fn(*arrays, check)


def widened(fn: Callable[..., Any], low: bool = True) -> ByType:
    """Makes a reference for functions that have no 16-bit or integer version of their own.

    16-bit floats are computed in float32 (unless `low` is false: `fn` can do them), integers in
    float64 and then cut.
    """

    def through(wide: Any) -> Callable[..., Any]:
        return lambda *xs: fn(*[x.astype(wide) for x in xs]).astype(xs[0].dtype)

    def pick(dtype: DType) -> Callable[..., Any]:
        if dtype.is_integer:
            return through(np.float64)
        return through(np.float32) if low and dtype in (Half, BFloat16) else fn

    return ByType(pick)


def integer_or(integer: Body | Checked, other: Body) -> ByType:
    """Picks the first for integers, the second for all else."""

    def pick(dtype: DType) -> Any:
        body = integer if dtype.is_integer else other
        return body.pick(dtype) if isinstance(body, ByType) else body

    return ByType(pick, isinstance(integer, Checked))


def broadcast_shape(x: TensorShape, y: TensorShape) -> TensorShape:
    """Gives the shape of an elementwise result.

    Raises:
      ValueError: if the operands do not broadcast.
    """
    result = broadcast(x, y)
    if result is None:
        pairs = list(zip(reversed(x.as_list()), reversed(y.as_list()), strict=False))
        a, b = next(p for p in pairs if None not in p and 1 not in p and p[0] != p[1])
        raise ValueError(f"Dimensions must be equal, but are {a} and {b}")
    return result


def _same_shape(*shapes: TensorShape) -> TensorShape:
    return shapes[0]


def hang_rules(
    opdef: OpDef, shape: Any, kernel: Body | None, reference: Body | None, grad: Any
) -> OpDef:
    """Hangs rules that take every input in order on an op; `grad` may be the reason for none."""
    opdef.shape_rule = ElementwiseRule(opdef, "shape", shape)
    if kernel is not None:
        opdef.kernel = ElementwiseRule(opdef, "kernel", kernel)
    if reference is not None:
        opdef.reference = ElementwiseRule(opdef, "reference", reference)
    if isinstance(grad, str):
        opdef.no_gradient(grad)
    elif grad is not None:
        opdef.gradient(grad)
    return opdef


def unary(
    name: str,
    allowed: Sequence[DType] | None,
    kernel: Body,
    reference: Body,
    grad: Any,
    doc: str,
    *,
    result: DType | None = None,
    example: Any = spec.f[2, 3],
) -> OpDef:
    """Declares an elementwise op of one operand.

    Args:
      name: the op type.
      allowed: the types of `T`.
      kernel: the JAX rule.
      reference: the NumPy rule.
      grad: the gradient rule `(node, dy) -> dx`, or the reason why there is none.
      doc: one sentence.
      result: the output's type where it is not `T`.
      example: data for the contract test, within the function's domain.
    """
    opdef = spec.elementwise(name, 1, allowed, result=result, doc=doc)
    return hang_rules(opdef, _same_shape, kernel, reference, grad).examples(example)


def binary(
    name: str,
    allowed: Sequence[DType] | None,
    kernel: Body | None,
    reference: Body | None,
    grad: Any,
    doc: str,
    *,
    result: DType | None = None,
    names: tuple[str, str, str] | None = None,
    examples: tuple[Any, Any] = (spec.f[2, 3], 0.5 * spec.f[3] + 2),
) -> OpDef:
    """Declares an elementwise op of two operands that broadcast; arguments as for `unary`.

    A kernel or reference that is `None` is hung on the op by the caller.
    """
    opdef = spec.elementwise(name, 2, allowed, result=result, doc=doc, names=names)
    hang_rules(opdef, broadcast_shape, kernel, reference, grad).examples(*examples)
    data = spec.f if allowed is None or Float in allowed else spec.i
    return opdef.fails("Dimensions must be equal, but are 3 and 4", data[3], data[4])


def gradient_op(
    name: str, allowed: Sequence[DType], kernel: Body, reference: Body, grad: Any, doc: str
) -> OpDef:
    """Declares the op `(y, dy) -> dx` that is another op's gradient given its result."""
    opdef = spec.elementwise(name, 2, allowed, doc=doc, names=("y", "dy", "z"))
    return hang_rules(opdef, _same_shape, kernel, reference, grad).examples(
        spec.pos[2, 3], spec.f[2, 3]
    )


_ARGS = "\n\nArgs:\n{args}\n  name: name for the node.\n\nReturns:\n  A tensor {of}."


def _document(fn: Any, opdef: OpDef, publics: Sequence[str], args: str) -> None:
    fn.__name__ = fn.__qualname__ = publics[0].rpartition(".")[2]
    out = opdef.outputs[0].dtype
    of = f"of {out.name}" if out is not None else "of the same type"
    fn.__doc__ = (opdef.__doc__ or "") + _ARGS.format(args=args, of=of)


def unary_function(opdef: OpDef, *publics: str, module: str, sparse: bool = False) -> Any:
    """Makes and publishes the function `(x, name=None)` of an op.

    Args:
      opdef: the op.
      *publics: the names to publish it under; the first one's leaf is its `__name__`.
      module: the module that will hold it under that name.
      sparse: whether it also takes a `SparseTensor` and then maps the values that it holds.
    """

    def dense(x: Any, name: Any = None) -> Any:
        return opdef(x, name=name)

    def either(x: Any, name: Any = None) -> Any:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, opdef(x.values, name=name), x.dense_shape)
        return opdef(x, name=name)

    fn = either if sparse else dense
    fn.__module__ = module
    kinds = "a tensor or `SparseTensor`" if sparse else "a tensor"
    _document(fn, opdef, publics, f"  x: {kinds}, or what converts to one.")
    return export(*publics, module=module)(fn)


def binary_function(opdef: OpDef, *publics: str, module: str) -> Any:
    """Makes and publishes the function `(x, y, name=None)` of an op."""

    def fn(x: Any, y: Any, name: Any = None) -> Any:
        return opdef(x, y, name=name)

    fn.__module__ = module
    _document(fn, opdef, publics, "  x: a tensor.\n  y: a tensor that broadcasts with it.")
    return export(*publics, module=module)(fn)


class Unbroadcast:
    """Sums the gradients of a broadcast result back to the operands' shapes.

    What can be told from the static shapes is settled while the graph is built; the nodes that
    compute the axes at run time are made only where it cannot.
    """

    def __init__(self, x: Any, y: Any) -> None:
        self._operands = (x, y)
        self._axes: Any = ([], []) if x is y else _static_axes(x.shape.tuple, y.shape.tuple)
        self._shapes: Any = (None, None)
        if self._axes is None:
            self._shapes = (ops.Shape(x), ops.Shape(y))
            self._axes = ops.BroadcastGradientArgs(*self._shapes)

    def x(self, dz: Any) -> Any:
        """Returns a gradient with the shape of the first operand."""
        return self._reduced(0, dz)

    def y(self, dz: Any) -> Any:
        """Returns a gradient with the shape of the second operand."""
        return self._reduced(1, dz)

    def _reduced(self, index: int, dz: Any) -> Any:
        axes, shape = self._axes[index], self._shapes[index]
        if shape is not None:
            return ops.Reshape(ops.Sum(dz, axes), shape)
        if not axes:
            return dz
        operand = self._operands[index]
        kept = operand.shape.ndims
        missing = list(range(len(axes))) == axes and dz.shape.ndims == kept + len(axes)
        summed = ops.Sum(dz, np.array(axes, np.int32))
        if missing or not kept:
            return summed
        return ops.Reshape(summed, _shape_of(operand))


def _shape_of(tensor: Any) -> Any:
    if tensor.shape.is_fully_defined():
        return np.array(tensor.shape.as_list(), np.int32)
    return ops.Shape(tensor)


def _static_axes(x: Any, y: Any) -> tuple[list[int], list[int]] | None:
    """Lists the axes along which each operand was repeated, or gives None if that is not known.

    An unknown size beside 1 is taken as repeating that 1: summing over a size of 1 changes nothing.
    """
    if x is None or y is None:
        return None
    rank = max(len(x), len(y))
    missing = (rank - len(x), rank - len(y))
    x, y = (1,) * missing[0] + tuple(x), (1,) * missing[1] + tuple(y)
    axes: tuple[list[int], list[int]] = ([], [])
    for axis, (a, b) in enumerate(zip(x, y, strict=True)):
        if axis < max(missing):
            axes[0 if missing[0] else 1].append(axis)
        elif (a is None and b is None) or (a != b and 1 not in (a, b)):
            # One is unknown and may turn out to be 1, or not.
            return None
        elif a != b:
            axes[0 if a == 1 else 1].append(axis)
    return axes


def both(gx: Callable[..., Any] | None, gy: Callable[..., Any] | None) -> Callable[..., Any]:
    """Makes the gradient rule of a broadcasting op from a function `(dz, x, y, z)` per operand."""

    def rule(node: Any, dz: Any) -> list[Any]:
        x, y = node.inputs
        back = Unbroadcast(x, y)
        z = node.values()[0]
        return [
            None if gx is None else back.x(gx(dz, x, y, z)),
            None if gy is None else back.y(gy(dz, x, y, z)),
        ]

    return rule
