import gzip
import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.compat import input_data

GOLDEN = Path(__file__).parents[1] / "golden"
spec = importlib.util.spec_from_file_location("compat_mnist", GOLDEN / "compat_mnist.py")
golden = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden)


@pytest.fixture
def folder(tmp_path):
    golden.write_idx(str(tmp_path))
    return tmp_path


def set_seed(seed):
    tf.reset_default_graph()
    if seed is not None:
        tf.set_random_seed(seed)


def test_batches_equal_those_of_tensorflow(folder):
    with np.load(GOLDEN / "compat_mnist.npz") as recorded:
        ours = golden.record(input_data.read_data_sets, set_seed, str(folder))
        assert sorted(recorded.files) == sorted(ours)
        for name in recorded.files:
            assert ours[name].dtype == recorded[name].dtype, name
            np.testing.assert_array_equal(ours[name], recorded[name], err_msg=name)


def test_files_that_are_not_compressed(folder):
    expected = input_data.read_data_sets(str(folder), validation_size=5).test.images
    for path in folder.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    found = input_data.read_data_sets(str(folder), validation_size=5).test.images
    np.testing.assert_array_equal(found, expected)


def test_missing_files_say_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="millstream data mnist"):
        input_data.read_data_sets(str(tmp_path))


@pytest.mark.parametrize("size", [-1, 21, 5000])
def test_validation_size(folder, size):
    with pytest.raises(ValueError, match=f"between 0 and 20. Received: {size}"):
        input_data.read_data_sets(str(folder), validation_size=size)


def test_dtype(folder):
    with pytest.raises(TypeError, match=r"Invalid image dtype tf.int32, expected uint8 or float32"):
        input_data.read_data_sets(str(folder), validation_size=5, dtype=tf.int32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack(">4i", 2052, 1, 4, 4) + bytes(16), "Invalid magic number 2052 in MNIST image"),
        (struct.pack(">4i", 2051, 2, 4, 4) + bytes(16), "2 images of 4x4 need 32 bytes, 16 are"),
        (struct.pack(">4i", 2051, 2**31 - 1, 2**31 - 1, 9), "ends early"),
        (b"\x08\x03", "Invalid magic number"),
        (b"", "Invalid magic number 0"),
    ],
)
def test_files_of_images_that_are_none(folder, content, message):
    (folder / "train-images-idx3-ubyte.gz").unlink()
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        input_data.read_data_sets(str(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack(">2i", 2051, 1) + bytes(1), "Invalid magic number 2051 in MNIST label file"),
        (struct.pack(">2i", 2049, 9) + bytes(8), "it has 8 of 9 labels"),
    ],
)
def test_files_of_labels_that_are_none(folder, content, message):
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=message):
        input_data.read_data_sets(str(folder))


def test_images_and_labels_must_be_as_many(folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 19) + bytes(19))
    with pytest.raises(AssertionError, match=r"labels.shape"):
        input_data.read_data_sets(str(folder), validation_size=0)


def test_fake_data(tmp_path):
    sets = input_data.read_data_sets(str(tmp_path), fake_data=True, one_hot=True)
    images, labels = sets.train.next_batch(3)
    assert np.shape(images) == (3, 784)
    assert np.shape(labels) == (3, 10)
    assert sets.train.num_examples == 10000
