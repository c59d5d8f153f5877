"""`tf.while_loop`: structures, invariants, errors, state inside."""

import collections

import numpy as np
import pytest

import millstream as tf

Pair = collections.namedtuple("Pair", "a b")


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


def ones():
    return tf.ones([2, 2])


def loop(body, start, *args, **kwargs):
    return tf.while_loop(lambda i, *_: i < 5, body, start, *args, **kwargs)


NO, ROWS = tf.TensorShape([]), tf.TensorShape([None, 2])
ERRORS = [
    (ValueError, "No loop variables", lambda: tf.while_loop(lambda: True, lambda: 1, [])),
    (TypeError, "cond must be callable", lambda: tf.while_loop(1, lambda i: i, [1])),
    (TypeError, "body must be callable", lambda: tf.while_loop(lambda i: True, 1, [1])),
    (TypeError, "positive integer", lambda: loop(lambda i: i, [1], parallel_iterations=0)),
    (TypeError, "type of bool", lambda: tf.while_loop(lambda i: i, lambda i: i, [1])),
    (ValueError, "rank 0", lambda: tf.while_loop(lambda i: [True], lambda i: i, [1])),
    (ValueError, "must be a scalar", lambda: loop(lambda i: i, [1], maximum_iterations=[3])),
    (
        ValueError,
        r"'ones:0' enters the loop with shape \(2, 2\), but has shape \(4, 2\) after one",
        lambda: loop(lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, ones()]),
    ),
    (
        ValueError,
        r"shape invariant specified for ones:0 is not compatible",
        lambda: loop(lambda i, x: (i + 1, x), [0, ones()], [NO, tf.TensorShape([3, 2])]),
    ),
    (ValueError, "nested structure", lambda: loop(lambda i, x: (i, x), [0, ones()], [NO])),
    (ValueError, "nested structure", lambda: loop(lambda i, x: [i + 1], [0, ones()])),
    (ValueError, "None values", lambda: loop(lambda i: None, [0])),
    (TypeError, "enters the loop as int32", lambda: loop(lambda i: i * 1.5 if 0 else 1.5, [0])),
]


@pytest.mark.parametrize(("kind", "message", "build"), ERRORS)
def test_errors(graph, kind, message, build):
    with pytest.raises(kind, match=message):
        build()


def test_structures_come_back(session):
    start = {"n": tf.constant(0), "p": Pair(tf.ones([2]), (tf.constant(2.0),))}

    def body(d):
        p = d["p"]
        return [{"n": d["n"] + 1, "p": Pair(p.a * 2, (p.b[0] + 1,))}]

    (result,) = tf.while_loop(lambda d: d["n"] < 3, body, [start])
    found = session.run(result)
    assert found["n"] == 3
    assert found["p"].a.tolist() == [8.0, 8.0]
    assert found["p"].b == (5.0,)


def test_one_variable_comes_back_bare(graph):
    assert loop(lambda i: i + 1, [0]).name == "while/Exit:0"
    assert isinstance(loop(lambda i: i + 1, [0], return_same_structure=True), list)


def test_invariants_let_shapes_vary(session):
    x = tf.placeholder(tf.float32, [1, 2])
    y = loop(lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, x], [NO, ROWS])[1]
    assert y.shape.as_list() == [None, 2]
    assert session.run(y, {x: [[1.0, 2.0]]}).shape == (32, 2)


def test_sparse_tensors_and_slices(session):
    sparse = tf.SparseTensor([[0], [2]], [1.0, 2.0], [3])
    slices = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([0, 1]))

    def body(i, s, t):
        doubled = tf.SparseTensor(s.indices, s.values * 2, s.dense_shape)
        return i + 1, doubled, tf.IndexedSlices(t.values + 1, t.indices)

    _, s, t = loop(body, (0, sparse, slices))
    assert session.run(s).values.tolist() == [32.0, 64.0]
    assert session.run(t.values).ravel().tolist() == [6.0, 6.0]


def test_no_iterations(session):
    x = tf.placeholder(tf.float32, [2])
    y = tf.while_loop(lambda i, a: i < 0, lambda i, a: (i + 1, a * 2), (0, x))[1]
    assert session.run([y, *tf.gradients(y, x)], {x: [1.0, 2.0]})[1].tolist() == [1.0, 1.0]


def test_variables_are_read_and_written_in_order(session):
    v = tf.Variable(1.0)

    def body(i, total):
        with tf.control_dependencies([v.assign_add(1.0)]):
            return i + 1, total + v.read_value()

    total = loop(body, (0, 0.0))[1]
    session.run(tf.global_variables_initializer())
    assert session.run(total) == 2 + 3 + 4 + 5 + 6
    assert session.run(v) == 6.0


def test_assignments_that_nothing_needs_do_not_run(session):
    v = tf.Variable(1.0)
    i = loop(lambda i: (v.assign_add(1.0), i + 1)[1], [0])
    session.run(tf.global_variables_initializer())
    session.run(i)
    assert session.run(v) == 1.0


def test_host_nodes_inside(session):
    seen = []

    def note(x):
        seen.append(int(x))
        return x + 1

    i = loop(lambda i: tf.reshape(tf.py_func(note, [i], tf.int32), []), [0])
    assert session.run(i) == 5
    assert seen == [0, 1, 2, 3, 4]


def test_prints(session, capfd):
    session.run(loop(lambda i: tf.Print(i + 1, [i], "at "), [0]))
    assert capfd.readouterr().err.count("at [") == 5


def test_checks_name_the_iteration(session):
    x = tf.placeholder(tf.int32, [])
    table = tf.constant([1, 2, 3])
    total = tf.while_loop(
        lambda i, s: i < x, lambda i, s: (i + 1, s + tf.gather(table, tf.minimum(i * 2, 9))), (0, 0)
    )[1]
    assert session.run(total, {x: 2}) == 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="4"):
        session.run(total, {x: 5})


def test_unneeded_values_are_not_carried(session):
    x = tf.placeholder(tf.float32, [3])
    i, _ = loop(lambda i, a: (i + 1, tf.sin(a)), (0, x))
    assert session.run(i, {x: np.zeros(3)}) == 5
    plan = list(session.graph.executables.values())[-1]
    (call,) = plan.partition.calls.values()
    assert call.live == [0]


def test_limits_that_are_minima_are_told_apart(session):
    x = tf.placeholder(tf.float32, [None, 2])
    n = tf.placeholder(tf.int32, [None])
    limit = tf.minimum(tf.shape(x)[0], tf.reduce_max(n))
    a = tf.while_loop(
        lambda i, a: i < limit, lambda i, a: (i + 1, tf.sin(a) + x[i]), (0, tf.zeros([2]))
    )
    (dx,) = tf.gradients(a[1], x)
    feed = {x: np.ones([4, 2]), n: [1, 3]}
    assert session.run(a, feed)[0] == 3
    assert (session.run(dx, feed)[:, 0] != 0).tolist() == [True, True, True, False]
    plan = list(session.graph.executables.values())[-1]
    assert plan.needs_step is False  # nothing is driven by the executor


def test_steps_can_be_traced(graph):
    x = tf.placeholder(tf.float32, [2])
    shapes = [NO, tf.TensorShape(None)]
    z = loop(lambda i, a: (i + 1, tf.py_func(lambda v: v + 1, [a], tf.float32)), [0, x], shapes)[1]
    y = tf.cond(x[0] > 0, lambda: x * 2, lambda: x)
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    metadata = tf.RunMetadata()
    with tf.Session() as session:
        found = session.run([z, y], {x: [1.0, 2.0]}, options, metadata)
    assert found[0].tolist() == [6.0, 7.0]
    names = [n.node_name for d in metadata.step_stats.dev_stats for n in d.node_stats]
    assert "while/While" in names


def test_names_inside_are_explained(graph):
    loop(lambda i: i + 1, [0])
    with tf.Session() as session, pytest.raises(ValueError, match="lives inside the function"):
        session.run("while/add:0")


def test_growing_values_leave_the_rest_compiled(session):
    x = tf.placeholder(tf.float32, [1, 2])
    y = loop(lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, tf.sin(x)], [NO, ROWS])[1]
    same = loop(lambda i, x: (i + 1, x * 2), [0, x], [NO, ROWS])[1]
    assert session.run([y, same], {x: [[0.0, 1.0]]})[1].tolist() == [[0.0, 32.0]]
    plan = list(session.graph.executables.values())[-1]
    numeric = {n.name: c.numeric for n, c in plan.partition.calls.items()}
    assert numeric == {"while/While": False, "while_1/While": True}


@pytest.mark.parametrize("start", [[0, 0], (0, 0)])
@pytest.mark.parametrize("kind", [list, tuple])
def test_results_come_in_the_sequence_that_the_body_returns(start, kind):
    with tf.Graph().as_default():
        result = tf.while_loop(lambda i, j: i < 3, lambda i, j: kind([i + 1, j]), start)
        assert type(result) is kind
