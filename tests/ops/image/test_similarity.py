"""Structural similarity against values of TF 1.15."""

import numpy as np
import pytest

import millstream as tf


def ramp(height, width, channels, largest):
    values = np.arange(height * width * channels, dtype=np.float32) / largest
    return values.reshape(1, height, width, channels)


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_one_scale_is_as_in_tf(sess):
    x = ramp(16, 16, 2, 600)
    np.testing.assert_allclose(sess.run(tf.image.ssim(x, np.sqrt(x), 1.0)), [0.87834984], 1e-4)


def test_five_scales_are_as_in_tf(sess):
    x = ramp(200, 190, 1, 40000)
    found = sess.run(tf.image.ssim_multiscale(x, np.sqrt(x), 1.0))
    np.testing.assert_allclose(found, [0.9560922], 1e-4)


def test_equal_images_of_any_batch_are_alike(sess):
    x = np.random.default_rng(0).integers(0, 255, (2, 3, 12, 12, 1)).astype(np.uint8)
    found = sess.run(tf.image.ssim(x, x, 255))
    np.testing.assert_allclose(found, np.ones((2, 3)), 1e-5)


def test_images_must_fit(sess):
    with pytest.raises(ValueError, match="incompatible"):
        tf.image.ssim(np.zeros([12, 12, 1], np.float32), np.zeros([12, 13, 1], np.float32), 1.0)
    with pytest.raises(ValueError, match="at least 11 pixels"):
        tf.image.ssim(np.zeros([8, 12, 1], np.float32), np.zeros([8, 12, 1], np.float32), 1.0)
