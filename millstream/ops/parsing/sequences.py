"""The ops that parse serialised sequence examples: ParseSingleSequenceExample and its batch form.

A sequence example has a context, features of the whole, and lists of features, one per step.
"""

from dataclasses import dataclass

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from millstream.base.dtypes import String
from millstream.formats import protos
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
from millstream.ops.parsing.columns import KINDS, VALUE_WORDS, WORDS, invalid, objects, spell

_VALUES = (Float, Int64, String)
_TYPES = ListOf(Type[_VALUES], 0)
_SHAPES = ListOf(Shape, 0)

_SINGLE = Returns(
    context_sparse_indices=Tensors[Int64, "Ncontext_sparse", 0],
    context_sparse_values=Tensors["context_sparse_types", 0],
    context_sparse_shapes=Tensors[Int64, "Ncontext_sparse", 0],
    context_dense_values=Tensors["Tcontext_dense", 0],
    feature_list_sparse_indices=Tensors[Int64, "Nfeature_list_sparse", 0],
    feature_list_sparse_values=Tensors["feature_list_sparse_types", 0],
    feature_list_sparse_shapes=Tensors[Int64, "Nfeature_list_sparse", 0],
    feature_list_dense_values=Tensors["feature_list_dense_types", 0],
)


@op(effect=Host())
def ParseSingleSequenceExample[Tcontext_dense: _VALUES](
    serialized: Tensor[String],
    feature_list_dense_missing_assumed_empty: Tensor[String],
    context_sparse_keys: Tensors[String, "Ncontext_sparse", 0],
    context_dense_keys: Tensors[String, "Ncontext_dense", 0],
    feature_list_sparse_keys: Tensors[String, "Nfeature_list_sparse", 0],
    feature_list_dense_keys: Tensors[String, "Nfeature_list_dense", 0],
    context_dense_defaults: Tensors["Tcontext_dense", 0],
    debug_name: Tensor[String],
    *,
    context_sparse_types: _TYPES = (),
    feature_list_dense_types: _TYPES = (),
    context_dense_shapes: _SHAPES = (),
    feature_list_sparse_types: _TYPES = (),
    feature_list_dense_shapes: _SHAPES = (),
) -> _SINGLE:
    """Parses one sequence example."""


@op(effect=Host())
def ParseSequenceExample[Tcontext_dense: _VALUES](
    serialized: Tensor[String],
    debug_name: Tensor[String],
    context_dense_defaults: Tensors["Tcontext_dense", 0],
    *,
    feature_list_dense_missing_assumed_empty: ListOf(str, 0),
    context_sparse_keys: ListOf(str, 0),
    context_dense_keys: ListOf(str, 0),
    feature_list_sparse_keys: ListOf(str, 0),
    feature_list_dense_keys: ListOf(str, 0),
    Ncontext_sparse: int = 0,
    Ncontext_dense: int = 0,
    Nfeature_list_sparse: int = 0,
    Nfeature_list_dense: int = 0,
    context_sparse_types: _TYPES = (),
    feature_list_dense_types: _TYPES = (),
    context_dense_shapes: _SHAPES = (),
    feature_list_sparse_types: _TYPES = (),
    feature_list_dense_shapes: _SHAPES = (),
) -> Returns(
    **_SINGLE,
    feature_list_dense_lengths=Tensors[Int64, "Nfeature_list_dense", 0],
):
    """Parses a batch of sequence examples."""


@dataclass(frozen=True)
class _Wanted:
    """The features that a node looks for, as lists of keys, types, shapes and defaults."""

    context_sparse: list
    context_dense: list
    steps_sparse: list
    steps_dense: list


def _wanted(keys, types, shapes, defaults):
    keys = [[_key(key) for key in group] for group in keys]
    return _Wanted(
        list(zip(keys[0], types[0], strict=True)),
        list(zip(keys[1], types[1], shapes[0], defaults, strict=True)),
        list(zip(keys[2], types[2], strict=True)),
        list(zip(keys[3], types[3], shapes[1], strict=True)),
    )


def _key(value):
    value = value.item() if isinstance(value, np.ndarray) else value
    return value if isinstance(value, str) else value.decode()


def _parse(record):
    try:
        return protos.SequenceExample.FromString(record)
    except DecodeError:
        return None


def _values(feature, dtype):
    """Returns a feature's values, [] if it has no kind, None if they are of another kind."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return []
    if kind != KINDS[dtype]:
        return None
    return getattr(feature, kind).value


def _array(values, dtype):
    return objects(list(values)) if dtype == String else np.array(values, dtype.np)


def _size(shape):
    return int(np.prod(shape, dtype=np.int64))


# -- one


class _One:
    """One sequence example, and how errors name it."""

    def __init__(self, record, name):
        self._name = name
        example = _parse(record)
        if example is None:
            shown = record[:200].decode("utf-8", "backslashreplace")
            raise invalid(f"Could not parse example input, value: '{shown}'")
        self._context, self._lists = example.context.feature, example.feature_lists.feature_list

    def _mismatch(self, what, dtype, feature):
        shown = text_format.MessageToString(feature)
        return invalid(
            f"Name: {self._name}, {what}.  Data types don't match. Expected type: {WORDS[dtype]}  "
            f"Feature is: {shown}"
        )

    def _wrong_count(self, key, index, dtype, found, shape):
        return invalid(
            f"Name: {self._name}, Key: {key}, Index: {index}.  Number of {VALUE_WORDS[dtype]} "
            f"values != expected.  values size: {found} but output shape: {spell(shape)}"
        )

    def context_sparse(self, key, dtype):
        values = []
        if key in self._context:
            feature = self._context[key]
            values = _values(feature, dtype)
            if values is None:
                raise self._mismatch(f"Context feature: {key}", dtype, feature)
        count = len(values)
        return np.arange(count)[:, None], _array(values, dtype), np.array([count], np.int64)

    def context_dense(self, key, dtype, shape, default):
        shape = shape.as_list()
        if key not in self._context or not self._context[key].WhichOneof("kind"):
            if not default.size and _size(shape):
                raise invalid(
                    f"Name: {self._name}, Context feature '{key}' is required but could not be "
                    f"found."
                )
            return default.reshape(shape)
        feature = self._context[key]
        values = _values(feature, dtype)
        if values is None:
            raise self._mismatch(f"Context feature: {key}", dtype, feature)
        if len(values) != _size(shape):
            raise self._wrong_count(key, 0, dtype, len(values), shape)
        return _array(values, dtype).reshape(shape)

    def steps_sparse(self, key, dtype):
        rows = []
        for index, feature in enumerate(self._features(key)):
            values = _values(feature, dtype)
            if values is None:
                raise self._mismatch(f"Feature List: {key}, Index: {index}", dtype, feature)
            rows.append(values)
        return _ragged(rows, dtype)

    def steps_dense(self, key, dtype, shape, may_miss):
        shape = shape.as_list()
        if key not in self._lists and key not in may_miss:
            raise invalid(
                f"Name: {self._name}, Feature list '{key}' is required but could not be found.  "
                f"Did you mean to include it in feature_list_dense_missing_assumed_empty or "
                f"feature_list_dense_defaults?"
            )
        rows = []
        for index, feature in enumerate(self._features(key)):
            values = _values(feature, dtype)
            if values is None or not feature.WhichOneof("kind"):
                raise self._mismatch(f"Feature list: {key}, Index: {index}", dtype, feature)
            if len(values) != _size(shape):
                raise self._wrong_count(key, index, dtype, len(values), shape)
            rows.extend(values)
        return _array(rows, dtype).reshape(len(self._features(key)), *shape)

    def _features(self, key):
        return self._lists[key].feature if key in self._lists else ()


def _ragged(rows, dtype):
    """Puts rows of values together as the parts of a sparse matrix."""
    counts = np.array([len(row) for row in rows], np.int64)
    indices = np.empty((int(counts.sum()), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(rows)), counts)
    indices[:, 1] = np.arange(len(indices)) - np.repeat(np.cumsum(counts) - counts, counts)
    data = _array([value for row in rows for value in row], dtype)
    return indices, data, np.array([len(rows), counts.max(initial=0)], np.int64)


@ParseSingleSequenceExample.shape
def _(serialized, debug_name, node):
    serialized.with_rank(0)
    attrs = node.attrs
    context, steps = len(attrs["context_sparse_types"]), len(attrs["feature_list_sparse_types"])
    dense = [[None, *s.as_list()] for s in attrs["feature_list_dense_shapes"]]
    return (
        *([None, 1],) * context, *([None],) * context, *([1],) * context,
        *attrs["context_dense_shapes"],
        *([None, 2],) * steps, *([None],) * steps, *([2],) * steps,
        *dense,
    )  # fmt: skip


@ParseSingleSequenceExample.run
def _(
    serialized,
    feature_list_dense_missing_assumed_empty,
    context_sparse_keys,
    context_dense_keys,
    feature_list_sparse_keys,
    feature_list_dense_keys,
    context_dense_defaults,
    debug_name,
    node,
):
    wanted = _wanted(
        (context_sparse_keys, context_dense_keys, feature_list_sparse_keys,
         feature_list_dense_keys),
        *_types_and_shapes(node),
        context_dense_defaults,
    )  # fmt: skip
    may_miss = {_key(k) for k in np.ravel(feature_list_dense_missing_assumed_empty)}
    one = _One(serialized.item() if isinstance(serialized, np.ndarray) else serialized,
               _key(debug_name))  # fmt: skip
    return (
        *_by_part([one.context_sparse(*f) for f in wanted.context_sparse]),
        *[one.context_dense(*f) for f in wanted.context_dense],
        *_by_part([one.steps_sparse(*f) for f in wanted.steps_sparse]),
        *[one.steps_dense(*f, may_miss) for f in wanted.steps_dense],
    )


def _types_and_shapes(node):
    attrs = node.attrs
    types = (
        "context_sparse_types",
        "Tcontext_dense",
        "feature_list_sparse_types",
        "feature_list_dense_types",
    )
    shapes = "context_dense_shapes", "feature_list_dense_shapes"
    return [attrs[name] for name in types], [attrs[name] for name in shapes]


def _by_part(sparse):
    return [tensor[part] for part in range(3) for tensor in sparse]


# -- many


class _Many:
    """A batch of sequence examples, and how errors name them."""

    def __init__(self, records, names):
        self._names = names
        self._examples = []
        for index, record in enumerate(records):
            example = _parse(record)
            if example is None:
                raise invalid(f"Invalid protocol message input, example id: {self._name(index)}")
            self._examples.append(example)

    def _name(self, index):
        return self._names[index].decode(errors="replace") if self._names else "<unknown>"

    def _context(self, key, dtype):
        """Gives (index, values) per example; values None if the feature is missing."""
        for index, example in enumerate(self._examples):
            features = example.context.feature
            if key not in features or not features[key].WhichOneof("kind"):
                yield index, None
                continue
            values = _values(features[key], dtype)
            if values is None:
                raise invalid(f"Error in context feature {key} in example {self._name(index)}")
            yield index, values

    def _steps(self, key, dtype):
        """Gives (index, lists of values) per example; None if the feature is missing."""
        for index, example in enumerate(self._examples):
            lists = example.feature_lists.feature_list
            if key not in lists:
                yield index, None
                continue
            rows = [_values(feature, dtype) for feature in lists[key].feature]
            if any(row is None for row in rows):
                raise invalid(f"Error in sequence feature {key} in example {self._name(index)}")
            yield index, rows

    def context_sparse(self, key, dtype):
        return _ragged([values or () for _, values in self._context(key, dtype)], dtype)

    def context_dense(self, key, dtype, shape, default):
        shape = shape.as_list()
        size, rows = _size(shape), []
        for _, values in self._context(key, dtype):
            if values is None:
                values = default.ravel().tolist()
            if len(values) != size:
                raise invalid(
                    f"Inconsistent number of elements for feature {key}: {len(values)} vs {size}"
                )
            rows.extend(values)
        return _array(rows, dtype).reshape(len(self._examples), *shape)

    def steps_sparse(self, key, dtype):
        indices, data = [], []
        sizes = [len(self._examples), 0, 0]
        for index, rows in self._steps(key, dtype):
            for step, row in enumerate(rows or ()):
                indices += [(index, step, place) for place in range(len(row))]
                data.extend(row)
                sizes[2] = max(sizes[2], len(row))
            sizes[1] = max(sizes[1], len(rows or ()))
        return (
            np.array(indices, np.int64).reshape(-1, 3),
            _array(data, dtype),
            np.array(sizes, np.int64),
        )

    def steps_dense(self, key, dtype, shape, may_miss):
        shape = shape.as_list()
        size, found = _size(shape), []
        for index, rows in self._steps(key, dtype):
            if rows is None and key not in may_miss:
                raise invalid(f"Missing feature {key} in example {self._name(index)}")
            if any(len(row) != size for row in rows or ()):
                raise invalid(
                    f"Unexpected number of elements in feature {key}, example {self._name(index)}"
                )
            found.append(rows or [])
        lengths = np.array([len(rows) for rows in found], np.int64)
        longest = int(lengths.max(initial=0))
        filler = b"" if dtype == String else 0
        result = np.full((len(found), longest, size), filler, dtype.np)
        flat = _array([value for rows in found for row in rows for value in row], dtype)
        result[np.arange(longest) < lengths[:, None]] = flat.reshape(-1, size)
        return result.reshape(len(found), longest, *shape), lengths


@ParseSequenceExample.shape
def _(serialized, node):
    batch = serialized.with_rank(1)[0]
    attrs = node.attrs
    context, steps = len(attrs["context_sparse_types"]), len(attrs["feature_list_sparse_types"])
    dense = attrs["feature_list_dense_shapes"]
    return (
        *([None, 2],) * context, *([None],) * context, *([2],) * context,
        *[[batch, *s.as_list()] for s in attrs["context_dense_shapes"]],
        *([None, 3],) * steps, *([None],) * steps, *([3],) * steps,
        *[[batch, None, *s.as_list()] for s in dense],
        *([batch],) * len(dense),
    )  # fmt: skip


@ParseSequenceExample.run
def _(serialized, debug_name, context_dense_defaults, node):
    attrs = node.attrs
    wanted = _wanted(
        [attrs[f"{name}_keys"] for name in
         ("context_sparse", "context_dense", "feature_list_sparse", "feature_list_dense")],
        *_types_and_shapes(node),
        context_dense_defaults,
    )  # fmt: skip
    may_miss = {_key(k) for k in attrs["feature_list_dense_missing_assumed_empty"]}
    many = _Many(np.ravel(serialized).tolist(), np.ravel(debug_name).tolist())
    dense = [many.steps_dense(*f, may_miss) for f in wanted.steps_dense]
    return (
        *_by_part([many.context_sparse(*f) for f in wanted.context_sparse]),
        *[many.context_dense(*f) for f in wanted.context_dense],
        *_by_part([many.steps_sparse(*f) for f in wanted.steps_sparse]),
        *[values for values, _ in dense],
        *[lengths for _, lengths in dense],
    )


for _opdef in (ParseSingleSequenceExample, ParseSequenceExample):
    _opdef.no_gradient("records are strings")
