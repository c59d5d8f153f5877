"""Tridiagonal matrices, kept as three diagonals: solving and multiplying."""

from typing import Any

import numpy as np
from scipy import linalg as scipy_linalg

from millstream.base.dtypes import Complex64, Complex128, Double, Float
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Dynamic, Tensor, f, op
from millstream.ops.array.diagonals import matrix_diag_part
from millstream.ops.array.joining import stack
from millstream.ops.array.ordering import matrix_transpose
from millstream.ops.by_name import ops
from millstream.ops.math.complex_numbers import conj

__all__ = ["TridiagonalMatMul", "TridiagonalSolve"]

_TYPES = (Double, Float, Complex64, Complex128)
_FORMATS = ("compact", "sequence", "matrix")


@op(effect=Dynamic())
def TridiagonalSolve[T: _TYPES](
    diagonals: Tensor[T], rhs: Tensor[T], *, partial_pivoting: bool = True
) -> Tensor[T]:
    """Solves `A @ x = rhs` for matrices given as `[..., (above, on, below the diagonal), m]`."""


@op
def TridiagonalMatMul[T: _TYPES](
    superdiag: Tensor[T], maindiag: Tensor[T], subdiag: Tensor[T], rhs: Tensor[T]
) -> Tensor[T]:
    """Multiplies matrices given by three diagonals `[..., 1, m]` by `rhs`."""


@TridiagonalSolve.shape
def _(diagonals, rhs):
    diagonals = diagonals.with_rank_at_least(2)
    if diagonals.ndims is not None:
        diagonals[-2:-1].merge_with([3])
    return rhs.with_rank_at_least(2)


TridiagonalMatMul.shape(lambda rhs: rhs.with_rank_at_least(2))


@TridiagonalSolve.reference
def _(diagonals, rhs):
    if diagonals.shape[:-2] != rhs.shape[:-2] or diagonals.shape[-1] != rhs.shape[-2]:
        message = f"diagonals {list(diagonals.shape)} do not fit rhs {list(rhs.shape)}"
        raise InvalidArgumentError(None, None, message)
    found = np.empty_like(rhs)
    for index in np.ndindex(rhs.shape[:-2]):
        above, on, below = diagonals[index]
        banded = np.stack([np.roll(above, 1), on, np.roll(below, -1)])
        banded[0, :1] = banded[2, -1:] = 0
        try:
            found[index] = scipy_linalg.solve_banded((1, 1), banded, rhs[index])
        except np.linalg.LinAlgError:
            raise InvalidArgumentError(None, None, "Input matrix is not invertible.") from None
    return found


@TridiagonalSolve.gradient
def _(node, dx):
    diagonals, _ = node.inputs
    transposed = _transposed(diagonals, conjugated=True)
    pivoting = node.attrs["partial_pivoting"]
    drhs = TridiagonalSolve(transposed, dx, partial_pivoting=pivoting)
    return [_matmul_gradient(-drhs, node.outputs[0]), drhs]


def _matmul_gradient(dy: Any, x: Any) -> Any:
    """Returns the gradient of a product by the three diagonals, `[..., 3, m]`."""
    x = conj(x)
    parts = (_shifted(x, -1), x, _shifted(x, 1))
    return stack([ops.Sum(dy * part, -1) for part in parts], axis=-2)


def _shifted(x: Any, by: int) -> Any:
    """Moves rows down by one (or up by -1), with a row of zeros in the gap."""
    gap = ops.ZerosLike(x[..., :1, :])
    rows = [gap, x[..., :-1, :]] if by > 0 else [x[..., 1:, :], gap]
    return ops.ConcatV2(rows, -2)


def _transposed(diagonals: Any, conjugated: bool = False) -> Any:
    above, on, below = (diagonals[..., i, :, None] for i in range(3))
    parts = [_shifted(below, -1), on, _shifted(above, 1)]
    found = stack([part[..., 0] for part in parts], axis=-2)
    return conj(found) if conjugated else found


def _multiplied(xp: Any, superdiag: Any, maindiag: Any, subdiag: Any, rhs: Any) -> Any:
    above, on, below = (xp.swapaxes(d, -1, -2) for d in (superdiag, maindiag, subdiag))
    gap = xp.zeros_like(rhs[..., :1, :])
    next_rows = xp.concatenate([rhs[..., 1:, :], gap], -2)
    last_rows = xp.concatenate([gap, rhs[..., :-1, :]], -2)
    return above * next_rows + on * rhs + below * last_rows


@TridiagonalMatMul.kernel
def _(superdiag, maindiag, subdiag, rhs):
    return _multiplied(jnp, superdiag, maindiag, subdiag, rhs)


@TridiagonalMatMul.reference
def _(superdiag, maindiag, subdiag, rhs):
    return _multiplied(np, superdiag, maindiag, subdiag, rhs)


@TridiagonalMatMul.gradient
def _(node, dy):
    superdiag, maindiag, subdiag, rhs = node.inputs
    by_diagonals = _matmul_gradient(dy, rhs)
    above, on, below = (matrix_transpose(conj(d)) for d in (superdiag, maindiag, subdiag))
    by_rhs = _shifted(above * dy, 1) + on * dy + _shifted(below * dy, -1)
    return [*(by_diagonals[..., i : i + 1, :] for i in range(3)), by_rhs]


_DIAGONALS = np.array([[1, 2, 0], [4, 5, 6], [0, 1, 2]], np.float32)
TridiagonalSolve.examples(_DIAGONALS, f[3, 2]).examples(np.stack([_DIAGONALS] * 2), f[2, 3, 1])
TridiagonalSolve.fails("do not fit", _DIAGONALS, f[4, 2])
TridiagonalMatMul.examples(f[1, 3], f[1, 3], f[1, 3], f[3, 2])
TridiagonalMatMul.examples(f[2, 1, 3], f[2, 1, 3], f[2, 1, 3], f[2, 3, 2])


def _diagonals(diagonals: Any, diagonals_format: str) -> tuple[Any, Any, Any]:
    """Returns the three diagonals, each `[..., m]`, of any of the formats.

    Raises:
      ValueError: if the format is unknown or there are not three diagonals.
    """
    if diagonals_format not in _FORMATS:
        raise ValueError(f"diagonals_format must be one of {_FORMATS}, not {diagonals_format!r}")
    if diagonals_format == "sequence":
        if len(diagonals) != 3:
            raise ValueError("Expected diagonals to be a sequence of length 3.")
        above, on, below = (convert_to_tensor(d) for d in diagonals)
        return above, on, below
    diagonals = convert_to_tensor(diagonals, name="diagonals")
    if diagonals_format == "compact":
        return diagonals[..., 0, :], diagonals[..., 1, :], diagonals[..., 2, :]
    on = matrix_diag_part(diagonals)
    gap = ops.ZerosLike(on[..., :1])
    above = ops.ConcatV2([matrix_diag_part(diagonals[..., :-1, 1:]), gap], -1)
    below = ops.ConcatV2([gap, matrix_diag_part(diagonals[..., 1:, :-1])], -1)
    return above, on, below


@export("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: Any = None,
    partial_pivoting: bool = True,
) -> Any:
    """Solves equations with tridiagonal matrices.

    Args:
      diagonals: `[..., 3, m]` ("compact": above, on and below the diagonal; the last of the first
        and the first of the last are ignored), a sequence of the three `[..., m]` ("sequence"), or
        `[..., m, m]` ("matrix").
      rhs: `[..., m]` or `[..., m, k]`.
      diagonals_format: "compact", "sequence" or "matrix".
      transpose_rhs: whether `rhs` is `[..., k, m]`.
      conjugate_rhs: whether `rhs` is conjugated.
      name: name of the scope.
      partial_pivoting: accepted; rows are always exchanged where that helps.

    Returns:
      The solution, of the shape of `rhs` (transposed if that is).

    Raises:
      InvalidArgumentError: when run, if a matrix is singular.
    """
    with name_scope(name, "tridiagonal_solve"):
        packed = stack(list(_diagonals(diagonals, diagonals_format)), axis=-2)
        rhs = convert_to_tensor(rhs, name="rhs")
        is_vector = rhs.shape.ndims == packed.shape.ndims - 1
        rhs = conj(rhs) if conjugate_rhs else rhs
        if is_vector:
            columns = ops.ExpandDims(rhs, -1)
        else:
            columns = matrix_transpose(rhs) if transpose_rhs else rhs
        found = TridiagonalSolve(packed, columns, partial_pivoting=partial_pivoting)
        return found[..., 0] if is_vector else found


@export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: Any = None
) -> Any:
    """Multiplies tridiagonal matrices by matrices.

    Args:
      diagonals: the three diagonals, as for `tf.linalg.tridiagonal_solve`.
      rhs: `[..., m, k]`.
      diagonals_format: "compact", "sequence" or "matrix".
      name: name of the scope.

    Returns:
      `[..., m, k]`.
    """
    with name_scope(name, "tridiagonal_matmul"):
        parts = _diagonals(diagonals, diagonals_format)
        above, on, below = (ops.ExpandDims(part, -2) for part in parts)
        return TridiagonalMatMul(above, on, below, rhs)
