"""The head of a classifier whose examples have any number of classes."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float, Int64, String
from millstream.base.export import export
from millstream.estimator.export.outputs import ClassificationOutput, PredictOutput
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
from millstream.estimator.heads.classes import all_classes, checked_vocabulary
from millstream.ir.composite import SparseTensor
from millstream.ir.scopes import name_scope
from millstream.losses.functions import sigmoid_cross_entropy
from millstream.metrics.counts import precision, recall
from millstream.metrics.curves import auc
from millstream.metrics.means import mean
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.reductions import reduce_mean
from millstream.ops.sparse.making import sparse_to_indicator
from millstream.ops.table.vocabulary import index_table_from_tensor


@export("estimator.MultiLabelHead", "contrib.estimator.multi_label_head")
class MultiLabelHead(Head):
    """Is the head of a classifier whose examples have any number of classes.

    Logits are `[batch, n_classes]`; labels are zeros and ones of that shape, or a `SparseTensor` of
    class numbers or words.

    Args:
      n_classes: number of classes, at least two.
      weight_column: name or `numeric_column` of the examples' weights.
      thresholds: numbers between 0 and 1, for metrics at each.
      label_vocabulary: the words that labels are of.
      loss_reduction: how the examples' losses become one.
      loss_fn: a function of `labels` and `logits` instead of cross entropy.
      classes_for_class_based_metrics: numbers or words of classes that have metrics of their own.
      name: put behind the names of metrics and summaries.

    Raises:
      ValueError: if there are fewer than two classes, or an argument makes no sense.
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: Any = None,
        thresholds: Any = None,
        label_vocabulary: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        loss_fn: Any = None,
        classes_for_class_based_metrics: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, loss_reduction)
        if n_classes is None or n_classes < 2:
            raise ValueError(
                f"n_classes must be > 1 for multi-label classification. Given: {n_classes}"
            )
        check_loss_fn(loss_fn)
        self._n_classes = n_classes
        self._thresholds = measuring.checked_thresholds(thresholds)
        self._vocabulary = checked_vocabulary(label_vocabulary, n_classes)
        self._weight_column, self._loss_fn = weight_column, loss_fn
        self._chosen = [self._number(c) for c in classes_for_class_based_metrics or ()]

    def _number(self, given: Any) -> int:
        if isinstance(given, str):
            if self._vocabulary is None or given not in self._vocabulary:
                raise ValueError(f"The class {given!r} is not in label_vocabulary.")
            return self._vocabulary.index(given)
        if not 0 <= given < self._n_classes:
            raise ValueError(f"Class numbers must be from 0 to {self._n_classes - 1}, got {given}.")
        return given

    @property
    def logits_dimension(self) -> int:
        """The number of classes."""
        return self._n_classes

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """Returns logits and probabilities."""
        with name_scope(None, "predictions", (logits,)):
            logits = labelling.checked_logits(logits, self._n_classes)
            probabilities = ops.Sigmoid(logits, name="probabilities")
        found = {"logits": logits, "probabilities": probabilities}
        return found if keys is None else {key: found[key] for key in keys}

    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the loss."""
        logits = cast(logits, Float)
        labels = self._indicator(labels, logits)
        if self._loss_fn is not None:
            unreduced = call_loss_fn(self._loss_fn, labels, logits, features)
        else:
            each = sigmoid_cross_entropy(multi_class_labels=labels, logits=logits, reduction="none")
            unreduced = reduce_mean(each, axis=-1, keepdims=True)
        weights = labelling.weights_of(features, self._weight_column, logits)
        return LossSpec(self._reduced(unreduced, weights), unreduced, weights, labels)

    def _indicator(self, labels: Any, logits: Any) -> Any:
        if isinstance(labels, SparseTensor):
            ids = labels.values
            if ids.dtype == String:
                if self._vocabulary is None:
                    raise ValueError("Labels are words, but there is no label_vocabulary.")
                table = index_table_from_tensor(self._vocabulary, name="class_id_lookup")
                ids = table.lookup(ids)
            ids = cast(labelling.in_range(ids, self._n_classes), Int64)
            labels = SparseTensor(labels.indices, ids, labels.dense_shape)
            labels = sparse_to_indicator(labels, self._n_classes)
        labels = labelling.checked_labels(labels, logits, self._n_classes)
        return labelling.in_range(cast(labels, Int64), 2, "labels must be 0 or 1")

    def eval_metric_ops(
        self, predictions: dict[str, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns mean loss and areas under curves, over all classes together."""
        key, weights, found = self._key, spec.weights, {}
        labels, probabilities = spec.processed_labels, predictions["probabilities"]
        with name_scope(None, "metrics"):
            given = measuring.weighted(weights, spec.unreduced_loss)
            found[key("average_loss")] = mean(spec.unreduced_loss, given, name=key("average_loss"))
            for name, curve in (("auc", "ROC"), ("auc_precision_recall", "PR")):
                found[key(name)] = auc(labels, probabilities, given, curve=curve, name=key(name))
            if regularization_loss is not None:
                found[key("regularization_loss")] = mean(
                    regularization_loss, name=key("regularization_loss")
                )
            for threshold in self._thresholds:
                found.update(measuring.at_threshold(labels, probabilities, weights, threshold, key))
            for number in self._chosen:
                found.update(self._of_class(number, labels, probabilities, given))
        return found

    def _of_class(
        self, number: int, labels: Any, probabilities: Any, weights: Any
    ) -> dict[str, Any]:
        suffix = f"_class_{number}" if self._vocabulary is None else f"_{self._vocabulary[number]}"
        truth, likely = labels[:, number], probabilities[:, number]
        weights = None if weights is None else weights[:, 0]
        found = {}
        for kind, curve in (("auc", "ROC"), ("auc_precision_recall", "PR")):
            name = self._key(f"{kind}/{suffix[1:]}")
            found[name] = auc(truth, likely, weights, curve=curve, name=name)
        name = self._key(f"probability_mean/{suffix[1:]}")
        found[name] = mean(likely, weights, name=name)
        for kind, metric in (("precision", precision), ("recall", recall)):
            name = self._key(f"{kind}/{suffix[1:]}")
            found[name] = metric(truth, likely > 0.5, weights, name=name)
        return found

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Returns outputs for classification and prediction."""
        names = all_classes(predictions["logits"], self._n_classes, self._vocabulary)
        classification = ClassificationOutput(scores=predictions["probabilities"], classes=names)
        return serving(classification=classification, predict=PredictOutput(predictions))
