"""`tf.audio`: sounds from and to the contents of WAV files of 16 bits per sample."""

import struct

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import Float, Host, Int32, Returns, String, Tensor, op
from millstream.ops.string.elements import invalid

__all__ = ["decode_wav", "encode_wav"]

_SHORT = "Data too short when trying to read string"


@op(effect=Host())
def DecodeWav(
    contents: Tensor[String], *, desired_channels: int = -1, desired_samples: int = -1
) -> Returns(audio=Tensor[Float], sample_rate=Tensor[Int32]):
    """Decodes a sound."""


@op(effect=Host())
def EncodeWav(audio: Tensor[Float], sample_rate: Tensor[Int32]) -> Returns(contents=Tensor[String]):
    """Encodes a sound."""


@DecodeWav.shape
def _(contents, desired_channels, desired_samples):
    contents.with_rank(0)
    samples = desired_samples if desired_samples >= 0 else None
    return [samples, desired_channels if desired_channels >= 0 else None], []


@DecodeWav.run
def _(contents, desired_channels, desired_samples):
    data = contents.item() if isinstance(contents, np.ndarray) else contents
    channels, rate, samples = _parse(data)
    sound = np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768)
    sound = sound.reshape(-1, channels)
    if desired_channels >= 0:
        sound = sound[:, np.minimum(np.arange(desired_channels), channels - 1)]
    if desired_samples >= 0:
        kept = sound[:desired_samples]
        sound = np.zeros((desired_samples, kept.shape[1]), np.float32)
        sound[: len(kept)] = kept
    return sound, np.int32(rate)


def _parse(data):
    """Returns the number of channels, the rate in hertz and the bytes of the samples."""
    if len(data) < 12:
        raise invalid(_SHORT)
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise invalid("Header mismatch: Expected RIFF and WAVE, but the data is no WAV file")
    at, layout = 12, None
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind == b"fmt ":
            layout = _layout(body)
        elif kind == b"data" and layout:
            whole = len(body) // (2 * layout[0]) * 2 * layout[0]
            return *layout, body[:whole]
        at += 8 + size + size % 2
    raise invalid(_SHORT)


def _layout(body):
    if len(body) < 16:
        raise invalid(_SHORT)
    form, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if form != 1:
        raise invalid(f"Bad audio format for WAV: Expected 1 (PCM), but got {form}")
    if bits != 16:
        raise invalid(f"Can only read 16-bit WAV files, but received {bits}")
    if not channels:
        raise invalid("Bad number of channels for WAV: Expected at least 1, but got 0")
    return channels, rate


@EncodeWav.shape
def _(audio, sample_rate):
    audio.with_rank(2)
    sample_rate.with_rank(0)
    return []


@EncodeWav.run
def _(audio, sample_rate):
    _, channels = audio.shape
    rate = int(sample_rate)
    if rate <= 0 or not 0 < channels < 1 << 15:
        raise invalid(f"sample_rate and channels must be positive, not {rate} and {channels}")
    samples = np.clip(np.rint(audio * np.float32(32768)), -32768, 32767).astype("<i2").tobytes()
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"fmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", len(samples))
    result = np.empty((), object)
    result[()] = b"RIFF" + struct.pack("<I", len(samples) + 36) + b"WAVE" + body + samples
    return result


for _opdef in (DecodeWav, EncodeWav):
    _opdef.no_gradient("one side is a string")


@export("audio.decode_wav")
def decode_wav(contents, desired_channels=-1, desired_samples=-1, name=None):
    """Decodes a WAV file of 16 bits per sample to floats in -1…1.

    Args:
      contents: scalar string tensor.
      desired_channels: number of channels to give; the last is repeated. -1 for those stored.
      desired_samples: number of samples to give, cut or padded with zeros. -1 for those stored.
      name: name of the node.

    Returns:
      A pair: float32 tensor `[samples, channels]`, and the rate in hertz as an int32 scalar.

    Raises:
      InvalidArgumentError: when it runs, if it is no such file.
    """
    return DecodeWav(
        contents, desired_channels=desired_channels, desired_samples=desired_samples, name=name
    )


@export("audio.encode_wav")
def encode_wav(audio, sample_rate, name=None):
    """Encodes sound as a WAV file of 16 bits per sample.

    Args:
      audio: float32 tensor `[samples, channels]` in -1…1.
      sample_rate: int32 scalar, in hertz.
      name: name of the node.

    Returns:
      A scalar string tensor.
    """
    return EncodeWav(audio, sample_rate, name=name)
