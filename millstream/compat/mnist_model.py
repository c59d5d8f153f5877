"""`tensorflow.examples.tutorials.mnist.mnist`: the network of the first tutorials."""

from __future__ import annotations

import math
from typing import Any

import millstream as tf

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def inference(images: Any, hidden1_units: int, hidden2_units: int) -> Any:
    """Builds two hidden layers and the logits.

    Args:
      images: `[batch, 784]`.
      hidden1_units: Size of the first hidden layer.
      hidden2_units: Size of the second.

    Returns:
      Logits `[batch, 10]`.
    """
    hidden = tf.nn.relu(_linear(images, IMAGE_PIXELS, hidden1_units, "hidden1"))
    hidden = tf.nn.relu(_linear(hidden, hidden1_units, hidden2_units, "hidden2"))
    return _linear(hidden, hidden2_units, NUM_CLASSES, "softmax_linear")


def _linear(x: Any, inputs: int, outputs: int, scope: str) -> Any:
    with tf.name_scope(scope):
        spread = 1.0 / math.sqrt(inputs)
        start = tf.truncated_normal([inputs, outputs], stddev=spread)
        weights = tf.Variable(start, name="weights")
        biases = tf.Variable(tf.zeros([outputs]), name="biases")
        return tf.matmul(x, weights) + biases


def loss(logits: Any, labels: Any) -> Any:
    """Gives the mean cross-entropy of labels `[batch]` under logits `[batch, 10]`."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int64), logits=logits, name="xentropy"
    )
    return tf.reduce_mean(losses, name="xentropy_mean")


def training(loss: Any, learning_rate: float) -> Any:
    """Gives the node that takes one step of gradient descent and counts it."""
    tf.summary.scalar("loss", loss)
    step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    return optimizer.minimize(loss, global_step=step)


def evaluation(logits: Any, labels: Any) -> Any:
    """Counts the examples whose label has the largest logit: an int32 scalar."""
    return tf.reduce_sum(tf.cast(tf.nn.in_top_k(logits, labels, 1), tf.int32))
