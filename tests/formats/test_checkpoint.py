"""Checkpoints of both formats behind one reader, format 1, and the state file."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.formats import checkpoint, checkpoint_state, files, protos
from millstream.formats.bundle import BundleWriter
from millstream.formats.checkpoint import NewCheckpointReader
from millstream.formats.checkpoint_v1 import V1Reader, V1Writer

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import formats_values  # noqa: E402

CHECKPOINTS = GOLDEN / "formats_checkpoints"
V1_PATTERNS = ["v1-7", "v1sharded-7-?????-of-00002"]


@pytest.mark.parametrize("name", V1_PATTERNS)
def test_reads_tensorflows_checkpoints_of_format_1(name):
    with V1Reader(CHECKPOINTS / name) as reader:
        for key, value in formats_values.plain().items():
            found = reader.get(key)
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(found, value)
            assert reader.slices(key) == []
        for key, (value, _, parts) in formats_values.partitioned().items():
            np.testing.assert_array_equal(reader.get(key), value)
            assert len(reader.slices(key)) == parts
        cut = reader.get_slice("rows", (6, 3), ((1, 4), (1, 2)))
        np.testing.assert_array_equal(cut, formats_values.partitioned()["rows"][0][1:5, 1:])
        with pytest.raises(errors.InvalidArgumentError, match="shape"):
            reader.get_slice("rows", (6, 4), ((0, -1), (0, -1)))


def _copy_v1(target):
    with V1Reader(CHECKPOINTS / "v1-7") as reader, V1Writer(target) as writer:
        for name in reader.names():
            value = reader.get(name)
            for slices in reader.slices(name):
                cut = tuple(slice(at, at + size) for at, size in slices)
                writer.add_slice(name, value.shape, slices, value[cut])
            if not reader.slices(name):
                writer.add(name, value)


def test_writes_the_bytes_that_tensorflow_writes_in_format_1(tmp_path):
    _copy_v1(tmp_path / "v1")
    assert (tmp_path / "v1").read_bytes() == (CHECKPOINTS / "v1-7").read_bytes()


def test_v1_writer_refuses_what_does_not_fit(tmp_path):
    with V1Writer(tmp_path / "x") as writer:
        writer.add("a", np.zeros(2))
        for call in (
            lambda: writer.add("a", np.zeros(2)),
            lambda: writer.add_slice("a", (3,), ((2, 1),), np.zeros(1)),
            lambda: writer.add_slice("b", (4,), ((2, 2),), np.zeros(3)),
            lambda: writer.add_slice("c", (4,), ((3, 2),), np.zeros(2)),
            lambda: writer.add("d", np.broadcast_to(np.float64(0), (1 << 28,))),
        ):
            with pytest.raises(errors.InvalidArgumentError):
                call()
    with pytest.raises(errors.NotFoundError), V1Writer(tmp_path / "no" / "x") as writer:
        writer.add("a", np.zeros(2))


def test_format_1_is_written_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "x"
    with V1Writer(path) as writer:
        writer.add("a", np.ones(2))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.LocalFiles, "sync", full)
    with pytest.raises(errors.ResourceExhaustedError), V1Writer(path) as writer:
        writer.add("a", np.zeros(2))
    assert V1Reader(path).get("a").tolist() == [1, 1]
    assert os.listdir(tmp_path) == ["x"]


def test_damaged_format_1(tmp_path):
    path = tmp_path / "x"
    with V1Writer(path) as writer:
        writer.add("a", np.arange(3.0))
        writer.add("s", np.array([b"xy"], object))
    data = path.read_bytes()

    def read():
        with V1Reader(path) as reader:
            for name in reader.names():
                reader.get(name)

    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(errors.DataLossError):
            read()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        with contextlib.suppress(errors.OpError):
            read()


@pytest.mark.parametrize("name", ["v2-7", "v2sharded-7", *V1_PATTERNS])
def test_checkpoint_reader(name):
    reader = NewCheckpointReader(str(CHECKPOINTS / name))
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert shapes["rows"] == [6, 3]
    assert shapes["scope/scalar"] == []
    assert types["scope/text"] is dtypes.string
    assert reader.has_tensor("rows")
    assert reader.has_tensor(b"rows")
    assert not reader.has_tensor("nope")
    scalar = reader.get_tensor("scope/scalar")
    assert type(scalar) is np.float32
    assert scalar == 3.5
    assert b"scope/f32 (DT_FLOAT) [3,4]\n" in reader.debug_string()
    assert "rows (DT_FLOAT) [6,3], 3 slices" in reader.debug_string().decode()
    with pytest.raises(errors.NotFoundError, match="'scope/f32'"):
        reader.get_tensor("scope/f3")


def test_checkpoint_reader_errors(tmp_path):
    (tmp_path / "text").write_text("model_checkpoint_path: 'x'" * 10)
    for path in (tmp_path / "none", tmp_path / "no" / "dir", tmp_path, ""):
        with pytest.raises(errors.NotFoundError, match="Failed to find any matching files"):
            NewCheckpointReader(path)
    with pytest.raises(errors.DataLossError, match="different file format"):
        NewCheckpointReader(tmp_path / "text")
    with pytest.raises(TypeError, match="binary or unicode string"):
        NewCheckpointReader(3)


def _save(path):
    with BundleWriter(path) as writer:
        writer.add("a", np.zeros(1))


def test_finding_and_removing(tmp_path):
    v1, v2 = str(tmp_path / "v1"), str(tmp_path / "v2")
    _copy_v1(v1)
    _save(v2)
    (tmp_path / "v2.meta").write_bytes(b"")
    (tmp_path / "v2.data-00000-of-00001.tempstate0123456789abcdef").write_bytes(b"")
    (tmp_path / "v2x.index").write_bytes(b"")
    assert checkpoint.checkpoint_exists(v1)
    assert checkpoint.checkpoint_exists(v2)
    assert checkpoint.checkpoint_exists(CHECKPOINTS / V1_PATTERNS[1])
    assert not checkpoint.checkpoint_exists(tmp_path / "v")
    assert not checkpoint.checkpoint_exists(tmp_path / "no" / "v")
    times = checkpoint.get_checkpoint_mtimes([v1, tmp_path / "none", v2])
    assert times == pytest.approx([os.path.getmtime(v1), os.path.getmtime(v2 + ".index")])
    checkpoint.remove_checkpoint(v2)
    checkpoint.remove_checkpoint(tmp_path / "none")
    assert sorted(os.listdir(tmp_path)) == ["v1", "v2x.index"]
    checkpoint.remove_checkpoint(v1, checkpoint.V1)
    assert os.listdir(tmp_path) == ["v2x.index"]
    assert checkpoint.meta_graph_filename("a/m-1-?????-of-00002") == "a/m-1.meta"
    assert checkpoint.meta_graph_filename("a/m-1") == "a/m-1.meta"


def test_state_file(tmp_path):
    directory = str(tmp_path)
    assert checkpoint_state.get_checkpoint_state(directory) is None
    assert checkpoint_state.latest_checkpoint(tmp_path / "none") is None
    one, two = str(tmp_path / "m-1"), str(tmp_path / "m-2")
    _save(two)
    checkpoint_state.update_checkpoint_state(directory, two, [one])
    text = (tmp_path / "checkpoint").read_text()
    assert text == (
        f'model_checkpoint_path: "{two}"\nall_model_checkpoint_paths: "{one}"\n'
        f'all_model_checkpoint_paths: "{two}"\n'
    )
    assert checkpoint_state.latest_checkpoint(directory) == two
    checkpoint_state.write_checkpoint_state(directory, two, [one, two], save_relative_paths=True)
    assert 'model_checkpoint_path: "m-2"' in (tmp_path / "checkpoint").read_text()
    state = checkpoint_state.get_checkpoint_state(directory)
    assert list(state.all_model_checkpoint_paths) == [one, two]
    checkpoint_state.update_checkpoint_state(
        *(directory, two, [one, two], "other", [1.5, 2.5], 3.0),
    )
    state = checkpoint_state.get_checkpoint_state(directory, "other")
    assert list(state.all_model_checkpoint_timestamps) == [1.5, 2.5]
    assert state.last_preserved_timestamp == 3.0
    checkpoint_state.update_checkpoint_state(directory, tmp_path / "gone")
    assert checkpoint_state.latest_checkpoint(directory) is None


def test_damaged_state_files(tmp_path):
    (tmp_path / "checkpoint").write_text("garbage {")
    assert checkpoint_state.get_checkpoint_state(tmp_path) is None
    (tmp_path / "checkpoint").write_bytes(b"\xff\xfe")
    assert checkpoint_state.latest_checkpoint(tmp_path) is None
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError, match="Invalid checkpoint state"):
        checkpoint_state.get_checkpoint_state(tmp_path)
    with pytest.raises(RuntimeError, match="conflicts with path"):
        checkpoint_state.update_checkpoint_state(tmp_path, tmp_path / "checkpoint")
    with pytest.raises(errors.NotFoundError):
        checkpoint_state.update_checkpoint_state(tmp_path / "none", tmp_path / "none" / "m")


def test_relative_directories_get_relative_paths():
    make = checkpoint_state.generate_checkpoint_state_proto
    wanted = protos.CheckpointState(
        model_checkpoint_path="c-2", all_model_checkpoint_paths=["c-1", "c-2"]
    )
    assert make("rel", "rel/c-2", ["rel/c-1"]) == wanted
    assert make(".", "./c-2", ["c-1"]) == wanted
    assert make("/a", "/a/c-2").model_checkpoint_path == "/a/c-2"
    with pytest.raises(ValueError, match="timestamps"):
        make("/a/b", "c-2", ["c-1"], [1.0])
