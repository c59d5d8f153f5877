"""Deep models: `tf.estimator.DNNClassifier`, `DNNRegressor` and `DNNEstimator`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from millstream.base.export import export
from millstream.estimator.canned.common import (
    checked_features,
    classifier_head,
    hidden_partitioner,
    input_partitioner,
    optimizer_of,
    summarize_layer,
)
from millstream.estimator.estimator import Estimator
from millstream.estimator.heads.base import SUM, Head
from millstream.estimator.heads.regression import RegressionHead
from millstream.estimator.mode_keys import ModeKeys
from millstream.feature_column.dense_layers import DenseFeatures
from millstream.layers.core import dense, dropout
from millstream.layers.normalization import batch_normalization
from millstream.ops import nn
from millstream.state.initializers import GlorotUniform
from millstream.state.scoping import variable_scope

LEARNING_RATE = 0.05
_BATCH_NORM_MOMENTUM = 0.999
_relu = nn.relu


@export("estimator.experimental.dnn_logit_fn_builder", "contrib.estimator.dnn_logit_fn_builder")
def dnn_logit_fn_builder(
    units: int,
    hidden_units: Sequence[int],
    feature_columns: Any,
    activation_fn: Callable[[Any], Any],
    dropout: float | None,
    input_layer_partitioner: Any,
    batch_norm: bool,
) -> Callable[[Any, str], Any]:
    """Makes a function of features and mode that returns the logits of a deep model.

    Args:
      units: number of logits.
      hidden_units: sizes of the hidden layers.
      feature_columns: dense columns.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training; None for none.
      input_layer_partitioner: partitioner of the embeddings.
      batch_norm: whether hidden layers are batch normalised.

    Raises:
      ValueError: if `units` is no integer.
    """
    if not isinstance(units, int):
        raise ValueError(f"units must be an int.  Given type: {type(units)}")
    options = _Options(hidden_units, activation_fn, dropout, batch_norm)

    def dnn_logit_fn(features: Any, mode: str) -> Any:
        is_training = mode == ModeKeys.TRAIN
        with variable_scope(
            "input_from_feature_columns", values=tuple(features.values()),
            partitioner=input_layer_partitioner,
        ):  # fmt: skip
            net = DenseFeatures(feature_columns, name="input_layer")(features)
        for number in range(len(hidden_units)):
            net = options.hidden(net, number, is_training)
        with variable_scope("logits", values=(net,), use_resource=True) as scope:
            logits = dense(net, units, kernel_initializer=GlorotUniform(), name=scope)
        summarize_layer(logits, scope.name)
        return logits

    return dnn_logit_fn


class _Options:
    """The hidden layers of a deep model."""

    def __init__(
        self, hidden_units: Sequence[int], activation_fn: Any, rate: Any, batch_norm: bool
    ) -> None:
        self._hidden_units, self._activation_fn = hidden_units, activation_fn
        self._rate, self._batch_norm = rate, batch_norm

    def hidden(self, net: Any, number: int, is_training: bool) -> Any:
        """Returns the output of a hidden layer."""
        with variable_scope(f"hiddenlayer_{number}", values=(net,), use_resource=True) as scope:
            net = dense(
                net, self._hidden_units[number], activation=self._activation_fn,
                kernel_initializer=GlorotUniform(), name=scope,
            )  # fmt: skip
        if self._rate is not None and is_training:
            net = dropout(net, rate=self._rate, training=True)
        if self._batch_norm:
            with variable_scope(scope):
                net = batch_normalization(
                    net, momentum=_BATCH_NORM_MOMENTUM, training=is_training,
                    name=f"batchnorm_{number}",
                )  # fmt: skip
        summarize_layer(net, scope.name)
        return net


def dnn_model_fn(
    features: Any,
    labels: Any,
    mode: str,
    head: Head,
    hidden_units: Sequence[int],
    feature_columns: Any,
    optimizer: Any,
    activation_fn: Any,
    dropout: Any,
    input_layer_partitioner: Any,
    config: Any,
    batch_norm: bool,
) -> Any:
    """Is the model function of deep models."""
    features = checked_features(features)
    optimizer = optimizer_of(optimizer, LEARNING_RATE)
    with variable_scope(
        "dnn", values=tuple(features.values()), partitioner=hidden_partitioner(config)
    ):
        logit_fn = dnn_logit_fn_builder(
            head.logits_dimension, hidden_units, feature_columns, activation_fn, dropout,
            input_layer_partitioner or input_partitioner(config), batch_norm,
        )  # fmt: skip
        logits = logit_fn(features, mode)
        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, optimizer=optimizer, logits=logits
        )


class _DNN(Estimator):
    """What deep estimators share."""

    def __init__(
        self, head: Head, hidden_units: Any, feature_columns: Any, model_dir: Any, optimizer: Any,
        activation_fn: Any, dropout: Any, partitioner: Any, config: Any, warm_start_from: Any,
        batch_norm: bool,
    ) -> None:  # fmt: skip
        def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
            return dnn_model_fn(
                features, labels, mode, head, hidden_units, tuple(feature_columns or ()), optimizer,
                activation_fn, dropout, partitioner, config, batch_norm,
            )  # fmt: skip

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start_from)


@export("estimator.DNNClassifier")
class DNNClassifier(_DNN):
    """Is a classifier of dense layers.

    Args:
      hidden_units: sizes of the hidden layers.
      feature_columns: dense columns.
      model_dir: directory of checkpoints and summaries.
      n_classes: number of classes.
      weight_column: name or `numeric_column` of the examples' weights.
      label_vocabulary: the words that labels are of.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training.
      input_layer_partitioner: partitioner of the embeddings.
      config: a `RunConfig`.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      batch_norm: whether hidden layers are batch normalised.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        optimizer: Any = "Adagrad",
        activation_fn: Any = _relu,
        dropout: float | None = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        batch_norm: bool = False,
    ) -> None:
        head = classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(
            head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
            input_layer_partitioner, config, warm_start_from, batch_norm,
        )  # fmt: skip


@export("estimator.DNNRegressor")
class DNNRegressor(_DNN):
    """Is a regressor of dense layers.

    Args:
      hidden_units: sizes of the hidden layers.
      feature_columns: dense columns.
      model_dir: directory of checkpoints and summaries.
      label_dimension: how many numbers are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training.
      input_layer_partitioner: partitioner of the embeddings.
      config: a `RunConfig`.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      batch_norm: whether hidden layers are batch normalised.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Any,
        model_dir: Any = None,
        label_dimension: int = 1,
        weight_column: Any = None,
        optimizer: Any = "Adagrad",
        activation_fn: Any = _relu,
        dropout: float | None = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        batch_norm: bool = False,
    ) -> None:
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__(
            head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
            input_layer_partitioner, config, warm_start_from, batch_norm,
        )  # fmt: skip


@export("estimator.DNNEstimator")
class DNNEstimator(_DNN):
    """Is a model of dense layers with any head.

    Args:
      head: the head.
      hidden_units: sizes of the hidden layers.
      feature_columns: dense columns.
      model_dir: directory of checkpoints and summaries.
      optimizer: an `Optimizer`, a function that makes one, or a name.
      activation_fn: activation of the hidden layers.
      dropout: probability that an activation is zeroed while training.
      input_layer_partitioner: partitioner of the embeddings.
      config: a `RunConfig`.
      warm_start_from: as for `Estimator`.
      batch_norm: whether hidden layers are batch normalised.
    """

    def __init__(
        self,
        head: Head,
        hidden_units: Sequence[int],
        feature_columns: Any,
        model_dir: Any = None,
        optimizer: Any = "Adagrad",
        activation_fn: Any = _relu,
        dropout: float | None = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        warm_start_from: Any = None,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(
            head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
            input_layer_partitioner, config, warm_start_from, batch_norm,
        )  # fmt: skip
