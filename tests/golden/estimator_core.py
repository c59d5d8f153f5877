"""Records how estimators of TF 1.15 behave: seeds, log lines, events, files, errors.

    python tests/golden/estimator_core.py

The tests run the same functions with Millstream. Each takes `tf` and an empty directory and returns
something that JSON can hold.
"""

import json
import os
import re
import tempfile

import numpy as np
from train_sessions import Log

X = np.arange(40, dtype=np.float32).reshape(20, 2) / 40
Y = X.sum(1, keepdims=True)
TIME = re.compile(r"\d{4}-\d\d-\d\d[-T]\d\d:\d\d:\d\dZ?|temp-[^/]*|0x\w+|<function [^>]*>")


def model_fn(tf):
    def linear(features, labels, mode, params):
        weights = tf.get_variable("w", [2, 1], initializer=tf.random_normal_initializer())
        y = tf.matmul(features["x"], weights)
        predictions = {"y": y, "twice": 2 * y}
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions=predictions)
        loss = tf.reduce_mean(tf.square(y - labels))
        optimizer = tf.train.GradientDescentOptimizer(params["rate"])
        return tf.estimator.EstimatorSpec(
            mode,
            loss=loss,
            predictions=predictions,
            train_op=optimizer.minimize(loss, global_step=tf.train.get_global_step()),
            eval_metric_ops={"error": tf.metrics.mean_absolute_error(labels, y)},
        )

    return linear


def estimator(tf, directory, **config):
    config = tf.estimator.RunConfig(tf_random_seed=7, **config)
    return tf.estimator.Estimator(model_fn(tf), directory, config, params={"rate": 0.125})


def whole(tf):
    return lambda: ({"x": tf.constant(X)}, tf.constant(Y))


def batches(tf, epochs=1):
    return tf.estimator.inputs.numpy_input_fn(
        {"x": X}, Y, batch_size=8, num_epochs=epochs, shuffle=False
    )


def rounded(value):
    return [float("%.5g" % number) for number in np.ravel(value)]


def lines_of(lines):
    dropped = ("Using config", "Assets added", "No assets")
    lines = [TIME.sub("TIME", line) for line in lines if not line.startswith(dropped)]
    return [re.sub(r"\d+\.\d{4,}(e-\d+)?", "NUMBER", line) for line in lines]


def text_of(path):
    with open(path) as file:
        return file.read()


def names_in(directory):
    return sorted(name for name in os.listdir(directory) if "tfevents" not in name)


def events_in(tf, directory):
    tf.summary.FileWriterCache.clear()
    (name,) = [name for name in os.listdir(directory) if "tfevents" in name]
    found = []
    for event in tf.train.summary_iterator(os.path.join(directory, name)):
        # The rate of steps is there or not with the speed of the machine.
        tags = [value.tag for value in event.summary.value]
        found.append([event.WhichOneof("what"), event.step, tags])
    return found


def life(tf, directory):
    """Trains, evaluates, predicts, trains on, exports."""
    with Log(directory) as lines:
        model = estimator(tf, directory, save_checkpoints_steps=20, log_step_count_steps=10)
        model.train(whole(tf), steps=25)
        found = model.evaluate(whole(tf), steps=2)
        other = model.evaluate(batches(tf), name="all")
        predictions = list(model.predict(batches(tf), predict_keys=["y"]))
        model.train(whole(tf), max_steps=30)
        model.train(whole(tf), max_steps=30)

        def receiver():
            x = tf.placeholder(tf.float32, [None, 2], name="x")
            return tf.estimator.export.ServingInputReceiver({"x": x}, {"x": x})

        path = model.export_savedmodel(os.path.join(directory, "export"), receiver)
    return {
        "lines": lines_of(lines),
        "evaluated": {key: rounded(value) for key, value in found.items()},
        "evaluated all": {key: rounded(value) for key, value in other.items()},
        "predicted": [sorted(predictions[0]), rounded([p["y"] for p in predictions])],
        "weights": rounded(model.get_variable_value("w")),
        "names": model.get_variable_names(),
        "files": names_in(directory),
        "state": text_of(os.path.join(directory, "checkpoint")),
        "export": sorted(os.listdir(path.decode())),
        "eval events": events_in(tf, model.eval_dir()),
    }


def in_turns(tf, directory):
    """Trains and evaluates in turns, with exporters."""
    with Log(directory) as lines:
        model = estimator(tf, directory, save_checkpoints_steps=20, log_step_count_steps=None)

        def receiver():
            x = tf.placeholder(tf.float32, [None, 2], name="x")
            return tf.estimator.export.ServingInputReceiver({"x": x}, {"x": x})

        train = tf.estimator.TrainSpec(batches(tf, 100), max_steps=50)
        evaluate = tf.estimator.EvalSpec(
            batches(tf),
            steps=None,
            throttle_secs=0,
            exporters=[
                tf.estimator.FinalExporter("final", receiver),
                tf.estimator.BestExporter("best", receiver),
            ],
        )
        metrics, exports = tf.estimator.train_and_evaluate(model, train, evaluate)
    return {
        "lines": lines_of(lines),
        "metrics": {key: rounded(value) for key, value in metrics.items()},
        "exports": [export is not None for export in exports],
        "best": len(os.listdir(os.path.join(directory, "export", "best"))),
    }


def errors(tf, directory):
    est = tf.estimator
    spec = est.EstimatorSpec
    mode = est.ModeKeys
    linear = model_fn(tf)
    run = est.RunConfig
    with tf.Graph().as_default():
        foreign = tf.constant(1.0)
    one = tf.constant(1.0)
    two = tf.constant([1.0, 2.0])
    op = tf.no_op()
    out = est.export
    text = tf.constant("a")

    def made():
        return est.Estimator(linear, directory, params={"rate": 0.1})

    def fn(result):
        return lambda features, labels, mode: result()

    cases = [
        lambda: spec(mode.TRAIN, loss=one),
        lambda: spec(mode.TRAIN, train_op=op),
        lambda: spec(mode.TRAIN, loss=one, train_op=3),
        lambda: spec(mode.TRAIN, loss=3, train_op=op),
        lambda: spec(mode.TRAIN, loss=two, train_op=op),
        lambda: spec(mode.EVAL),
        lambda: spec(mode.PREDICT),
        lambda: spec(mode.PREDICT, predictions={"a": 3}),
        lambda: spec(mode.EVAL, loss=one, eval_metric_ops=3),
        lambda: spec(mode.EVAL, loss=one, eval_metric_ops={"a": 3}),
        lambda: spec(mode.EVAL, loss=foreign),
        lambda: spec(mode.PREDICT, predictions={"a": foreign}),
        lambda: spec(mode.EVAL, loss=one, training_hooks=[3]),
        lambda: spec(mode.EVAL, loss=one, scaffold=3),
        lambda: spec(mode.PREDICT, predictions=two, export_outputs=3),
        lambda: spec(mode.PREDICT, predictions=two, export_outputs={"a": 3}),
        lambda: spec(
            mode.PREDICT,
            predictions=two,
            export_outputs={"a": out.PredictOutput(two), "b": out.PredictOutput(two)},
        ),
        lambda: out.PredictOutput(3),
        lambda: out.PredictOutput({1: two}),
        lambda: out.RegressionOutput(3),
        lambda: out.RegressionOutput(text),
        lambda: out.ClassificationOutput(),
        lambda: out.ClassificationOutput(scores=text),
        lambda: out.ClassificationOutput(classes=two),
        lambda: run(save_checkpoints_secs=3, save_checkpoints_steps=3),
        lambda: run(save_summary_steps=-1),
        lambda: run(session_config=3),
        lambda: run(tf_random_seed=1.5),
        lambda: run(model_dir=""),
        lambda: run(log_step_count_steps=-1),
        lambda: run(device_fn=lambda a, b: 1),
        lambda: run(keep_checkpoint_every_n_hours=-1),
        lambda: run().replace(foo=3),
        lambda: est.Estimator(None, directory),
        lambda: est.Estimator(lambda labels: 1, directory),
        lambda: est.Estimator(lambda features: 1, directory, params={"a": 1}),
        lambda: est.Estimator(lambda features, more: 1, directory),
        lambda: est.Estimator(linear, directory, run(model_dir="other")),
        lambda: est.Estimator(linear, directory, 3),
        lambda: made().train(whole(tf), steps=0),
        lambda: made().train(whole(tf), max_steps=-1),
        lambda: made().train(whole(tf), steps=1, max_steps=1),
        lambda: made().evaluate(whole(tf), steps=0),
        lambda: made().train(lambda: (1, 2, 3), steps=1),
        lambda: est.Estimator(lambda features: 1, directory).train(whole(tf), steps=1),
        lambda: est.Estimator(fn(lambda: 1), directory).train(whole(tf), steps=1),
        lambda: made().export_savedmodel(directory, lambda: 1),
        lambda: next(made().predict(batches(tf), predict_keys=["z"])),
        lambda: est.TrainSpec(whole(tf), max_steps=0),
        lambda: est.TrainSpec(whole(tf), hooks=[3]),
        lambda: est.EvalSpec(whole(tf), steps=0),
        lambda: est.EvalSpec(whole(tf), name=3),
        lambda: est.EvalSpec(whole(tf), throttle_secs=-1),
        lambda: est.inputs.numpy_input_fn({"x": X}, Y),
        lambda: est.inputs.numpy_input_fn({"x": X}, Y[:3], shuffle=False)(),
        lambda: est.inputs.numpy_input_fn({}, Y, shuffle=False)(),
        lambda: est.inputs.numpy_input_fn(3, Y, shuffle=False)(),
        lambda: est.inputs.numpy_input_fn({"x": X}, {}, shuffle=False)(),
        lambda: est.WarmStartSettings(""),
        lambda: est.experimental.make_early_stopping_hook(made(), 3),
        lambda: est.experimental.make_early_stopping_hook(made(), len, 1, 1),
    ]
    found = []
    for case in cases:
        try:
            case()
        except Exception as error:
            text = re.sub(r"\s+", " ", str(error)).replace(directory, "DIR")
            found.append([type(error).__name__, TIME.sub("TIME", text)[:150]])
        else:
            found.append("no error")
    return found


CASES = [life, in_turns, errors]


def facts(tf, case):
    with tempfile.TemporaryDirectory() as directory, tf.Graph().as_default():
        return json.loads(json.dumps(case(tf, directory)))


if __name__ == "__main__":
    import tensorflow

    record = {case.__name__: facts(tensorflow, case) for case in CASES}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as out:
        json.dump(record, out, indent=1, sort_keys=True)
        out.write("\n")
