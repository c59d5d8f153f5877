"""Ops of readers: for each kind two that make one (ref, resource handle), and those that read."""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import Host, Int64, Ref, Resource, Returns, String, Tensor, op
from millstream.ops.queue.core import Queue
from millstream.ops.queue.reading import Reader
from millstream.ops.queue.records import SOURCES
from millstream.ops.queue.sharing import thing_behind

_Handle = Tensor[Resource]
_RefHandle = Ref[String]
_WAITS = Host(blocking=True)


@op(effect=Host())
def TFRecordReader(
    *, container: str = "", shared_name: str = "", compression_type: str = ""
) -> Returns(reader_handle=_RefHandle):
    """Makes a reader of the records of TFRecord files."""


@op(effect=Host())
def TFRecordReaderV2(
    *, container: str = "", shared_name: str = "", compression_type: str = ""
) -> Returns(reader_handle=_Handle):
    """Makes a reader of the records of TFRecord files."""


@op(effect=Host())
def TextLineReader(
    *, skip_header_lines: int = 0, container: str = "", shared_name: str = ""
) -> Returns(reader_handle=_RefHandle):
    """Makes a reader of the lines of text files."""


@op(effect=Host())
def TextLineReaderV2(
    *, skip_header_lines: int = 0, container: str = "", shared_name: str = ""
) -> Returns(reader_handle=_Handle):
    """Makes a reader of the lines of text files."""


@op(effect=Host())
def WholeFileReader(*, container: str = "", shared_name: str = "") -> Returns(
    reader_handle=_RefHandle
):
    """Makes a reader of whole files."""


@op(effect=Host())
def WholeFileReaderV2(*, container: str = "", shared_name: str = "") -> Returns(
    reader_handle=_Handle
):
    """Makes a reader of whole files."""


@op(effect=Host())
def IdentityReader(*, container: str = "", shared_name: str = "") -> Returns(
    reader_handle=_RefHandle
):
    """Makes a reader that gives the work units themselves."""


@op(effect=Host())
def IdentityReaderV2(*, container: str = "", shared_name: str = "") -> Returns(
    reader_handle=_Handle
):
    """Makes a reader that gives the work units themselves."""


@op(effect=Host())
def FixedLengthRecordReader(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(reader_handle=_RefHandle):
    """Makes a reader of pieces of one length."""


@op(effect=Host())
def FixedLengthRecordReaderV2(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
    encoding: str = "",
) -> Returns(reader_handle=_Handle):
    """Makes a reader of pieces of one length."""


@op(effect=Host())
def LMDBReader(*, container: str = "", shared_name: str = "") -> Returns(reader_handle=_RefHandle):
    """Makes a reader of the items of LMDB databases."""


def _maker_of(source):
    def run(ctx):
        attrs = ctx.node.attrs
        _check(attrs)
        key = f"/reader/{attrs['shared_name'] or ctx.node.name}"
        return ctx.resources.get_or_create(
            ctx.container, key, lambda: Reader(ctx.node.name, source, attrs)
        )

    return run


def _check(attrs):
    if "record_bytes" in attrs and attrs["record_bytes"] <= 0:
        raise _invalid(f"record_bytes must be positive, but got {attrs['record_bytes']}")
    for key in ("header_bytes", "footer_bytes", "hop_bytes"):
        if attrs.get(key, 0) < 0:
            raise _invalid(f"{key} must be >= 0, but got {attrs[key]}")
    if attrs.get("encoding", "") not in ("", "ZLIB", "GZIP"):
        raise _invalid(f"Unsupported encoding: {attrs['encoding']}")


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


for _source in SOURCES:
    for _opdef in filter(None, (globals()[_source.name], globals().get(f"{_source.name}V2"))):
        _opdef.shape_scalar()
        _opdef.run(_maker_of(_source))
        _opdef.no_gradient("a reader is no number")
    globals()[_source.name].shape(lambda: [2])


# -- using them


@op(effect=_WAITS)
def ReaderRead(reader_handle: _RefHandle, queue_handle: _RefHandle) -> Returns(
    key=Tensor[String], value=Tensor[String]
):
    """Gives the next record, taking work units from a queue."""


@op(effect=_WAITS)
def ReaderReadV2(reader_handle: _Handle, queue_handle: _Handle) -> Returns(
    key=Tensor[String], value=Tensor[String]
):
    """Gives the next record, taking work units from a queue."""


@op(effect=_WAITS)
def ReaderReadUpTo(
    reader_handle: _RefHandle, queue_handle: _RefHandle, num_records: Tensor[Int64]
) -> Returns(keys=Tensor[String], values=Tensor[String]):
    """Gives up to `num_records` records of one work unit."""


@op(effect=_WAITS)
def ReaderReadUpToV2(
    reader_handle: _Handle, queue_handle: _Handle, num_records: Tensor[Int64]
) -> Returns(keys=Tensor[String], values=Tensor[String]):
    """Gives up to `num_records` records of one work unit."""


@op(effect=Host())
def ReaderNumRecordsProduced(reader_handle: _RefHandle) -> Returns(records_produced=Tensor[Int64]):
    """Counts the records that a reader gave."""


@op(effect=Host())
def ReaderNumRecordsProducedV2(reader_handle: _Handle) -> Returns(records_produced=Tensor[Int64]):
    """Counts the records that a reader gave."""


@op(effect=Host())
def ReaderNumWorkUnitsCompleted(reader_handle: _RefHandle) -> Returns(
    units_completed=Tensor[Int64]
):
    """Counts the work units that a reader has finished."""


@op(effect=Host())
def ReaderNumWorkUnitsCompletedV2(reader_handle: _Handle) -> Returns(units_completed=Tensor[Int64]):
    """Counts the work units that a reader has finished."""


@op(effect=Host())
def ReaderSerializeState(reader_handle: _RefHandle) -> Returns(state=Tensor[String]):
    """Gives a reader's state as a string."""


@op(effect=Host())
def ReaderSerializeStateV2(reader_handle: _Handle) -> Returns(state=Tensor[String]):
    """Gives a reader's state as a string."""


@op(effect=_WAITS)
def ReaderRestoreState(reader_handle: _RefHandle, state: Tensor[String]) -> None:
    """Puts a reader back into a state."""


@op(effect=_WAITS)
def ReaderRestoreStateV2(reader_handle: _Handle, state: Tensor[String]) -> None:
    """Puts a reader back into a state."""


@op(effect=_WAITS)
def ReaderReset(reader_handle: _RefHandle) -> None:
    """Puts a reader back into its first state."""


@op(effect=_WAITS)
def ReaderResetV2(reader_handle: _Handle) -> None:
    """Puts a reader back into its first state."""


def _reader(handle):
    return thing_behind(handle, Reader)


def _text(value):
    return np.array(value, object)


def _read(reader_handle, queue_handle, ctx):
    key, value = _reader(reader_handle).read(thing_behind(queue_handle, Queue), ctx)
    return _text(key), _text(value)


def _read_up_to(reader_handle, queue_handle, num_records, ctx):
    if num_records <= 0:
        raise _invalid(f"num_records must be positive, but got {num_records}")
    queue = thing_behind(queue_handle, Queue)
    records = _reader(reader_handle).read_up_to(queue, int(num_records), ctx)
    keys, values = zip(*records)
    return np.array(keys, object), np.array(values, object)


def _num_records(reader_handle):
    return np.int64(_reader(reader_handle).produced)


def _num_units(reader_handle):
    return np.int64(_reader(reader_handle).finished)


def _serialize(reader_handle):
    return _text(_reader(reader_handle).serialize())


def _restore(reader_handle, state, ctx):
    data = state.item() if isinstance(state, np.ndarray) else state
    _reader(reader_handle).restore(data, ctx)
    return ()


def _reset(reader_handle, ctx):
    _reader(reader_handle).reset(ctx)
    return ()


for _opdefs, _rule in (
    ((ReaderRead, ReaderReadV2), _read),
    ((ReaderReadUpTo, ReaderReadUpToV2), _read_up_to),
    ((ReaderNumRecordsProduced, ReaderNumRecordsProducedV2), _num_records),
    ((ReaderNumWorkUnitsCompleted, ReaderNumWorkUnitsCompletedV2), _num_units),
    ((ReaderSerializeState, ReaderSerializeStateV2), _serialize),
    ((ReaderRestoreState, ReaderRestoreStateV2), _restore),
    ((ReaderReset, ReaderResetV2), _reset),
):
    for _opdef in _opdefs:
        _opdef.run(_rule)
        if _opdef.outputs:
            _opdef.shape_scalar()
        _opdef.no_gradient("strings have none")

for _opdef in (ReaderReadUpTo, ReaderReadUpToV2):
    _opdef.shape(lambda: ([None], [None]))
