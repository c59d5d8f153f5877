"""Checks for NaN and infinity in running steps."""

import numpy as np
import pytest

import millstream as tf


def test_add_check_numerics_ops_names_the_first_bad_tensor():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2], name="x")
        y = tf.log(x, name="logarithm")
        tf.exp(y, name="later")
        check = tf.add_check_numerics_ops()
        session.run(check, {x: [1, 2]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="logarithm:0 : Tensor had Inf"):
            session.run(check, {x: [1, 0]})


def test_gradient_is_checked_too():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(0.0)
        (dx,) = tf.gradients(tf.sqrt(tf.check_numerics(x, "x")), x)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"gradient.*Inf"):
            session.run(dx)


def test_verify_tensor_all_finite_passes_on():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([1.0, 2.0])
        np.testing.assert_array_equal(session.run(tf.verify_tensor_all_finite(x, "m")), [1, 2])
