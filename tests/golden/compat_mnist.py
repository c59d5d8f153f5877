"""Records how TF 1.15 hands out batches of digits: writes compat_mnist.npz.

Run under a TF 1.15 interpreter. The IDX files that it reads are made here too, and the test makes
the same ones.
"""

import gzip
import os
import struct
import tempfile

import numpy as np


def write_idx(directory, train=20, test=6, rows=4, columns=4):
    """Writes small files in MNIST's format, filled by arithmetic."""
    for part, count in (("train", train), ("t10k", test)):
        pixels = (np.arange(count * rows * columns) * 7 % 256).astype(np.uint8)
        labels = (np.arange(count) * 3 % 10).astype(np.uint8)
        path = os.path.join(directory, part)
        with gzip.open(path + "-images-idx3-ubyte.gz", "wb") as f:
            f.write(struct.pack(">4i", 2051, count, rows, columns) + pixels.tobytes())
        with gzip.open(path + "-labels-idx1-ubyte.gz", "wb") as f:
            f.write(struct.pack(">2i", 2049, count) + labels.tobytes())


# Options of read_data_sets, the graph's seed, and the batches asked for: (part, size, shuffle).
CASES = {
    "seeded": (
        {"validation_size": 5, "seed": 3},
        None,
        [("train", 4, True)] * 9 + [("validation", 3, True), ("test", 4, True)],
    ),
    "graph_seed": ({"validation_size": 0}, 11, [("train", 6, True)] * 5),
    "both_seeds": ({"validation_size": 2, "seed": 5}, 11, [("train", 6, True)] * 4),
    "in_order": (
        {"validation_size": 5, "seed": 3, "one_hot": True},
        None,
        [("test", 4, False)] * 3 + [("test", 4, True)] * 3,
    ),
    "large": ({"validation_size": 5, "seed": 3}, None, [("test", 7, True), ("test", 20, True)]),
    "raw": (
        {"validation_size": 5, "seed": 3, "reshape": False, "dtype": "uint8"},
        None,
        [("train", 4, True)] * 2,
    ),
}


def record(read_data_sets, set_random_seed, directory):
    """Runs all cases and gives the arrays by name."""
    arrays = {}
    for case, (options, graph_seed, batches) in CASES.items():
        set_random_seed(graph_seed)
        sets = read_data_sets(directory, **options)
        for n, (part, size, shuffle) in enumerate(batches):
            images, labels = getattr(sets, part).next_batch(size, shuffle=shuffle)
            arrays["%s/%d/images" % (case, n)] = images
            arrays["%s/%d/labels" % (case, n)] = labels
            epochs = getattr(sets, part).epochs_completed
            arrays["%s/%d/epochs" % (case, n)] = np.asarray(epochs)
    return arrays


if __name__ == "__main__":
    import tensorflow as tf
    from tensorflow.examples.tutorials.mnist import input_data

    folder = tempfile.mkdtemp()
    write_idx(folder)

    def set_seed(seed):
        tf.reset_default_graph()
        if seed is not None:
            tf.set_random_seed(seed)

    results = record(input_data.read_data_sets, set_seed, folder)
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compat_mnist.npz")
    np.savez_compressed(target, **results)
