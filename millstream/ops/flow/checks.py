"""`tf.debugging.assert_*`: checks of values, made at once where the values are known."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array import reshape
from millstream.ops.by_name import ops
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.groups import no_op
from millstream.ops.math.reductions import reduce_all

__all__ = [
    *("assert_equal", "assert_greater", "assert_greater_equal", "assert_less"),
    *("assert_less_equal", "assert_near", "assert_negative", "assert_non_negative"),
    *("assert_non_positive", "assert_none_equal", "assert_positive"),
    *("is_non_decreasing", "is_strictly_increasing"),
]


def _refuse_known(condition, data):
    """Checks a condition whose operands are all known.

    Raises:
      InvalidArgumentError: if it does not hold.
    """
    if condition:
        return
    words = []
    for item in data:
        value = constant_value(item) if hasattr(item, "op") else item
        words.append(str(item if value is None else value))
    raise errors.InvalidArgumentError(None, None, "\n".join(words))


class _Comparison:
    """What an assertion about two tensors needs: its symbol, op and NumPy function."""

    def __init__(self, symbol, scope, op_name, known):
        self.symbol, self.scope, self.op_name, self.known = symbol, scope, op_name, known


_EQUAL = _Comparison("==", "assert_equal", "Equal", np.equal)
_NOT_EQUAL = _Comparison("!=", "assert_none_equal", "NotEqual", np.not_equal)
_LESS = _Comparison("<", "assert_less", "Less", np.less)
_LESS_EQUAL = _Comparison("<=", "assert_less_equal", "LessEqual", np.less_equal)
_GREATER = _Comparison(">", "assert_greater", "Greater", np.greater)
_GREATER_EQUAL = _Comparison(">=", "assert_greater_equal", "GreaterEqual", np.greater_equal)


def _compare(comparison, x, y, data, summarize, message, name):
    with name_scope(name, comparison.scope, [x, y, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        if data is None:
            data = [
                f"Condition x {comparison.symbol} y did not hold element-wise:",
                *(f"x ({x.name}) = ", x),
                *(f"y ({y.name}) = ", y),
            ]
        if message is not None:
            data = [message, *data]
        condition = reduce_all(getattr(ops, comparison.op_name)(x, y))
        known = constant_value(x), constant_value(y)
        if known[0] is not None and known[1] is not None:
            _refuse_known(np.all(comparison.known(*known)), data)
        return assert_true(condition, data, summarize=summarize)


@export("assert_equal", "debugging.assert_equal")
def assert_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x == y` everywhere.

    Args:
      x: a tensor.
      y: a tensor of the same type; the two are broadcast.
      data: list of tensors for the error's text, by default `x` and `y`.
      summarize: how many elements to print of each.
      message: put before the text.
      name: name of the nodes' scope.

    Raises:
      InvalidArgumentError: at once if both are known and differ, else when it runs.
    """
    with name_scope(name, "assert_equal", [x, y, data]):
        if x is y:
            return no_op(name)
    return _compare(_EQUAL, x, y, data, summarize, message, name)


@export("assert_none_equal", "debugging.assert_none_equal")
def assert_none_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x != y` everywhere; see `assert_equal`."""
    return _compare(_NOT_EQUAL, x, y, data, summarize, message, name)


@export("assert_less", "debugging.assert_less")
def assert_less(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x < y` everywhere; see `assert_equal`."""
    return _compare(_LESS, x, y, data, summarize, message, name)


@export("assert_less_equal", "debugging.assert_less_equal")
def assert_less_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x <= y` everywhere; see `assert_equal`."""
    return _compare(_LESS_EQUAL, x, y, data, summarize, message, name)


@export("assert_greater", "debugging.assert_greater")
def assert_greater(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x > y` everywhere; see `assert_equal`."""
    return _compare(_GREATER, x, y, data, summarize, message, name)


@export("assert_greater_equal", "debugging.assert_greater_equal")
def assert_greater_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x >= y` everywhere; see `assert_equal`."""
    return _compare(_GREATER_EQUAL, x, y, data, summarize, message, name)


def _compare_with_zero(scope, words, order, x, data, summarize, message, name):
    """Asserts something about `x` and zero; `order(zero, x)` makes the check."""
    with name_scope(name, scope, [x, data]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            data = [message or "", *(word.format(x.name) for word in words), x]
        zero = convert_to_tensor(0, dtype=x.dtype.base_dtype)
        return order(zero, x, data, summarize)


@export("assert_positive", "debugging.assert_positive")
def assert_positive(x, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x > 0` everywhere.

    Args:
      x: a numeric tensor.
      data: list of tensors for the error's text, by default `x`.
      summarize: how many elements to print of each.
      message: put before the text.
      name: name of the nodes' scope.

    Raises:
      InvalidArgumentError: at once if `x` is known and does not hold, else when it runs.
    """
    words = ("Condition x > 0 did not hold element-wise:", "x ({}) = ")
    return _compare_with_zero(
        "assert_positive", words, assert_less, x, data, summarize, message, name
    )


@export("assert_non_negative", "debugging.assert_non_negative")
def assert_non_negative(x, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x >= 0` everywhere; see `assert_positive`."""
    words = ("Condition x >= 0 did not hold element-wise:", "x ({}) = ")
    return _compare_with_zero(
        "assert_non_negative", words, assert_less_equal, x, data, summarize, message, name
    )


@export("assert_negative", "debugging.assert_negative")
def assert_negative(x, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x < 0` everywhere; see `assert_positive`."""
    words = ("Condition x < 0 did not hold element-wise:", "x ({}) = ")

    def order(zero, x, *rest):
        return assert_less(x, zero, *rest)

    return _compare_with_zero("assert_negative", words, order, x, data, summarize, message, name)


@export("assert_non_positive", "debugging.assert_non_positive")
def assert_non_positive(x, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `x <= 0` everywhere; see `assert_positive`."""
    # One string, as TF has it.
    words = ("Condition x <= 0 did not hold element-wise:x ({}) = ",)

    def order(zero, x, *rest):
        return assert_less_equal(x, zero, *rest)

    return _compare_with_zero(
        "assert_non_positive", words, order, x, data, summarize, message, name
    )


@export("assert_near", "debugging.assert_near")
def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """Returns a node that fails the step unless `|x - y| < atol + rtol * |y|` everywhere.

    Args:
      x: floating point numbers.
      y: numbers of the same type; the two are broadcast.
      rtol: relative tolerance, by default ten times the type's epsilon.
      atol: absolute tolerance, by default the same.
      data: list of tensors for the error's text, by default `x` and `y`.
      summarize: how many elements to print of each.
      message: put before the text.
      name: name of the nodes' scope.

    Raises:
      InvalidArgumentError: when it runs, if the two are not near.
    """
    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        dtype = x.dtype.base_dtype
        usual = None if dtype.is_integer else 10 * np.finfo(dtype.real_dtype.np).eps
        rtol = convert_to_tensor(usual if rtol is None else rtol, dtype=dtype, name="rtol")
        atol = convert_to_tensor(usual if atol is None else atol, dtype=dtype, name="atol")
        if data is None:
            data = [
                message or "",
                f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}",
                *(f"x ({x.name}) = ", x),
                *(f"y ({y.name}) = ", y),
            ]
        allowed = ops.AddV2(atol, ops.Mul(rtol, ops.Abs(y), name="mul"), name="add")
        distance = ops.Abs(ops.Sub(x, y, name="sub"))
        return assert_true(reduce_all(ops.Less(distance, allowed)), data, summarize=summarize)


# -- order of elements


def _differences(x):
    """Returns the differences of neighbours, row-major."""
    x = reshape(x, [-1])
    if x.shape.num_elements() is not None and x.shape.num_elements() < 2:
        return convert_to_tensor([], dtype=x.dtype.base_dtype)
    return ops.Sub(x[1:], x[:-1], name="sub")


@export("is_non_decreasing", "debugging.is_non_decreasing", "math.is_non_decreasing")
def is_non_decreasing(x, name=None):
    """Returns whether no element of `x`, row-major, is less than the one before it."""
    with name_scope(name, "is_non_decreasing", [x]):
        steps = _differences(convert_to_tensor(x))
        zero = convert_to_tensor(0, dtype=steps.dtype.base_dtype)
        return reduce_all(ops.LessEqual(zero, steps))


@export("is_strictly_increasing", "debugging.is_strictly_increasing", "math.is_strictly_increasing")
def is_strictly_increasing(x, name=None):
    """Returns whether each element of `x`, row-major, is greater than the one before it."""
    with name_scope(name, "is_strictly_increasing", [x]):
        steps = _differences(convert_to_tensor(x))
        zero = convert_to_tensor(0, dtype=steps.dtype.base_dtype)
        return reduce_all(ops.Less(zero, steps))
