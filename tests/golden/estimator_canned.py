"""Records ready-made estimators of TF 1.15: metrics, predictions, variables after a few steps.

    python tests/golden/estimator_canned.py

The tests run the same functions with Millstream.
"""

import json
import os
import tempfile

import numpy as np

FEATURES = {
    "a": np.arange(8, dtype=np.float32) / 8,
    "b": np.arange(16, dtype=np.float32).reshape(8, 2) / 16,
    "word": np.array(["x", "y", "z", "x", "y", "z", "x", "u"]),
    "weight": np.array([1, 2, 1, 2, 1, 2, 1, 2], np.float32),
}
HALF = (np.arange(8) > 3).astype(np.int32)
NUMBERS = (np.arange(8) / 8.0).astype(np.float32)
THREE = np.arange(8) % 3


def numeric(tf):
    fc = tf.feature_column
    return [fc.numeric_column("a"), fc.numeric_column("b", shape=[2])]


def words(tf):
    fc = tf.feature_column
    return fc.categorical_column_with_vocabulary_list("word", ["x", "y", "z"], num_oov_buckets=1)


def dnn_classifier(tf, **kw):
    return tf.estimator.DNNClassifier([4, 3], numeric(tf), **kw), HALF


def dnn_three_classes(tf, **kw):
    return tf.estimator.DNNClassifier([4], numeric(tf), n_classes=3, **kw), THREE


def dnn_regressor(tf, **kw):
    model = tf.estimator.DNNRegressor(
        [4, 3], numeric(tf), dropout=0.5, batch_norm=True, optimizer="Adam", **kw
    )
    return model, NUMBERS


def dnn_weighted_words(tf, **kw):
    column = tf.feature_column.embedding_column(words(tf), 2)
    model = tf.estimator.DNNClassifier(
        [4], numeric(tf) + [column], weight_column="weight", label_vocabulary=["no", "yes"], **kw
    )
    return model, np.array(["no", "yes"])[HALF]


def linear_classifier(tf, **kw):
    return tf.estimator.LinearClassifier(numeric(tf) + [words(tf)], **kw), HALF


def linear_regressor(tf, **kw):
    return tf.estimator.LinearRegressor(numeric(tf), optimizer="SGD", **kw), NUMBERS


def wide_and_deep(tf, **kw):
    model = tf.estimator.DNNLinearCombinedClassifier(
        linear_feature_columns=[words(tf)],
        dnn_feature_columns=numeric(tf),
        dnn_hidden_units=[4],
        **kw,
    )
    return model, HALF


def wide_and_deep_regressor(tf, **kw):
    model = tf.estimator.DNNLinearCombinedRegressor(
        linear_feature_columns=numeric(tf),
        dnn_feature_columns=numeric(tf),
        dnn_hidden_units=[4],
        **kw,
    )
    return model, NUMBERS


def baseline_classifier(tf, **kw):
    return tf.estimator.BaselineClassifier(n_classes=3, **kw), THREE


def baseline_regressor(tf, **kw):
    return tf.estimator.BaselineRegressor(**kw), NUMBERS


def own_heads(tf, **kw):
    head = tf.contrib.estimator.binary_classification_head(thresholds=[0.25, 0.5])
    return tf.estimator.DNNEstimator(head, [4], numeric(tf), **kw), HALF


CASES = [
    dnn_classifier, dnn_three_classes, dnn_regressor, dnn_weighted_words, linear_classifier,
    linear_regressor, wide_and_deep, wide_and_deep_regressor, baseline_classifier,
    baseline_regressor, own_heads,
]  # fmt: skip


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return [plain(item) for item in value.tolist()]
    return np.asarray(value, np.float64).tolist()


def facts(tf, case):
    with tempfile.TemporaryDirectory() as directory:
        config = tf.estimator.RunConfig(tf_random_seed=3, save_summary_steps=1)
        model, labels = case(tf, config=config, model_dir=directory)
        inputs = tf.estimator.inputs.numpy_input_fn
        model.train(inputs(FEATURES, labels, 4, num_epochs=None, shuffle=False), steps=3)
        once = inputs(FEATURES, labels, 4, shuffle=False)
        metrics = model.evaluate(once)
        predictions = next(model.predict(once))
        tf.summary.FileWriterCache.clear()
        (events,) = [name for name in os.listdir(directory) if "tfevents" in name]
        tags = [
            value.tag
            for event in tf.train.summary_iterator(os.path.join(directory, events))
            for value in event.summary.value
            if event.step == 1
        ]
        return {
            "metrics": {key: plain(value) for key, value in metrics.items()},
            "predictions": {key: plain(value) for key, value in predictions.items()},
            "variables": {
                name: plain(model.get_variable_value(name)) for name in model.get_variable_names()
            },
            "summaries": sorted(tags),
        }


if __name__ == "__main__":
    import tensorflow

    record = {case.__name__: facts(tensorflow, case) for case in CASES}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as out:
        json.dump(record, out, indent=None, sort_keys=True)
        out.write("\n")
