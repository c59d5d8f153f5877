"""The head of a classifier with two classes."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.estimator.export.outputs import (
    ClassificationOutput,
    PredictOutput,
    RegressionOutput,
)
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
from millstream.estimator.heads.classes import all_class_ids, all_classes, checked_vocabulary
from millstream.ir.scopes import name_scope
from millstream.metrics.counts import precision, recall
from millstream.metrics.means import accuracy, mean
from millstream.ops.array.filling import zeros_like
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.nn.cross_entropy import sigmoid_cross_entropy_with_logits
from millstream.ops.string.numbers import as_string
from millstream.ops.table.vocabulary import (
    index_table_from_tensor,
    index_to_string_table_from_tensor,
)


@export("estimator.BinaryClassHead", "contrib.estimator.binary_classification_head")
class BinaryClassHead(Head):
    """Is the head of a classifier with two classes, with sigmoid cross entropy as loss.

    Logits are `[batch, 1]`; labels are integers 0 and 1, floats between, or words.

    Args:
      weight_column: name or `numeric_column` of the examples' weights.
      thresholds: numbers between 0 and 1, for metrics at each.
      label_vocabulary: the two words that labels are of.
      loss_reduction: how the examples' losses become one.
      loss_fn: a function of `labels` and `logits` instead of cross entropy.
      name: put behind the names of metrics and summaries.

    Raises:
      ValueError: if a threshold is not between 0 and 1.
    """

    def __init__(
        self,
        weight_column: Any = None,
        thresholds: Any = None,
        label_vocabulary: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        loss_fn: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, loss_reduction)
        check_loss_fn(loss_fn)
        self._thresholds = measuring.checked_thresholds(thresholds)
        self._vocabulary = checked_vocabulary(label_vocabulary, 2)
        self._weight_column, self._loss_fn = weight_column, loss_fn

    @property
    def logits_dimension(self) -> int:
        """1."""
        return 1

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """Returns logits, probabilities, numbers and names of classes."""
        with name_scope(None, "predictions", (logits,)):
            logits = labelling.checked_logits(logits, 1)
            logistic = ops.Sigmoid(logits, name="logistic")
            both = concat((zeros_like(logits), logits), axis=-1, name="two_class_logits")
            probabilities = ops.Softmax(both, name="probabilities")
            ids = expand_dims(ops.ArgMax(both, -1, name="class_ids"), -1)
            every_id = all_class_ids(logits, 2)
            every = all_classes(logits, 2, self._vocabulary)
            found = {
                "logits": logits, "logistic": logistic, "probabilities": probabilities,
                "class_ids": ids, "classes": self._names(ids), "all_class_ids": every_id,
                "all_classes": every,
            }  # fmt: skip
        return found if keys is None else {key: found[key] for key in keys}

    def _names(self, ids: Any) -> Any:
        if self._vocabulary is None:
            return as_string(ids, name="str_classes")
        table = index_to_string_table_from_tensor(self._vocabulary, name="class_string_lookup")
        return table.lookup(ids)

    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the loss."""
        logits = cast(logits, Float)
        labels = labelling.checked_labels(labels, logits, 1)
        if self._vocabulary is not None:
            labels = index_table_from_tensor(self._vocabulary, name="class_id_lookup").lookup(
                labels
            )
        labels = labelling.in_range(cast(labels, Float, name="ToFloat"), 2)
        if self._loss_fn is not None:
            unreduced = call_loss_fn(self._loss_fn, labels, logits, features)
        else:
            unreduced = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        weights = labelling.weights_of(features, self._weight_column, logits)
        return LossSpec(self._reduced(unreduced, weights), unreduced, weights, labels)

    def eval_metric_ops(
        self, predictions: dict[str, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns accuracy, precision, recall, areas under curves and means."""
        labels, ids = spec.processed_labels, predictions["class_ids"]
        logistic, weights = predictions["logistic"], spec.weights
        key = self._key
        with name_scope(None, "metrics"):
            given = measuring.weighted(weights, logistic)
            share = measuring.labels_mean(labels, weights, key("label/mean"))
            found = {
                key("average_loss"): mean(
                    spec.unreduced_loss, measuring.weighted(weights, spec.unreduced_loss),
                    name=key("average_loss"),
                ),
                key("accuracy"): accuracy(labels, ids, given, name=key("accuracy")),
                key("precision"): precision(labels, ids, given, name=key("precision")),
                key("recall"): recall(labels, ids, given, name=key("recall")),
                key("prediction/mean"): measuring.predictions_mean(
                    logistic, weights, key("prediction/mean")
                ),
                key("label/mean"): share,
                key("accuracy_baseline"): measuring.accuracy_baseline(share),
                key("auc"): measuring.area(labels, logistic, weights, "ROC", key("auc")),
                key("auc_precision_recall"): measuring.area(
                    labels, logistic, weights, "PR", key("auc_precision_recall")
                ),
            }  # fmt: skip
            if regularization_loss is not None:
                found[key("regularization_loss")] = mean(
                    regularization_loss, name=key("regularization_loss")
                )
            for threshold in self._thresholds:
                found.update(measuring.at_threshold(labels, logistic, weights, threshold, key))
        return found

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Returns outputs for classification, regression and prediction."""
        classification = ClassificationOutput(
            scores=predictions["probabilities"], classes=predictions["all_classes"]
        )
        return serving(
            classification=classification,
            regression=RegressionOutput(value=predictions["logistic"]),
            predict=PredictOutput(predictions),
        )
