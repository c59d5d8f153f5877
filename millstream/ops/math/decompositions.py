"""Factors of matrices: `Qr`, `Svd`, `SelfAdjointEigV2`, `Lu`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Int32, Int64
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import UNKNOWN
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Complex128, Returns, Tensor, Type, f, op
from millstream.ops.array.ordering import matrix_transpose
from millstream.ops.by_name import ops
from millstream.ops.math._linear import TYPES, adjoint, guarded, square, wide
from millstream.ops.math.linear import MatrixTriangularSolve
from millstream.ops.math.products import matmul

__all__ = ["Lu", "Qr", "SelfAdjointEigV2", "Svd"]

_HERMITIAN = np.array([[4, 1 - 0.5j, 0.2], [1 + 0.5j, 3, 0.1j], [0.2, -0.1j, 2]])
_WIDE = np.exp(1j * np.arange(12) ** 2).reshape(3, 4)


def _sizes(shape: Any) -> tuple[Any, Any, Any, Any]:
    """Splits `[…, m, n]` into batch, m, n and the smaller of the two."""
    rows, columns = shape.as_list()[-2:]
    least = None if rows is None or columns is None else min(rows, columns)
    return shape[:-2], rows, columns, least


# -- QR


@op
def Qr[T: TYPES](input: Tensor[T], *, full_matrices: bool = False) -> Returns(
    q=Tensor[T], r=Tensor[T]
):
    """Factors matrices into unitary ones and upper triangular ones."""


@Qr.shape
def _(input, full_matrices):
    input = input.with_rank_at_least(2)
    if input.ndims is None:
        return UNKNOWN, UNKNOWN
    batch, rows, columns, least = _sizes(input)
    inner = rows if full_matrices else least
    return batch.concatenate([rows, inner]), batch.concatenate([inner, columns])


def _qr(xp: Any, x: Any, full_matrices: bool) -> tuple[Any, Any]:
    q, r = xp.linalg.qr(wide(x), mode="complete" if full_matrices else "reduced")
    return q.astype(x.dtype), r.astype(x.dtype)


Qr.kernel(lambda input, full_matrices: _qr(jnp, input, full_matrices))
Qr.reference(lambda input, full_matrices: _qr(np, input, full_matrices))


@Qr.gradient
def _(node, dq, dr):
    q, r = node.outputs
    rows, columns = r.shape.as_list()[-2:]
    if rows is None or rows != columns:
        raise ValueError("The gradient of QR needs full_matrices=False and at least as many rows")
    rdr, qdq = matmul(r, dr, adjoint_b=True), matmul(q, dq, adjoint_a=True)
    left = _strictly_lower(rdr - adjoint(rdr)) + _strictly_lower(qdq - adjoint(qdq))

    def over_r(x: Any) -> Any:
        return adjoint(MatrixTriangularSolve(r, adjoint(x), lower=False))

    return matmul(q, dr + over_r(left)) + over_r(dq - matmul(q, qdq))


def _strictly_lower(x: Any) -> Any:
    below = ops.MatrixBandPart(x, -1, 0)
    return ops.MatrixSetDiag(below, ops.ZerosLike(ops.MatrixDiagPart(x)))


Qr.examples(f[4, 3]).examples(f[2, 3, 3]).examples(_WIDE, T=Complex128, full_matrices=True)
Qr.fails("rank at least 2", f[3])


# -- singular values


@op
def Svd[T: TYPES](
    input: Tensor[T], *, compute_uv: bool = True, full_matrices: bool = False
) -> Returns(s=Tensor[T], u=Tensor[T], v=Tensor[T]):
    """Factors matrices into singular values and vectors: `u @ diag(s) @ adjoint(v)`."""


@Svd.shape
def _(input, compute_uv, full_matrices):
    input = input.with_rank_at_least(2)
    if input.ndims is None:
        return (UNKNOWN, UNKNOWN, UNKNOWN) if compute_uv else (UNKNOWN, [0], [0])
    batch, rows, columns, least = _sizes(input)
    values = batch.concatenate([least])
    if not compute_uv:
        return values, [0], [0]
    kept = (rows, columns) if full_matrices else (least, least)
    return values, batch.concatenate([rows, kept[0]]), batch.concatenate([columns, kept[1]])


def _svd(xp: Any, x: Any, compute_uv: bool, full_matrices: bool) -> tuple[Any, Any, Any]:
    if not compute_uv:
        none = xp.zeros(0, x.dtype)
        return xp.linalg.svd(wide(x), compute_uv=False).astype(x.dtype), none, none
    u, s, vh = xp.linalg.svd(wide(x), full_matrices=full_matrices)
    v = xp.conj(xp.swapaxes(vh, -1, -2))
    return s.astype(x.dtype), u.astype(x.dtype), v.astype(x.dtype)


Svd.kernel(lambda input, compute_uv, full_matrices: _svd(jnp, input, compute_uv, full_matrices))
Svd.reference(lambda input, compute_uv, full_matrices: _svd(np, input, compute_uv, full_matrices))


@Svd.gradient
def _(node, ds, du, dv):
    attrs = node.attrs
    if not attrs["compute_uv"]:
        _, u, v = Svd(node.inputs[0], compute_uv=True)
        return matmul(u, matmul(ops.MatrixDiag(ds), v, adjoint_b=True))
    s, u, v = node.outputs
    rows, columns = node.inputs[0].shape.as_list()[-2:]
    if attrs["full_matrices"] and rows != columns:
        raise ValueError("The gradient of SVD needs full_matrices=False")
    middle = ops.MatrixDiag(ds) + _rotations(s, u, v, du, dv)
    result = matmul(u, matmul(middle, v, adjoint_b=True))
    inverse = ops.MatrixDiag(ops.Reciprocal(s))
    if rows != columns:
        # What of the singular vectors leaves the space that they span.
        rest_u = du - matmul(u, matmul(u, du, adjoint_a=True))
        rest_v = dv - matmul(v, matmul(v, dv, adjoint_a=True))
        result = result + matmul(matmul(rest_u, inverse), v, adjoint_b=True)
        result = result + matmul(u, matmul(inverse, rest_v, adjoint_b=True))
    return result


def _rotations(s: Any, u: Any, v: Any, du: Any, dv: Any) -> Any:
    """Computes what the gradients of the singular vectors give within the space they span."""
    squares = ops.Square(s)
    gaps = ops.ExpandDims(squares, -2) - ops.ExpandDims(squares, -1)
    apart = ops.MatrixSetDiag(ops.Reciprocal(_without_zeros(gaps)), ops.ZerosLike(s))
    of_u, of_v = matmul(u, du, adjoint_a=True) * apart, matmul(v, dv, adjoint_a=True) * apart
    scale = ops.ExpandDims(s, -2)
    return (of_u + adjoint(of_u)) * scale + ops.ExpandDims(s, -1) * (of_v + adjoint(of_v))


def _without_zeros(x: Any) -> Any:
    zero = np.zeros((), x.dtype.base_dtype.np)
    return ops.Select(ops.Equal(x, zero), ops.OnesLike(x), x)


Svd.examples(f[4, 3], compute_uv=False).examples(f[2, 3, 3]).examples(f[3, 4])
Svd.examples(_WIDE, T=Complex128, full_matrices=True).fails("rank at least 2", f[3])


# -- eigenvalues


@op
def SelfAdjointEigV2[T: TYPES](input: Tensor[T], *, compute_v: bool = True) -> Returns(
    e=Tensor[T], v=Tensor[T]
):
    """Factors Hermitian matrices into ascending eigenvalues and their vectors, as columns.

    Only the lower triangles are read.
    """


@SelfAdjointEigV2.shape
def _(input, compute_v):
    input = square(input)
    if input.ndims is None:
        return UNKNOWN, UNKNOWN if compute_v else [0]
    return input[:-1], input if compute_v else [0]


_NO_EIGENVALUES = (
    "Self-adjoint eigen decomposition was not successful. The input might not be valid."
)


@SelfAdjointEigV2.kernel
def _(input, compute_v):
    values, vectors = jnp.linalg.eigh(wide(input), UPLO="L", symmetrize_input=False)
    vectors = vectors.astype(input.dtype) if compute_v else jnp.zeros(0, input.dtype)
    return values.astype(input.dtype), vectors


@SelfAdjointEigV2.reference
def _(input, compute_v):
    values, vectors = guarded(_NO_EIGENVALUES, np.linalg.eigh, wide(input))
    vectors = vectors.astype(input.dtype) if compute_v else np.zeros(0, input.dtype)
    return values.astype(input.dtype), vectors


@SelfAdjointEigV2.gradient
def _(node, de, dv):
    if not node.attrs["compute_v"]:
        v = SelfAdjointEigV2(node.inputs[0], compute_v=True)[1]
        dx = matmul(v, matmul(ops.MatrixDiag(de), v, adjoint_b=True))
    else:
        e, v = node.outputs
        gaps = _without_zeros(ops.ExpandDims(e, -2) - ops.ExpandDims(e, -1))
        apart = ops.MatrixSetDiag(ops.Reciprocal(gaps), ops.ZerosLike(e))
        turned = apart * matmul(v, dv, adjoint_a=True)
        dx = matmul(v, matmul(ops.MatrixDiag(de) + turned, v, adjoint_b=True))
    # The function reads the lower triangle, so a gradient of symmetric input is symmetric itself.
    dx = ops.MatrixBandPart(dx + adjoint(dx), -1, 0)
    half = ops.MatrixDiagPart(dx) * np.asarray(0.5, dx.dtype.base_dtype.np)
    return ops.MatrixSetDiag(dx, half)


SelfAdjointEigV2.examples(_HERMITIAN, T=Complex128).examples(
    _HERMITIAN, T=Complex128, compute_v=False
)
SelfAdjointEigV2.examples(_HERMITIAN.real.astype(np.float32)).examples(
    _HERMITIAN.real.astype(np.float32), compute_v=False
)
SelfAdjointEigV2.fails("Dimensions must be equal", f[2, 3])


# -- LU


@op
def Lu[T: TYPES](input: Tensor[T], *, output_idx_type: Type[Int32, Int64] = Int32) -> Returns(
    lu=Tensor[T], p=Tensor["output_idx_type"]
):
    """Factors matrices into lower and upper triangles, after permuting the rows by `p`."""


@Lu.shape
def _(input):
    input = square(input)
    return input, input[:-1]


@Lu.kernel
def _(input, output_idx_type):
    lu, _, order = lax.linalg.lu(wide(input))
    return lu.astype(input.dtype), order.astype(output_idx_type.np)


@Lu.reference
def _(input, output_idx_type):
    x = wide(input).copy()
    orders = np.empty(x.shape[:-1], output_idx_type.np)
    for index in np.ndindex(x.shape[:-2]):
        orders[index] = _eliminate(x[index])
    return x.astype(input.dtype), orders


def _eliminate(a: Any) -> Any:
    """Replaces a matrix by its triangles, with partial pivoting; returns the order of its rows."""
    size = a.shape[0]
    order = np.arange(size)
    for n in range(size):
        # LAPACK compares complex numbers by the sum of their parts.
        below = a[n:, n]
        pivot = n + int(np.argmax(np.abs(below.real) + np.abs(below.imag)))
        a[[n, pivot]], order[[n, pivot]] = a[[pivot, n]], order[[pivot, n]]
        if a[n, n] != 0:
            a[n + 1 :, n] /= a[n, n]
            a[n + 1 :, n + 1 :] -= np.outer(a[n + 1 :, n], a[n, n + 1 :])
    return order


Lu.no_gradient("TensorFlow 1 defines none")
Lu.examples(f[3, 3]).examples(f[2, 4, 4], output_idx_type=Int64).fails("must be equal", f[2, 3])


# -- functions


@export("qr", "linalg.qr")
def qr(input: Any, full_matrices: bool = False, name: Any = None) -> Any:
    """Factors matrices into unitary ones and upper triangular ones.

    Args:
      input: `[…, m, n]`, floats or complex numbers.
      full_matrices: whether the unitary ones are `[…, m, m]` rather than `[…, m, min(m, n)]`.
      name: name for the node.

    Returns:
      A named tuple of `q` and `r`.
    """
    return Qr(input, full_matrices=full_matrices, name=name)


@export("svd", "linalg.svd")
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: Any = None) -> Any:
    """Factors matrices into singular values and vectors: `u @ diag(s) @ adjoint(v)`.

    Args:
      tensor: `[…, m, n]`, floats or complex numbers.
      full_matrices: whether to give all of the m and n singular vectors.
      compute_uv: whether to give any.
      name: name for the node.

    Returns:
      The singular values `[…, min(m, n)]`, real and descending; with `compute_uv` also `u` and `v`.
    """
    s, u, v = Svd(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    s = ops.Real(s, Tout=s.dtype.real_dtype) if s.dtype.is_complex else s
    return (s, u, v) if compute_uv else s


@export("self_adjoint_eig", "linalg.eigh")
def self_adjoint_eig(tensor: Any, name: Any = None) -> Any:
    """Computes eigenvalues and eigenvectors of Hermitian matrices.

    Args:
      tensor: `[…, n, n]`, floats or complex numbers; only the lower triangles are read.
      name: name for the node.

    Returns:
      The eigenvalues `[…, n]`, ascending, and the eigenvectors `[…, n, n]`, as columns.
    """
    e, v = SelfAdjointEigV2(tensor, compute_v=True, name=name)
    return e, v


@export("self_adjoint_eigvals", "linalg.eigvalsh")
def self_adjoint_eigvals(tensor: Any, name: Any = None) -> Any:
    """Computes the eigenvalues of Hermitian matrices.

    Args:
      tensor: `[…, n, n]`, floats or complex numbers; only the lower triangles are read.
      name: name for the node.

    Returns:
      The eigenvalues `[…, n]`, ascending.
    """
    return SelfAdjointEigV2(tensor, compute_v=False, name=name)[0]


@export("linalg.lu")
def lu(input: Any, output_idx_type: Any = Int32, name: Any = None) -> Any:
    """Factors matrices into lower and upper triangles, after permuting their rows.

    Args:
      input: `[…, n, n]`, floats or complex numbers.
      output_idx_type: `int32` or `int64`.
      name: name for the node.

    Returns:
      A named tuple of `lu`, both triangles in one matrix (the lower one's diagonal is all ones),
      and `p`, the order of the rows, `[…, n]`.
    """
    return Lu(input, output_idx_type=output_idx_type, name=name)


@export("linalg.adjoint")
def adjoint_of(matrix: Any, name: Any = None) -> Any:
    """Conjugates and transposes matrices.

    Args:
      matrix: `[…, m, n]`.
      name: name for the nodes.

    Returns:
      `[…, n, m]`, of the same type.
    """
    with name_scope(name, "adjoint", [matrix]):
        matrix = to_tensor(matrix, name="matrix")
        return matrix_transpose(matrix, conjugate=True)
