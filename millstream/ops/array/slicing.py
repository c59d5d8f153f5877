"""Ops that cut out parts: Slice, `tf.strided_slice`, `tensor[key]`."""

from functools import partial

import numpy as np

from millstream.base import errors
from millstream.base.dimension import Dimension
from millstream.base.dtypes import as_dtype, bool_, int32, int64
from millstream.base.export import export, export_constant
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.constant import constant
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Tensor, f, op
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.array.filling import ones_like
from millstream.ops.array.gathering import boolean_mask
from millstream.ops.array.joining import stack
from millstream.ops.array.reshaping import Reshape
from millstream.ops.array.shapes import shape_internal
from millstream.ops.array.slice_spec import MASKS
from millstream.ops.array.strided import StridedSlice, is_concrete
from millstream.ops.by_name import ops

__all__ = ["slice", "slice_helper", "strided_slice"]

newaxis = None
export_constant("newaxis", newaxis)


@op(static=("begin", "size"))
def Slice[T, Index: (Int32, Int64)](
    input: Tensor[T], begin: Tensor[Index], size: Tensor[Index]
) -> Tensor[T]:
    """Gives the part that begins at `begin` and is `size` large; -1 stands for all the rest."""


# -- Slice


@Slice.shape
def _(input, begin, begin_value, size, size_value, size_as_shape):
    rank = size.num_elements() if size.ndims is not None else None
    if input.ndims is not None and rank is not None and input.ndims != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {input.ndims}")
    if begin.num_elements() not in (None, rank) and rank is not None:
        raise ValueError(f"Slice's begin and size have {begin.num_elements()} and {rank} elements")
    if size_value is None:
        return size_as_shape if size_as_shape.ndims is not None else unknown_shape(input.ndims)
    sizes = size_value.tolist()
    if input.ndims is None or begin_value is None:
        return [None if s < 0 else s for s in sizes]
    return [_rest(d, int(b), s) for d, b, s in zip(input.tuple, begin_value, sizes, strict=True)]


def _rest(dim, begin, size):
    if size != -1:
        return size
    return None if dim is None else dim - begin


def _bounds(shape, begin, size):
    """Returns the begin and end of a slice.

    Raises:
      InvalidArgumentError: if it reaches out of the array.
    """
    starts = [int(b) for b in begin]
    ends = []
    if len(starts) != len(shape):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, "
            f"but got {len(starts)} entries",
        )
    for dim, (start, count) in enumerate(zip(starts, size, strict=True)):
        whole = shape[dim]
        end = whole if count == -1 else start + int(count)
        if not 0 <= start <= whole:
            raise errors.InvalidArgumentError(
                None, None, f"Expected begin[{dim}] in [0, {whole}], but got {start}"
            )
        if not start <= end <= whole:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Expected size[{dim}] in [0, {whole - start}], but got {count}",
            )
        ends.append(end)
    return starts, ends


@Slice.kernel
def _(input, begin, size, check):
    if not is_concrete(begin):
        return _dynamic_slice(input, begin, size, check)
    starts, ends = _bounds(input.shape, begin, size)
    return lax.slice(input, starts, ends)


def _dynamic_slice(input, begin, size, check):
    sizes = np.asarray(size)
    room = np.asarray(input.shape, sizes.dtype) - sizes
    check(
        jnp.all((begin >= 0) & (begin <= room)),
        lambda b: f"Expected begin in [0, {room.tolist()}], but got {b.tolist()}",
        begin,
    )
    return lax.dynamic_slice(input, list(begin), sizes.tolist())


@Slice.static_if
def _(node):
    """Lets the compiler trace `begin` if `size` is a constant that spells every size."""
    size = constant_array(node.inputs[2])
    return ("size",) if size is not None and (size >= 0).all() else ("begin", "size")


@Slice.reference
def _(input, begin, size):
    starts, ends = _bounds(np.shape(input), begin, size)
    return np.asarray(input)[tuple([np.s_[a:b] for a, b in zip(starts, ends, strict=True)])]


@Slice.gradient
def _(node, dy):
    x, begin, _ = node.inputs
    rank = x.shape.ndims
    sizes = shape_internal(x, out_type=begin.dtype.base_dtype)
    counts = shape_internal(node.outputs[0], out_type=begin.dtype.base_dtype)
    if constant_array(begin) is None:
        ones = ones_like(begin)
        end = ops.AddV2(begin, counts)
        return [ops.StridedSliceGrad(sizes, begin, end, ones, dy), None, None]
    column = [-1, 1] if rank is None else [rank, 1]
    before = Reshape(begin, column)
    after = Reshape(ops.Sub(ops.Sub(sizes, counts), begin), column)
    return [ops.Pad(dy, ops.ConcatV2([before, after], 1)), None, None]


Slice.examples(f[4, 6], [1, 2], [2, -1])
Slice.examples(f[4], [4], [0])
Slice.fails("rank", f[4, 6], [1], [2])
Slice.fails("Expected size[1]", f[4, 6], [1, 2], [2, 5])


# -- public

_NOT_AN_INDEX = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices, got {!r}"
)


def _check_index(index):
    if isinstance(index, (int, np.integer, Dimension)):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is None or as_dtype(dtype).base_dtype not in (int32, int64):
        raise TypeError(_NOT_AN_INDEX.format(index))
    shape = TensorShape(index.shape)
    if shape.ndims == 1:
        raise TypeError(_NOT_AN_INDEX.format(index))


def _is_mask(key):
    if isinstance(key, bool):
        return True
    return hasattr(key, "dtype") and as_dtype(key.dtype).base_dtype is bool_


class _Key:
    """The operands of the StridedSlice that an index expression stands for."""

    def __init__(self, key):
        self.begin, self.end, self.strides = [], [], []
        self.masks = dict.fromkeys(MASKS, 0)
        for at, part in enumerate(key if isinstance(key, (list, tuple)) else (key,)):
            self._add(1 << at, part)

    def _add(self, bit, part):
        if isinstance(part, _SLICE):
            self._add_slice(bit, part)
        elif part is Ellipsis:
            self._append(0, 0, 1)
            self.masks["ellipsis_mask"] |= bit
        elif part is newaxis:
            self._append(0, 0, 1)
            self.masks["new_axis_mask"] |= bit
        else:
            _check_index(part)
            self._append(part, _next(part), 1)
            self.masks["shrink_axis_mask"] |= bit

    def _add_slice(self, bit, part):
        for bound in (part.start, part.stop, part.step):
            if bound is not None:
                _check_index(bound)
        self._append(
            0 if part.start is None else part.start,
            0 if part.stop is None else part.stop,
            1 if part.step is None else part.step,
        )
        self.masks["begin_mask"] |= bit if part.start is None else 0
        self.masks["end_mask"] |= bit if part.stop is None else 0

    def _append(self, begin, end, stride):
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)


_SLICE = type(np.s_[:])


def _next(index):
    if isinstance(index, (int, np.integer, Dimension)):
        return index + 1
    return ops.AddV2(index, 1, name="add")


def slice_helper(tensor, key, var=None):
    """Returns `tensor[key]`: `Tensor.__getitem__`.

    Args:
      tensor: the tensor.
      key: an integer, slice, `...`, `None`, scalar integer tensor, or a tuple of these; or a mask
        of booleans.
      var: the variable that `tensor` is the value of, if any.

    Raises:
      TypeError: for anything else.
      ValueError: if the static shape shows that an index is out of bounds.
    """
    if _is_mask(key):
        return boolean_mask(tensor, key)
    parts = _Key(key)
    with name_scope(None, "strided_slice", [tensor, *parts.begin, *parts.end]) as scope:
        bounds = _stacked(parts)
        return strided_slice(tensor, *bounds, **parts.masks, var=var, name=scope)


def _stacked(parts):
    if not parts.begin:
        return [constant([], int32)] * 3
    bounds = [stack(values) for values in (parts.begin, parts.end, parts.strides)]
    if any(b.dtype is int64 for b in bounds):
        bounds = [b if b.dtype is int64 else ops.Cast(b, DstT=int64) for b in bounds]
    return bounds


@export("strided_slice")
def strided_slice(
    input_,
    begin,
    end,
    strides=None,
    begin_mask=0,
    end_mask=0,
    ellipsis_mask=0,
    new_axis_mask=0,
    shrink_axis_mask=0,
    var=None,
    name=None,
):
    """Returns `input_[begin:end:strides, …]`.

    Bit `i` of a mask changes what entry `i` of the three vectors means.

    Args:
      input_: a tensor.
      begin: first index per entry.
      end: first index that is not taken any more, per entry.
      strides: steps, by default ones; negative ones go backwards.
      begin_mask: entries that begin at the first element.
      end_mask: entries that end after the last element.
      ellipsis_mask: the entry that stands for as many whole dimensions as needed.
      new_axis_mask: entries that stand for a new dimension of size 1.
      shrink_axis_mask: entries that take one index and drop the dimension.
      var: the variable that `input_` is the value of; the result can then be assigned to.
      name: name of the node.
    """
    if strides is None:
        strides = ones_like(begin)
    result = StridedSlice(
        input_,
        begin,
        end,
        strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )
    if var is not None:
        result.assign = partial(_assign, var, result.op)
    return result


def _assign(var, node, value, name=None):
    """Assigns to the part of a variable that a StridedSlice node took."""
    name = f"{node.name}/_assign" if name is None else name
    masks = {mask: node.attrs[mask] for mask in MASKS}
    return var._strided_slice_assign(*node.inputs[1:], value, name=name, **masks)


@export("slice")
def slice(input_, begin, size, name=None):
    """Returns the part of `input_` that begins at `begin` and has the shape `size`.

    Args:
      input_: a tensor of rank `r`.
      begin: `[r]`, integers.
      size: `[r]`, integers; -1 stands for all that is left.
      name: name of the node.
    """
    return Slice(input_, begin, size, name=name)


SymbolicTensor.install_operator("__getitem__", slice_helper)
