"""What `tf.Print` and `tf.print` write, and where."""

import sys

import numpy as np

import millstream as tf


def _run(fetch):
    with tf.Session() as session:
        return session.run(fetch)


def test_print_passes_on_and_writes_to_stderr(capfd):
    with tf.Graph().as_default():
        y = tf.Print(tf.constant([1.0, 2.0]), [[1, 2, 3, 4], "a\nb"], "msg: ")
        np.testing.assert_array_equal(_run(y), [1, 2])
    assert capfd.readouterr().err == "msg: [1 2 3...][a\\nb]\n"


def test_print_stops_after_first_n(capfd):
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.Print(tf.constant(1.0), [1], first_n=2)
        for _ in range(3):
            session.run(y)
    assert capfd.readouterr().err == "[1]\n[1]\n"


def test_print_has_the_gradient_of_identity():
    with tf.Graph().as_default():
        x = tf.constant([1.0, 2.0])
        (dx,) = tf.gradients(tf.Print(x, [x]) * 3.0, x)
        np.testing.assert_array_equal(_run(dx), [3, 3])


def test_print_v2_writes_structures(capfd):
    with tf.Graph().as_default():
        x = tf.constant([1.0, 2.0])
        _run(tf.print("a", x, [1, 2], {"k": x}, output_stream=sys.stdout))
        _run(tf.print("to", "stderr", sep="-", end="!"))
    captured = capfd.readouterr()
    assert captured.out == "a [1 2] [1, 2] {'k': [1 2]}\n"
    assert captured.err == "to-stderr!"


def test_print_v2_appends_to_files(tmp_path):
    path = tmp_path / "log"
    with tf.Graph().as_default():
        op = tf.print(tf.constant(1), output_stream=f"file://{path}")
        _run(op)
        _run(op)
    assert path.read_text() == "1\n1\n"
