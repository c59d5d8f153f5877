"""Reductions along axes: `Sum`, `Mean`, `Max`, `All`, `ArgMax`, …, and their gradients."""

from typing import Any as Value

import numpy as np

from millstream.base.dtypes import Bool, Int32, Int64, bfloat16
from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Number, Tensor, Type, b, c, f, i, op
from millstream.ir.static_value import constant_array
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.complex_numbers import conj

__all__ = ["All", "Any", "ArgMax", "ArgMin", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"]

_INDEX = (Int32, Int64)
_LOW = (np.dtype(np.float16), bfloat16.np)
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


def axes_of(x: Value, indices: Value) -> tuple[int, ...]:
    """Lists the axes that an array of reduction indices names, each once.

    Raises:
      InvalidArgumentError: if `x` has no such axis.
    """
    found = indices.tolist()
    if type(found) is int:
        found = [found]
    rank = x.ndim
    for axis in found:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None,
                None,
                f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)",
            )
    if len(found) < 2:
        return tuple(found)
    return tuple(dict.fromkeys(axis % rank for axis in found))


def _wide(x: Value) -> Value:
    return x.astype(np.float32) if x.dtype in _LOW else x


def _sum(x: Value, axes: Value, keep: bool) -> Value:
    return np.add.reduce(_wide(x), axes, x.dtype if x.dtype not in _LOW else None, None, keep)


def _rule(fn: Value) -> Value:
    """Makes a rule of `fn(x, axes, keep)`, whose result is brought to the input's type."""

    def rule(input: Value, reduction_indices: Value, keep_dims: bool) -> Value:
        return fn(input, axes_of(input, reduction_indices), keep_dims).astype(input.dtype)

    return rule


def _exact(fn: Value) -> Value:
    """Makes a rule of `fn(x, axes, keep)`, whose result is of the input's type already."""

    def rule(input: Value, reduction_indices: Value, keep_dims: bool) -> Value:
        return fn(input, axes_of(input, reduction_indices), keep_dims)

    return rule


def _count(x: Value, axes: tuple[int, ...]) -> int:
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


def _mean(x: Value, axes: Value, keep: bool) -> Value:
    count, total = _count(x, axes), _sum(x, axes, keep)
    if x.dtype.kind in "iu":
        # Cut towards zero; floats could not hold every int64.
        return np.sign(total) * (np.abs(total) // max(count, 1))
    return total / total.dtype.type(count)


def _mean_kernel(x: Value, axes: Value, keep: bool) -> Value:
    count = _count(x, axes)
    if x.dtype.kind in "iu":
        total = jnp.sum(x, axes, dtype=x.dtype, keepdims=keep)
        return lax.div(total, jnp.full_like(total, max(count, 1)))
    return jnp.sum(x, axes, keepdims=keep) / count if count else jnp.mean(x, axes, keepdims=keep)


def lowest(dtype: Value) -> Value:
    """Gives the identity of the maximum: minus infinity, or the smallest integer."""
    return dtype.type(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf)


def highest(dtype: Value) -> Value:
    """Gives the identity of the minimum: infinity, or the largest integer."""
    return dtype.type(np.iinfo(dtype).max if dtype.kind in "iu" else np.inf)


def _extreme(ufunc: Value, nan_free: Value, initial: Value) -> Value:
    def reduced(x: Value, axes: Value, keep: bool) -> Value:
        used = ufunc if x.dtype.kind in "iu" else nan_free
        return used.reduce(x, axes, None, None, keep, initial(x.dtype))

    return reduced


def _extreme_kernel(name: str, initial: Value) -> Value:
    def reduced(x: Value, axes: Value, keep: bool) -> Value:
        start = initial(x.dtype)
        if x.dtype.kind not in "iu":
            x = jnp.where(x == x, x, start)
        return getattr(jnp, name)(x, axes, keepdims=keep, initial=start)

    return reduced


def _squared(xp: Value, x: Value) -> Value:
    return (xp.conj(x) * x).real if x.dtype.kind == "c" else xp.square(x)


def _norm(x: Value, axes: Value, keep: bool) -> Value:
    return np.sqrt(np.add.reduce(_squared(np, _wide(x)), axes, None, None, keep))


def _norm_kernel(x: Value, axes: Value, keep: bool) -> Value:
    wide = x.astype(np.float64) if x.dtype.kind in "iu" else x
    return jnp.sqrt(jnp.sum(_squared(jnp, wide), axes, keepdims=keep))


_VALUES: tuple[tuple[OpDef, Value, Value], ...] = (
    (Sum, _rule(lambda x, a, k: jnp.sum(x, a, keepdims=k)), _rule(_sum)),
    (Mean, _rule(_mean_kernel), _rule(_mean)),
    (Prod, _rule(lambda x, a, k: jnp.prod(x, a, keepdims=k)),
     _rule(lambda x, a, k: np.multiply.reduce(_wide(x), a, None, None, k))),
    (Max, _exact(_extreme_kernel("max", lowest)), _exact(_extreme(np.maximum, np.fmax, lowest))),
    (Min, _exact(_extreme_kernel("min", highest)), _exact(_extreme(np.minimum, np.fmin, highest))),
    (EuclideanNorm, _rule(_norm_kernel), _rule(_norm)),
    (All, _exact(lambda x, a, k: jnp.all(x, a, keepdims=k)),
     _exact(lambda x, a, k: np.logical_and.reduce(x, a, None, None, k))),
    (Any, _exact(lambda x, a, k: jnp.any(x, a, keepdims=k)),
     _exact(lambda x, a, k: np.logical_or.reduce(x, a, None, None, k))),
)  # fmt: skip

for _op, _kernel, _reference in _VALUES:
    _op.shape(_reduced_shape)
    _op.kernel(_kernel)
    _op.reference(_reference)
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
    x, axes = node.inputs[0], _static_axes(node)
    if axes is not None and len(axes) == 1:
        others = _others(conj(x), axes[0])
    else:
        others = _others_of_many(node, x)
    return [_spread(node, dy) * others, None]


def _others(x: Value, axis: int) -> Value:
    """Multiplies, for each element, all others along an axis; right where some are zero."""
    before = ops.Cumprod(x, axis, exclusive=True)
    return before * ops.Cumprod(x, axis, exclusive=True, reverse=True)


def _others_of_many(node: Value, x: Value) -> Value:
    """Is `_others` along several axes: they are brought together to the front first."""
    rank = ops.Rank(x)
    axes = ops.FloorMod(
        ops.Reshape(node.inputs[1], [-1]) + cast(rank, node.attrs["Tidx"]),
        cast(rank, node.attrs["Tidx"]),
    )
    axes = cast(axes, "int32")
    rest = ops.ListDiff(ops.Range(0, rank, 1), axes)[0]
    order = ops.ConcatV2([axes, rest], 0)
    moved = ops.Transpose(conj(x), order)
    shape = ops.Shape(moved)
    count = ops.Prod(ops.GatherV2(ops.Shape(x), axes, 0), np.zeros(1, np.int32))
    flat = ops.Reshape(moved, ops.Pack([count, ops.Prod(ops.GatherV2(ops.Shape(x), rest, 0), [0])]))
    back = ops.Transpose(ops.Reshape(_others(flat, 0), shape), ops.InvertPermutation(order))
    back.set_shape(x.shape)
    return back


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
    axes = ops.FloorMod(axes + rank, rank)
    ones = ops.Fill(ops.Shape(axes), np.int32(1))
    return ops.DynamicStitch([ops.Range(0, rank, 1), axes], [input_shape, ones])


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
        axis = axes_of(input, dimension)[0]
        if input.shape[axis] == 0:
            sizes = ",".join(map(str, input.shape))
            message = f"Reduction axis {axis} is empty in shape [{sizes}]"
            raise InvalidArgumentError(None, None, message)
        if input.dtype.kind not in "iu":
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


for _op, _name, _replacement in ((ArgMax, "argmax", lowest), (ArgMin, "argmin", highest)):
    _op.shape(_position_shape)
    _op.kernel(_position_rules(_op, lambda: jnp, _name, _replacement))
    _op.reference(_position_rules(_op, lambda: np, _name, _replacement))
    _op.no_gradient("its result is an integer")
    _op.examples(f[2, 3], 1).examples(i[4, 2], -2, output_type=Int32)
    _op.fails("must be in the range [-2, 2)", f[2, 3], 2).fails("must have rank 0", f[2], [0])
