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
    flat = np.asarray(values, np.float64).ravel()
    limits = bucket_limits()
    message.num = flat.size
    message.min = flat.min(initial=np.inf) if flat.size else sys.float_info.max
    message.max = flat.max(initial=-np.inf) if flat.size else -sys.float_info.max
    message.sum = _sum_in_order(flat)
    message.sum_squares = _sum_in_order(flat, np.square)
    places = np.searchsorted(limits, flat, side="right")
    counts = np.bincount(np.minimum(places, limits.size - 1), minlength=limits.size)
    for limit, count in _merged(limits, counts):
        message.bucket_limit.append(limit)
        message.bucket.append(count)


def _sum_in_order(values, function=None):
    """Adds numbers one after the other, as TensorFlow does, to the same last bit."""
    total = 0.0
    for start in range(0, values.size, _CHUNK):
        part = values[start : start + _CHUNK]
        part = part.copy() if function is None else function(part)
        part[0] += total
        total = np.add.accumulate(part)[-1]
    return total


def _merged(limits, counts):
    """Yields (limit, count), with every run of empty buckets as one."""
    filled = np.flatnonzero(counts)
    if not filled.size:
        yield sys.float_info.max, 0.0
        return
    before = -1
    for index in filled:
        if index - before > 1:
            yield limits[index - 1], 0.0
        yield limits[index], float(counts[index])
        before = index
    if before < limits.size - 1:
        yield limits[-1], 0.0
