"""Records random programs of branches and loops, with gradients: raw_control_flow_fuzz.npz.

Run under a TensorFlow 1.15 interpreter: python tests/golden/raw_control_flow_fuzz.py
"""

import os
import random
import zlib

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = 40
LARGEST = 6500  # bytes of a compressed graph
SIZE = 3


class Maker:
    """Makes one program of tensors of shape [3], whose values stay near 1."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.weights = tf.get_variable("w", initializer=np.linspace(-1, 1, SIZE).astype(np.float32))
        self.state = tf.get_variable("s", initializer=0.0, use_resource=True)

    def plain(self, x, others):
        other = self.random.choice([*others, self.weights])
        kind = self.random.randrange(5)
        if kind == 0:
            return tf.tanh(x + other)
        if kind == 1:
            return x * 0.5 + tf.sin(other)
        if kind == 2:
            return x * tf.reduce_mean(other) - other
        if kind == 3:
            return tf.where(x > 0, x, other * 0.5)
        return tf.reverse(x, [0]) / (1 + tf.square(other))

    def block(self, x, others, depth):
        """Makes some steps; `others` are tensors from outside that may be used."""
        for _ in range(self.random.randint(1, 3)):
            makers = [self.plain]
            if depth:
                makers += [self.choice, self.counted, self.until, self.array, self.mapped]
            step = self.random.choice(makers)
            x = step(x, [*others, x]) if step == self.plain else step(x, [*others, x], depth - 1)
        return x

    def choice(self, x, others, depth):
        bound = self.random.uniform(-1, 1)
        pred = tf.reduce_sum(self.random.choice([*others, x])) > bound
        first, second = self.random.getrandbits(32), self.random.getrandbits(32)
        return tf.cond(
            pred,
            lambda: self.branch(first, x, others, depth),
            lambda: self.branch(second, x, others, depth),
        )

    def branch(self, seed, x, others, depth):
        kind = seed % 4
        if kind == 0:
            return tf.identity(x)
        return self.block(x, others, depth)

    def counted(self, x, others, depth):
        trips = self.random.randrange(4)
        step = lambda i, v: (i + 1, tf.tanh(self.block(v, others, depth)))  # noqa: E731
        return tf.while_loop(lambda i, v: i < trips, step, (0, x))[1]

    def until(self, x, others, depth):
        bound = self.random.uniform(0.5, 3)
        go_on = lambda i, v: tf.logical_and(i < 5, tf.reduce_sum(v * v) < bound)  # noqa: E731
        step = lambda i, v: (i + 1, self.block(v, others, depth) * 1.1)  # noqa: E731
        return tf.while_loop(go_on, step, (0, x))[1]

    def array(self, x, others, depth):
        given = tf.TensorArray(tf.float32, SIZE, clear_after_read=False).unstack(x)
        made = tf.TensorArray(tf.float32, SIZE)

        def step(i, carry, array):
            carry = tf.tanh(self.block(carry, others, depth))
            value = given.read(i) * tf.reduce_mean(carry)
            return i + 1, carry + 0.1 * given.read(SIZE - 1 - i), array.write(i, value)

        _, carry, made = tf.while_loop(lambda i, *_: i < SIZE, step, (0, x, made))
        return made.stack() + carry

    def mapped(self, x, others, depth):
        rows = tf.stack([x, x * 2])
        return tf.reduce_sum(tf.map_fn(lambda row: self.block(row, others, depth), rows), 0)


def record(seed):
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [SIZE], name="x")
        maker = Maker(seed)
        y = tf.identity(maker.block(tf.tanh(x), [x], 2), name="y")
        dx, dw = tf.gradients(tf.reduce_sum(y * y), [x, maker.weights])
        fetches = [y] + [tf.convert_to_tensor(t) for t in (dx, dw) if t is not None]
        fetches = [tf.identity(t, name="fetch_%d" % i) for i, t in enumerate(fetches)]
        init = tf.global_variables_initializer()
        feeds = np.random.RandomState(seed).uniform(-2, 2, (3, SIZE)).astype(np.float32)
        with tf.Session() as session:
            session.run(init)
            results = [np.stack(session.run(fetches, {x: feed})) for feed in feeds]
        return graph.as_graph_def().SerializeToString(), feeds, np.stack(results), init.name


def main():
    arrays, seed = {}, 0
    while len(arrays) < 3 * PROGRAMS:
        seed += 1
        try:
            graph, feeds, results, init = record(seed)
        except tf.errors.InvalidArgumentError:
            continue  # TensorFlow's own gradients of some nestings are dead
        graph = np.frombuffer(zlib.compress(graph, 9), np.uint8)
        if len(graph) > LARGEST:
            continue
        assert np.isfinite(results).all()
        assert init == "init"
        arrays["graph_%d" % seed] = graph
        arrays["feeds_%d" % seed], arrays["results_%d" % seed] = feeds, results
    np.savez(os.path.join(HERE, "raw_control_flow_fuzz.npz"), **arrays)


if __name__ == "__main__":
    main()
