"""The tutorial network: its nodes' names, and that it learns."""

import numpy as np

import millstream as tf
from millstream.compat import mnist_model


def build():
    images = tf.placeholder(tf.float32, [20, mnist_model.IMAGE_PIXELS])
    labels = tf.placeholder(tf.int32, [20])
    logits = mnist_model.inference(images, 64, 32)
    loss = mnist_model.loss(logits, labels)
    train = mnist_model.training(loss, 0.1)
    return images, labels, loss, train, mnist_model.evaluation(logits, labels)


def test_names():
    with tf.Graph().as_default():
        build()
        assert [v.op.name for v in tf.global_variables()] == [
            "hidden1/weights",
            "hidden1/biases",
            "hidden2/weights",
            "hidden2/biases",
            "softmax_linear/weights",
            "softmax_linear/biases",
            "global_step",
        ]


def test_it_learns():
    random = np.random.RandomState(0)
    data = random.uniform(size=(20, mnist_model.IMAGE_PIXELS))
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        images, labels, loss, train, right = build()
        feed = {images: data, labels: np.arange(20) % 10}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            first = sess.run(loss, feed)
            for _ in range(100):
                sess.run(train, feed)
            assert sess.run(loss, feed) < 0.8 * first
            assert sess.run(tf.train.get_global_step()) == 100
            assert 0 <= sess.run(right, feed) <= 20
