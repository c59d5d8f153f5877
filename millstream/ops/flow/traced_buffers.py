"""Buffers of fixed capacity in JAX code; see `millstream.ops.flow.buffers` for what they are for.

State of a `TracedBuffer`: `data` is one array `[capacity, *element]`, or None while the element
shape is not known. `pending` holds what was added to a gradient buffer without data: a sum of such
a buffer with one that has data is then an update of single elements, not of everything. That is
what makes the gradient of a loop that reads one element per iteration linear in the trip count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jax, jnp, lax
from millstream.ops.flow.buffer_room import no_room, room
from millstream.ops.flow.buffer_specs import (
    Sizes,
    Spec,
    checked_shape,
    invalid,
    is_complete,
)
from millstream.ops.flow.buffers import Buffer, Check, HostBuffer, pieces

MOST_PENDING = 4


def unsupported(message: str) -> errors.UnimplementedError:
    """Makes the error that sends a region back to the NumPy tier, which can do more."""
    return errors.UnimplementedError(None, None, message)


def _is_concrete(value: Any) -> bool:
    return isinstance(value, (int, np.integer, np.ndarray, np.generic))


@cache
def _register() -> None:
    jax.tree_util.register_pytree_node(
        TracedBuffer, TracedBuffer.tree_flatten, TracedBuffer.tree_unflatten
    )


class TracedBuffer(Buffer):
    """A buffer as kernels see it.

    Attributes:
      spec: What it is.
      length: How many elements it has: an int, or a traced int32 scalar.
      data: All elements `[capacity, *element]`, or None.
      pending: (index, value) pairs that are to be added to a gradient buffer without data.
    """

    __slots__ = ("data", "length", "pending", "spec")

    def __init__(
        self, spec: Spec, length: Any, data: Any = None, pending: tuple[Any, ...] = ()
    ) -> None:
        _register()
        self.spec = spec
        self.length = int(length) if _is_concrete(length) else length
        self.data = data
        self.pending = pending

    @classmethod
    def reserved(cls, spec: Spec, capacity: int, length: Any = 0) -> TracedBuffer:
        """Makes a stack with room for `capacity` elements of a known shape."""
        assert is_complete(spec.element_shape)
        shape = (capacity, *(spec.element_shape or ()))
        return cls(spec, length, jnp.zeros(shape, spec.dtype.np))

    def __repr__(self) -> str:
        return f"<traced buffer of {self.length} {self.spec.dtype.name}{self.element_shape}>"

    # -- as a pytree

    def tree_flatten(self) -> tuple[Any, Any]:
        """Takes the buffer apart into arrays and what is known while tracing."""
        fixed = self.length if isinstance(self.length, int) else None
        arrays = (None if fixed is not None else self.length, self.data, self.pending)
        return arrays, (self.spec, fixed)

    @classmethod
    def tree_unflatten(cls, fixed: Any, arrays: Any) -> TracedBuffer:
        """Puts a buffer together again."""
        made = cls.__new__(cls)
        made.spec, length = fixed
        made.length = arrays[0] if length is None else length
        made.data, made.pending = arrays[1], arrays[2]
        return made

    # -- shapes

    @property
    def element_shape(self) -> Sizes:
        """What is known of the elements' shape."""
        if self.data is not None:
            return tuple(self.data.shape[1:])
        if self.pending:
            return tuple(self.pending[0][1].shape)
        return self.spec.element_shape

    @property
    def capacity(self) -> int:
        """How many elements there is room for."""
        return 0 if self.data is None else int(self.data.shape[0])

    def filled(self, element_shape: Sizes = None, capacity: int | None = None) -> TracedBuffer:
        """Gives the same buffer with data: zeros where nothing was written.

        Raises:
          UnimplementedError: If the element shape or the capacity is not known while tracing.
        """
        if self.data is not None:
            return self if capacity is None else self.widened(capacity)
        shape = self.element_shape if self.element_shape is not None else element_shape
        if not is_complete(shape):
            shape = element_shape
        if not is_complete(shape) or shape is None:
            raise unsupported(f"TensorArray {self.spec.name}: the element shape is not known.")
        if capacity is None:
            if not isinstance(self.length, int):
                raise unsupported(f"TensorArray {self.spec.name}: its size is not known.")
            capacity = self.length
        data = jnp.zeros((capacity, *shape), self.spec.dtype.np)
        made = TracedBuffer(self.spec, self.length, data)
        for index, value in self.pending:
            made = made._put(index, value)
        return made

    def widened(self, capacity: int) -> TracedBuffer:
        """Gives the same buffer with room for at least `capacity` elements."""
        if self.data is None or self.capacity >= capacity:
            return self
        pad = [(0, capacity - self.capacity)] + [(0, 0)] * (self.data.ndim - 1)
        return TracedBuffer(self.spec, self.length, jnp.pad(self.data, pad), self.pending)

    # -- single elements

    def write(self, index: Any, value: Any, check: Check | None = None) -> TracedBuffer:
        """Puts an element; adds to it in a gradient buffer."""
        value = jnp.asarray(value)
        checked_shape(self.spec, index, self._strict_shape(), tuple(value.shape))
        self._check_index(index, check)
        if self.spec.is_gradient and self.data is None and len(self.pending) < MOST_PENDING:
            return TracedBuffer(self.spec, self.length, None, (*self.pending, (index, value)))
        made = self.filled(tuple(value.shape), self._room_for(index))
        if made.data is not None and tuple(made.data.shape[1:]) != tuple(value.shape):
            raise unsupported(f"TensorArray {self.spec.name}: elements of differing shapes.")
        if self.spec.grows and not _is_concrete(index):
            if check is None:
                raise unsupported(f"TensorArray {self.spec.name} grows where nobody looks.")
            check(index < made.capacity, no_room, jnp.asarray(index))
        return made._put(index, value)

    def _strict_shape(self) -> Sizes:
        known = self.element_shape
        if self.data is not None and not self.spec.identical:
            return self.spec.element_shape
        return known

    def _room_for(self, index: Any) -> int | None:
        if not self.spec.grows:
            return None
        if _is_concrete(index):
            return max(self.capacity, int(index) + 1, self.length_hint())
        return max(self.capacity, self.length_hint(), room.get())

    def length_hint(self) -> int:
        """Gives the length if it is known while tracing, else 0."""
        return self.length if isinstance(self.length, int) else 0

    def _check_index(self, index: Any, check: Check | None) -> None:
        length, name = self.length, self.spec.name
        if self.spec.grows:
            ok = index >= 0
        else:
            ok = (index >= 0) & (index < length)

        def message(index: Any, length: Any) -> str:
            return (
                f"TensorArray {name}: Tried to write to index {int(index)} but array is not "
                f"resizeable and size is: {int(length)}"
            )

        _check(check, ok, message, index, length)

    def _put(self, index: Any, value: Any) -> TracedBuffer:
        data = self.data
        assert data is not None
        value = value.astype(data.dtype)
        if self.spec.is_gradient:
            value = value + lax.dynamic_index_in_dim(data, index, 0, keepdims=False)
        length = self.length
        if self.spec.grows:
            length = _maximum(length, index + 1)
        data = lax.dynamic_update_index_in_dim(data, value, index, 0)
        return TracedBuffer(self.spec, length, data)

    def read(self, index: Any, check: Check | None = None) -> Any:
        """Gives an element, zeros if it was not written."""
        made = self.filled()
        _check(check, (index >= 0) & (index < self.length), _read_message, index, self.length)
        if not made.capacity:
            return jnp.zeros(made.data.shape[1:], made.data.dtype)
        return lax.dynamic_index_in_dim(made.data, jnp.asarray(index), 0, keepdims=False)

    def push(self, value: Any) -> TracedBuffer:
        """Appends an element; of a buffer only its length is kept."""
        if isinstance(value, Buffer):
            raise unsupported("A buffer is pushed onto a stack.")
        value = jnp.asarray(value)
        self._check_fits(value)
        if isinstance(self.length, int):
            made = self.filled(tuple(value.shape), max(self.capacity, self.length + 1))
        else:
            made = self.filled(tuple(value.shape))
        data = lax.dynamic_update_index_in_dim(made.data, value, self.length, 0)
        return TracedBuffer(self.spec, self.length + 1, data)

    def pop(self) -> tuple[TracedBuffer, Any]:
        """Takes the last element off."""
        last = self.length - 1
        if isinstance(last, int) and last < 0:
            raise invalid("Trying to pop from an empty list.")
        value = lax.dynamic_index_in_dim(self.filled().data, last, 0, keepdims=False)
        return TracedBuffer(self.spec, last, self.data), value

    def set_item(self, index: Any, value: Any) -> TracedBuffer:
        """Replaces an element."""
        value = jnp.asarray(value)
        self._check_fits(value)
        made = self.filled(tuple(value.shape))
        data = lax.dynamic_update_index_in_dim(made.data, value, index, 0)
        return TracedBuffer(self.spec, self.length, data)

    def _check_fits(self, value: Any) -> None:
        if self.data is not None and tuple(self.data.shape[1:]) != tuple(value.shape):
            raise unsupported("A list whose elements differ in shape.")

    # -- many elements

    def stack(self) -> Any:
        """Gives all elements as one array `[length, *element]`."""
        if not isinstance(self.length, int):
            raise unsupported(f"TensorArray {self.spec.name}: its size is not known.")
        made = self.filled()
        return made.data if made.capacity == self.length else made.data[: self.length]

    def gather(self, indices: Any, check: Check | None = None) -> Any:
        """Gives some elements as one array `[len(indices), *element]`."""
        made = self.filled()
        if _is_concrete(indices):
            wanted = np.asarray(indices)
            if isinstance(self.length, int) and _is_range(wanted, self.length):
                return self.stack()
        if indices.shape[0]:
            ok = (indices >= 0) & (indices < self.length)
            bad = jnp.argmin(jnp.asarray(ok))
            _check(check, ok.all(), _read_message, jnp.asarray(indices)[bad], self.length)
        return jnp.take(made.data, jnp.asarray(indices), axis=0, mode="clip")

    def scatter(self, indices: Any, values: Any, check: Check | None = None) -> TracedBuffer:
        """Puts the rows of an array as elements."""
        values = jnp.asarray(values)
        if not values.ndim or values.shape[0] != indices.shape[0]:
            raise invalid(f"Expected {indices.shape[0]} rows to scatter.")
        shape = tuple(values.shape[1:])
        checked_shape(self.spec, 0, self._strict_shape(), shape)
        length = self.length
        if _is_concrete(indices) and isinstance(length, int):
            if self.spec.grows:
                length = max(length, int(np.max(indices, initial=-1)) + 1)
            if self.data is None and not self.pending and _is_range(np.asarray(indices), length):
                return TracedBuffer(self.spec, length, values)
        self._check_indices(indices, check)
        made = self.filled(shape, length if isinstance(length, int) else None)
        at = made.data.at[jnp.asarray(indices)]
        update = at.add if self.spec.is_gradient else at.set
        data = update(values.astype(made.data.dtype), mode="drop")
        return TracedBuffer(self.spec, length, data)

    def _check_indices(self, indices: Any, check: Check | None) -> None:
        if not indices.shape[0] or self.spec.grows:
            return

        def message(highest: Any, length: Any) -> str:
            return f"Max scatter index must be < array size ({int(highest)} vs. {int(length)})"

        highest = indices.max()
        ok = (highest < self.length) & (indices.min() >= 0)
        _check(check, ok, message, highest, self.length)

    def concat(self, check: Check | None = None) -> tuple[Any, Any]:
        """Gives all elements joined along their first axis, and their lengths as int64."""
        data = self.stack()
        if data.ndim < 2:
            raise invalid(
                "Concat saw a scalar shape at index 0 but requires at least vectors.  "
                "Did you mean to call pack?"
            )
        count, rows = data.shape[:2]
        joined = data.reshape((count * rows, *data.shape[2:]))
        return joined, np.full(count, rows, np.int64)

    def split(self, values: Any, lengths: Any, check: Check | None = None) -> TracedBuffer:
        """Puts pieces of an array, of these lengths along its first axis, as elements."""
        if not _is_concrete(lengths):
            raise unsupported("The lengths of a split are not known.")
        parts = pieces(self, values, lengths)
        if any(p.shape != parts[0].shape for p in parts):
            raise unsupported("A split into pieces of differing lengths.")
        rows = jnp.stack(parts) if parts else jnp.zeros((0, *values.shape), values.dtype)
        return self.scatter(np.arange(len(parts)), rows, check)

    def resize(self, length: Any) -> TracedBuffer:
        """Gives the first `length` elements; new ones are zeros."""
        if not _is_concrete(length):
            raise unsupported("The size of a list is not known.")
        made = self.filled(None, max(self.capacity, int(length)))
        return TracedBuffer(self.spec, int(length), made.data[: int(length)])

    # -- gradients

    def zeros_like(self) -> Any:
        """Gives the neutral element: a plain 0 for a TensorArray, a list of zeros for a list."""
        return jnp.float32(0) if self.is_array else self.skeleton()

    def gradient_of(self, source: str) -> TracedBuffer:
        """Gives the empty gradient buffer that belongs to `source`."""
        return TracedBuffer(self.spec.gradient(source, self.element_shape), self.length)

    def skeleton(self) -> TracedBuffer:
        """Gives a buffer of equal length without the elements."""
        return TracedBuffer(replace(self.spec, element_shape=self.element_shape), self.length)

    def plus(self, other: Any) -> TracedBuffer:
        """Gives the sum of two gradient buffers."""
        if isinstance(other, HostBuffer):
            other = traced(other)
        if self.data is None and other.data is None:
            both = (*self.pending, *other.pending)
            if len(both) <= MOST_PENDING:
                return TracedBuffer(self.spec, self.length, None, both)
            return self.filled(tuple(both[0][1].shape)).plus(other)
        if self.data is None:
            return other.plus(self)
        made = self
        for index, value in other.pending:
            made = made._put(index, value)
        if other.data is None:
            return made
        capacity = max(made.capacity, other.capacity)
        total = made.widened(capacity).data + other.widened(capacity).data
        return TracedBuffer(self.spec, _maximum(self.length, other.length), total)


def _check(check: Check | None, ok: Any, message: Callable[..., str], *arrays: Any) -> None:
    if isinstance(ok, (bool, np.bool_)):
        if not ok:
            raise invalid(message(*arrays))
    elif check is not None:
        check(ok, message, *[jnp.asarray(a) for a in arrays])


def _read_message(index: Any, length: Any) -> str:
    return f"Tried to read from index {int(index)} but array size is: {int(length)}"


def _maximum(a: Any, b: Any) -> Any:
    if _is_concrete(a) and _is_concrete(b):
        return max(int(a), int(b))
    return jnp.maximum(a, b).astype(np.int32)


def _is_range(indices: Any, length: int) -> bool:
    return len(indices) == length and bool((indices == np.arange(length)).all())


# -- between the forms


def traced(buffer: Any) -> Any:
    """Gives a buffer of the host as compiled code takes it; anything else as it is.

    Raises:
      UnimplementedError: If its elements are no numbers or differ in shape.
    """
    if not isinstance(buffer, HostBuffer):
        return buffer
    items = buffer.items
    spec, shapes = buffer.spec, {np.shape(v) for v in items.values()}
    if spec.dtype.np.kind == "O" or any(isinstance(v, Buffer) for v in items.values()):
        raise unsupported("A TensorArray whose elements are no numbers.")
    if len(shapes) > 1:
        raise unsupported("A TensorArray whose elements differ in shape.")
    if not shapes:
        return TracedBuffer(spec, buffer.length)
    (shape,) = shapes
    data = np.zeros((buffer.length, *shape), spec.dtype.np)
    for index, value in items.items():
        data[index] = value
    return TracedBuffer(spec, buffer.length, data)


def on_host(buffer: Any) -> Any:
    """Gives a buffer of compiled code as references take it; anything else as it is."""
    if not isinstance(buffer, TracedBuffer):
        return buffer
    if buffer.pending:
        buffer = buffer.filled()
    length = int(buffer.length)
    if buffer.data is None:
        return HostBuffer(buffer.spec, length)
    data = np.asarray(buffer.data)
    items = dict(enumerate(data[:length]))
    made = HostBuffer(buffer.spec, length, items, tuple(data.shape[1:]))
    made.strict = False  # which of them were written is not known any more
    return made


# -- loops and branches


def settle(carry: Any, body: Callable[..., Any], *more: Any, attempts: int = 6) -> Any:
    """Gives a loop's carry the structure that its body keeps.

    Args:
      carry: What the first iteration would be given, a pytree with buffers in it.
      body: From a carry, and `more`, to the next.
      *more: What else it takes: arrays or shapes.
      attempts: How often the structure may change.

    Raises:
      UnimplementedError: If it goes on changing.
    """
    for _ in range(attempts):
        after = jax.eval_shape(body, carry, *more)
        settled = conform(carry, after)
        if _structure(settled) == _structure(carry):
            return carry
        carry = settled
    raise unsupported("The contents of a TensorArray change their shape in every iteration.")


def conform(values: Any, like: Any) -> Any:
    """Gives buffers among `values` data, capacity and a traced length where those in `like` do."""
    is_leaf = _is_buffer
    flat, tree = jax.tree_util.tree_flatten(values, is_leaf=is_leaf)
    models = jax.tree_util.tree_leaves(like, is_leaf=is_leaf)
    return tree.unflatten([_conformed(v, m) for v, m in zip(flat, models, strict=True)])


def _is_buffer(value: Any) -> bool:
    return isinstance(value, Buffer)


def _conformed(value: Any, model: Any) -> Any:
    if not isinstance(model, TracedBuffer):
        return value
    if not isinstance(value, Buffer):  # a plain zero
        length = model.length if isinstance(model.length, int) else jnp.int32(0)
        value = TracedBuffer(model.spec, length)
    value = traced(value)
    if model.data is not None or model.pending:
        wanted = max(model.capacity, value.capacity, model.length_hint())
        value = value.filled(model.element_shape, wanted)
    length = value.length
    if not isinstance(model.length, int):
        length = jnp.asarray(length, np.int32)
    return TracedBuffer(model.spec, length, value.data, value.pending)


def _structure(values: Any) -> Any:
    leaves, tree = jax.tree_util.tree_flatten(values)
    return tree, [(np.shape(x), getattr(x, "dtype", None)) for x in leaves]
