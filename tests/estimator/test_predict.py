"""`Estimator.predict` in a loop keeps its graph, and notices all that must change the result."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def closed_writers():
    yield
    tf.summary.FileWriterCache.clear()


class Model:
    """A model function that counts its calls."""

    def __init__(self, random=False):
        self.calls, self.random = 0, random

    def __call__(self, features, labels, mode):
        self.calls += 1
        weight = tf.get_variable("w", shape=[], initializer=tf.ones_initializer())
        y = features["x"] * weight
        if self.random:
            y += tf.random_uniform([], seed=1)
        loss = tf.reduce_mean(weight)
        train = tf.group(tf.assign_add(weight, 1.0), tf.assign_add(tf.train.get_global_step(), 1))
        return tf.estimator.EstimatorSpec(mode, {"y": y, "z": -y}, loss, train)


def _inputs(values, **kw):
    x = {"x": np.array(values, np.float32)}
    return tf.estimator.inputs.numpy_input_fn(x, shuffle=False, **kw)


def _trained(model, directory, steps=1):
    estimator = tf.estimator.Estimator(model, directory)
    return estimator.train(lambda: {"x": tf.constant(1.0)}, steps=steps)


def _values(estimator, input_fn, **kw):
    return [float(p["y"]) for p in estimator.predict(input_fn, **kw)]


def test_the_graph_is_built_twice_and_then_kept(tmp_path):
    model = Model()
    estimator = _trained(model, tmp_path)
    before = model.calls
    found = [_values(estimator, _inputs([1, 2, 3], batch_size=2)) for _ in range(5)]
    assert found == [[2.0, 4.0, 6.0]] * 5
    assert model.calls - before == 2


def test_a_new_checkpoint_is_seen(tmp_path):
    estimator = _trained(Model(), tmp_path)
    for _ in range(3):
        assert _values(estimator, _inputs([1])) == [2.0]
    old = estimator.latest_checkpoint()
    estimator.train(lambda: {"x": tf.constant(1.0)}, steps=2)
    assert _values(estimator, _inputs([1])) == [4.0]
    assert _values(estimator, _inputs([1]), checkpoint_path=old) == [2.0]
    assert _values(estimator, _inputs([1])) == [4.0]


def test_other_features_need_another_graph(tmp_path):
    model = Model()
    estimator = _trained(model, tmp_path)
    for _ in range(3):
        assert _values(estimator, _inputs([1])) == [2.0]
    before = model.calls
    wide = tf.estimator.inputs.numpy_input_fn(
        {"x": np.ones([1, 2], np.float32), "y": np.ones([1])}, shuffle=False
    )
    (found,) = estimator.predict(wide)
    np.testing.assert_array_equal(found["y"], [2.0, 2.0])
    assert model.calls == before + 1


def test_keys_choose_among_predictions(tmp_path):
    estimator = _trained(Model(), tmp_path)
    for _ in range(3):
        assert list(estimator.predict(_inputs([1]), predict_keys=["z"])) == [{"z": -2.0}]
        assert sorted(next(estimator.predict(_inputs([1])))) == ["y", "z"]


def test_a_graph_with_random_numbers_is_made_anew_each_time(tmp_path):
    model = Model(random=True)
    estimator = _trained(model, tmp_path)
    found = {tuple(_values(estimator, _inputs([1, 2]))) for _ in range(4)}
    assert len(found) == 1


def test_other_input_functions_keep_the_graph_too(tmp_path):
    model = Model()
    estimator = _trained(model, tmp_path)
    before = model.calls

    def inputs(value):
        return lambda: {"x": tf.train.limit_epochs(tf.constant([value]), 1)}

    for value in (1.0, 2.0, 3.0, 4.0):
        found = []
        for batch in estimator.predict(inputs(value), yield_single_examples=False):
            found.append(batch["y"].tolist())
        assert found == [[2 * value]]
    assert model.calls - before == 2


def test_hooks_see_a_graph_of_their_own(tmp_path):
    estimator = _trained(Model(), tmp_path)
    for _ in range(3):
        hook = tf.train.FinalOpsHook("w:0")
        assert list(estimator.predict(_inputs([1]), hooks=[hook]))
        assert hook.final_ops_values == 2.0


def test_wrong_keys_are_told(tmp_path):
    estimator = _trained(Model(), tmp_path)
    for _ in range(2):
        with pytest.raises(ValueError, match="Expected to run at least one output"):
            next(estimator.predict(_inputs([1]), predict_keys=["nothing"]))
