"""`tf.estimator.inputs.pandas_input_fn`: feeds a model from data frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.estimator.inputs import feeding


@export("estimator.inputs.pandas_input_fn")
def pandas_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
    target_column: str = "target",
) -> Callable[[], Any]:
    """Makes an input function that feeds the columns of a data frame.

    Args:
      x: a `pandas.DataFrame`.
      y: labels: a `pandas.Series`, or a data frame; None for none. Its index must be that of `x`.
      batch_size: rows per batch.
      num_epochs: how many times to go through the rows; None for no end.
      shuffle: whether in random order; must be said.
      queue_capacity: of the queue, in rows.
      num_threads: how many threads fill it.
      target_column: accepted; the labels need no column of their own here.

    Returns:
      A function of nothing that gives a dict of features by column, or that and labels.

    Raises:
      ValueError: if `shuffle` is not said, the indices differ, or `x` has a column of that name.
      TypeError: if `x` is no data frame.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(
            "shuffle must be provided and explicitly set as boolean (it is recommended to set it "
            f"as True for training); got {shuffle}"
        )
    if not hasattr(x, "columns"):
        raise TypeError(f"x must be a pandas.DataFrame; got {type(x).__name__}")
    if y is not None:
        if target_column in x.columns:
            raise ValueError(
                f"Cannot use name {target_column} for target column: DataFrame already has a "
                f"column with that name: {x.columns}"
            )
        if not np.array_equal(x.index, y.index):
            raise ValueError(
                f"Index for x and y are mismatched.\nIndex for x: {x.index}\n"
                f"Index for y: {y.index}\n"
            )
    features = {str(name): np.asarray(x[name]) for name in x.columns}
    several = hasattr(y, "columns")
    if y is None:
        labels = {}
    elif several:
        labels = {str(name): np.asarray(y[name]) for name in y.columns}
    else:
        labels = {target_column: np.asarray(y)}

    def input_fn() -> Any:
        queue = feeding.enqueue_data(
            [*features.values(), *labels.values()], queue_capacity, shuffle, num_threads,
            batch_size, num_epochs, index=np.asarray(x.index),
        )  # fmt: skip
        if num_epochs is None:
            batch = queue.dequeue_many(batch_size)
        else:
            batch = queue.dequeue_up_to(batch_size)
        found = dict(zip(features, batch[1:]))
        if y is None:
            return found
        rest = dict(zip(labels, batch[1 + len(features) :]))
        return found, rest if several else rest[target_column]

    return input_fn
