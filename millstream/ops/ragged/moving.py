"""Ragged tensors joined, cut and indexed: concat, stack, gather, tile, boolean_mask, `[]`."""

from millstream.base.dtypes import Int32, Int64
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array import joining
from millstream.ops.array.gathering import boolean_mask as dense_boolean_mask
from millstream.ops.array.gathering import gather as dense_gather
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_sum
from millstream.ops.math.cast import cast
from millstream.ops.ragged.kernels import RaggedGather
from millstream.ops.ragged.tensor import RaggedTensor, as_ragged_or_tensor, nrows_of


def is_ragged(value):
    """Tells whether a value is a ragged tensor."""
    return isinstance(value, RaggedTensor)


def _rank(value):
    return value.shape.ndims


def _axis(axis, rank):
    """Returns an axis counted from the front.

    Raises:
      ValueError: if it is out of range, or negative where the rank is unknown.
    """
    if rank is None:
        if axis < 0:
            raise ValueError(f"axis={axis} may only be negative if the rank is known.")
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    return axis % rank


def as_rows(value, ragged_rank=1):
    """Returns a value as a ragged tensor of a ragged rank."""
    if isinstance(value, RaggedTensor):
        missing = ragged_rank - value.ragged_rank
        if missing <= 0:
            return value
        return value.with_flat_values(as_rows(value.flat_values, missing))
    return RaggedTensor.from_tensor(value, ragged_rank=ragged_rank)


# -- concat and stack


def concat(values, axis, name="concat"):
    """Joins tensors of which some are ragged along an axis."""
    values = [as_ragged_or_tensor(value) for value in values]
    with name_scope(name, "RaggedConcat"):
        if len(values) == 1:
            return values[0]
        rank = next((_rank(value) for value in values if _rank(value) is not None), None)
        return _joined(values, _axis(axis, rank))


def _joined(values, axis):
    if not any(map(is_ragged, values)):
        return joining.concat(values, axis)
    if axis == 0:
        return _end_to_end(values)
    deepest = max(value.ragged_rank for value in values if is_ragged(value))
    values = [as_rows(value, deepest) for value in values]
    if axis == 1:
        return _side_by_side(values)
    inner = _joined([value.values for value in values], axis - 1)
    return values[0].with_values(inner)


def _end_to_end(values):
    deepest = max(value.ragged_rank for value in values if is_ragged(value))
    values = [as_rows(value, deepest) for value in values]
    splits, before = [values[0].row_splits], values[0].row_splits[-1]
    for value in values[1:]:
        splits.append(value.row_splits[1:] + before)
        before = before + value.row_splits[-1]
    inner = _joined([value.values for value in values], 0)
    return RaggedTensor(inner, joining.concat(splits, 0), internal=True)


def _side_by_side(values):
    """Joins rows: all of them are put one after another, then taken in turn."""
    count = len(values)
    rows = values[0].nrows(out_type=Int64)
    every = _end_to_end(values)
    order = joining.stack(
        [
            ops.Range(constant(0, Int64), rows, constant(1, Int64)) + at * rows
            for at in range(count)
        ],
        axis=1,
    )
    turns = gather(every, ops.Reshape(order, [-1]))
    return RaggedTensor(turns.values, turns.row_splits[::count], internal=True)


@export("ragged.stack")
def stack(values, axis=0, name=None):
    """Stacks tensors, ragged or not, along a new axis.

    Args:
      values: tensors of one type and rank, which may differ in size.
      axis: the new axis.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor`; a tensor if all are dense vectors, or there is but one, which is dense.
    """
    if not isinstance(values, list | tuple):
        values = [values]
    values = [as_ragged_or_tensor(value) for value in values]
    with name_scope(name, "RaggedStack"):
        rank = next((_rank(value) for value in values if _rank(value) is not None), None)
        axis = _axis(axis, None if rank is None else rank + 1)
        if len(values) == 1 and not is_ragged(values[0]):
            return joining.stack(values, axis)
        if not any(map(is_ragged, values)) and rank in (0, 1):
            return joining.stack(values, axis)
        if axis == 0:
            lengths = joining.stack([nrows_of(value) for value in values])
            flat = _joined(values, 0) if len(values) > 1 else values[0]
            return RaggedTensor.from_row_lengths(flat, lengths)
        return concat([expand_dims(value, axis) for value in values], axis)


# -- gather, tile, expand_dims, boolean_mask


def gather(params, indices, validate_indices=None, axis=0, batch_dims=0, name=None):
    """Takes rows of a ragged tensor; `indices` may be ragged too."""
    del validate_indices
    if axis or batch_dims:
        raise ValueError("gather from a RaggedTensor supports axis=0 and batch_dims=0 only")
    with name_scope(name, "RaggedGather", []):
        indices = as_ragged_or_tensor(indices, name="indices")
        if is_ragged(indices):
            return indices.with_values(gather(params, indices.values))
        params = as_ragged_or_tensor(params)
        if not is_ragged(params):
            return dense_gather(params, indices)
        rank = indices.shape.ndims
        if rank is None:
            raise ValueError("indices must have a known rank")
        if rank == 0:
            return _row(params, indices)
        found = RaggedGather(
            list(params.nested_row_splits),
            params.flat_values,
            indices,
            OUTPUT_RAGGED_RANK=rank + params.ragged_rank - 1,
        )
        *splits, values = found[0] + [found[1]] if isinstance(found[0], list) else found
        values.set_shape([None, *params.flat_values.shape.as_list()[1:]])
        return RaggedTensor.from_nested_row_splits(values, splits, validate=False)


def _row(params, index):
    """Returns one row; its last dimension is dense if there is one level only."""
    splits = params.row_splits
    start, stop = splits[index], splits[index + 1]
    return params.values[start:stop]


def expand_dims(value, axis, name=None):
    """Gives a tensor, ragged or not, one more dimension."""
    value = as_ragged_or_tensor(value)
    if not is_ragged(value):
        return ops.ExpandDims(value, axis, name=name)
    with name_scope(name, "RaggedExpandDims", []):
        rank = _rank(value)
        axis = _axis(axis, None if rank is None else rank + 1)
        if axis == 0:
            return RaggedTensor(
                value, joining.stack([constant(0, value.row_splits.dtype), value.nrows()]),
                internal=True,
            )  # fmt: skip
        if axis == 1:
            one = constant(1, value.row_splits.dtype)
            splits = ops.Range(constant(0, value.row_splits.dtype), value.nrows() + 1, one)
            return RaggedTensor(value, splits, internal=True)
        return value.with_values(expand_dims(value.values, axis - 1))


def tile(value, multiples, name=None):
    """Repeats a ragged tensor along its dimensions."""
    with name_scope(name, "RaggedTile", []):
        known = [int(m) for m in _static(multiples)]
        for axis, times in enumerate(known):
            if times != 1:
                value = concat([value] * times, axis) if times else _joined([value[:0]], axis)
        return value


def _static(multiples):
    value = convert_to_tensor(multiples)
    found = constant_value(value)
    if found is None:
        raise ValueError("multiples of a RaggedTensor must be known when the graph is built")
    return found


@export("ragged.boolean_mask")
def boolean_mask(data, mask, name=None):
    """Keeps the elements of `data` where `mask` is true, in their rows.

    Args:
      data: a tensor, ragged or not.
      mask: booleans of the shape of the first dimensions of `data`.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` of the ragged rank of the mask; a tensor if the mask is a vector.
    """
    with name_scope(name, "RaggedMask", []):
        data, mask = as_ragged_or_tensor(data), as_ragged_or_tensor(mask)
        if not is_ragged(mask) and mask.shape.ndims == 1:
            if not is_ragged(data):
                return dense_boolean_mask(data, mask)
            return gather(data, ops.Reshape(ops.Where(mask), [-1]))
        mask = as_rows(mask, 1 if is_ragged(mask) else mask.shape.ndims - 1)
        data = as_rows(data, mask.ragged_rank)
        kept = boolean_mask(data.values, mask.values)
        lengths = _kept_lengths(mask)
        return RaggedTensor.from_row_lengths(kept, lengths)


def _kept_lengths(mask):
    """Returns how many rows (or elements) of each row are kept."""
    if is_ragged(mask.values):
        return mask.row_lengths()
    kept = cast(mask.values, mask.row_splits.dtype)
    return ops.UnsortedSegmentSum(kept, mask.value_rowids(), cast(mask.nrows(), Int32))


# -- [...]


def getitem(value, key):
    """Is `value[key]` of a ragged tensor.

    Raises:
      ValueError: for one index into a ragged dimension, or too many.
      TypeError: for an index of another kind.
    """
    keys = list(key) if isinstance(key, tuple | list) else [key]
    with name_scope(None, "RaggedGetItem", []):
        return _indexed(value, keys)


def _indexed(value, keys):
    if not keys:
        return value
    if not is_ragged(value):
        return value[tuple(keys)]
    first, rest = keys[0], keys[1:]
    if first is Ellipsis:
        missing = _rank(value) - sum(k is not None for k in rest)
        return _indexed(value, [slice(None)] * missing + rest)
    if first is None:
        return _indexed_rows(expand_dims(value, 0), rest)
    if isinstance(first, slice):
        return _indexed_rows(_sliced(value, first), rest)
    start = first + value.nrows() if isinstance(first, int) and first < 0 else first
    return _indexed(_row(value, start), rest)


def _sliced(value, key):
    if key.start is None and key.stop is None and key.step is None:
        return value
    count = value.nrows(out_type=Int64)
    return gather(value, ops.Range(constant(0, Int64), count, constant(1, Int64))[key])


def _indexed_rows(value, keys):
    """Applies indices to each row."""
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    if first is Ellipsis:
        missing = _rank(value) - 1 - sum(k is not None for k in rest)
        return _indexed_rows(value, [slice(None)] * missing + rest)
    if first is None:
        return _indexed_rows(expand_dims(value, 1), [slice(None), *rest])
    if not isinstance(first, slice):
        raise ValueError("Cannot index into an inner ragged dimension.")
    cut = _rows_cut(value, first)
    if not rest:
        return cut
    return cut.with_values(_inner(cut.values, rest))


def _inner(values, keys):
    if is_ragged(values):
        return _indexed_rows(values, keys)
    return values[(slice(None), *keys)]


def _rows_cut(value, key):
    """Applies a slice to each row."""
    if key.start is None and key.stop is None and key.step is None:
        return value
    if key.step not in (None, 1):
        raise ValueError("slices of ragged dimensions support a step of 1 only")
    lengths = value.row_lengths()
    start = _place(key.start, lengths, ops.ZerosLike(lengths))
    stop = _place(key.stop, lengths, lengths)
    stop = ops.Maximum(start, stop)
    places = value.row_starts() + start
    kept = RaggedTensor.from_row_lengths(
        ops.Range(constant(0, lengths.dtype), reduce_sum(stop - start), constant(1, lengths.dtype)),
        stop - start,
    )
    shift = dense_gather(places - kept.row_starts(), kept.value_rowids())
    taken = gather(value.values, kept.values + shift)
    return kept.with_values(taken)


def _place(bound, lengths, default):
    if bound is None:
        return default
    bound = constant(bound, lengths.dtype) if isinstance(bound, int) else cast(bound, lengths.dtype)
    counted = ops.SelectV2(bound < 0, lengths + bound, ops.ZerosLike(lengths) + bound)
    return ops.Minimum(ops.Maximum(counted, ops.ZerosLike(lengths)), lengths)


RaggedTensor.__getitem__ = getitem
