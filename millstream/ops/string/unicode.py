"""Ops on Unicode: UnicodeDecode, UnicodeEncode, UnicodeTranscode, and joins and n-grams of strings.

Strings are bytes in some encoding; code points are int32.
"""

import codecs
from itertools import pairwise
from typing import Literal

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import (
    Dynamic,
    Int32,
    Int64,
    ListOf,
    Returns,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.string.elements import each, invalid

_ERRORS = Literal["strict", "replace", "ignore"]
_INDICES = Type[Int32, Int64]


@op(effect=Dynamic())
def UnicodeDecode(
    input: Tensor[String],
    *,
    input_encoding: str,
    errors: _ERRORS = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    Tsplits: _INDICES = Int64,
) -> Returns(row_splits=Tensor["Tsplits"], char_values=Tensor[Int32]):
    """Gives the code points of each string."""


@op(effect=Dynamic())
def UnicodeDecodeWithOffsets(
    input: Tensor[String],
    *,
    input_encoding: str,
    errors: _ERRORS = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    Tsplits: _INDICES = Int64,
) -> Returns(
    row_splits=Tensor["Tsplits"], char_values=Tensor[Int32], char_to_byte_starts=Tensor[Int64]
):
    """Gives the code points of each string, and where each begins."""


@op(effect=Dynamic(), defaults={"Tsplits": Int64})
def UnicodeEncode[Tsplits: (Int32, Int64)](
    input_values: Tensor[Int32],
    input_splits: Tensor[Tsplits],
    *,
    errors: Literal["ignore", "replace", "strict"] = "replace",
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"],
    replacement_char: int = 65533,
) -> Tensor[String]:
    """Makes a string of each row of code points."""


@op
def UnicodeTranscode(
    input: Tensor[String],
    *,
    input_encoding: str,
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"],
    errors: _ERRORS = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
) -> Tensor[String]:
    """Turns strings from one encoding into another."""


@UnicodeDecode.shape
def _(input):
    return [None if input.num_elements() is None else input.num_elements() + 1], [None]


@UnicodeDecodeWithOffsets.shape
def _(input):
    rows = None if input.num_elements() is None else input.num_elements() + 1
    return [rows], [None], [None]


@UnicodeEncode.shape
def _(input_splits):
    rows = input_splits.with_rank(1).as_list()[0]
    return [None if rows is None else rows - 1]


UnicodeTranscode.shape_unchanged()


def _codec(name):
    """Finds an encoding.

    Raises:
      InvalidArgumentError: if there is none of that name.
    """
    try:
        return codecs.lookup(name)
    except LookupError:
        raise invalid(f"Could not create converter for input encoding: {name}") from None


def _is_control(point):
    return (point <= 31 and point not in (9, 10, 13)) or 127 <= point <= 159


class _Decoder:
    """Decodes strings to code points and where they begin."""

    def __init__(self, encoding, errors, replacement_char, replace_control_characters):
        self._codec = _codec(encoding)
        self._errors, self._replacement = errors, replacement_char
        self._controls = replace_control_characters

    def __call__(self, text):
        points, starts, at = [], [], 0
        while at < len(text):
            found, size = self._next(text, at)
            for offset, point in found:
                if self._controls and _is_control(point):
                    point = self._replacement
                points.append(point)
                starts.append(at + offset)
            at += size
        return points, starts

    def _next(self, text, at):
        """Decodes as much as is well formed; what is not becomes one replacement."""
        rest = text[at:]
        try:
            whole, used = self._codec.decode(rest, "strict")[0], len(rest)
            bad = 0
        except UnicodeDecodeError as error:
            whole, used = self._codec.decode(rest[: error.start], "strict")[0], error.start
            bad = max(error.end - error.start, 1)
        found, offset = [], 0
        for char in whole:
            found.append((offset, ord(char)))
            offset += len(char.encode(self._codec.name, "surrogatepass"))
        if bad:
            if self._errors == "strict":
                raise invalid("Invalid formatting on input string")
            if self._errors == "replace":
                found.append((used, self._replacement))
        return found, used + bad


def _decoded(input, decode, dtype):
    rows = [decode(text) for text in np.ravel(input)]
    splits = np.cumsum([0, *(len(points) for points, _ in rows)]).astype(dtype.np)
    points = np.array([p for points, _ in rows for p in points], np.int32)
    starts = np.array([s for _, starts in rows for s in starts], np.int64)
    return splits, points, starts


@UnicodeDecode.reference
def _(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):
    decode = _Decoder(input_encoding, errors, replacement_char, replace_control_characters)
    return _decoded(input, decode, Tsplits)[:2]


@UnicodeDecodeWithOffsets.reference
def _(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):
    decode = _Decoder(input_encoding, errors, replacement_char, replace_control_characters)
    return _decoded(input, decode, Tsplits)


def _encoded(points, encoding, errors, replacement_char):
    """Returns a string of code points.

    Raises:
      InvalidArgumentError: for one that there is not, if `errors` is strict.
    """
    kept = []
    for point in points:
        if 0 <= point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF:
            kept.append(point)
        elif errors == "strict":
            raise invalid("Code point is out of range for Unicode, or a noncharacter.")
        elif errors == "replace":
            kept.append(replacement_char)
    return "".join(map(chr, kept)).encode(encoding.lower().replace("utf-8", "utf8"))


@UnicodeEncode.reference
def _(input_values, input_splits, errors, output_encoding, replacement_char):
    if not len(input_splits) or input_splits[-1] != len(input_values) or input_splits[0] != 0:
        raise invalid("Values in input_splits must begin with 0 and end with the number of values")
    if (np.diff(input_splits) < 0).any():
        raise invalid("Values in input_splits must be equal or in ascending order.")
    result = np.empty(len(input_splits) - 1, object)
    for row in range(len(result)):
        points = input_values[input_splits[row] : input_splits[row + 1]].tolist()
        result[row] = _encoded(points, output_encoding, errors, replacement_char)
    return result


@UnicodeTranscode.reference
def _(input, input_encoding, output_encoding, errors, replacement_char, replace_control_characters):
    decode = _Decoder(input_encoding, errors, replacement_char, replace_control_characters)

    def transcode(text):
        return _encoded(decode(text)[0], output_encoding, "replace", replacement_char)

    return each(transcode, input)


for _opdef in (UnicodeDecode, UnicodeDecodeWithOffsets, UnicodeEncode, UnicodeTranscode):
    _opdef.no_gradient("strings have none")
for _opdef in (UnicodeDecode, UnicodeDecodeWithOffsets):
    _opdef.examples(["ab", "c"], input_encoding="UTF-8")
    _opdef.fails("converter", ["ab"], input_encoding="none-such")
UnicodeEncode.examples(
    np.array([97, 98, 99], np.int32), np.array([0, 2, 3], np.int64), output_encoding="UTF-8"
)
UnicodeEncode.fails(
    "ascending",
    *(np.array([97, 98], np.int32), np.array([0, 3, 2], np.int64)),
    output_encoding="UTF-8",
)
UnicodeTranscode.examples(["ab", "c"], input_encoding="UTF-8", output_encoding="UTF-16-BE")


@op(effect=Dynamic(), defaults={"Tnumsegments": Int32})
def UnsortedSegmentJoin[Tindices: (Int32, Int64), Tnumsegments: (Int32, Int64)](
    inputs: Tensor[String],
    segment_ids: Tensor[Tindices],
    num_segments: Tensor[Tnumsegments],
    *,
    separator: str = "",
) -> Tensor[String]:
    """Joins the strings of each segment."""


@UnsortedSegmentJoin.shape
def _(inputs, segment_ids, num_segments_value):
    rows = None if num_segments_value is None else int(num_segments_value)
    if inputs.ndims is None or segment_ids.ndims is None:
        return None
    return [rows, *inputs.as_list()[segment_ids.ndims :]]


@UnsortedSegmentJoin.reference
def _(inputs, segment_ids, num_segments, separator):
    count, mark = int(num_segments), separator.encode()
    if inputs.shape[: segment_ids.ndim] != segment_ids.shape:
        raise invalid(
            f"segment_ids of shape {list(segment_ids.shape)} do not fit inputs of shape "
            f"{list(inputs.shape)}"
        )
    if (segment_ids >= count).any():
        raise invalid(f"segment_ids must be less than num_segments, {count}")
    inner = inputs.shape[segment_ids.ndim :]
    rows = inputs.reshape(segment_ids.size, -1)
    result = np.empty((count, rows.shape[1]), object)
    for at in range(count):
        mine = rows[np.ravel(segment_ids) == at]
        result[at] = [mark.join(column) for column in mine.T] if len(mine) else [b""] * len(rows.T)
    return result.reshape(count, *inner)


UnsortedSegmentJoin.no_gradient("strings have none")
UnsortedSegmentJoin.examples(["a", "b", "c"], [0, 1, 0], 2, separator=":")
UnsortedSegmentJoin.fails("less than num_segments", ["a", "b"], [0, 2], 2)


@op(effect=Dynamic(), defaults={"Tsplits": Int64})
def StringNGrams[Tsplits: (Int32, Int64)](
    data: Tensor[String],
    data_splits: Tensor[Tsplits],
    *,
    separator: str,
    ngram_widths: ListOf(int, 0),
    left_pad: str,
    right_pad: str,
    pad_width: int,
    preserve_short_sequences: bool,
) -> Returns(ngrams=Tensor[String], ngrams_splits=Tensor[Tsplits]):
    """Joins each run of so many neighbouring strings of a row."""


@StringNGrams.shape
def _(data, data_splits):
    data.with_rank(1)
    return [None], data_splits.with_rank(1)


@StringNGrams.reference
def _(
    data, data_splits, separator, ngram_widths, left_pad, right_pad, pad_width,
    preserve_short_sequences,
):  # fmt: skip
    mark, left, right = separator.encode(), left_pad.encode(), right_pad.encode()
    rows = [data[a:b].tolist() for a, b in pairwise(data_splits)]
    found = []
    for row in rows:
        made = []
        for width in ngram_widths:
            pad = width - 1 if pad_width < 0 else min(pad_width, width - 1)
            padded = [left] * pad + row + [right] * pad
            made += [mark.join(padded[at : at + width]) for at in range(len(padded) - width + 1)]
        if preserve_short_sequences and not made and row:
            made = [mark.join(row)]
        found.append(made)
    ngrams = np.empty(sum(map(len, found)), object)
    ngrams[:] = [ngram for made in found for ngram in made]
    return ngrams, np.cumsum([0, *map(len, found)]).astype(data_splits.dtype)


StringNGrams.no_gradient("strings have none")
StringNGrams.examples(
    *(["a", "b", "c"], np.array([0, 2, 3], np.int64)),
    separator=" ", ngram_widths=[2], left_pad="L", right_pad="R", pad_width=1,
    preserve_short_sequences=False,
)  # fmt: skip


@export("strings.unicode_transcode")
def unicode_transcode(
    input,
    input_encoding,
    output_encoding,
    errors="replace",
    replacement_char=65533,
    replace_control_characters=False,
    name=None,
):
    """Turns strings from one encoding into another.

    Args:
      input: strings.
      input_encoding: what they are in; any that Python knows.
      output_encoding: `"UTF-8"`, `"UTF-16-BE"` or `"UTF-32-BE"`.
      errors: what becomes of what is not well formed: `"replace"`, `"ignore"` or `"strict"`.
      replacement_char: the code point that replaces it.
      replace_control_characters: whether control characters are replaced too.
      name: name of the node.

    Raises:
      InvalidArgumentError: when run, for what is not well formed, if `errors` is `"strict"`.
    """
    return UnicodeTranscode(
        input,
        input_encoding=input_encoding,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
        name=name,
    )


@export("strings.unsorted_segment_join")
def unsorted_segment_join(inputs, segment_ids, num_segments, separator="", name=None):
    """Joins the strings of each segment.

    Args:
      inputs: strings.
      segment_ids: the segment of each, of the shape of the first dimensions of `inputs`.
      num_segments: number of segments.
      separator: what is put between strings.
      name: name of the node.
    """
    return UnsortedSegmentJoin(inputs, segment_ids, num_segments, separator=separator, name=name)
