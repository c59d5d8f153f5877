"""`tf.image.decode_jpeg` and its like: images from and to the contents of files."""

from millstream.base.dtypes import Int32, UInt8, as_dtype
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.image.adjust import convert_image_dtype
from millstream.ops.image.codecs import (
    DecodeAndCropJpeg,
    DecodeBmp,
    DecodeGif,
    DecodeImage,
    DecodeJpeg,
    DecodePng,
    EncodeJpeg,
    EncodeJpegVariableQuality,
    EncodePng,
    ExtractJpegShape,
)
from millstream.ops.math.arithmetic import equal
from millstream.ops.random.functions import random_uniform
from millstream.ops.string.parts import substr

__all__ = [
    *("adjust_jpeg_quality", "decode_and_crop_jpeg", "decode_bmp", "decode_gif", "decode_image"),
    *("decode_jpeg", "decode_png", "encode_jpeg", "encode_png", "extract_jpeg_shape", "is_jpeg"),
    "random_jpeg_quality",
]


@export("image.decode_jpeg", "io.decode_jpeg")
def decode_jpeg(
    contents,
    channels=0,
    ratio=1,
    fancy_upscaling=True,
    try_recover_truncated=False,
    acceptable_fraction=1,
    dct_method="",
    name=None,
):
    """Decodes a JPEG image; PNG and still GIF images are accepted too.

    Args:
      contents: scalar string tensor, what a file holds.
      channels: 1 for grey, 3 for colour, 0 for what the image has.
      ratio: by what to scale down, 1, 2, 4 or 8.
      fancy_upscaling: whether colour, stored coarsely, is scaled up smoothly.
      try_recover_truncated: whether a truncated image is no error.
      acceptable_fraction: accepted; a truncated image is decoded as far as it goes.
      dct_method: `"INTEGER_FAST"`, which is the default, or `"INTEGER_ACCURATE"`.
      name: name of the node.

    Returns:
      A uint8 tensor `[height, width, channels]`.

    Raises:
      InvalidArgumentError: when it runs, if the image is damaged.
    """
    return DecodeJpeg(
        contents,
        channels=0 if channels is None else channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


@export("image.decode_and_crop_jpeg", "io.decode_and_crop_jpeg")
def decode_and_crop_jpeg(
    contents,
    crop_window,
    channels=0,
    ratio=1,
    fancy_upscaling=True,
    try_recover_truncated=False,
    acceptable_fraction=1,
    dct_method="",
    name=None,
):
    """Decodes a window of a JPEG image: see `decode_jpeg`.

    Args:
      contents: scalar string tensor.
      crop_window: int32 tensor `[4]`: top, left, height and width, in pixels of the result.
      channels: 1, 3, or 0 for what the image has.
      ratio: by what to scale down.
      fancy_upscaling: whether colour is scaled up smoothly.
      try_recover_truncated: whether a truncated image is no error.
      acceptable_fraction: accepted.
      dct_method: `"INTEGER_FAST"` or `"INTEGER_ACCURATE"`.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if the image is damaged or the window not inside it.
    """
    return DecodeAndCropJpeg(
        contents,
        crop_window,
        channels=0 if channels is None else channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


@export("image.extract_jpeg_shape", "io.extract_jpeg_shape")
def extract_jpeg_shape(contents, output_type=Int32, name=None):
    """Returns height, width and channels of a JPEG image without decoding it.

    Args:
      contents: scalar string tensor.
      output_type: `tf.int32` or `tf.int64`.
      name: name of the node.
    """
    return ExtractJpegShape(contents, output_type=as_dtype(output_type), name=name)


@export("image.decode_png", "io.decode_png")
def decode_png(contents, channels=0, dtype=UInt8, name=None):
    """Decodes a PNG image; JPEG and still GIF images are accepted too.

    Args:
      contents: scalar string tensor.
      channels: 1 for grey, 3 for colour, 4 with alpha, 0 for what the image has.
      dtype: `tf.uint8` or `tf.uint16`.
      name: name of the node.

    Returns:
      A tensor `[height, width, channels]`.

    Raises:
      InvalidArgumentError: when it runs, if the image is damaged.
    """
    channels = 0 if channels is None else channels
    return DecodePng(contents, channels=channels, dtype=as_dtype(dtype), name=name)


@export("image.decode_gif", "io.decode_gif")
def decode_gif(contents, name=None):
    """Decodes all frames of a GIF image to a uint8 tensor `[frames, height, width, 3]`."""
    return DecodeGif(contents, name=name)


@export("image.decode_bmp", "io.decode_bmp")
def decode_bmp(contents, channels=0, name=None):
    """Decodes a BMP image to a uint8 tensor `[height, width, channels]`.

    Args:
      contents: scalar string tensor.
      channels: 1, 3 or 4, which the image must have; 0 for what it has.
      name: name of the node.
    """
    return DecodeBmp(contents, channels=0 if channels is None else channels, name=name)


@export("image.decode_image", "io.decode_image")
def decode_image(contents, channels=None, dtype=UInt8, name=None, expand_animations=True):
    """Decodes a BMP, GIF, JPEG or PNG image, whichever it is.

    The static shape is unknown: the frames of a GIF image are an axis of their own. It is one node,
    where TensorFlow 1.15 makes a tree of conditions.

    Args:
      contents: scalar string tensor.
      channels: 1, 3, 4, or 0 for what the image has.
      dtype: type to which values are scaled, floats to 0…1.
      name: name of the node.
      expand_animations: whether GIF images get an axis of frames; else only the first is given.

    Raises:
      InvalidArgumentError: when it runs, if the image is damaged or of none of the formats.
    """
    with name_scope(name, "decode_image"):
        if channels not in (None, 0, 1, 3, 4):
            raise ValueError("channels must be in (None, 0, 1, 3, 4)")
        dtype = as_dtype(dtype)
        if not (dtype.is_floating or dtype.is_integer):
            raise AttributeError("dtype must be either floating point or integer")
        return DecodeImage(
            contents, channels=channels or 0, dtype=dtype, expand_animations=expand_animations
        )


@export("image.is_jpeg", "io.is_jpeg")
def is_jpeg(contents, name=None):
    """Returns whether strings begin as JPEG data does, as a bool tensor of their shape."""
    with name_scope(name, "is_jpeg"):
        return equal(substr(contents, 0, 3), b"\xff\xd8\xff", name=name)


@export("image.encode_jpeg", "io.encode_jpeg")
def encode_jpeg(
    image,
    format="",
    quality=95,
    progressive=False,
    optimize_size=False,
    chroma_downsampling=True,
    density_unit="in",
    x_density=300,
    y_density=300,
    xmp_metadata="",
    name=None,
):
    """Encodes an image as JPEG.

    Args:
      image: uint8 tensor `[height, width, 1 or 3]`.
      format: `"grayscale"`, `"rgb"`, or `""` for what the image has.
      quality: 0 to 100.
      progressive: whether a coarse image comes first.
      optimize_size: whether to spend time on a smaller result.
      chroma_downsampling: whether to store colour at half the resolution.
      density_unit: `"in"` or `"cm"`.
      x_density: pixels per unit.
      y_density: pixels per unit.
      xmp_metadata: metadata to add.
      name: name of the node.

    Returns:
      A scalar string tensor.

    Raises:
      InvalidArgumentError: when it runs, if the image has other channels than the format.
    """
    return EncodeJpeg(
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


@export("image.encode_png")
def encode_png(image, compression=-1, name=None):
    """Encodes a uint8 or uint16 tensor `[height, width, 1 to 4]` as PNG.

    Args:
      image: the image.
      compression: 0 (none) to 9 (smallest); -1 for a good default.
      name: name of the node.

    Returns:
      A scalar string tensor.
    """
    return EncodePng(image, compression=compression, name=name)


@export("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image, jpeg_quality, name=None):
    """Returns an image as it looks after being stored as JPEG of some quality.

    Args:
      image: tensor `[height, width, 1 or 3]`, uint8 or floats in 0…1.
      jpeg_quality: scalar int32 tensor, 0 to 100.
      name: name scope of the nodes.

    Returns:
      A tensor of the image's type.
    """
    with name_scope(name, "adjust_jpeg_quality", [image]):
        image = convert_to_tensor(image, name="image")
        dtype = image.dtype
        pixels = convert_image_dtype(image, UInt8, saturate=True)
        quality = convert_to_tensor(jpeg_quality, dtype=Int32)
        decoded = decode_jpeg(EncodeJpegVariableQuality(pixels, quality))
        return convert_image_dtype(decoded, dtype, saturate=True)


@export("image.random_jpeg_quality")
def random_jpeg_quality(image, min_jpeg_quality, max_jpeg_quality, seed=None):
    """Returns an image as it looks after being stored as JPEG of a random quality.

    Args:
      image: tensor `[height, width, 1 or 3]`, uint8 or floats in 0…1.
      min_jpeg_quality: least quality, from 0 on.
      max_jpeg_quality: quality that is not reached, up to 100.
      seed: op seed.

    Raises:
      ValueError: if there is no quality between these.
    """
    if min(min_jpeg_quality, max_jpeg_quality) < 0 or max(min_jpeg_quality, max_jpeg_quality) > 100:
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if min_jpeg_quality >= max_jpeg_quality:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    quality = random_uniform([], min_jpeg_quality, max_jpeg_quality, seed=seed, dtype=Int32)
    return adjust_jpeg_quality(image, quality)
