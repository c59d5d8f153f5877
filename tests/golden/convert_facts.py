"""Small programs that convert values, and what they give under TF 1.15: dtypes, shapes, classes.

python tests/golden/convert_facts.py          (with an interpreter that has TensorFlow 1.15)
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


def shape_of(tensor):
    return str(tensor.get_shape())


def described(value):
    """Returns the dtype, static shape and op of a tensor."""
    return [value.dtype.name, shape_of(value), value.op.type]


@fact
def constants(tf):
    values = [
        1, 1.0, True, "a", b"a", 1j, [1, 2], [1, 2.0], [[1], [2]], [], [[]], (1, 2), [True, False],
        2**31, 2**40, 2**63, -(2**63), 1e40, None, [1, None], [[1], [1, 2]], [1, "a"], ["a", 1],
        [True, 1], [1, True], [1.0, 1j], np.float32(1), np.float64(1), np.int64(1), np.arange(3),
        np.array([1.0, 2.0]), np.array(["a", "bc"]), [np.float32(1), 2], [np.float64(1), 2.0],
        np.zeros([0, 3]), np.array(None), np.bool_(True), {}, object,
        np.array([1, "a"], object), [np.int32(1), 2], [np.int64(1), 2], [b"a", "b"],
        tf.float32, [[1, 2], 3], set(), 1 << 70,
    ]  # fmt: skip
    return [tried(lambda v=v: described(tf.constant(v))) for v in values]


@fact
def typed_constants(tf):
    cases = [
        (1, tf.float32), (1.0, tf.int32), (1.5, tf.int32), (True, tf.int32), (1, tf.bool),
        ("a", tf.int32), (1, tf.string), (300, tf.uint8), (-1, tf.uint8), (2**40, tf.int32),
        (2**40, tf.int64), (1.0, tf.float16), (1, tf.complex64), (1j, tf.float32), (1.0, "float64"),
        ([], tf.int32), (np.float64(1.5), tf.int32), (np.arange(3), tf.float32), (None, tf.float32),
        (np.array([1.7]), tf.int64), ([1, 2.5], tf.int32), (1e400, tf.float32),
        (np.int64(3), tf.int32), (np.array([True]), tf.float32), (0, tf.bool), ([True], tf.float32),
        (1, tf.bfloat16), ("a", tf.bool), (np.array([1.0]), tf.string),
    ]  # fmt: skip
    return [tried(lambda v=v, t=t: described(tf.constant(v, t))) for v, t in cases]


@fact
def shaped_constants(tf):
    cases = [
        (1, [2, 3]), ([1, 2], [3]), ([1, 2, 3], [2]), ([1, 2], [2, 1]), ([], [0]), ([], [2]),
        (1, []), ([1], []), (1, None), (1, [None]), ([1, 2, 3, 4], (2, 2)), ("a", [2]), (1, 3),
    ]  # fmt: skip
    plain = [tried(lambda v=v, s=s: described(tf.constant(v, shape=s))) for v, s in cases]
    checked = [
        tried(lambda v=v, s=s: described(tf.constant(v, shape=s, verify_shape=True)))
        for v, s in cases
    ]
    return [plain, checked]


@fact
def converted(tf):
    x = tf.constant(1.0, name="x")
    y = tf.placeholder(tf.int32, [2], "y")

    class Plain:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0], np.float32)

    calls = [
        lambda: tf.convert_to_tensor(x) is x,
        lambda: tf.convert_to_tensor(x, tf.float32) is x,
        lambda: tf.convert_to_tensor(x, tf.int32),
        lambda: described(tf.convert_to_tensor(1, preferred_dtype=tf.float64)),
        lambda: described(tf.convert_to_tensor("a", preferred_dtype=tf.float64)),
        lambda: described(tf.convert_to_tensor(1.5, preferred_dtype=tf.int32)),
        lambda: described(tf.convert_to_tensor([x, 2.0])),
        lambda: described(tf.convert_to_tensor([x, 2])),
        lambda: described(tf.convert_to_tensor([y, [1, 2]])),
        lambda: described(tf.convert_to_tensor([[x, 1.0], [2.0, x]])),
        lambda: described(tf.convert_to_tensor([x, y])),
        lambda: described(tf.convert_to_tensor([x, "a"])),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]))),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]), tf.int64)),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]), tf.float32)),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, None]))),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([3])[0])),
        lambda: described(tf.convert_to_tensor([tf.TensorShape([3])[0], 2])),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([2**40]))),
        lambda: described(tf.convert_to_tensor(Plain())),
        lambda: described(tf.convert_to_tensor(tf.Variable(1.0))),
        lambda: tf.convert_to_tensor(x.op),
        lambda: tf.convert_to_tensor(object()),
        lambda: described(tf.convert_to_tensor(np.float64(2), preferred_dtype=tf.float32)),
    ]
    return [tried(call) for call in calls]


@fact
def operand_types(tf):
    x, i = tf.constant(1.0, name="x"), tf.constant(1, name="i")
    calls = [
        lambda: described(x + 1),
        lambda: described(1 + x),
        lambda: described(x + 1.5),
        lambda: described(i + 1.5),
        lambda: described(1.5 + i),
        lambda: described(x + i),
        lambda: described(x + np.float64(1)),
        lambda: described(np.float64(1) + x),
        lambda: described(np.ones(2) + x),
        lambda: described(x + np.ones(2)),
        lambda: described(x + "a"),
        lambda: described(x + None),
        lambda: described(i / 2),
        lambda: described(i // 2),
        lambda: described(tf.add(1, 2.5)),
        lambda: described(tf.add(1.5, 2)),
        lambda: described(tf.sqrt(1)),
        lambda: described(tf.logical_and(True, 1)),
        lambda: described(tf.concat([x, x], 0)),
        lambda: described(tf.add_n([])),
        lambda: described(tf.add_n([x, i])),
        lambda: described(tf.add_n([x, 1.0])),
        lambda: described(tf.raw_ops.MatMul(a=[[1.0]], b=[[1.0]], transpose_a="a")),
        lambda: described(tf.raw_ops.Sum(input=[1.0])),
        lambda: described(tf.raw_ops.Sqrt(x=1.0, y=2)),
        lambda: described(tf.raw_ops.Cast(x=1, DstT=tf.float32)),
        lambda: described(tf.raw_ops.Cast(x=1, DstT="nothing")),
        lambda: described(tf.raw_ops.Placeholder(dtype=tf.float32, shape="a")),
        lambda: described(tf.raw_ops.Pack(values=x)),
        lambda: described(tf.raw_ops.Pack(values=[])),
        lambda: described(tf.raw_ops.MaxPool(
            input=np.ones([1, 4, 4, 1], np.float32), ksize=[1, 2, 2], strides=[1, 1, 1, 1],
            padding="SAME")),
        lambda: described(tf.raw_ops.MaxPool(
            input=np.ones([1, 4, 4, 1], np.float32), ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1],
            padding="NONE")),
    ]  # fmt: skip
    return [tried(call) for call in calls]


@fact
def static_values(tf):
    from_util = tf.contrib.util.constant_value
    p = tf.placeholder(tf.float32, [2, None, 3], "p")
    q = tf.placeholder(tf.int32, [], "q")
    values = [
        tf.constant([1, 2]),
        tf.shape(p),
        tf.shape(p)[0],
        tf.shape(p)[1],
        tf.shape(tf.zeros([4, 5])),
        tf.size(tf.zeros([4, 5])),
        tf.rank(p),
        tf.range(1, 10, 3),
        tf.cast([1.5, 2.5], tf.int32),
        tf.concat([[1, 2], [3]], 0),
        tf.concat([[1, 2], [q]], 0),
        tf.stack([1, 2]),
        tf.stack([1, q]),
        tf.fill([2, 2], 7),
        tf.equal([1, 2], [1, 3]),
        tf.not_equal(1, 2),
        q,
    ]

    def shown(value):
        return value if value is None else np.asarray(value).tolist()

    return [tried(lambda v=v: shown(from_util(v))) for v in values]


@fact
def partial_shapes(tf):
    p = tf.placeholder(tf.float32, [2, None, 3], "p")
    q = tf.placeholder(tf.int32, [], "q")
    u = tf.placeholder(tf.int32, None, "u")
    k = tf.placeholder(tf.int32, [3], "k")
    s = tf.shape(p)
    wanted = [
        lambda: s,
        lambda: [2, q],
        lambda: tf.concat([s[:2], [4]], 0),
        lambda: s[1:],
        lambda: s[:-1],
        lambda: [s[1], -1],
        lambda: u,
        lambda: k,
        lambda: tf.concat([k, [1]], 0),
    ]
    filled = [tried(lambda w=w: shape_of(tf.fill(w(), 1.0))) for w in wanted]
    return [filled, [tried(lambda w=w: shape_of(tf.reshape(u, w()))) for w in wanted]]


@fact
def set_shapes(tf):
    p = tf.placeholder(tf.float32, [2, None], "p")

    def merged(shape):
        t = tf.identity(p)
        t.set_shape(shape)
        return shape_of(t)

    return [tried(lambda s=s: merged(s)) for s in ([2, 3], [None, 4], [3, 3], [2], None, [2, None])]


def main():
    import tensorflow as tf

    recorded = {}
    for name, function in FACTS.items():
        with tf.Graph().as_default():
            recorded[name] = function(tf)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "convert_facts.json")
    with open(path, "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
