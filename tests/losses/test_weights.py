"""Weights of losses: broadcasting, checks now and in the step, reductions."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def value(tensor, feeds=None):
    with tf.Session() as sess:
        return sess.run(tensor, feeds)


ERRORS = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("weighted_sum", 1 + 2 + 0 + 0),
        ("weighted_mean", 3 / 2),
        ("weighted_sum_by_nonzero_weights", 3 / 2),
        ("weighted_sum_over_batch_size", 3 / 4),
    ],
)
def test_reductions(reduction, expected):
    loss = tf.losses.compute_weighted_loss(ERRORS, [[1.0], [0.0]], reduction=reduction)
    np.testing.assert_allclose(value(loss), expected)


def test_loss_of_no_weight_is_zero():
    assert value(tf.losses.compute_weighted_loss(ERRORS, 0.0)) == 0.0


@pytest.mark.parametrize("weights", [[1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]], [1.0, 2.0]])
def test_weights_that_do_not_broadcast(weights):
    with pytest.raises(ValueError, match="weights can not be broadcast to values"):
        tf.losses.mean_squared_error(ERRORS, ERRORS, weights)


def test_weights_are_checked_in_the_step_where_shapes_are_unknown():
    labels = tf.placeholder(tf.float32, [None, 2])
    weights = tf.placeholder(tf.float32, [None, 1])
    loss = tf.losses.absolute_difference(labels, tf.zeros_like(labels), weights)
    feeds = {labels: ERRORS, weights: [[1], [0]]}
    np.testing.assert_allclose(value(loss, feeds), 1.5)
    feeds[weights] = [[1], [1], [1]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights can not be broadcast"):
        value(loss, feeds)


def test_weights_of_unknown_rank():
    labels = tf.placeholder(tf.float32, [2, 2])
    weights = tf.placeholder(tf.float32)
    loss = tf.losses.absolute_difference(labels, tf.zeros_like(labels), weights)
    np.testing.assert_allclose(value(loss, {labels: ERRORS, weights: 2.0}), 5.0)
    np.testing.assert_allclose(value(loss, {labels: ERRORS, weights: [[0, 1], [0, 1]]}), 3.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights can not be broadcast"):
        value(loss, {labels: ERRORS, weights: [1, 2]})


def test_losses_are_collected_by_scope():
    with tf.name_scope("tower_0"):
        first = tf.losses.mean_squared_error(ERRORS, ERRORS + 1)
    tf.losses.mean_squared_error(ERRORS, ERRORS + 2)
    tf.losses.mean_squared_error(ERRORS, ERRORS, loss_collection=None)
    assert len(tf.losses.get_losses()) == 2
    assert tf.losses.get_losses("tower_0") == [first]
    np.testing.assert_allclose(value(tf.losses.get_total_loss()), 5.0)


def test_gradient_of_softmax_cross_entropy_does_not_reach_labels():
    labels, logits = tf.constant([[0.5, 0.5]]), tf.constant([[1.0, 2.0]])
    loss = tf.losses.softmax_cross_entropy(labels, logits)
    to_labels, to_logits = tf.gradients(loss, [labels, logits])
    assert to_labels is None
    np.testing.assert_allclose(value(to_logits), [[-0.2310586, 0.2310586]], rtol=1e-5)


def test_operands_that_are_none():
    with pytest.raises(ValueError, match=r"labels must not be None\."):
        tf.losses.mean_squared_error(None, ERRORS)
    with pytest.raises(ValueError, match=r"You must specify 'axis'\."):
        tf.losses.cosine_distance(ERRORS, ERRORS)
    with pytest.raises(ValueError, match="Invalid Reduction Key"):
        tf.losses.mean_squared_error(ERRORS, ERRORS, reduction="sum")
