"""Arrays to and from `TensorProto`.

`encode` and `decode` are the plain pair that the system uses; `make_tensor_proto` and
`make_ndarray` are the public ones, with TensorFlow's checks of Python values.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import DType, as_dtype
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.values import to_array

_MAX_BYTES = 2 << 30

# Field that holds the elements one by one, and the dtype of what lies in that field.
_FIELDS: dict[DType, tuple[str, Any]] = {
    dtypes.float32: ("float_val", np.float32),
    dtypes.float64: ("double_val", np.float64),
    dtypes.int64: ("int64_val", np.int64),
    dtypes.uint32: ("uint32_val", np.uint32),
    dtypes.uint64: ("uint64_val", np.uint64),
    dtypes.bool_: ("bool_val", np.bool_),
    dtypes.float16: ("half_val", np.uint16),
    dtypes.bfloat16: ("half_val", np.uint16),
    dtypes.complex64: ("scomplex_val", np.float32),
    dtypes.complex128: ("dcomplex_val", np.float64),
    dtypes.string: ("string_val", object),
    dtypes.resource: ("resource_handle_val", object),
    dtypes.variant: ("variant_val", object),
    **{
        dtype: ("int_val", dtype.np)
        for dtype in (
            *(dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint16, dtypes.uint8),
            *(dtypes.qint32, dtypes.qint16, dtypes.qint8, dtypes.quint16, dtypes.quint8),
        )
    },
}

# TensorFlow writes several elements of these types as raw bytes, and others one by one; a
# GraphDef of ours should be equal byte by byte.
_RAW_BYTES = frozenset(
    (
        *(dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.int64),
        *(dtypes.uint8, dtypes.uint32, dtypes.uint64),
        *(dtypes.qint32, dtypes.qint16, dtypes.qint8, dtypes.quint16, dtypes.quint8),
    )
)


def encode(array: Any, dtype: DType | None = None, shape: Sequence[int] | None = None) -> Any:
    """Encodes an array as a `TensorProto`.

    Args:
        array: what to encode; strings as an object array of `bytes` or `str`.
        dtype: element type; by default that of the array. Quantised types need it.
        shape: shape to state; more elements than the array has stand for repeats of its last.

    Raises:
        ValueError: if it would take more than 2 GB.
    """
    array = np.asarray(array)
    dtype = as_dtype(array.dtype if dtype is None else dtype).base_dtype
    dims = array.shape if shape is None else tuple(shape)
    proto = protos.TensorProto(dtype=dtype.enum)
    proto.tensor_shape.SetInParent()
    for size in dims:
        proto.tensor_shape.dim.add(size=size)
    raw = dtype in _RAW_BYTES and array.size > 1 and array.size == math.prod(dims)
    if raw and array.size * dtype.np.itemsize >= _MAX_BYTES:
        raise ValueError(
            f"A TensorProto cannot hold the {array.size} elements of {dtype.name}{list(dims)}: "
            "the limit is 2 GB. Feed the value, or restore it from a checkpoint."
        )
    if not dtype.np.hasobject:
        array = np.ascontiguousarray(array, dtype.np.newbyteorder("<"))
    if raw:
        proto.tensor_content = array.tobytes()
    else:
        _extend(proto, array, dtype)
    return proto


def _as_bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def decode(proto: Any) -> np.ndarray:
    """Decodes a `TensorProto` into an array of the internal dtype; it may be read-only.

    A proto may give fewer elements than its shape has: the last one (or zero) is repeated. A
    single repeated element is broadcast, so that a proto of a few bytes takes a few bytes.

    Raises:
        ValueError: if type, shape and data do not fit together.
    """
    try:
        dtype = as_dtype(proto.dtype).base_dtype
    except TypeError:
        raise ValueError(f"TensorProto of unknown type {proto.dtype}") from None
    shape = _shape_of(proto, dtype)
    count = math.prod(shape)
    if proto.tensor_content and not dtype.np.hasobject:
        return _from_content(proto.tensor_content, dtype, shape)
    flat = decode_elements(proto, dtype)
    if flat.size > count:
        raise ValueError(
            f"TensorProto of shape {list(shape)} should have {count} elements of {dtype.name}, "
            f"but has {flat.size}"
        )
    if flat.size <= 1 and count > 1:
        return np.broadcast_to(flat[0] if flat.size else _zero(dtype), shape)
    if flat.size < count:
        _check_bytes(count * dtype.np.itemsize)
        missing = np.full(count - flat.size, flat[-1] if flat.size else _zero(dtype), dtype.np)
        flat = np.concatenate([flat, missing])
    return flat.reshape(shape)


def _shape_of(proto: Any, dtype: DType) -> tuple[int, ...]:
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("TensorProto without a fully defined shape")
    # NumPy refuses these, whatever the data.
    if len(shape) > 64 or math.prod(size or 1 for size in shape) * dtype.np.itemsize >= 2**63:
        raise ValueError(f"TensorProto of shape {list(shape)} is too large")
    return shape


def _from_content(content: bytes, dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    if len(content) != math.prod(shape) * dtype.np.itemsize:
        raise ValueError(
            f"TensorProto of {dtype.name}{list(shape)} needs "
            f"{math.prod(shape) * dtype.np.itemsize} bytes of content, but has {len(content)}"
        )
    array = np.frombuffer(content, dtype.np.newbyteorder("<"))
    return array.astype(dtype.np, copy=False).reshape(shape)


def decode_elements(proto: Any, dtype: DType) -> np.ndarray:
    """Returns the elements that a proto gives one by one, as a flat array of a type.

    Raises:
        ValueError: if half of a complex number is missing.
    """
    field, stored = _FIELDS[dtype]
    elements = getattr(proto, field)
    if dtype.is_complex and len(elements) % 2:
        raise ValueError(f"TensorProto of {dtype.name} has an odd number of parts")
    if stored is object:
        flat = np.empty(len(elements), object)
        flat[:] = elements
        return flat
    if stored is np.bool_:
        return np.array(elements, np.bool_)
    wide = np.array(elements, np.int64) if np.dtype(stored).kind == "i" else np.array(elements)
    return wide.astype(stored).view(dtype.np)


def encode_elements(array: np.ndarray, dtype: DType) -> Any:
    """Makes a proto that gives elements one by one, without type and shape."""
    proto = protos.TensorProto()
    _extend(proto, array, dtype)
    return proto


def _extend(proto: Any, array: np.ndarray, dtype: DType) -> None:
    field, stored = _FIELDS[dtype]
    elements = array.ravel()
    if stored is not object:
        elements = elements.view(stored)
    listed = elements.tolist()
    getattr(proto, field).extend(map(_as_bytes, listed) if field == "string_val" else listed)


def _zero(dtype: DType) -> Any:
    return b"" if dtype == dtypes.string else np.zeros((), dtype.np)[()]


def _check_bytes(size: int) -> None:
    if size >= _MAX_BYTES:
        raise ValueError(f"TensorProto stands for {size} bytes: more than 2 GB")


@export("make_tensor_proto", "contrib.util.make_tensor_proto")
def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Any = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Makes a `TensorProto` from Python values or an array.

    Args:
        values: number, string, nested lists of these, or an array.
        dtype: element type; by default that of an array, else the smallest of `int32`, `int64`,
            `float32`, `string`, … that suits the values.
        shape: shape to give to the values. Fewer values than it has elements stand for repeats of
            the last one.
        verify_shape: refuse values of another shape.
        allow_broadcast: refuse values of another shape, except one element for all.

    Raises:
        TypeError: if the values do not suit the type, or (when it is verified) the shape.
        ValueError: if the values are ragged, `None`, or more than the shape has room for.
    """
    if isinstance(values, protos.TensorProto):
        return values
    dtype = None if dtype is None else as_dtype(dtype).base_dtype
    dims = None if shape is None else tuple(int(size) for size in shape)
    if dims is not None and math.prod(dims) == 0:
        array = np.empty(dims, dtype.np if dtype else np.float32)
    else:
        array, dtype = to_array(values, dtype)
    if dims is not None:
        _check_shape(array, dims, verify_shape, allow_broadcast)
    return encode(array, dtype, dims)


def _check_shape(
    array: np.ndarray, dims: tuple[int, ...], verify: bool, allow_broadcast: bool
) -> None:
    strict = verify or (allow_broadcast and array.shape not in ((), (1,)))
    if strict and array.shape != dims:
        raise TypeError(f"Expected Tensor's shape: {dims}, got {array.shape}.")
    if array.size > math.prod(dims):
        raise ValueError(
            f"Too many elements provided. Needed at most {math.prod(dims)}, "
            f"but received {array.size}"
        )


@export("make_ndarray", "contrib.util.make_ndarray")
def make_ndarray(tensor: Any) -> np.ndarray:
    """Makes an array of its own from a `TensorProto`.

    Raises:
        TypeError: if NumPy has no such type.
        ValueError: if type, shape and data do not fit together.
    """
    array = decode(tensor)
    dtype = as_dtype(tensor.dtype)
    if not dtype.is_numpy_compatible:
        raise TypeError(f"Unsupported tensor type: {dtype.name}")
    _check_bytes(array.size * array.itemsize if 0 in array.strides else 0)
    array = np.array(array)
    return array.view(dtype.as_numpy_dtype) if dtype.is_quantized else array
