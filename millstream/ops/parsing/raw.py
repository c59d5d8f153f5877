"""Ops that turn bytes into numbers and compressed bytes into plain ones: DecodeRaw and others."""

import zlib

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.spec import (
    Bool,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Host,
    Int8,
    Int16,
    Int32,
    Int64,
    Returns,
    String,
    Tensor,
    Type,
    UInt8,
    UInt16,
    op,
)
from millstream.ops.parsing.columns import invalid, objects

__all__ = ["decode_compressed", "decode_raw"]

_PADDED = (Half, Float, Double, Int32, UInt16, UInt8, Int16, Int8, Int64)
_WINDOW_BITS = {b"ZLIB": zlib.MAX_WBITS, b"GZIP": zlib.MAX_WBITS | 16}


@op(effect=Host())
def DecodeRaw(
    bytes: Tensor[String],
    *,
    out_type: Type[(*_PADDED, Complex64, Complex128, Bool)],
    little_endian: bool = True,
) -> Tensor["out_type"]:
    """Gives the numbers that lie in the bytes of strings of one length."""


@op(effect=Host())
def DecodePaddedRaw(
    input_bytes: Tensor[String],
    fixed_length: Tensor[Int32],
    *,
    out_type: Type[_PADDED],
    little_endian: bool = True,
) -> Tensor["out_type"]:
    """Gives the numbers in the bytes of strings, cut or padded with zeros to one length."""


@op(effect=Host())
def DecodeCompressed(bytes: Tensor[String], *, compression_type: str = "") -> Returns(
    output=Tensor[String]
):
    """Expands strings that zlib or gzip compressed."""


@DecodeRaw.shape
def _(bytes):
    return None if bytes.ndims is None else [*bytes.as_list(), None]


@DecodeRaw.run
def _(bytes, out_type, little_endian):
    rows = bytes.ravel().tolist() if isinstance(bytes, np.ndarray) else [bytes]
    size = len(rows[0]) if rows else 0
    for index, row in enumerate(rows):
        if len(row) != size:
            raise invalid(
                f"DecodeRaw requires input strings to all be the same size, but element {index} "
                f"has size {size} != {len(row)}"
            )
    width = out_type.np.itemsize
    if size % width:
        raise invalid(
            f"Input to DecodeRaw has length {size} that is not a multiple of {width}, the size of "
            f"{_word(out_type)}"
        )
    values = _numbers(b"".join(rows), out_type, little_endian)
    return values.reshape(*np.shape(bytes), size // width)


def _word(dtype):
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _numbers(data, dtype, little_endian):
    """Copies bytes into an array of numbers."""
    if dtype == Bool:
        return np.frombuffer(data, np.uint8) != 0
    values = np.frombuffer(data, dtype.np)
    if little_endian or dtype.np.itemsize == 1:
        return values.copy()
    return values.byteswap()


@DecodePaddedRaw.shape
def _(input_bytes, fixed_length_value, out_type):
    if input_bytes.ndims is None:
        return None
    if fixed_length_value is None:
        return [*input_bytes.as_list(), None]
    length, width = int(fixed_length_value), out_type.np.itemsize
    if length % width:
        raise ValueError(
            f"Dimension size must be evenly divisible by {width} but is {length}: fixed_length, "
            f"in bytes, must be a whole number of elements"
        )
    return [*input_bytes.as_list(), length // width]


@DecodePaddedRaw.run
def _(input_bytes, fixed_length, out_type, little_endian):
    length, width = int(fixed_length), out_type.np.itemsize
    if length <= 0:
        raise invalid(f"fixed_length ({length}) must be greater than zero.")
    if length % width:
        raise invalid(
            f"fixed_length ({length}) must be a multiple of the size of out_type ({width})"
        )
    rows = np.ravel(input_bytes).tolist()
    data = b"".join(row[:length].ljust(length, b"\0") for row in rows)
    return _numbers(data, out_type, little_endian).reshape(*np.shape(input_bytes), length // width)


@DecodeCompressed.shape
def _(bytes):
    return bytes


@DecodeCompressed.run
def _(bytes, compression_type):
    kind = compression_type.encode() if isinstance(compression_type, str) else compression_type
    if not kind:
        return bytes
    if kind not in _WINDOW_BITS:
        raise invalid("Only ZLIB, GZIP or NONE are supported compressions")
    expanded = [_expand(data, _WINDOW_BITS[kind]) for data in np.ravel(bytes).tolist()]
    return objects(expanded).reshape(np.shape(bytes))


def _expand(data, bits):
    stream = zlib.decompressobj(bits)
    try:
        expanded = stream.decompress(data) + stream.flush()
    except zlib.error as error:
        raise errors.DataLossError(None, None, f"inflate() failed: {error}") from None
    if not stream.eof:
        raise errors.DataLossError(None, None, "inflate() failed: the compressed data is truncated")
    return expanded


for _opdef in (DecodeRaw, DecodePaddedRaw, DecodeCompressed):
    _opdef.no_gradient("its input is a string")


@export("decode_raw", "io.decode_raw")
def decode_raw(input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None):
    """Reads the bytes of strings as numbers.

    Args:
      input_bytes: string tensor `[...]`; the strings must have one length.
      out_type: type of the numbers.
      little_endian: whether the lowest byte comes first.
      name: name of the node.
      bytes: old name of `input_bytes`.

    Returns:
      Tensor `[..., numbers]` of type `out_type`.

    Raises:
      InvalidArgumentError: when it runs, if the lengths differ or are no whole number of elements.

    Example:
      >>> tf.Session().run(tf.decode_raw(b"ab", tf.uint8)).tolist()
      [97, 98]
    """
    if input_bytes is not None and bytes is not None:
        raise ValueError("Cannot specify both 'bytes' and 'input_bytes'")
    if input_bytes is None:
        input_bytes = bytes
    if input_bytes is None:
        raise ValueError("decode_raw() missing 1 required positional argument: 'input_bytes'")
    if out_type is None:
        raise ValueError("decode_raw() missing 1 required positional argument: 'out_type'")
    return DecodeRaw(
        input_bytes, out_type=as_dtype(out_type), little_endian=little_endian, name=name
    )


@export("decode_compressed", "io.decode_compressed")
def decode_compressed(bytes, compression_type="", name=None):
    """Expands strings that zlib or gzip compressed.

    Args:
      bytes: string tensor.
      compression_type: `"ZLIB"`, `"GZIP"` or `""` for strings that are not compressed.
      name: name of the node.

    Raises:
      DataLossError: when it runs, if a string is damaged or truncated.
    """
    return DecodeCompressed(bytes, compression_type=compression_type, name=name)
