"""Losses, predictions and metrics of TF.Learn's ready-made models."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Bool, Float, Int64
from millstream.contrib.learn.model_fn_ops import ModeKeys, ModelFnOps
from millstream.ir.convert import convert_to_tensor
from millstream.losses.functions import (
    mean_squared_error,
    sigmoid_cross_entropy,
    sparse_softmax_cross_entropy,
)
from millstream.metrics.counts import precision, recall
from millstream.metrics.curves import auc
from millstream.metrics.means import accuracy, mean
from millstream.ops.array.filling import zeros_like
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.table.vocabulary import (
    index_table_from_tensor,
    index_to_string_table_from_tensor,
)


class Classifier:
    """Is the head of classifiers.

    Args:
      n_classes: number of classes, at least two.
      weight_column: name of the feature with the examples' weights.
      label_keys: the words that labels are of, or None.

    Raises:
      ValueError: if there are fewer than two classes.
    """

    prediction = "classes"

    def __init__(self, n_classes: int, weight_column: Any, label_keys: Any = None) -> None:
        if n_classes < 2:
            raise ValueError(f"n_classes must be > 1: {n_classes}.")
        self._n_classes, self._weight_column = n_classes, weight_column
        self._label_keys = label_keys

    @property
    def logits_dimension(self) -> int:
        """The number of logits: one for two classes."""
        return 1 if self._n_classes == 2 else self._n_classes

    def model_fn_ops(
        self, features: Any, labels: Any, mode: str, logits: Any, train_op_fn: Any
    ) -> ModelFnOps:
        """Returns the `ModelFnOps` of a model with these logits."""
        predictions = self._predictions(logits)
        if mode == ModeKeys.INFER:
            return ModelFnOps(mode, predictions)
        ids = self._ids(labels)
        weights = weights_of(features, self._weight_column)
        if self._n_classes == 2:
            positive = expand_dims(cast(ids, Float), 1)
            given = 1.0 if weights is None else expand_dims(weights, 1)
            loss = sigmoid_cross_entropy(positive, logits, given)
        else:
            loss = sparse_softmax_cross_entropy(ids, logits, 1.0 if weights is None else weights)
        if mode == ModeKeys.TRAIN:
            return ModelFnOps(mode, predictions, loss, train_op_fn(loss))
        metrics = self._metrics(ids, predictions, weights)
        return ModelFnOps(mode, predictions, loss, eval_metric_ops=metrics)

    def _ids(self, labels: Any) -> Any:
        labels = flat_labels(labels)
        if self._label_keys is not None:
            return index_table_from_tensor(self._label_keys).lookup(labels)
        return cast(labels, Int64)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        if self._n_classes == 2:
            both = concat([zeros_like(logits), logits], 1)
            found = {
                "logits": logits,
                "logistic": ops.Sigmoid(logits, name="logistic"),
                "probabilities": ops.Softmax(both, name="probabilities"),
                "classes": ops.ArgMax(both, 1, name="classes"),
            }
        else:
            found = {
                "logits": logits,
                "probabilities": ops.Softmax(logits, name="probabilities"),
                "classes": ops.ArgMax(logits, 1, name="classes"),
            }
        if self._label_keys is not None:
            table = index_to_string_table_from_tensor(self._label_keys)
            found["classes"] = table.lookup(found["classes"])
        return found

    def _metrics(self, ids: Any, predictions: dict[str, Any], weights: Any) -> dict[str, Any]:
        chosen = ops.ArgMax(predictions["probabilities"], 1)
        found = {"accuracy": accuracy(ids, chosen, weights)}
        if self._n_classes > 2:
            return found
        logistic, truth = reshape(predictions["logistic"], [-1]), cast(ids, Bool)
        positive = logistic > 0.5
        found.update({
            "labels/prediction_mean": mean(logistic, weights),
            "labels/actual_label_mean": mean(cast(ids, Float), weights),
            "accuracy/baseline_label_mean": mean(cast(ids, Float), weights),
            "auc": auc(truth, logistic, weights),
            "auc_precision_recall": auc(truth, logistic, weights, curve="PR"),
            "accuracy/threshold_0.500000_mean": accuracy(
                cast(ids, Float), cast(positive, Float), weights
            ),
            "precision/positive_threshold_0.500000_mean": precision(truth, positive, weights),
            "recall/positive_threshold_0.500000_mean": recall(truth, positive, weights),
        })  # fmt: skip
        return found


class Regressor:
    """Is the head of regressors.

    Args:
      dimension: how many numbers are predicted.
      weight_column: name of the feature with the examples' weights.
    """

    prediction = "scores"

    def __init__(self, dimension: int, weight_column: Any) -> None:
        self._dimension, self._weight_column = dimension, weight_column

    @property
    def logits_dimension(self) -> int:
        """How many numbers are predicted."""
        return self._dimension

    def model_fn_ops(
        self, features: Any, labels: Any, mode: str, logits: Any, train_op_fn: Any
    ) -> ModelFnOps:
        """Returns the `ModelFnOps` of a model with these logits."""
        scores = reshape(logits, [-1]) if self._dimension == 1 else logits
        predictions = {"scores": scores}
        if mode == ModeKeys.INFER:
            return ModelFnOps(mode, predictions)
        wanted = cast(labels, Float)
        wanted = flat_labels(wanted) if self._dimension == 1 else wanted
        weights = weights_of(features, self._weight_column)
        if weights is not None and self._dimension > 1:
            weights = expand_dims(weights, 1)
        loss = mean_squared_error(wanted, scores, 1.0 if weights is None else weights)
        train = train_op_fn(loss) if mode == ModeKeys.TRAIN else None
        return ModelFnOps(mode, predictions, loss, train)


def flat_labels(labels: Any) -> Any:
    """Returns labels as a vector.

    Raises:
      ValueError: if there are none.
    """
    if labels is None:
        raise ValueError("Labels are needed for training and evaluating, but there are none.")
    return reshape(convert_to_tensor(labels), [-1])


def weights_of(features: Any, column: Any) -> Any:
    """Returns the examples' weights as a vector, or None.

    Raises:
      ValueError: if there is no such feature.
    """
    if not column:
        return None
    if column not in features:
        raise ValueError(f"The weight column {column!r} is not among {sorted(features)}.")
    return reshape(cast(features[column], Float), [-1])
