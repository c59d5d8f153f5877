"""The feature columns of `tf.contrib.layers`, from before `tf.feature_column`.

A column makes its tensor from other columns and raw features (`_made`), which it gets by key. The
layers of `millstream.contrib.layers.feature_column_layers` take them, and those of
`tf.feature_column` too.
"""

from collections import namedtuple

import numpy as np

from millstream.base.dtypes import Float, Int64
from millstream.base.shapes import TensorShape
from millstream.feature_column.categorical import to_sparse
from millstream.feature_column.columns import IdWeightPair
from millstream.ir.composite import SparseTensor
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.indicators import one_hot
from millstream.ops.array.joining import stack
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_sum
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of
from millstream.ops.parsing.features import FixedLenFeature, VarLenFeature
from millstream.ops.sparse.crossing import sparse_feature_cross
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.making import sparse_merge
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.ops.string.codes import string_to_hash_bucket_fast
from millstream.ops.table.vocabulary import index_table_from_file, index_table_from_tensor


class FeatureColumn:
    """Base of the columns of `tf.contrib.layers`."""

    @property
    def key(self):
        """What columns are sorted by: the column as a string."""
        return str(self)

    @property
    def config(self):
        """How the raw features that it needs are parsed, by key."""
        raise AttributeError("config")

    @property
    def _var_scope_name(self):
        return self.name

    @property
    def _parse_example_spec(self):
        return self.config

    def insert_transformed_feature(self, columns_to_tensors):
        """Puts the column's tensor into a dict of raw features and tensors of columns."""

        def get(key):
            if isinstance(key, FeatureColumn) and key not in columns_to_tensors:
                key.insert_transformed_feature(columns_to_tensors)
            return columns_to_tensors[key]

        columns_to_tensors[self] = self._made(get)

    def _transform_feature(self, inputs):
        return self._made(inputs.get)


class SparseColumn(
    FeatureColumn,
    namedtuple(
        "SparseColumn",
        ("column_name", "is_integerized", "bucket_size", "lookup_config", "combiner", "dtype"),
    ),
):
    """Ids of a feature: by hash, by vocabulary, or integers that are ids already."""

    @property
    def name(self):
        """The feature's key."""
        return self.column_name

    @property
    def config(self):
        """A feature of any length."""
        return {self.column_name: VarLenFeature(self.dtype)}

    @property
    def length(self):
        """The number of ids."""
        if self.lookup_config is None:
            return self.bucket_size
        return self.lookup_config.vocab_size + self.lookup_config.num_oov_buckets

    _num_buckets = length

    def raw(self, tensor):
        """Returns the feature as a `SparseTensor` of strings or integers."""
        if not isinstance(tensor, SparseTensor):
            tensor = to_sparse(tensor)
        return tensor

    def _made(self, get):
        return self._ids(self.raw(get(self.column_name)))

    def ids_and_weights(self, made):
        """Returns a `SparseTensor` of ids, and one of weights or `None`."""
        return IdWeightPair(made, None)

    def _get_sparse_tensors(self, inputs, weight_collections=None, trainable=None):
        del weight_collections, trainable
        return self.ids_and_weights(inputs.get(self))


class SparseColumnHashed(SparseColumn):
    """What `sparse_column_with_hash_bucket` makes."""

    def _ids(self, tensor):
        values = tensor.values
        if self.dtype.is_integer:
            values = ops.AsString(values)
        ids = string_to_hash_bucket_fast(values, self.bucket_size, name="lookup")
        return SparseTensor(tensor.indices, ids, tensor.dense_shape)


class SparseColumnIntegerized(SparseColumn):
    """What `sparse_column_with_integerized_feature` makes."""

    def _ids(self, tensor):
        if not tensor.dtype.is_integer:
            raise ValueError(f"Column {self.name} needs integers, got {tensor.dtype!r}")
        ids = cast(ops.FloorMod(tensor.values, np.array(self.bucket_size, tensor.dtype.np)), Int64)
        return SparseTensor(tensor.indices, ids, tensor.dense_shape)


class SparseColumnKeys(SparseColumn):
    """What `sparse_column_with_keys` makes."""

    def _ids(self, tensor):
        table = index_table_from_tensor(
            tuple(self.lookup_config.keys),
            default_value=self.lookup_config.default_value,
            dtype=self.dtype,
            name="lookup",
        )
        return table.lookup(tensor)


class SparseColumnVocabulary(SparseColumn):
    """What `sparse_column_with_vocabulary_file` makes."""

    def _ids(self, tensor):
        config = self.lookup_config
        if tensor.dtype.is_integer:
            values = ops.AsString(tensor.values)
            tensor = SparseTensor(tensor.indices, values, tensor.dense_shape)
        table = index_table_from_file(
            vocabulary_file=config.vocabulary_file,
            num_oov_buckets=config.num_oov_buckets,
            vocab_size=config.vocab_size,
            default_value=config.default_value,
            name=f"{self.name}_lookup",
        )
        return table.lookup(tensor)


SparseIdLookupConfig = namedtuple(
    "SparseIdLookupConfig",
    ("vocabulary_file", "keys", "num_oov_buckets", "vocab_size", "default_value"),
)


class WeightedSparseColumn(
    FeatureColumn,
    namedtuple("WeightedSparseColumn", ("sparse_id_column", "weight_column_name", "dtype")),
):
    """What `weighted_sparse_column` makes."""

    @property
    def name(self):
        """The names of ids and weights."""
        return f"{self.sparse_id_column.name}_weighted_by_{self.weight_column_name}"

    @property
    def config(self):
        """What the ids need, and the weights."""
        return {**self.sparse_id_column.config, self.weight_column_name: VarLenFeature(self.dtype)}

    @property
    def length(self):
        """The number of ids."""
        return self.sparse_id_column.length

    _num_buckets = length

    @property
    def combiner(self):
        """That of the ids."""
        return self.sparse_id_column.combiner

    @property
    def lookup_config(self):
        """That of the ids."""
        return self.sparse_id_column.lookup_config

    def _made(self, get):
        weights = get(self.weight_column_name)
        if not isinstance(weights, SparseTensor):
            weights = to_sparse(weights, ignore_value=0.0)
        if not weights.dtype.is_floating:
            weights = cast(weights, Float)
        return get(self.sparse_id_column), weights

    def ids_and_weights(self, made):
        """Returns `SparseTensor`s of ids and weights."""
        return IdWeightPair(*made)

    def _get_sparse_tensors(self, inputs, weight_collections=None, trainable=None):
        del weight_collections, trainable
        return self.ids_and_weights(inputs.get(self))


class CrossedColumn(
    FeatureColumn,
    namedtuple(
        "CrossedColumn",
        (
            *("columns", "hash_bucket_size", "hash_key", "combiner", "ckpt_to_load_from"),
            "tensor_name_in_ckpt",
        ),
    ),
):
    """What `crossed_column` makes."""

    @property
    def name(self):
        """The sorted names of the columns, joined by `_X_`."""
        return "_X_".join(sorted(column.name for column in self.columns))

    @property
    def config(self):
        """What the columns need."""
        found = {}
        for column in self.columns:
            found.update(column.config)
        return found

    @property
    def length(self):
        """The number of buckets."""
        return self.hash_bucket_size

    _num_buckets = length

    def leaves(self):
        """Lists what is crossed by it and the crosses in it."""
        found = []
        for column in self.columns:
            found += column.leaves() if isinstance(column, CrossedColumn) else [column]
        return found

    def _made(self, get):
        features = []
        for column in self.leaves():
            if isinstance(column, SparseColumn):
                features.append(get(column.name))
            else:
                features.append(column.ids_and_weights(get(column)).id_tensor)
        return sparse_feature_cross(
            features,
            hashed_output=True,
            num_buckets=self.hash_bucket_size,
            hash_key=self.hash_key,
            name="cross",
        )

    ids_and_weights = SparseColumn.ids_and_weights
    _get_sparse_tensors = SparseColumn._get_sparse_tensors


class RealValuedColumn(
    FeatureColumn,
    namedtuple(
        "RealValuedColumn", ("column_name", "dimension", "default_value", "dtype", "normalizer")
    ),
):
    """What `real_valued_column` makes."""

    @property
    def name(self):
        """The feature's key."""
        return self.column_name

    @property
    def config(self):
        """A feature of fixed length."""
        default = self.default_value
        default = default if default is None else list(default)
        return {self.column_name: FixedLenFeature([self.dimension], self.dtype, default)}

    @property
    def normalizer_fn(self):
        """What is applied to the feature."""
        return self.normalizer

    @property
    def _variable_shape(self):
        return TensorShape([self.dimension])

    def _made(self, get):
        tensor = get(self.column_name)
        return tensor if self.normalizer is None else self.normalizer(tensor)

    def dense(self, made):
        """Returns `[batch, dimension]`."""
        if isinstance(made, SparseTensor):
            made = sparse_tensor_to_dense(made)
        made = cast(made, Float)
        if made.shape.ndims == 2 and made.shape.as_list()[1] == self.dimension:
            return made
        return reshape(made, [-1, self.dimension])

    def _get_dense_tensor(self, inputs, weight_collections=None, trainable=None):
        del weight_collections, trainable
        return self.dense(inputs.get(self))


class BucketizedColumn(
    FeatureColumn, namedtuple("BucketizedColumn", ("source_column", "boundaries"))
):
    """What `bucketized_column` makes."""

    combiner = "sum"

    @property
    def name(self):
        """That of the numbers, and `_bucketized`."""
        return f"{self.source_column.name}_bucketized"

    @property
    def config(self):
        """What the numbers need."""
        return self.source_column.config

    @property
    def _buckets(self):
        return len(self.boundaries) + 1

    @property
    def length(self):
        """The number of ids, of all numbers of an example."""
        return self._buckets * self.source_column.dimension

    _num_buckets = length

    @property
    def _variable_shape(self):
        return TensorShape([self.length])

    def _made(self, get):
        numbers = self.source_column.dense(get(self.source_column))
        return ops.Bucketize(numbers, boundaries=list(self.boundaries))

    def dense(self, made):
        """Returns the buckets as indicators, `[batch, length]`."""
        flags = one_hot(cast(made, Int64), self._buckets, on_value=1.0, off_value=0.0)
        return reshape(flags, [-1, self.length])

    def ids_and_weights(self, made):
        """Returns the buckets as ids."""
        batch, width = shape_of(made)[0], self.source_column.dimension
        if width > 1:
            rows = reshape(tile(expand_dims(range_of(0, batch), 1), [1, width]), (-1,))
            columns = tile(range_of(0, width), [batch])
            ids = reshape(made, (-1,)) + self._buckets * columns
        else:
            rows, ids = range_of(0, batch), reshape(made, (-1,))
            columns = ops.ZerosLike(rows)
        indices = cast(transpose(stack((rows, columns))), Int64)
        sizes = cast(stack([batch, width]), Int64)
        return IdWeightPair(SparseTensor(indices, cast(ids, Int64), sizes), None)

    _get_dense_tensor = RealValuedColumn._get_dense_tensor
    _get_sparse_tensors = SparseColumn._get_sparse_tensors


class OneHotColumn(FeatureColumn, namedtuple("OneHotColumn", ("sparse_id_column",))):
    """What `one_hot_column` makes."""

    @property
    def name(self):
        """That of the ids, and `_one_hot`."""
        return f"{self.sparse_id_column.name}_one_hot"

    @property
    def config(self):
        """What the ids need."""
        return self.sparse_id_column.config

    @property
    def length(self):
        """The number of ids."""
        return self.sparse_id_column.length

    @property
    def _variable_shape(self):
        return TensorShape([self.length])

    def _made(self, get):
        return get(self.sparse_id_column)

    def dense(self, made):
        """Returns how often, or with what weight, each id occurs, `[batch, length]`."""
        ids, weights = self.sparse_id_column.ids_and_weights(made)
        ids = flat_rows(ids)
        if weights is not None:
            merged = sparse_merge(ids, flat_rows(weights), int(self.length))
            return sparse_tensor_to_dense(merged)
        dense = sparse_tensor_to_dense(ids, default_value=-1)
        return reduce_sum(one_hot(dense, depth=self.length, on_value=1.0, off_value=0.0), axis=1)

    _get_dense_tensor = RealValuedColumn._get_dense_tensor


def flat_rows(tensor):
    """Returns a `SparseTensor` as one of rank 2."""
    if tensor.shape.ndims == 2:
        return tensor
    return sparse_reshape(tensor, [shape_of(tensor)[0], -1])


class EmbeddingColumn(
    FeatureColumn,
    namedtuple(
        "EmbeddingColumn",
        (
            *("sparse_id_column", "dimension", "combiner", "initializer", "ckpt_to_load_from"),
            *("tensor_name_in_ckpt", "shared_embedding_name", "shared_vocab_size", "max_norm"),
            "trainable",
        ),
    ),
):
    """What `embedding_column` makes."""

    @property
    def name(self):
        """That of the ids, and `_embedding`."""
        shared = "_shared" if self.shared_embedding_name is not None else ""
        return f"{self.sparse_id_column.name}{shared}_embedding"

    @property
    def config(self):
        """What the ids need."""
        return self.sparse_id_column.config

    @property
    def length(self):
        """The number of ids."""
        if self.shared_vocab_size is not None:
            return self.shared_vocab_size
        return self.sparse_id_column.length

    @property
    def _variable_shape(self):
        return TensorShape([self.dimension])

    def _made(self, get):
        return get(self.sparse_id_column)
