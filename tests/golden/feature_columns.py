# ruff: noqa: E501
"""Layers made of feature columns: nodes, variables, collections and values under TF 1.15.

Each program is an expression; `features()` makes the features. Nodes are kept as `name type`.

python tests/golden/feature_columns.py
"""

import gzip
import json
import os
import sys

PROGRAMS = r"""
fc.input_layer(features(), [fc.numeric_column('age')])
fc.input_layer(features(), [fc.numeric_column('age'), fc.numeric_column('size', shape=[2], normalizer_fn=lambda x: x / 2.)])
fc.input_layer(features(), [fc.numeric_column('count')])
fc.input_layer(features(), [fc.bucketized_column(fc.numeric_column('age'), [18, 30, 50.5])])
fc.input_layer(features(), [fc.bucketized_column(fc.numeric_column('size', shape=[2]), [0., 2.])])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_identity('kind', 4))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_identity('kind', 3, default_value=0))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_identity('kind', 3))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_hash_bucket('word', 5))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_hash_bucket('kind', 5, dtype=tf.int64))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_hash_bucket('words', 5))])
fc.input_layer(features(), [fc.indicator_column(fc.bucketized_column(fc.numeric_column('age'), [18, 30]))])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_hash_bucket('word', 5), 3)])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_identity('kind', 4), 2, combiner='sqrtn', max_norm=1.5)])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_hash_bucket('words', 7), 2, initializer=tf.ones_initializer(), combiner='sum'), fc.numeric_column('age')])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_hash_bucket('words', 7), 2, trainable=False)], weight_collections=['w'])
fc.input_layer(features(), [fc.embedding_column(fc.bucketized_column(fc.numeric_column('age'), [18, 30]), 2)], trainable=False)
fc.input_layer(features(), [fc.indicator_column(fc.crossed_column(['word', 'kinds'], 10))])
fc.input_layer(features(), [fc.embedding_column(fc.crossed_column([fc.bucketized_column(fc.numeric_column('age'), [18, 30]), 'word'], 10), 2)])
fc.input_layer(features(), [fc.indicator_column(fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket('words', 5), 'weights'))])
fc.input_layer(features(), [fc.embedding_column(fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket('words', 5), 'weights'), 2)])
fc.input_layer(features(), fc.shared_embedding_columns([fc.categorical_column_with_hash_bucket('word', 5), fc.categorical_column_with_hash_bucket('words', 5)], 2))
fc.input_layer(features(), [fc.numeric_column('age'), fc.embedding_column(fc.categorical_column_with_hash_bucket('word', 5), 3), fc.bucketized_column(fc.numeric_column('age'), [20.]), fc.indicator_column(fc.categorical_column_with_identity('kind', 4))])
fc.input_layer(features(), fc.numeric_column('age'))
fc.input_layer(features(), [])
fc.input_layer(features(), [fc.categorical_column_with_hash_bucket('word', 5)])
fc.input_layer(features(), ['age'])
fc.input_layer(features(), [fc.numeric_column('age'), fc.numeric_column('age')])
fc.input_layer(features(), [fc.numeric_column('missing')])
fc.input_layer(features(), [fc.numeric_column('word')])
fc.input_layer(features(), [fc.numeric_column('size')])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_identity('age', 4))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_hash_bucket('age', 4))])
fc.linear_model(features(), [fc.numeric_column('age')])
fc.linear_model(features(), [fc.numeric_column('age'), fc.numeric_column('size', shape=[2])], units=2)
fc.linear_model(features(), [fc.categorical_column_with_hash_bucket('words', 5)])
fc.linear_model(features(), [fc.categorical_column_with_hash_bucket('words', 5)], sparse_combiner='mean', units=2)
fc.linear_model(features(), [fc.bucketized_column(fc.numeric_column('age'), [18, 30]), fc.crossed_column(['word', 'kinds'], 10), fc.categorical_column_with_identity('kind', 4)], trainable=False, weight_collections=['w'])
fc.linear_model(features(), [fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket('words', 5), 'weights')])
fc.linear_model(features(), [fc.embedding_column(fc.categorical_column_with_hash_bucket('word', 5), 3), fc.numeric_column('age')])
fc.linear_model(features(), [fc.indicator_column(fc.categorical_column_with_identity('kind', 4))])
fc.linear_model(features(), [])
fc.linear_model(features(), ['age'])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_vocabulary_list('word', ['a', 'b']))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_vocabulary_list('word', ['a', 'b'], num_oov_buckets=2))])
fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_vocabulary_list('kind', [3, 1, 2], default_value=0))])
fc.linear_model(features(), [fc.categorical_column_with_vocabulary_file('words', vocabulary(), 3)])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_vocabulary_file('word', vocabulary(), num_oov_buckets=1), 2)])
fc.input_layer(features(), [fc.embedding_column(fc.categorical_column_with_vocabulary_file('word', vocabulary(), 2, default_value=1), 2)])
spec([fc.numeric_column('age'), fc.numeric_column('size', shape=[2], default_value=[1., 2.]), fc.bucketized_column(fc.numeric_column('x', dtype=tf.int64), [1, 2])])
spec([fc.categorical_column_with_hash_bucket('word', 5), fc.embedding_column(fc.categorical_column_with_identity('kind', 5), 2), fc.crossed_column(['a', fc.categorical_column_with_identity('b', 5)], 10)])
spec([fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket('words', 5), 'weights'), fc.indicator_column(fc.categorical_column_with_vocabulary_list('v', [1, 2]))])
spec(fc.numeric_column('age'))
spec([fc.numeric_column('age'), fc.categorical_column_with_hash_bucket('age', 5)])
names([fc.numeric_column('age'), fc.bucketized_column(fc.numeric_column('age'), [1]), fc.categorical_column_with_hash_bucket('word', 5), fc.embedding_column(fc.categorical_column_with_identity('kind', 5), 2), fc.crossed_column(['b', 'a'], 10), fc.indicator_column(fc.categorical_column_with_identity('kind', 5)), fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket('words', 5), 'weights')])
names(fc.shared_embedding_columns([fc.categorical_column_with_hash_bucket('word', 5), fc.categorical_column_with_hash_bucket('words', 5)], 2))
fc.numeric_column('a', shape=[0])
fc.numeric_column('a', dtype=tf.string)
fc.numeric_column('a', shape=[2], default_value=[1.])
fc.numeric_column('a', normalizer_fn=1)
fc.bucketized_column(fc.numeric_column('a'), [])
fc.bucketized_column(fc.numeric_column('a'), [2, 1])
fc.bucketized_column('a', [1])
fc.bucketized_column(fc.numeric_column('a', shape=[1, 2]), [1])
fc.categorical_column_with_hash_bucket('a', None)
fc.categorical_column_with_hash_bucket('a', 0)
fc.categorical_column_with_hash_bucket('a', 2, dtype=tf.float32)
fc.categorical_column_with_identity('a', 0)
fc.categorical_column_with_identity('a', 3, default_value=3)
fc.categorical_column_with_vocabulary_list('a', [])
fc.categorical_column_with_vocabulary_list('a', ['x', 'x'])
fc.categorical_column_with_vocabulary_list('a', ['x', 'y'], num_oov_buckets=-1)
fc.categorical_column_with_vocabulary_list('a', ['x', 'y'], default_value=1, num_oov_buckets=1)
fc.categorical_column_with_vocabulary_list('a', [1., 2.])
fc.categorical_column_with_vocabulary_list('a', [1, 2], dtype=tf.string)
fc.categorical_column_with_vocabulary_file('a', '')
fc.categorical_column_with_vocabulary_file('a', 'x', vocabulary_size=0)
fc.embedding_column(fc.categorical_column_with_identity('a', 3), 0)
fc.embedding_column(fc.categorical_column_with_identity('a', 3), 2, initializer=1)
fc.embedding_column(fc.categorical_column_with_identity('a', 3), 2, ckpt_to_load_from='x')
fc.crossed_column(['a'], 10)
fc.crossed_column(['a', 'b'], 0)
fc.crossed_column(['a', fc.numeric_column('b')], 10)
fc.crossed_column(['a', fc.categorical_column_with_hash_bucket('b', 4)], 10)
fc.weighted_categorical_column(fc.categorical_column_with_identity('a', 3), 'w', dtype=tf.string)
fc.shared_embedding_columns([fc.categorical_column_with_identity('a', 3), fc.categorical_column_with_hash_bucket('b', 3)], 2)
fc.shared_embedding_columns([fc.categorical_column_with_identity('a', 3), fc.categorical_column_with_identity('b', 4)], 2)
sequence(features(), [tf.contrib.feature_column.sequence_numeric_column('lengths')])
sequence(features(), [fc.indicator_column(fc.sequence_categorical_column_with_identity('kinds', 5))])
sequence(features(), [fc.embedding_column(fc.sequence_categorical_column_with_hash_bucket('words', 5), 2, initializer=tf.ones_initializer()), tf.contrib.feature_column.sequence_numeric_column('lengths', default_value=7., normalizer_fn=lambda x: x * 2.)])
sequence(features(), [fc.embedding_column(fc.sequence_categorical_column_with_vocabulary_list('words', ['a', 'b', 'c']), 2)])
sequence(features(), [fc.numeric_column('age')])
fc.input_layer(features(), [fc.indicator_column(fc.sequence_categorical_column_with_identity('kinds', 5))])
fc.sequence_numeric_column('a', shape=[0])
"""


def features(tf):
    """Makes features of a batch of three; dense ones and sparse ones."""
    import numpy as np

    def fed(value, dtype, shape=None):
        value = np.array(value, dtype)
        return tf.placeholder_with_default(value, shape or [None] + list(value.shape[1:]))

    def sparse(values, dtype):
        places = np.int64([[0, 0], [0, 1], [2, 0]])
        return tf.SparseTensor(
            fed(places, np.int64), fed(values, dtype), fed([3, 2], np.int64, [2])
        )

    return {
        "age": fed([[21.0], [17.0], [44.0]], np.float32),
        "size": fed([[1.0, 2.0], [3.0, -4.0], [0.0, 1.5]], np.float32),
        "count": fed([[3], [1], [4]], np.int64),
        "kind": fed([[1], [3], [-1]], np.int64),
        "word": fed([["a"], ["b"], ["zebra"]], object),
        "words": sparse(["a", "c", "zebra"], object),
        "kinds": sparse([1, 2, 4], np.int64),
        "weights": sparse([0.5, 2.0, 1.5], np.float32),
        "lengths": sparse([0.5, 2.0, 1.5], np.float32),
    }


def helpers(tf, folder):
    """Returns the names that the programs use, for a given TensorFlow."""

    def vocabulary():
        path = os.path.join(folder, "words.txt")
        with open(path, "w") as file:
            file.write("a\nb\nc\n")
        return path

    def spec(columns):
        found = tf.feature_column.make_parse_example_spec(columns)
        return sorted("%s %s" % (key, describe(value)) for key, value in found.items())

    def describe(value):
        words = [type(value).__name__, value.dtype.name]
        if hasattr(value, "shape"):
            words += [list(value.shape), value.default_value]
        return " ".join(map(str, words))

    def sequence(features, columns):
        layer, lengths = tf.contrib.feature_column.sequence_input_layer(features, columns)
        return [layer, lengths]

    return {
        "tf": tf,
        "fc": tf.feature_column,
        "features": lambda: features(tf),
        "vocabulary": vocabulary,
        "spec": spec,
        "names": lambda columns: [column.name for column in columns],
        "sequence": sequence,
    }


def run(tf, text, folder):
    """Returns what becomes of one program."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        try:
            result = eval(text, helpers(tf, folder))
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:300]}
        if not isinstance(result, tf.Tensor) and not isinstance(result, list):
            return {}
        if isinstance(result, list) and not isinstance(result[0], tf.Tensor):
            return {"list": result}
        entry = {
            "nodes": ["%s %s" % (op.name, op.type) for op in graph.get_operations()],
            "variables": [[v.op.name, v.shape.as_list()] for v in tf.global_variables()],
            "trainable": [v.op.name for v in tf.trainable_variables()],
            "collections": {
                key: len(graph.get_collection(key))
                for key in graph.get_all_collection_keys()
                if not key.startswith("_")
            },
            "shapes": [t.shape.as_list() for t in as_list(result)],
        }
        with tf.Session() as session:
            try:
                session.run([tf.global_variables_initializer(), tf.tables_initializer()])
                entry["values"] = [v.tolist() for v in session.run(as_list(result))]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
        return entry


def as_list(result):
    return result if isinstance(result, list) else [result]


if __name__ == "__main__":
    import tempfile

    import tensorflow as tensorflow

    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    folder = tempfile.mkdtemp()
    rows = {text: run(tensorflow, text, folder) for text in PROGRAMS.strip().splitlines()}
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json.gz"
    data = json.dumps(rows, separators=(",", ":"), sort_keys=True).replace(folder, "FOLDER")
    with open(path, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(data.encode())
