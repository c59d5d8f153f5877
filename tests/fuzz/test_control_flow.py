"""Random nested branches and loops: compiled, in NumPy, and as plain Python, they agree."""

import numpy as np
import pytest

import millstream as tf

DEPTH = 3


class Plain:
    """The operations of the programs on NumPy arrays."""

    def sin(self, x):
        return np.sin(x)

    def total(self, x):
        return np.sum(x)

    def __init__(self):
        self.state = np.zeros(2)

    def store(self, x):
        self.state = self.state * 0.5 + x
        return self.state

    def cond(self, pred, yes, no):
        return yes() if pred else no()

    def loop(self, test, body, values):
        while test(*values):
            values = body(*values)
        return values


class Symbolic:
    """The same as nodes of a graph."""

    def sin(self, x):
        return tf.sin(x)

    def total(self, x):
        return tf.reduce_sum(x)

    def __init__(self, variable=None):
        self.variable = variable

    def store(self, x):
        v = self.variable
        with tf.control_dependencies([x]):
            old = v.read_value()
        with tf.control_dependencies([v.assign(old * 0.5 + x)]):
            return v.read_value()

    def cond(self, pred, yes, no):
        return tf.cond(pred, yes, no, strict=True)

    def loop(self, test, body, values):
        return tf.while_loop(test, body, values, return_same_structure=True)


def block(random, depth, stateful=False):
    """Makes a function `(operations, x, y) -> (x, y)` at random."""
    parts = [part(random, depth, stateful) for _ in range(random.randint(1, 4))]

    def run(o, x, y):
        for each in parts:
            x, y = each(o, x, y)
        return x, y

    return run


def part(random, depth, stateful):
    kinds = ["sin", "mix", "swap"] + ["store"] * stateful + ["cond", "loop"] * (depth > 0)
    kind = random.choice(kinds)
    factor = float(random.uniform(-1, 1))
    if kind == "sin":
        return lambda o, x, y: (o.sin(x * 2 + y * factor), y)
    if kind == "mix":
        return lambda o, x, y: (x * factor + y * 0.5, y - x * 0.25)
    if kind == "store":  # of both, so that one store waits for the other
        return lambda o, x, y: (o.store(x + 0.0 * y), y)
    if kind == "swap":
        return lambda o, x, y: (y * 1.0, x * 1.0)
    if kind == "cond":
        yes, no = block(random, depth - 1, stateful), block(random, depth - 1, stateful)
        return lambda o, x, y: tuple(
            o.cond(o.total(x) > factor, lambda: yes(o, x, y), lambda: no(o, x, y))
        )
    inner, times = block(random, depth - 1, stateful), int(random.randint(0, 4))
    by_value = random.rand() < 0.3

    def loop(o, x, y):
        def test(i, x, y):
            return (i < times) & (o.total(x) < 3.0) if by_value else i < times

        return tuple(o.loop(test, lambda i, x, y: (i + 1, *inner(o, x, y)), (0, x, y)))[1:]

    return loop


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    print("seed", seed)
    random = np.random.RandomState(seed)
    program = block(random, DEPTH)
    feeds = [(random.randn(2), random.randn(2)) for _ in range(2)]
    with tf.Graph().as_default() as graph:
        x, y = tf.placeholder(tf.float64, [2]), tf.placeholder(tf.float64, [2])
        results = [*program(Symbolic(), x, y)]
        grads = tf.gradients(results, [x, y], unconnected_gradients="zero")
        found = [_run(graph, tier, [*results, *grads], x, y, feeds) for tier in ("numpy", "xla")]
    for feed, in_numpy, compiled in zip(feeds, *found):
        for a, b in zip(program(Plain(), *feed), in_numpy):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        for a, b in zip(in_numpy, compiled):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
        _check_gradient(program, feed, in_numpy[2:])


def _run(graph, tier, fetches, x, y, feeds):
    with tf.Session(graph=graph) as session:
        session.settings.plan_options.tier = tier
        return [session.run(fetches, {x: a, y: b}) for a, b in feeds]


def _check_gradient(program, feed, grads):
    eps = 1e-6
    for which in range(2):
        for i in range(2):
            values = []
            for sign in (1, -1):
                moved = [np.array(v) for v in feed]
                moved[which][i] += sign * eps
                values.append(sum(v.sum() for v in program(Plain(), *moved)))
            expected = (values[0] - values[1]) / (2 * eps)
            if abs(values[0] - values[1]) < 1e-3:  # no branch was changed on the way
                np.testing.assert_allclose(grads[which][i], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_random_programs_that_store(seed):
    print("seed", seed)
    random = np.random.RandomState(100 + seed)
    program = block(random, DEPTH, stateful=True)
    feeds = [(random.randn(2), random.randn(2)) for _ in range(3)]
    with tf.Graph().as_default() as graph:
        x, y = tf.placeholder(tf.float64, [2]), tf.placeholder(tf.float64, [2])
        v = tf.get_variable("v", initializer=np.zeros(2), use_resource=True)
        results = program(Symbolic(v), x, y)
        with tf.control_dependencies(results):
            after = v.read_value()
        fetches = [*results, after]
        for tier in ("numpy", "xla"):
            plain = Plain()
            with tf.Session(graph=graph) as session:
                session.settings.plan_options.tier = tier
                session.run(v.initializer)
                for a, b in feeds:
                    wanted = [*program(plain, a, b), plain.state]
                    for found, value in zip(session.run(fetches, {x: a, y: b}), wanted):
                        np.testing.assert_allclose(found, value, rtol=1e-6, atol=1e-9)
