"""`tf.ragged.RaggedTensorValue`: what fetching a ragged tensor gives."""

from typing import Any

import numpy as np

from millstream.base.export import export


@export("ragged.RaggedTensorValue", "compat.v1.ragged.RaggedTensorValue")
class RaggedTensorValue:
    """Arrays: the rows of a ragged tensor.

    Args:
      values: the elements of all rows, an array or another value.
      row_splits: where each row begins, and the last one ends, an integer array.

    Raises:
      TypeError: if a part is of another type.
      ValueError: if `row_splits` is no vector.
    """

    def __init__(self, values: Any, row_splits: Any) -> None:
        if not isinstance(row_splits, np.ndarray) or row_splits.dtype not in (np.int32, np.int64):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if row_splits.ndim != 1:
            raise ValueError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, np.ndarray | np.generic | RaggedTensorValue):
            raise TypeError("values must be a numpy array or RaggedTensorValue")
        self._values, self._row_splits = values, row_splits

    @property
    def values(self) -> Any:
        """The elements of all rows."""
        return self._values

    @property
    def row_splits(self) -> Any:
        """Where each row begins, and the last one ends."""
        return self._row_splits

    @property
    def flat_values(self) -> Any:
        """The elements of the innermost rows."""
        values = self._values
        return values.flat_values if isinstance(values, RaggedTensorValue) else values

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The splits of each level, outermost first."""
        values = self._values
        inner = values.nested_row_splits if isinstance(values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self) -> int:
        """The number of ragged dimensions."""
        return len(self.nested_row_splits)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self._values.dtype

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape; `None` for ragged dimensions."""
        return (len(self._row_splits) - 1, None, *self._values.shape[1:])

    def to_list(self) -> list[Any]:
        """Returns the rows as nested lists."""
        values = self._values
        rows = values.to_list() if isinstance(values, RaggedTensorValue) else values.tolist()
        ends = self._row_splits.tolist()
        return [rows[ends[i] : ends[i + 1]] for i in range(len(ends) - 1)]

    def __str__(self) -> str:
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self) -> str:
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"
