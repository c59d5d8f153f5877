"""What all heads share: from loss, predictions and metrics to an `EstimatorSpec`."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from millstream.base.export import export
from millstream.estimator.mode_keys import ModeKeys
from millstream.estimator.spec import DEFAULT_SERVING_KEY, EstimatorSpec
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.losses.weighted import compute_weighted_loss
from millstream.ops.array.filling import ones_like
from millstream.ops.flow.groups import group
from millstream.ops.math.reductions import reduce_sum
from millstream.ops.math.sums import add_n
from millstream.state.global_step import get_global_step
from millstream.summary.functions import scalar

SUM = "weighted_sum"
SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
_REDUCTIONS = {
    "none": "none", SUM: SUM, "sum": SUM, SUM_OVER_BATCH_SIZE: SUM_OVER_BATCH_SIZE,
    "sum_over_batch_size": SUM_OVER_BATCH_SIZE, "weighted_mean": "weighted_mean",
    "weighted_sum_by_nonzero_weights": "weighted_sum_by_nonzero_weights",
}  # fmt: skip


class LossSpec(NamedTuple):
    """What a head makes of logits and labels.

    Args:
      training_loss: scalar to minimise.
      unreduced_loss: loss per example.
      weights: weights per example, or 1.
      processed_labels: labels as metrics take them.
    """

    training_loss: Any
    unreduced_loss: Any
    weights: Any
    processed_labels: Any


def checked_reduction(reduction: str) -> str:
    """Returns the name of a loss reduction as `tf.losses` knows it.

    Raises:
      ValueError: if there is no such reduction, or it leaves the loss unreduced.
    """
    found = _REDUCTIONS.get(reduction)
    if found in (None, "none"):
        raise ValueError(f"Invalid loss_reduction: {reduction}")
    return found


def check_loss_fn(loss_fn: Any) -> None:
    """Checks the parameters of a user's loss function.

    Raises:
      ValueError: if it lacks labels or logits, or has others than features and loss_reduction.
    """
    if loss_fn is None:
        return
    names = set(inspect.signature(loss_fn).parameters)
    for name in ("labels", "logits"):
        if name not in names:
            raise ValueError(f"loss_fn must contain argument: {name}. Given arguments: {names}")
    unknown = names - {"labels", "logits", "features", "loss_reduction"}
    if unknown:
        raise ValueError(f"loss_fn has unexpected args: {list(unknown)}")


def call_loss_fn(loss_fn: Any, labels: Any, logits: Any, features: Any, dimension: int = 1) -> Any:
    """Calls a user's loss function with what it takes.

    Raises:
      ValueError: if its last axis has another size.
    """
    names = inspect.signature(loss_fn).parameters
    kwargs = {"features": features} if "features" in names else {}
    with name_scope("call_loss_fn"):
        loss = convert_to_tensor(loss_fn(labels=labels, logits=logits, **kwargs))
    last = loss.shape[-1].value if loss.shape.ndims else None
    if last not in (None, dimension):
        raise ValueError(
            f"loss_fn must return Tensor of shape [D0, D1, ... DN, {dimension}], got {loss.shape}."
        )
    return loss


@export("estimator.Head")
class Head(metaclass=abc.ABCMeta):
    """Makes loss, predictions, metrics and signatures of a model's logits.

    Args:
      name: put behind the names of metrics and summaries; None for none.
      loss_reduction: how the examples' losses become one.
    """

    def __init__(self, name: str | None = None, loss_reduction: str = SUM_OVER_BATCH_SIZE) -> None:
        self._name = name
        self._loss_reduction = checked_reduction(loss_reduction)

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    @property
    def loss_reduction(self) -> str:
        """How the examples' losses become one."""
        return self._loss_reduction

    @property
    @abc.abstractmethod
    def logits_dimension(self) -> int:
        """The size of the last axis of logits."""

    @abc.abstractmethod
    def predictions(self, logits: Any, keys: Any = None) -> dict[str, Any]:
        """Returns predictions by name.

        Args:
          logits: the model's output.
          keys: names of those that are wanted; default all.
        """

    @abc.abstractmethod
    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the loss.

        Args:
          features: tensors by name, for the weights.
          mode: a `ModeKeys`.
          logits: the model's output.
          labels: what it should be.

        Raises:
          ValueError: if labels do not fit.
        """

    @abc.abstractmethod
    def eval_metric_ops(
        self, predictions: dict[str, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns `(value, update_op)` pairs by name."""

    @abc.abstractmethod
    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Returns `ExportOutput`s by signature name."""

    def loss(
        self,
        labels: Any,
        logits: Any,
        features: Any = None,
        mode: str | None = None,
        regularization_losses: Sequence[Any] | None = None,
    ) -> Any:
        """Returns the scalar to minimise, with regularisation losses."""
        loss = self.create_loss(features, mode or ModeKeys.TRAIN, logits, labels).training_loss
        return loss + add_n(list(regularization_losses)) if regularization_losses else loss

    def _key(self, name: str) -> str:
        return f"{name}/{self._name}" if self._name else name

    def _reduced(self, unreduced: Any, weights: Any) -> Any:
        return compute_weighted_loss(unreduced, weights, reduction=self._loss_reduction)

    def create_estimator_spec(
        self,
        features: Any,
        mode: str,
        logits: Any,
        labels: Any = None,
        optimizer: Any = None,
        train_op_fn: Callable[[Any], Any] | None = None,
        regularization_losses: Sequence[Any] | None = None,
        trainable_variables: Any = None,
        update_ops: Any = None,
    ) -> EstimatorSpec:
        """Makes the `EstimatorSpec` of a model.

        Args:
          features: tensors by name.
          mode: a `ModeKeys`.
          logits: the model's output.
          labels: what it should be; not for predicting.
          optimizer: an `Optimizer`, for training.
          train_op_fn: a function of the loss that returns the node that trains, instead.
          regularization_losses: scalars to add to the loss.
          trainable_variables: what is trained; default all.
          update_ops: nodes to run in a step beside those of the collection `UPDATE_OPS`.

        Raises:
          ValueError: if both or, for training, none of `optimizer` and `train_op_fn` are given.
        """
        with name_scope(self._name, "head"):
            predictions = self.predictions(logits)
            if mode == ModeKeys.PREDICT:
                outputs = self.export_outputs(predictions)
                return EstimatorSpec(mode, predictions=predictions, export_outputs=outputs)
            spec = self.create_loss(features, mode, logits, labels)
            penalty = add_n(list(regularization_losses)) if regularization_losses else None
            total = spec.training_loss if penalty is None else spec.training_loss + penalty
            if mode == ModeKeys.EVAL:
                return EstimatorSpec(
                    mode, predictions=predictions, loss=total,
                    eval_metric_ops=self.eval_metric_ops(predictions, spec, penalty),
                )  # fmt: skip
            train_op = _train_op(optimizer, train_op_fn, total, trainable_variables, update_ops)
            mean = self._mean_loss(spec)
        self._summarize(total, mean, penalty)
        return EstimatorSpec(mode, loss=total, train_op=train_op, predictions=predictions)

    def _mean_loss(self, spec: LossSpec) -> Any:
        if self._loss_reduction != SUM:
            return None
        weights = spec.weights * ones_like(spec.unreduced_loss)
        return spec.training_loss / reduce_sum(weights)

    def _summarize(self, total: Any, mean: Any, penalty: Any) -> None:
        with name_scope(""):
            scalar(self._key("loss"), total)
            if mean is not None:
                scalar(self._key("average_loss"), mean)
            if penalty is not None:
                scalar(self._key("regularization_loss"), penalty)


def _train_op(optimizer: Any, train_op_fn: Any, loss: Any, variables: Any, update_ops: Any) -> Any:
    if optimizer is not None:
        if train_op_fn is not None:
            raise ValueError("train_op_fn and optimizer cannot both be set.")
        train = optimizer.minimize(loss, global_step=get_global_step(), var_list=variables)
    elif train_op_fn is not None:
        train = train_op_fn(loss)
    else:
        raise ValueError("train_op_fn and optimizer cannot both be None.")
    updates = [*get_default_graph().get_collection(GraphKeys.UPDATE_OPS), *(update_ops or ())]
    return group(train, *updates) if updates else train


def serving(**outputs: Any) -> dict[str, Any]:
    """Returns outputs by signature name; the first is the default."""
    first = next(iter(outputs.values()))
    return {DEFAULT_SERVING_KEY: first, **outputs}
