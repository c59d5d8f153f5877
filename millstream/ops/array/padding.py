"""Ops that add a border: Pad, PadV2, MirrorPad."""

from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import unknown_shape
from millstream.ir.constant import constant
from millstream.ir.spec import Int32, Int64, String, Tensor, f, i, op
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.array.shapes import shape_internal
from millstream.ops.by_name import ops

__all__ = ["pad"]

_MODES = Literal["REFLECT", "SYMMETRIC"]


@op(static="paddings", defaults={"Tpaddings": Int32})
def Pad[T, Tpaddings: (Int32, Int64)](input: Tensor[T], paddings: Tensor[Tpaddings]) -> Tensor[T]:
    """Puts `paddings[i, 0]` zeros before and `paddings[i, 1]` behind dimension `i`."""


@op(static="paddings", defaults={"Tpaddings": Int32})
def PadV2[T, Tpaddings: (Int32, Int64)](
    input: Tensor[T], paddings: Tensor[Tpaddings], constant_values: Tensor[T]
) -> Tensor[T]:
    """Puts a border of one value around an array."""


@op(static="paddings", defaults={"Tpaddings": Int32})
def MirrorPad[T, Tpaddings: (Int32, Int64)](
    input: Tensor[T], paddings: Tensor[Tpaddings], *, mode: _MODES
) -> Tensor[T]:
    """Puts a border around an array that mirrors it, `SYMMETRIC` including the edge itself."""


@op(static="paddings", defaults={"Tpaddings": Int32})
def MirrorPadGrad[T, Tpaddings: (Int32, Int64)](
    input: Tensor[T], paddings: Tensor[Tpaddings], *, mode: _MODES
) -> Tensor[T]:
    """Adds a mirrored border back onto the elements that it mirrors."""


def _padded(input, paddings, value):
    """Returns the shape of a padded array, as far as it is known."""
    rows = paddings.tuple[0] if paddings.ndims else None
    if paddings.ndims not in (2, None):
        raise ValueError(f"Shape must be rank 2 but is rank {paddings.ndims}")
    if paddings.ndims and paddings.tuple[1] not in (2, None):
        raise ValueError(f"paddings must have 2 columns, not {paddings.tuple[1]}")
    if input.ndims is not None and rows is not None and rows != input.ndims:
        raise ValueError(f"Shape must be rank {rows} but is rank {input.ndims}")
    if value is None:
        return _by_columns(input, rows)
    if (value < 0).any():
        raise ValueError("Paddings must be non-negative")
    if input.ndims is None:
        return unknown_shape(rows)
    added = value.sum(axis=1).tolist() if value.size else []
    return [None if d is None else d + more for d, more in zip(input.tuple, added, strict=True)]


def _by_columns(input, rows):
    return unknown_shape(rows if input.ndims is None else input.ndims)


@Pad.shape
def _(input, paddings, paddings_value, node):
    return _with_parts(_padded(input, paddings, paddings_value), input, paddings_value, node)


@PadV2.shape
def _(input, paddings, paddings_value, node):
    return _with_parts(_padded(input, paddings, paddings_value), input, paddings_value, node)


@MirrorPad.shape
def _(input, paddings, paddings_value):
    return _padded(input, paddings, paddings_value)


def _with_parts(shape, input, value, node):
    """Adds what a Pack of paddings tells of single dimensions."""
    source = node.inputs[1].op
    if value is not None or source.type != "Pack" or source.attrs["axis"] or input.ndims is None:
        return shape
    rows = [constant_array(row) for row in source.inputs]
    return [
        None if d is None or row is None else d + int(row.sum())
        for d, row in zip(input.tuple, rows, strict=True)
    ]


def _checked(input, paddings):
    pairs = [(int(a), int(b)) for a, b in paddings]
    if len(pairs) != np.ndim(input):
        raise errors.InvalidArgumentError(
            None,
            None,
            "The first dimension of paddings must be the rank of inputs"
            f"{list(np.shape(paddings))} {list(np.shape(input))}",
        )
    for before, after in pairs:
        if before < 0 or after < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Paddings must be non-negative: {before} {after}"
            )
    return pairs


@Pad.kernel
def _(input, paddings):
    return jnp.pad(input, _checked(input, paddings))


def _with_border(input, pairs, value, dtype):
    shape = [before + d + after for d, (before, after) in zip(np.shape(input), pairs, strict=True)]
    result = np.empty(shape, dtype)
    result[...] = value
    inside = tuple(
        np.s_[before : before + d] for d, (before, _) in zip(np.shape(input), pairs, strict=True)
    )
    result[inside] = input
    return result


@Pad.reference
def _(input, paddings, T):
    fill = b"" if T is String else 0
    return _with_border(input, _checked(input, paddings), fill, T.np)


@PadV2.kernel
def _(input, paddings, constant_values):
    return jnp.pad(input, _checked(input, paddings), constant_values=constant_values)


@PadV2.reference
def _(input, paddings, constant_values, T):
    return _with_border(input, _checked(input, paddings), constant_values, T.np)


def _inside(node, dy):
    x, paddings = node.inputs[:2]
    index = paddings.dtype.base_dtype
    before = ops.Reshape(ops.Slice(paddings, constant([0, 0]), constant([-1, 1])), [-1])
    return ops.Slice(dy, before, shape_internal(x, out_type=index))


@Pad.gradient
def _(node, dy):
    return [_inside(node, dy), None]


@PadV2.gradient
def _(node, dy):
    return [_inside(node, dy), None, None]


Pad.examples(f[2, 3], [[1, 0], [0, 2]])
Pad.examples(i[2], [[0, 0]])
Pad.fails("non-negative", f[2], [[-1, 0]])
Pad.fails("rank", f[2], [[0, 0], [0, 0]])
PadV2.examples(f[2, 3], [[1, 0], [0, 2]], 2 * f[()])
PadV2.fails("non-negative", f[2], [[-1, 0]], 1.0)


# -- mirrored borders


def _mirror_pairs(shape, paddings, mode):
    pairs = [(int(a), int(b)) for a, b in paddings]
    for size, (before, after) in zip(shape, pairs, strict=True):
        if mode == "SYMMETRIC" and max(before, after) > size:
            raise errors.InvalidArgumentError(
                None,
                None,
                "paddings must be no greater than the dimension size: "
                f"{before}, {after} greater than {size}",
            )
        if mode == "REFLECT" and max(before, after) >= size:
            raise errors.InvalidArgumentError(
                None,
                None,
                "paddings must be less than the dimension size: "
                f"{before}, {after} not less than {size}",
            )
    return pairs


@MirrorPad.kernel
def _(input, paddings, mode):
    pairs = _mirror_pairs(input.shape, paddings, mode)
    return jnp.pad(input, pairs, mode=mode.lower())


@MirrorPad.reference
def _(input, paddings, mode):
    pairs = _mirror_pairs(np.shape(input), paddings, mode)
    return np.pad(input, pairs, mode=mode.lower())


@MirrorPad.gradient
def _(node, dy):
    return [MirrorPadGrad(dy, node.inputs[1], mode=node.attrs["mode"]), None]


for _mode in ("REFLECT", "SYMMETRIC"):
    MirrorPad.examples(f[2, 3], [[1, 1], [2, 0]], mode=_mode)
    MirrorPadGrad.examples(f[4, 5], [[1, 1], [0, 1]], mode=_mode)
MirrorPad.fails("not less than 2", f[2, 3], [[2, 1], [0, 0]], mode="REFLECT")


@MirrorPadGrad.shape
def _(input, paddings_value):
    if paddings_value is None or input.ndims is None:
        return unknown_shape(input.ndims)
    removed = paddings_value.sum(axis=1).tolist()
    return [None if d is None else d - less for d, less in zip(input.tuple, removed, strict=True)]


def _fold(concatenate, flip, x, paddings, mode):
    """Adds each border, mirrored, onto the inside next to it, dimension by dimension."""
    skip = 1 if mode == "REFLECT" else 0
    for axis, (before, after) in enumerate((int(a), int(b)) for a, b in paddings):
        size = x.shape[axis] - before - after

        def part(start, stop, x=x, axis=axis):
            return x[(*[np.s_[:]] * axis, np.s_[start:stop])]

        inside = part(before, before + size)
        zero = inside[(*[np.s_[:]] * axis, np.s_[:1])] * 0
        for border, at_start in ((part(0, before), True), (part(before + size, None), False)):
            width = border.shape[axis]
            if not width:
                continue
            flipped = flip(border, axis)
            lead = skip if at_start else size - width - skip
            pieces = [zero] * lead + [flipped] + [zero] * (size - width - lead)
            inside = inside + concatenate(pieces, axis)
        x = inside
    return x


@MirrorPadGrad.kernel
def _(input, paddings, mode):
    return _fold(jnp.concatenate, jnp.flip, input, paddings, mode)


@MirrorPadGrad.reference
def _(input, paddings, mode):
    return _fold(np.concatenate, np.flip, np.asarray(input), paddings, mode)


@MirrorPadGrad.gradient
def _(node, dy):
    return [MirrorPad(dy, node.inputs[1], mode=node.attrs["mode"]), None]


# -- public


@export("pad")
def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    """Returns `tensor` with a border.

    Args:
      tensor: a tensor of rank `r`.
      paddings: `[r, 2]` integers: how many elements to add before and behind each dimension.
      mode: `"CONSTANT"`, or `"REFLECT"` or `"SYMMETRIC"` for a mirrored border, without or with the
        edge itself.
      name: name of the node.
      constant_values: the border's value in mode `"CONSTANT"`.

    Raises:
      ValueError: for another mode, or negative paddings.
    """
    kind = mode.upper()
    if kind == "CONSTANT":
        if _is_zero(constant_values):
            return Pad(tensor, paddings, name=name)
        return PadV2(tensor, paddings, constant_values, name=name)
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    return MirrorPad(tensor, paddings, mode=kind, name=name)


def _is_zero(value):
    if isinstance(value, SymbolicTensor) or np.ndim(value):
        return False
    return value == 0
