"""The nodes that variables and their functions make, against TensorFlow 1.15's."""

import importlib.util
import json
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "state_nodes.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "state_nodes.json").read_text())


@pytest.mark.parametrize("name", RECORDED)
def test_nodes(name):
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        script.GRAPHS[name](tf)
        made = [script.describe(op, op.attrs) for op in graph.get_operations()]
    for ours, theirs in zip(made, RECORDED[name], strict=False):
        assert ours == theirs
    assert len(made) == len(RECORDED[name])
