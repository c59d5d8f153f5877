"""Heads: labels, weights, several in one; estimators that supplement others."""

import numpy as np
import pytest

import millstream as tf

TRAIN, EVAL = tf.estimator.ModeKeys.TRAIN, tf.estimator.ModeKeys.EVAL


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph
    tf.summary.FileWriterCache.clear()


def _loss(head, logits, labels, features=None):
    loss = head.create_loss(features or {}, TRAIN, tf.constant(logits), labels).training_loss
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        return float(session.run(loss))


def test_binary_labels_are_integers_floats_or_words():
    logits, wanted = [[2.0], [-1.0]], np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))
    head = tf.estimator.BinaryClassHead(loss_reduction="sum")
    for labels in ([1, 0], [[1.0], [0.0]]):
        assert _loss(head, logits, tf.constant(labels)) == pytest.approx(wanted, rel=1e-5)
    words = tf.estimator.BinaryClassHead(label_vocabulary=["no", "yes"], loss_reduction="sum")
    assert _loss(words, logits, tf.constant(["yes", "no"])) == pytest.approx(wanted, rel=1e-5)


def test_labels_out_of_range_are_told():
    head = tf.estimator.MultiClassHead(3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Labels must be <= 2"):
        _loss(head, np.zeros([2, 3], np.float32), tf.placeholder_with_default([0, 3], [None]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Labels must be >= 0"):
        _loss(head, np.zeros([2, 3], np.float32), tf.placeholder_with_default([0, -1], [None]))


def test_wrong_labels_and_weights_are_told():
    head = tf.estimator.MultiClassHead(3, weight_column="w")
    logits = np.zeros([2, 3], np.float32)
    for labels, message in (
        (None, "You must provide a labels Tensor"),
        (tf.constant([[1, 2], [0, 1]]), "Mismatched label shape"),
        (tf.constant([0.5, 1.5]), "dtype should be integer"),
        (tf.sparse_placeholder(tf.int64), "SparseTensor labels are not supported"),
    ):
        with pytest.raises(ValueError, match=message):
            _loss(head, logits, labels, {"w": tf.ones([2])})
    with pytest.raises(ValueError, match=r"'w' is not among the features: \['x'\]"):
        _loss(head, logits, tf.constant([0, 1]), {"x": tf.ones([2])})
    with pytest.raises(ValueError, match="n_classes must be > 2"):
        tf.estimator.MultiClassHead(2)


def test_weights_count():
    head = tf.estimator.RegressionHead(weight_column="w", loss_reduction="sum")
    found = _loss(head, [[1.0], [3.0]], tf.constant([0.0, 0.0]), {"w": tf.constant([2.0, 1.0])})
    assert found == pytest.approx(2 * 1 + 9)


def test_counts_and_probabilities_have_links():
    counts = tf.estimator.PoissonRegressionHead()
    odds = tf.estimator.LogisticRegressionHead()
    with tf.Session() as session:
        found = session.run(counts.predictions(tf.zeros([1, 1])))
        assert (found["predictions"], found["logits"]) == (1.0, 0.0)
        assert session.run(odds.predictions(tf.zeros([1, 1])))["predictions"] == 0.5


def test_examples_may_have_any_number_of_classes():
    head = tf.estimator.MultiLabelHead(3, thresholds=[0.5], loss_reduction="sum")
    logits = np.array([[1.0, -1.0, 0.0]], np.float32)
    each = np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * [[1, 0, 1]]
    dense = tf.constant([[1, 0, 1]])
    sparse = tf.SparseTensor([[0, 0], [0, 1]], tf.constant([0, 2], tf.int64), [1, 2])
    for labels in (dense, sparse):
        assert _loss(head, logits, labels) == pytest.approx(each.mean(), rel=1e-5)
    spec = head.create_estimator_spec({}, EVAL, tf.constant(logits), labels=dense)
    assert "precision/positive_threshold_0.5" in spec.eval_metric_ops


def test_several_heads_share_a_model():
    heads = [
        tf.estimator.RegressionHead(name="height", loss_reduction="sum"),
        tf.estimator.MultiClassHead(3, name="kind", loss_reduction="sum"),
    ]
    head = tf.estimator.MultiHead(heads, [2.0, 1.0])
    assert head.logits_dimension == 4
    labels = {"height": tf.constant([1.0]), "kind": tf.constant([2])}
    found = _loss(head, np.zeros([1, 4], np.float32), labels)
    assert found == pytest.approx(2.0 + np.log(3), rel=1e-5)
    spec = head.create_estimator_spec({}, EVAL, tf.zeros([1, 4]), labels=labels)
    assert {"accuracy/kind", "average_loss/height", "loss/kind"} <= set(spec.eval_metric_ops)
    spec = head.create_estimator_spec({}, "infer", tf.zeros([1, 4]))
    assert {"height", "kind", "kind/predict", "serving_default"} <= set(spec.export_outputs)
    with pytest.raises(ValueError, match="no labels for the head kind"):
        _loss(head, np.zeros([1, 4], np.float32), {"height": tf.constant([1.0])})


def _inputs(epochs=None):
    x = {"a": np.arange(8, dtype=np.float32) / 8}
    return tf.estimator.inputs.numpy_input_fn(
        x, x["a"] * 2, batch_size=4, num_epochs=epochs, shuffle=False
    )


def _regressor(directory, **kw):
    column = tf.feature_column.numeric_column("a")
    return tf.estimator.LinearRegressor([column], directory, optimizer="SGD", **kw)


def test_metrics_are_added(tmp_path):
    model = _regressor(tmp_path).train(_inputs(), steps=2)

    def worst(labels, predictions):
        error = tf.abs(tf.cast(labels, tf.float32) - predictions["predictions"][:, 0])
        return {"mean error": tf.metrics.mean(error)}

    more = tf.estimator.add_metrics(model, worst)
    assert {"mean error", "average_loss"} <= set(more.evaluate(_inputs(1)))


def test_evaluation_in_memory_sees_the_training(tmp_path):
    model = _regressor(tmp_path)
    hook = tf.estimator.experimental.InMemoryEvaluatorHook(model, _inputs(1), every_n_iter=2)
    model.train(_inputs(), hooks=[hook], steps=4)
    tf.summary.FileWriterCache.clear()
    (events,) = tf.gfile.Glob(model.eval_dir() + "/*")
    steps = [e.step for e in tf.train.summary_iterator(events) if e.summary.value]
    assert steps == [0, 2, 4, 4] or steps == [0, 1, 3, 4]


def test_training_stops_early_when_an_evaluation_says_so(tmp_path):
    evaluated = _regressor(tmp_path / "evaluated").train(_inputs(), steps=2)
    evaluated.evaluate(_inputs(1))
    model = _regressor(tmp_path / "model")
    for make, threshold, last in (
        (tf.estimator.experimental.stop_if_lower_hook, -1.0, 3),
        (tf.estimator.experimental.stop_if_higher_hook, 0.0, 4),
        (tf.estimator.experimental.stop_if_no_decrease_hook, 0, 5),
    ):
        hook = make(
            model, "average_loss", threshold, evaluated.eval_dir(), 0, None, run_every_steps=1
        )
        model.train(_inputs(), hooks=[hook], steps=3)
        assert model.get_variable_value("global_step") == last
    assert "signal_early_stopping/STOP" in model.get_variable_names()


def test_a_nan_among_the_features_is_told(tmp_path):
    # A [1, 1] weight of zero once hid it.
    x = {"a": np.array([1.0, np.nan], np.float32)}
    inputs = tf.estimator.inputs.numpy_input_fn(x, np.ones(2, np.float32), shuffle=False)
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss"):
        _regressor(tmp_path).train(inputs, steps=1)


def test_examples_are_parsed_with_label_and_weight():
    column = tf.feature_column.numeric_column("a")
    spec = tf.estimator.classifier_parse_example_spec([column], "y", weight_column="w")
    assert sorted(spec) == ["a", "w", "y"]
    with pytest.raises(ValueError, match="label should not be used as feature"):
        tf.estimator.regressor_parse_example_spec([column], "a")


def test_a_model_starts_warm_and_a_foreign_checkpoint_is_told(tmp_path):
    first = _regressor(tmp_path / "first").train(_inputs(), steps=3)
    name = "linear/linear_model/a/weights"
    second = _regressor(tmp_path / "second", warm_start_from=first.model_dir)
    second.train(_inputs(), steps=1)
    started = first.get_variable_value(name)
    assert second.get_variable_value(name) != started
    assert abs(second.get_variable_value(name) - started) < abs(started)
    columns = [tf.feature_column.numeric_column("b"), tf.feature_column.numeric_column("a")]
    other = tf.estimator.LinearRegressor(columns, tmp_path / "first", optimizer="SGD")
    inputs = tf.estimator.inputs.numpy_input_fn(
        {"a": np.ones(4, np.float32), "b": np.ones(4, np.float32)}, np.ones(4), shuffle=False
    )
    with pytest.raises(tf.errors.NotFoundError, match=r"only the model has: \S*/b/weights"):
        other.train(inputs)
