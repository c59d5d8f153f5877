"""`tf.is_tensor`."""

import numpy as np

import millstream as tf


def test_tells_tensors_from_values():
    with tf.Graph().as_default():
        x = tf.constant([1.0])
        sparse = tf.SparseTensor([[0]], [1.0], [2])
        assert all(map(tf.is_tensor, (x, sparse, tf.get_variable("v", [2]))))
        assert not any(map(tf.is_tensor, (1.0, [x], np.ones(2), x.op, None)))
