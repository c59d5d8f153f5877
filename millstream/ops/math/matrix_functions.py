"""Functions of whole matrices: exponential, logarithm, root, least squares, pseudo-inverse."""

from typing import Any

import numpy as np
from scipy import linalg as scipy_linalg

from millstream.base.dtypes import Complex64, Complex128, Double, as_dtype
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jax, jnp
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Dynamic, Tensor, f, op
from millstream.ops.array.joining import concat
from millstream.ops.array.ordering import matrix_transpose
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math._linear import TYPES, adjoint, quotient, square, wide
from millstream.ops.math.products import matmul

__all__ = ["MatrixExponential", "MatrixLogarithm", "MatrixSolveLs", "MatrixSquareRoot"]


@op
def MatrixExponential[T: TYPES](input: Tensor[T]) -> Tensor[T]:
    """Computes the exponentials of square matrices."""


@op(effect=Dynamic())
def MatrixLogarithm[T: (Complex64, Complex128)](input: Tensor[T]) -> Tensor[T]:
    """Computes the principal logarithms of square matrices."""


@op(effect=Dynamic())
def MatrixSquareRoot[T: TYPES](input: Tensor[T]) -> Tensor[T]:
    """Computes the principal square roots of square matrices."""


@op
def MatrixSolveLs[T: TYPES](
    matrix: Tensor[T], rhs: Tensor[T], l2_regularizer: Tensor[Double], *, fast: bool = True
) -> Tensor[T]:
    """Solves linear equations in the sense of least squares."""


for _op in (MatrixExponential, MatrixLogarithm, MatrixSquareRoot):
    _op.shape(lambda input: square(input))


@MatrixSolveLs.shape
def _(matrix, rhs, l2_regularizer):
    l2_regularizer.assert_has_rank(0)
    return quotient(matrix, rhs, is_square=False)


def _each(function: Any, x: Any) -> Any:
    """Applies a function of SciPy to every matrix of a batch."""
    x = wide(x)
    flat = x.reshape(-1, *x.shape[-2:])
    found = [function(matrix) for matrix in flat]
    return (np.stack(found) if found else flat).reshape(x.shape)


def _root(matrix: Any) -> Any:
    root = scipy_linalg.sqrtm(matrix)
    if np.iscomplexobj(root) and not np.iscomplexobj(matrix):
        # There is no real root, unless the imaginary part is but rounding.
        scale = np.abs(root).max(initial=0) * np.finfo(matrix.dtype).eps * 100
        root = np.where(np.abs(root.imag) <= scale, root.real, np.nan)
    return root


@MatrixExponential.kernel
def _(input):
    x = wide(input)
    flat = x.reshape(-1, *x.shape[-2:])
    if not flat.size:
        return input
    return jax.vmap(jax.scipy.linalg.expm)(flat).reshape(input.shape).astype(input.dtype)


MatrixExponential.reference(lambda input: _each(scipy_linalg.expm, input).astype(input.dtype))
# In double precision, since SciPy warns of what single precision loses.
MatrixLogarithm.reference(
    lambda input: _each(scipy_linalg.logm, input.astype(complex)).astype(input.dtype)
)
MatrixSquareRoot.reference(lambda input: _each(_root, input).astype(input.dtype))


def _derivative(node: Any, dy: Any) -> Any:
    """Gives the gradient of any function of matrices by the function of matrices twice as large.

    The upper right block of `f([[A, E], [0, A]])` is the derivative of `f` at `A` in direction `E`;
    with `A` and `E` conjugated and transposed it is the gradient.
    """
    a = adjoint(node.inputs[0])
    size = shape(a)[-1]
    above = concat([a, dy], -1)
    below = concat([ops.ZerosLike(a), a], -1)
    function = getattr(ops, node.type)
    return function(concat([above, below], -2))[..., :size, size:]


MatrixExponential.gradient(_derivative)
MatrixSquareRoot.gradient(_derivative)
MatrixLogarithm.no_gradient("TensorFlow registers none")


def _solved(xp: Any, matrix: Any, rhs: Any, l2_regularizer: Any, fast: bool) -> Any:
    a, b = wide(matrix), wide(rhs)
    if not fast:
        # The solution of least norm, as from a complete orthogonal decomposition.
        return (xp.linalg.pinv(a) @ b).astype(matrix.dtype)
    ah = xp.conj(xp.swapaxes(a, -1, -2))
    l2 = xp.asarray(l2_regularizer).astype(a.dtype)
    if a.shape[-2] >= a.shape[-1]:
        normal = ah @ a + l2 * np.eye(a.shape[-1], dtype=a.dtype)
        return xp.linalg.solve(normal, ah @ b).astype(matrix.dtype)
    normal = a @ ah + l2 * np.eye(a.shape[-2], dtype=a.dtype)
    return (ah @ xp.linalg.solve(normal, b)).astype(matrix.dtype)


@MatrixSolveLs.kernel
def _(matrix, rhs, l2_regularizer, fast):
    return _solved(jnp, matrix, rhs, l2_regularizer, fast)


@MatrixSolveLs.reference
def _(matrix, rhs, l2_regularizer, fast):
    try:
        return _solved(np, matrix, rhs, l2_regularizer, fast)
    except np.linalg.LinAlgError:
        message = "Input matrix was rank deficient or ill-conditioned. Try setting fast=False."
        raise InvalidArgumentError(None, None, message) from None


@MatrixSolveLs.gradient
def _(node, dx):
    a, b, l2 = node.inputs
    rows, columns = a.shape.as_list()[-2:]
    l2 = ops.Cast(l2, DstT=a.dtype)
    if rows is None or columns is None or rows >= columns:
        normal = matmul(a, a, transpose_a=True) + l2 * _identity(a, -1)
        z = ops.MatrixSolve(normal, dx)
        xz = matmul(node.outputs[0], z, transpose_b=True)
        da = matmul(b, z, transpose_b=True) - matmul(a, xz + matrix_transpose(xz))
        return [da, matmul(a, z), None]
    normal = matmul(a, a, transpose_b=True) + l2 * _identity(a, -2)
    db = ops.MatrixSolve(normal, matmul(a, dx))
    m = ops.MatrixSolve(normal, b)
    w = matmul(db, m, transpose_b=True)
    da = matmul(m, dx, transpose_b=True) - matmul(w + matrix_transpose(w), a)
    return [da, db, None]


def _identity(a: Any, axis: int) -> Any:
    size = shape(a)[axis]
    return ops.MatrixDiag(ops.Fill([size], convert_to_tensor(1, a.dtype)))


_MATRIX = np.array([[2.0, 0.3, 0.1], [0.2, 3.0, -0.4], [0.0, 0.5, 1.5]])
MatrixExponential.examples(f[3, 3]).examples(f[2, 2, 2])
MatrixExponential.fails("must be equal", f[2, 3])
MatrixLogarithm.examples(_MATRIX.astype(np.complex64))
MatrixSquareRoot.examples(_MATRIX.astype(np.float32)).examples(np.stack([_MATRIX, 2 * _MATRIX]))
MatrixSolveLs.examples(f[4, 2], f[4, 3], 0.1).examples(f[2, 4], f[2, 1], 0.1)
MatrixSolveLs.examples(f[2, 4, 2], f[2, 4, 1], 0.0, fast=False)
MatrixSolveLs.fails("must be equal", f[4, 2], f[3, 1], 0.0)


# -- public functions


@export("linalg.expm")
def matrix_exponential(input: Any, name: Any = None) -> Any:
    """Computes the exponentials of matrices: `I + A + A @ A / 2 + …`.

    Args:
      input: float or complex `[..., n, n]`.
      name: name of the scope.

    Returns:
      `[..., n, n]`.
    """
    with name_scope(name, "matrix_exponential"):
        return MatrixExponential(input)


@export("linalg.logm")
def matrix_logarithm(input: Any, name: Any = None) -> Any:
    """Computes the principal logarithms of matrices, the inverse of `tf.linalg.expm`.

    Args:
      input: complex `[..., n, n]`, without eigenvalues that are negative or 0.
      name: name of the node.
    """
    return MatrixLogarithm(input, name=name)


@export("linalg.sqrtm", "matrix_square_root")
def matrix_square_root(input: Any, name: Any = None) -> Any:
    """Computes the principal square roots of matrices: `root @ root` is the matrix.

    Args:
      input: float or complex `[..., n, n]`.
      name: name of the node.

    Returns:
      `[..., n, n]`; NaN where a real matrix has no real root.
    """
    return MatrixSquareRoot(input, name=name)


@export("linalg.lstsq", "matrix_solve_ls")
def matrix_solve_ls(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: Any = None
) -> Any:
    """Solves linear equations in the sense of least squares.

    Args:
      matrix: `[..., m, n]`.
      rhs: `[..., m, k]`.
      l2_regularizer: weight of the squared solution in what is minimised.
      fast: whether to solve the normal equations, which is exact enough for well-conditioned
        matrices of full rank; otherwise the solution of least norm is computed stably, and
        `l2_regularizer` is ignored.
      name: name of the scope.

    Returns:
      `[..., n, k]`.

    Raises:
      InvalidArgumentError: when run, if the normal equations are singular.
    """
    return MatrixSolveLs(matrix, rhs, l2_regularizer, fast=fast, name=name)


@export("linalg.pinv")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: Any = None) -> Any:
    """Computes the Moore-Penrose pseudo-inverses of matrices, by their singular values.

    Args:
      a: float `[..., m, n]`.
      rcond: share of the largest singular value below which others count as 0, `[...]`; by default
        `10 * max(m, n)` times the rounding of the dtype.
      validate_args: accepted.
      name: name of the scope.

    Returns:
      `[..., n, m]`.

    Raises:
      TypeError: if `a` is no float.
    """
    del validate_args
    with name_scope(name, "pinv"):
        a = convert_to_tensor(a, name="a")
        if not a.dtype.is_floating:
            raise TypeError(f"Input `a` must have float-like `dtype` (saw {a.dtype.name}).")
        if rcond is None:
            rcond = 10.0 * _largest_side(a) * np.finfo(a.dtype.as_numpy_dtype).eps
        rcond = convert_to_tensor(rcond, dtype=a.dtype, name="rcond")
        values, left, right = ops.Svd(a, full_matrices=False, compute_uv=True)
        cutoff = rcond * ops.Max(values, -1)
        infinite = convert_to_tensor(np.inf, dtype=a.dtype)
        kept = values > ops.ExpandDims(cutoff, -1)
        values = ops.SelectV2(kept, values, infinite)
        return matmul(right / ops.ExpandDims(values, -2), left, adjoint_b=True)


def _largest_side(a: Any) -> Any:
    sides = a.shape[-2:]
    if sides.is_fully_defined():
        return float(max(sides.as_list()))
    return ops.Cast(ops.Max(shape(a)[-2:], 0), DstT=as_dtype(a.dtype))


@export("linalg.matrix_rank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: Any = None) -> Any:
    """Counts the singular values of matrices that are not 0.

    Args:
      a: float `[..., m, n]`.
      tol: what a singular value must exceed; by default `max(m, n)` times the rounding of the
        dtype times the largest one.
      validate_args: accepted.
      name: name of the scope.

    Returns:
      int32 `[...]`.
    """
    del validate_args
    with name_scope(name, "matrix_rank"):
        a = convert_to_tensor(a, name="a")
        values = ops.Svd(a, compute_uv=False)[0]
        if tol is None:
            eps = np.finfo(a.dtype.as_numpy_dtype).eps
            tol = eps * _largest_side(a) * ops.Max(values, -1, keep_dims=True)
        return ops.Sum(ops.Cast(values > tol, DstT=as_dtype("int32")), -1)
