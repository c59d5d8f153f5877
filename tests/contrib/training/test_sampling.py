"""Buckets and random choice of examples: `tf.contrib.training`."""

import contextlib

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        yield


@contextlib.contextmanager
def running():
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        threads = tf.train.start_queue_runners(session, coord)
        try:
            yield session
        finally:
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=10)


def _numbers(limit, epochs=1):
    return tf.train.range_input_producer(limit, num_epochs=epochs, shuffle=False).dequeue()


def test_sequences_are_batched_by_length():
    number = _numbers(40)
    length = number % 8 + 1
    sequence = tf.fill([length], number)
    lengths, (batch,) = tf.contrib.training.bucket_by_sequence_length(
        length, [sequence], 3, [3, 6], dynamic_pad=True, allow_smaller_final_batch=True, capacity=40
    )
    seen = []
    with running() as session, contextlib.suppress(tf.errors.OutOfRangeError):
        while True:
            sizes, rows = session.run([lengths, batch])
            assert len({sum(size >= edge for edge in (3, 6)) for size in sizes}) == 1
            assert rows.shape == (len(sizes), max(sizes))
            for size, row in zip(sizes, rows):
                assert (row[:size] == row[0]).all()
                assert not row[size:].any()
                seen.append(row[0])
    assert sorted(seen) == list(range(40))


def test_buckets_keep_their_number():
    number = _numbers(12)
    which, taken = tf.contrib.training.bucket([number], number % 3, 4, 3)
    with running() as session:
        for _ in range(3):
            bucket, values = session.run([which, taken])
            assert set(values % 3) == {bucket}
    with pytest.raises(ValueError, match="num_buckets elements"):
        tf.contrib.training.bucket([number], number % 3, [4, 4], 3)
    with pytest.raises(ValueError, match="sequential increasing"):
        tf.contrib.training.bucket_by_sequence_length(number, [number], 2, [5, 3])


def test_rejection_keeps_a_share():
    number = _numbers(400)
    (kept,) = tf.contrib.training.rejection_sample(
        [number], lambda parts: tf.where(parts[0] % 2 < 1, 0.25, 0.75), 50, runtime_checks=True
    )
    with running() as session:
        values = np.concatenate([session.run(kept) for _ in range(3)])
    assert 0.1 < (values % 2 == 0).mean() < 0.4


def test_strata_get_their_shares():
    number = _numbers(3000)
    label = tf.cast(number % 10 < 2, tf.int32)
    (kept,), labels = tf.contrib.training.stratified_sample(
        [number], label, [0.5, 0.5], 100, init_probs=[0.8, 0.2]
    )
    with running() as session:
        values, classes = session.run([kept, labels])
    np.testing.assert_array_equal(classes, values % 10 < 2)
    assert 0.3 < classes.mean() < 0.7
    with pytest.raises(ValueError, match="add up to 1"):
        tf.contrib.training.stratified_sample([number], label, [0.5, 0.7], 4)


def test_heavy_rows_come_more_often():
    rows = tf.constant(np.arange(2))
    (drawn,), rates = tf.contrib.training.weighted_resample(
        [rows], tf.constant([1.0, 3.0]), 10.0, seed=1
    )
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values, found = session.run([drawn, rates])
    assert values.sum() > 2 * (values == 0).sum()
    np.testing.assert_allclose(found, np.array([5.0, 15.0])[values], rtol=1e-4)
