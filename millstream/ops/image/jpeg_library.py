"""JPEG data to arrays: by simplejpeg, whose values are TensorFlow's, else by Pillow.

simplejpeg is libjpeg-turbo with its switches: with the fast integer transform, which TensorFlow
uses unless it is told otherwise, values are equal bit by bit. Pillow has only the accurate one:
where simplejpeg is not installed, values differ by a few units.
"""

import io

import numpy as np
from PIL import Image, JpegImagePlugin

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

_CHANNELS = {"Gray": 1, "CMYK": 4, "YCCK": 4, "L": 1}
_MODES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_PILLOW_MODES = {1: "L", 3: "RGB", 4: "CMYK"}


def header(data):
    """Returns height, width and number of channels (1, 3, or 4 for CMYK).

    Raises:
      ValueError: if it is no JPEG data.
    """
    if simplejpeg is not None:
        try:
            height, width, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        except KeyError as error:  # a way of storing colour that it does not know
            raise ValueError("unknown subsampling") from error
        return height, width, _CHANNELS.get(space, 3)
    with _opened(data) as image:
        return image.height, image.width, _CHANNELS.get(image.mode, 3)


def decode(data, size, channels, ratio, fancy, fast, strict):
    """Decodes an image.

    Args:
      data: bytes.
      size: its height and width, as `header` gives them.
      channels: 1, 3, or 4 for CMYK, as stored.
      ratio: by what to scale down: 1, 2, 4 or 8.
      fancy: whether colour is scaled up smoothly.
      fast: whether to use the fast, less accurate transform.
      strict: whether damaged data is an error.

    Returns:
      A uint8 array `[height, width, channels]`.

    Raises:
      ValueError: if it is no JPEG data or damaged.
    """
    height, width = (-(-pixels // ratio) for pixels in size)
    if simplejpeg is None:
        return _by_pillow(data, channels, ratio, strict)
    return simplejpeg.decode_jpeg(
        data,
        _MODES[channels],
        fastdct=fast,
        fastupsample=not fancy,
        min_height=height,
        min_width=width,
        min_factor=ratio,
        strict=strict,
    )


def _opened(data):
    try:
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    except (SyntaxError, OSError) as error:
        raise ValueError(str(error)) from error


def _by_pillow(data, channels, ratio, strict):
    end = b"" if strict else b"\xff\xd9" * 8
    with _opened(data + end) as image:
        mode = _PILLOW_MODES[channels]
        if ratio > 1 or mode != image.mode:
            # It scales as far down as leaves the image no smaller than it is told.
            smaller = image.width // ratio, image.height // ratio
            image.draft(mode, smaller if ratio > 1 else None)
        try:
            array = np.asarray(image.convert(mode))
        except (OSError, SyntaxError) as error:
            raise ValueError(str(error)) from error
    # Pillow stores CMYK from Adobe's programs the other way round.
    array = 255 - array if channels == 4 else array
    return array.reshape(*array.shape[:2], channels)


def encode(pixels, quality, progressive, optimize, downsample, density, xmp):
    """Encodes an image.

    Args:
      pixels: uint8 array `[height, width, 1 or 3]`.
      quality: 0 to 100.
      progressive: whether to write it coarsely first.
      optimize: whether to spend time on making it small.
      downsample: whether to halve the resolution of colour.
      density: unit (1 for inches, 2 for centimetres) and pixels per unit, x and y.
      xmp: metadata, may be empty.

    Returns:
      The bytes.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    image.save(
        file,
        "JPEG",
        quality=quality or 1,
        progressive=progressive,
        optimize=optimize,
        subsampling=2 if downsample else 0,
        dpi=(1, 1),
    )
    return _with_header(file.getvalue(), density, xmp)


def _with_header(data, density, xmp):
    """Sets the density that the first segment tells and adds metadata behind it."""
    unit, x, y = density
    head = bytearray(data[:20])
    head[13] = unit
    head[14:16], head[16:18] = x.to_bytes(2, "big"), y.to_bytes(2, "big")
    if xmp:
        body = b"http://ns.adobe.com/xap/1.0/\0" + xmp
        head += b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    return bytes(head) + data[20:]
