"""The ops that parse serialised examples: ParseExample, ParseSingleExample."""

import numpy as np

from millstream.base.dtypes import String
from millstream.formats import examples
from millstream.ir.spec import (
    Float,
    Host,
    Int64,
    ListOf,
    Returns,
    Shape,
    Tensor,
    Tensors,
    Type,
    op,
)
from millstream.ops.parsing import columns
from millstream.ops.parsing.columns import invalid

_VALUES = (Float, Int64, String)
_TYPES = ListOf(Type[_VALUES], 0)
_SHAPES = ListOf(Shape, 0)


@op(effect=Host())
def ParseExample[Tdense: _VALUES](
    serialized: Tensor[String],
    names: Tensor[String],
    sparse_keys: Tensors[String, "Nsparse", 0],
    dense_keys: Tensors[String, "Ndense", 0],
    dense_defaults: Tensors["Tdense", 0],
    *,
    sparse_types: _TYPES,
    dense_shapes: _SHAPES,
) -> Returns(
    sparse_indices=Tensors[Int64, "Nsparse", 0],
    sparse_values=Tensors["sparse_types", 0],
    sparse_shapes=Tensors[Int64, "Nsparse", 0],
    dense_values=Tensors["Tdense", 0],
):
    """Parses a batch of examples into dense tensors and the parts of sparse ones."""


@op(effect=Host())
def ParseSingleExample[Tdense: _VALUES](
    serialized: Tensor[String],
    dense_defaults: Tensors["Tdense", 0],
    *,
    num_sparse: int,
    sparse_keys: ListOf(str, 0),
    dense_keys: ListOf(str, 0),
    sparse_types: _TYPES,
    dense_shapes: _SHAPES,
) -> Returns(
    sparse_indices=Tensors[Int64, "num_sparse", 0],
    sparse_values=Tensors["sparse_types", 0],
    sparse_shapes=Tensors[Int64, "num_sparse", 0],
    dense_values=Tensors["Tdense", 0],
):
    """Parses one example into dense tensors and the parts of sparse ones."""


def is_variable(shape):
    """Tells whether a feature has any number of rows."""
    return len(shape) > 0 and shape[0] is None


@ParseExample.shape
def _(serialized, names, sparse_types, dense_shapes):
    batch = serialized.with_rank(1)
    names.with_rank(1)
    count = len(sparse_types)
    dense = [
        [batch[0], *shape.as_list()] if shape.ndims is not None else None for shape in dense_shapes
    ]
    return ([None, 2],) * count + ([None],) * count + ([2],) * count + tuple(dense)


def _keys(tensors):
    return tuple(np.asarray(key).item() for key in tensors)


@ParseExample.run
def _(
    serialized,
    names,
    sparse_keys,
    dense_keys,
    dense_defaults,
    sparse_types,
    Tdense,
    dense_shapes,
):
    if names.size and names.size != serialized.size:
        raise invalid(
            f"Expected len(names) == len(serialized), but got: {names.size} vs. {serialized.size}"
        )
    sparse_keys, dense_keys = _keys(sparse_keys), _keys(dense_keys)
    features = [columns.split(record) for record in serialized.tolist()]
    blame = columns.Blame(names.tolist())
    sparse = [
        columns.sparse(features, key, dtype, blame)
        for key, dtype in zip(sparse_keys, sparse_types, strict=True)
    ]
    dense = [
        _dense(features, key, dtype, shape.as_list(), default, blame)
        for key, dtype, shape, default in zip(
            dense_keys, Tdense, dense_shapes, dense_defaults, strict=True
        )
    ]
    return _flat(sparse, dense)


def _flat(sparse, dense):
    return (*(part for i in range(3) for part in (s[i] for s in sparse)), *dense)


def _dense(features, key, dtype, shape, default, blame):
    rule = columns.padded if is_variable(shape) else columns.dense
    return rule(features, key, dtype, shape, np.asarray(default), blame)


@ParseSingleExample.shape
def _(serialized, sparse_types, dense_shapes):
    serialized.with_rank(0)
    count = len(sparse_types)
    return ([None, 1],) * count + ([None],) * count + ([1],) * count + tuple(dense_shapes)


@ParseSingleExample.run
def _(serialized, dense_defaults, sparse_keys, dense_keys, sparse_types, Tdense, dense_shapes):
    record = serialized.item() if isinstance(serialized, np.ndarray) else serialized
    keys = encoded(sparse_keys), encoded(dense_keys)
    found = columns.split(record)
    sparse = [_sparse_of_one(found, k, t) for k, t in zip(keys[0], sparse_types, strict=True)]
    dense = [
        _dense_of_one(found, key, dtype, shape.as_list(), default)
        for key, dtype, shape, default in zip(
            keys[1], Tdense, dense_shapes, dense_defaults, strict=True
        )
    ]
    return _flat(sparse, dense)


def encoded(keys):
    """Returns keys as bytes."""
    return tuple(key if isinstance(key, bytes) else key.encode() for key in keys)


class _BlameOfOne(columns.Blame):
    """Words errors as they are worded for an example that has no number."""

    def at(self, index, key):
        return f"Key: {key.decode(errors='replace')}.  "

    def required(self, index, key, dtype):
        word = columns.WORDS[dtype]
        name = key.decode(errors="replace")
        return invalid(f"Feature: {name} (data type: {word}) is required but could not be found.")

    def count(self, index, key, dtype, found, shape):
        return invalid(
            f"{self.at(index, key)}Can't parse serialized Example.\nNumber of "
            f"{columns.VALUE_WORDS[dtype]} values is {found} but output shape: "
            f"{columns.spell(shape)}"
        )

    stride = count


BLAME_OF_ONE = _BlameOfOne(())


def _sparse_of_one(found, key, dtype):
    data = columns.decode_one(found.get(key, b""), key, dtype, BLAME_OF_ONE, sparse=True)
    return np.arange(len(data), dtype=np.int64)[:, None], data, np.array([len(data)], np.int64)


def _dense_of_one(found, key, dtype, shape, default):
    value = found.get(key, b"")
    variable = is_variable(shape)
    size = int(np.prod(shape[1:] if variable else shape, dtype=np.int64))
    if not variable and not examples.has_values(value):
        if not default.size and size:
            raise BLAME_OF_ONE.required(0, key, dtype)
        return np.asarray(default).reshape(shape)
    data = columns.decode_one(value, key, dtype, BLAME_OF_ONE, sparse=False)
    if variable:
        if len(data) % size:
            raise BLAME_OF_ONE.stride(0, key, dtype, len(data), shape)
        return data.reshape(len(data) // size, *shape[1:])
    if len(data) != size:
        raise BLAME_OF_ONE.count(0, key, dtype, len(data), shape)
    return data.reshape(shape)


for _opdef in (ParseExample, ParseSingleExample):
    _opdef.no_gradient("records are strings")
