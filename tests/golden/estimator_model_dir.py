"""Records a model directory that TF 1.15 trained, and what three more steps make of it.

    python tests/golden/estimator_model_dir.py

The tests go on training from the directory with Millstream.
"""

import json
import os
import shutil
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DIRECTORY = os.path.join(HERE, "estimator_model_dir")
FEATURES = {
    "a": np.arange(8, dtype=np.float32) / 8,
    "word": np.array(["x", "y", "z", "x", "y", "z", "x", "u"]),
}
LABELS = (np.arange(8) > 3).astype(np.int32)


def model(tf, directory):
    fc = tf.feature_column
    words = fc.categorical_column_with_vocabulary_list("word", ["x", "y", "z"])
    return tf.estimator.DNNLinearCombinedClassifier(
        directory,
        linear_feature_columns=[words],
        dnn_feature_columns=[fc.numeric_column("a"), fc.embedding_column(words, 2)],
        dnn_optimizer=tf.train.AdamOptimizer(0.01),
        dnn_hidden_units=[3],
        config=tf.estimator.RunConfig(tf_random_seed=5),
    )


def train(tf, estimator, steps=3):
    inputs = tf.estimator.inputs.numpy_input_fn
    estimator.train(inputs(FEATURES, LABELS, 4, num_epochs=None, shuffle=False), steps=steps)


def variables(estimator):
    names = estimator.get_variable_names()
    return {name: np.asarray(estimator.get_variable_value(name)).tolist() for name in names}


if __name__ == "__main__":
    import tensorflow

    shutil.rmtree(DIRECTORY, ignore_errors=True)
    estimator = model(tensorflow, DIRECTORY)
    train(tensorflow, estimator)
    kept = os.path.join(HERE, "kept")
    shutil.copytree(DIRECTORY, kept)
    train(tensorflow, estimator)
    with open(os.path.join(HERE, "estimator_model_dir.json"), "w") as out:
        json.dump(variables(estimator), out, sort_keys=True)
        out.write("\n")
    shutil.rmtree(DIRECTORY)
    for name in os.listdir(kept):
        if not name.startswith(("checkpoint", "model.ckpt-3")) or name.endswith(".meta"):
            os.remove(os.path.join(kept, name))
    os.rename(kept, DIRECTORY)
    sys.stdout.write("%s\n" % sorted(os.listdir(DIRECTORY)))
