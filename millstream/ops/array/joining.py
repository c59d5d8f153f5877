"""Ops that join arrays: ConcatV2, Pack and their kin; lists that hold tensors become a Pack."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor, register_tensor_conversion_function, to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Returns, Shape, Tensor, Tensors, f, i, op
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.array.identities import identity
from millstream.ops.array.shapes import Shape as ShapeOf
from millstream.ops.array.shapes import ShapeN, shape_internal
from millstream.ops.by_name import ops

__all__ = ["concat", "parallel_stack", "stack"]


@op(static="axis", defaults={"Tidx": Int32})
def ConcatV2[T, Tidx: (Int32, Int64)](values: Tensors[T, "N", 2], axis: Tensor[Tidx]) -> Tensor[T]:
    """Joins arrays along a dimension that they have."""


@op(static="concat_dim")
def Concat[T](concat_dim: Tensor[Int32], values: Tensors[T, "N", 2]) -> Tensor[T]:
    """Joins arrays along a dimension that they have."""


@op(static=("concat_dim", "shape"))
def ConcatOffset(concat_dim: Tensor[Int32], shape: Tensors[Int32, "N", 2]) -> Returns(
    offset=Tensors[Int32, "N"]
):
    """Gives the place where each operand of a concatenation begins in its result."""


@op
def Pack[T](values: Tensors[T, "N"], *, axis: int = 0) -> Tensor[T]:
    """Joins arrays of one shape along a new dimension."""


@op
def ParallelConcat[T](values: Tensors[T, "N"], *, shape: Shape) -> Tensor[T]:
    """Joins arrays of first size 1 along their first dimension."""


# -- concatenation


def _joined(shapes, axis):
    """Returns the shape of a concatenation; `axis` is `None` if it is not known."""
    ranks = {s.ndims for s in shapes} - {None}
    if not ranks:
        return unknown_shape()
    rank = next(s.ndims for s in shapes if s.ndims is not None)
    if rank == 0:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    for other in shapes:
        if other.ndims not in (None, rank):
            raise ValueError(f"Shape must be rank {rank} but is rank {other.ndims}")
    if axis is None:
        return unknown_shape(rank)
    if not -rank <= axis < rank:
        raise ValueError(
            f"Shape must be at least rank {axis + 1 if axis >= 0 else -axis} but is rank {rank}"
        )
    axis %= rank
    full = [s.with_rank(rank).tuple for s in shapes]
    total = sum(s[axis] for s in full) if all(s[axis] is not None for s in full) else None
    before = _merged([s[:axis] for s in full])
    after = _merged([s[axis + 1 :] for s in full])
    return [*before, total, *after]


def _merged(parts):
    """Merges partial shapes.

    Raises:
      ValueError: if two contradict each other.
    """
    whole = list(parts[0])
    for part in parts[1:]:
        for at, (a, b) in enumerate(zip(whole, part, strict=True)):
            if a is None:
                whole[at] = b
            elif b is not None and a != b:
                raise ValueError(
                    f"Dimension {at} in both shapes must be equal, but are {a} and {b}. "
                    f"Shapes are {_text(whole)} and {_text(part)}."
                )
    return whole


def _text(sizes):
    return "[" + ",".join("?" if d is None else str(d) for d in sizes) + "]"


def _scalar(value):
    return None if value is None else int(value.item())


@ConcatV2.shape
def _(values, axis_value):
    return _joined(values, _scalar(axis_value))


@Concat.shape
def _(concat_dim_value, values):
    return _joined(values, _scalar(concat_dim_value))


def _check(values, axis):
    """Refuses operands that NumPy would refuse in words of its own."""
    first = np.shape(values[0])
    rank = len(first)
    if not -rank <= axis < rank:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"ConcatOp : Expected concatenating dimensions in the range [{-rank}, {rank}), "
            f"but got {axis}",
        )
    axis %= rank
    for at, value in enumerate(values):
        other = np.shape(value)
        if (
            len(other) != rank
            or other[:axis] + other[axis + 1 :] != first[:axis] + first[axis + 1 :]
        ):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"ConcatOp : Dimensions of inputs should match: shape[0] = {_text(first)} "
                f"vs. shape[{at}] = {_text(other)}",
            )


@ConcatV2.kernel
def _(values, axis):
    _check(values, int(axis))
    return jnp.concatenate(values, int(axis))


@ConcatV2.reference
def _(values, axis):
    try:
        return np.concatenate(values, axis)
    except ValueError:
        _check(values, int(axis))
        raise


@Concat.kernel
def _(concat_dim, values):
    _check(values, int(concat_dim))
    return jnp.concatenate(values, int(concat_dim))


@Concat.reference
def _(concat_dim, values):
    _check(values, int(concat_dim))
    return np.concatenate(values, concat_dim)


@ConcatV2.gradient
def _(node, dy):
    return [*_concat_gradient(node.inputs[:-1], node.inputs[-1], dy), None]


@Concat.gradient
def _(node, dy):
    return [None, *_concat_gradient(node.inputs[1:], node.inputs[0], dy)]


def _concat_gradient(values, axis, dy):
    """Returns the slices of `dy` that belong to the operands."""
    if isinstance(dy, IndexedSlices):
        return _sparse_concat_gradient(values, axis, dy)
    rank = dy.shape.ndims
    known = constant_array(axis)
    if known is not None and rank is not None:
        at = int(known.item()) % rank
        sizes = [x.shape.tuple[at] if x.shape.ndims is not None else None for x in values]
        if None not in sizes:
            return ops.SplitV(dy, constant(sizes, Int32), constant(at), num_split=len(values))
        axis = constant(at, Int32)
    else:
        axis = ops.FloorMod(ops.Cast(axis, DstT=Int32), ops.Rank(values[0]))
    sizes = ShapeN(list(values)) if len(values) > 1 else [ShapeOf(values[0])]
    begins = ConcatOffset(axis, sizes)
    return [ops.Slice(dy, begin, size) for begin, size in zip(begins, sizes, strict=True)]


def _sparse_concat_gradient(values, axis, dy):
    """Deals the rows of an `IndexedSlices` out to the operands, or cuts each row."""
    known = constant_array(axis)
    rank = dy.values.shape.ndims
    if known is None or rank is None:
        raise ValueError("The IndexedSlices gradient of a concatenation needs a constant axis")
    at = int(known.item()) % rank
    if at == 0:
        return _rows_of_each(values, dy)
    sizes = [x.shape.tuple[at] if x.shape.ndims is not None else None for x in values]
    if None in sizes:
        sizes = ops.Pack([shape_internal(x)[at] for x in values])
    else:
        sizes = constant(sizes, Int32)
    parts = ops.SplitV(dy.values, sizes, constant(at), num_split=len(values))
    return [
        IndexedSlices(part, dy.indices, shape_internal(x))
        for part, x in zip(parts, values, strict=True)
    ]


def _rows_of_each(values, dy):
    """Returns for each operand those rows whose index falls into it."""
    parts = []
    start = constant(0, dy.indices.dtype.base_dtype)
    for x in values:
        sizes = shape_internal(x, out_type=start.dtype.base_dtype)
        end = ops.AddV2(start, sizes[0])
        inside = ops.LogicalAnd(ops.GreaterEqual(dy.indices, start), ops.Less(dy.indices, end))
        picks = ops.Squeeze(ops.Where(inside), squeeze_dims=[1])
        rows = ops.GatherV2(dy.values, picks, 0)
        places = ops.Sub(ops.GatherV2(dy.indices, picks, 0), start)
        parts.append(IndexedSlices(rows, places, sizes))
        start = end
    return parts


for _values in ([f[2, 3], f[2, 1]], [f[1, 3], f[2, 3], f[0, 3]]):
    _axis = 1 if len(_values) == 2 else 0
    ConcatV2.examples(_values, _axis)
    Concat.examples(_axis, _values)
ConcatV2.examples([f[2, 3], f[2, 1]], -1)
ConcatV2.fails("must be equal", [f[2, 3], f[2, 1]], 0)
ConcatV2.fails("scalars", [f[()], f[()]], 0)


@ConcatOffset.shape
def _(shape):
    return tuple(shape)


@ConcatOffset.kernel
@ConcatOffset.reference
def _(concat_dim, shape):
    at = int(concat_dim) % len(shape[0])
    starts = []
    start = 0
    for sizes in shape:
        offset = np.zeros(len(sizes), np.int32)
        offset[at] = start
        starts.append(offset)
        start += int(sizes[at])
    return tuple(starts)


ConcatOffset.no_gradient("shapes have none")
ConcatOffset.examples(1, [[2, 3], [2, 5], [2, 1]])


# -- stacking


@Pack.shape
def _(values, axis):
    whole = TensorShape(None)
    for shape in values:
        if shape.ndims is not None and whole.ndims not in (None, shape.ndims):
            raise ValueError(f"Shapes must be equal rank, but are {whole.ndims} and {shape.ndims}")
        whole = (
            shape
            if whole.ndims is None
            else whole
            if shape.ndims is None
            else TensorShape(_merged([whole.tuple, shape.tuple]))
        )
    if whole.ndims is None:
        return unknown_shape()
    rank = whole.ndims + 1
    if not -rank <= axis < rank:
        raise ValueError(f"axis = {axis} not in [{-rank}, {rank})")
    sizes = list(whole.tuple)
    sizes.insert(axis % rank, len(values))
    return sizes


@Pack.kernel
def _(values, axis):
    return jnp.stack(values, axis)


@Pack.reference
def _(values, axis):
    try:
        return np.stack(values, axis)
    except ValueError:
        shapes = [_text(np.shape(v)) for v in values]
        raise errors.InvalidArgumentError(
            None, None, f"Shapes of all inputs must match: {', '.join(shapes)}"
        ) from None


@Pack.gradient
def _(node, dy):
    return list(ops.Unpack(dy, num=node.attrs["N"], axis=node.attrs["axis"]))


Pack.examples([f[2, 3], f[2, 3]])
Pack.examples([f[2, 3], f[2, 3]], axis=-1)
Pack.examples([f[()], f[()], f[()]])
Pack.fails("must be equal", [f[2], f[3]])
Pack.fails("not in", [f[2], f[2]], axis=2)


@ParallelConcat.shape
def _(shape):
    return shape


@ParallelConcat.kernel
def _(values):
    return jnp.concatenate(values)


@ParallelConcat.reference
def _(values):
    return np.concatenate(values)


@ParallelConcat.gradient
def _(node, dy):
    return list(ops.Split(constant(0), dy, num_split=node.attrs["N"]))


ParallelConcat.examples([f[1, 3], f[1, 3]], shape=[2, 3])


# -- lists that hold tensors


def _holds_tensor(value):
    return any(_holds_tensor(v) if isinstance(v, (list, tuple)) else _is_tensor(v) for v in value)


def _is_tensor(value):
    return isinstance(value, SymbolicTensor) or hasattr(value, "_as_graph_element")


def _element_type(value):
    """Returns the type of the first tensor in nested lists."""
    for item in value:
        if isinstance(item, (list, tuple)):
            found = _element_type(item)
            if found is not None:
                return found
        elif _is_tensor(item):
            return item.dtype.base_dtype
    return None


def _packed(items, dtype, name):
    """Makes the Pack of nested lists, its constants called after their places."""
    with name_scope(name) as scope:
        made = []
        must_pack = False
        for at, item in enumerate(items):
            if isinstance(item, (list, tuple)):
                part = _packed(item, dtype, str(at))
                must_pack = must_pack or _is_tensor(part)
                made.append(part)
            else:
                must_pack = must_pack or _is_tensor(item)
                made.append(item)
        if not must_pack:
            return items
        tensors = [
            _of_type(item, dtype) if _is_tensor(item) else constant(item, dtype, name=str(at))
            for at, item in enumerate(made)
        ]
        return Pack(tensors, name=scope)


def _of_type(value, dtype):
    tensor = to_tensor(value)
    if tensor.dtype.base_dtype is not dtype:
        raise TypeError(
            f"Cannot convert a list containing a tensor of dtype {tensor.dtype} to {dtype} "
            f"(Tensor is: {tensor!r})"
        )
    return tensor


def _from_list(value, dtype=None, name=None, as_ref=False):
    """Converts a list or tuple that holds tensors, however deep."""
    if as_ref or not _holds_tensor(value):
        return NotImplemented
    found = _element_type(value)
    if dtype is None:
        dtype = found
    elif dtype is not found:
        value = _cast_all(value, dtype)
    return _packed(value, dtype, name or "packed")


def _cast_all(value, dtype):
    """Casts the tensors in nested lists to the type that is wanted of the whole."""
    if isinstance(value, (list, tuple)):
        return [_cast_all(item, dtype) for item in value]
    if _is_tensor(value) and value.dtype.base_dtype is not dtype:
        return ops.Cast(value, DstT=dtype)
    return value


register_tensor_conversion_function((list, tuple), _from_list, 99)


# -- public


@export("concat")
def concat(values, axis, name="concat"):
    """Joins tensors along a dimension that they have.

    Args:
      values: tensors of one type, equal in shape but for dimension `axis`.
      axis: the dimension, counted from the end if negative.
      name: name of the node.

    Raises:
      ValueError: if the static shapes do not fit.

    Example:
      >>> concat([[1, 2], [3]], 0)  # 1, 2, 3
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with name_scope(name):
            axis = convert_to_tensor(axis, Int32, name="concat_dim")
            axis.shape.assert_has_rank(0)
            return identity(values[0], name=name)
    return ConcatV2(list(values), axis, name=name)


@export("stack")
def stack(values, axis=0, name="stack"):
    """Joins tensors of one shape along a new dimension.

    Args:
      values: the tensors, or arrays, of one type and shape.
      axis: where the new dimension stands in the result, counted from the end if negative.
      name: name of the node.

    Raises:
      ValueError: if the static shapes differ or `axis` is out of range.
    """
    if axis == 0:
        try:
            # A list of plain numbers becomes a constant, nested lists with tensors a Pack each.
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass
    rank = convert_to_tensor(values[0], name=name).shape.ndims
    if rank is not None and not -rank - 1 <= axis <= rank:
        raise ValueError(f"axis = {axis} not in [{-rank - 1}, {rank + 1})")
    return Pack(values, axis=axis, name=name)


@export("parallel_stack")
def parallel_stack(values, name="parallel_stack"):
    """Joins tensors of one static shape along a new first dimension.

    Args:
      values: the tensors.
      name: name of the node.
    """
    with name_scope(name):
        first = convert_to_tensor(values[0])
        whole = TensorShape([len(values)]).concatenate(first.shape)
        rows = [ops.ExpandDims(value, 0) for value in values]
        return ParallelConcat(rows, shape=whole)


Pack.examples([i[2], i[2]])
