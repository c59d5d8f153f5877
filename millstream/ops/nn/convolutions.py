"""`tf.nn.conv2d` and its kin: the public functions over the convolution ops."""

from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ops.nn._arguments import padding_attrs, per_axis, renamed
from millstream.ops.nn.conv import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput
from millstream.ops.nn.conv3d import Conv3D, Conv3DBackpropFilterV2, Conv3DBackpropInputV2


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
    padding, explicit = padding_attrs(padding)
    data_format = data_format or "NHWC"
    return Conv2D(
        input,
        filter,
        strides=per_axis(strides, "strides", data_format),
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=per_axis(dilations, "dilations", data_format),
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
    padding, explicit = padding_attrs(padding)
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
    padding, explicit = padding_attrs(padding)
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
            value,
            strides=per_axis(strides, "strides", data_format),
            padding=padding,
            data_format=data_format,
            dilations=per_axis(dilations, "dilations", data_format),
            name=scope,
        )


@export("nn.conv3d")
def conv3d(
    input,
    filter=None,
    strides=None,
    padding=None,
    data_format="NDHWC",
    dilations=(1, 1, 1, 1, 1),
    name=None,
    filters=None,
):
    """Correlates volumes with a filter.

    Args:
      input: `[batch, depth, height, width, in]` (or `NCDHW`), floats.
      filter: `[kernel depth, kernel height, kernel width, in, out]`.
      strides: five numbers.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NDHWC"` or `"NCDHW"`.
      dilations: five numbers.
      name: name of the node.
      filters: the newer name of `filter`.

    Returns:
      `[batch, out depth, out height, out width, out]`.

    Raises:
      ValueError: if channels or sizes do not fit.
    """
    return Conv3D(
        input,
        renamed("filters", filters, "filter", filter),
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.conv3d_backprop_filter_v2", "nn.conv3d_backprop_filter")
def conv3d_backprop_filter_v2(
    input,
    filter_sizes,
    out_backprop,
    strides,
    padding,
    data_format="NDHWC",
    dilations=(1, 1, 1, 1, 1),
    name=None,
):
    """Computes the gradient of `conv3d` by its filter; arguments as there.

    Returns:
      A tensor of shape `filter_sizes`.
    """
    return Conv3DBackpropFilterV2(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


@export("nn.conv3d_transpose")
def conv3d_transpose(
    value,
    filter=None,
    output_shape=None,
    strides=None,
    padding="SAME",
    data_format="NDHWC",
    name=None,
    input=None,
    filters=None,
    dilations=None,
):
    """Transposes `conv3d`: from the shape of its output to that of its input.

    Args:
      value: `[batch, depth, height, width, in]`.
      filter: `[kernel depth, kernel height, kernel width, out, in]`.
      output_shape: the shape to give, an integer vector.
      strides: of the convolution that this transposes.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NDHWC"` or `"NCDHW"`.
      name: name of the node.
      input: the newer name of `value`.
      filters: the newer name of `filter`.
      dilations: of the convolution that this transposes.

    Returns:
      A tensor of shape `output_shape`.
    """
    value = renamed("input", input, "value", value)
    filter = renamed("filters", filters, "filter", filter)
    with name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        return Conv3DBackpropInputV2(
            output_shape,
            filter,
            value,
            strides=per_axis(strides, "strides", data_format, 3),
            padding=padding,
            data_format=data_format,
            dilations=per_axis(dilations, "dilations", data_format, 3),
            name=scope,
        )
