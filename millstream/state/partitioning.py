"""How a variable is cut into pieces: partitioners, and the arithmetic of pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from millstream.base.dtypes import String, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape


class PartitionInfo:
    """Tells an initializer which piece of which whole it makes.

    Args:
      full_shape: shape of the whole, a list of ints.
      var_offset: where the piece begins, one int per axis.

    Raises:
      TypeError: if these are no lists.
      ValueError: if the offset does not lie in the shape.
    """

    def __init__(self, full_shape: Any, var_offset: Any) -> None:
        for value, name in ((full_shape, "full_shape"), (var_offset, "var_offset")):
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise TypeError(
                    f"`{name}` must be a sequence (like tuple or list) instead of "
                    f"{type(value).__name__}"
                )
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length {len(var_offset)} while "
                f"full_shape is of length {len(full_shape)}."
            )
        for offset, size in zip(var_offset, full_shape, strict=True):
            if offset < 0 or offset >= size:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, shape={size} for "
                    f"var_offset={var_offset}, full_shape={full_shape}"
                )
        self.full_shape = full_shape
        self.var_offset = var_offset

    def single_slice_dim(self, shape: Any) -> int | None:
        """Returns the axis along which a piece of `shape` is cut, `None` if it is the whole.

        Raises:
          TypeError: if `shape` is no list.
          ValueError: if it does not fit, or is cut along several axes.
        """
        if not isinstance(shape, Sequence):
            raise TypeError(f"`shape` must be a sequence instead of {type(shape).__name__}")
        if len(shape) != len(self.full_shape):
            raise ValueError(
                f"Expected equal length, but received shape={shape} of length {len(shape)} while "
                f"self.full_shape={self.full_shape} is of length {len(self.full_shape)}."
            )
        for axis, (offset, size) in enumerate(zip(self.var_offset, shape, strict=True)):
            if offset + size > self.full_shape[axis]:
                raise ValueError(
                    f"With self.var_offset={self.var_offset}, a partition of shape={shape} would "
                    "exceed "
                    f"self.full_shape={self.full_shape} in dimension {axis}."
                )
        cut = [i for i, size in enumerate(shape) if size != self.full_shape[i]]
        if len(cut) > 1:
            raise ValueError(
                f"Cannot use single_slice_dim() with shape={shape} and "
                f"self.full_shape={self.full_shape} since slice dim could be either dimension "
                f"{cut[0]} or {cut[1]}."
            )
        return cut[0] if cut else None

    def single_offset(self, shape: Any) -> int:
        """Returns where a piece of `shape` begins along the axis that is cut."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]


def call_partitioner(partitioner: Any, shape: TensorShape, dtype: Any) -> list[int]:
    """Returns the number of pieces per axis that a partitioner wants.

    Raises:
      ValueError: if the shape is not known, or the partitioner's answer is not usable.
    """
    if not shape.is_fully_defined():
        raise ValueError(
            f"Shape of a new partitioned variable must be fully defined, but instead was {shape}."
        )
    if not shape.as_list():
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    pieces = partitioner(shape=shape, dtype=dtype)
    if not isinstance(pieces, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {pieces}")
    if len(pieces) != shape.ndims:
        raise ValueError(
            "Partitioner returned a partition list that does not match the Variable's rank: "
            f"{pieces} vs. {shape}"
        )
    if any(count < 1 for count in pieces):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {pieces}")
    if sum(count > 1 for count in pieces) > 1:
        raise ValueError(
            f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {pieces}"
        )
    return list(pieces)


def cut_axis(pieces: Sequence[int]) -> tuple[int, int]:
    """Returns the axis that is cut, and into how many pieces."""
    return next(((axis, count) for axis, count in enumerate(pieces) if count > 1), (0, 1))


def iterate_pieces(
    full_shape: list[int], count: int, axis: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Gives offset and shape of each piece; the first ones are larger by one if need be."""
    smallest, larger = divmod(full_shape[axis], count)
    offset = [0] * len(full_shape)
    for index in range(count):
        shape = list(full_shape)
        shape[axis] = smallest + (index < larger)
        yield list(offset), shape
        offset[axis] += shape[axis]


# -- partitioners

type Partitioner = Callable[..., list[int]]


def _element_size(dtype: Any, bytes_per_string_element: int) -> int:
    found = as_dtype(dtype).base_dtype
    return bytes_per_string_element if found is String else found.size


@export("fixed_size_partitioner")
def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Returns a partitioner that cuts `axis` into `num_shards` pieces, fewer if it is shorter."""

    def partitioner(shape: TensorShape, **_: Any) -> list[int]:
        pieces = [1] * len(shape)
        pieces[axis] = min(num_shards, shape.as_list()[axis] or 1)
        return pieces

    return partitioner


@export("variable_axis_size_partitioner")
def variable_axis_size_partitioner(
    max_shard_bytes: int,
    axis: int = 0,
    bytes_per_string_element: int = 16,
    max_shards: int | None = None,
) -> Partitioner:
    """Returns a partitioner that cuts `axis` into pieces of at most `max_shard_bytes` bytes.

    Args:
      max_shard_bytes: the largest size of a piece, in bytes; a single slice may be larger.
      axis: the axis to cut.
      bytes_per_string_element: what an element of a string variable counts, in bytes.
      max_shards: the largest number of pieces.

    Raises:
      ValueError: if a number is not positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape: Any, dtype: Any) -> list[int]:
        if not isinstance(shape, TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        sizes = shape.as_list()
        row_bytes = math.prod(sizes) / sizes[axis] * _element_size(dtype, bytes_per_string_element)
        rows = max(1, math.floor(max_shard_bytes / row_bytes))
        count = math.ceil(sizes[axis] / rows)
        pieces = [1] * len(sizes)
        pieces[axis] = min(max_shards, count) if max_shards else count
        return pieces

    return partitioner


@export("min_max_variable_partitioner")
def min_max_variable_partitioner(
    max_partitions: int = 1,
    axis: int = 0,
    min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Partitioner:
    """Returns a partitioner that cuts `axis` into pieces of at least `min_slice_size` bytes.

    Args:
      max_partitions: the largest number of pieces.
      axis: the axis to cut.
      min_slice_size: the smallest size of a piece, in bytes.
      bytes_per_string_element: what an element of a string variable counts, in bytes.
    """

    def partitioner(shape: TensorShape, dtype: Any) -> list[int]:
        sizes = shape.as_list()
        if axis >= len(sizes):
            raise ValueError(
                f"Cannot partition variable along axis {axis} when shape is only {shape}"
            )
        total = math.prod(sizes) * _element_size(dtype, bytes_per_string_element)
        pieces = [1] * len(sizes)
        pieces[axis] = max(1, min(sizes[axis], max_partitions, math.ceil(total / min_slice_size)))
        return pieces

    return partitioner
