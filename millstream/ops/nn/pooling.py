"""The rules of pooling ops, shared by those over images, volumes and windows given as tensors."""

import math

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jax, jnp
from millstream.ops.nn import geometry, windows
from millstream.ops.nn.geometry import spatial_axes


def pooled_shape(shape, ksize, strides, padding, data_format):
    """Returns the static shape of a pooled image.

    Raises:
      ValueError: for windows larger than the image.
    """
    rank = len(ksize)
    shape = shape.with_rank(rank)
    axes, channel = spatial_axes(data_format, rank)
    if any(s <= 0 for s in strides) or any(k <= 0 for k in ksize):
        raise ValueError(f"ksize and strides must be positive, got {ksize} and {strides}")
    sizes = shape.tuple
    if sizes is None:
        return [None] * rank
    spatial = [geometry.output_size(sizes[a], ksize[a], strides[a], padding) for a in axes]
    depth = geometry.output_size(sizes[channel], ksize[channel], strides[channel], padding)
    return geometry.image_shape(data_format, sizes[0], spatial, depth)


def window_of(shape, ksize, strides, padding, data_format):
    """Returns the sliding window of a pooling op for a known input shape.

    Raises:
      UnimplementedError: for windows over batch or channels.
    """
    axes, channel = spatial_axes(data_format, len(ksize))
    for name, axis in (("batch", 0), ("depth", channel)):
        if ksize[axis] != 1 or strides[axis] != 1:
            raise errors.UnimplementedError(
                None,
                None,
                f"Pooling is not yet supported on the {name} dimension: ksize {list(ksize)}, "
                f"strides {list(strides)}, data_format {data_format}",
            )
    return geometry.window_of(shape, [ksize[a] for a in axes], strides, padding, data_format)


def is_depthwise(shape, ksize, strides, data_format):
    """Whether windows are groups of channels, which maxima may be taken over, and nothing else."""
    if data_format.startswith("NC") or ksize[-1] == 1:
        return False
    alone = all(k == 1 for k in ksize[:-1]) and all(s == 1 for s in strides[:-1])
    return alone and ksize[-1] == strides[-1] and shape[-1] % ksize[-1] == 0


# -- kernels


def max_kernel(x, ksize, strides, padding, data_format):
    """Is the kernel of `MaxPool`."""
    if is_depthwise(x.shape, ksize, strides, data_format):
        return x.reshape(*x.shape[:-1], -1, ksize[-1]).max(-1)
    window = window_of(x.shape, ksize, strides, padding, data_format)
    return windows.maximum(x, window, data_format)


def max_grad_kernel(x, dy, ksize, strides, padding, data_format):
    """Is the kernel of `MaxPoolGrad`."""
    if not x.size:
        return jnp.zeros(x.shape, dy.dtype)
    window = window_of(x.shape, ksize, strides, padding, data_format)
    place = windows.first_maximum(x, window, data_format)
    return windows.spread_to(place, dy, x.shape, window, data_format)


def all_max_grad_kernel(x, dy, ksize, strides, padding, data_format):
    """Is the kernel of `MaxPool3DGrad`, in which every maximum of a window gets the gradient."""
    if not x.size:
        return jnp.zeros(x.shape, dy.dtype)
    window = window_of(x.shape, ksize, strides, padding, data_format)
    return windows.spread_to_maxima(x, dy, window, data_format)


def max_grad_grad_kernel(x, ddx, ksize, strides, padding, data_format):
    """Is the kernel of `MaxPoolGradGrad`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    place = windows.first_maximum(x, window, data_format)
    return windows.pick_at(place, ddx, window, data_format)


def mean_kernel(x, ksize, strides, padding, data_format):
    """Is the kernel of `AvgPool`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    return windows.mean(x, window, data_format)


def mean_grad_kernel(shape, dy, ksize, strides, padding, data_format):
    """Is the kernel of `AvgPoolGrad`: the transpose of the mean."""
    sizes = tuple(int(s) for s in shape)
    window = window_of(sizes, ksize, strides, padding, data_format)
    like = jax.ShapeDtypeStruct(sizes, dy.dtype)
    return jax.linear_transpose(lambda x: windows.mean(x, window, data_format), like)(dy)[0]


# -- references


def _patches(x, window, data_format, fill=0):
    """Returns `[n, *output, cells, c]` of an image in any layout."""
    last = geometry.to_channels_last(x, data_format)
    found = geometry.patches(last, window, fill)
    return found.reshape(*found.shape[: x.ndim - 1], math.prod(window.size), last.shape[-1])


def _fill(dtype):
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def max_reference(x, ksize, strides, padding, data_format):
    """Is the reference of `MaxPool`."""
    if is_depthwise(x.shape, ksize, strides, data_format):
        groups = [x[..., i :: ksize[-1]] for i in range(ksize[-1])]
        return np.maximum.reduce(groups)
    window = window_of(x.shape, ksize, strides, padding, data_format)
    best = _patches(x, window, data_format, _fill(x.dtype)).max(-2)
    return geometry.from_channels_last(best, data_format)


def first_places(x, window, data_format):
    """Returns which cell of each window holds its first maximum, `[n, *output, c]`."""
    return _patches(x, window, data_format, _fill(x.dtype)).argmax(-2)


def _spread(hits, dy, shape, window, data_format):
    """Adds each element of `dy` at the cells of its window that are hit, in an image of `shape`."""
    dy = geometry.to_channels_last(dy, data_format)
    spread = np.where(hits, dy[..., None, :], dy.dtype.type(0))
    spread = spread.reshape(*dy.shape[:-1], *window.size, dy.shape[-1])
    axes, channel = spatial_axes(data_format, len(shape))
    last = (shape[0], *[shape[a] for a in axes], shape[channel])
    return geometry.from_channels_last(geometry.scatter_patches(spread, last, window), data_format)


def max_grad_reference(x, dy, ksize, strides, padding, data_format):
    """Is the reference of `MaxPoolGrad`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    places = first_places(x, window, data_format)[..., None, :]
    hits = places == np.arange(math.prod(window.size))[:, None]
    return _spread(hits, dy, x.shape, window, data_format)


def all_max_grad_reference(x, dy, ksize, strides, padding, data_format):
    """Is the reference of `MaxPool3DGrad`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    cells = _patches(x, window, data_format, _fill(x.dtype))
    return _spread(cells == cells.max(-2, keepdims=True), dy, x.shape, window, data_format)


def max_grad_grad_reference(x, ddx, ksize, strides, padding, data_format):
    """Is the reference of `MaxPoolGradGrad`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    places = first_places(x, window, data_format)[..., None, :]
    picked = np.take_along_axis(_patches(ddx, window, data_format), places, -2)
    return geometry.from_channels_last(picked[..., 0, :], data_format)


def _counts(shape, window):
    """Returns how many real elements each window covers, by counting ones; `[1, *output, 1]`."""
    ones = np.ones([1, *shape, 1])
    return _patches(ones, window, "N...C").sum(-2)


def mean_reference(x, ksize, strides, padding, data_format):
    """Is the reference of `AvgPool`."""
    window = window_of(x.shape, ksize, strides, padding, data_format)
    total = _patches(x, window, data_format).sum(-2, dtype=x.dtype)
    shape = [x.shape[a] for a in spatial_axes(data_format, x.ndim)[0]]
    average = total / _counts(shape, window).astype(x.dtype)
    return geometry.from_channels_last(average, data_format)


def mean_grad_reference(shape, dy, ksize, strides, padding, data_format):
    """Is the reference of `AvgPoolGrad`."""
    sizes = tuple(int(s) for s in shape)
    window = window_of(sizes, ksize, strides, padding, data_format)
    axes, channel = spatial_axes(data_format, len(sizes))
    spatial = [sizes[a] for a in axes]
    share = geometry.to_channels_last(dy, data_format) / _counts(spatial, window).astype(dy.dtype)
    outer = share.shape[:-1]
    cells = share.reshape(*outer, *[1] * len(axes), share.shape[-1])
    spread = np.broadcast_to(cells, (*outer, *window.size, share.shape[-1]))
    full = (sizes[0], *spatial, sizes[channel])
    return geometry.from_channels_last(geometry.scatter_patches(spread, full, window), data_format)
