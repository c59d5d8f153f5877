"""Sliding windows in JAX: the kernels of pooling, for any number of spatial axes and either layout.

XLA's own gradient of a windowed maximum, select-and-scatter, is slow on CPUs. Here the place of the
first maximum is found by comparing one shifted, strided view of the image per cell of the window,
and its gradient goes back through the same views. Milliseconds on two cores, forward and backward,
of `reduce_window` with select-and-scatter, and of this module: 2x2/2 of [64, 28, 28, 32] 1.1 + 20
and 0.1 + 0.4; 3x3/2 of [16, 112, 112, 64] 11 + 212 and 3.5 + 46; 3x3/2 of [32, 27, 27, 256] 6 + 89
and 1.2 + 7; 3x3/1 of [32, 28, 28, 192] 18 + 208 and 2.9 + 11.
"""

import functools
import itertools
import math

import numpy as np

from millstream.base.lazy import jnp, lax
from millstream.ops.nn import geometry

_MOST_CELLS = 16


def lowest(dtype):
    """Returns the value that a maximum starts from, as a NumPy scalar."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.array(-np.inf, dtype)
    return np.array(np.iinfo(dtype).min, dtype)


def _full(values, axes, rank, fill):
    """Spreads one value per spatial axis over all axes of an image."""
    full = [fill] * rank
    for axis, value in zip(axes, values, strict=True):
        full[axis] = value
    return tuple(full)


def _reduce(x, initial, combine, window, axes):
    """Combines every window, one axis after the other: k + k steps per element, not k * k."""
    for axis, k, stride, pads in zip(axes, window.size, window.strides, window.pads, strict=True):
        if (k, stride, pads) != (1, 1, (0, 0)):
            spread = [
                _full([v], [axis], x.ndim, fill)
                for v, fill in ((k, 1), (stride, 1), (pads, (0, 0)))
            ]
            x = lax.reduce_window(x, initial, combine, *spread)
    return x


def _fitted(x, window, axes, fill, sizes):
    """Pads or crops the image to the sizes that the windows cover."""
    margins = [
        (before, size - before - x.shape[axis], 0)
        for axis, (before, _), size in zip(axes, window.pads, sizes, strict=True)
    ]
    return lax.pad(x, np.array(fill, x.dtype), _full(margins, axes, x.ndim, (0, 0, 0)))


def cells(x, window, fill):
    """Yields, for each cell of a dilated window over `[n, *spatial, c]`, what stands there."""
    axes = range(1, x.ndim - 1)
    spans = [(n - 1) * s + 1 for n, s in zip(window.output, window.strides, strict=True)]
    reach = [(k - 1) * d for k, d in zip(window.size, window.dilations, strict=True)]
    fitted = _fitted(x, window, axes, fill, [a + b for a, b in zip(spans, reach, strict=True)])
    for cell in _cells(window):
        starts = [at * d for at, d in zip(cell, window.dilations, strict=True)]
        stops = [start + span for start, span in zip(starts, spans, strict=True)]
        whole = (x.shape[0], *stops, x.shape[-1])
        yield lax.slice(fitted, (0, *starts, 0), whole, (1, *window.strides, 1))


def _is_small_tiling(window):
    """Whether windows do not overlap and are small enough to be written out cell by cell.

    2x2/2 of [64, 28, 28, 32] then takes 0.1 ms, as a reduction of a reshaped image 2.4.
    """
    return window.size == window.strides and math.prod(window.size) <= _MOST_CELLS


def maximum(x, window, data_format):
    """Returns the maximum of every window of `x`."""
    axes, _ = geometry.spatial_axes(data_format, x.ndim)
    if _is_small_tiling(window):
        return functools.reduce(jnp.maximum, _views(x, window, axes, lowest(x.dtype)))
    return _reduce(x, lowest(x.dtype), lax.max, window, axes)


def mean(x, window, data_format):
    """Returns the mean of every window of `x`; padding does not count. It is linear in `x`."""
    axes, _ = geometry.spatial_axes(data_format, x.ndim)
    shares = np.array(1, x.dtype) / counts(x.shape, window, data_format).astype(x.dtype)
    if _is_small_tiling(window):
        return functools.reduce(jnp.add, _views(x, window, axes, 0)) * shares
    return _reduce(x, np.array(0, x.dtype), lax.add, window, axes) * shares


def counts(shape, window, data_format):
    """Returns how many real elements each window covers, shaped to divide a pooled image."""
    axes, channel = geometry.spatial_axes(data_format, len(shape))
    found = np.ones([1] * len(axes))
    for i, axis in enumerate(axes):
        starts = np.arange(window.output[i]) * window.strides[i] - window.pads[i][0]
        stops = np.minimum(starts + window.size[i], shape[axis])
        along = [1] * len(axes)
        along[i] = -1
        found = found * (stops - np.maximum(starts, 0)).reshape(along)
    return np.expand_dims(found, (0, channel))


def _cells(window):
    """Lists the offsets of a window's cells, the last axis fastest."""
    return list(itertools.product(*[range(k) for k in window.size]))


def _views(x, window, axes, fill):
    """Yields, for each cell of the window, the elements that stand there in every window.

    Strided slices are slow; the image is cut into phases first, `[…, block, phase, …]`.
    """
    blocks = [
        n + -(-k // s) - 1
        for n, k, s in zip(window.output, window.size, window.strides, strict=True)
    ]
    sizes = [b * s for b, s in zip(blocks, window.strides, strict=True)]
    fitted = _fitted(x, window, axes, fill, sizes)
    shape = list(fitted.shape)
    for axis, block, stride in reversed(list(zip(axes, blocks, window.strides, strict=True))):
        shape[axis : axis + 1] = [block, stride]
    phased = fitted.reshape(shape)
    for cell in _cells(window):
        index = [slice(None)] * x.ndim
        for axis, at, stride, n in zip(axes, cell, window.strides, window.output, strict=True):
            index[axis] = (slice(at // stride, at // stride + n), at % stride)
        flat = [part for item in index for part in (item if isinstance(item, tuple) else [item])]
        yield phased[tuple(flat)]


def first_maximum(x, window, data_format):
    """Returns which cell of each window holds its first maximum, as int32."""
    axes, _ = geometry.spatial_axes(data_format, x.ndim)
    best = place = None
    for number, view in enumerate(_views(x, window, axes, lowest(x.dtype))):
        if best is None:
            best, place = view, jnp.zeros(view.shape, jnp.int32)
        else:
            better = view > best
            best = jnp.where(better, view, best)
            place = jnp.where(better, np.int32(number), place)
    # Without the barrier XLA computes the comparisons anew for each of the reader's terms.
    return lax.optimization_barrier(place)


def spread_to(place, dy, shape, window, data_format):
    """Adds each element of `dy` at the cell `place` of its window, in an image of `shape`."""
    zero = np.array(0, dy.dtype)
    parts = (jnp.where(place == number, dy, zero) for number in range(math.prod(window.size)))
    return _overlaid(parts, shape, window, data_format)


def spread_to_maxima(x, dy, window, data_format):
    """Adds each element of `dy` at every cell of its window where the image is largest."""
    axes, _ = geometry.spatial_axes(data_format, x.ndim)
    best, zero = maximum(x, window, data_format), np.array(0, dy.dtype)
    views = _views(x, window, axes, lowest(x.dtype))
    parts = (jnp.where(view == best, dy, zero) for view in views)
    return _overlaid(parts, x.shape, window, data_format)


def _overlaid(parts, shape, window, data_format):
    """Adds what each cell of the window gets, one array per cell, into an image of `shape`."""
    axes, _ = geometry.spatial_axes(data_format, len(shape))
    total = None
    for cell, part in zip(_cells(window), parts, strict=True):
        margins = []
        for axis, at, step, pads, n, stride in zip(
            axes, cell, window.dilations, window.pads, window.output, window.strides, strict=True
        ):
            before = at * step - pads[0]
            margins.append((before, shape[axis] - before - (n - 1) * stride - 1, stride - 1))
        padding = _full(margins, axes, len(shape), (0, 0, 0))
        part = lax.pad(part, np.array(0, part.dtype), padding)
        total = part if total is None else total + part
    return total


def pick_at(place, x, window, data_format):
    """Returns the element at the cell `place` of every window: the adjoint of `spread_to`."""
    axes, _ = geometry.spatial_axes(data_format, x.ndim)
    picked = jnp.zeros(place.shape, x.dtype)
    for number, view in enumerate(_views(x, window, axes, 0)):
        picked = jnp.where(place == number, view, picked)
    return picked
