"""`tf.nn.batch_normalization`, `fused_batch_norm`, `l2_normalize` and `zero_fraction`."""

from millstream.base.dtypes import float32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import renamed
from millstream.ops.nn.batch_norm import FusedBatchNormV3

_LEAST_EPSILON = 1.001e-5  # what cuDNN accepts; TensorFlow uses it on CPUs too


@export("nn.batch_normalization")
def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """Normalises by given moments: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.

    Args:
      x: a floating tensor.
      mean: a tensor that broadcasts with `x`, as do the next three.
      variance: the square of the spread.
      offset: what is added, or `None`.
      scale: what multiplies, or `None`.
      variance_epsilon: small number against division by zero.
      name: name of the nodes.

    Returns:
      A tensor of the shape and dtype of `x`.
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        factor = math.rsqrt(variance + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        dtype = getattr(x, "dtype", float32)
        scaled = x * math.cast(factor, dtype)
        shift = -mean * factor if offset is None else offset - mean * factor
        return scaled + math.cast(shift, dtype)


@export("nn.batch_norm_with_global_normalization")
def batch_norm_with_global_normalization(
    t=None,
    m=None,
    v=None,
    beta=None,
    gamma=None,
    variance_epsilon=None,
    scale_after_normalization=None,
    name=None,
    input=None,
    mean=None,
    variance=None,
):
    """Normalises images by given moments; `tf.nn.batch_normalization` under older names.

    Args:
      t: `[batch, height, width, channels]`.
      m: mean, `[channels]`.
      v: variance, `[channels]`.
      beta: offset, `[channels]`.
      gamma: scale, `[channels]`.
      variance_epsilon: small number against division by zero.
      scale_after_normalization: whether `gamma` is used.
      name: name of the nodes.
      input: the newer name of `t`.
      mean: the newer name of `m`.
      variance: the newer name of `v`.

    Returns:
      A tensor of the shape and dtype of `t`.
    """
    return batch_normalization(
        renamed("input", input, "t", t),
        renamed("mean", mean, "m", m),
        renamed("variance", variance, "v", v),
        beta,
        gamma if scale_after_normalization else None,
        variance_epsilon,
        name,
    )


@export("nn.fused_batch_norm")
def fused_batch_norm(
    x,
    scale,
    offset,
    mean=None,
    variance=None,
    epsilon=0.001,
    data_format="NHWC",
    is_training=True,
    name=None,
):
    """Normalises the channels of images, in training by the moments of the batch itself.

    Args:
      x: `[batch, height, width, channels]` (or `NCHW`), float16, bfloat16 or float32.
      scale: `[channels]` float32.
      offset: `[channels]` float32.
      mean: `[channels]` float32, for inference; `None` in training.
      variance: `[channels]` float32, for inference; `None` in training.
      epsilon: small number against division by zero, at least 1.001e-5.
      data_format: `"NHWC"` or `"NCHW"`.
      is_training: whether the moments are the batch's.
      name: name of the node.

    Returns:
      `(y, mean, variance)`: in training the batch's mean and its unbiased variance.

    Raises:
      ValueError: if moments are given in training.
    """
    x = to_tensor(x, None, "input")
    scale = to_tensor(scale, None, "scale")
    offset = to_tensor(offset, None, "offset")
    if is_training and (mean is not None or variance is not None):
        raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    result = FusedBatchNormV3(
        x,
        scale,
        offset,
        constant([], float32) if mean is None else mean,
        constant([], float32) if variance is None else variance,
        epsilon=max(epsilon, _LEAST_EPSILON),
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return result[0], result[1], result[2]


@export("nn.l2_normalize", "math.l2_normalize", "linalg.l2_normalize")
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """Scales vectors to length 1: `x / sqrt(max(sum(x ** 2), epsilon))`.

    Args:
      x: a floating tensor.
      axis: axis or axes along which a vector lies.
      epsilon: lower bound of the squared length.
      name: name of the result's node.
      dim: the older name of `axis`.

    Returns:
      A tensor of the shape and dtype of `x`.
    """
    axis = renamed("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = to_tensor(x, None, "x")
        squares = math.reduce_sum(math.square(x), axis, keepdims=True)
        inverse = math.rsqrt(math.maximum(squares, epsilon))
        return ops.Mul(x, inverse, name=scope)


_NODES_OF_BRANCHES = 16


@export("nn.zero_fraction", "math.zero_fraction")
def zero_fraction(value, name=None):
    """Computes which part of a tensor's elements is zero.

    TensorFlow counts small and large tensors in two branches of a conditional; here there is one.
    Seeds of later random nodes depend on the number of nodes, so that the others count as made.

    Args:
      value: a numeric tensor.
      name: name of the nodes.

    Returns:
      A float32 scalar; NaN for a tensor without elements.
    """
    with name_scope(name, "zero_fraction", [value]):
        value = to_tensor(value, None, "value")
        size = array.size(value, out_type="int64")
        zero = ops.Equal(value, to_tensor(0, value.dtype.base_dtype))
        count = math.reduce_sum(math.cast(zero, "int64"))
        for _ in range(_NODES_OF_BRANCHES):
            value.graph.next_id()
        fraction = math.cast(count, "float32") / math.cast(size, "float32")
        return array.identity(fraction, name="fraction")
