# ruff: noqa: E501 - one expression a line
"""Records what TF 1.15 makes of functions of matrices: values and errors.

    python tests/golden/matrix_functions.py

The expressions are read as in `expressions.py`.
"""

from expressions import write

EXPRESSIONS = """
tf.linalg.expm(np.float32([[0.1, 0.2], [0.3, -0.4]]))
tf.linalg.expm(np.float32([[[3, 2], [1, -4]], [[0, 1], [-1, 0]]]))
tf.linalg.logm(np.complex64([[1.1, 0.2], [0.3, 2.4]]))
tf.linalg.sqrtm(np.float32([[1.1, 0.2], [0.3, 2.4]]))
tf.linalg.sqrtm(np.float64([[[1.1, 0.2], [0.3, 2.4]], [[4, 0], [0, 9]]]))
tf.linalg.sqrtm(np.complex64([[1j, 0.2], [0.3, 2.4]]))
tf.linalg.expm(v(2, 3))
tf.linalg.lstsq(v(3, 2), np.ones([3, 1], np.float32), 0.1)
tf.linalg.lstsq(v(3, 2), np.ones([3, 1], np.float32), fast=False)
tf.linalg.lstsq(v(2, 3), np.ones([2, 2], np.float32), 0.1)
tf.linalg.lstsq(v(2, 3), np.ones([2, 2], np.float32), fast=False)
tf.linalg.lstsq(v(2, 3, 2), np.ones([2, 3, 1], np.float32))
tf.matrix_solve_ls(v(3, 2), np.ones([2, 1], np.float32))
tf.linalg.pinv(v(3, 2))
tf.linalg.pinv(v(2, 2, 3))
tf.linalg.pinv(vi(2, 3))
tf.linalg.matrix_rank(v(3, 2))
tf.linalg.matrix_rank(v(2, 3, 3))
tf.linalg.matrix_rank(v(3, 3), tol=5.0)
tf.linalg.tridiagonal_solve(np.float32([[4, 1, 0], [1, 5, 2], [0, 2, 6]]), np.ones([3, 2], np.float32), "matrix")
tf.linalg.tridiagonal_matmul(np.float32([[1, 2, 0], [4, 5, 6], [0, 1, 2]]), v(3, 2))
tf.linalg.tridiagonal_matmul((np.float32([1, 2, 0]), np.float32([4, 5, 6]), np.float32([0, 1, 2])), v(3, 2), "sequence")
tf.linalg.tridiagonal_matmul(np.float32([[4, 1, 0], [1, 5, 2], [0, 2, 6]]), v(3, 2), "other")
grad(tf.linalg.expm, np.float32([[0.1, 0.2], [0.3, -0.4]]))
grad(tf.linalg.sqrtm, np.float32([[1.1, 0.2], [0.3, 2.4]]))
grad(lambda a, b: tf.linalg.lstsq(a, b, 0.1), v(3, 2), np.float32([[1], [2], [5]]))
grad(lambda a, b: tf.linalg.lstsq(a, b, 0.1), v(2, 3), np.float32([[1], [2]]))
grad(tf.linalg.pinv, np.float32([[2, 1], [1, 3], [0, 1]]))
grad(lambda d, b: tf.linalg.tridiagonal_solve(d, b, "matrix"), np.float32([[4, 1, 0], [1, 5, 2], [0, 2, 6]]), v(3, 2))
grad(tf.linalg.tridiagonal_matmul, np.float32([[1, 2, 0], [4, 5, 6], [0, 1, 2]]), v(3, 2))
"""

if __name__ == "__main__":
    write(EXPRESSIONS, nodes=False)
