"""Loops over rows: values, structures, names, errors."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(params=["numpy", "xla"])
def run(request, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)

    def run(fetches, feed_dict=None):
        with tf.Session() as session:
            return session.run(fetches, feed_dict)

    with tf.Graph().as_default():
        yield run


def rows():
    return np.arange(6, dtype=np.float32).reshape(3, 2)


def test_map_of_structures(run):
    x = tf.placeholder(tf.float32, [3, 2])
    pair = tf.map_fn(
        lambda p: {"sum": p[0] + p[1], "size": tf.reduce_sum(p[0])},
        (x, 2 * x),
        dtype={"sum": tf.float32, "size": tf.float32},
    )
    assert pair["sum"].shape.as_list() == [3, 2]
    found = run(pair, {x: rows()})
    np.testing.assert_array_equal(found["sum"], 3 * rows())
    np.testing.assert_array_equal(found["size"], [1, 5, 9])


def test_map_over_an_unknown_number_of_rows(run):
    x = tf.placeholder(tf.float32, [None, 2])
    doubled = tf.map_fn(lambda row: 2 * row, x)
    for count in (1, 3):
        np.testing.assert_array_equal(run(doubled, {x: rows()[:count]}), 2 * rows()[:count])


def test_map_over_rows_of_differing_shapes(run):
    counts = tf.map_fn(
        lambda n: tf.reduce_sum(tf.ones([n])), tf.constant([1, 4, 2]), dtype=tf.float32
    )
    np.testing.assert_array_equal(run(counts), [1, 4, 2])


def test_scan_forwards_and_backwards(run):
    x = tf.placeholder(tf.float32, [3, 2])
    sums = tf.scan(lambda total, row: total + row, x)
    halves = tf.scan(lambda t, row: t / 2 + row, x, initializer=tf.ones([2]), reverse=True)
    sums, halves = run([sums, halves], {x: rows()})
    np.testing.assert_array_equal(sums, np.cumsum(rows(), 0))
    np.testing.assert_array_equal(halves, [[2.125, 3.875], [4.25, 5.75], [4.5, 5.5]])


def test_folds(run):
    x = tf.placeholder(tf.float32, [3, 2])
    product = tf.foldl(lambda a, row: a * row, x)
    mixed = tf.foldr(lambda a, row: a / 2 + row, x, initializer=tf.zeros([2]))
    product, mixed = run([product, mixed], {x: rows()})
    np.testing.assert_array_equal(product, rows().prod(0))
    np.testing.assert_array_equal(mixed, [2, 3.75])


def test_gradients(run, caplog):
    caplog.set_level("DEBUG", "millstream")
    x = tf.placeholder(tf.float32, [3, 2])
    mapped = tf.map_fn(lambda row: row * tf.reduce_sum(row), x)
    scanned = tf.scan(lambda total, row: total * row + row, x)
    folded = tf.foldl(lambda total, row: total * row, x)
    found = run([tf.gradients(y, x)[0] for y in (mapped, scanned, folded)], {x: rows() + 1})
    a = rows() + 1
    sums = a.sum(1, keepdims=True)
    np.testing.assert_allclose(found[0], 2 * sums + 0 * a, rtol=1e-6)
    first = 1 + a[1] + a[1] * a[2]
    second = 1 + a[0] + (1 + a[0]) * a[2]
    third = 1 + a[0] * a[1] + a[1]
    np.testing.assert_allclose(found[1], [first, second, third], rtol=1e-6)
    np.testing.assert_allclose(found[2], a.prod(0) / a, rtol=1e-6)
    assert "stays in NumPy" not in caplog.text


def test_names_are_those_of_tensorflow():
    with tf.Graph().as_default():
        mapped = tf.map_fn(lambda a: a * 2.0, tf.constant([1.0]))
        assert mapped.name == "map/TensorArrayStack/TensorArrayGatherV3:0"
        scanned = tf.scan(lambda a, b: a + b, tf.constant([1.0]), name="s")
        assert scanned.name == "s/TensorArrayStack/TensorArrayGatherV3:0"
        assert tf.foldl(lambda a, b: a + b, tf.constant([1.0])).op.name == "foldl/while/Exit_2"


def test_wrong_arguments():
    for function in (tf.map_fn, tf.scan, tf.foldl, tf.foldr):
        with pytest.raises(TypeError, match="fn must be callable"):
            function(1, [1.0])
    with pytest.raises(ValueError, match="1\\+ dimensional Tensor, not a scalar"):
        tf.map_fn(lambda a: a, 1.0)
    sparse = tf.SparseTensor([[0]], [1.0], [1])
    with pytest.raises(TypeError, match="sparse tensor"):
        tf.map_fn(lambda a: a, sparse)
    with pytest.raises(ValueError, match="structure"):
        tf.map_fn(lambda a: (a, a), tf.constant([1.0]))
