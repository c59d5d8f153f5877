"""Record files: TensorFlow's read, ours equal to TensorFlow's, damage."""

import os
import zlib
from pathlib import Path

import pytest

from millstream.base import errors
from millstream.formats import tfrecord
from millstream.formats.crc import mask, masked_crc32c, unmask
from millstream.formats.tfrecord import (
    TFRecordCompressionType,
    TFRecordOptions,
    TFRecordWriter,
    tf_record_iterator,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "formats_records"
RECORDS = [b"abc", b"", bytes(range(256)) * 5, b"x" * 3000]
KINDS = ["", "ZLIB", "GZIP"]


def _write(path, records, options=None):
    with TFRecordWriter(path, options) as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize("kind", KINDS)
def test_reads_tensorflows_files(kind):
    path = GOLDEN / f"records{kind.lower()}.tfrecord"
    assert list(tf_record_iterator(path, TFRecordOptions(kind))) == RECORDS
    assert list(tf_record_iterator(str(path), kind)) == RECORDS


def test_writes_the_bytes_that_tensorflow_writes(tmp_path):
    _write(tmp_path / "r", RECORDS)
    assert (tmp_path / "r").read_bytes() == (GOLDEN / "records.tfrecord").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 20])
def test_records_are_whole_however_the_file_is_read(tmp_path, kind, chunk):
    records = [bytes([n % 256]) * (n * 37 % 300) for n in range(200)]
    _write(tmp_path / "r", records, kind)
    assert list(tfrecord.read_records(str(tmp_path / "r"), kind, chunk)) == records


def test_gzip_members_follow_each_other(tmp_path):
    _write(tmp_path / "r", [b"a"], "GZIP")
    one = (tmp_path / "r").read_bytes()
    (tmp_path / "r").write_bytes(one + one)
    assert list(tf_record_iterator(tmp_path / "r", "GZIP")) == [b"a", b"a"]


def test_dense_data_expands_piece_by_piece(tmp_path):
    records = [b"\0" * 10_000_000, b"end"]
    _write(tmp_path / "r", records, TFRecordOptions("ZLIB", compression_level=9))
    assert os.path.getsize(tmp_path / "r") < 20_000
    assert list(tf_record_iterator(tmp_path / "r", "ZLIB")) == records


def test_options_reach_zlib(tmp_path):
    data = [bytes(range(256)) * 40]
    _write(tmp_path / "none", data, TFRecordOptions("ZLIB", compression_level=0))
    _write(tmp_path / "best", data, TFRecordOptions("ZLIB", compression_level=9, mem_level=9))
    assert os.path.getsize(tmp_path / "none") > 10240 > os.path.getsize(tmp_path / "best")
    with pytest.raises(errors.InvalidArgumentError, match="zlib"):
        TFRecordWriter(tmp_path / "x", TFRecordOptions("ZLIB", window_bits=99))


def test_compression_types():
    name = TFRecordOptions.get_compression_type_string
    assert name(None) == name("") == name(TFRecordOptions()) == name(0) == ""
    assert name(TFRecordCompressionType.GZIP) == name(TFRecordOptions(2)) == name("GZIP") == "GZIP"
    for bad in ("BAD", 7):
        with pytest.raises(ValueError, match="Not a valid compression_type"):
            TFRecordOptions(bad)
        with pytest.raises(ValueError, match="Not a valid compression_type"):
            TFRecordWriter("unused", bad)


def test_writer_errors(tmp_path):
    with pytest.raises(errors.NotFoundError):
        TFRecordWriter(tmp_path / "no" / "r")
    writer = TFRecordWriter(tmp_path / "r")
    for bad in ("text", 3, bytearray(b"x")):
        with pytest.raises(TypeError, match="expected bytes"):
            writer.write(bad)
    writer.write(b"a")
    writer.flush()
    assert list(tf_record_iterator(tmp_path / "r")) == [b"a"]
    writer.close()
    writer.close()
    for call in (lambda: writer.write(b"b"), writer.flush):
        with pytest.raises(errors.FailedPreconditionError):
            call()


def test_flush_makes_compressed_records_readable_up_to_there(tmp_path):
    writer = TFRecordWriter(tmp_path / "r", "GZIP")
    writer.write(b"a")
    writer.flush()
    found = tf_record_iterator(tmp_path / "r", "GZIP")
    assert next(found) == b"a"
    with pytest.raises(errors.DataLossError):
        next(found)
    writer.close()


def test_missing_files_are_noticed_when_read():
    found = tf_record_iterator("/no/such/file")
    with pytest.raises(errors.NotFoundError):
        next(found)
    with pytest.raises(errors.FailedPreconditionError):
        next(tf_record_iterator("/"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_and_every_flipped_bit_is_noticed(tmp_path, kind):
    path = tmp_path / "r"
    records = [b"abc", b"", b"x" * 20]
    _write(path, records, kind)
    data = path.read_bytes()
    ends = [0, *(len(tfrecord.frame(b"abc")) + 16 * n + 20 * (n > 1) for n in range(3))]
    for size in range(len(data)):
        path.write_bytes(data[:size])
        if (size in ends and not kind) or not size:
            assert list(tf_record_iterator(path, kind)) == records[: ends.index(size)]
        else:
            with pytest.raises(errors.DataLossError):
                list(tf_record_iterator(path, kind))
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                found = list(tf_record_iterator(path, kind))
            except errors.DataLossError:
                continue
            # Bits of a compressed header that say nothing of the data.
            assert kind
            assert found == records


def test_a_length_that_lies_takes_no_memory(tmp_path):
    length = (1 << 60).to_bytes(8, "little")
    data = length + masked_crc32c(length).to_bytes(4, "little") + b"x" * 100
    (tmp_path / "r").write_bytes(data)
    with pytest.raises(errors.DataLossError, match="truncated record at 0"):
        list(tf_record_iterator(tmp_path / "r"))
    (tmp_path / "z").write_bytes(zlib.compress(data))
    with pytest.raises(errors.DataLossError, match="truncated record at 0"):
        list(tf_record_iterator(tmp_path / "z", "ZLIB"))


def test_wrong_compression_is_data_loss():
    with pytest.raises(errors.DataLossError, match="inflate"):
        list(tf_record_iterator(GOLDEN / "records.tfrecord", "GZIP"))
    with pytest.raises(errors.DataLossError, match="corrupted record at 0"):
        list(tf_record_iterator(GOLDEN / "recordszlib.tfrecord"))


def test_checksums():
    assert masked_crc32c(b"123456789") == mask(0xE3069283)
    for value in (0, 1, 0xFFFFFFFF, 0xE3069283):
        assert unmask(mask(value)) == value
