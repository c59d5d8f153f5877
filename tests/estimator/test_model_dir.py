"""A model directory of TF 1.15 continues training here, and comes out as it would there."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import estimator_model_dir  # noqa: E402


def test_training_continues_where_tf_stopped(tmp_path):
    directory = tmp_path / "model"
    shutil.copytree(GOLDEN / "estimator_model_dir", directory)
    estimator = estimator_model_dir.model(tf, str(directory))
    estimator_model_dir.train(tf, estimator)
    tf.summary.FileWriterCache.clear()
    found = estimator_model_dir.variables(estimator)
    wanted = json.loads((GOLDEN / "estimator_model_dir.json").read_text())
    assert found.keys() == wanted.keys()
    assert found["global_step"] == 6
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
