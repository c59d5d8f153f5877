"""`tf.nn.safe_embedding_lookup_sparse`: embeddings of rows that may be empty or hold bad ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import Bool, Int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.filling import ones_like, zeros_like
from millstream.ops.array.gathering import gather
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.selecting import where
from millstream.ops.array.shapes import shape, size
from millstream.ops.array.slicing import slice as slice_of
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_prod
from millstream.ops.math.cast import cast
from millstream.ops.sparse.filling import sparse_fill_empty_rows
from millstream.ops.sparse.making import sparse_retain
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.state.embedding import embedding_lookup_sparse
from millstream.state.partitioned import PartitionedVariable
from millstream.state.resource_variable import BaseResourceVariable


@export("nn.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: Any = "mean",
    default_id: Any = None, name: Any = None, partition_strategy: str = "div",
    max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """Returns for each row of ids the combination of their embeddings; rows may be empty.

    Ids that are negative, and with a combiner other than `"sum"` those whose weight is not
    positive, are left out.

    Args:
      embedding_weights: the table, `[rows, …]`, a list of its parts, or a partitioned variable.
      sparse_ids: a `SparseTensor` of ids, `[batch, …, ids]`.
      sparse_weights: a `SparseTensor` of weights at the same places, or `None` for ones.
      combiner: `"sum"`, `"mean"` or `"sqrtn"`, as in `tf.nn.embedding_lookup_sparse`.
      default_id: the id to look up for rows without any; `None` gives them zeros.
      name: name of the nodes' scope.
      partition_strategy: `"div"` or `"mod"`, as in `tf.nn.embedding_lookup`.
      max_norm: the largest length of an embedding before it is combined.

    Returns:
      `[batch, …] + embedding_weights.shape[1:]`.

    Raises:
      ValueError: if there is no table.
    """
    parts = _parts(embedding_weights, sparse_weights)
    values = [*parts, sparse_ids, *([] if sparse_weights is None else [sparse_weights])]
    with name_scope(name, "embedding_lookup", values) as scope:
        old_shape = sparse_ids.dense_shape
        rank = old_shape.get_shape().as_list()[0]
        count = size(old_shape) if rank is None else rank
        rows = [reduce_prod(slice_of(old_shape, [0], [count - 1])), gather(old_shape, count - 1)]
        ids, weights = _pruned(sparse_reshape(sparse_ids, rows), sparse_weights, combiner)
        ids, is_empty = sparse_fill_empty_rows(ids, default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        result = embedding_lookup_sparse(
            parts, ids, weights, combiner=combiner, partition_strategy=partition_strategy,
            name=None if default_id is None else scope, max_norm=max_norm,
        )  # fmt: skip
        if default_id is None:
            is_empty = tile(reshape(is_empty, [-1, 1]), stack([1, shape(result)[1]]))
            result = where(is_empty, zeros_like(result), result, name=scope)
        lead = slice_of(cast(old_shape, Int32), [0], [count - 1])
        sizes = concat([lead, slice_of(shape(result), [1], [-1])], 0)
        final = reshape(result, sizes)
        known = TensorShape(None if rank is None else [None] * (rank - 1))
        final.set_shape(known.concatenate(result.shape[1:]))
        return final


def _parts(embedding_weights: Any, sparse_weights: Any) -> list[Any]:
    """Returns the parts of a table as tensors or resource variables.

    Raises:
      ValueError: if there is none.
    """
    if embedding_weights is None:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    if isinstance(embedding_weights, PartitionedVariable):
        embedding_weights = list(embedding_weights)
    if not isinstance(embedding_weights, list):
        embedding_weights = [embedding_weights]
    if not embedding_weights:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    dtype = None if sparse_weights is None else sparse_weights.dtype
    return [
        part
        if isinstance(part, BaseResourceVariable) and dtype in (None, part.dtype)
        else convert_to_tensor(part, dtype=dtype)
        for part in embedding_weights
    ]


def _pruned(ids: Any, weights: Any, combiner: Any) -> tuple[Any, Any]:
    """Leaves out bad ids, and weights that would not count."""
    if weights is not None:
        weights = SparseTensor(ids.indices, weights.values, ids.dense_shape)
    good = ops.GreaterEqual(ids.values, np.zeros((), ids.values.dtype.np))
    if weights is not None:
        good = ops.LogicalAnd(good, ones_like(weights.values, dtype=Bool))
    ids = sparse_retain(ids, good)
    if weights is None:
        return ids, None
    weights = sparse_retain(weights, good)
    if combiner != "sum":
        counts = ops.Greater(weights.values, np.zeros((), weights.values.dtype.np))
        ids, weights = sparse_retain(ids, counts), sparse_retain(weights, counts)
    return ids, weights
