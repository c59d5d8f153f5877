"""Ops that take arrays apart: Split, SplitV, Unpack."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.spec import AtLeast, Int32, Int64, Tensor, Tensors, f, i, op
from millstream.ops.by_name import ops

__all__ = ["split", "unstack"]


@op(static="split_dim")
def Split[T](
    split_dim: Tensor[Int32], value: Tensor[T], *, num_split: AtLeast(1)
) -> Tensors[T, "num_split"]:
    """Splits an array into equal parts along a dimension."""


@op(static=("size_splits", "split_dim"), defaults={"Tlen": Int64})
def SplitV[T, Tlen: (Int32, Int64)](
    value: Tensor[T],
    size_splits: Tensor[Tlen],
    split_dim: Tensor[Int32],
    *,
    num_split: AtLeast(1),
) -> Tensors[T, "num_split"]:
    """Splits an array into parts of given sizes along a dimension; one size may be -1."""


@op
def Unpack[T](value: Tensor[T], *, num: AtLeast(0), axis: int = 0) -> Tensors[T, "num"]:
    """Takes the slices of an array along a dimension, which they lose."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


# -- Split


def _axis(rank, value):
    axis = int(value.item()) if hasattr(value, "item") else int(value)
    if not -rank <= axis < rank:
        raise ValueError(f"-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {axis}")
    return axis % rank


@Split.shape
def _(split_dim, split_dim_value, value, num_split):
    if split_dim.ndims not in (0, None):
        raise ValueError(f"Shape must be rank 0 but is rank {split_dim.ndims}")
    if value.ndims is None or split_dim_value is None:
        return (unknown_shape(value.ndims),) * num_split
    sizes = list(value.tuple)
    axis = _axis(len(sizes), split_dim_value)
    if sizes[axis] is not None:
        if sizes[axis] % num_split:
            raise ValueError(
                f"Dimension size must be evenly divisible by {num_split} but is {sizes[axis]}\n"
                "\tNumber of ways to split should evenly divide the split dimension"
            )
        sizes[axis] //= num_split
    return (TensorShape(sizes),) * num_split


def _even_bounds(value, split_dim, num_split):
    """Returns the axis and the places where the parts begin, but for the first."""
    shape = np.shape(value)
    try:
        axis = _axis(len(shape), split_dim)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if shape[axis] % num_split:
        raise _invalid(
            "Number of ways to split should evenly divide the split dimension, but got "
            f"split_dim {axis} (size = {shape[axis]}) and num_split {num_split}"
        )
    step = shape[axis] // num_split
    return axis, [step * part for part in range(1, num_split)]


@Split.kernel
def _(split_dim, value, num_split):
    axis, bounds = _even_bounds(value, split_dim, num_split)
    return tuple(jnp.split(value, bounds, axis))


@Split.reference
def _(split_dim, value, num_split):
    axis, bounds = _even_bounds(value, split_dim, num_split)
    return tuple(np.split(value, bounds, axis))


@Split.gradient
def _(node, *dys):
    axis = node.inputs[0]
    joined = ops.ConcatV2(list(dys), axis) if len(dys) > 1 else ops.Identity(dys[0])
    return [None, joined]


Split.examples(1, f[4, 6], num_split=3)
Split.examples(-2, f[4, 6], num_split=1)
Split.fails("evenly divisible", 1, f[4, 6], num_split=4)
Split.fails("split_dim", 2, f[4, 6], num_split=2)


# -- SplitV


def _sizes(whole, wanted):
    """Returns the sizes of the parts, -1 replaced.

    Raises:
      ValueError: if they do not add up to `whole`.
    """
    if wanted.count(-1) > 1:
        raise ValueError("size_splits can only have one -1")
    known = sum(size for size in wanted if size != -1)
    if any(size < -1 for size in wanted):
        raise ValueError(f"Split size must be >= 0, got {min(wanted)}")
    if known > whole or (-1 not in wanted and known != whole):
        pieces = ",".join(map(str, wanted))
        raise ValueError(f"can't split axis of size {whole} into pieces of size [{pieces}]")
    return [whole - known if size == -1 else size for size in wanted]


@SplitV.shape
def _(value, size_splits, size_splits_value, split_dim_value, num_split):
    if size_splits.num_elements() not in (None, num_split):
        raise ValueError(
            f"Length of size_splits should be equal to num_outputs: {size_splits.num_elements()} "
            f"is not {num_split}"
        )
    if value.ndims is None or split_dim_value is None:
        return (unknown_shape(value.ndims),) * num_split
    shape = list(value.tuple)
    axis = _axis(len(shape), split_dim_value)
    if size_splits_value is None:
        parts = [None if num_split > 1 else shape[axis]] * num_split
    else:
        wanted = size_splits_value.tolist()
        whole = shape[axis]
        if whole is not None:
            parts = _sizes(whole, wanted)
        else:
            parts = [None if size == -1 else size for size in wanted]
    return tuple(TensorShape([*shape[:axis], part, *shape[axis + 1 :]]) for part in parts)


def _bounds(value, size_splits, split_dim):
    shape = np.shape(value)
    try:
        axis = _axis(len(shape), split_dim)
        sizes = _sizes(shape[axis], [int(size) for size in size_splits])
    except ValueError as error:
        raise _invalid(str(error)) from None
    return axis, np.cumsum(sizes[:-1]).tolist()


@SplitV.kernel
def _(value, size_splits, split_dim):
    axis, bounds = _bounds(value, size_splits, split_dim)
    return tuple(jnp.split(value, bounds, axis))


@SplitV.reference
def _(value, size_splits, split_dim):
    axis, bounds = _bounds(value, size_splits, split_dim)
    return tuple(np.split(value, bounds, axis))


@SplitV.gradient
def _(node, *dys):
    axis = node.inputs[2]
    joined = ops.ConcatV2(list(dys), axis) if len(dys) > 1 else ops.Identity(dys[0])
    return [joined, None, None]


SplitV.examples(f[4, 6], [1, 5], 1, num_split=2)
SplitV.examples(f[4, 6], [2, -1, 1], 1, num_split=3)
SplitV.examples(f[4, 6], [4], 0, num_split=1)
SplitV.fails("only have one -1", f[4, 6], [-1, -1], 1, num_split=2)
SplitV.fails("can't split axis", f[4, 6], [1, 4], 1, num_split=2)


# -- Unpack


@Unpack.shape
def _(value, num, axis):
    if value.ndims is None:
        return (unknown_shape(),) * num
    shape = value.tuple
    rank = len(shape)
    if not -rank <= axis < rank:
        raise ValueError(f"axis = {axis} not in [{-rank}, {rank})")
    if shape[axis] not in (None, num):
        raise ValueError(f"Dimension must be {num} but is {shape[axis]}")
    axis %= rank
    return (TensorShape([*shape[:axis], *shape[axis + 1 :]]),) * num


def _check_count(value, num, axis):
    if np.shape(value)[axis] != num:
        raise _invalid(
            f"Input shape axis {axis} must equal {num}, got shape {list(np.shape(value))}"
        )


@Unpack.kernel
def _(value, num, axis):
    _check_count(value, num, axis)
    return tuple(jnp.moveaxis(value, axis, 0)[at] for at in range(num))


@Unpack.reference
def _(value, num, axis):
    _check_count(value, num, axis)
    return tuple(np.moveaxis(value, axis, 0)) if axis else tuple(value)


@Unpack.gradient
def _(node, *dys):
    return ops.Pack(list(dys), axis=node.attrs["axis"])


Unpack.examples(f[2, 3], num=2)
Unpack.examples(f[2, 3], num=3, axis=-1)
Unpack.examples(i[2], num=2)
Unpack.fails("must be 3 but is 2", f[2, 3], num=3)


# -- public


@export("split")
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """Splits a tensor along a dimension.

    Args:
      value: the tensor.
      num_or_size_splits: how many equal parts to make, or the list of their sizes, of which one
        may be -1.
      axis: the dimension.
      num: the number of parts, where it does not follow from the static shape of a tensor of sizes.
      name: name of the node.

    Returns:
      A list of tensors.

    Raises:
      ValueError: if the parts do not fit the static shape, or their number is not known.
    """
    sizes = convert_to_tensor(num_or_size_splits)
    if isinstance(num_or_size_splits, int | np.integer):
        return Split(axis, value, num_split=int(num_or_size_splits), name=name)
    if sizes.shape.ndims == 0:
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. "
            f"Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = sizes.shape.tuple[0] if sizes.shape.ndims else None
        if num is None:
            raise ValueError(f"Cannot infer num from shape {num_or_size_splits}")
    return SplitV(value, sizes, axis, num_split=num, name=name)


@export("unstack")
def unstack(value, num=None, axis=0, name="unstack"):
    """Returns the list of slices of a tensor along a dimension, which they lose.

    Args:
      value: the tensor.
      num: the size of that dimension, where the static shape does not tell.
      axis: the dimension, counted from the end if negative.
      name: name of the node.

    Raises:
      ValueError: if `num` is neither given nor known, or `axis` is out of range.
    """
    if num is None:
        value = convert_to_tensor(value)
        shape = value.shape.tuple
        if shape is not None:
            if not -len(shape) <= axis < len(shape):
                raise ValueError(f"axis = {axis} not in [{-len(shape)}, {len(shape)})")
            num = shape[axis]
    if num is None:
        raise ValueError(f"Cannot infer num from shape {value.shape}")
    return Unpack(value, num=num, axis=axis, name=name)
