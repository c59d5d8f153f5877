"""Checkpoints of format 2: TensorFlow's read, ours equal to TensorFlow's, damage, crashes."""

import os
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.formats import files
from millstream.formats.bundle import BundleReader, BundleWriter, data_name, merge_bundles, place
from millstream.formats.slices import parse_spec

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import formats_values  # noqa: E402

CHECKPOINTS = GOLDEN / "formats_checkpoints"


def _write_golden_tensors(prefix):
    with BundleWriter(prefix) as writer:
        golden = BundleReader(CHECKPOINTS / "v2-7")
        # In the order in which TensorFlow wrote them, which sorts by name.
        for name in golden.names():
            value = golden.get(name)
            for slices in golden.slices(name):
                cut = tuple(slice(at, at + size) for at, size in slices)
                writer.add_slice(name, value.shape, slices, value[cut])
            if not golden.slices(name):
                writer.add(name, value)


@pytest.mark.parametrize("name", ["v2-7", "v2sharded-7"])
def test_reads_tensorflows_checkpoints(name):
    with BundleReader(CHECKPOINTS / name) as reader:
        for key, value in formats_values.plain().items():
            found = reader.get(key)
            assert found.dtype == value.dtype, key
            assert found.shape == value.shape, key
            np.testing.assert_array_equal(found, value)
            dtype, shape = reader.dtype_and_shape(key)
            assert (dtype.np, shape) == (value.dtype, value.shape)
        for key, (value, _, parts) in formats_values.partitioned().items():
            np.testing.assert_array_equal(reader.get(key), value)
            assert len(reader.slices(key)) == parts
        half = reader.get("scope/bf16")
        assert half.dtype == ml_dtypes.bfloat16
        assert half.astype(np.float32).tolist() == formats_values.BFLOAT16
        names = {*formats_values.plain(), *formats_values.partitioned(), "scope/bf16"}
        assert reader.names() == sorted(names)


def test_writes_the_bytes_that_tensorflow_writes(tmp_path):
    _write_golden_tensors(tmp_path / "v2-7")
    for end in (".index", ".data-00000-of-00001"):
        ours = (tmp_path / f"v2-7{end}").read_bytes()
        assert ours == (CHECKPOINTS / f"v2-7{end}").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["v2-7.data-00000-of-00001", "v2-7.index"]


@pytest.mark.parametrize(
    "spec", ["6 3 2,2:0,3", "6 3 1,4:0,3", "6 3 1,4:1,2", "6 3 -:0,1", "6 3 -:-", "6 3 0,6:0,3"]
)
def test_reads_any_slice_of_a_partitioned_tensor(spec):
    shape, slices = parse_spec(spec)
    whole = formats_values.partitioned()["rows"][0]
    cut = tuple(slice(at, None if size < 0 else at + size) for at, size in slices)
    with BundleReader(CHECKPOINTS / "v2-7") as reader:
        np.testing.assert_array_equal(reader.get_slice("rows", shape, slices), whole[cut])


def test_reads_a_slice_of_a_whole_tensor():
    with BundleReader(CHECKPOINTS / "v2-7") as reader:
        found = reader.get_slice("scope/f32", (3, 4), ((1, 2), (0, -1)))
    np.testing.assert_array_equal(found, formats_values.plain()["scope/f32"][1:3])


@pytest.mark.parametrize("spec", ["", "x", "6 3 0,6", "6 3 5,2:0,3", "6 3 -1,2:0,3", "6 a -:-"])
def test_bad_slice_specifications(spec):
    with pytest.raises(errors.InvalidArgumentError):
        parse_spec(spec)


def test_missing_and_mismatched_tensors_are_named(tmp_path):
    with BundleReader(CHECKPOINTS / "v2-7") as reader:
        with pytest.raises(errors.NotFoundError, match="'scope/f32'"):
            reader.get("scope/f3")
        with pytest.raises(errors.NotFoundError, match="'scope/f32'"):
            reader.get("renamed/by/someone/f32")
        with pytest.raises(errors.NotFoundError, match="not found"):
            reader.get("")
        with pytest.raises(errors.InvalidArgumentError, match=r"shape \[6, 3\]"):
            reader.get_slice("rows", (6, 4), ((0, -1), (0, -1)))
    with pytest.raises(errors.NotFoundError):
        BundleReader(tmp_path / "none")
    with BundleWriter(tmp_path / "gap") as writer:
        writer.add_slice("rows", (6, 3), ((0, 2), (0, 3)), np.zeros((2, 3)))
        writer.add_slice("rows", (6, 3), ((1, 3), (0, 3)), np.zeros((3, 3)))
    with (
        BundleReader(tmp_path / "gap") as reader,
        pytest.raises(errors.InvalidArgumentError, match="does not have all slices"),
    ):
        reader.get("rows")


def test_writer_refuses_what_does_not_fit(tmp_path):
    with BundleWriter(tmp_path / "x") as writer:
        writer.add("a", np.zeros(2))
        writer.add_slice("s", (4,), ((0, 2),), np.zeros(2))
        for call in (
            lambda: writer.add("a", np.zeros(2)),
            lambda: writer.add("", np.zeros(2)),
            lambda: writer.add_slice("a", (4,), ((0, 2),), np.zeros(2)),
            lambda: writer.add_slice("s", (4,), ((0, 2),), np.zeros(2)),
            lambda: writer.add_slice("s", (5,), ((2, 2),), np.zeros(2)),
            lambda: writer.add_slice("s", (4,), ((2, 2),), np.zeros(2, np.float32)),
            lambda: writer.add_slice("s", (4,), ((2, 2),), np.zeros(3)),
            lambda: writer.add_slice("s", (4,), ((3, 2),), np.zeros(2)),
        ):
            with pytest.raises(errors.InvalidArgumentError):
                call()
        with pytest.raises(errors.UnimplementedError):
            writer.add("v", np.array(None), dtypes.variant)
    with pytest.raises(errors.NotFoundError):
        BundleWriter(tmp_path / "no" / "such" / "x")


def test_round_trip_of_odd_arrays(tmp_path):
    values = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "big_endian": np.arange(3, dtype=">i4"),
        "strings": np.array("ä", object),
        "no strings": np.empty((0, 2), object),
        "n\udcffame": np.array([1 + 1j]),
        "strided": np.arange(10)[::3],
    }
    with BundleWriter(tmp_path / "x") as writer:
        for name, value in values.items():
            writer.add(name, value)
        writer.add("q", np.array([1, 255], np.uint8), dtypes.quint8)
    with BundleReader(tmp_path / "x") as reader:
        for name, value in values.items():
            found = reader.get(name)
            assert found.dtype == value.dtype.newbyteorder("=")
            wanted = [["ä".encode()]] if name == "strings" else value.tolist()
            assert found.tolist() == (wanted[0][0] if name == "strings" else wanted)
        assert reader.dtype_and_shape("q")[0] is dtypes.quint8


def test_big_endian_checkpoint(tmp_path):
    array = np.array([1 + 2j, 3], np.complex64)
    with BundleWriter(tmp_path / "x") as writer:
        writer.add("a", array.byteswap())
    header, entries = place.read_index(str(tmp_path / "x"))
    with BundleReader(tmp_path / "x") as reader:
        reader._header.endianness = 1
        assert reader.get("a").tolist() == array.tolist()
    assert header.num_shards == 1
    assert list(entries) == [b"a"]


def test_newer_versions_are_refused(tmp_path, monkeypatch):
    _write_golden_tensors(tmp_path / "x")
    monkeypatch.setattr("millstream.formats.bundle.reader.BUNDLE_VERSION", -1)
    with pytest.raises(errors.InvalidArgumentError, match="needs a reader"):
        BundleReader(tmp_path / "x")


def test_merge(tmp_path):
    parts = [tmp_path / "temp" / f"part-{number}" for number in range(2)]
    for number, part in enumerate(parts):
        with BundleWriter(part) as writer:
            writer.add(f"own{number}", np.full(3, number))
            writer.add_slice("shared", (4,), ((2 * number, 2),), np.full(2, number))
    merge_bundles(parts, tmp_path / "x")
    assert sorted(os.listdir(tmp_path)) == [
        *("x.data-00000-of-00002", "x.data-00001-of-00002", "x.index")
    ]
    with BundleReader(tmp_path / "x") as reader:
        assert reader.get("shared").tolist() == [0, 0, 1, 1]
        assert reader.get("own1").tolist() == [1, 1, 1]


def test_merge_refuses_two_tensors_of_one_name(tmp_path):
    for part in ("p", "q"):
        with BundleWriter(tmp_path / part) as writer:
            writer.add("same", np.zeros(1))
    with pytest.raises(errors.InvalidArgumentError, match="'same'"):
        merge_bundles([tmp_path / "p", tmp_path / "q"], tmp_path / "x")
    with pytest.raises(errors.NotFoundError):
        merge_bundles([tmp_path / "none"], tmp_path / "x")


def _read_everything(prefix):
    with BundleReader(prefix) as reader:
        return {name: reader.get(name) for name in reader.names()}


def _small(prefix):
    with BundleWriter(prefix) as writer:
        writer.add("a", np.arange(3, dtype=np.float32))
        writer.add("s", np.array([b"xy", b""], object))
        writer.add_slice("p", (4,), ((0, 2),), np.zeros(2))
        writer.add_slice("p", (4,), ((2, 2),), np.ones(2))


def _expect_tf_error_or_truth(prefix, truth):
    try:
        found = _read_everything(prefix)
    except errors.OpError:
        return
    # A damaged byte may lie where nothing is kept.
    for name, value in found.items():
        if name in truth:
            np.testing.assert_array_equal(value, truth[name])


@pytest.mark.parametrize("end", [".index", ".data-00000-of-00001"])
def test_every_truncation_and_every_flipped_bit_is_noticed(tmp_path, end):
    _small(tmp_path / "x")
    truth = _read_everything(tmp_path / "x")
    path = tmp_path / f"x{end}"
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises((errors.DataLossError, errors.NotFoundError)):
            _read_everything(tmp_path / "x")
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)
            _expect_tf_error_or_truth(tmp_path / "x", truth)


@pytest.mark.parametrize(
    "change",
    [
        {"offset": -1},
        {"offset": 1 << 62},
        {"size": -1},
        {"size": 1 << 62},
        {"size": 8},
        {"shard_id": 5},
        {"shard_id": -1},
        {"dtype": 99},
        {"dtype": 7},
    ],
)
def test_entries_that_lie_are_refused(tmp_path, change):
    _small(tmp_path / "x")
    with BundleReader(tmp_path / "x") as reader:
        reader.get("a")
        for field, value in change.items():
            setattr(reader._entries[b"a"], field, value)
        with pytest.raises(errors.DataLossError):
            reader.get("a")
        reader._entries[b"a"].shape.dim[0].size = 1 << 60
        with pytest.raises(errors.DataLossError):
            reader.get("a")


class _Killed(BaseException):
    """Stands for the end of the process: nothing after it touches the disk."""


class _DyingFiles:
    """Local files that die at the n-th call, half-way through it if it writes."""

    def __init__(self, limit):
        self.left = limit
        self.dead = False

    def __getattr__(self, name):
        real = getattr(files.LocalFiles(), name)

        def call(*arguments):
            self.tick()
            result = real(*arguments)
            writing = name == "open" and arguments[1] == "wb"
            return _DyingFile(result, self) if writing else result

        return call

    def tick(self):
        if self.dead or self.left == 0:
            self.dead = True
            raise _Killed
        self.left -= 1


def _close_quietly(file):
    file._file.close()


class _DyingFile:
    def __init__(self, file, owner):
        self._file = file
        self._owner = owner

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        data = bytes(data)
        try:
            self._owner.tick()
        except _Killed:
            os.write(self._file.fileno(), data[: len(data) // 2])
            self._file.close()
            raise
        self._file.write(data)

    def close(self):
        self._file.close()
        if not self._owner.dead:
            self._owner.tick()

    __del__ = _close_quietly


def _save(prefix, fill, shards=1):
    if shards == 1:
        with BundleWriter(prefix) as writer:
            writer.add("a", np.full(100, fill))
            writer.add("b", np.full(100, fill))
        return
    parts = [f"{prefix}_temp/part{number}" for number in range(shards)]
    for name, part in zip("ab", parts):
        with BundleWriter(part) as writer:
            writer.add(name, np.full(100, fill))
    merge_bundles(parts, prefix)


def _usual_files(shards):
    return [*(data_name("model", shard, shards) for shard in range(shards)), "model.index"]


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 2), (1, 2), (2, 1)])
def test_death_at_any_moment_leaves_one_whole_checkpoint(tmp_path, monkeypatch, before, after):
    outcomes = set()
    for limit in range(200):
        directory = tmp_path / str(limit)
        directory.mkdir()
        prefix = str(directory / "model")
        _save(prefix, 1.0, before)
        dying = _DyingFiles(limit)
        monkeypatch.setattr(files, "_LOCAL", dying)
        try:
            _save(prefix, 2.0, after)
        except _Killed:
            pass
        else:
            break
        finally:
            monkeypatch.undo()
        for _ in range(2):
            found = _read_everything(prefix)
            assert sorted(found) == ["a", "b"]
            assert found["a"].tolist() == found["b"].tolist()
            outcomes.add(found["a"][0])
            # And a later save recovers.
            _save(prefix, 3.0, after)
            assert _read_everything(prefix)["b"][0] == 3.0
            shutil.rmtree(directory / "model_temp", ignore_errors=True)
            assert sorted(os.listdir(directory)) == _usual_files(after)
    assert limit > 10
    assert outcomes >= {1.0, 2.0}
    shutil.rmtree(directory / "model_temp", ignore_errors=True)
    assert sorted(os.listdir(directory)) == _usual_files(after)
    assert _read_everything(prefix)["a"][0] == 2.0


def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(tmp_path, monkeypatch):
    _save(tmp_path / "x", 1.0)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.LocalFiles, "sync", full)
    with pytest.raises(errors.ResourceExhaustedError, match="No space"):
        _save(tmp_path / "x", 2.0)
    monkeypatch.undo()
    assert _read_everything(tmp_path / "x")["a"][0] == 1.0
    assert len(os.listdir(tmp_path)) == 2


def test_a_failing_save_leaves_no_litter(tmp_path):
    with pytest.raises(ZeroDivisionError), BundleWriter(tmp_path / "x") as writer:
        writer.add("a", np.zeros(1))
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_without_hard_links_saving_over_a_checkpoint_still_works(tmp_path, monkeypatch):
    monkeypatch.setattr(files.LocalFiles, "link", lambda *_: False)
    for fill in (1.0, 2.0, 3.0):
        _save(tmp_path / "x", fill)
        assert _read_everything(tmp_path / "x")["a"][0] == fill
        assert len(os.listdir(tmp_path)) == 2


def test_behind_a_url():
    for fill in (1.0, 2.0):
        _save("memory://bundles/x", fill)
        assert _read_everything("memory://bundles/x")["b"][0] == fill
