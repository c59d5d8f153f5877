"""Tables between strings and ids: `tf.contrib.lookup.index_table_from_file` and kin."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import as_dtype, int64, string
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.shapes import size
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as number_range
from millstream.ops.table.initializers import (
    KeyValueTensorInitializer,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileStringTableInitializer,
)
from millstream.ops.table.static import FAST_HASH, IdTableWithHashBuckets, StaticHashTable


def _check_file(vocabulary_file: Any, vocab_size: Any) -> None:
    if vocabulary_file is None or (not isinstance(vocabulary_file, Tensor) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        name = vocabulary_file.name if isinstance(vocabulary_file, Tensor) else vocabulary_file
        raise ValueError(
            f"vocab_size must be greater than 0, got {vocab_size}. vocabulary_file: {name}"
        )


def _check_keys(num_oov_buckets: int, dtype: Any) -> None:
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if not dtype.is_integer and dtype.base_dtype != string:
        raise TypeError("Only integer and string keys are supported.")


def _with_buckets(table: Any, num_oov_buckets: int, hasher_spec: Any, key_dtype: Any) -> Any:
    if not num_oov_buckets:
        return table
    return IdTableWithHashBuckets(
        table, num_oov_buckets=num_oov_buckets, hasher_spec=hasher_spec, key_dtype=key_dtype
    )


@export("contrib.lookup.index_table_from_file")
def index_table_from_file(
    vocabulary_file=None,
    num_oov_buckets=0,
    vocab_size=None,
    default_value=-1,
    hasher_spec=FAST_HASH,
    key_dtype=string,
    name=None,
    key_column_index=TextFileIndex.WHOLE_LINE,
    value_column_index=TextFileIndex.LINE_NUMBER,
    delimiter="\t",
):
    """Returns a table from the lines of a file to their numbers.

    Args:
      vocabulary_file: path of the file, or a scalar string tensor.
      num_oov_buckets: number of buckets into which unknown keys are hashed.
      vocab_size: how many lines to read; all if None.
      default_value: the id of unknown keys, if there are no buckets.
      hasher_spec: how unknown keys are hashed.
      key_dtype: type of the keys.
      name: name of the nodes' scope.
      key_column_index: column of the keys.
      value_column_index: column of the ids.
      delimiter: what stands between columns.

    Raises:
      ValueError: if the file's name is missing, or a number is out of range.
      TypeError: for keys that are neither integers nor strings.

    Example:
      >>> table = index_table_from_file("vocabulary.txt", num_oov_buckets=1)
      >>> ids = table.lookup(tf.constant(["emerson", "lake", "and", "palmer"]))
    """
    key_dtype = as_dtype(key_dtype)
    _check_file(vocabulary_file, vocab_size)
    _check_keys(num_oov_buckets, key_dtype)
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            initializer = TextFileIdTableInitializer(
                vocabulary_file,
                vocab_size=vocab_size,
                key_dtype=int64 if key_dtype.is_integer else key_dtype,
                name="table_init",
                key_column_index=key_column_index,
                value_column_index=value_column_index,
                delimiter=delimiter,
            )
            table = _Table(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, key_dtype)


class _Table(StaticHashTable):
    """A `StaticHashTable` with the older classes' `init`."""

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer


@export("contrib.lookup.string_to_index_table_from_file")
def string_to_index_table_from_file(
    vocabulary_file=None,
    num_oov_buckets=0,
    vocab_size=None,
    default_value=-1,
    hasher_spec=FAST_HASH,
    name=None,
):
    """Is `index_table_from_file` for strings."""
    return index_table_from_file(
        vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, name=name
    )


@export("contrib.lookup.index_table_from_tensor")
def index_table_from_tensor(
    mapping,
    num_oov_buckets=0,
    default_value=-1,
    hasher_spec=FAST_HASH,
    dtype=string,
    name=None,
):
    """Returns a table from the elements of a vector to their positions.

    Args:
      mapping: the keys, `[n]`.
      num_oov_buckets: number of buckets into which unknown keys are hashed.
      default_value: the id of unknown keys, if there are no buckets.
      hasher_spec: how unknown keys are hashed.
      dtype: type of the keys.
      name: name of the nodes' scope.

    Raises:
      ValueError: if there are no keys, they have another type, or a number is out of range.
      TypeError: for keys that are neither integers nor strings.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    dtype = as_dtype(dtype)
    _check_keys(num_oov_buckets, dtype)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(mapping)
        if keys.dtype.is_integer != dtype.is_integer or (
            not dtype.is_integer and keys.dtype.base_dtype != dtype
        ):
            raise ValueError(f"Expected {dtype}, got {keys.dtype}.")
        ids = cast(number_range(size(keys)), int64)
        with name_scope(None, "hash_table"):
            keys = cast(keys, int64) if keys.dtype.is_integer else keys
            initializer = KeyValueTensorInitializer(
                keys, ids, keys.dtype.base_dtype, int64, name="table_init"
            )
            table = _Table(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, dtype)


@export("contrib.lookup.string_to_index_table_from_tensor")
def string_to_index_table_from_tensor(
    mapping, num_oov_buckets=0, default_value=-1, hasher_spec=FAST_HASH, name=None
):
    """Is `index_table_from_tensor` for strings."""
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, name=name)


@export("contrib.lookup.index_to_string_table_from_file")
def index_to_string_table_from_file(
    vocabulary_file,
    vocab_size=None,
    default_value="UNK",
    name=None,
    key_column_index=TextFileIndex.LINE_NUMBER,
    value_column_index=TextFileIndex.WHOLE_LINE,
    delimiter="\t",
):
    """Returns a table from the numbers of a file's lines to the lines.

    Args:
      vocabulary_file: path of the file, or a scalar string tensor.
      vocab_size: how many lines to read; all if None.
      default_value: the string of unknown numbers.
      name: name of the nodes' scope.
      key_column_index: column of the numbers.
      value_column_index: column of the strings.
      delimiter: what stands between columns.

    Raises:
      ValueError: if the file's name is missing, or `vocab_size` is not positive.
    """
    _check_file(vocabulary_file, vocab_size)
    with name_scope(name, "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file,
            vocab_size=vocab_size,
            name="table_init",
            key_column_index=key_column_index,
            value_column_index=value_column_index,
            delimiter=delimiter,
        )
        return _Table(initializer, default_value)


@export("contrib.lookup.index_to_string_table_from_tensor")
def index_to_string_table_from_tensor(mapping, default_value="UNK", name=None):
    """Returns a table from positions in a vector of strings to the strings.

    Args:
      mapping: the strings, `[n]`.
      default_value: the string of unknown positions.
      name: name of the nodes' scope.

    Raises:
      ValueError: if there are no strings.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    with name_scope(name, "index_to_string"):
        values = convert_to_tensor(mapping, string)
        keys = cast(number_range(size(values)), int64)
        initializer = KeyValueTensorInitializer(keys, values, int64, string, name="table_init")
        return _Table(initializer, default_value)


@export("contrib.lookup.string_to_index")
def string_to_index(tensor, mapping, default_value=-1, name=None):
    """Returns the positions of strings in a vector of strings.

    Args:
      tensor: the strings.
      mapping: the vector, `[n]`.
      default_value: the position of strings that are not in it.
      name: name of the nodes' scope.
    """
    return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


@export("contrib.lookup.index_to_string")
def index_to_string(tensor, mapping, default_value="UNK", name=None):
    """Returns the strings at positions of a vector of strings.

    Args:
      tensor: int64 positions.
      mapping: the vector, `[n]`.
      default_value: the string of positions outside of it.
      name: name of the nodes' scope.
    """
    return index_to_string_table_from_tensor(mapping, default_value, name).lookup(tensor)
