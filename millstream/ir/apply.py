"""Makes a node of a call `Op(inputs…, attrs…)`: conversion of values, inference of type attrs,
defaults.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, cast

from millstream.base.dtypes import DType
from millstream.ir import attrs as attr_values
from millstream.ir import convert
from millstream.ir.composite import CompositeTensor
from millstream.ir.context import default_graphs
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import MISSING, ArgSpec, OpDef
from millstream.ir.tensor import Tensor


def apply_op(opdef: OpDef, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None) -> Any:
    """Adds a node to the graph of its inputs, or else the default graph.

    Returns:
      The output `Tensor`; a list for one list output; a namedtuple for several; the `Operation` for
      none.

    Raises:
      TypeError: for wrong types, missing or unknown arguments.
      ValueError: for wrong lengths, attr values, shapes, or tensors of different graphs.
    """
    values = _match(opdef, args, kwargs)
    graph = graph_of(values)
    outer = graph.name_stack
    scope = graph.enter_name(opdef.name if name is None else name)
    graph.name_stack = scope
    try:
        with graph.as_default() if graph is not get_default_graph() else _NO_CONTEXT:
            inputs, attrs = _convert_inputs(opdef, values, scope)
            _finish_attrs(opdef, attrs, kwargs)
            types = attr_values.output_types(opdef, attrs)
            with _beside_refs(opdef, graph, inputs):
                node = graph.create_node(opdef, inputs, attrs, types, f"{scope}/")
    finally:
        graph.name_stack = outer
    return results(node)


class _NoContext:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


_NO_CONTEXT = _NoContext()


@cache
def _takes_refs(opdef: OpDef) -> bool:
    return any(arg.is_ref and not arg.is_list for arg in opdef.inputs)


def _beside_refs(opdef: OpDef, graph: Graph, inputs: list[Tensor]) -> Any:
    """Places a node that takes refs where the variables behind them are."""
    if not _takes_refs(opdef):
        return _NO_CONTEXT
    stack = ExitStack()
    for arg, tensor in zip(opdef.inputs, inputs):
        if arg.is_ref:
            stack.enter_context(graph.colocate_with(tensor))
    return stack


def _match(opdef: OpDef, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Returns the values of the declared inputs; leaves only attrs in `kwargs`."""
    if len(args) > len(opdef.inputs):
        raise TypeError(
            f"{opdef.name} takes {len(opdef.inputs)} inputs, got {len(args)} positional arguments"
        )
    values = list(args)
    for arg in opdef.inputs[len(args) :]:
        try:
            values.append(kwargs.pop(arg.name))
        except KeyError:
            raise TypeError(f"No argument for input '{arg.name}' found in {opdef.name}") from None
    return values


def graph_of(values: Any) -> Graph:
    """Returns the graph that the tensors among `values` belong to, else the default graph.

    Inside a function that is its graph, which captures tensors of those around it.

    Raises:
      ValueError: if they belong to different graphs.
    """
    default = default_graphs.top()
    inside: Any = default if default is not None and default.building_function else None
    first: Tensor | None = None
    for value in values:
        for item in value if type(value) in (list, tuple) else (value,):
            if not isinstance(item, Tensor):
                continue
            if inside is not None:
                if item.graph is not inside:
                    inside.capture(item)
            elif first is None:
                first = item
                if item.graph.building_function:
                    raise ValueError(_from_inside(item))
            elif item.graph is not first.graph:
                if item.graph.building_function:
                    raise ValueError(_from_inside(item))
                raise ValueError(f"{item} must be from the same graph as {first}.")
    if inside is not None:
        return inside
    return get_default_graph() if first is None else first.graph


def _from_inside(tensor: Tensor) -> str:
    graph: Any = tensor.graph
    return (
        f"Cannot use '{tensor.name}' here, because it is in a cond or while context: it lives "
        f"inside {graph.description}. Return it from there and use what the call gives."
    )


def _convert_inputs(
    opdef: OpDef, values: list[Any], scope: str
) -> tuple[list[Tensor], dict[str, Any]]:
    inputs: list[Tensor] = []
    attrs: dict[str, Any] = {}
    origins: dict[str, str] = {}  # which argument decided a type attr, for the message
    for arg, value in zip(opdef.inputs, values, strict=True):
        if arg.is_list:
            inputs += _convert_list(opdef, arg, value, attrs, scope)
            continue
        dtype = arg.dtype if arg.dtype is not None else attrs.get(arg.type_attr or "")
        tensor = _convert_one(opdef, arg, value, dtype, origins)
        if arg.type_attr is not None and dtype is None:
            origins[arg.type_attr] = arg.name
            attrs[arg.type_attr] = _allowed(opdef, arg, tensor.dtype.base_dtype)
        inputs.append(tensor)
    return inputs, attrs


def _allowed(opdef: OpDef, arg: ArgSpec, dtype: DType) -> DType:
    spec = opdef.attrs[arg.type_attr or ""]
    if spec.allowed is not None and dtype not in spec.allowed:
        allowed = ", ".join(t.name for t in spec.allowed)
        raise TypeError(
            f"Value passed to parameter '{arg.name}' has DataType {dtype.name} not in list of "
            f"allowed values: {allowed}"
        )
    return dtype


def _default_type(opdef: OpDef, arg: ArgSpec) -> DType | None:
    default = opdef.attrs[arg.type_attr].default if arg.type_attr else MISSING
    return None if default is MISSING else default


def _convert_one(
    opdef: OpDef, arg: ArgSpec, value: Any, dtype: DType | None, origins: dict[str, str]
) -> Tensor:
    if isinstance(value, CompositeTensor) and not hasattr(value, "dense_shape"):
        raise TypeError(
            f"Input '{arg.name}' of '{opdef.name}' Op cannot be a {type(value).__name__}"
        )
    tensor: Any = value
    if not isinstance(value, Tensor):
        preferred = _default_type(opdef, arg) if dtype is None else None
        try:
            tensor = convert.to_tensor(value, dtype, arg.name, preferred, arg.is_ref)
        except (TypeError, ValueError) as error:
            if dtype is None or value is None:
                raise
            found = (
                convert.to_tensor(value, None, arg.name, None, arg.is_ref)
                if hasattr(value, "dtype")
                else None
            )
            if found is None:
                raise TypeError(
                    f"Expected {dtype.name} passed to parameter '{arg.name}' of op "
                    f"'{opdef.name}', got {value!r} of "
                    f"type '{type(value).__name__}' instead. Error: {error}"
                ) from None
            tensor = found
    if arg.is_ref and not tensor.dtype.is_ref:
        raise TypeError(
            f"'{opdef.name}' Op requires that input '{arg.name}' be a mutable tensor (e.g.: a "
            "tf.Variable)"
        )
    if dtype is not None and tensor.dtype.base_dtype is not dtype:
        raise TypeError(_mismatch(opdef, arg, tensor, dtype, origins))
    return tensor


def _mismatch(
    opdef: OpDef, arg: ArgSpec, tensor: Tensor, dtype: DType, origins: dict[str, str]
) -> str:
    found = tensor.dtype.base_dtype.name
    text = f"Input '{arg.name}' of '{opdef.name}' Op has type {found} that does not match "
    if arg.type_attr in origins:
        text += f"type {dtype.name} of argument '{origins[arg.type_attr]}'."
    else:
        text += f"expected type of {dtype.name}."
    return text + (f"\n  '{tensor.name}' made at {tensor.op.origin}" if tensor.op.origin else "")


def _convert_list(
    opdef: OpDef, arg: ArgSpec, value: Any, attrs: dict[str, Any], scope: str
) -> list[Tensor]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"Expected list for '{arg.name}' argument to '{opdef.name}' Op, not {value!r}."
        )
    items = cast("Sequence[Any]", value)
    dtype = arg.dtype if arg.dtype is not None else attrs.get(arg.type_attr or "")
    if dtype is None and arg.number_attr is not None:
        dtype = next((t.dtype.base_dtype for t in items if isinstance(t, Tensor)), None)
        if dtype is None and arg.type_attr:
            dtype = _default_type(opdef, arg)
    tensors = _convert_items(opdef, arg, items, dtype)
    if len(tensors) < arg.minimum:
        raise ValueError(
            f"List argument '{arg.name}' to '{opdef.name}' Op with length {len(tensors)} "
            "shorter than "
            f"minimum length {arg.minimum}."
        )
    types = tuple(t.dtype.base_dtype for t in tensors)
    if arg.type_list_attr is not None:
        attrs[arg.type_list_attr] = types
        return tensors
    if len(set(types)) > 1 or (dtype is not None and types and types[0] is not dtype):
        names = ", ".join(t.name for t in types)
        raise TypeError(
            f"Tensors in list passed to '{arg.name}' of '{opdef.name}' Op have types "
            f"[{names}] that don't all match."
        )
    if arg.number_attr in attrs and attrs[arg.number_attr] != len(tensors):
        raise ValueError(
            f"List argument '{arg.name}' to '{opdef.name}' Op with length {len(tensors)} must "
            "match length "
            f"{attrs[arg.number_attr]} of other list arguments."
        )
    attrs[arg.number_attr or ""] = len(tensors)
    if arg.type_attr is not None and types:
        attrs[arg.type_attr] = _allowed(opdef, arg, types[0])
    return tensors


def _convert_items(opdef: OpDef, arg: ArgSpec, items: Any, dtype: DType | None) -> list[Tensor]:
    tensors: list[Tensor] = []
    for index, item in enumerate(items):
        if isinstance(item, Tensor):
            tensors.append(item)
            continue
        try:
            tensors.append(convert.to_tensor(item, dtype, f"{arg.name}_{index}", None, arg.is_ref))
        except (TypeError, ValueError):
            if dtype is None or not hasattr(item, "dtype"):
                raise
            tensors.append(convert.to_tensor(item, None, f"{arg.name}_{index}", None, arg.is_ref))
    return tensors


def _finish_attrs(opdef: OpDef, attrs: dict[str, Any], given: dict[str, Any]) -> None:
    """Adds the given attrs and the defaults, checked.

    Raises:
      TypeError: for an attr that is missing or not the op's.
    """
    for spec in opdef.attrs.values():
        key = spec.name
        if key in attrs:
            if spec.inferred and spec.kind == "list(type)" and spec.allowed is not None:
                attr_values.check(opdef, spec, attrs[key])
            given.pop(key, None)
        elif key in given:
            value = given.pop(key)
            attrs[key] = (
                spec.default
                if value is None and spec.has_default
                else attr_values.check(opdef, spec, value)
            )
        elif spec.has_default:
            attrs[key] = spec.default
        else:
            raise TypeError(f"No argument for attr {key} of op {opdef.name}")
    if given:
        raise TypeError(f"{opdef.name} got unexpected arguments: {', '.join(given)}")


@cache
def _result_type(op_name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(op_name, fields, rename=True)  # pyright: ignore[reportUntypedNamedTuple]


def results(node: Operation) -> Any:
    """Returns a node's outputs in the form that calling its op gives."""
    outputs = node.values()
    declared = node.opdef.outputs
    if len(declared) == 1 and not declared[0].is_list:
        return outputs[0]
    if not outputs:
        return node
    spans = node.opdef.output_spans(node)
    parts = [
        list(outputs[a:b]) if arg.is_list else outputs[a]
        for arg, (a, b) in zip(declared, spans, strict=True)
    ]
    if len(parts) == 1:
        return parts[0]
    return _result_type(node.type, tuple(a.name for a in declared))(*parts)


OpDef.apply = staticmethod(apply_op)
