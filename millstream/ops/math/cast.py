"""`Cast` between element types, and the functions that make it."""

from functools import partial
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import DType, as_dtype
from millstream.base.errors import UnimplementedError
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.composite import IndexedSlices, SparseTensor
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Float, Int32, Returns, Tensor, Type, f, i, op
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.by_name import ops
from millstream.ops.math._tables import ByNode, hang_rules

__all__ = [
    *("Cast", "cast", "saturate_cast", "to_bfloat16", "to_complex64", "to_complex128"),
    *("to_double", "to_float", "to_int32", "to_int64"),
]


@op
def Cast[SrcT](x: Tensor[SrcT], *, DstT: Type, Truncate: bool = False) -> Returns(y=Tensor["DstT"]):
    """Converts each element to another type.

    Floats become integers by dropping the fraction; what does not fit wraps around or becomes the
    smallest integer, as it does on x86 processors. With `Truncate` floats lose bits without being
    rounded.
    """


def _integer_steps(target: Any) -> Any:
    """Names the integer type through which processors convert a float to `target`."""
    if target.itemsize < 4:
        return np.dtype(np.int32)
    return np.dtype(np.int64) if target == np.uint32 else target


def _cut_bits(x: Any, target: Any) -> Any:
    """Drops the low bits of a float32 array for which a 16-bit float has no room."""
    bits = {np.dtype(np.float16): 13, dtypes.bfloat16.np: 16}[target]
    return (x.view(np.uint32) & np.uint32(0xFFFFFFFF << bits & 0xFFFFFFFF)).view(np.float32)


def _real_source(source: DType, target: DType) -> DType:
    """Gives the type of what is converted: real types take the real parts of complex numbers."""
    return source if target.is_complex or not source.is_complex else source.real_dtype


def _step(node: Any, to_integer: Any) -> Any:
    """Picks how to convert real numbers (or complex ones to complex ones) in either tier."""
    target, out = node.attrs["DstT"], node.attrs["DstT"].np
    source = _real_source(node.attrs["SrcT"], target)
    if source.is_floating and (target.is_integer or target.is_quantized):
        return to_integer(source, out)
    sixteen = target in (dtypes.float16, dtypes.bfloat16)
    if node.attrs["Truncate"] and source is dtypes.float32 and sixteen:
        return lambda x: _cut_bits(x, out).astype(out)
    return lambda x: x.astype(out)


def _of_parts(node: Any, step: Any) -> Any:
    source = node.attrs["SrcT"]
    if _real_source(source, node.attrs["DstT"]) is not source:
        return lambda x: step(x.real)
    return step


def _pick_reference(node: Any) -> Any:
    source, target = node.attrs["SrcT"], node.attrs["DstT"]
    if source is target:
        return lambda x: x
    if object in (source.np, target.np):
        return partial(_refuse, source.name, target.name)
    return _of_parts(node, _step(node, _through_integers))


def _refuse(source: str, target: str, x: Any) -> Any:
    del x
    source, target = _SHORT.get(source, source), _SHORT.get(target, target)
    raise UnimplementedError(None, None, f"Cast {source} to {target} is not supported")


_SHORT = {"float16": "half", "float32": "float", "float64": "double"}


def _through_integers(source: DType, out: Any) -> Any:
    steps = _integer_steps(out)
    # The 16-bit types go through float32, whose conversion gives what processors give.
    if source in (dtypes.float16, dtypes.bfloat16):
        return lambda x: x.astype(np.float32).astype(steps).astype(out)
    return lambda x: x.astype(steps).astype(out)


def _pick_kernel(node: Any) -> Any:
    return _of_parts(node, _step(node, _wrapping))


def _wrapping(source: DType, out: Any) -> Any:
    del source
    return lambda x: to_integers(x, _integer_steps(out)).astype(out)


def to_integers(x: Any, integer: Any) -> Any:
    """Converts floats to integers as x86 processors do; XLA itself would saturate."""
    if x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    info = np.iinfo(integer)
    if integer.kind == "u":
        # uint64: what is below 2**63 goes through int64, so that negative numbers wrap.
        signed, half = to_integers(x, np.dtype(np.int64)), 2.0**63
        upper = to_integers(x - half, np.dtype(np.int64)).astype(integer) ^ np.uint64(1 << 63)
        return jnp.where(x < half, signed.astype(integer), upper)
    fits = (x >= float(info.min)) & (x < -float(info.min))
    return jnp.where(fits, jnp.where(fits, x, 0).astype(integer), integer.type(info.min))


hang_rules(Cast, lambda x: x, ByNode(_pick_kernel), ByNode(_pick_reference), None)


@Cast.gradient
def _(node, dy):
    source = node.inputs[0].dtype.base_dtype
    kinds = (source, dy.dtype.base_dtype)
    if all(t.is_floating or t.is_complex for t in kinds):
        return cast(dy, source)
    return None


Cast.examples(f[2, 3], DstT=Int32).examples(i[2, 3], DstT=Float).examples(f[2, 3], DstT=Bool)
Cast.examples(f[2, 3], DstT=dtypes.float64).examples(f[2, 3], DstT=dtypes.complex64)
Cast.examples(np.array([1.9, -1.9, 300.7, 1e10, np.nan, -np.inf], np.float32), DstT=dtypes.uint8)


@export("cast", "dtypes.cast")
def cast(x: Any, dtype: Any, name: Any = None) -> Any:
    """Converts each element to another type; a tensor that has it already is returned as it is.

    Args:
      x: a tensor, `SparseTensor` or `IndexedSlices` of numbers or booleans.
      dtype: the type to convert to.
      name: name for the node.

    Returns:
      The same kind of tensor, of `dtype`.

    Raises:
      TypeError: if `x` is not a tensor and cannot become one.
    """
    wanted = as_dtype(dtype).base_dtype
    # A resource variable (it has a handle) is left as it is too: who uses it reads it.
    if (isinstance(x, SymbolicTensor) or hasattr(x, "handle")) and x.dtype is wanted:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, cast(x.values, wanted, scope), x.dense_shape)
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, wanted, scope), x.indices, x.dense_shape)
        x = to_tensor(x, name="x")
        if x.dtype.base_dtype is not wanted:
            x = Cast(x, DstT=wanted, name=scope)
        return x


@export("saturate_cast", "dtypes.saturate_cast")
def saturate_cast(value: Any, dtype: Any, name: Any = None) -> Any:
    """Converts each element to another type, bringing what does not fit to the nearest limit.

    Args:
      value: a tensor of real numbers.
      dtype: the type to convert to.
      name: name for the nodes.

    Returns:
      A tensor of `dtype`.
    """
    with name_scope(name, "saturate_cast", [value]) as scope:
        value, wanted = to_tensor(value, name="value"), as_dtype(dtype).base_dtype
        have = value.dtype.base_dtype
        if have.min < wanted.min:
            low = to_tensor(np.asarray(wanted.min, have.np), name="min")
            value = ops.Maximum(value, low)
        if have.max > wanted.max:
            high = to_tensor(np.asarray(wanted.max, have.np), name="max")
            value = ops.Minimum(value, high)
        return cast(value, wanted, name=scope)


def _converter(target: DType, default: str) -> Any:
    def fn(x: Any, name: Any = default) -> Any:
        return cast(x, target, name=name)

    leaf = "to_" + {"float32": "float", "float64": "double"}.get(target.name, target.name)
    fn.__name__ = fn.__qualname__ = leaf
    fn.__doc__ = (
        f"Converts each element to `{target.name}`.\n\nArgs:\n  x: a tensor.\n"
        f"  name: name for the node.\n\nReturns:\n  A tensor of `{target.name}`."
    )
    return export(leaf, module=__name__)(fn)


to_float = _converter(dtypes.float32, "ToFloat")
to_double = _converter(dtypes.float64, "ToDouble")
to_int32 = _converter(dtypes.int32, "ToInt32")
to_int64 = _converter(dtypes.int64, "ToInt64")
to_bfloat16 = _converter(dtypes.bfloat16, "ToBFloat16")
to_complex64 = _converter(dtypes.complex64, "ToComplex64")
to_complex128 = _converter(dtypes.complex128, "ToComplex128")
