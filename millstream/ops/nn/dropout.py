"""`tf.nn.dropout`."""

import numbers

from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_array
from millstream.ops import array, math
from millstream.ops.nn._arguments import renamed
from millstream.ops.random.functions import random_uniform


@export("nn.dropout")
def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    """Zeroes elements at random and scales the others up, so that the sum stays what it was.

    Args:
      x: a floating tensor.
      keep_prob: the older way to say `1 - rate`.
      noise_shape: shape of the decisions, broadcast to that of `x`: `[batch, 1, 1, channels]` keeps
        or drops whole channels. By default every element has its own.
      seed: seed of the decisions.
      name: name of the nodes.
      rate: probability that an element is dropped, in `[0, 1)`.

    Returns:
      A tensor of the shape and dtype of `x`; `x` itself where nothing can be dropped.

    Raises:
      ValueError: if neither or both of `rate` and `keep_prob` are given, a rate is outside
        `[0, 1)`, or `x` is not floating.
    """
    dropped = None if keep_prob is None else 1.0 - keep_prob
    rate = renamed("rate", rate, "keep_prob", dropped)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    return dropout_v2(x, rate, noise_shape, seed, name)


@export("compat.v2.nn.dropout")
def dropout_v2(x, rate, noise_shape=None, seed=None, name=None):
    """Zeroes elements at random with probability `rate`; arguments as for `tf.nn.dropout`."""
    with name_scope(name, "dropout", [x]):
        is_number = isinstance(rate, numbers.Real)
        if is_number and not 0 <= rate < 1:
            raise ValueError(
                f"rate must be a scalar tensor or a float in the range [0, 1), got {rate:g}"
            )
        x = to_tensor(x, None, "x")
        dtype = x.dtype.base_dtype
        if not dtype.is_floating:
            raise ValueError(
                "x has to be a floating point tensor since it's going to be scaled. "
                f"Got a {x.dtype!r} tensor instead."
            )
        if is_number and rate == 0:
            return x
        rate = to_tensor(rate, dtype, "rate")
        rate.shape.assert_is_compatible_with([])
        known = constant_array(rate)
        if known is not None and known == 0:
            return x
        return _masked(x, rate, random_uniform(_decisions(x, noise_shape), dtype=dtype, seed=seed))


def _masked(x, rate, noise):
    scale = 1.0 / (1.0 - rate)
    keep = noise >= rate
    result = x * scale * math.cast(keep, x.dtype.base_dtype)
    result.set_shape(x.shape)
    return result


def _decisions(x, noise_shape):
    """Returns the shape of the decisions; unknown sizes in it are those of `x`."""
    if noise_shape is None:
        return array.shape(x)
    try:
        sizes = TensorShape(noise_shape).tuple
    except (TypeError, ValueError):
        return noise_shape
    if sizes is None or x.shape.ndims != len(sizes):
        return noise_shape
    return TensorShape(
        [
            size if wanted is None else wanted
            for wanted, size in zip(sizes, x.shape.tuple, strict=True)
        ]
    )
