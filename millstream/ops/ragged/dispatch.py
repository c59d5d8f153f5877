"""`tf.add(ragged, 1)`: public functions that take ragged tensors.

The functions of TensorFlow that do are listed here. In the public namespaces each is replaced by
one that looks for a ragged operand first; nothing changes for programs without ragged tensors,
which never import this module, and nothing at all below the public names.
"""

import functools
import importlib
import sys

from millstream.base.export import PACKAGE, resolve, table
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.ragged import moving, reducing
from millstream.ops.ragged.tensor import RaggedTensor

_UNARY = [
    "check_numerics",
    "identity",
    "ones_like",
    "zeros_like",
    "clip_by_value",
    "abs",
    "acos",
    "acosh",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cast",
    "ceil",
    "conj",
    "cos",
    "cosh",
    "digamma",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "imag",
    "is_finite",
    "is_inf",
    "is_nan",
    "lgamma",
    "log",
    "log1p",
    "log_sigmoid",
    "logical_not",
    "negative",
    "real",
    "reciprocal",
    "rint",
    "round",
    "rsqrt",
    "saturate_cast",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "sigmoid",
    "bitwise.invert",
    "strings.to_number",
    "strings.to_hash_bucket",
    "as_string",
    "decode_base64",
    "encode_base64",
    "strings.regex_full_match",
    "regex_replace",
    "string_strip",
    "string_to_hash_bucket",
    "string_to_hash_bucket_fast",
    "string_to_hash_bucket_strong",
    "substr",
    "strings.length",
    "strings.lower",
    "strings.upper",
    "strings.unicode_transcode",
    "nn.relu",
]
_BINARY = [
    "bitwise.bitwise_and",
    "bitwise.bitwise_or",
    "bitwise.bitwise_xor",
    "bitwise.left_shift",
    "bitwise.right_shift",
    "add",
    "atan2",
    "complex",
    "div_no_nan",
    "divide",
    "equal",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "not_equal",
    "pow",
    "realdiv",
    "squared_difference",
    "subtract",
    "truediv",
    "truncatediv",
    "truncatemod",
]
_LISTS = ("add_n", "strings.join")


def _is_ragged(value):
    return isinstance(value, RaggedTensor)


def _any_ragged(args, kwargs):
    for value in (*args, *kwargs.values()):
        if _is_ragged(value):
            return True
        if isinstance(value, list | tuple) and any(map(_is_ragged, value)):
            return True
    return False


def _elementwise(function):
    def ragged(*args, **kwargs):
        if len(args) > 1 and not isinstance(args[0], list | tuple):
            return reducing.elementwise(function, *args, **kwargs)
        if {"x", "y"} <= kwargs.keys():
            x, y = kwargs.pop("x"), kwargs.pop("y")
            return reducing.elementwise(function, x, y, **kwargs)
        return reducing.map_flat_values(function, *args, **kwargs)

    return ragged


def _mapped(function):
    return functools.partial(reducing.map_flat_values, function)


def _reduction(kind):
    def ragged(
        input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
    ):
        del name
        axis = reduction_indices if axis is None else axis
        keep = bool(keepdims or keep_dims)
        if kind == "mean":
            return reducing.reduce_mean(input_tensor, axis, keep)
        return reducing.reduce(kind, input_tensor, axis, keep)

    return ragged


def _size(input, name=None, out_type=None):
    del name
    found = ops.Size(input.flat_values)
    return found if out_type is None else cast(found, out_type)


def _rank(input, name=None):
    del name
    return input.ragged_rank + ops.Rank(input.flat_values)


def _where(condition, x=None, y=None, name=None):
    if x is None and y is None:
        found = condition.with_flat_values(ops.OnesLike(cast(condition.flat_values, "int32")))
        sparse = found.to_sparse(name)
        kept = ops.Reshape(ops.Where(condition.flat_values), [-1])
        return ops.GatherV2(sparse.indices, kept, 0)
    return reducing.map_flat_values(ops.SelectV2, condition, x, y)


def _gather(params, indices, validate_indices=None, name=None, axis=0, batch_dims=0):
    return moving.gather(params, indices, validate_indices, axis or 0, batch_dims, name)


def _stack(values, axis=0, name="stack"):
    return moving.stack(values, axis, name)


def _expand_dims(input, axis=None, name=None, dim=None):
    return moving.expand_dims(input, dim if axis is None else axis, name)


_SPECIAL = {
    "concat": lambda: moving.concat,
    "stack": lambda: _stack,
    "gather": lambda: _gather,
    "expand_dims": lambda: _expand_dims,
    "tile": lambda: moving.tile,
    "size": lambda: _size,
    "rank": lambda: _rank,
    "where": lambda: _where,
    **{
        f"reduce_{kind}": functools.partial(_reduction, kind)
        for kind in ("sum", "prod", "min", "max", "mean", "any", "all")
    },
}


def _dispatching(function, ragged):
    def either(*args, **kwargs):
        return (ragged if _any_ragged(args, kwargs) else function)(*args, **kwargs)

    functools.update_wrapper(either, function, updated=())
    return either


def _rule_of(name, function):
    if name in _SPECIAL:
        return _SPECIAL[name]()
    return _elementwise(function) if name in _BINARY else _mapped(function)


def install():
    """Makes the public functions take ragged tensors, under all their names."""
    homes = {}
    for name in (*_UNARY, *_BINARY, *_LISTS, *_SPECIAL):
        home = table().entry(name)
        if home is not None:
            function = resolve(name)
            homes[tuple(home)] = _dispatching(function, _rule_of(name, function))
    for name, home in table().names.items():
        wrapped = homes.get(tuple(home))
        if wrapped is not None:
            space, _, leaf = name.rpartition(".")
            module = importlib.import_module(f"{PACKAGE}.{space}" if space else PACKAGE)
            setattr(sys.modules[module.__name__], leaf, wrapped)


install()
