"""PNG data to arrays and back, 8 and 16 bits deep; Pillow decodes what is 8 bits deep."""

import io
import struct
import zlib

import numpy as np
from PIL import PngImagePlugin

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_LARGEST = 1 << 29


def decode(data):
    """Decodes a PNG file, palettes expanded.

    Returns:
      A uint8 or uint16 array `[height, width, channels]`.

    Raises:
      ValueError: if it is damaged or too large.
    """
    width, height, depth, colour = _header(data)
    if width >= 1 << 27 or height >= 1 << 27 or width * height >= _LARGEST:
        raise ValueError(f"PNG size too large for int: {width} by {height}")
    if depth == 16 and colour != 3:
        return _decode_deep(data, width, height, _CHANNELS[colour])
    return _by_pillow(data)


def _header(data):
    try:
        length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", data, 8)
    except struct.error as error:
        raise ValueError("no header") from error
    if length != 13 or kind != b"IHDR" or not width or not height or colour not in (0, 2, 3, 4, 6):
        raise ValueError("no header")
    return width, height, depth, colour


def _by_pillow(data):
    try:
        with PngImagePlugin.PngImageFile(io.BytesIO(data)) as image:
            transparent = "transparency" in image.info
            if image.mode == "P":
                found = image.convert("RGBA" if transparent else "RGB")
            elif transparent:
                found = image.convert("RGBA" if image.mode == "RGB" else "LA")
            elif image.mode == "1":
                found = image.convert("L")
            else:
                found = image
            array = np.asarray(found)
    except (OSError, SyntaxError, struct.error, zlib.error) as error:
        raise ValueError(str(error)) from error
    return array[..., None] if array.ndim == 2 else array


def _decode_deep(data, width, height, channels):
    """Decodes 16 bits per channel, of which Pillow would keep 8."""
    compressed = b"".join(_chunks(data, b"IDAT"))
    stride = width * channels * 2
    size = (stride + 1) * height
    if data[28]:
        raise ValueError("interlaced images with 16 bits per channel are not supported")
    try:
        raw = zlib.decompressobj().decompress(compressed, size)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(raw) != size:
        raise ValueError("truncated")
    rows = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    pixels = _unfiltered(rows, channels * 2)
    return pixels.view(">u2").astype(np.uint16).reshape(height, width, channels)


def _chunks(data, wanted):
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            raise ValueError("truncated")
        if kind == wanted:
            yield body
        if kind == b"IEND":
            return
        at += 12 + length
    raise ValueError("truncated")


def _unfiltered(rows, step):
    """Undoes the filters that predict bytes from the left (`step` bytes before) and from above."""
    result = np.empty((len(rows), rows.shape[1] - 1), np.uint8)
    above = np.zeros(result.shape[1], np.uint8)
    for row, out in zip(rows, result, strict=True):
        _undo(int(row[0]), row[1:].reshape(-1, step), above.reshape(-1, step), out)
        above = out
    return result


def _undo(kind, row, above, out):
    pixels = out.reshape(row.shape)
    if kind == 0:
        pixels[:] = row
    elif kind == 1:
        np.cumsum(row, 0, np.uint8, pixels)
    elif kind == 2:
        np.add(row, above, pixels)
    elif kind in (3, 4):
        predict = _average if kind == 3 else _paeth
        left = corner = np.zeros(row.shape[1], np.int32)
        for place, (delta, up) in enumerate(zip(row, above.astype(np.int32), strict=True)):
            left = (delta + predict(left, up, corner)) & 255
            pixels[place] = left
            corner = up
    else:
        raise ValueError(f"unknown filter {kind}")


def _average(left, up, _corner):
    return (left + up) >> 1


def _paeth(left, up, corner):
    estimate = left + up - corner
    by_left, by_up, by_corner = (abs(estimate - other) for other in (left, up, corner))
    nearest = np.where(by_up <= by_corner, up, corner)
    return np.where((by_left <= by_up) & (by_left <= by_corner), left, nearest)


def encode(pixels, level):
    """Encodes a uint8 or uint16 array `[height, width, 1 to 4]`; `level` is zlib's."""
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize
    big_endian = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    rows = big_endian.view(np.uint8).reshape(height, -1)
    filtered = np.zeros((height, rows.shape[1] + 1), np.uint8)
    # Each byte less the one before it: cheap, and much smaller than the bytes themselves.
    filtered[:, 0] = 1
    step = channels * depth
    filtered[:, 1:] = rows
    filtered[:, 1 + step :] -= rows[:, :-step]
    header = struct.pack(">IIBBBBB", width, height, depth * 8, _COLOUR_TYPES[channels], 0, 0, 0)
    return _SIGNATURE + b"".join(
        _chunk(kind, body)
        for kind, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(filtered.tobytes(), level)),
            (b"IEND", b""),
        )
    )


def _chunk(kind, body):
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def with_channels(pixels, channels):
    """Gives an image 1, 3 or 4 channels: grey from colour, opaque where there was no alpha."""
    have = pixels.shape[-1]
    if channels in (0, have):
        return pixels
    colour = pixels[..., : have - 1] if have in (2, 4) else pixels
    if channels == 1:
        return colour if colour.shape[-1] == 1 else _grey(colour)
    if colour.shape[-1] == 1:
        colour = np.repeat(colour, 3, -1)
    if channels == 3:
        return np.ascontiguousarray(colour)
    top = np.iinfo(pixels.dtype).max
    alpha = pixels[..., -1:] if have in (2, 4) else np.full_like(colour[..., :1], top)
    return np.concatenate([colour, alpha], -1)


def _grey(colour):
    """Weighs colours as libpng does, in units of 1/32768."""
    red, green, blue = (colour[..., i].astype(np.int64) for i in range(3))
    total = 9797 * red + 19234 * green + 3737 * blue
    grey = (total >> 15) if colour.dtype == np.uint8 else ((total + 16384) >> 15)
    # Its weights do not sum up to 1: what is grey already stays as it is.
    grey = np.where((red == green) & (red == blue), red, grey)
    return grey.astype(colour.dtype)[..., None]
