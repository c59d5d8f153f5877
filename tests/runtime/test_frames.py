"""Graphs with raw control flow: those that TensorFlow 1.15 wrote, and broken ones."""

import numpy as np
import pytest

import millstream as tf
from millstream.base import errors
from millstream.compiler import plan
from millstream.ops.flow.switches import Enter, Exit, NextIteration, merge, switch
from tests.golden_control_flow import FACTS, check_golden


@pytest.mark.parametrize("name", FACTS)
def test_graphs_of_tensorflow(name, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")
    monkeypatch.setattr(plan, "functionalize", lambda program: None)
    check_golden(name)


def test_switch_and_merge():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        low, high = switch(x, x > 0)
        y, index = merge([low * 3.0, tf.exp(high)])
        assert session.run([y, index], {x: -2.0}) == [-6, 0]
        assert session.run(index, {x: 2.0}) == 1


def test_gradients_of_switch_and_merge():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        low, high = switch(x, x > 0)
        y, _ = merge([low * 3.0, tf.exp(high)])
        (dx,) = tf.gradients(y, x)
        assert session.run(dx, {x: -2.0}) == 3
        np.testing.assert_allclose(session.run(dx, {x: 2.0}), np.exp(2), rtol=1e-6)
        three, _ = merge([low * 3.0, tf.exp(high), high * 5.0])
        (dx,) = tf.gradients(three, low)
        assert session.run(dx, {x: -2.0}) == 3


def test_switches_inside_of_a_function():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])

        def branch():
            low, high = switch(x, x > 5)
            return merge([low * 3.0, tf.exp(high - 6.0)])[0]

        y = tf.cond(x > 0, branch, lambda: x)
        assert session.run([y + 1.0], {x: 2.0}) == [7]
        assert session.run([y + 1.0], {x: 6.0}) == [2]
        assert session.run(y, {x: -1.0}) == -1


def test_a_dead_fetch_is_an_error():
    with tf.Graph().as_default(), tf.Session() as session:
        low, _ = switch(tf.constant(1.0), tf.constant(True))
        with pytest.raises(errors.InvalidArgumentError, match=r"Retval\[0\] does not have value"):
            session.run(low + 1.0)


def test_inputs_from_different_frames_are_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        inside = Enter(tf.constant(1.0), frame_name="loop")
        with pytest.raises(errors.InvalidArgumentError, match="inputs from different frames"):
            session.run(Exit(inside + tf.constant(2.0)))
        with pytest.raises(errors.InvalidArgumentError, match="in no loop's frame"):
            session.run(Exit(tf.constant(1.0)))


def test_cycles_that_are_no_loops_are_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        low, _ = switch(tf.constant(1.0), tf.constant(False))
        first = low + 1.0
        second = first + 1.0
        first.op._update_input(0, second)
        with pytest.raises(errors.InvalidArgumentError, match="has a cycle through node"):
            session.run(second)


def test_a_loop_without_end_can_be_cancelled():
    with tf.Graph().as_default():
        start = Enter(tf.constant(1.0), frame_name="loop")
        value, _ = merge([start, start])
        value.op._update_input(1, NextIteration(value + value))
        low, _ = switch(value, Enter(tf.constant(True), frame_name="loop", is_constant=True))
        options = tf.ConfigProto(operation_timeout_in_ms=50)
        with tf.Session(config=options) as session:
            with pytest.raises(errors.DeadlineExceededError):
                session.run(Exit(low))
