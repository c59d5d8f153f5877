"""EditDistance: how many edits turn one sequence into another."""

import numpy as np

from millstream.base.export import export
from millstream.base.shapes import unknown_shape
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.spec import Dynamic, Float, Int64, Tensor, op
from millstream.ops.string.elements import invalid

__all__ = ["edit_distance"]


@op(effect=Dynamic())
def EditDistance[T](
    hypothesis_indices: Tensor[Int64],
    hypothesis_values: Tensor[T],
    hypothesis_shape: Tensor[Int64],
    truth_indices: Tensor[Int64],
    truth_values: Tensor[T],
    truth_shape: Tensor[Int64],
    *,
    normalize: bool = True,
) -> Tensor[Float]:
    """Gives the Levenshtein distances of the sequences along the last dimension."""


@EditDistance.shape
def _(hypothesis_shape_value, truth_shape_value):
    if hypothesis_shape_value is None or truth_shape_value is None:
        return unknown_shape()
    return np.maximum(hypothesis_shape_value, truth_shape_value)[:-1].tolist()


def _sequences(indices, values):
    """Returns the elements by the place of their sequence."""
    found = {}
    for place, value in zip(indices[:, :-1].tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(place), []).append(value)
    return found


def _distance(first, second):
    """Returns the Levenshtein distance of two lists."""
    costs = list(range(len(second) + 1))
    for row, a in enumerate(first, 1):
        corner, costs[0] = costs[0], row
        for column, b in enumerate(second, 1):
            change = corner + (a != b)
            corner = costs[column]
            costs[column] = min(change, corner + 1, costs[column - 1] + 1)
    return costs[-1]


@EditDistance.reference
def _(
    hypothesis_indices,
    hypothesis_values,
    hypothesis_shape,
    truth_indices,
    truth_values,
    truth_shape,
    normalize,
):
    if len(hypothesis_shape) != len(truth_shape):
        raise invalid(
            f"Expected hypothesis and truth of one rank, got {len(hypothesis_shape)} and "
            f"{len(truth_shape)}"
        )
    made = _sequences(hypothesis_indices, hypothesis_values)
    wanted = _sequences(truth_indices, truth_values)
    sizes = np.maximum(hypothesis_shape, truth_shape)[:-1]
    result = np.zeros(sizes.tolist(), np.float32)
    for place in made.keys() | wanted.keys():
        truth = wanted.get(place, [])
        edits = np.float32(_distance(made.get(place, []), truth))
        if normalize:
            edits = edits / len(truth) if truth else np.float32(np.inf if edits else 0)
        result[place] = edits
    return result


EditDistance.no_gradient("it counts")
EditDistance.examples(
    *(np.array([[0, 0], [0, 1], [1, 0]]), ["a", "b", "c"], np.array([2, 2])),
    *(np.array([[0, 0], [1, 0], [1, 1]]), ["a", "c", "d"], np.array([2, 2])),
)


@export("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """Returns the Levenshtein distances between two sparse batches of sequences.

    Args:
      hypothesis: a `SparseTensor`, `[batch…, length]`.
      truth: a `SparseTensor` of the same type and rank.
      normalize: whether to divide by the length of the true sequence.
      name: name of the node.

    Returns:
      `[batch…]` float32.

    Raises:
      TypeError: if one of the two is not sparse.
    """
    for value, what in ((hypothesis, "Hypothesis"), (truth, "Truth")):
        if not isinstance(value, (SparseTensor, SparseTensorValue)):
            raise TypeError(f"{what} must be a SparseTensor.")
    made, wanted = SparseTensor.from_value(hypothesis), SparseTensor.from_value(truth)
    return EditDistance(
        *(made.indices, made.values, made.dense_shape),
        *(wanted.indices, wanted.values, wanted.dense_shape),
        normalize=normalize,
        name=name,
    )
