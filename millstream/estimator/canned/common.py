"""What ready-made models share: optimizers by name, partitioners, heads, summaries."""

from __future__ import annotations

from typing import Any

from millstream.estimator.heads.base import Head
from millstream.estimator.heads.binary import BinaryClassHead
from millstream.estimator.heads.multi_class import MultiClassHead
from millstream.ops.nn.normalization import zero_fraction
from millstream.state.partitioning import min_max_variable_partitioner
from millstream.summary.functions import histogram, scalar
from millstream.train.optimizers.adam import AdamOptimizer
from millstream.train.optimizers.base import Optimizer
from millstream.train.optimizers.simple import (
    AdagradOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    RMSPropOptimizer,
)

_BY_NAME = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
_MIN_SLICE_BYTES = 64 << 20


def optimizer_of(given: Any, learning_rate: float) -> Any:
    """Returns the optimizer that a name, a function of nothing or an optimizer stands for.

    Args:
      given: it.
      learning_rate: for an optimizer that is named.

    Raises:
      ValueError: if there is none of that name, or it is no optimizer.
    """
    if isinstance(given, str):
        if given not in _BY_NAME:
            raise ValueError(
                f"Unsupported optimizer name: {given}. Supported names are: "
                f"{tuple(sorted(_BY_NAME))}"
            )
        return _BY_NAME[given](learning_rate=learning_rate)
    if callable(given) and not isinstance(given, Optimizer):
        given = given()
    if not isinstance(given, Optimizer):
        raise ValueError(f"The given object is not an Optimizer instance. Given: {given}")
    return given


def classifier_head(
    n_classes: int, weight_column: Any, label_vocabulary: Any, loss_reduction: str
) -> Head:
    """Returns the head of a classifier with two or more classes.

    Raises:
      ValueError: if there are fewer.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes should be greater or equal to 2, but it is {n_classes}.")
    if n_classes == 2:
        return BinaryClassHead(
            weight_column, label_vocabulary=label_vocabulary, loss_reduction=loss_reduction
        )
    return MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction)


def checked_features(features: Any) -> dict[Any, Any]:
    """Returns features by name.

    Raises:
      ValueError: if they are none.
    """
    if not isinstance(features, dict):
        raise ValueError(
            f"features should be a dictionary of `Tensor`s. Given type: {type(features)}"
        )
    return features


def replicas(config: Any) -> int:
    """Returns the number of parameter servers."""
    return config.num_ps_replicas if config else 0


def hidden_partitioner(config: Any) -> Any:
    """Returns the partitioner of hidden layers."""
    return min_max_variable_partitioner(max_partitions=replicas(config))


def input_partitioner(config: Any) -> Any:
    """Returns the partitioner of embeddings and linear weights."""
    return min_max_variable_partitioner(
        max_partitions=replicas(config), min_slice_size=_MIN_SLICE_BYTES
    )


def summarize_layer(value: Any, tag: str) -> None:
    """Adds summaries of a layer's output."""
    scalar(f"{tag}/fraction_of_zero_values", zero_fraction(value))
    histogram(f"{tag}/activation", value)
