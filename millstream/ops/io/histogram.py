"""The histogram that TensorBoard shows: exponentially growing buckets, empty runs merged."""

import sys
from functools import cache

import numpy as np

_GROWTH = 1.1
_SMALLEST = 1e-12
_LARGEST = 1e20
_CHUNK = 1 << 20


@cache
def bucket_limits():
    """Returns the upper limits of all buckets, ascending: mirrored around 0, the last unbounded."""
    limits = []
    value = _SMALLEST
    while value < _LARGEST:
        limits.append(value)
        value *= _GROWTH
    ends = [*limits, sys.float_info.max]
    return np.array([*[-v for v in reversed(ends)], 0.0, *ends])


def fill_histogram(message, values):
    """Sets a `HistogramProto` to the histogram of an array of finite numbers."""
    flat = np.ravel(values)
    ordered = np.sort(flat).astype(np.float64)
    message.num = flat.size
    message.min = ordered[0] if flat.size else sys.float_info.max
    message.max = ordered[-1] if flat.size else -sys.float_info.max
    with np.errstate(over="ignore"):
        message.sum = _sum_in_order(flat)
        message.sum_squares = _sum_in_order(flat, np.square)
    limits = bucket_limits()
    below = np.searchsorted(ordered, limits)
    below[-1] = flat.size
    counts = np.diff(below, prepend=0)
    kept = _kept(counts)
    message.bucket_limit.extend(limits[kept].tolist())
    message.bucket.extend(counts[kept].tolist())


def _sum_in_order(values, function=None):
    """Adds numbers one after the other, as TensorFlow does, to the same last bit."""
    total = 0.0
    for start in range(0, values.size, _CHUNK):
        part = values[start : start + _CHUNK].astype(np.float64)
        if function is not None:
            function(part, out=part)
        part[0] += total
        total = np.add.accumulate(part, out=part)[-1]
    return total


def _kept(counts):
    """Gives the buckets to write: the filled ones, and of a run of empty ones the last."""
    filled = np.flatnonzero(counts)
    before = filled[filled > 0] - 1
    return np.unique(np.concatenate([before, filled, [counts.size - 1]]))
