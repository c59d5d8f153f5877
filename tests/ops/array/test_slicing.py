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
