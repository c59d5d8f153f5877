"""One dimension of a shape that may be unknown, with TensorFlow's three-valued arithmetic."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from millstream.base.export import export


def _floordiv(a: int, b: int) -> int:
    return a // b


def size_of(value: Any) -> int | None:
    """Checks one dimension as a user gives it and reduces it to an `int` or None.

    Raises:
      ValueError: If it is negative, has a fractional part, or is a string that spells no number.
      TypeError: If it can be no size at all.
    """
    if value is None or type(value) is int:
        size: int | None = value
    elif isinstance(value, Dimension):
        return value._size
    elif hasattr(value, "as_datatype_enum"):
        raise TypeError(f"Cannot convert {value} to Dimension")
    else:
        size = int(value)
        if not isinstance(value, (str, bytes)) and size != value:
            raise ValueError(f"Ambiguous dimension: {value}")
    if size is not None and size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


@export("Dimension")
class Dimension:
    """Is the size of one dimension, perhaps unknown.

    Arithmetic and comparison with an unknown size give an unknown size and None.

    Args:
      value: A size, or None for an unknown one.

    Raises:
      ValueError: If the size is negative or has a fractional part.
      TypeError: If it is nothing like a number.
    """

    __slots__ = ("_size",)
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __init__(self, value: Any) -> None:
        self._size = size_of(value)

    @classmethod
    def _of(cls, size: int | None) -> Dimension:
        made = cls.__new__(cls)
        made._size = size
        return made

    @property
    def value(self) -> int | None:
        """The size, or None if it is unknown."""
        return self._size

    def __repr__(self) -> str:
        return f"Dimension({self._size})"

    def __str__(self) -> str:
        return "?" if self._size is None else str(self._size)

    def __int__(self) -> int:
        if self._size is None:
            raise TypeError("the size of Dimension(None) is unknown, it cannot become an int")
        return self._size

    __index__ = __int__

    def __eq__(self, other: object) -> Any:
        try:
            size = size_of(other)
        except (TypeError, ValueError):
            return NotImplemented
        return None if self._size is None or size is None else self._size == size

    def __ne__(self, other: object) -> Any:
        try:
            size = size_of(other)
        except (TypeError, ValueError):
            return NotImplemented
        return None if self._size is None or size is None else self._size != size

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether both could be the same size: equal, or one of them unknown."""
        size = size_of(other)
        return self._size is None or size is None or self._size == size

    def assert_is_compatible_with(self, other: Any) -> None:
        """Checks that both could be the same size.

        Raises:
          ValueError: If both are known and differ.
        """
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """Gives the known one of two compatible dimensions.

        Raises:
          ValueError: If both are known and differ.
        """
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension._of(other._size if self._size is None else self._size)

    def _combine(
        self, other: Any, combine: Callable[[int, int], int], swap: bool = False
    ) -> Dimension:
        size = size_of(other)
        if self._size is None or size is None:
            return Dimension._of(None)
        return Dimension(combine(size, self._size) if swap else combine(self._size, size))

    def _combine_number(
        self, other: Any, combine: Callable[[int, int], int], swap: bool = False
    ) -> Any:
        try:
            size = size_of(other)
        except (TypeError, ValueError):
            return NotImplemented
        return self._combine(size, combine, swap)

    def __add__(self, other: Any) -> Any:
        return self._combine_number(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._combine_number(other, operator.sub)

    def __rsub__(self, other: Any) -> Dimension:
        return self._combine(other, operator.sub, swap=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine_number(other, operator.mul)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._combine_number(other, _floordiv)

    # Python 2's name for it, which programs of that age call by hand.
    __div__ = __floordiv__

    def __rfloordiv__(self, other: Any) -> Dimension:
        return self._combine(other, _floordiv, swap=True)

    __rdiv__ = __rfloordiv__

    def __mod__(self, other: Any) -> Dimension:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Dimension:
        return self._combine(other, operator.mod, swap=True)

    def __truediv__(self, other: Any) -> Dimension:
        raise TypeError(_no_true_division("Dimension", type(other).__name__))

    def __rtruediv__(self, other: Any) -> Dimension:
        raise TypeError(_no_true_division(type(other).__name__, "Dimension"))

    def _compare(self, other: Any, compare: Callable[[int, int], bool]) -> bool | None:
        size = size_of(other)
        return None if self._size is None or size is None else compare(self._size, size)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def __reduce__(self) -> tuple[type[Dimension], tuple[int | None]]:
        return Dimension, (self._size,)


def _no_true_division(left: str, right: str) -> str:
    return f"unsupported operand type(s) for /: '{left}' and '{right}', please use // instead"


def as_dimension(value: Any) -> Dimension:
    """Makes a `Dimension` of a size, of None or of a dimension."""
    return value if isinstance(value, Dimension) else Dimension(value)


@export("dimension_value", "compat.dimension_value")
def dimension_value(dimension: Any) -> Any:
    """Gives the size of a `Dimension` as an `int` or None; any other value is given back."""
    return dimension._size if isinstance(dimension, Dimension) else dimension
