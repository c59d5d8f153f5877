"""Numbers to strings and back: AsString, StringToNumber."""

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.spec import (
    Bool,
    Complex64,
    Complex128,
    Double,
    Float,
    Int8,
    Int16,
    Int32,
    Int64,
    String,
    Tensor,
    Type,
    b,
    c,
    f,
    i,
    op,
)
from millstream.ops.string.elements import each, invalid

__all__ = ["as_string", "string_to_number"]

_PRINTABLE = (Int8, Int16, Int32, Int64, Complex64, Complex128, Float, Double, Bool)


@op
def AsString[T: _PRINTABLE](
    input: Tensor[T],
    *,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
) -> Tensor[String]:
    """Spells numbers as C's `printf` would."""


@op
def StringToNumber(
    string_tensor: Tensor[String], *, out_type: Type[Float, Double, Int32, Int64] = Float
) -> Tensor["out_type"]:
    """Reads numbers."""


AsString.shape_unchanged()


def _format(T, attrs):
    """Returns the `%` format of one real number."""
    if attrs["scientific"] and attrs["shortest"]:
        raise invalid("Cannot select both scientific and shortest notation")
    fill = attrs["fill"]
    if fill not in ("", " ", "+", "-", "0", "#"):
        raise invalid(f"Fill string {fill!r} is not one of the flags of printf")
    text = "%" + fill + (str(attrs["width"]) if attrs["width"] >= 0 else "")
    if T.is_integer:
        if attrs["scientific"] or attrs["shortest"]:
            raise invalid("scientific and shortest format not supported for datatype " + T.name)
        return text + "d"
    if attrs["precision"] >= 0:
        text += f".{attrs['precision']}"
    return text + ("e" if attrs["scientific"] else "g" if attrs["shortest"] else "f")


@AsString.reference
def _(input, T, node):
    if T is Bool:
        return each(lambda v: b"true" if v else b"false", input)
    text = _format(T, node.attrs)
    if T.is_complex:
        return each(lambda v: f"({text % v.real},{text % v.imag})".encode(), input)
    return each(lambda v: (text % v).encode(), input)


AsString.no_gradient("strings have none")
AsString.examples(f[2, 3])
AsString.examples(i[3], width=5, fill="0")
AsString.examples(b[3])
AsString.examples(c[2], precision=2)

StringToNumber.shape_unchanged()


def _number(text, dtype):
    value = text.strip()
    try:
        if dtype.is_integer:
            number = int(value)
            info = np.iinfo(dtype.np)
            if info.min <= number <= info.max:
                return number
        elif b"_" not in value:
            return float.fromhex(value.decode()) if b"x" in value.lower() else float(value)
    except ValueError:
        pass
    raise invalid(
        "StringToNumberOp could not correctly convert string: " + text.decode(errors="replace")
    )


@StringToNumber.reference
def _(string_tensor, out_type):
    return each(lambda text: _number(text, out_type), string_tensor).astype(out_type.np)


StringToNumber.no_gradient("strings have none")
StringToNumber.examples(["1.5", " -2e3"])
StringToNumber.examples(["7"], out_type=Int32)
StringToNumber.fails("could not correctly convert string: a", ["a"])


@export("as_string", "strings.as_string", "dtypes.as_string")
def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):
    """Returns the numbers in `input`, spelt out.

    Args:
      input: numbers or booleans.
      precision: digits behind the point, by default 6; for floats.
      scientific: whether to use an exponent.
      shortest: whether to use the shorter of both forms.
      width: least length.
      fill: what to pad with: a flag of `printf`, such as `"0"`.
      name: name of the node.
    """
    return AsString(
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


@export("string_to_number", "strings.to_number")
def string_to_number(string_tensor=None, out_type=Float, name=None, input=None):
    """Returns the numbers that strings spell.

    Args:
      string_tensor: strings.
      out_type: `tf.float32`, `tf.float64`, `tf.int32` or `tf.int64`.
      name: name of the node.
      input: another name of `string_tensor`.

    Raises:
      InvalidArgumentError: when it runs, if a string spells no such number.
    """
    strings = string_tensor if input is None else input
    return StringToNumber(strings, out_type=as_dtype(out_type), name=name)
