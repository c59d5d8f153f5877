"""`tf.ragged.constant`, `placeholder`, `range`, and ids of segments."""

import builtins

import numpy as np

from millstream.base.dtypes import Int32, Int64, as_dtype
from millstream.base.export import export
from millstream.ir.constant import constant as dense_constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.placeholders import placeholder as dense_placeholder
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.ragged.kernels import RaggedRange
from millstream.ops.ragged.splits import rows_of_splits, splits_of_rows
from millstream.ops.ragged.tensor import RaggedTensor
from millstream.ops.ragged.value import RaggedTensorValue


@export("ragged.constant")
def constant(
    pylist, dtype=None, ragged_rank=None, inner_shape=None, name=None, row_splits_dtype=Int64
):
    """Makes a constant ragged tensor of nested lists.

    Args:
      pylist: nested lists; those of one depth may have different lengths.
      dtype: type of the elements.
      ragged_rank: number of ragged dimensions; all but the innermost by default.
      inner_shape: the shape of what is not ragged.
      name: prefix of the nodes' names.
      row_splits_dtype: type of the splits.

    Returns:
      A `RaggedTensor`, or a tensor if `ragged_rank` is 0.

    Raises:
      ValueError: if the lists have no common depth, or do not fit the other arguments.
      TypeError: if elements and lists are mixed.
    """
    with name_scope(name, "RaggedConstant"):
        dtype = None if dtype is None else as_dtype(dtype)
        kind = as_dtype(row_splits_dtype).np

        def elements(values, shape):
            return dense_constant(values, dtype=dtype, shape=shape, name="values")

        def rows(values, splits):
            return RaggedTensor.from_row_splits(values, np.array(splits, kind), validate=False)

        return _nested(pylist, ragged_rank, inner_shape, elements, rows)


@export("ragged.constant_value", "compat.v1.ragged.constant_value")
def constant_value(
    pylist, dtype=None, ragged_rank=None, inner_shape=None, row_splits_dtype="int64"
):
    """Makes a `RaggedTensorValue` of nested lists; the arguments are those of `constant`."""
    kind = as_dtype(row_splits_dtype).np
    dtype = None if dtype is None else as_dtype(dtype).np

    def elements(values, shape):
        array = np.array(values, dtype)
        return array if shape is None else array.reshape(shape)

    def rows(values, splits):
        return RaggedTensorValue(values, np.array(splits, kind))

    return _nested(pylist, ragged_rank, inner_shape, elements, rows)


def _depth(pylist):
    """Returns how deep lists are nested, as far as they are not empty."""
    if not isinstance(pylist, list | tuple):
        return np.ndim(pylist)
    return 1 + max(map(_depth, pylist), default=0)


def _check_depth(values, depth):
    """Raises ValueError unless all elements are that deep."""
    if not isinstance(values, list | tuple):
        if np.ndim(values) != depth:
            raise ValueError("all scalar values must have the same nesting depth")
        return
    if depth == 0:
        raise ValueError("all scalar values must have the same nesting depth")
    for each in values:
        _check_depth(each, depth - 1)


def _inner_sizes(values):
    """Returns the sizes of the dimensions of nested lists below the first.

    Raises:
      ValueError: if lists of one depth have different lengths.
    """
    sizes, level = [], values
    for _ in builtins.range(_depth(values) - 1):
        lengths = {len(each) for each in level}
        if len(lengths) != 1:
            raise ValueError(f"inner values have inconsistent shape: {values!r}")
        sizes.append(lengths.pop())
        level = [item for each in level for item in each]
    return tuple(sizes)


def _nested(pylist, ragged_rank, inner_shape, elements, rows):
    if not isinstance(pylist, list | tuple):
        if np.ndim(pylist):
            pylist = np.asarray(pylist).tolist()
        else:
            if ragged_rank:
                raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank > 0")
            return elements(pylist, inner_shape or ())
    depth = _depth(pylist)
    _check_depth(pylist, depth)
    if ragged_rank is None:
        ragged_rank = max(1, depth - 1) if inner_shape is None else depth - len(inner_shape)
        if depth == 1 and inner_shape is None:
            return elements(pylist, (len(pylist),))
        if inner_shape is not None:
            ragged_rank = max(0, depth - 1 - len(inner_shape))
    elif ragged_rank >= max(depth, 1):
        raise ValueError(f"Invalid pylist, incompatible with ragged_rank {ragged_rank}: {pylist}")
    return _levels(pylist, ragged_rank, inner_shape, elements, rows)


def _levels(pylist, ragged_rank, inner_shape, elements, rows):
    splits, level = [], list(pylist)
    for _ in builtins.range(ragged_rank):
        splits.append(np.cumsum([0, *map(len, level)]).tolist())
        level = [item for each in level for item in each]
    if inner_shape is None:
        inner_shape = _inner_sizes(level)
    inner_shape = (len(level), *inner_shape)
    values = elements(level, inner_shape)
    for each in reversed(splits):
        values = rows(values, each)
    return values


@export("ragged.placeholder", "compat.v1.ragged.placeholder")
def placeholder(dtype, ragged_rank, value_shape=None, name=None):
    """Makes a ragged tensor that is fed, with a `RaggedTensorValue`.

    Args:
      dtype: type of the elements.
      ragged_rank: number of ragged dimensions.
      value_shape: shape of an element.
      name: prefix of the nodes' names.
    """
    if ragged_rank == 0:
        return dense_placeholder(dtype, value_shape, name)
    with name_scope(name, "RaggedPlaceholder"):
        inner = [None] if value_shape is None else [None, *value_shape]
        result = dense_placeholder(dtype, inner, "flat_values")
        for level in reversed(builtins.range(ragged_rank)):
            splits = dense_placeholder(Int64, [None], f"row_splits_{level}")
            result = RaggedTensor(result, splits, internal=True)
        return result


@export("ragged.range")
def range(starts, limits=None, deltas=1, dtype=None, name=None, row_splits_dtype=Int64):
    """Makes rows of evenly spaced numbers.

    Args:
      starts: where each row begins, a vector or a number; where it ends, if there is no `limits`.
      limits: what each row's numbers stay below.
      deltas: the step of each row.
      dtype: type of the numbers.
      name: name of the nodes' scope.
      row_splits_dtype: type of the splits.

    Returns:
      A `RaggedTensor` `[rows, (numbers)]`.
    """
    if limits is None:
        starts, limits = 0, starts
    with name_scope(name, "RaggedRange", [starts, limits, deltas]):
        parts = [
            convert_to_tensor(part, dtype=None if dtype is None else as_dtype(dtype), name=leaf)
            for part, leaf in zip(
                (starts, limits, deltas), ("starts", "limits", "deltas"), strict=True
            )
        ]
        if dtype is None:
            order = {kind: at for at, kind in enumerate(("int32", "int64", "float32", "float64"))}
            widest = max((part.dtype for part in parts), key=lambda kind: order.get(kind.name, 9))
            parts = [cast(part, widest) for part in parts]
        splits, values = RaggedRange(*parts, Tsplits=as_dtype(row_splits_dtype))
        return RaggedTensor(values, splits, internal=True)


@export("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits, name=None, out_type=None):
    """Returns the row of each element.

    Args:
      splits: where each row begins, and the last one ends.
      name: name of the nodes' scope.
      out_type: type of the result; that of the splits by default.
    """
    with name_scope(name, "RaggedSplitsToSegmentIds", [splits]):
        splits = convert_to_tensor(splits, dtype_hint=Int64, name="splits")
        if splits.dtype not in (Int32, Int64):
            raise ValueError("splits must have dtype int32 or int64")
        splits.shape.assert_has_rank(1)
        rows = rows_of_splits(splits)
        return rows if out_type is None else cast(rows, as_dtype(out_type))


@export("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(segment_ids, num_segments=None, out_type=None, name=None):
    """Returns where each row begins, and the last one ends.

    Args:
      segment_ids: the row of each element, in ascending order.
      num_segments: number of rows.
      out_type: type of the result; int64 by default for arrays, else that of the ids.
      name: name of the nodes' scope.
    """
    with name_scope(name, "SegmentIdsToRaggedSplits", [segment_ids]):
        ids = convert_to_tensor(segment_ids, dtype_hint=Int64, name="segment_ids")
        ids.shape.assert_has_rank(1)
        splits = splits_of_rows(ids, num_segments)
        return splits if out_type is None else cast(splits, as_dtype(out_type))


@export("ragged.stack_dynamic_partitions")
def stack_dynamic_partitions(data, partitions, num_partitions, name=None):
    """Puts the elements of each partition in a row.

    Args:
      data: `[elements, …]`.
      partitions: the partition of each element.
      num_partitions: number of partitions.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` `[num_partitions, (elements), …]`.
    """
    with name_scope(name, "SegmentStack", [data, partitions, num_partitions]):
        data = convert_to_tensor(data, name="data")
        ids = convert_to_tensor(partitions, name="partitions")
        ids = ops.Reshape(ids, [-1])
        # The places of the elements in order of partition, those of one in order of appearance.
        count = ops.Shape(ids, out_type=Int64)[0]
        key = cast(ids, Int64) * count + ops.Range(
            dense_constant(0, Int64), count, dense_constant(1, Int64)
        )
        order = ops.TopKV2(-key, cast(count, Int32))[1]
        rows = cast(ops.GatherV2(ids, order, 0), Int64)
        return RaggedTensor.from_value_rowids(ops.GatherV2(data, order, 0), rows, num_partitions)
