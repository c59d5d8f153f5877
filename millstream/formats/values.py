"""Python values to arrays, with the types that TensorFlow infers and the checks that it makes."""

import numbers
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import DType, as_dtype

_INTEGERS = (numbers.Integral, np.integer)
_REALS = (numbers.Real, np.integer, np.floating, ml_dtypes.bfloat16)
_COMPLEXES = (numbers.Complex, np.number, ml_dtypes.bfloat16)

# Kind of the wanted dtype -> kinds of array that NumPy makes only from elements that suit it
# (so that a long list need not be walked), and the Python types that do.
_CHECKS: dict[str, tuple[str, tuple[type, ...]]] = {
    "i": ("iub", _INTEGERS),
    "u": ("iub", _INTEGERS),
    "f": ("iubf", _REALS),
    "c": ("iubfc", _COMPLEXES),
    "b": ("b", (bool, np.bool_)),
}


def to_array(values: Any, dtype: DType | None = None) -> tuple[np.ndarray, DType]:
    """Converts a number, string, nested list or array to an array of the internal NumPy dtype.

    Without a `dtype`, arrays and NumPy scalars keep theirs; Python numbers become `int32` (`int64`
    where they do not fit) and `float32`. Strings become an object array of `bytes`.

    Returns:
        The array, and its element type.

    Raises:
        TypeError: if an element does not suit the type.
        ValueError: if the values are `None` or ragged.
    """
    if values is None:
        raise ValueError("None values not supported.")
    if isinstance(values, np.ndarray | np.generic):
        return _from_numpy(values, dtype)
    if dtype is None:
        return _infer(values)
    if not dtype.is_numpy_compatible:
        raise TypeError(f"Incompatible types: {dtype} vs. {type(values).__name__}.")
    if dtype == dtypes.string:
        return _strings(values), dtype
    return _typed(values, dtype), dtype


def _from_numpy(values: Any, dtype: DType | None) -> tuple[np.ndarray, DType]:
    dtype = as_dtype(values.dtype) if dtype is None else dtype
    if dtype == dtypes.string:
        return _strings(values), dtype
    # The structured dtypes of quantised types hold plain numbers.
    plain = values.view(dtype.np) if values.dtype.names else values
    return np.asarray(plain).astype(dtype.np, copy=False), dtype


def _infer(values: Any) -> tuple[np.ndarray, DType]:
    array = _plain_array(values)
    if array.dtype.kind in "SU":
        return _strings(values), dtypes.string
    if array.dtype.kind == "O":
        raise _cannot_convert(values)
    if array.dtype == np.int64:
        narrow = array.astype(np.int32)
        array = narrow if np.array_equal(narrow, array) else array
    elif array.dtype == np.float64:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    return array, as_dtype(array.dtype)


def _plain_array(values: Any) -> np.ndarray:
    try:
        return np.array(values)
    except ValueError as error:
        raise ValueError(f"Argument must be a dense tensor: {_short(values)}: {error}") from None
    except (TypeError, OverflowError):
        raise _cannot_convert(values) from None


def _typed(values: Any, dtype: DType) -> np.ndarray:
    array = _plain_array(values)
    kind = "f" if dtype == dtypes.bfloat16 else dtype.np.kind
    safe_kinds, accepted = _CHECKS[kind]
    if array.dtype.kind not in safe_kinds and array.size:
        for value in _leaves(values):
            if not isinstance(value, accepted):
                raise _unexpected(dtype.name, value)
    if dtype.is_quantized and array.ndim and not _is_quantized_list(values):
        raise _unexpected(dtype.name, next(iter(_leaves(values)), values))
    try:
        with np.errstate(over="ignore"):
            array = array.astype(dtype.np, copy=False)
    except OverflowError:
        raise _cannot_convert(values) from None
    return array[..., 0] if dtype.is_quantized and array.ndim else array


def _is_quantized_list(values: Any) -> bool:
    """Tells whether every element is a tuple of one number, as lists for quantised types are."""
    if isinstance(values, list):
        return all(map(_is_quantized_list, values))
    return isinstance(values, tuple) and len(values) == 1


def _strings(values: Any) -> np.ndarray:
    """Makes an object array of `bytes` (NumPy's own string arrays would lose trailing zeros)."""
    if isinstance(values, np.ndarray | np.generic):
        shape = values.shape
    elif isinstance(values, str | bytes):
        shape = ()
    else:
        shape = _plain_array(values).shape
    leaves = [_as_bytes(value) for value in _leaves(values)]
    array = np.empty(len(leaves), object)
    array[:] = leaves
    return array.reshape(shape)


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"Expected binary or unicode string, got {value!r}")
    return bytes(value)


def _leaves(values: Any) -> Iterator[Any]:
    if isinstance(values, np.ndarray):
        yield from values.ravel().tolist()
    elif isinstance(values, list | tuple | range):
        for value in values:
            yield from _leaves(value)
    else:
        yield values


def _unexpected(name: str, value: Any) -> TypeError:
    return TypeError(f"Expected {name}, got {value!r} of type '{type(value).__name__}' instead.")


def _cannot_convert(values: Any) -> TypeError:
    return TypeError(
        f"Failed to convert object of type {type(values)} to Tensor. "
        f"Contents: {_short(values)}. Consider casting elements to a supported type."
    )


def _short(values: Any) -> str:
    text = repr(values)
    return text if len(text) <= 200 else f"{text[:197]}..."
