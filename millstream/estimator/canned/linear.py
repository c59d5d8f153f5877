"""Linear models: `tf.estimator.LinearClassifier`, `LinearRegressor` and `LinearEstimator`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from millstream.base import nest
from millstream.base.export import export
from millstream.estimator.canned.common import (
    checked_features,
    classifier_head,
    input_partitioner,
    optimizer_of,
)
from millstream.estimator.estimator import Estimator
from millstream.estimator.heads.base import SUM, Head
from millstream.estimator.heads.regression import RegressionHead
from millstream.feature_column.linear import linear_model
from millstream.ir.convert import convert_to_tensor
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import reshape
from millstream.ops.nn.normalization import zero_fraction
from millstream.state.scoping import variable_scope
from millstream.summary.functions import histogram, scalar

LEARNING_RATE = 0.2


def default_rate(columns: Any, limit: float = LEARNING_RATE) -> float:
    """Returns the learning rate of a linear model: the smaller, the more columns."""
    return min(limit, 1.0 / math.sqrt(len(columns)))


@export(
    "estimator.experimental.linear_logit_fn_builder", "contrib.estimator.linear_logit_fn_builder"
)
def linear_logit_fn_builder(
    units: int, feature_columns: Any, sparse_combiner: str = "sum"
) -> Callable[[Any], Any]:
    """Makes a function of features that returns the logits of a linear model.

    Args:
      units: number of logits.
      feature_columns: dense and categorical columns.
      sparse_combiner: how the weights of an example's ids are combined.
    """

    def linear_logit_fn(features: Any) -> Any:
        variables: dict[Any, Any] = {}
        logits = linear_model(
            features, feature_columns, units=units, sparse_combiner=sparse_combiner,
            cols_to_vars=variables,
        )  # fmt: skip
        bias = nest.flatten(variables.pop("bias"))[0]
        if units > 1:
            histogram("bias", bias)
        else:
            scalar("bias", bias[0])
        flat = [reshape(convert_to_tensor(v), [-1]) for v in nest.flatten(list(variables.values()))]
        if flat:
            scalar("fraction_of_zero_weights", zero_fraction(concat(flat, 0)))
        return logits

    return linear_logit_fn


def linear_model_fn(
    features: Any,
    labels: Any,
    mode: str,
    head: Head,
    feature_columns: Any,
    optimizer: Any,
    partitioner: Any,
    config: Any,
    sparse_combiner: str,
) -> Any:
    """Is the model function of linear models."""
    features = checked_features(features)
    optimizer = optimizer_of(optimizer, default_rate(feature_columns))
    with variable_scope(
        "linear", values=tuple(features.values()),
        partitioner=partitioner or input_partitioner(config), use_resource=True,
    ):  # fmt: skip
        logit_fn = linear_logit_fn_builder(head.logits_dimension, feature_columns, sparse_combiner)
        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, optimizer=optimizer,
            logits=logit_fn(features),
        )  # fmt: skip


class _Linear(Estimator):
    """What linear estimators share."""

    def __init__(
        self, head: Head, feature_columns: Any, model_dir: Any, optimizer: Any, config: Any,
        partitioner: Any, warm_start_from: Any, sparse_combiner: str,
    ) -> None:  # fmt: skip
        def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
            return linear_model_fn(
                features, labels, mode, head, tuple(feature_columns or ()), optimizer, partitioner,
                config, sparse_combiner,
            )  # fmt: skip

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start_from)


@export("estimator.LinearClassifier")
class LinearClassifier(_Linear):
    """Is a linear classifier: logistic or softmax regression.

    Args:
      feature_columns: dense and categorical columns.
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column: name or `numeric_column` of the examples' weights.
      label_vocabulary: the words that labels are of.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
      partitioner: partitioner of the weights.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      sparse_combiner: how the weights of an example's ids are combined.
    """

    def __init__(
        self,
        feature_columns: Any,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        optimizer: Any = "Ftrl",
        config: Any = None,
        partitioner: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        sparse_combiner: str = "sum",
    ) -> None:
        head = classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(
            head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
            sparse_combiner,
        )  # fmt: skip


@export("estimator.LinearRegressor")
class LinearRegressor(_Linear):
    """Is a linear regressor.

    Args:
      feature_columns: dense and categorical columns.
      model_dir: directory of checkpoints and summaries.
      label_dimension: how many numbers are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
      partitioner: partitioner of the weights.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      sparse_combiner: how the weights of an example's ids are combined.
    """

    def __init__(
        self,
        feature_columns: Any,
        model_dir: Any = None,
        label_dimension: int = 1,
        weight_column: Any = None,
        optimizer: Any = "Ftrl",
        config: Any = None,
        partitioner: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        sparse_combiner: str = "sum",
    ) -> None:
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__(
            head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
            sparse_combiner,
        )  # fmt: skip


@export("estimator.LinearEstimator")
class LinearEstimator(_Linear):
    """Is a linear model with any head.

    Args:
      head: the head.
      feature_columns: dense and categorical columns.
      model_dir: directory of checkpoints and summaries.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      config: a `RunConfig`.
      partitioner: partitioner of the weights.
      sparse_combiner: how the weights of an example's ids are combined.
    """

    def __init__(
        self,
        head: Head,
        feature_columns: Any,
        model_dir: Any = None,
        optimizer: Any = "Ftrl",
        config: Any = None,
        partitioner: Any = None,
        sparse_combiner: str = "sum",
    ) -> None:
        super().__init__(
            head, feature_columns, model_dir, optimizer, config, partitioner, None, sparse_combiner
        )
