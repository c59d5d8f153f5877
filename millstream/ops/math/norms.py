"""Norms of vectors and matrices: `tf.norm`, `tf.linalg.normalize`."""

from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, squeeze
from millstream.ops.by_name import ops
from millstream.ops.math import functions
from millstream.ops.math.arithmetic import pow
from millstream.ops.math.cast import cast
from millstream.ops.math.complex_numbers import conj
from millstream.ops.math.reductions import either, reduce_max, reduce_sum

__all__ = ["norm", "normalize"]

_OF_VECTORS = ("euclidean", 1, 2, np.inf)
_OF_MATRICES = ("euclidean", "fro", 1, 2, np.inf)
_AXIS = "'axis' must be None, an integer, or a tuple of 2 unique integers"


def _axes(ord: Any, axis: Any) -> tuple[Any, bool]:
    """Checks kind and axes of a norm; returns the axes, and whether matrices are meant.

    Raises:
      ValueError: if there is no such norm.
    """
    if isinstance(axis, (tuple, list)) and len(axis) == 2:
        if axis[0] == axis[1]:
            raise ValueError(_AXIS)
        if ord not in _OF_MATRICES:
            raise ValueError(
                f"'ord' must be a supported matrix norm in {list(_OF_MATRICES)}, got {ord}"
            )
        return tuple(axis), True
    if not (axis is None or isinstance(axis, int)):
        raise ValueError(_AXIS)
    if ord not in _OF_VECTORS and (isinstance(ord, str) or not np.isreal(ord) or ord <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    return (None if axis is None else (axis,)), False


def _spectral(tensor: Tensor, axis: tuple[int, int]) -> Tensor:
    """Computes the largest singular value of the matrices in the plane of two axes."""
    rank = tensor.shape.ndims
    if rank is None:
        raise ValueError("The rank of the tensor must be known for the matrix norm 2")
    rows, columns = (n % rank for n in axis)
    order = [n for n in range(rank) if n not in (rows, columns)] + [rows, columns]
    values = ops.Svd(transpose(tensor, order), compute_uv=False)[0]
    largest = expand_dims(reduce_max(functions.abs(values), axis=-1, keepdims=True), axis=-1)
    return transpose(largest, np.argsort(order).tolist())


def _of_powers(tensor: Tensor, ord: Any, axis: Any, is_matrix: bool) -> Tensor:
    """Computes the norms that are made of absolute values."""
    sizes = functions.abs(tensor)
    if ord == 1:
        sums = reduce_sum(sizes, None if axis is None else axis[0], keepdims=True)
        return reduce_max(sums, axis[-1], keepdims=True) if is_matrix else sums
    if ord == np.inf:
        if is_matrix:
            sizes = reduce_sum(sizes, axis[1], keepdims=True)
        return reduce_max(sizes, None if axis is None else axis[0], keepdims=True)
    return pow(reduce_sum(pow(sizes, ord), axis, keepdims=True), 1.0 / ord)


@export("norm", "linalg.norm")
def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: Any = None,
    keep_dims: Any = None,
) -> Any:  # fmt: skip
    """Computes norms of vectors or matrices.

    Args:
      tensor: a tensor of floats or complex numbers.
      ord: `"euclidean"`, a positive number or `np.inf`; for matrices `"fro"`, 1, 2 or `np.inf`.
      axis: the axis of vectors, or two axes of matrices; by default all elements are one vector.
      keepdims: whether to keep the reduced axes, with size 1.
      name: name for the nodes.
      keep_dims: the former name of `keepdims`.

    Returns:
      A tensor of the same type.

    Raises:
      ValueError: if `ord` or `axis` is not one of these.
    """
    keepdims = bool(either("keepdims", keepdims, "keep_dims", keep_dims))
    axis, is_matrix = _axes(ord, axis)
    with name_scope(name, "norm", [tensor]):
        tensor = to_tensor(tensor)
        if ord in ("fro", "euclidean", 2):
            if is_matrix and ord == 2:
                result = _spectral(tensor, axis)
            else:
                squares = ops.Mul(tensor, conj(tensor), name="mul")
                result = functions.sqrt(reduce_sum(squares, axis, keepdims=True))
        else:
            result = _of_powers(tensor, ord, axis, is_matrix)
        return result if keepdims else squeeze(result, axis)


@export("linalg.normalize")
def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: Any = None
) -> tuple[Any, Any]:
    """Divides vectors or matrices by their norms.

    Args:
      tensor: a tensor of floats or complex numbers.
      ord: the kind of norm, as for `norm`.
      axis: the axis of vectors, or two axes of matrices, as for `norm`.
      name: name for the nodes.

    Returns:
      The normalised tensor, and the norms with the reduced axes kept.
    """
    with name_scope(name, "normalize", [tensor]):
        tensor = to_tensor(tensor)
        size = cast(norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / size, size
