"""Reductions along axes: `Sum`, `Mean`, `Max`, `All`, `ArgMax`, …, and their gradients."""

from typing import Any as Value

import numpy as np

from millstream.base.dtypes import Bool, Int32, Int64
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Number, Tensor, Type, b, c, f, i, op
from millstream.ir.static_value import constant_array
from millstream.ops.by_name import ops
from millstream.ops.math import _reducing as red
from millstream.ops.math._tables import ByNode, ElementwiseRule
from millstream.ops.math.cast import cast
from millstream.ops.math.complex_numbers import conj

__all__ = ["All", "Any", "ArgMax", "ArgMin", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"]

_INDEX = (Int32, Int64)
_reduction = op(static="reduction_indices", defaults={"Tidx": Int32})


@_reduction
def Sum[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Adds the elements along the axes `reduction_indices`."""


@_reduction
def Mean[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Averages the elements along the axes `reduction_indices`; integers are cut."""


@_reduction
def Prod[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Multiplies the elements along the axes `reduction_indices`."""


@_reduction
def Max[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Takes the largest element along the axes `reduction_indices`, passing over NaN."""


@_reduction
def Min[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Takes the smallest element along the axes `reduction_indices`, passing over NaN."""


@_reduction
def EuclideanNorm[T: Number, Tidx: _INDEX](
    input: Tensor[T], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[T]:
    """Computes the root of the sum of squares along the axes `reduction_indices`."""


@_reduction
def All[Tidx: _INDEX](
    input: Tensor[Bool], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[Bool]:
    """Tells whether all elements along the axes `reduction_indices` are true."""


@_reduction
def Any[Tidx: _INDEX](
    input: Tensor[Bool], reduction_indices: Tensor[Tidx], *, keep_dims: bool = False
) -> Tensor[Bool]:
    """Tells whether any element along the axes `reduction_indices` is true."""


# -- shapes and values


def _reduced_shape(
    input: Value, reduction_indices: Value, reduction_indices_value: Value, keep_dims: bool
):
    reduction_indices.with_rank_at_most(1)
    rank, axes = input.ndims, reduction_indices_value
    if rank is None or axes is None:
        return unknown_shape(rank if keep_dims else None)
    for axis in axes.ravel().tolist():
        if not -rank <= axis < rank:
            raise ValueError(
                f"Invalid reduction dimension {axis} for input with {rank} dimensions."
            )
    dropped = {axis % rank for axis in axes.ravel().tolist()}
    sizes = input.as_list()
    if keep_dims:
        return [1 if n in dropped else size for n, size in enumerate(sizes)]
    return [size for n, size in enumerate(sizes) if n not in dropped]


def _picked(of_type: Value) -> ByNode:
    """Makes a reference of a function that gives a reduction for an element type."""
    return ByNode(
        lambda node: red.with_axes(
            of_type(node.inputs[0].dtype.base_dtype), node.attrs["keep_dims"]
        )
    )


_VALUES: tuple[tuple[OpDef, Value, Value], ...] = (
    (Sum, lambda x, a, k: jnp.sum(x, a, keepdims=k), red.by_ufunc(np.add)),
    (Mean, red.mean_kernel, red.mean),
    (Prod, lambda x, a, k: jnp.prod(x, a, keepdims=k), red.by_ufunc(np.multiply)),
    (Max, red.extreme_kernel("max", red.lowest), red.extreme(np.maximum, np.fmax, red.lowest)),
    (Min, red.extreme_kernel("min", red.highest), red.extreme(np.minimum, np.fmin, red.highest)),
    (EuclideanNorm, red.norm_kernel, red.norm),
    (All, lambda x, a, k: jnp.all(x, a, keepdims=k), red.by_ufunc(np.logical_and)),
    (Any, lambda x, a, k: jnp.any(x, a, keepdims=k), red.by_ufunc(np.logical_or)),
)

for _op, _kernel, _of_type in _VALUES:
    _op.shape(_reduced_shape)
    _op.kernel(red.kernel(_kernel))
    _op.reference = ElementwiseRule(_op, "reference", _picked(_of_type))
    _data = b[2, 3, 4] if _op in (All, Any) else f[2, 3, 4]
    _op.examples(_data, 1).examples(_data, [0, -1], keep_dims=True)
    _op.examples(_data, np.zeros(0, np.int32)).examples(_data, np.array([0, 1, 2], np.int64))
    _op.fails("Invalid reduction dimension 3 for input with 3 dimensions", _data, 3)
    if _op not in (All, Any):
        _op.examples(i[2, 3], [1], T=Int32).examples(i[0, 3], [0], T=Int32)
Sum.examples(c[2, 3], 1)


# -- gradients


def _static_axes(node: Value) -> list[int] | None:
    """Lists the reduced axes, sorted, if axes and rank are known."""
    rank, axes = node.inputs[0].shape.ndims, constant_array(node.inputs[1])
    if rank is None or axes is None:
        return None
    return sorted({axis % rank for axis in axes.ravel().tolist()})


def kept(node: Value, y: Value) -> Value:
    """Gives `y`, shaped like a reduction's result, sizes of 1 for the axes that were dropped."""
    if node.attrs["keep_dims"]:
        return y
    x, axes = node.inputs[0], _static_axes(node)
    if axes is None:
        return ops.Reshape(y, reduced_shape(ops.Shape(x), node.inputs[1]))
    if len(axes) == x.shape.ndims:
        return ops.Reshape(y, np.ones(len(axes), np.int32)) if axes else y
    for axis in axes:
        y = ops.ExpandDims(y, axis)
    return y


def _spread(node: Value, dy: Value) -> Value:
    """Repeats a gradient along the axes that a reduction dropped."""
    x = node.inputs[0]
    shape = ops.Shape(x)
    if x.shape.is_fully_defined():
        shape = np.array(x.shape.as_list(), np.int32)
    return ops.BroadcastTo(kept(node, dy), shape)


@Sum.gradient
def _(node, dy):
    return [_spread(node, dy), None]


@Mean.gradient
def _(node, dy):
    x, axes = node.inputs[0], _static_axes(node)
    sizes = None if axes is None else [x.shape.as_list()[axis] for axis in axes]
    if sizes is None or None in sizes:
        every, out = (ops.Prod(ops.Shape(t), np.zeros(1, np.int32)) for t in (x, node.outputs[0]))
        count = cast(ops.FloorDiv(every, ops.Maximum(out, 1)), dy.dtype.base_dtype)
    else:
        count = np.asarray(np.prod(sizes), dy.dtype.base_dtype.np)
    return [_spread(node, ops.RealDiv(dy, count)), None]


def _extreme_gradient(node: Value, dy: Value) -> list[Value]:
    """Shares a gradient among the elements that are the extreme one."""
    x, axes = node.inputs
    chosen = cast(ops.Equal(kept(node, node.outputs[0]), x), dy.dtype.base_dtype)
    return [chosen / Sum(chosen, axes, keep_dims=True) * kept(node, dy), None]


Max.gradient(_extreme_gradient)
Min.gradient(_extreme_gradient)


@Prod.gradient
def _(node, dy):
    x, axes = conj(node.inputs[0]), _static_axes(node)
    if axes is None:
        others = _others_by_zeros(x, node.inputs[1])
    elif len(axes) == 1:
        others = _others(x, axes[0])
    else:
        others = _others_of_many(x, axes)
    return [_spread(node, dy) * others, None]


def _others(x: Value, axis: int) -> Value:
    """Multiplies, for each element, all others along an axis; right where some are zero."""
    before = ops.Cumprod(x, axis, exclusive=True)
    return before * ops.Cumprod(x, axis, exclusive=True, reverse=True)


def _others_of_many(x: Value, axes: list[int]) -> Value:
    """Is `_others` along several axes, which are made one at the front."""
    rest = [n for n in range(x.shape.ndims) if n not in axes]
    moved = ops.Transpose(x, np.array(axes + rest, np.int32))
    shape = ops.Shape(moved)
    kept_sizes = ops.StridedSlice(shape, [len(axes)], [len(axes) + len(rest)], [1], end_mask=1)
    flat = ops.Reshape(moved, ops.ConcatV2([np.array([-1], np.int32), kept_sizes], 0))
    back = np.argsort(axes + rest).astype(np.int32)
    return ops.Transpose(ops.Reshape(_others(flat, 0), shape), back)


def _others_by_zeros(x: Value, axes: Value) -> Value:
    """Is `_others` along axes that are not known: one zero leaves the product of the others."""
    zero = ops.Equal(x, np.zeros((), x.dtype.base_dtype.np))
    zeros = Sum(cast(zero, "int32"), axes, keep_dims=True)
    filled = ops.Select(zero, ops.OnesLike(x), x)
    product = Prod(filled, axes, keep_dims=True)
    others = ops.SelectV2(zero, product, product / filled)
    alone = ops.Equal(zeros, cast(zero, "int32"))
    return ops.SelectV2(alone, others, np.zeros((), x.dtype.base_dtype.np))


EuclideanNorm.no_gradient("TensorFlow 1 defines none")
All.no_gradient("its result is boolean")
Any.no_gradient("its result is boolean")


def reduced_shape(input_shape: Value, axes: Value) -> Value:
    """Computes, at run time, a shape whose sizes along `axes` are replaced by 1.

    Args:
      input_shape: an int32 vector.
      axes: an integer scalar or vector, as a tensor.

    Returns:
      An int32 vector of the same length.
    """
    input_shape, axes = cast(input_shape, "int32"), cast(axes, "int32")
    rank = ops.Size(input_shape)
    axes = ops.Reshape(ops.FloorMod(axes + rank, rank), [-1])
    # Made of vectors only, since compiling needs to know the result.
    dropped = ops.UnsortedSegmentSum(ops.OnesLike(axes), axes, rank)
    known = ops.Greater(dropped, np.int32(0))
    return ops.Select(known, ops.OnesLike(input_shape), input_shape)


# -- positions of extremes


_ORDERED = Number
_position = op(static="dimension", defaults={"Tidx": Int32})


@_position
def ArgMax[T: _ORDERED, Tidx: _INDEX](
    input: Tensor[T], dimension: Tensor[Tidx], *, output_type: Type[Int32, Int64] = Int64
) -> Tensor["output_type"]:
    """Finds the first position of the largest element along an axis."""


@_position
def ArgMin[T: _ORDERED, Tidx: _INDEX](
    input: Tensor[T], dimension: Tensor[Tidx], *, output_type: Type[Int32, Int64] = Int64
) -> Tensor["output_type"]:
    """Finds the first position of the smallest element along an axis."""


def _position_shape(input: TensorShape, dimension: TensorShape, dimension_value: Value) -> Value:
    dimension.with_rank(0)
    rank = input.ndims
    if rank is None or dimension_value is None:
        return unknown_shape(rank - 1 if rank else None)
    axis = int(dimension_value)
    if not -rank <= axis < rank:
        raise ValueError(
            f"Dimension ({axis}) must be in the range [{-rank}, {rank}), where {rank} is the "
            "number of dimensions in the input."
        )
    sizes = input.as_list()
    del sizes[axis]
    return sizes


def _position_rules(opdef: OpDef, xp: Value, name: str, replacement: Value) -> Value:
    def rule(input: Value, dimension: Value, output_type: Value) -> Value:
        axis = red.axes_of(input, dimension)[0]
        if input.shape[axis] == 0:
            sizes = ",".join(map(str, input.shape))
            message = f"Reduction axis {axis} is empty in shape [{sizes}]"
            raise InvalidArgumentError(None, None, message)
        if input.dtype.kind not in "iu" and (xp() is jnp or np.isnan(input).any()):
            # NaN is never the extreme.
            input = xp().where(input == input, input, replacement(input.dtype))
        if input.dtype.kind == "c":
            input = _ordered(xp(), input, name, axis)
        return getattr(xp(), name)(input, axis=axis).astype(output_type.np)

    return rule


def _ordered(xp: Value, x: Value, name: str, axis: int) -> Value:
    """Leaves, of complex numbers, the imaginary parts of those whose real part is extreme."""
    extreme = getattr(xp, name.removeprefix("arg"))(x.real, axis=axis, keepdims=True)
    worst = -np.inf if name == "argmax" else np.inf
    return xp.where(x.real == extreme, x.imag, worst)


for _op, _name, _replacement in (
    (ArgMax, "argmax", red.lowest),
    (ArgMin, "argmin", red.highest),
):
    _op.shape(_position_shape)
    _op.kernel(_position_rules(_op, lambda: jnp, _name, _replacement))
    _op.reference(_position_rules(_op, lambda: np, _name, _replacement))
    _op.no_gradient("its result is an integer")
    _op.examples(f[2, 3], 1).examples(i[4, 2], -2, output_type=Int32)
    _op.fails("must be in the range [-2, 2)", f[2, 3], 2).fails("must have rank 0", f[2], [0])
