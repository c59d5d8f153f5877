"""`tf.contrib.estimator`: heads whose arguments come in another order, and exports by mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base.export import export
from millstream.estimator.estimator import Estimator
from millstream.estimator.export.receivers import build_raw_supervised_input_receiver_fn
from millstream.estimator.heads.base import SUM, SUM_OVER_BATCH_SIZE
from millstream.estimator.heads.binary import BinaryClassHead
from millstream.estimator.heads.multi_class import MultiClassHead
from millstream.estimator.heads.regression import PoissonRegressionHead, RegressionHead
from millstream.estimator.mode_keys import ModeKeys

export(
    "contrib.estimator.build_raw_supervised_input_receiver_fn",
    module=build_raw_supervised_input_receiver_fn.__module__,
)(build_raw_supervised_input_receiver_fn)


@export("contrib.estimator.regression_head")
def regression_head(
    weight_column: Any = None,
    label_dimension: int = 1,
    loss_reduction: str = SUM_OVER_BATCH_SIZE,
    loss_fn: Any = None,
    inverse_link_fn: Any = None,
    name: str | None = None,
) -> RegressionHead:
    """Makes a `RegressionHead`; arguments as there, in another order."""
    return RegressionHead(
        label_dimension, weight_column, loss_reduction, loss_fn, inverse_link_fn, name
    )


@export("contrib.estimator.poisson_regression_head")
def poisson_regression_head(
    weight_column: Any = None,
    label_dimension: int = 1,
    loss_reduction: str = SUM_OVER_BATCH_SIZE,
    compute_full_loss: bool = True,
    name: str | None = None,
) -> PoissonRegressionHead:
    """Makes a `PoissonRegressionHead`; arguments as there, in another order."""
    return PoissonRegressionHead(
        label_dimension, weight_column, loss_reduction, compute_full_loss, name
    )


@export("contrib.estimator.export_all_saved_models")
def export_all_saved_models(
    estimator: Estimator,
    export_dir_base: Any,
    input_receiver_fn_map: dict[str, Callable[[], Any]],
    assets_extra: Any = None,
    as_text: bool = False,
    checkpoint_path: Any = None,
) -> bytes:
    """Writes one SavedModel with a graph for each mode.

    Arguments as for `Estimator.experimental_export_all_saved_models`.
    """
    return estimator.experimental_export_all_saved_models(
        export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path
    )


@export("contrib.estimator.export_saved_model_for_mode")
def export_saved_model_for_mode(
    estimator: Estimator,
    export_dir_base: Any,
    input_receiver_fn: Callable[[], Any],
    assets_extra: Any = None,
    as_text: bool = False,
    checkpoint_path: Any = None,
    mode: str = ModeKeys.PREDICT,
) -> bytes:
    """Writes a SavedModel with the graph of one mode.

    Arguments as for `Estimator.export_saved_model`, and the mode.
    """
    return estimator.experimental_export_all_saved_models(
        export_dir_base, {mode: input_receiver_fn}, assets_extra, as_text, checkpoint_path
    )


# -- the heads under the names that programs import from TensorFlow's own modules


def binary_logistic_head(
    weight_column: Any = None,
    thresholds: Any = None,
    label_vocabulary: Any = None,
    loss_reduction: str = SUM,
    loss_fn: Any = None,
    name: str | None = None,
) -> BinaryClassHead:
    """Makes a `BinaryClassHead` that adds the examples' losses."""
    return BinaryClassHead(
        weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn, name
    )


def multi_class_head(
    n_classes: int,
    weight_column: Any = None,
    label_vocabulary: Any = None,
    loss_reduction: str = SUM,
    loss_fn: Any = None,
    name: str | None = None,
) -> MultiClassHead:
    """Makes a `MultiClassHead` that adds the examples' losses."""
    return MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)


def summing_regression_head(
    weight_column: Any = None,
    label_dimension: int = 1,
    loss_reduction: str = SUM,
    loss_fn: Any = None,
    inverse_link_fn: Any = None,
    name: str | None = None,
) -> RegressionHead:
    """Makes a `RegressionHead` that adds the examples' losses."""
    return regression_head(
        weight_column, label_dimension, loss_reduction, loss_fn, inverse_link_fn, name
    )
