"""Summary ops: each gives a serialised `Summary` message for TensorBoard."""

import io
import wave

import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image

from millstream.base import errors
from millstream.formats import protos, tensors
from millstream.ir.spec import (
    AtLeast,
    Double,
    Float,
    Half,
    Host,
    ListOf,
    Real,
    Returns,
    String,
    Tensor,
    Tensors,
    TensorValue,
    UInt8,
    op,
)
from millstream.ops.io.histogram import fill_histogram

_REASON = "a summary is a string"
_NO_COLOUR = np.array([255, 0, 0, 255], np.uint8)


def _text(value):
    value = value.item() if isinstance(value, np.ndarray) else value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _serialized(summary):
    return np.array(summary.SerializeToString(), object)


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


@op(effect=Host())
def ScalarSummary[T: Real](tags: Tensor[String], values: Tensor[T]) -> Returns(
    summary=Tensor[String]
):
    """Gives a summary with one number per tag."""


ScalarSummary.shape_scalar()


@ScalarSummary.run
def _(tags, values):
    tags, values = np.asarray(tags, object), np.asarray(values)
    if tags.shape != values.shape:
        raise _invalid(
            f"tags and values are not the same shape: {list(tags.shape)} != {list(values.shape)}"
            f" (tag '{_text(tags.ravel()[0]) if tags.size else ''}')"
        )
    summary = protos.Summary()
    for tag, value in zip(tags.ravel(), values.ravel(), strict=True):
        summary.value.add(tag=_text(tag), simple_value=float(value))
    return _serialized(summary)


ScalarSummary.no_gradient(_REASON)


@op(effect=Host(), defaults={"T": Float})
def HistogramSummary[T: Real](tag: Tensor[String], values: Tensor[T]) -> Returns(
    summary=Tensor[String]
):
    """Gives a summary with the histogram of all values."""


HistogramSummary.shape_scalar()


@HistogramSummary.run
def _(tag, values):
    values = np.asarray(values)
    if values.dtype.kind not in "iub" and not np.isfinite(values).all():
        kind = "Nan" if np.isnan(values).any() else "Infinity"
        raise _invalid(f"{kind} in summary histogram for: {_text(tag)}")
    summary = protos.Summary()
    fill_histogram(summary.value.add(tag=_text(tag)).histo, values)
    return _serialized(summary)


HistogramSummary.no_gradient(_REASON)


@op(effect=Host(), defaults={"T": Float})
def ImageSummary[T: (UInt8, Float, Half, Double)](
    tag: Tensor[String],
    tensor: Tensor[T],
    *,
    max_images: AtLeast(1) = 3,
    bad_color: TensorValue = _NO_COLOUR,
) -> Returns(summary=Tensor[String]):
    """Gives a summary with the first images of a batch as PNGs."""


ImageSummary.shape_scalar()


@ImageSummary.run
def _(tag, tensor, max_images, bad_color):
    images = np.asarray(tensor)
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise _invalid(f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(images.shape)}")
    if bad_color.ndim != 1 or bad_color.size < images.shape[-1]:
        raise _invalid(
            f"expected depth <= bad_color.size, got depth {images.shape[-1]}, {bad_color.size}"
        )
    summary = protos.Summary()
    count = min(max_images, len(images))
    for index in range(count):
        name = "image" if max_images == 1 else f"image/{index}"
        pixels = _pixels(images[index], bad_color)
        image = summary.value.add(tag=f"{_text(tag)}/{name}").image
        image.height, image.width, image.colorspace = pixels.shape
        image.encoded_image_string = _png(pixels)
    return _serialized(summary)


def _pixels(image, bad_color):
    """Scales floats, in their own type: negative ones around 128, others so that 255 is the top."""
    if image.dtype == np.uint8:
        return image
    bad = ~np.isfinite(image).all(-1)
    good = image[~bad]
    low, high = good.min(initial=0), good.max(initial=0)
    top, offset = (127.0, 128.0) if low < 0 else (255.0, 0.0)
    span = max(-low, high)
    # TensorFlow computes the scale in single precision, whatever the image's.
    scale = image.dtype.type(0 if span < 1e-6 else np.float32(top) / np.float32(span))
    scaled = np.where(bad[..., None], image.dtype.type(0), image) * scale
    pixels = (scaled + image.dtype.type(offset)).astype(np.uint8)
    pixels[bad] = bad_color[: image.shape[-1]]
    return pixels


def _png(pixels):
    file = io.BytesIO()
    data = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(np.ascontiguousarray(data)).save(file, "PNG")
    return file.getvalue()


ImageSummary.no_gradient(_REASON)


def _audio_summary(tag, tensor, sample_rate, max_outputs):
    clips = np.asarray(tensor)
    if sample_rate <= 0:
        raise _invalid("sample_rate must be > 0")
    summary = protos.Summary()
    for index, clip in enumerate(clips[:max_outputs]):
        frames = clip.reshape(len(clip), -1)
        name = "audio" if max_outputs == 1 else f"audio/{index}"
        audio = summary.value.add(tag=f"{_text(tag)}/{name}").audio
        audio.sample_rate = sample_rate
        audio.length_frames, audio.num_channels = frames.shape
        audio.encoded_audio_string = _wav(frames, sample_rate)
        audio.content_type = "audio/wav"
    return _serialized(summary)


def _wav(frames, sample_rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(frames.shape[1])
        out.setsampwidth(2)
        out.setframerate(round(sample_rate))
        samples = np.clip(np.rint(frames * np.float32(32768)), -32768, 32767)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


@op(effect=Host())
def AudioSummaryV2(
    tag: Tensor[String],
    tensor: Tensor[Float],
    sample_rate: Tensor[Float],
    *,
    max_outputs: AtLeast(1) = 3,
) -> Returns(summary=Tensor[String]):
    """Gives a summary with the first sounds of a batch `[batch, frames(, channels)]` as WAVs."""


AudioSummaryV2.shape_scalar()


@AudioSummaryV2.run
def _(tag, tensor, sample_rate, max_outputs):
    return _audio_summary(tag, tensor, float(sample_rate), max_outputs)


AudioSummaryV2.no_gradient(_REASON)


@op(effect=Host())
def AudioSummary(
    tag: Tensor[String],
    tensor: Tensor[Float],
    *,
    sample_rate: float,
    max_outputs: AtLeast(1) = 3,
) -> Returns(summary=Tensor[String]):
    """Is `AudioSummaryV2` with the rate as an attr."""


AudioSummary.shape_scalar()


@AudioSummary.run
def _(tag, tensor, sample_rate, max_outputs):
    return _audio_summary(tag, tensor, sample_rate, max_outputs)


AudioSummary.no_gradient(_REASON)


@op(effect=Host())
def TensorSummaryV2[T](
    tag: Tensor[String], tensor: Tensor[T], serialized_summary_metadata: Tensor[String]
) -> Returns(summary=Tensor[String]):
    """Gives a summary with a whole tensor and the plugin that shows it."""


TensorSummaryV2.shape_scalar()


@TensorSummaryV2.run
def _(tag, tensor, serialized_summary_metadata, T):
    data = serialized_summary_metadata
    data = data.item() if isinstance(data, np.ndarray) else data
    value = protos.Summary.Value(tag=_text(tag))
    value.tensor.CopyFrom(tensors.encode(np.asarray(tensor), T))
    value.metadata.ParseFromString(data)
    return _serialized(protos.Summary(value=[value]))


TensorSummaryV2.no_gradient(_REASON)


@op(effect=Host())
def TensorSummary[T](
    tensor: Tensor[T],
    *,
    description: str = "",
    labels: ListOf(str) = (),
    display_name: str = "",
) -> Returns(summary=Tensor[String]):
    """Gives a summary with a whole tensor, tagged with the node's name."""


TensorSummary.shape_scalar()


@TensorSummary.run
def _(tensor, node, T):
    value = protos.Summary.Value(node_name=node.name)
    value.tensor.CopyFrom(tensors.encode(np.asarray(tensor), T))
    return _serialized(protos.Summary(value=[value]))


TensorSummary.no_gradient(_REASON)


@op(effect=Host())
def MergeSummary(inputs: Tensors[String, "N"]) -> Returns(summary=Tensor[String]):
    """Gives one summary with the values of all."""


MergeSummary.shape_scalar()


@MergeSummary.run
def _(inputs):
    merged = protos.Summary()
    tags = set()
    for part in inputs:
        for one in np.ravel(np.asarray(part, object)):
            for value in _parsed(one).value:
                if value.tag and value.tag in tags:
                    raise _invalid(f"Duplicate tag {value.tag} found in summary inputs")
                tags.add(value.tag)
                merged.value.add().CopyFrom(value)
    return _serialized(merged)


def _parsed(data):
    try:
        return protos.Summary.FromString(data)
    except DecodeError:
        raise _invalid("Could not parse one of the summary inputs") from None


MergeSummary.no_gradient(_REASON)
