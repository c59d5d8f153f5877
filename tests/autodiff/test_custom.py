"""`tf.grad_pass_through`."""

import numpy as np

import millstream as tf


def test_gradients_pass_through_a_function_as_if_it_were_the_identity():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant([1.4, 2.6])
        y = tf.grad_pass_through(tf.round)(x)
        found = sess.run([y, tf.gradients(y * y, x)[0]])
        np.testing.assert_array_equal(found, [[1, 3], [2, 6]])
