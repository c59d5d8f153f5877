"""Functions of elements run on many elements at once, node by node.

Preparing data is mostly many cheap nodes on small values: parse, decode, cast, scale, reshape. One
by one, what Python does between the nodes costs more than the nodes. So a body that consists of
such nodes only is run on a list of elements: the values of a tensor are a *column*, and a node that
knows how takes and gives whole columns.

A column is `Same` (one value for all elements), `Stacked` (an array with the elements along its
first axis) or `Each` (a list). A node without a rule for columns is run for each element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.data.core import Element, as_array, plain
from millstream.ops.parsing import columns
from millstream.ops.parsing.examples import BLAME_OF_ONE, encoded, is_variable


class Same:
    """One value for all elements."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def each(self, count: int) -> list[Any]:
        """Lists the values."""
        return [self.value] * count


class Stacked:
    """An array with the elements along its first axis."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def each(self, count: int) -> list[Any]:
        """Lists the values."""
        return list(self.array)


class Each:
    """A list of values."""

    __slots__ = ("values",)

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def each(self, count: int) -> list[Any]:
        """Lists the values."""
        return self.values


type Column = Same | Stacked | Each
type Step = Callable[[list[Column], int], list[Column] | None]

_ELEMENTWISE = frozenset(
    (
        *("Cast", "Mul", "Add", "AddV2", "Sub", "RealDiv", "Div", "Maximum", "Minimum", "Neg"),
        *("Abs", "Sqrt", "Square", "Exp", "Log", "Equal", "NotEqual", "Greater", "Less"),
        *("GreaterEqual", "LessEqual", "LogicalNot", "FloorMod", "FloorDiv", "Tanh", "Sigmoid"),
    )
)
_LIGHT = frozenset(
    (
        *_ELEMENTWISE,
        *("Const", "Identity", "Reshape", "ParseSingleExample", "DecodeRaw", "DecodePaddedRaw"),
        *("DecodeCSV", "DecodeJpeg", "DecodePng", "DecodeImage", "DecodeCompressed", "OneHot"),
        *("StringToNumber", "AsString", "StringJoin", "Substr", "ExpandDims", "Squeeze", "Pack"),
        *("ParseTensor", "Shape", "Size", "Rank", "StringLength", "SerializeSparse"),
        *("StridedSlice", "ConcatV2", "Transpose", "ZerosLike", "OnesLike", "Fill"),
    )
)


class Vectorized:
    """A body as a list of steps over columns.

    Args:
      body: the function's body.
      captured: arrays for what it captured.
    """

    def __init__(self, body: Any, captured: list[Any]) -> None:
        self._arguments = body.inputs[: len(body.inputs) - len(captured)]
        self._captured = list(zip(body.inputs[len(self._arguments) :], captured, strict=True))
        self._outputs = body.outputs
        self._nodes = _needed(body)
        self._constants = {
            node.values()[0]: Same(_constant(node)) for node in self._nodes if node.type == "Const"
        }
        self._steps = [
            (node, _step_of(node))
            for node in self._nodes
            if node.type not in ("Const", "Placeholder")
        ]

    def __call__(self, elements: list[Element]) -> list[Element]:
        """Gives the results for several elements."""
        count = len(elements)
        values: dict[Tensor, Column] = dict(self._constants)
        for tensor, array in self._captured:
            values[tensor] = Same(array)
        for tensor, column in zip(self._arguments, zip(*elements, strict=True), strict=True):
            values[tensor] = Each(list(column))
        for node, step in self._steps:
            operands = [values[tensor] for tensor in node.inputs]
            results = step(operands, count)
            values.update(zip(node.values(), results, strict=True))
        found = [_components(values[tensor], count) for tensor in self._outputs]
        return list(zip(*found, strict=True))


def _components(column: Column, count: int) -> list[Any]:
    if isinstance(column, Stacked):
        return list(column.array)
    return [plain(value) for value in column.each(count)]


def vectorized(body: Any, captured: list[Any]) -> Vectorized | None:
    """Gives a body as steps over columns; None if it has nodes that are not light."""
    for node in body.nodes:
        if node.type not in _LIGHT and node not in _inputs(body):
            return None
        if node.control_inputs:
            return None
    return Vectorized(body, captured)


def _inputs(body: Any) -> set[Operation]:
    return {tensor.op for tensor in body.inputs}


def _needed(body: Any) -> list[Operation]:
    """Lists the nodes that the outputs need, in order."""
    needed: set[Operation] = set()
    stack = [tensor.op for tensor in body.outputs]
    while stack:
        node = stack.pop()
        if node not in needed:
            needed.add(node)
            stack.extend(tensor.op for tensor in node.inputs)
    return [node for node in body.nodes if node in needed]


def _constant(node: Operation) -> Any:
    value = node.attrs["value"]
    return value[()] if value.ndim == 0 and value.dtype != object else value


def _step_of(node: Operation) -> Step:
    """Gives what runs a node on columns."""
    rule = node.opdef.run or node.opdef.reference
    one = rule.bind(node)
    many = _RULES.get(node.type) or (_elementwise if node.type in _ELEMENTWISE else None)

    def step(operands: list[Column], count: int) -> list[Column]:
        if all(isinstance(column, Same) for column in operands):
            return [Same(part) for part in _flat(one(*[c.value for c in operands]), node)]
        if many is not None:
            found = many(node, one, operands, count)
            if found is not None:
                return found
        rows = [
            _flat(one(*row), node)
            for row in zip(*[_listed(c, count) for c in operands], strict=True)
        ]
        return [Each(list(column)) for column in zip(*rows, strict=True)]

    return step


def _listed(column: Column, count: int) -> list[Any]:
    if isinstance(column, Each):
        return [as_array(value) for value in column.values]
    return column.each(count)


def _flat(results: Any, node: Operation) -> list[Any]:
    if not isinstance(results, (list, tuple)):
        return [results]
    found: list[Any] = []
    for result in results:
        found.extend(result if isinstance(result, (list, tuple)) else [result])
    return found


# -- rules for columns; None where the columns do not suit


def _stacked(column: Column) -> np.ndarray | None:
    """Gives a column as an array with the elements along its first axis."""
    if isinstance(column, Stacked):
        return column.array
    if isinstance(column, Each):
        first = column.values[0]
        if isinstance(first, np.generic):
            return np.array(column.values, first.dtype)
    return None


def _elementwise(_node: Any, one: Any, operands: list[Column], count: int) -> Any:
    arrays: list[Any] = []
    ranks: set[int] = set()
    for column in operands:
        if isinstance(column, Same):
            arrays.append(column.value)
            continue
        array = _stacked(column)
        if array is None or array.dtype == object:
            return None
        ranks.add(array.ndim - 1)
        arrays.append(array)
    rank = max(ranks)
    # Axes are matched from the last one: a value for all must not reach the elements' axis.
    if len(ranks) > 1 or any(
        np.ndim(column.value) > rank for column in operands if isinstance(column, Same)
    ):
        return None
    return [Stacked(one(*arrays))]


def _identity(_node: Any, _one: Any, operands: list[Column], _count: int) -> Any:
    return [operands[0]]


def _reshape(_node: Any, _one: Any, operands: list[Column], count: int) -> Any:
    array, shape = _stacked(operands[0]), operands[1]
    if array is None or not isinstance(shape, Same):
        return None
    sizes = np.ravel(shape.value).tolist()
    size = array[0].size
    known = int(np.prod([n for n in sizes if n >= 0]))
    if -1 in sizes:
        if not known or size % known:
            return None
    elif known != size:
        return None
    sizes = [size // known if n < 0 else n for n in sizes]
    return [Stacked(array.reshape(count, *sizes))]


def _decode_raw(node: Any, one: Any, operands: list[Column], count: int) -> Any:
    column = operands[0]
    if not isinstance(column, Each) or any(type(value) is not bytes for value in column.values):
        return None
    if len(set(map(len, column.values))) > 1:
        return None
    return [Stacked(one(columns.objects(column.values)))]


def _parse_examples(node: Any, _one: Any, operands: list[Column], count: int) -> Any:
    """Parses examples of which all features are dense."""
    attrs = node.attrs
    records, defaults = operands[0], operands[1:]
    if attrs["sparse_keys"] or any(not isinstance(default, Same) for default in defaults):
        return None
    if not isinstance(records, Each) or any(
        is_variable(s.as_list()) for s in attrs["dense_shapes"]
    ):
        return None
    keys = encoded(attrs["dense_keys"])
    features = [columns.split(plain(record)) for record in records.values]
    found: list[Column] = []
    for key, dtype, shape, default in zip(
        keys, attrs["Tdense"], attrs["dense_shapes"], defaults, strict=True
    ):
        sizes = shape.as_list()
        array = columns.dense(features, key, dtype, sizes, np.asarray(default.value), BLAME_OF_ONE)
        found.append(
            Each(array.tolist()) if array.dtype == object and not sizes else Stacked(array)
        )
    return found


_RULES: dict[str, Any] = {
    "Identity": _identity,
    "Reshape": _reshape,
    "DecodeRaw": _decode_raw,
    "ParseSingleExample": _parse_examples,
}
