"""`contrib.framework.py_func`: structures in and out."""

import numpy as np
import pytest

import millstream as tf

py_func = tf.contrib.framework.py_func


def test_structures():
    def function(pair, scale):
        return {"sum": pair["a"] + pair["b"], "scaled": [pair["a"] * scale]}

    with tf.Graph().as_default(), tf.Session() as sess:
        made = py_func(
            function, [{"a": tf.constant([1, 2]), "b": tf.constant([3, 4])}], {"scale": 10},
            output_types={"sum": tf.int32, "scaled": [tf.int32]},
            output_shapes={"sum": [2], "scaled": [[None]]},
        )  # fmt: skip
        assert made["sum"].shape.as_list() == [2]
        found = sess.run(made)
    np.testing.assert_array_equal(found["sum"], [4, 6])
    np.testing.assert_array_equal(found["scaled"][0], [10, 20])


def test_function_without_results_is_a_node():
    seen = []
    with tf.Graph().as_default(), tf.Session() as sess:
        node = py_func(lambda x: seen.append(int(x)), [tf.constant(3)])
        sess.run(node)
    assert seen == [3]


def test_arguments_must_be_lists():
    with pytest.raises(TypeError, match="args must be list"):
        py_func(print, 3)
    with pytest.raises(TypeError, match="kwargs must be dict"):
        py_func(print, [], [1])
