"""contrib.nn: what the functions compute."""

import numpy as np
import pytest

import millstream as tf

X = np.sin(np.arange(12, dtype=np.float32)).reshape(3, 4)


def value(make):
    with tf.Graph().as_default(), tf.Session() as sess:
        return sess.run(make())


def test_nth_element():
    np.testing.assert_array_equal(value(lambda: tf.contrib.nn.nth_element(X, 1)), np.sort(X)[:, 1])
    np.testing.assert_array_equal(
        value(lambda: tf.contrib.nn.nth_element(X, 1, reverse=True)), np.sort(X)[:, -2]
    )


def test_scaled_softplus():
    soft = 2 * np.log1p(np.exp(X / 2))
    np.testing.assert_allclose(
        value(lambda: tf.contrib.nn.scaled_softplus(X, 2.0)), soft, rtol=1e-5
    )
    np.testing.assert_allclose(
        value(lambda: tf.contrib.nn.scaled_softplus(X, 2.0, clip=1.5)), np.minimum(soft, 1.5),
        rtol=1e-5,
    )  # fmt: skip


def test_alpha_dropout_keeps_mean_and_spread():
    x = np.random.RandomState(0).normal(size=20000).astype(np.float32)
    y = value(lambda: tf.contrib.nn.alpha_dropout(x, 0.8, seed=1))
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=0.03)
    with pytest.raises(ValueError, match="keep_prob must be"):
        value(lambda: tf.contrib.nn.alpha_dropout(x, 0.0))


def test_flipped_losses():
    labels = np.eye(4, dtype=np.float32)[:3]
    assert (
        value(lambda: tf.contrib.nn.deprecated_flipped_sigmoid_cross_entropy_with_logits(X, labels))
        == value(lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=X))
    ).all()
