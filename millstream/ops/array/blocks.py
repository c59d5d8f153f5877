"""Ops that move blocks between dimensions: SpaceToBatch, SpaceToDepth and their inverses."""

from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import unknown_shape
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import AtLeast, Int32, Int64, Tensor, f, op
from millstream.ir.static_value import constant_array
from millstream.ops.array.filling import zeros
from millstream.ops.array.joining import stack
from millstream.ops.by_name import ops

__all__ = [
    "batch_to_space",
    "batch_to_space_nd",
    "depth_to_space",
    "required_space_to_batch_paddings",
    "space_to_batch",
    "space_to_batch_nd",
    "space_to_depth",
]

_FORMATS = Literal["NHWC", "NCHW", "NCHW_VECT_C"]


@op
def SpaceToDepth[T](
    input: Tensor[T], *, block_size: AtLeast(2), data_format: _FORMATS = "NHWC"
) -> Tensor[T]:
    """Moves square blocks of pixels into channels."""


@op
def DepthToSpace[T](
    input: Tensor[T], *, block_size: AtLeast(2), data_format: _FORMATS = "NHWC"
) -> Tensor[T]:
    """Moves groups of channels into square blocks of pixels."""


@op(static=("block_shape", "paddings"), defaults={"Tblock_shape": Int32, "Tpaddings": Int32})
def SpaceToBatchND[T, Tblock_shape: (Int32, Int64), Tpaddings: (Int32, Int64)](
    input: Tensor[T], block_shape: Tensor[Tblock_shape], paddings: Tensor[Tpaddings]
) -> Tensor[T]:
    """Pads, then deals the places within each block out to batch entries of their own."""


@op(static=("block_shape", "crops"), defaults={"Tblock_shape": Int32, "Tcrops": Int32})
def BatchToSpaceND[T, Tblock_shape: (Int32, Int64), Tcrops: (Int32, Int64)](
    input: Tensor[T], block_shape: Tensor[Tblock_shape], crops: Tensor[Tcrops]
) -> Tensor[T]:
    """Puts batch entries together to blocks, then crops: undoes `SpaceToBatchND`."""


@op(static="paddings", defaults={"Tpaddings": Int32})
def SpaceToBatch[T, Tpaddings: (Int32, Int64)](
    input: Tensor[T], paddings: Tensor[Tpaddings], *, block_size: AtLeast(2)
) -> Tensor[T]:
    """Is `SpaceToBatchND` for images and square blocks."""


@op(static="crops", defaults={"Tidx": Int32})
def BatchToSpace[T, Tidx: (Int32, Int64)](
    input: Tensor[T], crops: Tensor[Tidx], *, block_size: AtLeast(2)
) -> Tensor[T]:
    """Is `BatchToSpaceND` for images and square blocks."""


def _divided(size, factor):
    if size is None:
        return None
    if size % factor:
        raise ValueError(f"Dimension size must be evenly divisible by {factor} but is {size}")
    return size // factor


def _times(size, factor):
    return None if size is None else size * factor


# -- depth


def _check_format(data_format):
    if data_format == "NCHW_VECT_C":
        raise errors.InvalidArgumentError(
            None, None, "Data format NCHW_VECT_C needs quantised channels, which no CPU kernel has"
        )


def _to_last(shape, data_format):
    """Returns an image shape in NHWC order."""
    return shape if data_format == "NHWC" else (shape[0], *shape[2:], shape[1])


def _from_last(shape, data_format):
    return shape if data_format == "NHWC" else [shape[0], shape[3], shape[1], shape[2]]


@SpaceToDepth.shape
def _(input, block_size, data_format):
    if data_format == "NCHW_VECT_C":
        return unknown_shape(5)
    n, h, w, c = _to_last(input.with_rank(4).tuple, data_format)
    sizes = [n, _divided(h, block_size), _divided(w, block_size), _times(c, block_size**2)]
    return _from_last(sizes, data_format)


@DepthToSpace.shape
def _(input, block_size, data_format):
    if data_format == "NCHW_VECT_C":
        return unknown_shape(5)
    n, h, w, c = _to_last(input.with_rank(4).tuple, data_format)
    sizes = [n, _times(h, block_size), _times(w, block_size), _divided(c, block_size**2)]
    return _from_last(sizes, data_format)


def _space_to_depth(x, block, data_format):
    _check_format(data_format)
    if data_format == "NHWC":
        n, h, w, c = x.shape
        x = x.reshape(n, h // block, block, w // block, block, c)
        return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // block, w // block, block * block * c)
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block)
    return x.transpose(0, 3, 5, 1, 2, 4).reshape(n, block * block * c, h // block, w // block)


def _depth_to_space(x, block, data_format):
    _check_format(data_format)
    if data_format == "NHWC":
        n, h, w, c = x.shape
        c //= block * block
        x = x.reshape(n, h, w, block, block, c)
        return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * block, w * block, c)
    n, c, h, w = x.shape
    c //= block * block
    x = x.reshape(n, block, block, c, h, w)
    return x.transpose(0, 3, 4, 1, 5, 2).reshape(n, c, h * block, w * block)


@SpaceToDepth.kernel
@SpaceToDepth.reference
def _(input, block_size, data_format):
    return _space_to_depth(input, block_size, data_format)


@DepthToSpace.kernel
@DepthToSpace.reference
def _(input, block_size, data_format):
    return _depth_to_space(input, block_size, data_format)


def _attrs(node):
    return {name: node.attrs[name] for name in ("block_size", "data_format")}


@SpaceToDepth.gradient
def _(node, dy):
    return DepthToSpace(dy, **_attrs(node))


@DepthToSpace.gradient
def _(node, dy):
    return SpaceToDepth(dy, **_attrs(node))


SpaceToDepth.examples(f[2, 4, 6, 3], block_size=2)
SpaceToDepth.examples(f[2, 3, 4, 6], block_size=2, data_format="NCHW")
SpaceToDepth.fails("evenly divisible by 2", f[2, 3, 6, 3], block_size=2)
DepthToSpace.examples(f[2, 2, 3, 8], block_size=2)
DepthToSpace.examples(f[2, 8, 2, 3], block_size=2, data_format="NCHW")
DepthToSpace.fails("evenly divisible by 4", f[2, 2, 3, 6], block_size=2)


# -- batch


def _spread_shape(sizes, block, paddings):
    """Returns the shape that SpaceToBatchND gives."""
    batch, spatial = sizes[0], list(sizes[1 : 1 + len(block)])
    for at, (size, factor) in enumerate(zip(spatial, block, strict=True)):
        padded = None if size is None or paddings is None else size + int(paddings[at].sum())
        spatial[at] = _divided(padded, int(factor))
    return [_times(batch, int(np.prod(block))), *spatial, *sizes[1 + len(block) :]]


def _gathered_shape(sizes, block, crops):
    """Returns the shape that BatchToSpaceND gives."""
    batch = _divided(sizes[0], int(np.prod(block)))
    spatial = list(sizes[1 : 1 + len(block)])
    for at, (size, factor) in enumerate(zip(spatial, block, strict=True)):
        if size is None or crops is None:
            spatial[at] = None
            continue
        spatial[at] = size * int(factor) - int(crops[at].sum())
        if spatial[at] < 0:
            raise ValueError(f"crops {crops[at].tolist()} are larger than dimension {at}")
    return [batch, *spatial, *sizes[1 + len(block) :]]


def _check_borders(borders):
    if borders is not None and (borders < 0).any():
        raise ValueError("paddings cannot be negative")


@SpaceToBatchND.shape
def _(input, block_shape_value, paddings_value):
    if input.ndims is None or block_shape_value is None:
        return unknown_shape(input.ndims)
    input.with_rank_at_least(len(block_shape_value) + 1)
    _check_borders(paddings_value)
    return _spread_shape(input.tuple, block_shape_value, paddings_value)


@BatchToSpaceND.shape
def _(input, block_shape_value, crops_value):
    if input.ndims is None or block_shape_value is None:
        return unknown_shape(input.ndims)
    input.with_rank_at_least(len(block_shape_value) + 1)
    _check_borders(crops_value)
    return _gathered_shape(input.tuple, block_shape_value, crops_value)


@SpaceToBatch.shape
def _(input, paddings_value, block_size):
    _check_borders(paddings_value)
    return _spread_shape(input.with_rank(4).tuple, [block_size] * 2, paddings_value)


@BatchToSpace.shape
def _(input, crops_value, block_size):
    _check_borders(crops_value)
    return _gathered_shape(input.with_rank(4).tuple, [block_size] * 2, crops_value)


def _checked(shape_of, sizes, block, borders):
    try:
        _check_borders(borders)
        shape_of(sizes, block, borders)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None


def _space_to_batch(np_, x, block, paddings):
    _checked(_spread_shape, x.shape, block, paddings)
    block = [int(factor) for factor in block]
    count = len(block)
    rest = x.ndim - 1 - count
    x = np_.pad(x, [(0, 0), *((int(a), int(b)) for a, b in paddings), *[(0, 0)] * rest])
    split = [x.shape[0]]
    for size, factor in zip(x.shape[1:], block):
        split += [size // factor, factor]
    x = x.reshape(split + list(x.shape[1 + count :]))
    inner = [2 * d + 2 for d in range(count)]
    outer = [2 * d + 1 for d in range(count)]
    x = x.transpose(*inner, 0, *outer, *range(2 * count + 1, x.ndim))
    return x.reshape(-1 if x.size else 0, *x.shape[count + 1 :])


def _batch_to_space(x, block, crops):
    _checked(_gathered_shape, x.shape, block, crops)
    block = [int(factor) for factor in block]
    count = len(block)
    batch = x.shape[0] // int(np.prod(block))
    y = x.reshape(*block, batch, *x.shape[1:])
    order = [count]
    for d in range(count):
        order += [count + 1 + d, d]
    y = y.transpose(*order, *range(2 * count + 1, y.ndim))
    sizes = [size * factor for size, factor in zip(x.shape[1:], block)]
    y = y.reshape(batch, *sizes, *x.shape[1 + count :])
    inside = [np.s_[int(a) : size - int(b)] for (a, b), size in zip(crops, sizes)]
    return y[(np.s_[:], *inside)]


@SpaceToBatchND.kernel
def _(input, block_shape, paddings):
    return _space_to_batch(jnp, input, block_shape, paddings)


@SpaceToBatchND.reference
def _(input, block_shape, paddings):
    return _space_to_batch(np, input, block_shape, paddings)


@BatchToSpaceND.kernel
@BatchToSpaceND.reference
def _(input, block_shape, crops):
    return _batch_to_space(input, block_shape, crops)


@SpaceToBatch.kernel
def _(input, paddings, block_size):
    return _space_to_batch(jnp, input, [block_size] * 2, paddings)


@SpaceToBatch.reference
def _(input, paddings, block_size):
    return _space_to_batch(np, input, [block_size] * 2, paddings)


@BatchToSpace.kernel
@BatchToSpace.reference
def _(input, crops, block_size):
    return _batch_to_space(input, [block_size] * 2, crops)


@SpaceToBatchND.gradient
def _(node, dy):
    return [BatchToSpaceND(dy, *node.inputs[1:]), None, None]


@BatchToSpaceND.gradient
def _(node, dy):
    return [SpaceToBatchND(dy, *node.inputs[1:]), None, None]


@SpaceToBatch.gradient
def _(node, dy):
    return [BatchToSpace(dy, node.inputs[1], block_size=node.attrs["block_size"]), None]


@BatchToSpace.gradient
def _(node, dy):
    return [SpaceToBatch(dy, node.inputs[1], block_size=node.attrs["block_size"]), None]


SpaceToBatchND.examples(f[2, 2, 4, 3], [2, 2], [[0, 0], [2, 0]])
SpaceToBatchND.examples(f[1, 4, 2], [2], [[0, 0]])
SpaceToBatchND.fails("evenly divisible", f[1, 5, 2], [2], [[0, 0]])
BatchToSpaceND.examples(f[8, 1, 3, 2], [2, 2], [[0, 0], [2, 0]])
BatchToSpaceND.fails("evenly divisible", f[3, 5, 2], [2], [[0, 0]])
SpaceToBatch.examples(f[1, 3, 2, 1], [[0, 1], [2, 0]], block_size=2)
BatchToSpace.examples(f[4, 2, 2, 1], [[0, 1], [2, 0]], block_size=2)


# -- public


@export("space_to_depth", "nn.space_to_depth")
def space_to_depth(input, block_size, name=None, data_format="NHWC"):
    """Returns images with square blocks of pixels moved into channels.

    Args:
      input: `[batch, height, width, channels]`, or as `data_format` says.
      block_size: edge of the blocks; it divides height and width.
      name: name of the node.
      data_format: `"NHWC"` or `"NCHW"`.
    """
    return SpaceToDepth(input, block_size=block_size, data_format=data_format, name=name)


@export("depth_to_space", "nn.depth_to_space")
def depth_to_space(input, block_size, name=None, data_format="NHWC"):
    """Returns images with groups of channels moved into square blocks of pixels.

    Args:
      input: `[batch, height, width, channels]`, or as `data_format` says.
      block_size: edge of the blocks; its square divides the number of channels.
      name: name of the node.
      data_format: `"NHWC"` or `"NCHW"`.
    """
    return DepthToSpace(input, block_size=block_size, data_format=data_format, name=name)


@export("space_to_batch_nd", "manip.space_to_batch_nd")
def space_to_batch_nd(input, block_shape, paddings, name=None):
    """Returns `input`, padded, with the places in each block dealt out to batch entries.

    Args:
      input: `[batch, spatial…, …]`.
      block_shape: `[m]`: sizes of the blocks along the first `m` spatial dimensions.
      paddings: `[m, 2]`: zeros to add before and behind each.
      name: name of the node.
    """
    return SpaceToBatchND(input, block_shape, paddings, name=name)


@export("batch_to_space_nd", "manip.batch_to_space_nd")
def batch_to_space_nd(input, block_shape, crops, name=None):
    """Returns batch entries put together to blocks, then cropped: undoes `space_to_batch_nd`.

    Args:
      input: `[batch, spatial…, …]`.
      block_shape: `[m]`: sizes of the blocks.
      crops: `[m, 2]`: how much to cut off before and behind each of `m` dimensions.
      name: name of the node.
    """
    return BatchToSpaceND(input, block_shape, crops, name=name)


@export("space_to_batch", "nn.space_to_batch")
def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):
    """Is `space_to_batch_nd` for images and square blocks with edge `block_size`."""
    size = block_size if block_shape is None else block_shape
    result = SpaceToBatchND(input, np.array([size, size], np.int64), paddings, name=name)
    result.set_shape(result.shape.with_rank(4))
    return result


@export("batch_to_space")
def batch_to_space(input, crops, block_size, name=None, block_shape=None):
    """Is `batch_to_space_nd` for images and square blocks with edge `block_size`."""
    size = block_size if block_shape is None else block_shape
    result = BatchToSpaceND(input, np.array([size, size], np.int64), crops, name=name)
    result.set_shape(result.shape.with_rank(4))
    return result


@export("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """Returns the padding that makes blocks fit, and the crops that undo it.

    Args:
      input_shape: `[m]` int32: the spatial sizes.
      block_shape: `[m]` int32: sizes of the blocks.
      base_paddings: `[m, 2]` int32: least padding, by default none.
      name: name of the nodes' scope.

    Returns:
      A tuple `(paddings, crops)`, both `[m, 2]`; constants if the operands are known.
    """
    with name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        sizes = convert_to_tensor(input_shape, Int32, name="input_shape")
        blocks = convert_to_tensor(block_shape, Int32, name="block_shape")
        count = blocks.shape.with_rank(1).tuple[0]
        if count is None:
            raise ValueError("block_shape must be of known length")
        sizes.shape.assert_is_compatible_with([count])
        if base_paddings is not None:
            base = convert_to_tensor(base_paddings, Int32, name="base_paddings")
            base.shape.assert_is_compatible_with([count, 2])
        else:
            base = zeros([count, 2], Int32)
        known = [constant_array(t) for t in (sizes, blocks, base)]
        if all(value is not None for value in known):
            paddings, crops = _required(*known)
            return constant(paddings, name="paddings"), constant(crops, name="crops")
        return _required_nodes(sizes, blocks, base, count)


def _required(sizes, blocks, base):
    before, least = base[:, 0], base[:, 1]
    extra = -(sizes + before + least) % blocks
    paddings = np.stack([before, least + extra], 1).astype(np.int32)
    return paddings, np.stack([np.zeros_like(extra), extra], 1).astype(np.int32)


def _required_nodes(sizes, blocks, base, count):
    before, least = base[:, 0], base[:, 1]
    full = ops.AddV2(ops.AddV2(sizes, before, name="add"), least, name="add")
    short = ops.FloorMod(
        ops.Sub(blocks, ops.FloorMod(full, blocks, name="mod"), name="sub"), blocks, name="mod"
    )
    after = ops.AddV2(least, short, name="add")
    paddings = stack([[before[i], after[i]] for i in range(count)], name="paddings")
    crops = stack([[0, short[i]] for i in range(count)], name="crops")
    return paddings, crops
