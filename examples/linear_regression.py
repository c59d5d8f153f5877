"""A straight line through noisy points: the smallest whole TensorFlow 1.x program.

    millstream run examples/linear_regression.py

Gradient descent finds the slope and the offset; least squares, solved exactly, checks them.
"""

import numpy as np
import tensorflow as tf

SLOPE, OFFSET, NOISE = 3.0, -1.5, 0.3
POINTS, STEPS = 200, 200


def make_points():
    random = np.random.RandomState(1)
    x = random.uniform(-2, 2, POINTS).astype(np.float32)
    y = SLOPE * x + OFFSET + NOISE * random.normal(size=POINTS)
    return x, y.astype(np.float32)


def main(_):
    xs, ys = make_points()

    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.placeholder(tf.float32, [None], name="y")
    slope = tf.Variable(0.0, name="slope")
    offset = tf.Variable(0.0, name="offset")
    loss = tf.reduce_mean(tf.square(slope * x + offset - y), name="loss")
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(1, STEPS + 1):
            _, error = sess.run([train, loss], {x: xs, y: ys})
            if step in (1, 2, 5, 10, 20, 50, 100, 200):
                print("step %3d  loss %8.5f" % (step, error))
        found = sess.run([slope, offset])

    exact = np.polyfit(xs, ys, 1)
    print("gradient descent  y = %.4f x %+.4f" % tuple(found))
    print("least squares     y = %.4f x %+.4f" % tuple(exact))
    print("the points' line  y = %.4f x %+.4f, and noise" % (SLOPE, OFFSET))


if __name__ == "__main__":
    tf.app.run()
