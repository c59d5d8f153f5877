"""Structures walked only as deep as a shallower one, and structures with the paths of leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from millstream.base.export import export
from millstream.base.nest import (
    LEAF,
    MAPPING,
    is_nested,
    keyed_children,
    kind_of,
    pack_sequence_as,
    parse_options,
    rebuild,
    same_type,
)

type Path = tuple[Any, ...]


def _check_level(shallow: Any, deep: Any, check_types: bool, expand: bool, lengths: bool) -> None:
    """Checks that one level of a structure can be walked along a shallow one."""
    if kind_of(deep, expand) == LEAF:
        raise TypeError(
            f"the shallow structure has a {type(shallow).__name__} where the input has only a "
            f"{type(deep).__name__}"
        )
    if check_types and not same_type(shallow, deep):
        raise TypeError(
            "The two structures don't have the same sequence type: "
            f"{type(shallow).__name__} in the shallow one, {type(deep).__name__} in the input"
        )
    mine, theirs = (len(keyed_children(x, kind_of(x, expand))) for x in (shallow, deep))
    if mine != theirs and (lengths or mine > theirs):
        raise ValueError(
            "The two structures don't have the same sequence length: "
            f"{mine} in the shallow one, {theirs} in the input"
        )


def _matching_children(shallow: Any, deep: Any, expand: bool) -> Iterator[tuple[Any, Any, Any]]:
    """Gives (key, child of the shallow one, child of the deep one) of one level."""
    kind = kind_of(shallow, expand)
    mine = keyed_children(shallow, kind)
    if kind == MAPPING and kind_of(deep, expand) == MAPPING:
        missing = [key for key, _ in mine if key not in deep]
        if missing:
            raise ValueError(
                f"the keys {missing} of the shallow structure are not among the input's keys "
                f"{list(deep)}"
            )
        yield from ((key, child, deep[key]) for key, child in mine)
    else:
        theirs = keyed_children(deep, kind_of(deep, expand))
        yield from ((key, a, b) for (key, a), (_, b) in zip(mine, theirs))


def _walk(
    shallow: Any, deep: Any, path: Path, check_types: bool, expand: bool, lengths: bool
) -> Iterator[tuple[Path, Any]]:
    if kind_of(shallow, expand) == LEAF:
        yield path, deep
        return
    _check_level(shallow, deep, check_types, expand, lengths)
    for key, a, b in _matching_children(shallow, deep, expand):
        yield from _walk(a, b, (*path, key), check_types, expand, lengths)


@export("contrib.framework.nest.flatten_with_tuple_paths_up_to")
def flatten_with_tuple_paths_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[tuple[Path, Any]]:
    """Lists (path, subtree) of a structure where a shallower one has its leaves.

    Args:
      shallow_tree: The form down to which to go.
      input_tree: The structure, at least as deep.
      check_types: Whether the types of sequences must agree.
      expand_composites: Whether composites count as structures of their parts.
      check_subtrees_length: Whether levels must agree in length; if not, what the shallow
        structure lacks is left out.

    Raises:
      TypeError: If the structure is less deep, or a type differs.
      ValueError: If a length or a key differs.
    """
    return list(
        _walk(shallow_tree, input_tree, (), check_types, expand_composites, check_subtrees_length)
    )


@export("contrib.framework.nest.flatten_up_to")
def flatten_up_to(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[Any]:
    """Lists the subtrees of a structure where a shallower one has its leaves.

    Arguments and errors are those of `flatten_with_tuple_paths_up_to`.
    """
    options = check_types, expand_composites, check_subtrees_length
    return [subtree for _, subtree in _walk(shallow_tree, input_tree, (), *options)]


@export("contrib.framework.nest.assert_shallow_structure")
def assert_shallow_structure(
    shallow_tree: Any,
    input_tree: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> None:
    """Checks that `flatten_up_to` can walk a structure down to a shallower one.

    Arguments and errors are those of `flatten_with_tuple_paths_up_to`.
    """
    options = check_types, expand_composites, check_subtrees_length
    for _ in _walk(shallow_tree, input_tree, (), *options):
        pass


@export("contrib.framework.nest.flatten_with_tuple_paths")
def flatten_with_tuple_paths(
    structure: Any, expand_composites: bool = False
) -> list[tuple[Path, Any]]:
    """Lists (path, leaf) of a structure; a path is a tuple of keys, field names and indices."""
    return flatten_with_tuple_paths_up_to(structure, structure, True, expand_composites)


@export("contrib.framework.nest.yield_flat_paths")
def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[Path]:
    """Gives the path of every leaf of a structure, in flattening order."""
    return (path for path, _ in flatten_with_tuple_paths(nest, expand_composites))


@export("contrib.framework.nest.flatten_with_joined_string_paths")
def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Lists (path, leaf) of a structure, the path as one string such as `b/0`."""
    found = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in found]


@export("contrib.framework.nest.map_structure_with_tuple_paths_up_to")
def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Applies a function to (path, subtrees) where a shallow structure has its leaves.

    Args:
      shallow_tree: The form of the result.
      func: Called with a path, as a tuple, and one subtree of each structure.
      *inputs: At least one structure, as deep as `shallow_tree`.
      **kwargs: `check_types` and `expand_composites`, as for `flatten_up_to`.

    Raises:
      ValueError: If there is no structure, or as `flatten_up_to` does.
      TypeError: As `flatten_up_to` does.
    """
    if not inputs:
        raise ValueError("map_structure_up_to needs at least one structure")
    options = parse_options(kwargs)
    paths = [path for path, _ in _walk(shallow_tree, shallow_tree, (), True, options[1], True)]
    columns = [flatten_up_to(shallow_tree, tree, *options) for tree in inputs]
    results = [func(path, *leaves) for path, *leaves in zip(paths, *columns)]
    return pack_sequence_as(shallow_tree, results, options[1])


@export("contrib.framework.nest.map_structure_up_to")
def map_structure_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Applies a function to the subtrees where a shallow structure has its leaves.

    Arguments and errors are those of `map_structure_with_tuple_paths_up_to`, without the path.
    """

    def without_path(_path: Path, *leaves: Any) -> Any:
        return func(*leaves)

    return map_structure_with_tuple_paths_up_to(shallow_tree, without_path, *inputs, **kwargs)


@export("contrib.framework.nest.map_structure_with_tuple_paths")
def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Applies a function to (path, leaves) of structures of one form, the path as a tuple."""
    if not structure:
        raise ValueError("map_structure_with_paths needs at least one structure")
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


@export("contrib.framework.nest.map_structure_with_paths")
def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Applies a function to (path, leaves) of structures of one form, the path as `b/0`."""

    def with_joined_path(path: Path, *leaves: Any) -> Any:
        return func("/".join(map(str, path)), *leaves)

    return map_structure_with_tuple_paths(with_joined_path, *structure, **kwargs)


def _traverse(traverse_fn: Callable[[Any], Any], value: Any, expand: bool) -> Any:
    wanted = traverse_fn(value)
    if not is_nested(wanted):
        if not isinstance(wanted, bool):
            raise TypeError(f"traverse_fn returned {wanted!r}, which is no bool, for {value}")
        if not wanted or kind_of(value, expand) == LEAF:
            return wanted
        kind = kind_of(value, expand)
        children = [
            _traverse(traverse_fn, child, expand) for _, child in keyed_children(value, kind)
        ]
        return rebuild(value, kind, children)
    if kind_of(value, expand) == LEAF:
        raise TypeError(f"traverse_fn returned the structure {wanted} for the leaf {value}")
    assert_shallow_structure(wanted, value, True, expand)
    inner: list[Any] = []
    for _, choice, child in _matching_children(wanted, value, expand):
        if not isinstance(choice, bool):
            raise TypeError(f"traverse_fn returned {wanted}, which is no flat structure of bools")
        inner.append(_traverse(traverse_fn, child, expand) if choice else False)
    return rebuild(wanted, kind_of(wanted, expand), inner)


@export("contrib.framework.nest.get_traverse_shallow_structure")
def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """Makes the shallow form of a structure down to where a function says to go.

    Args:
      traverse_fn: Called with every substructure and leaf reached; tells by a bool, or by a
        structure of bools one level deep, whether to go into it.
      structure: The structure.
      expand_composites: Whether composites count as structures of their parts.

    Returns:
      A structure of bools that `flatten_up_to` can follow.

    Raises:
      TypeError: If `traverse_fn` gives anything else.
    """
    return _traverse(traverse_fn, structure, expand_composites)
