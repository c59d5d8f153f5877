"""`tf.debugging.assert_*` about ranks and types, mostly made while the graph is built."""

import numpy as np

from millstream.base.dtypes import (
    as_dtype,
    complex64,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    qint8,
    qint32,
    quint8,
    uint8,
)
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ir.tensor import Tensor
from millstream.ops.array import rank as rank_of
from millstream.ops.array import shape
from millstream.ops.by_name import ops
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.groups import no_op, with_dependencies

__all__ = [
    *("assert_integer", "assert_proper_iterable", "assert_rank", "assert_rank_at_least"),
    *("assert_rank_in", "assert_same_float_dtype", "assert_scalar", "assert_type"),
    "is_numeric_tensor",
]

_NUMERIC = frozenset(
    (float32, float64, int8, int16, int32, int64, uint8, qint8, qint32, quint8, complex64)
)


def _check_ranks(x, ranks, holds, compare, data, summarize, complaint):
    """Checks the rank of `x` against each of `ranks`; one must hold.

    Args:
      x: the tensor.
      ranks: int32 scalars, as tensors.
      holds: tells of the actual and one wanted rank whether they fit.
      compare: the same with tensors.
      data: for the text of the error while running.
      summarize: how many elements to print of each.
      complaint: what must be the case, with `{}` for the wanted ranks.
    """
    for rank in ranks:
        assert_type(rank, int32)
    known = [constant_value(rank) for rank in ranks]
    if any(value is not None and value.ndim for value in known):
        raise ValueError("Rank must be a scalar.")
    actual = x.shape.ndims
    if actual is not None and all(value is not None for value in known):
        if not any(holds(actual, int(value)) for value in known):
            raise ValueError(
                f"{data[0]}.  Tensor {x.name} must have {complaint.format(known)}.  "
                f"Received rank {actual}, shape {x.shape}"
            )
        return no_op(name="static_checks_determined_all_ok")
    own = rank_of(x)
    condition = None
    for rank in ranks:
        one = compare(own, rank)
        condition = one if condition is None else ops.LogicalOr(condition, one)
    for rank, value in zip(ranks, known, strict=True):
        if value is None:
            words = ["Rank must be a scalar. Received rank: ", rank]
            condition = with_dependencies([assert_rank(rank, 0, data=words)], condition)
    return assert_true(condition, data, summarize=summarize)


def _rank_check(scope, x, rank, data, summarize, message, name, words, holds, op_name):
    with name_scope(name, scope, [x, rank, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        rank = convert_to_tensor(rank, name="rank")
        text = f"Tensor {x.name} must have {words}"
        if data is None:
            data = [message or "", text, rank, "Received shape: ", shape(x)]
        else:
            data = [message or "", *data] if message else list(data)
        value = constant_value(rank)
        complaint = f"{words} {value}"
        compare = getattr(ops, op_name)
        return _check_ranks(x, [rank], holds, compare, data, summarize, complaint)


@export("assert_rank", "debugging.assert_rank")
def assert_rank(x, rank, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x` has `rank` dimensions.

    Args:
      x: a tensor.
      rank: int32 scalar.
      data: list of tensors for the error's text.
      summarize: how many elements to print of each.
      message: put before the text.
      name: name of the nodes' scope.

    Raises:
      ValueError: at once, if the static rank is another.
      InvalidArgumentError: when it runs, if the rank is another.
    """
    return _rank_check(
        *("assert_rank", x, rank, data, summarize, message, name),
        *("rank", lambda actual, wanted: actual == wanted, "Equal"),
    )


@export("assert_rank_at_least", "debugging.assert_rank_at_least")
def assert_rank_at_least(x, rank, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x` has at least `rank` dimensions.

    See `assert_rank` for the arguments.
    """
    return _rank_check(
        *("assert_rank_at_least", x, rank, data, summarize, message, name),
        *("rank at least", lambda actual, wanted: actual >= wanted, "GreaterEqual"),
    )


@export("assert_rank_in", "debugging.assert_rank_in")
def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless the rank of `x` is one of `ranks`.

    See `assert_rank` for the arguments.
    """
    with name_scope(name, "assert_rank_in", [x, *ranks, *(data or ())]):
        x = convert_to_tensor(x, name="x")
        wanted = [convert_to_tensor(rank, name="rank") for rank in ranks]
        if data is None:
            text = f"Tensor {x.name} must have rank in"
            data = [message or "", text, *wanted, "Received shape: ", shape(x)]
        known = tuple(constant_value(rank) for rank in wanted)
        complaint = f"rank in {known}".replace("{", "{{").replace("}", "}}")
        return _check_ranks(x, wanted, lambda a, b: a == b, _equals, data, summarize, complaint)


def _equals(actual, wanted):
    return ops.Equal(wanted, actual)


@export("assert_integer", "debugging.assert_integer")
def assert_integer(x, message=None, name=None):
    """Checks that `x` has an integer type; returns a node that does nothing.

    Raises:
      TypeError: if it has another type.
    """
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(
                f'{message or ""}  Expected "x" to be integer type.  '
                f"Found: {x.name} of dtype {x.dtype}"
            )
        return no_op("statically_determined_was_integer")


@export("assert_type", "debugging.assert_type")
def assert_type(tensor, tf_type, message=None, name=None):
    """Checks that `tensor` has type `tf_type`; returns a node that does nothing.

    Raises:
      TypeError: if it has another type.
    """
    tf_type = as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype is not tf_type:
            raise TypeError(f"{message or ''}  {tensor.name} must be of type {tf_type}")
        return no_op("statically_determined_correct_type")


@export("assert_scalar", "debugging.assert_scalar")
def assert_scalar(tensor, name=None, message=None):
    """Returns `tensor`, checked to be a scalar.

    Raises:
      ValueError: if its static rank is not known to be 0.
    """
    with name_scope(name, "assert_scalar", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name=scope)
        if tensor.shape.ndims != 0:
            raise ValueError(
                f"{message or ''}Expected scalar shape for {tensor.name}, "
                f"saw shape: {tensor.shape}."
            )
        return tensor


@export("assert_same_float_dtype", "debugging.assert_same_float_dtype")
def assert_same_float_dtype(tensors=None, dtype=None):
    """Returns the one floating point type of `tensors`, float32 if there are none.

    Args:
      tensors: tensors, some of which may be `None`.
      dtype: the type that they must have.

    Raises:
      ValueError: if types differ, or are not floating point.
    """
    first = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        found = tensor.dtype.base_dtype
        if dtype is None:
            dtype, first = found, tensor
        elif found is not as_dtype(dtype).base_dtype:
            of = "" if first is None else f" as {first.name}"
            raise ValueError(
                f"{tensor.name}, type={found}, must be of the same type ({dtype}){of}."
            )
    dtype = float32 if dtype is None else as_dtype(dtype).base_dtype
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


@export("assert_proper_iterable", "debugging.assert_proper_iterable")
def assert_proper_iterable(values):
    """Checks that `values` is a collection, and no tensor, array or string.

    Raises:
      TypeError: if it is not.
    """
    kinds = (Tensor, SparseTensor, np.ndarray, str, bytes)
    if isinstance(values, kinds):
        raise TypeError(
            f"Expected argument \"values\" to be a 'proper' iterable.  Found: {type(values)}"
        )
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


@export("is_numeric_tensor", "debugging.is_numeric_tensor")
def is_numeric_tensor(tensor):
    """Tells whether `tensor` is a tensor of numbers."""
    return isinstance(tensor, Tensor) and tensor.dtype in _NUMERIC
