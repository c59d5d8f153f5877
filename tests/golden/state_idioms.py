"""Records updates and reads in one step: run under TensorFlow 1.15, writes state_idioms.json.

Each function of `IDIOMS` builds a graph and returns what to fetch, and feeds for step `i`.
"""

import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 4


def nothing(i):
    return {}


def batch_norm(tf):
    x = tf.placeholder(tf.float32, [None, 3])
    mean = tf.Variable(tf.zeros([3]), trainable=False)
    variance = tf.Variable(tf.ones([3]), trainable=False)
    batch_mean, batch_variance = tf.nn.moments(x, [0])
    moves = [
        tf.assign(mean, mean * 0.9 + batch_mean * 0.1),
        tf.assign(variance, variance * 0.9 + batch_variance * 0.1),
    ]
    with tf.control_dependencies(moves):
        y = tf.nn.batch_normalization(x, mean, variance, None, None, 1e-3)
    return y, lambda i: {x: np.arange(6).reshape(2, 3) * (i + 1)}


def chain(tf):
    w = tf.Variable(1.0)
    first = w.assign_add(1.0)
    with tf.control_dependencies([first]):
        second = w.assign(w * 3.0)
    with tf.control_dependencies([second]):
        return w + 0.0, nothing


def chain_of_resources(tf):
    w = tf.Variable(1.0, use_resource=True)
    first = w.assign_add(1.0)
    with tf.control_dependencies([first]):
        second = w.assign(w * 3.0)
    with tf.control_dependencies([second]):
        return w + 0.0, nothing


def running_mean(tf):
    kept = {"trainable": False, "collections": [tf.GraphKeys.LOCAL_VARIABLES]}
    total, count = tf.Variable(0.0, **kept), tf.Variable(0.0, **kept)
    x = tf.placeholder(tf.float32, [])
    mean = tf.assign_add(total, x) / tf.assign_add(count, 1.0)
    return mean, lambda i: {x: float(i)}


def falling_rate(tf):
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(1.0, step, 1, 0.5)
    w = tf.Variable(0.0)
    train = tf.train.GradientDescentOptimizer(rate).minimize(w, global_step=step)
    with tf.control_dependencies([train]):
        after = [w.read_value(), tf.cast(step.read_value(), tf.float32)]
    return [rate, *after], nothing


def rows(tf):
    w = tf.Variable(tf.zeros([4]))
    update = tf.scatter_add(w, [1, 1], [1.0, 2.0])
    with tf.control_dependencies([update]):
        return w * 1.0, nothing


def counter(tf):
    return tf.count_up_to(tf.Variable(0), 10), nothing


def local(tf):
    w = tf.get_local_variable("w", [2], initializer=tf.ones_initializer())
    return w * 2.0, nothing


def averaged(tf):
    w = tf.Variable(1.0)
    average = tf.train.ExponentialMovingAverage(0.5)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(w * w * 0.25)
    with tf.control_dependencies([train]):
        update = average.apply([w])
    with tf.control_dependencies([update]):
        return [average.average(w) * 1.0, w * 1.0], nothing


def before_and_after(tf):
    w = tf.Variable([1.0, 2.0])
    before = w * 10.0
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(w * w))
    with tf.control_dependencies([train]):
        return [before, tf.identity(w)], nothing


IDIOMS = {
    f.__name__: f
    for f in (
        batch_norm, chain, chain_of_resources, running_mean, falling_rate, rows, counter, local,
        averaged, before_and_after,
    )
}  # fmt: skip


def run(tf, name):
    """Runs an idiom; returns the flat fetches of each step."""
    fetch, feed = IDIOMS[name](tf)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        steps = [session.run(fetch, feed(i)) for i in range(STEPS)]
    return [[float(v) for x in _listed(s) for v in np.ravel(x)] for s in steps]


def _listed(fetched):
    return fetched if isinstance(fetched, list) else [fetched]


def main():
    import tensorflow.compat.v1 as tf

    out = {}
    for name in IDIOMS:
        with tf.Graph().as_default():
            out[name] = run(tf, name)
    with open(os.path.join(HERE, "state_idioms.json"), "w") as file:
        json.dump(out, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main()
