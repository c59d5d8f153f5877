"""`tf.RaggedTensor`: a tensor whose rows have unequal lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base.dtypes import Int64, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.composite import CompositeTensor, SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.joining import concat
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_max
from millstream.ops.math.cast import cast
from millstream.ops.ragged import kernels
from millstream.ops.ragged.splits import (
    as_indices,
    rows_of_splits,
    splits_of_lengths,
    splits_of_rows,
    unpadded_lengths,
)
from millstream.ops.ragged.value import RaggedTensorValue


def as_ragged_or_tensor(value: Any, dtype: Any = None, name: Any = None) -> Any:
    """Returns a `RaggedTensor` as it is, arrays of rows as one, and all else as a tensor."""
    if isinstance(value, RaggedTensor):
        return value
    if isinstance(value, RaggedTensorValue):
        values = as_ragged_or_tensor(value.values, dtype)
        return RaggedTensor.from_row_splits(values, value.row_splits, validate=False)
    return convert_to_tensor(value, dtype=dtype, name=name)


@export("RaggedTensor")
class RaggedTensor(CompositeTensor):
    """A tensor with a dimension of rows of unequal length, or more.

    It is made by the `from_…` methods and by `tf.ragged.constant`.

    Args:
      values: the elements of all rows, `[elements, …]`; may itself be ragged.
      row_splits: `[rows + 1]`: row `i` is `values[row_splits[i]:row_splits[i + 1]]`.
      cached_row_lengths: not used.
      cached_value_rowids: not used.
      cached_nrows: not used.
      internal: must be true; use the `from_…` methods.
    """

    def __init__(
        self,
        values: Any,
        row_splits: Any,
        cached_row_lengths: Any = None,
        cached_value_rowids: Any = None,
        cached_nrows: Any = None,
        internal: bool = False,
    ) -> None:
        del cached_row_lengths, cached_value_rowids, cached_nrows
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods "
                "instead (e.g., RaggedTensor.from_row_lengths())"
            )
        row_splits.shape.assert_has_rank(1)
        values.shape.with_rank_at_least(1)
        self._values, self._row_splits = values, row_splits

    # -- making

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: Any, name: Any = None, validate: bool = True
    ) -> RaggedTensor:
        """Makes one of where each row begins, and the last one ends.

        Raises:
          ValueError: if `row_splits` is empty.
        """
        del validate
        if isinstance(row_splits, list | tuple) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        with name_scope(name, "RaggedFromRowSplits", [values, row_splits]):
            values = as_ragged_or_tensor(values, name="values")
            return cls(values, as_indices(row_splits, "row_splits"), internal=True)

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: Any, name: Any = None, validate: bool = True
    ) -> RaggedTensor:
        """Makes one of the length of each row."""
        del validate
        with name_scope(name, "RaggedFromRowLengths", [values, row_lengths]):
            values = as_ragged_or_tensor(values, name="values")
            return cls(
                values, splits_of_lengths(as_indices(row_lengths, "row_lengths")), internal=True
            )

    @classmethod
    def from_row_starts(
        cls, values: Any, row_starts: Any, name: Any = None, validate: bool = True
    ) -> RaggedTensor:
        """Makes one of where each row begins."""
        del validate
        with name_scope(name, "RaggedFromRowStarts", [values, row_starts]):
            values = as_ragged_or_tensor(values, name="values")
            starts = as_indices(row_starts, "row_starts")
            count = cast(nrows_of(values), starts.dtype)
            return cls(values, concat([starts, [count]], 0), internal=True)

    @classmethod
    def from_row_limits(
        cls, values: Any, row_limits: Any, name: Any = None, validate: bool = True
    ) -> RaggedTensor:
        """Makes one of where each row ends."""
        del validate
        with name_scope(name, "RaggedFromRowLimits", [values, row_limits]):
            values = as_ragged_or_tensor(values, name="values")
            limits = as_indices(row_limits, "row_limits")
            return cls(values, concat([constant([0], limits.dtype), limits], 0), internal=True)

    @classmethod
    def from_value_rowids(
        cls,
        values: Any,
        value_rowids: Any,
        nrows: Any = None,
        name: Any = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Makes one of the row of each element, in ascending order.

        Raises:
          ValueError: if `nrows` is negative.
        """
        del validate
        with name_scope(name, "RaggedFromValueRowIds", [values, value_rowids, nrows]):
            values = as_ragged_or_tensor(values, name="values")
            rows = as_indices(value_rowids, "value_rowids")
            if isinstance(nrows, int) and nrows < 0:
                raise ValueError(f"Expected nrows >= 0; got {nrows}")
            return cls(values, splits_of_rows(rows, nrows), internal=True)

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: Any = None, validate: bool = True
    ) -> Any:
        """Makes one of the splits of each level, outermost first."""
        return cls._nested(cls.from_row_splits, flat_values, nested_row_splits, name, validate)

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: Any = None, validate: bool = True
    ) -> Any:
        """Makes one of the row lengths of each level, outermost first."""
        return cls._nested(cls.from_row_lengths, flat_values, nested_row_lengths, name, validate)

    @classmethod
    def _nested(cls, make: Any, values: Any, levels: Any, name: Any, validate: bool) -> Any:
        if isinstance(levels, Tensor):
            raise TypeError("the splits or lengths must be a list of tensors")
        with name_scope(name, "RaggedFromNested", [values, *levels]):
            for level in reversed(list(levels)):
                values = make(values, level, validate=validate)
            return values

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Any,
        nested_nrows: Any = None,
        name: Any = None,
        validate: bool = True,
    ) -> Any:
        """Makes one of the rows of the elements of each level, outermost first."""
        if isinstance(nested_value_rowids, Tensor):
            raise TypeError("nested_value_rowids must be a list of Tensors")
        nrows = [None] * len(nested_value_rowids) if nested_nrows is None else list(nested_nrows)
        if len(nrows) != len(nested_value_rowids):
            raise ValueError("nested_nrows must have the same length as nested_value_rowids")
        with name_scope(name, "RaggedFromNestedValueRowIds", [flat_values]):
            result = flat_values
            for rows, count in zip(reversed(list(nested_value_rowids)), reversed(nrows)):
                result = cls.from_value_rowids(result, rows, count, validate=validate)
            return result

    @classmethod
    def from_tensor(
        cls,
        tensor: Any,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: Any = None,
        row_splits_dtype: Any = Int64,
    ) -> Any:
        """Makes one of a dense tensor.

        Args:
          tensor: `[rows, columns, …]`.
          lengths: how long each row is; the whole row by default.
          padding: what fills the ends of rows, to be left out.
          ragged_rank: number of ragged dimensions.
          name: name of the nodes' scope.
          row_splits_dtype: type of the splits.

        Raises:
          ValueError: if both `lengths` and `padding` are given.
        """
        dtype = as_dtype(row_splits_dtype)
        if lengths is not None and padding is not None:
            raise ValueError("Specify lengths or padding, but not both")
        with name_scope(name, "RaggedFromTensor", [tensor, lengths, padding]):
            tensor = convert_to_tensor(tensor, name="tensor")
            tensor.shape.with_rank_at_least(ragged_rank + 1)
            sizes = shape_of(tensor, out_type=dtype)
            if ragged_rank > 1:
                return cls._from_deep_tensor(tensor, sizes, lengths, padding, ragged_rank, dtype)
            rows, columns = sizes[0], sizes[1]
            if padding is not None:
                lengths = unpadded_lengths(tensor, padding, columns, dtype)
            if lengths is None:
                flat = ops.Reshape(tensor, concat([[-1], sizes[2:]], 0))
                splits = ops.Range(constant(0, dtype), rows + 1, constant(1, dtype)) * columns
                return cls(flat, splits, internal=True)
            lengths = cast(convert_to_tensor(lengths), dtype)
            lengths = ops.Minimum(ops.Maximum(lengths, constant(0, dtype)), columns)
            places = ops.Range(constant(0, dtype), columns, constant(1, dtype))
            kept = ops.Less(ops.ExpandDims(places, 0), ops.ExpandDims(lengths, 1))
            values = ops.GatherNd(tensor, ops.Where(kept))
            return cls(values, splits_of_lengths(lengths), internal=True)

    @classmethod
    def _from_deep_tensor(
        cls, tensor: Any, sizes: Any, lengths: Any, padding: Any, ragged_rank: int, dtype: Any
    ) -> Any:
        inner = ops.Reshape(tensor, concat([[-1], sizes[2:]], 0))
        if tensor.shape.ndims is not None:
            inner.set_shape([None, *tensor.shape.as_list()[2:]])
        flat = cls.from_tensor(inner, lengths, padding, ragged_rank - 1, row_splits_dtype=dtype)
        splits = ops.Range(constant(0, dtype), sizes[0] + 1, constant(1, dtype)) * sizes[1]
        return cls(flat, splits, internal=True)

    @classmethod
    def from_sparse(
        cls, st_input: Any, name: Any = None, row_splits_dtype: Any = Int64
    ) -> RaggedTensor:
        """Makes one of a `SparseTensor` of rank 2 whose rows have no holes.

        Raises:
          TypeError: if `st_input` is not sparse.
          ValueError: if its rank is not 2.
        """
        if not isinstance(st_input, SparseTensor):
            raise TypeError(f"Expected SparseTensor, got {type(st_input).__name__}")
        with name_scope(name, "RaggedFromSparse", [st_input]):
            st_input.shape.with_rank(2)
            dtype = as_dtype(row_splits_dtype)
            rows = cast(st_input.indices[:, 0], dtype)
            nrows = cast(st_input.dense_shape[0], dtype)
            return cls.from_value_rowids(st_input.values, rows, nrows)

    # -- parts

    @property
    def values(self) -> Any:
        """The elements of all rows; ragged if there are more levels."""
        return self._values

    @property
    def row_splits(self) -> Tensor:
        """Where each row begins, and the last one ends, `[rows + 1]`."""
        return self._row_splits

    @property
    def flat_values(self) -> Tensor:
        """The elements of the innermost rows."""
        values = self._values
        return values.flat_values if isinstance(values, RaggedTensor) else values

    @property
    def nested_row_splits(self) -> tuple[Tensor, ...]:
        """The splits of each level, outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self) -> int:
        """The number of ragged dimensions."""
        return len(self.nested_row_splits)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self.flat_values.dtype

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape; ragged dimensions are unknown."""
        rows = self._row_splits.shape.as_list()[0]
        inner = self._values.shape
        if inner.ndims is None:
            return TensorShape(None)
        return TensorShape([None if rows is None else rows - 1, None, *inner.as_list()[1:]])

    def get_shape(self) -> TensorShape:
        """Returns what is known of the shape."""
        return self.shape

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self._row_splits.graph

    @property
    def op(self) -> Any:
        """The node that makes the elements."""
        return self.flat_values.op

    @property
    def component_tensors(self) -> list[Any]:
        """The flat values, then the splits, outermost first."""
        return [self.flat_values, *self.nested_row_splits]

    def _from_components(self, components: Sequence[Any]) -> Any:
        values = components[0]
        for splits in reversed(components[1:]):
            values = RaggedTensor(values, splits, internal=True)
        return values

    def _run_value(self, arrays: Sequence[Any]) -> RaggedTensorValue:
        """Puts together what fetching its components gave."""
        values = arrays[0]
        for splits in reversed(arrays[1:]):
            values = RaggedTensorValue(values, splits)
        return values

    def consumers(self) -> list[Any]:
        """Returns the nodes that take one of its components."""
        return [node for part in self.component_tensors for node in part.consumers()]

    # -- rows

    def nrows(self, out_type: Any = None, name: Any = None) -> Tensor:
        """Returns the number of rows."""
        dtype = self._row_splits.dtype if out_type is None else as_dtype(out_type)
        with name_scope(name, "RaggedNRows", [self._row_splits]):
            return shape_of(self._row_splits, out_type=dtype)[0] - 1

    def row_lengths(self, axis: int = 1, name: Any = None) -> Any:
        """Returns the length of each row of a dimension.

        Raises:
          ValueError: if `axis` is negative.
        """
        if axis < 0:
            raise ValueError(f"row_lengths() needs an axis that is not negative, got {axis}")
        if axis == 0:
            return self.nrows(name=name)
        if axis == 1:
            return ops.Sub(self._row_splits[1:], self._row_splits[:-1], name=name)
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.row_lengths(axis - 1))
        sizes = shape_of(self._values, out_type=self._row_splits.dtype)
        ones = ops.OnesLike(ops.Range(0, sizes[0], 1))
        return self.with_values(ones * sizes[axis - 1])

    def nested_row_lengths(self, name: Any = None) -> tuple[Tensor, ...]:
        """Returns the row lengths of each level, outermost first."""
        del name
        return tuple(splits[1:] - splits[:-1] for splits in self.nested_row_splits)

    def row_starts(self, name: Any = None) -> Tensor:
        """Returns where each row begins."""
        with name_scope(name, "RaggedRowStarts", [self._row_splits]):
            return self._row_splits[:-1]

    def row_limits(self, name: Any = None) -> Tensor:
        """Returns where each row ends."""
        with name_scope(name, "RaggedRowLimits", [self._row_splits]):
            return self._row_splits[1:]

    def value_rowids(self, name: Any = None) -> Tensor:
        """Returns the row of each element."""
        with name_scope(name, "RaggedValueRowIds", [self._row_splits]):
            return rows_of_splits(self._row_splits)

    def nested_value_rowids(self, name: Any = None) -> tuple[Tensor, ...]:
        """Returns the rows of the elements of each level, outermost first."""
        del name
        return tuple(rows_of_splits(splits) for splits in self.nested_row_splits)

    def bounding_shape(self, axis: Any = None, name: Any = None, out_type: Any = None) -> Any:
        """Returns the smallest dense shape that holds it, or its sizes along `axis`."""
        dtype = self._row_splits.dtype if out_type is None else as_dtype(out_type)
        with name_scope(name, "RaggedBoundingBox", [self._row_splits]):
            zero = constant([0], self._row_splits.dtype)
            widest = [reduce_max(concat([each, zero], 0)) for each in self.nested_row_lengths()]
            inner = shape_of(self.flat_values, out_type=self._row_splits.dtype)[1:]
            box = cast(concat([[self.nrows(), *widest], inner], 0), dtype)
            return box if axis is None else ops.GatherV2(box, axis, 0)

    # -- others of the same rows

    def with_values(self, new_values: Any) -> RaggedTensor:
        """Returns the same rows of other elements, of which there are as many."""
        return RaggedTensor(as_ragged_or_tensor(new_values), self._row_splits, internal=True)

    def with_flat_values(self, new_values: Any) -> Any:
        """Returns the same rows of other innermost elements."""
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype: Any) -> Any:
        """Returns the same with splits of another type."""
        values = self._values
        if isinstance(values, RaggedTensor):
            values = values.with_row_splits_dtype(dtype)
        return RaggedTensor(values, cast(self._row_splits, as_dtype(dtype)), internal=True)

    # -- dense and sparse

    def to_tensor(self, default_value: Any = None, name: Any = None) -> Tensor:
        """Returns it as a dense tensor, padded with `default_value` (0 or `""`)."""
        with name_scope(name, "RaggedToTensor", [*self.component_tensors, default_value]):
            flat, splits = self.flat_values, list(self.nested_row_splits)
            if default_value is None:
                default_value = "" if flat.dtype.np == np.dtype(object) else 0
            default_value = convert_to_tensor(default_value, dtype=flat.dtype)
            dense = kernels.RaggedTensorToTensor(
                constant([-1] * (len(splits) + 1), Int64), flat, default_value, splits,
                row_partition_types=["ROW_SPLITS"] * len(splits),
            )  # fmt: skip
            dense.set_shape(self.shape)
            return dense

    def to_sparse(self, name: Any = None) -> SparseTensor:
        """Returns its elements as a sparse tensor."""
        with name_scope(name, "RaggedToSparse", self.component_tensors):
            found = kernels.RaggedTensorToSparse(list(self.nested_row_splits), self.flat_values)
            return SparseTensor(*found)

    def to_list(self) -> Any:
        """Raises ValueError: only what fetching it gives has a list."""
        raise ValueError("RaggedTensor.to_list() is only for the values that a session returns")

    def eval(self, feed_dict: Any = None, session: Any = None) -> RaggedTensorValue:
        """Runs it in `session` (default: the default session)."""
        run = self.graph.default_session(session, "RaggedTensor.eval").run
        return self._run_value(run(self.component_tensors, feed_dict))

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    __nonzero__ = __bool__

    def __repr__(self) -> str:
        return f"tf.RaggedTensor(values={self._values}, row_splits={self._row_splits})"


def nrows_of(value: Any) -> Tensor:
    """Returns the number of rows of a tensor, ragged or not, int64."""
    if isinstance(value, RaggedTensor):
        return value.nrows(out_type=Int64)
    return shape_of(value, out_type=Int64)[0]
