"""Writes SavedModels and frozen graphs with genuine TF 1.15, for tests/saved_model.

python tests/golden/saved_models.py        (under an interpreter that has TF 1.15)
"""

import json
import os
import shutil

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "saved_models")


def regression():
    """The graph of the model: a matmul by a ref variable, a gather from a resource variable."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    v = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2), name="v")
    initial = np.arange(10, dtype=np.float32).reshape(5, 2)
    r = tf.get_variable("r", initializer=initial, use_resource=True)
    y = tf.matmul(x, v, name="y")
    tf.nn.embedding_lookup(r, [1, 2], name="emb")
    z = tf.add(y, r.read_value()[0], name="z")
    first = tf.identity(z, name="first")
    second = tf.identity(first, name="second")
    with tf.control_dependencies([y]):
        third = tf.identity(second, name="third")
    tf.reduce_sum(third, name="out")
    return x, y


def write_model(as_text):
    path = os.path.join(MODELS, "text" if as_text else "binary")
    shutil.rmtree(path, ignore_errors=True)
    vocabulary = "vocabulary.txt"  # relative, so that no path of the machine is written
    with open(vocabulary, "w") as file:
        file.write("alpha\nbeta\n")
    with tf.Graph().as_default(), tf.Session() as sess:
        x, y = regression()
        asset = tf.constant(vocabulary, name="asset")
        length = tf.Variable(tf.zeros([], tf.int32), name="length", trainable=False)
        size = tf.size(tf.strings.split([tf.read_file(asset)], "\n").values)
        main_op = tf.assign(length, size).op
        sess.run(tf.global_variables_initializer())
        builder = tf.saved_model.Builder(path)
        signatures = {"serving_default": tf.saved_model.predict_signature_def({"x": x}, {"y": y})}
        builder.add_meta_graph_and_variables(
            sess,
            [tf.saved_model.SERVING],
            signatures,
            assets_collection=[asset],
            main_op=main_op,
            strip_default_attrs=True,
        )
        builder.add_meta_graph([tf.saved_model.TRAINING, tf.saved_model.GPU])
        builder.save(as_text=as_text)
    os.remove(vocabulary)


def rows(graph_def):
    return [[n.name, n.op, list(n.input), sorted(n.attr)] for n in graph_def.node]


def frozen():
    util = tf.graph_util
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        regression()
        sess.run(tf.global_variables_initializer())
        graph_def = graph.as_graph_def()
        whole = util.convert_variables_to_constants(sess, graph_def, ["out", "emb/Identity"])
        found = {
            "sub_graph": rows(util.extract_sub_graph(graph_def, ["y"])),
            "frozen": rows(whole),
            "stripped": rows(util.remove_training_nodes(whole)),
            "protected": rows(util.remove_training_nodes(whole, ["second"])),
            "whitelist": rows(util.convert_variables_to_constants(sess, graph_def, ["out"], ["r"])),
            "blacklist": rows(
                util.convert_variables_to_constants(sess, graph_def, ["out"], None, ["v"])
            ),
        }
    with open(os.path.join(HERE, "frozen_graphs.json"), "w") as file:
        json.dump(found, file, indent=0)


if __name__ == "__main__":
    os.makedirs(MODELS, exist_ok=True)
    os.chdir(MODELS)
    write_model(as_text=False)
    write_model(as_text=True)
    frozen()
