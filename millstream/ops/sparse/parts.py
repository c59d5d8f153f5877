"""What the ops on sparse tensors share: taking operands apart, checking and ordering indices."""

import numpy as np

from millstream.base import errors
from millstream.ir.composite import SparseTensor


def invalid(message):
    """Makes the error for operands that do not fit together."""
    return errors.InvalidArgumentError(None, None, message)


def as_sparse(value):
    """Returns a `SparseTensor`.

    Raises:
      TypeError: if `value` is neither one nor a `SparseTensorValue`.
    """
    if isinstance(value, SparseTensor):
        return value
    if isinstance(value, tuple) and len(value) == 3:
        return SparseTensor.from_value(value)
    raise TypeError("Input must be a SparseTensor.")


def parts_of(sp_input):
    """Returns indices, values and dense shape of a `SparseTensor`."""
    return sp_input.indices, sp_input.values, sp_input.dense_shape


def check_shapes(indices, values, shape):
    """Infers what the three parts have in common.

    Returns:
      The number of elements and the rank, `None` where unknown.

    Raises:
      ValueError: if ranks or sizes disagree.
    """
    indices, values, shape = indices.with_rank(2), values.with_rank(1), shape.with_rank(1)
    count = indices.dims[0].merge_with(values.dims[0])
    rank = indices.dims[1].merge_with(shape.dims[0])
    return count.value, rank.value


def check_arrays(indices, values, shape):
    """Checks the parts of a sparse array against each other, and indices against the shape.

    Raises:
      InvalidArgumentError: if they do not fit together.
    """
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise invalid(
            "A sparse tensor needs indices of rank 2, values and shape of rank 1, not "
            f"{indices.ndim}, {values.ndim} and {shape.ndim}"
        )
    if len(indices) != len(values) or indices.shape[1] != len(shape):
        raise invalid(
            f"indices of shape {list(indices.shape)} do not fit {len(values)} values of a tensor "
            f"of rank {len(shape)}"
        )
    outside = ((indices < 0) | (indices >= shape)).any(-1)
    if outside.any():
        row = int(np.argmax(outside))
        raise invalid(f"indices[{row}] = {spelled(indices[row])} is out of bounds of {shape}")


def check_order(indices):
    """Checks that indices are in row-major order, none twice.

    Raises:
      InvalidArgumentError: if they are not.
    """
    if len(indices) < 2:
        return
    step = np.diff(indices, axis=0)
    first = np.argmax(step != 0, axis=1) if step.shape[1] else np.zeros(len(step), np.int64)
    lead = step[np.arange(len(step)), first] if step.shape[1] else np.zeros(len(step))
    if (lead <= 0).any():
        row = int(np.argmax(lead <= 0))
        what = "repeated" if lead[row] == 0 else "out of order"
        raise invalid(
            f"indices[{row + 1}] = {spelled(indices[row + 1])} is {what}. "
            "Many sparse ops require sorted indices."
        )


def spelled(row):
    """Writes an index as TF does: `[0,1]`."""
    return "[" + ",".join(str(int(x)) for x in row) + "]"


def row_major(indices):
    """Returns the permutation that puts indices in row-major order; equal ones stay in order."""
    if indices.shape[1] == 0:
        return np.arange(len(indices))
    return np.lexsort(indices.T[::-1])


def group_starts(keys):
    """Returns where a new row of `keys` begins, rows being sorted."""
    if not len(keys):
        return np.zeros(0, np.int64)
    changed = (np.diff(keys, axis=0) != 0).any(-1)
    return np.concatenate([[0], np.flatnonzero(changed) + 1])
