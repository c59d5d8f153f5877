"""Models that look at the labels only: what any other model must be better than."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.estimator.canned.common import checked_features, classifier_head, optimizer_of
from millstream.estimator.estimator import Estimator
from millstream.estimator.heads.base import SUM, Head
from millstream.estimator.heads.regression import RegressionHead
from millstream.ir.composite import SparseTensor
from millstream.ops.array.filling import ones
from millstream.ops.array.shapes import shape
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.state.scoping import variable_scope

_LEARNING_RATE = 0.3


def _batch_size(features: dict[Any, Any]) -> Any:
    first = next(iter(features.values()))
    if isinstance(first, SparseTensor):
        return first.dense_shape[0]
    return shape(first)[0]


def baseline_model_fn(features: Any, labels: Any, mode: str, head: Head, optimizer: Any) -> Any:
    """Is the model function of baselines: a bias, the same for all examples."""
    features = checked_features(features)
    units = head.logits_dimension
    with variable_scope("baseline", values=tuple(features.values())):
        size = _batch_size(features)
        bias = get_variable("bias", shape=[units], initializer=Zeros())
        logits = ones([size, units]) * bias
    return head.create_estimator_spec(
        features=features, mode=mode, logits=logits, labels=labels,
        optimizer=optimizer_of(optimizer, _LEARNING_RATE),
    )  # fmt: skip


class _Baseline(Estimator):
    """What baselines share."""

    def __init__(self, head: Head, model_dir: Any, optimizer: Any, config: Any) -> None:
        def model_fn(features: Any, labels: Any, mode: str) -> Any:
            return baseline_model_fn(features, labels, mode, head, optimizer)

        super().__init__(model_fn, model_dir, config)


@export("estimator.BaselineClassifier")
class BaselineClassifier(_Baseline):
    """Is a classifier that predicts how often each class comes, whatever the features.

    Args:
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column: name or `numeric_column` of the examples' weights.
      label_vocabulary: the words that labels are of.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
      loss_reduction: how the examples' losses become one.
    """

    def __init__(
        self,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        optimizer: Any = "Ftrl",
        config: Any = None,
        loss_reduction: str = SUM,
    ) -> None:
        head = classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(head, model_dir, optimizer, config)


@export("estimator.BaselineRegressor")
class BaselineRegressor(_Baseline):
    """Is a regressor that predicts the mean of the labels, whatever the features.

    Args:
      model_dir: directory of checkpoints and summaries.
      label_dimension: how many numbers are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
      loss_reduction: how the examples' losses become one.
    """

    def __init__(
        self,
        model_dir: Any = None,
        label_dimension: int = 1,
        weight_column: Any = None,
        optimizer: Any = "Ftrl",
        config: Any = None,
        loss_reduction: str = SUM,
    ) -> None:
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__(head, model_dir, optimizer, config)


@export("estimator.BaselineEstimator")
class BaselineEstimator(_Baseline):
    """Is a baseline with any head.

    Args:
      head: the head.
      model_dir: directory of checkpoints and summaries.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
    """

    def __init__(
        self, head: Head, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None
    ) -> None:
        super().__init__(head, model_dir, optimizer, config)
