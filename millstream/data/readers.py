"""Datasets of what files hold: `TextLineDataset`, `TFRecordDataset`, `FixedLengthRecordDataset`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.data.dataset import Dataset
from millstream.data.interleaving import parallel_interleave
from millstream.data.specs import TensorSpec
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.array.reshaping import reshape
from millstream.ops.by_name import ops

_BUFFER = 256 * 1024
_STRING = TensorSpec([], dtypes.string)


def _file_names(filenames: Any) -> Dataset:
    """Gives the dataset of the names.

    Raises:
      TypeError: if they are no strings.
    """
    if isinstance(filenames, Dataset):
        if filenames.output_types != dtypes.string:
            raise TypeError("`filenames` must be a `tf.data.Dataset` of `tf.string` elements.")
        if not filenames.output_shapes.is_compatible_with([]):
            raise TypeError(
                "`filenames` must be a `tf.data.Dataset` of scalar `tf.string` elements."
            )
        return filenames
    names = convert_to_tensor(filenames, dtypes.string)
    return Dataset.from_tensor_slices(reshape(names, [-1], name="flat_filenames"))


def _from_files(
    filenames: Any, read_one_file: Callable[[Tensor], Dataset], num_parallel_reads: Any
) -> Dataset:
    names = _file_names(filenames)
    if num_parallel_reads is None:
        return names.flat_map(read_one_file)
    return names.apply(parallel_interleave(read_one_file, num_parallel_reads, sloppy=False))


def _text(value: Any, name: str) -> Tensor:
    return convert_to_tensor("" if value is None else value, dtypes.string, name=name)


def _number(value: Any, default: int, name: str) -> Tensor:
    return convert_to_tensor(default if value is None else value, dtypes.int64, name=name)


class _FileDataset(Dataset):
    """Takes the place of the dataset that reads the files."""

    def _become(self, dataset: Dataset) -> None:
        super().__init__(dataset._variant_tensor, dataset.element_spec, dataset._inputs)


@export("data.TextLineDataset", "contrib.data.TextLineDataset")
class TextLineDataset(_FileDataset):
    """Describes the lines of text files, without their ends.

    Args:
      filenames: string tensor, or dataset, of names.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
      buffer_size: accepted; buffers are sized by the library.
      num_parallel_reads: how many files are read at a time, their lines in turn; one file after the
        other by default.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        def read_one_file(filename: Tensor) -> Dataset:
            compression = _text(compression_type, "compression_type")
            size = _number(buffer_size, _BUFFER, "buffer_size")
            return Dataset(ops.TextLineDataset(filename, compression, size), _STRING)

        self._become(_from_files(filenames, read_one_file, num_parallel_reads))


@export("data.TFRecordDataset", "contrib.data.TFRecordDataset")
class TFRecordDataset(_FileDataset):
    """Describes the records of TFRecord files.

    Args:
      filenames: string tensor, or dataset, of names.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
      buffer_size: accepted; buffers are sized by the library.
      num_parallel_reads: how many files are read at a time, their records in turn; one file after
        the other by default.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        def read_one_file(filename: Tensor) -> Dataset:
            compression = _text(compression_type, "compression_type")
            size = _number(buffer_size, _BUFFER, "buffer_size")
            return Dataset(ops.TFRecordDataset(filename, compression, size), _STRING)

        self._become(_from_files(filenames, read_one_file, num_parallel_reads))


@export("data.FixedLengthRecordDataset", "contrib.data.FixedLengthRecordDataset")
class FixedLengthRecordDataset(_FileDataset):
    """Describes the records, all of one length, of binary files.

    Args:
      filenames: string tensor, or dataset, of names.
      record_bytes: size of a record, in bytes.
      header_bytes: bytes to skip at the start.
      footer_bytes: bytes to ignore at the end.
      buffer_size: accepted; buffers are sized by the library.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
      num_parallel_reads: how many files are read at a time, their records in turn.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        def read_one_file(filename: Tensor) -> Dataset:
            numbers = [
                _number(header_bytes, 0, "header_bytes"),
                _number(record_bytes, 0, "record_bytes"),
                _number(footer_bytes, 0, "footer_bytes"),
                _number(buffer_size, _BUFFER, "buffer_size"),
            ]
            if compression_type is None:
                return Dataset(ops.FixedLengthRecordDataset(filename, *numbers), _STRING)
            compression = _text(compression_type, "compression_type")
            return Dataset(ops.FixedLengthRecordDatasetV2(filename, *numbers, compression), _STRING)

        self._become(_from_files(filenames, read_one_file, num_parallel_reads))
