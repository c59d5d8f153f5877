"""Variables in a session: values, initialisation, updates, slices, messages; both kinds alike."""

import numpy as np
import pytest

import millstream as tf

START = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


@pytest.fixture(params=[False, True], ids=["ref", "resource"])
def w(request):
    return tf.Variable(START, name="w", use_resource=request.param)


def run(*fetches):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(fetch) for fetch in fetches]


def test_what_it_is(w):
    assert isinstance(w, tf.Variable)
    assert w.name == "w:0"
    assert w.op.name == "w"
    assert w.shape.as_list() == [4, 3]
    assert w.dtype.base_dtype is tf.float32
    assert w.trainable
    assert tf.trainable_variables() == [w] == tf.global_variables()
    assert w.initial_value.shape.as_list() == [4, 3]
    assert len({w, w}) == 1
    assert (w == 3) is False


def test_an_uninitialised_variable_is_named(w):
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="w"):
        session.run(w)


def test_operators_act_on_the_value(w):
    results = run(w + 1, 1 - w, -w, w * w, w[1:, 0], w > 3)
    for found, wanted in zip(
        results, [START + 1, 1 - START, -START, START * START, START[1:, 0], START > 3], strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


ONES = np.ones_like(START)
ROWS = [[3, 1, 3], np.full((3, 3), 2, np.float32)]


def scattered(update):
    value = START.copy()
    for index, row in zip(*ROWS, strict=True):
        value[index] = update(value[index], row)
    return value


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        (lambda w: w.assign(ONES), ONES),
        (lambda w: w.assign_add(ONES), START + 1),
        (lambda w: w.assign_sub(ONES), START - 1),
        (lambda w: tf.assign(w, ONES), ONES),
        (lambda w: tf.assign_add(w, ONES), START + 1),
        (lambda w: tf.assign_sub(w, ONES), START - 1),
        (lambda w: tf.scatter_update(w, *ROWS), scattered(lambda a, b: b)),
        (lambda w: tf.scatter_add(w, *ROWS), scattered(lambda a, b: a + b)),
        (lambda w: tf.scatter_sub(w, *ROWS), scattered(lambda a, b: a - b)),
        (lambda w: tf.scatter_mul(w, *ROWS), scattered(lambda a, b: a * b)),
        (lambda w: tf.scatter_div(w, *ROWS), scattered(lambda a, b: a / b)),
        (lambda w: tf.scatter_min(w, *ROWS), scattered(np.minimum)),
        (lambda w: tf.scatter_max(w, *ROWS), scattered(np.maximum)),
        (lambda w: w.scatter_add(tf.IndexedSlices(ROWS[1], ROWS[0])),
         scattered(lambda a, b: a + b)),
        (lambda w: tf.scatter_nd_add(w, [[i] for i in ROWS[0]], ROWS[1]),
         scattered(lambda a, b: a + b)),
        (lambda w: w[1:3].assign(ONES[1:3]), np.concatenate([START[:1], ONES[:2], START[3:]])),
        (lambda w: w[:, 1].assign([1.0, 1.0, 1.0, 1.0]),
         np.stack([START[:, 0], ONES[:, 0], START[:, 2]], 1)),
    ],
)  # fmt: skip
def test_updates(w, write, wanted):
    update = write(w)
    with tf.Session() as session:
        session.run(w.initializer)
        np.testing.assert_allclose(session.run(update), wanted)
        np.testing.assert_allclose(session.run(w), wanted)


def test_batch_scatter_update(w):
    update = tf.batch_scatter_update(w, [[0], [2], [1], [1]], np.full((4, 1), 9, np.float32))
    wanted = START.copy()
    wanted[[0, 1, 2, 3], [0, 2, 1, 1]] = 9
    np.testing.assert_array_equal(run(update)[0], wanted)


def test_out_of_range_indices_leave_the_process_alive(w):
    for update in (tf.scatter_add(w, [7], ONES[:1]), tf.scatter_nd_add(w, [[7]], ONES[:1])):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = \[?7"):
            run(update)


def test_a_value_of_another_shape_is_refused(w):
    with pytest.raises(ValueError, match="Shapes"):
        w.assign([1.0])
    x = tf.placeholder(tf.float32)
    update = w.assign(x)
    with tf.Session() as session:
        session.run(w.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[4,3\].*\[2\]"):
            session.run(update, {x: [1.0, 2.0]})
        np.testing.assert_array_equal(session.run(w), START)


def test_load_and_eval(w):
    with tf.Session():
        w.load(ONES)
        np.testing.assert_array_equal(w.eval(), ONES)


def test_count_up_to():
    for use_resource in (False, True):
        count = tf.Variable(0, use_resource=use_resource)
        step = tf.count_up_to(count, 2)
        with tf.Session() as session:
            session.run(count.initializer)
            assert [session.run(step), session.run(step)] == [0, 1]
            with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
                session.run(step)


def test_initial_values_from_other_variables():
    a = tf.Variable(tf.random_uniform([3], seed=1))
    b = tf.Variable(a.initialized_value() * 2.0)
    c = tf.Variable(a + 1.0)
    first, second, third = run([a, b, c])[0]
    np.testing.assert_allclose(second, 2 * first)
    np.testing.assert_allclose(third, first + 1)


def test_report_uninitialized_variables(w):
    tf.Variable(1.0, name="v")
    report = tf.report_uninitialized_variables()
    with tf.Session() as session:
        assert sorted(session.run(report)) == [b"v", b"w"]
        session.run(w.initializer)
        assert list(session.run(report)) == [b"v"]
        assert session.run(tf.is_variable_initialized(w))


def test_messages_carry_a_variable_to_another_graph(w):
    message = w.to_proto()
    again = tf.Variable.from_proto(message)
    assert again.name == w.name
    assert again.initializer is w.initializer
    assert again.trainable
    assert type(again) is type(w)
    assert again.to_proto() == message


def test_messages_hold_slices():
    whole = tf.get_variable("p", [5, 2], partitioner=tf.fixed_size_partitioner(2))
    piece = tf.Variable.from_proto(list(whole)[1].to_proto())
    assert piece._get_save_slice_info().spec == "5 2 3,2:0,2"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf.Variable(), "initial_value must be specified."),
        (lambda: tf.Variable(tf.placeholder(tf.float32)), "must have a shape specified"),
        (lambda: tf.Variable(1.0, collections="a"), "must be a list, tuple, or set"),
        (lambda: tf.Variable(1.0, constraint=3), "must be a callable"),
        (lambda: tf.Variable(1.0, aggregation=9), "Invalid variable aggregation mode: 9"),
        (
            lambda: tf.Variable(
                1.0, trainable=True, synchronization=tf.VariableSynchronization.ON_READ
            ),
            "ON_READ only for non-trainable variables",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_global_step():
    step = tf.train.create_global_step()
    assert tf.train.get_global_step() is step is tf.train.get_or_create_global_step()
    assert tf.trainable_variables() == []
    with pytest.raises(ValueError, match='"global_step" already exists'):
        tf.train.create_global_step()
    with tf.Session() as session:
        session.run(step.initializer)
        assert tf.train.global_step(session, step) == 0
    for bad in (tf.Variable(1.0), tf.Variable([1])):
        with pytest.raises(TypeError, match='Existing "global_step"'):
            tf.train.assert_global_step(bad)


def test_embeddings_of_partitioned_tables():
    table = np.arange(14, dtype=np.float32).reshape(7, 2)
    parts = [tf.Variable(table[:4]), tf.Variable(table[4:])]
    ids = [[6, 0], [3, 4]]
    by_div = tf.nn.embedding_lookup(parts, ids, partition_strategy="div")
    even = [tf.Variable(table[0::2]), tf.Variable(table[1::2])]
    by_mod = tf.nn.embedding_lookup(even, ids)
    clipped = tf.nn.embedding_lookup(parts[0], [3], max_norm=5.0)
    for found in run(by_div, by_mod):
        np.testing.assert_array_equal(found, table[ids])
    np.testing.assert_allclose(np.linalg.norm(run(clipped)[0]), 5.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("combiner", "wanted"), [("sum", [4.0, 3.0]), ("mean", [4 / 3, 1.5]), ("sqrtn", None)]
)
def test_embeddings_combined_per_row(combiner, wanted):
    table = tf.Variable([[0.0], [1.0], [2.0]])
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [2, 0, 2], [2, 2])
    weights = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [2.0, 1.0, 1.5], [2, 2])
    found = run(tf.nn.embedding_lookup_sparse(table, ids, weights, combiner=combiner))[0]
    if combiner == "sqrtn":
        wanted = [4 / np.sqrt(5), 2.0]
    if combiner == "mean":
        wanted = [4 / 3, 2.0]
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-6)


@pytest.mark.parametrize("tier", ["numpy", "xla"])
@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.assign_add([1.0, 1.0]),
        lambda w: w.assign(w * 2.0),
        lambda w: tf.train.GradientDescentOptimizer(1.0).minimize(-tf.reduce_sum(w)),
    ],
    ids=["add", "assign", "train"],
)
def test_what_waits_for_a_write_sees_it(w, write, tier, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    v = tf.Variable([1.0, 1.0], use_resource=hasattr(w, "handle"))
    before = v * 10.0
    with tf.control_dependencies([write(v)]):
        after = [v * 1.0, tf.identity(v), v.read_value()]
    with tf.Session() as session:
        session.run(v.initializer)
        found = session.run([before, *after])
    np.testing.assert_array_equal(found[0], [10.0, 10.0])
    for value in found[1:]:
        np.testing.assert_array_equal(value, [2.0, 2.0])
