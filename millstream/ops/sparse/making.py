"""Sparse tensors from other values: from_dense, eye, merge, mask, retain; indicators.

And those of the same elements in another guise: expand_dims, transpose, reset_shape.
"""

from millstream.base.export import export
from millstream.ir.composite import IndexedSlices, SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Float, Int32, Int64
from millstream.ir.static_value import constant_value, constant_value_as_shape
from millstream.ops.array.filling import fill, ones, ones_like, zeros
from millstream.ops.array.gathering import gather, gather_nd
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.selecting import where, where_v2
from millstream.ops.array.shapes import rank, shape
from millstream.ops.array.slicing import slice as slice_of
from millstream.ops.by_name import ops
from millstream.ops.flow.checks import assert_equal, assert_less_equal
from millstream.ops.flow.groups import with_dependencies
from millstream.ops.math import reduce_max
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.parts import as_sparse
from millstream.ops.sparse.reshaping import sparse_reorder


@export("sparse.expand_dims")
def sparse_expand_dims(sp_input, axis=None, name=None):
    """Gives a sparse tensor one more dimension, of size 1.

    Args:
      sp_input: a `SparseTensor`.
      axis: where the new dimension is, counted from the end if negative; last by default.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` of the same values.

    Raises:
      ValueError: if `axis` is out of range.
    """
    rank_now = sp_input.dense_shape.get_shape().as_list()[0]
    axis = -1 if axis is None else axis
    if isinstance(axis, int) and rank_now is not None and not -rank_now - 1 <= axis <= rank_now:
        raise ValueError(f"axis {axis} is not in [{-rank_now - 1}, {rank_now}]")
    with name_scope(name, default_name="expand_dims", values=[sp_input]):
        if isinstance(axis, int):
            axis = convert_to_tensor(axis, name="axis", dtype=Int32)
        axis = where_v2(axis >= 0, axis, axis + rank_now + 1)
        count = shape(sp_input.indices)[0]
        column = zeros([count, 1], dtype=Int64)
        before = slice_of(sp_input.indices, [0, 0], [-1, axis])
        after = slice_of(sp_input.indices, [0, axis], [-1, -1])
        indices = concat([before, column, after], axis=1)
        sizes_before = slice_of(sp_input.dense_shape, [0], [axis])
        sizes_after = slice_of(sp_input.dense_shape, [axis], [-1])
        one = convert_to_tensor([1], name="new_shape", dtype=Int64)
        dense_shape = concat([sizes_before, one, sizes_after], axis=0)
        indices.set_shape([None, rank_now + 1]), dense_shape.set_shape([rank_now + 1])
        return SparseTensor(indices, sp_input.values, dense_shape)


@export("sparse.eye")
def sparse_eye(num_rows, num_columns=None, dtype=Float, name=None):
    """Makes a sparse matrix with ones on its diagonal.

    Args:
      num_rows: number of rows.
      num_columns: number of columns; that of rows by default.
      dtype: type of the elements.
      name: name of the nodes' scope.
    """
    with name_scope(name, "eye", [num_rows, num_columns]):
        num_rows = convert_to_tensor(num_rows, dtype=Int64, name="num_rows")
        if num_columns is None:
            num_columns = num_rows
        else:
            num_columns = convert_to_tensor(num_columns, dtype=Int64, name="num_columns")
        diagonal = ops.Minimum(num_rows, num_columns)
        places = range_of(diagonal, dtype=Int64)
        indices = stack([places, places], axis=1)
        return SparseTensor(indices, ones(diagonal, dtype=dtype), [num_rows, num_columns])


@export("sparse.from_dense")
def from_dense(tensor, name=None):
    """Makes a sparse tensor of the elements of a dense one that are not zero.

    Args:
      tensor: numbers.
      name: name of the nodes' scope.
    """
    with name_scope(name, "dense_to_sparse"):
        tensor = convert_to_tensor(tensor)
        indices = where(ops.NotEqual(tensor, constant(0, tensor.dtype)))
        values = gather_nd(tensor, indices)
        return SparseTensor(indices, values, shape(tensor, out_type=Int64))


@export("sparse.retain", "sparse_retain")
def sparse_retain(sp_input, to_retain):
    """Keeps some elements of a sparse tensor.

    Args:
      sp_input: a `SparseTensor` of `n` elements.
      to_retain: booleans `[n]`.

    Returns:
      A `SparseTensor` of the same shape.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
      ValueError: if the numbers of elements are known and differ.
    """
    sp_input = as_sparse(sp_input)
    to_retain = convert_to_tensor(to_retain)
    kept = to_retain.get_shape()
    sp_input.values.get_shape().dims[0].merge_with(
        kept.with_rank(1).dims[0] if kept.ndims is not None else None
    )
    chosen = reshape(where(to_retain), [-1])
    indices, values = gather(sp_input.indices, chosen), gather(sp_input.values, chosen)
    return SparseTensor(indices, values, identity(sp_input.dense_shape))


@export("sparse.reset_shape", "sparse_reset_shape")
def sparse_reset_shape(sp_input, new_shape=None):
    """Gives a sparse tensor another bounding box.

    Args:
      sp_input: a `SparseTensor`.
      new_shape: the new full shape, nowhere smaller than the old one; by default the smallest
        that holds all elements.

    Returns:
      A `SparseTensor` of the same elements.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
      ValueError: if `new_shape` is known to be of another rank or too small.
      InvalidArgumentError: the same, when run.
    """
    sp_input = as_sparse(sp_input)
    indices, values, old = map(identity, sp_input.component_tensors)
    if new_shape is None:
        largest = reduce_max(indices, axis=0)
        tight = ops.Maximum(constant(0, Int64), ops.Add(largest, ones_like(largest)))
        return SparseTensor(indices, values, tight)
    wanted = cast(convert_to_tensor(new_shape), Int64)
    wanted.get_shape().with_rank(1)
    wanted.get_shape().dims[0].merge_with(sp_input.dense_shape.get_shape().dims[0])
    known = constant_value_as_shape(wanted)
    if known.is_fully_defined() and sp_input.get_shape().is_fully_defined():
        _check_larger(sp_input.get_shape().as_list(), known.as_list())
        return SparseTensor(indices, values, known.as_list())
    same_rank = assert_equal(shape(old), shape(wanted))
    wanted = with_dependencies([same_rank], wanted)
    enough = assert_less_equal(old, wanted)
    return SparseTensor(indices, values, with_dependencies([enough], wanted))


def _check_larger(old, new):
    if any(a > b for a, b in zip(old, new, strict=True)):
        raise ValueError(
            "Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape "
            f"({new}), sp_input.shape ({old})."
        )


@export("sparse.mask", "sparse_mask")
def sparse_mask(a, mask_indices, name=None):
    """Drops some rows of `IndexedSlices`.

    Args:
      a: `IndexedSlices`.
      mask_indices: the indices of the rows to drop.
      name: name of the nodes' scope.

    Returns:
      `IndexedSlices` of the other rows.
    """
    with name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        kept, places = ops.ListDiff(a.indices, mask_indices)
        values = gather(a.values, places, name=scope)
        return IndexedSlices(values, kept, a.dense_shape)


@export("sparse.merge", "sparse_merge")
def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """Makes of ids and values per row a sparse tensor with the values at the places of the ids.

    Args:
      sp_ids: a `SparseTensor` `[batch, …]` of ids, or a list of them.
      sp_values: a `SparseTensor` with the same indices.
      vocab_size: a number that every id is less than, or a list of them.
      name: name of the nodes' scope.
      already_sorted: whether ids within a row are in order.

    Returns:
      A `SparseTensor` `[batch, …, vocab_size]`; the last dimension of `sp_ids` is dropped.

    Raises:
      TypeError: if an operand is not sparse, or one of `sp_ids` and `vocab_size` alone a list.
      ValueError: if there are not as many sizes as id tensors.
    """
    sp_values = as_sparse(sp_values)
    if not isinstance(sp_ids, list) or isinstance(sp_ids, SparseTensor):
        sp_ids = [as_sparse(sp_ids)]
        if isinstance(vocab_size, list):
            raise TypeError("sp_ids is no list, so vocab_size must not be one")
        vocab_size = [vocab_size]
    else:
        if not isinstance(vocab_size, list):
            raise TypeError("sp_ids is a list, so vocab_size must be one")
        if len(vocab_size) != len(sp_ids):
            raise ValueError("sp_ids and vocab_size have to have equal lengths.")
        sp_ids = [as_sparse(each) for each in sp_ids]
    with name_scope(name, "SparseMerge", [*sp_ids, sp_values]):
        columns = []
        for ids in sp_ids:
            values = ids.values
            if values.dtype.base_dtype != Int64:
                values = cast(values, Int64)
            columns.append(expand_dims(values, axis=1))
        sizes = [cast(each, Int64) for each in vocab_size]
        indices = concat([sp_ids[0].indices[:, :-1], *columns], axis=1)
        dense_shape = concat([sp_ids[0].dense_shape[:-1], sizes], axis=0)
        merged = SparseTensor(indices, sp_values.values, dense_shape)
        if already_sorted:
            return merged
        ordered = sparse_reorder(merged)
        return SparseTensor(ordered.indices, ordered.values, dense_shape)


@export("sparse.to_indicator", "sparse_to_indicator")
def sparse_to_indicator(sp_input, vocab_size, name=None):
    """Tells for each row of ids which of a vocabulary are in it.

    Args:
      sp_input: a `SparseTensor` `[batch, …, ids]` of integers.
      vocab_size: a number that every id is less than.
      name: name of the nodes.

    Returns:
      Booleans `[batch, …, vocab_size]`.
    """
    sp_input = as_sparse(sp_input)
    with name_scope(name, "SparseToIndicator", [sp_input]) as scope:
        count = shape(sp_input.indices)[0]
        trues = fill(expand_dims(count, 0), True)
        flags = SparseTensor(sp_input.indices, trues, sp_input.dense_shape)
        merged = sparse_merge(sp_input, flags, vocab_size, scope)
        return sparse_tensor_to_dense(
            merged, default_value=False, validate_indices=False, name=scope
        )


@export("sparse.transpose", "sparse_transpose")
def sparse_transpose(sp_input, perm=None, name=None):
    """Permutes the dimensions of a sparse tensor.

    Args:
      sp_input: a `SparseTensor`.
      perm: for each dimension of the result which one of the input it was; reversed by default.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` in row-major order.
    """
    with name_scope(name, "SparseTranspose", [sp_input]):
        reverse = perm is None
        if reverse:
            count = rank(sp_input)
            perm = (count - 1) - range_of(0, count, 1)
        indices = transpose(gather(transpose(sp_input.indices), perm))
        if reverse:
            dense_shape = gather(sp_input.dense_shape, perm)
            indices, values = ops.SparseReorder(indices, sp_input.values, dense_shape)
            return SparseTensor(indices, values, identity(dense_shape))
        dense_shape = _permuted_shape(sp_input, perm)
        return sparse_reorder(SparseTensor(indices, sp_input.values, dense_shape))


def _permuted_shape(sp_input, perm):
    """Returns the full shape with its dimensions permuted: a list if all is known."""
    known, order = sp_input.get_shape(), constant_value(convert_to_tensor(perm))
    if known.is_fully_defined() and order is not None:
        sizes = known.as_list()
        return [sizes[axis] for axis in order]
    return gather(sp_input.dense_shape, perm)
