"""Records the nodes made for variables: run under TensorFlow 1.15, writes state_nodes.json.

`GRAPHS` holds functions of the `tf` module, which the test calls with Millstream.
"""

import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ONES = np.ones((4, 3), np.float32)
INITIALIZERS = {
    "zeros": lambda tf: tf.initializers.zeros(),
    "ones": lambda tf: tf.initializers.ones(),
    "constant": lambda tf: tf.initializers.constant([1, 2, 3]),
    "uniform": lambda tf: tf.initializers.random_uniform(-1, 2),
    "normal": lambda tf: tf.initializers.random_normal(seed=3),
    "truncated": lambda tf: tf.initializers.truncated_normal(0, 0.1),
    "unit_scaling": lambda tf: tf.initializers.uniform_unit_scaling(),
    "variance": lambda tf: tf.initializers.variance_scaling(),
    "untruncated": lambda tf: tf.initializers.variance_scaling(
        mode="fan_avg", distribution="untruncated_normal"
    ),
    "glorot_normal": lambda tf: tf.initializers.glorot_normal(),
    "glorot_uniform": lambda tf: tf.initializers.glorot_uniform(),
    "he_normal": lambda tf: tf.initializers.he_normal(),
    "lecun_uniform": lambda tf: tf.initializers.lecun_uniform(),
}


def variables(tf):
    tf.Variable(ONES, name="w")
    tf.Variable(tf.zeros([2, 3]))
    tf.Variable(lambda: tf.zeros([2, 3]), name="w")
    tf.Variable(1.0)
    tf.Variable(tf.placeholder(tf.float32), validate_shape=False)
    tf.global_variables_initializer()
    tf.local_variables_initializer()
    tf.count_up_to(tf.Variable(0), 3)
    tf.train.get_or_create_global_step()


def resource_variables(tf):
    tf.Variable(ONES, name="w", use_resource=True)
    tf.Variable(lambda: tf.zeros([2, 3]), name="w", use_resource=True)
    tf.get_variable("v", [2, 3], use_resource=True)
    tf.get_variable("c", [4, 3], caching_device="/cpu:0", use_resource=True)


def scopes(tf):
    tf.get_variable("w", [2, 3])
    tf.get_variable("i", [2, 3], dtype=tf.int32)
    tf.get_variable("r", [2, 3], regularizer=lambda x: tf.reduce_sum(x))
    tf.get_variable("c", [4, 3], caching_device="/cpu:0")
    tf.get_variable("k", initializer=ONES)
    with tf.variable_scope("a"):
        with tf.name_scope("b"):
            tf.get_variable("w", [2, 3])
            tf.Variable(1.0, name="v")
    with tf.variable_scope("a", reuse=True):
        tf.get_variable("w", [2, 3]) * 2
    for _ in range(2):
        with tf.variable_scope(None, "d"):
            tf.get_variable("w", [1])
    with tf.variable_scope("a", auxiliary_name_scope=False) as scope:
        tf.get_variable("x", [1])
    with tf.variable_scope("e"), tf.variable_scope(scope):
        tf.get_variable("y", [1]) + 1


def partitioned(tf):
    w = tf.get_variable("w", [5, 3], partitioner=tf.fixed_size_partitioner(2))
    tf.identity(w)
    tf.matmul(w, tf.ones([3, 1]))
    tf.get_variable("v", initializer=ONES, shape=None) * 2
    with tf.variable_scope("s", partitioner=tf.min_max_variable_partitioner(3, 0, 16)):
        tf.get_variable("w", [5, 2])
    tf.create_partitioned_variables([4, 2], [2, 1], tf.zeros_initializer())


def methods(tf, use_resource=False):
    w = tf.get_variable("w", initializer=ONES, use_resource=use_resource)
    w.assign(ONES)
    w.assign_add(ONES)
    w.assign_sub(w)
    w.assign(ONES, read_value=False)
    slices = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]))
    w.scatter_add(slices)
    w.scatter_update(slices)
    w.value()
    w.read_value()
    w[0]
    w[1:2].assign(np.ones((1, 3)))
    w.scatter_nd_add([[0]], np.ones((1, 3), np.float32))
    tf.is_variable_initialized(w)
    tf.scatter_add(w, [0], np.ones((1, 3)))
    tf.scatter_nd_update(w, [[0]], np.ones((1, 3)))
    tf.assign(w, ONES)
    tf.assign_add(w, ONES)
    tf.assign_sub(w, ONES)
    w + 1.0
    1.0 - w
    tf.identity(w)
    tf.gather(w, [0])
    tf.gather_nd(w, [[0]])
    tf.report_uninitialized_variables()
    tf.assert_variables_initialized()


def resource_methods(tf):
    methods(tf, True)


def templates(tf):
    scale = tf.make_template("t", lambda x: x * tf.get_variable("w", [2]))
    scale(1.0)
    scale(2.0)
    now = tf.make_template("n", lambda x: x * tf.get_variable("w", [2]), create_scope_now_=True)
    with tf.name_scope("q"):
        now(1.0)
    now(2.0)


def embeddings(tf):
    a, b = tf.get_variable("a", [4, 3]), tf.get_variable("b", [4, 3])
    tf.nn.embedding_lookup([a, b], [0, 1, 2])
    tf.nn.embedding_lookup([a, b], [[0, 1, 2]], partition_strategy="div")
    tf.nn.embedding_lookup(a, [0, 1, 2], max_norm=1.0)
    r = tf.get_variable("r", [4, 3], use_resource=True)
    tf.nn.embedding_lookup(r, [0, 1])
    ids = tf.SparseTensor([[0, 0]], [1], [1, 1])
    for combiner in ("sum", "mean", "sqrtn"):
        tf.nn.embedding_lookup_sparse(a, ids, None, combiner=combiner)
        weights = tf.SparseTensor([[0, 0]], [1.0], [1, 1])
        tf.nn.embedding_lookup_sparse(a, ids, weights, combiner=combiner)


def clipping(tf):
    x, y = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [None, 3])
    slices = tf.IndexedSlices(x, tf.constant([0, 1]))
    tf.clip_by_value(x, -1.0, 1.0)
    tf.clip_by_value(slices, -1.0, 1.0)
    tf.clip_by_norm(y, 1.0, axes=[1])
    tf.clip_by_norm(slices, 1.0)
    tf.clip_by_average_norm(x, 1.0)
    tf.global_norm([x, None, slices])
    tf.clip_by_global_norm([x, None, slices], 5.0)
    tf.clip_by_global_norm([x], 5.0, use_norm=tf.constant(2.0))


def initializers(tf):
    for name in sorted(INITIALIZERS):
        INITIALIZERS[name](tf)([4, 3])
        INITIALIZERS[name](tf)([2, 2, 3, 4], dtype=tf.float64)


GRAPHS = {
    f.__name__: f
    for f in (
        variables, resource_variables, scopes, partitioned, methods, resource_methods, templates,
        embeddings, clipping, initializers,
    )
}  # fmt: skip
ATTRS = ("shape", "dtype", "shared_name", "container", "seed", "seed2", "validate_shape")


def describe(op, attr_names):
    """Returns one node as a line of text."""
    attrs = []
    for name in ATTRS:
        if name in attr_names and op.type != "Const":
            value = op.get_attr(name)
            attrs.append(
                "%s=%s" % (name, [d.size for d in value.dim] if name == "shape" else value)
            )
    parts = [op.name, op.type, " ".join(t.name for t in op.inputs)]
    parts += [" ".join(sorted(c.name for c in op.control_inputs))]
    parts += [" ".join(g.decode() for g in op.colocation_groups()), op.device, " ".join(attrs)]
    return "|".join(parts).replace("<dtype: '", "tf.").replace("'>", "")


def main():
    import tensorflow.compat.v1 as tf

    out = {}
    for name, build in GRAPHS.items():
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(7)
            build(tf)
            ops = graph.get_operations()
            out[name] = [describe(op, op.node_def.attr) for op in ops]
    with open(os.path.join(HERE, "state_nodes.json"), "w") as file:
        json.dump(out, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main()
