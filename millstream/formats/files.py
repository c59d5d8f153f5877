"""Files, local or behind a URL, with the errors of `tf.errors`.

Paths without a scheme (and `file://`) go straight to the operating system; any other URL
(`s3://`, `gs://`, `hdfs://`, `memory://`) goes to `fsspec`, which is imported then. Everything in
the package that touches a disk does so through these functions.
"""

import errno
import importlib
import io
import os
import shutil
import threading
import uuid
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from millstream.base import errors

TEMPORARY = ".tempstate"
"""What stands in the name of a file that is being written, before 16 digits."""

_ERRORS: dict[type[errors.OpError], tuple[int, ...]] = {
    errors.NotFoundError: (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESRCH),
    errors.AlreadyExistsError: (errno.EEXIST, errno.EADDRINUSE, errno.EALREADY),
    errors.PermissionDeniedError: (errno.EPERM, errno.EACCES, errno.EROFS),
    errors.FailedPreconditionError: (
        *(errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR, errno.EBUSY, errno.EBADF),
        *(errno.ETXTBSY, errno.EPIPE, errno.ENOTBLK, errno.ENOTCONN),
    ),
    errors.ResourceExhaustedError: (
        *(errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EMLINK, errno.ENOBUFS),
        *(errno.ENOMEM, errno.EUSERS),
    ),
    errors.InvalidArgumentError: (errno.EINVAL, errno.ENAMETOOLONG, errno.E2BIG, errno.EILSEQ),
    errors.OutOfRangeError: (errno.EFBIG, errno.EOVERFLOW, errno.ERANGE),
    errors.UnimplementedError: (errno.ENOSYS, errno.ENOTSUP, errno.EXDEV),
    errors.UnavailableError: (errno.EAGAIN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN),
}
_CLASS_OF = {code: cls for cls, codes in _ERRORS.items() for code in codes}


@contextmanager
def os_errors(path: str) -> Iterator[None]:
    """Turns an `OSError` inside the block into the `tf.errors` class of its number."""
    try:
        yield
    except OSError as error:
        raise op_error(error, path) from error


def op_error(error: OSError, path: str) -> errors.OpError:
    """Makes the `tf.errors` error that tells of an `OSError`."""
    cls = _CLASS_OF.get(error.errno or 0, errors.UnknownError)
    if isinstance(error, FileNotFoundError):  # fsspec gives no number
        cls = errors.NotFoundError
    elif isinstance(error, FileExistsError):
        cls = errors.AlreadyExistsError
    return cls(None, None, f"{path}; {error.strerror or error}")


class Stat(NamedTuple):
    """What is known of a file: length in bytes, time of last change in ns, whether a directory."""

    length: int
    mtime_nsec: int
    is_directory: bool


class LocalFiles:
    """The operating system's files. Methods raise `OSError`."""

    def open(self, path: str, mode: str) -> IO[bytes]:
        return open(path, mode)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def isdir(self, path: str) -> bool:
        return os.path.isdir(path)

    def listdir(self, path: str) -> list[str]:
        return os.listdir(path)

    def mkdir(self, path: str) -> None:
        os.mkdir(path)

    def makedirs(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def remove(self, path: str) -> None:
        os.remove(path)

    def rmtree(self, path: str) -> None:
        shutil.rmtree(path)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def link(self, old: str, new: str) -> bool:
        """Makes `new` another name of the file `old`, if the file system can."""
        try:
            os.link(old, new)
        except OSError:
            return False
        return True

    def stat(self, path: str) -> Stat:
        found = os.stat(path)
        return Stat(found.st_size, found.st_mtime_ns, os.path.isdir(path))

    def sync(self, file: IO[bytes]) -> None:
        """Waits until the file's bytes are on the disk."""
        file.flush()
        os.fsync(file.fileno())

    def sync_directory(self, path: str) -> None:
        """Waits until the names in a directory are on the disk."""
        descriptor = os.open(path or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EBADF):  # some file systems cannot
                raise
        finally:
            os.close(descriptor)


class RemoteFiles:
    """Files behind URLs, through `fsspec`."""

    def __init__(self, url: str):
        fsspec_core = importlib.import_module("fsspec.core")
        try:
            self._fs, _ = fsspec_core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise errors.UnimplementedError(
                None, None, f"File system scheme of {url!r} is not available: {error}"
            ) from error

    def open(self, path: str, mode: str) -> IO[bytes]:
        if mode == "xb":  # few stores know it
            if self.exists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            mode = "wb"
        return self._fs.open(path, mode)

    def exists(self, path: str) -> bool:
        return self._fs.exists(path)

    def isdir(self, path: str) -> bool:
        return self._fs.isdir(path)

    def listdir(self, path: str) -> list[str]:
        found = self._fs.ls(path, detail=False, refresh=True)
        return [name.rstrip("/").rpartition("/")[2] for name in found]

    def mkdir(self, path: str) -> None:
        self._fs.mkdir(path, create_parents=False)

    def makedirs(self, path: str) -> None:
        self._fs.makedirs(path, exist_ok=True)

    def remove(self, path: str) -> None:
        self._fs.rm_file(path)

    def rmtree(self, path: str) -> None:
        self._fs.rm(path, recursive=True)

    def rename(self, old: str, new: str) -> None:
        self._fs.mv(old, new, recursive=self._fs.isdir(old))

    def link(self, old: str, new: str) -> bool:
        return False

    def stat(self, path: str) -> Stat:
        found: dict[str, Any] = self._fs.info(path)
        changed = found.get("mtime") or found.get("LastModified") or found.get("created") or 0
        seconds = changed.timestamp() if hasattr(changed, "timestamp") else changed
        nanoseconds = int(float(seconds) * 1e9) if isinstance(seconds, int | float) else 0
        return Stat(found["size"] or 0, nanoseconds, found["type"] == "directory")

    def sync(self, file: IO[bytes]) -> None:
        """Does nothing: object stores publish a file as a whole when it is closed."""

    def sync_directory(self, path: str) -> None:
        """Does nothing: see `sync`."""


_LOCAL = LocalFiles()
_REMOTE: dict[str, RemoteFiles] = {}


def path_of(path: Any) -> str:
    """Gives a path as text: from `str`, `bytes` or anything with `__fspath__`."""
    text = os.fsdecode(path)
    return text.removeprefix("file://")


def is_remote(path: str) -> bool:
    """Tells whether a path is a URL."""
    return "://" in path


def files_of(path: str) -> LocalFiles | RemoteFiles:
    """Gives the file system that a path lies on."""
    if not is_remote(path):
        return _LOCAL
    scheme = path.partition("/")[0] + path.split("/")[2]
    if scheme not in _REMOTE:
        _REMOTE[scheme] = RemoteFiles(path)
    return _REMOTE[scheme]


def parent_of(path: str) -> str:
    """Gives the directory of a file, or an empty string."""
    return path.rpartition("/")[0] if is_remote(path) else os.path.dirname(path)


class RandomAccessFile:
    """A file read at any offset, by any thread.

    Raises:
        NotFoundError: if there is no such file.
    """

    def __init__(self, path: str):
        self.path = path
        self._file: IO[bytes] = io.BytesIO()  # until it is open
        with os_errors(path):
            files = files_of(path)
            if files.isdir(path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self._file = files.open(path, "rb")
            self.size = self._file.seek(0, os.SEEK_END)
        self._lock = threading.Lock()

    def read(self, offset: int, size: int) -> bytes:
        """Reads `size` bytes, which the caller has checked against the file's size.

        Raises:
            OutOfRangeError: if the file has become shorter.
        """
        return bytes(self.read_into(offset, bytearray(size)))

    def read_into[B: Buffer](self, offset: int, buffer: B) -> B:
        """Fills a buffer, such as a contiguous array of bytes, from `offset` on; returns it.

        Raises:
            OutOfRangeError: if the file has become shorter.
        """
        view = memoryview(buffer)
        done = 0
        with os_errors(self.path):
            while done < len(view):
                if is_remote(self.path):
                    with self._lock:
                        self._file.seek(offset + done)
                        data = self._file.read(len(view) - done)
                    count = len(data)
                    view[done : done + count] = data
                else:
                    count = os.preadv(self._file.fileno(), [view[done:]], offset + done)
                if not count:
                    raise errors.OutOfRangeError(None, None, f"{self.path}: unexpected end of file")
                done += count
        return buffer

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    # TensorFlow's public readers have no `close`: dropping one must not warn.
    __del__ = close

    def __enter__(self) -> "RandomAccessFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def temporary_name(path: str) -> str:
    """Gives a new name beside `path`, for a file to be renamed to it."""
    return f"{path}{TEMPORARY}{uuid.uuid4().hex[:16]}"


def write_atomically(path: str, data: bytes) -> None:
    """Writes a whole file so that a crash at any time leaves the old one or the new one."""
    files = files_of(path)
    with os_errors(path):
        if is_remote(path):
            with files.open(path, "wb") as file:
                file.write(data)
            return
        temporary = temporary_name(path)
        try:
            with files.open(temporary, "wb") as file:
                file.write(data)
                files.sync(file)
            files.rename(temporary, path)
        except BaseException:
            if files.exists(temporary):
                files.remove(temporary)
            raise
        files.sync_directory(parent_of(path))


def read_file(path: str) -> bytes:
    """Reads a whole file."""
    with os_errors(path), files_of(path).open(path, "rb") as file:
        return file.read()
