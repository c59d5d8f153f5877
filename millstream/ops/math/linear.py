"""Linear equations: `Cholesky`, `MatrixInverse`, `MatrixDeterminant`, `MatrixSolve`, …"""

from typing import Any

import numpy as np

from millstream.base.dtypes import Complex64, Complex128
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Returns, Tensor, c, f, op
from millstream.ops.by_name import ops
from millstream.ops.math._linear import (
    TYPES,
    adjoint,
    conj_transposed,
    guarded,
    quotient,
    square,
    wide,
)
from millstream.ops.math.complex_numbers import real
from millstream.ops.math.products import matmul
from millstream.ops.math.reductions import reduce_sum

__all__ = ["Cholesky", "LogMatrixDeterminant", "MatrixDeterminant", "MatrixInverse", "MatrixSolve"]
__all__ += ["MatrixTriangularSolve"]

_SPD = np.array([[4, 1 - 0.5j, 0.2], [1 + 0.5j, 3, 0.1j], [0.2, -0.1j, 2]], np.complex64)
_REGULAR = np.array([[2.0, -1.0, 0.5], [0.3, 1.5, -0.7], [1.0, 0.2, 3.0]], np.float32)
_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]], np.float32)
_WIDE = f[2, 3]


# -- Cholesky


@op
def Cholesky[T: TYPES](input: Tensor[T]) -> Tensor[T]:
    """Factors Hermitian matrices: `L @ adjoint(L)`; only the lower triangles are read."""


_NOT_POSITIVE = "Cholesky decomposition was not successful. The input might not be valid."


@Cholesky.shape
def _(input):
    return square(input)


@Cholesky.kernel
def _(input, check):
    factor = jnp.linalg.cholesky(wide(input), symmetrize_input=False)
    check(jnp.all(jnp.isfinite(factor)), lambda: _NOT_POSITIVE)
    return factor.astype(input.dtype)


@Cholesky.reference
def _(input):
    return guarded(_NOT_POSITIVE, np.linalg.cholesky, wide(input)).astype(input.dtype)


@Cholesky.gradient
def _(node, dy):
    factor = node.outputs[0]
    middle = matmul(factor, dy, adjoint_a=True)
    half = ops.MatrixDiagPart(middle) * np.asarray(0.5, middle.dtype.base_dtype.np)
    middle = ops.MatrixBandPart(ops.MatrixSetDiag(middle, half), -1, 0)
    left = MatrixTriangularSolve(factor, middle, adjoint=True)
    dx = MatrixTriangularSolve(factor, adjoint(left), adjoint=True)
    return (dx + adjoint(dx)) * np.asarray(0.5, dx.dtype.base_dtype.np)


# A gradient is symmetric, which no difference quotient is: real examples are in the tests.
Cholesky.examples(_SPD, T=Complex64).examples(np.stack([_SPD, 2 * _SPD]), T=Complex64)
Cholesky.examples(_SPD.astype(np.complex128), T=Complex128)
Cholesky.fails("Dimensions must be equal, but are 2 and 3", _WIDE)
Cholesky.fails(_NOT_POSITIVE, np.array([[1.0, 2.0], [2.0, 1.0]], np.float32))


# -- inverses and determinants


@op
def MatrixInverse[T: TYPES](input: Tensor[T], *, adjoint: bool = False) -> Tensor[T]:
    """Inverts matrices, conjugated and transposed first if `adjoint`."""


@MatrixInverse.shape
def _(input):
    return square(input)


_NO_INVERSE = "Input is not invertible."


@MatrixInverse.kernel
def _(input, adjoint, check):
    x = wide(input)
    inverse = jnp.linalg.inv(conj_transposed(jnp, x) if adjoint else x)
    check(jnp.all(jnp.isfinite(inverse)), lambda: _NO_INVERSE)
    return inverse.astype(input.dtype)


@MatrixInverse.reference
def _(input, adjoint):
    x = wide(input)
    x = conj_transposed(np, x) if adjoint else x
    return guarded(_NO_INVERSE, np.linalg.inv, x).astype(input.dtype)


@MatrixInverse.gradient
def _(node, dy):
    y = node.outputs[0]
    if node.attrs["adjoint"]:
        return -matmul(y, matmul(dy, y, adjoint_a=True))
    return -matmul(y, matmul(dy, y, adjoint_b=True), adjoint_a=True)


MatrixInverse.examples(_REGULAR).examples(np.stack([_REGULAR, 2 * _REGULAR]), adjoint=True)
MatrixInverse.examples(_SPD, T=Complex64, adjoint=True)
MatrixInverse.fails("Dimensions must be equal", _WIDE).fails(_NO_INVERSE, _SINGULAR)


@op
def MatrixDeterminant[T: TYPES](input: Tensor[T]) -> Tensor[T]:
    """Computes the determinants of matrices."""


@MatrixDeterminant.shape
def _(input):
    return square(input)[:-2]


@MatrixDeterminant.kernel
def _(input):
    return jnp.linalg.det(wide(input)).astype(input.dtype)


@MatrixDeterminant.reference
def _(input):
    return guarded("", np.linalg.det, wide(input)).astype(input.dtype)


def _per_matrix(x: Any) -> Any:
    return ops.ExpandDims(ops.ExpandDims(x, -1), -1)


@MatrixDeterminant.gradient
def _(node, dy):
    inverse = MatrixInverse(node.inputs[0], adjoint=True)
    return _per_matrix(dy * node.outputs[0]) * inverse


MatrixDeterminant.examples(_REGULAR).examples(np.stack([_REGULAR, 2 * _REGULAR]))
MatrixDeterminant.examples(_SPD, T=Complex64).fails("Dimensions must be equal", _WIDE)


@op
def LogMatrixDeterminant[T: TYPES](
    input: Tensor[T],
) -> Returns(sign=Tensor[T], log_abs_determinant=Tensor[T]):
    """Computes sign and logarithm of the absolute value of determinants."""


@LogMatrixDeterminant.shape
def _(input):
    batch = square(input)[:-2]
    return batch, batch


@LogMatrixDeterminant.kernel
def _(input):
    sign, log = jnp.linalg.slogdet(wide(input))
    return sign.astype(input.dtype), log.astype(input.dtype)


@LogMatrixDeterminant.reference
def _(input):
    sign, log = guarded("", np.linalg.slogdet, wide(input))
    return sign.astype(input.dtype), log.astype(input.dtype)


@LogMatrixDeterminant.gradient
def _(node, dsign, dlog):
    del dsign
    return _per_matrix(dlog) * MatrixInverse(node.inputs[0], adjoint=True)


LogMatrixDeterminant.examples(_REGULAR).examples(_SPD, T=Complex64)
LogMatrixDeterminant.fails("Dimensions must be equal", _WIDE)


# -- equations


@op
def MatrixSolve[T: TYPES](matrix: Tensor[T], rhs: Tensor[T], *, adjoint: bool = False) -> Tensor[T]:
    """Solves `matrix @ x = rhs`, the matrix conjugated and transposed first if `adjoint`."""


@op
def MatrixTriangularSolve[T: TYPES](
    matrix: Tensor[T], rhs: Tensor[T], *, lower: bool = True, adjoint: bool = False
) -> Tensor[T]:
    """Solves `matrix @ x = rhs`, reading one triangle of the matrix only."""


for _op in (MatrixSolve, MatrixTriangularSolve):
    _op.shape(lambda matrix, rhs: quotient(matrix, rhs))
    _op.fails("Dimensions must be equal, but are 2 and 3", f[2, 2], f[3, 1])
    _op.fails("Dimensions must be equal, but are 2 and 3", _WIDE, f[2, 1])
    _op.fails("Input matrix is not invertible.", 0.0 * _SINGULAR, f[2, 1])
    _op.examples(_REGULAR, f[3, 2]).examples(_REGULAR, f[3, 2], adjoint=True)
    _op.examples(np.stack([_REGULAR, 2 * _REGULAR]), f[2, 3, 1])
    _op.examples(_SPD, c[3, 2], T=Complex64, adjoint=True)
MatrixTriangularSolve.examples(_REGULAR, f[3, 2], lower=False)
MatrixTriangularSolve.examples(_REGULAR, f[3, 2], lower=False, adjoint=True)

_NO_SOLUTION = "Input matrix is not invertible."


@MatrixSolve.kernel
def _(matrix, rhs, adjoint, check):
    a, b = wide(matrix), wide(rhs)
    x = jnp.linalg.solve(conj_transposed(jnp, a) if adjoint else a, b)
    check(jnp.all(jnp.isfinite(x)), lambda: _NO_SOLUTION)
    return x.astype(rhs.dtype)


@MatrixSolve.reference
def _(matrix, rhs, adjoint):
    a, b = wide(matrix), wide(rhs)
    a = conj_transposed(np, a) if adjoint else a
    return guarded(_NO_SOLUTION, np.linalg.solve, a, b).astype(rhs.dtype)


@MatrixSolve.gradient
def _(node, dx):
    matrix, swapped = node.inputs[0], node.attrs["adjoint"]
    drhs = MatrixSolve(matrix, dx, adjoint=not swapped)
    return [_matrix_gradient(node.outputs[0], drhs, swapped), drhs]


def _matrix_gradient(x: Any, drhs: Any, swapped: bool) -> Any:
    return -(matmul(x, drhs, adjoint_b=True) if swapped else matmul(drhs, x, adjoint_b=True))


@MatrixTriangularSolve.kernel
def _(matrix, rhs, lower, adjoint, check):
    a = wide(matrix)
    regular = jnp.all(jnp.diagonal(a, axis1=-2, axis2=-1) != 0)
    check(regular, lambda: _NO_SOLUTION)
    x = lax.linalg.triangular_solve(
        a, wide(rhs), left_side=True, lower=lower, transpose_a=adjoint, conjugate_a=adjoint
    )
    return x.astype(rhs.dtype)


@MatrixTriangularSolve.reference
def _(matrix, rhs, lower, adjoint):
    a, b = wide(matrix), wide(rhs)
    a = np.tril(a) if lower else np.triu(a)
    a = conj_transposed(np, a) if adjoint else a
    return guarded(_NO_SOLUTION, np.linalg.solve, a, b).astype(rhs.dtype)


@MatrixTriangularSolve.gradient
def _(node, dx):
    matrix, swapped, lower = node.inputs[0], node.attrs["adjoint"], node.attrs["lower"]
    drhs = MatrixTriangularSolve(matrix, dx, lower=lower, adjoint=not swapped)
    dmatrix = _matrix_gradient(node.outputs[0], drhs, swapped)
    return [ops.MatrixBandPart(dmatrix, *((-1, 0) if lower else (0, -1))), drhs]


# -- functions


@export("cholesky", "linalg.cholesky")
def cholesky(input: Any, name: Any = None) -> Any:
    """Factors Hermitian positive definite matrices into `L @ adjoint(L)`.

    Args:
      input: `[…, n, n]`, floats or complex numbers; only the lower triangles are read.
      name: name for the node.

    Returns:
      The lower triangular factors, of the same shape and type.

    Raises:
      InvalidArgumentError: at run time, if a matrix is not positive definite.
    """
    return Cholesky(input, name=name)


@export("matrix_inverse", "linalg.inv")
def matrix_inverse(input: Any, adjoint: bool = False, name: Any = None) -> Any:
    """Inverts matrices.

    Args:
      input: `[…, n, n]`, floats or complex numbers.
      adjoint: whether to conjugate and transpose them first.
      name: name for the node.

    Returns:
      The inverses, of the same shape and type.

    Raises:
      InvalidArgumentError: at run time, if a matrix has none.
    """
    return MatrixInverse(input, adjoint=adjoint, name=name)


@export("matrix_determinant", "linalg.det")
def matrix_determinant(input: Any, name: Any = None) -> Any:
    """Computes the determinants of matrices.

    Args:
      input: `[…, n, n]`, floats or complex numbers.
      name: name for the node.

    Returns:
      `[…]`, of the same type.
    """
    return MatrixDeterminant(input, name=name)


@export("linalg.slogdet")
def slogdet(input: Any, name: Any = None) -> Any:
    """Computes sign and logarithm of the absolute value of determinants.

    Args:
      input: `[…, n, n]`, floats or complex numbers.
      name: name for the node.

    Returns:
      A named tuple of `sign` and `log_abs_determinant`, each `[…]`.
    """
    return LogMatrixDeterminant(input, name=name)


@export("linalg.logdet")
def logdet(matrix: Any, name: Any = None) -> Any:
    """Computes the logarithm of the determinants of Hermitian positive definite matrices.

    Args:
      matrix: `[…, n, n]`, floats or complex numbers.
      name: name for the nodes.

    Returns:
      `[…]`, of the same type.
    """
    with name_scope(name, "logdet", [matrix]):
        diagonal = ops.MatrixDiagPart(Cholesky(matrix), name="diag_part")
        return 2.0 * reduce_sum(ops.Log(real(diagonal)), axis=[-1])


@export("matrix_solve", "linalg.solve")
def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: Any = None) -> Any:
    """Solves the linear equations `matrix @ x = rhs`.

    Args:
      matrix: `[…, n, n]`, floats or complex numbers.
      rhs: `[…, n, k]`, the same type.
      adjoint: whether to conjugate and transpose the matrices first.
      name: name for the node.

    Returns:
      `[…, n, k]`, of the same type.

    Raises:
      InvalidArgumentError: at run time, if a matrix is singular.
    """
    return MatrixSolve(matrix, rhs, adjoint=adjoint, name=name)


@export("matrix_triangular_solve", "linalg.triangular_solve")
def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: Any = None
) -> Any:
    """Solves the linear equations `matrix @ x = rhs` of triangular matrices.

    Args:
      matrix: `[…, n, n]`, floats or complex numbers, of which one triangle is read.
      rhs: `[…, n, k]`, the same type.
      lower: whether to read the lower triangle.
      adjoint: whether to conjugate and transpose the matrices first.
      name: name for the node.

    Returns:
      `[…, n, k]`, of the same type.

    Raises:
      InvalidArgumentError: at run time, if a matrix is singular.
    """
    return MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


@export("cholesky_solve", "linalg.cholesky_solve")
def cholesky_solve(chol: Any, rhs: Any, name: Any = None) -> Any:
    """Solves `A @ x = rhs` given the Cholesky factors of the matrices `A`.

    Args:
      chol: `[…, n, n]`, what `cholesky` gave for `A`.
      rhs: `[…, n, k]`, the same type.
      name: name for the nodes.

    Returns:
      `[…, n, k]`, of the same type.
    """
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        y = MatrixTriangularSolve(chol, rhs, adjoint=False, lower=True)
        return MatrixTriangularSolve(chol, y, adjoint=True, lower=True)
