"""Frames of signals: `frame`, `overlap_and_add`, and the short-time Fourier transform."""

import math

from millstream.base.dtypes import Int32
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array.gathering import gather
from millstream.ops.array.joining import concat
from millstream.ops.array.ordering import transpose
from millstream.ops.array.padding import pad
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_sum
from millstream.ops.math.ranges import range as range_of
from millstream.ops.signal.fourier import irfft, rfft
from millstream.ops.signal.windows import hann_window


def _scalar(value, name):
    """Returns a length as a tensor and, where it is known, a number.

    Raises:
      ValueError: if it is no scalar.
    """
    tensor = convert_to_tensor(value, name=name)
    tensor.shape.assert_has_rank(0)
    known = constant_value(tensor)
    return tensor, None if known is None else int(known)


@export("signal.frame")
def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Cuts a signal into frames, which may overlap.

    Args:
      signal: `[…, samples, …]`.
      frame_length: samples per frame.
      frame_step: samples from the start of a frame to that of the next.
      pad_end: whether the last frames, which reach beyond the signal, are padded; else they are
        dropped.
      pad_value: what is padded with.
      axis: the axis of the samples.
      name: name of the nodes' scope.

    Returns:
      `[…, frames, frame_length, …]`.

    Raises:
      ValueError: if a length is no scalar, or `axis` is out of range.
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        signal = convert_to_tensor(signal, name="signal")
        length, known_length = _scalar(frame_length, "frame_length")
        step, known_step = _scalar(frame_step, "frame_step")
        rank = signal.shape.with_rank_at_least(1).ndims
        if rank is None:
            raise ValueError("frame needs a signal of known rank")
        if not -rank <= axis < rank:
            raise ValueError(f"axis {axis} is not in [{-rank}, {rank})")
        axis %= rank
        samples = signal.shape.as_list()[axis]
        count = shape(signal)[axis] if samples is None else samples
        if pad_end:
            frames = -(-count // (step if known_step is None else known_step))
            signal = _padded_end(signal, axis, count, frames, length, step, pad_value)
        else:
            whole = count - (length if known_length is None else known_length)
            frames = 1 + whole // (step if known_step is None else known_step)
            frames = max(0, frames) if isinstance(frames, int) else ops.Maximum(0, frames)
        starts = expand_dims(range_of(frames) * step, 1)
        places = starts + expand_dims(range_of(length), 0)
        return gather(signal, places, axis=axis)


def _padded_end(signal, axis, count, frames, length, step, pad_value):
    more = ops.Maximum(0, length + step * (frames - 1) - count)
    rows = [[0, 0]] * signal.shape.ndims
    rows[axis] = [0, more]
    value = convert_to_tensor(pad_value, dtype=signal.dtype.base_dtype)
    return ops.PadV2(signal, convert_to_tensor(rows, dtype=Int32), value)


@export("signal.overlap_and_add")
def overlap_and_add(signal, frame_step, name=None):
    """Adds frames up to a signal, each `frame_step` after the one before.

    Args:
      signal: `[…, frames, frame_length]`.
      frame_step: samples, at most `frame_length` for gapless signals.
      name: name of the nodes' scope.

    Returns:
      `[…, (frames - 1) * frame_step + frame_length]`.

    Raises:
      ValueError: if `frame_step` is no integer scalar, or `signal` has less than two dimensions.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = convert_to_tensor(signal, name="signal")
        signal.shape.with_rank_at_least(2)
        step, _ = _scalar(frame_step, "frame_step")
        if not step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {step.dtype!r}")
        sizes = shape(signal)
        outer, frames, length = sizes[:-2], sizes[-2], sizes[-1]
        total = (frames - 1) * step + length
        # Frames are cut into steps; the steps of one signal place are summed.
        parts = -(-length // step)
        rank = signal.shape.ndims
        edge = [[0, 0]] * (rank - 2) + [[0, parts], [0, parts * step - length]]
        padded = pad(signal, convert_to_tensor(edge, dtype=Int32))
        cut = reshape(padded, concat([outer, [frames + parts, parts, step]], 0))
        order = [*range(rank - 2), rank - 1, rank - 2, rank]
        columns = reshape(
            transpose(cut, order), concat([outer, [(frames + parts) * parts, step]], 0)
        )
        shifted = columns[..., : (frames + parts - 1) * parts, :]
        rows = reshape(shifted, concat([outer, [parts, frames + parts - 1, step]], 0))
        flat = reshape(reduce_sum(rows, -3), concat([outer, [(frames + parts - 1) * step]], 0))
        result = flat[..., :total]
        known_step = constant_value(step)
        static = signal.shape.as_list()
        if known_step is not None and None not in static[-2:]:
            size = (static[-2] - 1) * int(known_step) + static[-1]
            result.set_shape([*static[:-2], size])
        return result


def _enclosing_power_of_two(value):
    return 2 ** math.ceil(math.log(value) / math.log(2.0)) if value > 0 else 1


def _fft_length(known):
    if known is None:
        raise ValueError("fft_length must be given where frame_length is not known beforehand")
    return convert_to_tensor(_enclosing_power_of_two(known), dtype=Int32)


@export("signal.stft")
def stft(
    signals, frame_length, frame_step, fft_length=None, window_fn=hann_window, pad_end=False,
    name=None,
):  # fmt: skip
    """Returns the short-time Fourier transform: the spectrum of each frame.

    Args:
      signals: `[…, samples]` float32.
      frame_length: samples per frame.
      frame_step: samples from the start of a frame to that of the next.
      fft_length: length of the transform; by default the power of 2 that holds a frame.
      window_fn: a function `(length, dtype=…)` that gives a window, or `None`.
      pad_end: whether the last frames are padded with zeros; else they are dropped.
      name: name of the nodes' scope.

    Returns:
      `[…, frames, fft_length // 2 + 1]` complex64.
    """
    with name_scope(name, "stft", [signals, frame_length, frame_step]):
        signals = convert_to_tensor(signals, name="signals")
        signals.shape.with_rank_at_least(1)
        length, known = _scalar(frame_length, "frame_length")
        step, _ = _scalar(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _fft_length(known)
        else:
            fft_length, _ = _scalar(fft_length, "fft_length")
        framed = frame(signals, length, step, pad_end=pad_end)
        if window_fn is not None:
            framed = framed * window_fn(length, dtype=framed.dtype)
        return rfft(framed, [fft_length])


@export("signal.inverse_stft")
def inverse_stft(
    stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None
):
    """Returns the signals that short-time Fourier transforms belong to.

    It undoes `stft` where the windows of both, multiplied, add up to one, as with
    `inverse_stft_window_fn`.

    Args:
      stfts: `[…, frames, fft_length // 2 + 1]` complex64.
      frame_length: samples per frame.
      frame_step: samples from the start of a frame to that of the next.
      fft_length: length of the transform; by default the power of 2 that holds a frame.
      window_fn: a function `(length, dtype=…)` that gives a window, or `None`.
      name: name of the nodes' scope.

    Returns:
      `[…, samples]` float32.
    """
    with name_scope(name, "inverse_stft", [stfts]):
        stfts = convert_to_tensor(stfts, name="stfts")
        stfts.shape.with_rank_at_least(2)
        length, known = _scalar(frame_length, "frame_length")
        step, _ = _scalar(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _fft_length(known)
            wanted = _enclosing_power_of_two(known)
        else:
            fft_length, wanted = _scalar(fft_length, "fft_length")
        frames = irfft(stfts, [fft_length])
        frames = _resized(frames, length, known, wanted)
        if window_fn is not None:
            frames = frames * window_fn(length, dtype=frames.dtype)
        return overlap_and_add(frames, step)


def _resized(frames, length, known, wanted):
    """Cuts or pads frames to their length."""
    cut = frames[..., :length]
    if known is None or wanted is None:
        missing = ops.Maximum(0, length - shape(frames)[-1])
    elif known <= wanted:
        return cut
    else:
        missing = known - wanted
    rows = [[0, 0]] * (frames.shape.ndims - 1) + [[0, missing]]
    return pad(cut, convert_to_tensor(rows, dtype=Int32))


@export("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """Makes the window function with which `inverse_stft` undoes `stft`.

    Args:
      frame_step: samples from the start of a frame to that of the next.
      forward_window_fn: the window function of `stft`.
      name: name of the nodes' scope.

    Returns:
      A function `(frame_length, dtype)`.
    """
    with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
        step, _ = _scalar(frame_step, "frame_step")

    def inverse_window(frame_length, dtype):
        """Returns a window that makes up for what the forward one does to overlapping frames."""
        with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            length, _ = _scalar(frame_length, "frame_length")
            window = forward_window_fn(length, dtype=dtype)
            overlaps = -(-length // step)
            squares = pad(ops.Square(window), [[0, overlaps * step - length]])
            sums = reduce_sum(reshape(squares, [overlaps, step]), 0, keepdims=True)
            whole = reshape(ops.Tile(sums, [overlaps, 1]), [overlaps * step])
            return window / whole[:length]

    return inverse_window
