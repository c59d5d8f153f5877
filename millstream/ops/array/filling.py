"""Ops that make arrays of one value: Fill, ZerosLike, OnesLike, Empty."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype, bool_, string
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    BFloat16,
    Bool,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    Tensor,
    Type,
    UInt8,
    UInt16,
    f,
    i,
    op,
)
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.array.reshaping import Reshape
from millstream.ops.array.shapes import shape_internal
from millstream.ops.by_name import ops

__all__ = ["fill", "ones", "ones_like", "zeros", "zeros_like"]

_SMALL = 1000  # elements that TF puts into a constant instead of a Fill


@op(static="dims", defaults={"index_type": Int32})
def Fill[T, index_type: (Int32, Int64)](dims: Tensor[index_type], value: Tensor[T]) -> Tensor[T]:
    """Makes an array of shape `dims` that holds one value everywhere."""


@op
def ZerosLike[T](x: Tensor[T]) -> Returns(y=Tensor[T]):
    """Makes zeros (empty strings, `False`) in the shape of `x`."""


_ONES = (
    *(BFloat16, Half, Float, Double, Int8, UInt8, Int16, UInt16, Int32, Int64),
    *(Complex64, Complex128, Bool),
)


@op
def OnesLike[T: _ONES](x: Tensor[T]) -> Returns(y=Tensor[T]):
    """Makes ones in the shape of `x`."""


@op(static="shape", stateful=True)
def Empty(shape: Tensor[Int32], *, dtype: Type, init: bool = False) -> Tensor["dtype"]:
    """Makes an array whose contents do not matter; it holds zeros."""


@Fill.shape
def _(dims_as_shape, value):
    if value.ndims not in (0, None):
        raise ValueError(f"Shape must be rank 0 but is rank {value.ndims}")
    return dims_as_shape


def _checked(dims):
    sizes = dims.tolist()
    if np.ndim(dims) != 1:
        raise errors.InvalidArgumentError(
            None, None, f"dims must represent a vector, got shape {list(np.shape(dims))}"
        )
    for index, size in enumerate(sizes):
        if size < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Dimension {index} must be >= 0, got {size}"
            )
    return sizes


@Fill.kernel
def _(dims, value):
    return jnp.full(_checked(dims), value)


@Fill.reference
def _(dims, value, T):
    result = np.empty(_checked(dims), T.np)
    result[...] = value
    return result


@Fill.gradient
def _(node, dy):
    rank = dy.shape.ndims
    if rank is None:
        axes = ops.Range(0, ops.Rank(dy), 1)
    else:
        axes = constant(np.arange(rank, dtype=np.int32))
    return [None, ops.Sum(dy, axes)]


Fill.examples([2, 3], f[()])
Fill.examples(np.zeros(0, np.int32), f[()])
Fill.fails("rank 0", [2, 3], f[2])


ZerosLike.shape_unchanged()
OnesLike.shape_unchanged()


@ZerosLike.kernel
def _(x):
    return jnp.zeros_like(x)


@ZerosLike.reference
def _(x, T):
    if T is string:
        return np.full(np.shape(x), b"", object)
    return np.zeros_like(x)  # lists of tensors know what that means for them


@OnesLike.kernel
def _(x):
    return jnp.ones_like(x)


@OnesLike.reference
def _(x, T):
    return np.ones(np.shape(x), T.np)


for _opdef in (ZerosLike, OnesLike):
    _opdef.no_gradient("constant")
    _opdef.examples(f[2, 3]).examples(i[()])


@Empty.shape
def _(shape_as_shape):
    return shape_as_shape


@Empty.kernel
@Empty.reference
def _(shape, dtype):
    return np.zeros(shape.tolist(), dtype.np)


Empty.no_gradient("constant")
Empty.examples([2, 3], dtype=Float, init=True)


# -- public


@export("fill")
def fill(dims, value, name=None):
    """Returns a tensor of shape `dims` that holds the scalar `value` everywhere.

    Gradient:
      That of `value` is the sum of the cotangents.
    """
    return Fill(dims, value, name=name)


@export("zeros")
def zeros(shape, dtype=Float, name=None):
    """Returns zeros of the given shape: empty strings for `tf.string`, `False` for `tf.bool`.

    Args:
      shape: sizes; a list, `TensorShape`, or integer vector that may be a tensor.
      dtype: the element type.
      name: name of the node.
    """
    dtype = as_dtype(dtype).base_dtype
    zero = {bool_: False, string: ""}.get(dtype, 0)
    return _full(shape, zero, dtype, name, "zeros")


@export("ones")
def ones(shape, dtype=Float, name=None):
    """Returns ones of the given shape.

    Args:
      shape: sizes; a list, `TensorShape`, or integer vector that may be a tensor.
      dtype: the element type.
      name: name of the node.
    """
    dtype = as_dtype(dtype).base_dtype
    return _full(shape, dtype == bool_ or 1, dtype, name, "ones")


def _full(shape, value, dtype, name, default):
    with name_scope(name, default, [shape]) as scope:
        if not isinstance(shape, SymbolicTensor):
            small = _small_constant(shape, value, dtype, scope)
            if small is not None:
                return small
            shape = _as_vector(shape)
        if shape.shape.ndims == 0 or not shape.shape.is_fully_defined():
            shape = Reshape(shape, [-1])
        return Fill(shape, constant(value, dtype), name=scope)


def _small_constant(shape, value, dtype, scope):
    """Returns a constant if the shape is a short static one; makes nodes else, as TF does."""
    try:
        shape = tuple(shape)
    except (TypeError, ValueError):
        return None
    if any(isinstance(size, SymbolicTensor) for size in shape):
        _size_check(shape)
        return None
    sizes = TensorShape(shape)
    if not sizes.is_fully_defined() or sizes.num_elements() >= _SMALL:
        return None
    return constant(value, dtype, shape=sizes, name=scope)


def _size_check(shape):
    """Makes the nodes that TF leaves behind when it asks whether a symbolic shape is small."""
    count = shape[0]
    for size in shape[1:]:
        count = ops.Mul(count, size, name="mul")
    ops.Less(count, _SMALL, name="Less")


def _as_vector(shape):
    try:
        sizes = TensorShape(shape)
    except (TypeError, ValueError):
        return convert_to_tensor(shape, Int32)
    if not sizes.is_fully_defined():
        return convert_to_tensor(shape, Int32)
    return convert_to_tensor(sizes, Int32)


@export("zeros_like")
def zeros_like(tensor, dtype=None, name=None, optimize=True):
    """Returns zeros in the shape of `tensor`.

    Args:
      tensor: a tensor or array.
      dtype: the element type, by default that of `tensor`.
      name: name of the node.
      optimize: whether to make a constant if the shape is known while the graph is built.
    """
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        base = tensor.dtype.base_dtype
        wanted = base if dtype is None else as_dtype(dtype).base_dtype
        if optimize and tensor.shape.is_fully_defined() and base.is_numpy_compatible:
            return zeros(tensor.shape, wanted, name=scope)
        if wanted is not base and base.is_numpy_compatible:
            return zeros(shape_internal(tensor, optimize=optimize), wanted, name=scope)
        return ZerosLike(tensor, name=scope)


@export("ones_like")
def ones_like(tensor, dtype=None, name=None, optimize=True):
    """Returns ones in the shape of `tensor`.

    Args:
      tensor: a tensor or array.
      dtype: the element type, by default that of `tensor`.
      name: name of the node.
      optimize: whether to use the shape if it is known while the graph is built.
    """
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        sizes = shape_internal(tensor, optimize=optimize)
        wanted = tensor.dtype.base_dtype if dtype is None else dtype
        result = ones(sizes, wanted, name=scope)
        result.set_shape(tensor.shape)
        return result
