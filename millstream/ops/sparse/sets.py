"""Rows of tensors as sets: intersection, union, difference, size. `tf.sets`."""

from itertools import pairwise

import numpy as np

from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor_or_sparse_tensor
from millstream.ir.spec import (
    Dynamic,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    String,
    Tensor,
    UInt8,
    UInt16,
    op,
)
from millstream.ops.sparse.parts import (
    check_arrays,
    check_order,
    check_shapes,
    group_starts,
    invalid,
    parts_of,
)

_TYPES = (Int8, Int16, Int32, Int64, UInt8, UInt16, String)
_RESULT = Returns(
    result_indices=Tensor[Int64], result_values=Tensor["T"], result_shape=Tensor[Int64]
)


@op(effect=Dynamic())
def DenseToDenseSetOperation[T: _TYPES](
    set1: Tensor[T], set2: Tensor[T], *, set_operation: str, validate_indices: bool = True
) -> _RESULT:
    """Combines the last dimensions of two tensors as sets."""


@op(effect=Dynamic())
def DenseToSparseSetOperation[T: _TYPES](
    set1: Tensor[T],
    set2_indices: Tensor[Int64],
    set2_values: Tensor[T],
    set2_shape: Tensor[Int64],
    *,
    set_operation: str,
    validate_indices: bool = True,
) -> _RESULT:
    """Combines the last dimensions of a dense and a sparse tensor as sets."""


@op(effect=Dynamic())
def SparseToSparseSetOperation[T: _TYPES](
    set1_indices: Tensor[Int64],
    set1_values: Tensor[T],
    set1_shape: Tensor[Int64],
    set2_indices: Tensor[Int64],
    set2_values: Tensor[T],
    set2_shape: Tensor[Int64],
    *,
    set_operation: str,
    validate_indices: bool = True,
) -> _RESULT:
    """Combines the last dimensions of two sparse tensors as sets."""


@op(effect=Dynamic())
def SetSize[T: _TYPES](
    set_indices: Tensor[Int64],
    set_values: Tensor[T],
    set_shape: Tensor[Int64],
    *,
    validate_indices: bool = True,
) -> Returns(size=Tensor[Int32]):
    """Counts the different elements along the last dimension of a sparse tensor."""


_COMBINE = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}


def _groups_of_dense(array):
    """Returns the sets of a dense tensor by group, and its group shape."""
    if array.ndim < 2:
        raise invalid(f"Input rank must be at least 2, got {array.ndim}")
    rows = array.reshape(-1, array.shape[-1]).tolist()
    groups = np.ndindex(*array.shape[:-1])
    return dict(zip(groups, map(set, rows), strict=True)), array.shape[:-1]


def _groups_of_sparse(indices, values, shape, validate_indices):
    """Returns the sets of a sparse tensor by group, and its group shape."""
    if len(shape) < 2:
        raise invalid(f"Input rank must be at least 2, got {len(shape)}")
    check_arrays(indices, values, shape)
    if validate_indices:
        check_order(indices)
    starts = [*group_starts(indices[:, :-1]).tolist(), len(values)]
    elements, places = values.tolist(), indices[:, :-1].tolist()
    groups = {}
    for start, stop in pairwise(starts):
        groups.setdefault(tuple(places[start]), set()).update(elements[start:stop])
    return groups, tuple(int(d) for d in shape[:-1])


def _combined(one, other, set_operation, dtype):
    (a, a_shape), (b, b_shape) = one, other
    if a_shape != b_shape:
        raise invalid(f"Mismatched group shapes: {list(a_shape)} vs {list(b_shape)}")
    combine = _COMBINE.get(set_operation.lower())
    if combine is None:
        raise invalid(f"Invalid set_operation {set_operation!r}, expected one of {list(_COMBINE)}")
    nothing, places, elements, widest = frozenset(), [], [], 0
    for group in sorted(a.keys() | b.keys()):
        found = sorted(combine(a.get(group, nothing), b.get(group, nothing)))
        widest = max(widest, len(found))
        places += [(*group, column) for column in range(len(found))]
        elements += found
    values = np.empty(len(elements), dtype)
    values[:] = elements
    indices = np.array(places, np.int64).reshape(-1, len(a_shape) + 1)
    return indices, values, np.array([*a_shape, widest], np.int64)


def _result_shapes(rank):
    return [None, rank], [None], [rank]


@DenseToDenseSetOperation.shape
def _(set1, set2):
    rank = set1.ndims if set1.ndims is not None else set2.ndims
    if set1.ndims is not None and set2.ndims is not None and rank != set2.ndims:
        raise ValueError(f"Ranks of the sets differ: {set1} and {set2}")
    if rank is not None and rank < 2:
        raise ValueError(f"Input rank must be at least 2, got {rank}")
    if set1.ndims is not None and set2.ndims is not None:
        set1[:-1].assert_is_compatible_with(set2[:-1])
    return _result_shapes(rank)


@DenseToSparseSetOperation.shape
def _(set1, set2_indices, set2_values, set2_shape):
    _, rank = check_shapes(set2_indices, set2_values, set2_shape)
    rank = set1.ndims if rank is None else rank
    if set1.ndims is not None and set1.ndims != rank:
        raise ValueError(f"Ranks of the sets differ: {set1.ndims} and {rank}")
    return _result_shapes(rank)


@SparseToSparseSetOperation.shape
def _(set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape):
    _, one = check_shapes(set1_indices, set1_values, set1_shape)
    _, other = check_shapes(set2_indices, set2_values, set2_shape)
    if None not in (one, other) and one != other:
        raise ValueError(f"Ranks of the sets differ: {one} and {other}")
    return _result_shapes(other if one is None else one)


SetSize.shape_unknown()


@DenseToDenseSetOperation.reference
def _(set1, set2, set_operation):
    one, other = _groups_of_dense(set1), _groups_of_dense(set2)
    return _combined(one, other, set_operation, set1.dtype)


@DenseToSparseSetOperation.reference
def _(set1, set2_indices, set2_values, set2_shape, set_operation, validate_indices):
    other = _groups_of_sparse(set2_indices, set2_values, set2_shape, validate_indices)
    return _combined(_groups_of_dense(set1), other, set_operation, set1.dtype)


@SparseToSparseSetOperation.reference
def _(
    set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape, set_operation,
    validate_indices,
):  # fmt: skip
    one = _groups_of_sparse(set1_indices, set1_values, set1_shape, validate_indices)
    other = _groups_of_sparse(set2_indices, set2_values, set2_shape, validate_indices)
    return _combined(one, other, set_operation, set1_values.dtype)


@SetSize.reference
def _(set_indices, set_values, set_shape, validate_indices):
    groups, shape = _groups_of_sparse(set_indices, set_values, set_shape, validate_indices)
    sizes = np.zeros(shape, np.int32)
    for group, elements in groups.items():
        sizes[group] = len(elements)
    return sizes


_A, _B = np.array([[1, 2, 2], [4, 5, 6]], np.int32), np.array([[3, 1], [4, 8]], np.int32)
_PLACES, _SHAPE = np.array([[0, 0], [0, 1], [1, 0]], np.int64), np.array([2, 2], np.int64)
_VALUES = np.array([1, 3, 4], np.int32)
for _opdef in (
    *(DenseToDenseSetOperation, DenseToSparseSetOperation, SparseToSparseSetOperation),
    SetSize,
):
    _opdef.no_gradient("which elements are in a set does not change smoothly")
for _kind in _COMBINE:
    DenseToDenseSetOperation.examples(_A, _B, set_operation=_kind)
DenseToDenseSetOperation.fails("Invalid set_operation", _A, _B, set_operation="xor")
DenseToSparseSetOperation.examples(_A, _PLACES, _VALUES, _SHAPE, set_operation="union")
DenseToSparseSetOperation.fails(
    "out of order", _A, _PLACES[::-1].copy(), _VALUES, _SHAPE, set_operation="union"
)
SparseToSparseSetOperation.examples(
    _PLACES, _VALUES, _SHAPE, _PLACES, _VALUES + 1, _SHAPE, set_operation="a-b"
)
SparseToSparseSetOperation.fails(
    "group shapes",
    *(_PLACES, _VALUES, _SHAPE, _PLACES, _VALUES, np.array([3, 2], np.int64)),
    set_operation="a-b",
)
SetSize.examples(_PLACES, _VALUES, _SHAPE)
SetSize.fails("rank must be", np.array([[0]], np.int64), _VALUES[:1], np.array([1], np.int64))


@export("sets.set_size", "sets.size")
def set_size(a, validate_indices=True):
    """Counts the different elements in each row of a sparse tensor.

    Args:
      a: a `SparseTensor` of integers or strings.
      validate_indices: whether indices must be in row-major order.

    Returns:
      int32, of the shape of `a` without its last dimension.

    Raises:
      TypeError: if `a` is not sparse, or of another type.
    """
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    if a.values.dtype.base_dtype not in _TYPES:
        raise TypeError(f"Invalid dtype {a.values.dtype}.")
    return SetSize(*parts_of(a), validate_indices=validate_indices)


def _operands(a, b):
    """Converts operands, and swaps them if only the first is sparse.

    Raises:
      TypeError: if their types differ or are not allowed.
    """
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if a.dtype.base_dtype not in _TYPES:
        raise TypeError(f"'a' invalid dtype {a.dtype}.")
    b = convert_to_tensor_or_sparse_tensor(b, name="b")
    if b.dtype.base_dtype != a.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return b, a, True
    return a, b, False


_SWAPPED = {"a-b": "b-a", "b-a": "a-b"}


def _set_operation(a, b, kind, validate_indices):
    a, b, swapped = _operands(a, b)
    kind = _SWAPPED.get(kind, kind) if swapped else kind
    attrs = dict(set_operation=kind, validate_indices=validate_indices)
    if isinstance(a, SparseTensor):
        found = SparseToSparseSetOperation(*parts_of(a), *parts_of(b), **attrs)
    elif isinstance(b, SparseTensor):
        found = DenseToSparseSetOperation(a, *parts_of(b), **attrs)
    else:
        found = DenseToDenseSetOperation(a, b, **attrs)
    return SparseTensor(*found)


@export("sets.set_intersection", "sets.intersection")
def set_intersection(a, b, validate_indices=True):
    """Returns the elements that rows of `a` and `b` have in common.

    Args:
      a: a tensor or `SparseTensor` of integers or strings, `[…, n]`.
      b: another of the same type, with the same dimensions but the last.
      validate_indices: whether sparse indices must be in row-major order.

    Returns:
      A `SparseTensor` whose rows are sorted, without repetition.

    Raises:
      TypeError: if types differ.
      InvalidArgumentError: when run, if dimensions but the last differ.
    """
    return _set_operation(a, b, "intersection", validate_indices)


@export("sets.set_difference", "sets.difference")
def set_difference(a, b, aminusb=True, validate_indices=True):
    """Returns the elements of rows of `a` that are not in those of `b`, or the other way round.

    Args:
      a: a tensor or `SparseTensor` of integers or strings, `[…, n]`.
      b: another of the same type, with the same dimensions but the last.
      aminusb: whether to take `b` from `a`; else `a` from `b`.
      validate_indices: whether sparse indices must be in row-major order.

    Returns:
      A `SparseTensor` whose rows are sorted, without repetition.
    """
    return _set_operation(a, b, "a-b" if aminusb else "b-a", validate_indices)


@export("sets.set_union", "sets.union")
def set_union(a, b, validate_indices=True):
    """Returns the elements that rows of `a` or `b` have.

    Args:
      a: a tensor or `SparseTensor` of integers or strings, `[…, n]`.
      b: another of the same type, with the same dimensions but the last.
      validate_indices: whether sparse indices must be in row-major order.

    Returns:
      A `SparseTensor` whose rows are sorted, without repetition.
    """
    return _set_operation(a, b, "union", validate_indices)
