"""`tf.estimator.inputs.numpy_input_fn`: feeds a model from arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.estimator.inputs import feeding


@export("estimator.inputs.numpy_input_fn")
def numpy_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable[[], Any]:
    """Makes an input function that feeds arrays.

    Args:
      x: an array, or a dict of arrays with equally many rows.
      y: labels: an array, or a dict of them; None for none.
      batch_size: rows per batch.
      num_epochs: how many times to go through the rows; None for no end.
      shuffle: whether in random order; must be said.
      queue_capacity: of the queue, in rows.
      num_threads: how many threads fill it. With several, rows come in no certain order and each
        thread goes through all rows.

    Returns:
      A function of nothing that gives features, or features and labels.

    Raises:
      ValueError: if `shuffle` is not said, numbers of rows differ, or a dict is empty.
      TypeError: if `x` is neither array nor dict.

    Example:
      >>> input_fn = numpy_input_fn({"age": ages}, wages, shuffle=True, num_epochs=None)
    """
    if not isinstance(shuffle, bool):
        raise ValueError(
            "shuffle must be provided and explicitly set as boolean (it is recommended to set it "
            f"as True for training); got {shuffle}"
        )
    return NumpyInput(x, y, batch_size, num_epochs, shuffle, queue_capacity, num_threads)


class NumpyInput:
    """An input function over arrays, which can be called, or iterated over without a graph."""

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        num_epochs: int | None,
        shuffle: bool,
        queue_capacity: int,
        num_threads: int,
    ) -> None:
        self._x, self._y = x, y
        self._batch_size, self._num_epochs, self._shuffle = batch_size, num_epochs, shuffle
        self._capacity, self._num_threads = queue_capacity, num_threads

    def __call__(self) -> Any:
        """Adds a queue to the default graph; returns features, or features and labels."""
        features, labels = _checked(self._x, self._y)
        columns = [*features.values(), *labels.values()]
        queue = feeding.enqueue_data(
            columns, self._capacity, self._shuffle, self._num_threads, self._batch_size,
            self._num_epochs,
        )  # fmt: skip
        if self._num_epochs is None:
            batch = queue.dequeue_many(self._batch_size)
        else:
            batch = queue.dequeue_up_to(self._batch_size)
        return self._structured(batch[1:], features, labels)

    def _structured(self, batch: Any, features: Any, labels: Any) -> Any:
        found: Any = dict(zip(features, batch))
        if not isinstance(self._x, dict):
            (found,) = found.values()
        if self._y is None:
            return found
        rest = batch[len(features) :]
        return found, dict(zip(labels, rest)) if isinstance(self._y, dict) else rest[0]

    def feature_batches(self) -> Iterator[Any] | None:
        """Gives the batches of features without graph or threads; None if rows are shuffled."""
        if self._shuffle or self._num_threads != 1 or self._num_epochs is None:
            return None
        features, _ = _checked(self._x, self._y)
        found = feeding.batches(list(features.values()), self._batch_size, self._num_epochs)
        return (self._structured_features(batch, features) for batch in found)

    def _structured_features(self, batch: list[np.ndarray], features: Any) -> Any:
        return dict(zip(features, batch)) if isinstance(self._x, dict) else batch[0]


def _checked(x: Any, y: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns features and labels by name.

    Raises:
      ValueError: if they are empty, share names or have different numbers of rows.
      TypeError: if `x` is neither array nor dict.
    """
    if not isinstance(x, (dict, np.ndarray)):
        raise TypeError(f"x must be a dict or array; got {type(x).__name__}")
    if isinstance(x, dict) and not x:
        raise ValueError("x cannot be an empty dict")
    if isinstance(y, dict) and not y:
        raise ValueError("y cannot be empty dict, use None instead.")
    features = dict(sorted(x.items())) if isinstance(x, dict) else {"__direct_np_input__": x}
    if y is None:
        labels: dict[str, Any] = {}
    elif isinstance(y, dict):
        shared = set(features) & set(y)
        if shared:
            raise ValueError(f"{len(shared)} duplicate keys are found in both x and y: {shared}")
        labels = dict(sorted(y.items()))
    else:
        labels = {"__target_key__": y}
    for name, array in {**features, **labels}.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name!r} must be an array; got {type(array).__name__}")
    if len({array.shape[:1] for array in [*features.values(), *labels.values()]}) != 1:
        of_x = {name: a.shape for name, a in features.items()} if isinstance(x, dict) else x.shape
        of_y = {name: a.shape for name, a in labels.items()} if isinstance(y, dict) else y.shape
        raise ValueError(
            "Length of tensors in x and y is mismatched. All elements in x and y must have the "
            f"same length.\nShapes in x: {of_x}\nShapes in y: {of_y}\n"
        )
    return features, labels
