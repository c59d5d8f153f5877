"""StridedSlice and its gradient."""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import unknown_shape
from millstream.ir.spec import Int32, Int64, Tensor, f, i, op
from millstream.ir.static_value import constant_array
from millstream.ops.array.shapes import shape_internal
from millstream.ops.array.slice_spec import MASKS, Masks, interval, layout, picked_shape

__all__ = ["is_concrete"]


@op(static=("begin", "end", "strides"))
def StridedSlice[T, Index: (Int32, Int64)](
    input: Tensor[T],
    begin: Tensor[Index],
    end: Tensor[Index],
    strides: Tensor[Index],
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Tensor[T]:
    """Gives `input[begin:end:strides, …]`; bit `i` of a mask changes what entry `i` means."""


@op(static=("shape", "begin", "end", "strides"))
def StridedSliceGrad[T, Index: (Int32, Int64)](
    shape: Tensor[Index],
    begin: Tensor[Index],
    end: Tensor[Index],
    strides: Tensor[Index],
    dy: Tensor[T],
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Tensor[T]:
    """Puts `dy` into zeros of shape `shape`, where `StridedSlice` would have taken it from."""


# -- StridedSlice


@StridedSlice.shape
def _(input, begin, begin_value, end_value, strides, strides_value, node):
    if begin.ndims not in (1, None) or strides.ndims not in (1, None):
        raise ValueError(f"Shape must be rank 1 but is rank {begin.ndims or strides.ndims}")
    if input.ndims is None or strides_value is None:
        return unknown_shape()
    return picked_shape(input.tuple, begin_value, end_value, strides_value, Masks(node.attrs))


def _runtime(fn, *args):
    """Calls `fn`; what it refuses in a ValueError becomes the error of a running step."""
    try:
        return fn(*args)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None


def _plan(shape, begin, end, strides, node):
    """Returns start, count and stride per dimension of the operand, and the result's shape."""
    masks = Masks(node.attrs)
    cuts = []
    for kind, at, dim in layout(len(shape), len(strides), masks):
        if kind == "all":
            cuts.append((0, shape[dim], 1))
        elif kind == "cut":
            cuts.append(
                interval(shape[dim], dim, int(begin[at]), int(end[at]), int(strides[at]), masks, at)
            )
    result = picked_shape(shape, begin, end, strides, masks)
    return cuts, result


def is_concrete(array):
    """Tells whether a value is known while a kernel is traced."""
    return isinstance(array, (np.ndarray, np.generic))


@StridedSlice.kernel
def _(input, begin, end, strides, node, check):
    if not is_concrete(begin) or not is_concrete(end):
        return _slice_at(input, begin, strides, node, check)
    cuts, result = _runtime(_plan, input.shape, begin, end, strides, node)
    starts, limits, steps, flips = [], [], [], []
    for dim, (start, count, step) in enumerate(cuts):
        last = start + (count - 1) * step
        low = start if step > 0 else last
        starts.append(low if count else 0)
        limits.append(max(start, last) + 1 if count else 0)
        steps.append(abs(step))
        if step < 0:
            flips.append(dim)
    part = lax.slice(input, starts, limits, steps)
    part = lax.rev(part, flips) if flips else part
    return part.reshape(result)


def _slice_at(input, begin, strides, node, check):
    """Slices at a place known only when it runs; every dimension is taken whole or at one index."""
    masks = Masks(node.attrs)
    starts, sizes = [], []
    for kind, at, dim in layout(input.ndim, len(strides), masks):
        if kind == "new":
            continue
        size = input.shape[dim]
        if kind == "all" or not masks.shrink(at):
            starts.append(0)
            sizes.append(size)
            continue
        index = jnp.asarray(begin[at])
        check(
            (index >= -size) & (index < size),
            lambda value, dim=dim: f"slice index {value} of dimension {dim} out of bounds.",
            index,
        )
        starts.append(jnp.where(index < 0, index + size, index))
        sizes.append(1)
    zeros = [jnp.asarray(s, begin.dtype) for s in starts]
    part = lax.dynamic_slice(input, zeros, sizes)
    return part.reshape(picked_shape(input.shape, None, None, strides, masks))


@StridedSlice.static_if
def _(node):
    """Lets `begin` and `end` be traced if every dimension is taken whole or at one index."""
    strides = constant_array(node.inputs[3])
    masks = Masks(node.attrs)
    if strides is not None and all(
        masks.ellipsis(at)
        or masks.new_axis(at)
        or masks.shrink(at)
        or (masks.begin(at) and masks.end(at) and stride == 1)
        for at, stride in enumerate(strides.tolist())
    ):
        return ("strides",)
    return ("begin", "end", "strides")


@StridedSlice.reference
def _(input, begin, end, strides, node):
    attrs = node.attrs
    if begin.size == 1 and attrs["shrink_axis_mask"] == 1 and not attrs["new_axis_mask"]:
        at = int(begin[0])
        size = np.shape(input)[0] if np.ndim(input) else 0
        if -size <= at < size and not attrs["ellipsis_mask"]:
            return input[at]
    masks = Masks(attrs)
    _runtime(picked_shape, np.shape(input), begin, end, strides, masks)
    key = []
    for at in range(len(strides)):
        if masks.ellipsis(at):
            key.append(Ellipsis)
        elif masks.new_axis(at):
            key.append(None)
        elif masks.shrink(at):
            key.append(int(begin[at]))
        else:
            low = None if masks.begin(at) else int(begin[at])
            high = None if masks.end(at) else int(end[at])
            key.append(np.s_[low : high : int(strides[at])])
    return np.asarray(input)[tuple(key)]


@StridedSlice.gradient
def _(node, dy):
    x, begin, end, strides = node.inputs
    sizes = shape_internal(x, out_type=begin.dtype.base_dtype)
    masks = {name: node.attrs[name] for name in MASKS}
    return [StridedSliceGrad(sizes, begin, end, strides, dy, **masks), None, None, None]


StridedSlice.examples(f[4, 6], [1, 0], [3, 5], [1, 2])
StridedSlice.examples(f[4, 6], [3, 5], [0, 0], [-1, -2], end_mask=1)
StridedSlice.examples(f[4, 6], [1], [2], [1], shrink_axis_mask=1)
StridedSlice.examples(
    f[4, 6], [0, 0, -1], [0, 0, 0], [1, 1, 1], ellipsis_mask=1, new_axis_mask=2, shrink_axis_mask=4
)
StridedSlice.examples(f[4, 6], [3, 0], [1, 9], [1, 1])
StridedSlice.examples(i[5], [-2], [0], [1], end_mask=1)
StridedSlice.fails("out of bounds", f[4, 6], [4], [5], [1], shrink_axis_mask=1)
StridedSlice.fails("non-zero", f[4], [0], [2], [0])
StridedSlice.fails("only 1 dims", f[4], [0, 0], [2, 2], [1, 1])


# -- StridedSliceGrad


@StridedSliceGrad.shape
def _(shape_as_shape):
    return shape_as_shape


@StridedSliceGrad.static_if
def _(node):
    """Lets the compiler trace `begin` and `end` if all steps are 1: `dy` then tells the sizes."""
    strides = constant_array(node.inputs[3])
    if strides is not None and (strides == 1).all():
        return ("shape", "strides")
    return ("shape", "begin", "end", "strides")


def _put_at(sizes, begin, strides, dy, node):
    """Puts `dy` into zeros at a place known only when it runs."""
    masks = Masks(node.attrs)
    starts, counts = [], []
    taken = iter(dy.shape)
    for kind, at, dim in layout(len(sizes), len(strides), masks):
        if kind == "new":
            next(taken)
            continue
        counts.append(1 if kind == "cut" and masks.shrink(at) else next(taken))
        if kind == "all" or (masks.begin(at) and not masks.shrink(at)):
            starts.append(jnp.zeros((), begin.dtype))
        else:
            starts.append(jnp.where(begin[at] < 0, begin[at] + sizes[dim], begin[at]))
    zeros = jnp.zeros(sizes, dy.dtype)
    return lax.dynamic_update_slice(zeros, dy.reshape(counts), starts)


@StridedSliceGrad.kernel
def _(shape, begin, end, strides, dy, node):
    sizes = [int(d) for d in shape]
    if not is_concrete(begin) or not is_concrete(end):
        return _put_at(sizes, begin, strides, dy, node)
    cuts, _ = _runtime(_plan, sizes, begin, end, strides, node)
    part = dy.reshape([count for _, count, _ in cuts])
    if 0 in part.shape:
        return jnp.zeros(sizes, dy.dtype)
    flips = [dim for dim, (_, _, step) in enumerate(cuts) if step < 0]
    part = lax.rev(part, flips) if flips else part
    config = []
    for size, (start, count, step) in zip(sizes, cuts, strict=True):
        last = start + (count - 1) * step
        config.append((min(start, last), size - 1 - max(start, last), abs(step) - 1))
    return lax.pad(part, jnp.zeros((), dy.dtype), config)


@StridedSliceGrad.reference
def _(shape, begin, end, strides, dy, node, T):
    sizes = [int(d) for d in shape]
    cuts, _ = _runtime(_plan, sizes, begin, end, strides, node)
    result = np.zeros(sizes, T.np)
    # A cut that runs backwards may end before the first element, which a slice spells `None`.
    key = tuple(
        np.s_[start : (start + count * step if start + count * step >= 0 else None) : step]
        if count
        else np.s_[0:0]
        for start, count, step in cuts
    )
    result[key] = np.reshape(dy, [count for _, count, _ in cuts])
    return result


@StridedSliceGrad.gradient
def _(node, dy):
    _, begin, end, strides, _ = node.inputs
    masks = {name: node.attrs[name] for name in MASKS}
    return [None, None, None, None, StridedSlice(dy, begin, end, strides, **masks)]


StridedSliceGrad.examples([4, 6], [1, 0], [3, 5], [1, 2], f[2, 3])
StridedSliceGrad.examples([4, 6], [3, 5], [0, 0], [-1, -2], f[4, 3], end_mask=1)
StridedSliceGrad.examples([4, 6], [1], [2], [1], f[6], shrink_axis_mask=1)
