"""Sums of many tensors, and the axes over which broadcast gradients are summed."""

from typing import Any

import numpy as np

from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_indexed_slices
from millstream.ir.spec import (
    Int32,
    Int64,
    Number,
    Returns,
    Shape,
    Tensor,
    Tensors,
    Variant,
    f,
    op,
)
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.by_name import ops

__all__ = [
    *("AccumulateNV2", "AddN", "BroadcastArgs", "BroadcastGradientArgs"),
    *("accumulate_n", "add_n", "broadcast_dynamic_shape"),
]


@op
def AddN[T: (Number, Variant)](inputs: Tensors[T, "N"]) -> Returns(sum=Tensor[T]):
    """Adds any number of tensors of one shape."""


@op
def AccumulateNV2[T: Number](inputs: Tensors[T, "N"], *, shape: Shape) -> Returns(sum=Tensor[T]):
    """Adds any number of tensors of one shape, which is known before they are."""


def _merged(shapes: list[TensorShape]) -> TensorShape:
    merged = shapes[0]
    for shape in shapes[1:]:
        merged = merged.merge_with(shape)
    return merged


def _total(inputs: list[Any]) -> Any:
    total = inputs[0]
    for item in inputs[1:]:
        total = total + item
    return total


def _total_of_arrays(inputs: list[Any]) -> Any:
    shapes = {item.shape for item in inputs}
    if len(shapes) > 1:
        raise InvalidArgumentError(
            None, None, f"Inputs to operation must have the same shape, not {sorted(shapes)}"
        )
    if len(inputs) == 1:
        return inputs[0]
    total = np.add(inputs[0], inputs[1])
    for item in inputs[2:]:
        total += item
    return total


def _sum_of_many(opdef: Any) -> None:
    opdef.kernel(lambda inputs: _total(inputs))
    opdef.reference(lambda inputs: _total_of_arrays(inputs))
    opdef.gradient(lambda node, dy: [dy] * len(node.inputs))


AddN.shape(lambda inputs: _merged(inputs))
AccumulateNV2.shape(lambda inputs, shape: _merged([*inputs, shape]))
_sum_of_many(AddN)
_sum_of_many(AccumulateNV2)
AddN.examples([f[2, 3], f[2, 3], f[2, 3]]).examples([f[()]]).fails("not compatible", [f[2], f[3]])
AccumulateNV2.examples([f[2, 3], f[2, 3]], shape=TensorShape([2, 3]))
AccumulateNV2.fails("not compatible", [f[2], f[3]], shape=TensorShape([None]))


@op(static=("s0", "s1"), defaults={"T": Int32})
def BroadcastArgs[T: (Int32, Int64)](s0: Tensor[T], s1: Tensor[T]) -> Returns(r0=Tensor[T]):
    """Computes the shape that two shapes broadcast to."""


@BroadcastArgs.shape
def _(s0, s1):
    lengths = [s.with_rank(1).as_list()[0] for s in (s0, s1)]
    return [None if None in lengths else max(lengths)]


@BroadcastArgs.kernel
@BroadcastArgs.reference
def _(s0, s1):
    pairs = zip(*_padded(s0, s1), strict=True)
    return np.array([b if a == 1 else a for a, b in pairs], s0.dtype)


def _padded(s0: Any, s1: Any) -> tuple[list[int], list[int]]:
    """Lists the sizes of both shapes, as many of either.

    Raises:
      InvalidArgumentError: if they do not broadcast.
    """
    x, y = s0.tolist(), s1.tolist()
    missing = len(x) - len(y)
    x, y = [1] * -missing + x, [1] * missing + y
    if x != y and any(a != b and 1 not in (a, b) for a, b in zip(x, y, strict=True)):
        raise InvalidArgumentError(
            None, None, f"Incompatible shapes: {s0.tolist()} vs. {s1.tolist()}"
        )
    return x, y


BroadcastArgs.no_gradient("shapes are integers")
BroadcastArgs.examples(np.array([2, 1], np.int32), np.array([3], np.int32))


@op(static=("s0", "s1"), defaults={"T": Int32})
def BroadcastGradientArgs[T: (Int32, Int64)](s0: Tensor[T], s1: Tensor[T]) -> Returns(
    r0=Tensor[T], r1=Tensor[T]
):
    """Lists the axes along which each of two broadcast operands was repeated."""


@BroadcastGradientArgs.shape
def _(s0, s1):
    s0.with_rank(1), s1.with_rank(1)
    return [None], [None]


@BroadcastGradientArgs.kernel
@BroadcastGradientArgs.reference
def _(s0, s1):
    x, y = _padded(s0, s1)
    if s0.size == s1.size and x == y:
        x = y = []
    # A size of 1 on both sides is listed on both: summing over it changes nothing.
    r0, r1 = ([axis for axis, size in enumerate(side) if size == 1] for side in (x, y))
    return np.array(r0, s0.dtype), np.array(r1, s0.dtype)


BroadcastGradientArgs.no_gradient("shapes are integers")
BroadcastGradientArgs.examples(np.array([2, 3], np.int32), np.array([3], np.int32))
BroadcastGradientArgs.examples(np.array([2, 1, 4], np.int32), np.array([1, 3, 1], np.int32))


def _alike(inputs: Any, what: str) -> list[Any]:
    """Converts the inputs of a sum.

    Raises:
      ValueError: if they are not a non-empty list.
    """
    if not inputs or not isinstance(inputs, (list, tuple)):
        raise ValueError(
            f"{what} must be a list of at least one Tensor/IndexedSlices with the same dtype "
            "and shape"
        )
    return [
        convert_to_tensor_or_indexed_slices(x, name=f"{what}_{n}") for n, x in enumerate(inputs)
    ]


def _only(tensor: Any, name: Any) -> Any:
    if isinstance(tensor, IndexedSlices):
        tensor = convert_to_tensor(tensor)
    return ops.Identity(tensor, name=name) if name else tensor


@export("add_n", "math.add_n")
def add_n(inputs: Any, name: Any = None) -> Any:
    """Adds any number of tensors of one shape.

    Args:
      inputs: a list of tensors or `IndexedSlices` of one shape and type.
      name: name for the node.

    Returns:
      A tensor of the same shape and type.

    Raises:
      ValueError: if the list is empty, or shapes differ.
      TypeError: if types differ.
    """
    tensors = _alike(inputs, "inputs")
    if len(tensors) == 1:
        return _only(tensors[0], name)
    return AddN(tensors, name=name)


@export("accumulate_n", "math.accumulate_n")
def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: Any = None) -> Any:
    """Adds any number of tensors of one shape, without waiting for all of them.

    Args:
      inputs: a list of tensors of one shape and type.
      shape: what is known of their shape beyond what they tell.
      tensor_dtype: the type that they must have.
      name: name for the node.

    Returns:
      A tensor of the same shape and type.

    Raises:
      ValueError: if the list is empty, or shapes differ.
      TypeError: if types differ, or are not `tensor_dtype`.
    """
    tensors = _alike(inputs, "inputs")
    merged = as_shape(shape)
    for tensor in tensors:
        if isinstance(tensor, SymbolicTensor):
            merged = merged.merge_with(tensor.shape)
    if tensor_dtype is not None and tensor_dtype != tensors[0].dtype.base_dtype:
        raise TypeError(
            f"tensor_dtype is {tensor_dtype}, but input is of type {tensors[0].dtype.name}"
        )
    if len(tensors) == 1:
        return _only(tensors[0], name)
    return AccumulateNV2(tensors, shape=merged, name=name)


@export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """Computes the shape that two shapes given by tensors broadcast to.

    Args:
      shape_x: an integer vector.
      shape_y: the same.

    Returns:
      An integer vector, as a tensor.

    Raises:
      InvalidArgumentError: at run time, if the shapes do not broadcast.
    """
    return BroadcastArgs(shape_x, shape_y)
