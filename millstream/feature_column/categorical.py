"""Ids: hash buckets, identities, vocabularies."""

from collections import namedtuple

import numpy as np

from millstream.base.dtypes import Int64, String, as_dtype
from millstream.base.export import export
from millstream.feature_column.columns import CategoricalColumn
from millstream.feature_column.numeric import check_key
from millstream.formats.file_object import GFile
from millstream.formats.gfile import exists
from millstream.ir.composite import SparseTensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops.array.filling import fill
from millstream.ops.array.gathering import gather_nd
from millstream.ops.array.identities import identity
from millstream.ops.array.selecting import where, where_v2
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.flow.checks import assert_greater_equal, assert_less
from millstream.ops.math.cast import cast
from millstream.ops.parsing.features import VarLenFeature
from millstream.ops.string.codes import string_to_hash_bucket_fast
from millstream.ops.table.vocabulary import index_table_from_file, index_table_from_tensor


def to_sparse(tensor, ignore_value=None):
    """Returns a feature as a `SparseTensor`.

    Args:
      tensor: the feature, dense or sparse already.
      ignore_value: the element of a dense feature that is left out; `""` or -1 by default.
    """
    if isinstance(tensor, SparseTensor):
        return tensor
    with name_scope(None, "to_sparse_input", [tensor]):
        missing = ignore_value
        if missing is None:
            missing = "" if tensor.dtype.base_dtype is String else -1
        missing = cast(missing, tensor.dtype.base_dtype, name="ignore_value")
        indices = where(ops.NotEqual(tensor, missing), name="indices")
        values = gather_nd(tensor, indices, name="values")
        return SparseTensor(indices, values, shape_of(tensor, out_type=Int64, name="dense_shape"))


def _check_string_or_integer(dtype, what):
    if dtype.base_dtype is not String and not dtype.is_integer:
        raise ValueError(f"{what} dtype must be string or integer. dtype: {dtype!r}.")


class _KeyedColumn(CategoricalColumn):
    """A categorical column of one feature."""

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

    def transform_feature(self, transformation_cache, state_manager):
        """Returns a `SparseTensor` of ids."""
        tensor = to_sparse(transformation_cache.get(self.key, state_manager))
        return self._transform_input_tensor(tensor)

    def _check_kind(self, tensor):
        if self.dtype.is_integer != tensor.dtype.is_integer:
            raise ValueError(
                "Column dtype and SparseTensors dtype must be compatible. key: "
                f"{self.key}, column dtype: {self.dtype!r}, tensor dtype: {tensor.dtype!r}"
            )
        _check_string_or_integer(tensor.dtype, f"column_name: {self.key} input_tensor")


class HashedCategoricalColumn(
    _KeyedColumn, namedtuple("HashedCategoricalColumn", ("key", "hash_bucket_size", "dtype"))
):
    """What `categorical_column_with_hash_bucket` makes."""

    @property
    def num_buckets(self):
        """The number of buckets."""
        return self.hash_bucket_size

    def _transform_input_tensor(self, tensor):
        _check_string_or_integer(tensor.dtype, f"column_name: {self.key} input_tensor")
        if self.dtype.is_integer != tensor.dtype.is_integer:
            self._check_kind(tensor)
        values = tensor.values
        if self.dtype.base_dtype is not String:
            values = ops.AsString(values)
        ids = string_to_hash_bucket_fast(values, self.hash_bucket_size, name="lookup")
        return SparseTensor(tensor.indices, ids, tensor.dense_shape)


class IdentityCategoricalColumn(
    _KeyedColumn,
    namedtuple("IdentityCategoricalColumn", ("key", "number_buckets", "default_value")),
):
    """What `categorical_column_with_identity` makes."""

    dtype = Int64

    @property
    def num_buckets(self):
        """The number of ids."""
        return self.number_buckets

    def _transform_input_tensor(self, tensor):
        if not tensor.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {tensor.dtype!r}")
        ids = tensor.values
        if ids.dtype.base_dtype is not Int64:
            ids = cast(ids, Int64, name="values")
        count = cast(self.number_buckets, Int64, name="num_buckets")
        zero = cast(0, Int64, name="zero")
        ids = self._checked(ids, zero, count)
        return SparseTensor(tensor.indices, ids, tensor.dense_shape)

    def _checked(self, ids, zero, count):
        """Returns ids of which those out of range are the default, or fail."""
        if self.default_value is None:
            low = assert_less(ids, count, data=(ids, count), name="assert_less_than_num_buckets")
            high = assert_greater_equal(ids, zero, data=(ids,), name="assert_greater_or_equal_0")
            with control_dependencies([check for check in (low, high) if check is not None]):
                return identity(ids)
        outside = ops.LogicalOr(
            ops.Less(ids, zero), ops.GreaterEqual(ids, count), name="out_of_range"
        )
        defaults = fill(
            dims=shape_of(ids), value=cast(self.default_value, Int64), name="default_values"
        )
        return where_v2(outside, defaults, ids)


class VocabularyFileCategoricalColumn(
    _KeyedColumn,
    namedtuple(
        "VocabularyFileCategoricalColumn",
        ("key", "vocabulary_file", "vocabulary_size", "num_oov_buckets", "dtype", "default_value"),
    ),
):
    """What `categorical_column_with_vocabulary_file` makes."""

    @property
    def num_buckets(self):
        """The size of the vocabulary, and the buckets for other words."""
        return self.vocabulary_size + self.num_oov_buckets

    def _transform_input_tensor(self, tensor):
        self._check_kind(tensor)
        key_dtype = self.dtype
        if tensor.dtype.is_integer:
            key_dtype, tensor = Int64, _as_int64(tensor)
        table = index_table_from_file(
            vocabulary_file=self.vocabulary_file,
            num_oov_buckets=self.num_oov_buckets,
            vocab_size=self.vocabulary_size,
            default_value=self.default_value,
            key_dtype=key_dtype,
            name=f"{self.key}_lookup",
        )
        return table.lookup(tensor)


class VocabularyListCategoricalColumn(
    _KeyedColumn,
    namedtuple(
        "VocabularyListCategoricalColumn",
        ("key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets"),
    ),
):
    """What `categorical_column_with_vocabulary_list` makes."""

    @property
    def num_buckets(self):
        """The size of the vocabulary, and the buckets for other words."""
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _transform_input_tensor(self, tensor):
        self._check_kind(tensor)
        key_dtype = self.dtype
        if tensor.dtype.is_integer:
            key_dtype, tensor = Int64, _as_int64(tensor)
        table = index_table_from_tensor(
            tuple(self.vocabulary_list),
            default_value=self.default_value,
            num_oov_buckets=self.num_oov_buckets,
            dtype=key_dtype,
            name=f"{self.key}_lookup",
        )
        return table.lookup(tensor)


def _as_int64(tensor):
    return SparseTensor(tensor.indices, cast(tensor.values, Int64), tensor.dense_shape)


@export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=String):
    """Describes a feature of strings or integers by hashing them into buckets.

    Args:
      key: the feature's key.
      hash_bucket_size: number of buckets.
      dtype: string or an integer type.

    Returns:
      A categorical column.

    Raises:
      ValueError: if there is less than one bucket, or the type is another.
    """
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(
            f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}"
        )
    check_key(key)
    dtype = as_dtype(dtype)
    _check_string_or_integer(dtype, f"column_name: {key}")
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


@export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key, num_buckets, default_value=None):
    """Describes a feature of integers that are ids already.

    Args:
      key: the feature's key.
      num_buckets: a number that every id is less than.
      default_value: the id for integers that are out of range; without one they are an error.

    Returns:
      A categorical column.

    Raises:
      ValueError: if there is less than one id, or the default is out of range.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(
            f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}"
        )
    check_key(key)
    return IdentityCategoricalColumn(key, num_buckets, default_value)


@export("feature_column.categorical_column_with_vocabulary_file")
def categorical_column_with_vocabulary_file(
    key,
    vocabulary_file,
    vocabulary_size=None,
    num_oov_buckets=0,
    default_value=None,
    dtype=String,
):
    """Describes a feature of words by their lines in a file.

    Args:
      key: the feature's key.
      vocabulary_file: the file, a word a line.
      vocabulary_size: how many of its lines count; all by default.
      num_oov_buckets: number of ids, after those of the file, into which other words are hashed.
      default_value: the id of other words; -1 (none) by default.
      dtype: string or an integer type.

    Returns:
      A categorical column.

    Raises:
      ValueError: if an argument is out of range, or there are buckets and a default.
    """
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if vocabulary_size is None:
        if not exists(vocabulary_file):
            raise ValueError(f"vocabulary_file in {key} does not exist.")
        with GFile(vocabulary_file, mode="rb") as lines:
            vocabulary_size = sum(1 for _ in lines)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_unknown_words(key, num_oov_buckets, default_value)
    check_key(key)
    dtype = as_dtype(dtype)
    _check_string_or_integer(dtype, f"column_name: {key}")
    return VocabularyFileCategoricalColumn(
        key,
        vocabulary_file,
        vocabulary_size,
        num_oov_buckets or 0,
        dtype,
        -1 if default_value is None else default_value,
    )


def _check_unknown_words(key, num_oov_buckets, default_value):
    if num_oov_buckets:
        if default_value is not None:
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


@export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(
    key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0
):
    """Describes a feature of words by their places in a list.

    Args:
      key: the feature's key.
      vocabulary_list: different strings or integers.
      dtype: string or an integer type; that of the list by default.
      default_value: the id of other words; -1 is none.
      num_oov_buckets: number of ids, after those of the list, into which other words are hashed.

    Returns:
      A categorical column.

    Raises:
      ValueError: if the list is empty, repeats a word or is of another type, or if there are
        buckets and a default.
    """
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    found = as_dtype(np.array(vocabulary_list).dtype)
    _check_unknown_words(key, num_oov_buckets, None if default_value == -1 else default_value)
    _check_string_or_integer(found, f"column_name: {key} vocabulary")
    dtype = found if dtype is None else as_dtype(dtype)
    if dtype.is_integer != found.is_integer:
        raise ValueError(
            f"dtype {dtype!r} and vocabulary dtype {found!r} do not match, column_name: {key}"
        )
    _check_string_or_integer(dtype, f"column_name: {key}")
    check_key(key)
    return VocabularyListCategoricalColumn(
        key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets
    )
