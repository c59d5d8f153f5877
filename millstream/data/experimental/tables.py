"""Datasets of tables: CSV files, SQLite databases, batches of parsed examples."""

from __future__ import annotations

import collections
import csv
from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.data import structures
from millstream.data.dataset import AUTOTUNE, Dataset
from millstream.data.experimental.mixing import ignore_errors as ignoring_errors
from millstream.data.interleaving import parallel_interleave
from millstream.data.readers import TFRecordDataset
from millstream.data.specs import TensorSpec, element_attrs
from millstream.formats import gfile
from millstream.formats.file_object import GFile
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.parsing.functions import parse_example

_ORDER = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.string)


@export("data.experimental.CsvDataset", "contrib.data.CsvDataset")
class CsvDataset(Dataset):
    """Describes the rows of CSV files.

    Args:
      filenames: string tensor of names.
      record_defaults: a type per column that must be there, or a value that stands for what is
        missing, a tensor of one element.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
      buffer_size: accepted.
      header: whether the first line of a file is skipped.
      field_delim: what separates fields.
      use_quote_delim: whether double quotes enclose fields.
      na_value: what stands for a missing field, besides nothing.
      select_cols: numbers of the columns to take, ascending; all by default.
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        header: Any = False,
        field_delim: Any = ",",
        use_quote_delim: Any = True,
        na_value: Any = "",
        select_cols: Any = None,
    ) -> None:
        names = convert_to_tensor(filenames, dtypes.string, name="filenames")
        compression = convert_to_tensor(
            compression_type or "", dtypes.string, name="compression_type"
        )
        defaults = [_default(value, place) for place, value in enumerate(record_defaults)]
        spec = tuple(TensorSpec([], default.dtype) for default in defaults)
        columns = np.array(select_cols or [], np.int64)
        node = ops.CSVDataset(
            names,
            compression,
            convert_to_tensor(buffer_size or 4 << 20, dtypes.int64, name="buffer_size"),
            convert_to_tensor(header, dtypes.bool_, name="header"),
            convert_to_tensor(field_delim, dtypes.string, name="field_delim"),
            convert_to_tensor(use_quote_delim, dtypes.bool_, name="use_quote_delim"),
            convert_to_tensor(na_value, dtypes.string, name="na_value"),
            convert_to_tensor(columns, dtypes.int64, name="select_cols"),
            defaults,
            output_shapes=[leaf.shape for leaf in spec],
        )
        super().__init__(node, spec)


def _default(value: Any, place: int) -> Tensor:
    if isinstance(value, dtypes.DType):
        return constant([], dtype=value)
    return convert_to_tensor(value, name=f"record_defaults_{place}")


@export("data.experimental.SqlDataset", "contrib.data.SqlDataset")
class SqlDataset(Dataset):
    """Describes the rows that a query gives.

    Args:
      driver_name: `"sqlite"`.
      data_source_name: the database file.
      query: the query.
      output_types: tuple of the columns' types.
    """

    def __init__(
        self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any
    ) -> None:
        spec = structures.map_structure(lambda t: TensorSpec([], as_dtype(t)), output_types)
        node = ops.SqlDataset(
            convert_to_tensor(driver_name, dtypes.string, name="driver_name"),
            convert_to_tensor(data_source_name, dtypes.string, name="data_source_name"),
            convert_to_tensor(query, dtypes.string, name="query"),
            **element_attrs(spec),
        )
        super().__init__(node, spec)


# -- CSV by name


@export("data.experimental.make_csv_dataset", "contrib.data.make_csv_dataset")
def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Any = None,
    column_defaults: Any = None,
    label_name: str | None = None,
    select_columns: Any = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: Any = None,
    num_parallel_reads: Any = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: Any = None,
    ignore_errors: bool = False,
) -> Dataset:
    """Returns a dataset of batches of the rows of CSV files, columns by name.

    Args:
      file_pattern: pattern of names, or list of such.
      batch_size: rows per batch.
      column_names: names of the columns; those in the files' first line by default.
      column_defaults: a type or value per column that is taken; inferred from the first rows by
        default.
      label_name: name of a column that is given by itself.
      select_columns: names or numbers of the columns to take; all by default.
      field_delim: what separates fields.
      use_quote_delim: whether double quotes enclose fields.
      na_value: what stands for a missing field, besides nothing.
      header: whether the first line holds names.
      num_epochs: how often; without end by default.
      shuffle: whether rows come in random order.
      shuffle_buffer_size: how many rows wait to be chosen.
      shuffle_seed: op seed.
      prefetch_buffer_size: batches computed ahead.
      num_parallel_reads: how many files are read at a time.
      sloppy: accepted.
      num_rows_for_inference: rows that are looked at to infer types; None for all.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
      ignore_errors: whether rows that cannot be read are left out.

    Returns:
      A dataset of dicts of tensors `[batch]` by name, or of pairs of such a dict and the labels.

    Raises:
      ValueError: if there are no files, or names do not fit.
    """
    names = _matching(file_pattern)
    dataset = Dataset.from_tensor_slices(names)
    if shuffle:
        dataset = dataset.shuffle(len(names), shuffle_seed)
    if column_names is None:
        if not header:
            raise ValueError("Cannot infer column names without a header line.")
        column_names = _header(names, field_delim, use_quote_delim)
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    chosen = None if select_columns is None else _numbers(select_columns, column_names)
    if column_defaults is None:
        where = range(len(column_names)) if chosen is None else chosen
        rows = _rows(names, field_delim, use_quote_delim, header, num_rows_for_inference)
        column_defaults = _inferred(rows, list(where), na_value)
    elif chosen is not None and len(column_defaults) != len(chosen):
        raise ValueError("If specified, column_defaults and select_columns must have same length.")
    if chosen is not None:
        column_names = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in column_names:
        raise ValueError("`label_name` provided must be one of the columns.")

    def read(filename: Tensor) -> Dataset:
        rows = CsvDataset(
            filename,
            record_defaults=column_defaults,
            field_delim=field_delim,
            use_quote_delim=use_quote_delim,
            na_value=na_value,
            select_cols=chosen,
            header=header,
            compression_type=compression_type,
        )
        return rows.apply(ignoring_errors()) if ignore_errors else rows

    def named(*columns: Tensor) -> Any:
        features = collections.OrderedDict(zip(column_names, columns, strict=True))
        if label_name is None:
            return features
        label = features.pop(label_name)
        return features, label

    dataset = dataset.apply(parallel_interleave(read, num_parallel_reads or 1, sloppy=sloppy))
    dataset = _shuffled(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    # Without end every batch is full.
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None)
    return dataset.map(named).prefetch(1 if prefetch_buffer_size is None else prefetch_buffer_size)


def _matching(pattern: Any) -> list[str]:
    patterns = [pattern] if isinstance(pattern, (str, bytes)) else list(pattern)
    if not patterns:
        raise ValueError("File pattern is empty.")
    found = [path for one in patterns for path in gfile.Glob(one)]
    if not found:
        raise ValueError(f"No files match {pattern}.")
    return sorted(found)


def _csv_rows(path: str, delimiter: str, quotes: bool) -> Any:
    with GFile(path, "r") as file:
        quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
        yield from csv.reader(iter(file.readline, ""), delimiter=delimiter, quoting=quoting)


def _header(names: list[str], delimiter: str, quotes: bool) -> list[str]:
    columns: list[str] | None = None
    for name in names:
        found = next(_csv_rows(name, delimiter, quotes), [])
        if columns is not None and found != columns:
            raise ValueError("Files have different column names in the header row.")
        columns = found
    return columns or []


def _rows(names: list[str], delimiter: str, quotes: bool, header: bool, limit: Any) -> Any:
    given = 0
    for name in names:
        rows = _csv_rows(name, delimiter, quotes)
        if header:
            next(rows, None)
        for row in rows:
            if limit is not None and given >= limit:
                return
            given += 1
            yield row


def _numbers(chosen: Any, names: list[str]) -> list[int]:
    if not chosen:
        raise ValueError("`select_columns` must be non-empty.")
    if isinstance(chosen[0], int):
        if max(chosen) >= len(names) or min(chosen) < 0:
            raise ValueError("Invalid `select_columns`: a number is outside of the columns.")
        found = list(chosen)
    else:
        missing = [name for name in chosen if name not in names]
        if missing:
            raise ValueError(f"Value '{missing[0]}' is not a name of a column.")
        found = [names.index(name) for name in chosen]
    if len(set(found)) != len(found):
        raise ValueError("Column names or numbers must be different.")
    return sorted(found)


def _inferred(rows: Any, columns: list[int], na_value: str) -> list[Any]:
    """Gives a default per column, of the narrowest type that holds what the rows hold."""
    ranks = [-1] * len(columns)
    for row in rows:
        for place, column in enumerate(columns):
            if column >= len(row):
                raise ValueError("Problem inferring types: CSV row has different number of fields.")
            ranks[place] = max(ranks[place], _rank(row[column], na_value))
    kinds = [_ORDER[rank] if rank >= 0 else dtypes.string for rank in ranks]
    return [constant([""] if kind == dtypes.string else [0], dtype=kind) for kind in kinds]


def _rank(text: str, na_value: str) -> int:
    if text in ("", na_value):
        return -1
    try:
        number = int(text)
        return 0 if abs(number) < 1 << 31 else 1 if abs(number) < 1 << 63 else 4
    except ValueError:
        pass
    try:
        return 2 if abs(float(text)) <= np.finfo(np.float32).max else 3
    except ValueError:
        return 4


def _shuffled(dataset: Dataset, epochs: Any, shuffle: bool, size: int, seed: Any) -> Dataset:
    if shuffle:
        dataset = dataset.shuffle(size, seed)
    return dataset if epochs == 1 else dataset.repeat(epochs)


# -- parsed examples


@export("data.experimental.parse_example_dataset", "contrib.data.parse_example_dataset")
def parse_example_dataset(
    features: dict[str, Any], num_parallel_calls: Any = 1
) -> Callable[[Dataset], Dataset]:
    """Returns a transformation: batches of serialised examples, parsed; see `tf.parse_example`.

    Args:
      features: what is wanted, by name.
      num_parallel_calls: how many batches are parsed at a time.

    Raises:
      ValueError: if no features are given.
    """
    if features is None:
        raise ValueError("Missing: features was None.")

    def transform(dataset: Dataset) -> Dataset:
        if not TensorSpec([None], dtypes.string).is_compatible_with(dataset.element_spec):
            raise TypeError("Input dataset should be a dataset of vectors of strings")
        calls = None if num_parallel_calls == 1 else num_parallel_calls
        return dataset.map(lambda batch: parse_example(batch, features), calls)

    return transform


@export(
    "data.experimental.make_batched_features_dataset", "contrib.data.make_batched_features_dataset"
)
def make_batched_features_dataset(
    file_pattern: Any,
    batch_size: int,
    features: dict[str, Any],
    reader: Any = TFRecordDataset,
    label_key: str | None = None,
    reader_args: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: Any = None,
    reader_num_threads: Any = None,
    parser_num_threads: Any = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Dataset:
    """Returns a dataset of batches of parsed examples from files.

    Args:
      file_pattern: pattern of names, or list of such.
      batch_size: examples per batch.
      features: what is wanted, by name; see `tf.parse_example`.
      reader: makes the dataset of the records of a file.
      label_key: name of a feature that is given by itself.
      reader_args: more arguments for `reader`.
      num_epochs: how often; without end by default.
      shuffle: whether records come in random order.
      shuffle_buffer_size: how many records wait to be chosen.
      shuffle_seed: op seed.
      prefetch_buffer_size: batches computed ahead.
      reader_num_threads: how many files are read at a time.
      parser_num_threads: how many batches are parsed at a time.
      sloppy_ordering: accepted.
      drop_final_batch: whether a last smaller batch is dropped.

    Returns:
      A dataset of dicts of tensors, or of pairs of such a dict and the labels.

    Raises:
      ValueError: if there are no files or no feature `label_key`.
    """
    names = _matching(file_pattern)
    dataset = Dataset.from_tensor_slices(names)
    if shuffle:
        dataset = dataset.shuffle(len(names), shuffle_seed)

    def read(filename: Tensor) -> Dataset:
        return reader(filename, *(reader_args or []))

    dataset = dataset.apply(
        parallel_interleave(read, reader_num_threads or 1, sloppy=sloppy_ordering)
    )
    if dataset.output_types == (dtypes.string, dtypes.string):
        dataset = dataset.map(lambda _, value: value)
    dataset = _shuffled(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    full = drop_final_batch or num_epochs is None
    dataset = dataset.batch(batch_size, drop_remainder=full)
    threads = 2 if parser_num_threads is None else parser_num_threads
    dataset = dataset.apply(parse_example_dataset(features, num_parallel_calls=threads))
    if label_key:
        if label_key not in features:
            raise ValueError(
                f"The `label_key` provided ({label_key!r}) must be one of the `features` keys."
            )
        dataset = dataset.map(lambda found: (found, found.pop(label_key)))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


@export("contrib.data.read_batch_features")
def read_batch_features(
    file_pattern: Any,
    batch_size: int,
    features: dict[str, Any],
    reader: Any = TFRecordDataset,
    reader_args: Any = None,
    randomize_input: bool = True,
    num_epochs: int | None = None,
    capacity: int = 10000,
) -> Any:
    """Returns one batch of `make_batched_features_dataset`: a dict of tensors."""
    dataset = make_batched_features_dataset(
        file_pattern,
        batch_size,
        features,
        reader=reader,
        reader_args=reader_args,
        shuffle=randomize_input,
        num_epochs=num_epochs,
        shuffle_buffer_size=capacity,
    )
    return dataset.make_one_shot_iterator().get_next()
