"""The checkpoint ops against TF 1.15's results of the same calls: values, shapes, errors."""

import json
import sys
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
sys.path.insert(0, str(GOLDEN))
import checkpoint_ops  # noqa: E402

RECORD = json.loads((GOLDEN / "checkpoint_ops.json").read_text())


@pytest.mark.parametrize("text", checkpoint_ops.expressions(checkpoint_ops.EXPRESSIONS))
def test_call_is_as_in_tf(tmp_path, text):
    with tf.Graph().as_default(), tf.Session() as session:
        for setup in checkpoint_ops.expressions(checkpoint_ops.SETUP):
            assert checkpoint_ops.run(tf, session, setup, str(tmp_path)) == "done"
        assert checkpoint_ops.run(tf, session, text, str(tmp_path)) == RECORD[text]


def test_slice_beyond_the_tensor():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="lies outside of the shape"):
        tf.raw_ops.RestoreV2(
            prefix="a", tensor_names=["x"], shape_and_slices=["2 1,2"], dtypes=[tf.float32]
        )
