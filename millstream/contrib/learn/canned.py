"""Ready-made models of TF.Learn: linear, deep, and both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from millstream.base.export import export
from millstream.contrib.layers.dense_layers import dropout, fully_connected
from millstream.contrib.layers.feature_column_layers import (
    input_from_feature_columns,
    weighted_sum_from_feature_columns,
)
from millstream.contrib.learn import data
from millstream.contrib.learn.base import BaseEstimator, joined
from millstream.contrib.learn.heads import Classifier, Regressor
from millstream.contrib.learn.model_fn_ops import ModeKeys
from millstream.estimator.canned.common import hidden_partitioner, input_partitioner, optimizer_of
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies
from millstream.ops import nn
from millstream.ops.flow.groups import group
from millstream.ops.math.clipping import clip_by_global_norm
from millstream.state.assignments import assign_add
from millstream.state.global_step import get_global_step
from millstream.state.scoping import variable_scope

_DNN_RATE, _LINEAR_RATE = 0.05, 0.2
_relu = nn.relu


class _Canned(BaseEstimator):
    """What ready-made models share: `_parts` gives logits with the optimizer of their variables."""

    _head: Any
    _clip: Any = None
    _engineer: Any = None

    def _start(self, arguments: dict[str, Any], head: Any, model_dir: Any, config: Any) -> None:
        self._remember(arguments)
        self._head = head
        self._clip = arguments.get("gradient_clip_norm")
        self._engineer = arguments.get("feature_engineering_fn")
        super().__init__(model_dir, config)

    def _parts(self, features: Any, mode: str) -> list[tuple[Any, Any, str]]:
        """Returns logits, optimizer and scope of each half of the model."""
        raise TypeError(f"{type(self).__name__} has no logits")

    def _call_model_fn(self, features: Any, labels: Any, mode: str) -> Any:
        if not isinstance(features, dict):
            features = {data.DEFAULT_KEY: features}
        if self._engineer is not None:
            features, labels = self._engineer(features, labels)
        parts = self._parts(features, mode)
        logits = parts[0][0] if len(parts) == 1 else parts[0][0] + parts[1][0]
        return self._head.model_fn_ops(
            features, labels, mode, logits, lambda loss: self._train_op(loss, parts)
        )

    def _train_op(self, loss: Any, parts: list[tuple[Any, Any, str]]) -> Any:
        graph, trained = get_default_graph(), []
        for _, optimizer, scope in parts:
            variables = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=scope)
            pairs = optimizer.compute_gradients(loss, variables)
            if self._clip is not None:
                gradients, _ = clip_by_global_norm([g for g, _ in pairs], self._clip)
                pairs = list(zip(gradients, [v for _, v in pairs]))
            trained.append(optimizer.apply_gradients(pairs))
        with control_dependencies([group(*trained)]):
            count = assign_add(get_global_step(), 1)
            return getattr(count, "op", count)

    def _deep(
        self, features: Any, mode: str, columns: Any, hidden_units: Any, activation_fn: Any,
        rate: Any, optimizer: Any,
    ) -> tuple[Any, Any, str]:  # fmt: skip
        values = tuple(features.values())
        with variable_scope("dnn", values=values, partitioner=hidden_partitioner(None)) as scope:
            with variable_scope(
                "input_from_feature_columns", values=values, partitioner=input_partitioner(None)
            ) as inner:
                net = input_from_feature_columns(features, columns, ["dnn"], scope=inner)
            for number, units in enumerate(hidden_units):
                with variable_scope(f"hiddenlayer_{number}", values=(net,)) as inner:
                    net = fully_connected(
                        net, units, activation_fn=activation_fn, variables_collections=["dnn"],
                        scope=inner,
                    )  # fmt: skip
                    if rate is not None and mode == ModeKeys.TRAIN:
                        net = dropout(net, keep_prob=1.0 - rate)
            with variable_scope("logits", values=(net,)) as inner:
                logits = fully_connected(
                    net, self._head.logits_dimension, activation_fn=None,
                    variables_collections=["dnn"], scope=inner,
                )  # fmt: skip
        return logits, optimizer_of(optimizer or "Adagrad", _DNN_RATE), scope.name

    def _wide(self, features: Any, columns: Any, optimizer: Any) -> tuple[Any, Any, str]:
        rate = min(_LINEAR_RATE, 1.0 / math.sqrt(len(columns)))
        with variable_scope(
            "linear", values=tuple(features.values()), partitioner=input_partitioner(None)
        ) as scope:
            logits, _, _ = weighted_sum_from_feature_columns(
                features, columns, self._head.logits_dimension, ["linear"], scope=scope
            )
        return logits, optimizer_of(optimizer or "Ftrl", rate), scope.name

    # -- predicting

    def predict(
        self,
        x: Any = None,
        input_fn: Any = None,
        batch_size: int | None = None,
        outputs: Any = None,
        as_iterable: bool = True,
    ) -> Any:
        """Predicts classes or scores; arguments as for `BaseEstimator.predict`.

        Returns:
          An iterator of classes or scores, or an array; dicts if `outputs` are named.
        """
        if outputs is not None:
            return super().predict(x, input_fn, batch_size, outputs, as_iterable)
        return self._only(self._head.prediction, x, input_fn, batch_size, as_iterable)

    def _only(self, key: str, x: Any, input_fn: Any, batch_size: Any, as_iterable: bool) -> Any:
        found: Iterator[Any] = super().predict(x, input_fn, batch_size, [key], True)
        if as_iterable:
            return (each[key] for each in found)
        return joined(super().predict(x, input_fn, batch_size, [key], True, True))[key]


class _Classifying(_Canned):
    """What classifiers share."""

    def predict_classes(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """Predicts classes; arguments as for `BaseEstimator.predict`."""
        return self._only("classes", x, input_fn, batch_size, as_iterable)

    def predict_proba(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """Predicts probabilities of all classes; arguments as for `BaseEstimator.predict`."""
        return self._only("probabilities", x, input_fn, batch_size, as_iterable)


class _Regressing(_Canned):
    """What regressors share."""

    def predict_scores(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """Predicts numbers; arguments as for `BaseEstimator.predict`."""
        return self._only("scores", x, input_fn, batch_size, as_iterable)


class _Linear(_Canned):
    def _parts(self, features: Any, mode: str) -> list[tuple[Any, Any, str]]:
        given = self._arguments
        return [self._wide(features, given["feature_columns"], given["optimizer"])]


class _Deep(_Canned):
    def _parts(self, features: Any, mode: str) -> list[tuple[Any, Any, str]]:
        given = self._arguments
        return [
            self._deep(
                features, mode, given["feature_columns"], given["hidden_units"],
                given["activation_fn"], given["dropout"], given["optimizer"],
            )
        ]  # fmt: skip


class _WideAndDeep(_Canned):
    def _parts(self, features: Any, mode: str) -> list[tuple[Any, Any, str]]:
        given, parts = self._arguments, []
        if given["dnn_feature_columns"]:
            parts.append(
                self._deep(
                    features, mode, given["dnn_feature_columns"], given["dnn_hidden_units"],
                    given["dnn_activation_fn"], given["dnn_dropout"], given["dnn_optimizer"],
                )
            )  # fmt: skip
        if given["linear_feature_columns"]:
            wide = given["linear_feature_columns"], given["linear_optimizer"]
            parts.append(self._wide(features, *wide))
        if not parts:
            raise ValueError(
                "Either linear_feature_columns or dnn_feature_columns must be defined."
            )
        return parts


@export("contrib.learn.LinearClassifier")
class LinearClassifier(_Linear, _Classifying):
    """Is a linear classifier.

    Args:
      feature_columns: columns of `tf.contrib.layers` or `tf.feature_column`.
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column_name: name of the feature with the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name; default Ftrl.
      gradient_clip_norm: the largest norm of all gradients together.
      enable_centered_bias: accepted.
      _joint_weight: accepted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
      label_keys: the words that labels are of.
    """

    def __init__(
        self,
        feature_columns: Any,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column_name: Any = None,
        optimizer: Any = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        _joint_weight: bool = False,
        config: Any = None,
        feature_engineering_fn: Any = None,
        label_keys: Any = None,
    ) -> None:
        head = Classifier(n_classes, weight_column_name, label_keys)
        self._start(locals(), head, model_dir, config)


@export("contrib.learn.LinearRegressor")
class LinearRegressor(_Linear, _Regressing):
    """Is a linear regressor.

    Args:
      feature_columns: columns of `tf.contrib.layers` or `tf.feature_column`.
      model_dir: directory of checkpoints and summaries.
      weight_column_name: name of the feature with the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name; default Ftrl.
      gradient_clip_norm: the largest norm of all gradients together.
      enable_centered_bias: accepted.
      label_dimension: how many numbers are predicted.
      _joint_weights: accepted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
    """

    def __init__(
        self,
        feature_columns: Any,
        model_dir: Any = None,
        weight_column_name: Any = None,
        optimizer: Any = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        label_dimension: int = 1,
        _joint_weights: bool = False,
        config: Any = None,
        feature_engineering_fn: Any = None,
    ) -> None:
        head = Regressor(label_dimension, weight_column_name)
        self._start(locals(), head, model_dir, config)


@export("contrib.learn.DNNClassifier")
class DNNClassifier(_Deep, _Classifying):
    """Is a classifier of dense layers.

    Args:
      hidden_units: sizes of the hidden layers.
      feature_columns: columns of `tf.contrib.layers` or `tf.feature_column`.
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column_name: name of the feature with the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name; default Adagrad.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training.
      gradient_clip_norm: the largest norm of all gradients together.
      enable_centered_bias: accepted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
      embedding_lr_multipliers: accepted.
      input_layer_min_slice_size: accepted.
      label_keys: the words that labels are of.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column_name: Any = None,
        optimizer: Any = None,
        activation_fn: Any = _relu,
        dropout: float | None = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        config: Any = None,
        feature_engineering_fn: Any = None,
        embedding_lr_multipliers: Any = None,
        input_layer_min_slice_size: Any = None,
        label_keys: Any = None,
    ) -> None:
        head = Classifier(n_classes, weight_column_name, label_keys)
        self._start(locals(), head, model_dir, config)


@export("contrib.learn.DNNRegressor")
class DNNRegressor(_Deep, _Regressing):
    """Is a regressor of dense layers.

    Args:
      hidden_units: sizes of the hidden layers.
      feature_columns: columns of `tf.contrib.layers` or `tf.feature_column`.
      model_dir: directory of checkpoints and summaries.
      weight_column_name: name of the feature with the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name; default Adagrad.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training.
      gradient_clip_norm: the largest norm of all gradients together.
      enable_centered_bias: accepted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
      label_dimension: how many numbers are predicted.
      embedding_lr_multipliers: accepted.
      input_layer_min_slice_size: accepted.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any,
        model_dir: Any = None,
        weight_column_name: Any = None,
        optimizer: Any = None,
        activation_fn: Any = _relu,
        dropout: float | None = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        config: Any = None,
        feature_engineering_fn: Any = None,
        label_dimension: int = 1,
        embedding_lr_multipliers: Any = None,
        input_layer_min_slice_size: Any = None,
    ) -> None:
        head = Regressor(label_dimension, weight_column_name)
        self._start(locals(), head, model_dir, config)


@export("contrib.learn.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_WideAndDeep, _Classifying):
    """Is a classifier whose logits are the sum of a linear and a deep model's.

    Args:
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column_name: name of the feature with the examples' weights.
      linear_feature_columns: columns of the linear model.
      linear_optimizer: its optimizer; default Ftrl.
      _joint_linear_weights: accepted.
      dnn_feature_columns: columns of the deep model.
      dnn_optimizer: its optimizer; default Adagrad.
      dnn_hidden_units: sizes of the hidden layers.
      dnn_activation_fn: activation of the hidden layers.
      dnn_dropout: probability that an activation is zeroed while training.
      gradient_clip_norm: the largest norm of the gradients of each model.
      enable_centered_bias: accepted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
      embedding_lr_multipliers: accepted.
      input_layer_min_slice_size: accepted.
      label_keys: the words that labels are of.
      fix_global_step_increment_bug: accepted; a step always counts once.
    """

    def __init__(
        self,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column_name: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = None,
        _joint_linear_weights: bool = False,
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None,
        dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = _relu,
        dnn_dropout: float | None = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        config: Any = None,
        feature_engineering_fn: Any = None,
        embedding_lr_multipliers: Any = None,
        input_layer_min_slice_size: Any = None,
        label_keys: Any = None,
        fix_global_step_increment_bug: bool = False,
    ) -> None:
        head = Classifier(n_classes, weight_column_name, label_keys)
        self._start(locals(), head, model_dir, config)


@export("contrib.learn.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_WideAndDeep, _Regressing):
    """Is a regressor whose prediction is the sum of a linear and a deep model's.

    Args:
      model_dir: directory of checkpoints and summaries.
      weight_column_name: name of the feature with the examples' weights.
      linear_feature_columns: columns of the linear model.
      linear_optimizer: its optimizer; default Ftrl.
      _joint_linear_weights: accepted.
      dnn_feature_columns: columns of the deep model.
      dnn_optimizer: its optimizer; default Adagrad.
      dnn_hidden_units: sizes of the hidden layers.
      dnn_activation_fn: activation of the hidden layers.
      dnn_dropout: probability that an activation is zeroed while training.
      gradient_clip_norm: the largest norm of the gradients of each model.
      enable_centered_bias: accepted.
      label_dimension: how many numbers are predicted.
      config: a `RunConfig`.
      feature_engineering_fn: a function of features and labels that changes both first.
      embedding_lr_multipliers: accepted.
      input_layer_min_slice_size: accepted.
      fix_global_step_increment_bug: accepted; a step always counts once.
    """

    def __init__(
        self,
        model_dir: Any = None,
        weight_column_name: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = None,
        _joint_linear_weights: bool = False,
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None,
        dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = _relu,
        dnn_dropout: float | None = None,
        gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False,
        label_dimension: int = 1,
        config: Any = None,
        feature_engineering_fn: Any = None,
        embedding_lr_multipliers: Any = None,
        input_layer_min_slice_size: Any = None,
        fix_global_step_increment_bug: bool = False,
    ) -> None:
        head = Regressor(label_dimension, weight_column_name)
        self._start(locals(), head, model_dir, config)
