"""Updates and reads in one step, as programs write them, give what TensorFlow 1.15 gives."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "state_idioms.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "state_idioms.json").read_text())


@pytest.mark.parametrize("tier", ["numpy", "xla"])
@pytest.mark.parametrize("name", RECORDED)
def test_steps(name, tier, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    with tf.Graph().as_default():
        steps = script.run(tf, name)
    np.testing.assert_allclose(steps, RECORDED[name], rtol=1e-5, atol=1e-6)
