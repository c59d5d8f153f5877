"""Shapes as values: Shape, ShapeN, Size, Rank."""

from math import prod

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Tensor, Tensors, Type, f, i, op
from millstream.ops.by_name import ops

__all__ = ["rank", "shape", "shape_n", "size"]


@op
def Shape[T](input: Tensor[T], *, out_type: Type[Int32, Int64] = Int32) -> Tensor["out_type"]:
    """Gives the shape of a tensor, `[rank]`."""


@op
def ShapeN[T](
    input: Tensors[T, "N"], *, out_type: Type[Int32, Int64] = Int32
) -> Tensors["out_type", "N"]:
    """Gives the shapes of several tensors."""


@op
def Size[T](input: Tensor[T], *, out_type: Type[Int32, Int64] = Int32) -> Tensor["out_type"]:
    """Gives the number of elements of a tensor."""


@op
def Rank[T](input: Tensor[T]) -> Tensor[Int32]:
    """Gives the number of dimensions of a tensor."""


@Shape.shape
def _(input):
    return [input.ndims]


@Shape.kernel
@Shape.reference
def _(input, out_type):
    return np.array(np.shape(input), out_type.np)


@ShapeN.shape
def _(input):
    return tuple([shape.ndims] for shape in input)


@ShapeN.kernel
@ShapeN.reference
def _(input, out_type):
    return tuple(np.array(np.shape(x), out_type.np) for x in input)


Size.shape_scalar()


@Size.kernel
@Size.reference
def _(input, out_type):
    return out_type.np.type(prod(np.shape(input)))


Rank.shape_scalar()


@Rank.kernel
@Rank.reference
def _(input):
    return np.int32(np.ndim(input))


for _opdef in (Shape, Size, Rank):
    _opdef.no_gradient("a shape does not depend on the values")
    _opdef.examples(f[2, 3]).examples(i[()])
ShapeN.no_gradient("a shape does not depend on the values")
ShapeN.examples([f[2, 3], f[4]])
Shape.examples(f[2, 3], out_type=Int64)


@export("shape")
def shape(input, name=None, out_type=Int32):
    """Returns the shape of `input` as an integer vector, `[rank]`.

    A constant is made of a shape that is known while the graph is built.

    Args:
      input: a tensor or `SparseTensor`.
      name: name of the node.
      out_type: `tf.int32` or `tf.int64`.
    """
    return shape_internal(input, name, optimize=True, out_type=out_type)


def shape_internal(input, name=None, optimize=True, out_type=Int32):
    """Is `shape`; with `optimize` off, the node is made even if the shape is known."""
    out_type = as_dtype(out_type)
    with name_scope(name, "Shape", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            return ops.Cast(input.dense_shape, DstT=out_type)
        x = convert_to_tensor(input)
        if optimize and x.shape.is_fully_defined():
            return constant(x.shape.as_list(), out_type, name=scope)
        return Shape(x, out_type=out_type, name=scope)


@export("shape_n")
def shape_n(input, out_type=Int32, name=None):
    """Returns the shapes of the tensors in the list `input`, each as an integer vector."""
    return ShapeN(input, out_type=as_dtype(out_type), name=name)


@export("size")
def size(input, name=None, out_type=Int32):
    """Returns the number of elements of `input`; of a `SparseTensor`, its dense size.

    Args:
      input: a tensor or `SparseTensor`.
      name: name of the node.
      out_type: `tf.int32` or `tf.int64`.
    """
    return size_internal(input, name, optimize=True, out_type=out_type)


def size_internal(input, name=None, optimize=True, out_type=Int32):
    """Is `size`; with `optimize` off, the node is made even if the size is known."""
    out_type = as_dtype(out_type)
    with name_scope(name, "Size", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            sizes = ops.Cast(input.dense_shape, DstT=out_type)
            axes = constant([0], Int32, name="reduction_indices")
            return ops.Prod(sizes, axes, name=scope)
        x = convert_to_tensor(input)
        count = x.shape.num_elements() if optimize else None
        if count is not None:
            return constant(count, out_type, name=scope)
        return Size(x, out_type=out_type, name=scope)


@export("rank")
def rank(input, name=None):
    """Returns the number of dimensions of `input` as an int32 scalar."""
    return rank_internal(input, name, optimize=True)


def rank_internal(input, name=None, optimize=True):
    """Is `rank`; with `optimize` off, the node is made even if the rank is known."""
    with name_scope(name, "Rank", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            return Size(input.dense_shape, name=scope)
        x = convert_to_tensor(input)
        if optimize and x.shape.ndims is not None:
            return constant(x.shape.ndims, Int32, name=scope)
        return Rank(x, name=scope)
