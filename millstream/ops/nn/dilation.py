"""Grey-scale morphology: `Dilation2D`, its gradient ops, `tf.nn.dilation2d` and `erosion2d`."""

from typing import Literal

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.scopes import name_scope
from millstream.ir.spec import ListOf, Real, Returns, Tensor, f, op
from millstream.ops import math
from millstream.ops.by_name import ops
from millstream.ops.nn import correlation, geometry, windows
from millstream.ops.nn._arguments import renamed

Padding = Literal["SAME", "VALID"]


@op
def Dilation2D[T: Real](
    input: Tensor[T],
    filter: Tensor[T],
    *,
    strides: ListOf(int, 4),
    rates: ListOf(int, 4),
    padding: Padding,
) -> Tensor[T]:
    """Gives the maximum of `image + filter` over every window, per channel."""


@op
def Dilation2DBackpropInput[T: Real](
    input: Tensor[T],
    filter: Tensor[T],
    out_backprop: Tensor[T],
    *,
    strides: ListOf(int, 4),
    rates: ListOf(int, 4),
    padding: Padding,
) -> Returns(in_backprop=Tensor[T]):
    """Gives the gradient of `Dilation2D` by its images."""


@op
def Dilation2DBackpropFilter[T: Real](
    input: Tensor[T],
    filter: Tensor[T],
    out_backprop: Tensor[T],
    *,
    strides: ListOf(int, 4),
    rates: ListOf(int, 4),
    padding: Padding,
) -> Returns(filter_backprop=Tensor[T]):
    """Gives the gradient of `Dilation2D` by its filter."""


@Dilation2D.shape
def _(input, filter, strides, rates, padding):
    input, filter = input.with_rank(4), filter.with_rank(3)
    sizes, kernel = input.tuple or (None,) * 4, filter.tuple or (None,) * 3
    if None not in (sizes[3], kernel[2]) and sizes[3] != kernel[2]:
        raise ValueError(f"Dimensions must be equal, but are {sizes[3]} and {kernel[2]}")
    spatial = [
        geometry.output_size(sizes[a], kernel[a - 1], strides[a], padding, rates[a]) for a in (1, 2)
    ]
    return [sizes[0], *spatial, sizes[3] if kernel[2] is None else kernel[2]]


@Dilation2DBackpropInput.shape
def _(input):
    return input.with_rank(4)


@Dilation2DBackpropFilter.shape
def _(filter):
    return filter.with_rank(3)


def _window(input, filter, strides, rates, padding):
    return correlation.window_of(input.shape, filter.shape[:2], strides, padding, "NHWC", rates)


def _sums(input, filter, window):
    """Returns `image + filter` under every cell, `[n, oh, ow, cells, c]`; padding never wins."""
    low = windows.lowest(input.dtype)
    cells = jnp.stack(list(windows.cells(input, window, low)), 3)
    known = jnp.stack(list(windows.cells(jnp.ones_like(input[:1]), window, 0)), 3)
    return jnp.where(known != 0, cells + filter.reshape(-1, filter.shape[-1]), low)


def _patches(input, filter, window):
    fill = np.iinfo(input.dtype).min if input.dtype.kind in "iu" else -np.inf
    known = geometry.patches(np.ones_like(input[:1]), window)
    sums = np.where(known != 0, geometry.patches(input, window) + filter, fill)
    return sums.astype(input.dtype).reshape(*sums.shape[:3], -1, sums.shape[-1])


@Dilation2D.kernel
def _(input, filter, strides, rates, padding):
    return _sums(input, filter, _window(input, filter, strides, rates, padding)).max(3)


@Dilation2D.reference
def _(input, filter, strides, rates, padding):
    return _patches(input, filter, _window(input, filter, strides, rates, padding)).max(3)


def _hits(places, dy, cells, xp):
    """Returns `dy` at the winning cell of every window, `[n, oh, ow, cells, c]`."""
    won = places[:, :, :, None] == np.arange(cells)[:, None]
    return xp.where(won, dy[:, :, :, None], dy.dtype.type(0))


@Dilation2DBackpropInput.kernel
def _(input, filter, out_backprop, strides, rates, padding):
    window = _window(input, filter, strides, rates, padding)
    places = lax.optimization_barrier(_sums(input, filter, window).argmax(3))
    return windows.spread_to(places, out_backprop, input.shape, window, "NHWC")


@Dilation2DBackpropInput.reference
def _(input, filter, out_backprop, strides, rates, padding):
    window = _window(input, filter, strides, rates, padding)
    places = _patches(input, filter, window).argmax(3)
    spread = _hits(places, out_backprop, filter.shape[0] * filter.shape[1], np)
    spread = spread.reshape(*spread.shape[:3], *filter.shape)
    return geometry.scatter_patches(spread, input.shape, window)


@Dilation2DBackpropFilter.kernel
def _(input, filter, out_backprop, strides, rates, padding):
    window = _window(input, filter, strides, rates, padding)
    places = lax.optimization_barrier(_sums(input, filter, window).argmax(3))
    hits = _hits(places, out_backprop, filter.shape[0] * filter.shape[1], jnp)
    return hits.sum((0, 1, 2), dtype=filter.dtype).reshape(filter.shape)


@Dilation2DBackpropFilter.reference
def _(input, filter, out_backprop, strides, rates, padding):
    window = _window(input, filter, strides, rates, padding)
    places = _patches(input, filter, window).argmax(3)
    hits = _hits(places, out_backprop, filter.shape[0] * filter.shape[1], np)
    return hits.sum((0, 1, 2), dtype=filter.dtype).reshape(filter.shape)


@Dilation2D.gradient
def _(node, dy):
    attrs = {k: node.attrs[k] for k in ("strides", "rates", "padding")}
    return [
        Dilation2DBackpropInput(*node.inputs, dy, **attrs),
        Dilation2DBackpropFilter(*node.inputs, dy, **attrs),
    ]


Dilation2DBackpropInput.no_gradient("TensorFlow has none")
Dilation2DBackpropFilter.no_gradient("TensorFlow has none")
_SAME = {"strides": [1, 1, 2, 1], "rates": [1, 1, 1, 1], "padding": "SAME"}
_VALID = {"strides": [1, 1, 1, 1], "rates": [1, 2, 1, 1], "padding": "VALID"}
for _x, _w, _y, _kind in (
    ((2, 4, 5, 2), (2, 3, 2), (2, 4, 3, 2), _SAME),
    ((1, 5, 4, 2), (2, 2, 2), (1, 3, 3, 2), _VALID),
):
    Dilation2D.examples(f[_x], f[_w], **_kind)
    Dilation2DBackpropInput.examples(f[_x], f[_w], f[_y], **_kind)
    Dilation2DBackpropFilter.examples(f[_x], f[_w], f[_y], **_kind)


@export("nn.dilation2d")
def dilation2d(
    input,
    filter=None,
    strides=None,
    rates=None,
    padding=None,
    name=None,
    filters=None,
    dilations=None,
):
    """Takes the maximum of image plus filter over every window: grey-scale dilation.

    Args:
      input: `[batch, height, width, channels]`.
      filter: `[kernel height, kernel width, channels]`.
      strides: four numbers.
      rates: four numbers, the steps between the filter's elements.
      padding: `"SAME"` or `"VALID"`.
      name: name of the node.
      filters: the newer name of `filter`.
      dilations: the newer name of `rates`.

    Returns:
      `[batch, out height, out width, channels]`.
    """
    return Dilation2D(
        input,
        renamed("filters", filters, "filter", filter),
        strides=strides,
        rates=renamed("dilations", dilations, "rates", rates),
        padding=padding,
        name=name,
    )


@export("nn.erosion2d")
def erosion2d(value, kernel, strides, rates, padding, name=None):
    """Takes the minimum of image minus mirrored kernel over every window: grey-scale erosion.

    Args:
      value: `[batch, height, width, channels]`.
      kernel: `[kernel height, kernel width, channels]`.
      strides: four numbers.
      rates: four numbers, the steps between the kernel's elements.
      padding: `"SAME"` or `"VALID"`.
      name: name of the nodes.

    Returns:
      `[batch, out height, out width, channels]`.
    """
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        negated = math.negative(value)
        mirrored = ops.ReverseV2(kernel, [0, 1])
        result = Dilation2D(
            negated, mirrored, strides=strides, rates=rates, padding=padding, name=scope
        )
        return math.negative(result)
