"""`tf.parse_example` and its like: features by name to tensors by name."""

import re

from millstream.base.dtypes import String
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.reshaping import expand_dims, reshape, squeeze
from millstream.ops.array.slicing import slice as slice_
from millstream.ops.parsing.examples import ParseExample, ParseSingleExample
from millstream.ops.parsing.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    Wanted,
)
from millstream.ops.parsing.sequences import ParseSequenceExample, ParseSingleSequenceExample
from millstream.ops.sparse.making import sparse_merge

__all__ = [
    "parse_example",
    "parse_sequence_example",
    "parse_single_example",
    "parse_single_sequence_example",
]

_ALL = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)


@export("parse_example", "io.parse_example")
def parse_example(serialized, features, name=None, example_names=None):
    """Parses a batch of serialised `tf.train.Example`s.

    Args:
      serialized: string tensor `[batch]`.
      features: what is wanted, by name of the feature: `tf.FixedLenFeature`,
        `tf.FixedLenSequenceFeature`, `tf.VarLenFeature` or `tf.SparseFeature`.
      name: name of the node.
      example_names: string tensor `[batch]`, used in errors.

    Returns:
      A dict of tensors `[batch, *shape]` and `SparseTensor`s by name.

    Raises:
      ValueError: if a wanted feature is not described well.
      InvalidArgumentError: when it runs, if an example is malformed, lacks a feature, or has
        another type or number of values.

    Example:
      >>> example = tf.train.Example()
      >>> example.features.feature["x"].float_list.value.append(2)
      >>> wanted = {"x": tf.FixedLenFeature([], tf.float32)}
      >>> parsed = tf.parse_example([example.SerializeToString()], wanted)
      >>> tf.Session().run(parsed["x"]).tolist()
      [2.0]
    """
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    wanted = _wanted(features)
    return _indexed(features, _parse_batch(serialized, wanted, name, example_names))


def _wanted(features):
    for feature in features.values():
        if isinstance(feature, FixedLenSequenceFeature) and not feature.allow_missing:
            raise ValueError(
                "Unsupported: FixedLenSequenceFeature requires allow_missing to be True."
            )
    return Wanted(features, _ALL)


def _parse_batch(serialized, wanted, name, names):
    with name_scope(name, "ParseExample", [serialized, names]) as scope:
        defaults = [_default(wanted, key) for key in wanted.dense]
        outputs = ParseExample(
            serialized,
            [] if names is None else names,
            list(wanted.sparse),
            list(wanted.dense),
            defaults,
            sparse_types=list(wanted.sparse.values()),
            Tdense=list(wanted.dense.values()),
            dense_shapes=_stored_shapes(wanted),
            name=_leaf(scope),
        )
    return _by_key(wanted, outputs)


def _leaf(scope):
    return scope.rstrip("/").rpartition("/")[2]


def _stored_shapes(wanted):
    """Returns the shapes that a node is given: those of sequences begin with an unknown size."""
    return [
        [None, *shape.as_list()] if key in wanted.sequences else shape
        for key, shape in wanted.shapes.items()
    ]


def _default(wanted, key, reshaped=True):
    """Returns the tensor that stands for a missing feature; an empty one if it must be there."""
    value, dtype, shape = wanted.defaults.get(key), wanted.dense[key], wanted.shapes[key]
    name = f"key_{_legal(key)}"
    if key in wanted.sequences:
        if value is None:
            return convert_to_tensor(b"" if dtype == String else 0, dtype=dtype)
        return reshape(convert_to_tensor(value, dtype=dtype, name=f"padding_{_legal(key)}"), [])
    if value is None:
        return constant([], dtype=dtype)
    if not isinstance(value, Tensor):
        value = convert_to_tensor(value, dtype=dtype, name=name)
        if reshaped:
            value = reshape(value, shape)
    return value


def _by_key(wanted, outputs):
    """Names the outputs of a node: its sparse tensors, then its dense ones."""
    found = {
        key: SparseTensor(*parts) for key, *parts in zip(wanted.sparse, *outputs[:3], strict=True)
    }
    found.update(zip(wanted.dense, outputs[3], strict=True))
    return found


def _indexed(features, found):
    """Puts the sparse tensors of positions and values together; keeps what was asked for."""
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            indices = feature.index_key
            many = not isinstance(indices, str)
            ids = [found[k] for k in indices] if many else found[indices]
            found[key] = sparse_merge(
                ids, found[feature.value_key], feature.size, already_sorted=feature.already_sorted
            )
    return {key: found[key] for key in features}


@export("parse_single_example", "io.parse_single_example")
def parse_single_example(serialized, features, name=None, example_names=None):
    """Parses one serialised `tf.train.Example`: see `parse_example`.

    Args:
      serialized: scalar string tensor.
      features: what is wanted, by name of the feature.
      name: name of the node.
      example_names: scalar string tensor, used in errors.

    Returns:
      A dict of tensors `[*shape]` and `SparseTensor`s by name.

    Raises:
      ValueError: if a wanted feature is not described well.
      InvalidArgumentError: when it runs, if the example is malformed, lacks a feature, or has
        another type or number of values.
    """
    if not features:
        raise ValueError("Missing features.")
    wanted = _wanted(features)
    if example_names is None:
        found = _parse_one(serialized, wanted, name)
    else:
        found = _parse_named(serialized, wanted, name, example_names)
    return _indexed(features, found)


def _parse_one(serialized, wanted, name):
    with name_scope(name, "ParseSingleExample", [serialized]) as scope:
        serialized = convert_to_tensor(serialized, name="serialized")
        outputs = ParseSingleExample(
            serialized,
            [_default(wanted, key) for key in wanted.dense],
            num_sparse=len(wanted.sparse),
            sparse_keys=list(wanted.sparse),
            dense_keys=list(wanted.dense),
            sparse_types=list(wanted.sparse.values()),
            Tdense=list(wanted.dense.values()),
            dense_shapes=_stored_shapes(wanted),
            name=_leaf(scope),
        )
    return _by_key(wanted, outputs)


def _parse_named(serialized, wanted, name, example_name):
    """Parses one example as a batch, for the sake of its name in errors."""
    with name_scope(name, "ParseSingleExample", [serialized, example_name]):
        serialized = expand_dims(convert_to_tensor(serialized), 0)
        names = expand_dims(convert_to_tensor(example_name), 0)
        found = _parse_batch(serialized, wanted, None, names)
        for key in wanted.dense:
            found[key] = squeeze(found[key], [0], name="Squeeze_" + _legal(key))
        for key in wanted.sparse:
            parts = found[key]
            indices = slice_(parts.indices, [0, 1], [-1, -1], name="Slice_Indices_" + _legal(key))
            shape = slice_(parts.dense_shape, [1], [-1], name="Squeeze_Shape_" + _legal(key))
            found[key] = SparseTensor(indices, parts.values, shape)
    return found


def _legal(key):
    return re.sub(r"[^A-Za-z0-9_.\-/]", "_", key)


# -- sequences


@export("parse_single_sequence_example", "io.parse_single_sequence_example")
def parse_single_sequence_example(
    serialized, context_features=None, sequence_features=None, example_name=None, name=None
):
    """Parses one serialised `tf.train.SequenceExample`.

    Args:
      serialized: scalar string tensor.
      context_features: what is wanted of the context, by name: `tf.FixedLenFeature` or
        `tf.VarLenFeature`.
      sequence_features: what is wanted of the lists, by name: `tf.FixedLenSequenceFeature`, for
        tensors `[steps, *shape]`, or `tf.VarLenFeature`, for `SparseTensor`s `[steps, longest]`.
      example_name: scalar string tensor, used in errors.
      name: name of the node.

    Returns:
      Two dicts of tensors by name: of the context, and of the lists.

    Raises:
      ValueError: if a wanted feature is not described well.
      InvalidArgumentError: when it runs, if the example is malformed or does not fit.
    """
    context, steps = _wanted_of_sequence(context_features, sequence_features)
    with name_scope(name, "ParseSingleSequenceExample", [serialized, example_name]) as scope:
        defaults = [_default(context, key) for key in context.dense]
        outputs = ParseSingleSequenceExample(
            serialized,
            [key for key in steps.dense if sequence_features[key].allow_missing],
            list(context.sparse),
            list(context.dense),
            list(steps.sparse),
            list(steps.dense),
            defaults,
            "" if example_name is None else example_name,
            **_sequence_attrs(context, steps),
            name=_leaf(scope),
        )
    return _by_key(context, outputs[:4]), _by_key(steps, outputs[4:])


@export("io.parse_sequence_example")
def parse_sequence_example(
    serialized, context_features=None, sequence_features=None, example_names=None, name=None
):
    """Parses a batch of serialised `tf.train.SequenceExample`s.

    Args:
      serialized: string tensor `[batch]`.
      context_features: what is wanted of the context: see `parse_single_sequence_example`.
      sequence_features: what is wanted of the lists; dense ones are padded to the longest.
      example_names: string tensor `[batch]`, used in errors.
      name: name of the node.

    Returns:
      Three dicts by name: tensors of the context, tensors of the lists `[batch, longest, *shape]`,
      and the lengths `[batch]` of dense lists.

    Raises:
      ValueError: if a wanted feature is not described well.
      InvalidArgumentError: when it runs, if an example is malformed or does not fit.
    """
    context, steps = _wanted_of_sequence(context_features, sequence_features)
    with name_scope(name, "ParseSequenceExample", [serialized, example_names]) as scope:
        defaults = [_default(context, key, reshaped=False) for key in context.dense]
        missing = [key for key in steps.dense if sequence_features[key].allow_missing]
        outputs = ParseSequenceExample(
            serialized,
            [] if example_names is None else example_names,
            defaults,
            feature_list_dense_missing_assumed_empty=missing,
            context_sparse_keys=list(context.sparse),
            context_dense_keys=list(context.dense),
            feature_list_sparse_keys=list(steps.sparse),
            feature_list_dense_keys=list(steps.dense),
            Ncontext_sparse=len(context.sparse),
            Ncontext_dense=len(context.dense),
            Nfeature_list_sparse=len(steps.sparse),
            Nfeature_list_dense=len(steps.dense),
            **_sequence_attrs(context, steps),
            name=_leaf(scope),
        )
    lengths = dict(zip(steps.dense, outputs[8], strict=True))
    return _by_key(context, outputs[:4]), _by_key(steps, outputs[4:8]), lengths


def _wanted_of_sequence(context_features, sequence_features):
    if not (context_features or sequence_features):
        raise ValueError("Missing features.")
    context = Wanted(context_features or {}, (VarLenFeature, FixedLenFeature))
    steps = Wanted(sequence_features or {}, (VarLenFeature, FixedLenSequenceFeature))
    for key in steps.defaults:
        raise ValueError(f"Value feature_list_dense_defaults[{key}] must be None")
    return context, steps


def _sequence_attrs(context, steps):
    return {
        "context_sparse_types": list(context.sparse.values()),
        "Tcontext_dense": list(context.dense.values()),
        "context_dense_shapes": list(context.shapes.values()),
        "feature_list_sparse_types": list(steps.sparse.values()),
        "feature_list_dense_types": list(steps.dense.values()),
        "feature_list_dense_shapes": list(steps.shapes.values()),
    }
