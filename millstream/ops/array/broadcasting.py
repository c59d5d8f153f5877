"""Ops that repeat elements: Tile, BroadcastTo; meshgrid and repeat."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import unknown_shape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Tensor, f, i, op
from millstream.ops.array.filling import ones
from millstream.ops.array.gathering import boolean_mask
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.array.joining import concat, stack
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape, shape_internal, size
from millstream.ops.by_name import ops

__all__ = ["broadcast_to", "meshgrid", "repeat", "tile"]


@op(static="multiples", defaults={"Tmultiples": Int32})
def Tile[T, Tmultiples: (Int32, Int64)](
    input: Tensor[T], multiples: Tensor[Tmultiples]
) -> Tensor[T]:
    """Repeats the array `multiples[i]` times along dimension `i`."""


@op(static="shape", defaults={"Tidx": Int32})
def BroadcastTo[T, Tidx: (Int32, Int64)](input: Tensor[T], shape: Tensor[Tidx]) -> Tensor[T]:
    """Repeats dimensions of size 1 until the array has the wanted shape."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


# -- Tile


@Tile.shape
def _(input, multiples, multiples_as_shape, multiples_value):
    count = multiples.num_elements() if multiples.ndims is not None else None
    if input.ndims is not None and count is not None and input.ndims != count:
        raise ValueError(f"Shape must be rank {input.ndims} but is rank {count}")
    if input.ndims is None:
        return unknown_shape(count)
    factors = multiples_as_shape.tuple or (None,) * input.ndims
    if multiples_value is not None and (multiples_value < -1).any():
        raise ValueError(f"Expected multiples to be >= 0, but got {multiples_value.tolist()}")
    return [
        0 if m == 0 else None if d is None or m is None else d * m
        for d, m in zip(input.tuple, factors, strict=True)
    ]


def _checked(input, multiples):
    factors = multiples.tolist()
    if len(factors) != np.ndim(input):
        raise _invalid(
            "Expected multiples argument to be a vector of length "
            f"{np.ndim(input)} but got length {len(factors)}"
        )
    for at, factor in enumerate(factors):
        if factor < 0:
            raise _invalid(f"Expected multiples[{at}] >= 0, but got {factor}")
    return factors


@Tile.kernel
def _(input, multiples):
    return jnp.tile(input, _checked(input, multiples))


@Tile.reference
def _(input, multiples):
    return np.tile(input, _checked(input, multiples))


@Tile.gradient
def _(node, dy):
    x, multiples = node.inputs
    sizes = shape_internal(x, out_type=multiples.dtype.base_dtype)
    # [m0, d0, m1, d1, …]: the copies lie along the even dimensions.
    pairs = ops.Reshape(ops.Transpose(ops.Pack([multiples, sizes]), [1, 0]), [-1])
    rank = x.shape.ndims
    if rank is None:
        axes = ops.Range(0, ops.Size(pairs), 2)
    else:
        axes = constant(np.arange(0, 2 * rank, 2, dtype=np.int32))
    return [ops.Sum(ops.Reshape(dy, pairs), axes), None]


Tile.examples(f[2, 3], [2, 1])
Tile.examples(f[2], [0])
Tile.examples(f[()], np.zeros(0, np.int32))
Tile.fails("rank", f[2, 3], [2])
Tile.fails("must be >= 0", f[2], [-2])


# -- BroadcastTo


def _fits(sizes, wanted):
    """Checks that an array of shape `sizes` broadcasts to `wanted`.

    Raises:
      ValueError: if it does not.
    """
    if len(sizes) > len(wanted):
        raise ValueError(f"Shape must be at least rank {len(sizes)} but is rank {len(wanted)}")
    for d, w in zip(reversed(sizes), reversed(wanted)):
        if d not in (None, 1) and w is not None and d != w:
            raise ValueError(f"Dimensions must be equal, but are {d} and {w}")


@BroadcastTo.shape
def _(input, shape_as_shape):
    if input.ndims is None or shape_as_shape.ndims is None:
        return shape_as_shape
    _fits(input.tuple, shape_as_shape.tuple)
    result = list(shape_as_shape.tuple)
    for at in range(1, input.ndims + 1):
        d = input.tuple[-at]
        if result[-at] is None and d not in (None, 1):
            result[-at] = d
    return result


def _wanted(input, shape):
    sizes = shape.tolist()
    try:
        _fits(np.shape(input), sizes)
    except ValueError:
        raise _invalid(
            f"Incompatible shapes: {_text(np.shape(input))} vs. {_text(sizes)}"
        ) from None
    return sizes


def _text(sizes):
    return "[" + ",".join(map(str, sizes)) + "]"


@BroadcastTo.kernel
def _(input, shape):
    return jnp.broadcast_to(input, _wanted(input, shape))


@BroadcastTo.reference
def _(input, shape):
    return np.broadcast_to(input, _wanted(input, shape)).copy()


@BroadcastTo.gradient
def _(node, dy):
    x, wanted = node.inputs
    sizes = shape_internal(x, out_type=wanted.dtype.base_dtype)
    _, axes = ops.BroadcastGradientArgs(wanted, sizes)
    return [ops.Reshape(ops.Sum(dy, axes), sizes), None]


BroadcastTo.examples(f[3, 1], [2, 3, 4])
BroadcastTo.examples(i[3], [2, 3])
BroadcastTo.fails("must be equal", f[3, 1], [2, 4])
BroadcastTo.fails("at least rank 2", f[3, 1], [4])


# -- public


@export("tile", "manip.tile")
def tile(input, multiples, name=None):
    """Returns `input` repeated `multiples[i]` times along dimension `i`.

    Args:
      input: a tensor of rank `r`.
      multiples: `[r]` integers.
      name: name of the node.
    """
    return Tile(input, multiples, name=name)


@export("broadcast_to")
def broadcast_to(input, shape, name=None):
    """Returns `input` repeated along dimensions of size 1, and new leading ones, to `shape`.

    Raises:
      ValueError: if the static shapes do not fit.
      InvalidArgumentError: when it runs, if the shapes do not fit.
    """
    return BroadcastTo(input, shape, name=name)


@export("meshgrid")
def meshgrid(*args, **kwargs):
    """Returns the coordinates of a grid: one tensor per vector, all of the grid's shape.

    Args:
      *args: the vectors, of lengths `n1`, `n2`, …
      **kwargs: `indexing`: `"xy"` (default) for grids `[n2, n1, …]`, `"ij"` for `[n1, n2, …]`;
        `name` of the nodes' scope.

    Raises:
      TypeError: for other keywords.
      ValueError: for other values of `indexing`.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        key = next(iter(kwargs))
        raise TypeError(f"'{key}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", args):
        count = len(args)
        columns = [
            reshape(stack(x), [1] * at + [-1] + [1] * (count - at - 1)) for at, x in enumerate(args)
        ]
        sizes = [size(x) for x in args]
        dtype = convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and count > 1:
            columns[0] = reshape(columns[0], [1, -1] + [1] * (count - 2))
            columns[1] = reshape(columns[1], [-1, 1] + [1] * (count - 2))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        factor = ones(sizes, dtype)
        return [ops.Mul(column, factor, name="mul") for column in columns]


@export("repeat")
def repeat(input, repeats, axis=None, name=None):
    """Returns `input` with every slice along a dimension repeated.

    Args:
      input: a tensor.
      repeats: how often to repeat each, one integer or one per slice.
      axis: the dimension; by default `input` is flattened first.
      name: name of the nodes' scope.

    Raises:
      ValueError: if `repeats` is no scalar or vector.
    """
    if axis is None:
        input = reshape(input, [-1])
        axis = 0
    with name_scope(name, "Repeat", [input, repeats]):
        data = convert_to_tensor(input, name="data")
        repeats = ops.Cast(convert_to_tensor(repeats, name="repeats"), DstT=Int32)
        if repeats.shape.ndims is None or repeats.shape.ndims > 1 or data.shape.ndims is None:
            raise ValueError("repeat needs data of known rank, and a scalar or vector of repeats")
        axis %= data.shape.ndims
        sizes = shape(data)
        if repeats.shape.num_elements() == 1:
            repeats = reshape(repeats, []) if repeats.shape.ndims else repeats
            return _repeat_all(data, sizes, repeats, axis)
        return _repeat_each(data, repeats, axis)


def _repeat_all(data, sizes, repeats, axis):
    wide = expand_dims(data, axis + 1)
    rank = data.shape.ndims
    copies = Tile(wide, [1] * (axis + 1) + [repeats] + [1] * (rank - 1 - axis))
    return reshape(copies, concat([sizes[:axis], [-1], sizes[axis + 1 :]], 0))


def _repeat_each(data, repeats, axis):
    most = ops.Maximum(0, ops.Max(repeats, constant([0])))
    mask = sequence_mask(repeats, most)
    wide = expand_dims(data, axis + 1)
    rank = data.shape.ndims
    copies = Tile(wide, [1] * (axis + 1) + [most] + [1] * (rank - 1 - axis))
    return boolean_mask(copies, mask, axis=axis)
