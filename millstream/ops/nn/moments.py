"""Means and variances: `tf.nn.moments` and its parts."""

from millstream.base.dtypes import float16, float32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import renamed


def _keep(keep_dims, keepdims):
    return bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))


@export("nn.moments")
def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
    """Computes mean and (biased) variance along axes.

    Args:
      x: a floating tensor; float16 is summed in float32.
      axes: list of axes to reduce, `[0, 1, 2]` for the channels of images.
      shift: ignored.
      name: name of the nodes.
      keep_dims: the older name of `keepdims`.
      keepdims: whether reduced axes stay, with size 1.

    Returns:
      `(mean, variance)`, of the dtype of `x`.
    """
    del shift
    keepdims = _keep(keep_dims, keepdims)
    with name_scope(name, "moments", [x, axes]):
        x = to_tensor(x)
        y = math.cast(x, float32) if x.dtype.base_dtype is float16 else x
        mean = math.reduce_mean(y, axes, keepdims=True, name="mean")
        spread = math.squared_difference(y, array.stop_gradient(mean))
        variance = math.reduce_mean(spread, axes, keepdims=True, name="variance")
        if not keepdims:
            mean, variance = array.squeeze(mean, axes), array.squeeze(variance, axes)
        return _narrowed(mean, x), _narrowed(variance, x)


def _narrowed(result, x):
    if x.dtype.base_dtype is float16:
        return math.cast(result, float16)
    return result


@export("nn.weighted_moments")
def weighted_moments(x, axes, frequency_weights, name=None, keep_dims=None, keepdims=None):
    """Computes mean and variance along axes, where elements count as often as their weight says.

    Args:
      x: a floating tensor.
      axes: list of axes to reduce.
      frequency_weights: a tensor that broadcasts with `x`.
      name: name of the nodes.
      keep_dims: the older name of `keepdims`.
      keepdims: whether reduced axes stay, with size 1.

    Returns:
      `(mean, variance)`, of the dtype of `x`.
    """
    keepdims = _keep(keep_dims, keepdims)
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        given = to_tensor(x, None, "x")
        weights = to_tensor(frequency_weights, None, "frequency_weights")
        x = math.cast(given, float32) if given.dtype.base_dtype is float16 else given
        if given.dtype.base_dtype is float16:
            weights = math.cast(weights, float32)
        total = math.reduce_sum(weights * x, axes, keepdims=True, name="weighted_input_sum")
        spread = weights + array.zeros_like(x)
        weight = math.reduce_sum(spread, axes, keepdims=True, name="sum_of_weights")
        divisor = math.reciprocal(weight, name="inv_weight_sum")
        mean = ops.Mul(total, divisor)
        squares = math.reduce_sum(
            weights * math.squared_difference(x, mean), axes, keepdims=True, name="weighted_distsq"
        )
        variance = ops.Mul(squares, divisor)
        if not keepdims:
            mean, variance = array.squeeze(mean, axes), array.squeeze(variance, axes)
        return _narrowed(mean, given), _narrowed(variance, given)


@export("nn.sufficient_statistics")
def sufficient_statistics(x, axes, shift=None, keep_dims=None, name=None, keepdims=None):
    """Computes count, sum and sum of squares along axes, from which moments follow.

    Args:
      x: a floating tensor.
      axes: list of axes to reduce.
      shift: a number near the mean, subtracted first for the sake of precision.
      keep_dims: the older name of `keepdims`.
      name: name of the nodes.
      keepdims: whether reduced axes stay, with size 1.

    Returns:
      `(count, sum of x - shift, sum of (x - shift) ** 2, shift)`; shift is `None` if not given.
    """
    keepdims = _keep(keep_dims, keepdims)
    axes = list(set(axes))
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = to_tensor(x, None, "x")
        count = _count(x, axes)
        if shift is None:
            values, squares = x, math.square(x)
        else:
            shift = to_tensor(shift, None, "shift")
            values = math.subtract(x, shift)
            squares = math.squared_difference(x, shift)
        total = math.reduce_sum(values, axes, keepdims=keepdims, name="mean_ss")
        total_squares = math.reduce_sum(squares, axes, keepdims=keepdims, name="var_ss")
        return count, total, total_squares, shift


def _count(x, axes):
    """Returns the number of elements that each sum is over, in the dtype of `x`."""
    sizes = x.shape.tuple
    if sizes is not None and all(sizes[a] is not None for a in axes):
        number = 1
        for axis in axes:
            number *= sizes[axis]
        return constant(number, x.dtype.base_dtype)
    shape = math.cast(array.shape(x), x.dtype.base_dtype)
    return math.reduce_prod(array.gather(shape, axes), name="count")


@export("nn.normalize_moments")
def normalize_moments(counts, mean_ss, variance_ss, shift, name=None):
    """Computes mean and variance from what `sufficient_statistics` gives.

    Args:
      counts: number of elements, a scalar.
      mean_ss: sum of the (shifted) elements.
      variance_ss: sum of their squares.
      shift: what was subtracted, or `None`.
      name: name of the nodes.

    Returns:
      `(mean, variance)`.
    """
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = math.reciprocal(counts, name="divisor")
        if shift is None:
            shifted = mean = ops.Mul(mean_ss, divisor, name="mean")
        else:
            shifted = ops.Mul(mean_ss, divisor, name="shifted_mean")
            mean = ops.Add(shifted, shift, name="mean")
        mean_square = ops.Mul(variance_ss, divisor)
        variance = ops.Sub(mean_square, math.square(shifted), name="variance")
        return mean, variance
