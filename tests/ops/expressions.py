"""Evaluates expressions with Millstream and compares with what TF 1.15 made of the same strings."""

import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"


def load(name):
    """Returns what a script in tests/golden recorded, by expression."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


def helpers():
    """Returns the names that the expressions use; see tests/golden/expressions.py."""

    def values(*shape):
        return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)

    def grad(function, *operands):
        xs = [tf.placeholder_with_default(v, np.shape(v)) for v in operands]
        ys = function(*xs)
        total = [tf.reduce_sum(tf.square(y)) for y in _flat(ys)]
        parts = []
        for dx in tf.gradients(total, xs):
            if isinstance(dx, tf.IndexedSlices):
                parts += [dx.values, dx.indices, dx.dense_shape]
            else:
                parts.append(dx)
        return parts

    return {
        "grad": grad,
        "tf": tf,
        "np": np,
        "x": lambda *shape: tf.placeholder(tf.float32, list(shape), name="x"),
        "xi": lambda *shape: tf.placeholder(tf.int32, list(shape), name="xi"),
        "ph": lambda value: tf.placeholder_with_default(value, np.shape(value)),
        "u": lambda: tf.placeholder(tf.float32, name="u"),
        "ui": lambda: tf.placeholder(tf.int32, name="ui"),
        "v": values,
        "vi": lambda *shape: values(*shape).astype(np.int32),
    }


def check(text, entry, nodes=True, shapes=True, rtol=1e-6):
    """Checks one expression.

    Args:
      text: the expression.
      entry: what TF 1.15 made of it.
      nodes: whether the nodes must be the same.
      shapes: whether the static shapes must be the same; else they may tell more.
      rtol: relative tolerance of values.
    """
    with tf.Graph().as_default() as graph:
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, helpers())
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        fetches = [t for t in _flat(eval(text, helpers())) if _is_fetch(t)]
        if nodes:
            assert _nodes(graph) == entry["nodes"]
        found = [_shape(t) for t in fetches if isinstance(t, tf.Tensor)]
        if shapes:
            assert found == entry["shapes"]
        _check_run(fetches, entry, rtol)


def _check_run(fetches, entry, rtol):
    if "values" in entry:
        with tf.Session() as session:
            values = session.run(fetches)
        kept = [value for value in values if value is not None]
        for value, wanted in zip(kept, entry["values"], strict=True):
            _compare(value, wanted, rtol)
    if "fails" in entry:
        with tf.Session() as session, pytest.raises(tf.errors.OpError) as info:
            session.run(fetches)
        assert type(info.value).__name__ == entry["fails"]
        assert info.value.message.splitlines()[0] == entry["message"]


def _is_fetch(value):
    return isinstance(value, tf.Tensor | tf.Operation)


def _flat(result):
    if isinstance(result, tf.SparseTensor):
        return [result.indices, result.values, result.dense_shape]
    return list(result) if isinstance(result, list | tuple) else [result]


def _nodes(graph):
    return [
        [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
        for op in graph.get_operations()
    ]


def _shape(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def _compare(found, entry, rtol):
    found = np.asarray(found)
    data = entry["data"]
    if entry["dtype"].startswith("complex"):
        data = np.asarray(data[0]) + 1j * np.asarray(data[1])
    if entry["dtype"] == "object" or entry["dtype"].startswith("|S"):
        assert [v.decode("latin1") for v in found.ravel().tolist()] == data
        return
    assert str(found.dtype) == entry["dtype"]
    assert list(found.shape) == entry["shape"]
    wanted = np.asarray(data, found.dtype).reshape(entry["shape"])
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-3 * rtol)
