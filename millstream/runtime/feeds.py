"""Feeds: from what the user gives for a tensor to an array of its dtype and shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.ir.graph import Graph
from millstream.ir.tensor import Tensor
from millstream.runtime.fetches import find_conversion

type Converter = Callable[[Any], Any]


def expand(feed_dict: Any) -> dict[Any, Any]:
    """Turns feeds of structures (tuples, sparse tensors) into feeds of their parts.

    Raises:
      TypeError: If `feed_dict` is no mapping.
      ValueError: If a key's structure and its value's differ.
    """
    if not isinstance(feed_dict, Mapping):
        raise TypeError("feed_dict must be a dictionary from tensors to values")
    flat: dict[Any, Any] = {}
    for key, value in feed_dict.items():  # pyright: ignore[reportUnknownVariableType]
        _expand_item(key, value, flat)
    return flat


def _expand_item(key: Any, value: Any, flat: dict[Any, Any]) -> None:
    if isinstance(key, tuple):
        keys: list[Any] = list(key)  # pyright: ignore[reportUnknownArgumentType]
        values: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]  # pyright: ignore[reportUnknownArgumentType]
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, "
                f"but value had {len(values)} elements. Key: {keys}, value: {values}."
            )
        for inner, part in zip(keys, values):
            _expand_item(inner, part, flat)
        return
    conversion = find_conversion(key)
    if conversion is None or conversion.feed is None:
        flat[key] = value
        return
    for tensor, part in conversion.feed(key, value):
        flat[tensor] = part


def expand_key(key: Any) -> list[Any]:
    """Gives the keys of the tensors that a feed's key stands for."""
    conversion = find_conversion(key)
    if conversion is None or conversion.feed_keys is None:
        return [key]
    return list(conversion.feed_keys(key))


def is_plain(key: Any) -> bool:
    """Tells whether a feed's key stands for one tensor."""
    return not isinstance(key, tuple) and find_conversion(key) is None


def feed_tensor(graph: Graph, key: Any) -> Tensor:
    """Finds the tensor that a feed's key stands for.

    Raises:
      TypeError: If it stands for none.
      ValueError: If that tensor may not be fed.
    """
    try:
        tensor = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, ValueError, KeyError) as error:
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {reason}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(f"Tensor {tensor} may not be fed.")
    return tensor


def make_converter(tensor: Tensor, key: Any) -> Converter:
    """Makes the function that turns what is fed for a tensor into its array.

    The function raises TypeError for a value of a wrong kind, ValueError for one of a wrong shape.
    """
    dtype = tensor.dtype.base_dtype
    if not dtype.is_numpy_compatible:
        return lambda value: value
    held = dtype.np
    dims = tensor.shape.tuple
    rank = None if dims is None else len(dims)
    sizes = [(i, size) for i, size in enumerate(dims or ()) if size is not None]
    is_text = dtype is dtypes.string
    slow = _string_array if is_text else _numeric_array

    def convert(value: Any) -> Any:
        if value.__class__ is not np.ndarray or value.dtype is not held:
            value = slow(value, held, key)
        shape = value.shape
        if rank is not None:
            if len(shape) != rank:
                raise _wrong_shape(tensor, shape)
            for axis, size in sizes:
                if shape[axis] != size:
                    raise _wrong_shape(tensor, shape)
        return value if shape or is_text else value[()]

    def convert_strings(value: Any) -> Any:
        return convert(_string_array(value, held, key))

    return convert_strings if is_text else convert


def _wrong_shape(tensor: Tensor, shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"Cannot feed value of shape {shape!r} for Tensor {tensor.name!r}, "
        f"which has shape '{tensor.shape}'"
    )


def _refuse(value: Any, held: Any, key: Any) -> None:
    if isinstance(value, Tensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include "
            "Python scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the "
            f"tensor object was {value} which was passed to the feed with key {key}."
        )
    if isinstance(value, int) and not _fits(value, held):
        raise TypeError(
            f"Type of feed value {value} with type {type(value)} is not compatible with Tensor "
            f"type {held.type}. Try explicitly setting the type of the feed tensor to a larger "
            "type (e.g. int64)."
        )


def _fits(value: int, held: Any) -> bool:
    if held.kind == "O":
        return False
    try:
        return bool(held.type(value) == value)
    except OverflowError:
        return False


def _numeric_array(value: Any, held: Any, key: Any) -> Any:
    _refuse(value, held, key)
    try:
        return np.asarray(value, held)
    except OverflowError:
        # Inside lists TensorFlow lets integers wrap round.
        return np.asarray(value).astype(held)


def _string_array(value: Any, held: Any, key: Any) -> Any:
    _refuse(value, held, key)
    array = np.asarray(value, held)
    if all(item.__class__ is bytes for item in array.flat):
        return array
    encoded = np.empty(array.shape, held)
    encoded.flat = [_encode(item) for item in array.flat]
    return encoded


def _encode(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return bytes(item)
    raise TypeError(f"A string tensor cannot be fed {item!r} of type {type(item).__name__}.")
