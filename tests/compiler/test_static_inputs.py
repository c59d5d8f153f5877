"""Values that a compiler must know, where they come from another unit of the step."""

import numpy as np
import pytest

import millstream as tf


@pytest.mark.parametrize("tier", ["numpy", "xla", "auto"])
def test_shape_from_another_region(monkeypatch, tier):
    """A shape computed before a host node serves a region behind it, for every size anew."""
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None])
        flat = tf.py_func(lambda a: a.ravel() * 2, [x], tf.float32)
        y = tf.reshape(flat, tf.shape(x) * 1)
        for rows in (2, 3, 2):
            data = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
            np.testing.assert_array_equal(session.run(y, {x: data}), data * 2)
