"""Histograms of many values, against counting them one by one."""

import bisect

import numpy as np
import pytest

import millstream as tf
from millstream.ops.io import histogram


def _by_hand(values):
    limits = histogram.bucket_limits().tolist()
    counts = [0] * len(limits)
    total = squares = 0.0
    for value in np.ravel(values).tolist():
        counts[min(bisect.bisect_right(limits, value), len(limits) - 1)] += 1
        total += value
        squares += value * value
    return limits, counts, total, squares


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_every_value_is_counted(dtype, monkeypatch):
    monkeypatch.setattr(histogram, "_CHUNK", 100)
    random = np.random.RandomState(1)
    values = (random.standard_normal([30, 33]) * 40).astype(dtype)
    values[0, :4] = histogram.bucket_limits()[[800, 900, 1000, 774]].astype(dtype)
    found = tf.HistogramProto()
    histogram.fill_histogram(found, values)
    limits, counts, total, squares = _by_hand(values)
    assert (found.num, found.sum, found.sum_squares) == (values.size, total, squares)
    assert (found.min, found.max) == (values.min(), values.max())
    shown = dict(zip(found.bucket_limit, found.bucket, strict=True))
    expected = dict(zip(limits, counts, strict=True))
    assert {k: v for k, v in shown.items() if v} == {k: v for k, v in expected.items() if v}
    for limit, before in zip(found.bucket_limit[1:], found.bucket_limit, strict=False):
        if shown[limit]:
            # The bucket before a filled one is there, so that its lower limit is known.
            assert before == limits[limits.index(limit) - 1]


def test_extremes():
    found = tf.HistogramProto()
    largest = np.finfo(np.float64).max
    histogram.fill_histogram(found, np.array([largest, -largest, 0.0]))
    assert (found.num, sum(found.bucket)) == (3, 3)
    assert found.bucket_limit[-1] == largest
