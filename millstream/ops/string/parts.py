"""Ops that look into strings: Substr, StringSplit, StringStrip, StringLength, case."""

from typing import Literal

import numpy as np

from millstream.base.export import export
from millstream.base.shapes import broadcast
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Dynamic, Int32, Int64, Returns, String, Tensor, op
from millstream.ops.string.elements import as_bytes, as_text, each, invalid

__all__ = [
    "string_length",
    "string_lower",
    "string_split",
    "string_split_v2",
    "string_strip",
    "string_upper",
    "substr",
]

_UNIT = Literal["BYTE", "UTF8_CHAR"]


@op
def Substr[T: (Int32, Int64)](
    input: Tensor[String], pos: Tensor[T], len: Tensor[T], *, unit: _UNIT = "BYTE"
) -> Tensor[String]:
    """Gives the part of each string that begins at `pos` and is at most `len` long."""


@op
def StringStrip(input: Tensor[String]) -> Tensor[String]:
    """Strips white space from both ends."""


@op
def StringLength(input: Tensor[String], *, unit: _UNIT = "BYTE") -> Tensor[Int32]:
    """Gives the length of each string."""


@op
def StringLower(input: Tensor[String], *, encoding: str = "") -> Tensor[String]:
    """Turns upper case into lower case."""


@op
def StringUpper(input: Tensor[String], *, encoding: str = "") -> Tensor[String]:
    """Turns lower case into upper case."""


_SPLIT = Returns(indices=Tensor[Int64], values=Tensor[String], shape=Tensor[Int64])


@op(effect=Dynamic())
def StringSplit(
    input: Tensor[String], delimiter: Tensor[String], *, skip_empty: bool = True
) -> _SPLIT:
    """Splits strings at each character of `delimiter`; if it is empty, between all characters."""


@op(effect=Dynamic())
def StringSplitV2(input: Tensor[String], sep: Tensor[String], *, maxsplit: int = -1) -> _SPLIT:
    """Splits strings at `sep`, or at white space if it is empty."""


@Substr.shape
def _(input, pos, len):
    if pos.ndims is not None and len.ndims is not None and pos.ndims != len.ndims:
        raise ValueError(f"pos and len must have same rank, not {pos.ndims} and {len.ndims}")
    shape = broadcast(input, pos)
    if shape is None:
        raise ValueError(f"Incompatible shapes for broadcasting: {input} and {pos}")
    return shape


def _characters(text, unit):
    """Returns a string as something that is indexed by the unit, and how to get bytes of a part."""
    return (as_text(text), as_bytes) if unit == "UTF8_CHAR" else (text, bytes)


@Substr.reference
def _(input, pos, len, unit):
    places = iter(range(np.broadcast(input, pos).size))

    def part(text, start, count):
        place = next(places)
        whole, back = _characters(text, unit)
        size = whole.__len__()
        if not -size <= start <= size:
            raise invalid(f"pos {start} out of range for string {text!r} at index {place}")
        first = start if start >= 0 else size + start
        return back(whole[first : first + max(int(count), 0)])

    return each(part, input, pos, len)


Substr.examples(["hello", "world"], 1, 3)
Substr.examples(["hello", "world"], [1, -3], [3, 2])
Substr.fails("pos 3 out of range", ["hello", "w"], 3, 3)

_SPACE = b" \t\n\v\f\r"


@StringStrip.reference
def _(input):
    return each(lambda text: text.strip(_SPACE), input)


@StringLength.reference
def _(input, unit):
    return each(lambda text: len(_characters(text, unit)[0]), input).astype(np.int32)


@StringLower.reference
def _(input, encoding):
    if encoding:
        return each(lambda text: as_bytes(as_text(text).lower()), input)
    return each(bytes.lower, input)


@StringUpper.reference
def _(input, encoding):
    if encoding:
        return each(lambda text: as_bytes(as_text(text).upper()), input)
    return each(bytes.upper, input)


for _opdef in (StringStrip, StringLength, StringLower, StringUpper):
    _opdef.shape_unchanged()
    _opdef.no_gradient("strings have none")
    _opdef.examples([" aB ", "c"])
Substr.no_gradient("strings have none")


# -- splitting


@StringSplit.shape
def _(input):
    input.with_rank(1)
    return [None, 2], [None], [2]


@StringSplitV2.shape
def _(input):
    input.with_rank(1)
    return [None, 2], [None], [2]


def _as_sparse(rows):
    """Returns indices, values and dense shape of rows of unequal length."""
    indices = [(at, column) for at, row in enumerate(rows) for column in range(len(row))]
    values = np.empty(len(indices), object)
    values[:] = [part for row in rows for part in row]
    widest = max(map(len, rows), default=0)
    return (
        np.array(indices, np.int64).reshape(-1, 2),
        values,
        np.array([len(rows), widest], np.int64),
    )


@StringSplit.reference
def _(input, delimiter, skip_empty):
    if np.size(delimiter) != 1:
        raise invalid(f"delimiter must be a scalar, got shape {list(np.shape(delimiter))}")
    marks = np.ravel(delimiter)[0]
    return _as_sparse([_split_any(text, marks, skip_empty) for text in np.ravel(input)])


def _split_any(text, marks, skip_empty):
    if not marks:
        return [text[at : at + 1] for at in range(len(text))]
    parts = text.translate(bytes.maketrans(marks, marks[:1] * len(marks))).split(marks[:1])
    return [part for part in parts if part] if skip_empty else parts


@StringSplitV2.reference
def _(input, sep, maxsplit):
    mark = np.ravel(sep)[0] or None
    return _as_sparse([text.split(mark, maxsplit) for text in np.ravel(input)])


StringSplit.examples(["a b  c", "d"], " ")
StringSplit.examples(["a,b;c", ""], ",;", skip_empty=False)
StringSplit.examples(["abc"], "")
StringSplitV2.examples(["a b  c", " d"], "")
StringSplitV2.examples(["a,b,,c"], ",", maxsplit=1)
for _opdef in (StringSplit, StringSplitV2):
    _opdef.no_gradient("strings have none")
    _opdef.fails("rank", [["a"]], ",")


# -- public


@export("substr", "strings.substr")
def substr(input, pos, len, name=None, unit="BYTE"):
    """Returns parts of strings.

    Args:
      input: strings.
      pos: where the part begins, counted from the end if negative; broadcast with `input`.
      len: its greatest length, of the shape of `pos`.
      name: name of the node.
      unit: `"BYTE"` or `"UTF8_CHAR"`, for `pos` and `len`.

    Raises:
      InvalidArgumentError: when it runs, if `pos` lies outside of a string.
    """
    return Substr(input, pos, len, unit=unit, name=name)


@export("string_strip", "strings.strip")
def string_strip(input, name=None):
    """Returns strings without the white space at their ends."""
    return StringStrip(input, name=name)


@export("strings.length")
def string_length(input, name=None, unit="BYTE"):
    """Returns the lengths of strings, in bytes or (`unit="UTF8_CHAR"`) characters, int32."""
    return StringLength(input, unit=unit, name=name)


@export("strings.lower")
def string_lower(input, encoding="", name=None):
    """Returns strings in lower case; `encoding="utf-8"` does so for more than ASCII."""
    return StringLower(input, encoding=encoding, name=name)


@export("strings.upper")
def string_upper(input, encoding="", name=None):
    """Returns strings in upper case; `encoding="utf-8"` does so for more than ASCII."""
    return StringUpper(input, encoding=encoding, name=name)


def _sparse(parts):
    for tensor, shape in zip(parts, ([None, 2], [None], [2]), strict=True):
        tensor.set_shape(shape)
    return SparseTensor(*parts)


def string_split(
    source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None
):
    """Splits a vector of strings.

    Args:
      source: `[n]` strings.
      sep: string, each of whose characters splits; by default a space. The empty string splits
        everywhere.
      skip_empty: whether to leave out empty parts.
      delimiter: the former name of `sep`.
      result_type: `"SparseTensor"`; the only one that is known.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` `[n, most parts]`.

    Raises:
      ValueError: for another `result_type`.
    """
    if delimiter is not None:
        if sep is not None:
            raise ValueError("Cannot specify both 'sep' and 'delimiter'")
        sep = delimiter
    _check_result_type(result_type)
    with name_scope(name, "StringSplit", [source]):
        mark = convert_to_tensor(" " if sep is None else sep, dtype=String)
        source = convert_to_tensor(source, dtype=String)
        return _sparse(StringSplit(source, mark, skip_empty=skip_empty))


def _check_result_type(result_type):
    if result_type != "SparseTensor":
        raise ValueError(f"result_type must be 'SparseTensor', not {result_type!r}")


def string_split_v2(
    input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None
):
    """Splits a vector of strings as Python's `str.split` does.

    Args:
      input: `[n]` strings.
      sep: where to split; by default at white space.
      maxsplit: the greatest number of splits per string, -1 for any.
      result_type: `"SparseTensor"`; the only one that is known.
      source: another name of `input`.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` `[n, most parts]`.

    Raises:
      ValueError: for another `result_type`.
    """
    _check_result_type(result_type)
    input = source if input is None else input
    with name_scope(name, "StringSplit", [input]):
        input = convert_to_tensor(input, dtype=String, name="input")
        mark = convert_to_tensor("" if sep is None else sep, dtype=String)
        return _sparse(StringSplitV2(input, mark, maxsplit=maxsplit))
