"""Functions of strings that give ragged tensors: `tf.strings.unicode_decode`, `split`, …"""

from millstream.base.dtypes import Int64, String
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.ragged.tensor import RaggedTensor, as_ragged_or_tensor
from millstream.ops.string.parts import string_split as sparse_split
from millstream.ops.string.parts import string_split_v2 as sparse_split_v2
from millstream.ops.string.unicode import (
    StringNGrams,
    UnicodeDecode,
    UnicodeDecodeWithOffsets,
    UnicodeEncode,
)


def _by_rank(value, decode):
    """Applies a function of a vector, which gives ragged tensors, to strings of any rank."""
    value = as_ragged_or_tensor(value)
    if isinstance(value, RaggedTensor):
        found = decode(value.flat_values)
        return tuple(value.with_flat_values(each) for each in found)
    rank = value.shape.ndims
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    if rank == 0:
        found = decode(ops.Reshape(value, [1]))
        return tuple(each.values for each in found)
    if rank == 1:
        return tuple(decode(value))
    outer = RaggedTensor.from_tensor(value, ragged_rank=rank - 1)
    return _by_rank(outer, decode)


def _decoder(input_encoding, errors, replacement_char, replace_control_characters, offsets):
    attrs = dict(
        input_encoding=input_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
    )

    def decode(vector):
        if not offsets:
            splits, points = UnicodeDecode(vector, **attrs)
            return [RaggedTensor(points, splits, internal=True)]
        splits, points, starts = UnicodeDecodeWithOffsets(vector, **attrs)
        return [RaggedTensor(part, splits, internal=True) for part in (points, starts)]

    return decode


@export("strings.unicode_decode")
def unicode_decode(
    input,
    input_encoding,
    errors="replace",
    replacement_char=65533,
    replace_control_characters=False,
    name=None,
):
    """Returns the code points of strings.

    Args:
      input: strings of any shape.
      input_encoding: what they are in, such as `"UTF-8"`.
      errors: what becomes of what is not well formed: `"replace"`, `"ignore"` or `"strict"`.
      replacement_char: the code point that replaces it.
      replace_control_characters: whether control characters are replaced too.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` of int32; a vector for one string.
    """
    with name_scope(name, "UnicodeDecode", [input]):
        decode = _decoder(
            input_encoding, errors, replacement_char, replace_control_characters, False
        )
        return _by_rank(input, decode)[0]


@export("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(
    input,
    input_encoding,
    errors="replace",
    replacement_char=65533,
    replace_control_characters=False,
    name=None,
):
    """Returns the code points of strings, and the byte where each begins.

    Args:
      input: strings of any shape.
      input_encoding: what they are in, such as `"UTF-8"`.
      errors: what becomes of what is not well formed: `"replace"`, `"ignore"` or `"strict"`.
      replacement_char: the code point that replaces it.
      replace_control_characters: whether control characters are replaced too.
      name: name of the nodes' scope.

    Returns:
      A tuple of `RaggedTensor`s, int32 and int64.
    """
    with name_scope(name, "UnicodeDecodeWithOffsets", [input]):
        decode = _decoder(
            input_encoding, errors, replacement_char, replace_control_characters, True
        )
        return _by_rank(input, decode)


@export("strings.unicode_split")
def unicode_split(input, input_encoding, errors="replace", replacement_char=65533, name=None):
    """Returns the characters of strings, as strings in UTF-8.

    Args:
      input: strings of any shape.
      input_encoding: what they are in, such as `"UTF-8"`.
      errors: what becomes of what is not well formed: `"replace"`, `"ignore"` or `"strict"`.
      replacement_char: the code point that replaces it.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` of strings; a vector for one string.
    """
    with name_scope(name, "UnicodeSplit", [input]):
        points = unicode_decode(input, input_encoding, errors, replacement_char)
        return _as_characters(points, input_encoding)


@export("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(
    input, input_encoding, errors="replace", replacement_char=65533, name=None
):
    """Returns the characters of strings, and the byte where each begins.

    Args:
      input: strings of any shape.
      input_encoding: what they are in, such as `"UTF-8"`.
      errors: what becomes of what is not well formed: `"replace"`, `"ignore"` or `"strict"`.
      replacement_char: the code point that replaces it.
      name: name of the nodes' scope.

    Returns:
      A tuple of `RaggedTensor`s, strings and int64.
    """
    with name_scope(name, "UnicodeSplitWithOffsets", [input]):
        points, starts = unicode_decode_with_offsets(
            input, input_encoding, errors, replacement_char
        )
        return _as_characters(points, input_encoding), starts


def _as_characters(points, encoding):
    flat = points.flat_values if isinstance(points, RaggedTensor) else points
    count = shape_of(flat, out_type=Int64)[0] + 1
    splits = ops.Range(constant(0, Int64), count, constant(1, Int64))
    known = encoding if encoding in ("UTF-8", "UTF-16-BE", "UTF-32-BE") else "UTF-8"
    characters = UnicodeEncode(flat, splits, output_encoding=known)
    if isinstance(points, RaggedTensor):
        return points.with_flat_values(characters)
    return characters


@export("strings.unicode_encode")
def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):
    """Makes strings of code points.

    Args:
      input: int32 `[…, code points]`, ragged or not.
      output_encoding: `"UTF-8"`, `"UTF-16-BE"` or `"UTF-32-BE"`.
      errors: what becomes of numbers that are no code points: `"replace"`, `"ignore"` or
        `"strict"`.
      replacement_char: the code point that replaces them.
      name: name of the nodes' scope.

    Returns:
      Strings, `[…]`.
    """
    attrs = dict(output_encoding=output_encoding, errors=errors, replacement_char=replacement_char)
    with name_scope(name, "UnicodeEncode", [input]):
        value = as_ragged_or_tensor(input)
        if isinstance(value, RaggedTensor):
            if isinstance(value.values, RaggedTensor):
                return value.with_values(unicode_encode(value.values, **attrs))
            if value.values.shape.ndims != 1:
                return value.with_values(unicode_encode(value.values, **attrs))
            return UnicodeEncode(value.values, value.row_splits, **attrs)
        rank = value.shape.ndims
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        if rank == 1:
            splits = ops.Pack([constant(0, Int64), shape_of(value, out_type=Int64)[0]])
            return ops.Reshape(UnicodeEncode(value, splits, **attrs), [])
        sizes = shape_of(value)
        flat = ops.Reshape(value, ops.ConcatV2([[-1], sizes[-1:]], 0))
        rows = UnicodeEncode(*_flattened(flat), **attrs)
        return ops.Reshape(rows, sizes[:-1])


def _flattened(matrix):
    rows = RaggedTensor.from_tensor(matrix)
    return rows.values, rows.row_splits


@export("strings.bytes_split")
def bytes_split(input, name=None):
    """Returns the bytes of strings, as strings of one byte.

    Args:
      input: strings of any shape.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` of strings; a vector for one string.
    """

    def decode(vector):
        found = ops.StringSplit(vector, "", skip_empty=False)
        return [_rows_of(found)]

    with name_scope(name, "StringsByteSplit", [input]):
        return _by_rank(input, decode)[0]


def _rows_of(found):
    indices, values, shape = found
    return RaggedTensor.from_value_rowids(values, indices[:, 0], shape[0])


def _ragged_split(split, input, name):
    with name_scope(name, "StringSplit", [input]):
        return _by_rank(
            convert_to_tensor(input, dtype=String)
            if not isinstance(input, RaggedTensor)
            else input,
            lambda vector: [_rows_of(split(vector).component_tensors)],
        )[0]


@export("string_split")
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
      result_type: `"SparseTensor"` or `"RaggedTensor"`.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` `[n, most parts]`, or a `RaggedTensor` `[n, (parts)]`.

    Raises:
      ValueError: for another `result_type`, or both `sep` and `delimiter`.
    """
    if result_type != "RaggedTensor":
        return sparse_split(source, sep, skip_empty, delimiter, result_type, name)

    def split(vector):
        return sparse_split(vector, sep, skip_empty, delimiter)

    return _ragged_split(split, source, name)


@export("strings.split")
def string_split_v2(
    input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None
):
    """Splits strings as Python's `str.split` does.

    Args:
      input: strings; a vector for a sparse result.
      sep: where to split; by default at white space.
      maxsplit: the greatest number of splits per string, -1 for any.
      result_type: `"SparseTensor"` or `"RaggedTensor"`.
      source: another name of `input`.
      name: name of the nodes' scope.

    Returns:
      A `SparseTensor` `[n, most parts]`, or a `RaggedTensor`.

    Raises:
      ValueError: for another `result_type`.
    """
    if result_type != "RaggedTensor":
        return sparse_split_v2(input, sep, maxsplit, result_type, source, name)
    return _ragged_split(
        lambda vector: sparse_split_v2(vector, sep, maxsplit),
        source if input is None else input,
        name,
    )


@export("strings.ngrams")
def ngrams(
    data,
    ngram_width,
    separator=" ",
    pad_values=None,
    padding_width=None,
    preserve_short_sequences=False,
    name=None,
):
    """Joins each run of neighbouring strings of a row.

    Args:
      data: strings `[…, n]`, ragged or not.
      ngram_width: how many are joined; several numbers give the n-grams of each.
      separator: what is put between strings.
      pad_values: a string, or a pair, that rows are padded with on the left and right.
      padding_width: how much; by default as much as makes each string begin and end an n-gram.
      preserve_short_sequences: whether rows too short for any n-gram give one of all they have.
      name: name of the nodes' scope.

    Returns:
      A `RaggedTensor` if `data` is one, else a tensor, padded with `""`.

    Raises:
      TypeError: if `pad_values` are no strings.
      ValueError: if a width is not positive.
    """
    with name_scope(name, "StringNGrams", [data]):
        widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
        if any(width < 1 for width in widths):
            raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
        left, right = _pads(pad_values)
        pad_width = 0 if pad_values is None else (-1 if padding_width is None else padding_width)
        value = as_ragged_or_tensor(data)
        is_dense = not isinstance(value, RaggedTensor)
        is_vector = is_dense and value.shape.ndims == 1
        if is_vector:
            value = ops.ExpandDims(value, 0)
        if not isinstance(value, RaggedTensor):
            value = RaggedTensor.from_tensor(value, ragged_rank=value.shape.ndims - 1)
        inner = value
        while isinstance(inner.values, RaggedTensor):
            inner = inner.values
        found, splits = StringNGrams(
            inner.values, inner.row_splits, separator=separator, ngram_widths=widths,
            left_pad=left, right_pad=right, pad_width=pad_width,
            preserve_short_sequences=preserve_short_sequences,
        )  # fmt: skip
        outer = value.nested_row_splits[:-1]
        result = RaggedTensor.from_nested_row_splits(found, [*outer, splits])
        if is_vector:
            return result.values
        return result.to_tensor(default_value="") if is_dense else result


def _pads(pad_values):
    if pad_values is None:
        return "", ""
    if isinstance(pad_values, str | bytes):
        return pad_values, pad_values
    if not isinstance(pad_values, list | tuple) or len(pad_values) != 2:
        raise TypeError("pad_values must be either a string, tuple of strings, or None.")
    return tuple(pad_values)
