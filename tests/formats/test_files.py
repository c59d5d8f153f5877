"""The file layer: error classes, whole-file writes, reading at any offset."""

import errno
import os
import subprocess
import sys

import pytest

from millstream.base import errors
from millstream.formats import files


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (errno.ENOENT, errors.NotFoundError),
        (errno.EEXIST, errors.AlreadyExistsError),
        (errno.EACCES, errors.PermissionDeniedError),
        (errno.EISDIR, errors.FailedPreconditionError),
        (errno.ENOSPC, errors.ResourceExhaustedError),
        (errno.EINVAL, errors.InvalidArgumentError),
        (errno.EIO, errors.UnknownError),
    ],
)
def test_error_classes(code, cls):
    with pytest.raises(cls, match="some/path; "), files.os_errors("some/path"):
        raise OSError(code, os.strerror(code))


def test_errors_without_a_number():
    with pytest.raises(errors.NotFoundError, match="p; gone"), files.os_errors("p"):
        raise FileNotFoundError("gone")
    with pytest.raises(errors.AlreadyExistsError), files.os_errors("p"):
        raise FileExistsError("there")


def test_write_atomically(tmp_path, monkeypatch):
    path = str(tmp_path / "f")
    files.write_atomically(path, b"one")
    files.write_atomically(path, b"two")

    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(files.LocalFiles, "rename", fail)
    with pytest.raises(errors.ResourceExhaustedError):
        files.write_atomically(path, b"three")
    assert os.listdir(tmp_path) == ["f"]
    assert files.read_file(path) == b"two"


@pytest.mark.parametrize("remote", [False, True])
def test_random_access(tmp_path, remote):
    path = "memory://random/f" if remote else str(tmp_path / "f")
    files.write_atomically(path, bytes(range(100)))
    with files.RandomAccessFile(path) as file:
        assert file.size == 100
        assert file.read(10, 5) == bytes(range(10, 15))
        assert file.read(0, 0) == b""
        buffer = bytearray(3)
        assert file.read_into(97, buffer) is buffer
        assert bytes(buffer) == b"abc"
        with pytest.raises(errors.OutOfRangeError, match="unexpected end"):
            file.read(98, 3)
    with pytest.raises(errors.NotFoundError):
        files.RandomAccessFile(path + "x")


def test_file_systems_behind_urls_are_imported_only_for_urls(tmp_path):
    code = (
        "import sys; from millstream.formats import gfile, checkpoint_state, events;"
        f"gfile.Exists({str(tmp_path)!r}); assert 'fsspec' not in sys.modules;"
        "gfile.Exists('memory://x'); assert 'fsspec' in sys.modules;"
        "assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
