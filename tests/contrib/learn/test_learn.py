"""TF.Learn: models with scikit-learn's interface, monitors, experiments, text, data."""

import numpy as np
import pytest

import millstream as tf

learn = tf.contrib.learn
sklearn_base = pytest.importorskip("sklearn.base")
model_selection = pytest.importorskip("sklearn.model_selection")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")


@pytest.fixture(autouse=True)
def closed_writers():
    yield
    tf.summary.FileWriterCache.clear()


@pytest.fixture(scope="module")
def iris():
    found = learn.datasets.load_iris()
    order = np.random.RandomState(0).permutation(len(found.data))
    return found.data[order].astype(np.float32), found.target[order]


def _adam():
    return tf.train.AdamOptimizer(0.05)


def _classifier(iris, **kw):
    columns = learn.infer_real_valued_columns_from_input(iris[0])
    return learn.DNNClassifier([10], columns, n_classes=3, optimizer=_adam, **kw)


def test_a_classifier_fits_iris(iris):
    x, y = iris
    model = _classifier(iris).fit(x=x, y=y, steps=100)
    assert model.evaluate(x=x, y=y)["accuracy"] > 0.6
    assert model.predict(x=x[:5], as_iterable=False).shape == (5,)
    assert sum(next(model.predict_proba(x=x))) == pytest.approx(1.0)
    assert "dnn/hiddenlayer_0/weights" in model.get_variable_names()


def test_regressors_predict_scores(iris):
    x = iris[0]
    y = x[:, 0] * 2
    columns = learn.infer_real_valued_columns_from_input(x)
    model = learn.LinearRegressor(columns).fit(x=x, y=y, steps=200)
    found = model.predict(x=x, as_iterable=False)
    assert np.abs(found - y).mean() < 0.5 * np.abs(y - y.mean()).mean()
    wide = learn.DNNLinearCombinedRegressor(
        linear_feature_columns=columns, dnn_feature_columns=columns, dnn_hidden_units=[3]
    )
    wide.fit(x=x, y=y, steps=3)
    assert wide.evaluate(x=x, y=y)["global_step"] == 3


def test_scikit_learn_clones_and_sets_parameters(iris):
    model = learn.SKCompat(_classifier(iris, dropout=0.25))
    copy = sklearn_base.clone(model)
    assert copy.get_params()["estimator__dropout"] == 0.25
    copy.set_params(estimator__dropout=0.5)
    assert copy.estimator.get_params()["dropout"] == 0.5
    assert model.get_params()["estimator__dropout"] == 0.25
    with pytest.raises(ValueError, match="Invalid parameter nothing"):
        copy.set_params(nothing=1)


def test_scikit_learn_drives_a_pipeline_and_a_search(iris):
    x, y = iris
    model = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("net", learn.SKCompat(_classifier(iris)))]
    )
    scores = model_selection.cross_val_score(model, x, y, cv=2, params={"net__steps": 40})
    assert scores.shape == (2,)
    search = model_selection.GridSearchCV(
        model, {"net__estimator__hidden_units": [[2], [10]]}, cv=2, refit=True
    )
    search.fit(x, y, net__steps=60)
    assert search.best_score_ > 0.4
    assert set(search.predict(x[:3])) >= {"classes"}


def test_an_own_model_may_return_a_tuple_or_model_fn_ops(iris):
    x, y = iris

    def model_fn(features, labels, mode, params):
        logits = tf.layers.dense(features, 3)
        predictions = {"class": tf.argmax(logits, 1)}
        if mode == learn.ModeKeys.INFER:
            return learn.ModelFnOps(mode, predictions)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        optimizer = tf.train.AdamOptimizer(params["rate"])
        return predictions, loss, optimizer.minimize(loss, tf.train.get_global_step())

    model = learn.Estimator(model_fn, params={"rate": 0.1})
    model.fit(x=x, y=y, steps=60, batch_size=50)
    metric = learn.MetricSpec(
        lambda labels, predictions: tf.metrics.accuracy(labels, predictions), "class"
    )
    found = model.evaluate(x=x, y=y, metrics={"right": metric})
    assert found["right"] > 0.6
    assert [p["class"] for p in model.predict(x=x[:2])]


def test_monitors_watch_and_stop(iris, tmp_path):
    x, y = iris
    config = learn.RunConfig(save_checkpoints_steps=5)
    model = _classifier(iris, model_dir=str(tmp_path), config=config)
    validation = learn.monitors.ValidationMonitor(
        x=x, y=y, every_n_steps=5, early_stopping_rounds=10, early_stopping_metric="accuracy"
    )
    captured = learn.monitors.CaptureVariable("global_step", every_n=10)
    model.fit(x=x, y=y, steps=200, monitors=[validation, captured])
    assert validation.early_stopped
    assert model.get_variable_value("global_step") < 200
    assert len(captured.values) >= 2


def test_experiments_run(iris, tmp_path):
    x, y = iris

    def inputs():
        return tf.constant(x), tf.constant(y)

    def experiment(output_dir):
        return learn.Experiment(
            _classifier(iris, model_dir=output_dir), inputs, inputs, train_steps=7, eval_steps=1
        )

    metrics, _ = learn.learn_runner.run(experiment, str(tmp_path))
    assert metrics["global_step"] == 7
    metrics, _ = learn.learn_runner.run(experiment, str(tmp_path), schedule="test")
    with pytest.raises(ValueError, match="non-existent"):
        learn.learn_runner.run(experiment, str(tmp_path), schedule="nothing")


def test_wrong_use_is_told(iris):
    x, y = iris
    model = _classifier(iris)
    with pytest.raises(learn.NotFittedError, match="Couldn't find trained model"):
        model.predict(x=x)
    with pytest.raises(ValueError, match="empty"):
        model.fit(x=x[:0], y=y[:0], steps=1)
    with pytest.raises(ValueError, match="both input_fn and x"):
        model.fit(x=x, input_fn=lambda: 1, steps=1)
    with pytest.raises(ValueError, match="n_classes must be > 1"):
        learn.LinearClassifier([], n_classes=1)


def test_words_become_numbers(tmp_path):
    processor = learn.preprocessing.VocabularyProcessor(4)
    found = np.array(list(processor.fit_transform(["a b c", "I am here. a", "b b c d e f"])))
    np.testing.assert_array_equal(found, [[1, 2, 3, 0], [4, 5, 6, 1], [2, 2, 3, 7]])
    assert list(processor.reverse(found))[1] == "I am here a"
    processor.save(tmp_path / "words")
    again = learn.preprocessing.VocabularyProcessor.restore(tmp_path / "words")
    assert next(again.transform(["f zzz"])).tolist() == [9, 0, 0, 0]
    rare = learn.preprocessing.VocabularyProcessor(4, min_frequency=1)
    found = list(rare.fit_transform(["a b c", "I am here. a", "b b c d e f"]))
    assert [row.tolist() for row in found] == [[2, 1, 3, 0], [0, 0, 0, 2], [1, 1, 3, 0]]
    assert next(learn.preprocessing.ByteProcessor(5).transform(["abc"])).tolist() == [
        97, 98, 99, 0, 0,
    ]  # fmt: skip
