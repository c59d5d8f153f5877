"""Sorted string tables: order, lookup, compression, damage."""

import io
import struct

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millstream.base import errors
from millstream.formats import coding, table
from millstream.formats.crc import masked_crc32c
from millstream.formats.table import Table, TableWriter


def _write(path, items):
    with open(path, "wb") as file:
        writer = TableWriter(file)
        for key, value in items:
            writer.add(key, value)
        writer.finish()


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=50), max_size=60))
@settings(max_examples=50)
def test_round_trip(tmp_path_factory, items):
    path = str(tmp_path_factory.mktemp("t") / "table")
    ordered = sorted(items.items())
    _write(path, ordered)
    with Table(path) as found:
        assert list(found) == ordered
        for key, value in ordered:
            assert found.get(key) == value
            assert found.get(key + b"\0") == items.get(key + b"\0")


def test_many_blocks(tmp_path):
    items = [(f"key{number:06d}".encode(), bytes([number % 256]) * 5000) for number in range(300)]
    _write(tmp_path / "t", items)
    with Table(str(tmp_path / "t")) as found:
        assert len(found._index) > 3
        assert list(found) == items
        assert all(found.get(key) == value for key, value in items)
        assert found.get(b"key000005x") is None
        assert found.get(b"z") is None
        assert found.get(b"") is None


def test_keys_must_ascend():
    writer = TableWriter(io.BytesIO())
    writer.add(b"b", b"")
    for key in (b"b", b"a"):
        with pytest.raises(errors.InvalidArgumentError):
            writer.add(key, b"")


def _snappy_table(path, block):
    """Writes a table whose one data block is compressed already."""

    class Writer(TableWriter):
        def _write_block(self, data):
            if self._offset:
                return super()._write_block(data)
            tail = block + b"\1"
            self._file.write(tail + struct.pack("<I", masked_crc32c(tail)))
            handle = coding.put_varint(0) + coding.put_varint(len(block))
            self._offset = len(block) + 5
            return handle

    with open(path, "wb") as file:
        writer = Writer(file)
        writer.add(b"key", b"value")
        writer.finish()


def _plain_block(items):
    builder = table._BlockBuilder(16)
    for key, value in items:
        builder.add(key, value)
    return builder.finish()


def test_reads_snappy_blocks(tmp_path):
    block = _plain_block([(b"key", b"value" * 100)])
    _snappy_table(tmp_path / "t", bytes(cramjam.snappy.compress_raw(block)))
    assert list(Table(str(tmp_path / "t"))) == [(b"key", b"value" * 100)]


@pytest.mark.parametrize("block", [b"", b"\xff\xff\xff\xff\x0f", b"\x10\x00", b"\xff" * 12])
def test_bad_snappy_blocks(tmp_path, block):
    _snappy_table(tmp_path / "t", block)
    with pytest.raises(errors.DataLossError):
        list(Table(str(tmp_path / "t")))


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\0\0",
        struct.pack("<I", 0xFFFFFFFF),
        b"\5\1\1ab" + struct.pack("<II", 0, 1),  # shares more than there is
        b"\0\x7f\1ab" + struct.pack("<II", 0, 1),  # key beyond the block
        b"\0\1\x7fab" + struct.pack("<II", 0, 1),  # value beyond the block
        b"\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + struct.pack("<II", 0, 1),
        b"\0\1\xff" + struct.pack("<II", 0, 1),
    ],
)
def test_blocks_that_lie(tmp_path, block):
    _snappy_table(tmp_path / "t", bytes(cramjam.snappy.compress_raw(block)))
    with pytest.raises(errors.DataLossError):
        list(Table(str(tmp_path / "t")))


def test_long_keys_that_are_shared_by_many_take_no_memory(tmp_path):
    size = 1 << 20
    first = coding.put_varint(0) + coding.put_varint(size) + b"\0" + b"k" * size
    rest = (coding.put_varint(size) + b"\0\0") * 10_000
    block = first + rest + struct.pack("<II", 0, 1)
    _snappy_table(tmp_path / "t", bytes(cramjam.snappy.compress_raw(block)))
    with pytest.raises(errors.DataLossError, match="share too much"):
        list(Table(str(tmp_path / "t")))


def test_no_table(tmp_path):
    (tmp_path / "t").write_bytes(b"x" * 100)
    with pytest.raises(errors.DataLossError, match="bad magic number"):
        Table(str(tmp_path / "t"))
    with pytest.raises(errors.NotFoundError):
        Table(str(tmp_path / "none"))
    with pytest.raises(errors.FailedPreconditionError):
        Table(str(tmp_path))


def test_varints():
    for value in (0, 1, 127, 128, 2**32, 2**64 - 1):
        data = coding.put_varint(value)
        assert coding.get_varint(b"x" + data, 1) == (value, 1 + len(data))
    for bad in (b"", b"\x80", b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\0"):
        with pytest.raises(errors.DataLossError):
            coding.get_varint(bad, 0)


def test_ordered_numbers_sort_as_their_values():
    values = sorted({sign * (2**n + d) for n in range(63) for d in (-1, 0, 1) for sign in (1, -1)})
    codes = [coding.ordered_signed(value) for value in values]
    assert codes == sorted(codes)
    assert len(set(codes)) == len(values)
    assert coding.ordered_signed(-1) == b"\x7f"
    assert coding.ordered_signed(130) == b"\xc0\x82"
    counts = [coding.ordered_number(value) for value in range(1000)]
    assert counts == sorted(counts)


def test_ordered_strings():
    assert coding.ordered_string(b"a\0\xffb") == b"a\0\xff\xff\0b\0\1"
    texts = sorted([b"", b"a", b"a\0", b"a\0b", b"a\xff", b"ab", b"\xff", b"\xff\xff"])
    codes = [coding.ordered_string(text) for text in texts]
    assert codes == sorted(codes)
