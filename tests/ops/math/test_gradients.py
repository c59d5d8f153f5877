"""Gradients of arithmetic: how broadcasting is undone, and with how few nodes."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True, params=["numpy", "xla"])
def tier(request, monkeypatch):
    """Runs every test in both tiers."""
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)


SHAPES = [
    ([2, 3], [3]),
    ([2, 3], []),
    ([2, 1], [1, 3]),
    ([3], [2, 3]),
    ([2, 1, 4], [3, 1]),
    ([1, 1], [2, 3]),
    ([1], [1]),
    ([], [2, 1]),
]


def _hidden(shape, mask):
    return [None if hide else size for size, hide in zip(shape, mask, strict=True)]


def _gradients(a, b, shape_a, shape_b):
    """Runs the gradients of a product whose operands are known as `shape_a`, `shape_b`."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder_with_default(a, shape_a)
        y = tf.placeholder_with_default(b, shape_b)
        grads = tf.gradients(x * y, [x, y])
        shapes = [g.shape for g in grads]
        values = session.run(grads)
    for shape, value in zip(shapes, values, strict=True):
        assert shape.is_compatible_with(value.shape)
    return values, [node.type for node in graph.get_operations()]


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_gradients_have_the_shapes_of_the_operands(first, second):
    rng = np.random.default_rng(0)
    a, b = rng.random(first).astype("f"), rng.random(second).astype("f")
    whole = np.ones(np.broadcast(a, b).shape, "f")

    def reduced(array, shape):
        extra = array.ndim - len(shape)
        axes = tuple(range(extra)) + tuple(
            n + extra for n, size in enumerate(shape) if size == 1 and array.shape[n + extra] != 1
        )
        return array.sum(axes, keepdims=False).reshape(shape)

    expected = reduced(whole * b, a.shape), reduced(whole * a, b.shape)
    knowledge = [
        (first, second),
        (_hidden(first, [True] * len(first)), second),
        (_hidden(first, [True] * len(first)), _hidden(second, [True] * len(second))),
        (None, second),
        (None, None),
    ]
    for shape_a, shape_b in knowledge:
        found, _ = _gradients(a, b, shape_a, shape_b)
        for array, wanted in zip(found, expected, strict=True):
            assert array.shape == wanted.shape
            np.testing.assert_allclose(array, wanted, rtol=1e-5)


def test_known_shapes_need_no_arithmetic_on_shapes():
    a, b = np.ones((2, 3), "f"), np.ones(3, "f")
    _, types = _gradients(a, b, [None, 3], [3])
    assert "BroadcastGradientArgs" not in types
    assert "Reshape" not in types
    _, types = _gradients(a, a, [None, 3], [None, 3])
    assert "BroadcastGradientArgs" in types


def test_a_tensor_times_itself_is_not_reduced():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, None])
        tf.gradients(x * x, x)
        assert "BroadcastGradientArgs" not in [n.type for n in graph.get_operations()]


@pytest.mark.parametrize("name", ["reduce_sum", "reduce_mean", "reduce_max", "reduce_prod"])
@pytest.mark.parametrize("axis", [None, 0, [0, 2], [-1]])
@pytest.mark.parametrize("shape", [[2, 3, 4], [None, 3, None], None])
def test_gradients_of_reductions_do_not_depend_on_what_is_known(name, axis, shape):
    data = np.random.default_rng(1).random((2, 3, 4)).astype("f")
    reduce = getattr(tf, name)

    def gradient(known):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder_with_default(data, known)
            return session.run(tf.gradients(tf.square(reduce(x, axis)), x)[0])

    found = gradient(shape)
    assert found.shape == data.shape
    np.testing.assert_allclose(found, gradient([2, 3, 4]), rtol=1e-5)


def test_axes_may_be_computed():
    data = np.arange(6, dtype="f").reshape(2, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        x, axis = tf.constant(data), tf.placeholder(tf.int32, [])
        grad = tf.gradients(tf.reduce_mean(x, axis), x)[0]
        assert session.run(grad, {axis: 1}).tolist() == np.full((2, 3), 1 / 3, "f").tolist()
        assert session.run(grad, {axis: 0}).tolist() == np.full((2, 3), 0.5, "f").tolist()


def test_sparse_gradients_become_dense_with_a_warning_if_that_may_be_large():
    with tf.Graph().as_default(), tf.Session() as session:
        rows, shape = tf.constant([[1.0], [2.0], [4.0]]), tf.placeholder(tf.int32, [2])
        slices = tf.IndexedSlices(rows, tf.constant([0, 2, 0]), tf.constant([3, 1]))
        assert session.run(tf.convert_to_tensor(slices)).tolist() == [[5.0], [0.0], [2.0]]
        unknown = tf.IndexedSlices(rows, tf.constant([0, 2, 0]), shape)
        with pytest.warns(UserWarning, match="of unknown shape"):
            tf.convert_to_tensor(unknown)
        huge = tf.IndexedSlices(rows, tf.constant([0, 2, 0]), tf.constant([10**8, 1]))
        with pytest.warns(UserWarning, match="with 100000000 elements"):
            tf.convert_to_tensor(huge)
        bare = tf.IndexedSlices(rows, tf.constant([0, 2, 0]))
        with pytest.raises(ValueError, match="without dense_shape"):
            tf.convert_to_tensor(bare)
