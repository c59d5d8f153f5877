"""Ops that pick elements by index: GatherV2, Gather, GatherNd; masks."""

from math import prod

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jax, jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor, to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Tensor, f, op
from millstream.ir.static_value import constant_array
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import Reshape, reshape, squeeze
from millstream.ops.array.shapes import shape, shape_internal
from millstream.ops.by_name import ops

__all__ = ["batch_gather", "boolean_mask", "gather", "gather_nd"]


@op(static="axis")
def GatherV2[Tparams, Tindices: (Int32, Int64), Taxis: (Int32, Int64)](
    params: Tensor[Tparams], indices: Tensor[Tindices], axis: Tensor[Taxis], *, batch_dims: int = 0
) -> Tensor[Tparams]:
    """Picks slices of `params` along a dimension; the first `batch_dims` dimensions go in step."""


@op
def Gather[Tparams, Tindices: (Int32, Int64)](
    params: Tensor[Tparams], indices: Tensor[Tindices], *, validate_indices: bool = True
) -> Tensor[Tparams]:
    """Picks slices of `params` along its first dimension."""


@op
def GatherNd[Tparams, Tindices: (Int32, Int64)](
    params: Tensor[Tparams], indices: Tensor[Tindices]
) -> Tensor[Tparams]:
    """Picks elements or slices of `params` by index vectors, the last dimension of `indices`."""


# -- along one dimension


def _place(indices, at):
    """Spells the place of flat element `at` of `indices`, as in `indices[1,0]`."""
    if not np.ndim(indices):
        return "indices"
    where = np.unravel_index(at, np.shape(indices))
    return f"indices[{','.join(map(str, map(int, where)))}]"


def _complaint(indices, limit):
    """Says which index is out of range."""
    flat = np.ravel(indices)
    at = int(np.argmax((flat < 0) | (flat >= limit)))
    return f"{_place(indices, at)} = {flat[at]} is not in [0, {limit})"


def _refuse(indices, limit):
    """Checks that every index is in range.

    Raises:
      InvalidArgumentError: if one is not.
    """
    if np.size(indices) and (np.min(indices) < 0 or np.max(indices) >= limit):
        raise errors.InvalidArgumentError(None, None, _complaint(indices, limit))


def _guard(check, indices, limit):
    check(
        jnp.all((indices >= 0) & (indices < limit)),
        lambda found: _complaint(found, limit),
        indices,
    )


def _picked(params, indices, axis, batch_dims):
    """Returns the shape of the result of GatherV2, unknown sizes `None`."""
    return [*params[:axis], *indices[batch_dims:], *params[axis + 1 :]]


@GatherV2.shape
def _(params, indices, axis, axis_value, batch_dims):
    if axis.ndims not in (0, None):
        raise ValueError(f"Shape must be rank 0 but is rank {axis.ndims}")
    if params.ndims is None:
        return unknown_shape()
    at = None if axis_value is None else int(axis_value)
    least = 1 if at is None else at + 1 if at >= 0 else -at
    if params.ndims < least:
        raise ValueError(f"Shape must be at least rank {least} but is rank {params.ndims}")
    if indices.ndims is None:
        return unknown_shape()
    if batch_dims < 0:
        batch_dims += indices.ndims
    if at is None:
        return unknown_shape(params.ndims - 1 + indices.ndims - batch_dims)
    at %= params.ndims
    if not 0 <= batch_dims <= min(indices.ndims, at):
        raise ValueError(
            f"batch_dims {batch_dims} must be at most axis {at} and the rank of indices"
        )
    batch = TensorShape(params.tuple[:batch_dims]).merge_with(indices.tuple[:batch_dims])
    return [*batch.tuple, *_picked(params.tuple, indices.tuple, at, batch_dims)[batch_dims:]]


def _where(params, indices, axis, batch_dims):
    at = int(axis) + (np.ndim(params) if axis < 0 else 0)
    return at, batch_dims + (np.ndim(indices) if batch_dims < 0 else 0)


@GatherV2.kernel
def _(params, indices, axis, batch_dims, check):
    at, batch = _where(params, indices, axis, batch_dims)
    limit = params.shape[at]
    if limit == 0 and indices.size:
        raise errors.InvalidArgumentError(None, None, "indices[0] is not in [0, 0)")
    _guard(check, indices, limit)

    def take(rows, picks):
        return jnp.take(rows, picks, axis=at - batch, mode="clip")

    for _ in range(batch):
        take = jax.vmap(take)
    return take(params, indices)


@GatherV2.reference
def _(params, indices, axis, batch_dims):
    params = np.asarray(params)
    if not batch_dims:
        _refuse(indices, params.shape[axis])
        return np.take(params, indices, axis=int(axis))
    at, batch = _where(params, indices, axis, batch_dims)
    _refuse(indices, params.shape[at])
    picked = _picked(params.shape, np.shape(indices), at, batch)
    # One flat batch dimension in front, then those before the gathered one, then that one.
    rows = params.reshape(prod(params.shape[:batch]), *params.shape[batch:])
    picks = np.reshape(indices, (len(rows), *np.shape(indices)[batch:]))
    parts = [np.take(r, p, axis=at - batch) for r, p in zip(rows, picks, strict=True)]
    return np.array(parts, params.dtype).reshape(picked)


@GatherV2.gradient
def _(node, dy):
    params, indices, axis = node.inputs
    batch = node.attrs["batch_dims"]
    at = constant_array(axis)
    if at is not None and int(at) == 0 and not batch:
        return [rows_gradient(params, indices, dy), None, None]
    return [_gradient_along(params, indices, at, batch, to_tensor(dy)), None, None]


def rows_gradient(params, indices, dy):
    """Returns the gradient of rows picked from `params`, as `IndexedSlices`."""
    dy = to_tensor(dy)
    sizes = shape_internal(params)
    if indices.shape.ndims != 1:
        count = ops.Reshape(ops.Size(indices), [1])
        row = params.shape.tuple[1:] if params.shape.ndims else (None,)
        if None in row or 0 in row:
            dy = Reshape(dy, concat([count, sizes[1:]], 0))
        else:
            dy = Reshape(dy, [-1, *row])
        indices = Reshape(indices, [-1])
    return IndexedSlices(dy, indices, sizes)


def _gradient_along(params, indices, at, batch, dy):
    """Returns the dense gradient for any axis: sums the slices of `dy` that share an index."""
    ranks = params.shape.ndims, indices.shape.ndims
    if at is None or None in ranks:
        raise ValueError(
            "The gradient of GatherV2 needs a constant axis and known ranks of params and indices"
        )
    at = int(at) % ranks[0]
    batch = batch % (ranks[1] + 1) if batch >= 0 else batch + ranks[1]
    sizes = shape(params)
    before, limit, after = sizes[:at], sizes[at], sizes[at + 1 :]
    outer = ops.Prod(before, constant([0]))
    picks = ops.Reshape(
        indices, concat([ops.Reshape(ops.Prod(sizes[:batch], constant([0])), [1]), [-1]], 0)
    )
    # Every row of the flat [outer * limit, inner] gradient is addressed by outer index and pick.
    kinds = ops.Cast(_repeated(picks, before, batch, at, outer), DstT=Int32)
    starts = ops.Mul(ops.Range(0, outer, 1), limit)
    rows = ops.Reshape(ops.AddV2(kinds, ops.ExpandDims(starts, 1)), [-1])
    inner = concat([ops.Reshape(ops.Size(rows), [1]), after], 0)
    summed = ops.UnsortedSegmentSum(ops.Reshape(dy, inner), rows, ops.Mul(outer, limit))
    return ops.Reshape(summed, sizes)


def _repeated(picks, before, batch, at, outer):
    """Returns the picks per outer index, `[outer, picks]`; batches repeat theirs."""
    middle = ops.Prod(before[batch:at], constant([0]))
    wide = ops.Tile(ops.ExpandDims(picks, 1), ops.Pack([1, middle, 1]))
    return ops.Reshape(wide, ops.Pack([outer, -1]))


GatherV2.examples(f[4, 3], np.array([[0, 2], [3, 3]], np.int32), 0)
GatherV2.examples(f[4, 3], np.array([[0, 2], [1, 0]], np.int32), 1)
GatherV2.examples(f[2, 3], np.array([[0, 2], [1, 0]], np.int32), 1, batch_dims=1)
GatherV2.examples(f[2, 3, 4], np.array([[0, 2], [1, 0]], np.int32), -1, batch_dims=1)
GatherV2.examples(f[4, 3], np.int64(1), 0)
GatherV2.fails("indices[1] = 4 is not in [0, 4)", f[4, 3], np.array([0, 4], np.int32), 0)
GatherV2.fails("indices[1,0] = -1", f[4], np.array([[0], [-1]], np.int32), 0)
GatherV2.fails("at least rank 3", f[4, 3], np.array([0], np.int32), 2)


@Gather.shape
def _(params, indices):
    return indices.concatenate(params.with_rank_at_least(1)[1:])


@Gather.kernel
def _(params, indices, check):
    _guard(check, indices, params.shape[0])
    return jnp.take(params, indices, axis=0, mode="clip")


@Gather.reference
def _(params, indices):
    _refuse(indices, np.shape(params)[0])
    return np.take(params, indices, axis=0)


@Gather.gradient
def _(node, dy):
    return [rows_gradient(*node.inputs, dy), None]


Gather.examples(f[4, 3], np.array([[0, 2], [3, 3]], np.int32))
Gather.fails("indices[0] = 9 is not in [0, 4)", f[4, 3], np.array([9], np.int32))


# -- by index vectors


@GatherNd.shape
def _(params, indices):
    if indices.ndims is None or params.ndims is None:
        return unknown_shape()
    depth = indices.with_rank_at_least(1).tuple[-1]
    if depth is None:
        return unknown_shape()
    if depth > params.ndims:
        raise ValueError(
            "indices.shape[-1] must be <= params.rank, but saw indices shape: "
            f"{_text(indices.tuple)} and params shape: {_text(params.tuple)}"
        )
    return [*indices.tuple[:-1], *params.tuple[depth:]]


def _text(sizes):
    return "[" + ",".join("?" if d is None else str(d) for d in sizes) + "]"


def vector_complaint(indices, limits, what):
    """Says which index vector lies outside of `limits`, the shape of `what`."""
    vectors = np.reshape(indices, (-1, np.shape(indices)[-1]))
    depth = vectors.shape[1]
    bad = ((vectors < 0) | (vectors >= np.asarray(limits[:depth]))).any(axis=1)
    at = int(np.argmax(bad))
    where = np.unravel_index(at, np.shape(indices)[:-1]) if np.ndim(indices) > 1 else ()
    place = f"indices[{','.join(map(str, map(int, where)))}]" if where else "indices"
    return f"{place} = {vectors[at].tolist()} does not index into {what} {_text(limits)}"


def check_vectors(indices, limits, what):
    """Checks that every index vector lies within `limits`.

    Raises:
      InvalidArgumentError: if one does not.
    """
    depth = np.shape(indices)[-1]
    if np.size(indices) and (
        np.min(indices) < 0 or (np.asarray(indices) >= np.asarray(limits[:depth])).any()
    ):
        message = vector_complaint(indices, limits, what)
        raise errors.InvalidArgumentError(None, None, message)


def guard_vectors(check, indices, limits, what):
    """Has the step fail if an index vector lies outside of `limits`."""
    depth = indices.shape[-1]
    if depth and indices.size:
        bounds = jnp.asarray(limits[:depth], indices.dtype)
        check(
            jnp.all((indices >= 0) & (indices < bounds)),
            lambda found: vector_complaint(found, limits, what),
            indices,
        )


@GatherNd.kernel
def _(params, indices, check):
    guard_vectors(check, indices, params.shape, "param shape")
    key = tuple(jnp.moveaxis(indices, -1, 0))
    if not key:
        return jnp.broadcast_to(params, (*indices.shape[:-1], *params.shape))
    return params.at[key].get(mode="clip")


@GatherNd.reference
def _(params, indices):
    params = np.asarray(params)
    check_vectors(indices, params.shape, "param shape")
    key = tuple(np.moveaxis(indices, -1, 0))
    if not key:
        return np.broadcast_to(params, (*indices.shape[:-1], *params.shape)).copy()
    return params[key]


@GatherNd.gradient
def _(node, dy):
    params, indices = node.inputs
    sizes = shape_internal(params, out_type=indices.dtype.base_dtype)
    if indices.shape.ndims == 2 and indices.shape.tuple[-1] == 1:
        return [IndexedSlices(dy, squeeze(indices, -1), sizes), None]
    return [ops.ScatterNd(indices, dy, sizes), None]


GatherNd.examples(f[4, 3], np.array([[0, 2], [3, 0]], np.int32))
GatherNd.examples(f[4, 3], np.array([[[0]], [[3]]], np.int64))
GatherNd.examples(f[4, 3], np.zeros((2, 0), np.int32))
GatherNd.fails("does not index into param shape", f[4, 3], np.array([[4, 0]], np.int32))
GatherNd.fails("must be <= params.rank", f[4, 3], np.array([[4, 0, 0]], np.int32))


# -- public


@export("gather")
def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """Returns slices of `params` picked by `indices` along a dimension.

    Args:
      params: a tensor or variable, `[…, n, …]`.
      indices: integers of any shape, each in `[0, n)`.
      validate_indices: ignored; indices are always checked.
      name: name of the node.
      axis: the dimension to pick along, by default `batch_dims`.
      batch_dims: how many leading dimensions of `params` and `indices` go in step.

    Returns:
      `params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]`.

    Raises:
      InvalidArgumentError: when it runs, if an index is out of range.

    Gradient:
      That of `params` is `IndexedSlices` along dimension 0, dense along others.
    """
    del validate_indices
    if axis is None:
        axis = batch_dims
    known = constant_array(axis) if hasattr(axis, "op") else axis
    if batch_dims == 0 and known is not None and np.ndim(known) == 0 and int(known) == 0:
        read = getattr(params, "sparse_read", None)
        if read is not None:
            return read(indices, name=name)
    return GatherV2(params, indices, axis, batch_dims=batch_dims, name=name)


@export("gather_nd", "manip.gather_nd")
def gather_nd(params, indices, name=None, batch_dims=0):
    """Returns elements or slices of `params` picked by index vectors.

    Args:
      params: a tensor or variable of rank `r`.
      indices: `[…, k]` integers, `k <= r`: each vector along the last dimension is one index.
      name: name of the node.
      batch_dims: how many leading dimensions of `params` and `indices` go in step.

    Returns:
      `indices.shape[:-1] + params.shape[k:]`.

    Raises:
      InvalidArgumentError: when it runs, if an index is out of range.
    """
    known = constant_array(batch_dims) if hasattr(batch_dims, "op") else batch_dims
    if known == 0:
        read = getattr(params, "gather_nd", None)
        return GatherNd(params, indices, name=name) if read is None else read(indices, name=name)
    return _batch_gather_nd(params, indices, int(known), name)


def _batch_gather_nd(params, indices, batch_dims, name):
    """Puts the places along the batch dimensions before each index vector, then gathers."""
    with name_scope(name, "BatchGatherND", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        ranks = indices.shape.ndims, params.shape.ndims
        if None not in ranks and batch_dims >= min(ranks[0], ranks[1] + 1):
            raise ValueError(
                f"batch_dims = {batch_dims} must be less than the rank of indices, {ranks[0]}, "
                f"and at most that of params, {ranks[1]}"
            )
        if ranks[0] is None:
            raise ValueError("gather_nd with batch_dims needs indices of known rank")
        sizes = shape(indices)
        column = concat([sizes[:-1], [1]], 0)
        vectors = [indices]
        for dim in reversed(range(batch_dims)):
            places = ops.Cast(ops.Range(0, sizes[dim], 1), DstT=indices.dtype.base_dtype)
            places = reshape(places, [-1] + [1] * (ranks[0] - 1 - dim))
            vectors.insert(0, ops.BroadcastTo(places, column))
        return GatherNd(params, concat(vectors, -1))


@export("batch_gather")
def batch_gather(params, indices, name=None):
    """Returns slices of `params` picked along the last dimension, the others in step.

    Args:
      params: `[batch…, n, …]`.
      indices: `[batch…, k]` integers in `[0, n)`.
      name: name of the nodes' scope.

    Raises:
      ValueError: if the rank of `indices` is not known.
    """
    with name_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        if indices.shape.ndims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        dims = indices.shape.ndims - 1
        return GatherV2(params, indices, dims, batch_dims=dims)


@export("boolean_mask")
def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
    """Returns the slices of `tensor` where `mask` is true.

    Args:
      tensor: a tensor.
      mask: booleans whose shape is that of `tensor` from dimension `axis` on; its rank is known.
      name: name of the nodes' scope.
      axis: the first dimension that is masked, by default 0.

    Returns:
      `tensor` with the masked dimensions replaced by one, as long as `mask` has true elements.

    Raises:
      ValueError: if the shapes do not fit, or `mask` is a scalar or of unknown rank.
    """
    with name_scope(name, None, [tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        masked = mask.shape.ndims
        if masked == 0:
            raise ValueError("mask cannot be scalar.")
        if masked is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None.  "
                "E.g. shape=[None] is ok, but shape=None is not."
            )
        at = 0 if axis is None else int(axis)
        tensor.shape[at : at + masked].assert_is_compatible_with(mask.shape)
        leading = ops.Prod(shape(tensor)[at : at + masked], [0])
        flat = reshape(
            tensor,
            concat([shape(tensor)[:at], [leading], shape(tensor)[at + masked :]], 0),
        )
        first = tensor.shape[at : at + masked].num_elements()
        flat.set_shape(
            TensorShape(tensor.shape[:at])
            .concatenate([first])
            .concatenate(tensor.shape[at + masked :])
        )
        where = squeeze(ops.Where(reshape(mask, [-1])), squeeze_dims=[1])
        return gather(flat, where, axis=axis)
