"""Records trainings by optimizers: run under TensorFlow 1.15, writes train_optimizers.json.

Each entry holds the nodes that are not gradients', and the variables after five steps. `train` is
what the test calls with Millstream.
"""

import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 5
OPTIMIZERS = {
    "sgd": lambda t: t.GradientDescentOptimizer(0.1),
    "momentum": lambda t: t.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda t: t.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda t: t.AdagradOptimizer(0.1),
    "adagrad_da": lambda t: t.AdagradDAOptimizer(
        0.1, t.get_or_create_global_step(), l1_regularization_strength=0.01
    ),
    "adadelta": lambda t: t.AdadeltaOptimizer(0.5),
    "rmsprop": lambda t: t.RMSPropOptimizer(0.1, momentum=0.3),
    "centered": lambda t: t.RMSPropOptimizer(0.1, centered=True),
    "adam": lambda t: t.AdamOptimizer(0.1),
    "ftrl": lambda t: t.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ftrl_shrinkage": lambda t: t.FtrlOptimizer(
        0.1, l2_regularization_strength=0.1, l2_shrinkage_regularization_strength=0.2
    ),
    "proximal_adagrad": lambda t: t.ProximalAdagradOptimizer(0.1, l1_regularization_strength=0.01),
    "proximal_sgd": lambda t: t.ProximalGradientDescentOptimizer(
        0.1, l2_regularization_strength=0.1
    ),
}


def build(tf, name, use_resource):
    """Builds a model with a dense and a sparse gradient, and returns what a step fetches."""
    start = np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2)
    table = tf.get_variable("table", initializer=start, use_resource=use_resource)
    w = tf.get_variable("w", initializer=start[:2] + 0.3, use_resource=use_resource)
    rows = tf.nn.embedding_lookup(table, [1, 3, 1])
    loss = tf.reduce_mean(tf.square(tf.matmul(rows, w) - 0.5))
    step = tf.train.get_or_create_global_step()
    return OPTIMIZERS[name](tf.train).minimize(loss, global_step=step)


def train(tf, name, use_resource):
    """Runs the steps; returns the variables by name, flat."""
    step = build(tf, name, use_resource)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            session.run(step)
        values = session.run({v.name: v.read_value() for v in tf.global_variables()})
    return {k: np.ravel(v).tolist() for k, v in values.items()}


def describe(op):
    """Returns one node as a line of text, gradients as `gradients`."""
    inputs = [t.name.split("/")[0] if t.name.startswith("gradients") else t.name for t in op.inputs]
    control = sorted(c.name for c in op.control_inputs)
    classes = " ".join(g.decode() for g in op.colocation_groups())
    return "|".join([op.name, op.type, " ".join(inputs), " ".join(control), classes])


def nodes(graph):
    """Returns the nodes that are not gradients'."""
    found = [op for op in graph.get_operations() if not op.name.startswith("gradients")]
    return [describe(op) for op in found]


def main():
    import tensorflow.compat.v1 as tf

    out = {}
    for name in OPTIMIZERS:
        for use_resource in (False, True):
            with tf.Graph().as_default() as graph:
                build(tf, name, use_resource)
                made = nodes(graph)
            with tf.Graph().as_default():
                values = train(tf, name, use_resource)
            key = "%s/%s" % (name, "resource" if use_resource else "ref")
            out[key] = {"nodes": made, "values": values}
    with open(os.path.join(HERE, "train_optimizers.json"), "w") as file:
        json.dump(out, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main()
