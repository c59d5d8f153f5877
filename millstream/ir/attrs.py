"""Attr values: their form inside the system, checks against an `AttrSpec`, and `AttrValue`
messages.

Inside: `bool`, `int`, `float`, `str` (`bytes` where not UTF-8), `DType`, `TensorShape`,
  `np.ndarray`,
`FunctionRef`; lists are tuples. Public (`Operation.get_attr`): bytes for strings, lists, messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from millstream.base.dtypes import DType, as_dtype
from millstream.base.shapes import TensorShape
from millstream.formats import protos, shapes, tensors

if TYPE_CHECKING:
    from millstream.ir.opdef import ArgSpec, AttrSpec, OpDef
    from millstream.ir.tensor import Tensor


@dataclass(frozen=True)
class FunctionRef:
    """Names a function of the graph's library, with values for its attrs."""

    name: str
    attrs: dict[str, Any] = field(default_factory=dict[str, Any], hash=False)


_EXPECTED: dict[str, str] = {"int": "int", "bool": "bool", "float": "float", "string": "string"}


def check(opdef: OpDef, spec: AttrSpec, value: Any) -> Any:
    """Returns `value` in the system's form, checked against the declaration.

    Raises:
      TypeError: if it is of the wrong kind.
      ValueError: if it is not among the allowed values, too small or too short.
    """
    kind = spec.kind
    if kind.startswith("list("):
        if not isinstance(value, (list, tuple, np.ndarray)):
            raise TypeError(
                f"Expected list for attr {spec.name} of '{opdef.name}' Op, got "
                f"{type(value).__name__}"
            )
        items = cast("Sequence[Any]", value)
        checked = tuple(_check_one(opdef, spec, kind[5:-1], item) for item in items)
        if spec.minimum is not None and len(checked) < spec.minimum:
            raise ValueError(
                f"Attr '{spec.name}' of '{opdef.name}' Op passed list of length {len(checked)} "
                f"less than minimum {spec.minimum}."
            )
        return checked
    return _check_one(opdef, spec, kind, value)


def _check_one(opdef: OpDef, spec: AttrSpec, kind: str, value: Any) -> Any:
    try:
        result = _CONVERTERS[kind](value)
    except (AttributeError, TypeError, ValueError) as error:  # also messages of a wrong kind
        got = repr(value)[:80]
        raise TypeError(
            f"Expected {_EXPECTED.get(kind, kind)} for argument '{spec.name}' not {got}. (Op "
            f"'{opdef.name}': {error})"
        ) from None
    if spec.allowed is not None and result not in spec.allowed:
        if kind == "type":
            allowed = ", ".join(t.name for t in spec.allowed)
            raise TypeError(
                f"Value passed to parameter '{spec.name}' has DataType {result.name} not in "
                f"list of allowed values: {allowed}"
            )
        allowed = ", ".join(f'"{a}"' for a in spec.allowed)
        raise ValueError(
            f"Attr '{spec.name}' of '{opdef.name}' Op passed string '{result}' not in: {allowed}."
        )
    if (
        kind == "int"
        and spec.minimum is not None
        and not spec.kind.startswith("list")
        and result < spec.minimum
    ):
        raise ValueError(
            f"Attr '{spec.name}' of '{opdef.name}' Op passed {result} less than minimum "
            f"{spec.minimum}."
        )
    return result


def _to_int(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise TypeError("not a whole number")
    if isinstance(value, (str, bytes)):
        raise TypeError("a string")
    return int(value)


def _to_bool(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_, int)):
        raise TypeError("not a bool")
    return bool(cast("Any", value))


def _to_float(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError("a string")
    return float(value)


def to_text(value: Any) -> str | bytes:
    """Returns `value` as `str`, or as `bytes` where it is not UTF-8."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise TypeError("not a string")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _to_type(value: Any) -> DType:
    return as_dtype(value).base_dtype


def _to_shape(value: Any) -> TensorShape:
    return value if isinstance(value, TensorShape) else TensorShape(value)


def _to_tensor(value: Any) -> Any:
    return cast("Any", value) if isinstance(value, np.ndarray) else tensors.decode(value)


def _to_function(value: Any) -> FunctionRef:
    if isinstance(value, FunctionRef):
        return value
    if isinstance(value, str):
        return FunctionRef(value)
    if hasattr(value, "attr"):
        return FunctionRef(value.name, {k: from_proto(v) for k, v in value.attr.items()})
    if hasattr(value, "add_to_graph"):
        return FunctionRef(value.name)
    raise TypeError("not a function")


_CONVERTERS: dict[str, Any] = {
    "int": _to_int,
    "bool": _to_bool,
    "float": _to_float,
    "string": to_text,
    "type": _to_type,
    "shape": _to_shape,
    "tensor": _to_tensor,
    "func": _to_function,
}


def complete(
    opdef: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]
) -> tuple[Any, Any, Any, Any]:
    """Fills in the attrs that follow from ready inputs or defaults.

    Returns what `Graph.create_node` takes.

    Raises:
      ValueError: if an attr is missing.
    """
    values = dict(attrs)
    position = 0
    for arg in opdef.inputs:
        position = _infer_from(arg, inputs, position, values)
    for spec in opdef.attrs.values():
        if spec.name not in values:
            if not spec.has_default:
                raise ValueError(f"NodeDef missing attr '{spec.name}' from Op '{opdef.name}'")
            values[spec.name] = spec.default
        values[spec.name] = check(opdef, spec, values[spec.name])
    return opdef, inputs, values, output_types(opdef, values)


def _infer_from(
    arg: ArgSpec, inputs: Sequence[Tensor], position: int, values: dict[str, Any]
) -> int:
    """Sets the attrs that `arg`'s tensors decide and returns the position behind them."""
    count = 1
    if arg.number_attr is not None:
        count = values.setdefault(arg.number_attr, len(inputs) - position)
    elif arg.type_list_attr is not None:
        if arg.type_list_attr not in values:
            values[arg.type_list_attr] = tuple(t.dtype.base_dtype for t in inputs[position:])
        count = len(values[arg.type_list_attr])
    if arg.type_attr is not None and count and position < len(inputs):
        values.setdefault(arg.type_attr, inputs[position].dtype.base_dtype)
    return position + count


def output_types(opdef: OpDef, attrs: dict[str, Any]) -> list[DType]:
    """Returns the dtypes of a node's flat outputs."""
    return _flat_types(opdef.outputs, attrs)


def input_types(opdef: OpDef, attrs: dict[str, Any]) -> list[DType]:
    """Returns the base dtypes that a node's flat inputs must have."""
    return [t.base_dtype for t in _flat_types(opdef.inputs, attrs)]


def _flat_types(args: Sequence[ArgSpec], attrs: dict[str, Any]) -> list[DType]:
    types: list[DType] = []
    for arg in args:
        if arg.type_list_attr is not None:
            listed: Sequence[DType] = attrs[arg.type_list_attr]
        else:
            single = arg.dtype if arg.dtype is not None else attrs[arg.type_attr or ""]
            listed = [single] * (attrs[arg.number_attr] if arg.number_attr else 1)
        types += [t._as_ref for t in listed] if arg.is_ref else listed  # pyright: ignore[reportPrivateUsage]
    return types


# -- public values and messages


def to_public(value: Any) -> Any:
    """Returns an attr value as `Operation.get_attr` gives it."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, tuple):
        items = cast("tuple[Any, ...]", value)
        return [to_public(item) for item in items]
    if isinstance(value, TensorShape):
        return value.as_proto()
    if isinstance(value, np.ndarray):
        return tensors.encode(value)
    if isinstance(value, FunctionRef):
        return to_proto(value).func
    return value


def from_public(value: Any) -> Any:
    """Returns an attr value given as a message or a Python value in the system's form."""
    if hasattr(value, "WhichOneof"):
        return from_proto(value)
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return tuple(from_public(item) for item in items)
    return to_text(value) if isinstance(value, bytes) else value


def to_proto(value: Any, kind: str | None = None) -> Any:
    """Encodes an attr value as an `AttrValue`.

    `kind` settles empty lists and ints that mean floats.
    """
    message = protos.AttrValue()
    if isinstance(value, tuple):
        message.list.SetInParent()
        items = cast("tuple[Any, ...]", value)
        for item in items:
            _set_field(message.list, item, kind and kind[5:-1], repeated=True)
    else:
        _set_field(message, value, kind)
    return message


def _set_field(message: Any, value: Any, kind: str | None, repeated: bool = False) -> None:
    name, encoded = _field_of(value, kind)
    field_of = getattr(message, name)
    if repeated:
        field_of.append(encoded) if name in "sifb" or name == "type" else field_of.add().CopyFrom(
            encoded
        )
    elif name in "sifb" or name == "type":
        setattr(message, name, encoded)
    else:
        field_of.CopyFrom(encoded)


def _field_of(value: Any, kind: str | None) -> tuple[str, Any]:
    if isinstance(value, bool) and kind != "int":
        return "b", value
    if kind == "float" or isinstance(value, float):
        return "f", float(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, DType):
        return "i", int(cast("int", value))
    if isinstance(value, str):
        return "s", value.encode()
    if isinstance(value, bytes):
        return "s", value
    if isinstance(value, DType):
        return "type", value.enum
    if isinstance(value, TensorShape):
        return "shape", shapes.shape_to_proto(value)
    if isinstance(value, np.ndarray):
        return "tensor", tensors.encode(value)
    if isinstance(value, FunctionRef):
        message = protos.NameAttrList(name=value.name)
        for key, item in value.attrs.items():
            message.attr[key].CopyFrom(to_proto(item))
        return "func", message
    raise TypeError(f"No attr can hold a {type(value).__name__}: {value!r}")


_LIST_FIELDS = ("s", "i", "f", "b", "type", "shape", "tensor", "func")


def from_proto(message: Any) -> Any:
    """Decodes an `AttrValue`."""
    which = message.WhichOneof("value")
    if which == "list":
        for name in _LIST_FIELDS:
            items = getattr(message.list, name)
            if len(items):
                return tuple(_decode(name, item) for item in items)
        return ()
    if which is None:
        return None
    return _decode(which, getattr(message, which))


def _decode(field_name: str, value: Any) -> Any:
    if field_name == "s":
        return to_text(value)
    if field_name == "type":
        return as_dtype(value)
    if field_name == "shape":
        return TensorShape(value)
    if field_name == "tensor":
        return tensors.decode(value)
    if field_name == "func":
        return _to_function(value)
    return value
