"""Groups of rows, large enough to be summed by sorting."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True, params=["numpy", "xla"])
def tier(request, monkeypatch):
    """Runs every test in both tiers."""
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)


def _rows(count, width):
    return np.random.default_rng(0).standard_normal((count, width)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "start", "combine"),
    [
        ("sum", 0, np.add),
        ("prod", 1, np.multiply),
        ("max", np.finfo(np.float32).min, np.maximum),
        ("min", np.finfo(np.float32).max, np.minimum),
    ],
)
def test_many_wide_rows(name, start, combine):
    rows = _rows(300, 8)
    ids = np.random.default_rng(1).integers(-2, 40, 300)
    expected = np.full((50, 8), start, np.float32)
    for row, index in zip(rows, ids, strict=True):
        if index >= 0:
            expected[index] = combine(expected[index], row)
    with tf.Graph().as_default(), tf.Session() as session:
        reduce = getattr(tf, f"unsorted_segment_{name}")
        found = session.run(reduce(tf.constant(rows), tf.constant(ids), 50))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_no_rows_at_all():
    with tf.Graph().as_default(), tf.Session() as session:
        rows, ids = tf.zeros([0, 600]), tf.zeros([0], tf.int32)
        assert session.run(tf.unsorted_segment_sum(rows, ids, 2)).tolist() == [[0.0] * 600] * 2
        assert session.run(tf.segment_sum(rows, ids)).shape == (0, 600)


def test_gradient_of_picked_rows():
    rows = _rows(40, 16)
    picks, ids = np.random.default_rng(2).integers(0, 40, 200), np.repeat(np.arange(50), 4)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(rows)
        mean = tf.sparse_segment_mean(x, picks, ids.astype(np.int32))
        found = session.run(tf.gradients(mean, x)[0])
    expected = np.bincount(picks, minlength=40)[:, None] / 4 * np.ones(16)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
