"""contrib.opt: SciPy's methods, weight decay, averages, clipping, several tasks."""

import numpy as np
import pytest

import millstream as tf

opt = tf.contrib.opt


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (lambda x: {}, [0, 0]),
        (lambda x: {"method": "CG"}, [0, 0]),
        (lambda x: {"var_to_bounds": {x: ([1, 2], np.inf)}}, [1, 2]),
        (lambda x: {"equalities": [x[0] - 1.0], "inequalities": [x[1] - 2.0]}, [1, 2]),
    ],
)
def test_scipy(arguments, expected):
    x = tf.get_variable("x", initializer=[7.0, 5.0])
    optimizer = opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(x)), **arguments(x))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        optimizer.minimize(sess)
        np.testing.assert_allclose(sess.run(x), expected, atol=1e-3)


def test_scipy_calls_back():
    x, scale = tf.get_variable("x", initializer=[7.0]), tf.placeholder(tf.float32, [])
    loss = scale * tf.reduce_sum(tf.square(x))
    steps, losses = [], []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        opt.ScipyOptimizerInterface(loss).minimize(
            sess, feed_dict={scale: 3.0}, fetches=[loss], step_callback=steps.append,
            loss_callback=losses.append,
        )  # fmt: skip
    assert losses[0] == 147.0
    assert losses[-1] < 1e-6
    assert len(steps) >= 1


def test_weight_decay_of_chosen_variables():
    a, b = (tf.get_variable(name, initializer=2.0) for name in "ab")
    optimizer = opt.MomentumWOptimizer(weight_decay=0.1, learning_rate=0.0, momentum=0.9)
    train = optimizer.minimize(a + b, decay_var_list=[a])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        np.testing.assert_allclose(sess.run([a, b]), [1.8, 2.0], rtol=1e-6)


def test_any_optimizer_with_weight_decay():
    kind = opt.extend_with_decoupled_weight_decay(tf.train.GradientDescentOptimizer)
    w = tf.get_variable("w", initializer=2.0, use_resource=True)
    train = kind(weight_decay=0.5, learning_rate=1.0).minimize(w * 0.25)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        np.testing.assert_allclose(sess.run(w), 2.0 * 0.5 - 0.25)


def test_averages_are_saved_under_the_names_of_the_variables(tmp_path):
    w = tf.get_variable("w", initializer=2.0)
    optimizer = opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.5), 0.5)
    with pytest.raises(RuntimeError, match="before creating the swapping_saver"):
        optimizer.swapping_saver()
    train = optimizer.minimize(w)
    saver = optimizer.swapping_saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        path = saver.save(sess, str(tmp_path / "model"))
    assert tf.train.load_variable(path, "w") == 1.75
    assert tf.train.load_variable(path, "w/ExponentialMovingAverage") == 1.5


def test_rows_are_clipped_after_the_step():
    w = tf.get_variable("w", initializer=[[3.0, 4.0], [0.3, 0.4]])
    optimizer = opt.VariableClippingOptimizer(tf.train.GradientDescentOptimizer(0.0), {w: [1]}, 1.0)
    train = optimizer.minimize(tf.reduce_sum(w))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        np.testing.assert_allclose(sess.run(w), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)


def test_a_task_without_gradient_leaves_the_momentum_alone():
    w, task = tf.get_variable("w", initializer=1.0), tf.placeholder(tf.float32, [])
    optimizer = opt.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(0.1, 0.9))
    train = optimizer.minimize(w * task)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train, {task: 1.0})
        before = sess.run(tf.global_variables())
        sess.run(train, {task: 0.0})
        np.testing.assert_array_equal(sess.run(tf.global_variables()), before)


def test_lazy_adam_leaves_other_rows_alone():
    w = tf.get_variable("w", initializer=np.ones((4, 2), np.float32), use_resource=True)
    row = tf.placeholder(tf.int32, [1])
    train = opt.LazyAdamOptimizer(0.1).minimize(tf.reduce_sum(tf.nn.embedding_lookup(w, row)))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train, {row: [1]})
        once = sess.run(w)[1]
        sess.run(train, {row: [2]})
        np.testing.assert_array_equal(sess.run(w)[1], once)
        assert (sess.run(w)[2] < 1).all()
