"""Columns made of categorical ones: crossed, weighted, indicator."""

from collections import namedtuple

from millstream.base.dtypes import Float, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.feature_column.categorical import HashedCategoricalColumn, to_sparse
from millstream.feature_column.columns import (
    CategoricalColumn,
    DenseColumn,
    IdWeightPair,
    SequenceDenseColumn,
    TensorSequenceLengthPair,
    is_categorical,
)
from millstream.feature_column.lengths import sequence_length_from_sparse_tensor
from millstream.ir.composite import SparseTensor
from millstream.ops.array.indicators import one_hot
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_sum
from millstream.ops.math.cast import cast
from millstream.ops.parsing.features import VarLenFeature
from millstream.ops.sparse.crossing import cross_features
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.joining import sparse_slice
from millstream.ops.sparse.making import sparse_merge


class CrossedColumn(
    CategoricalColumn, namedtuple("CrossedColumn", ("keys", "hash_bucket_size", "hash_key"))
):
    """What `crossed_column` makes."""

    @property
    def name(self):
        """The sorted names of the features, joined by `_X_`."""
        names = [key if isinstance(key, str) else key.name for key in leaf_keys(self)]
        return "_X_".join(sorted(names))

    @property
    def parse_example_spec(self):
        """What the features need; those given by name are strings of any number."""
        config = {}
        for key in self.keys:
            if isinstance(key, str):
                config[key] = VarLenFeature(as_dtype("string"))
            else:
                config.update(key._parse_example_spec)
        return config

    @property
    def parents(self):
        """What is crossed."""
        return list(self.keys)

    @property
    def num_buckets(self):
        """The number of buckets."""
        return self.hash_bucket_size

    def transform_feature(self, transformation_cache, state_manager):
        """Returns a `SparseTensor` of the hashed crosses."""
        inputs = []
        for key in leaf_keys(self):
            if isinstance(key, str):
                inputs.append(transformation_cache.get(key, state_manager))
                continue
            ids, weights = key.get_sparse_tensors(transformation_cache, state_manager)
            if weights is not None:
                raise ValueError(
                    "crossed_column does not support weight_tensor, but the given column "
                    f"populates weight_tensor. Given column: {key.name}"
                )
            inputs.append(ids)
        return cross_features(inputs, True, self.hash_bucket_size, self.hash_key)


def leaf_keys(cross):
    """Lists what a cross, and the crosses in it, cross."""
    leaves = []
    for key in cross.keys:
        leaves += leaf_keys(key) if isinstance(key, CrossedColumn) else [key]
    return leaves


class WeightedCategoricalColumn(
    CategoricalColumn,
    namedtuple("WeightedCategoricalColumn", ("categorical_column", "weight_feature_key", "dtype")),
):
    """What `weighted_categorical_column` makes."""

    @property
    def name(self):
        """The names of ids and weights."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parse_example_spec(self):
        """What the ids need, and the weights.

        Raises:
          ValueError: if the weights' key is one of the ids'.
        """
        config = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in config:
            raise ValueError(
                f"Parse config {config[self.weight_feature_key]} already exists for "
                f"{self.weight_feature_key}."
            )
        config[self.weight_feature_key] = VarLenFeature(self.dtype)
        return config

    @property
    def parents(self):
        """The ids, and the key of the weights."""
        return [self.categorical_column, self.weight_feature_key]

    @property
    def num_buckets(self):
        """The number of ids."""
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache, state_manager):
        """Returns `SparseTensor`s of ids and weights."""
        weights = transformation_cache.get(self.weight_feature_key, state_manager)
        if weights is None:
            raise ValueError(f"Missing weights {self.weight_feature_key}.")
        if self.dtype != weights.dtype.base_dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype!r}, but got {weights.dtype!r}.")
        if not isinstance(weights, SparseTensor):
            weights = to_sparse_weights(weights)
        if not weights.dtype.is_floating:
            weights = cast(weights, Float)
        return transformation_cache.get(self.categorical_column, state_manager), weights

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """Returns ids and weights."""
        return IdWeightPair(*transformation_cache.get(self, state_manager))


def to_sparse_weights(weights):
    """Returns dense weights as a `SparseTensor`; zeros are left out."""
    if isinstance(weights, SparseTensor):
        return weights
    return to_sparse(weights, ignore_value=0.0)


class IndicatorColumn(
    DenseColumn, SequenceDenseColumn, namedtuple("IndicatorColumn", ("categorical_column",))
):
    """What `indicator_column` makes."""

    @property
    def name(self):
        """That of the ids, and `_indicator`."""
        return f"{self.categorical_column.name}_indicator"

    @property
    def parse_example_spec(self):
        """What the ids need."""
        return self.categorical_column._parse_example_spec

    @property
    def parents(self):
        """The ids."""
        return [self.categorical_column]

    @property
    def variable_shape(self):
        """One number per id there is."""
        return TensorShape([1, self.categorical_column._num_buckets])

    def transform_feature(self, transformation_cache, state_manager):
        """Returns how often, or with what weight, each id occurs."""
        ids, weights = self._sparse_tensors(transformation_cache, state_manager)
        count = self.categorical_column._num_buckets
        if weights is not None:
            merged = sparse_merge(ids, weights, int(count))
            merged = sparse_slice(merged, [0, 0], merged.dense_shape)
            return ops.ScatterNd(merged.indices, merged.values, merged.dense_shape)
        dense = sparse_tensor_to_dense(ids, default_value=-1)
        return reduce_sum(one_hot(dense, depth=count, on_value=1.0, off_value=0.0), axis=[-2])

    def _sparse_tensors(self, cache, state_manager):
        column = self.categorical_column
        if isinstance(column, CategoricalColumn):
            return column.get_sparse_tensors(cache, state_manager)
        return column._get_sparse_tensors(cache)

    def get_dense_tensor(self, transformation_cache, state_manager):
        """Returns the indicators.

        Raises:
          ValueError: if the ids are those of a sequence.
        """
        refuse_sequence(self, self.categorical_column)
        return transformation_cache.get(self, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """Returns the indicators per step.

        Raises:
          ValueError: if the ids are not those of a sequence.
        """
        require_sequence(self, self.categorical_column)
        dense = transformation_cache.get(self, state_manager)
        ids = self._sparse_tensors(transformation_cache, state_manager).id_tensor
        return TensorSequenceLengthPair(dense, sequence_length_from_sparse_tensor(ids))


def refuse_sequence(column, categorical_column):
    """Raises ValueError if the ids of a dense column are those of a sequence."""
    if is_sequence(categorical_column):
        raise ValueError(
            f"In {kind_of(column)}: {column.name}. categorical_column must not be of type "
            "_SequenceCategoricalColumn. Use a categorical_column_with_* that is no sequence, or "
            f"a layer for sequences. Given (type {type(categorical_column)}): {categorical_column}"
        )


def require_sequence(column, categorical_column):
    """Raises ValueError unless the ids of a column are those of a sequence."""
    if not is_sequence(categorical_column):
        raise ValueError(
            f"In {kind_of(column)}: {column.name}. categorical_column must be of type "
            "_SequenceCategoricalColumn to use a layer for sequences. Use one of the "
            f"sequence_categorical_column_with_*. Given (type {type(categorical_column)}): "
            f"{categorical_column}"
        )


def is_sequence(column):
    """Tells whether ids are those of a sequence."""
    return getattr(column, "is_sequence", False)


def kind_of(column):
    """Returns the name of the function that makes such columns."""
    return {"IndicatorColumn": "indicator_column"}.get(type(column).__name__, "embedding_column")


@export("feature_column.crossed_column")
def crossed_column(keys, hash_bucket_size, hash_key=None):
    """Describes combinations of features by hashing them into buckets.

    Args:
      keys: keys of features, and categorical columns that are not hashed.
      hash_bucket_size: number of buckets.
      hash_key: what hashing starts from; the numbers that TensorFlow calls are the default.

    Returns:
      A categorical column.

    Raises:
      ValueError: if there are fewer than two keys, one is of another kind, or there is less than
        one bucket.
    """
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "categorical_column_with_hash_bucket is not supported for crossing. Hashing "
                "before crossing will increase probability of collision. Instead, use the "
                f"feature name as a string. Given: {key}"
            )
        if not isinstance(key, str) and not is_categorical(key):
            raise ValueError(
                "Unsupported key type. All keys must be either string, or categorical column "
                f"except HashedCategoricalColumn. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


@export("feature_column.weighted_categorical_column")
def weighted_categorical_column(categorical_column, weight_feature_key, dtype=Float):
    """Gives the ids of a column the weights of another feature.

    Args:
      categorical_column: ids.
      weight_feature_key: key of the weights, of which there are as many.
      dtype: type of the weights.

    Returns:
      A categorical column.

    Raises:
      ValueError: if the type is no number.
    """
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype {dtype!r} is not convertible to float.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


@export("feature_column.indicator_column")
def indicator_column(categorical_column):
    """Describes ids by how often each occurs in an example.

    Args:
      categorical_column: ids; those of a vocabulary or few buckets.

    Returns:
      A dense column.
    """
    return IndicatorColumn(categorical_column)
