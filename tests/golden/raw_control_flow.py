"""Records GraphDefs with TensorFlow 1.x's control flow, and what they give: raw_control_flow.npz.

Run under a TensorFlow 1.15 interpreter: python tests/golden/raw_control_flow.py
"""

import json
import os
import zlib

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {}


def case(fn):
    CASES[fn.__name__] = fn
    return fn


def ramp(*shape, scale=1.0):
    count = int(np.prod(shape))
    return (np.sin(np.arange(count) * 0.7) * scale).reshape(shape).astype(np.float32)


def variable(name, *shape, scale=0.5):
    return tf.get_variable(name, initializer=tf.constant(ramp(*shape, scale=scale)))


def of_x(fn, *shape):
    """Gives a case's graph: fetches `y` and its gradient, fed `x`."""
    x = tf.placeholder(tf.float32, shape, name="x")
    y = tf.identity(fn(x), name="y")
    tf.identity(tf.gradients(y * y, x)[0], name="dx")
    return [{"x:0": ramp(*shape)}], ["y:0", "dx:0"]


@case
def cond():
    x = tf.placeholder(tf.float32, [3], name="x")
    w = variable("w", 3)
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * w, lambda: tf.exp(x), name="choice")
    tf.identity(y, name="y")
    tf.identity(tf.gradients(y, x)[0], name="dx")
    return [{"x:0": ramp(3)}, {"x:0": -ramp(3)}], ["y:0", "dx:0"]


@case
def cond_of_parts():
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.control_dependencies([x]):
        one = tf.constant(1.0)
    a, b = tf.cond(x > 0, lambda: (x, one), lambda: (one, x * 2))
    tf.identity(a, name="a")
    tf.identity(b, name="b")
    tf.identity(tf.gradients(a * b, x)[0], name="dx")
    return [{"x:0": np.float32(2)}, {"x:0": np.float32(-3)}], ["a:0", "b:0", "dx:0"]


@case
def nested_conds():
    x = tf.placeholder(tf.float32, [], name="x")
    inner = lambda: tf.cond(x > 5, lambda: x * x, lambda: x + 1)  # noqa: E731
    y = tf.identity(tf.cond(x > 0, inner, lambda: -x), name="y")
    tf.identity(tf.gradients(y, x)[0], name="dx")
    return [{"x:0": np.float32(v)} for v in (7, 2, -3)], ["y:0", "dx:0"]


@case
def cond_that_assigns():
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(1.0, name="v")
    r = tf.get_variable("r", initializer=2.0, use_resource=True)
    y = tf.cond(x > 0, lambda: tf.assign_add(v, x), lambda: r.assign_sub(x).read_value())
    tf.identity(y, name="y")
    with tf.control_dependencies([y]):
        tf.add(v.read_value() * 100, r.read_value(), name="both")
    return [{"x:0": np.float32(v)} for v in (7, -2, 1)], ["y:0", "both:0"]


@case
def case_of_three():
    x = tf.placeholder(tf.float32, [], name="x")
    pairs = [(x < 0, lambda: -x), (x < 10, lambda: x * 2)]
    tf.identity(tf.case(pairs, default=lambda: x * x), name="y")
    return [{"x:0": np.float32(v)} for v in (-3, 4, 12)], ["y:0"]


@case
def loop():
    return of_x(
        lambda x: tf.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, v * x), (0, x))[1], 3
    )


@case
def loop_with_matmul():
    def fn(x):
        w = variable("w", 3, 3)
        step = lambda i, v: (i + 1, tf.tanh(tf.matmul(v, w)))  # noqa: E731
        return tf.while_loop(lambda i, v: i < 5, step, (0, x))[1]

    return of_x(fn, 2, 3)


@case
def loop_until_large():
    def fn(x):
        go_on = lambda v: tf.reduce_sum(v * v) < 50  # noqa: E731
        return tf.while_loop(go_on, lambda v: v * 1.5 + tf.sin(v), [x])

    return of_x(fn, 3)


@case
def loop_that_never_runs():
    return of_x(
        lambda x: tf.while_loop(lambda i, v: i < 0, lambda i, v: (i + 1, v * x), (0, x))[1], 2
    )


@case
def nested_loops():
    def fn(x):
        def outer(i, v):
            inner = tf.while_loop(lambda j, u: j < i, lambda j, u: (j + 1, u * x), (0, v))[1]
            return i + 1, inner + tf.sin(v)

        return tf.while_loop(lambda i, v: i < 3, outer, (0, x))[1]

    return of_x(fn, 2)


@case
def loop_in_cond():
    x = tf.placeholder(tf.float32, [], name="x")
    looped = lambda: tf.while_loop(lambda v: v < 20, lambda v: v * x, [x + 1])  # noqa: E731
    y = tf.identity(tf.cond(x > 1, looped, lambda: x * 3), name="y")
    tf.identity(tf.gradients(y, x)[0], name="dx")
    return [{"x:0": np.float32(2)}, {"x:0": np.float32(0.5)}], ["y:0", "dx:0"]


@case
def cond_in_loop():
    def fn(x):
        def step(i, v):
            even = tf.equal(i % 2, 0)
            return i + 1, tf.cond(even, lambda: v * x, lambda: tf.sin(v))

        return tf.while_loop(lambda i, v: i < 5, step, (0, x))[1]

    return of_x(fn, 3)


@case
def arrays_in_loop():
    def fn(x):
        given = tf.TensorArray(tf.float32, 4).unstack(x)
        made = tf.TensorArray(tf.float32, 4)
        step = lambda i, s, a: (i + 1, s + given.read(i), a.write(i, s * given.read(i)))  # noqa: E731
        given = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x)
        _, total, made = tf.while_loop(lambda i, *_: i < 4, step, (0, x[0], made))
        return made.stack() + total

    return of_x(fn, 4, 2)


@case
def map_fn():
    return of_x(lambda x: tf.map_fn(lambda row: tf.tanh(row) * tf.reduce_sum(row), x), 3, 2)


@case
def scan():
    return of_x(lambda x: tf.scan(lambda a, row: tf.sin(a) + row * a, x), 4, 2)


@case
def fold():
    return of_x(
        lambda x: tf.foldl(lambda a, row: a * row + a, x) + tf.foldr(lambda a, r: a - r * a, x),
        3,
        2,
    )


@case
def growing_array():
    def fn(x):
        made = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        step = lambda i, a: (i + 1, a.write(i, x * tf.to_float(i)))  # noqa: E731
        return tf.while_loop(lambda i, a: i < 3, step, (0, made))[1].stack()

    return of_x(fn, 2)


@case
def dynamic_rnn_training():
    x = tf.placeholder(tf.float32, [None, 5, 2], name="x")
    cell = tf.nn.rnn_cell.LSTMCell(3, initializer=tf.constant_initializer(ramp(5, 12, scale=0.3)))
    outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    loss = tf.reduce_mean(tf.square(outputs)) + tf.reduce_sum(state.h * state.c)
    tf.identity(loss, name="loss")
    train = tf.train.AdamOptimizer(0.05).minimize(loss, name="train")
    with tf.control_dependencies([train]):
        tf.no_op(name="after")
    feeds = [{"x:0": ramp(4, 5, 2)}, {"x:0": ramp(2, 5, 2)}, {"x:0": ramp(4, 5, 2, scale=2.0)}]
    return feeds, ["loss:0", "after"]


@case
def dynamic_rnn_with_lengths():
    x = tf.placeholder(tf.float32, [3, None, 2], name="x")
    lengths = tf.placeholder(tf.int32, [3], name="lengths")
    cell = tf.nn.rnn_cell.BasicRNNCell(3)
    with tf.variable_scope("", initializer=tf.constant_initializer(ramp(5, 3, scale=0.4))):
        outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
    loss = tf.reduce_sum(outputs * outputs) + tf.reduce_sum(state)
    outputs = tf.identity(outputs, name="outputs")
    dx = tf.identity(tf.gradients(loss, x)[0], name="dx")
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    found = optimizer.compute_gradients(loss)
    with tf.control_dependencies([outputs, dx]):
        optimizer.apply_gradients([(tf.identity(g), v) for g, v in found], name="train")
    feeds = [
        {"x:0": ramp(3, 4, 2), "lengths:0": np.array([4, 2, 0], np.int32)},
        {"x:0": ramp(3, 2, 2), "lengths:0": np.array([1, 2, 2], np.int32)},
    ]
    return feeds, ["outputs:0", "dx:0", "train"]


@case
def variable_in_loop():
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.get_variable("v", initializer=1.0, use_resource=True)

    def step(i):
        with tf.control_dependencies([v.assign_add(x)]):
            return i + 1

    done = tf.while_loop(lambda i: i < 3, step, [0])
    with tf.control_dependencies([done]):
        tf.identity(v.read_value(), name="y")
    return [{"x:0": np.float32(2)}, {"x:0": np.float32(0.5)}], ["y:0"]


@case
def raw_switch_and_merge():
    from tensorflow.python.ops import control_flow_ops

    x = tf.placeholder(tf.float32, [], name="x")
    low, high = control_flow_ops.switch(x, x > 0)
    merged, index = control_flow_ops.merge([tf.sin(low), tf.exp(high), high * 2])
    tf.identity(index, name="index_of_some")
    low, high = control_flow_ops.switch(x, x > 0)
    merged, index = control_flow_ops.merge([low * 3, high - 1])
    tf.identity(merged, name="y")
    tf.identity(index, name="index")
    return [{"x:0": np.float32(2)}, {"x:0": np.float32(-1)}], ["y:0", "index:0"]


def record(fn):
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        feeds, fetches = fn()
        init = tf.global_variables_initializer()
        results = []
        with tf.Session() as session:
            session.run(init)
            for feed in feeds:
                values = session.run([graph.as_graph_element(f) for f in fetches], feed)
                results.append([None if v is None else np.asarray(v).tolist() for v in values])
        lists = [
            {k: [np.asarray(v).dtype.name, np.asarray(v).tolist()] for k, v in f.items()}
            for f in feeds
        ]
        return graph.as_graph_def().SerializeToString(), {
            "init": init.name,
            "feeds": lists,
            "fetches": fetches,
            "results": results,
        }


def main():
    graphs, facts = {}, {}
    for name, fn in sorted(CASES.items()):
        graph, facts[name] = record(fn)
        graphs[name] = np.frombuffer(zlib.compress(graph, 9), np.uint8)
    with open(os.path.join(HERE, "raw_control_flow.json"), "w") as out:
        json.dump(facts, out, sort_keys=True)
    np.savez(os.path.join(HERE, "raw_control_flow.npz"), **graphs)


if __name__ == "__main__":
    main()
