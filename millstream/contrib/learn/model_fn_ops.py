"""What a model function of TF.Learn returns, and the names that its models use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from millstream.base.export import export
from millstream.estimator.spec import EstimatorSpec


@export("contrib.learn.ModeKeys")
class ModeKeys:
    """Names of the modes that a `model_fn` is called in."""

    TRAIN = "train"
    EVAL = "eval"
    INFER = "infer"


@export("contrib.learn.PredictionKey")
class PredictionKey:
    """Names of predictions."""

    CLASSES = "classes"
    PROBABILITIES = "probabilities"
    LOGITS = "logits"
    LOGISTIC = "logistic"
    SCORES = "scores"
    TOP_K = "top_k"
    GENERIC = "output"


@export("contrib.learn.ProblemType")
class ProblemType:
    """Names of the kinds of problems that a model solves."""

    UNSPECIFIED = 0
    CLASSIFICATION = 1
    LINEAR_REGRESSION = 2
    LOGISTIC_REGRESSION = 3


@export("contrib.learn.TaskType")
class TaskType:
    """Names of the jobs of a cluster."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"


class _Ops(NamedTuple):
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: Any
    output_alternatives: Any
    training_chief_hooks: Any
    training_hooks: Any
    scaffold: Any
    mode: Any


@export("contrib.learn.ModelFnOps")
class ModelFnOps(_Ops):
    """Says what to run to train, evaluate or predict with a model.

    Args:
      mode: a `ModeKeys`.
      predictions: tensor, or dict of tensors.
      loss: scalar. Needed for training and evaluating.
      train_op: node that makes a step. Needed for training.
      eval_metric_ops: dict of `(value, update_op)` pairs.
      output_alternatives: `(ProblemType, tensors)` pairs by name, for exports.
      training_chief_hooks: hooks for training, on the chief only.
      training_hooks: hooks for training.
      scaffold: a `tf.train.Scaffold`.

    Raises:
      ValueError: if something needed is missing.
    """

    def __new__(
        cls,
        mode: str,
        predictions: Any = None,
        loss: Any = None,
        train_op: Any = None,
        eval_metric_ops: Any = None,
        output_alternatives: Any = None,
        training_chief_hooks: Any = None,
        training_hooks: Any = None,
        scaffold: Any = None,
    ) -> ModelFnOps:
        if train_op is None and mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        if loss is None and mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        if predictions is None and mode in (ModeKeys.INFER, ModeKeys.EVAL):
            raise ValueError("Missing predictions.")
        return super().__new__(
            cls, {} if predictions is None else predictions, loss, train_op,
            eval_metric_ops or {}, output_alternatives, tuple(training_chief_hooks or ()),
            tuple(training_hooks or ()), scaffold, mode,
        )  # fmt: skip

    def estimator_spec(self, default_serving_output_alternative_key: Any = None) -> EstimatorSpec:
        """Returns the same as an `EstimatorSpec`."""
        metrics = {key: _pair(value) for key, value in self.eval_metric_ops.items()}
        return EstimatorSpec(
            self.mode, self.predictions, self.loss, self.train_op, metrics,
            training_chief_hooks=self.training_chief_hooks, training_hooks=self.training_hooks,
            scaffold=self.scaffold,
        )  # fmt: skip


def _pair(metric: Any) -> tuple[Any, Any]:
    """Returns a metric as value and update; a tensor is its own update."""
    return metric if isinstance(metric, tuple) else (metric, metric)


@export("contrib.learn.MetricSpec", "contrib.learn.metric_spec.MetricSpec")
class MetricSpec:
    """Says which predictions and labels a metric compares.

    Args:
      metric_fn: a function of predictions and labels (and weights) such as those of `tf.metrics`.
      prediction_key: name of the predictions, if there are several.
      label_key: name of the labels, if there are several.
      weight_key: name of the feature with the weights.
    """

    def __init__(
        self,
        metric_fn: Callable[..., Any],
        prediction_key: str | None = None,
        label_key: str | None = None,
        weight_key: str | None = None,
    ) -> None:
        self.metric_fn = metric_fn
        self.prediction_key = prediction_key
        self.label_key = label_key
        self.weight_key = weight_key

    def create_metric_ops(self, inputs: Any, labels: Any, predictions: Any) -> Any:
        """Calls the metric's function.

        Args:
          inputs: features by name.
          labels: labels, or a dict of them.
          predictions: predictions, or a dict of them.

        Raises:
          ValueError: if a dict has several and none is chosen.
        """
        kwargs = {
            "labels": _chosen(labels, self.label_key, "labels"),
            "predictions": _chosen(predictions, self.prediction_key, "predictions"),
        }
        if self.weight_key:
            kwargs["weights"] = inputs[self.weight_key]
        return self.metric_fn(**kwargs)


def _chosen(given: Any, key: str | None, what: str) -> Any:
    if not isinstance(given, dict):
        return given
    if key is not None:
        if key not in given:
            raise KeyError(f"There is no {key!r} among the {what}: {sorted(given)}.")
        return given[key]
    if len(given) != 1:
        raise ValueError(f"There are several {what}, say which one: {sorted(given)}.")
    return next(iter(given.values()))
