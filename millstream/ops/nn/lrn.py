"""Local response normalisation: each value over a power of the squares of channels around it."""

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.spec import BFloat16, Float, Half, Tensor, f, op


@op(defaults={"T": Float})
def LRN[T: (Half, BFloat16, Float)](
    input: Tensor[T],
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Tensor[T]:
    """Gives `x / (bias + alpha * (sum of x ** 2 over channels within depth_radius)) ** beta`."""


@op(defaults={"T": Float})
def LRNGrad[T: (Half, BFloat16, Float)](
    input_grads: Tensor[T],
    input_image: Tensor[T],
    output_image: Tensor[T],
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Tensor[T]:
    """Gives the gradient of `LRN` by its image."""


@LRN.shape
def _(input):
    return input.with_rank(4)


@LRNGrad.shape
def _(input_image):
    return input_image.with_rank(4)


def _window_sum(x, radius):
    """Sums channels within the radius, as one window of XLA's."""
    size = 2 * radius + 1
    return lax.reduce_window(
        x, np.array(0, x.dtype), lax.add, (1, 1, 1, size), (1, 1, 1, 1),
        ((0, 0), (0, 0), (0, 0), (radius, radius)),
    )  # fmt: skip


def _band_sum(x, radius):
    """Sums channels within the radius, as differences of running sums, in NumPy."""
    depth = x.shape[-1]
    sums = np.zeros((*x.shape[:-1], depth + 1), np.float64)
    np.cumsum(x, -1, out=sums[..., 1:])
    at = np.arange(depth)
    return sums[..., np.minimum(at + radius + 1, depth)] - sums[..., np.maximum(at - radius, 0)]


@LRN.kernel
def _(input, depth_radius, bias, alpha, beta):
    x = input.astype(jnp.float32)
    norm = bias + alpha * _window_sum(x * x, depth_radius)
    return (x * norm**-beta).astype(input.dtype)


@LRN.reference
def _(input, depth_radius, bias, alpha, beta):
    x = input.astype(np.float64)
    return (x * (bias + alpha * _band_sum(x * x, depth_radius)) ** -beta).astype(input.dtype)


@LRNGrad.kernel
def _(input_grads, input_image, depth_radius, bias, alpha, beta):
    dy, x = input_grads.astype(jnp.float32), input_image.astype(jnp.float32)
    norm = bias + alpha * _window_sum(x * x, depth_radius)
    power = norm**-beta
    through = _window_sum(dy * x * power / norm, depth_radius)
    return (dy * power - 2 * alpha * beta * x * through).astype(input_image.dtype)


@LRNGrad.reference
def _(input_grads, input_image, depth_radius, bias, alpha, beta):
    dy, x = input_grads.astype(np.float64), input_image.astype(np.float64)
    norm = bias + alpha * _band_sum(x * x, depth_radius)
    through = _band_sum(dy * x * norm ** (-beta - 1), depth_radius)
    return (dy * norm**-beta - 2 * alpha * beta * x * through).astype(input_image.dtype)


@LRN.gradient
def _(node, dy):
    attrs = {k: node.attrs[k] for k in ("depth_radius", "bias", "alpha", "beta")}
    return LRNGrad(dy, node.inputs[0], node.outputs[0], **attrs)


LRNGrad.no_gradient("TensorFlow has none")
for _attrs in ({}, {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75}):
    LRN.examples(f[1, 2, 3, 7], **_attrs)
    LRNGrad.examples(f[1, 2, 3, 7], 2 * f[1, 2, 3, 7], f[1, 2, 3, 7], **_attrs)
LRN.fails("rank 4", f[2, 3])


@export("nn.lrn", "nn.local_response_normalization")
def lrn(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
    """Normalises each value by the squares of the channels around it.

    Args:
      input: `[batch, height, width, channels]`, float16, bfloat16 or float32.
      depth_radius: half the width of the window over channels.
      bias: added before the power, against division by zero.
      alpha: factor of the sum of squares.
      beta: exponent.
      name: name of the node.

    Returns:
      A tensor of the shape and dtype of `input`.

    Source:
      Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural
      networks, 2012.
    """
    return LRN(input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name)
