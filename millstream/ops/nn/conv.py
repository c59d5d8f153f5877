"""2-D convolution: `Conv2D` and its two gradient ops."""

from typing import Literal

import numpy as np

from millstream.base.lazy import jax, lax
from millstream.ir.spec import BFloat16, Double, Float, Half, Int32, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn import geometry
from millstream.ops.nn.geometry import spatial_axes

Padding = Literal["SAME", "VALID", "EXPLICIT"]
Layout = Literal["NHWC", "NCHW"]


@op
def Conv2D[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = [],  # noqa: B006 - the default of an attr
    data_format: Layout = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],  # noqa: B006
) -> Tensor[T]:
    """Correlates `[n, h, w, in]` images with a `[kh, kw, in, out]` filter."""


@Conv2D.shape
def _(input, filter, strides, padding, explicit_paddings, data_format, dilations):
    input, filter = input.with_rank(4), filter.with_rank(4)
    axes, channel = spatial_axes(data_format)
    _check(strides, dilations, axes)
    sizes, kernel = input.tuple, filter.tuple
    if sizes is None or kernel is None:
        known = None if kernel is None else kernel[3]
        return geometry.image_shape(data_format, sizes and sizes[0], [None, None], known)
    depth, wanted = sizes[channel], kernel[2]
    if depth is not None and wanted is not None and (wanted == 0 or depth % wanted):
        raise ValueError(f"Dimensions must be equal, but are {depth} and {wanted}")
    pairs = geometry.explicit_pairs(explicit_paddings, 4)
    spatial = [
        geometry.output_size(sizes[a], kernel[i], strides[a], padding, dilations[a], pairs[a])
        for i, a in enumerate(axes)
    ]
    return geometry.image_shape(data_format, sizes[0], spatial, kernel[3])


def _check(strides, dilations, axes):
    if len(strides) != 4 or len(dilations) != 4:
        raise ValueError(f"strides and dilations need 4 values, got {strides} and {dilations}")
    others = [a for a in range(4) if a not in axes]
    if any(strides[a] != 1 or dilations[a] != 1 for a in others):
        raise ValueError(
            "Current implementation does not support strides or dilations "
            "in the batch and depth dimensions"
        )
    if any(strides[a] <= 0 or dilations[a] <= 0 for a in axes):
        raise ValueError(f"strides and dilations must be positive, got {strides} and {dilations}")


def convolve(input, filter, strides, padding, explicit_paddings, data_format, dilations):
    """Is the kernel of `Conv2D` as a plain JAX function; it is linear in each operand."""
    window = geometry.window_of(
        input.shape, filter.shape[:2], strides, padding, data_format, dilations, explicit_paddings
    )
    channel = spatial_axes(data_format)[1]
    return lax.conv_general_dilated(
        input,
        filter,
        window.strides,
        window.pads,
        rhs_dilation=window.dilations,
        dimension_numbers=(data_format, "HWIO", data_format),
        feature_group_count=input.shape[channel] // filter.shape[2],
    )


@Conv2D.kernel
def _(input, filter, strides, padding, explicit_paddings, data_format, dilations):
    return convolve(input, filter, strides, padding, explicit_paddings, data_format, dilations)


@Conv2D.reference
def _(input, filter, strides, padding, explicit_paddings, data_format, dilations):
    window = geometry.window_of(
        input.shape, filter.shape[:2], strides, padding, data_format, dilations, explicit_paddings
    )
    x = wide(geometry.to_channels_last(input, data_format))
    groups = x.shape[-1] // filter.shape[2]
    parts = [
        product(geometry.patches(xs, window), ws)
        for xs, ws in zip(np.split(x, groups, -1), np.split(wide(filter), groups, -1), strict=True)
    ]
    y = np.concatenate(parts, -1).astype(input.dtype, copy=False)
    return geometry.from_channels_last(y, data_format)


def wide(x):
    """Returns 16-bit floats as float32: NumPy has no products of theirs, and sums need the bits."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def product(patches, filter):
    """Contracts `[n, *output, *window, c]` with `[*window, c, out]` as one matrix product."""
    outer = patches.shape[: patches.ndim - filter.ndim + 1]
    flat = np.ascontiguousarray(patches).reshape(int(np.prod(outer)), -1)
    return (flat @ filter.reshape(-1, filter.shape[-1])).reshape(*outer, filter.shape[-1])


_ATTRS = ("strides", "use_cudnn_on_gpu", "padding", "explicit_paddings", "data_format", "dilations")


def _attrs(node):
    return {k: node.attrs[k] for k in _ATTRS}


@Conv2D.gradient
def _(node, dy):
    x, w = node.inputs
    shape_x, shape_w = ops.ShapeN([x, w])
    attrs = _attrs(node)
    return [
        Conv2DBackpropInput(shape_x, w, dy, **attrs),
        Conv2DBackpropFilter(x, shape_w, dy, **attrs),
    ]


_SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}
_VALID_2 = {"strides": [1, 2, 2, 1], "padding": "VALID"}
Conv2D.examples(f[2, 5, 6, 3], f[3, 3, 3, 4], **_SAME)
Conv2D.examples(f[2, 7, 6, 2], f[3, 2, 2, 4], **_VALID_2)
Conv2D.examples(f[1, 7, 7, 2], f[2, 2, 2, 3], **_SAME, dilations=[1, 2, 2, 1])
Conv2D.examples(
    f[1, 4, 5, 1],
    f[3, 3, 1, 2],
    strides=[1, 1, 1, 1],
    padding="EXPLICIT",
    explicit_paddings=[0, 0, 1, 2, 0, 1, 0, 0],
)
Conv2D.fails("Dimensions must be equal", f[1, 4, 4, 3], f[2, 2, 2, 1], **_SAME)
Conv2D.fails("Negative dimension size", f[1, 2, 2, 1], f[3, 3, 1, 1], **_VALID_2)


@op(static="input_sizes")
def Conv2DBackpropInput[T: (Half, BFloat16, Float, Double)](
    input_sizes: Tensor[Int32],
    filter: Tensor[T],
    out_backprop: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = [],  # noqa: B006
    data_format: Layout = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],  # noqa: B006
) -> Tensor[T]:
    """Gives the gradient of `Conv2D` by its images; also the transposed convolution."""


@Conv2DBackpropInput.shape
def _(input_sizes_as_shape):
    return input_sizes_as_shape.with_rank(4)


def _input_sizes(input_sizes, filter, out_backprop, data_format):
    sizes = tuple(int(s) for s in input_sizes)
    if len(sizes) == 2:  # height and width only, as TF allows
        return tuple(
            geometry.image_shape(data_format, out_backprop.shape[0], sizes, filter.shape[2])
        )
    return sizes


@Conv2DBackpropInput.kernel
def _(
    input_sizes, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations
):
    sizes = _input_sizes(input_sizes, filter, out_backprop, data_format)
    like = jax.ShapeDtypeStruct(sizes, out_backprop.dtype)
    rest = (strides, padding, explicit_paddings, data_format, dilations)
    transposed = jax.linear_transpose(lambda x: convolve(x, filter, *rest), like)
    return transposed(out_backprop)[0]


@Conv2DBackpropInput.reference
def _(
    input_sizes, filter, out_backprop, strides, padding, explicit_paddings, data_format, dilations
):
    sizes = _input_sizes(input_sizes, filter, out_backprop, data_format)
    window = geometry.window_of(
        sizes, filter.shape[:2], strides, padding, data_format, dilations, explicit_paddings
    )
    dy = wide(geometry.to_channels_last(out_backprop, data_format))
    channels = sizes[spatial_axes(data_format)[1]]
    groups = channels // filter.shape[2]
    spatial = [sizes[a] for a in spatial_axes(data_format)[0]]
    shape = (sizes[0], *spatial, filter.shape[2])
    parts = []
    for dys, ws in zip(np.split(dy, groups, -1), np.split(wide(filter), groups, -1), strict=True):
        columns = dys @ ws.reshape(-1, ws.shape[-1]).T
        columns = columns.reshape(*dys.shape[:3], *ws.shape[:3])
        parts.append(geometry.scatter_patches(columns, shape, window))
    dx = np.concatenate(parts, -1).astype(filter.dtype, copy=False)
    return geometry.from_channels_last(dx, data_format)


@Conv2DBackpropInput.gradient
def _(node, ddx):
    _, w, dy = node.inputs
    attrs = _attrs(node)
    return [
        None,
        Conv2DBackpropFilter(ddx, ops.Shape(w), dy, **attrs),
        Conv2D(ddx, w, **attrs),
    ]


Conv2DBackpropInput.examples(
    np.array([2, 5, 6, 3], np.int32), f[3, 3, 3, 4], f[2, 5, 6, 4], **_SAME
)
Conv2DBackpropInput.examples(
    np.array([2, 7, 6, 2], np.int32), f[3, 2, 2, 4], f[2, 3, 3, 4], **_VALID_2
)


@op(static="filter_sizes")
def Conv2DBackpropFilter[T: (Half, BFloat16, Float, Double)](
    input: Tensor[T],
    filter_sizes: Tensor[Int32],
    out_backprop: Tensor[T],
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Padding,
    explicit_paddings: list[int] = [],  # noqa: B006
    data_format: Layout = "NHWC",
    dilations: list[int] = [1, 1, 1, 1],  # noqa: B006
) -> Tensor[T]:
    """Gives the gradient of `Conv2D` by its filter."""


@Conv2DBackpropFilter.shape
def _(filter_sizes_as_shape):
    return filter_sizes_as_shape.with_rank(4)


@Conv2DBackpropFilter.kernel
def _(
    input, filter_sizes, out_backprop, strides, padding, explicit_paddings, data_format, dilations
):
    like = jax.ShapeDtypeStruct(tuple(int(s) for s in filter_sizes), out_backprop.dtype)
    rest = (strides, padding, explicit_paddings, data_format, dilations)
    transposed = jax.linear_transpose(lambda w: convolve(input, w, *rest), like)
    return transposed(out_backprop)[0]


@Conv2DBackpropFilter.reference
def _(
    input, filter_sizes, out_backprop, strides, padding, explicit_paddings, data_format, dilations
):
    sizes = tuple(int(s) for s in filter_sizes)
    window = geometry.window_of(
        input.shape, sizes[:2], strides, padding, data_format, dilations, explicit_paddings
    )
    x = wide(geometry.to_channels_last(input, data_format))
    dy = wide(geometry.to_channels_last(out_backprop, data_format))
    groups = x.shape[-1] // sizes[2]
    parts = []
    for xs, dys in zip(np.split(x, groups, -1), np.split(dy, groups, -1), strict=True):
        columns = np.ascontiguousarray(geometry.patches(xs, window))
        flat = columns.reshape(int(np.prod(columns.shape[:3])), -1)
        dw = flat.T @ dys.reshape(-1, dys.shape[-1])
        parts.append(dw.reshape(*sizes[:3], -1))
    return np.concatenate(parts, -1).astype(input.dtype, copy=False)


@Conv2DBackpropFilter.gradient
def _(node, ddw):
    x, _, dy = node.inputs
    attrs = _attrs(node)
    return [
        Conv2DBackpropInput(ops.Shape(x), ddw, dy, **attrs),
        None,
        Conv2D(x, ddw, **attrs),
    ]


Conv2DBackpropFilter.examples(
    f[2, 5, 6, 3], np.array([3, 3, 3, 4], np.int32), f[2, 5, 6, 4], **_SAME
)
Conv2DBackpropFilter.examples(
    f[2, 7, 6, 2], np.array([3, 2, 2, 4], np.int32), f[2, 3, 3, 4], **_VALID_2
)
