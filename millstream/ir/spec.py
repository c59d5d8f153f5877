"""The declaration language of ops: `@op`, argument and attr annotations, effects, type names,
example data.

    @op(defaults={"Tidx": Int32}, static="reduction_indices")
    def Sum[T: Number, Tidx: (Int32, Int64)](
        input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
    ) -> Tensor[T]: ...

The function's body is never run: its signature is the OpDef, its docstring the documentation.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from functools import partial
from types import GenericAlias
from typing import Any, TypeVar

from millstream.base.dtypes import (
    BFloat16,
    Bool,
    Complex64,
    Complex128,
    Double,
    DType,
    Float,
    Floating,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    Number,
    QInt8,
    QInt16,
    QInt32,
    QUInt8,
    QUInt16,
    Real,
    Resource,
    String,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Variant,
)
from millstream.ir import registry
from millstream.ir.examples import b, c, f, f64, i, i64, pos
from millstream.ir.opdef import (
    MISSING,
    ArgSpec,
    AttrSpec,
    Calls,
    Dynamic,
    Effect,
    Host,
    OpDef,
    Owns,
    Reads,
    Variable,
    Writes,
)

__all__ = [
    "AtLeast", "BFloat16", "Bool", "Calls", "Complex64", "Complex128", "DType", "Double",
    "Dynamic", "Float", "Floating",
    "Func", "Half", "Host", "Int8", "Int16", "Int32", "Int64", "ListOf", "Number", "Owns", "QInt8",
    "QInt16",
    "QInt32", "QUInt8", "QUInt16", "Reads", "Real", "Ref", "Refs", "Resource", "Returns", "Shape",
    "String",
    "Tensor", "TensorValue", "Tensors", "Type", "UInt8", "UInt16", "UInt32", "UInt64", "Variable",
    "Variant",
    "Writes", "b", "c", "elementwise", "f", "f64", "i", "i64", "op", "pos",
]  # fmt: skip


# -- annotations


class _Arg:
    """An argument annotation: `kind[type]`, `kind[type, "N"]`, `kind["types", minimum]`."""

    def __init__(self, is_ref: bool, is_list: bool) -> None:
        self._is_ref, self._is_list = is_ref, is_list

    def __getitem__(self, item: Any) -> _ArgType:
        parts = typing.cast("tuple[Any, ...]", item if isinstance(item, tuple) else (item,))
        return _ArgType(parts, self._is_ref, self._is_list)


class _ArgType:
    def __init__(self, parts: tuple[Any, ...], is_ref: bool, is_list: bool) -> None:
        self.parts, self.is_ref, self.is_list = parts, is_ref, is_list

    def spec(self, name: str) -> ArgSpec:
        head, rest = self.parts[0], self.parts[1:]
        if self.is_list and isinstance(head, str) and not (rest and isinstance(rest[0], str)):
            minimum = rest[0] if rest else 1
            return ArgSpec(name, type_list_attr=head, is_ref=self.is_ref, minimum=minimum)
        number = rest[0] if self.is_list else None
        minimum = rest[1] if len(rest) > 1 else 1
        if isinstance(head, DType):
            return ArgSpec(
                name, dtype=head, number_attr=number, is_ref=self.is_ref, minimum=minimum
            )
        attr = head.__name__ if isinstance(head, TypeVar) else head
        return ArgSpec(
            name, type_attr=attr, number_attr=number, is_ref=self.is_ref, minimum=minimum
        )


Tensor: Any = _Arg(is_ref=False, is_list=False)
Tensors: Any = _Arg(is_ref=False, is_list=True)
Ref: Any = _Arg(is_ref=True, is_list=False)
Refs: Any = _Arg(is_ref=True, is_list=True)


def Returns(**outputs: Any) -> dict[str, _ArgType]:
    """Names the outputs of an op: `-> Returns(values=Tensor[T], indices=Tensor[Int32])`."""
    return outputs


class AtLeast:
    """An int attr with a minimum."""

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum


class ListOf:
    """A list attr with a minimal length: `ListOf(int, 2)`, `ListOf(Type[Int32, Int64], 1)`."""

    def __init__(self, item: Any, minimum: int = 0) -> None:
        self.item, self.minimum = item, minimum


class _TypeAttr:
    """A type attr that does not follow from the inputs: `Type` or `Type[Int32, Int64]`."""

    def __init__(self, allowed: tuple[DType, ...] | None = None) -> None:
        self.allowed = allowed

    def __getitem__(self, allowed: Any) -> _TypeAttr:
        return _TypeAttr(_flatten_types(allowed))


class _Named:
    def __init__(self, kind: str) -> None:
        self.kind = kind


Type: Any = _TypeAttr()
Shape: Any = _Named("shape")
TensorValue: Any = _Named("tensor")
Func: Any = _Named("func")

_KINDS: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "string", bytes: "string"}


def _flatten_types(types: Any) -> tuple[DType, ...]:
    if isinstance(types, DType):
        return (types,)
    flat: list[DType] = []
    for item in types:
        flat += _flatten_types(item)
    return tuple(dict.fromkeys(flat))


def _attr_spec(name: str, annotation: Any, default: Any) -> AttrSpec:
    if isinstance(annotation, ListOf):
        item = _attr_spec(name, annotation.item, MISSING)
        return AttrSpec(
            name, f"list({item.kind})", item.allowed, annotation.minimum, _frozen(default)
        )
    if isinstance(annotation, GenericAlias):
        return _attr_spec(name, ListOf(typing.get_args(annotation)[0]), default)
    if isinstance(annotation, AtLeast):
        return AttrSpec(name, "int", None, annotation.minimum, default)
    if isinstance(annotation, _TypeAttr):
        return AttrSpec(name, "type", annotation.allowed, None, default)
    if isinstance(annotation, _Named):
        return AttrSpec(name, annotation.kind, None, None, default)
    if typing.get_origin(annotation) is typing.Literal:
        return AttrSpec(name, "string", typing.get_args(annotation), None, default)
    return AttrSpec(name, _KINDS[annotation], None, None, default)


def _frozen(default: Any) -> Any:
    return tuple(typing.cast("list[Any]", default)) if isinstance(default, list) else default


# -- the decorator


def op(
    fn: Callable[..., Any] | None = None,
    *,
    effect: Effect | None = None,
    static: str | Iterable[str] = (),
    stateful: bool = False,
    defaults: dict[str, DType] | None = None,
) -> Any:
    """Turns a signature into an `OpDef` and registers it under the function's name.

    Args:
      fn: the function whose signature declares the op.
      effect: what its nodes do besides computing; see `millstream.ir.opdef`.
      static: names of inputs whose value the compiler must know.
      stateful: whether equal nodes may not be merged or folded, though there is no effect.
      defaults: defaults of type parameters, by name.

    Returns:
      The `OpDef`, on which the rules are hung.
    """
    if fn is None:
        return partial(op, effect=effect, static=static, stateful=stateful, defaults=defaults)
    opdef = _declare(
        fn, effect, (static,) if isinstance(static, str) else static, stateful, defaults or {}
    )
    registry.register(opdef)
    return opdef


def _declare(
    fn: Callable[..., Any],
    effect: Effect | None,
    static: Iterable[str],
    stateful: bool,
    defaults: dict[str, DType],
) -> OpDef:
    signature = inspect.signature(fn)
    inputs: list[ArgSpec] = []
    attrs: list[AttrSpec] = []
    for p in signature.parameters.values():
        if p.kind is inspect.Parameter.KEYWORD_ONLY:
            attrs.append(
                _attr_spec(p.name, p.annotation, MISSING if p.default is p.empty else p.default)
            )
        else:
            inputs.append(p.annotation.spec(p.name))
    outputs = _outputs(signature.return_annotation)
    declared = {a.name for a in attrs}
    inferred: list[AttrSpec] = []
    for var in fn.__type_params__:
        allowed = _bound_types(var)
        default = defaults.get(var.__name__, MISSING)
        lists = any(a.type_list_attr == var.__name__ for a in (*inputs, *outputs))
        kind = "list(type)" if lists else "type"
        inferred.append(AttrSpec(var.__name__, kind, allowed, None, default, inferred=True))
        declared.add(var.__name__)
    for arg in (*inputs, *outputs):
        if arg.type_list_attr and arg.type_list_attr not in declared:
            inferred.append(
                AttrSpec(arg.type_list_attr, "list(type)", None, arg.minimum, inferred=True)
            )
            declared.add(arg.type_list_attr)
        if arg.number_attr and arg.number_attr not in declared:
            inferred.append(AttrSpec(arg.number_attr, "int", None, arg.minimum, inferred=True))
            declared.add(arg.number_attr)
    return OpDef(
        fn.__name__, inputs, outputs, [*inferred, *attrs],
        effect=effect, static=static, stateful=stateful, doc=fn.__doc__ or "",
    )  # fmt: skip


def _bound_types(var: Any) -> tuple[DType, ...] | None:
    """Returns the types that a type parameter lists, `None` for any."""
    bound = var.__constraints__ or var.__bound__
    return None if bound is None or bound == () else _flatten_types(bound)


def _outputs(annotation: Any) -> list[ArgSpec]:
    if annotation is None or annotation is inspect.Signature.empty:
        return []
    if isinstance(annotation, _ArgType):
        return [annotation.spec("output")]
    return [arg.spec(name) for name, arg in annotation.items()]


def elementwise(
    name: str,
    arity: int,
    allowed: Any,
    *,
    result: DType | None = None,
    doc: str = "",
    names: Any = None,
) -> OpDef:
    """Declares an elementwise op `T… -> T` (or `-> result`), for the tables of such ops.

    Args:
      name: the op type.
      arity: 1 or 2 inputs, called `x` or `x`, `y` unless `names` says otherwise.
      allowed: the types of attr `T` (nested tuples flatten), `None` for any.
      result: the output's type where it is not `T`.
      doc: one sentence.
      names: the inputs' names, then the output's.
    """
    *arg_names, out = names or (*("x", "y")[:arity], "z" if arity == 2 else "y")
    types = None if allowed is None else _flatten_types(allowed)
    opdef = OpDef(
        name,
        [ArgSpec(n, type_attr="T") for n in arg_names],
        [ArgSpec(out, dtype=result) if result else ArgSpec(out, type_attr="T")],
        [AttrSpec("T", "type", types, inferred=True)],
        doc=doc,
    )
    registry.register(opdef)
    return opdef
