"""Ops between images and their files: DecodeJpeg, EncodePng and their like."""

from typing import Literal

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.ir.spec import Host, Int32, Int64, Returns, String, Tensor, Type, UInt8, UInt16, op
from millstream.ops.image import frames, jpeg_library, png
from millstream.ops.string.elements import invalid

_LARGEST = 1 << 29
_FAST = {"": True, "INTEGER_FAST": True, "INTEGER_ACCURATE": False}


@op(effect=Host())
def DecodeJpeg(
    contents: Tensor[String],
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
) -> Returns(image=Tensor[UInt8]):
    """Decodes a JPEG (or PNG, or still GIF) image."""


@op(effect=Host())
def DecodeAndCropJpeg(
    contents: Tensor[String],
    crop_window: Tensor[Int32],
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
) -> Returns(image=Tensor[UInt8]):
    """Decodes a part of a JPEG image."""


@op(effect=Host())
def ExtractJpegShape(
    contents: Tensor[String], *, output_type: Type[Int32, Int64] = Int32
) -> Returns(image_shape=Tensor["output_type"]):
    """Gives height, width and channels of a JPEG image."""


@op(effect=Host())
def DecodePng(
    contents: Tensor[String], *, channels: int = 0, dtype: Type[UInt8, UInt16] = UInt8
) -> Returns(image=Tensor["dtype"]):
    """Decodes a PNG (or JPEG, or still GIF) image."""


@op(effect=Host())
def DecodeGif(contents: Tensor[String]) -> Returns(image=Tensor[UInt8]):
    """Decodes the frames of a GIF (or a JPEG or PNG) image."""


@op(effect=Host())
def DecodeBmp(contents: Tensor[String], *, channels: int = 0) -> Returns(image=Tensor[UInt8]):
    """Decodes a BMP image."""


@op(effect=Host())
def DecodeImage(
    contents: Tensor[String],
    *,
    channels: int = 0,
    dtype: Type = UInt8,
    expand_animations: bool = True,
) -> Returns(image=Tensor["dtype"]):
    """Decodes an image of any format, and scales its values to a type."""


@op(effect=Host())
def EncodeJpeg(
    image: Tensor[UInt8],
    *,
    format: Literal["", "grayscale", "rgb"] = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: Literal["in", "cm"] = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
) -> Returns(contents=Tensor[String]):
    """Encodes an image as JPEG."""


@op(effect=Host())
def EncodeJpegVariableQuality(images: Tensor[UInt8], quality: Tensor[Int32]) -> Returns(
    contents=Tensor[String]
):
    """Encodes an image as JPEG of a quality that is computed."""


@op(effect=Host(), defaults={"T": UInt8})
def EncodePng[T: (UInt8, UInt16)](image: Tensor[T], *, compression: int = -1) -> Returns(
    contents=Tensor[String]
):
    """Encodes an image as PNG."""


# -- formats


def _data(contents):
    return contents.item() if isinstance(contents, np.ndarray) else contents


def _format(data):
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"GIF8"):
        return "gif"
    return ""


def _unknown(data):
    if not data:
        return invalid("Expected image (JPEG, PNG, or GIF), got empty file")
    shown = "".join(chr(b) if 32 <= b < 127 else f"\\{b:03o}" for b in data[:16])
    return invalid(
        f"Expected image (JPEG, PNG, or GIF), got unknown format starting with '{shown}'"
    )


def _known_channels(channels, allowed, words):
    if channels not in allowed:
        raise invalid(f"channels must be {words}, got {channels}")


# -- decoding


def _jpeg(data, channels, ratio=1, fancy=True, recover=False, dct=""):
    """Decodes JPEG data to 1 or 3 channels."""
    broken = f"Invalid JPEG data or crop window, data size {len(data)}"
    try:
        height, width, stored = jpeg_library.header(data)
        size = height, width
        if height * width * 3 >= _LARGEST:
            raise invalid(f"Image of {height} by {width} pixels is too large")
        if stored == 4:
            if channels == 1:
                raise invalid(broken)
            pixels = jpeg_library.decode(data, size, 4, ratio, fancy, _FAST[dct], not recover)
            return _from_cmyk(pixels)
        wanted = channels or stored
        return jpeg_library.decode(data, size, wanted, ratio, fancy, _FAST[dct], not recover)
    except ValueError as error:
        raise invalid(f"{broken}\n{error}") from None


def _from_cmyk(pixels):
    wide = pixels.astype(np.uint16)
    return (wide[..., :3] * wide[..., 3:] // 255).astype(np.uint8)


def _png(data, channels, dtype=np.uint8):
    """Decodes PNG data to some channels and depth."""
    try:
        pixels = png.decode(data)
    except ValueError as error:
        raise invalid(f"Invalid PNG data, size {len(data)}\n{error}") from None
    return _of_depth(png.with_channels(pixels, channels), dtype)


def _of_depth(pixels, dtype):
    if pixels.dtype == dtype:
        return pixels
    if dtype == np.uint8:
        return (pixels >> 8).astype(np.uint8)
    return pixels.astype(np.uint16) * 257


def _gif(data):
    try:
        return frames.decode_gif(data)
    except ValueError as error:
        raise invalid(f"Invalid GIF data (size {len(data)}), {error}") from None


def _still(data):
    found = _gif(data)
    if len(found) > 1:
        raise invalid(
            f"Got {len(found)} frames, but animated gifs can only be decoded by "
            f"tf.image.decode_gif or tf.image.decode_image"
        )
    return found[0]


def _image_shape(channels):
    return [None, None, channels or None]


@DecodeJpeg.shape
def _(contents, channels):
    contents.with_rank(0)
    return _image_shape(channels)


def _check_jpeg_attrs(channels, ratio, dct_method):
    _known_channels(channels, (0, 1, 3), "0, 1, or 3 for JPEG")
    if ratio not in (1, 2, 4, 8):
        raise invalid(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if dct_method not in _FAST:
        raise invalid("dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}")


@DecodeJpeg.run
def _(contents, channels, ratio, fancy_upscaling, try_recover_truncated, dct_method):
    _check_jpeg_attrs(channels, ratio, dct_method)
    data = _data(contents)
    kind = _format(data)
    if kind == "jpeg":
        return _jpeg(data, channels, ratio, fancy_upscaling, try_recover_truncated, dct_method)
    if kind == "png":
        return _png(data, channels)
    if kind == "gif":
        return png.with_channels(_still(data), channels)
    raise _unknown(data)


@DecodeAndCropJpeg.shape
def _(contents, crop_window, crop_window_value, channels):
    contents.with_rank(0)
    window = crop_window.with_rank(1).as_list()
    if window[0] not in (None, 4):
        raise ValueError(f"Dimension must be 4 but is {window[0]}")
    if crop_window_value is None:
        return _image_shape(channels)
    return [int(crop_window_value[2]), int(crop_window_value[3]), channels or None]


@DecodeAndCropJpeg.run
def _(contents, crop_window, channels, ratio, fancy_upscaling, try_recover_truncated, dct_method):
    _check_jpeg_attrs(channels, ratio, dct_method)
    data = _data(contents)
    if _format(data) != "jpeg":
        raise invalid(f"Invalid JPEG data or crop window, data size {len(data)}")
    image = _jpeg(data, channels, ratio, fancy_upscaling, try_recover_truncated, dct_method)
    top, left, height, width = (int(value) for value in crop_window)
    fits = 0 <= top <= top + height <= image.shape[0] and 0 <= left <= left + width <= len(image[0])
    if not fits or height < 1 or width < 1:
        raise invalid(
            f"Invalid JPEG data or crop window, data size {len(data)}\nThe window "
            f"{[top, left, height, width]} is not inside the image {list(image.shape)}"
        )
    return np.ascontiguousarray(image[top : top + height, left : left + width])


@ExtractJpegShape.shape
def _(contents):
    contents.with_rank(0)
    return [3]


@ExtractJpegShape.run
def _(contents, output_type):
    data = _data(contents)
    try:
        height, width, channels = jpeg_library.header(data)
    except ValueError:
        raise invalid(f"Invalid JPEG data, size {len(data)}") from None
    return np.array([height, width, channels], output_type.np)


@DecodePng.shape
def _(contents, channels):
    contents.with_rank(0)
    return _image_shape(channels)


@DecodePng.run
def _(contents, channels, dtype):
    _known_channels(channels, (0, 1, 3, 4), "0, 1, 3, or 4")
    data = _data(contents)
    kind = _format(data)
    if kind == "png":
        return _png(data, channels, dtype.np)
    if kind == "jpeg":
        _known_channels(channels, (0, 1, 3), "0, 1, or 3 for JPEG")
        return _of_depth(_jpeg(data, channels), dtype.np)
    if kind == "gif":
        return _of_depth(png.with_channels(_still(data), channels), dtype.np)
    raise _unknown(data)


@DecodeGif.shape
def _(contents):
    contents.with_rank(0)
    return [None, None, None, 3]


@DecodeGif.run
def _(contents):
    data = _data(contents)
    kind = _format(data)
    if kind == "gif":
        return _gif(data)
    if kind == "jpeg":
        return _jpeg(data, 3)[None]
    if kind == "png":
        return _png(data, 3)[None]
    raise _unknown(data)


@DecodeBmp.shape
def _(contents, channels):
    contents.with_rank(0)
    return _image_shape(channels)


@DecodeBmp.run
def _(contents, channels):
    _known_channels(channels, (0, 1, 3, 4), "0, 1, 3 or 4")
    return _bmp(_data(contents), channels)


def _bmp(data, channels):
    try:
        return frames.decode_bmp(data, channels)
    except ValueError as error:
        raise invalid(str(error)) from None


@DecodeImage.shape
def _(contents):
    contents.with_rank(0)


@DecodeImage.run
def _(contents, channels, dtype, expand_animations):
    data = _data(contents)
    kind = _format(data)
    if kind in ("", "gif") and channels not in (0, 3) and (kind or data[:2] == b"BM"):
        word = "GIF" if kind else "BMP"
        raise invalid(
            f"assertion failed: [Channels must be in (None, 0, 3) when decoding {word} images]"
        )
    if kind == "jpeg":
        _known_channels(channels, (0, 1, 3), "0, 1, or 3 for JPEG")
        pixels = _jpeg(data, channels)
    elif kind == "png":
        pixels = _png(data, channels, np.uint8 if dtype == UInt8 else np.uint16)
    elif kind == "gif":
        pixels = _gif(data) if expand_animations else _gif(data)[0]
    elif data[:2] == b"BM":
        pixels = _bmp(data, 0)
    else:
        raise invalid("assertion failed: [Unable to decode bytes as JPEG, PNG, GIF, or BMP]")
    return _scaled(pixels, dtype)


def _scaled(pixels, dtype):
    """Scales values so that the top of one type becomes the top of the other, or 1."""
    if as_dtype(pixels.dtype) == dtype:
        return pixels
    top = np.iinfo(pixels.dtype).max
    if dtype.is_floating:
        return pixels.astype(dtype.np) * dtype.np.type(1 / top)
    other = np.iinfo(dtype.np).max
    if top > other:
        return (pixels // ((top + 1) // (other + 1))).astype(dtype.np)
    return pixels.astype(dtype.np) * dtype.np.type((other + 1) // (top + 1))


# -- encoding


def _encoded(data):
    array = np.empty((), object)
    array[()] = data
    return array


def _spelled(shape):
    return "[" + ",".join(map(str, shape)) + "]"


def _check_size(shape):
    if len(shape) != 3:
        raise invalid(f"image must be 3-dimensional {_spelled(shape)}")
    if not shape[0] * shape[1] or shape[0] * shape[1] * shape[2] >= 1 << 31:
        raise invalid(f"image is empty or too large: {_spelled(shape)}")


@EncodeJpeg.shape
def _(image):
    image.with_rank(3)
    return []


@EncodeJpeg.run
def _(image, format, quality, node):
    shape = image.shape
    _check_size(shape)
    for name, count in (("grayscale", 1), ("rgb", 3)):
        if format == name and shape[2] != count:
            raise invalid(f"format {name} expects {count} channels, got {_spelled(shape)}")
    if shape[2] not in (1, 3):
        raise invalid(f"image must have 1 or 3 channels, got {_spelled(shape)}")
    _check_quality(quality)
    attrs = node.attrs
    density = (
        1 if attrs["density_unit"] == "in" else 2,
        attrs["x_density"] & 0xFFFF,
        attrs["y_density"] & 0xFFFF,
    )
    xmp = attrs["xmp_metadata"]
    return _encoded(
        jpeg_library.encode(
            image,
            quality,
            attrs["progressive"],
            attrs["optimize_size"],
            attrs["chroma_downsampling"],
            density,
            xmp.encode() if isinstance(xmp, str) else xmp,
        )
    )


def _check_quality(quality):
    if not 0 <= quality <= 100:
        raise invalid(f"quality must be in [0,100], got {quality}")


@EncodeJpegVariableQuality.shape
def _(images, quality):
    images.with_rank(3)
    quality.with_rank(0)
    return []


@EncodeJpegVariableQuality.run
def _(images, quality):
    _check_size(images.shape)
    if images.shape[2] not in (1, 3):
        raise invalid(f"image must have 1 or 3 channels, got {_spelled(images.shape)}")
    _check_quality(int(quality))
    plain = False, False, True, (1, 300, 300), b""
    return _encoded(jpeg_library.encode(images, int(quality), *plain))


@EncodePng.shape
def _(image):
    image.with_rank(3)
    return []


@EncodePng.run
def _(image, compression):
    if not -1 <= compression <= 9:
        raise invalid(f"compression should be in [-1,9], got {compression}")
    _check_size(image.shape)
    if image.shape[2] not in (1, 2, 3, 4):
        raise invalid(f"image must have 1, 2, 3, or 4 channels, got {image.shape[2]}")
    return _encoded(png.encode(image, compression))


for _opdef in (
    *(DecodeJpeg, DecodeAndCropJpeg, ExtractJpegShape, DecodePng, DecodeGif, DecodeBmp),
    *(DecodeImage, EncodeJpeg, EncodeJpegVariableQuality, EncodePng),
):
    _opdef.no_gradient("one side is a string")
