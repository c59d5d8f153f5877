"""Nested structures: lists, tuples, named tuples, dictionaries and `attrs` classes of leaves.

A structure is flattened depth first; dictionaries give their values by sorted key, whatever their
insertion order. Strings, bytes, NumPy arrays, sets and shapes are leaves. A `Composite`, such as
a `SparseTensor`, is a leaf too unless `expand_composites` is true.
"""

from __future__ import annotations

from collections import abc, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from millstream.base.export import export


class Composite:
    """Is the base of values made of several tensors, which `expand_composites` takes apart."""

    __slots__ = ()

    def _to_components(self) -> Sequence[Any]:
        """Gives the parts, each a tensor or a structure."""
        raise AssertionError(f"{type(self).__name__} does not define _to_components")

    def _from_components(self, components: Sequence[Any]) -> Any:
        """Makes a value like this one of new parts."""
        raise AssertionError(f"{type(self).__name__} does not define _from_components")


LEAF, SEQUENCE, MAPPING, ATTRS, COMPOSITE = range(5)
_kinds: dict[type[Any], int] = {}


def _classify(cls: type[Any]) -> int:
    if issubclass(cls, Composite):
        kind = COMPOSITE
    elif issubclass(cls, abc.Mapping):
        kind = MAPPING
    elif issubclass(cls, (str, bytes)):
        kind = LEAF
    elif issubclass(cls, (abc.Sequence, abc.MappingView)):
        kind = SEQUENCE
    elif hasattr(cls, "__attrs_attrs__"):
        kind = ATTRS
    else:
        kind = LEAF
    _kinds[cls] = kind
    return kind


def kind_of(value: Any, expand_composites: bool = False) -> int:
    """Tells what a value is to this module: `LEAF`, or which kind of structure."""
    cls = cast(type[Any], type(value))
    kind = _kinds[cls] if cls in _kinds else _classify(cls)
    return LEAF if kind == COMPOSITE and not expand_composites else kind


def _sorted_keys(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError(
            f"a nested structure has a dictionary whose keys cannot be sorted: {list(mapping)}"
        ) from None


def _attr_names(value: Any) -> list[str]:
    return [attribute.name for attribute in cast(Any, type(value)).__attrs_attrs__]


def _children(value: Any, kind: int) -> Iterable[Any]:
    if kind == SEQUENCE:
        return value
    if kind == MAPPING:
        return [value[key] for key in _sorted_keys(value)]
    if kind == ATTRS:
        return [getattr(value, name) for name in _attr_names(value)]
    return value._to_components()


def keyed_children(value: Any, kind: int) -> list[tuple[Any, Any]]:
    """Lists (key, child) of one level: dictionary key, field name or index."""
    if kind == MAPPING:
        return [(key, value[key]) for key in _sorted_keys(value)]
    if kind == ATTRS:
        return [(name, getattr(value, name)) for name in _attr_names(value)]
    if kind == SEQUENCE and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    return list(enumerate(_children(value, kind)))


def rebuild(like: Any, kind: int, children: Iterable[Any]) -> Any:
    """Makes one level of structure like another, of children in flattening order."""
    if kind == MAPPING:
        values = dict(zip(_sorted_keys(like), children, strict=True))
        return _rebuild_mapping(like, {key: values[key] for key in like})
    if kind == COMPOSITE:
        return like._from_components(list(children))
    if kind == ATTRS or hasattr(like, "_fields"):
        return type(like)(*children)
    if isinstance(like, (range, memoryview, abc.MappingView)):
        return list(children)
    return type(like)(children)


def _rebuild_mapping(like: Any, values: dict[Any, Any]) -> Any:
    if isinstance(like, defaultdict):
        like = cast(Any, like)
        return type(like)(like.default_factory, values)
    if isinstance(like, MappingProxyType):
        return MappingProxyType(values)
    return type(like)(values)


@export("nest.is_nested", "contrib.framework.nest.is_nested", "contrib.framework.nest.is_sequence")
def is_nested(seq: Any) -> bool:
    """Tells whether a value is a structure: a sequence that is no string, a mapping, or `attrs`."""
    return kind_of(seq) != LEAF


is_sequence = is_nested


@export("contrib.framework.nest.is_sequence_or_composite")
def is_sequence_or_composite(seq: Any) -> bool:
    """Tells whether a value is a structure or a composite of tensors."""
    return kind_of(seq, True) != LEAF


def _flatten_into(found: list[Any], value: Any, kind: int, expand: bool) -> None:
    for child in _children(value, kind):
        child_kind = kind_of(child, expand)
        if child_kind == LEAF:
            found.append(child)
        else:
            _flatten_into(found, child, child_kind, expand)


@export("nest.flatten", "contrib.framework.nest.flatten")
def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Lists the leaves of a structure; a leaf alone gives a list of itself.

    Args:
      structure: Any structure or leaf.
      expand_composites: Whether to list the parts of composites such as `SparseTensor`.

    Raises:
      TypeError: If a dictionary's keys cannot be sorted.
    """
    kind = kind_of(structure, expand_composites)
    if kind == LEAF:
        return [structure]
    found: list[Any] = []
    _flatten_into(found, structure, kind, expand_composites)
    return found


def _pack(structure: Any, kind: int, leaves: Iterator[Any], expand: bool) -> Any:
    packed: list[Any] = []
    for child in _children(structure, kind):
        child_kind = kind_of(child, expand)
        leaf = child_kind == LEAF
        packed.append(next(leaves) if leaf else _pack(child, child_kind, leaves, expand))
    return rebuild(structure, kind, packed)


@export("nest.pack_sequence_as", "contrib.framework.nest.pack_sequence_as")
def pack_sequence_as(
    structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False
) -> Any:
    """Puts a flat list of leaves into the form of a structure; the inverse of `flatten`.

    Args:
      structure: The form; its own leaves do not matter.
      flat_sequence: As many leaves as `flatten(structure)` gives.
      expand_composites: Whether composites are made anew of their parts.

    Raises:
      TypeError: If `flat_sequence` is no sequence.
      ValueError: If it has another number of leaves.
    """
    if not is_nested(flat_sequence):
        raise TypeError(f"flat_sequence must be a sequence, not {type(flat_sequence).__name__}")
    kind = kind_of(structure, expand_composites)
    wanted = len(flatten(structure, expand_composites))
    if len(flat_sequence) != wanted:
        form = "Structure is a scalar" if kind == LEAF else f"Structure had {wanted} elements"
        raise ValueError(
            f"Could not pack sequence. {form}, but len(flat_sequence) == {len(flat_sequence)}. "
            f"Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    if kind == LEAF:
        return flat_sequence[0]
    return _pack(structure, kind, iter(flat_sequence), expand_composites)


def _sketch(structure: Any, expand: bool) -> str:
    return str(map_structure(_Dot, structure, expand_composites=expand))


class _Dot:
    def __init__(self, _leaf: Any) -> None: ...

    def __repr__(self) -> str:
        return "."


def same_type(a: Any, b: Any) -> bool:
    """Tells whether two structures are of types that count as the same."""
    if type(a) is type(b):
        return True
    if hasattr(a, "_fields") or hasattr(b, "_fields"):
        # Two definitions of one named tuple are as good as one.
        same = type(a).__name__ == type(b).__name__
        return same and getattr(a, "_fields", None) == getattr(b, "_fields", None)
    classes = cast(list[type[Any]], [type(a), type(b)])
    if all(issubclass(each, abc.Mapping) for each in classes):
        return True
    return issubclass(*classes) or issubclass(*classes[::-1])


def _difference(a: Any, b: Any, check_types: bool, expand: bool) -> Exception | None:
    """Finds the first place where two structures differ."""
    kind, other = kind_of(a, expand), kind_of(b, expand)
    if kind == LEAF and other == LEAF:
        return None
    if kind == LEAF or other == LEAF:
        nested, leaf = (b, a) if kind == LEAF else (a, b)
        return ValueError(f"{_show(nested)} is a structure, but {_show(leaf)} is a leaf")
    if check_types and not same_type(a, b):
        return TypeError(f"{_show(a)} and {_show(b)} are structures of different types")
    if check_types and kind == MAPPING and set(a) != set(b):
        return ValueError(f"the keys {_sorted_keys(a)} differ from the keys {_sorted_keys(b)}")
    mine, theirs = list(_children(a, kind)), list(_children(b, other))
    if len(mine) != len(theirs):
        return ValueError(f"{_show(a)} has {len(mine)} elements, but {_show(b)} has {len(theirs)}")
    differences = (
        _difference(x, y, check_types, expand) for x, y in zip(mine, theirs, strict=True)
    )
    return next((found for found in differences if found), None)


def _show(value: Any) -> str:
    return f"{type(value).__name__} {value}"


@export("nest.assert_same_structure", "contrib.framework.nest.assert_same_structure")
def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Checks that two structures have the same form.

    Args:
      nest1: A structure or leaf.
      nest2: The other.
      check_types: Whether the types of sequences and the keys of dictionaries must agree too.
      expand_composites: Whether composites count as structures of their parts.

    Raises:
      ValueError: If they differ in form or in keys.
      TypeError: If they differ in the type of a sequence, and `check_types` is true.
    """
    found = _difference(nest1, nest2, check_types, expand_composites)
    if found is not None:
        raise type(found)(
            f"The two structures don't have the same nested structure: {found}\n"
            f"  first:  {_sketch(nest1, expand_composites)}\n"
            f"  second: {_sketch(nest2, expand_composites)}"
        )


@export("nest.map_structure", "contrib.framework.nest.map_structure")
def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Applies a function to the leaves of structures of one form.

    Args:
      func: Called with one leaf of each structure.
      *structure: At least one structure.
      **kwargs: `check_types` and `expand_composites`, as for `assert_same_structure`.

    Returns:
      A structure of the results in the form of the first one.

    Raises:
      TypeError: If `func` cannot be called, or as `assert_same_structure` does.
      ValueError: If there is no structure, or as `assert_same_structure` does.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, not {func!r}")
    if not structure:
        raise ValueError("map_structure needs at least one structure")
    check_types, expand = parse_options(kwargs)
    first = structure[0]
    for other in structure[1:]:
        assert_same_structure(first, other, check_types, expand)
    columns = [flatten(each, expand) for each in structure]
    return pack_sequence_as(first, [func(*leaves) for leaves in zip(*columns)], expand)


def parse_options(kwargs: dict[str, Any]) -> tuple[bool, bool]:
    """Reads `check_types` and `expand_composites` from the keywords of a mapping function.

    Raises:
      ValueError: If there is any other keyword.
    """
    check_types = kwargs.pop("check_types", True)
    expand = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(
            f"the only keywords are check_types and expand_composites, not {', '.join(kwargs)}"
        )
    return check_types, expand


@export("contrib.framework.nest.flatten_dict_items")
def flatten_dict_items(dictionary: Mapping[Any, Any]) -> dict[Any, Any]:
    """Flattens a dictionary whose keys and values are structures of the same form.

    Returns:
      A dictionary from each leaf of the keys to the leaf at its place in the values.

    Raises:
      TypeError: If the argument is no dictionary.
      ValueError: If a key and its value differ in form, or a key appears twice.
    """
    if not isinstance(dictionary, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError("input must be a dictionary")
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys = flatten(key)
        values = flatten(value) if is_nested(key) else [value]
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary: the key {key} has {len(keys)} elements, but its "
                f"value {value} has {len(values)}"
            )
        for leaf, its_value in zip(keys, values, strict=True):
            if leaf in flat:
                raise ValueError(f"Could not flatten dictionary: key {leaf} is not unique")
            flat[leaf] = its_value
    return flat
