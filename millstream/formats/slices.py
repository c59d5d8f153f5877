"""Slices of tensors: how checkpoints name the pieces of a partitioned variable."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.formats import protos

Slices = tuple[tuple[int, int], ...]
"""(start, length) per dimension; length -1 stands for the whole dimension."""

Bounds = list[tuple[int, int]]
"""(start, end) per dimension."""

_WHOLE = (0, -1)


def parse_spec(spec: str) -> tuple[tuple[int, ...], Slices]:
    """Parses a slice specification such as `"6 3 2,2:0,3"`.

    Returns:
        The shape of the full tensor, `(6, 3)`, and the slice, `((2, 2), (0, 3))`; a dimension
        given as `-` is whole.

    Raises:
        InvalidArgumentError: if it is none, or the slice lies outside of the shape.
    """
    *sizes, ranges = spec.split(" ")
    if not sizes:
        raise _invalid(f"Need a shape and a slice in the specification {spec!r}")
    try:
        shape = tuple(int(size) for size in sizes)
        slices = tuple(_parse_range(text) for text in ranges.split(":"))
    except ValueError:
        raise _invalid(f"Cannot read the shape and slice specification {spec!r}") from None
    check_slices(shape, slices)
    return shape, slices


def _parse_range(text: str) -> tuple[int, int]:
    if text == "-":
        return _WHOLE
    start, length = text.split(",")
    return int(start), int(length)


def check_slices(shape: Sequence[int], slices: Slices) -> None:
    """Checks that a slice lies inside of a shape.

    Raises:
        InvalidArgumentError: if it does not.
    """
    inside = len(shape) == len(slices) and all(
        (start, length) == _WHOLE or (start >= 0 and length >= 0 and start + length <= size)
        for size, (start, length) in zip(shape, slices)
    )
    if not inside:
        raise _invalid(f"Slice {list(slices)} lies outside of the shape {list(shape)}")


def shape_of(shape: Sequence[int], slices: Slices) -> tuple[int, ...]:
    """Gives the shape of a slice of a tensor of a shape."""
    return tuple(size if length < 0 else length for size, (_, length) in zip(shape, slices))


def bounds_of(shape: Sequence[int], slices: Slices) -> Bounds:
    """Gives (start, end) per dimension."""
    return [
        (0, size) if length < 0 else (start, start + length)
        for size, (start, length) in zip(shape, slices)
    ]


def slices_to_proto(slices: Slices) -> Any:
    """Makes a `TensorSliceProto`."""
    proto = protos.TensorSliceProto()
    for start, length in slices:
        extent = proto.extent.add()
        if length >= 0:
            extent.start, extent.length = start, length
    return proto


def slices_from_proto(proto: Any) -> Slices:
    """Reads a `TensorSliceProto`; the caller checks it against a shape."""
    return tuple(
        (extent.start, extent.length) if extent.HasField("length") else _WHOLE
        for extent in proto.extent
    )


def copy_overlap(target: np.ndarray, into: Bounds, source: np.ndarray, from_: Bounds) -> None:
    """Copies what two slices of one tensor, at the places `into` and `from_`, share."""
    both = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(into, from_)]
    target_part = tuple(slice(low - at, high - at) for (low, high), (at, _) in zip(both, into))
    source_part = tuple(slice(low - at, high - at) for (low, high), (at, _) in zip(both, from_))
    target[target_part] = source[source_part]


def assemble(
    shape: Sequence[int], wanted: Slices, dtype: np.dtype, stored: Sequence[Slices], read: Any
) -> np.ndarray | None:
    """Puts a slice together from the slices that are stored, or returns None if some is missing.

    Args:
        shape: shape of the full tensor.
        wanted: slice to make.
        dtype: NumPy dtype of the elements.
        stored: slices that there are; they do not overlap.
        read: called with a stored slice that is needed; returns its array.
    """
    bounds = bounds_of(shape, wanted)
    places = {piece: bounds_of(shape, piece) for piece in stored}
    exact = next((piece for piece in stored if places[piece] == bounds), None)
    if exact is not None:
        return read(exact)
    pieces = [piece for piece in places if _overlap(bounds, places[piece])]
    covered = sum(_overlap(bounds, places[piece]) for piece in pieces)
    disjoint = not any(_overlap(places[a], places[b]) for a, b in combinations(pieces, 2))
    if not disjoint or covered < math.prod(high - low for low, high in bounds):
        return None
    # Reading shows whether what the slices claim to hold is there; only then is room made.
    arrays = [(read(piece), places[piece]) for piece in pieces]
    result = np.empty(shape_of(shape, wanted), dtype)
    for array, place in arrays:
        copy_overlap(result, bounds, array, place)
    return result


def _overlap(a: Bounds, b: Bounds) -> int:
    size = 1
    for (low, high), (other_low, other_high) in zip(a, b):
        size *= max(0, min(high, other_high) - max(low, other_low))
    return size


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)
