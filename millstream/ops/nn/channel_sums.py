"""Sums of images per channel, in JAX."""

import math

from millstream.base.lazy import jnp, lax

_ROWS = 64
"""From how many rows on a product of matrices is faster than XLA's own loop."""


def sum_per_channel(x, axes):
    """Sums a float image over all axes but the channels, in its own dtype.

    XLA's loop over leading axes is not vectorised on CPUs; a product with a row of ones is. The
    barrier keeps XLA from merging what makes `x` into that product, which is slow then. Processor
    time of a step, with XLA's loop, the bare product, and the product behind a barrier: two layers
    of convolution and batch norm on [32, 28, 28, 32] 25, not measured, 22 ms; the MNIST network
    with `tf.nn.bias_add` 38, 59, 36 to 38 ms.
    """
    rows = math.prod(x.shape[:-1])
    if tuple(axes) != tuple(range(x.ndim - 1)) or rows < _ROWS or x.dtype.itemsize < 4:
        return jnp.sum(x, axes, dtype=x.dtype)
    ones = jnp.ones((1, rows), x.dtype)
    flat = lax.optimization_barrier(x).reshape(rows, x.shape[-1])
    return lax.dot_general(ones, flat, (((1,), (0,)), ((), ())))[0]
