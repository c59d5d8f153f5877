"""Runs the programs of tests/golden with Millstream and compares with what TF 1.15 made of them."""

import gzip
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"


def load(name):
    """Returns the recorded entries and the programs of a script, both by program name."""
    sys.path.insert(0, str(GOLDEN))
    try:
        spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        import programs as recorder
    finally:
        sys.path.remove(str(GOLDEN))
    record = json.loads(gzip.decompress((GOLDEN / f"{name}.json.gz").read_bytes()))
    return record, recorder.collect(module), recorder


def check(name, record, programs, recorder, tolerance=2e-5):
    """Checks one program: error or nodes, variables, first values, results and training curve."""
    entry = record[name]
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(recorder.SEED)
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                programs[name](tf, np)
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        tensors = recorder.flat(programs[name](tf, np))
        variables = tf.global_variables()
        assert [[v.name, v.shape.as_list()] for v in variables] == entry["variables"]
        if "nodes" in entry:
            assert recorder.nodes_of(graph) == entry["nodes"]
        assert [recorder.shape_list(t) for t in tensors] == entry["shapes"]
        _check_run(entry, tensors, variables, recorder, tolerance)


def _check_run(entry, tensors, variables, recorder, tolerance):
    train = None
    if "curve" in entry:
        train = tf.train.GradientDescentOptimizer(0.1).minimize(tensors[0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        _compare(session.run(variables), entry["initial"], 1e-6)
        if "fails" in entry:
            with pytest.raises(tf.errors.OpError) as info:
                session.run(tensors)
            assert type(info.value).__name__ == entry["fails"]
            return
        _compare(session.run(tensors), entry["values"], tolerance)
        if train is not None:
            curve = [session.run([tensors[0], train])[0] for _ in entry["curve"]]
            np.testing.assert_allclose(curve, entry["curve"], 1e-4)


def _compare(found, wanted, tolerance):
    for array, entry in zip(found, wanted, strict=True):
        array = np.asarray(array)
        assert str(array.dtype) == entry["dtype"]
        assert list(array.shape) == entry["shape"]
        data = np.array(entry["data"], array.dtype).reshape(array.shape)
        np.testing.assert_allclose(array, data, tolerance, tolerance)
