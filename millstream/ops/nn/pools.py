"""`tf.nn.max_pool` and its kin: the public functions over the pooling ops."""

from millstream.base.dtypes import int64
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import per_axis, renamed
from millstream.ops.nn.convolution import strides_and_rates
from millstream.ops.nn.pool import AvgPool, MaxPool, MaxPoolWithArgmax
from millstream.ops.nn.pool3d import AvgPool3D, MaxPool3D
from millstream.ops.nn.space_to_batch import with_space_to_batch


def _windows(opdef, value, ksize, strides, padding, data_format, spatial, name):
    return opdef(
        value,
        ksize=per_axis(ksize, "ksize", data_format, spatial),
        strides=per_axis(strides, "strides", data_format, spatial),
        padding=padding,
        data_format=data_format,
        name=name,
    )


@export("nn.max_pool")
def max_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """Takes the maximum of every window.

    Args:
      value: `[batch, height, width, channels]`.
      ksize: size of the window: one number, two or four.
      strides: one number, two or four.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NHWC"` or `"NCHW"`.
      name: name of the node.
      input: the newer name of `value`.

    Returns:
      `[batch, out height, out width, channels]`, of the dtype of `value`.
    """
    value = renamed("input", input, "value", value)
    with name_scope(name, "MaxPool", [value]) as scope:
        data_format = data_format or "NHWC"
        value = to_tensor(value, None, "input")
        return _windows(MaxPool, value, ksize, strides, padding, data_format, 2, scope)


@export("nn.max_pool2d")
def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """Takes the maximum of every window; arguments as for `tf.nn.max_pool`.

    Returns:
      `[batch, out height, out width, channels]`.
    """
    with name_scope(name, "MaxPool2d", [input]) as scope:
        data_format = data_format or "NHWC"
        return _windows(MaxPool, input, ksize, strides, padding, data_format, 2, scope)


@export("nn.avg_pool", "nn.avg_pool2d")
def avg_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """Takes the mean of every window; padding does not count.

    Args:
      value: `[batch, height, width, channels]`.
      ksize: size of the window: one number, two or four.
      strides: one number, two or four.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NHWC"` or `"NCHW"`.
      name: name of the node.
      input: the newer name of `value`.

    Returns:
      `[batch, out height, out width, channels]`, of the dtype of `value`.
    """
    value = renamed("input", input, "value", value)
    with name_scope(name, "AvgPool", [value]) as scope:
        data_format = data_format or "NHWC"
        return _windows(AvgPool, value, ksize, strides, padding, data_format, 2, scope)


# -- one and three spatial axes


def _pool1d(opdef, input, ksize, strides, padding, data_format, scope):
    """Pools sequences as images of height 1."""
    first = (data_format or "NWC").startswith("NC")
    axis, layout = (2, "NCHW") if first else (1, "NHWC")
    images = array.expand_dims(input, axis)
    ksize = per_axis(ksize, "ksize", data_format or "NWC", 1)
    strides = per_axis(strides, "strides", data_format or "NWC", 1)
    result = opdef(
        images,
        ksize=[*ksize[:axis], 1, *ksize[axis:]],
        strides=[*strides[:axis], 1, *strides[axis:]],
        padding=padding,
        data_format=layout,
        name=scope,
    )
    return ops.Squeeze(result, squeeze_dims=[axis])


@export("nn.max_pool1d")
def max_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """Takes the maximum of every window of sequences.

    Args:
      input: `[batch, width, channels]`.
      ksize: size of the window: one number or three.
      strides: one number or three.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NWC"` or `"NCW"`.
      name: name of the nodes.

    Returns:
      `[batch, out width, channels]`.
    """
    with name_scope(name, "MaxPool1d", [input]) as scope:
        return _pool1d(MaxPool, input, ksize, strides, padding, data_format, scope)


@export("nn.avg_pool1d")
def avg_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """Takes the mean of every window of sequences; arguments as for `tf.nn.max_pool1d`.

    Returns:
      `[batch, out width, channels]`.
    """
    with name_scope(name, "AvgPool1D", [input]) as scope:
        return _pool1d(AvgPool, input, ksize, strides, padding, data_format, scope)


@export("nn.max_pool3d")
def max_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """Takes the maximum of every window of volumes.

    Args:
      input: `[batch, depth, height, width, channels]`.
      ksize: size of the window: one number, three or five.
      strides: one number, three or five.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NDHWC"` or `"NCDHW"`.
      name: name of the node.

    Returns:
      `[batch, out depth, out height, out width, channels]`.
    """
    with name_scope(name, "MaxPool3D", [input]) as scope:
        data_format = data_format or "NDHWC"
        return _windows(MaxPool3D, input, ksize, strides, padding, data_format, 3, scope)


@export("nn.avg_pool3d")
def avg_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """Takes the mean of every window of volumes; arguments as for `tf.nn.max_pool3d`.

    Returns:
      `[batch, out depth, out height, out width, channels]`.
    """
    with name_scope(name, "AvgPool3D", [input]) as scope:
        data_format = data_format or "NDHWC"
        return _windows(AvgPool3D, input, ksize, strides, padding, data_format, 3, scope)


# -- any rank


def _spatial_count(input, data_format):
    if data_format is not None:
        return len(data_format) - 2
    shape = getattr(input, "shape", None)
    ndims = len(shape) if isinstance(shape, tuple) else getattr(shape, "ndims", None)
    if ndims not in (3, 4, 5):
        raise ValueError(f"input must be of rank 3, 4 or 5, or data_format given; got {input}")
    return ndims - 2


@export("nn.max_pool_v2")
def max_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """Takes the maximum of every window over one, two or three spatial axes.

    Args:
      input: `[batch, spatial..., channels]`, or with the channels second.
      ksize: size of the window: one number or one per axis.
      strides: one number or one per axis.
      padding: `"SAME"` or `"VALID"`.
      data_format: a layout.
      name: name of the nodes.

    Returns:
      `[batch, out spatial..., channels]`.
    """
    pool = {1: max_pool1d, 2: max_pool, 3: max_pool3d}[_spatial_count(input, data_format)]
    return pool(input, ksize, strides, padding, data_format, name)


@export("nn.avg_pool_v2")
def avg_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """Takes the mean of every window over one, two or three spatial axes; see `max_pool_v2`."""
    pool = {1: avg_pool1d, 2: avg_pool, 3: avg_pool3d}[_spatial_count(input, data_format)]
    return pool(input, ksize, strides, padding, data_format, name)


_POOLS = {
    ("MAX", 1): max_pool1d,
    ("MAX", 2): max_pool,
    ("MAX", 3): max_pool3d,
    ("AVG", 1): avg_pool1d,
    ("AVG", 2): avg_pool,
    ("AVG", 3): avg_pool3d,
}


@export("nn.pool")
def pool(
    input,
    window_shape,
    pooling_type,
    padding,
    dilation_rate=None,
    strides=None,
    name=None,
    data_format=None,
    dilations=None,
):
    """Pools over one, two or three spatial axes.

    Args:
      input: `[batch, spatial..., channels]`, or with the channels second.
      window_shape: one number per spatial axis.
      pooling_type: `"MAX"` or `"AVG"`.
      padding: `"SAME"` or `"VALID"`.
      dilation_rate: one number per spatial axis; only with `"VALID"`, and not with strides.
      strides: one number per spatial axis, none larger than the window's.
      name: name of the nodes.
      data_format: a layout; one that begins with `NC` has the channels second.
      dilations: the newer name of `dilation_rate`.

    Returns:
      `[batch, out spatial..., channels]`.

    Raises:
      ValueError: for combinations that are not supported.
    """
    rates = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    count = len(window_shape)
    with name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = to_tensor(input, None, "input")
        strides, rates = strides_and_rates(count, strides, rates)
        if padding == "SAME" and any(r > 1 for r in rates):
            raise ValueError("pooling with SAME padding is not implemented for dilation_rate > 1")
        if any(s > w for s, w in zip(strides, window_shape, strict=True)):
            raise ValueError(
                "strides > window_shape not supported due to inconsistency between CPU and GPU "
                "implementations"
            )
        chosen = _POOLS.get((pooling_type, count))
        if chosen is None:
            raise ValueError(f"{count}-D {pooling_type} pooling is not supported.")
        first = data_format is not None and data_format.startswith("NC")
        layout = (
            ("NCW", "NCHW", "NCDHW")[count - 1] if first else ("NWC", "NHWC", "NDHWC")[count - 1]
        )

        def apply(images, _, padding):
            return chosen(images, list(window_shape), strides, padding, layout, scope)

        return with_space_to_batch(
            input,
            dilation_rate=rates,
            padding=padding,
            op=apply,
            spatial_dims=None,
            data_format=data_format,
        )


@export("nn.max_pool_with_argmax")
def max_pool_with_argmax(
    input,
    ksize,
    strides,
    padding,
    data_format="NHWC",
    Targmax=None,
    name=None,
    output_dtype=None,
    include_batch_in_index=False,
):
    """Takes the maximum of every window, and says where it stands.

    Args:
      input: `[batch, height, width, channels]`.
      ksize: size of the window: four numbers.
      strides: four numbers.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NHWC"`.
      Targmax: int32 or int64 (the default), the dtype of the places.
      name: name of the node.
      output_dtype: the newer name of `Targmax`.
      include_batch_in_index: whether places count from the batch's beginning, not the image's.

    Returns:
      `(output, argmax)`: maxima, and their places `(y * width + x) * channels + c`.

    Raises:
      ValueError: for another layout.
    """
    if data_format != "NHWC":
        raise ValueError("data_format values other than 'NHWC' are not supported")
    targets = renamed("output_dtype", output_dtype, "Targmax", Targmax)
    return MaxPoolWithArgmax(
        input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        Targmax=int64 if targets is None else targets,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )
