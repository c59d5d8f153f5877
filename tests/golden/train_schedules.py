"""Records learning rates and averages: run under TensorFlow 1.15, writes train_schedules.json.

`SCHEDULES` and `average` are called by the test, too.
"""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = [0, 1, 7, 50, 99, 100, 101, 150, 250, 1000]
SCHEDULES = {
    "exponential": lambda t, s: t.exponential_decay(0.1, s, 100, 0.9),
    "exponential_stairs": lambda t, s: t.exponential_decay(0.1, s, 100, 0.9, staircase=True),
    "natural": lambda t, s: t.natural_exp_decay(0.1, s, 100, 0.9),
    "natural_stairs": lambda t, s: t.natural_exp_decay(0.1, s, 100, 0.9, staircase=True),
    "inverse": lambda t, s: t.inverse_time_decay(0.1, s, 100, 0.9),
    "inverse_stairs": lambda t, s: t.inverse_time_decay(0.1, s, 100, 0.9, staircase=True),
    "polynomial": lambda t, s: t.polynomial_decay(0.1, s, 100),
    "polynomial_square": lambda t, s: t.polynomial_decay(0.1, s, 100, 0.02, power=2.0),
    "cosine": lambda t, s: t.cosine_decay(0.1, s, 100, alpha=0.01),
    "linear_cosine": lambda t, s: t.linear_cosine_decay(0.1, s, 100, num_periods=1.5),
    # TensorFlow makes these of conditionals, so their nodes are not compared.
    "polynomial_cycle": lambda t, s: t.polynomial_decay(0.1, s, 100, cycle=True),
    "piecewise": lambda t, s: t.piecewise_constant(s, [7, 100], [1.0, 0.5, 0.1]),
    "restarts": lambda t, s: t.cosine_decay_restarts(0.1, s, 60, m_mul=0.9, alpha=0.02),
    "restarts_alike": lambda t, s: t.cosine_decay_restarts(0.1, s, 60, t_mul=1.0),
}
CONDITIONAL = ("polynomial_cycle", "piecewise", "restarts", "restarts_alike")
AVERAGES = {
    "plain": {},
    "young": {"num_updates": 3},
    "debiased": {"zero_debias": True},
}


def average(tf, name, use_resource):
    """Averages a variable and a tensor for four steps; returns all variables by name."""
    w = tf.Variable([1.0, 2.0], name="w", use_resource=use_resource)
    x = tf.multiply(w, 3.0, name="x")
    update = tf.train.ExponentialMovingAverage(0.9, **AVERAGES[name]).apply([w, x])
    with tf.control_dependencies([update]):
        step = w.assign_add([0.5, 0.25])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(step)
        found = session.run({v.name: v.read_value() for v in tf.global_variables()})
    return {k: v.ravel().tolist() for k, v in found.items()}


def nodes(graph):
    """Returns the nodes as lines of text."""
    return [
        "|".join([op.name, op.type, " ".join(t.name for t in op.inputs)])
        for op in graph.get_operations()
    ]


def main():
    import tensorflow.compat.v1 as tf

    out = {"values": {}, "nodes": {}, "averages": {}}
    for name, build in SCHEDULES.items():
        with tf.Graph().as_default() as graph, tf.Session() as session:
            step = tf.placeholder(tf.int64, [], name="step")
            rate = build(tf.train, step)
            if name not in CONDITIONAL:
                out["nodes"][name] = nodes(graph)
            out["values"][name] = [float(session.run(rate, {step: s})) for s in STEPS]
    for name in AVERAGES:
        for use_resource in (False, True):
            with tf.Graph().as_default():
                key = "%s/%s" % (name, "resource" if use_resource else "ref")
                out["averages"][key] = average(tf, name, use_resource)
    with open(os.path.join(HERE, "train_schedules.json"), "w") as file:
        json.dump(out, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main()
