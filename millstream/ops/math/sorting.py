"""Sorting along an axis: `tf.sort`, `tf.argsort`."""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops.array.joining import concat
from millstream.ops.array.ordering import transpose
from millstream.ops.array.shapes import rank, shape
from millstream.ops.by_name import ops
from millstream.ops.math.ranges import range as counted

__all__ = ["argsort", "sort"]


def _swap_with_last(values: Tensor, axis: int) -> Any:
    """Returns the permutation that exchanges an axis and the last one, `None` if it is that."""
    dims = rank(values)
    known = values.shape.ndims
    if axis == -1 or axis + 1 == known:
        return None
    if known is not None:
        order = np.arange(known)
        order[[axis % known, known - 1]] = order[[known - 1, axis % known]]
        return constant(order.astype(np.int32), name="transposition")
    place = axis + dims if axis < 0 else constant(axis)
    parts = [counted(place), [dims - 1], counted(place + 1, dims - 1), [place]]
    return concat(parts, 0, name="transposition")


def _descending(values: Tensor, axis: int, output: int) -> Tensor:
    """Sorts in descending order; `output` 0 gives the values, 1 their positions."""
    count = shape(values)[axis]
    swap = _swap_with_last(values, axis)
    found = ops.TopKV2(values if swap is None else transpose(values, swap), count)[output]
    return found if swap is None else transpose(found, swap)


def _sorted(values: Any, axis: Any, direction: str, scope: str, name: Any, output: int) -> Tensor:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"{direction} should be one of ASCENDING, DESCENDING")
    with name_scope(name, scope):
        place = constant_array(to_tensor(axis, dtypes.int32, name="axis"))
        if place is None:
            raise ValueError("axis must be known while the graph is built")
        values = to_tensor(values, name="values")
        if direction == "DESCENDING":
            return _descending(values, int(place), output)
        found = _descending(-values, int(place), output)
        return found if output else -found


@export("sort")
def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: Any = None) -> Any:
    """Sorts numbers along an axis.

    Args:
      values: a tensor of real numbers.
      axis: the axis to sort along.
      direction: `"ASCENDING"` or `"DESCENDING"`.
      name: name for the nodes.

    Returns:
      A tensor of the same shape and type.

    Raises:
      ValueError: if the direction is neither, or the axis is not known.
    """
    return _sorted(values, axis, direction, "sort", name, 0)


@export("argsort")
def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False,
    name: Any = None,
) -> Any:  # fmt: skip
    """Gives the positions that would sort numbers along an axis.

    Args:
      values: a tensor of real numbers.
      axis: the axis to sort along.
      direction: `"ASCENDING"` or `"DESCENDING"`.
      stable: whether equal numbers must keep their order, which they do in any case.
      name: name for the nodes.

    Returns:
      An `int32` tensor of the same shape.

    Raises:
      ValueError: if the direction is neither, or the axis is not known.
    """
    del stable
    return _sorted(values, axis, direction, "argsort", name, 1)
