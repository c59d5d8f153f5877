"""What changes or supplements an estimator: more metrics, feature specs, evaluation in memory."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from millstream.base.dtypes import Float, Int64
from millstream.base.export import export
from millstream.estimator.estimator import Estimator
from millstream.estimator.mode_keys import ModeKeys
from millstream.feature_column.numeric import NumericColumn
from millstream.feature_column.specs import make_parse_example_spec
from millstream.ops.math.clipping import clip_by_norm
from millstream.ops.parsing.features import FixedLenFeature


@export("estimator.add_metrics", "contrib.estimator.add_metrics")
def add_metrics(estimator: Estimator, metric_fn: Callable[..., dict[str, Any]]) -> Estimator:
    """Returns an estimator like another, with more metrics.

    Args:
      estimator: the other.
      metric_fn: a function of those of `labels`, `predictions`, `features` and `config` that it
        takes, which returns `(value, update_op)` pairs by name.

    Raises:
      ValueError: if `metric_fn` has other parameters.
    """
    names = set(inspect.signature(metric_fn).parameters)
    unknown = names - {"labels", "predictions", "features", "config", "self"}
    if unknown:
        raise ValueError(
            f"metric_fn ({metric_fn}) has following not expected args: {list(unknown)}"
        )

    def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
        spec = estimator.model_fn(features, labels, mode, config)
        if mode != ModeKeys.EVAL:
            return spec
        offered = {
            "features": features, "labels": labels, "predictions": spec.predictions,
            "config": config,
        }  # fmt: skip
        more = metric_fn(**{name: offered[name] for name in names if name in offered})
        return spec._replace(eval_metric_ops={**spec.eval_metric_ops, **(more or {})})

    return Estimator(model_fn, estimator.model_dir, estimator.config)


def _with_label(
    feature_columns: Any, label_key: str, label: Any, weight_column: Any
) -> dict[str, Any]:
    spec = dict(make_parse_example_spec(feature_columns))
    if label_key in spec:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}")
    spec[label_key] = label
    if weight_column is None:
        return spec
    if isinstance(weight_column, str):
        if weight_column in spec:
            raise ValueError(f"weight_column should not be used as feature: {weight_column}")
        spec[weight_column] = FixedLenFeature((1,), Float)
    elif isinstance(weight_column, NumericColumn):
        spec.update(make_parse_example_spec([weight_column]))
    else:
        raise ValueError(f"weight_column must be a name or a numeric_column: {weight_column!r}")
    return spec


@export("estimator.classifier_parse_example_spec")
def classifier_parse_example_spec(
    feature_columns: Any,
    label_key: str,
    label_dtype: Any = Int64,
    label_default: Any = None,
    weight_column: Any = None,
) -> dict[str, Any]:
    """Returns how `tf.Example`s of a classifier are parsed, with label and weight.

    Args:
      feature_columns: columns of the model.
      label_key: name of the label.
      label_dtype: its type.
      label_default: for examples without it.
      weight_column: name or `numeric_column` of the weight.

    Raises:
      ValueError: if the label is a feature, too.
    """
    label = FixedLenFeature((1,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


@export("estimator.regressor_parse_example_spec")
def regressor_parse_example_spec(
    feature_columns: Any,
    label_key: str,
    label_dtype: Any = Float,
    label_default: Any = None,
    label_dimension: int = 1,
    weight_column: Any = None,
) -> dict[str, Any]:
    """Returns how `tf.Example`s of a regressor are parsed, with label and weight.

    Args:
      feature_columns: columns of the model.
      label_key: name of the label.
      label_dtype: its type.
      label_default: for examples without it.
      label_dimension: how many numbers a label has.
      weight_column: name or `numeric_column` of the weight.

    Raises:
      ValueError: if the label is a feature, too.
    """
    label = FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


@export("estimator.experimental.call_logit_fn", "contrib.estimator.call_logit_fn")
def call_logit_fn(logit_fn: Any, features: Any, mode: str, params: Any, config: Any) -> Any:
    """Calls a logit function with those of `mode`, `params` and `config` that it takes.

    Args:
      logit_fn: the function.
      features: tensors by name.
      mode: a `ModeKeys`.
      params: hyperparameters.
      config: a `RunConfig`.

    Raises:
      ValueError: if it does not return a tensor or a dict of them.
    """
    offered = {"mode": mode, "params": params, "config": config}
    names = inspect.signature(logit_fn).parameters
    kwargs = {name: value for name, value in offered.items() if name in names}
    found = logit_fn(features=features, **kwargs)
    if not isinstance(found, dict) and not hasattr(found, "graph"):
        raise ValueError(f"model_fn should return a Tensor or a dictionary of Tensors, got {found}")
    return found


@export("contrib.estimator.clip_gradients_by_norm")
def clip_gradients_by_norm(optimizer: Any, clip_norm: float) -> Any:
    """Makes an optimizer clip the norm of each gradient.

    Args:
      optimizer: the optimizer.
      clip_norm: the largest norm.

    Returns:
      The same optimizer.
    """
    compute = optimizer.compute_gradients

    def clipped(*args: Any, **kwargs: Any) -> Any:
        pairs = compute(*args, **kwargs)
        return [(None if g is None else clip_by_norm(g, clip_norm), v) for g, v in pairs]

    optimizer.compute_gradients = clipped
    return optimizer
