"""JSON as TensorFlow Serving speaks it: rows or columns, bytes as `{"b64": …}`, examples."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from millstream.base.dtypes import DType, string
from millstream.base.errors import InvalidArgumentError
from millstream.formats import protos


def refuse(message: str) -> InvalidArgumentError:
    """Makes the error that tells a client what is wrong with his request."""
    return InvalidArgumentError(None, None, message)


def decode(value: Any, dtype: DType, name: str) -> np.ndarray:
    """Makes the array of an input from JSON.

    Args:
      value: numbers, strings and `{"b64": …}` in nested lists.
      dtype: dtype of the input.
      name: key of the input, for errors.

    Raises:
      InvalidArgumentError: if the lists are ragged, or hold something else.
    """
    if dtype is string:
        return _strings(value, name)
    try:
        array = np.array(value)
    except ValueError:
        raise refuse(f"input '{name}': lists of different lengths are no tensor") from None
    if array.dtype.kind not in "biuf":
        raise refuse(f"input '{name}' must be numbers of {dtype.name}, not {_sample(value)}")
    if array.dtype.kind == "f" and dtype.is_integer:
        raise refuse(f"input '{name}' must be whole numbers of {dtype.name}")
    if dtype.is_integer and array.size:
        low, high = np.iinfo(dtype.np).min, np.iinfo(dtype.np).max
        if array.min() < low or array.max() > high:
            raise refuse(f"input '{name}' is out of the range of {dtype.name}")
    return array.astype(dtype.np)


def _sample(value: Any) -> str:
    while isinstance(value, list) and value:
        value = value[0]
    return repr(value)[:40]


def _strings(value: Any, name: str) -> np.ndarray:
    leaves: list[bytes] = []

    def shape_of(item: Any) -> tuple[int, ...]:
        if not isinstance(item, list):
            leaves.append(_bytes(item, name))
            return ()
        shapes = {shape_of(each) for each in item}
        if len(shapes) > 1:
            raise refuse(f"input '{name}': lists of different lengths are no tensor")
        return (len(item), *(shapes.pop() if shapes else ()))

    shape = shape_of(value)
    array = np.empty(len(leaves), object)
    array[:] = leaves
    return array.reshape(shape)


def _bytes(value: Any, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except binascii.Error as error:
            raise refuse(f"input '{name}': {error} in b64") from None
    raise refuse(f"input '{name}' must be strings or {{\"b64\": …}}, not {str(value)[:40]}")


def encode(array: Any, name: str) -> Any:
    """Makes JSON of an output; strings are base64 if the output's name ends in `_bytes`."""
    array = np.asarray(array)
    if array.dtype.kind != "O":
        if array.dtype.kind not in "biuf":
            array = array.astype(np.float32)
        return array.tolist()
    if name.endswith("_bytes"):
        coded = [{"b64": base64.b64encode(v).decode()} for v in array.ravel()]
    else:
        coded = [v.decode(errors="backslashreplace") for v in array.ravel()]
    flat = np.empty(len(coded), object)
    flat[:] = coded
    return flat.reshape(array.shape).tolist()


def columns_of(request: Any, keys: list[str]) -> tuple[dict[str, Any], bool]:
    """Returns the inputs of a `:predict` request by key, and whether it was given in rows.

    Raises:
      InvalidArgumentError: if it has not just one of "instances" and "inputs", or other keys.
    """
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise refuse('the request must be an object with "instances" or "inputs"')
    if "inputs" in request:
        given = request["inputs"]
        columns = given if isinstance(given, dict) and set(given) != {"b64"} else None
        if columns is None:
            columns = {_only(keys): given}
        _check_keys(columns, keys)
        return columns, False
    rows = request["instances"]
    if not isinstance(rows, list) or not rows:
        raise refuse('"instances" must be a list that is not empty')
    if all(isinstance(row, dict) and set(row) != {"b64"} for row in rows):
        for row in rows:
            _check_keys(row, keys)
        return {key: [row[key] for row in rows] for key in keys}, True
    return {_only(keys): rows}, True


def _only(keys: list[str]) -> str:
    if len(keys) != 1:
        raise refuse(f"name the inputs: the signature has {', '.join(sorted(keys))}")
    return keys[0]


def _check_keys(given: Any, keys: list[str]) -> None:
    if set(given) != set(keys):
        raise refuse(
            f"the signature's inputs are {', '.join(sorted(keys))}; "
            f"the request has {', '.join(sorted(given)) or 'none'}"
        )


def rows_of(outputs: dict[str, Any]) -> list[Any]:
    """Turns outputs by key into one row per instance.

    Raises:
      InvalidArgumentError: if an output has no row per instance.
    """
    lengths = {np.shape(array)[0] if np.ndim(array) else None for array in outputs.values()}
    if len(lengths) != 1 or None in lengths:
        raise refuse('outputs have no common first dimension: ask with "inputs"')
    coded = {key: encode(array, key) for key, array in outputs.items()}
    if len(coded) == 1:
        return next(iter(coded.values()))
    return [dict(zip(coded, row)) for row in zip(*coded.values())]


def examples_of(request: Any) -> np.ndarray:
    """Makes the serialised `tf.train.Example`s of a `:classify` or `:regress` request.

    Raises:
      InvalidArgumentError: if there are none, or a feature is no number, string or list of them.
    """
    rows = request.get("examples") if isinstance(request, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        raise refuse('the request must be an object with a list "examples" of objects')
    context = request.get("context") or {}
    found = np.empty(len(rows), object)
    found[:] = [_example({**context, **row}) for row in rows]
    return found


def _example(features: dict[str, Any]) -> bytes:
    example = protos.Example()
    for name, value in features.items():
        values = value if isinstance(value, list) else [value]
        feature = example.features.feature[name]
        if all(isinstance(v, (str, dict)) for v in values):
            feature.bytes_list.value.extend(_bytes(v, name) for v in values)
        elif all(isinstance(v, int) for v in values):
            feature.int64_list.value.extend(values)
        elif all(isinstance(v, (int, float)) for v in values):
            feature.float_list.value.extend(values)
        else:
            raise refuse(f"feature '{name}' mixes numbers and strings")
    return example.SerializeToString()
