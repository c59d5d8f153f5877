"""GIF and BMP data to arrays."""

import io
import struct

import numpy as np
from PIL import GifImagePlugin

_LARGEST = 1 << 29


def decode_gif(data):
    """Decodes every frame of a GIF file; each is painted over the one before.

    Returns:
      A uint8 array `[frames, height, width, 3]`.

    Raises:
      ValueError: if it is damaged or too large.
    """
    if len(data) < 13 or data[:3] != b"GIF":
        raise ValueError("failed to open gif file: No screen descriptor detected")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    frames = list(_frames(data, 13 + _table_size(flags)))
    if not frames:
        raise ValueError("gif file does not contain any image")
    if not width * height or len(frames) * width * height * 3 >= _LARGEST:
        raise ValueError(f"{len(frames)} frames of {width} by {height} are too many pixels")
    result = np.zeros((len(frames), height, width, 3), np.uint8)
    for number, (place, body) in enumerate(frames):
        left, top, frame_width, frame_height = place
        if number:
            result[number] = result[number - 1]
        elif (left, top) != (0, 0) or frame_width < width or frame_height < height:
            raise ValueError("the first frame does not fill the canvas")
        pixels = _pixels(data, place, body)
        target = result[number, top : top + frame_height, left : left + frame_width]
        target[:] = pixels[: target.shape[0], : target.shape[1]]
    return result


def _table_size(flags):
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _frames(data, at):
    """Gives place and bytes, from its descriptor on, of every frame."""
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            return
        if kind == 0x21:
            at = _after_blocks(data, at + 2)
        elif kind == 0x2C and at + 10 <= len(data):
            place = struct.unpack_from("<HHHH", data, at + 1)
            start = at
            at = _after_blocks(data, at + 11 + _table_size(data[at + 9]))
            yield place, data[start:at]
        else:
            raise ValueError("unknown block")
    raise ValueError("truncated")


def _after_blocks(data, at):
    while at < len(data):
        size = data[at]
        at += size + 1
        if not size:
            return at
    raise ValueError("truncated")


def _pixels(data, place, body):
    """Decodes one frame by itself, as the only one of a file of its size."""
    _, _, width, height = place
    table = data[13 : 13 + _table_size(data[10])]
    head = data[:6] + struct.pack("<HH", width, height) + data[10:13] + table
    alone = head + body[:1] + bytes(4) + body[5:] + b";"
    try:
        with GifImagePlugin.GifImageFile(io.BytesIO(alone)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, EOFError, struct.error) as error:
        raise ValueError(str(error)) from error


def decode_bmp(data, channels):
    """Decodes an uncompressed BMP file of 8, 24 or 32 bits per pixel.

    Args:
      data: bytes.
      channels: 1, 3 or 4, which the file must have; 0 for what it has.

    Returns:
      A uint8 array `[height, width, channels]`.

    Raises:
      ValueError: if it is damaged, too large, or has other channels.
    """
    if len(data) < 32:
        raise ValueError(
            f"Incomplete bmp content, requires at least 32 bytes to find the header size, width, "
            f"height, and bpp, got {len(data)} bytes"
        )
    if data[:2] != b"BM":
        raise ValueError("Expected BMP data, got another format")
    start, width, height = (struct.unpack_from("<i", data, at)[0] for at in (10, 18, 22))
    depth = struct.unpack_from("<H", data, 28)[0] // 8
    rows = abs(height)
    if channels and channels != depth:
        raise ValueError(
            f"channels attribute {channels} does not match bits per pixel from file {depth}"
        )
    if depth not in (1, 3, 4):
        raise ValueError(f"Number of channels must be 1, 3 or 4, was {depth}")
    if width <= 0 or not height or width * rows * depth >= _LARGEST or start < 0:
        raise ValueError(f"image of {width} by {rows} pixels is empty or too large")
    stride = (width * depth + 3) // 4 * 4
    need = start + stride * (rows - 1) + width * depth
    if len(data) < need:
        raise ValueError(
            f"Incomplete bmp content, requires at least {need} bytes, got {len(data)} bytes"
        )
    flat = np.frombuffer(data[start : start + stride * rows].ljust(stride * rows, b"\0"), np.uint8)
    pixels = flat.reshape(rows, stride)[:, : width * depth].reshape(rows, width, depth)
    pixels = pixels[::-1] if height > 0 else pixels
    return np.ascontiguousarray(pixels[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[depth]])
