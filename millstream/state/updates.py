"""The methods of variables that write, alike for every kind of variable but for the node made."""

from __future__ import annotations

from typing import Any

from millstream.ir.composite import IndexedSlices
from millstream.ir.tensor import Tensor
from millstream.state.assignments import batch_scatter_update


class Updates:
    """The part of a variable that writes to it.

    All methods but `count_up_to` return the variable as it is after the write, or the node that
    writes if `read_value` is false.
    """

    # -- what the kinds of variables say; `kind` is what tells the ops apart: `Add`, `Update`, …

    def _assign(self, kind: str, value: Any, locking: Any, name: Any, read_value: bool) -> Any:
        raise NotImplementedError(type(self).__name__)

    def _scatter(self, kind: str, slices: IndexedSlices, locking: Any, name: Any) -> Any:
        raise NotImplementedError(type(self).__name__)

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: Any) -> Any:
        raise NotImplementedError(type(self).__name__)

    # -- the whole value

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Gives the variable a new value."""
        return self._assign("", value, use_locking, name, read_value)

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds `delta`."""
        return self._assign("Add", delta, use_locking, name, read_value)

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts `delta`."""
        return self._assign("Sub", delta, use_locking, name, read_value)

    def count_up_to(self, limit: int) -> Tensor:
        """Returns the value and then adds one; ends the step with `OutOfRangeError` at `limit`."""
        raise NotImplementedError(type(self).__name__)

    # -- rows, given as `IndexedSlices`

    def scatter_add(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Adds the rows of an `IndexedSlices`; repeated indices add up."""
        return self._scatter("Add", require_slices(sparse_delta), use_locking, name)

    def scatter_sub(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Subtracts the rows of an `IndexedSlices`; repeated indices add up."""
        return self._scatter("Sub", require_slices(sparse_delta), use_locking, name)

    def scatter_mul(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Multiplies by the rows of an `IndexedSlices`."""
        return self._scatter("Mul", require_slices(sparse_delta), use_locking, name)

    def scatter_div(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Divides by the rows of an `IndexedSlices`."""
        return self._scatter("Div", require_slices(sparse_delta), use_locking, name)

    def scatter_min(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Lowers rows to those of an `IndexedSlices` where these are smaller."""
        return self._scatter("Min", require_slices(sparse_delta), use_locking, name)

    def scatter_max(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Raises rows to those of an `IndexedSlices` where these are larger."""
        return self._scatter("Max", require_slices(sparse_delta), use_locking, name)

    def scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Replaces rows by those of an `IndexedSlices`."""
        return self._scatter("Update", require_slices(sparse_delta), use_locking, name)

    def batch_scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Replaces rows, where the indices of `sparse_delta` lead with the batch axes."""
        found = require_slices(sparse_delta)
        return batch_scatter_update(self, found.indices, found.values, use_locking, name)

    # -- slices at index tuples, `[…, depth]`

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds at index tuples; repeated ones add up."""
        return self._scatter_nd("Add", indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts at index tuples; repeated ones add up."""
        return self._scatter_nd("Sub", indices, updates, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replaces at index tuples."""
        return self._scatter_nd("Update", indices, updates, name)


def require_slices(value: Any) -> IndexedSlices:
    """Returns `value`, which must be `IndexedSlices`.

    Raises:
      TypeError: if it is anything else.
    """
    if not isinstance(value, IndexedSlices):
        raise TypeError(f"sparse_delta is not IndexedSlices: {value}")
    return value
