"""Damaged checkpoints, full disks and killed processes: a clear error, and nothing is lost."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.formats import files as formats_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")


@pytest.fixture
def model():
    """A graph with two variables, its saver and a session."""
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(tf.range(100.0), name="v")
        w = tf.Variable([b"text", b"more"], name="w")
        saver = tf.train.Saver()
        session.run(tf.global_variables_initializer())
        yield session, saver, v, w


def _data(path):
    return Path(f"{path}.data-00000-of-00001")


def _check_intact(session, saver, v, path):
    saver.restore(session, path)
    np.testing.assert_array_equal(session.run(v), np.arange(100))


@pytest.mark.parametrize("size", [0, 1, 399, 410])
def test_truncated_data(model, tmp_path, size):
    session, saver, *_ = model
    path = saver.save(session, tmp_path / "m")
    _data(path).write_bytes(_data(path).read_bytes()[:size])
    with pytest.raises(tf.errors.DataLossError, match=r"m\.data|tensor '[vw]'"):
        saver.restore(session, path)


@pytest.mark.parametrize("name", ["index", "data-00000-of-00001"])
def test_a_flipped_bit_anywhere_is_found(model, tmp_path, name):
    session, saver, v, w = model
    path = saver.save(session, tmp_path / "m")
    file = Path(f"{path}.{name}")
    whole = file.read_bytes()
    for place in range(0, len(whole), 13):
        file.write_bytes(_flipped(whole, place))
        try:
            saver.restore(session, path)
        except (tf.errors.DataLossError, tf.errors.NotFoundError, ValueError):
            continue
        # The flip hit bytes that carry nothing; then what was restored must be right.
        np.testing.assert_array_equal(session.run(v), np.arange(100))
        assert session.run(w).tolist() == [b"text", b"more"]
    file.write_bytes(whole)
    _check_intact(session, saver, v, path)


def _flipped(data, place):
    changed = bytearray(data)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def test_truncated_index(model, tmp_path):
    session, saver, *_ = model
    path = saver.save(session, tmp_path / "m")
    index = Path(f"{path}.index")
    index.write_bytes(index.read_bytes()[:-5])
    with pytest.raises(tf.errors.DataLossError, match=r"m\.index"):
        saver.restore(session, path)


def test_no_checkpoint_at_all(model, tmp_path):
    session, saver, *_ = model
    (tmp_path / "m").write_bytes(b"something else")
    with pytest.raises(tf.errors.DataLossError):
        saver.restore(session, tmp_path / "m")
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        saver.restore(session, tmp_path / "n")


def test_missing_data_file(model, tmp_path):
    session, saver, *_ = model
    path = saver.save(session, tmp_path / "m")
    _data(path).unlink()
    with pytest.raises(tf.errors.NotFoundError, match="data-00000-of-00001"):
        saver.restore(session, path)


@pytest.mark.parametrize(
    ("room", "step"), [(0, 1), (5, 1), (300, 1), (0, 2), (5, 2), (300, 2), (420, 2)]
)
def test_disk_full(model, tmp_path, room, step):
    """Files may have `room` bytes: there is not enough for data, or for the MetaGraph."""
    session, saver, v, _ = model
    path = saver.save(session, tmp_path / "m", 1)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    session.run(tf.assign(v, tf.zeros([100])))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limit[1]))
    try:
        with pytest.raises(tf.errors.OpError) as info:
            saver.save(session, tmp_path / "m", step)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert str(tmp_path) in info.value.message
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    assert tf.train.latest_checkpoint(tmp_path) == path
    _check_intact(session, saver, v, path)


def test_no_space_is_resource_exhausted(model, tmp_path, monkeypatch):
    session, saver, v, _ = model
    path = saver.save(session, tmp_path / "m", 1)

    def full(self, file):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(formats_files.LocalFiles, "sync", full)
    with pytest.raises(tf.errors.ResourceExhaustedError, match="No space left"):
        saver.save(session, tmp_path / "m", 2)
    monkeypatch.undo()
    assert tf.train.latest_checkpoint(tmp_path) == path
    _check_intact(session, saver, v, path)


def test_failed_sharded_save_leaves_no_parts(tmp_path, monkeypatch):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable(1.0, name="a")
        tf.Variable(2.0, name="b")
        saver = tf.train.Saver(sharded=True)
        with pytest.raises(tf.errors.FailedPreconditionError):
            saver.save(session, tmp_path / "m", 1)
        assert os.listdir(tmp_path) == []
        crashed = tmp_path / ("m-3_temp_" + "0f" * 16)
        crashed.mkdir()
        (crashed / "part-00000-of-00002.data-00000-of-00001").write_bytes(b"half of it")
        others = tmp_path / "mine_temp_notes"
        others.mkdir()
        session.run(tf.global_variables_initializer())
        saver.save(session, tmp_path / "m", 4)
        assert not crashed.exists()
        assert others.exists()


_VICTIM = """
import os, signal, sys
import millstream as tf
from millstream.formats import files

left = 0

def dying(method):
    def call(self, *args):
        global left
        left -= 1
        if left < 0:
            if method.__name__ == "sync" and left % 2:
                os.truncate(args[0].fileno(), os.fstat(args[0].fileno()).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *args)
    return call

def save(directory, dying=dying):
    tf.reset_default_graph()
    v = tf.Variable(tf.zeros([100]), name="v")
    w = tf.Variable([b"text", b"more"], name="w")
    saver = tf.train.Saver(sharded=sys.argv[2] == "sharded", max_to_keep=1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.recover_last_checkpoints([directory + "/m-1"])
        for name in ("remove", "rmtree", "rename", "link", "sync", "sync_directory", "mkdir"):
            setattr(files.LocalFiles, name, dying(getattr(files.LocalFiles, name)))
        saver.save(session, directory + "/m", int(sys.argv[3]))

# The first save imports all modules; each child dies one call later than the one before.
os.mkdir(sys.argv[1] + "/warm")
save(sys.argv[1] + "/warm", dying=lambda method: method)
for number in range(40):
    child = os.fork()
    if not child:
        left = number
        save(f"{sys.argv[1]}/{number}")
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status != signal.SIGKILL:
        print(number, status)
        break
"""


@pytest.mark.parametrize("sharding", ["whole", "sharded"])
@pytest.mark.parametrize("step", [1, 2])
def test_killed_while_saving(model, tmp_path, sharding, step):
    """However far a save comes before `kill -9`, the latest checkpoint is a whole one."""
    session, saver, v, _ = model
    path = saver.save(session, tmp_path / "m", 1)
    parts = [f"{path}.{end}" for end in ("index", "data-00000-of-00001", "meta")]
    for number in range(40):
        (tmp_path / str(number)).mkdir()
        for part in parts:
            shutil.copy(part, tmp_path / str(number))
        update = tf.train.update_checkpoint_state
        update(tmp_path / str(number), tmp_path / str(number) / "m-1")
    command = [sys.executable, "-c", _VICTIM, str(tmp_path), sharding, str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kills, status = map(int, done.stdout.split())
    assert status == 0, done.stderr
    assert kills >= 10
    outcomes = [_outcome(session, saver, v, tmp_path / str(n)) for n in range(kills + 1)]
    # First the old one survives, from some call on the new one is there.
    assert outcomes == sorted(outcomes)
    assert outcomes[0] == 0
    assert outcomes[-1] == 1


def _outcome(session, saver, v, directory):
    """Checks a directory after a crash; returns whether the latest checkpoint is the new one."""
    latest = tf.train.latest_checkpoint(directory)
    saver.restore(session, latest)
    found = session.run(v)
    assert (found == np.arange(100)).all() or (found == 0).all()
    assert Path(f"{latest}.meta").exists()
    session.run(v.initializer)
    saver.save(session, directory / "m", 3)
    _check_intact(session, saver, v, directory / "m-3")
    return int((found == 0).all())
