"""What TensorArrays, TensorLists and stacks hold at run time: one value type in two forms.

The contents of a TensorArray are no hidden state: they *are* the run-time value of its `flow`
tensor (of a TensorList's variant tensor, of a stack's handle). Writing gives a new value, so every
op on them is pure, loops carry them like any other value, and gradients need no side effects.

- `HostBuffer`: elements by index in a dict. Grows, takes elements of differing shapes, strings,
  anything. What references (the NumPy tier) see.
- `TracedBuffer` (`millstream.ops.flow.traced_buffers`): one array `[capacity, *element]`, a pytree.
  What kernels see while they are traced. A write is a `dynamic_update_slice`, which XLA does in
  place when a loop carries the buffer.

Both have the same methods, named after the ops, so a kernel and a reference may be one function:

    flow.write(index, value)     a new buffer; in a gradient buffer the value is added
    flow.read(index)             an element; zeros where nothing was written
    flow.push(value), flow.pop() a stack: a new buffer; (a new buffer, the last element)
    flow.stack() gather(i) scatter(i, values) concat() split(values, lengths) resize(n)
    flow.length                  the logical number of elements: an int, or a traced int32 scalar
    flow + other                 the sum of two gradient buffers; a plain 0 is the neutral element
    flow.zeros_like()            an empty gradient of equal length

As far as arrays are concerned, a buffer looks like the scalar that the graph says it is: `shape` is
`()`, `dtype` float32. NumPy's `add` and `zeros_like` work on it, so that `AddN`, `AddV2` and
`ZerosLike` of flows do what a gradient needs.

Loops. The carry of a compiled loop needs arrays of fixed shape before the first iteration, but a
TensorArray may not know its element shape until something is written. `traced_buffers.settle(carry,
body)` runs the body abstractly until the carry's structure no longer changes, and `conform(values,
carry)` brings what a body returns into that structure. A stack for a loop of known trip count is
`TracedBuffer.reserved(spec, capacity)`. A growing array, or whatever else has no bound, takes
`room.get()` places and states a check with the message `no_room`: where that fails, the step keeps
all variables as they were, is run again in the NumPy tier and is compiled anew with more room.

Pushing a buffer itself onto a stack stores only its length: all that a gradient wants of it.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType
from millstream.ops.flow.buffer_specs import (
    Sizes,
    Spec,
    checked_shape,
    invalid,
    is_complete,
    spell,
)

type Check = Callable[..., None]


class Buffer(ABC):
    """What the two forms share: how arrays see them."""

    shape = ()
    dtype = np.dtype(np.float32)
    ndim = 0
    nbytes = 4
    weak_type = False
    spec: Spec
    length: Any

    @property
    def is_array(self) -> bool:
        """Whether it belongs to a TensorArray, whose flow is a scalar for users."""
        return self.spec.strict or self.spec.is_gradient

    @abstractmethod
    def zeros_like(self) -> Any:
        """Gives the neutral element: a plain 0 for a TensorArray, a list of zeros for a list."""

    @abstractmethod
    def plus(self, other: Any) -> Buffer:
        """Gives the sum of two gradient buffers."""

    def __add__(self, other: Any) -> Any:
        # A plain number is the gradient of a flow that nobody read: nothing.
        # Nor has a gradient array's own gradient anything to add to the array's.
        if not isinstance(other, Buffer) or other.spec.order > self.spec.order:
            return self
        return other if other.spec.order < self.spec.order else self.plus(other)

    __radd__ = __add__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc is np.add and method == "__call__" and len(inputs) == 2:
            left, right = inputs
            return left + right if isinstance(left, Buffer) else right + left
        if ufunc is np.positive:
            return self
        return NotImplemented

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.zeros_like:
            return self.zeros_like()
        if func is np.shape:
            return ()
        if func is np.copy:
            return self
        return NotImplemented


class HostBuffer(Buffer):
    """Elements by index. Immutable for its users.

    A value and those that writes made of it share one dict, in which every element has the version
    of the value that it came with: older values do not see it.

    Attributes:
      spec: What it is.
      length: How many elements it has, written or not.
      element_shape: What is known of their shape by now.
      strict: Whether an element that is there may not be written again.
      cleared: For a handle: the elements that were read, where that may happen only once.
    """

    __slots__ = (
        *("_items", "_newest", "_version", "cleared", "element_shape", "length", "spec", "strict"),
    )

    def __init__(
        self,
        spec: Spec,
        length: int = 0,
        items: dict[int, Any] | None = None,
        element_shape: Sizes = None,
    ) -> None:
        self.spec = spec
        self.length = int(length)
        self.element_shape = spec.element_shape if element_shape is None else element_shape
        self.strict = spec.strict
        self.cleared: set[int] = set()
        self._items: dict[int, tuple[int, Any]] = {i: (0, v) for i, v in (items or {}).items()}
        self._version = 0
        self._newest = [0]  # the newest version in the dict

    def __repr__(self) -> str:
        return f"<buffer of {self.length} {self.spec.dtype.name}{spell(self.element_shape)}>"

    @property
    def items(self) -> dict[int, Any]:
        """The elements that were written, by index."""
        return {i: v for i, (born, v) in self._items.items() if self._sees(i, born)}

    def _sees(self, index: int, born: int) -> bool:
        return index < self.length and born <= self._version

    def _item(self, index: int) -> Any:
        born, value = self._items.get(index, (0, None))
        return value if self._sees(index, born) else None

    def _next(self, length: int, changes: dict[int, Any], element_shape: Sizes) -> HostBuffer:
        """Makes a new value: in the same dict if nobody but this value looks at it."""
        if self._newest[0] != self._version or changes.keys() & self._items.keys():
            made = HostBuffer(self.spec, length, {**self.items, **changes}, element_shape)
        else:
            made = HostBuffer(self.spec, length, None, element_shape)
            made._items, made._newest, made._version = self._items, self._newest, self._version + 1
            self._newest[0] = made._version
            self._items.update((i, (made._version, v)) for i, v in changes.items())
        made.strict = self.strict
        return made

    # -- single elements

    def write(self, index: Any, value: Any, check: Check | None = None) -> HostBuffer:
        """Puts an element; adds to it in a gradient buffer.

        Raises:
          InvalidArgumentError: If the index is behind the end of a fixed array, the element was
            written before, or its shape does not fit.
        """
        index = int(index)
        self._check_write_index(index)
        value = _array(value, self.spec.dtype)
        known = checked_shape(self.spec, index, self.element_shape, value.shape)
        old = self._item(index)
        if old is not None and self.spec.is_gradient:
            value = _summed(self.spec, index, old, value)
        elif old is not None and self.strict:
            raise invalid(
                f"TensorArray {self.spec.name}: Could not write to TensorArray index {index} "
                "because it has already been written to."
            )
        return self._next(max(self.length, index + 1), {index: value}, known)

    def _check_write_index(self, index: int) -> None:
        if index < 0 or (index >= self.length and not self.spec.grows):
            raise invalid(
                f"TensorArray {self.spec.name}: Tried to write to index {index} but array is not "
                f"resizeable and size is: {self.length}"
            )

    def read(self, index: Any, check: Check | None = None) -> Any:
        """Gives an element, zeros if it was not written.

        Raises:
          InvalidArgumentError: If there is no such element, or its shape is not known.
        """
        index = int(index)
        if not 0 <= index < self.length:
            raise invalid(f"Tried to read from index {index} but array size is: {self.length}")
        value = self._item(index)
        return self._zeros(index) if value is None else value

    def _zeros(self, index: int) -> Any:
        if not is_complete(self.element_shape):
            raise invalid(
                f"TensorArray {self.spec.name}: Could not read from TensorArray index {index}.  "
                "Furthermore, the element shape is not fully defined: "
                f"{spell(self.element_shape)}.  It is possible you are working with a resizeable "
                "TensorArray and stop_gradients is not allowing the gradients to be written.  If "
                "you set the full element_shape property on the forward TensorArray, the proper "
                "all-zeros tensor will be returned instead of incurring this error."
            )
        return empty_element(self.spec.dtype, self.element_shape)

    def push(self, value: Any) -> HostBuffer:
        """Appends an element; of a buffer only its length is kept."""
        if isinstance(value, HostBuffer):
            value = value.skeleton()
        return self._next(self.length + 1, {self.length: value}, self.element_shape)

    def pop(self) -> tuple[HostBuffer, Any]:
        """Takes the last element off.

        Raises:
          InvalidArgumentError: If there is none.
        """
        if not self.length:
            raise invalid("Trying to pop from an empty list.")
        last = self.length - 1
        return self._next(last, {}, self.element_shape), self.read(last)

    def set_item(self, index: Any, value: Any) -> HostBuffer:
        """Replaces an element."""
        index = int(index)
        if not 0 <= index < self.length:
            raise invalid(
                f"Trying to modify element {index} in a list with {self.length} elements."
            )
        return self._next(self.length, {index: value}, self.element_shape)

    # -- many elements

    def stack(self) -> Any:
        """Gives all elements as one array `[length, *element]`."""
        return self.gather(range(self.length))

    def gather(self, indices: Any, check: Check | None = None) -> Any:
        """Gives some elements as one array `[len(indices), *element]`.

        Raises:
          InvalidArgumentError: If one is not there or has another shape than the first.
          UnimplementedError: If there are none and their shape is not known.
        """
        wanted = [int(i) for i in indices]
        if not wanted:
            return self._none_stacked("packing")
        values = [self.read(i) for i in wanted]
        for index, value in zip(wanted, values):
            if value.shape != values[0].shape:
                raise invalid(
                    f"TensorArray has inconsistent shapes.  Index {wanted[0]} has shape: "
                    f"{spell(values[0].shape)} but index {index} has shape: {spell(value.shape)}"
                )
        return np.stack(values)

    def _none_stacked(self, doing: str) -> Any:
        shape = self.element_shape
        if doing == "concatenating" and shape is not None:
            shape = shape[1:]
        if not is_complete(shape):
            what = "element_shape_except0" if doing == "concatenating" else "element shape"
            raise errors.UnimplementedError(
                None,
                None,
                f"TensorArray has size zero, but {what} {spell(shape)} is not fully defined. "
                f"Currently only static shapes are supported when {doing} zero-size TensorArrays.",
            )
        return np.zeros((0, *(shape or ())), self.spec.dtype.np)

    def scatter(self, indices: Any, values: Any, check: Check | None = None) -> HostBuffer:
        """Puts the rows of an array as elements.

        Raises:
          InvalidArgumentError: As `write`; if there are more rows than indices.
        """
        wanted = [int(i) for i in indices]
        highest = max(wanted, default=-1)
        if highest >= self.length and not self.spec.grows:
            raise invalid(f"Max scatter index must be < array size ({highest} vs. {self.length})")
        if len(wanted) != len(values):
            raise invalid(f"Expected {len(wanted)} rows to scatter, but got {len(values)}.")
        made = self
        for index, value in zip(wanted, values):
            made = made.write(index, value)
        return made

    def concat(self, check: Check | None = None) -> tuple[Any, Any]:
        """Gives all elements joined along their first axis, and their lengths as int64.

        Raises:
          InvalidArgumentError: If an element is a scalar, or shapes differ behind the first axis.
        """
        if not self.length:
            return self._none_stacked("concatenating"), np.zeros(0, np.int64)
        values = [self.read(i) for i in range(self.length)]
        first = values[0]
        for index, value in enumerate(values):
            if not value.ndim:
                raise invalid(
                    f"Concat saw a scalar shape at index {index} but requires at least vectors.  "
                    "Did you mean to call pack?"
                )
            if value.shape[1:] != first.shape[1:]:
                raise invalid(
                    "TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) "
                    f"shape: {spell(first.shape[1:])} but index {index} has (excepting dimension "
                    f"0) shape: {spell(value.shape[1:])}"
                )
        return np.concatenate(values), np.array([len(v) for v in values], np.int64)

    def split(self, values: Any, lengths: Any, check: Check | None = None) -> HostBuffer:
        """Puts pieces of an array, of these lengths along its first axis, as elements.

        Raises:
          InvalidArgumentError: If the lengths do not add up, or are too many.
        """
        made = self
        for index, part in enumerate(pieces(self, values, lengths)):
            made = made.write(index, part)
        return made

    def resize(self, length: Any) -> HostBuffer:
        """Gives the first `length` elements; new ones have not been written."""
        length = int(length)
        kept = {i: v for i, v in self.items.items() if i < length}
        return HostBuffer(self.spec, length, kept, self.element_shape)

    # -- gradients

    def zeros_like(self) -> Any:
        """Gives the neutral element: a plain 0 for a TensorArray, a list of zeros for a list."""
        return np.float32(0) if self.is_array else self.skeleton()

    def gradient_of(self, source: str) -> HostBuffer:
        """Gives the empty gradient buffer that belongs to `source`."""
        spec = self.spec.gradient(source, self.element_shape)
        return HostBuffer(spec, self.length, None, self.element_shape)

    def skeleton(self) -> HostBuffer:
        """Gives a buffer of equal length without the elements."""
        return HostBuffer(self.spec, self.length, None, self.element_shape)

    def plus(self, other: Any) -> HostBuffer:
        """Gives the sum of two gradient buffers."""
        items = self.items
        for index, value in other.items.items():
            old = items.get(index)
            items[index] = value if old is None else old + value
        known = self.element_shape if self.element_shape is not None else other.element_shape
        return HostBuffer(self.spec, max(self.length, other.length), items, known)


def pieces(buffer: Buffer, values: Any, lengths: Any) -> list[Any]:
    """Cuts an array for `split`.

    Raises:
      InvalidArgumentError: If the lengths do not add up, or are more than a fixed array holds.
    """
    sizes = [int(n) for n in lengths]
    if not np.ndim(values):
        raise invalid("Expected value to be at least a vector, but received shape: []")
    if sum(sizes) != values.shape[0]:
        raise invalid(
            "Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
            f"{sum(sizes)} and value's shape is: {spell(values.shape)}"
        )
    if len(sizes) != buffer.length and not (buffer.spec.grows and len(sizes) > buffer.length):
        raise invalid(
            "TensorArray's size is not equal to the size of lengths "
            f"({buffer.length} vs. {len(sizes)}), and the TensorArray is not marked as "
            "dynamically resizeable"
        )
    starts = np.cumsum([0, *sizes])
    return [values[a:b] for a, b in itertools.pairwise(starts)]


def empty_element(dtype: DType, shape: Any) -> Any:
    """Gives an element that stands for nothing: zeros, empty strings."""
    if dtype.np.kind == "O":
        return np.full(shape, b"", object)
    return np.zeros(shape, dtype.np)


def _array(value: Any, dtype: DType) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value
    return np.asarray(value, dtype.np)


def _summed(spec: Spec, index: int, old: Any, value: Any) -> Any:
    if old.shape != value.shape:
        raise invalid(
            f"TensorArray {spec.name}: Could not aggregate to TensorArray index {index} because "
            f"the existing shape is {spell(old.shape)} but the new input shape is "
            f"{spell(value.shape)}."
        )
    return old + value


def from_elements(spec: Spec, values: Iterable[Any]) -> HostBuffer:
    """Makes a buffer of given elements."""
    items = dict(enumerate(values))
    return HostBuffer(spec, len(items), items)
