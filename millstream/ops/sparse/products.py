"""Products of sparse and dense matrices: SparseTensorDenseMatMul."""

from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import LazyModule
from millstream.base.shapes import Dimension
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Dynamic, Int32, Int64, Number, Returns, Tensor, c, f, op
from millstream.ops.array.gathering import gather
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_sum
from millstream.ops.sparse.parts import as_sparse, invalid, parts_of

matrices: Any = LazyModule("scipy.sparse")


# SciPy multiplies three to ten times as fast as the scatter that XLA makes of this, on a CPU.
@op(effect=Dynamic(), defaults={"Tindices": Int64})
def SparseTensorDenseMatMul[T, Tindices: (Int32, Int64)](
    a_indices: Tensor[Tindices],
    a_values: Tensor[T],
    a_shape: Tensor[Int64],
    b: Tensor[T],
    *,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
) -> Returns(product=Tensor[T]):
    """Multiplies a sparse matrix by a dense one; each may be conjugated and transposed first."""


SparseTensorDenseMatMul.computes(T=Number)


@SparseTensorDenseMatMul.shape
def _(a_indices, a_values, a_shape, b, a_shape_as_shape, adjoint_a, adjoint_b):
    a_indices.with_rank(2), a_values.with_rank(1), a_shape.with_rank(1)
    rows, inner = a_shape_as_shape.with_rank(2).as_list()
    other, columns = b.with_rank(2).as_list()
    if adjoint_a:
        rows, inner = inner, rows
    if adjoint_b:
        other, columns = columns, other
    if not Dimension(inner).is_compatible_with(other):
        raise ValueError(f"Dimensions must be equal, but are {inner} and {other}")
    return [rows, columns]


def _sides(a_indices, adjoint_a):
    """Returns for each element its row and column in the matrix that is multiplied."""
    row, column = a_indices[:, 0], a_indices[:, 1]
    return (column, row) if adjoint_a else (row, column)


def _sizes(a_shape, b, adjoint_a, adjoint_b):
    """Returns the numbers of rows and of inner elements.

    Raises:
      InvalidArgumentError: if the operands do not fit.
    """
    if len(a_shape) != 2 or b.ndim != 2:
        raise invalid(f"Cannot multiply matrices of ranks {len(a_shape)} and {b.ndim}")
    rows, inner = (int(d) for d in (a_shape[::-1] if adjoint_a else a_shape))
    other = b.shape[1 if adjoint_b else 0]
    if inner != other:
        raise invalid(f"Cannot multiply A and B because inner dimension does not match: "
                      f"{inner} vs. {other}. Did you forget a transpose?")  # fmt: skip
    return rows, inner


def _outside(row, column, rows, inner):
    bad_rows, bad_columns = (row < 0) | (row >= rows), (column < 0) | (column >= inner)
    if np.any(bad_columns):
        at = int(np.argmax(bad_columns))
        return f"k ({column[at]}) from index[{at},1] out of bounds (>={inner})"
    at = int(np.argmax(bad_rows))
    return f"m ({row[at]}) from index[{at},0] out of bounds (>={rows})"


@SparseTensorDenseMatMul.reference
def _(a_indices, a_values, a_shape, b, adjoint_a, adjoint_b):
    rows, inner = _sizes(a_shape, b, adjoint_a, adjoint_b)
    if a_indices.shape != (*a_values.shape, 2):
        raise invalid(
            f"a_indices of shape {list(a_indices.shape)} do not fit values of shape "
            f"{list(a_values.shape)} of a matrix"
        )
    row, column = _sides(a_indices, adjoint_a)
    if len(row) and (row.min() < 0 or column.min() < 0 or row.max() >= rows
                     or column.max() >= inner):  # fmt: skip
        raise invalid(_outside(row, column, rows, inner))
    values = a_values.conj() if adjoint_a else a_values
    dense = b.conj().T if adjoint_b else b
    if b.dtype.kind in "iufc" and b.dtype.itemsize > 2:
        return matrices.coo_array((values, (row, column)), (rows, inner)) @ dense
    out = np.zeros((rows, dense.shape[1]), b.dtype)
    np.add.at(out, row, values[:, None] * dense[column])
    return out


@SparseTensorDenseMatMul.gradient
def _(node, dy):
    indices, values, shape, b = node.inputs
    adjoint_a, adjoint_b = node.attrs["adjoint_a"], node.attrs["adjoint_b"]
    d_b = SparseTensorDenseMatMul(indices, values, shape, dy, adjoint_a=not adjoint_a)
    if adjoint_b:
        d_b = _adjoint(d_b)
    row, column = (indices[:, 1], indices[:, 0]) if adjoint_a else (indices[:, 0], indices[:, 1])
    taken = gather(_adjoint(b) if adjoint_b else b, column)
    if b.dtype.is_complex:
        taken = ops.Conj(taken)
    d_values = reduce_sum(gather(dy, row) * taken, axis=1)
    if adjoint_a and b.dtype.is_complex:
        d_values = ops.Conj(d_values)
    return [None, d_values, None, d_b]


def _adjoint(x):
    return (ops.ConjugateTranspose if x.dtype.is_complex else ops.Transpose)(x, [1, 0])


_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_SHAPE = np.array([3, 4], np.int64)
SparseTensorDenseMatMul.examples(_PLACES, f[3], _SHAPE, f[4, 2])
SparseTensorDenseMatMul.examples(_PLACES, f[3], _SHAPE, f[5, 3], adjoint_a=True, adjoint_b=True)
SparseTensorDenseMatMul.examples(_PLACES, c[3], _SHAPE, c[2, 4], adjoint_b=True)
SparseTensorDenseMatMul.examples(np.zeros((0, 2), np.int64), f[0], _SHAPE, f[4, 2])
SparseTensorDenseMatMul.fails("must be equal", _PLACES, f[3], _SHAPE, f[3, 2])
SparseTensorDenseMatMul.fails("out of bounds (>=2)", _PLACES, f[3], [3, 2], f[2, 2])


@export("sparse.matmul", "sparse.sparse_dense_matmul", "sparse_tensor_dense_matmul")
def sparse_tensor_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    """Multiplies a sparse matrix by a dense one.

    Args:
      sp_a: a `SparseTensor` of rank 2; its elements may be in any order.
      b: a dense matrix of the same type.
      adjoint_a: whether to conjugate and transpose `sp_a` first.
      adjoint_b: whether to conjugate and transpose `b` first.
      name: name of the nodes' scope.

    Returns:
      A dense matrix.

    Raises:
      ValueError: if the inner dimensions differ.
      InvalidArgumentError: the same, or for an index out of bounds, when run.
    """
    sp_a = as_sparse(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [*parts_of(sp_a), b]):
        b = convert_to_tensor(b, name="b")
        return SparseTensorDenseMatMul(*parts_of(sp_a), b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)
