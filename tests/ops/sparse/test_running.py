"""What is peculiar to sparse tensors when they run: feeding, bad operands, sizes that change."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_a_bounding_box_is_checked_when_it_runs():
    fed = tf.placeholder(tf.int64, [None])
    boxed = tf.sparse_reset_shape(tf.SparseTensor([[0, 1], [2, 0]], [1.0, 2.0], [3, 4]), fed)
    with tf.Session() as session:
        assert session.run(boxed, {fed: [4, 5]}).dense_shape.tolist() == [4, 5]
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(boxed, {fed: [2, 5]})


def test_a_product_takes_any_number_of_elements():
    matrix, dense = tf.sparse_placeholder(tf.float32), tf.placeholder(tf.float32, [4, 2])
    product = tf.sparse_tensor_dense_matmul(matrix, dense)
    rng = np.random.default_rng(0)
    with tf.Session() as session:
        for count in (0, 1, 5, 7):
            flat = rng.choice(12, count, replace=False)
            places = np.stack(np.divmod(flat, 4), 1)
            values, other = rng.random(count, np.float32), rng.random((4, 2), np.float32)
            whole = np.zeros((3, 4), np.float32)
            whole[tuple(places.T)] = values
            found = session.run(product, {matrix: (places, values, [3, 4]), dense: other})
            np.testing.assert_allclose(found, whole @ other, rtol=1e-5)


@pytest.mark.parametrize("places", [[[0, 9]], [[-1, 0]], [[0, 0, 0]]])
def test_bad_indices_are_refused(places):
    matrix = tf.sparse_placeholder(tf.float32)
    wanted = [
        tf.sparse_tensor_to_dense(matrix),
        tf.sparse_reduce_sum_sparse(matrix, 0).values,
        tf.sparse_fill_empty_rows(matrix, 0.0)[1],
        tf.sparse_reorder(matrix).values,
        tf.sparse_tensor_dense_matmul(matrix, tf.ones([4, 2])),
    ]
    fed = {matrix: (np.array(places, np.int64), np.ones(1, np.float32), [3, 4])}
    with tf.Session() as session:
        for tensor in wanted:
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(tensor, fed)


def test_an_embedding_of_nothing_is_zero_and_trains():
    table = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2))
    ids = tf.sparse_placeholder(tf.int64)
    found = tf.nn.safe_embedding_lookup_sparse([table], ids)
    step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(found))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        fed = {ids: (np.array([[0, 0], [2, 0], [2, 1]]), [1, 2, 3], [3, 2])}
        np.testing.assert_allclose(session.run(found, fed), [[2, 3], [0, 0], [5, 6]])
        session.run(step, fed)
        np.testing.assert_allclose(session.run(table), [[0, 1], [1, 2], [3.5, 4.5], [5.5, 6.5]])


def test_operators_need_the_sparse_operand_first():
    sparse = tf.SparseTensor([[0, 1]], [2.0], [1, 2])
    with tf.Session() as session:
        assert session.run((sparse * 3.0).values).tolist() == [6.0]
        assert session.run((sparse / 4.0).values).tolist() == [0.5]
