"""`tf.contrib.learn.datasets`: small data sets from installed packages; no network."""

from __future__ import annotations

import csv
import importlib
from typing import Any, NamedTuple

import numpy as np

from millstream.base.export import export
from millstream.compat import input_data
from millstream.formats.file_object import GFile


@export("contrib.learn.datasets.base.Dataset")
class Dataset(NamedTuple):
    """Holds features and labels.

    Args:
      data: `[examples, features]`.
      target: `[examples]`.
    """

    data: Any
    target: Any


@export("contrib.learn.datasets.base.Datasets")
class Datasets(NamedTuple):
    """Holds data sets to train, validate and test with.

    Args:
      train: to train with.
      validation: to validate with.
      test: to test with.
    """

    train: Any
    validation: Any
    test: Any


def _from_sklearn(loader: str) -> Dataset:
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise ImportError(
            "This data set comes with scikit-learn, which is not installed: pip install "
            "scikit-learn"
        ) from error
    found = getattr(datasets, loader)()
    return Dataset(np.asarray(found.data), np.asarray(found.target))


@export("contrib.learn.datasets.load_iris", "contrib.learn.datasets.base.load_iris")
def load_iris(data_path: Any = None) -> Dataset:
    """Loads the iris data: 150 flowers of 3 kinds, 4 measurements each.

    Args:
      data_path: a file in the format of `load_csv_with_header`; default: scikit-learn's data.

    Raises:
      ImportError: if scikit-learn is not installed.
    """
    if data_path is not None:
        return load_csv_with_header(data_path, np.int64, np.float64)
    return _from_sklearn("load_iris")


@export("contrib.learn.datasets.load_dataset")
def load_dataset(name: str, size: str = "small", test_with_fake_data: bool = False) -> Dataset:
    """Loads a data set by name: `iris`, or `diabetes`, `wine`, `breast_cancer`, `digits`.

    Args:
      name: its name.
      size: accepted.
      test_with_fake_data: accepted.

    Raises:
      ValueError: if there is none of that name.
    """
    del size, test_with_fake_data
    known = ("iris", "diabetes", "wine", "breast_cancer", "digits")
    if name not in known:
        raise ValueError(f"Name of dataset is not found: {name}. There are {known}.")
    return _from_sklearn(f"load_{name}")


@export("contrib.learn.datasets.base.load_csv_with_header")
def load_csv_with_header(
    filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> Dataset:
    """Reads a CSV file whose first line has the numbers of examples and features.

    Args:
      filename: its path.
      target_dtype: of the labels.
      features_dtype: of the features.
      target_column: which column has the labels.
    """
    with GFile(filename) as file:
        rows = list(csv.reader(file))
    return _table(rows[1:], target_dtype, features_dtype, target_column)


@export("contrib.learn.datasets.base.load_csv_without_header")
def load_csv_without_header(
    filename: Any, target_dtype: Any, features_dtype: Any, target_column: int = -1
) -> Dataset:
    """Reads a CSV file of numbers.

    Arguments as for `load_csv_with_header`.
    """
    with GFile(filename) as file:
        rows = list(csv.reader(file))
    return _table(rows, target_dtype, features_dtype, target_column)


def _table(rows: list[list[str]], target_dtype: Any, features_dtype: Any, column: int) -> Dataset:
    target = [row.pop(column) for row in rows if row]
    return Dataset(np.array([r for r in rows if r], features_dtype), np.array(target, target_dtype))


for _value in (
    input_data.DataSet, input_data.read_data_sets, input_data.dense_to_one_hot,
    input_data.extract_images, input_data.extract_labels,
):  # fmt: skip
    export(f"contrib.learn.datasets.mnist.{_value.__name__}", module=_value.__module__)(_value)
