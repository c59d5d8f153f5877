"""Sums of images per channel, in JAX."""

import math

from millstream.base.lazy import jnp, lax

_ROWS = 64
"""From how many rows on a product of matrices is faster than XLA's own loop."""


def sum_per_channel(x, axes):
    """Sums a float image over all axes but the channels, in its own dtype.

    XLA's loop over leading axes is not vectorised on CPUs; a product with a row of ones is: 0.22 ms
    of processor time against 1.36 for [64, 28, 28, 32].
    """
    rows = math.prod(x.shape[:-1])
    if tuple(axes) != tuple(range(x.ndim - 1)) or rows < _ROWS or x.dtype.itemsize < 4:
        return jnp.sum(x, axes, dtype=x.dtype)
    ones = jnp.ones((1, rows), x.dtype)
    product = lax.dot_general(ones, x.reshape(rows, -1), (((1,), (0,)), ((), ())))
    return product[0]
