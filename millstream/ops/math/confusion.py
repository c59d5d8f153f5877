"""`tf.confusion_matrix`: how often each class was taken for each other."""

from typing import Any

from millstream.base import dtypes
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import ones_like, zeros
from millstream.ops.array.joining import stack
from millstream.ops.array.reshaping import squeeze
from millstream.ops.by_name import ops
from millstream.ops.flow.checks import assert_less, assert_non_negative
from millstream.ops.flow.groups import with_dependencies
from millstream.ops.math.cast import cast
from millstream.ops.math.reductions import reduce_max

__all__ = ["confusion_matrix", "remove_squeezable_dimensions"]


def remove_squeezable_dimensions(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Drops a last axis of size 1 that one of two tensors has and the other has not."""
    with name_scope(None, "remove_squeezable_dimensions", [labels, predictions]):
        labels, predictions = to_tensor(labels), to_tensor(predictions)
        ranks = labels.shape.ndims, predictions.shape.ndims
        if None not in ranks:
            if ranks[1] == ranks[0] + 1 and predictions.shape[-1:].is_compatible_with([1]):
                predictions = squeeze(predictions, [-1])
            elif ranks[0] == ranks[1] + 1 and labels.shape[-1:].is_compatible_with([1]):
                labels = squeeze(labels, [-1])
        return labels, predictions


def _not_negative(classes: Tensor, what: str) -> Tensor:
    message = f"`{what}` contains negative values"
    return with_dependencies([assert_non_negative(classes, message=message)], classes)


def _below(classes: Tensor, count: Tensor, what: str) -> Tensor:
    message = f"`{what}` out of bound"
    return with_dependencies([assert_less(classes, count, message=message)], classes)


@export("confusion_matrix", "math.confusion_matrix")
def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = dtypes.int32,
    name: Any = None, weights: Any = None,
) -> Any:  # fmt: skip
    """Counts how often each class was taken for each other.

    Args:
      labels: `[n]`, the true classes, integers.
      predictions: `[n]`, the classes that were predicted.
      num_classes: the number of classes; by default one more than the largest that occurs.
      dtype: the type of the counts.
      name: name for the nodes.
      weights: `[n]`, to be added up instead of ones.

    Returns:
      `[num_classes, num_classes]` of `dtype`; a row is a true class, a column a predicted one.

    Raises:
      ValueError: if the shapes of predictions and weights differ.
      InvalidArgumentError: at run time, if a class is negative or not below `num_classes`.
    """
    with name_scope(name, "confusion_matrix", (predictions, labels, num_classes, weights)):
        labels, predictions = remove_squeezable_dimensions(
            to_tensor(labels, name="labels"), to_tensor(predictions, name="predictions")
        )
        predictions, labels = cast(predictions, dtypes.int64), cast(labels, dtypes.int64)
        labels = _not_negative(labels, "labels")
        predictions = _not_negative(predictions, "predictions")
        if num_classes is None:
            num_classes = ops.Maximum(reduce_max(predictions), reduce_max(labels)) + 1
        else:
            count = cast(num_classes, dtypes.int64)
            labels = _below(labels, count, "labels")
            predictions = _below(predictions, count, "predictions")
        kind = as_dtype(dtype)
        if weights is not None:
            weights = to_tensor(weights, name="weights")
            predictions.shape.assert_is_compatible_with(weights.shape)
            weights = cast(weights, kind)
        shape = stack([num_classes, num_classes])
        places = stack([labels, predictions], axis=1)
        values = ones_like(predictions, dtype=kind) if weights is None else weights
        long_shape = cast(shape, dtypes.int64)
        blank = zeros(cast(shape, dtypes.int32), dtype=kind)
        return ops.SparseTensorDenseAdd(places, values, long_shape, blank)
