"""`tf.contrib.layers.sparse_column_with_hash_bucket` and the other makers of feature columns."""

import math

import numpy as np

from millstream.base.dtypes import Float, Int64, String, as_dtype
from millstream.base.export import export
from millstream.base.shapes import as_shape
from millstream.contrib.layers.common import published
from millstream.contrib.layers.feature_columns import (
    BucketizedColumn,
    CrossedColumn,
    EmbeddingColumn,
    OneHotColumn,
    RealValuedColumn,
    SparseColumn,
    SparseColumnHashed,
    SparseColumnIntegerized,
    SparseColumnKeys,
    SparseColumnVocabulary,
    SparseIdLookupConfig,
    WeightedSparseColumn,
)
from millstream.formats.file_object import GFile
from millstream.ir.convert import convert_to_tensor
from millstream.ops.array.placeholders import placeholder, sparse_placeholder
from millstream.state.initializers import TruncatedNormal

_CROSSABLE = (SparseColumn, CrossedColumn, BucketizedColumn)


def _public(name):
    def publish(function):
        export(f"contrib.layers.feature_column.{name}", module=function.__module__)(function)
        return published(name)(function)

    return publish


def _check_ids_type(dtype, name):
    if dtype != String and not dtype.is_integer:
        raise ValueError(f"dtype must be string or integer. dtype: {dtype!r}, column_name: {name}")


@_public("real_valued_column")
def real_valued_column(column_name, dimension=1, default_value=None, dtype=Float, normalizer=None):
    """Describes a feature of numbers.

    Args:
      column_name: the feature's key.
      dimension: how many numbers an example has.
      default_value: a number, or one for each dimension, for examples without it.
      dtype: type in serialized examples.
      normalizer: a function of the tensor.

    Raises:
      TypeError: if an argument is of another type.
      ValueError: if `dimension` is not positive, or `default_value` of another length.
    """
    if dimension is None or not isinstance(dimension, int | np.integer):
        raise TypeError(
            f"dimension must be an integer. dimension: {dimension}, column_name: {column_name}"
        )
    if dimension < 1:
        raise ValueError(
            f"dimension must be greater than 0. dimension: {dimension}, column_name: {column_name}"
        )
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype!r}")
    if default_value is not None:
        values = list(default_value) if np.ndim(default_value) else [default_value] * dimension
        if len(values) != dimension:
            raise ValueError(
                "The length of default_value must be equal to dimension. default_value: "
                f"{default_value}, dimension: {dimension}, column_name: {column_name}"
            )
        default_value = tuple(np.asarray(values).astype(dtype.np).tolist())
    if normalizer is not None and not callable(normalizer):
        raise TypeError(f"normalizer must be a callable, column_name: {column_name}")
    return RealValuedColumn(column_name, dimension, default_value, dtype, normalizer)


@_public("bucketized_column")
def bucketized_column(source_column, boundaries):
    """Describes numbers by the intervals that they fall in.

    Args:
      source_column: what `real_valued_column` made.
      boundaries: a sorted list.

    Raises:
      TypeError: if `source_column` is of another kind.
      ValueError: if the boundaries are not sorted.
    """
    if not isinstance(source_column, RealValuedColumn):
        raise TypeError(
            "source_column must be an instance of _RealValuedColumn. source_column: "
            f"{source_column}"
        )
    if not isinstance(boundaries, list | tuple) or not boundaries:
        raise ValueError(f"boundaries must be a non-empty list or tuple. boundaries: {boundaries}")
    if list(boundaries) != sorted(boundaries):
        raise ValueError(f"boundaries must be a sorted list. boundaries: {boundaries}")
    return BucketizedColumn(source_column, tuple(dict.fromkeys(boundaries)))


@_public("sparse_column_with_hash_bucket")
def sparse_column_with_hash_bucket(
    column_name, hash_bucket_size, combiner="sum", dtype=String, hash_keys=None
):
    """Describes strings or integers by hashing them into buckets.

    Args:
      column_name: the feature's key.
      hash_bucket_size: number of buckets.
      combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or `"sqrtn"`.
      dtype: string or an integer type.
      hash_keys: must be `None`.

    Raises:
      ValueError: if the type is another, or `hash_keys` are given.
    """
    if hash_keys is not None:
        raise ValueError("hash_keys of sparse_column_with_hash_bucket are not supported")
    dtype = as_dtype(dtype)
    _check_ids_type(dtype, column_name)
    return SparseColumnHashed(column_name, False, hash_bucket_size, None, combiner, dtype)


@_public("sparse_column_with_integerized_feature")
def sparse_column_with_integerized_feature(column_name, bucket_size, combiner="sum", dtype=Int64):
    """Describes integers that are ids already; they are taken modulo `bucket_size`.

    Args:
      column_name: the feature's key.
      bucket_size: a number that every id is less than.
      combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or `"sqrtn"`.
      dtype: an integer type.

    Raises:
      ValueError: if the type is another, or there is less than one id.
    """
    dtype = as_dtype(dtype)
    if not dtype.is_integer:
        raise ValueError(f"dtype must be an integer. dtype: {dtype!r}, column_name: {column_name}")
    if bucket_size < 1:
        raise ValueError(f"bucket_size must be at least 1, column_name: {column_name}")
    return SparseColumnIntegerized(column_name, True, bucket_size, None, combiner, dtype)


@_public("sparse_column_with_keys")
def sparse_column_with_keys(column_name, keys, default_value=-1, combiner="sum", dtype=String):
    """Describes words by their places in a list.

    Args:
      column_name: the feature's key.
      keys: strings or integers.
      default_value: the id of other words; -1 is none.
      combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or `"sqrtn"`.
      dtype: string or an integer type.
    """
    keys = tuple(keys)
    config = SparseIdLookupConfig(None, keys, 0, len(keys), default_value)
    return SparseColumnKeys(column_name, False, None, config, combiner, as_dtype(dtype))


@_public("sparse_column_with_vocabulary_file")
def sparse_column_with_vocabulary_file(
    column_name,
    vocabulary_file,
    num_oov_buckets=0,
    vocab_size=None,
    default_value=-1,
    combiner="sum",
    dtype=String,
):
    """Describes words by their lines in a file.

    Args:
      column_name: the feature's key.
      vocabulary_file: the file, a word a line.
      num_oov_buckets: number of ids into which other words are hashed.
      vocab_size: how many of its lines count; all by default.
      default_value: the id of other words; -1 is none.
      combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or `"sqrtn"`.
      dtype: string or an integer type.

    Raises:
      ValueError: if there is no file.
    """
    if not vocabulary_file:
        raise ValueError(f"vocabulary_file must be given, column_name: {column_name}")
    if vocab_size is None:
        with GFile(vocabulary_file, mode="rb") as lines:
            vocab_size = sum(1 for _ in lines)
    config = SparseIdLookupConfig(vocabulary_file, None, num_oov_buckets, vocab_size, default_value)
    dtype = as_dtype(dtype)
    return SparseColumnVocabulary(column_name, False, None, config, combiner, dtype)


@_public("weighted_sparse_column")
def weighted_sparse_column(sparse_id_column, weight_column_name, dtype=Float):
    """Gives the ids of a column the weights of another feature.

    Args:
      sparse_id_column: ids.
      weight_column_name: key of the weights.
      dtype: type of the weights.

    Raises:
      ValueError: if the type is no number.
    """
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype is not convertible to float: {dtype!r}")
    return WeightedSparseColumn(sparse_id_column, weight_column_name, dtype)


@_public("crossed_column")
def crossed_column(
    columns,
    hash_bucket_size,
    combiner="sum",
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    hash_key=None,
):
    """Describes combinations of features by hashing them into buckets.

    Args:
      columns: two or more: sparse, bucketized or crossed ones.
      hash_bucket_size: number of buckets.
      combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or `"sqrtn"`.
      ckpt_to_load_from: a checkpoint to take weights from.
      tensor_name_in_ckpt: their name there.
      hash_key: what hashing starts from; `None` hashes as the first version of this did.

    Raises:
      TypeError: if a column is of another kind.
      ValueError: if there are fewer than two columns or buckets.
    """
    crossed, size = tuple(columns), hash_bucket_size
    for column in crossed:
        if not isinstance(column, _CROSSABLE):
            raise TypeError(
                "columns must be a set of _SparseColumn, _CrossedColumn, or _BucketizedColumn "
                f"instances. (column {column} is a {type(column).__name__})"
            )
    if len(crossed) < 2:
        raise ValueError(f"columns must contain at least 2 elements. columns: {crossed}")
    if size < 2:
        raise ValueError(f"hash_bucket_size must be at least 2. hash_bucket_size: {size}")
    ordered = tuple(sorted(crossed, key=lambda column: column.name))
    return CrossedColumn(ordered, size, hash_key, combiner, ckpt_to_load_from, tensor_name_in_ckpt)


@_public("one_hot_column")
def one_hot_column(sparse_id_column):
    """Describes ids by how often each occurs in an example."""
    return OneHotColumn(sparse_id_column)


def _checked_initializer(initializer, dimension, what):
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. {what}")
    if initializer is None:
        return TruncatedNormal(mean=0.0, stddev=1 / math.sqrt(dimension))
    return initializer


@_public("embedding_column")
def embedding_column(
    sparse_id_column,
    dimension,
    combiner="mean",
    initializer=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
):
    """Describes ids by vectors that are learned.

    Args:
      sparse_id_column: ids.
      dimension: length of a vector.
      combiner: how the vectors of an example's ids become one: `"mean"`, `"sum"` or `"sqrtn"`.
      initializer: of the table; normal of standard deviation `1 / sqrt(dimension)` by default.
      ckpt_to_load_from: a checkpoint to take the table from.
      tensor_name_in_ckpt: the table's name there.
      max_norm: the greatest length of a vector before they are combined.
      trainable: whether the table is trained.

    Raises:
      ValueError: if the initializer is not callable.
    """
    what = f"Embedding of column_name: {sparse_id_column.name}"
    return EmbeddingColumn(
        sparse_id_column, dimension, combiner,
        _checked_initializer(initializer, dimension, what), ckpt_to_load_from,
        tensor_name_in_ckpt, None, None, max_norm, trainable,
    )  # fmt: skip


@_public("shared_embedding_columns")
def shared_embedding_columns(
    sparse_id_columns,
    dimension,
    combiner="mean",
    shared_embedding_name=None,
    initializer=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
):
    """Describes the ids of several columns by vectors of one table.

    Args:
      sparse_id_columns: ids, of one number.
      dimension: length of a vector.
      combiner: how the vectors of an example's ids become one: `"mean"`, `"sum"` or `"sqrtn"`.
      shared_embedding_name: the table's name; of the columns' names by default.
      initializer: of the table; normal of standard deviation `1 / sqrt(dimension)` by default.
      ckpt_to_load_from: a checkpoint to take the table from.
      tensor_name_in_ckpt: the table's name there.
      max_norm: the greatest length of a vector before they are combined.
      trainable: whether the table is trained.

    Returns:
      A tuple of a column for each.

    Raises:
      TypeError: if the columns are no list.
      ValueError: if there are none, or they differ in the number of ids.
    """
    if isinstance(sparse_id_columns, str) or not isinstance(sparse_id_columns, list | tuple):
        raise TypeError("sparse_id_columns must be a sequence")
    if not sparse_id_columns:
        raise ValueError("The input should contain at least one column.")
    size = sparse_id_columns[0].length
    if any(column.length != size for column in sparse_id_columns):
        raise ValueError("The input sparse_id_columns have different numbers of ids.")
    names = sorted(column.name for column in sparse_id_columns)
    if not shared_embedding_name:
        shown = "_".join(names[:3])
        more = f"_plus_{len(names) - 3}_others" if len(names) > 3 else ""
        shared_embedding_name = f"{shown}{more}_shared_embedding"
    initializer = _checked_initializer(initializer, dimension, f"Embedding of columns: {names}")
    return tuple(
        EmbeddingColumn(
            column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt,
            shared_embedding_name, size, max_norm, trainable,
        )
        for column in sparse_id_columns
    )  # fmt: skip


@_public("create_feature_spec_for_parsing")
def create_feature_spec_for_parsing(feature_columns):
    """Returns what `tf.parse_example` needs to know to parse the features of columns."""
    found = {}
    for column in feature_columns:
        found.update(column.config)
    return found


@_public("make_place_holder_tensors_for_base_features")
def make_place_holder_tensors_for_base_features(feature_columns):
    """Makes placeholders for the raw features of columns, by key."""
    from_spec = {}
    for key, spec in create_feature_spec_for_parsing(feature_columns).items():
        if hasattr(spec, "shape"):
            sizes = [None, *as_shape(spec.shape).as_list()]
            from_spec[key] = placeholder(spec.dtype, sizes, f"Placeholder_{key}")
        else:
            from_spec[key] = sparse_placeholder(spec.dtype, name=f"Placeholder_{key}")
    return from_spec


@published("infer_real_valued_columns")
def infer_real_valued_columns(features):
    """Makes a column for each feature of numbers: of a dict, or the only one, whose key is `""`.

    Raises:
      ValueError: if a feature is of another type, or its second dimension is unknown.
    """
    if not isinstance(features, dict):
        return [_inferred("", features)]
    return [_inferred(key, value) for key, value in features.items()]


def _inferred(key, feature):
    tensor = convert_to_tensor(feature)
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise ValueError(f"Only numbers are supported, not {tensor.dtype!r} of feature {key!r}")
    sizes = tensor.shape.with_rank_at_most(2).as_list()
    if len(sizes) > 1 and sizes[1] is None:
        raise ValueError(f"The second dimension of feature {key!r} must be known")
    return real_valued_column(key, dimension=sizes[1] if len(sizes) > 1 else 1, dtype=tensor.dtype)


@published("check_feature_columns")
def check_feature_columns(feature_columns):
    """Raises ValueError if two columns are alike."""
    seen = set()
    for column in feature_columns:
        key = column.key if hasattr(column, "key") else column.name
        if key in seen:
            raise ValueError(
                f"Duplicate feature column key found for column: {column.name}. This usually means "
                "that the column is almost identical to another column, and one must be discarded."
            )
        seen.add(key)
