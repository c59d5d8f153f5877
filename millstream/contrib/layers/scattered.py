"""Scattered embeddings: each component of each value's vector is hashed into one flat table."""

from collections import namedtuple

from millstream.base.dtypes import Int32, String
from millstream.base.export import export, export_constant
from millstream.base.shapes import TensorShape
from millstream.contrib.layers.common import published
from millstream.contrib.layers.feature_columns import FeatureColumn
from millstream.feature_column.categorical import to_sparse
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of
from millstream.ops.parsing.features import VarLenFeature
from millstream.ops.sparse.crossing import DEFAULT_HASH_KEY, sparse_feature_cross
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.filling import sparse_fill_empty_rows
from millstream.ops.sparse.parts import as_sparse
from millstream.state.embedding import embedding_lookup
from millstream.state.initializers import TruncatedNormal
from millstream.state.partitioned import PartitionedVariable

_COMBINERS = {"sum": "SparseSegmentSum", "mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN"}

# What TF looks up for rows without values.
_NO_TEXT, _NO_NUMBER = "6ZxWzWOHxZ", 1288896567

for _place in ("contrib.layers", "contrib.slim"):
    export_constant(f"{_place}.SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY", DEFAULT_HASH_KEY)


def _parts(params):
    if isinstance(params, PartitionedVariable):
        return list(params)
    return params if isinstance(params, list) else [params]


@export("contrib.slim.scattered_embedding_lookup")
def scattered_embedding_lookup(params, values, dimension, name=None, hash_key=None):
    """Looks up vectors whose components are elements of a table, found by hashing.

    Args:
      params: the table, `[size]`, or a list of its parts.
      values: strings or integers of any shape.
      dimension: length of a vector.
      name: name of the nodes' scope.
      hash_key: what hashing starts from.

    Returns:
      `values.shape + [dimension]`.

    Raises:
      ValueError: if `dimension` is not given, or the table's size unknown.
    """
    if dimension is None:
        raise ValueError("You must specify dimension.")
    parts = _parts(params)
    with name_scope(name, "scattered_embedding_lookup", [*parts, dimension, values]):
        size = sum(part.get_shape().as_list()[0] for part in parts)
        values = convert_to_tensor(values)
        sizes = shape(values)
        flat = reshape(values, [-1, 1])
        components = tile(expand_dims(range_of(0, dimension), 0), concat([shape(flat)[:1], [1]], 0))
        crossed = sparse_feature_cross(
            [components, flat], hashed_output=True, num_buckets=size, hash_key=hash_key
        )
        found = embedding_lookup(parts, sparse_tensor_to_dense(crossed), partition_strategy="div")
        return reshape(found, concat([sizes, [dimension]], 0))


@export("contrib.slim.scattered_embedding_lookup_sparse")
def scattered_embedding_lookup_sparse(
    params, sparse_values, dimension, combiner=None, default_value=None, name=None, hash_key=None
):
    """Combines the scattered embeddings of each row's values.

    Args:
      params: the table, `[size]`, or a list of its parts.
      sparse_values: a `SparseTensor` `[rows, values]` of strings or integers.
      dimension: length of a vector.
      combiner: `"mean"` (the default), `"sum"` or `"sqrtn"`.
      default_value: the value of rows that have none; one that hardly occurs by default.
      name: name of the nodes' scope.
      hash_key: what hashing starts from.

    Returns:
      `[rows, dimension]`.

    Raises:
      TypeError: if the values are not sparse.
    """
    parts = _parts(params)
    sparse_values = as_sparse(sparse_values)
    with name_scope(name, "scattered_sparse_embedding_lookup", [*parts, sparse_values.values]):
        if default_value is None:
            is_text = sparse_values.dtype.base_dtype is String
            default_value = _NO_TEXT if is_text else _NO_NUMBER
        filled, _ = sparse_fill_empty_rows(sparse_values, default_value)
        rows = cast(filled.indices[:, 0], Int32)
        distinct, places = ops.Unique(filled.values)
        found = scattered_embedding_lookup(parts, distinct, dimension, hash_key=hash_key)
        return getattr(ops, _COMBINERS[combiner or "mean"])(found, places, rows)


class ScatteredEmbeddingColumn(
    FeatureColumn,
    namedtuple(
        "ScatteredEmbeddingColumn",
        ("column_name", "size", "dimension", "hash_key", "combiner", "initializer"),
    ),
):
    """What `scattered_embedding_column` makes."""

    @property
    def name(self):
        """The feature's key, and `_scattered_embedding`."""
        return f"{self.column_name}_scattered_embedding"

    @property
    def config(self):
        """A feature of any number of strings."""
        return {self.column_name: VarLenFeature(String)}

    @property
    def _variable_shape(self):
        return TensorShape([self.dimension])

    def _made(self, get):
        return to_sparse(get(self.column_name))

    def embedded(self, made, table):
        """Returns the combined vectors of each example's values."""
        return scattered_embedding_lookup_sparse(
            table,
            made,
            self.dimension,
            combiner=self.combiner,
            hash_key=self.hash_key,
            name="lookup",
        )


@published("scattered_embedding_column")
def scattered_embedding_column(
    column_name, size, dimension, hash_key, combiner="mean", initializer=None
):
    """Describes strings by vectors whose components share one table of numbers.

    Args:
      column_name: the feature's key.
      size: number of elements of the table.
      dimension: length of a vector.
      hash_key: what hashing starts from.
      combiner: how the vectors of an example's values become one: `"mean"`, `"sum"` or `"sqrtn"`.
      initializer: of the table; normal of standard deviation 0.1 by default.

    Raises:
      ValueError: if the size is too small, or the initializer not callable.
    """
    if dimension < 1 or size < 1:
        raise ValueError(
            f"Dimension and size must be greater than 0. dimension: {dimension}, size: {size}, "
            f"column_name: {column_name}"
        )
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. column_name: {column_name}")
    if initializer is None:
        initializer = TruncatedNormal(mean=0.0, stddev=0.1)
    return ScatteredEmbeddingColumn(column_name, size, dimension, hash_key, combiner, initializer)


export("contrib.layers.feature_column.scattered_embedding_column", module=__name__)(
    scattered_embedding_column
)
