"""Functions of elements, traced into the graph's library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base.dtypes import DType
from millstream.base.shapes import TensorShape
from millstream.data import specs
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register, unique_function_name
from millstream.ops.by_name import ops


class _Body(FuncGraph):
    """A body whose nodes are numbered by themselves: seeds inside depend on nothing outside."""

    _last_id = 0  # pyright: ignore[reportIncompatibleVariableOverride]


class TracedFunction:
    """A Python function of elements as a function of the graph.

    Attributes:
      ref: What names it in attrs.
      captured: The outer tensors that it uses.
      output_spec: Specs of what it returns.

    Args:
      fn: takes an element; tuples as several arguments.
      transformation: what it is for, for names and errors.
      input_spec: specs of its argument.
    """

    def __init__(self, fn: Callable[..., Any], transformation: str, input_spec: Any) -> None:
        if not callable(fn):
            raise ValueError("Argument must be callable")
        self._fn, self._transformation = fn, transformation
        name = transformation.rpartition("()")[0] or transformation
        name = f"__inference_{name}_{getattr(fn, '__name__', 'function')}"
        body = _Body(unique_function_name(name.replace(".", "_")), inline=False)
        with body.as_default():
            inputs = _arguments(body, input_spec)
            self._returned = self._call(specs.from_tensors(input_spec, inputs))
            self.output_spec = specs.structure_of(self._returned)
            outputs = specs.to_tensors(self.output_spec, self._returned)
            body.outputs = [ops.Identity(body.capture(tensor)) for tensor in outputs]
        self.ref = register(body)
        self.captured = list(body.captures)

    def _call(self, element: Any) -> Any:
        is_tuple = type(element) is tuple
        found = self._fn(*element) if is_tuple else self._fn(element)
        if isinstance(found, list):
            # What lists of tensors py_func and others return are several values.
            found = tuple(found)
        try:
            return specs.normalized_result(found)
        except (TypeError, ValueError):
            raise TypeError(
                f"Unsupported return value from function passed to {self._transformation}: {found}."
            ) from None


def _arguments(body: FuncGraph, spec: Any) -> list[Any]:
    pairs: list[tuple[DType, TensorShape]] = list(
        zip(specs.flat_types(spec), specs.flat_shapes(spec), strict=True)
    )
    return [
        body.add_input(dtype, shape, f"args_{place}") for place, (dtype, shape) in enumerate(pairs)
    ]
