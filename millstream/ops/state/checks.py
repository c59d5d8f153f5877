"""Shape checks that the ops on state share, in TensorFlow's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.base.shapes import UNKNOWN, TensorShape
from millstream.ops.state.order import skipped_index


def spell(shape: Any) -> str:
    """Spells a shape as TensorFlow's kernels do: `[2,3]`, `[?,3]`, `<unknown>`."""
    sizes = TensorShape(shape).tuple
    if sizes is None:
        return "<unknown>"
    return "[" + ",".join("?" if size is None else str(size) for size in sizes) + "]"


def merged(a: TensorShape, b: TensorShape) -> TensorShape:
    """Combines what is known of a shape from two sides.

    Raises:
      ValueError: if the two contradict each other; the message tells where.
    """
    if a.is_compatible_with(b):
        return a.merge_with(b)
    mine, theirs = a.as_list(), b.as_list()
    if len(mine) != len(theirs):
        raise ValueError(f"Shapes must be equal rank, but are {len(mine)} and {len(theirs)}")
    pairs = enumerate(zip(mine, theirs, strict=True))
    axis, (x, y) = next((i, p) for i, p in pairs if None not in p and p[0] != p[1])
    raise ValueError(
        f"Dimension {axis} in both shapes must be equal, but are {x} and {y}. "
        f"Shapes are {spell(a)} and {spell(b)}."
    )


def merged_all(shapes: Sequence[TensorShape]) -> TensorShape:
    """Combines what several operands of equal shape tell of it."""
    result = shapes[0]
    for shape in shapes[1:]:
        result = merged(result, shape)
    return result


def require_rank(shape: TensorShape, rank: int) -> None:
    """Checks that a shape may have a rank.

    Raises:
      ValueError: if it cannot.
    """
    if shape.ndims not in (None, rank):
        raise ValueError(f"Shape must be rank {rank} but is rank {shape.ndims}")


def shape_behind(handle: tuple[TensorShape, Any] | None) -> TensorShape:
    """Returns the static shape of the variable behind a resource handle, from its handle data."""
    return UNKNOWN if handle is None else handle[0]


def invalid(message: str) -> InvalidArgumentError:
    """Makes the error that a rule raises for operands that do not fit."""
    return InvalidArgumentError(None, None, message)


# -- indices


def position_text(flat: int, shape: tuple[int, ...]) -> str:
    """Spells the position of an element of an index array: `[1]`, `[0,3]`; nothing for a scalar."""
    if not shape:
        return ""
    return "[" + ",".join(str(int(i)) for i in np.unravel_index(flat, shape)) + "]"


def range_text(indices: Any, size: int) -> str:
    """Describes the first of `indices` that is not in [0, size)."""
    bad = int(np.argmax(((indices < 0) | (indices >= size)).ravel()))
    where = position_text(bad, indices.shape)
    return f"indices{where} = {indices.ravel()[bad]} is not in [0, {size})"


def require_in_range(indices: Any, size: int) -> None:
    """Checks, in a reference, that indices lie in [0, size).

    Raises:
      InvalidArgumentError: if one does not.
    """
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        raise invalid(range_text(indices, size))


def check_in_range(check: Any, indices: Any, size: int) -> Any:
    """Checks, in a kernel, that indices lie in [0, size); returns them with the bad ones at `size`.

    An index at `size` is dropped by scatters, where a negative one would count from the end.
    """
    good = (indices >= 0) & (indices < size)
    skipped = indices == skipped_index(indices.dtype)
    check(jnp.all(good | skipped), lambda i: range_text(i, size), indices)
    return jnp.where(good, indices, size)
