"""Python values to tensors: `tf.convert_to_tensor` and its registry of conversion functions."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from millstream.base.dtypes import DType, as_dtype, int32, int64
from millstream.base.export import export
from millstream.base.shapes import Dimension, TensorShape
from millstream.formats.values import to_array
from millstream.ir.composite import IndexedSlices, SparseTensor, SparseTensorValue
from millstream.ir.constant import make_constant
from millstream.ir.default import get_default_graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

_registry: list[tuple[int, int, Any, Callable[..., Any]]] = []
_chains: dict[type, list[Callable[..., Any]]] = {}


@export("register_tensor_conversion_function")
def register_tensor_conversion_function(
    base_type: Any, conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """Registers how objects of `base_type` become tensors.

    Args:
      base_type: a type or tuple of types.
      conversion_func: `(value, dtype=None, name=None, as_ref=False)`; returns a `Tensor`, or
        `NotImplemented` to
        let the next function try.
      priority: functions of lower priority are tried first; equal ones in order of registration.

    Raises:
      TypeError: if the arguments are not types or not callable.
    """
    types = cast("tuple[Any, ...]", base_type if isinstance(base_type, tuple) else (base_type,))
    if not all(isinstance(t, type) for t in types):
        raise TypeError("base_type must be a type or a tuple of types.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    entry = (priority, len(_registry), types, conversion_func)
    bisect.insort(_registry, entry, key=lambda e: e[:2])
    _chains.clear()


def _chain(kind: type[Any]) -> list[Callable[..., Any]]:
    chain = _chains.get(kind)
    if chain is None:
        chain = [fn for _, _, base, fn in _registry if issubclass(kind, base)]
        _chains[kind] = chain
    return chain


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
) -> Tensor:
    """Returns `value` as a tensor of the default graph.

    Args:
      value: a tensor, variable, array, number, string or nested list of these.
      dtype: the element type it must have.
      name: name for a node that has to be made.
      preferred_dtype: the element type to take where `value` leaves a choice.
      dtype_hint: the same.

    Raises:
      TypeError: if nothing converts such a value.
      ValueError: if it is a tensor of another type, or an unusable value.
    """
    hint = preferred_dtype if dtype_hint is None else dtype_hint
    return to_tensor(
        value,
        None if dtype is None else as_dtype(dtype).base_dtype,
        name,
        None if hint is None else as_dtype(hint).base_dtype,
    )


def to_tensor(
    value: Any,
    dtype: DType | None = None,
    name: str | None = None,
    preferred: DType | None = None,
    as_ref: bool = False,
) -> Tensor:
    """Is `convert_to_tensor` with ready `DType`s; `as_ref` keeps a variable's ref edge."""
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype.base_dtype is not dtype.base_dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    if dtype is None and preferred is not None:
        try:
            found = _convert(value, preferred, name, as_ref)
        except (TypeError, ValueError):
            found = None
        if found is not None:
            return found
    found = _convert(value, dtype, name, as_ref)
    if found is None:
        raise TypeError(
            f"Cannot convert {value!r} with type {type(value)} to Tensor: no conversion "
            "function registered."
        )
    return found


def _convert(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Tensor | None:
    kind = cast("type[Any]", type(value))
    for function in _chain(kind):
        result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is NotImplemented:
            continue
        if not isinstance(result, Tensor):
            raise RuntimeError(
                f"Conversion function {function!r} for type {type(value)} returned "
                f"non-Tensor: {result!r}"
            )
        if dtype is not None and result.dtype.base_dtype is not dtype:
            if type(value) in (list, tuple) or not hasattr(value, "dtype"):
                raise TypeError(f"Expected {dtype.name}, got {result.dtype.name} from {value!r}")
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for {type(value).__name__} "
                "with dtype "
                f"{result.dtype.name}: {value!r}"
            )
        return result
    return None


def _from_python(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del as_ref
    array, found = to_array(value, dtype)
    return make_constant(
        get_default_graph(), array, found, name, fresh=not isinstance(value, np.ndarray)
    )


def _from_shape(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del as_ref
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
    if dtype is not None and dtype not in (int32, int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype {dtype.name}: {value}")
    sizes = value.as_list()
    fits = max(sizes, default=0) <= np.iinfo(np.int32).max
    wanted = dtype.np if dtype is not None else np.int32 if fits else np.int64
    return _from_python(np.array(sizes, wanted), None, name or "shape_as_tensor")


def _from_dimension(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del as_ref
    if value.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {value}")
    wanted = np.int32 if dtype is None else dtype.np
    return _from_python(np.array(value.value, wanted), None, name or "shape_as_tensor")


def _from_operation(
    value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Any:
    raise TypeError(
        f"Can't convert Operation '{value.name}' to Tensor (target dtype={dtype!r}, name={name!r}, "
        f"as_ref={as_ref})"
    )


def _register_defaults() -> None:
    register_tensor_conversion_function(TensorShape, _from_shape, 100)
    register_tensor_conversion_function(Dimension, _from_dimension, 100)
    register_tensor_conversion_function(Operation, _from_operation, 100)
    register_tensor_conversion_function(object, _from_python, 200)


_register_defaults()


@export("convert_to_tensor_or_indexed_slices")
def convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None
) -> Any:
    """Returns `value` as a tensor, or unchanged if it is `IndexedSlices` (or a `SparseTensor`).

    Raises:
      ValueError: if it has another dtype than asked for.
    """
    if isinstance(value, (IndexedSlices, SparseTensor)):
        if dtype is not None and not as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {as_dtype(dtype).name} for {value}"
            )
        return value
    return convert_to_tensor(value, dtype, name)


@export("convert_to_tensor_or_sparse_tensor")
def convert_to_tensor_or_sparse_tensor(
    value: Any, dtype: Any = None, name: str | None = None
) -> Any:
    """Returns `value` as a `SparseTensor` if it is sparse, else as a tensor.

    Raises:
      RuntimeError: if a sparse value has another dtype than asked for.
    """
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype is not None and not as_dtype(dtype).is_compatible_with(value.dtype):
            raise RuntimeError(
                f"Sparse dtype: requested = {as_dtype(dtype).name}, actual = {value.dtype.name}"
            )
        return value
    return convert_to_tensor(value, dtype, name)


def convert_n_to_tensor(
    values: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None
) -> list[Tensor]:
    """Returns each of `values` as a tensor; nodes are called `<name>_<i>`."""
    return [
        convert_to_tensor(v, dtype, None if name is None else f"{name}_{i}", preferred_dtype)
        for i, v in enumerate(values)
    ]


def _sparse_parts(*parts: Any) -> list[Tensor]:
    graph = next((p.graph for p in parts if isinstance(p, Tensor)), get_default_graph())
    with graph.as_default(), graph.name_scope("SparseTensor"):
        return [
            convert_to_tensor(part, None if name == "values" else as_dtype(np.int64), name)
            for part, name in zip(parts, ("indices", "values", "dense_shape"), strict=True)
        ]


SparseTensor.converter = _sparse_parts
