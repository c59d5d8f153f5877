"""`Dataset.from_generator`: elements that Python code gives."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.shapes import TensorShape, as_shape
from millstream.data import specs, structures
from millstream.data.specs import TensorSpec, element_attrs
from millstream.data.tracing import TracedFunction
from millstream.formats.values import to_array
from millstream.ir.convert import convert_to_tensor
from millstream.ops.by_name import ops
from millstream.ops.script.python import py_func


class _Running:
    """The iterators of a generator that are under way, by number."""

    def __init__(self, generator: Callable[..., Any]) -> None:
        self._generator = generator
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._arguments: dict[int, tuple[Any, ...]] = {}
        self._iterators: dict[int, Iterator[Any]] = {}

    def start(self, *arguments: Any) -> np.int64:
        """Returns the number of a new iterator."""
        with self._lock:
            number = next(self._numbers)
            self._arguments[number] = arguments
        return np.int64(number)

    def next(self, number: Any) -> Any:
        """Returns the next value of an iterator."""
        number = int(number)
        iterator = self._iterators.get(number)
        if iterator is None:
            iterator = iter(self._generator(*self._arguments.pop(number)))
            self._iterators[number] = iterator
        return next(iterator)

    def end(self, number: Any) -> np.int64:
        """Forgets an iterator."""
        iterator = self._iterators.pop(int(number), None)
        self._arguments.pop(int(number), None)
        close = getattr(iterator, "close", None)
        if close is not None:
            # Another thread may be inside: it finds its pipeline closed when it comes back.
            with contextlib.suppress(ValueError):
                close()
        return np.int64(0)


def generated(
    kind: Any, generator: Callable[..., Any], output_types: Any, output_shapes: Any, args: Any
) -> Any:
    """Makes the dataset of what a generator gives; `kind` is the class of datasets."""
    if not callable(generator):
        raise TypeError("`generator` must be callable.")
    types = structures.map_structure(dtypes.as_dtype, output_types)
    if output_shapes is None:
        shapes = structures.map_structure(lambda _: TensorShape(None), types)
    else:
        shapes = structures.map_up_to(lambda _, s: as_shape(s), types, output_shapes)
    if args is None:
        args = ()
    elif not isinstance(args, (tuple, list)):
        raise TypeError("values must be a sequence.")
    args = [convert_to_tensor(value, name=f"args_{i}") for i, value in enumerate(args)]
    spec = specs.from_legacy(types, shapes, structures.map_structure(lambda _: object, types))
    running = _Running(generator)
    flat_shapes = structures.flatten(shapes)
    flat_types = structures.flatten(types)

    def start(*arguments: Any) -> Any:
        number = py_func(running.start, list(arguments[1:]), dtypes.int64, stateful=True)
        number.set_shape([])
        return number

    def next_element(number: Any) -> Any:
        convert = _Converter(running, types, flat_types, flat_shapes)
        values = py_func(convert, [number], flat_types, stateful=True)
        for value, shape in zip(values, flat_shapes, strict=True):
            value.set_shape(shape)
        return structures.pack(types, values)

    def end(number: Any) -> Any:
        return py_func(running.end, [number], dtypes.int64, stateful=True)

    def one(_: Any, *arguments: Any) -> Any:
        return _generator_dataset(kind, spec, start, next_element, end, arguments)

    dummy = kind.from_tensors((0, *args))
    return dummy.flat_map(one)


def _generator_dataset(
    kind: Any, spec: Any, start: Any, next_element: Any, end: Any, arguments: tuple[Any, ...]
) -> Any:
    number = TensorSpec([], dtypes.int64)
    init = TracedFunction(lambda: start(None, *arguments), "Dataset.from_generator()", ())
    following = TracedFunction(next_element, "Dataset.from_generator()", number)
    final = TracedFunction(end, "Dataset.from_generator()", number)
    node = ops.GeneratorDataset(
        init.captured,
        following.captured,
        final.captured,
        init_func=init.ref,
        next_func=following.ref,
        finalize_func=final.ref,
        **element_attrs(spec),
    )
    return kind(node, spec)


class _Converter:
    """Calls a generator and gives what it yields as arrays of the declared types and shapes."""

    def __init__(self, running: _Running, types: Any, flat_types: Any, shapes: Any) -> None:
        self._running, self._types = running, types
        self._flat_types, self._shapes = flat_types, shapes

    def __call__(self, number: Any) -> list[Any]:
        values = self._running.next(number)
        try:
            structures.assert_shallow(self._types, values)
            flat = structures.flatten_up_to(self._types, values)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"`generator` yielded an element that did not match the expected structure. The "
                f"expected structure was {self._types}, but the yielded element was {values}."
            ) from error
        arrays = [
            self._array(value, dtype) for value, dtype in zip(flat, self._flat_types, strict=True)
        ]
        for array, shape in zip(arrays, self._shapes, strict=True):
            if not shape.is_compatible_with(np.shape(array)):
                raise ValueError(
                    f"`generator` yielded an element of shape {np.shape(array)} where an element "
                    f"of shape {shape} was expected."
                )
        return arrays

    def _array(self, value: Any, dtype: Any) -> Any:
        try:
            return to_array(value, dtype)[0]
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"`generator` yielded an element that could not be converted to the expected type. "
                f"The expected type was {dtype.name}, but the yielded element was {value}."
            ) from error
