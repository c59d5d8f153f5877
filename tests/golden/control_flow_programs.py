"""Programs with branches and loops, for TensorFlow 1.15 and Millstream alike.

Each is a function of the module `tf` and returns (fetches, list of feeds by placeholder). The file
is read by Python 3.7 too.
"""

import numpy as np

PROGRAMS = {}
TWO = [1.0, 2.0]


def program(function):
    """Adds a function to the programs, under its name."""
    PROGRAMS[function.__name__] = function
    return function


def _x(tf):
    return tf.placeholder(tf.float32, [None], name="x")


def _w(tf):
    return tf.Variable([2.0, 3.0], name="w")


def _matrix(tf):
    return tf.Variable(np.array([[0.3, -0.4], [0.5, 0.2]], np.float32), name="W")


@program
def cond_gradient(tf):
    x, w = _x(tf), _w(tf)
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.sin(x) * w, lambda: tf.exp(x))
    (dx, dw) = tf.gradients(y, [x, w])
    return [y, dx, dw] + tf.gradients(dx, [x]), [{x: TWO}, {x: [-1.0, -2.0]}]


@program
def nested_cond(tf):
    x = _x(tf)
    y = tf.cond(
        x[0] > 1.0, lambda: x * 2, lambda: tf.cond(x[0] > 0.0, lambda: x - 1, lambda: x + 10)
    )
    return [y] + tf.gradients(y, [x]), [{x: [2.0]}, {x: [0.5]}, {x: [-1.0]}]


@program
def cond_structures(tf):
    x = _x(tf)
    y = tf.cond(
        x[0] > 0,
        lambda: {"a": x, "b": (x + 1, tf.constant(3))},
        lambda: {"a": -x, "b": (x, tf.constant(4))},
    )
    return [y["a"], y["b"][0], y["b"][1]], [{x: TWO}, {x: [-1.0]}]


@program
def cond_of_sparse(tf):
    x = _x(tf)
    y = tf.cond(
        x[0] > 0,
        lambda: tf.SparseTensor([[0]], x[:1], [2]),
        lambda: tf.SparseTensor([[0], [1]], [5.0, 6.0], [2]),
    )
    return [y.indices, y.values, y.dense_shape], [{x: TWO}, {x: [-1.0]}]


@program
def only_the_taken_branch_assigns(tf):
    x, w = _x(tf), _w(tf)
    done = tf.cond(x[0] > 0, lambda: tf.assign_add(w, x), lambda: tf.assign(w, [0.0, 0.0]))
    with tf.control_dependencies([done]):
        after = w.read_value() if hasattr(w, "handle") else tf.identity(w)
    return [after], [{x: TWO}, {x: TWO}, {x: [-1.0, 0.0]}]


@program
def loop_gradient(tf):
    x, w = _x(tf), _w(tf)
    z = tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.sin(a) * w), (0, x))[1]
    return [z] + tf.gradients(z, [x, w]), [{x: TWO}]


@program
def recurrent_loop(tf):
    x, weights = _x(tf), _matrix(tf)
    b = tf.Variable([0.1, 0.2])
    n = tf.placeholder_with_default(4, [])

    def body(i, h):
        return i + 1, tf.tanh(tf.nn.bias_add(tf.matmul(h, weights), b))

    h = tf.while_loop(lambda i, h: i < n, body, (0, x[None]))[1]
    return [h] + tf.gradients(h, [x, weights, b]), [{x: TWO}, {x: TWO, n: 5}, {x: TWO, n: 0}]


@program
def loop_until_small(tf):
    x, weights = _x(tf), _matrix(tf)

    def body(i, h):
        return i + 1, 0.5 * tf.tanh(tf.matmul(h, weights))

    i, h = tf.while_loop(lambda i, h: tf.reduce_sum(h * h) > 0.01, body, (0, x[None]))
    return [i, h] + tf.gradients(h, [x, weights]), [{x: TWO}, {x: [0.001, 0.0]}]


@program
def loop_in_loop(tf):
    x, w = _x(tf), _w(tf)

    def inner(n, a):
        return tf.while_loop(lambda j, b: j < n, lambda j, b: (j + 1, tf.sin(b) * w), (0, a))[1]

    z = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, inner(i, a) + 1), (0, x))[1]
    return [z] + tf.gradients(z, [x, w]), [{x: TWO}]


@program
def cond_in_loop(tf):
    x, w = _x(tf), _w(tf)

    def body(i, a):
        odd = tf.equal(i % 2, 1)
        return i + 1, tf.cond(odd, lambda: tf.exp(a * 0.1), lambda: tf.sin(a) * w)

    z = tf.while_loop(lambda i, a: i < 4, body, (0, x))[1]
    return [z] + tf.gradients(z, [x, w]), [{x: TWO}]


@program
def loop_in_cond(tf):
    x, w = _x(tf), _w(tf)

    def loop():
        return tf.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, tf.sin(a) * w), (0, x))[1]

    z = tf.cond(x[0] > 0, loop, lambda: x * w)
    return [z] + tf.gradients(z, [x, w]), [{x: TWO}, {x: [-1.0, 2.0]}]


@program
def arrays_in_loop(tf):
    x, w = _x(tf), _w(tf)
    taken = tf.TensorArray(tf.float32, 4).unstack(tf.stack([x, 2 * x, 3 * x, 4 * x]))

    def body(i, a, made):
        return i + 1, tf.sin(a + taken.read(i)) * w, made.write(i, a * a)

    start = (0, x, tf.TensorArray(tf.float32, 4))
    _, a, made = tf.while_loop(lambda i, a, made: i < 4, body, start)
    stacked = made.stack()
    return [a, stacked] + tf.gradients([a, stacked], [x, w]), [{x: TWO}]


@program
def table_in_loop(tf):
    x = _x(tf)
    table = tf.Variable(np.linspace(-1, 1, 10).reshape(5, 2).astype(np.float32))

    def body(i, a):
        return i + 1, a * tf.nn.embedding_lookup(table, [i, i + 1])

    a = tf.while_loop(lambda i, a: i < 4, body, (0, tf.ones([2, 2]) * x))[1]
    dtable, dx = tf.gradients(a, [table, x])
    return [a, tf.convert_to_tensor(dtable), dx], [{x: TWO}]


@program
def loop_of_growing_value(tf):
    x = _x(tf)
    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    y = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, tf.concat([a, 2 * a], 0)), (0, x), shapes
    )[1]
    return [y] + tf.gradients(y * y, [x]), [{x: TWO}]


@program
def loop_with_maximum(tf):
    x = _x(tf)
    y = tf.while_loop(lambda a: a[0] < 100.0, lambda a: a * 2, [x], maximum_iterations=3)
    return [y] + tf.gradients(y, [x]), [{x: TWO}, {x: [60.0]}]


@program
def random_in_loop(tf):
    tf.set_random_seed(7)
    x = _x(tf)
    before = tf.random_uniform([2])
    y = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.random_uniform([2])), (0, tf.zeros([2]))
    )[1]
    z = tf.cond(x[0] > 0, lambda: tf.random_normal([2]), lambda: tf.zeros([2]))
    after = tf.random_uniform([2])
    return [before, y, z, after], [{x: TWO}, {x: [-1.0]}, {x: TWO}]


@program
def cases(tf):
    x = _x(tf)
    pairs = [(x[0] > 1, lambda: x * 2), (x[0] > 0, lambda: x * 3)]
    y = tf.case(pairs, default=lambda: -x)
    z = tf.switch_case(tf.cast(x[0], tf.int32), [lambda: x + 1, lambda: x + 2, lambda: x + 3])
    return [y, z] + tf.gradients(y, [x]), [{x: [v]} for v in (2.0, 0.5, -3.0, 1.0, 9.0)]
