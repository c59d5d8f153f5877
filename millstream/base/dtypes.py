"""Element types of tensors.

There is one `DType` object per type and one per reference to a type; `as_dtype` finds it from any
spelling that TensorFlow takes. Inside the system `dtype.np` is the plain NumPy dtype that holds
such data: `object` for strings, `uint8` for `quint8`. `dtype.as_numpy_dtype` is the public answer,
which differs for quantised types.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any, Final, cast

import ml_dtypes
import numpy as np

from millstream.base.export import export, export_constant

type NumPyDType = np.dtype[Any]

_REF_OFFSET: Final = 100

# name -> (number in TensorFlow's DataType enum, dtype that holds the data, kind)
_KINDS: Final[dict[str, tuple[int, Any, str]]] = {
    "float32": (1, np.float32, "floating"),
    "float64": (2, np.float64, "floating"),
    "int32": (3, np.int32, "integer"),
    "uint8": (4, np.uint8, "integer"),
    "int16": (5, np.int16, "integer"),
    "int8": (6, np.int8, "integer"),
    "string": (7, object, "string"),
    "complex64": (8, np.complex64, "complex"),
    "int64": (9, np.int64, "integer"),
    "bool": (10, np.bool_, "bool"),
    "qint8": (11, np.int8, "quantized"),
    "quint8": (12, np.uint8, "quantized"),
    "qint32": (13, np.int32, "quantized"),
    "bfloat16": (14, ml_dtypes.bfloat16, "floating"),
    "qint16": (15, np.int16, "quantized"),
    "quint16": (16, np.uint16, "quantized"),
    "uint16": (17, np.uint16, "integer"),
    "complex128": (18, np.complex128, "complex"),
    "float16": (19, np.float16, "floating"),
    "resource": (20, object, "handle"),
    "variant": (21, object, "handle"),
    "uint32": (22, np.uint32, "integer"),
    "uint64": (23, np.uint64, "integer"),
}

_BY_ENUM: dict[int, DType] = {}
_BY_KEY: dict[Any, DType] = {}


def _public_numpy_type(name: str, held: Any, kind: str) -> Any:
    if kind == "quantized":
        return np.dtype([(name, held)])
    return bool if kind == "bool" else held


@export("DType", "dtypes.DType")
class DType:
    """Is the element type of a tensor, such as `tf.float32`.

    Attributes:
      enum: Number in TensorFlow's `DataType` enum; references lie 100 above their base.
      np: NumPy dtype of the arrays that hold such elements inside the system.
      name: Name as in `float32` or `float32_ref`.
      is_ref: Whether it stands for a reference to a mutable tensor.
    """

    __slots__ = ("_base", "_kind", "_public", "_ref", "enum", "is_ref", "name", "np")

    enum: int
    is_ref: bool
    name: str
    np: NumPyDType
    _base: DType
    _kind: str
    _public: Any
    _ref: DType

    def __new__(cls, type_enum: Any) -> DType:
        """Gives the one object of a type; `type_enum` is its number."""
        found = _BY_ENUM.get(int(type_enum))
        if found is None:
            raise TypeError(f"type_enum is not a valid types_pb2.DataType: {type_enum}")
        return found

    @property
    def as_datatype_enum(self) -> int:
        """The type's number in TensorFlow's `DataType` enum."""
        return self.enum

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy type: a class, or a structured dtype for quantised types."""
        return self._public

    @property
    def base_dtype(self) -> DType:
        """The type itself without a reference."""
        return self._base

    @property
    def real_dtype(self) -> DType:
        """The type of a complex type's parts; any other type is its own."""
        if self._kind != "complex":
            return self
        return float32 if self._base is complex64 else float64

    @property
    def _is_ref_dtype(self) -> bool:
        return self.is_ref

    @property
    def _as_ref(self) -> DType:
        return self._ref

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating point type, `bfloat16` included."""
        return self._kind == "floating"

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer type that is not quantised."""
        return self._kind == "integer"

    @property
    def is_complex(self) -> bool:
        """Whether it is a complex type."""
        return self._kind == "complex"

    @property
    def is_bool(self) -> bool:
        """Whether it is `tf.bool`."""
        return self._kind == "bool"

    @property
    def is_quantized(self) -> bool:
        """Whether it is a quantised integer type."""
        return self._kind == "quantized"

    @property
    def is_unsigned(self) -> bool:
        """Whether it is an unsigned integer type that is not quantised."""
        return self._kind == "integer" and self.np.kind == "u"

    @property
    def is_numpy_compatible(self) -> bool:
        """Whether NumPy can hold its elements."""
        return self._kind != "handle"

    @property
    def min(self) -> Any:
        """The smallest finite value.

        Raises:
          TypeError: If the type is no integer or real floating point type.
        """
        return self._bound("min", "minimum")

    @property
    def max(self) -> Any:
        """The largest finite value.

        Raises:
          TypeError: If the type is no integer or real floating point type.
        """
        return self._bound("max", "maximum")

    def _bound(self, which: str, word: str) -> Any:
        if self._kind == "integer":
            return int(getattr(np.iinfo(self.np), which))
        if self._kind == "floating":
            finfo: Any = ml_dtypes.finfo if self._base is bfloat16 else np.finfo
            return self.np.type(getattr(finfo(self.np), which))
        raise TypeError(f"Cannot find {word} value of {self}.")

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range that image conversions give this type: (0, 1) or (0, largest integer)."""
        if self._kind == "floating":
            return 0, 1
        if self._kind == "integer":
            return 0, self.max
        if self._kind == "bool":
            return False, True
        raise TypeError(f"Cannot find limits of {self}: it is no integer or floating point type.")

    @property
    def size(self) -> int:
        """Bytes per element; 8 for a string, 1 for a handle."""
        if self._kind == "handle":
            return 1
        return self.np.itemsize

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether a tensor of type `other` may be used where this type is expected."""
        other = as_dtype(other)
        return other is self or other._base is self

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self.enum

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return as_dtype, (self.enum,)


def _make(name: str, enum: int, held: Any, kind: str, public: Any, is_ref: bool) -> DType:
    dtype = object.__new__(DType)
    dtype.name, dtype.enum, dtype.is_ref = name, enum, is_ref
    dtype.np = np.dtype(held)
    dtype._kind, dtype._public = kind, public
    _BY_ENUM[enum] = _BY_KEY[name] = dtype
    return dtype


def _make_pair(name: str) -> tuple[DType, DType]:
    enum, held, kind = _KINDS[name]
    public = _public_numpy_type(name, held, kind)
    base = _make(name, enum, held, kind, public, is_ref=False)
    ref = _make(f"{name}_ref", enum + _REF_OFFSET, held, kind, public, is_ref=True)
    base._base = ref._base = base
    base._ref = ref._ref = ref
    if kind != "handle":
        _BY_KEY[public] = base
        if not isinstance(public, np.dtype):
            _BY_KEY[np.dtype(public)] = base
    return base, ref


float32, float32_ref = _make_pair("float32")
float64, float64_ref = _make_pair("float64")
int32, int32_ref = _make_pair("int32")
uint8, uint8_ref = _make_pair("uint8")
int16, int16_ref = _make_pair("int16")
int8, int8_ref = _make_pair("int8")
string, string_ref = _make_pair("string")
complex64, complex64_ref = _make_pair("complex64")
int64, int64_ref = _make_pair("int64")
bool_, bool_ref = _make_pair("bool")
qint8, qint8_ref = _make_pair("qint8")
quint8, quint8_ref = _make_pair("quint8")
qint32, qint32_ref = _make_pair("qint32")
bfloat16, bfloat16_ref = _make_pair("bfloat16")
qint16, qint16_ref = _make_pair("qint16")
quint16, quint16_ref = _make_pair("quint16")
uint16, uint16_ref = _make_pair("uint16")
complex128, complex128_ref = _make_pair("complex128")
float16, float16_ref = _make_pair("float16")
resource, resource_ref = _make_pair("resource")
variant, variant_ref = _make_pair("variant")
uint32, uint32_ref = _make_pair("uint32")
uint64, uint64_ref = _make_pair("uint64")

half, double = float16, float64
half_ref, double_ref = float16_ref, float64_ref

# Beside names and NumPy types, TensorFlow takes these. It refuses Python's int, str and complex.
_BY_KEY.update(
    {
        "half": float16,
        "float": float32,
        "double": float64,
        "half_ref": float16_ref,
        "float_ref": float32_ref,
        "double_ref": float64_ref,
        float: float32,
        np.bool_: bool_,
        np.object_: string,
        np.str_: string,
        np.bytes_: string,
    }
)
_NATIVE_KINDS: Final = frozenset("biufc")

QUANTIZED_DTYPES: Final = frozenset(
    (
        *(qint8, quint8, qint32, qint16, quint16),
        *(qint8_ref, quint8_ref, qint32_ref, qint16_ref, quint16_ref),
    )
)


@export("as_dtype", "dtypes.as_dtype")
def as_dtype(type_value: Any) -> DType:
    """Finds the `DType` that a value spells.

    Args:
      type_value: A `DType`, its number, its name, a NumPy dtype or scalar class, or Python's
        `float`, `bool` or `object` (strings).

    Raises:
      TypeError: If the value spells no type.
    """
    if isinstance(type_value, DType):
        return type_value
    try:
        found = _BY_KEY.get(type_value)
        if found is None:
            found = _BY_ENUM.get(type_value) or _from_numpy(type_value)
    except TypeError:
        # Unhashable values spell no type.
        found = None
    if found is None:
        raise TypeError(f"Cannot convert value {type_value!r} to a TensorFlow DType.")
    return found


def _from_numpy(value: Any) -> DType | None:
    # NumPy has several classes of one width, such as `longlong` beside `int64`.
    is_class = isinstance(value, type) and issubclass(cast(type[Any], value), np.generic)
    found: Any = np.dtype(cast(Any, value)) if is_class else value
    if not isinstance(found, np.dtype):
        return None
    if found.kind in "SU":
        return string
    return _BY_KEY.get(found.newbyteorder("=")) if found.kind in _NATIVE_KINDS else None


# Names for annotations of op declarations, where `bool`, `int` and `float` mean attrs.
Half, BFloat16, Float, Double = float16, bfloat16, float32, float64
Int8, Int16, Int32, Int64 = int8, int16, int32, int64
UInt8, UInt16, UInt32, UInt64 = uint8, uint16, uint32, uint64
Complex64, Complex128, Bool, String = complex64, complex128, bool_, string
Resource, Variant = resource, variant
QInt8, QUInt8, QInt32, QInt16, QUInt16 = qint8, quint8, qint32, qint16, quint16

Floating: Final = (Half, BFloat16, Float, Double)
Real: Final = (
    *(Float, Double, Int32, UInt8, Int16, Int8, Int64, BFloat16, UInt16, Half, UInt32, UInt64),
)
Number: Final = (
    *(Float, Double, Int32, UInt8, Int16, Int8, Complex64, Int64, QInt8, QUInt8, QInt32),
    *(BFloat16, UInt16, Complex128, Half, UInt32, UInt64),
)

for _dtype in tuple(_BY_ENUM.values()):
    if not _dtype.is_ref:
        export_constant(_dtype.name, _dtype)
        export_constant(f"dtypes.{_dtype.name}", _dtype)
for _name in ("half", "double"):
    export_constant(_name, globals()[_name])
    export_constant(f"dtypes.{_name}", globals()[_name])
export_constant("QUANTIZED_DTYPES", QUANTIZED_DTYPES)
export_constant("dtypes.QUANTIZED_DTYPES", QUANTIZED_DTYPES)
