"""TFRecord files: records with their length and checksums, plain or compressed as a whole.

A record is its length (8 bytes), the masked checksum of those, the data, its masked checksum (4
bytes each, little-endian).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

from millstream.base import errors
from millstream.base.export import export
from millstream.formats.crc import masked_crc32c
from millstream.formats.files import files_of, op_error, os_errors, path_of

_HEADER_SIZE = 12
_CHECKED_HEADERS = 4096
_unpack_checksum = struct.Struct("<I").unpack_from
_CHUNK = 1 << 20
_WINDOW_BITS = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}


@export("python_io.TFRecordCompressionType", "io.TFRecordCompressionType")
class TFRecordCompressionType:
    """Names the ways to compress a file of records."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


@export("python_io.TFRecordOptions", "io.TFRecordOptions")
class TFRecordOptions:
    """Says how a file of records is compressed.

    Args:
        compression_type: a `TFRecordCompressionType`, `"ZLIB"`, `"GZIP"`, `""` or None.
        flush_mode: zlib's flush mode of `TFRecordWriter.flush`.
        input_buffer_size: accepted; buffers are sized by the library.
        output_buffer_size: accepted; buffers are sized by the library.
        window_bits: logarithm of the window's size, as zlib takes it.
        compression_level: 0 (none) to 9 (best).
        compression_method: zlib's compression method.
        mem_level: 1 (least memory) to 9.
        compression_strategy: zlib's strategy.

    Raises:
        ValueError: if there is no such compression type.
    """

    compression_type_map = {  # noqa: RUF012
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type: Any = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ):
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """Returns `"ZLIB"`, `"GZIP"` or `""` for options or a compression type.

        Raises:
            ValueError: if there is no such compression type.
        """
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"')


class _Compressor:
    """Compresses what is written to a file, which is given afterwards: options may be bad."""

    _file: IO[bytes]

    def __init__(self, compression: str, options: TFRecordOptions):
        level, method = options.compression_level, options.compression_method
        strategy = options.compression_strategy
        self._flush_mode = options.flush_mode or zlib.Z_SYNC_FLUSH
        try:
            self._zlib = zlib.compressobj(
                zlib.Z_DEFAULT_COMPRESSION if level is None else level,
                zlib.DEFLATED if method is None else method,
                options.window_bits or _WINDOW_BITS[compression],
                options.mem_level or zlib.DEF_MEM_LEVEL,
                zlib.Z_DEFAULT_STRATEGY if strategy is None else strategy,
            )
        except ValueError as error:
            raise errors.InvalidArgumentError(None, None, f"zlib options: {error}") from None

    def open(self, file: IO[bytes]) -> "_Compressor":
        self._file = file
        return self

    def write(self, data: bytes) -> None:
        self._file.write(self._zlib.compress(data))

    def flush(self) -> None:
        self._file.write(self._zlib.flush(self._flush_mode))
        self._file.flush()

    def close(self) -> None:
        self._file.write(self._zlib.flush(zlib.Z_FINISH))
        self._file.close()


@export("python_io.TFRecordWriter", "io.TFRecordWriter")
class TFRecordWriter:
    """Writes records to a file, replacing it.

    Args:
        path: file to write.
        options: `TFRecordOptions` or a compression type.

    Raises:
        NotFoundError: if its directory does not exist.
    """

    def __init__(self, path: Any, options: Any = None):
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(options)
        compression = TFRecordOptions.get_compression_type_string(options)
        compressor = _Compressor(compression, options) if compression else None
        self._path = path_of(path)
        with os_errors(self._path):
            file = files_of(self._path).open(self._path, "wb")
        self._file = compressor.open(file) if compressor else file
        self._closed = False

    def __del__(self) -> None:
        # Programs rely on a writer that is merely dropped to have written its records.
        if not getattr(self, "_closed", True):
            self.close()

    def __enter__(self) -> "TFRecordWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, record: bytes) -> None:
        """Appends a record.

        Raises:
            FailedPreconditionError: if the writer is closed.
            TypeError: if the record is no `bytes`.
        """
        if not isinstance(record, bytes):
            raise TypeError(f"expected bytes, {type(record).__name__} found")
        self._check_open()
        try:
            self._file.write(frame(record))
        except OSError as error:
            raise op_error(error, self._path) from error

    def flush(self) -> None:
        """Hands everything written so far to the operating system."""
        self._check_open()
        with os_errors(self._path):
            self._file.flush()

    def close(self) -> None:
        """Finishes the file."""
        if not self._closed:
            self._closed = True
            with os_errors(self._path):
                self._file.close()

    def _check_open(self) -> None:
        if self._closed:
            raise errors.FailedPreconditionError(
                None, None, f"Writer of {self._path} is closed: records can no longer be written"
            )


def frame(record: bytes) -> bytes:
    """Gives a record the length and checksums that it has in a file."""
    length = len(record).to_bytes(8, "little")
    length_crc = masked_crc32c(length).to_bytes(4, "little")
    return b"".join((length, length_crc, record, masked_crc32c(record).to_bytes(4, "little")))


@export("python_io.tf_record_iterator", "io.tf_record_iterator")
def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """Gives the records of a file one by one.

    Args:
        path: file to read.
        options: `TFRecordOptions` or a compression type.

    Raises:
        DataLossError: if the file is truncated or damaged.
        NotFoundError: if there is no such file.
    """
    compression = TFRecordOptions.get_compression_type_string(options)
    return read_records(path_of(path), compression)


def read_records(path: str, compression: str = "", chunk_size: int = _CHUNK) -> Iterator[bytes]:
    """Gives the records of a file; `compression` is `""`, `"ZLIB"` or `"GZIP"`.

    Memory grows with what the file really holds, never with a length that it claims.
    """
    with os_errors(path), files_of(path).open(path, "rb") as file:
        chunks = iter(lambda: file.read(chunk_size), b"")
        if compression:
            chunks = _decompress(chunks, compression)
        yield from parse_records(chunks, path)


def parse_records(chunks: Iterator[bytes], path: str) -> Iterator[bytes]:
    """Cuts a stream of bytes into records, checking every length and checksum."""
    buffer, at, base = b"", 0, 0  # base: offset in the stream of the buffer's first byte
    # Records have few lengths: a header that was checked once need not be checked again.
    checked: dict[bytes, int] = {}
    while True:
        need = at + _HEADER_SIZE
        if need <= len(buffer):
            header = buffer[at:need]
            length = checked.get(header)
            if length is None:
                length = _checked_length(header, path, base + at)
                if len(checked) < _CHECKED_HEADERS:
                    checked[header] = length
            end = need + length
            if end + 4 <= len(buffer):
                data = buffer[need:end]
                if masked_crc32c(data) != _unpack_checksum(buffer, end)[0]:
                    raise _damaged("corrupted", path, base + need)
                at = end + 4
                yield data
                continue
            need = end + 4
        buffer, base, missing = buffer[at:], base + at, need - len(buffer)
        at = 0
        more = _take(chunks, missing)
        if not more:
            if buffer:
                raise _damaged("truncated", path, base)
            return
        buffer += more


def _checked_length(header: bytes, path: str, offset: int) -> int:
    if masked_crc32c(header[:8]) != _unpack_checksum(header, 8)[0]:
        raise _damaged("corrupted", path, offset)
    return int.from_bytes(header[:8], "little")


def _take(chunks: Iterator[bytes], size: int) -> bytes:
    """Takes chunks until they make up `size` bytes or end."""
    parts: list[bytes] = []
    while size > 0 and (chunk := next(chunks, b"")):
        parts.append(chunk)
        size -= len(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _damaged(how: str, path: str, offset: int) -> errors.DataLossError:
    return errors.DataLossError(None, None, f"{how} record at {offset} of {path}")


def _decompress(chunks: Iterator[bytes], compression: str) -> Iterator[bytes]:
    """Expands a stream piece by piece; a gzip file may have several members."""
    bits = _WINDOW_BITS[compression]
    stream, fed = zlib.decompressobj(bits), False
    try:
        for chunk in chunks:
            while chunk:
                if stream.eof:
                    stream = zlib.decompressobj(bits)
                fed = True
                if expanded := stream.decompress(chunk, _CHUNK):
                    yield expanded
                chunk = stream.unconsumed_tail or stream.unused_data
        if rest := stream.flush():
            yield rest
        if fed and not stream.eof:
            raise errors.DataLossError(None, None, "truncated compressed stream of records")
    except zlib.error as error:
        raise errors.DataLossError(None, None, f"inflate() failed: {error}") from None
