"""Heads of regressors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.estimator.export.outputs import PredictOutput, RegressionOutput
from millstream.estimator.heads import labels as labelling
from millstream.estimator.heads import metrics as measuring
from millstream.estimator.heads.base import (
    SUM_OVER_BATCH_SIZE,
    Head,
    LossSpec,
    call_loss_fn,
    check_loss_fn,
    serving,
)
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.losses.functions import mean_squared_error
from millstream.metrics.means import mean
from millstream.ops.array.identities import identity
from millstream.ops.by_name import ops
from millstream.ops.flow import checks
from millstream.ops.math.cast import cast
from millstream.ops.nn.cross_entropy import log_poisson_loss, sigmoid_cross_entropy_with_logits


@export("estimator.RegressionHead")
class RegressionHead(Head):
    """Is the head of a regressor, with squared error as loss.

    Logits and labels are `[batch, label_dimension]`.

    Args:
      label_dimension: how many numbers are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      loss_reduction: how the examples' losses become one.
      loss_fn: a function of `labels` and `logits` instead of squared error.
      inverse_link_fn: a function that makes predictions of logits.
      name: put behind the names of metrics and summaries.

    Raises:
      ValueError: if `label_dimension` is not positive.
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        loss_fn: Any = None,
        inverse_link_fn: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, loss_reduction)
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        check_loss_fn(loss_fn)
        self._dimension = label_dimension
        self._weight_column, self._loss_fn = weight_column, loss_fn
        self._inverse_link_fn = inverse_link_fn

    @property
    def logits_dimension(self) -> int:
        """How many numbers are predicted."""
        return self._dimension

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """Returns the predicted numbers, and logits if they differ."""
        logits = labelling.checked_logits(logits, self._dimension)
        if self._inverse_link_fn is None:
            found = {"predictions": logits}
        else:
            found = {"predictions": self._inverse_link_fn(logits), "logits": logits}
        return found if keys is None else {key: found[key] for key in keys}

    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the loss."""
        logits = cast(logits, Float)
        labels = labelling.checked_labels(labels, logits, self._dimension)
        labels = cast(labels, Float)
        if self._loss_fn is not None:
            unreduced = call_loss_fn(self._loss_fn, labels, logits, features, self._dimension)
        else:
            unreduced = mean_squared_error(labels=labels, predictions=logits, reduction="none")
        weights = labelling.weights_of(features, self._weight_column, logits, per_logit=True)
        return LossSpec(self._reduced(unreduced, weights), unreduced, weights, labels)

    def eval_metric_ops(
        self, predictions: dict[str, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns mean loss, mean prediction and mean label."""
        key, weights = self._key, spec.weights
        with name_scope(None, "metrics"):
            found = {
                key("average_loss"): mean(
                    spec.unreduced_loss, measuring.weighted(weights, spec.unreduced_loss),
                    name=key("average_loss"),
                ),
                key("prediction/mean"): measuring.predictions_mean(
                    predictions["predictions"], weights, key("prediction/mean")
                ),
                key("label/mean"): measuring.labels_mean(
                    spec.processed_labels, weights, key("label/mean")
                ),
            }  # fmt: skip
            if regularization_loss is not None:
                found[key("regularization_loss")] = mean(
                    regularization_loss, name=key("regularization_loss")
                )
        return found

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Returns outputs for regression and prediction."""
        return serving(
            regression=RegressionOutput(value=predictions["predictions"]),
            predict=PredictOutput(predictions),
        )


@export("estimator.PoissonRegressionHead")
class PoissonRegressionHead(RegressionHead):
    """Is the head of a regressor of counts, with Poisson loss; predictions are `exp(logits)`.

    Args:
      label_dimension: how many counts are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      loss_reduction: how the examples' losses become one.
      compute_full_loss: whether the loss has the term of the labels' factorials.
      name: put behind the names of metrics and summaries.
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        compute_full_loss: bool = True,
        name: str | None = None,
    ) -> None:
        def poisson(labels: Any, logits: Any) -> Any:
            return log_poisson_loss(labels, logits, compute_full_loss=compute_full_loss)

        super().__init__(label_dimension, weight_column, loss_reduction, poisson, ops.Exp, name)


@export("estimator.LogisticRegressionHead", "contrib.estimator.logistic_regression_head")
class LogisticRegressionHead(RegressionHead):
    """Is the head of a regressor of probabilities: labels and predictions lie from 0 to 1.

    Args:
      weight_column: name or `numeric_column` of the examples' weights.
      loss_reduction: how the examples' losses become one.
      name: put behind the names of metrics and summaries.
    """

    def __init__(
        self,
        weight_column: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        name: str | None = None,
    ) -> None:
        super().__init__(1, weight_column, loss_reduction, _cross_entropy, ops.Sigmoid, name)


def _cross_entropy(labels: Any, logits: Any) -> Any:
    message = "Labels must be in range [0, 1]"
    found = [
        checks.assert_non_negative(labels, message=message),
        checks.assert_less_equal(labels, 1.0, message=message),
    ]
    with control_dependencies(found):
        labels = identity(labels)
    return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
