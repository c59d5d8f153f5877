"""Columns of sequences, and `tf.contrib.feature_column.sequence_input_layer`."""

from collections import namedtuple

from millstream.base.dtypes import Float, String, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.feature_column import categorical
from millstream.feature_column.columns import (
    CategoricalColumn,
    FeatureTransformationCache,
    IdWeightPair,
    SequenceDenseColumn,
    TensorSequenceLengthPair,
    normalized,
)
from millstream.feature_column.dense_layers import by_name, check_batch_sizes, collections_of
from millstream.feature_column.lengths import sequence_length_from_sparse_tensor
from millstream.feature_column.numeric import checked_shape
from millstream.ir.composite import SparseTensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.flow.checks import assert_equal
from millstream.ops.math import reduce_prod
from millstream.ops.math.cast import cast
from millstream.ops.parsing.features import VarLenFeature
from millstream.ops.sparse.dense import sparse_tensor_to_dense
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.state.scoping import variable_scope


class SequenceCategoricalColumn(
    CategoricalColumn, namedtuple("SequenceCategoricalColumn", ("categorical_column",))
):
    """Ids per step: what the `sequence_categorical_column_with_*` make."""

    is_sequence = True

    @property
    def name(self):
        """That of the ids."""
        return self.categorical_column.name

    @property
    def parse_example_spec(self):
        """What the ids need."""
        return self.categorical_column.parse_example_spec

    @property
    def parents(self):
        """The ids."""
        return [self.categorical_column]

    @property
    def num_buckets(self):
        """The number of ids."""
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache, state_manager):
        """Returns the ids as they are."""
        return self.categorical_column.transform_feature(transformation_cache, state_manager)

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """Returns ids and weights as `[batch, time, ids]`."""
        ids, weights = self.categorical_column.get_sparse_tensors(
            transformation_cache, state_manager
        )
        return IdWeightPair(_by_step(ids), None if weights is None else _by_step(weights))


def _by_step(tensor):
    sizes = shape_of(tensor)
    return sparse_reshape(tensor, [sizes[0], sizes[1], reduce_prod(sizes[2:])])


class SequenceNumericColumn(
    SequenceDenseColumn,
    namedtuple(
        "SequenceNumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn")
    ),
):
    """What `sequence_numeric_column` makes."""

    @property
    def name(self):
        """The feature's key."""
        return self.key

    @property
    def parse_example_spec(self):
        """A feature of any length."""
        return {self.key: VarLenFeature(self.dtype)}

    @property
    def parents(self):
        """The feature's key."""
        return [self.key]

    @property
    def variable_shape(self):
        """The shape of a step."""
        return TensorShape(self.shape)

    _variable_shape = variable_shape

    def transform_feature(self, transformation_cache, state_manager):
        """Returns the normalised feature, sparse."""
        numbers = transformation_cache.get(self.key, state_manager)
        return numbers if self.normalizer_fn is None else self.normalizer_fn(numbers)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """Returns the numbers per step, and the lengths."""
        numbers = transformation_cache.get(self, state_manager)
        if not isinstance(numbers, SparseTensor):
            raise TypeError(f"sequence_numeric_column {self.key} needs a SparseTensor: {numbers}")
        dense = sparse_tensor_to_dense(numbers, default_value=self.default_value)
        dense = reshape(dense, concat([shape_of(dense)[:1], [-1], self.shape], axis=0))
        dense = cast(dense, Float)
        per_step = self.variable_shape.num_elements() if numbers.shape.ndims == 2 else 1
        length = sequence_length_from_sparse_tensor(numbers, num_elements=per_step)
        return TensorSequenceLengthPair(dense, length)


@export("feature_column.sequence_numeric_column", "contrib.feature_column.sequence_numeric_column")
def sequence_numeric_column(key, shape=(1,), default_value=0.0, dtype=Float, normalizer_fn=None):
    """Describes a feature of numbers per step.

    Args:
      key: the feature's key.
      shape: shape of a step.
      default_value: what sequences are padded with.
      dtype: type in serialized examples.
      normalizer_fn: a function of the `SparseTensor`: `lambda x: x / 2.0`.

    Returns:
      A column for sequences.

    Raises:
      TypeError: if `normalizer_fn` is not callable.
      ValueError: if a size is not positive, or the type is no number.
    """
    shape = checked_shape(shape, key)
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype!r}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return SequenceNumericColumn(key, shape, default_value, dtype, normalizer_fn)


def _publish(leaf):
    names = (f"feature_column.{leaf}", f"contrib.feature_column.{leaf}")
    return export(*names)


@_publish("sequence_categorical_column_with_hash_bucket")
def sequence_categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=String):
    """Describes strings or integers per step by hashing them into buckets.

    Args:
      key: the feature's key.
      hash_bucket_size: number of buckets.
      dtype: string or an integer type.

    Returns:
      A categorical column for sequences.
    """
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_hash_bucket(key, hash_bucket_size, dtype)
    )


@_publish("sequence_categorical_column_with_identity")
def sequence_categorical_column_with_identity(key, num_buckets, default_value=None):
    """Describes integers per step that are ids already.

    Args:
      key: the feature's key.
      num_buckets: a number that every id is less than.
      default_value: the id for integers that are out of range; without one they are an error.

    Returns:
      A categorical column for sequences.
    """
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_identity(key, num_buckets, default_value)
    )


@_publish("sequence_categorical_column_with_vocabulary_file")
def sequence_categorical_column_with_vocabulary_file(
    key,
    vocabulary_file,
    vocabulary_size=None,
    num_oov_buckets=0,
    default_value=None,
    dtype=String,
):
    """Describes words per step by their lines in a file.

    Args:
      key: the feature's key.
      vocabulary_file: the file, a word a line.
      vocabulary_size: how many of its lines count; all by default.
      num_oov_buckets: number of ids into which other words are hashed.
      default_value: the id of other words; -1 (none) by default.
      dtype: string or an integer type.

    Returns:
      A categorical column for sequences.
    """
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_vocabulary_file(
            key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
        )
    )


@_publish("sequence_categorical_column_with_vocabulary_list")
def sequence_categorical_column_with_vocabulary_list(
    key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0
):
    """Describes words per step by their places in a list.

    Args:
      key: the feature's key.
      vocabulary_list: different strings or integers.
      dtype: string or an integer type; that of the list by default.
      default_value: the id of other words; -1 is none.
      num_oov_buckets: number of ids into which other words are hashed.

    Returns:
      A categorical column for sequences.
    """
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_vocabulary_list(
            key, vocabulary_list, dtype, default_value, num_oov_buckets
        )
    )


@export("contrib.feature_column.sequence_input_layer")
def sequence_input_layer(features, feature_columns, weight_collections=None, trainable=True):
    """Returns what columns of sequences make of features, side by side, and the lengths.

    Args:
      features: `SparseTensor`s by key.
      feature_columns: columns for sequences: numeric ones, embeddings and indicators.
      weight_collections: collections that variables are added to besides those of the graph.
      trainable: whether variables are trained.

    Returns:
      A tuple: `[batch, time, elements of all columns]`, and `[batch]` int64.

    Raises:
      ValueError: if a column is of another kind.
      InvalidArgumentError: when run, if columns have different lengths.
    """
    columns = by_name(normalized(feature_columns))
    for column in columns:
        if not hasattr(column, "_get_sequence_dense_tensor"):
            raise ValueError(
                "All feature_columns must be of type _SequenceDenseColumn. You can wrap a "
                "sequence_categorical_column with an embedding_column or indicator_column. Given "
                f"(type {type(column)}): {column}"
            )
    collections = collections_of(weight_collections)
    with variable_scope(None, default_name="sequence_input_layer", values=features.values()):
        cache = FeatureTransformationCache(features)
        tensors, lengths = [], []
        for column in columns:
            with variable_scope(None, default_name=column._var_scope_name):
                dense, length = column._get_sequence_dense_tensor(
                    cache, weight_collections=collections, trainable=trainable
                )
                sizes = shape_of(dense)
                count = column._variable_shape.num_elements()
                tensors.append(reshape(dense, [sizes[0], sizes[1], count]))
                lengths.append(length)
        check_batch_sizes(tensors, columns)
        check_batch_sizes(lengths, columns)
        length = _one_of_equals(lengths)
        return concat(tensors, -1), length


def _one_of_equals(lengths):
    """Returns the lengths, and checks when it runs that all columns agree."""
    with name_scope(None, "assert_all_equal", lengths):
        if len(lengths) == 1:
            return lengths[0]
        checks = [assert_equal(lengths[0], other) for other in lengths[1:]]
        with control_dependencies([check for check in checks if check is not None]):
            return identity(lengths[0])


def concatenate_context_input(context_input, sequence_input):
    """Puts a context before each step of sequences.

    Args:
      context_input: `[batch, d1]`.
      sequence_input: `[batch, time, d0]`.

    Returns:
      `[batch, time, d0 + d1]`.
    """
    sizes = shape_of(sequence_input)
    repeated = tile(expand_dims(context_input, 1), concat([[1], [sizes[1]], [1]], 0))
    return concat([sequence_input, repeated], 2)
