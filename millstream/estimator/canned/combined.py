"""Wide and deep models: `tf.estimator.DNNLinearCombinedClassifier` and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from millstream.base.export import export
from millstream.estimator.canned.common import (
    checked_features,
    classifier_head,
    hidden_partitioner,
    input_partitioner,
    optimizer_of,
    summarize_layer,
)
from millstream.estimator.canned.dnn import dnn_logit_fn_builder
from millstream.estimator.canned.linear import default_rate, linear_logit_fn_builder
from millstream.estimator.estimator import Estimator
from millstream.estimator.heads.base import SUM, Head
from millstream.estimator.heads.regression import RegressionHead
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies
from millstream.ops import nn
from millstream.ops.flow.groups import group
from millstream.state.assignments import assign_add
from millstream.state.global_step import get_global_step
from millstream.state.scoping import variable_scope

_DNN_LEARNING_RATE = 0.001
_LINEAR_LEARNING_RATE = 0.005
_relu = nn.relu


class _Part(NamedTuple):
    """The logits of one half of the model, its optimizer and its scope."""

    logits: Any
    optimizer: Any
    scope: str


class _Model(NamedTuple):
    """The arguments of a wide and deep model."""

    head: Head
    linear_feature_columns: Any
    linear_optimizer: Any
    dnn_feature_columns: Any
    dnn_optimizer: Any
    dnn_hidden_units: Any
    dnn_activation_fn: Any
    dnn_dropout: Any
    input_layer_partitioner: Any
    batch_norm: bool
    linear_sparse_combiner: str

    def __call__(self, features: Any, labels: Any, mode: str, config: Any) -> Any:
        features = checked_features(features)
        parts: list[_Part] = []
        if self.dnn_feature_columns:
            parts.append(self._deep(features, mode, config))
        if self.linear_feature_columns:
            parts.append(self._wide(features, config))
        logits = parts[0].logits if len(parts) == 1 else parts[0].logits + parts[1].logits
        return self.head.create_estimator_spec(
            features=features, mode=mode, labels=labels, logits=logits,
            train_op_fn=lambda loss: _train_op(loss, parts),
        )  # fmt: skip

    def _deep(self, features: Any, mode: str, config: Any) -> _Part:
        optimizer = optimizer_of(self.dnn_optimizer, _DNN_LEARNING_RATE)
        partitioner = hidden_partitioner(config)
        with variable_scope(
            "dnn", values=tuple(features.values()), partitioner=partitioner
        ) as scope:
            logit_fn = dnn_logit_fn_builder(
                self.head.logits_dimension, self.dnn_hidden_units, self.dnn_feature_columns,
                self.dnn_activation_fn, self.dnn_dropout,
                self.input_layer_partitioner or input_partitioner(config), self.batch_norm,
            )  # fmt: skip
            return _Part(logit_fn(features, mode), optimizer, scope.name)

    def _wide(self, features: Any, config: Any) -> _Part:
        rate = default_rate(self.linear_feature_columns, _LINEAR_LEARNING_RATE)
        optimizer = optimizer_of(self.linear_optimizer, rate)
        partitioner = self.input_layer_partitioner or input_partitioner(config)
        with variable_scope(
            "linear", values=tuple(features.values()), partitioner=partitioner, use_resource=True
        ) as scope:
            logit_fn = linear_logit_fn_builder(
                self.head.logits_dimension, self.linear_feature_columns, self.linear_sparse_combiner
            )
            logits = logit_fn(features)
            summarize_layer(logits, scope.name)
            return _Part(logits, optimizer, scope.name)


def _train_op(loss: Any, parts: list[_Part]) -> Any:
    """Returns the node that trains each half with its own optimizer, and counts the step."""
    graph = get_default_graph()
    trained = [
        part.optimizer.minimize(
            loss, var_list=graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, scope=part.scope)
        )
        for part in parts
    ]
    with control_dependencies([group(*trained)]):
        count = assign_add(get_global_step(), 1)
        return getattr(count, "op", count)


class _DNNLinearCombined(Estimator):
    """What wide and deep estimators share."""

    def __init__(self, model: _Model, model_dir: Any, config: Any, warm_start_from: Any) -> None:
        if not model.linear_feature_columns and not model.dnn_feature_columns:
            raise ValueError(
                "Either linear_feature_columns or dnn_feature_columns must be defined."
            )
        if model.dnn_feature_columns and not model.dnn_hidden_units:
            raise ValueError(
                "dnn_hidden_units must be defined when dnn_feature_columns is specified."
            )

        def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
            return model(features, labels, mode, config)

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start_from)


@export("estimator.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_DNNLinearCombined):
    """Is a classifier whose logits are the sum of a linear and a deep model's.

    Args:
      model_dir: directory of checkpoints and summaries.
      linear_feature_columns: columns of the linear model.
      linear_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_feature_columns: dense columns of the deep model.
      dnn_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_hidden_units: sizes of the hidden layers.
      dnn_activation_fn: activation of the hidden layers.
      dnn_dropout: probability that an activation is zeroed while training.
      n_classes: number of classes.
      weight_column: name or `numeric_column` of the examples' weights.
      label_vocabulary: the words that labels are of.
      input_layer_partitioner: partitioner of embeddings and linear weights.
      config: a `RunConfig`.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      batch_norm: whether hidden layers are batch normalised.
      linear_sparse_combiner: how the linear weights of an example's ids are combined.

    Raises:
      ValueError: if there are no columns, or dense ones without hidden layers.
    """

    def __init__(
        self,
        model_dir: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = _relu,
        dnn_dropout: float | None = None,
        n_classes: int = 2,
        weight_column: Any = None,
        label_vocabulary: Any = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ) -> None:
        head = classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        model = _Model(
            head, tuple(linear_feature_columns or ()), linear_optimizer,
            tuple(dnn_feature_columns or ()), dnn_optimizer, dnn_hidden_units, dnn_activation_fn,
            dnn_dropout, input_layer_partitioner, batch_norm, linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(model, model_dir, config, warm_start_from)


@export("estimator.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_DNNLinearCombined):
    """Is a regressor whose prediction is the sum of a linear and a deep model's.

    Args:
      model_dir: directory of checkpoints and summaries.
      linear_feature_columns: columns of the linear model.
      linear_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_feature_columns: dense columns of the deep model.
      dnn_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_hidden_units: sizes of the hidden layers.
      dnn_activation_fn: activation of the hidden layers.
      dnn_dropout: probability that an activation is zeroed while training.
      label_dimension: how many numbers are predicted.
      weight_column: name or `numeric_column` of the examples' weights.
      input_layer_partitioner: partitioner of embeddings and linear weights.
      config: a `RunConfig`.
      warm_start_from: as for `Estimator`.
      loss_reduction: how the examples' losses become one.
      batch_norm: whether hidden layers are batch normalised.
      linear_sparse_combiner: how the linear weights of an example's ids are combined.

    Raises:
      ValueError: if there are no columns, or dense ones without hidden layers.
    """

    def __init__(
        self,
        model_dir: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = _relu,
        dnn_dropout: float | None = None,
        label_dimension: int = 1,
        weight_column: Any = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        warm_start_from: Any = None,
        loss_reduction: str = SUM,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ) -> None:
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        model = _Model(
            head, tuple(linear_feature_columns or ()), linear_optimizer,
            tuple(dnn_feature_columns or ()), dnn_optimizer, dnn_hidden_units, dnn_activation_fn,
            dnn_dropout, input_layer_partitioner, batch_norm, linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(model, model_dir, config, warm_start_from)


@export("estimator.DNNLinearCombinedEstimator")
class DNNLinearCombinedEstimator(_DNNLinearCombined):
    """Is a wide and deep model with any head.

    Args:
      head: the head.
      model_dir: directory of checkpoints and summaries.
      linear_feature_columns: columns of the linear model.
      linear_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_feature_columns: dense columns of the deep model.
      dnn_optimizer: an `Optimizer`, a function that makes one, or a name.
      dnn_hidden_units: sizes of the hidden layers.
      dnn_activation_fn: activation of the hidden layers.
      dnn_dropout: probability that an activation is zeroed while training.
      input_layer_partitioner: partitioner of embeddings and linear weights.
      config: a `RunConfig`.
      linear_sparse_combiner: how the linear weights of an example's ids are combined.

    Raises:
      ValueError: if there are no columns, or dense ones without hidden layers.
    """

    def __init__(
        self,
        head: Head,
        model_dir: Any = None,
        linear_feature_columns: Any = None,
        linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None,
        dnn_optimizer: Any = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Any = _relu,
        dnn_dropout: float | None = None,
        input_layer_partitioner: Any = None,
        config: Any = None,
        linear_sparse_combiner: str = "sum",
    ) -> None:
        model = _Model(
            head, tuple(linear_feature_columns or ()), linear_optimizer,
            tuple(dnn_feature_columns or ()), dnn_optimizer, dnn_hidden_units, dnn_activation_fn,
            dnn_dropout, input_layer_partitioner, False, linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(model, model_dir, config, None)
