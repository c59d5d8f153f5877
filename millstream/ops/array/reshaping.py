"""Ops that give the same elements another shape or type: Reshape, Squeeze, ExpandDims, Bitcast."""

from math import prod

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.spec import (
    BFloat16,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    QInt8,
    QInt16,
    QInt32,
    QUInt8,
    QUInt16,
    Tensor,
    Type,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    f,
    op,
)
from millstream.ops.array.shapes import shape_internal

__all__ = ["bitcast", "expand_dims", "reshape", "squeeze"]

_BITS = (
    *(BFloat16, Half, Float, Double, Int64, Int32, UInt8, UInt16, UInt32, UInt64, Int8, Int16),
    *(Complex64, Complex128, QInt8, QUInt8, QInt16, QUInt16, QInt32),
)


@op(static="shape", defaults={"Tshape": Int32})
def Reshape[T, Tshape: (Int32, Int64)](tensor: Tensor[T], shape: Tensor[Tshape]) -> Tensor[T]:
    """Gives the elements, in row-major order, another shape; one size may be -1."""


@op
def Squeeze[T](input: Tensor[T], *, squeeze_dims: list[int] = ()) -> Tensor[T]:
    """Drops dimensions of size 1: those in `squeeze_dims`, or all if it is empty."""


@op(static="dim", defaults={"Tdim": Int32})
def ExpandDims[T, Tdim: (Int32, Int64)](input: Tensor[T], dim: Tensor[Tdim]) -> Tensor[T]:
    """Inserts a dimension of size 1 at position `dim`."""


@op
def Bitcast[T: _BITS](input: Tensor[T], *, type: Type[_BITS]) -> Tensor["type"]:
    """Takes the elements' bytes for elements of another type.

    A narrower type adds a last dimension, a wider one drops it.
    """


# -- Reshape


@Reshape.shape
def _(tensor, shape_value, shape_as_shape):
    wanted = shape_as_shape.tuple
    if wanted is None:
        return shape_as_shape
    count = tensor.num_elements()
    unknown = wanted.count(None)
    known = prod(d for d in wanted if d is not None)
    if count is None or unknown > 1:
        return shape_as_shape
    if unknown == 0:
        if known != count:
            sizes = ",".join(map(str, wanted))
            raise ValueError(
                f"Cannot reshape a tensor with {count} elements to shape [{sizes}] "
                f"({known} elements)"
            )
        return shape_as_shape
    if known == 0:
        return shape_as_shape
    if count % known:
        raise ValueError(f"Dimension size must be evenly divisible by {known} but is {count}")
    del shape_value
    return [count // known if d is None else d for d in wanted]


def _resolved(count, shape):
    """Returns the sizes that `shape` asks for, -1 replaced, for a tensor of `count` elements.

    Raises:
      InvalidArgumentError: if they do not hold that many elements.
    """
    sizes = [int(d) for d in shape]
    inferred = sizes.index(-1) if -1 in sizes else None
    if sizes.count(-1) > 1:
        second = sizes.index(-1, inferred + 1)
        raise _refused(f"Only one input size may be -1, not both {inferred} and {second}")
    for index, size in enumerate(sizes):
        if size < -1:
            raise _refused(f"Size {index} must be non-negative, not {size}")
    known = prod(size for size in sizes if size != -1)
    if inferred is not None:
        if known == 0:
            raise _refused(
                "Reshape cannot infer the missing input size for an empty tensor unless all "
                "specified input sizes are non-zero"
            )
        if count % known:
            raise _refused(
                f"Input to reshape is a tensor with {count} values, but the requested shape "
                f"requires a multiple of {known}"
            )
        sizes[inferred] = count // known
    elif known != count:
        raise _refused(
            f"Input to reshape is a tensor with {count} values, but the requested shape has {known}"
        )
    return sizes


def _refused(message):
    return errors.InvalidArgumentError(None, None, message)


@Reshape.kernel
def _(tensor, shape):
    return jnp.reshape(tensor, _resolved(tensor.size, shape))


@Reshape.reference
def _(tensor, shape):
    tensor = np.asarray(tensor)
    sizes = shape.tolist()
    if -1 in sizes or prod(sizes) != tensor.size:
        sizes = _resolved(tensor.size, sizes)
    return tensor.reshape(sizes)


@Reshape.gradient
def _(node, dy):
    return [Reshape(dy, shape_internal(node.inputs[0])), None]


Reshape.examples(f[2, 3], [3, 2])
Reshape.examples(f[2, 3, 4], [4, -1])
Reshape.examples(f[1], np.zeros(0, np.int32))
Reshape.fails("Cannot reshape", f[2, 3], [4])


# -- Squeeze


def _squeezed_axes(rank, squeeze_dims):
    axes = set()
    for axis in squeeze_dims:
        if not -rank <= axis < rank:
            raise ValueError(f"squeeze_dims[{len(axes)}] not in [{-rank},{rank}).")
        axes.add(axis % rank)
    return axes


@Squeeze.shape
def _(input, squeeze_dims):
    sizes = input.tuple
    if sizes is None:
        return input
    axes = _squeezed_axes(len(sizes), squeeze_dims)
    if not axes:
        return [d for d in sizes if d != 1] if None not in sizes else unknown_shape()
    for axis in axes:
        if sizes[axis] not in (1, None):
            raise ValueError(
                f"Can not squeeze dim[{axis}], expected a dimension of 1, got {sizes[axis]}"
            )
    return [d for axis, d in enumerate(sizes) if axis not in axes]


@Squeeze.kernel
@Squeeze.reference
def _(input, squeeze_dims):
    sizes = np.shape(input)
    axes = _squeezed_axes(len(sizes), squeeze_dims)
    for axis in axes:
        if sizes[axis] != 1:
            raise _refused(
                f"Can not squeeze dim[{axis}], expected a dimension of 1, got {sizes[axis]}"
            )
    if not axes:
        return input.reshape([d for d in sizes if d != 1])
    return input.reshape([d for axis, d in enumerate(sizes) if axis not in axes])


@Squeeze.gradient
def _(node, dy):
    return Reshape(dy, shape_internal(node.inputs[0]))


Squeeze.examples(f[1, 2, 1])
Squeeze.examples(f[1, 2, 1], squeeze_dims=[-1])
Squeeze.examples(f[1, 1])
Squeeze.fails("Can not squeeze dim[1]", f[1, 2, 1], squeeze_dims=[1])
Squeeze.fails("not in", f[1, 2], squeeze_dims=[2])


# -- ExpandDims


def _position(rank, dim):
    if not -rank - 1 <= dim <= rank:
        raise ValueError(f"dim {dim} not in the interval [{-rank - 1}, {rank}].")
    return dim + rank + 1 if dim < 0 else dim


@ExpandDims.shape
def _(input, dim, dim_value):
    if dim.num_elements() not in (1, None):
        raise ValueError(f"'dim' input must be a tensor with a single value, not of shape {dim}")
    sizes = input.tuple
    if sizes is None or dim_value is None:
        return unknown_shape()
    at = _position(len(sizes), int(dim_value.item()))
    return [*sizes[:at], 1, *sizes[at:]]


@ExpandDims.kernel
@ExpandDims.reference
def _(input, dim):
    sizes = np.shape(input)
    at = int(dim) if np.ndim(dim) == 0 else int(dim.item())
    rank = len(sizes)
    if not -rank - 1 <= at <= rank:
        raise _refused(f"Tried to expand dim index {at} for tensor with {rank} dimensions.")
    at = at + rank + 1 if at < 0 else at
    return input.reshape([*sizes[:at], 1, *sizes[at:]])


@ExpandDims.gradient
def _(node, dy):
    return [Reshape(dy, shape_internal(node.inputs[0])), None]


ExpandDims.examples(f[2, 3], 1)
ExpandDims.examples(f[2, 3], -1)
ExpandDims.examples(f[()], 0)
ExpandDims.fails("not in the interval", f[2, 3], 3)


# -- Bitcast


@Bitcast.shape
def _(input, T, type):
    narrow, wide = T.np.itemsize, type.np.itemsize
    sizes = input.tuple
    if narrow == wide or sizes is None:
        return input
    if narrow > wide:
        return [*sizes, narrow // wide]
    ratio = wide // narrow
    if not sizes:
        raise ValueError(f"Cannot bitcast a scalar from {T.name} to {type.name}")
    if sizes[-1] not in (ratio, None):
        raise ValueError(f"Cannot bitcast due to shape. {sizes[-1]} does not match {ratio}")
    return TensorShape(sizes[:-1])


@Bitcast.kernel
def _(input, T, type):
    if T is type:
        return input
    if T.is_complex:
        # JAX takes no complex operands: their parts are adjacent numbers.
        input = jnp.stack([input.real, input.imag], -1)
        if type.np.itemsize < input.dtype.itemsize:
            parts = lax.bitcast_convert_type(input, type.np)
            return parts.reshape(*parts.shape[:-2], -1)
        if type.np.itemsize > T.np.itemsize:
            input = input.reshape(*input.shape[:-2], -1)
    if type.is_complex:
        parts = _real_parts(input, type)
        return lax.complex(parts[..., 0], parts[..., 1])
    return lax.bitcast_convert_type(input, type.np)


def _real_parts(input, type):
    """Returns the bytes of `input` as pairs of the real numbers that `type` is made of."""
    half = type.real_dtype.np
    if input.dtype.itemsize < half.itemsize:
        ratio = half.itemsize // input.dtype.itemsize
        input = input.reshape(*input.shape[:-1], 2, ratio)
    return lax.bitcast_convert_type(input, half)


@Bitcast.reference
def _(input, T, type):
    array = np.ascontiguousarray(input)
    narrow, wide = T.np.itemsize, type.np.itemsize
    if narrow >= wide:
        shape = array.shape if narrow == wide else (*array.shape, narrow // wide)
        return array.reshape(-1).view(type.np).reshape(shape if np.ndim(input) else shape[1:])
    if np.shape(input)[-1] != wide // narrow:
        raise _refused(
            f"Cannot bitcast from {T.name} to {type.name}: last dimension "
            f"{np.shape(input)[-1]} is not {wide // narrow}"
        )
    return array.reshape(-1).view(type.np).reshape(array.shape[:-1])


Bitcast.no_gradient("bits have none")
_bits = np.arange(1, 17, dtype=np.uint8).reshape(1, 16)
Bitcast.examples(np.float32([[1, 2], [3, 4]]), T=Float, type=Int32)
Bitcast.examples(np.float32([1, 2]), T=Float, type=UInt8)
Bitcast.examples(np.int32([[1, 2]]), T=Int32, type=Double)
Bitcast.examples(np.complex64([1 + 2j]), T=Complex64, type=Int16)
Bitcast.examples(np.complex64([1 + 2j]), T=Complex64, type=Double)
Bitcast.examples(np.complex64([[1 + 2j, 3]]), T=Complex64, type=Complex128)
Bitcast.examples(np.float64([1, 2]), T=Double, type=Complex64)
Bitcast.examples(np.float32([[1, 2]]), T=Float, type=Complex64)
Bitcast.examples(_bits, T=UInt8, type=Complex128)
Bitcast.fails("Cannot bitcast", np.zeros((2, 3), np.float32), type=Double)


# -- public


@export("reshape", "manip.reshape")
def reshape(tensor, shape, name=None):
    """Returns the elements of `tensor`, in row-major order, in another shape.

    Args:
      tensor: a tensor.
      shape: its new sizes, an integer vector or list; one may be -1, to be worked out.
      name: name of the node.

    Raises:
      ValueError: if the static shape has another number of elements.
      InvalidArgumentError: when it runs, if the value has.
    """
    return Reshape(tensor, shape, name=name)


@export("expand_dims")
def expand_dims(input, axis=None, name=None, dim=None):
    """Returns `input` with a dimension of size 1 inserted at position `axis`.

    Args:
      input: a tensor of rank `r`.
      axis: position in the result, from `-r - 1` to `r`.
      name: name of the node.
      dim: the same as `axis`, its former name.

    Raises:
      ValueError: if there is no axis, or `axis` and `dim`, or it is out of range.
    """
    if dim is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'dim'")
        axis = dim
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return ExpandDims(input, axis, name=name)


@export("squeeze")
def squeeze(input, axis=None, name=None, squeeze_dims=None):
    """Returns `input` without dimensions of size 1.

    Args:
      input: a tensor.
      axis: the dimension or list of dimensions to drop; by default all of size 1.
      name: name of the node.
      squeeze_dims: the same as `axis`, its former name.

    Raises:
      ValueError: if a dimension in `axis` has another size.
    """
    if squeeze_dims is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'squeeze_dims'")
        axis = squeeze_dims
    if axis is None:
        axis = []
    elif np.ndim(axis) == 0:
        axis = [axis]
    return Squeeze(input, squeeze_dims=list(axis), name=name)


@export("bitcast")
def bitcast(input, type, name=None):
    """Returns the bytes of `input` taken for elements of another type.

    Args:
      input: a numeric tensor, `[…]`, or `[…, n]` if `type` is `n` times as wide.
      type: the new element type; a narrower one adds a last dimension.
      name: name of the node.
    """
    return Bitcast(input, type=as_dtype(type), name=name)
