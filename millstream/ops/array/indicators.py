"""Ops that mark places: OneHot, sequence_mask."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype, bool_, float32
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import unknown_shape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor, to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Tensor, UInt8, f, op
from millstream.ops.by_name import ops

__all__ = ["one_hot", "sequence_mask"]


@op(static="depth", defaults={"TI": Int64})
def OneHot[T, TI: (UInt8, Int32, Int64)](
    indices: Tensor[TI],
    depth: Tensor[Int32],
    on_value: Tensor[T],
    off_value: Tensor[T],
    *,
    axis: int = -1,
) -> Tensor[T]:
    """Adds a dimension of size `depth`, with `on_value` at the index, `off_value` elsewhere.

    An index out of range gives `off_value` alone.
    """


@OneHot.shape
def _(indices, depth, depth_value, on_value, off_value, axis):
    for scalar in (depth, on_value, off_value):
        if scalar.ndims not in (0, None):
            raise ValueError(f"Shape must be rank 0 but is rank {scalar.ndims}")
    if axis < -1:
        raise ValueError(f"axis must be >= -1, not {axis}")
    if indices.ndims is None:
        return unknown_shape()
    size = None if depth_value is None else int(depth_value)
    if size is not None and size < 0:
        raise ValueError(
            f"Dimension size, given by scalar input 1, must be non-negative but is {size}"
        )
    sizes = list(indices.tuple)
    # TF leaves an axis that is too large to the step that runs the node.
    sizes.insert(len(sizes) if axis == -1 else axis if axis <= len(sizes) else 0, size)
    return sizes


def _position(indices, axis):
    rank = np.ndim(indices) + 1
    if not -1 <= axis < rank:
        raise errors.InvalidArgumentError(
            None, None, f"Expected axis to be -1 or between [0, {rank}).  But received: {axis}"
        )
    return rank - 1 if axis == -1 else axis


def _matches(np_, indices, depth, axis):
    """Returns the booleans that say where `on_value` goes."""
    at = _position(indices, axis)
    if depth < 0:
        raise errors.InvalidArgumentError(None, None, f"depth must be non-negative, got: {depth}")
    places = np_.arange(depth).reshape([-1] + [1] * (np.ndim(indices) - at))
    return np_.expand_dims(indices, at) == places


@OneHot.kernel
def _(indices, depth, on_value, off_value, axis):
    return jnp.where(_matches(jnp, indices, int(depth), axis), on_value, off_value)


@OneHot.reference
def _(indices, depth, on_value, off_value, axis, T):
    matches = _matches(np, indices, int(depth), axis)
    result = np.empty(matches.shape, T.np)
    result[...] = off_value
    result[matches] = on_value
    return result


OneHot.no_gradient("its values do not depend on inputs that have gradients")
OneHot.examples(np.array([0, 2]), 3, f[()], 2 * f[()])
OneHot.examples(np.array([[0, 2], [5, -1]]), 3, 1.0, 0.0, axis=0)
OneHot.examples(np.array([[0, 2], [1, 1]]), 3, 1.0, 0.0, axis=1)
OneHot.examples(np.array(1), 2, 1.0, 0.0)
OneHot.fails("non-negative", np.array([0]), -3, 1.0, 0.0)
OneHot.fails("Expected axis", np.array([0]), 3, 1.0, 0.0, axis=3)


@export("one_hot")
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """Returns an array that marks one place per index.

    Args:
      indices: integers of any shape.
      depth: size of the new dimension; an index outside of `[0, depth)` marks nothing.
      on_value: value of the marks, by default 1.
      off_value: value elsewhere, by default 0.
      axis: position of the new dimension, by default the last.
      dtype: the element type, by default that of the values, or `tf.float32`.
      name: name of the node.

    Raises:
      TypeError: if the values and `dtype` do not agree.
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        given_on, given_off = on_value is not None, off_value is not None
        wanted = None if dtype is None else as_dtype(dtype).base_dtype
        on_type = to_tensor(on_value).dtype.base_dtype if given_on else wanted
        off_type = to_tensor(off_value).dtype.base_dtype if given_off else wanted
        _agree(given_on, on_type, "on_value", wanted)
        _agree(given_off, off_type, "off_value", wanted)
        dtype = wanted or on_type or off_type or float32
        if not given_on:
            on_value = to_tensor(1, dtype, "on_value")
            on_type = dtype
        if not given_off:
            off_value = to_tensor(0, dtype, "off_value")
            off_type = dtype
        if on_type is not off_type:
            raise TypeError(
                f"dtype {on_type} of on_value does not match dtype {off_type} of off_value"
            )
        axis = -1 if axis is None else axis
        return OneHot(indices, depth, on_value, off_value, axis=axis, name=scope)


def _agree(given, found, what, wanted):
    if given and wanted is not None and found is not wanted:
        raise TypeError(f"dtype {found} of {what} does not match dtype parameter {wanted}")


@export("sequence_mask")
def sequence_mask(lengths, maxlen=None, dtype=bool_, name=None):
    """Returns masks whose first `lengths[…]` elements are true.

    Args:
      lengths: integers of any shape.
      maxlen: size of the new last dimension, by default the greatest length.
      dtype: the element type.
      name: name of the nodes' scope.

    Raises:
      ValueError: if `maxlen` is no scalar.
    """
    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            maxlen = _greatest(lengths)
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen.shape.ndims not in (0, None):
            raise ValueError("maxlen must be scalar for sequence_mask")
        kind = maxlen.dtype.base_dtype
        places = ops.Range(constant(0, kind), maxlen, constant(1, kind))
        # Broadcasts [maxlen] against [..., 1].
        ends = ops.Cast(ops.ExpandDims(lengths, -1), DstT=kind)
        result = ops.Less(places, ends)
        wanted = as_dtype(dtype).base_dtype
        return result if wanted is bool_ else ops.Cast(result, DstT=wanted)


def _greatest(lengths):
    rank = lengths.shape.ndims
    axes = (
        ops.Range(0, ops.Rank(lengths), 1)
        if rank is None
        else constant(np.arange(rank, dtype=np.int32))
    )
    most = ops.Max(lengths, axes)
    return ops.Maximum(constant(0, most.dtype.base_dtype), most)
