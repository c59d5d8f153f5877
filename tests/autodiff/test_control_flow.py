"""Branches and loops, with gradients: the values that TensorFlow 1.15 gave, in both tiers."""

import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from tests.golden.control_flow_programs import PROGRAMS

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "control_flow.json").read_text())


@pytest.fixture(params=["numpy", "xla"])
def session(request):
    with tf.Graph().as_default():
        opened = tf.Session()
        opened.settings.plan_options.tier = request.param
        with opened:
            yield opened


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_values_of_tensorflow(session, name):
    fetches, feeds = PROGRAMS[name](tf)
    wanted = GOLDEN[name]
    names = [t.name for t in fetches if not t.name.startswith("gradients")]
    assert names == wanted["names"]
    session.run(tf.global_variables_initializer())
    for feed, row in zip(feeds, wanted["values"], strict=True):
        for found, value in zip(session.run(fetches, feed), row, strict=True):
            np.testing.assert_allclose(found, value, rtol=2e-4, atol=1e-6)


def _numeric(session, y, x, at, eps=1e-3):
    found = np.zeros_like(at)
    for i in range(at.size):
        step = np.zeros_like(at)
        step[i] = eps
        found[i] = (session.run(y, {x: at + step}) - session.run(y, {x: at - step})) / (2 * eps)
    return found


@pytest.mark.parametrize("kind", ["loop", "cond in loop", "array"])
def test_second_gradients(session, kind):
    x = tf.placeholder(tf.float64, [2])
    at = np.array([0.3, 0.7])

    def body(i, a):
        if kind == "cond in loop":
            return i + 1, tf.cond(tf.equal(i, 1), lambda: a * a, lambda: tf.sin(a) * x)
        return i + 1, tf.sin(a) * x

    if kind == "array":
        array = tf.TensorArray(tf.float64, 3)
        filled = tf.while_loop(
            lambda i, t: i < 3, lambda i, t: (i + 1, t.write(i, tf.sin(x) * x)), (0, array)
        )[1]
        z = tf.reduce_sum(filled.stack() ** 2)
    else:
        z = tf.reduce_sum(tf.while_loop(lambda i, a: i < 3, body, (0, x))[1])
    (dx,) = tf.gradients(z, x)
    first = tf.reduce_sum(dx * np.array([1.0, 2.0]))
    (dxx,) = tf.gradients(first, x)
    np.testing.assert_allclose(session.run(dx, {x: at}), _numeric(session, z, x, at), rtol=1e-4)
    np.testing.assert_allclose(
        session.run(dxx, {x: at}), _numeric(session, first, x, at), rtol=1e-4
    )


def test_weight_gradients_are_one_product(session):
    x = tf.placeholder(tf.float32, [3, 2])
    w = tf.Variable(np.eye(2, dtype=np.float32))
    h = tf.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), (0, x))[1]
    (dw,) = tf.gradients(h, w)
    assert dw.op.type == "MatMul"
    assert dw.graph is tf.get_default_graph()
    session.run(tf.global_variables_initializer())
    assert session.run(dw, {x: np.ones([3, 2])}).shape == (2, 2)


def test_forward_alone_saves_nothing(session):
    x = tf.placeholder(tf.float32, [2])
    z = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, tf.sin(a)), (0, x))[1]
    (dx,) = tf.gradients(z, x)
    np.testing.assert_allclose(session.run(z, {x: [0.0, 1.0]})[0], 0.0)
    plan = list(session.graph.executables.values())[-1]
    (call,) = plan.partition.calls.values()
    assert call.saves == []
    session.run([z, dx], {x: [0.0, 1.0]})
    plan = list(session.graph.executables.values())[-1]
    assert max(len(getattr(c, "saves", ())) for c in plan.partition.calls.values()) == 1


def test_no_back_prop(session):
    x = tf.placeholder(tf.float32, [2])
    z = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, tf.sin(a)), (0, x), back_prop=False)[
        1
    ]
    assert tf.gradients(z, x) == [None]


def test_gradients_inside_of_a_body(session):
    x = tf.placeholder(tf.float32, [])

    def body(i, a):
        return i + 1, a - 0.25 * tf.gradients((a - x) ** 2, a)[0]

    a = tf.while_loop(lambda i, a: i < 40, body, (0, tf.constant(0.0)))[1]
    np.testing.assert_allclose(session.run(a, {x: 3.0}), 3.0, rtol=1e-5)
    inside = tf.cond(x > 0, lambda: tf.gradients(x * x, x)[0], lambda: x)
    assert session.run(inside, {x: 3.0}) == 6.0


def test_resource_variables_in_bodies(session):
    with tf.variable_scope("", use_resource=True):
        v = tf.get_variable("v", initializer=[1.0, 2.0])
    x = tf.placeholder(tf.float32, [2])
    z = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * v), (0, x))[1]
    y = tf.cond(x[0] > 0, lambda: v * x, lambda: x)
    grads = tf.gradients(z, [x, v]) + tf.gradients(y, [v])
    session.run(tf.global_variables_initializer())
    dx, dv, dy = session.run(grads, {x: [2.0, 3.0]})
    np.testing.assert_allclose(dx, [1.0, 8.0])
    np.testing.assert_allclose(dv, [6.0, 36.0])
    np.testing.assert_allclose(dy, [2.0, 3.0])
    assert session.run(grads, {x: [-2.0, 3.0]})[2].tolist() == [0.0, 0.0]


def test_a_loop_trains(session):
    x = tf.constant(np.random.RandomState(0).randn(8, 3).astype(np.float32))
    w = tf.Variable(np.full([3, 3], 0.1, np.float32))
    h = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), (0, x))[1]
    loss = tf.reduce_mean((h - 0.5) ** 2)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    session.run(tf.global_variables_initializer())
    first = session.run(loss)
    for _ in range(30):
        session.run(step)
    assert session.run(loss) < 0.8 * first
