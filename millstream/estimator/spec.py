"""`tf.estimator.EstimatorSpec`: what a model function returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from millstream.base.export import export
from millstream.estimator.export.outputs import ExportOutput, PredictOutput
from millstream.estimator.mode_keys import ModeKeys
from millstream.ir.default import get_default_graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.array.reshaping import reshape
from millstream.train.scaffold import Scaffold
from millstream.train.session_run_hook import SessionRunHook

DEFAULT_SERVING_KEY = "serving_default"


class _Fields(NamedTuple):
    mode: Any
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: Any
    export_outputs: Any
    training_chief_hooks: Any
    training_hooks: Any
    scaffold: Any
    evaluation_hooks: Any
    prediction_hooks: Any


@export("estimator.EstimatorSpec")
class EstimatorSpec(_Fields):
    """Says what to run to train, evaluate or predict with a model.

    Args:
      mode: a `ModeKeys`.
      predictions: tensor, or dict of tensors, that `predict` gives. Needed for predicting.
      loss: scalar. Needed for training and evaluating.
      train_op: node or tensor that makes a step. Needed for training.
      eval_metric_ops: dict of `(value, update_op)` pairs, or of metric objects.
      export_outputs: dict of `ExportOutput`s for a SavedModel; default: the predictions.
      training_chief_hooks: hooks for training, on the chief only.
      training_hooks: hooks for training.
      scaffold: a `tf.train.Scaffold`.
      evaluation_hooks: hooks for evaluating.
      prediction_hooks: hooks for predicting.

    Raises:
      ValueError: if something needed is missing, or belongs to another graph.
      TypeError: if something is of a wrong class.
    """

    def __new__(
        cls,
        mode: str,
        predictions: Any = None,
        loss: Any = None,
        train_op: Any = None,
        eval_metric_ops: Any = None,
        export_outputs: Any = None,
        training_chief_hooks: Iterable[SessionRunHook] | None = None,
        training_hooks: Iterable[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        evaluation_hooks: Iterable[SessionRunHook] | None = None,
        prediction_hooks: Iterable[SessionRunHook] | None = None,
    ) -> EstimatorSpec:
        train_op = _checked_train_op(train_op, mode)
        loss = _checked_loss(loss, mode)
        predictions = _checked_predictions(predictions, mode)
        eval_metric_ops = _checked_metrics(eval_metric_ops)
        if mode == ModeKeys.PREDICT:
            export_outputs = _checked_outputs(export_outputs, predictions)
        hooks = [
            _checked_hooks(given)
            for given in (training_chief_hooks, training_hooks, evaluation_hooks, prediction_hooks)
        ]
        scaffold = scaffold or Scaffold()
        if not isinstance(scaffold, Scaffold):
            raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
        return super().__new__(
            cls, mode, predictions, loss, train_op, eval_metric_ops, export_outputs, hooks[0],
            hooks[1], scaffold, hooks[2], hooks[3],
        )  # fmt: skip


def _check_graph(element: Any, what: str, label: str) -> None:
    if element.graph is not get_default_graph():
        raise ValueError(
            f'{what} with "{label}" must be from the default graph. Possible causes of this error '
            f"include: \n\n1) {what} was created outside the context of the default graph.\n\n"
            "2) The object passed through to EstimatorSpec was not created in the most recent call "
            'to "model_fn".'
        )


def _checked_train_op(train_op: Any, mode: str) -> Any:
    if train_op is None:
        if mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        return None
    if not isinstance(train_op, Operation):
        train_op = _tensor(train_op, "train_op", "Operation or Tensor")
    _check_graph(train_op, "train_op", getattr(train_op, "op", train_op).name)
    return train_op


def _tensor(value: Any, what: str, wanted: str = "Tensor") -> Any:
    if not (isinstance(value, Tensor) or hasattr(value, "_as_graph_element")):
        raise TypeError(f"{what} must be {wanted}, given: {value}")
    return value


def _checked_loss(loss: Any, mode: str) -> Any:
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    loss = _tensor(loss, "loss")
    shape = loss.get_shape()
    if shape.num_elements() not in (None, 1):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    if shape.ndims not in (None, 0):
        loss = reshape(loss, [])
    _check_graph(loss, "loss", loss.name)
    return loss


def _checked_predictions(predictions: Any, mode: str) -> Any:
    if predictions is None:
        if mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        return {}
    if not isinstance(predictions, dict):
        predictions = _tensor(predictions, "predictions")
        _check_graph(predictions, "prediction values", f"None: {predictions.name}")
        return predictions
    for key, value in predictions.items():
        if not hasattr(value, "graph"):
            raise TypeError(f"predictions[{key}] must be Tensor, given: {value}")
        _check_graph(value, "prediction values", f"{key}: {value.name}")
    return dict(predictions)


def _checked_metrics(metrics: Any) -> Any:
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        raise TypeError(f"eval_metric_ops must be a dict, given: {metrics}")
    for key, value in metrics.items():
        if hasattr(value, "updates") and hasattr(value, "result"):
            continue
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(
                "Values of eval_metric_ops must be (metric_value, update_op) tuples, given: "
                f"{value} for key: {key}"
            )
        for part in value:
            if not hasattr(part, "graph"):
                raise TypeError(
                    "Values of eval_metric_ops must be (metric_value, update_op) tuples of tensors "
                    f"and operations, given: {value} for key: {key}"
                )
            _check_graph(part, "eval_metric_ops", f"{key}: {part.name}")
    return metrics


def _checked_outputs(outputs: Any, predictions: Any) -> dict[str, Any]:
    if outputs is None:
        return {DEFAULT_SERVING_KEY: PredictOutput(predictions)}
    if not isinstance(outputs, dict):
        raise TypeError(f"export_outputs must be dict, given: {outputs}")
    for value in outputs.values():
        if not isinstance(value, ExportOutput):
            raise TypeError(
                f"Values in export_outputs must be ExportOutput objects. Given: {outputs}"
            )
    outputs = dict(outputs)
    if len(outputs) == 1:
        outputs.setdefault(DEFAULT_SERVING_KEY, next(iter(outputs.values())))
    elif outputs and DEFAULT_SERVING_KEY not in outputs:
        raise ValueError(
            "Multiple export_outputs were provided, but none of them is specified as the default.  "
            "Do this by naming one of them with "
            "signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY."
        )
    return outputs


def _checked_hooks(hooks: Any) -> tuple[SessionRunHook, ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")
    return found
