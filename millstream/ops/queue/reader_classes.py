"""`tf.TextLineReader` and its kin: readers as Python objects that make nodes."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.formats.tfrecord import TFRecordOptions
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops


@export("ReaderBase")
class ReaderBase:
    """Reads records from work units, most often files whose names come from a queue.

    Programs make one of the subclasses.

    Args:
      reader_ref: the tensor of the reader's handle.
      supports_serialize: whether the reader's state can be written.
    """

    def __init__(self, reader_ref: Tensor, supports_serialize: bool = False) -> None:
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Tensor:
        """The tensor of the reader's handle."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the reader's state can be written."""
        return self._supports_serialize

    def read(self, queue: Any, name: str | None = None) -> Any:
        """Gives the next record, taking a work unit from the queue when it needs one.

        Args:
          queue: a queue of strings, or the tensor of its handle.
          name: name of the operation.

        Returns:
          Two string scalars: `key`, which says where the record was found, and `value`.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        return self._op("ReaderRead")(self._reader_ref, self._queue_ref(queue), name=name)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """Gives up to `num_records` records of one work unit, as two string vectors."""
        op = self._op("ReaderReadUpTo")
        return op(self._reader_ref, self._queue_ref(queue), num_records, name=name)

    def num_records_produced(self, name: str | None = None) -> Tensor:
        """Gives the number of records that the reader has given, an int64 scalar."""
        return self._op("ReaderNumRecordsProduced")(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        """Gives the number of work units that the reader has finished, an int64 scalar."""
        return self._op("ReaderNumWorkUnitsCompleted")(self._reader_ref, name=name)

    def serialize_state(self, name: str | None = None) -> Tensor:
        """Gives the reader's state as a string, for `restore_state`."""
        return self._op("ReaderSerializeState")(self._reader_ref, name=name)

    def restore_state(self, state: Any, name: str | None = None) -> Any:
        """Gives an operation that puts the reader back into a state."""
        return self._op("ReaderRestoreState")(self._reader_ref, state, name=name)

    def reset(self, name: str | None = None) -> Any:
        """Gives an operation that puts the reader back into its first state."""
        return self._op("ReaderReset")(self._reader_ref, name=name)

    def _queue_ref(self, queue: Any) -> Tensor:
        ref = queue if isinstance(queue, Tensor) else queue.queue_ref
        if self._reader_ref.dtype.is_ref and not ref.dtype.is_ref:
            return ops.FakeQueue(ref)
        return ref

    def _op(self, name: str) -> Any:
        return getattr(ops, name if self._reader_ref.dtype.is_ref else f"{name}V2")


@export("WholeFileReader")
class WholeFileReader(ReaderBase):
    """Reads whole files: the key is a file's name, the value its contents.

    Args:
      name: name of the node.
    """

    def __init__(self, name=None):
        super().__init__(ops.WholeFileReaderV2(name=name), supports_serialize=True)


@export("TextLineReader")
class TextLineReader(ReaderBase):
    """Reads files line by line; keys are `file:line`, counted from 1.

    Args:
      skip_header_lines: how many lines to leave out at the start of every file.
      name: name of the node.
    """

    def __init__(self, skip_header_lines=None, name=None):
        ref = ops.TextLineReaderV2(skip_header_lines=skip_header_lines or 0, name=name)
        super().__init__(ref)


@export("FixedLengthRecordReader")
class FixedLengthRecordReader(ReaderBase):
    """Reads pieces of one length from files; keys are `file:number`, counted from 0.

    Args:
      record_bytes: length of a record, in bytes.
      header_bytes: how many bytes to leave out at the start of every file.
      footer_bytes: how many bytes to leave out at its end.
      hop_bytes: from the start of one record to that of the next; `record_bytes` by default.
      name: name of the node.
      encoding: `""`, `"ZLIB"` or `"GZIP"`: how the files are compressed.
    """

    def __init__(
        self,
        record_bytes,
        header_bytes=None,
        footer_bytes=None,
        hop_bytes=None,
        name=None,
        encoding=None,
    ):
        ref = ops.FixedLengthRecordReaderV2(
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
            name=name,
        )
        super().__init__(ref)


@export("TFRecordReader")
class TFRecordReader(ReaderBase):
    """Reads the records of TFRecord files; keys are `file:offset`, in bytes.

    Args:
      name: name of the node.
      options: a `TFRecordOptions` that tells how the files are compressed.
    """

    def __init__(self, name=None, options=None):
        compression = TFRecordOptions.get_compression_type_string(options)
        super().__init__(ops.TFRecordReaderV2(compression_type=compression or "", name=name))


@export("IdentityReader")
class IdentityReader(ReaderBase):
    """Gives the work units themselves, as keys and as values.

    Args:
      name: name of the node.
    """

    def __init__(self, name=None):
        super().__init__(ops.IdentityReaderV2(name=name), supports_serialize=True)


@export("LMDBReader")
class LMDBReader(ReaderBase):
    """Reads the items of LMDB databases; needs the Python package `lmdb`.

    Args:
      name: name of the node.
      options: accepted; nothing can be chosen.
    """

    def __init__(self, name=None, options=None):
        del options
        super().__init__(ops.LMDBReader(name=name))
