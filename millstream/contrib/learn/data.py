"""Makes input functions of what scikit-learn takes: arrays, data frames, lists, iterators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.contrib.layers.column_makers import infer_real_valued_columns
from millstream.estimator.inputs.numpy_io import numpy_input_fn
from millstream.ir.graph import Graph

DEFAULT_KEY = ""


def as_arrays(x: Any) -> Any:
    """Returns features as an array, or as a dict of arrays.

    Args:
      x: an array, a list, a data frame, an iterator of rows, or a dict of those.
    """
    if isinstance(x, dict):
        return {key: as_arrays(value) for key, value in x.items()}
    if isinstance(x, Iterator):
        x = list(x)
    found = np.asarray(x)
    return found.astype(np.float32) if found.dtype == np.float64 else found


def as_labels(y: Any) -> Any:
    """Returns labels as an array, or as a dict of arrays."""
    if y is None:
        return None
    if isinstance(y, dict):
        return {key: as_labels(value) for key, value in y.items()}
    found = as_arrays(y)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    return found


def input_fn_of(
    x: Any, y: Any, batch_size: int | None, epochs: int | None, shuffle: bool
) -> Callable[[], Any]:
    """Makes an input function.

    Args:
      x: features.
      y: labels, or None.
      batch_size: rows per batch; None for all in one.
      epochs: how many times to go through the rows; None for no end.
      shuffle: whether in random order.

    Raises:
      ValueError: if there are no rows, or not as many labels.
    """
    features, labels = as_arrays(x), as_labels(y)
    size = len(next(iter(features.values()))) if isinstance(features, dict) else len(features)
    if not size:
        raise ValueError("There are no examples: x is empty.")
    rows = batch_size or size
    if epochs is not None:
        rows = min(rows, size)
    return numpy_input_fn(
        features, labels, batch_size=rows, num_epochs=epochs, shuffle=shuffle,
        queue_capacity=max(1000, 4 * rows),
    )  # fmt: skip


@export("contrib.learn.infer_real_valued_columns_from_input")
def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """Makes feature columns for the numbers of arrays.

    Args:
      x: an array `[rows, columns]`, or a dict of arrays.

    Returns:
      A `real_valued_column` for each array.

    Raises:
      ValueError: if an array is not of numbers.
    """
    arrays = as_arrays(x)
    with Graph().as_default():
        if isinstance(arrays, dict):
            return infer_real_valued_columns({k: v[:1] for k, v in arrays.items()})
        return infer_real_valued_columns(arrays[:1])


@export("contrib.learn.infer_real_valued_columns_from_input_fn")
def infer_real_valued_columns_from_input_fn(input_fn: Callable[[], Any]) -> list[Any]:
    """Makes feature columns for the numbers that an input function gives.

    Args:
      input_fn: a function of nothing that returns features and labels.

    Returns:
      A `real_valued_column` for each feature.

    Raises:
      ValueError: if a feature is not of numbers.
    """
    with Graph().as_default():
        features, _ = input_fn()
        return infer_real_valued_columns(features)


@export("contrib.learn.extract_pandas_data", "contrib.learn.io.extract_pandas_data")
def extract_pandas_data(data: Any) -> Any:
    """Returns the float32 matrix of a data frame; anything else as it is."""
    return np.asarray(data, np.float32) if hasattr(data, "columns") else data


@export("contrib.learn.extract_pandas_matrix", "contrib.learn.io.extract_pandas_matrix")
def extract_pandas_matrix(data: Any) -> Any:
    """Returns the matrix of a data frame; anything else as it is."""
    return np.asarray(data) if hasattr(data, "columns") else data


@export("contrib.learn.extract_pandas_labels", "contrib.learn.io.extract_pandas_labels")
def extract_pandas_labels(labels: Any) -> Any:
    """Returns the array of a data frame with one column, or of a series.

    Raises:
      ValueError: if the data frame has several columns.
    """
    if hasattr(labels, "columns"):
        if len(labels.columns) > 1:
            raise ValueError("Only one column for labels is allowed.")
        return np.asarray(labels)
    return np.asarray(labels) if hasattr(labels, "iloc") else labels
