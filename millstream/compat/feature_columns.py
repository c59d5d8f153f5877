"""The names of `tensorflow.python.feature_column` that are not public, for programs that use them.

TensorFlow 1.15 has two generations of columns; here one class goes by the names of both.
"""

# ruff: noqa: F401 - the names are what this module is for
from millstream.feature_column import categorical, columns, dense_layers
from millstream.feature_column.categorical import (
    HashedCategoricalColumn,
    IdentityCategoricalColumn,
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
)
from millstream.feature_column.columns import (
    CategoricalColumn,
    DenseColumn,
    FeatureColumn,
    FeatureTransformationCache,
    SequenceDenseColumn,
)
from millstream.feature_column.composed import (
    CrossedColumn,
    IndicatorColumn,
    WeightedCategoricalColumn,
)
from millstream.feature_column.dense_layers import DenseFeatures, InputLayer
from millstream.feature_column.embedding import EmbeddingColumn, SharedEmbeddingColumn
from millstream.feature_column.lengths import sequence_length_from_sparse_tensor
from millstream.feature_column.linear import LinearModel
from millstream.feature_column.numeric import BucketizedColumn, NumericColumn
from millstream.feature_column.sequence import (
    SequenceCategoricalColumn,
    SequenceNumericColumn,
    concatenate_context_input,
)
from millstream.feature_column.states import StateManager

_normalize_feature_columns = columns.normalized
_to_sparse_input_and_drop_ignore_values = categorical.to_sparse
_verify_static_batch_size_equality = dense_layers.check_batch_sizes
_FeatureColumn, _DenseColumn, _CategoricalColumn = FeatureColumn, DenseColumn, CategoricalColumn
_SequenceDenseColumn, _SequenceCategoricalColumn = SequenceDenseColumn, SequenceCategoricalColumn
_NumericColumn, _BucketizedColumn = NumericColumn, BucketizedColumn
_HashedCategoricalColumn = HashedCategoricalColumn
_IdentityCategoricalColumn = IdentityCategoricalColumn
_VocabularyFileCategoricalColumn = VocabularyFileCategoricalColumn
_VocabularyListCategoricalColumn = VocabularyListCategoricalColumn
_CrossedColumn, _WeightedCategoricalColumn = CrossedColumn, WeightedCategoricalColumn
_IndicatorColumn, _EmbeddingColumn = IndicatorColumn, EmbeddingColumn
_SharedEmbeddingColumn = SharedEmbeddingColumn
_LazyBuilder, _LinearModel = FeatureTransformationCache, LinearModel
_LinearModelLayer, _StateManagerImpl = LinearModel, StateManager


def is_feature_column_v2(feature_columns):
    """Tells whether all columns are of this package, and none a user's in the old form."""
    return all(isinstance(column, FeatureColumn) for column in feature_columns)


def _sanitize_column_name_for_variable_scope(name):
    """Returns a column's name with what a variable scope cannot have replaced."""
    return "".join(c if c.isalnum() or c in "_.\\-/" else "_" for c in name)


def _transform_features(features, feature_columns):
    """Returns the transformed tensor of each column, sorted by name."""
    columns = sorted(_normalize_feature_columns(feature_columns), key=lambda c: c.name)
    cache = FeatureTransformationCache(features)
    return {column: cache.get(column) for column in columns}
