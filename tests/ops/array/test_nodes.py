"""Expressions over the array ops against what TF 1.15 made of them: nodes, shapes, values, errors."""

import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = json.loads((GOLDEN / "array_nodes.json").read_text())


def helpers():
    """Returns the names that the expressions use."""

    def values(*shape):
        return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)

    return {
        "tf": tf,
        "np": np,
        "x": lambda *shape: tf.placeholder(tf.float32, list(shape), name="x"),
        "xi": lambda *shape: tf.placeholder(tf.int32, list(shape), name="xi"),
        "u": lambda: tf.placeholder(tf.float32, name="u"),
        "ui": lambda: tf.placeholder(tf.int32, name="ui"),
        "v": values,
        "vi": lambda *shape: values(*shape).astype(np.int32),
    }


def _nodes(graph):
    return [
        [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
        for op in graph.get_operations()
    ]


def _shape(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def evaluate(tensors):
    """Runs each node by its reference, in creation order."""
    known = {}
    for node in tensors[0].graph.get_operations() if tensors else ():
        results = node.opdef.reference.bind(node)(*[known[t] for t in node.inputs])
        results = results if isinstance(results, tuple) else (results,)
        known.update(zip(node.outputs, results, strict=True))
    return [known[t] for t in tensors]


def _compare(found, entry):
    found = np.asarray(found)
    data = entry["data"]
    if entry["dtype"].startswith("complex"):
        data = np.asarray(data[0]) + 1j * np.asarray(data[1])
    if entry["dtype"] == "object":
        found = np.vectorize(bytes.decode, otypes=[object])(found)
        assert found.tolist() == data
        return
    assert str(found.dtype) == entry["dtype"]
    assert list(found.shape) == entry["shape"]
    np.testing.assert_allclose(found, np.asarray(data, found.dtype), rtol=1e-6)


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    entry = RECORD[text]
    with tf.Graph().as_default() as graph:
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, helpers())
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        result = eval(text, helpers())
        flat = list(result) if isinstance(result, list | tuple) else [result]
        tensors = [t for t in flat if isinstance(t, tf.Tensor)]
        assert _nodes(graph) == entry["nodes"]
        assert [_shape(t) for t in tensors] == entry["shapes"]
        if "values" in entry:
            for found, wanted in zip(evaluate(tensors), entry["values"], strict=True):
                _compare(found, wanted)
        if "fails" in entry:
            with pytest.raises(tf.errors.OpError) as info:
                evaluate(tensors)
            assert type(info.value).__name__ == entry["fails"]
            assert info.value.message == entry["message"]
