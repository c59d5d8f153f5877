"""Ops on any diagonals of matrices: MatrixDiagV2, MatrixDiagPartV2, MatrixSetDiagV2."""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp
from millstream.base.shapes import unknown_shape
from millstream.ir.spec import Int32, Returns, Tensor, f, op
from millstream.ops.array.filling import zeros_like
from millstream.ops.by_name import ops


@op(static=("k", "num_rows", "num_cols"))
def MatrixDiagV2[T](
    diagonal: Tensor[T],
    k: Tensor[Int32],
    num_rows: Tensor[Int32],
    num_cols: Tensor[Int32],
    padding_value: Tensor[T],
) -> Tensor[T]:
    """Makes matrices with given diagonals, `k` or `k[0]` to `k[1]`, and a value elsewhere."""


@op(static="k")
def MatrixDiagPartV2[T](input: Tensor[T], k: Tensor[Int32], padding_value: Tensor[T]) -> Returns(
    diagonal=Tensor[T]
):
    """Gives diagonals of matrices, the uppermost first; shorter ones are padded at the end."""


@op(static="k")
def MatrixSetDiagV2[T](input: Tensor[T], diagonal: Tensor[T], k: Tensor[Int32]) -> Tensor[T]:
    """Replaces diagonals of matrices."""


def _range_of(k):
    """Returns the lowest and the uppermost diagonal."""
    bounds = np.ravel(k).tolist()
    if len(bounds) not in (1, 2) or bounds[0] > bounds[-1]:
        raise errors.InvalidArgumentError(
            None, None, f"k must hold one diagonal, or two in ascending order, not {bounds}"
        )
    return bounds[0], bounds[-1]


def _table(rows, columns, low, high):
    """Returns for each diagonal from `high` down to `low` the rows and columns of its elements."""
    found = []
    for k in range(high, low - 1, -1):
        length = max(0, min(rows + min(k, 0), columns - max(k, 0)))
        if not -rows < k < columns and k != 0:
            raise errors.InvalidArgumentError(
                None, None, f"diagonal {k} is not part of a {rows} x {columns} matrix"
            )
        at = np.arange(length)
        found.append((at - min(k, 0), at + max(k, 0)))
    return found


@MatrixDiagV2.shape
def _(diagonal, k_value, num_rows_value, num_cols_value):
    if None in (diagonal.ndims,) or any(
        v is None for v in (k_value, num_rows_value, num_cols_value)
    ):
        return unknown_shape()
    low, high = _range_of(k_value)
    if diagonal.tuple[-1] is None:
        return unknown_shape()
    rows, columns = _matrix_size(diagonal.tuple, low, high, num_rows_value, num_cols_value)
    batch = diagonal.tuple[: -1 if low == high else -2]
    return [*batch, rows, columns]


def _matrix_size(shape, low, high, num_rows, num_cols):
    """Returns rows and columns of the matrices that diagonals belong to."""
    longest = shape[-1]
    rows, columns = int(num_rows), int(num_cols)
    least_rows, least_columns = longest - min(high, 0), longest + max(low, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    elif rows == -1:
        rows = least_rows
    elif columns == -1:
        columns = least_columns
    if rows < least_rows or columns < least_columns:
        raise errors.InvalidArgumentError(
            None, None, f"{rows} x {columns} matrices are too small for diagonals of {longest}"
        )
    return rows, columns


def _stacked(diagonal, low, high):
    return diagonal[..., None, :] if low == high else diagonal


def _put(set_at, target, diagonal, low, high):
    """Puts stacked diagonals into matrices."""
    rows, columns = target.shape[-2:]
    for at, (i, j) in enumerate(_table(rows, columns, low, high)):
        target = set_at(target, i, j, diagonal[..., at, : len(i)])
    return target


def _jax_set(target, i, j, values):
    return target.at[..., i, j].set(values)


def _numpy_set(target, i, j, values):
    target[..., i, j] = values
    return target


@MatrixDiagV2.kernel
def _(diagonal, k, num_rows, num_cols, padding_value):
    low, high = _range_of(k)
    size = _matrix_size(diagonal.shape, low, high, num_rows, num_cols)
    stacked = _stacked(diagonal, low, high)
    matrix = jnp.full((*stacked.shape[:-2], *size), padding_value, diagonal.dtype)
    return _put(_jax_set, matrix, stacked, low, high)


@MatrixDiagV2.reference
def _(diagonal, k, num_rows, num_cols, padding_value):
    low, high = _range_of(k)
    size = _matrix_size(diagonal.shape, low, high, num_rows, num_cols)
    stacked = _stacked(diagonal, low, high)
    matrix = np.full((*stacked.shape[:-2], *size), padding_value, diagonal.dtype)
    return _put(_numpy_set, matrix, stacked, low, high)


@MatrixDiagV2.gradient
def _(node, dy):
    k = node.inputs[1]
    return [MatrixDiagPartV2(dy, k, ops.ZerosLike(node.inputs[4])), None, None, None, None]


@MatrixDiagPartV2.shape
def _(input, k_value):
    if input.ndims is None or k_value is None or None in input.with_rank_at_least(2).tuple[-2:]:
        return unknown_shape()
    low, high = _range_of(k_value)
    rows, columns = input.tuple[-2:]
    _table(rows, columns, low, high)
    count = [high - low + 1] if low != high else []
    return [*input.tuple[:-2], *count, min(rows + min(high, 0), columns - max(low, 0))]


def _parts(np_, input, k, padding_value):
    low, high = _range_of(k)
    table = _table(*input.shape[-2:], low, high)
    longest = max(len(i) for i, _ in table)
    rows = []
    for i, j in table:
        values = input[..., i, j]
        width = [(0, 0)] * (values.ndim - 1) + [(0, longest - len(i))]
        rows.append(np_.pad(values, width, constant_values=padding_value))
    return rows[0] if low == high else np_.stack(rows, -2)


@MatrixDiagPartV2.kernel
def _(input, k, padding_value):
    return _parts(jnp, input, k, padding_value)


@MatrixDiagPartV2.reference
def _(input, k, padding_value):
    return _parts(np, input, k, padding_value)


@MatrixDiagPartV2.gradient
def _(node, dy):
    x, k, _ = node.inputs
    return [MatrixSetDiagV2(zeros_like(x), dy, k), None, None]


@MatrixSetDiagV2.shape
def _(input):
    return input


@MatrixSetDiagV2.kernel
def _(input, diagonal, k):
    low, high = _range_of(k)
    return _put(_jax_set, input, _stacked(diagonal, low, high), low, high)


@MatrixSetDiagV2.reference
def _(input, diagonal, k):
    low, high = _range_of(k)
    return _put(_numpy_set, np.array(input), _stacked(diagonal, low, high), low, high)


@MatrixSetDiagV2.gradient
def _(node, dy):
    _, diagonal, k = node.inputs
    part = MatrixDiagPartV2(dy, k, ops.Cast(0, DstT=dy.dtype.base_dtype))
    return [MatrixSetDiagV2(dy, ops.ZerosLike(diagonal), k), part, None]


MatrixDiagV2.examples(f[2, 3], [-1, 0], 3, 3, 0.0)
MatrixDiagV2.examples(f[3], 1, -1, -1, 2 * f[()])
MatrixDiagPartV2.examples(f[3, 4], [-1, 1], 2 * f[()])
MatrixDiagPartV2.examples(f[2, 3, 4], 2, 0.0)
MatrixSetDiagV2.examples(f[3, 4], f[3, 3], [-1, 1])
MatrixSetDiagV2.examples(f[3, 4], f[2], -1)
MatrixDiagPartV2.fails("is not part of", f[3, 4], 5, 0.0)
