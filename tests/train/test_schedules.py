"""Learning-rate decays and moving averages, against TensorFlow 1.15's nodes and values."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.train.moving_averages import assign_moving_average, weighted_moving_average

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "train_schedules.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "train_schedules.json").read_text())


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize("name", RECORDED["values"])
def test_rates(name):
    step = tf.placeholder(tf.int64, [], name="step")
    rate = script.SCHEDULES[name](tf.train, step)
    with tf.Session() as session:
        found = [session.run(rate, {step: s}) for s in script.STEPS]
    np.testing.assert_allclose(found, RECORDED["values"][name], rtol=2e-5, atol=1e-7)
    assert rate.dtype is tf.float32


@pytest.mark.parametrize("name", RECORDED["nodes"])
def test_nodes_of_rates(name):
    script.SCHEDULES[name](tf.train, tf.placeholder(tf.int64, [], name="step"))
    assert script.nodes(tf.get_default_graph()) == RECORDED["nodes"][name]


def test_noise_lies_around_the_line():
    step = tf.placeholder(tf.int64, [])
    rate = tf.train.noisy_linear_cosine_decay(0.1, step, 100, initial_variance=1e-8)
    plain = tf.train.linear_cosine_decay(0.1, step, 100)
    with tf.Session() as session:
        noisy, line = session.run([rate, plain], {step: 40})
    assert noisy != line
    np.testing.assert_allclose(noisy, line, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.exponential_decay(0.1, None, 100, 0.9), "None values not supported"),
        (lambda t: t.cosine_decay(0.1, None, 100), "None values not supported"),
        (lambda t: t.piecewise_constant(tf.constant(1), [10], [1.0]), "1 less than"),
        (lambda t: t.piecewise_constant(tf.constant(1), [1.0], [1.0, 2.0]), "same dtype as x"),
        (lambda t: t.piecewise_constant(tf.constant(1), [1], [1.0, 2]), "all with the same dtype"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call(tf.train)


@pytest.mark.parametrize("key", RECORDED["averages"])
def test_averages(key):
    name, kind = key.split("/")
    found = script.average(tf, name, kind == "resource")
    assert found.keys() == RECORDED["averages"][key].keys()
    for variable, wanted in RECORDED["averages"][key].items():
        np.testing.assert_allclose(found[variable], wanted, rtol=1e-6, err_msg=variable)


def test_names_of_averages():
    w, v = tf.Variable(1.0, name="w"), tf.Variable(2.0, name="v")
    step = tf.Variable(0, trainable=False, name="step")
    average = tf.train.ExponentialMovingAverage(0.9)
    average.apply([w])
    assert average.average_name(w) == "w/ExponentialMovingAverage"
    assert average.average(v) is None
    assert average.average_name(v) == "v/ExponentialMovingAverage"
    assert tf.moving_average_variables() == [w]
    assert average.variables_to_restore() == {
        "w/ExponentialMovingAverage": w, "v/ExponentialMovingAverage": v, "step": step,
    }  # fmt: skip


def test_only_floats_are_averaged():
    with pytest.raises(TypeError, match="must be half, float, or double: Variable:0"):
        tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1)])


def test_averages_of_values():
    start = tf.Variable([0.0, 0.0], name="m", trainable=False)
    debiased = assign_moving_average(start, tf.constant([1.0, 2.0]), 0.9)
    weighted = weighted_moving_average(tf.constant(3.0), 0.9, tf.constant(2.0))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            np.testing.assert_allclose(session.run(debiased), [1.0, 2.0], rtol=1e-5)
            np.testing.assert_allclose(session.run(weighted), 3.0, rtol=1e-5)
