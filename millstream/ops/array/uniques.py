"""Ops on values as sets: Unique and its kin, ListDiff."""

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.shapes import unknown_shape
from millstream.ir.spec import Dynamic, Int32, Int64, Returns, Tensor, Type, f, op

__all__ = ["setdiff1d", "unique", "unique_with_counts"]


@op(effect=Dynamic())
def Unique[T](x: Tensor[T], *, out_idx: Type[Int32, Int64] = Int32) -> Returns(
    y=Tensor[T], idx=Tensor["out_idx"]
):
    """Gives the different elements of a vector, as they first appear, and where each went."""


@op(effect=Dynamic())
def UniqueWithCounts[T](x: Tensor[T], *, out_idx: Type[Int32, Int64] = Int32) -> Returns(
    y=Tensor[T], idx=Tensor["out_idx"], count=Tensor["out_idx"]
):
    """Gives the different elements of a vector, where each went, and how often each occurs."""


@op(effect=Dynamic(), static="axis", defaults={"Taxis": Int64})
def UniqueV2[T, Taxis: (Int32, Int64)](
    x: Tensor[T], axis: Tensor[Taxis], *, out_idx: Type[Int32, Int64] = Int32
) -> Returns(y=Tensor[T], idx=Tensor["out_idx"]):
    """Gives the different slices of an array along a dimension, and where each went."""


@op(effect=Dynamic(), static="axis", defaults={"Taxis": Int64})
def UniqueWithCountsV2[T, Taxis: (Int32, Int64)](
    x: Tensor[T], axis: Tensor[Taxis], *, out_idx: Type[Int32, Int64] = Int32
) -> Returns(y=Tensor[T], idx=Tensor["out_idx"], count=Tensor["out_idx"]):
    """Gives the different slices along a dimension, where each went, and how often each occurs."""


@op(effect=Dynamic())
def ListDiff[T](x: Tensor[T], y: Tensor[T], *, out_idx: Type[Int32, Int64] = Int32) -> Returns(
    out=Tensor[T], idx=Tensor["out_idx"]
):
    """Gives the elements of `x` that are not in `y`, and their places."""


@Unique.shape
def _(x):
    return [None], x.with_rank(1)


@UniqueWithCounts.shape
def _(x):
    return [None], x.with_rank(1), [None]


def _slices_shape(x, axis_value):
    """Returns the shapes of the unique slices and of where each went."""
    if axis_value is None or x.ndims is None:
        return unknown_shape(x.ndims), [None]
    at = int(axis_value.item()) % x.ndims if axis_value.size else 0
    sizes = list(x.tuple)
    count = sizes[at]
    sizes[at] = None
    return sizes, [count]


@UniqueV2.shape
def _(x, axis_value):
    return _slices_shape(x, axis_value)


@UniqueWithCountsV2.shape
def _(x, axis_value):
    return (*_slices_shape(x, axis_value), [None])


def _by_appearance(x, dtype):
    """Returns first places, destination of each element and counts, in order of appearance."""
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)].astype(dtype), counts[order].astype(dtype)


@Unique.reference
def _(x, out_idx):
    first, idx, _ = _by_appearance(x, out_idx.np)
    return x[first], idx


@UniqueWithCounts.reference
def _(x, out_idx):
    first, idx, counts = _by_appearance(x, out_idx.np)
    return x[first], idx, counts


def _unique_slices(x, axis, dtype):
    at = int(axis.item()) if axis.size else 0
    rows = np.moveaxis(x, at, 0)
    flat = rows.reshape(len(rows), -1)
    seen = {}
    idx = np.array([seen.setdefault(tuple(row.tolist()), len(seen)) for row in flat], dtype)
    first = np.array([int(np.argmax(idx == k)) for k in range(len(seen))], np.int64)
    counts = np.bincount(idx, minlength=len(seen)).astype(dtype)
    return np.take(x, first, axis=at), idx, counts


@UniqueV2.reference
def _(x, axis, out_idx):
    return _unique_slices(x, axis, out_idx.np)[:2]


@UniqueWithCountsV2.reference
def _(x, axis, out_idx):
    return _unique_slices(x, axis, out_idx.np)


@ListDiff.shape
def _(x, y):
    x.with_rank(1)
    y.with_rank(1)
    return [None], [None]


@ListDiff.reference
def _(x, y, out_idx):
    known = set(y.tolist())
    idx = np.array([at for at, v in enumerate(x.tolist()) if v not in known], out_idx.np)
    return x[idx], idx


for _opdef in (Unique, UniqueWithCounts):
    _opdef.no_gradient("which elements are equal does not change smoothly")
    _opdef.examples(np.array([3, 1, 3, 2], np.int32))
    _opdef.examples(f[5])
    _opdef.fails("rank", f[2, 3])
for _opdef in (UniqueV2, UniqueWithCountsV2):
    _opdef.no_gradient("which elements are equal does not change smoothly")
    _opdef.examples(np.array([[1, 2], [1, 2], [3, 4]], np.int32), [0])
    _opdef.examples(np.array([[1, 1], [1, 1], [3, 3]], np.int32), [1])
ListDiff.no_gradient("which elements are equal does not change smoothly")
ListDiff.examples(np.array([1, 2, 3, 2], np.int32), np.array([1, 5], np.int32))


@export("unique")
def unique(x, out_idx=Int32, name=None):
    """Returns the different elements of the vector `x`, in order of first appearance.

    Args:
      x: `[n]`.
      out_idx: type of `idx`.
      name: name of the node.

    Returns:
      A tuple `(y, idx)` with `y[idx[i]] == x[i]`.
    """
    return Unique(x, out_idx=as_dtype(out_idx), name=name)


@export("unique_with_counts")
def unique_with_counts(x, out_idx=Int32, name=None):
    """Returns the different elements of the vector `x` and how often each occurs.

    Args:
      x: `[n]`.
      out_idx: type of `idx` and `count`.
      name: name of the node.

    Returns:
      A tuple `(y, idx, count)` with `y[idx[i]] == x[i]`.
    """
    return UniqueWithCounts(x, out_idx=as_dtype(out_idx), name=name)


@export("setdiff1d")
def setdiff1d(x, y, index_dtype=Int32, name=None):
    """Returns the elements of the vector `x` that are not in `y`, and their places in `x`.

    Args:
      x: `[n]`.
      y: `[m]`, of the same type.
      index_dtype: type of the places.
      name: name of the node.
    """
    return ListDiff(x, y, out_idx=as_dtype(index_dtype), name=name)
