"""The file objects of `tf.gfile`."""

from collections.abc import Iterator
from typing import IO, Any

from millstream.base import errors
from millstream.base.export import export
from millstream.formats.files import files_of, op_error, os_errors, path_of

_MODES = frozenset(
    mode + binary for mode in ("r", "w", "a", "r+", "w+", "a+") for binary in ("", "b")
)


def _as_bytes(content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise TypeError(f"Expected binary or unicode string, got {content!r}")


@export("gfile.GFile", "gfile.Open", "io.gfile.GFile")
class GFile:
    """Reads or writes a file, of text (UTF-8) or of bytes.

    The file is opened by the first read or write, so that is when a missing file is noticed. A
    position counts bytes. Reading and writing (`r+`, `w+`, `a+`) have positions of their own.

    Args:
        name: path or URL.
        mode: `r`, `w`, `a`, `r+`, `w+` or `a+`, with a `b` at the end for bytes.

    Raises:
        InvalidArgumentError: if there is no such mode.
    """

    def __init__(self, name: Any, mode: str = "r"):
        if mode not in _MODES:
            raise errors.InvalidArgumentError(
                None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'"
            )
        self._name = name
        self._mode = mode
        self._path = path_of(name)
        self._binary = mode.endswith("b")
        self._kind = mode.removesuffix("b")
        self._reader: IO[bytes] | None = None
        self._writer: IO[bytes] | None = None

    @property
    def name(self) -> Any:
        """The path that it was made with."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode that it was made with."""
        return self._mode

    def __enter__(self) -> "GFile":
        return self

    def __exit__(self, unused_type: Any, unused_value: Any, unused_traceback: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __del__(self) -> None:
        if getattr(self, "_writer", None) or getattr(self, "_reader", None):
            self.close()

    def size(self) -> int:
        """Returns the file's length in bytes."""
        with os_errors(self._path):
            return files_of(self._path).stat(self._path).length

    def read(self, n: int = -1) -> Any:
        """Reads `n` bytes, or the rest of the file.

        Raises:
            FailedPreconditionError: if it is a directory.
            NotFoundError: if there is no such file.
            PermissionDeniedError: if the mode does not allow reading.
        """
        reader = self._open_reader()
        with os_errors(self._path):
            return self._give(reader.read(n))

    def readline(self) -> Any:
        """Reads a line with its end; an empty string at the end of the file."""
        reader = self._open_reader()
        with os_errors(self._path):
            line = reader.readline()
        if line.endswith(b"\r\n"):
            line = line[:-2] + b"\n"
        return self._give(line)

    def readlines(self) -> list[Any]:
        """Reads the remaining lines."""
        return list(self)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Moves to a position in bytes.

        Args:
            offset: distance.
            whence: from where: 0 the start, 1 the present position, 2 the end.
            position: old name of `offset`.

        Raises:
            InvalidArgumentError: if the position would be negative.
            OutOfRangeError: if it lies behind the end.
        """
        if offset is not None and position is not None:
            raise TypeError("seek(): offset and position may not be set simultaneously.")
        offset = position if offset is None else offset
        if offset is None:
            raise TypeError("seek(): offset argument required")
        reader = self._open_reader()
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        size = self.size()
        offset += (0, reader.tell(), size)[whence]
        if offset < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Seeking to a negative position: {offset}"
            )
        with os_errors(self._path):
            reader.seek(min(offset, size))
        if offset > size:
            raise errors.OutOfRangeError(None, None, "reached end of file")

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def tell(self) -> int:
        """Returns the position in bytes: that of reading, if the mode allows reading."""
        if self._can_read():
            return self._open_reader().tell()
        return self._open_writer().tell()

    def write(self, file_content: Any) -> None:
        """Writes text or bytes.

        Raises:
            NotFoundError: if the directory does not exist.
            PermissionDeniedError: if the mode does not allow writing.
        """
        content = _as_bytes(file_content)
        writer = self._open_writer()
        try:
            writer.write(content)
        except OSError as error:
            raise op_error(error, self._path) from error

    def flush(self) -> None:
        """Hands what was written to the operating system."""
        if self._writer is not None:
            with os_errors(self._path):
                self._writer.flush()

    def close(self) -> None:
        """Closes the file; a later read or write opens it anew."""
        reader, writer = self._reader, self._writer
        self._reader = self._writer = None
        with os_errors(self._path):
            if reader is not None:
                reader.close()
            if writer is not None:
                writer.close()

    def _can_read(self) -> bool:
        return self._kind == "r" or self._kind.endswith("+")

    def _give(self, content: bytes) -> Any:
        return content if self._binary else content.decode()

    def _open_reader(self) -> IO[bytes]:
        if not self._can_read():
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._reader is None:
            with os_errors(self._path):
                self._reader = files_of(self._path).open(self._path, "rb")
        return self._reader

    def _open_writer(self) -> IO[bytes]:
        if self._kind == "r":
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if self._writer is None:
            mode = {"a": "ab", "a+": "ab", "r+": "r+b"}.get(self._kind, "wb")
            with os_errors(self._path):
                self._writer = files_of(self._path).open(self._path, mode)
        return self._writer


@export("gfile.FastGFile")
class FastGFile(GFile):
    """Is an old name of `GFile`."""
