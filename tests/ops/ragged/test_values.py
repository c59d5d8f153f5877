"""Expressions over ragged tensors against TF 1.15: kinds, shapes, values, errors."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
sys.path.insert(0, str(GOLDEN))
import ragged_values as programs  # noqa: E402

sys.path.remove(str(GOLDEN))
RECORD = json.loads((GOLDEN / "ragged_values.json").read_text())


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    wanted, found = RECORD[text], programs.run(tf, text)
    assert found.get("raises") == wanted.get("raises")
    if "raises" in wanted:
        return
    assert found["kind"] == wanted["kind"]
    shape = tf.TensorShape(found["shape"])
    assert shape.is_compatible_with(wanted["shape"]), (found["shape"], wanted["shape"])
    np.testing.assert_equal(found["value"], wanted["value"])


def test_a_ragged_placeholder_is_fed_with_a_value():
    with tf.Graph().as_default(), tf.Session() as session:
        rows = tf.ragged.placeholder(tf.int32, 1)
        fed = tf.ragged.constant_value([[1], [2, 3]], dtype=tf.int32)
        found = session.run(rows * 2, {rows: fed})
    assert found.to_list() == [[2], [4, 6]]


def test_splits_that_do_not_fit_are_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        rows = tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2])
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be 3"):
            session.run(rows.to_tensor())
