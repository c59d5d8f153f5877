"""Expressions over `tf.nn` against what TF 1.15 made of them: nodes, shapes, values, errors."""

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = json.loads(gzip.decompress((GOLDEN / "nn_nodes.json.gz").read_bytes()))
_SPEC = importlib.util.spec_from_file_location("nn_nodes", GOLDEN / "nn_nodes.py")
recorder = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorder)

ONE_BRANCH = ("zero_fraction",)
"""Functions that TF makes of a conditional, and Millstream without one."""


def _check_values(tensors, wanted):
    with tf.Session() as session:
        found = session.run(tensors)
    for array, entry in zip(found, wanted, strict=True):
        assert str(array.dtype) == entry["dtype"]
        assert list(array.shape) == entry["shape"]
        data = np.array(entry["data"], np.float64).reshape(array.shape)
        tolerance = 2e-3 if array.dtype == np.float16 else 2e-5
        np.testing.assert_allclose(array.astype(np.float64), data, tolerance, tolerance)


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    entry = RECORD[text]
    with tf.Graph().as_default() as graph:
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, recorder.helpers(tf, np))
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        tensors = recorder.tensors_of(tf, eval(text, recorder.helpers(tf, np)))
        if not any(name in text for name in ONE_BRANCH):
            assert recorder.nodes_of(graph) == entry["nodes"]
        assert [recorder.shape_list(t) for t in tensors] == entry["shapes"]
        if "values" in entry:
            _check_values(tensors, entry["values"])
        if "fails" in entry:
            with pytest.raises(tf.errors.OpError) as info, tf.Session() as session:
                session.run(tensors)
            assert type(info.value).__name__ == entry["fails"]
