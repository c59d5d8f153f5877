"""Ops that join strings: StringJoin, ReduceJoin."""

import numpy as np

from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, String, Tensor, Tensors, op
from millstream.ops.by_name import ops
from millstream.ops.string.elements import each, invalid

__all__ = ["reduce_join", "string_join"]


@op
def StringJoin(inputs: Tensors[String, "N"], *, separator: str = "") -> Tensor[String]:
    """Joins the strings of several arrays element by element; scalars go with every element."""


@op(static="reduction_indices")
def ReduceJoin(
    inputs: Tensor[String],
    reduction_indices: Tensor[Int32],
    *,
    keep_dims: bool = False,
    separator: str = "",
) -> Tensor[String]:
    """Joins the strings of an array along dimensions, the one listed first varying fastest."""


def _raw(separator):
    return separator.encode() if isinstance(separator, str) else separator


@StringJoin.shape
def _(inputs):
    shape = TensorShape([])
    unknown = False
    for other in inputs:
        if other.ndims is None:
            unknown = True
        elif other.ndims:
            shape = other if shape.ndims == 0 else _merged(shape, other)
    return unknown_shape() if unknown and shape.ndims == 0 else shape


def _merged(shape, other):
    if shape.ndims != other.ndims:
        raise ValueError(f"Shapes must be equal rank, but are {shape.ndims} and {other.ndims}")
    return shape.merge_with(other)


@StringJoin.reference
def _(inputs, separator):
    shapes = {np.shape(x) for x in inputs} - {()}
    if len(shapes) > 1:
        raise invalid(
            "Input shapes do not match: " + " vs. ".join(str(list(s)) for s in sorted(shapes))
        )
    between = _raw(separator)
    return each(lambda *parts: between.join(parts), *inputs)


StringJoin.no_gradient("strings have none")
StringJoin.examples([["a", "b"], "-", ["c", "d"]], separator=":")
StringJoin.fails("compatible", [["a", "b"], ["c"]])


@ReduceJoin.shape
def _(inputs, reduction_indices_value, keep_dims):
    if inputs.ndims is None or reduction_indices_value is None:
        return unknown_shape(inputs.ndims if keep_dims else None)
    axes = {int(a) % max(inputs.ndims, 1) for a in np.ravel(reduction_indices_value)}
    for a in np.ravel(reduction_indices_value):
        if not -inputs.ndims <= a < inputs.ndims:
            raise ValueError(f"Invalid reduction dimension {a} for input with {inputs.ndims} dims")
    sizes = enumerate(inputs.tuple)
    if keep_dims:
        return [1 if at in axes else d for at, d in sizes]
    return [d for at, d in sizes if at not in axes]


@ReduceJoin.reference
def _(inputs, reduction_indices, keep_dims, separator):
    rank = np.ndim(inputs)
    axes = [int(a) % max(rank, 1) for a in np.ravel(reduction_indices)]
    if len(set(axes)) != len(axes):
        raise invalid(f"Duplicate reduction dimension {axes}")
    kept = [d for d in range(rank) if d not in axes]
    shape = np.shape(inputs)
    rows = np.transpose(inputs, kept + axes[::-1]).reshape([shape[d] for d in kept] + [-1])
    if not axes:
        rows = np.reshape(inputs, (*shape, 1))
    between = _raw(separator)
    joined = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(joined.shape):
        joined[place] = between.join(rows[place])
    if keep_dims:
        joined = joined.reshape([1 if d in axes else shape[d] for d in range(rank)])
    return joined


ReduceJoin.no_gradient("strings have none")
ReduceJoin.examples([["a", "b"], ["c", "d"]], [1], separator="-")
ReduceJoin.examples([["a", "b"], ["c", "d"]], [1, 0], keep_dims=True)
ReduceJoin.fails("Invalid reduction dimension", ["a", "b"], [1])


@export("string_join", "strings.join")
def string_join(inputs, separator="", name=None):
    """Joins the strings of several tensors element by element.

    Args:
      inputs: list of string tensors of one shape; scalars go with every element.
      separator: put between the strings.
      name: name of the node.
    """
    return StringJoin(inputs, separator=separator, name=name)


@export("reduce_join", "strings.reduce_join")
def reduce_join(
    inputs,
    axis=None,
    keep_dims=None,
    separator="",
    name=None,
    reduction_indices=None,
    keepdims=None,
):
    """Joins the strings of a tensor along dimensions.

    Args:
      inputs: a string tensor.
      axis: the dimension, or list of dimensions the first of which
        varies fastest; by default all, row-major.
      keep_dims: the former name of `keepdims`.
      separator: put between the strings.
      name: name of the nodes' scope.
      reduction_indices: the former name of `axis`.
      keepdims: whether to keep the dimensions, with size 1.

    Raises:
      ValueError: if an argument is given under both of its names.
    """
    if keep_dims is not None and keepdims is not None:
        raise ValueError("Cannot specify both 'keep_dims' and 'keepdims'")
    if axis is not None and reduction_indices is not None:
        raise ValueError("Cannot specify both 'axis' and 'reduction_indices'")
    keep = bool(keep_dims if keepdims is None else keepdims)
    axis = reduction_indices if axis is None else axis
    with name_scope(name, "ReduceJoin", [inputs, axis]):
        inputs = convert_to_tensor(inputs)
        if axis is None:
            axis = _all_axes(inputs)
        return ReduceJoin(inputs, axis, keep_dims=keep, separator=separator)


def _all_axes(inputs):
    """Returns the dimensions of `inputs`, last first."""
    if inputs.shape.ndims is None:
        last = ops.Sub(ops.Rank(inputs), 1, name="sub")
        return ops.Range(last, -1, -1, name="range")
    return constant(np.arange(inputs.shape.ndims - 1, -1, -1, dtype=np.int32))
