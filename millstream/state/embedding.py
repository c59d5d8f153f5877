"""`tf.nn.embedding_lookup`: rows of a table that may lie in several variables."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import BFloat16, Float, Half, Int32
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_n_to_tensor, convert_to_tensor
from millstream.ir.scopes import colocate_with, name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import fill
from millstream.ops.array.gathering import gather
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import rank, shape, size
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.clipping import clip_by_norm
from millstream.ops.math.ranges import range as range_of
from millstream.state.partitioned import PartitionedVariable
from millstream.state.resource_variable import BaseResourceVariable

_COMBINERS = ("mean", "sqrtn", "sum")


def _as_list(params: Any) -> list[Any]:
    """Returns the parts of a table.

    Raises:
      ValueError: if there is none.
    """
    if params is None or (isinstance(params, (list, tuple)) and not params):
        raise ValueError("Need at least one param")
    if isinstance(params, (PartitionedVariable, list)):
        return list(params)
    return [params]


def _clip(rows: Tensor, ids: Tensor, max_norm: Any) -> Tensor:
    """Scales each embedding down to length `max_norm`; `rows` begin with the axes of `ids`."""
    if max_norm is None:
        return rows
    outer, inner = ids.shape.ndims, rows.shape.ndims
    if outer and inner:
        axes: Any = list(range(outer, inner))
    else:
        axes = range_of(outer or rank(ids), inner or rank(rows))
    return clip_by_norm(rows, max_norm, axes=axes)


@export("nn.embedding_lookup")
def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: Any = None,
    validate_indices: bool = True, max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """Returns rows of a table.

    Args:
      params: the table, `[rows, …]`; or a list of tensors or variables, or a partitioned variable,
        that hold its rows.
      ids: integers of any shape, each in [0, rows).
      partition_strategy: `"mod"`: row `i` lies in part `i % parts`; `"div"`: parts hold consecutive
        rows, the first ones one more if need be.
      name: name of the nodes.
      validate_indices: not used: out-of-range ids are always an error.
      max_norm: the largest length of an embedding; longer ones are scaled down.

    Returns:
      `ids.shape + params.shape[1:]`.

    Raises:
      ValueError: for no `params` or another strategy.
      InvalidArgumentError: at run time, if an id is out of range.
    """
    del validate_indices
    parts = _as_list(params)
    with name_scope(name, "embedding_lookup", [*parts, ids]) as scope:
        if not any(isinstance(part, BaseResourceVariable) for part in parts):
            parts = convert_n_to_tensor(parts, name="params")
        ids = convert_to_tensor(ids, name="ids")
        if len(parts) > 1:
            return _lookup_in_parts(parts, ids, partition_strategy, scope, max_norm)
        with colocate_with(parts[0]):
            rows = _clip(gather(parts[0], ids, name=scope), ids, max_norm)
        # The result itself need not lie where the table does.
        return identity(rows)


def _lookup_in_parts(
    parts: list[Any], ids: Tensor, strategy: str, scope: str, max_norm: Any
) -> Tensor:
    flat = reshape(ids, [-1])
    places = range_of(size(flat))
    assigned, row = _assignments(parts, flat, strategy)
    assigned = cast(assigned, Int32)
    rows_of_part = ops.DynamicPartition(row, assigned, num_partitions=len(parts))
    places_of_part = ops.DynamicPartition(places, assigned, num_partitions=len(parts))
    found: list[Tensor] = []
    for part, rows in zip(parts, rows_of_part, strict=True):
        with colocate_with(part):
            found.append(gather(part, rows))
    stitched = ops.ParallelDynamicStitch(places_of_part, found, name=scope)
    inner = parts[0].get_shape()[1:]
    for part in parts[1:]:
        inner = inner.merge_with(part.get_shape()[1:])
    if inner.is_fully_defined():
        inner_sizes: Any = inner
    else:
        with colocate_with(parts[0]):
            inner_sizes = shape(parts[0])[1:]
    result = reshape(stitched, concat([shape(ids), inner_sizes], 0))
    result.set_shape(ids.shape.concatenate(inner))
    return _clip(result, ids, max_norm)


def _assignments(parts: list[Any], flat: Tensor, strategy: str) -> tuple[Any, Any]:
    """Returns for each id the part that holds it and its row there.

    Raises:
      ValueError: for an unknown strategy.
    """
    count = len(parts)
    ids: Any = flat
    if strategy == "mod":
        return ids % count, ids // count
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}")
    total = _total_rows(parts, flat)
    per_part = total // count
    extras = total % count
    assigned = ops.Maximum(ids // (per_part + 1), (ids - extras) // per_part)
    row = ops.Select(assigned < extras, ids % (per_part + 1), (ids - extras) % per_part)
    return assigned, row


def _total_rows(parts: list[Any], flat: Tensor) -> Any:
    sizes = [None if p.get_shape().ndims is None else p.get_shape().as_list()[0] for p in parts]
    if all(sizes):
        return constant(sum(s for s in sizes if s), flat.dtype)
    dynamic: list[Any] = []
    for part, known in zip(parts, sizes, strict=True):
        if known is None:
            with colocate_with(part):
                dynamic.append(shape(part)[0])
        else:
            dynamic.append(known)
    return ops.Sum(cast(stack(dynamic), flat.dtype), [0])


@export("nn.embedding_lookup_sparse")
def embedding_lookup_sparse(
    params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str = "mod", name: Any = None,
    combiner: Any = None, max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """Returns for each row of ids the combination of their embeddings.

    Args:
      params: the table, as in `tf.nn.embedding_lookup`.
      sp_ids: a `SparseTensor` of ids, `[batch, …]`; each row has at least one.
      sp_weights: a `SparseTensor` of weights at the same places, or `None` for ones.
      partition_strategy: `"mod"` or `"div"`, as in `tf.nn.embedding_lookup`.
      name: name of the nodes.
      combiner: `"sum"`, `"mean"` (the default; over the weights) or `"sqrtn"`: the sum over the
        root of the sum of squared weights.
      max_norm: the largest length of an embedding before it is combined.

    Returns:
      `[batch] + params.shape[1:]`.

    Raises:
      TypeError: if ids or weights are not sparse.
      ValueError: for another combiner, or weights of another shape.
    """
    combiner = "mean" if combiner is None else combiner
    if combiner not in _COMBINERS:
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    parts = _as_list(params)
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    if sp_weights is not None:
        if not isinstance(sp_weights, SparseTensor):
            raise TypeError("sp_weights must be either None or SparseTensor")
        for a, b in zip(sp_ids.component_tensors, sp_weights.component_tensors, strict=True):
            a.shape.assert_is_compatible_with(b.shape)
    with name_scope(name, "embedding_lookup_sparse", [*parts, *sp_ids.component_tensors]) as scope:
        segments = cast(sp_ids.indices[:, 0], Int32)  # pyright: ignore[reportIndexIssue]
        distinct, places = ops.Unique(sp_ids.values)
        rows = embedding_lookup(
            parts, distinct, partition_strategy=partition_strategy, max_norm=max_norm
        )
        if rows.dtype in (Half, BFloat16):
            rows = cast(rows, Float)
        if sp_weights is None:
            return _combined(rows, places, segments, combiner, scope)
        return _weighted(rows, places, segments, sp_weights.values, combiner, scope)


def _combined(rows: Tensor, places: Tensor, segments: Tensor, combiner: str, scope: str) -> Tensor:
    kinds = {"sum": "SparseSegmentSum", "mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN"}
    return getattr(ops, kinds[combiner])(rows, places, segments, name=scope)


def _weighted(
    rows: Tensor, places: Tensor, segments: Tensor, weights: Tensor, combiner: str, scope: str
) -> Tensor:
    weights = cast(weights, rows.dtype)
    rows = gather(rows, places)
    known = weights.shape
    ones = fill(expand_dims(rank(rows) - 1, 0), 1)  # pyright: ignore[reportOperatorIssue]
    weights = reshape(weights, concat([shape(weights), ones], 0))
    if rows.shape.ndims is not None:
        weights.set_shape(known.concatenate([1] * (rows.shape.ndims - 1)))
    rows = ops.Mul(rows, weights, name="mul")
    if combiner == "sum":
        return ops.SegmentSum(rows, segments, name=scope)
    summed = ops.SegmentSum(rows, segments)
    if combiner == "mean":
        return ops.RealDiv(summed, ops.SegmentSum(weights, segments), name=scope)
    squares = ops.SegmentSum(ops.Pow(weights, 2), segments)
    return ops.RealDiv(summed, ops.Sqrt(squares), name=scope)
