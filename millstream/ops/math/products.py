"""Products of matrices and vectors: `MatMul`, `BatchMatMul`, `SparseMatMul`, `Cross`."""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import UNKNOWN, TensorShape, broadcast
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    BFloat16,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int32,
    Int64,
    Real,
    Returns,
    Tensor,
    c,
    f,
    i,
    op,
)
from millstream.ops.by_name import ops
from millstream.ops.math._tables import ByNode, ElementwiseRule
from millstream.ops.math.cast import cast
from millstream.ops.math.complex_numbers import conj

__all__ = ["BatchMatMul", "BatchMatMulV2", "Cross", "MatMul", "SparseMatMul", "cross", "matmul"]

_TYPES = (BFloat16, Half, Float, Double, Int32, Int64, Complex64, Complex128)
_LOW = (dtypes.float16, dtypes.bfloat16)


# -- two matrices


@op
def MatMul[T: _TYPES](
    a: Tensor[T], b: Tensor[T], *, transpose_a: bool = False, transpose_b: bool = False
) -> Returns(product=Tensor[T]):
    """Multiplies two matrices, each transposed first if asked for."""


def _sizes(shape: TensorShape, swapped: bool) -> tuple[int | None, int | None]:
    rows, columns = shape.with_rank(2).as_list()
    return (columns, rows) if swapped else (rows, columns)


@MatMul.shape
def _(a, b, transpose_a, transpose_b):
    return _product_shape(a, b, transpose_a, transpose_b)


def _product_shape(a: TensorShape, b: TensorShape, swap_a: bool, swap_b: bool) -> list[int | None]:
    (rows, inner), (other, columns) = _sizes(a, swap_a), _sizes(b, swap_b)
    if inner is not None and other is not None and inner != other:
        raise ValueError(f"Dimensions must be equal, but are {inner} and {other}")
    return [rows, columns]


@MatMul.kernel
def _(a, b, transpose_a, transpose_b):
    contracted = ((0 if transpose_a else 1,), (1 if transpose_b else 0,))
    return lax.dot_general(a, b, (contracted, ((), ())))


def _plain_product(swap_a: bool, swap_b: bool) -> Any:
    # np.dot takes a [1, 1] zero for a factor that it need not apply, and so hides NaNs.
    if swap_a:
        return (lambda a, b: np.matmul(a.T, b.T)) if swap_b else (lambda a, b: np.matmul(a.T, b))
    return (lambda a, b: np.matmul(a, b.T)) if swap_b else np.matmul


def _pick_product(node: Any) -> Any:
    product = _plain_product(node.attrs["transpose_a"], node.attrs["transpose_b"])
    return _in_float32(product) if node.attrs["T"] in _LOW else product


def _in_float32(product: Any) -> Any:
    def wide(a: Any, b: Any) -> Any:
        return product(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)

    return wide


MatMul.reference = ElementwiseRule(MatMul, "reference", ByNode(_pick_product))


@MatMul.gradient
def _(node, dy):
    a, b = (conj(x) for x in node.inputs)
    swap_a, swap_b = node.attrs["transpose_a"], node.attrs["transpose_b"]
    if swap_a:
        return [
            MatMul(b, dy, transpose_a=swap_b, transpose_b=True),
            MatMul(dy, a, transpose_a=True, transpose_b=True) if swap_b else MatMul(a, dy),
        ]
    return [
        MatMul(dy, b, transpose_b=not swap_b),
        MatMul(dy, a, transpose_a=True) if swap_b else MatMul(a, dy, transpose_a=True),
    ]


MatMul.examples(f[2, 3], f[3, 4]).examples(f[3, 2], f[3, 4], transpose_a=True)
MatMul.examples(f[2, 3], f[4, 3], transpose_b=True)
MatMul.examples(f[3, 2], f[4, 3], transpose_a=True, transpose_b=True)
MatMul.fails("Dimensions must be equal, but are 3 and 2", f[2, 3], f[2, 3])
MatMul.fails("must have rank 2", f[2], f[2, 3])


# -- batches of matrices


@op
def BatchMatMul[T: _TYPES](
    x: Tensor[T], y: Tensor[T], *, adj_x: bool = False, adj_y: bool = False
) -> Tensor[T]:
    """Multiplies matrices pair by pair; `adj_x` and `adj_y` conjugate and transpose them first."""


@op
def BatchMatMulV2[T: _TYPES](
    x: Tensor[T], y: Tensor[T], *, adj_x: bool = False, adj_y: bool = False
) -> Tensor[T]:
    """Multiplies matrices pair by pair; the batch dimensions before them broadcast."""


def _batch_shape(x: TensorShape, y: TensorShape, adj_x: bool, adj_y: bool, combine: Any) -> Any:
    x, y = x.with_rank_at_least(2), y.with_rank_at_least(2)
    if x.ndims is None or y.ndims is None:
        return UNKNOWN
    return combine(x[:-2], y[:-2]).concatenate(_product_shape(x[-2:], y[-2:], adj_x, adj_y))


def _broadcast_batches(x: TensorShape, y: TensorShape) -> TensorShape:
    shape = broadcast(x, y)
    if shape is None:
        raise ValueError(f"Batch dimensions {x} and {y} do not broadcast")
    return shape


@BatchMatMul.shape
def _(x, y, adj_x, adj_y):
    return _batch_shape(x, y, adj_x, adj_y, lambda a, b: a.merge_with(b))


@BatchMatMulV2.shape
def _(x, y, adj_x, adj_y):
    return _batch_shape(x, y, adj_x, adj_y, _broadcast_batches)


def _adjoint(xp: Any, x: Any) -> Any:
    swapped = x.swapaxes(-1, -2)
    return xp.conj(swapped) if x.dtype.kind == "c" else swapped


def _batch_kernel(x: Any, y: Any, adj_x: bool, adj_y: bool) -> Any:
    return jnp.matmul(_adjoint(jnp, x) if adj_x else x, _adjoint(jnp, y) if adj_y else y)


def _batch_reference(x: Any, y: Any, adj_x: bool, adj_y: bool, T: Any) -> Any:
    if adj_x:
        x = _adjoint(np, x)
    if adj_y:
        y = _adjoint(np, y)
    return _in_float32(np.matmul)(x, y) if T in _LOW else np.matmul(x, y)


def _batch_gradient(opdef: Any) -> Any:
    def rule(node: Any, dz: Any) -> tuple[Any, Any]:
        x, y = node.inputs
        adj_x, adj_y = node.attrs["adj_x"], node.attrs["adj_y"]
        if adj_x:
            dx = opdef(y, dz, adj_x=adj_y, adj_y=True)
            dy = opdef(dz, x, adj_x=True, adj_y=True) if adj_y else opdef(x, dz)
        else:
            dx = opdef(dz, y, adj_y=not adj_y)
            dy = opdef(dz, x, adj_x=True) if adj_y else opdef(x, dz, adj_x=True)
        return dx, dy

    return rule


def _sum_batches(node: Any, dx: Any, dy: Any) -> list[Any]:
    """Sums gradients over the batch dimensions that were broadcast."""
    x, y = node.inputs
    batches = x.shape[:-2], y.shape[:-2]
    if all(s.is_fully_defined() for s in batches) and batches[0] == batches[1]:
        return [dx, dy]
    shapes = ops.Shape(x), ops.Shape(y)
    axes = ops.BroadcastGradientArgs(shapes[0][:-2], shapes[1][:-2])
    return [ops.Reshape(ops.Sum(d, r), s) for d, r, s in zip((dx, dy), axes, shapes, strict=True)]


for _op in (BatchMatMul, BatchMatMulV2):
    _op.kernel(_batch_kernel)
    _op.reference(_batch_reference)
    _op.examples(f[2, 3, 4], f[2, 4, 5]).examples(c[2, 4, 3], c[2, 4, 5], adj_x=True)
    _op.examples(f[2, 3, 4], f[2, 5, 4], adj_y=True).examples(f[3, 4], f[4, 5])
    _op.examples(f[2, 4, 3], f[2, 5, 4], adj_x=True, adj_y=True)
    _op.fails("Dimensions must be equal, but are 4 and 3", f[2, 3, 4], f[2, 3, 4])
    _op.fails("rank at least 2", f[3], f[3, 4])
BatchMatMulV2.examples(f[2, 3, 4], f[4, 5]).examples(f[2, 1, 3, 4], f[3, 4, 5])
BatchMatMul.fails("not compatible", f[2, 3, 4], f[3, 4, 5])
BatchMatMul.gradient(lambda node, dz: list(_batch_gradient(BatchMatMul)(node, dz)))
BatchMatMulV2.gradient(
    lambda node, dz: _sum_batches(node, *_batch_gradient(BatchMatMulV2)(node, dz))
)


# -- others


@op(defaults={"Ta": Float, "Tb": Float})
def SparseMatMul[Ta: (Float, BFloat16), Tb: (Float, BFloat16)](
    a: Tensor[Ta],
    b: Tensor[Tb],
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
) -> Returns(product=Tensor[Float]):
    """Multiplies two matrices, of float32 or bfloat16, that may hold many zeros."""


@SparseMatMul.shape
def _(a, b, transpose_a, transpose_b):
    return _product_shape(a, b, transpose_a, transpose_b)


@SparseMatMul.kernel
def _(a, b, transpose_a, transpose_b):
    contracted = ((0 if transpose_a else 1,), (1 if transpose_b else 0,))
    return lax.dot_general(a.astype(np.float32), b.astype(np.float32), (contracted, ((), ())))


@SparseMatMul.reference
def _(a, b, transpose_a, transpose_b):
    product = _plain_product(transpose_a, transpose_b)
    return product(a.astype(np.float32, copy=False), b.astype(np.float32, copy=False))


@SparseMatMul.gradient
def _(node, dy):
    a, b = node.inputs
    swap_a, swap_b = node.attrs["transpose_a"], node.attrs["transpose_b"]

    def product(x: Any, y: Any, target: Any, transpose_a: bool, transpose_b: bool) -> Any:
        z = SparseMatMul(x, y, transpose_a=transpose_a, transpose_b=transpose_b)
        return cast(z, target.dtype.base_dtype)

    return [
        product(b, dy, a, swap_b, True) if swap_a else product(dy, b, a, False, not swap_b),
        product(dy, a, b, True, swap_a) if swap_b else product(a, dy, b, not swap_a, False),
    ]


SparseMatMul.examples(f[2, 3], f[3, 4]).examples(
    f[3, 2], f[4, 3], transpose_a=True, transpose_b=True
)
SparseMatMul.fails("Dimensions must be equal, but are 3 and 2", f[2, 3], f[2, 3])


@op
def Cross[T: Real](a: Tensor[T], b: Tensor[T]) -> Returns(product=Tensor[T]):
    """Computes cross products of vectors in three dimensions, `[…, 3]`."""


@Cross.shape
def _(a, b):
    shape = a.with_rank_at_least(1).merge_with(b)
    if shape.ndims is not None and shape.as_list()[-1] not in (None, 3):
        raise ValueError(f"Dimension must be 3 but is {shape.as_list()[-1]}")
    return shape


def _cross(xp: Any, a: Any, b: Any) -> Any:
    if a.shape[-1] != 3:
        raise InvalidArgumentError(None, None, f"Cross-products need 3 components, not {a.shape}")
    (a0, a1, a2), (b0, b1, b2) = ([x[..., n] for n in range(3)] for x in (a, b))
    return xp.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=-1)


Cross.kernel(lambda a, b: _cross(jnp, a, b))
Cross.reference(lambda a, b: np.cross(a, b).astype(a.dtype, copy=False))


@Cross.gradient
def _(node, dy):
    a, b = node.inputs
    return [Cross(b, dy), Cross(dy, a)]


Cross.examples(f[2, 3], f[2, 3]).examples(i[3], i[3])
Cross.fails("must be 3", f[2, 4], f[2, 4]).fails("not compatible", f[2, 3], f[3])


@export("cross", "linalg.cross")
def cross(a: Any, b: Any, name: Any = None) -> Any:
    """Computes cross products of vectors in three dimensions.

    Args:
      a: `[…, 3]`, real numbers.
      b: the same shape and type.
      name: name for the node.

    Returns:
      A tensor of the same shape and type.
    """
    return Cross(a, b, name=name)


@export("sparse_matmul")
def sparse_matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """Multiplies two matrices that may hold many zeros.

    Args:
      a: `[m, k]`, `float32` or `bfloat16`.
      b: `[k, n]`, `float32` or `bfloat16`.
      transpose_a: whether `a` is given as `[k, m]`.
      transpose_b: whether `b` is given as `[n, k]`.
      a_is_sparse: whether `a` holds many zeros.
      b_is_sparse: whether `b` holds many zeros.
      name: name for the node.

    Returns:
      `[m, n]`, `float32`.
    """
    return SparseMatMul(
        a, b, transpose_a=transpose_a, transpose_b=transpose_b,
        a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, name=name,
    )  # fmt: skip


@export("matmul", "linalg.matmul")
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """Multiplies matrices, or batches of matrices pair by pair.

    Args:
      a: `[…, m, k]`, a numeric tensor.
      b: `[…, k, n]`, the same type.
      transpose_a: whether `a` is given as `[…, k, m]`.
      transpose_b: whether `b` is given as `[…, n, k]`.
      adjoint_a: the same, conjugated.
      adjoint_b: the same, conjugated.
      a_is_sparse: whether the matrix `a` holds many zeros.
      b_is_sparse: whether the matrix `b` holds many zeros.
      name: name for the node.

    Returns:
      `[…, m, n]`, of the same type.

    Raises:
      ValueError: if a matrix is to be both transposed and adjoint, or the inner sizes differ.
    """
    with name_scope(name, "MatMul", [a, b]) as scope:
        for letter, both in (("a", transpose_a and adjoint_a), ("b", transpose_b and adjoint_b)):
            if both:
                raise ValueError(
                    f"Only one of transpose_{letter} and adjoint_{letter} can be True."
                )
        a = to_tensor(a, name="a")
        b = to_tensor(b, a.dtype.base_dtype if _is_plain(b) else None, name="b")
        batches = any(x.shape.ndims is None or x.shape.ndims > 2 for x in (a, b))
        if batches and not (a_is_sparse or b_is_sparse):
            a, b = (conj(a) if transpose_a else a), (conj(b) if transpose_b else b)
            adj_x, adj_y = transpose_a or adjoint_a, transpose_b or adjoint_b
            return BatchMatMulV2(a, b, adj_x=adj_x, adj_y=adj_y, name=scope)
        a, b = (conj(a) if adjoint_a else a), (conj(b) if adjoint_b else b)
        swaps = {"transpose_a": transpose_a or adjoint_a, "transpose_b": transpose_b or adjoint_b}
        if not _wants_sparse(a, b, a_is_sparse or b_is_sparse):
            return MatMul(a, b, **swaps, name=scope)
        product = SparseMatMul(
            a, b, **swaps, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, name=scope
        )
        low = all(x.dtype.base_dtype is dtypes.bfloat16 for x in (a, b))
        return cast(product, dtypes.bfloat16) if low else product


def _is_plain(value: Any) -> bool:
    return not hasattr(value, "dtype")


def _wants_sparse(a: Any, b: Any, asked: bool) -> bool:
    types = {a.dtype.base_dtype, b.dtype.base_dtype}
    if asked and types <= {dtypes.bfloat16, dtypes.float32}:
        return True
    return dtypes.bfloat16 in types and len(types) > 1
