"""Functions of matrices against what TF 1.15 made of them."""

import numpy as np
import pytest

import millstream as tf
from tests.ops import expressions

RECORD = expressions.load("matrix_functions")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    expressions.check(text, RECORD[text], nodes=False, shapes=False, rtol=3e-4)


DIAGONALS = np.float32([[1, 2, 9], [4, 5, 6], [9, 1, 2]])
DENSE = np.float32([[4, 1, 0], [1, 5, 2], [0, 2, 6]])


@pytest.mark.parametrize(
    ("diagonals", "form"),
    [(DIAGONALS, "compact"), (tuple(DIAGONALS), "sequence"), (DENSE, "matrix")],
)
def test_tridiagonal_equations_in_every_format(diagonals, form):
    rhs = np.float32([[1, 2], [3, 4], [5, 6]])
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.linalg.tridiagonal_solve(diagonals, rhs, form)
        np.testing.assert_allclose(sess.run(x), np.linalg.solve(DENSE, rhs), rtol=1e-5)
        x = tf.linalg.tridiagonal_solve(diagonals, rhs.T, form, transpose_rhs=True)
        np.testing.assert_allclose(sess.run(x), np.linalg.solve(DENSE, rhs), rtol=1e-5)
        x = tf.linalg.tridiagonal_solve(diagonals, rhs[:, 0], form)
        np.testing.assert_allclose(sess.run(x), np.linalg.solve(DENSE, rhs[:, 0]), rtol=1e-5)


def test_singular_equations_are_refused():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.linalg.tridiagonal_solve(np.zeros([3, 3], np.float32), np.ones(3, np.float32))
        with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
            sess.run(x)


def test_a_matrix_without_a_real_root_gives_nan():
    with tf.Graph().as_default(), tf.Session() as sess:
        root = sess.run(tf.linalg.sqrtm(np.float32([[-1, 0], [0, 4]])))
        assert np.isnan(root[0, 0])
