"""Tables at run time.

State. A table maps keys (numbers, bytes, or tuples of numbers where keys are vectors) to values
(numbers, bytes, or rows). A *fixed* table is filled once, before it is used; a *mutable* one may
change in every step. One lock guards each table; it is held for one node's work only.

Invariants.
- A fixed table that is filled again must be given the same data; anything else is an error.
- Rows handed in are copied, so that what a table holds never changes behind its back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


class Table:
    """A table.

    Args:
      name: name for messages.
      key_dtype: type of the keys.
      value_dtype: type of the values.
      key_shape: shape of one key.
      value_shape: shape of one value.
    """

    kind = "HashTable"

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        key_shape: tuple[int, ...] = (),
        value_shape: TensorShape | None = None,
    ) -> None:
        self.name = name
        self.key_dtype, self.value_dtype = key_dtype, value_dtype
        self.key_shape = key_shape
        self.value_shape = TensorShape([]) if value_shape is None else value_shape
        self._lock = threading.Lock()
        self._values: dict[Any, Any] = {}

    # -- keys and values, from arrays and back

    def _keys_of(self, array: Any) -> tuple[list[Any], tuple[int, ...]]:
        """Gives the keys in an array, and the shape that they are arranged in."""
        array = np.asarray(array, self.key_dtype.np)
        rank = len(self.key_shape)
        if not rank:
            return array.ravel().tolist(), array.shape
        lead, own = array.shape[: array.ndim - rank], array.shape[array.ndim - rank :]
        if own != self.key_shape:
            raise _invalid(
                f"Input key shape must end in {list(self.key_shape)}, but got {list(array.shape)}"
            )
        rows = array.reshape(-1, int(np.prod(self.key_shape, dtype=int)))
        return [tuple(row) for row in rows.tolist()], lead

    def _items(self, keys: Any, values: Any) -> list[tuple[Any, Any]]:
        listed, lead = self._keys_of(keys)
        values = np.asarray(values, self.value_dtype.np)
        own = values.shape[len(lead) :]
        if values.shape[: len(lead)] != lead or not self.value_shape.is_compatible_with(own):
            raise _invalid(
                f"Expected shape {[*lead, *self.value_shape.as_list()]} for value, got "
                f"{list(values.shape)}"
            )
        if not own:
            return list(zip(listed, values.ravel().tolist()))
        return list(zip(listed, values.reshape(-1, *own).copy()))

    def _array(self, values: list[Any], lead: tuple[int, ...], own: tuple[int, ...]) -> Any:
        array = np.empty((len(values), *own), self.value_dtype.np)
        for index, value in enumerate(values):
            array[index] = value
        return array.reshape((*lead, *own))

    # -- use

    def find(self, keys: Any, default: Any) -> Any:
        """Gives the values of some keys, `default` for those that are not there."""
        listed, lead = self._keys_of(keys)
        default = np.asarray(default, self.value_dtype.np)
        missing = default if default.ndim else default.item()
        with self._lock:
            self._check_usable()
            found = [self._values.get(key, missing) for key in listed]
        return self._array(found, lead, default.shape)

    def export(self) -> tuple[Any, Any]:
        """Gives all keys and their values."""
        with self._lock:
            self._check_usable()
            items = list(self._values.items())
        keys = np.empty((len(items), *self.key_shape), self.key_dtype.np)
        for index, (key, _) in enumerate(items):
            keys[index] = np.reshape(key, self.key_shape) if self.key_shape else key
        own = np.shape(items[0][1]) if items else tuple(s or 0 for s in self.value_shape.as_list())
        return keys, self._array([value for _, value in items], (len(items),), own)

    def size(self) -> int:
        """Counts the keys."""
        with self._lock:
            self._check_usable()
            return len(self._values)

    def _check_usable(self) -> None:
        """Raises FailedPreconditionError if the table must first be filled."""

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of some keys."""
        raise errors.UnimplementedError(None, None, f"{self.kind} cannot be changed")

    def remove(self, keys: Any) -> None:
        """Takes some keys out."""
        raise errors.UnimplementedError(None, None, f"{self.kind} cannot be changed")

    def fill(self, keys: Any, values: Any) -> None:
        """Replaces everything."""
        raise errors.UnimplementedError(None, None, f"{self.kind} cannot be filled")


class FixedTable(Table):
    """A table that is filled once."""

    kind = "HashTable"

    def __init__(self, name: str, key_dtype: DType, value_dtype: DType) -> None:
        super().__init__(name, key_dtype, value_dtype)
        self._filled = False

    def _check_usable(self) -> None:
        if not self._filled:
            raise errors.FailedPreconditionError(None, None, "Table not initialized.")

    def fill(self, keys: Any, values: Any) -> None:
        """Fills the table, or checks that it was filled with as much before."""
        self.fill_with(self._items(keys, values))

    def fill_with(self, items: Iterable[tuple[Any, Any]]) -> None:
        """Fills the table with pairs.

        Raises:
          FailedPreconditionError: if a key comes twice with different values, or the table was
            filled with other data.
        """
        with self._lock:
            found: dict[Any, Any] = {}
            for key, value in items:
                if found.setdefault(key, value) != value:
                    raise errors.FailedPreconditionError(
                        None,
                        None,
                        f"HashTable has different value for same key. Key {_word(key)} has "
                        f"{_word(found[key])} and trying to add value {_word(value)}",
                    )
            if self._filled and found != self._values:
                raise errors.FailedPreconditionError(None, None, "Table already initialized.")
            self._values, self._filled = found, True


def _word(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


class MutableTable(Table):
    """A table that may change in every step."""

    kind = "MutableHashTable"

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of some keys."""
        items = self._items(keys, values)
        with self._lock:
            self._check_keys(key for key, _ in items)
            self._values.update(items)

    def remove(self, keys: Any) -> None:
        """Takes some keys out; those that are not there do not matter."""
        listed, _ = self._keys_of(keys)
        with self._lock:
            self._check_keys(listed)
            for key in listed:
                self._values.pop(key, None)

    def fill(self, keys: Any, values: Any) -> None:
        """Replaces everything."""
        items = dict(self._items(keys, values))
        with self._lock:
            self._check_keys(items)
            self._values = items

    def _check_keys(self, keys: Iterable[Any]) -> None:
        """Raises InvalidArgumentError for keys that the table cannot hold."""


class DenseTable(MutableTable):
    """A mutable table two of whose keys are reserved, as programs declare them.

    Args:
      name: name for messages.
      key_dtype: type of the keys.
      value_dtype: type of the values.
      value_shape: shape of one value.
      reserved: arrays by name: `empty_key` and, but in graphs of old, `deleted_key`.
    """

    kind = "MutableDenseHashTable"

    def __init__(
        self,
        name: str,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: TensorShape,
        reserved: dict[str, Any],
    ) -> None:
        shape = np.shape(reserved["empty_key"])
        super().__init__(name, key_dtype, value_dtype, shape, value_shape)
        self._reserved = {self._keys_of(key)[0][0]: word for word, key in reserved.items()}
        if len(self._reserved) < len(reserved):
            raise _invalid("Empty and deleted keys cannot be equal")

    def find(self, keys: Any, default: Any) -> Any:
        """Gives the values of some keys, `default` for those that are not there."""
        self._check_keys(self._keys_of(keys)[0])
        return super().find(keys, default)

    def _check_keys(self, keys: Iterable[Any]) -> None:
        for key in keys:
            if key in self._reserved:
                word = self._reserved[key]
                raise _invalid(f"Using the {word} as a table key is not allowed")
