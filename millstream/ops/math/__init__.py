"""Arithmetic: elementwise ops, comparisons, reductions, products of matrices, segments.

The functions that other families need are here under their public names.
"""

from millstream.ops.math._tables import Unbroadcast, broadcast_shape
from millstream.ops.math.arithmetic import (
    add,
    div_no_nan,
    divide,
    equal,
    floordiv,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    mod,
    multiply,
    not_equal,
    pow,
    scalar_mul,
    squared_difference,
    subtract,
    truediv,
)
from millstream.ops.math.cast import cast
from millstream.ops.math.complex_numbers import conj, imag, real
from millstream.ops.math.functions import (
    abs,
    ceil,
    exp,
    floor,
    log,
    log1p,
    negative,
    reciprocal,
    round,
    rsqrt,
    sigmoid,
    sign,
    sqrt,
    square,
    tanh,
)
from millstream.ops.math.products import matmul
from millstream.ops.math.ranges import range as range_
from millstream.ops.math.reductions import (
    argmax,
    count_nonzero,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from millstream.ops.math.sums import add_n

__all__ = [
    *("Unbroadcast", "abs", "add", "add_n", "argmax", "broadcast_shape", "cast", "ceil", "conj"),
    *("count_nonzero", "div_no_nan", "divide", "equal", "exp", "floor", "floordiv", "greater"),
    *("greater_equal", "imag", "less", "less_equal", "log", "log1p", "logical_and", "logical_not"),
    *("logical_or", "matmul", "maximum", "minimum", "mod", "multiply", "negative", "not_equal"),
    *("pow", "range_", "real", "reciprocal", "reduce_all", "reduce_any", "reduce_logsumexp"),
    *("reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "round", "rsqrt"),
    *("scalar_mul", "sigmoid", "sign", "sqrt", "square", "squared_difference", "subtract"),
    *("tanh", "truediv"),
]
