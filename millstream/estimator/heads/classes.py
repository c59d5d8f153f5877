"""The classes of a classifier: numbers and names, one row per example."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import String
from millstream.ir.convert import convert_to_tensor
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.array.shapes import shape
from millstream.ops.math.ranges import range as range_
from millstream.ops.string.numbers import as_string


def checked_vocabulary(vocabulary: Any, n_classes: int) -> Any:
    """Returns the words that labels are of, or None.

    Raises:
      ValueError: if it is no list or tuple, or its length is not the number of classes.
    """
    if vocabulary is None:
        return None
    if not isinstance(vocabulary, (list, tuple)):
        raise ValueError(
            f"label_vocabulary should be a list or a tuple. Given type: {type(vocabulary)}"
        )
    if len(vocabulary) != n_classes:
        raise ValueError(
            f"Length of label_vocabulary must equal to n_classes. Given: {len(vocabulary)} and "
            f"{n_classes}"
        )
    return vocabulary


def all_class_ids(logits: Any, n_classes: int) -> Any:
    """Returns `[batch, n_classes]`, the numbers of all classes in each row."""
    size = shape(logits)[0]
    return tile(expand_dims(range_(n_classes), 0), [size, 1])


def all_classes(logits: Any, n_classes: int, vocabulary: Any) -> Any:
    """Returns `[batch, n_classes]`, the names of all classes in each row."""
    size = shape(logits)[0]
    if vocabulary is None:
        names = as_string(range_(n_classes))
    else:
        names = convert_to_tensor(vocabulary, dtype=String)
    return tile(expand_dims(names, 0), [size, 1])
