"""The rules of convolutions: shapes, kernels and references for any number of spatial axes."""

import math

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jax, lax
from millstream.ops.nn import geometry
from millstream.ops.nn.geometry import spatial_axes


def correlated_shape(x, w, strides, padding, explicit, data_format, dilations):
    """Returns the static shape of a convolution's output.

    Raises:
      ValueError: if channels or sizes do not fit.
    """
    rank = len(data_format)
    x, w = x.with_rank(rank), w.with_rank(rank)
    axes, channel = spatial_axes(data_format, rank)
    _check_steps(strides, dilations, axes, rank)
    sizes = x.tuple or (None,) * rank
    kernel = w.tuple or (None,) * rank
    depth, wanted = sizes[channel], kernel[-2]
    if depth is not None and wanted is not None and (wanted == 0 or depth % wanted):
        raise ValueError(
            f"Depth of input ({depth}) is not a multiple of input depth of filter ({wanted})"
        )
    pairs = geometry.explicit_pairs(explicit, rank)
    spatial = [
        geometry.output_size(sizes[a], kernel[i], strides[a], padding, dilations[a], pairs[a])
        for i, a in enumerate(axes)
    ]
    return geometry.image_shape(data_format, sizes[0], spatial, kernel[-1])


def _check_steps(strides, dilations, axes, rank):
    if len(strides) != rank or len(dilations) != rank:
        raise ValueError(
            f"strides and dilations need {rank} values, got {list(strides)} and {list(dilations)}"
        )
    if any(strides[a] <= 0 or dilations[a] <= 0 for a in axes):
        raise ValueError(f"strides and dilations must be positive, got {strides} and {dilations}")


def window_of(shape, size, strides, padding, data_format, dilations, explicit=()):
    """Returns the window of a convolution.

    Raises:
      InvalidArgumentError: if it slides over the batch or the channels.
    """
    axes, _ = spatial_axes(data_format, len(shape))
    others = [a for a in range(len(shape)) if a not in axes]
    for name, steps in (("strides", strides), ("dilations", dilations)):
        if any(steps[a] != 1 for a in others):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Current implementation does not yet support {name} in the batch and depth "
                f"dimensions: {list(steps)} for {data_format}.",
            )
    return geometry.window_of(shape, size, strides, padding, data_format, dilations, explicit)


def groups_of(images, filter, output):
    """Returns the number of groups of a convolution from its numbers of channels.

    Raises:
      InvalidArgumentError: if channels cannot be grouped so.
    """
    groups, rest = divmod(images, max(filter[-2], 1))
    if rest or not groups or filter[-1] % groups or output not in (None, filter[-1]):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"channels do not fit: images have {images}, the filter is {list(filter)}, the output "
            f"has {filter[-1] if output is None else output}",
        )
    return groups


# -- kernels


def _letters(data_format):
    """Splits a layout such as `NDHWC` into itself and the spatial letters of filters."""
    return data_format, "".join(c for c in data_format if c not in "NC")


def correlate(x, w, window, data_format):
    """Is the kernel of a convolution as a plain JAX function; it is linear in each operand."""
    layout, spatial = _letters(data_format)
    channel = spatial_axes(data_format, x.ndim)[1]
    return lax.conv_general_dilated(
        x,
        w,
        window.strides,
        window.pads,
        rhs_dilation=window.dilations,
        dimension_numbers=(layout, f"{spatial}IO", layout),
        feature_group_count=max(x.shape[channel] // max(w.shape[-2], 1), 1),
    )


def _check_operands(images, filter, dy, window, data_format):
    """Refuses operands of a gradient op that no convolution has."""
    channel = spatial_axes(data_format, len(images))[1]
    groups_of(images[channel], filter, dy.shape[channel])
    wanted = geometry.image_shape(data_format, images[0], window.output, filter[-1])
    if list(dy.shape) != wanted:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"out_backprop must be shaped like the convolution's output, {wanted}, but its shape "
            f"is {list(dy.shape)}",
        )


def image_gradient(shape, w, dy, window, data_format):
    """Is the kernel of the gradient by images of `shape`."""
    _check_operands(shape, w.shape, dy, window, data_format)
    like = jax.ShapeDtypeStruct(shape, dy.dtype)
    (dx,) = jax.linear_transpose(lambda x: correlate(x, w, window, data_format), like)(dy)
    return dx


def filter_gradient(x, shape, dy, window, data_format):
    """Is the kernel of the gradient by a filter of `shape`.

    The images take the role of the batch, the cotangent that of the filter. oneDNN would take such
    a convolution too, but is up to four times slower at it than Eigen (28x28x128, 3x3: 43 ms
    against 33; 14x14x256 alike). Its matcher passes by convolutions of dilated images, so along one
    axis everything is spread by two, which costs nothing. A 1x1 filter is a product of matrices
    (56x56x64 to 256: 13 ms, as a convolution 66).
    """
    _check_operands(x.shape, shape, dy, window, data_format)
    channel = spatial_axes(data_format, x.ndim)[1]
    if x.shape[channel] != shape[-2] or 0 in (*x.shape, *dy.shape, *shape):
        like = jax.ShapeDtypeStruct(shape, dy.dtype)
        return jax.linear_transpose(lambda w: correlate(x, w, window, data_format), like)(dy)[0]
    if math.prod(shape[:-2]) == 1 and data_format.endswith("C") and not np.any(window.pads):
        return _pointwise_filter_gradient(x, shape, dy, window)
    layout, spatial = _letters(data_format)
    spread = [2 if i == 0 and jax.default_backend() == "cpu" else 1 for i in range(len(spatial))]
    axes, _ = spatial_axes(data_format, x.ndim)
    pads = []
    for axis, k, n, stride, dilation, (before, _), by in zip(
        axes, shape, window.output, window.strides, window.dilations, window.pads, spread,
        strict=False,
    ):  # fmt: skip
        reach = (k - 1) * dilation + (n - 1) * stride + 1
        pads.append((by * before, by * (reach - x.shape[axis] - before)))
    return lax.conv_general_dilated(
        x,
        dy,
        [d * by for d, by in zip(window.dilations, spread, strict=True)],
        pads,
        lhs_dilation=spread,
        rhs_dilation=[s * by for s, by in zip(window.strides, spread, strict=True)],
        dimension_numbers=(
            layout.translate(str.maketrans("NC", "CN")),
            layout.translate(str.maketrans("NC", "IO")),
            f"{spatial}NC",
        ),
    )


def _pointwise_filter_gradient(x, shape, dy, window):
    index = (slice(None), *[slice(None, None, s) for s in window.strides])
    rows = x[index].reshape(-1, shape[-2])
    product = lax.dot_general(rows, dy.reshape(-1, shape[-1]), (((0,), (0,)), ((), ())))
    return product.reshape(shape)


# -- references


def wide(x):
    """Returns 16-bit floats as float32: NumPy has no products of theirs, and sums need the bits."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def _columns(x, window):
    """Returns the patches of channels-last images as rows of a matrix."""
    patches = np.ascontiguousarray(geometry.patches(x, window))
    return patches.reshape(
        math.prod((x.shape[0], *window.output)), math.prod((*window.size, x.shape[-1]))
    )


def correlate_reference(x, w, window, data_format):
    """Is the reference of a convolution: patches times filter, as matrices."""
    last = wide(geometry.to_channels_last(x, data_format))
    groups = groups_of(last.shape[-1], w.shape, None)
    parts = [
        _columns(xs, window) @ ws.reshape(-1, ws.shape[-1])
        for xs, ws in zip(np.split(last, groups, -1), np.split(wide(w), groups, -1), strict=True)
    ]
    y = np.concatenate(parts, -1).astype(x.dtype, copy=False)
    y = y.reshape(x.shape[0], *window.output, w.shape[-1])
    return geometry.from_channels_last(y, data_format)


def image_gradient_reference(shape, w, dy, window, data_format):
    """Is the reference of the gradient by images of `shape`."""
    _check_operands(shape, w.shape, dy, window, data_format)
    last = wide(geometry.to_channels_last(dy, data_format))
    axes, channel = spatial_axes(data_format, len(shape))
    groups = groups_of(shape[channel], w.shape, last.shape[-1])
    part = (shape[0], *[shape[a] for a in axes], w.shape[-2])
    parts = []
    for dys, ws in zip(np.split(last, groups, -1), np.split(wide(w), groups, -1), strict=True):
        columns = dys @ ws.reshape(-1, ws.shape[-1]).T
        columns = columns.reshape(*dys.shape[:-1], *ws.shape[:-1])
        parts.append(geometry.scatter_patches(columns, part, window))
    dx = np.concatenate(parts, -1).astype(w.dtype, copy=False)
    return geometry.from_channels_last(dx, data_format)


def filter_gradient_reference(x, shape, dy, window, data_format):
    """Is the reference of the gradient by a filter of `shape`."""
    _check_operands(x.shape, shape, dy, window, data_format)
    images = wide(geometry.to_channels_last(x, data_format))
    last = wide(geometry.to_channels_last(dy, data_format))
    groups = groups_of(images.shape[-1], shape, last.shape[-1])
    parts = []
    for xs, dys in zip(np.split(images, groups, -1), np.split(last, groups, -1), strict=True):
        dw = _columns(xs, window).T @ dys.reshape(-1, dys.shape[-1])
        parts.append(dw.reshape(*shape[:-1], -1))
    return np.concatenate(parts, -1).astype(x.dtype, copy=False)
