"""Fetch structures: what `run` was asked for, taken apart once, put together every step."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from millstream.ir.composite import (
    CompositeTensor,
    IndexedSlices,
    IndexedSlicesValue,
    SparseTensor,
    SparseTensorValue,
)
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

type Build = Callable[[Sequence[Any]], Any]

_structures: set[type[Any]] = {list, tuple, dict, collections.OrderedDict}
"""Classes whose instances are fetch structures; namedtuples and attrs classes join when met."""


class Conversion(NamedTuple):
    """How values of a user's class are fetched and fed.

    Attributes:
      kind: The class.
      fetch: `value -> (fetches, build)`, where `build(arrays)` makes the result.
      feed: `(key, value) -> [(tensor, value), …]`, or None.
      feed_keys: `key -> [tensor, …]`, for partial runs, or None.
    """

    kind: type[Any]
    fetch: Callable[[Any], tuple[list[Any], Build]]
    feed: Callable[[Any, Any], list[tuple[Any, Any]]] | None
    feed_keys: Callable[[Any], list[Any]] | None


def _sparse_parts(value: Any) -> list[Any]:
    return [value.indices, value.values, value.dense_shape]


def _slices_parts(value: Any) -> list[Any]:
    parts = [value.values, value.indices]
    return parts if value.dense_shape is None else [*parts, value.dense_shape]


def _built_in(kind: Any, parts: Callable[[Any], list[Any]], build: Build) -> Conversion:
    def fetch(value: Any) -> tuple[list[Any], Build]:
        return parts(value), build

    def feed(key: Any, value: Any) -> list[tuple[Any, Any]]:
        return list(zip(parts(key), value))

    return Conversion(kind, fetch, feed, parts)


def _slices_value(arrays: Sequence[Any]) -> IndexedSlicesValue:
    return IndexedSlicesValue(*arrays, *[None] * (3 - len(arrays)))


def _fetch_composite(value: Any) -> tuple[list[Any], Build]:
    return value.component_tensors, value._run_value


def _feed_composite(key: Any, value: Any) -> list[tuple[Any, Any]]:
    arrays = [value.flat_values, *value.nested_row_splits]
    return list(zip(key.component_tensors, arrays))


def _composite_parts(key: Any) -> list[Any]:
    return key.component_tensors


conversions: list[Conversion] = [
    _built_in(SparseTensor, _sparse_parts, lambda arrays: SparseTensorValue(*arrays)),
    _built_in(IndexedSlices, _slices_parts, _slices_value),
    # Those made of splits and values, such as ragged tensors, which this layer does not know.
    Conversion(CompositeTensor, _fetch_composite, _feed_composite, _composite_parts),
]


def register_session_run_conversion_functions(
    tensor_type: type[Any],
    fetch_function: Any = None,
    feed_function: Any = None,
    feed_function_for_partial_run: Any = None,
) -> None:
    """Teaches `Session.run` to fetch and feed values of a class.

    Args:
      tensor_type: The class.
      fetch_function: `value -> (fetches, build)`; `build` gets the list of fetched arrays.
      feed_function: `(key, value) -> [(tensor, value), …]`.
      feed_function_for_partial_run: `key -> [tensor, …]`.

    Raises:
      ValueError: If the class, or one above it, is registered already.
    """
    for known in conversions:
        if issubclass(tensor_type, known.kind):
            raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    conversions.insert(
        0, Conversion(tensor_type, fetch_function, feed_function, feed_function_for_partial_run)
    )


def find_conversion(value: Any) -> Conversion | None:
    """Gives the conversion of a value's class, or None."""
    return next((c for c in conversions if isinstance(value, c.kind)), None)


def structural_key(fetches: Any) -> Any:
    """Gives a hashable value that is equal for equal fetches of equal structure."""
    kind = fetches.__class__
    if kind not in _structures:
        return fetches
    if kind is list or kind is tuple:
        return (
            kind,
            *[x if x.__class__ not in _structures else structural_key(x) for x in fetches],
        )
    if isinstance(fetches, Mapping):
        return (kind, *fetches, *map(structural_key, fetches.values()))  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    return (kind, *map(structural_key, _members(fetches) or ()))


def _members(value: Any) -> list[Any] | None:
    """Lists the parts of a namedtuple, attrs or dataclass instance; None for anything else."""
    if isinstance(value, tuple):
        return list(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    kind: Any = value.__class__
    attributes: Any = getattr(kind, "__attrs_attrs__", None)
    if attributes is not None:
        return [getattr(value, a.name) for a in attributes]
    if dataclasses.is_dataclass(value) and not hasattr(value, "_as_graph_element"):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return None


class Fetches:
    """A parsed fetch structure.

    Attributes:
      tensors: The tensors to compute, each once.
      nodes: The nodes to run for their effect.
      build: Puts the result together from the arrays of `tensors`.
    """

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        self._index: dict[Tensor, int] = {}
        self._nodes: dict[Operation, None] = {}
        self.build: Build = self._parse(fetches)
        self.tensors = tuple(self._index)
        self.nodes = tuple(self._nodes)

    def _parse(self, fetch: Any) -> Build:
        if fetch is None:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}")
        if isinstance(fetch, Mapping):
            return self._parse_mapping(fetch)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(fetch, list):
            parts = [self._parse(x) for x in fetch]  # pyright: ignore[reportUnknownVariableType]
            return lambda arrays: [build(arrays) for build in parts]
        conversion = find_conversion(fetch)
        if conversion is not None:
            return self._parse_converted(fetch, conversion)
        members = _members(fetch)
        if members is not None:
            return self._parse_record(fetch, members)
        return self._parse_element(fetch)

    def _parse_mapping(self, fetch: Mapping[Any, Any]) -> Build:
        kind: Any = type(fetch)
        _structures.add(kind)
        parts = [(key, self._parse(value)) for key, value in fetch.items()]

        def build(arrays: Sequence[Any]) -> Any:
            result = kind()
            for key, part in parts:
                result[key] = part(arrays)
            return result

        return build

    def _parse_record(self, fetch: Any, members: list[Any]) -> Build:
        kind: Any = fetch.__class__
        _structures.add(kind)
        parts = [self._parse(x) for x in members]
        if kind is tuple:
            return lambda arrays: tuple([build(arrays) for build in parts])
        return lambda arrays: kind(*[build(arrays) for build in parts])

    def _parse_converted(self, fetch: Any, conversion: Conversion) -> Build:
        inner, contract = conversion.fetch(fetch)
        parts = [self._parse(x) for x in inner]
        return lambda arrays: contract([build(arrays) for build in parts])

    def _parse_element(self, fetch: Any) -> Build:
        element = self._element(fetch)
        if not self._graph.is_fetchable(element):
            raise ValueError(
                f"Operation {getattr(element, 'op', element).name!r} has been marked as not "
                "fetchable. It was made in another function or code block: fetch what that returns."
            )
        if isinstance(element, Operation):
            self._nodes[element] = None
            return lambda _: None
        index = self._index.setdefault(element, len(self._index))
        return lambda arrays: arrays[index]

    def _element(self, fetch: Any) -> Any:
        try:
            return self._graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}, "
                f"must be a string or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})"
            ) from None
