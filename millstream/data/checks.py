"""Checks of what datasets are made from."""

from __future__ import annotations

import operator
from typing import Any

from millstream.base import dtypes
from millstream.base.shapes import TensorShape
from millstream.data import structures
from millstream.data.specs import SparseTensorSpec, TensorSpec


def check_sizes(leaves: list[Any]) -> None:
    """Checks that tensors to be sliced have the same first size, as far as that is known.

    Raises:
      ValueError: if they have not.
    """
    first = leaves[0].shape[:1]
    for leaf in leaves[1:]:
        if not first.is_compatible_with(leaf.shape[:1]):
            raise ValueError(f"Dimensions {first[0]} and {leaf.shape[0]} are not compatible")


def check_predicate(spec: Any) -> None:
    """Checks that what a function returns is a scalar bool.

    Raises:
      ValueError: if it is not.
    """
    if not (isinstance(spec, TensorSpec) and spec.is_compatible_with(TensorSpec([], dtypes.bool_))):
        raise ValueError(
            f"`predicate` return type must be convertible to a scalar boolean tensor. Was {spec}."
        )


def check_concatenated(first: Any, second: Any) -> None:
    """Checks that two datasets have elements of the same types and classes.

    Raises:
      TypeError: if they have not.
    """
    types, others = first.output_types, second.output_types
    try:
        structures.assert_same(types, others)
        same = all(map(operator.eq, structures.flatten(types), structures.flatten(others)))
    except (TypeError, ValueError):
        same = False
    if not same:
        raise TypeError(f"Two datasets to concatenate have different types {types} and {others}")
    if structures.flatten(first.output_classes) != structures.flatten(second.output_classes):
        raise TypeError(
            f"Two datasets to concatenate have different classes {first.output_classes} and "
            f"{second.output_classes}"
        )


def common_spec(first: Any, second: Any) -> Any:
    """Gives a spec that fits what two describe."""
    if not isinstance(first, (TensorSpec, SparseTensorSpec)):
        return first
    one, other = first.shape, second.shape
    if one.ndims is None or other.ndims is None or one.ndims != other.ndims:
        shape = TensorShape(None)
    else:
        pairs = zip(one.as_list(), other.as_list(), strict=True)
        shape = TensorShape([a if a == b else None for a, b in pairs])
    return type(first)(shape, first.dtype)
