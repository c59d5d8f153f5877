"""Runs the shape rule of a new node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from millstream.base.shapes import TensorShape
from millstream.ir import static_value

if TYPE_CHECKING:
    from millstream.ir.node import Operation


def infer_shapes(node: Operation) -> None:
    """Sets the static shapes of a node's outputs.

    Raises:
      ValueError: if the rule refuses the inputs; the message names node, op and input shapes.
    """
    rule = node.opdef.shape_rule
    outputs = node.values()
    if rule is None:
        return
    arguments = [_argument(node, kind, key) for kind, key in rule.sources]
    try:
        result = rule.fn(*arguments)
        if not outputs:  # the rule only checked the inputs
            return
        if len(outputs) == 1 and not isinstance(result, tuple):
            outputs[0]._shape = _as_shape(result)  # pyright: ignore[reportPrivateUsage]
        else:
            for tensor, shape in zip(outputs, cast("Sequence[Any]", result), strict=True):
                tensor._shape = _as_shape(shape)  # pyright: ignore[reportPrivateUsage]
    except ValueError as error:
        raise ValueError(_message(node, error)) from None


def _as_shape(shape: Any) -> TensorShape:
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def _argument(node: Operation, kind: str, key: Any) -> Any:
    """Returns what a shape rule's parameter stands for."""
    if kind == "attr":
        return node.attrs[key]
    if kind == "extra":
        return node
    index: int = key
    start, stop = node.opdef.input_spans(node)[index]
    tensors = node.inputs[start:stop]
    if kind == "input":
        shapes = [t.shape for t in tensors]
    elif kind == "_value":
        shapes = [static_value.constant_array(t) for t in tensors]
    elif kind == "_as_shape":
        shapes = [static_value.constant_value_as_shape(t) for t in tensors]
    else:
        shapes = [static_value.handle_data(t) for t in tensors]
    return shapes if node.opdef.inputs[index].is_list else shapes[0]


def _message(node: Operation, error: ValueError) -> str:
    shapes = ", ".join(_shape_text(t.shape) for t in node.inputs)
    text = f"{error} for '{node.name}' (op: '{node.type}') with input shapes: {shapes}."
    lines = [
        f"\n  input {i}: {t.dtype.base_dtype.name}{_shape_text(t.shape)}  '{t.name}'{_made_at(t)}"
        for i, t in enumerate(node.inputs)
    ]
    return text + "".join(lines)


def _made_at(tensor: Any) -> str:
    return f"  made at {tensor.op.origin}" if tensor.op.origin else ""


def _shape_text(shape: TensorShape) -> str:
    sizes = shape.tuple
    if sizes is None:
        return "<unknown>"
    return "[" + ",".join("?" if d is None else str(d) for d in sizes) + "]"
