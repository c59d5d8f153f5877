"""Shapes and zeros of states, which may be nested."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.constant import constant
from millstream.ir.static_value import constant_value, constant_value_as_shape
from millstream.ir.tensor import Tensor
from millstream.ops import array


def known_size(size):
    """Returns an int, `None` for what is not known statically, a list for a shape."""
    if isinstance(size, Tensor):
        value = constant_value(size)
        return None if value is None else value.tolist()
    return TensorShape(size).as_list() if not isinstance(size, int) else size


def _part(size):
    """Returns sizes as a vector, and as a static shape."""
    if isinstance(size, Tensor):
        static = constant_value(size)
        if size.shape.ndims == 0:
            vector = array.expand_dims(size, 0)
            return vector, TensorShape([None if static is None else int(static)])
        if size.shape.ndims != 1:
            raise ValueError(f"prefix tensor must be either a scalar or vector, but saw {size}")
        return size, TensorShape(None if static is None else static.tolist())
    static = as_shape(size if isinstance(size, (list, tuple, TensorShape)) else [size])
    return (constant(static.as_list(), int32) if static.is_fully_defined() else None), static


def joined(prefix, suffix):
    """Returns the sizes `prefix` and `suffix` one after the other, as a tensor.

    Raises:
      ValueError: if one of them is not known.
    """
    (first, _), (second, _) = _part(prefix), _part(suffix)
    if first is None or second is None:
        raise ValueError(f"Provided a prefix or suffix of None: {prefix} and {suffix}")
    return array.concat((first, second), 0)


def joined_statically(prefix, suffix):
    """Returns what is known of the same sizes."""
    (_, first), (_, second) = _part(prefix), _part(suffix)
    return first.concatenate(second)


def zeros_of(batch_size, size, dtype):
    """Returns zeros of shape `[batch_size, *size]`."""
    result = array.zeros(joined(batch_size, size), dtype=dtype)
    result.set_shape(joined_statically(batch_size, size))
    return result


def zero_states(state_size, batch_size, dtype):
    """Returns zeros for every size in a nested structure of sizes."""
    return nest.map_structure(lambda size: zeros_of(batch_size, size, dtype), state_size)


def static_shape_of(size):
    """Returns what is known of sizes that may be a tensor."""
    if isinstance(size, Tensor):
        return constant_value_as_shape(size)
    return as_shape(size)
