"""Labels and weights of a head: their shapes, ranges and vocabularies."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float, String
from millstream.feature_column.columns import FeatureTransformationCache
from millstream.feature_column.numeric import NumericColumn, numeric_column
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.array.shapes import shape
from millstream.ops.flow import checks
from millstream.ops.flow.static_checks import assert_rank_at_least
from millstream.ops.math.cast import cast


def checked_logits(logits: Any, dimension: int) -> Any:
    """Returns logits whose last axis has a known size.

    Raises:
      ValueError: if it has another.
    """
    with name_scope("logits"):
        logits = cast(logits, Float)
        dynamic = shape(logits)
        check = assert_rank_at_least(
            logits, 2, data=[dynamic], message="logits shape must be [D0, D1, ... DN, "
            "logits_dimension]",
        )  # fmt: skip
        with control_dependencies([check]):
            static = logits.shape
            if static.ndims is not None and static[-1].value is not None:
                if static[-1].value != dimension:
                    raise ValueError(
                        f"logits shape must be [D0, D1, ... DN, logits_dimension={dimension}], "
                        f"got {static}."
                    )
                return logits
            wanted = checks.assert_equal(
                dimension, dynamic[-1], data=[dynamic],
                message="The last axis of logits has a wrong size",
            )  # fmt: skip
            with control_dependencies([wanted]):
                return identity(logits)


def checked_labels(labels: Any, logits: Any, dimension: int) -> Any:
    """Returns labels `[…, dimension]`, of as many examples as the logits.

    Raises:
      ValueError: if there are none, they are sparse, or their shape is another.
    """
    if labels is None:
        raise ValueError(
            "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: "
            "Check that your data contain your label feature. Check that your input_fn properly "
            "parses and returns labels."
        )
    if isinstance(labels, dict):
        raise ValueError(
            f"labels must be one tensor, but the input function gives a dict: {sorted(labels)}"
        )
    with name_scope(None, "labels", (labels, logits)) as scope:
        if isinstance(labels, SparseTensor):
            raise ValueError(
                "SparseTensor labels are not supported. labels must be a Tensor of shape [D0, D1, "
                f"..., DN, {dimension}], e.g. [batch_size, {dimension}]. Suggested Fix (1): Check "
                "the label feature in your data. Each example must contain "
                f"{dimension} value(s). If not, your choice of label was probably incorrect. "
                "Suggested Fix (2): In your input_fn, use tf.sparse_tensor_to_dense() to turn "
                "labels into a Tensor."
            )
        labels = convert_to_tensor(labels)
        if (
            labels.shape.ndims is not None
            and logits.shape.ndims is not None
            and labels.shape.ndims == logits.shape.ndims - 1
        ):
            labels = expand_dims(labels, -1)
        labels_shape, logits_shape = shape(labels), shape(logits)
        expected = f"[D0, D1, ... DN, {dimension}]"
        rank = assert_rank_at_least(
            labels, 2, data=[labels_shape], message=f"labels shape must be {expected}"
        )
        with control_dependencies([rank]):
            _check_label_shape(labels.shape, logits.shape, dimension)
            wanted = concat([logits_shape[:-1], [dimension]], axis=0)
            check = checks.assert_equal(
                wanted, labels_shape, data=["expected_labels_shape: ", wanted, "labels_shape: ",
                                            labels_shape],
                message=f"labels shape must be {expected}",
            )  # fmt: skip
            with control_dependencies([check]):
                return identity(labels, name=scope)


def _check_label_shape(labels: Any, logits: Any, dimension: int) -> None:
    if labels.ndims is None:
        return
    last = labels[-1].value
    if last is not None and last != dimension:
        raise ValueError(
            f"Mismatched label shape. Expected labels dimension={dimension}.  Received {last}. "
            "Suggested Fix:If your classifier expects one-hot encoding label,check your n_classes "
            "argument to the estimator and/or the shape of your label.Otherwise, check the shape "
            "of your label."
        )
    if not labels[:-1].is_compatible_with(logits[:-1]):
        raise ValueError(
            f"labels shape must be [D0, D1, ... DN, {dimension}], compatible with logits. "
            f"labels have {labels}, logits {logits}."
        )


def weights_of(features: Any, column: Any, logits: Any, per_logit: bool = False) -> Any:
    """Returns the examples' weights, `[…, 1]`; 1 without weight column.

    Raises:
      ValueError: if there is no such feature, or its shape is another.
      TypeError: if the column is neither name nor numeric column.
    """
    if column is None:
        return 1.0
    if isinstance(column, str):
        column = numeric_column(column, shape=(1,))
    if not isinstance(column, NumericColumn):
        raise TypeError(
            f"Weight column must be either a string or NumericColumn. Given type: {type(column)}."
        )
    if not isinstance(features, dict) or column.key not in features:
        known = sorted(map(str, features)) if isinstance(features, dict) else "one tensor"
        raise ValueError(f"The weight column {column.key!r} is not among the features: {known}.")
    weights = column.transform_feature(FeatureTransformationCache(features), None)
    if not (weights.dtype.is_floating or weights.dtype.is_integer):
        raise ValueError(f"Weight column should be castable to float. Given dtype: {weights.dtype}")
    weights = cast(weights, Float)
    if weights.shape.ndims == 1 and logits.shape.ndims == 2:
        weights = expand_dims(weights, -1)
    last = weights.shape[-1].value if weights.shape.ndims else None
    if not per_logit and last not in (None, 1):
        raise ValueError(
            f"weights shape must be [D0, D1, ... DN] or [D0, D1, ... DN, 1], given {weights.shape}."
        )
    return weights


def in_range(labels: Any, n_classes: int, message: str | None = None) -> Any:
    """Returns the labels, checked when run to lie from 0 to `n_classes - 1`."""
    with name_scope(None, "assert_range", (labels,)):
        labels = convert_to_tensor(labels)
        found = [
            checks.assert_less_equal(
                labels,
                convert_to_tensor(n_classes - 1, dtype=labels.dtype),
                message=message or f"Labels must be <= {n_classes - 1}, the number of classes - 1",
            ),
            checks.assert_non_negative(labels, message=message or "Labels must be >= 0"),
        ]
        with control_dependencies(found):
            return identity(labels)


def class_ids_of(labels: Any, n_classes: int, vocabulary: Any, make_table: Any) -> Any:
    """Returns the numbers of the classes that labels name.

    Raises:
      ValueError: if labels are of another dtype than the vocabulary, or no integers without one.
    """
    if vocabulary is None:
        if not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype!r}.")
        return labels
    if labels.dtype != String:
        raise ValueError(f"Labels dtype should be string. Instead got {labels.dtype!r}.")
    return make_table().lookup(labels)
