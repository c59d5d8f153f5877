"""Placeholders: tensors whose values are fed."""

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.spec import Int64, Shape, Tensor, Type, f, op

__all__ = ["placeholder", "placeholder_with_default", "sparse_placeholder"]

_ANY_SHAPE = unknown_shape()


# The runtime refuses a step that needs a placeholder and does not feed it, so these
# have nothing to run.
@op(stateful=True)
def Placeholder(*, dtype: Type, shape: Shape = _ANY_SHAPE) -> Tensor["dtype"]:
    """Stands for a value that must be fed."""


@op(stateful=True)
def PlaceholderV2(*, dtype: Type, shape: Shape) -> Tensor["dtype"]:
    """Stands for a value that must be fed."""


@op
def PlaceholderWithDefault(input: Tensor["dtype"], *, dtype: Type, shape: Shape) -> Tensor["dtype"]:
    """Passes its input on unless another value is fed."""


@Placeholder.shape
def _(shape):
    return shape


@PlaceholderV2.shape
def _(shape):
    return shape


for _opdef in (Placeholder, PlaceholderV2):
    _opdef.no_gradient("it has no inputs")


@PlaceholderWithDefault.shape
def _(input, shape):
    shape.merge_with(input)
    return shape


@PlaceholderWithDefault.kernel
@PlaceholderWithDefault.reference
def _(input):
    return input


@PlaceholderWithDefault.gradient
def _(_node, dy):
    return dy


PlaceholderWithDefault.examples(f[2, 3], shape=[None, 3])
PlaceholderWithDefault.fails("not compatible", f[2, 3], shape=[4, 3])


@export("placeholder")
def placeholder(dtype, shape=None, name=None):
    """Returns a tensor whose value every step that needs it must feed.

    Args:
      dtype: the element type.
      shape: the shape that fed values must have, `None` for unknown sizes, or for any shape.
      name: name of the node.
    """
    return Placeholder(dtype=as_dtype(dtype), shape=shape, name=name)


@export("placeholder_with_default")
def placeholder_with_default(input, shape, name=None):
    """Returns a tensor with the value of `input`, unless a step feeds another.

    Args:
      input: the default value.
      shape: the shape that values must have; that of `input` must fit it.
      name: name of the node.

    Raises:
      ValueError: if the shape of `input` contradicts `shape`.
    """
    return PlaceholderWithDefault(input, shape=shape, name=name)


@export("sparse_placeholder", "sparse.placeholder")
def sparse_placeholder(dtype, shape=None, name=None):
    """Returns a `SparseTensor` whose value every step that needs it must feed.

    Args:
      dtype: the element type.
      shape: the dense shape, a list or tensor; `None`, or unknown sizes in it, are fed too.
      name: prefix of the names of the three placeholders, `<name>/values` and so on.
    """
    part = "" if name is None else name + "/"
    rank, dense = None, None
    if shape is not None and not hasattr(shape, "graph"):
        rank = TensorShape(shape).ndims
        sizes = TensorShape(shape).as_list() if rank is not None else None
        if sizes is not None and None not in sizes:
            dense = constant(np.array(sizes, np.int64), name=f"{part}shape" if part else "Const")
    elif shape is not None:
        dense = convert_to_tensor(shape)
        rank = dense.shape.as_list()[0] if dense.shape.ndims == 1 else None
    if dense is None:
        dense = placeholder(Int64, [rank], f"{part}shape" if part else None)
    values = placeholder(dtype, [None], f"{part}values" if part else None)
    indices = placeholder(Int64, [None, rank], f"{part}indices" if part else None)
    return SparseTensor(indices, values, dense)
