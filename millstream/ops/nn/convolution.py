"""Convolutions of any rank and dilated ones: `tf.nn.convolution`, `conv1d`, `atrous_conv2d`."""

import numpy as np

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array
from millstream.ops.by_name import ops
from millstream.ops.nn._arguments import per_axis, renamed
from millstream.ops.nn.conv import Conv2D, Conv2DBackpropInput
from millstream.ops.nn.conv3d import Conv3D
from millstream.ops.nn.convolutions import conv2d_transpose, conv3d_transpose
from millstream.ops.nn.space_to_batch import base_paddings, interleaved, spatial_axes_of

_FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
_LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


@export("nn.conv1d")
def conv1d(
    value=None,
    filters=None,
    stride=None,
    padding=None,
    use_cudnn_on_gpu=None,
    data_format=None,
    name=None,
    input=None,
    dilations=None,
):
    """Correlates sequences with a filter, as images of height 1.

    Args:
      value: `[batch, width, in]` (or `NCW`), floats.
      filters: `[kernel width, in, out]`.
      stride: one number or three.
      padding: `"SAME"` or `"VALID"`.
      use_cudnn_on_gpu: kept in the node; the compiler chooses.
      data_format: `"NWC"` or `"NCW"`.
      name: name of the nodes.
      input: the newer name of `value`.
      dilations: one number or three.

    Returns:
      `[batch, out width, out]`.

    Raises:
      ValueError: if channels or sizes do not fit, or for another layout.
    """
    value = renamed("input", input, "value", value)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        first = _channels_first(data_format)
        axis = 2 if first else 1
        layout = "NCHW" if first else "NHWC"
        images = array.expand_dims(value, axis)
        result = Conv2D(
            images,
            array.expand_dims(filters, 0),
            strides=_with_height(stride, "stride", axis, layout),
            padding=padding,
            use_cudnn_on_gpu=use_cudnn_on_gpu,
            data_format=layout,
            dilations=_with_height(dilations, "dilations", axis, layout),
            name=scope,
        )
        return ops.Squeeze(result, squeeze_dims=[axis])


def _channels_first(data_format):
    if data_format in (None, "NHWC", "NWC"):
        return False
    if data_format in ("NCHW", "NCW"):
        return True
    raise ValueError('data_format must be "NWC" or "NCW".')


def _with_height(value, name, axis, layout):
    """Returns four strides or dilations, that of the height being 1."""
    values = per_axis(value, name, layout, 1)
    return [*values[:axis], 1, *values[axis:]]


@export("nn.conv1d_transpose")
def conv1d_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format="NWC",
    dilations=None,
    name=None,
):
    """Transposes `conv1d`: from the shape of its output to that of its input.

    Args:
      input: `[batch, width, in]`.
      filters: `[kernel width, out, in]`.
      output_shape: the shape to give, three integers.
      strides: of the convolution that this transposes.
      padding: `"SAME"` or `"VALID"`.
      data_format: `"NWC"` or `"NCW"`.
      dilations: of the convolution that this transposes.
      name: name of the nodes.

    Returns:
      A tensor of shape `output_shape`.
    """
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        first = _channels_first(data_format)
        axis = 2 if first else 1
        layout = "NCHW" if first else "NHWC"
        images, kernel = array.expand_dims(input, axis), array.expand_dims(filters, 0)
        shape = list(output_shape) if isinstance(output_shape, tuple) else output_shape
        shape = array.concat([shape[:axis], [1], shape[axis:]], 0)
        result = Conv2DBackpropInput(
            shape,
            kernel,
            images,
            strides=_with_height(strides, "strides", axis, layout),
            padding=padding,
            data_format=layout,
            dilations=_with_height(dilations, "dilations", axis, layout),
            name=scope,
        )
        return ops.Squeeze(result, squeeze_dims=[axis])


@export("nn.conv_transpose")
def conv_transpose(
    input,
    filters,
    output_shape,
    strides,
    padding="SAME",
    data_format=None,
    dilations=None,
    name=None,
):
    """Transposes a convolution of one, two or three spatial axes.

    Args:
      input: `[batch, spatial..., in]`.
      filters: `[spatial..., out, in]`.
      output_shape: the shape to give.
      strides: of the convolution that this transposes.
      padding: `"SAME"` or `"VALID"`.
      data_format: a layout.
      dilations: of the convolution that this transposes.
      name: name of the nodes.

    Returns:
      A tensor of shape `output_shape`.

    Raises:
      ValueError: for another number of axes.
    """
    with name_scope(name, "conv_transpose", [input, filters, output_shape]) as scope:
        spatial = np.ndim(filters) if isinstance(filters, np.ndarray) else filters.shape.ndims
        spatial = None if spatial is None else spatial - 2
        functions = {1: conv1d_transpose, 2: conv2d_transpose, 3: conv3d_transpose}
        if spatial not in functions:
            raise ValueError(f"conv_transpose takes 1, 2 or 3 spatial axes, not {spatial}")
        return functions[spatial](
            input,
            filters,
            output_shape,
            strides,
            padding=padding,
            data_format=data_format or _LAST[spatial],
            dilations=dilations,
            name=scope,
        )


# -- any rank


def _rank(input, filter, window):
    for value, others in ((filter, 2), (input, 2)):
        shape = getattr(value, "shape", None)
        ndims = len(shape) if isinstance(shape, tuple) else getattr(shape, "ndims", None)
        if ndims is not None:
            return ndims - others
    return window


def strides_and_rates(count, strides, rates):
    """Returns strides and dilation rates, ones where not given.

    Raises:
      ValueError: for wrong lengths, values below 1, or both above 1.
    """
    rates = [1] * count if rates is None else list(rates)
    strides = [1] * count if strides is None else list(strides)
    for name, values in (("dilation_rate", rates), ("strides", strides)):
        if len(values) != count:
            raise ValueError(f"len({name})={len(values)} but should be {count}")
        if any(v < 1 for v in values):
            raise ValueError(f"all values of {name} must be positive")
    if any(s > 1 for s in strides) and any(r > 1 for r in rates):
        raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
    return strides, rates


@export("nn.convolution")
def convolution(
    input,
    filter,
    padding,
    strides=None,
    dilation_rate=None,
    name=None,
    data_format=None,
    filters=None,
    dilations=None,
):
    """Correlates images of one, two or three spatial axes with a filter.

    Args:
      input: `[batch, spatial..., in]`, or with the channels second.
      filter: `[spatial..., in, out]`.
      padding: `"SAME"` or `"VALID"`.
      strides: one number per spatial axis.
      dilation_rate: one number per spatial axis; not together with strides.
      name: name of the nodes.
      data_format: a layout; one that begins with `NC` has the channels second.
      filters: the newer name of `filter`.
      dilations: the newer name of `dilation_rate`.

    Returns:
      `[batch, out spatial..., out]`.

    Raises:
      ValueError: if sizes do not fit, or strides and dilations are both above 1.
    """
    filter = renamed("filters", filters, "filter", filter)
    dilation_rate = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    with name_scope(name, "convolution", [input, filter]) as scope:
        count = _rank(input, filter, None)
        if count not in _LAST:
            raise ValueError(f"convolution takes 1, 2 or 3 spatial axes, not {count}")
        strides, rates = strides_and_rates(count, strides, dilation_rate)
        if all(r == 1 for r in rates):
            return _plain(input, filter, padding, strides, data_format, count, scope)
        axes = spatial_axes_of(None, count, data_format)
        rate = to_tensor(rates, None, "dilation_rate")
        base = base_paddings(padding, _shape_of(filter), rate, count)
        return interleaved(
            input,
            rate,
            base,
            axes,
            lambda x: _plain(x, filter, "VALID", strides, data_format, count, scope),
        )


def _shape_of(filter):
    """Returns sizes as numbers where all are known."""
    if isinstance(filter, np.ndarray):
        return np.array(filter.shape, np.int32)
    if filter.shape.is_fully_defined():
        return np.array(filter.shape.as_list(), np.int32)
    return array.shape(filter, name="filter_shape")


def _plain(input, filter, padding, strides, data_format, count, name):
    """Is a convolution without dilation."""
    first = data_format is not None and data_format.startswith("NC")
    layout = (_FIRST if first else _LAST)[count]
    if count == 1:
        return conv1d(input, filter, strides[0], padding, data_format=layout, name=name)
    opdef = Conv2D if count == 2 else Conv3D
    return opdef(
        input,
        filter,
        strides=per_axis(strides, "strides", layout, count),
        padding=padding,
        data_format=layout,
        name=name,
    )


# -- dilated


@export("nn.atrous_conv2d")
def atrous_conv2d(value, filters, rate, padding, name=None):
    """Correlates images with a filter that has holes.

    Args:
      value: `[batch, height, width, in]`.
      filters: `[kernel height, kernel width, in, out]`.
      rate: step between the filter's elements, 1 for no holes.
      padding: `"SAME"` or `"VALID"`.
      name: name of the nodes.

    Returns:
      `[batch, out height, out width, out]`.
    """
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


@export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(value, filters, output_shape, rate, padding, name=None):
    """Transposes `atrous_conv2d`: from the shape of its output to that of its input.

    Args:
      value: `[batch, height, width, in]`.
      filters: `[kernel height, kernel width, out, in]`.
      output_shape: the shape to give, four integers, those of height and width known.
      rate: step between the filter's elements.
      padding: `"SAME"` or `"VALID"`.
      name: name of the nodes.

    Returns:
      A tensor of shape `output_shape`.

    Raises:
      ValueError: for another padding or a rate below 1.
    """
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]):
        value = to_tensor(value, None, "value")
        filters = to_tensor(filters, None, "filters")
        if rate < 1:
            raise ValueError(f"rate {rate} cannot be less than one")
        if rate == 1:
            return conv2d_transpose(value, filters, output_shape, [1, 1, 1, 1], padding)
        to_tensor(output_shape, None, "output_shape")
        if padding not in ("SAME", "VALID"):
            raise ValueError(f"Invalid padding {padding!r}")
        reach = [(k - 1) * rate if padding == "SAME" else 0 for k in filters.shape.as_list()[:2]]
        before = [r // 2 for r in reach]
        full = [int(n) + r for n, r in zip(output_shape[1:3], reach, strict=True)]
        extra = [-n % rate for n in full]
        parts = ops.SpaceToBatchND(value, np.full(2, rate, np.int32), [[0, e] for e in extra])
        rows, columns = ((n + e) // rate for n, e in zip(full, extra, strict=True))
        sizes = [rate * rate * output_shape[0], rows, columns, output_shape[3]]
        result = Conv2DBackpropInput(sizes, filters, parts, strides=[1, 1, 1, 1], padding="VALID")
        crops = [[b, r - b + e] for b, r, e in zip(before, reach, extra, strict=True)]
        return ops.BatchToSpaceND(result, np.full(2, rate, np.int32), crops)
