"""Sums of products over chosen axes: `tf.tensordot`, `tf.linalg.matvec`, `tf.trace`."""

from math import prod
from typing import Any, NamedTuple

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, reshape, squeeze
from millstream.ops.array.shapes import rank, shape
from millstream.ops.by_name import ops
from millstream.ops.math.products import matmul
from millstream.ops.math.ranges import range as counted
from millstream.ops.math.reductions import reduce_prod, reduce_sum

__all__ = ["matvec", "tensordot", "trace"]


class _Matrix(NamedTuple):
    """A tensor made a matrix, one of whose sides is the axes to sum over.

    `free` are the sizes of the other axes, as a list if they are known, else as a tensor;
    `known` is what is known of them, or `None` if not even their number is.
    """

    tensor: Tensor
    free: Any
    known: list[int | None] | None


def _as_matrix(x: Tensor, axes: Any, axes_first: bool) -> _Matrix:
    if not isinstance(axes, list) or x.shape.ndims is None:
        return _of_unknown_axes(x, axes, axes_first)
    axes = [axis if axis >= 0 else axis + x.shape.ndims for axis in axes]
    free = [axis for axis in range(x.shape.ndims) if axis not in axes]
    sizes = x.shape.as_list()
    if x.shape.is_fully_defined():
        order = axes + free if axes_first else free + axes
        sides = prod(sizes[a] for a in axes), prod(sizes[a] for a in free)
        flat = reshape(transpose(x, order), list(sides if axes_first else sides[::-1]))
        return _Matrix(flat, [sizes[a] for a in free], [sizes[a] for a in free])
    axes_tensor = to_tensor(axes, dtypes.int32, name="axes")
    free_tensor = to_tensor(free, dtypes.int32, name="free")
    return _at_run_time(x, shape(x), axes_tensor, free_tensor, axes_first, [sizes[a] for a in free])


def _of_unknown_axes(x: Tensor, axes: Any, axes_first: bool) -> _Matrix:
    sizes, dims = shape(x), rank(x)
    axes = to_tensor(axes, dtypes.int32, name="axes")
    axes = ops.Select(axes >= 0, axes, axes + dims)
    free = ops.ListDiff(counted(dims), axes)[0]
    return _at_run_time(x, sizes, axes, free, axes_first, None)


def _at_run_time(
    x: Tensor, sizes: Tensor, axes: Tensor, free: Tensor, axes_first: bool, known: Any
) -> _Matrix:
    free_sizes, axes_sizes = ops.GatherV2(sizes, free, 0), ops.GatherV2(sizes, axes, 0)
    sides = [reduce_prod(free_sizes), reduce_prod(axes_sizes)]
    order = concat([axes, free] if axes_first else [free, axes], 0)
    flat_shape = stack(sides[::-1] if axes_first else sides)
    return _Matrix(reshape(transpose(x, order), flat_shape), free_sizes, known)


def _axes_of(a: Tensor, axes: Any) -> tuple[Any, Any]:
    """Splits the argument `axes` into those of either operand.

    Raises:
      ValueError: if it is neither a possible number of axes nor two lists of equal length.
    """
    if isinstance(axes, int):
        return _last_axes(a, axes)
    if not isinstance(axes, (list, tuple)):
        axes = to_tensor(axes, dtypes.int32, name="axes")
        return axes[0], axes[1]
    if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    first, second = ([x] if isinstance(x, int) else x for x in axes)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if len(first) != len(second):
            raise ValueError(
                f"Different number of contraction axes 'a' and 'b', {len(first)} != {len(second)}."
            )
        return list(first), list(second)
    return first, second


def _last_axes(a: Tensor, count: int) -> tuple[Any, Any]:
    if count < 0:
        raise ValueError("'axes' must be at least 0.")
    dims = a.shape.ndims
    if dims is None:
        known = rank(a)
        return counted(known - count, known), counted(count)
    if count > dims:
        raise ValueError(f"'axes' must not be larger than the number of dimensions of tensor {a}.")
    return list(range(dims - count, dims)), list(range(count))


@export("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any, name: Any = None) -> Any:
    """Multiplies two tensors and sums over some axes of one and as many of the other.

    Args:
      a: a tensor of floats, integers or complex numbers.
      b: a tensor of the same type.
      axes: how many axes to sum over, the last of `a` and the first of `b`; or a list of axes of
        `a` and a list of those of `b`.
      name: name for the nodes.

    Returns:
      A tensor whose axes are the others of `a`, then the others of `b`.

    Raises:
      ValueError: if `axes` names too many axes, or differently many.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a, b = to_tensor(a, name="a"), to_tensor(b, name="b")
        a_axes, b_axes = _axes_of(a, axes)
        left, right = _as_matrix(a, a_axes, False), _as_matrix(b, b_axes, True)
        product = matmul(left.tensor, right.tensor)
        if isinstance(left.free, list) and isinstance(right.free, list):
            return reshape(product, left.free + right.free, name=scope)
        sizes = [to_tensor(side.free, dtypes.int32) for side in (left, right)]
        result = reshape(product, concat(sizes, 0), name=scope)
        if left.known is not None and right.known is not None:
            result.set_shape(left.known + right.known)
        return result


@export("linalg.matvec")
def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: Any = None,
) -> Any:  # fmt: skip
    """Multiplies matrices with vectors.

    Args:
      a: `[…, m, k]`, a numeric tensor.
      b: `[…, k]`, the same type.
      transpose_a: whether `a` is given as `[…, k, m]`.
      adjoint_a: the same, conjugated.
      a_is_sparse: whether the matrix `a` holds many zeros.
      b_is_sparse: whether the vector `b` holds many zeros.
      name: name for the nodes.

    Returns:
      `[…, m]`, of the same type.
    """
    with name_scope(name, "MatVec", [a, b]):
        product = matmul(
            a, expand_dims(b, axis=-1), transpose_a=transpose_a, adjoint_a=adjoint_a,
            a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse,
        )  # fmt: skip
        return squeeze(product, axis=-1)


@export("trace", "linalg.trace")
def trace(x: Any, name: Any = None) -> Any:
    """Adds the elements of the main diagonal of each matrix.

    Args:
      x: `[…, m, n]`, numbers.
      name: name for the last node.

    Returns:
      `[…]`, of the same type.
    """
    with name_scope(name, "Trace", [x]) as scope:
        diagonal = ops.MatrixDiagPart(to_tensor(x, name="x"), name="diag_part")
        return reduce_sum(diagonal, [-1], name=scope)
