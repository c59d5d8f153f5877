"""`tf.cond`, `case`, `switch_case`: structures, errors, what runs and what does not."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(params=["numpy", "xla"])
def session(request):
    with tf.Graph().as_default():
        opened = tf.Session()
        opened.settings.plan_options.tier = request.param
        with opened:
            yield opened


@pytest.fixture
def graph():
    with tf.Graph().as_default() as g:
        yield g


def pred():
    return tf.placeholder(tf.bool, [], name="p")


ERRORS = [
    (TypeError, "true_fn must be callable", lambda: tf.cond(pred(), 1, lambda: 2)),
    (TypeError, "false_fn must be callable", lambda: tf.cond(pred(), lambda: 2, 1)),
    (TypeError, "false_fn argument required", lambda: tf.cond(pred(), lambda: 1)),
    (TypeError, "may not be set", lambda: tf.cond(pred(), lambda: 1, fn1=int, fn2=int)),
    (TypeError, "must not be a Python bool", lambda: tf.cond(True, lambda: 1, lambda: 2)),
    (TypeError, "expected type of bool", lambda: tf.cond(tf.constant(1), lambda: 1, lambda: 2)),
    (ValueError, "rank 0", lambda: tf.cond(tf.constant([True]), lambda: 1, lambda: 2)),
    (ValueError, "must have a return value", lambda: tf.cond(pred(), lambda: None, lambda: 1)),
    (ValueError, "same type: int32, float32", lambda: tf.cond(pred(), lambda: 1, lambda: 1.0)),
    (ValueError, "nested structure", lambda: tf.cond(pred(), lambda: (1, 2), lambda: 1)),
    (TypeError, "nested structure", lambda: tf.cond(pred(), lambda: [1, 2], lambda: (1, 2))),
    (TypeError, "must be a list, tuple, or dict", lambda: tf.case(3)),
    (TypeError, "2-tuple", lambda: tf.case([1])),
    (TypeError, "must be a Tensor", lambda: tf.case([(1, int)])),
    (TypeError, "must be callable", lambda: tf.case([(pred(), 2)])),
    (ValueError, "not enough values", lambda: tf.case([], default=lambda: 1)),
    (TypeError, "must a Tensor", lambda: tf.switch_case(1, [int, int])),
    (TypeError, "an integer Tensor", lambda: tf.switch_case(tf.constant(1.0), [int])),
    (ValueError, "contiguous", lambda: tf.switch_case(tf.constant(1), {0: int, 2: int})),
    (TypeError, "2-tuple", lambda: tf.switch_case(tf.constant(1), [1, 2])),
]


@pytest.mark.parametrize(("kind", "message", "build"), ERRORS)
def test_errors(graph, kind, message, build):
    with pytest.raises(kind, match=message):
        build()


def test_a_list_of_one_is_taken_apart(graph):
    assert isinstance(tf.cond(pred(), lambda: [1], lambda: [2]), tf.Tensor)
    assert len(tf.cond(pred(), lambda: [1], lambda: [2], strict=True)) == 1


def test_shapes_are_what_branches_agree_on(graph):
    y = tf.cond(pred(), lambda: tf.zeros([2, 3]), lambda: tf.zeros([4, 3]))
    assert y.shape.as_list() == [None, 3]


def test_nodes_as_results(session):
    p = pred()
    v = tf.Variable(0.0)
    done = tf.cond(p, lambda: v.assign_add(1.0).op, lambda: tf.no_op())
    session.run(tf.global_variables_initializer())
    assert session.run(done, {p: True})
    assert session.run(v) == 1.0
    session.run(done, {p: False})
    assert session.run(v) == 1.0


def test_only_the_taken_branch_fails(session):
    p = pred()
    x = tf.placeholder(tf.int32, [3])
    y = tf.cond(p, lambda: tf.gather([1, 2, 3], x), lambda: x)
    assert session.run(y, {p: False, x: [7, 8, 9]}).tolist() == [7, 8, 9]
    with pytest.raises(tf.errors.InvalidArgumentError, match="7"):
        session.run(y, {p: True, x: [0, 7, 1]})


def test_an_uninitialised_variable_may_not_be_needed(session):
    v = tf.get_variable("v", initializer=3.0)
    y = tf.cond(tf.is_variable_initialized(v), lambda: v.read_value(), lambda: tf.constant(-1.0))
    assert session.run(y) == -1.0
    session.run(v.initializer)
    assert [session.run(y) for _ in range(3)] == [3.0] * 3


def test_host_nodes_in_a_branch(session):
    p, calls = pred(), []

    def note(x):
        calls.append(float(x))
        return x

    y = tf.cond(p, lambda: tf.py_func(note, [tf.constant(1.0)], tf.float32), lambda: 2.0)
    assert session.run(y, {p: False}) == 2.0
    assert calls == []
    assert session.run(y, {p: True}) == 1.0
    assert calls == [1.0]


def test_strings_and_unequal_shapes(session):
    p = pred()
    text = tf.cond(p, lambda: tf.constant(["a", "b"]), lambda: tf.constant(["c"]))
    ones = tf.cond(p, lambda: tf.ones([2]), lambda: tf.ones([3]))
    assert session.run([text, tf.shape(ones)], {p: True})[0].tolist() == [b"a", b"b"]
    assert session.run(tf.shape(ones), {p: False}).tolist() == [3]


def test_outer_control_dependencies_hold(session):
    p = pred()
    v = tf.Variable(1.0)
    add = v.assign_add(1.0)

    def inside():
        with tf.control_dependencies([add]):
            return v.read_value()

    y = tf.cond(p, inside, lambda: tf.constant(0.0))
    session.run(tf.global_variables_initializer())
    assert session.run(y, {p: True}) == 2.0


def test_known_predicates_leave_one_branch(session):
    y = tf.cond(
        tf.constant(True), lambda: tf.constant(1.0), lambda: tf.py_func(int, [1], tf.float32)
    )
    assert session.run(y) == 1.0
    plan = list(session.graph.executables.values())[-1]
    assert all(len(call.bodies) == 1 for call in plan.partition.calls.values())


def test_case_without_a_true_condition(session):
    x = tf.placeholder(tf.float32, [])
    y = tf.case([(x > 1, lambda: 1), (x > 0, lambda: tf.constant(2))])
    assert session.run(y, {x: 2.0}) == 1
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="None of conditions evaluated as True"
    ):
        session.run(y, {x: -1.0})


def test_exclusive_case(session):
    x = tf.placeholder(tf.float32, [])
    y = tf.case([(x > 1, lambda: 1), (x > 0, lambda: 2)], default=lambda: 3, exclusive=True)
    assert session.run(y, {x: 0.5}) == 2
    assert session.run(y, {x: -0.5}) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 1 conditions"):
        session.run(y, {x: 2.0})


def test_leaks_are_refused(graph):
    kept = []
    tf.cond(pred(), lambda: kept.append(tf.constant(1.0) + 1) or kept[0], lambda: 2.0)
    with pytest.raises(ValueError, match="in a cond or while context"):
        kept[0] + 1.0


def test_initial_values_from_inside_are_refused(graph):
    with pytest.raises(ValueError, match="cond or while context"):
        tf.cond(pred(), lambda: tf.Variable(tf.zeros([2])) + 0, lambda: tf.zeros([2]))


def test_gradients_of_what_is_indexed(session):
    p = pred()
    table = tf.Variable(np.ones([4, 2], np.float32))
    y = tf.cond(p, lambda: tf.gather(table, [1, 1]), lambda: table[:2])
    (d,) = tf.gradients(y, table)
    session.run(tf.global_variables_initializer())
    assert session.run(d, {p: True})[:, 0].tolist() == [0, 2, 0, 0]
    assert session.run(d, {p: False})[:, 0].tolist() == [1, 1, 0, 0]
