"""Partial shapes: `TensorShape`, whose rank and dimensions may be unknown.

Graph building makes tens of thousands of these, so a shape is one tuple of `int | None`, or None
for an unknown rank: internal code makes one with `TensorShape._of(tuple)` and reads `shape.tuple`.
`Dimension` objects are made only for users who ask for them.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import zip_longest
from math import prod
from typing import Any

from millstream.base.dimension import Dimension, size_of
from millstream.base.export import export

type Sizes = tuple[int | None, ...] | None
"""The inside of a shape: None for an unknown rank, else an int or None per dimension."""


class _Behaviour:
    """Whether indexing a shape gives sizes, as in TensorFlow 2, instead of `Dimension` objects."""

    v2 = False


@export("enable_v2_tensorshape")
def enable_v2_tensorshape() -> None:
    """Makes indexing and iterating over a `TensorShape` give `int` or None."""
    _Behaviour.v2 = True


@export("disable_v2_tensorshape")
def disable_v2_tensorshape() -> None:
    """Makes indexing and iterating over a `TensorShape` give `Dimension` objects, the default."""
    _Behaviour.v2 = False


def _sizes_of(dims: Any) -> Sizes:
    if dims is None:
        return None
    if isinstance(dims, (list, tuple)):
        return tuple(map(size_of, dims))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(dims, TensorShape):
        return dims._dims
    if isinstance(dims, (str, bytes)):
        text = dims if isinstance(dims, str) else dims.decode(errors="replace")
        raise TypeError(
            f"the string {text!r} is ambiguous as a TensorShape; give an int, or a list of sizes"
        )
    if hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):
        if dims.unknown_rank:
            return None
        return tuple(None if dim.size == -1 else size_of(dim.size) for dim in dims.dim)
    try:
        members = iter(dims)
    except TypeError:
        return (size_of(dims),)
    return tuple(map(size_of, members))


class TensorShape:
    """Is what is known of a tensor's shape: everything, the rank and some sizes, or nothing.

    Shapes never change. Two shapes are equal when both are the same object, both are of unknown
    rank, or all their sizes are known and equal: `[2, None]` equals no other `[2, None]`.

    Args:
      dims: Sizes (each an `int`, a `Dimension` or None), one size, a shape, a `TensorShapeProto`,
        or None for an unknown rank.

    Raises:
      TypeError: If `dims` is no such thing.
      ValueError: If a size is negative.
    """

    __slots__ = ("__weakref__", "_dims")
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    _dims: Sizes

    def __init__(self, dims: Any) -> None:
        self._dims = _sizes_of(dims)

    @classmethod
    def _of(cls, sizes: Sizes) -> TensorShape:
        """Makes a shape of a tuple that is known to be right."""
        made = _new(cls)
        made._dims = sizes
        return made

    @property
    def tuple(self) -> Sizes:
        """The sizes, each an `int` or None, or None if the rank is unknown."""
        return self._dims

    @property
    def dims(self) -> list[Dimension] | None:
        """The dimensions in a list, or None if the rank is unknown."""
        return None if self._dims is None else [Dimension._of(size) for size in self._dims]

    @property
    def ndims(self) -> int | None:
        """The number of dimensions, or None if it is unknown."""
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def __repr__(self) -> str:
        if self._dims is None:
            return "TensorShape(None)"
        members = self._dims if _Behaviour.v2 else [Dimension._of(size) for size in self._dims]
        return f"TensorShape([{', '.join(map(repr, members))}])"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        unknown = "None" if _Behaviour.v2 else "?"
        words = [unknown if size is None else str(size) for size in self._dims]
        return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Any]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims) if _Behaviour.v2 else map(Dimension._of, self._dims)

    def __getitem__(self, key: Any) -> Any:
        if type(key) is slice:
            if self._dims is None:
                return _slice_of_unknown(key)
            return TensorShape._of(self._dims[key])
        if self._dims is None:
            size = None
        else:
            size = self._dims[operator.index(key)]
        return size if _Behaviour.v2 else Dimension._of(size)

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        try:
            sizes = _sizes_of(other)
        except (TypeError, ValueError):
            return NotImplemented
        return self._dims == sizes and (sizes is None or None not in sizes)

    def __ne__(self, other: object) -> Any:
        try:
            sizes = _sizes_of(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._dims is None or sizes is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return self is not other and (self._dims != sizes or None in sizes)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __reduce__(self) -> Any:
        return TensorShape, (None if self._dims is None else list(self._dims),)

    def as_list(self) -> list[int | None]:
        """Lists the sizes, None for an unknown one.

        Raises:
          ValueError: If the rank is unknown.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self) -> Any:
        """Makes a `TensorShapeProto` of the shape."""
        return _proto_maker(self)

    def num_elements(self) -> int | None:
        """Gives the number of elements, or None if the shape is not fully known."""
        return prod(self._dims) if self.is_fully_defined() else None  # pyright: ignore

    def is_fully_defined(self) -> bool:
        """Tells whether the rank and every size are known."""
        return self._dims is not None and None not in self._dims

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether some full shape fits both this one and `other`."""
        theirs = _sizes_of(other)
        mine = self._dims
        if mine is None or theirs is None:
            return True
        return len(mine) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(mine, theirs, strict=True)
        )

    def merge_with(self, other: Any) -> TensorShape:
        """Combines what is known of one tensor's shape from two sides.

        Raises:
          ValueError: If the two contradict each other.
        """
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        merged = zip(self._dims, other._dims, strict=True)
        return TensorShape._of(tuple([b if a is None else a for a, b in merged]))

    def concatenate(self, other: Any) -> TensorShape:
        """Appends the dimensions of another shape; unknown if either rank is."""
        sizes = _sizes_of(other)
        if self._dims is None or sizes is None:
            return UNKNOWN
        return TensorShape._of(self._dims + sizes)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """Gives the shape that both this one and `other` are cases of, with all that they share."""
        sizes = _sizes_of(other)
        if self._dims is None or sizes is None or len(self._dims) != len(sizes):
            return UNKNOWN
        pairs = zip(self._dims, sizes, strict=True)
        return TensorShape._of(tuple([a if a == b else None for a, b in pairs]))

    def with_rank(self, rank: int | None) -> TensorShape:
        """Gives this shape, known to have `rank` dimensions.

        Raises:
          ValueError: If it has another rank.
        """
        if rank is None:
            return self
        if self._dims is None:
            return unknown_shape(rank)
        if len(self._dims) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """Gives this shape if it may have `rank` dimensions or more.

        Raises:
          ValueError: If it has fewer.
        """
        if self._dims is not None and len(self._dims) < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """Gives this shape if it may have `rank` dimensions or fewer.

        Raises:
          ValueError: If it has more.
        """
        if self._dims is not None and len(self._dims) > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def assert_has_rank(self, rank: int | None) -> None:
        """Checks that the rank is `rank` or unknown.

        Raises:
          ValueError: If it has another rank.
        """
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Checks that the rank equals that of `other`, as far as they are known.

        Raises:
          ValueError: If they differ.
        """
        other = as_shape(other)
        if None not in (self._dims, other._dims) and self.ndims != other.ndims:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_is_compatible_with(self, other: Any) -> None:
        """Checks that some full shape fits both this one and `other`.

        Raises:
          ValueError: If none does.
        """
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Checks that every size is known.

        Raises:
          ValueError: If one, or the rank, is not.
        """
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")


_new = object.__new__
UNKNOWN = TensorShape._of(None)
SCALAR = TensorShape._of(())


def _proto_maker(shape: TensorShape) -> Any:
    raise RuntimeError(f"TensorShape.as_proto of {shape} needs millstream.formats")


def set_proto_maker(maker: Any) -> None:
    """Tells `TensorShape.as_proto` how to make a message; called by the layer that has protos."""
    global _proto_maker
    _proto_maker = maker


def _slice_of_unknown(key: slice[Any, Any, Any]) -> TensorShape:
    if key.step not in (None, 1):
        raise ValueError("Steps are not yet handled")
    start = operator.index(key.start) if key.start is not None else 0
    if key.stop is None or start < 0 or operator.index(key.stop) < 0:
        return UNKNOWN
    return unknown_shape(max(0, operator.index(key.stop) - start))


def as_shape(shape: Any) -> TensorShape:
    """Makes a `TensorShape` of anything that spells one; a shape is given back."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(ndims: int | None = None) -> TensorShape:
    """Gives a shape of unknown sizes, and of unknown rank too unless `ndims` is given."""
    return UNKNOWN if ndims is None else TensorShape._of((None,) * ndims)


@export("dimension_at_index", "compat.dimension_at_index")
def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """Gives one `Dimension` of a shape, an unknown one if the rank is unknown."""
    return Dimension._of(None if shape._dims is None else shape._dims[index])


def _broadcast_size(a: int | None, b: int | None) -> int | None:
    """Gives the size of two broadcast dimensions, or -1 if they do not fit."""
    if a == 1 or a == b:
        return b
    if b == 1:
        return a
    if a is None:
        # The other is larger than 1, so this one can only be 1 or the same.
        return b
    return a if b is None else -1


def broadcast(shape_x: TensorShape, shape_y: TensorShape) -> TensorShape | None:
    """Gives the shape of a broadcast elementwise result, or None if the operands do not fit."""
    x, y = shape_x._dims, shape_y._dims
    if x is None or y is None:
        return UNKNOWN
    if x == y:
        return shape_x
    pairs = zip_longest(reversed(x), reversed(y), fillvalue=1)
    sizes = [_broadcast_size(a, b) for a, b in pairs]
    if -1 in sizes:
        return None
    sizes.reverse()
    return TensorShape._of(tuple(sizes))


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Computes the shape that two statically known shapes broadcast to.

    Args:
      shape_x: A `TensorShape` or what spells one.
      shape_y: The same.

    Returns:
      The broadcast shape, as far as it is known.

    Raises:
      ValueError: If the two cannot be broadcast.
    """
    shape_x, shape_y = as_shape(shape_x), as_shape(shape_y)
    result = broadcast(shape_x, shape_y)
    if result is None:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}")
    return result
