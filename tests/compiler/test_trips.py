"""How often loops iterate, as far as that can be told before they run."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g


def trips(cond, body, start, maximum_iterations=None):
    """Returns (what is told, whether it is exact, how many there are)."""
    x = tf.placeholder(tf.float32, [3])
    result = tf.while_loop(
        cond, lambda *a: (*body(*a[:-1]), tf.sin(a[-1])), (*start, x),
        maximum_iterations=maximum_iterations,
    )  # fmt: skip
    (dx,) = tf.gradients(result[-1], x)
    with tf.Session() as session:
        session.settings.plan_options.tier = "numpy"
        session.run(dx, {x: np.zeros(3)})
    plan = list(tf.get_default_graph().executables.values())[-1]
    call = next(c for c in plan.partition.calls.values() if c.test is not None)
    values = plan.program.values
    limit, exact = call.trips.limit([values.get(t) for t in call.tensors])
    return limit, exact, call.trips.seen


CASES = [
    ("less", lambda i, x: i < 7, lambda i: (i + 2,), (0,), 4, True),
    ("less or equal", lambda i, x: i <= 6, lambda i: (i + 2,), (0,), 4, True),
    ("none", lambda i, x: i < 0, lambda i: (i + 2,), (3,), 0, True),
    ("downwards", lambda i, x: i > 0, lambda i: (i - 3,), (10,), 4, True),
    ("powers", lambda i, x: i < 100, lambda i: (i * 2,), (1,), 7, True),
    ("two counters", lambda i, j, x: i < 50, lambda i, j: (i + j, j + 1), (0, 0), 11, True),
    ("two limits", lambda i, x: (i < 9) & (i * i < 30), lambda i: (i + 1,), (0,), 6, True),
    ("a long way", lambda i, x: i < 10**9, lambda i: (i + 10**8,), (0,), 10, True),
]


@pytest.mark.parametrize(
    ("cond", "body", "start", "count", "exact"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_counters(cond, body, start, count, exact):
    assert trips(cond, body, start) == (count, exact, count)


def test_a_value_may_end_it_earlier():
    found = trips(lambda i, x: (i < 9) & (tf.reduce_sum(x) < 1.0), lambda i: (i + 1,), (0,))
    assert found == (9, False, 9)


def test_values_alone_tell_nothing():
    found = trips(lambda i, x: tf.reduce_sum(x) + tf.to_float(i) < 5.0, lambda i: (i + 1,), (0,))
    assert found == (None, False, 5)
