"""`tf.py_func`: what the function is given, what it may return, and its errors."""

import gc
import weakref

import numpy as np
import pytest

import millstream as tf


def _run(function, inputs, types, **kwargs):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(tf.py_func(function, inputs, types, **kwargs))


def test_function_is_given_arrays_and_numpy_scalars():
    seen = []
    _run(lambda *a: seen.extend(a), [np.float32(1), np.ones(2), "x"], [])
    assert type(seen[0]) is np.float32
    assert type(seen[1]) is np.ndarray
    assert seen[2] == b"x"


def test_results_come_back_as_declared():
    one, two = _run(lambda a: (a + 1, b"abc"), [np.ones(2)], [tf.float64, tf.string])
    np.testing.assert_array_equal(one, [2, 2])
    assert two == b"abc"


def test_single_type_gives_a_single_tensor():
    assert _run(lambda a: a * 2, [np.float32(3)], tf.float32) == 6


def test_strings_in_arrays():
    result = _run(lambda a: np.array([b"abc", "d"], object), [["x", "yy"]], tf.string)
    assert result.tolist() == [b"abc", b"d"]


def test_scalars_take_the_declared_width():
    assert _run(lambda: 1.5, [], tf.float32).dtype == np.float32
    assert _run(lambda: 1, [], tf.int32).dtype == np.int32


@pytest.mark.parametrize(
    ("function", "types", "message"),
    [
        (lambda: 1, tf.float32, "0-th value returned by .* is int64, but expects float"),
        (lambda: np.ones(2), tf.float32, "is double, but expects float"),
        (lambda: [1.0, 2.0], tf.float32, "returns 2 values, but expects to see 1 values"),
        (lambda: None, [tf.float32], "returns 0 values, but expects to see 1 values"),
    ],
)
def test_other_results_are_refused(function, types, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _run(function, [], types)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError, tf.errors.InvalidArgumentError),
        (TypeError, tf.errors.InvalidArgumentError),
        (StopIteration, tf.errors.OutOfRangeError),
        (MemoryError, tf.errors.ResourceExhaustedError),
        (NotImplementedError, tf.errors.UnimplementedError),
        (KeyError, tf.errors.UnknownError),
    ],
)
def test_exceptions_become_errors_of_the_tree(raised, expected):
    def function():
        raise raised("boo")

    with pytest.raises(expected, match=raised.__name__ + ".*boo"):
        _run(function, [], tf.float32)


def _run_in(graph, fetch):
    with tf.Session(graph=graph) as session:
        session.run(fetch)


def test_function_lives_as_long_as_its_graph():
    class Function:
        def __call__(self):
            return np.float32(1)

    function = Function()
    gone = weakref.ref(function)
    graph = tf.Graph()
    with graph.as_default():
        result = tf.py_func(function, [], tf.float32)
    del function
    gc.collect()
    _run_in(graph, result)
    del graph, result
    gc.collect()
    assert gone() is None
