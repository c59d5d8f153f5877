"""Slices at places that are known only when the step runs, compiled and not."""

import jax
import numpy as np
import pytest

import millstream as tf

X = np.arange(24, dtype=np.float32).reshape(4, 6)

KEYS = {
    "x[i]": lambda x, i: x[i],
    "x[:, i]": lambda x, i: x[:, i],
    "x[..., i]": lambda x, i: x[..., i],
    "x[i, i]": lambda x, i: x[i, i],
    "x[i, tf.newaxis]": lambda x, i: x[i, tf.newaxis],
    "slice": lambda x, i: tf.slice(x, [i, i], [2, 1]),
}


def _node(key):
    """Builds the slice of a placeholder at a fed index; returns its node."""
    x = tf.placeholder(tf.float32, [4, 6])
    i = tf.placeholder(tf.int32, [])
    return KEYS[key](x, i).op


def _expected(key, i):
    return X[i : i + 2, i : i + 1] if key == "slice" else KEYS[key](X, i)


def _bounds(node, i):
    """Returns the values of the node's operands but the first, for index `i`."""
    feeds = dict.fromkeys(node.graph.get_operations()[1].outputs, i)
    with tf.Session(graph=node.graph) as session:
        return session.run(list(node.inputs[1:]), feeds)


@pytest.mark.parametrize("key", KEYS)
def test_begin_may_be_traced(key):
    with tf.Graph().as_default():
        node = _node(key)
        needed = node.opdef.static_names(node)
        assert "begin" not in needed
        begin, *rest = _bounds(node, 2)
        kernel = node.opdef.kernel.bind(node, check=lambda *_: None)
        found = jax.jit(lambda x, at: kernel(x, at, *rest))(X, begin)
        np.testing.assert_array_equal(found, _expected(key, 2))


@pytest.mark.parametrize("key", KEYS)
def test_gradient_at_a_fed_place(key):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [4, 6])
        i = tf.placeholder(tf.int32, [])
        y = KEYS[key](x, i)
        (dx,) = tf.gradients(tf.reduce_sum(y * y), x)
        for at in (0, 2):
            found = session.run([y, dx], {x: X, i: at})
            np.testing.assert_array_equal(found[0], _expected(key, at))
            # Each element of the slice sends back twice itself to where it came from.
            picked = found[1] != 0
            np.testing.assert_array_equal(found[1][picked], 2 * X[picked])
            assert picked.sum() == np.count_nonzero(found[0])


def test_gradient_kernel_with_traced_begin():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [4, 6])
        i = tf.placeholder(tf.int32, [])
        (dx,) = tf.gradients(x[:, i], x)
        node = dx.op
        assert node.opdef.static_names(node) == {"shape", "strides"}
        kernel = node.opdef.kernel.bind(node)
        shape, strides = np.array([4, 6], np.int32), np.array([1, 1], np.int32)
        run = jax.jit(lambda begin, dy: kernel(shape, begin, begin + 1, strides, dy))
        found = run(np.array([0, -2], np.int32), np.ones(4, np.float32))
        wanted = np.zeros((4, 6))
        wanted[:, -2] = 1
        np.testing.assert_array_equal(found, wanted)


def test_index_out_of_bounds_fails_the_step():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [4, 6])
        i = tf.placeholder(tf.int32, [])
        y = x[i]
        with pytest.raises(tf.errors.InvalidArgumentError, match="slice index 4 of dimension 0"):
            session.run(y, {x: X, i: 4})


def test_end_behind_a_range_needs_a_known_begin():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [4, 6])
        i = tf.placeholder(tf.int32, [])
        node = x[i:].op
        assert node.opdef.static_names(node) == {"begin", "end", "strides"}


def _random_key(rng, shape):
    """Returns an index expression for an array, ellipses and new dimensions included."""
    key = []
    used = rng.integers(0, len(shape) + 1)
    for size in shape[:used]:
        kind = rng.integers(0, 3)
        if kind == 0:
            key.append(int(rng.integers(-size, size)))
            continue
        bounds = [None if rng.random() < 0.3 else int(rng.integers(-9, 9)) for _ in range(2)]
        step = rng.choice([None, 1, 2, 3, -1, -2])
        key.append(slice(*bounds, None if step is None else int(step)))
    for _ in range(rng.integers(0, 2)):
        key.insert(int(rng.integers(0, len(key) + 1)), None)
    if used == len(shape) and rng.random() < 0.5:
        key.insert(int(rng.integers(0, len(key) + 1)), Ellipsis)
    elif rng.random() < 0.5:
        key.append(Ellipsis)
    return tuple(key)


@pytest.mark.parametrize("seed", range(40))
def test_random_keys_are_as_in_numpy(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 6, rng.integers(1, 4)).tolist())
    data = rng.standard_normal(shape).astype(np.float32)
    key = _random_key(rng, shape)
    wanted = data[key]
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, shape)
        y = x[key]
        assert y.shape.as_list() == list(wanted.shape), key
        if y.op.type != "StridedSlice":
            return
        (dx,) = tf.gradients(y, x, tf.constant(wanted))
        np.testing.assert_array_equal(session.run(y, {x: data}), wanted, str(key))
        bounds = session.run(list(y.op.inputs[1:]))
        kernel = y.op.opdef.kernel.bind(y.op, check=lambda *_: None)
        np.testing.assert_array_equal(jax.jit(lambda a: kernel(a, *bounds))(data), wanted)
        scattered = np.zeros_like(data)
        scattered[key] = wanted
        np.testing.assert_array_equal(session.run(dx, {x: data}), scattered, str(key))
        kernel = dx.op.opdef.kernel.bind(dx.op)
        sizes = np.array(shape, np.int32)
        found = jax.jit(lambda dy: kernel(sizes, *bounds, dy))(wanted)
        np.testing.assert_array_equal(found, scattered, str(key))
