"""Records random streams of TensorFlow 1.15: run under its interpreter, writes random_streams.npz.

Every entry is the values of a node in successive runs of one session, keyed by what made them. Long
streams are kept as a CRC-32 of their bytes beside their first values.
"""

import os
import sys
import zlib

import numpy as np
import tensorflow as tf

raw = tf.raw_ops
HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = [(1, 2), (0, 7), (2**31 - 1, 2**31 - 2), (-5, 2**40 + 3)]
FLOATS = [tf.float16, tf.bfloat16, tf.float32, tf.float64]
SIZES = [1, 7, 100001]
RUNS = 3


def bits(array):
    """Returns an array that NumPy can store without bfloat16."""
    return array.view(np.uint16) if array.dtype.itemsize == 2 else array


def make(kind, dtype, size, seed, seed2):
    shape = tf.constant([size])
    if kind == "uniform":
        return raw.RandomUniform(shape=shape, dtype=dtype, seed=seed, seed2=seed2)
    if kind == "normal":
        return raw.RandomStandardNormal(shape=shape, dtype=dtype, seed=seed, seed2=seed2)
    if kind == "truncated":
        return raw.TruncatedNormal(shape=shape, dtype=dtype, seed=seed, seed2=seed2)
    low, high = {"int32": (-5, 1000000007), "int64": (-(2**62), 2**61 + 12345)}[dtype.name]
    low, high = tf.constant(low, dtype), tf.constant(high, dtype)
    return raw.RandomUniformInt(shape=shape, minval=low, maxval=high, seed=seed, seed2=seed2)


def cases():
    for kind in ["uniform", "normal", "truncated"]:
        for dtype in FLOATS:
            yield kind, dtype
    yield "integers", tf.int32
    yield "integers", tf.int64


def main():
    out = {}
    for kind, dtype in cases():
        for seed, seed2 in SEEDS:
            for size in SIZES:
                with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                    node = make(kind, dtype, size, seed, seed2)
                    runs = [session.run(node) for _ in range(RUNS)]
                key = "%s/%s/%d/%d/%d" % (kind, dtype.name, seed, seed2, size)
                out[key] = bits(np.stack([run[:24] for run in runs]))
                out[key + "/crc"] = np.array([zlib.crc32(run.tobytes()) for run in runs], np.uint32)
    np.savez_compressed(os.path.join(HERE, "random_streams.npz"), **out)


if __name__ == "__main__":
    sys.exit(main())
