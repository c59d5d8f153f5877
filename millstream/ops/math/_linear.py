"""What the ops of linear algebra share: shapes, precision, and errors of singular matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.dtypes import Complex64, Complex128, Double, Float, Half
from millstream.base.errors import InvalidArgumentError
from millstream.base.shapes import UNKNOWN, TensorShape
from millstream.ops.array.ordering import matrix_transpose

TYPES = (Double, Float, Half, Complex64, Complex128)


def square(shape: TensorShape) -> TensorShape:
    """Returns the shape of square matrices, `[…, n, n]`, with all that is known of it.

    Raises:
      ValueError: if the matrices are not square.
    """
    shape = shape.with_rank_at_least(2)
    if shape.tuple is None:
        return UNKNOWN
    rows, columns = shape.tuple[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {columns}")
    size = columns if rows is None else rows
    return TensorShape([*shape.tuple[:-2], size, size])


def quotient(matrix: TensorShape, rhs: TensorShape, is_square: bool = True) -> TensorShape:
    """Returns the shape of the solution of linear equations.

    Raises:
      ValueError: if the matrices are not square, or the two do not fit.
    """
    matrix = square(matrix) if is_square else matrix.with_rank_at_least(2)
    rhs = rhs.with_rank_at_least(2)
    if matrix.tuple is None or rhs.tuple is None:
        return UNKNOWN
    rows, given = matrix.tuple[-2], rhs.tuple[-2]
    if rows is not None and given is not None and rows != given:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {given}")
    batch = matrix[:-2].merge_with(rhs[:-2])
    return batch.concatenate([matrix.tuple[-1], rhs.tuple[-1]])


def wide(x: Any) -> Any:
    """Gives half precision as single, which is the least that LAPACK knows."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def guarded(message: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Calls a NumPy function and words its error as TensorFlow does.

    Raises:
      InvalidArgumentError: with `message`, if the function refuses its arguments.
    """
    if args[0].shape[-1] != args[0].shape[-2]:
        raise InvalidArgumentError(None, None, "Input matrix must be square.")
    try:
        return fn(*args)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(None, None, message) from None


def conj_transposed(xp: Any, x: Any) -> Any:
    """Conjugates and transposes arrays."""
    return xp.conj(xp.swapaxes(x, -1, -2))


def adjoint(x: Any) -> Any:
    """Conjugates and transposes tensors."""
    return matrix_transpose(x, conjugate=x.dtype.is_complex)
