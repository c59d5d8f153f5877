"""Nested structures of elements: tuples and dicts. Lists are values, to become tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millstream.ir.composite import SparseTensorValue


def is_nested(value: Any) -> bool:
    """Tells whether a value has parts."""
    if isinstance(value, SparseTensorValue):
        return False
    return isinstance(value, (tuple, Mapping))


def flatten(value: Any) -> list[Any]:
    """Lists the leaves: of dicts in the order of the sorted keys."""
    if not is_nested(value):
        return [value]
    return [leaf for part in parts_of(value) for leaf in flatten(part)]


def parts_of(value: Any) -> list[Any]:
    """Lists the parts of a nested value."""
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    return list(value)


def rebuilt(like: Any, parts: Sequence[Any]) -> Any:
    """Makes a value with the type and keys of `like` of other parts."""
    if isinstance(like, Mapping):
        by_key = dict(zip(sorted(like), parts, strict=True))
        ordered = {key: by_key[key] for key in like}
        return ordered if type(like) is dict else type(like)(ordered)
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def pack(like: Any, leaves: Sequence[Any]) -> Any:
    """Makes a structure like another of a list of leaves."""
    remaining = iter(leaves)

    def build(value: Any) -> Any:
        if not is_nested(value):
            return next(remaining)
        return rebuilt(value, [build(part) for part in parts_of(value)])

    return build(like)


def map_structure(fn: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Applies a function to the leaves of structures of one form.

    Raises:
      TypeError, ValueError: if their forms differ.
    """
    for other in others:
        assert_same(first, other)
    columns = [flatten(value) for value in (first, *others)]
    return pack(first, [fn(*leaves) for leaves in zip(*columns, strict=True)])


def assert_same(first: Any, second: Any, check_types: bool = True) -> None:
    """Checks that two structures have the same form.

    Raises:
      ValueError: if one is nested where the other is not, or has other parts or keys.
      TypeError: if their types differ.
    """
    if is_nested(first) != is_nested(second) or (is_nested(first) and len(first) != len(second)):
        raise ValueError(
            f"The two structures don't have the same nested structure.\n\nFirst structure: "
            f"type={type(first).__name__} str={first}\n\nSecond structure: "
            f"type={type(second).__name__} str={second}"
        )
    if not is_nested(first):
        return
    if check_types and type(first) is not type(second):
        raise TypeError(
            f"The two structures don't have the same sequence type. First structure has type "
            f"{type(first)}, while second structure has type {type(second)}."
        )
    if isinstance(first, Mapping) and set(first) != set(second):
        raise ValueError(
            f"The two dictionaries don't have the same set of keys. First structure has keys "
            f"{sorted(first)}, while second structure has keys {sorted(second)}."
        )
    for one, other in zip(parts_of(first), parts_of(second), strict=True):
        assert_same(one, other, check_types)


def assert_shallow(shallow: Any, deep: Any) -> None:
    """Checks that `deep` has at least the form of `shallow`.

    Raises:
      TypeError, ValueError: if it does not.
    """
    if not is_nested(shallow):
        return
    if not is_nested(deep):
        raise TypeError(
            f"If shallow structure is a sequence, input must also be a sequence. Input has type: "
            f"{type(deep)}."
        )
    if len(shallow) != len(deep):
        raise ValueError(
            f"The two structures don't have the same sequence length. Input structure has length "
            f"{len(deep)}, while shallow structure has length {len(shallow)}."
        )
    for one, other in zip(parts_of(shallow), parts_of(deep), strict=True):
        assert_shallow(one, other)


def map_up_to(fn: Callable[..., Any], shallow: Any, *others: Any) -> Any:
    """Applies a function to what lies in structures where `shallow` has its leaves."""
    for other in others:
        assert_shallow(shallow, other)
    columns = [flatten_up_to(shallow, value) for value in (shallow, *others)]
    return pack(shallow, [fn(*leaves) for leaves in zip(*columns, strict=True)])


def flatten_up_to(shallow: Any, value: Any) -> list[Any]:
    """Lists what lies in a structure where `shallow` has its leaves."""
    if not is_nested(shallow):
        return [value]
    pairs = zip(parts_of(shallow), parts_of(value), strict=True)
    return [leaf for one, other in pairs for leaf in flatten_up_to(one, other)]
