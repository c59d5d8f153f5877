"""Lengths of the sequences that sparse tensors hold."""

from millstream.base.dtypes import Int64
from millstream.ir.scopes import name_scope
from millstream.ops.array.filling import ones_like, zeros
from millstream.ops.array.joining import concat
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast


def sequence_length_from_sparse_tensor(sp_tensor, num_elements=1):
    """Returns how many steps each row of a sparse tensor has, int64.

    Args:
      sp_tensor: a `SparseTensor` `[batch, …]`.
      num_elements: how many elements along the second dimension make a step.
    """
    with name_scope(None, "sequence_length") as scope:
        rows, columns = sp_tensor.indices[:, 0], sp_tensor.indices[:, 1]
        columns = columns + ones_like(columns)
        longest = ops.SegmentMax(columns, rows)
        length = cast(ops.Ceil(longest / num_elements), Int64)
        # Rows at the end without elements are not among the segments.
        missing = shape(sp_tensor)[:1] - shape(length)[:1]
        return concat([length, zeros(missing, dtype=length.dtype)], axis=0, name=scope)
