"""What can be told of a tensor's value before it runs: `tf.contrib.util.constant_value` and partial
shapes.

Values are folded through the NumPy references of pure ops, so every op whose inputs are known is
understood; the
result is kept on the tensor. Large results are not folded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.composite import SparseTensor
from millstream.ir.tensor import Tensor

_MAX_ELEMENTS = 4096
_FOLDABLE = frozenset((
    "Add", "AddN", "AddV2", "BroadcastArgs", "BroadcastGradientArgs", "Cast", "ConcatOffset",
    "ConcatV2", "Equal", "ExpandDims", "Fill",
    "FloorDiv", "FloorMod", "GatherV2", "Greater", "GreaterEqual", "Identity", "InvertPermutation",
    "Less", "LessEqual",
    "LogicalAnd", "LogicalNot", "LogicalOr", "Max", "Maximum", "Min", "Minimum", "Mul", "Neg",
    "NotEqual", "Pack",
    "Prod", "Range", "RealDiv", "Reshape", "Slice", "Squeeze", "StopGradient", "StridedSlice",
    "Sub", "Sum", "Tile",
    "Transpose", "Unpack",
))  # fmt: skip
"""Ops that shape arithmetic is made of.

Folding others would compute what nobody may ever ask for.
"""


@export("contrib.util.constant_value", "get_static_value")
def constant_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value of a tensor if it can be told from the graph alone, else `None`.

    Args:
      tensor: the tensor; anything else that is no tensor is returned as it is.
      partial: whether `Pack` may give an object array with `None` for the elements that are not
        known.

    Returns:
      An `np.ndarray`, not to be written to; feeding the tensor is forbidden from then on.
    """
    if not isinstance(tensor, Tensor):
        return tensor
    value = constant_array(tensor)
    if value is not None:
        tensor.graph.prevent_feeding(tensor)
        return value
    if partial and tensor.op.type == "Pack" and not tensor.op.inputs[0].shape.ndims:
        return np.array([constant_array(t) for t in tensor.op.inputs], dtype=object)
    return None


def constant_array(tensor: Tensor) -> Any:
    """Returns the statically known value of a tensor as an array, or `None`."""
    node = tensor.op
    kind = node.type
    if kind == "Const":
        return node.attrs["value"]
    if kind == "Placeholder":
        source = getattr(tensor, "_source", None)  # captured from the graph around a function
        return None if source is None or source.dtype.is_ref else constant_array(source)
    known = getattr(tensor, "_static_value", None)
    if known is not None:
        return known
    value = _compute(tensor, kind)
    if value is not None:
        tensor._static_value = value  # type: ignore[attr-defined]
    return value


def _compute(tensor: Tensor, kind: str) -> Any:
    node = tensor.op
    if kind in ("Shape", "Size", "Rank", "ShapeN"):
        return _of_shape(tensor, kind)
    if kind not in _FOLDABLE or (tensor.shape.num_elements() or 0) > _MAX_ELEMENTS:
        return None
    if kind == "Fill" and not tensor.shape.is_fully_defined():
        return None
    arrays: list[Any] = []
    for source in node.inputs:
        array = constant_array(source) if not source.dtype.is_ref else None
        if array is None:
            return None
        arrays.append(array)
    if not arrays or not node.opdef.reference or any(a.size > _MAX_ELEMENTS for a in arrays):
        return None
    result = node.opdef.reference.bind(node)(*arrays)
    return np.asarray(result if len(node.values()) == 1 else result[tensor.value_index])


def _of_shape(tensor: Tensor, kind: str) -> Any:
    node = tensor.op
    shape = node.inputs[tensor.value_index].shape
    out_type: DType = node.attrs.get("out_type") or tensor.dtype
    if kind == "Rank":
        return None if shape.ndims is None else np.asarray(shape.ndims, np.int32)
    if not shape.is_fully_defined():
        return None
    if kind == "Size":
        return np.asarray(shape.num_elements(), out_type.np)
    return np.asarray(shape.as_list(), out_type.np)


def constant_value_as_shape(tensor: Tensor) -> TensorShape:
    """Returns the partial shape that an integer vector spells, as far as its elements are known."""
    shape = (
        tensor.shape.with_rank_at_most(1) if tensor.shape.ndims == 0 else tensor.shape.with_rank(1)
    )
    value = constant_array(tensor)
    if value is not None:
        if value.ndim == 0:
            if value != -1:
                raise ValueError(
                    f"Received a scalar with value {value} as shape; require a vector or -1"
                )
            return unknown_shape()
        return TensorShape([None if d == -1 else int(d) for d in value.tolist()])
    rule = _PARTIAL.get(tensor.op.type)
    found = rule(tensor) if rule else None
    if found is not None:
        return found
    return unknown_shape(shape.tuple[0] if shape.tuple else None)


def _partial_captured(tensor: Tensor) -> TensorShape | None:
    source = getattr(tensor, "_source", None)
    return None if source is None else constant_value_as_shape(source)


def _partial_shape(tensor: Tensor) -> TensorShape | None:
    return tensor.op.inputs[0].shape


def _partial_pack(tensor: Tensor) -> TensorShape | None:
    sizes: list[int | None] = []
    for item in tensor.op.inputs:
        value = constant_array(item)
        if value is None and item.op.type == "StridedSlice":
            sizes.append(_sliced_size(item))
            continue
        sizes.append(None if value is None or int(value) < 0 else int(value))
    return TensorShape(sizes)


def _sliced_size(item: Tensor) -> int | None:
    """Returns the dimension that `tf.shape(x)[i]` stands for."""
    node = item.op
    begin = constant_array(node.inputs[1])
    if begin is None or begin.size != 1 or node.attrs["shrink_axis_mask"] != 1:
        return None
    whole = constant_value_as_shape(node.inputs[0])
    return None if whole.tuple is None else whole.tuple[int(begin[0])]


def _partial_concat(tensor: Tensor) -> TensorShape | None:
    result = TensorShape([])
    for part in tensor.op.inputs[:-1]:
        result = result.concatenate(constant_value_as_shape(part))
    return result


def _partial_slice(tensor: Tensor) -> TensorShape | None:
    node = tensor.op
    bounds = [constant_array(t) for t in node.inputs[1:]]
    if any(b is None or b.size != 1 for b in bounds):
        return None
    attrs = node.attrs
    if attrs["ellipsis_mask"] or attrs["new_axis_mask"] or attrs["shrink_axis_mask"]:
        return None
    begin, end, stride = (int(b[0]) for b in bounds)
    whole = constant_value_as_shape(node.inputs[0])
    if whole.tuple is None:
        return None
    picked = slice(
        None if attrs["begin_mask"] else begin, None if attrs["end_mask"] else end, stride
    )
    return TensorShape(list(whole.tuple[picked]))


def _partial_cast(tensor: Tensor) -> TensorShape | None:
    return constant_value_as_shape(tensor.op.inputs[0])


_PARTIAL: dict[str, Any] = {
    "Shape": _partial_shape,
    "Pack": _partial_pack,
    "ConcatV2": _partial_concat,
    "StridedSlice": _partial_slice,
    "Cast": _partial_cast,
    "Identity": _partial_cast,
    "Placeholder": _partial_captured,
}


def handle_data(tensor: Tensor) -> tuple[TensorShape, DType] | None:
    """Returns shape and type of the variable behind a resource handle, if the graph tells."""
    node = tensor.op
    known = tensor._handle_data  # pyright: ignore[reportPrivateUsage]
    if known is not None:
        return known
    if node.type == "VarHandleOp":
        return node.attrs["shape"], node.attrs["dtype"]
    if node.type in ("Identity", "Enter", "Switch") and node.inputs:
        return handle_data(node.inputs[0])
    if node.type == "Placeholder":
        source = getattr(tensor, "_source", None)
        return None if source is None else handle_data(source)
    return None


SparseTensor.shape_of = constant_value_as_shape
