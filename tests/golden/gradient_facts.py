"""Small programs about gradients, and what they give under TF 1.15: values, classes, placement.

python tests/golden/gradient_facts.py          (with an interpreter that has TensorFlow 1.15)
"""

import json
import os

import numpy as np

FACTS = {}


def fact(function):
    FACTS[function.__name__] = function
    return function


def tried(function):
    """Returns what the function gives, or the class of the error that it raises."""
    try:
        return function()
    except Exception as error:
        return "raises " + type(error).__name__


def valued(tf, grads):
    """Runs gradients, and describes each: its kind and value."""
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for grad in grads:
            value = None if grad is None else session.run(grad)
            if isinstance(grad, tf.IndexedSlices):
                shape = None if value.dense_shape is None else value.dense_shape.tolist()
                rounded = np.round(np.asarray(value.values, np.float64), 4).tolist()
                value = ["slices", rounded, value.indices.tolist(), shape]
            elif value is not None and np.iscomplexobj(value):
                value = ["complex", *(np.round(v, 4).tolist() for v in (value.real, value.imag))]
            elif value is not None:
                value = np.round(np.asarray(value, np.float64), 4).tolist()
            found.append(value)
    return found


@fact
def sums_over_targets(tf):
    x, z = tf.constant([1.0, 2.0]), tf.constant(3.0)
    y, w = x * x, z * x
    return valued(tf, tf.gradients([y, w], [x, z]) + tf.gradients([y, y], x) + tf.gradients(x, x))


@fact
def given_gradients(tf):
    x = tf.constant([1.0, 2.0])
    y, w = x * x, 3.0 * x
    ones = tf.constant([1.0, 10.0])
    grads = tf.gradients([y, w], x, grad_ys=[ones, None]) + tf.gradients(y, x, ones)
    grads += tf.gradients(y, x, [[5.0, 6.0]])
    integer, complex_ = tf.constant([1, 2]), tf.constant([1j, 2])
    calls = [
        lambda: tf.gradients([y, w], x, [ones]),
        lambda: tf.gradients(y, x, integer),
        lambda: tf.gradients(y, x, complex_),
        lambda: tf.gradients(y, x, tf.constant([1.0, 2.0, 3.0])),
        lambda: tf.gradients(complex_ * complex_, complex_),
        lambda: tf.gradients(tf.constant("a"), x),
    ]
    return [valued(tf, grads), [tried(call) for call in calls]]


@fact
def complex_numbers(tf):
    x = tf.constant([1 + 2j, 3 - 1j])
    seed = tf.constant([1 + 0j, 0 + 1j])
    return valued(
        tf,
        tf.gradients(x * x, x, seed)
        + tf.gradients(tf.abs(x), x)
        + tf.gradients(tf.real(x) * tf.imag(x), x),
    )


@fact
def stops(tf):
    x = tf.constant(2.0)
    y = x * x
    z = y * x
    return valued(
        tf,
        tf.gradients(z, [x, y])
        + tf.gradients(z, x, stop_gradients=y)
        + tf.gradients(z, [x, y], stop_gradients=[x, y])
        + tf.gradients(tf.stop_gradient(y) * x, x)
        + tf.gradients(z + x, x, stop_gradients=[z]),
    )


@fact
def unconnected(tf):
    x, y = tf.constant([1.0, 2.0]), tf.constant(3.0)
    v = tf.Variable([1.0, 2.0])
    r = tf.Variable([[1.0, 2.0]], use_resource=True)
    grads = tf.gradients(y * y, [x, y, v, r])
    for mode in ("none", "zero", tf.UnconnectedGradients.ZERO):
        grads += tf.gradients(y * y, [x, y, v, r], unconnected_gradients=mode)
    grads += tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32), x)
    grads += tf.gradients(tf.argmax(x, 0), x) + tf.gradients(tf.floor(x), x)
    return [valued(tf, grads), tried(lambda: tf.gradients(y, x, unconnected_gradients="nothing"))]


@fact
def variables(tf):
    v = tf.Variable([1.0, 2.0])
    r = tf.Variable([3.0, 4.0], use_resource=True)
    y = v * r * r
    return valued(tf, tf.gradients(y, [v, r]) + tf.gradients(y, [v.value(), r.handle]))


@fact
def aggregation(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    y = x * x + tf.sin(x) * x + 3.0 * x
    methods = tf.AggregationMethod
    kinds = (
        *(None, methods.DEFAULT, methods.ADD_N),
        *(methods.EXPERIMENTAL_TREE, methods.EXPERIMENTAL_ACCUMULATE_N),
    )
    grads = [tf.gradients(y, x, aggregation_method=kind)[0] for kind in kinds]
    wrong = [tried(lambda k=k: tf.gradients(y, x, aggregation_method=k)) for k in (9, "sum")]
    return [valued(tf, grads), wrong]


@fact
def rows(tf):
    x = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    r = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], use_resource=True)
    some, long = tf.constant([2, 0]), tf.constant([[1], [1]], tf.int64)
    grads = []
    for w in (x, r):
        a, b = tf.gather(w, some), tf.gather(w, long)
        grads += tf.gradients(a * a, w)
        grads += tf.gradients([a, b], w)
        grads += tf.gradients(tf.reduce_sum(a) + tf.reduce_sum(w), w)
        grads += tf.gradients(tf.nn.embedding_lookup(w, [1, 1, 2]), w)
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    grads += tf.gradients(tf.identity(x), x, slices)
    return valued(tf, grads)


@fact
def second_derivatives(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    y = tf.reduce_sum(x**3) + x[0] * x[1]
    z = tf.constant([[1.0, 2.0]])
    w = tf.reduce_sum(z * z * z)
    twice = tf.gradients(tf.gradients(y, x), x)
    calls = [lambda: tf.hessians(y, tf.constant(1.0)), lambda: tf.hessians(w, z)[0].shape.as_list()]
    return [valued(tf, twice + tf.hessians(y, x) + tf.hessians(w, z)), [tried(c) for c in calls]]


@fact
def without_gradient(tf):
    x = tf.constant([1.0, 2.0])
    grads = [
        lambda: tf.gradients(tf.nn.top_k(x, 1).indices, x)[0],
        lambda: tf.gradients(tf.zeros_like(x), x)[0],
        lambda: tf.gradients(tf.shape(x), x)[0],
        lambda: tf.gradients(tf.equal(x, x), x)[0],
        lambda: tf.gradients(tf.raw_ops.PreventGradient(input=x), x)[0],
        lambda: tf.gradients(tf.invert_permutation([0, 1]), x)[0],
        lambda: tf.gradients(3.0, x),
        lambda: tf.gradients(x, 3.0),
        lambda: tf.gradients([], x),
        lambda: tf.gradients(x, []),
    ]

    def kind(result):
        return [kind(r) for r in result] if isinstance(result, list) else type(result).__name__

    return [tried(lambda c=call: kind(c())) for call in grads]


@fact
def registered(tf):
    graph = tf.get_default_graph()

    @tf.RegisterGradient("FactTenfold")
    def _tenfold(op, dy):
        return 10.0 * dy * op.inputs[0]

    @tf.RegisterGradient("FactTooMany")
    def _two(op, dy):
        return dy, dy

    @tf.RegisterGradient("FactNone")
    def _none(op, dy):
        return None

    tf.NotDifferentiable("FactNever")
    x = tf.constant([2.0, 3.0])
    found = []
    for name in ("FactTenfold", "FactNone", "FactNever", "FactTooMany", "FactUnknown", "Sqrt"):
        with graph.gradient_override_map({"Square": name}):
            y = tf.square(x)
        grads = tried(lambda y=y: tf.gradients(y, x))
        found.append(grads if isinstance(grads, str) else valued(tf, grads))
    calls = [
        lambda: tf.RegisterGradient("FactTenfold")(_two),
        lambda: tf.RegisterGradient("Square")(_two),
        lambda: tf.RegisterGradient(3),
        lambda: tf.NotDifferentiable("FactNever"),
        lambda: tf.NotDifferentiable("Square"),
        lambda: tf.NotDifferentiable(3),
    ]
    return [found, [tried(call) for call in calls]]


@fact
def placement(tf):
    with tf.device("/cpu:0"):
        x = tf.constant([1.0, 2.0], name="x")
        with tf.device("/gpu:1"):
            y = tf.exp(x, name="y")
    plain = tf.gradients(y, x)[0]
    near = tf.gradients(y, x, colocate_gradients_with_ops=True)[0]
    return [
        [g.device, sorted(c.decode() for c in g.op.colocation_groups())] for g in (plain, near)
    ][1:] + [plain.device]


@fact
def gated(tf):
    x, y = tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]])
    grads = tf.gradients(tf.matmul(x, y), [x, y], gate_gradients=True)
    return [valued(tf, grads), [g.op.type for g in grads]]


@fact
def other_graphs(tf):
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(1.0)
        return tried(lambda: tf.gradients(x * x, [y]))


@fact
def checks(tf):
    x = tf.constant(np.array([[1.0, 2.0], [0.5, 3.0]]))
    z = tf.constant(np.array([1.0, -1.0]))
    y = tf.square(x) * z
    with tf.Session():
        start = np.array([[1.0, 2.0], [0.5, 3.0]])
        theory, numeric = tf.test.compute_gradient(x, [2, 2], y, [2, 2], start)
        error = tf.test.compute_gradient_error(x, [2, 2], y, [2, 2], start)
        pairs = tf.test.compute_gradient(
            [x, z], [[2, 2], [2]], y, [2, 2], [start, np.array([1.0, -1.0])]
        )
    shapes = [[np.shape(a) for a in pair] for pair in pairs]
    return [np.round(theory, 4).tolist(), np.round(numeric, 4).tolist(), bool(error < 1e-6), shapes]


def main():
    import tensorflow as tf

    recorded = {}
    for name, function in FACTS.items():
        with tf.Graph().as_default():
            recorded[name] = function(tf)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gradient_facts.json")
    with open(path, "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
