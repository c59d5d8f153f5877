"""Records the nodes that TensorFlow 1.15's random functions make; run under its interpreter.

Writes random_nodes.json: for each call its nodes, with and without a graph seed.
"""

import json
import os
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TRUE = "[[1], [2]]"
CALLS = [
    "tf.random_uniform([2, 3])",
    "tf.random_uniform([2, 3], -1, 2, seed=7, name='u')",
    "tf.random_uniform([2, 3], 0, 10, dtype=tf.int32, seed=7)",
    "tf.random_uniform(tf.constant([2, 3]), tf.constant(0, tf.int64), 10, dtype=tf.int64)",
    "tf.random_uniform([2], tf.constant(1.0))",
    "tf.random_uniform((2, tf.constant(3)))",
    "tf.random_uniform([])",
    "tf.random_uniform(tf.TensorShape([2, 3]), dtype=tf.float64)",
    "[tf.random_uniform([2]), tf.random_uniform([2]), tf.random_normal([2], seed=0)]",
    "tf.random_normal([2, 3], 1.0, 2.0)",
    "tf.random.normal([2], mean=[1.0, 2.0], dtype=tf.float16)",
    "tf.truncated_normal([2, 3], seed=3)",
    "tf.random_shuffle([1, 2, 3])",
    "tf.random_crop(tf.zeros([5, 6, 3]), [2, 2, 3])",
    "tf.random_crop(tf.placeholder(tf.float32, [None, 6]), [2, 2], seed=4)",
    "tf.multinomial([[1.0, 2.0]], 3)",
    "tf.random.categorical([[1.0, 2.0]], 3, dtype=tf.int32, seed=3)",
    "tf.random_gamma([2], [0.5, 1.0], seed=3)",
    "tf.random_gamma([2], [0.5, 1.0], [[3.0], [4.0]], dtype=tf.float64)",
    "tf.random_poisson([0.5, 1.0], [2], seed=3)",
    "tf.random.poisson(tf.constant([1, 2]), [2], dtype=tf.int32)",
    "tf.random.stateless_uniform([2], [1, 2])",
    "tf.random.stateless_uniform([2], [1, 2], -1, 3)",
    "tf.random.stateless_uniform([2], [1, 2], 0, 3, dtype=tf.int32)",
    "tf.random.stateless_normal([2], [1, 2])",
    "tf.random.stateless_truncated_normal([2], [1, 2])",
    "tf.random.stateless_multinomial([[1.0, 2.0]], 2, [1, 2])",
    "tf.random.stateless_categorical([[1.0, 2.0]], 2, [1, 2])",
    "tf.nn.uniform_candidate_sampler(%s, 1, 3, True, 10)" % TRUE,
    "tf.nn.log_uniform_candidate_sampler(%s, 1, 3, True, 10, seed=4)" % TRUE,
    "tf.nn.learned_unigram_candidate_sampler(%s, 1, 3, True, 10)" % TRUE,
    "tf.nn.fixed_unigram_candidate_sampler(%s, 1, 3, True, 3, unigrams=[1.0, 2.0, 3.0])" % TRUE,
    "tf.random.all_candidate_sampler(%s, 1, 3, True)" % TRUE,
    "tf.nn.compute_accidental_hits(%s, [1, 2, 3], 1)" % TRUE,
]
# Samples with an offset: the product and the sum are to be rounded one after the other.
VALUES = [
    "tf.random_uniform([1000], -0.3, 0.3, seed=1)",
    "tf.random_normal([1000], 1.0, 0.1, seed=2)",
    "tf.truncated_normal([1000], 0.5, 0.2, seed=3)",
    "tf.random_uniform([1000], 3, 1000, dtype=tf.int64, seed=3)",
    "tf.random.stateless_uniform([1000], [1, 2], -0.3, 0.3)",
    "tf.random.stateless_normal([1000], [1, 2], 1.0, 0.1)",
    "tf.random.stateless_truncated_normal([1000], [1, 2], 0.5, 0.2)",
]
GRAPH_SEEDS = [None, 0, 5, -3, 2**35 + 3]
OP_SEEDS = [None, 0, 5, 2**31 - 1, 2**31, 2**33 + 1, -1]


def describe(node):
    """Returns what must agree of a node."""
    attrs = {k: node.get_attr(k) for k in ("seed", "seed2") if k in node.node_def.attr}
    shapes = [o.shape.as_list() if o.shape.ndims is not None else None for o in node.outputs]
    return [
        node.name,
        node.type,
        [tensor.name for tensor in node.inputs],
        [control.name for control in node.control_inputs],
        attrs,
        [o.dtype.name for o in node.outputs],
        shapes,
    ]


def nodes(tf, call, graph_seed):
    """Makes a call in a new graph and describes the graph."""
    with tf.Graph().as_default() as graph:
        if graph_seed is not None:
            tf.set_random_seed(graph_seed)
        eval(call, {"tf": tf})
    return [describe(node) for node in graph.get_operations()]


def seeds(tf, graph_seed, op_seed):
    """Returns the seeds of a node that comes after one other."""
    with tf.Graph().as_default():
        if graph_seed is not None:
            tf.set_random_seed(graph_seed)
        tf.constant(1)
        return list(tf.get_seed(op_seed))


def checksums(tf, call):
    """Runs a call's node twice in one session."""
    with tf.Graph().as_default():
        tensor = eval(call, {"tf": tf})
        with tf.Session() as session:
            return [zlib.crc32(session.run(tensor).tobytes()) for _ in range(2)]


def main():
    import tensorflow as tf

    graphs = {call: [nodes(tf, call, seed) for seed in (None, 5)] for call in CALLS}
    pairs = [[g, o, seeds(tf, g, o)] for g in GRAPH_SEEDS for o in OP_SEEDS]
    sums = {call: checksums(tf, call) for call in VALUES}
    recorded = {"graphs": graphs, "seeds": pairs, "values": sums}
    with open(os.path.join(HERE, "random_nodes.json"), "w") as file:
        json.dump(recorded, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
