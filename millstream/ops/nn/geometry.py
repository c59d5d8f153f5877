"""Sizes and paddings of windows that slide over images: one place for convolution and pooling."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """A window that slides over spatial axes; `pads` are `(before, after)` per axis."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    output: tuple[int, ...]


def output_size(size, window, stride, padding, dilation=1, explicit=(0, 0)):
    """Returns the output size along one axis, `None` for an unknown input size.

    Raises:
      ValueError: if the window is larger than a padded input.
    """
    if size is None or window is None:
        return None
    reach = (window - 1) * dilation + 1
    if padding == "SAME":
        return -(-size // stride)
    found = (size + sum(explicit) - reach) // stride + 1
    if size + sum(explicit) < reach:
        raise ValueError(
            f"Negative dimension size caused by subtracting {reach} from {size + sum(explicit)}"
        )
    return found


def pads_of(size, window, stride, padding, dilation=1, explicit=(0, 0)):
    """Returns `(before, after)` padding along one axis; SAME puts the odd pixel behind."""
    if padding == "VALID":
        return (0, 0)
    if padding == "EXPLICIT":
        return tuple(explicit)
    reach = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return (total // 2, total - total // 2)


def spatial_axes(data_format, rank=4):
    """Returns the spatial axes and the channel axis of a layout such as `NHWC` or `NCDHW`."""
    if data_format.startswith("NC"):
        return tuple(range(2, rank)), 1
    return tuple(range(1, rank - 1)), rank - 1


def window_of(shape, size, strides, padding, data_format, dilations=None, explicit=()):
    """Returns the `Window` over an input of known `shape`; `strides` are per input axis."""
    axes, _ = spatial_axes(data_format, len(shape))
    dilations = dilations or (1,) * len(shape)
    pairs = explicit_pairs(explicit, len(shape))
    per_axis = [
        (int(shape[a]), int(k), int(strides[a]), padding, int(dilations[a]), pairs[a])
        for a, k in zip(axes, size, strict=True)
    ]
    return Window(
        tuple(int(k) for k in size),
        tuple(int(strides[a]) for a in axes),
        tuple(int(dilations[a]) for a in axes),
        tuple(pads_of(*args) for args in per_axis),
        tuple(output_size(*args) for args in per_axis),
    )


def explicit_pairs(explicit: Sequence[int], rank: int):
    """Returns TF's flat `explicit_paddings` as one pair per axis."""
    if len(explicit) == 0:
        return ((0, 0),) * rank
    return tuple(zip(explicit[::2], explicit[1::2], strict=True))


def image_shape(data_format, batch, spatial, channels):
    """Returns a full shape in the given layout."""
    if data_format.startswith("NC"):
        return [batch, channels, *spatial]
    return [batch, *spatial, channels]


def to_channels_last(x, data_format):
    """Returns a NumPy view with the channels last."""
    return np.moveaxis(x, 1, -1) if data_format.startswith("NC") else x


def from_channels_last(x, data_format):
    """Returns a NumPy array in the given layout from one with the channels last."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if data_format.startswith("NC") else x


def patches(x, window, fill=0):
    """Returns `[n, *output, *size, c]`, a strided view of the padded `[n, *spatial, c]` array."""
    spatial = len(window.size)
    padded = np.pad(x, ((0, 0), *window.pads, (0, 0)), constant_values=fill)
    steps = padded.strides
    shape = (x.shape[0], *window.output, *window.size, x.shape[-1])
    strides = (
        steps[0],
        *(steps[1 + a] * window.strides[a] for a in range(spatial)),
        *(steps[1 + a] * window.dilations[a] for a in range(spatial)),
        steps[-1],
    )
    return np.lib.stride_tricks.as_strided(padded, shape, strides, writeable=False)


def scatter_patches(values, shape, window):
    """Returns the adjoint of `patches`: adds `[n, *output, *size, c]` into an array of `shape`."""
    padded_shape = [shape[0], *(s + sum(p) for s, p in zip(shape[1:-1], window.pads)), shape[-1]]
    padded = np.zeros(padded_shape, values.dtype)
    spatial = len(window.size)
    for offset in np.ndindex(*window.size):
        index = tuple(
            slice(o * d, o * d + (n - 1) * s + 1, s)
            for o, d, n, s in zip(offset, window.dilations, window.output, window.strides)
        )
        picked = values[(slice(None),) * (1 + spatial) + offset]
        padded[(slice(None), *index)] += picked
    inner = tuple(slice(p[0], p[0] + s) for s, p in zip(shape[1:-1], window.pads))
    return padded[(slice(None), *inner)]
