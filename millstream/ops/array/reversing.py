"""Ops that reverse and roll: ReverseV2, ReverseSequence, Roll."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.spec import (
    BFloat16,
    Bool,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int8,
    Int16,
    Int32,
    Int64,
    String,
    Tensor,
    UInt8,
    UInt16,
    f,
    op,
)
from millstream.ops.by_name import ops

__all__ = ["reverse", "reverse_sequence", "roll"]

_REVERSIBLE = (
    *(UInt8, Int8, UInt16, Int16, Int32, Int64, Bool, BFloat16, Half, Float, Double),
    *(Complex64, Complex128, String),
)


@op(static="axis", defaults={"Tidx": Int32})
def ReverseV2[Tidx: (Int32, Int64), T: _REVERSIBLE](
    tensor: Tensor[T], axis: Tensor[Tidx]
) -> Tensor[T]:
    """Reverses the dimensions that `axis` lists."""


@op(static="dims")
def Reverse[T: _REVERSIBLE](tensor: Tensor[T], dims: Tensor[Bool]) -> Tensor[T]:
    """Reverses the dimensions for which `dims` is true."""


@op(defaults={"Tlen": Int64})
def ReverseSequence[T, Tlen: (Int32, Int64)](
    input: Tensor[T], seq_lengths: Tensor[Tlen], *, seq_dim: int, batch_dim: int = 0
) -> Tensor[T]:
    """Reverses the first `seq_lengths[b]` elements along `seq_dim` in slice `b` of `batch_dim`."""


@op(static=("shift", "axis"))
def Roll[T, Tshift: (Int32, Int64), Taxis: (Int32, Int64)](
    input: Tensor[T], shift: Tensor[Tshift], axis: Tensor[Taxis]
) -> Tensor[T]:
    """Shifts elements along dimensions; what falls off one end comes in at the other."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


# -- Reverse


@ReverseV2.shape
def _(tensor, axis, axis_value):
    if axis.ndims not in (1, None):
        raise ValueError(f"Shape must be rank 1 but is rank {axis.ndims}")
    if tensor.ndims is not None and axis_value is not None:
        _axes(tensor.ndims, axis_value)
    return tensor


def _axes(rank, axis):
    """Returns the dimensions that `axis` names.

    Raises:
      ValueError: if one is out of range or named twice.
    """
    found = []
    for at, a in enumerate(axis.tolist()):
        if not -rank <= a < rank:
            raise ValueError(f"'axis'[{at}] = {a} is out of valid range [0, {rank - 1}]")
        if a % rank in found:
            raise ValueError(f"axis {a % rank} specified more than once.")
        found.append(a % rank)
    return found


def _checked_axes(rank, axis):
    try:
        return _axes(rank, axis)
    except ValueError as error:
        raise _invalid(str(error)) from None


@ReverseV2.kernel
def _(tensor, axis):
    return lax.rev(tensor, _checked_axes(tensor.ndim, axis))


@ReverseV2.reference
def _(tensor, axis):
    return np.flip(tensor, tuple(_checked_axes(np.ndim(tensor), axis)))


@ReverseV2.gradient
def _(node, dy):
    return [ReverseV2(dy, node.inputs[1]), None]


ReverseV2.examples(f[2, 3], [1])
ReverseV2.examples(f[2, 3], [-1, 0])
ReverseV2.examples(f[2, 3], np.zeros(0, np.int32))
ReverseV2.fails("more than once", f[2, 3], [0, 0])
ReverseV2.fails("out of valid range", f[2, 3], [2])


@Reverse.shape
def _(tensor, dims):
    wanted = dims.with_rank(1).num_elements()
    return tensor if wanted is None else tensor.with_rank(wanted)


@Reverse.kernel
def _(tensor, dims):
    return lax.rev(tensor, np.flatnonzero(dims).tolist())


@Reverse.reference
def _(tensor, dims):
    return np.flip(tensor, tuple(np.flatnonzero(dims).tolist()))


@Reverse.gradient
def _(node, dy):
    return [Reverse(dy, node.inputs[1]), None]


Reverse.examples(f[2, 3], [False, True])
Reverse.fails("rank", f[2, 3], [True])


@ReverseSequence.shape
def _(input, seq_lengths, seq_dim, batch_dim):
    if seq_lengths.ndims not in (1, None):
        raise ValueError(f"Shape must be rank 1 but is rank {seq_lengths.ndims}")
    if input.ndims is None:
        return input
    if seq_dim >= input.ndims:
        raise ValueError(f"seq_dim must be < input rank: {seq_dim} vs. {input.ndims}")
    if batch_dim >= input.ndims:
        raise ValueError(f"batch_dim must be < input rank: {batch_dim} vs. {input.ndims}")
    sizes = list(input.tuple)
    count = seq_lengths.tuple[0] if seq_lengths.tuple else None
    if count is not None and sizes[batch_dim] not in (None, count):
        raise ValueError(f"Dimensions must be equal, but are {sizes[batch_dim]} and {count}")
    sizes[batch_dim] = count if sizes[batch_dim] is None else sizes[batch_dim]
    return sizes


def _sources(np_, shape, lengths, seq_dim, batch_dim):
    """Returns for each batch entry and position along `seq_dim` where its element comes from."""
    places = np_.arange(shape[seq_dim], dtype=lengths.dtype)
    ends = lengths[:, None]
    table = np_.where(places < ends, ends - 1 - places, places)
    if seq_dim < batch_dim:
        table = table.T
    sizes = [1] * len(shape)
    sizes[seq_dim], sizes[batch_dim] = shape[seq_dim], shape[batch_dim]
    return table.reshape(sizes)


@ReverseSequence.kernel
def _(input, seq_lengths, seq_dim, batch_dim, check):
    limit = input.shape[seq_dim]
    check(
        jnp.all((seq_lengths <= limit) & (seq_lengths >= 0)),
        lambda found: _length_complaint(found, limit, seq_dim),
        seq_lengths,
    )
    table = _sources(jnp, input.shape, seq_lengths, seq_dim, batch_dim)
    return jnp.take_along_axis(input, table, axis=seq_dim, mode="clip")


def _length_complaint(lengths, limit, seq_dim):
    if (lengths < 0).any():
        return f"seq_lens({int(np.argmax(lengths < 0))}) < 0"
    return f"seq_lens({int(np.argmax(lengths > limit))}) > input.dims({seq_dim})"


@ReverseSequence.reference
def _(input, seq_lengths, seq_dim, batch_dim):
    limit = input.shape[seq_dim]
    if ((seq_lengths > limit) | (seq_lengths < 0)).any():
        raise _invalid(_length_complaint(seq_lengths, limit, seq_dim))
    table = _sources(np, input.shape, seq_lengths, seq_dim, batch_dim)
    return np.take_along_axis(input, table, axis=seq_dim)


@ReverseSequence.gradient
def _(node, dy):
    attrs = node.attrs
    dx = ReverseSequence(dy, node.inputs[1], seq_dim=attrs["seq_dim"], batch_dim=attrs["batch_dim"])
    return [dx, None]


ReverseSequence.examples(f[2, 3], np.array([2, 3]), seq_dim=1)
ReverseSequence.examples(f[4, 2, 3], np.array([2, 0]), seq_dim=0, batch_dim=1)
ReverseSequence.fails("seq_lens(1) > input.dims(1)", f[2, 3], np.array([2, 4]), seq_dim=1)
ReverseSequence.fails("must be < input rank", f[2, 3], np.array([2, 3]), seq_dim=2)


# -- Roll


@Roll.shape
def _(input, shift, axis):
    if input.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if shift.ndims is not None and shift.ndims > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {shift.ndims}")
    if axis.ndims is not None and axis.ndims > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {axis.ndims}")
    return input


def _shifts(rank, shift, axis):
    shifts, axes = np.atleast_1d(shift).tolist(), np.atleast_1d(axis).tolist()
    if len(shifts) != len(axes):
        raise _invalid("shift and axis must have the same size")
    for a in axes:
        if not -rank <= a < rank:
            raise _invalid(f"axis {a} is out of range")
    return shifts, axes


@Roll.kernel
def _(input, shift, axis):
    return jnp.roll(input, *_shifts(input.ndim, shift, axis))


@Roll.reference
def _(input, shift, axis):
    return np.roll(input, *_shifts(np.ndim(input), shift, axis))


@Roll.gradient
def _(node, dy):
    _, shift, axis = node.inputs
    return [Roll(dy, ops.Neg(shift), axis), None, None]


Roll.examples(f[5], 2, 0)
Roll.examples(f[2, 3], [1, -1], [0, 1])
Roll.examples(f[2, 3], [1, 4], [1, 1])
Roll.fails("axis 2 is out of range", f[2, 3], 1, 2)


# -- public


@export("reverse", "reverse_v2", "manip.reverse")
def reverse(tensor, axis, name=None):
    """Returns `tensor` with the dimensions in the list `axis` reversed.

    Raises:
      ValueError: if a dimension is out of range or listed twice.
    """
    return ReverseV2(tensor, axis, name=name)


@export("reverse_sequence")
def reverse_sequence(
    input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None
):
    """Returns `input` with the beginning of each sequence reversed.

    Args:
      input: a tensor.
      seq_lengths: `[batch]` integers: how many elements to reverse; the rest stays.
      seq_axis: the dimension along which the sequences lie.
      batch_axis: the dimension that tells them apart, by default 0.
      name: name of the node.
      seq_dim: the former name of `seq_axis`.
      batch_dim: the former name of `batch_axis`.
    """
    seq_dim = _either(seq_axis, seq_dim, "seq_axis", "seq_dim")
    batch_dim = _either(batch_axis, batch_dim, "batch_axis", "batch_dim")
    return ReverseSequence(input, seq_lengths, seq_dim=seq_dim, batch_dim=batch_dim or 0, name=name)


def _either(new, old, new_name, old_name):
    if new is not None and old is not None:
        raise ValueError(f"Cannot specify both '{new_name}' and '{old_name}'")
    return old if new is None else new


@export("roll", "manip.roll")
def roll(input, shift, axis, name=None):
    """Returns `input` with its elements shifted along dimensions, around the ends.

    Args:
      input: a tensor.
      shift: by how many places, one integer or one per entry of `axis`; positive to higher indices.
      axis: the dimension or dimensions; shifts of one named twice add up.
      name: name of the node.
    """
    return Roll(input, shift, axis, name=name)
