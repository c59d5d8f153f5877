"""`tf.nn.with_space_to_batch`: dilated windows as plain ones over parts of the image."""

import numpy as np

from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.static_value import constant_array
from millstream.ops import array
from millstream.ops.array.blocks import required_space_to_batch_paddings
from millstream.ops.by_name import ops


@export("nn.with_space_to_batch")
def with_space_to_batch(
    input, dilation_rate, padding, op, filter_shape=None, spatial_dims=None, data_format=None
):
    """Applies `op` as if its window had holes: on parts of the input that are moved to the batch.

    Args:
      input: `[batch, spatial..., channels]`.
      dilation_rate: `[n]` positive integers, the step between elements of the window.
      padding: `"SAME"` or `"VALID"`.
      op: a function `(input, num_spatial_dims, padding)` that gives a tensor.
      filter_shape: sizes of the window and two more, for `"SAME"`.
      spatial_dims: the axes that the window slides over, by default `1…n`.
      data_format: a layout; one that begins with `NC` has the channels second.

    Returns:
      The result of `op`, brought back to the layout of `input`.

    Raises:
      ValueError: for a rate that is not positive, a bad padding, or no `filter_shape` for `"SAME"`.
    """
    input = to_tensor(input, None, "input")
    rate = to_tensor(dilation_rate, int32, "dilation_rate")
    count = rate.shape.with_rank(1).as_list()[0]
    if count is None:
        raise ValueError("The length of dilation_rate must be known.")
    known = constant_array(rate)
    if known is not None and (known <= 0).any():
        raise ValueError(f"dilation_rate must be positive, got {known.tolist()}")
    if known is not None and (known == 1).all():
        return op(input, count, padding)
    axes = spatial_axes_of(spatial_dims, count, data_format)
    base = base_paddings(padding, filter_shape, rate, count)
    return interleaved(input, rate, base, axes, lambda x: op(x, count, "VALID"))


def spatial_axes_of(spatial_dims, count, data_format):
    """Returns the axes that the window slides over.

    Raises:
      ValueError: if axes are given that are not ascending and positive.
    """
    if spatial_dims is None:
        first = 2 if data_format is not None and data_format.startswith("NC") else 1
        return list(range(first, first + count))
    axes = [int(a) for a in spatial_dims]
    if axes != sorted(set(axes)) or axes[0] < 1 or len(axes) != count:
        raise ValueError(f"spatial_dims must be {count} ascending positive axes, got {axes}")
    return axes


def base_paddings(padding, filter_shape, rate, count):
    """Returns what `"SAME"` adds around the image for the dilated window, `[n, 2]`."""
    if padding == "VALID":
        return np.zeros([count, 2], np.int32)
    if padding != "SAME":
        raise ValueError(f"Invalid padding method {padding!r}")
    if filter_shape is None:
        raise ValueError("filter_shape must be specified for SAME padding")
    filter_shape = to_tensor(filter_shape, int32, "filter_shape")
    size, step = constant_array(filter_shape), constant_array(rate)
    if size is None or step is None:
        size, step = filter_shape, rate
    extra = (size[:count] - 1) * step
    before = extra // 2
    after = extra - before
    return array.stack([[before[i], after[i]] for i in range(count)])


def interleaved(input, rate, base, axes, op):
    """Moves elements `rate` apart along `axes` to the batch, applies `op`, and moves them back."""
    paddings, crops = required_space_to_batch_paddings(_sizes(input, axes), rate, base)
    rate = _adjusted(rate, 1, axes)
    paddings, crops = _adjusted(paddings, 0, axes), _adjusted(crops, 0, axes)
    result = op(ops.SpaceToBatchND(input, rate, paddings))
    return ops.BatchToSpaceND(result, rate, crops)


def _sizes(input, axes):
    """Returns the sizes along `axes`, numbers where they are known."""
    shape = getattr(input, "shape", None)
    known = list(shape) if isinstance(shape, tuple) else _known_sizes(shape)
    if known is not None and all(known[a] is not None for a in axes):
        return np.array([known[a] for a in axes], np.int32)
    symbolic = array.shape(input)
    return array.stack([symbolic[a] for a in axes])


def _known_sizes(shape):
    return None if shape is None or shape.ndims is None else shape.as_list()


def _adjusted(values, fill, axes):
    """Extends rows per spatial axis to all axes behind the batch; as numbers if they are known."""
    known = constant_array(values)
    values = values if known is None else known
    gap = np.full([1, 2] if len(values.shape) == 2 else [1], fill, np.int32)
    parts, done = [], 0
    for index, axis in enumerate(axes):
        parts += [gap] * (axis - (axes[index - 1] if index else 0) - 1)
        if index + 1 == len(axes) or axes[index + 1] != axis + 1:
            parts.append(values[done : index + 1])
            done = index + 1
    return array.concat(parts, 0) if known is None else np.concatenate(parts)
