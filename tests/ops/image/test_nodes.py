"""Expressions over `tf.image` against what TF 1.15 made of them: nodes, shapes, values, errors."""

import gzip
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = json.loads(gzip.decompress((GOLDEN / "image_nodes.json.gz").read_bytes()))


def _load(name):
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


nn_nodes = _load("nn_nodes")
recorder = _load("image_nodes")


UNCHECKED = ("x(None, 4, 5, 3)", "rot90", "psnr", "(r(4, 5, 3), seed", "image_with_pad")
"""Where TensorFlow adds nodes that check shapes, or a choice among branches, at run time."""


def _check_values(tensors, wanted):
    with tf.Session() as session:
        found = session.run(tensors)
    for array, entry in zip(found, wanted, strict=True):
        assert str(array.dtype) == entry["dtype"]
        assert list(array.shape) == entry["shape"]
        data = np.array(entry["data"], np.float64).reshape(array.shape)
        np.testing.assert_allclose(array.astype(np.float64), data, 2e-5, 2e-5)


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    entry = RECORD[text]
    with tf.Graph().as_default() as graph:
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, recorder.helpers(tf, np))
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        tensors = nn_nodes.tensors_of(tf, eval(text, recorder.helpers(tf, np)))
        if not any(part in text for part in UNCHECKED):
            assert nn_nodes.nodes_of(graph) == entry["nodes"]
            assert [nn_nodes.shape_list(t) for t in tensors] == entry["shapes"]
        if "values" in entry:
            _check_values(tensors, entry["values"])
        if "fails" in entry:
            with pytest.raises(tf.errors.OpError) as info, tf.Session() as session:
                session.run(tensors)
            assert type(info.value).__name__ == entry["fails"]
