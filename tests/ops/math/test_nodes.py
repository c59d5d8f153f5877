"""Expressions of arithmetic against what TF 1.15 made of them: nodes, shapes, values, errors."""

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = json.loads((GOLDEN / "math_nodes.json").read_text())


def _script():
    spec = importlib.util.spec_from_file_location("math_nodes", GOLDEN / "math_nodes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def _array(data, dtype):
    if dtype.startswith("complex"):
        return (np.asarray(data[0]) + 1j * np.asarray(data[1])).astype(dtype)
    return np.asarray(data, dtype)


def _compare(found, data, dtype):
    found = np.asarray(found)
    if dtype == "object" or dtype.startswith("|S"):
        assert [s.decode() for s in found.ravel().tolist()] == data
        return
    wanted = _array(data, dtype)
    assert str(found.dtype) == dtype
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


def _run(tensors):
    with tf.Session() as session, np.errstate(all="ignore"):
        return session.run(tensors)


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    """The expression makes the nodes, shapes, values and error classes that TF made."""
    entry = RECORD[text]
    with tf.Graph().as_default() as graph, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, {}, SCRIPT.helpers(tf, np))
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        result = eval(text, {}, SCRIPT.helpers(tf, np))
        flat = list(result) if isinstance(result, list | tuple) else [result]
        tensors = [t for t in flat if isinstance(t, tf.Tensor)]
        if "nodes" in entry:
            assert SCRIPT.nodes(graph) == entry["nodes"]
        shapes = [t.shape for t in tensors]
        for found, wanted in zip(shapes, entry["shapes"], strict=True):
            assert found.is_compatible_with(wanted)
            known = found.as_list() if found.ndims is not None else None
            assert "nodes" not in entry or known == wanted
        if "values" in entry:
            arrays = _run(tensors)
            for found, data, dtype in zip(arrays, entry["values"], entry["types"], strict=True):
                _compare(found, data, dtype)
        if "fails" in entry:
            with pytest.raises(tf.errors.OpError) as info:
                _run(tensors)
            assert type(info.value).__name__ == entry["fails"]
            assert entry["message"] in info.value.message
