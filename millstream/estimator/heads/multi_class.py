"""The head of a classifier with three or more classes."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float
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
from millstream.estimator.heads.classes import all_class_ids, all_classes, checked_vocabulary
from millstream.ir.scopes import name_scope
from millstream.losses.functions import sparse_softmax_cross_entropy
from millstream.metrics.means import accuracy, mean
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.string.numbers import as_string
from millstream.ops.table.vocabulary import (
    index_table_from_tensor,
    index_to_string_table_from_tensor,
)


@export("estimator.MultiClassHead", "contrib.estimator.multi_class_head")
class MultiClassHead(Head):
    """Is the head of a classifier with three or more classes, with softmax cross entropy as loss.

    Logits are `[batch, n_classes]`; labels are integers below `n_classes`, or words.

    Args:
      n_classes: number of classes.
      weight_column: name or `numeric_column` of the examples' weights.
      label_vocabulary: the words that labels are of.
      loss_reduction: how the examples' losses become one.
      loss_fn: a function of `labels` and `logits` instead of cross entropy.
      name: put behind the names of metrics and summaries.

    Raises:
      ValueError: if there are fewer than three classes.
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        loss_reduction: str = SUM_OVER_BATCH_SIZE,
        loss_fn: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, loss_reduction)
        if n_classes is None:
            raise ValueError("n_classes cannot be None")
        if n_classes <= 2:
            raise ValueError(f"n_classes must be > 2: {n_classes}.")
        check_loss_fn(loss_fn)
        self._n_classes = n_classes
        self._vocabulary = checked_vocabulary(label_vocabulary, n_classes)
        self._weight_column, self._loss_fn = weight_column, loss_fn

    @property
    def logits_dimension(self) -> int:
        """The number of classes."""
        return self._n_classes

    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """Returns logits, probabilities, numbers and names of classes."""
        logits = labelling.checked_logits(logits, self._n_classes)
        with name_scope(None, "predictions", (logits,)):
            every_id = all_class_ids(logits, self._n_classes)
            every = all_classes(logits, self._n_classes, self._vocabulary)
            ids = expand_dims(ops.ArgMax(logits, -1, name="class_ids"), -1)
            found = {
                "logits": logits, "class_ids": ids, "classes": self._names(ids),
                "probabilities": ops.Softmax(logits, name="probabilities"),
                "all_class_ids": every_id, "all_classes": every,
            }  # fmt: skip
        order = ["logits", "probabilities", "class_ids", "classes", "all_class_ids", "all_classes"]
        return {key: found[key] for key in (order if keys is None else keys)}

    def _names(self, ids: Any) -> Any:
        if self._vocabulary is None:
            return as_string(ids, name="str_classes")
        table = index_to_string_table_from_tensor(self._vocabulary, name="class_string_lookup")
        return table.lookup(ids)

    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the loss."""
        logits = cast(logits, Float)
        labels = labelling.checked_labels(labels, logits, 1)
        labels = labelling.class_ids_of(
            labels, self._n_classes, self._vocabulary,
            lambda: index_table_from_tensor(self._vocabulary, name="class_id_lookup"),
        )  # fmt: skip
        labels = labelling.in_range(labels, self._n_classes)
        if self._loss_fn is not None:
            unreduced = call_loss_fn(self._loss_fn, labels, logits, features)
        else:
            unreduced = sparse_softmax_cross_entropy(labels=labels, logits=logits, reduction="none")
            unreduced = expand_dims(unreduced, -1)
        weights = labelling.weights_of(features, self._weight_column, logits)
        return LossSpec(self._reduced(unreduced, weights), unreduced, weights, labels)

    def eval_metric_ops(
        self, predictions: dict[str, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns accuracy and mean loss."""
        key, weights = self._key, spec.weights
        with name_scope(None, "metrics"):
            found = {
                key("average_loss"): mean(
                    spec.unreduced_loss, measuring.weighted(weights, spec.unreduced_loss),
                    name=key("average_loss"),
                ),
                key("accuracy"): accuracy(
                    spec.processed_labels, predictions["class_ids"],
                    measuring.weighted(weights, spec.unreduced_loss), name=key("accuracy"),
                ),
            }  # fmt: skip
            if regularization_loss is not None:
                found[key("regularization_loss")] = mean(
                    regularization_loss, name=key("regularization_loss")
                )
        return found

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Returns outputs for classification and prediction."""
        classification = ClassificationOutput(
            scores=predictions["probabilities"], classes=predictions["all_classes"]
        )
        return serving(classification=classification, predict=PredictOutput(predictions))
