"""Trainings by the optimizers, against TensorFlow 1.15's nodes and values."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "train_optimizers.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "train_optimizers.json").read_text())


@pytest.mark.parametrize("key", RECORDED)
def test_nodes(key):
    name, kind = key.split("/")
    with tf.Graph().as_default() as graph:
        script.build(tf, name, kind == "resource")
        made = script.nodes(graph)
    for ours, theirs in zip(made, RECORDED[key]["nodes"], strict=False):
        assert without_gradients(ours, theirs) == theirs
    assert len(made) == len(RECORDED[key]["nodes"])


def without_gradients(ours, theirs):
    """Returns our line with inputs that are gradients there called so: how they come is ours."""
    fields, others = ours.split("|"), theirs.split("|")
    inputs, wanted = fields[2].split(" "), others[2].split(" ")
    if len(inputs) == len(wanted):
        same = [w if w == "gradients" else i for i, w in zip(inputs, wanted, strict=True)]
        fields[2] = " ".join(same)
    return "|".join(fields)


@pytest.mark.parametrize("key", RECORDED)
def test_values_after_five_steps(key):
    name, kind = key.split("/")
    with tf.Graph().as_default():
        values = script.train(tf, name, kind == "resource")
    assert values.keys() == RECORDED[key]["values"].keys()
    for variable, wanted in RECORDED[key]["values"].items():
        np.testing.assert_allclose(values[variable], wanted, rtol=2e-5, atol=1e-6, err_msg=variable)
