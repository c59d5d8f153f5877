"""Values, gradients and second gradients of `tf.nn` against those that TF 1.15 computed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = np.load(GOLDEN / "nn_gradients.npz")
_SPEC = importlib.util.spec_from_file_location("nn_gradients", GOLDEN / "nn_gradients.py")
recorder = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(recorder)


@pytest.mark.parametrize("number", range(len(recorder.ROWS)), ids=recorder.ROWS)
def test_row_is_as_in_tf(number):
    row = recorder.ROWS[number]
    wanted = {
        int(key.partition(".")[2]): RECORD[key]
        for key in RECORD.files
        if key.partition(".")[0] == str(number)
    }
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = recorder.build(tf, np, row)
        assert max(wanted) < len(tensors)
        found = session.run([tensors[i] for i in wanted])
    for index, array in zip(wanted, found, strict=True):
        scale = max(1.0, float(np.abs(wanted[index]).max(initial=0)))
        np.testing.assert_allclose(
            array, wanted[index], 2e-4, 2e-4 * scale, err_msg=f"result {index}"
        )
