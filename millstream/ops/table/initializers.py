"""What fills a table: `tf.lookup.KeyValueTensorInitializer`, `TextFileInitializer`."""

from __future__ import annotations

import uuid
from typing import Any

from millstream.base.dtypes import as_dtype, int64, string
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.table import text


@export("lookup.TextFileIndex", "contrib.lookup.TextFileIndex")
class TextFileIndex:
    """Names what of a line is meant, beside the numbers of columns, which count from 0."""

    WHOLE_LINE = text.WHOLE_LINE
    LINE_NUMBER = text.LINE_NUMBER


@export("contrib.lookup.TableInitializerBase")
class TableInitializerBase:
    """Is the base of what fills tables.

    Args:
      key_dtype: type of the keys.
      value_dtype: type of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> Any:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> Any:
        """The type of the values."""
        return self._value_dtype

    def initialize(self, table: Any) -> Any:
        """Gives the operation that fills a table, and adds it to the collection of such.

        Raises:
          TypeError: if the table has other types.
        """
        check_dtypes(table, self._key_dtype, self._value_dtype)
        op = self._fill(table)
        get_default_graph().add_to_collection(GraphKeys.TABLE_INITIALIZERS, op)
        return op

    def _fill(self, table: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how to fill {table}")

    @property
    def shared_name(self) -> str:
        """The name by which tables with the same contents are shared."""
        return f"hash_table_{uuid.uuid4()}"


def check_dtypes(table: Any, key_dtype: Any, value_dtype: Any) -> None:
    """Checks that a table has these types.

    Raises:
      TypeError: if not.
    """
    if key_dtype.base_dtype != table.key_dtype:
        raise TypeError(f"Invalid key dtype, expected {table.key_dtype} but got {key_dtype}.")
    if value_dtype.base_dtype != table.value_dtype:
        raise TypeError(f"Invalid value dtype, expected {table.value_dtype} but got {value_dtype}.")


@export("lookup.KeyValueTensorInitializer", "contrib.lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table with the elements of two tensors.

    Args:
      keys: the keys, `[n]`.
      values: the values, `[n]`.
      key_dtype: type of the keys, by default that of the tensor.
      value_dtype: type of the values, by default that of the tensor.
      name: name of the scope of the operation.
    """

    def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
        self._keys = convert_to_tensor(keys, dtype=key_dtype, name="keys")
        self._values = convert_to_tensor(values, dtype=value_dtype, name="values")
        self._name = "key_value_init" if name is None else name
        super().__init__(self._keys.dtype.base_dtype, self._values.dtype.base_dtype)

    def _fill(self, table: Any) -> Any:
        handle = table.resource_handle
        with name_scope(self._name, None, [handle, self._keys, self._values]):
            return ops.LookupTableImportV2(handle, self._keys, self._values)


@export("lookup.TextFileInitializer", "contrib.lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table with the lines of a text file.

    Args:
      filename: path of the file; a string or a scalar tensor. It is noted as an asset.
      key_dtype: type of the keys.
      key_index: column of the keys, from 0, or one of `TextFileIndex`.
      value_dtype: type of the values.
      value_index: column of the values, from 0, or one of `TextFileIndex`.
      vocab_size: how many lines to read; all if None.
      delimiter: what stands between columns.
      name: name of the scope of the operation.

    Raises:
      ValueError: if there is no file name, or columns and types do not fit.
    """

    def __init__(
        self,
        filename,
        key_dtype,
        key_index,
        value_dtype,
        value_index,
        vocab_size=None,
        delimiter="\t",
        name=None,
    ):
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError(f"Filename required for {name}.")
        _check_column("Key", "Keys", as_dtype(key_dtype), key_index)
        _check_column("Value", "Values", as_dtype(value_dtype), value_index)
        if vocab_size is not None and (not isinstance(vocab_size, int) or vocab_size < 1):
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        super().__init__(key_dtype, value_dtype)
        self._given = filename
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._name = "text_file_init" if name is None else name
        self._filename = convert_to_tensor(filename, dtype=string, name="asset_path")
        if self._filename.op.type == "Const":
            graph = get_default_graph()
            graph.add_to_collection(GraphKeys.ASSET_FILEPATHS, self._filename)

    def _fill(self, table: Any) -> Any:
        with name_scope(self._name, None, [table.resource_handle]):
            return ops.InitializeTableFromTextFileV2(
                table.resource_handle,
                self._filename,
                key_index=self._key_index,
                value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
            )

    @property
    def shared_name(self) -> str:
        """The name by which tables of the same file are shared."""
        given = self._given.name if isinstance(self._given, Tensor) else self._given
        parts = ["hash_table", given]
        if self._vocab_size:
            parts.append(self._vocab_size)
        return "_".join(map(str, [*parts, self._key_index, self._value_index]))


def _check_column(word: str, plural: str, dtype: Any, index: int) -> None:
    if index < -2:
        raise ValueError(f"Invalid {word.lower()} index {index}.")
    if index == TextFileIndex.LINE_NUMBER and dtype != int64:
        raise ValueError(f"Signature mismatch. {plural} must be dtype {int64}, got {dtype}.")
    if index == TextFileIndex.WHOLE_LINE and not dtype.is_integer and dtype != string:
        raise ValueError(f"Signature mismatch. {plural} must be integer or string, got {dtype}.")


@export("contrib.lookup.TextFileIdTableInitializer")
class TextFileIdTableInitializer(TextFileInitializer):
    """Fills a table from the lines of a file to their numbers.

    Args:
      filename: path of the file.
      key_column_index: column of the keys.
      value_column_index: column of the numbers.
      vocab_size: how many lines to read; all if None.
      delimiter: what stands between columns.
      name: name of the scope of the operation.
      key_dtype: type of the keys.
    """

    def __init__(
        self,
        filename,
        key_column_index=TextFileIndex.WHOLE_LINE,
        value_column_index=TextFileIndex.LINE_NUMBER,
        vocab_size=None,
        delimiter="\t",
        name="text_file_id_table_init",
        key_dtype=string,
    ):
        super().__init__(
            filename,
            key_dtype,
            key_column_index,
            int64,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name=name,
        )


@export("contrib.lookup.TextFileStringTableInitializer")
class TextFileStringTableInitializer(TextFileInitializer):
    """Fills a table from the numbers of a file's lines to the lines.

    Args:
      filename: path of the file.
      key_column_index: column of the numbers.
      value_column_index: column of the strings.
      vocab_size: how many lines to read; all if None.
      delimiter: what stands between columns.
      name: name of the scope of the operation.
    """

    def __init__(
        self,
        filename,
        key_column_index=TextFileIndex.LINE_NUMBER,
        value_column_index=TextFileIndex.WHOLE_LINE,
        vocab_size=None,
        delimiter="\t",
        name="text_file_string_table_init",
    ):
        super().__init__(
            filename,
            int64,
            key_column_index,
            string,
            value_column_index,
            vocab_size=vocab_size,
            delimiter=delimiter,
            name=name,
        )
