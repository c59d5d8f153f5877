"""Reductions of ragged tensors, `tf.ragged.map_flat_values`, and the operators."""

from millstream.base.dtypes import Int32
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.gathering import gather as dense_gather
from millstream.ops.by_name import ops
from millstream.ops.math import reduce_all, reduce_any, reduce_max, reduce_min, reduce_prod
from millstream.ops.math import reduce_sum as dense_sum
from millstream.ops.math.cast import cast
from millstream.ops.ragged.tensor import RaggedTensor


@export("ragged.map_flat_values")
def map_flat_values(op, *args, **kwargs):
    """Applies a function to the innermost elements of ragged tensors of the same rows.

    Args:
      op: a function of tensors that keeps the number of elements.
      *args: its operands; ragged ones, alone or in lists, are replaced by their elements.
      **kwargs: the same.

    Returns:
      A `RaggedTensor` of what `op` gives; just that if no operand is ragged.

    Raises:
      InvalidArgumentError: when run, if operands have different rows.
    """
    found = []
    flat_args = [_flat(arg, found) for arg in args]
    flat_kwargs = {key: _flat(arg, found) for key, arg in kwargs.items()}
    if not found:
        return op(*args, **kwargs)
    splits = found[0]
    if any(len(each) != len(splits) for each in found[1:]):
        raise ValueError("All ragged operands of map_flat_values must have the same ragged_rank")
    return RaggedTensor.from_nested_row_splits(op(*flat_args, **flat_kwargs), splits)


def _flat(value, found):
    if isinstance(value, RaggedTensor):
        found.append(value.nested_row_splits)
        return value.flat_values
    if isinstance(value, list | tuple) and any(isinstance(x, RaggedTensor) for x in value):
        return [_flat(each, found) for each in value]
    return value


# -- reductions

_SEGMENTS = {
    "sum": lambda *a: ops.UnsortedSegmentSum(*a),
    "prod": lambda *a: ops.UnsortedSegmentProd(*a),
    "max": lambda *a: ops.UnsortedSegmentMax(*a),
    "min": lambda *a: ops.UnsortedSegmentMin(*a),
    "any": lambda x, *a: ops.Cast(ops.UnsortedSegmentMax(_number(x), *a) > 0, DstT=x.dtype),
    "all": lambda x, *a: ops.Cast(ops.UnsortedSegmentMin(_number(x), *a) > 0, DstT=x.dtype),
}
_DENSE = {
    "sum": dense_sum, "prod": reduce_prod, "max": reduce_max, "min": reduce_min,
    "any": reduce_any, "all": reduce_all,
}  # fmt: skip


def _number(x):
    return cast(x, Int32)


def reduce(kind, value, axis=None, keepdims=False):
    """Reduces a ragged tensor along an axis, axes, or all of them.

    Raises:
      ValueError: if an axis is out of range, or `keepdims` is set.
    """
    if keepdims:
        raise ValueError("keepdims of a RaggedTensor is not supported")
    if axis is None:
        return _DENSE[kind](value.flat_values)
    if isinstance(axis, list | tuple):
        rank = value.shape.ndims
        for each in sorted((a % rank if rank else a for a in axis), reverse=True):
            value = reduce(kind, value, each) if isinstance(value, RaggedTensor) else (
                _DENSE[kind](value, each)
            )  # fmt: skip
        return value
    rank = value.shape.ndims
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    axis = axis % rank if axis < 0 else axis
    if axis == 0:
        return _along_rows(kind, value)
    if axis == 1:
        return _segments(kind, value.values, value.value_rowids(), value.nrows())
    inner = value.values
    if isinstance(inner, RaggedTensor):
        return value.with_values(reduce(kind, inner, axis - 1))
    return value.with_values(_DENSE[kind](inner, axis - 1))


def _along_rows(kind, value):
    """Reduces elements of the same column."""
    starts = dense_gather(value.row_starts(), value.value_rowids())
    dtype = value.row_splits.dtype
    count = value.row_splits[-1]
    columns = ops.Range(constant(0, dtype), count, constant(1, dtype)) - starts
    widest = value.bounding_shape(axis=1)
    return _segments(kind, value.values, columns, widest)


def _segments(kind, values, ids, count):
    if not isinstance(values, RaggedTensor):
        return _SEGMENTS[kind](values, ids, cast(count, Int32))
    # Of rows it is the elements in the same place that are reduced.
    dtype = values.row_splits.dtype
    rows = values.value_rowids()
    places = ops.Range(constant(0, dtype), values.row_splits[-1], constant(1, dtype))
    columns = places - dense_gather(values.row_starts(), rows)
    lengths = ops.UnsortedSegmentMax(values.row_lengths(), ids, cast(count, Int32))
    lengths = ops.Maximum(lengths, ops.ZerosLike(lengths))
    splits = ops.ConcatV2([constant([0], dtype), ops.Cumsum(lengths, 0)], 0)
    targets = dense_gather(dense_gather(splits, ids), rows) + columns
    return RaggedTensor(_segments(kind, values.values, targets, splits[-1]), splits, internal=True)


def reduce_mean(value, axis=None, keepdims=False):
    """Averages a ragged tensor along an axis, axes, or all of them."""
    total = reduce("sum", value, axis, keepdims)
    ones = value.with_flat_values(ops.OnesLike(value.flat_values))
    count = reduce("sum", ones, axis, keepdims)
    return elementwise(lambda x, y: x / y, total, count)


# -- elementwise


def elementwise(op, x, y, *args, **kwargs):
    """Applies an operator of two operands of which one is ragged; scalars are broadcast.

    Raises:
      ValueError: if a dense operand is no scalar.
    """
    if isinstance(x, RaggedTensor) and not isinstance(y, RaggedTensor):
        y = _broadcast(y, x)
    elif isinstance(y, RaggedTensor) and not isinstance(x, RaggedTensor):
        x = _broadcast(x, y)
    return map_flat_values(op, x, y, *args, **kwargs)


def _broadcast(dense, ragged):
    """Returns a dense operand as it fits the elements of a ragged one."""
    dense = convert_to_tensor(dense, dtype=ragged.dtype.base_dtype)
    rank = dense.shape.ndims
    if rank == 0 or (rank is not None and rank < ragged.flat_values.shape.ndims):
        return dense
    if rank == 2 and dense.shape.as_list()[1] == 1 and ragged.ragged_rank == 1:
        return dense_gather(ops.Reshape(dense, [-1]), ragged.value_rowids())
    raise ValueError(
        f"Cannot broadcast a tensor of shape {dense.shape} to a RaggedTensor of shape "
        f"{ragged.shape}; only scalars and one number per row can be"
    )


def _install(name, op, reverse=True):
    def method(x, y):
        with name_scope(None, f"Ragged{name.title()}", []):
            return elementwise(op, x, y)

    def backward(y, x):
        with name_scope(None, f"Ragged{name.title()}", []):
            return elementwise(lambda a, b: op(b, a), y, x)

    setattr(RaggedTensor, f"__{name}__", method)
    if reverse:
        setattr(RaggedTensor, f"__r{name}__", backward)


for _name, _op in {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "div": lambda x, y: x / y,
    "floordiv": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
    "pow": lambda x, y: x**y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
}.items():
    _install(_name, _op)
for _name, _op in {
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
}.items():
    _install(_name, _op, reverse=False)
RaggedTensor.__neg__ = lambda x: map_flat_values(ops.Neg, x)
RaggedTensor.__abs__ = lambda x: map_flat_values(abs, x)
RaggedTensor.__invert__ = lambda x: map_flat_values(ops.LogicalNot, x)
