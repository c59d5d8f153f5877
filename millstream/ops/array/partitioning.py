"""Ops that deal elements out and put them together: DynamicPartition, DynamicStitch."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.constant import constant
from millstream.ir.opdef import OpDef
from millstream.ir.spec import AtLeast, Dynamic, Int32, Returns, Tensor, Tensors, f, op
from millstream.ops.array.shapes import shape_internal
from millstream.ops.by_name import ops

__all__ = ["dynamic_partition", "dynamic_stitch"]


@op(effect=Dynamic())
def DynamicPartition[T](
    data: Tensor[T], partitions: Tensor[Int32], *, num_partitions: AtLeast(1)
) -> Returns(outputs=Tensors[T, "num_partitions"]):
    """Deals slices of `data` out to the partition that `partitions` names for each."""


@op(effect=Dynamic())
def DynamicStitch[T](indices: Tensors[Int32, "N"], data: Tensors[T, "N"]) -> Returns(
    merged=Tensor[T]
):
    """Puts slices at the places that `indices` names; later ones win."""


@op(effect=Dynamic())
def ParallelDynamicStitch[T](indices: Tensors[Int32, "N"], data: Tensors[T, "N"]) -> Returns(
    merged=Tensor[T]
):
    """Puts slices at the places that `indices` names, in any order."""


# -- DynamicPartition


def _common_prefix(first, second):
    """Checks that `first` begins with `second`, and returns the rest of it or `None`.

    Raises:
      ValueError: if it does not.
    """
    if first.ndims is None or second.ndims is None:
        return None
    if first.ndims < second.ndims:
        raise ValueError(f"Shape must be at least rank {second.ndims} but is rank {first.ndims}")
    for d, e in zip(first.tuple, second.tuple):
        if d is not None and e is not None and d != e:
            raise ValueError(f"Dimensions must be equal, but are {d} and {e}")
    return first.tuple[second.ndims :]


@DynamicPartition.shape
def _(data, partitions, num_partitions):
    rest = _common_prefix(data, partitions)
    shape = unknown_shape() if rest is None else TensorShape([None, *rest])
    return (shape,) * num_partitions


@DynamicPartition.reference
def _(data, partitions, num_partitions):
    parts = np.asarray(partitions)
    bad = (parts < 0) | (parts >= num_partitions)
    if bad.any():
        place = np.unravel_index(int(np.argmax(bad)), parts.shape)
        where = f"[{','.join(map(str, map(int, place)))}]" if place else ""
        raise errors.InvalidArgumentError(
            None, None, f"partitions{where} = {parts[place]} is not in [0, {num_partitions})"
        )
    data = np.asarray(data)
    if data.shape[: parts.ndim] != parts.shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            "data.shape must start with partitions.shape, got data.shape = "
            f"{list(data.shape)}, partitions.shape = {list(parts.shape)}",
        )
    return tuple(data[parts == k] for k in range(num_partitions))


@DynamicPartition.gradient
def _(node, *dys):
    data, partitions = node.inputs
    sizes = shape_internal(partitions)
    count = ops.Prod(sizes, constant([0]))
    places = ops.Reshape(ops.Range(0, count, 1), sizes)
    indices = DynamicPartition(places, partitions, num_partitions=node.attrs["num_partitions"])
    merged = ParallelDynamicStitch(indices, list(dys))
    return [ops.Reshape(merged, shape_internal(data)), None]


DynamicPartition.examples(f[4, 2], np.array([0, 1, 0, 2], np.int32), num_partitions=4)
DynamicPartition.examples(f[2, 2], np.array([[1, 0], [0, 0]], np.int32), num_partitions=2)
DynamicPartition.fails("is not in [0, 2)", f[2], np.array([0, 2], np.int32), num_partitions=2)


# -- DynamicStitch


def _stitched(indices, indices_value, data):
    rest = None
    for index, part in zip(indices, data, strict=True):
        own = _common_prefix(part, index)
        if own is not None:
            rest = own if rest is None else TensorShape(rest).merge_with(own).tuple
    if rest is None:
        return unknown_shape()
    if any(value is None for value in indices_value):
        return [None, *rest]
    return [max((int(value.max()) + 1 for value in indices_value if value.size), default=0), *rest]


def _stitch(indices, data, T):
    count = max((int(np.max(index)) + 1 for index in indices if np.size(index)), default=0)
    first = np.shape(data[0])[np.ndim(indices[0]) :]
    merged = np.zeros((count, *first), T.np)
    for index, part in zip(indices, data, strict=True):
        if np.size(index) and np.min(index) < 0:
            raise errors.InvalidArgumentError(
                None, None, f"indices {np.min(index)} is not in [0, {count})"
            )
        merged[np.ravel(index)] = np.reshape(part, (-1, *first))
    return merged


def _stitch_gradient(node, dy):
    count = node.attrs["N"]
    indices = node.inputs[:count]
    return [None] * count + [ops.GatherV2(dy, index, 0) for index in indices]


def _complete(opdef: OpDef) -> None:
    opdef.shape(lambda indices, indices_value, data: _stitched(indices, indices_value, data))
    opdef.reference(_stitch)
    opdef.gradient(_stitch_gradient)
    places = [np.array([0, 2], np.int32), np.array([1, 3], np.int32)]
    opdef.examples(places, [f[2, 3], f[2, 3]])
    opdef.examples([np.array(1, np.int32), np.array([0, 2], np.int32)], [f[3], f[2, 3]])
    opdef.fails("must be equal", [np.array([0, 1], np.int32)], [f[3]])


for _opdef in (DynamicStitch, ParallelDynamicStitch):
    _complete(_opdef)


@export("dynamic_partition")
def dynamic_partition(data, partitions, num_partitions, name=None):
    """Returns a list of tensors to which the slices of `data` are dealt out.

    Args:
      data: a tensor whose shape begins with that of `partitions`.
      partitions: integers in `[0, num_partitions)`: where each slice goes.
      num_partitions: length of the list, a Python int.
      name: name of the node.
    """
    return DynamicPartition(data, partitions, num_partitions=num_partitions, name=name)


@export("dynamic_stitch")
def dynamic_stitch(indices, data, name=None):
    """Returns one tensor of the slices in the list `data`, at the places in `indices`.

    Args:
      indices: list of integer tensors.
      data: list of tensors, the shape of each beginning with that of its indices.
      name: name of the node.

    Returns:
      A tensor with one more slice than the greatest index; of slices for one place the last wins.
    """
    return DynamicStitch(indices, data, name=name)
