"""Counting numbers: `tf.bincount`, `tf.histogram_fixed_width`, buckets."""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import Double, Float, Int32, Int64, as_dtype
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Returns, Tensor, Type, f, i, op
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math.arithmetic import truediv
from millstream.ops.math.cast import cast
from millstream.ops.math.clipping import clip_by_value
from millstream.ops.math.reductions import reduce_max, reduce_prod
from millstream.ops.math.unsorted_segments import UnsortedSegmentSum

__all__ = ["Bincount", "Bucketize", "HistogramFixedWidth"]
__all__ += ["bincount", "histogram_fixed_width", "histogram_fixed_width_bins"]

_TYPES = (Int32, Int64, Float, Double)


@op(static="size")
def Bincount[T: _TYPES](arr: Tensor[Int32], size: Tensor[Int32], weights: Tensor[T]) -> Returns(
    bins=Tensor[T]
):
    """Counts each number below `size`, or adds up its weights."""


@Bincount.shape
def _(arr, size, weights, size_value):
    size.with_rank(0)
    if size_value is not None and size_value < 0:
        raise ValueError(f"size ({size_value}) must be non-negative")
    return [None if size_value is None else int(size_value)]


_NEGATIVE = "Input arr must be non-negative!"


@Bincount.kernel
def _(arr, size, weights, check):
    check(jnp.all(arr >= 0), lambda: _NEGATIVE)
    if weights.size == 0:
        weights = jnp.ones(arr.shape, weights.dtype)
    index = jnp.where(arr < 0, int(size), arr)
    return jnp.zeros(int(size), weights.dtype).at[index].add(weights, mode="drop")


@Bincount.reference
def _(arr, size, weights):
    if arr.size and arr.min() < 0:
        raise InvalidArgumentError(None, None, _NEGATIVE)
    if weights.size and weights.size != arr.size:
        message = f"Weights of shape {list(weights.shape)} for numbers of shape {list(arr.shape)}"
        raise InvalidArgumentError(None, None, message)
    out = np.zeros(int(size), weights.dtype)
    flat = arr.ravel()
    values = weights.ravel() if weights.size else np.ones(flat.shape, weights.dtype)
    np.add.at(out, flat[flat < size], values[flat < size])
    return out


Bincount.no_gradient("TensorFlow defines none")
Bincount.examples(np.array([1, 1, 5, 0], np.int32), 4, f[0])
Bincount.examples(np.array([[1, 1], [5, 0]], np.int32), 7, f[2, 2])
Bincount.fails(_NEGATIVE, np.array([-1], np.int32), 4, f[0]).fails("(-1) must be", i[2], -1, f[0])


@op(static="nbins")
def HistogramFixedWidth[T: _TYPES](
    values: Tensor[T], value_range: Tensor[T], nbins: Tensor[Int32],
    *, dtype: Type[Int32, Int64] = Int32,
) -> Returns(out=Tensor["dtype"]):  # fmt: skip
    """Counts how many values fall into each of `nbins` equal parts of a range."""


@HistogramFixedWidth.shape
def _(values, value_range, nbins, nbins_value):
    value_range.merge_with([2])
    nbins.with_rank(0)
    if nbins_value is not None and nbins_value <= 0:
        raise ValueError(f"Requires nbins > 0: {nbins_value}")
    return [None if nbins_value is None else int(nbins_value)]


def _bins(xp: Any, values: Any, low: Any, high: Any, count: int) -> Any:
    """Numbers the bin of each value; what lies outside counts for the first or last one."""
    width = (high - low) / count
    places = (xp.maximum(values, low) - low) / width
    return xp.clip(xp.floor(places), 0, count - 1).astype(np.int32)


def _range_text(value_range: Any) -> str:
    low, high = value_range.tolist()
    return (
        f"value_range should satisfy value_range[0] < value_range[1], but got '[{low:g}, {high:g}]'"
    )


@HistogramFixedWidth.kernel
def _(values, value_range, nbins, dtype, check):
    check(value_range[0] < value_range[1], _range_text, value_range)
    wide = value_range.astype(np.float64)
    count = int(nbins)
    bins = _bins(jnp, values.astype(np.float64).reshape(-1), wide[0], wide[1], count)
    return jnp.zeros(count, dtype.np).at[bins].add(1)


@HistogramFixedWidth.reference
def _(values, value_range, nbins, dtype):
    if nbins <= 0:
        message = f"nbins should be a positive number, but got '{int(nbins)}'"
        raise InvalidArgumentError(None, None, message)
    if not value_range[0] < value_range[1]:
        raise InvalidArgumentError(None, None, _range_text(value_range))
    low, high = value_range.astype(np.float64)
    bins = _bins(np, values.astype(np.float64).ravel(), low, high, int(nbins))
    return np.bincount(bins, minlength=int(nbins)).astype(dtype.np)


HistogramFixedWidth.no_gradient("counts are integers")
HistogramFixedWidth.examples(f[4, 5], np.array([-1, 1], np.float32), 5)
HistogramFixedWidth.examples(i[7], np.array([0, 4], np.int32), 3, dtype=Int64)
HistogramFixedWidth.fails(
    "value_range[0] < value_range[1]", f[3], np.array([1.0, 0.0], np.float32), 5
)
HistogramFixedWidth.fails("nbins", f[3], np.array([0.0, 1.0], np.float32), 0)


@op
def Bucketize[T: _TYPES](input: Tensor[T], *, boundaries: list[float]) -> Tensor[Int32]:
    """Numbers the interval between sorted `boundaries` that each element lies in."""


Bucketize.shape_unchanged()


@Bucketize.kernel
def _(input, boundaries):
    edges = jnp.asarray(boundaries, np.float32)
    return jnp.searchsorted(edges, input, side="right").astype(np.int32)


@Bucketize.reference
def _(input, boundaries):
    if list(boundaries) != sorted(boundaries):
        raise InvalidArgumentError(None, None, "Expected sorted boundaries")
    edges = np.asarray(boundaries, np.float32)
    return np.searchsorted(edges, input, side="right").astype(np.int32)


Bucketize.no_gradient("its result is an integer")
Bucketize.examples(f[2, 3], boundaries=[-1.0, 0.0, 0.5]).examples(i[4], boundaries=[0.0, 2.0])
Bucketize.fails("sorted boundaries", f[2], boundaries=[1.0, 0.0])


@export("bincount", "math.bincount")
def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None,
    dtype: Any = dtypes.int32,
) -> Any:  # fmt: skip
    """Counts how often each integer occurs, or adds up its weights.

    Args:
      arr: integers of type `int32`, none negative.
      weights: a tensor of the same shape, to be added up instead of ones.
      minlength: the least length of the result, which is filled with zeros.
      maxlength: the most length of the result; larger integers are not counted.
      dtype: the type of the counts, if there are no weights.

    Returns:
      A vector; element `n` tells of the integer `n`.
    """
    with name_scope("bincount"):
        arr = to_tensor(arr, dtypes.int32, name="arr")
        nonempty = ops.Greater(reduce_prod(shape(arr)), np.int32(0))
        size = cast(nonempty, dtypes.int32) * (reduce_max(arr) + 1)
        if minlength is not None:
            size = ops.Maximum(to_tensor(minlength, dtypes.int32, name="minlength"), size)
        if maxlength is not None:
            size = ops.Minimum(to_tensor(maxlength, dtypes.int32, name="maxlength"), size)
        if weights is not None:
            weights = to_tensor(weights, name="weights")
            return UnsortedSegmentSum(weights, arr, size)
        return Bincount(arr, size, constant([], as_dtype(dtype)))


@export("histogram_fixed_width")
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: Any = None
) -> Any:
    """Counts how many values fall into each of `nbins` equal parts of a range.

    Args:
      values: a tensor of numbers; those outside of the range count for the first or last part.
      value_range: `[2]`, the lower and the upper end, of the same type.
      nbins: the number of parts.
      dtype: the type of the counts.
      name: name for the node.

    Returns:
      `[nbins]`.

    Raises:
      InvalidArgumentError: at run time, if the range is empty.
    """
    with name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as scope:
        return HistogramFixedWidth(values, value_range, nbins, dtype=as_dtype(dtype), name=scope)


@export("histogram_fixed_width_bins")
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: Any = None
) -> Any:
    """Numbers the part of a range that each value falls into.

    Args:
      values: a tensor of numbers; those outside of the range belong to the first or last part.
      value_range: `[2]`, the lower and the upper end, of the same type.
      nbins: the number of parts.
      dtype: the type of the numbers.
      name: name for the nodes.

    Returns:
      A tensor of the same shape as `values`.
    """
    with name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        values = to_tensor(values, name="values")
        sizes = shape(values)
        values = ops.Reshape(values, [-1])
        value_range = to_tensor(value_range, name="value_range")
        nbins = to_tensor(nbins, dtypes.int32, name="nbins")
        count = cast(nbins, values.dtype)
        offset = values - value_range[0]
        scaled = truediv(offset, value_range[1] - value_range[0], name="scaled_values")
        places = ops.Floor(count * scaled, name="indices")
        clipped = clip_by_value(places, 0, count - 1)
        return ops.Reshape(cast(clipped, as_dtype(dtype)), sizes)
