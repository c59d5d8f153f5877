"""`tf.nn.conv2d` and its kin: the public functions over the convolution and pooling ops."""

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.nn._arguments import renamed
from millstream.ops.nn.conv import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput
from millstream.ops.nn.pool import AvgPool, MaxPool


def four(value, name, data_format):
    """Returns strides or dilations for all four axes from one, two or four numbers."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) == 1:
        values = values * 2
    if len(values) == 4:
        return values
    if len(values) != 2:
        raise ValueError(f"{name} should be of length 1, 2 or 4 but was {len(values)}")
    return [1, 1, *values] if data_format == "NCHW" else [1, *values, 1]


def _padding(padding):
    """Returns the attrs for `"SAME"`, `"VALID"` or explicit pairs per axis."""
    if isinstance(padding, (list, tuple)):
        flat = [p for pair in padding for p in pair]
        if flat and not any(flat):
            return "VALID", []
        return "EXPLICIT", flat
    if padding == "EXPLICIT":
        raise ValueError(
            '"EXPLICIT" is not a valid value for padding: give a list of pairs instead'
        )
    return padding, []


@export("nn.conv2d")
def conv2d(
    input,
    filter=None,
    strides=None,
    padding=None,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=(1, 1, 1, 1),
    name=None,
    filters=None,
):
    """Correlates images with a filter.

    Args:
      input: `[batch, height, width, in]` (or `NCHW`), float16, bfloat16, float32 or float64.
      filter: `[kernel height, kernel width, in, out]`.
      strides: one number, two or four.
      padding: `"SAME"`, `"VALID"`, or four `(before, after)` pairs, one per axis.
      use_cudnn_on_gpu: kept in the node; the compiler chooses.
      data_format: `"NHWC"` or `"NCHW"`.
      dilations: one number, two or four.
      name: name of the node.
      filters: the newer name of `filter`.

    Returns:
      `[batch, out height, out width, out]`, of the layout and dtype of `input`.

    Raises:
      ValueError: if channels or sizes do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    padding, explicit = _padding(padding)
    data_format = data_format or "NHWC"
    return Conv2D(
        input,
        filter,
        strides=four(strides, "strides", data_format),
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=four(dilations, "dilations", data_format),
        name=name,
    )


@export("nn.conv2d_backprop_filter")
def conv2d_backprop_filter(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=(1, 1, 1, 1),
    name=None,
):
    """Computes the gradient of `conv2d` by its filter; arguments as there.

    Returns:
      A tensor of shape `filter_sizes`.
    """
    padding, explicit = _padding(padding)
    return Conv2DBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.conv2d_backprop_input")
def conv2d_backprop_input(
    input_sizes,
    filter=None,
    out_backprop=None,
    strides=None,
    padding=None,
    use_cudnn_on_gpu=True,
    data_format="NHWC",
    dilations=(1, 1, 1, 1),
    name=None,
    filters=None,
):
    """Computes the gradient of `conv2d` by its images; arguments as there.

    Returns:
      A tensor of shape `input_sizes`.
    """
    filter = renamed("filters", filters, "filter", filter)
    padding, explicit = _padding(padding)
    return Conv2DBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.conv2d_transpose")
def conv2d_transpose(
    value=None,
    filter=None,
    output_shape=None,
    strides=None,
    padding="SAME",
    data_format="NHWC",
    name=None,
    input=None,
    filters=None,
    dilations=None,
):
    """Transposes `conv2d`: from the shape of its output to that of its input.

    Args:
      value: `[batch, height, width, in]`.
      filter: `[kernel height, kernel width, out, in]`.
      output_shape: the shape to give, an integer vector.
      strides: of the convolution that this transposes.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NHWC"` or `"NCHW"`.
      name: name of the node.
      input: the newer name of `value`.
      filters: the newer name of `filter`.
      dilations: of the convolution that this transposes.

    Returns:
      A tensor of shape `output_shape`.
    """
    value = renamed("input", input, "value", value)
    filter = renamed("filters", filters, "filter", filter)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        return Conv2DBackpropInput(
            output_shape,
            filter,
            to_tensor(value, None, "value"),
            strides=four(1 if strides is None else strides, "strides", data_format),
            padding=padding,
            data_format=data_format,
            dilations=four(1 if dilations is None else dilations, "dilations", data_format),
            name=scope,
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

    Raises:
      ValueError: if the window slides over batch or channels.
    """
    value = renamed("input", input, "value", value)
    with name_scope(name, "MaxPool", [value]) as scope:
        return MaxPool(
            to_tensor(value, None, "input"),
            ksize=four(1 if ksize is None else ksize, "ksize", data_format),
            strides=four(1 if strides is None else strides, "strides", data_format),
            padding=padding,
            data_format=data_format,
            name=scope,
        )


@export("nn.max_pool2d")
def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """Takes the maximum of every window; arguments as for `tf.nn.max_pool`.

    Returns:
      `[batch, out height, out width, channels]`.
    """
    with name_scope(name, "MaxPool2d", [input]) as scope:
        return max_pool(input, ksize, strides, padding, data_format or "NHWC", scope)


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
        return AvgPool(
            to_tensor(value, None, "value"),
            ksize=four(1 if ksize is None else ksize, "ksize", data_format),
            strides=four(1 if strides is None else strides, "strides", data_format),
            padding=padding,
            data_format=data_format,
            name=scope,
        )
