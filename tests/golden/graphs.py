"""Records the nodes of `graph_programs.py` as TF 1.15 builds them, and the convnet's losses.

python tests/golden/graphs.py          (with an interpreter that has TensorFlow 1.15)
"""

import gzip
import json
import os
import sys

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from graph_programs import PROGRAMS, convnet  # noqa: E402 - lies beside this file


def nodes_of(graph_def):
    """Returns [name, op, inputs, attrs] of every node; attrs as text."""
    return [
        [n.name, n.op, list(n.input), {k: str(v) for k, v in sorted(n.attr.items())}]
        for n in graph_def.node
    ]


def record_nodes():
    """Writes the node lists of all programs."""
    found = {}
    for name, build in PROGRAMS.items():
        graph = tf.Graph()
        with graph.as_default():
            build(tf)
        found[name] = nodes_of(graph.as_graph_def())
    with gzip.GzipFile(os.path.join(HERE, "graphs.json.gz"), "wb", mtime=0) as file:
        file.write(json.dumps(found, sort_keys=True).encode())


def batches():
    """Yields 20 batches of 16 made-up images with labels."""
    rng = np.random.RandomState(0)
    for _ in range(20):
        yield (
            rng.rand(16, 784).astype(np.float32),
            np.eye(10, dtype=np.float32)[rng.randint(0, 10, 16)],
        )


def record_curve():
    """Writes the convnet's first weights and its losses over 20 steps."""
    graph = tf.Graph()
    with graph.as_default():
        convnet(tf)
        variables = tf.trainable_variables()
        with tf.Session() as sess:
            sess.run("init")
            heads = [v.ravel()[:50] for v in sess.run(variables)]
            sums = [v.astype(np.float64).sum() for v in sess.run(variables)]
            losses = []
            for images, labels in batches():
                feed = {"x:0": images, "y:0": labels, "keep:0": 0.5}
                losses.append(sess.run(["loss:0", "train"], feed)[0])
    arrays = {"w%d" % i: h for i, h in enumerate(heads)}
    np.savez(os.path.join(HERE, "convnet_curve.npz"), losses=losses, sums=sums, **arrays)


if __name__ == "__main__":
    record_nodes()
    record_curve()
