"""The op that takes lines of comma-separated values apart: DecodeCSV."""

import itertools
import re

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import Double, Float, Host, Int32, Int64, String, Tensor, Tensors, op
from millstream.ops.parsing.columns import invalid

__all__ = ["CsvParser", "decode_csv"]

_WORDS = {Float: "float", Double: "double", Int32: "int32", Int64: "int64"}


@op(effect=Host())
def DecodeCSV[OUT_TYPE: (Float, Double, Int32, Int64, String)](
    records: Tensor[String],
    record_defaults: Tensors["OUT_TYPE"],
    *,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: list[int] = [],  # noqa: B006
) -> Tensors["OUT_TYPE"]:
    """Gives the columns of lines of comma-separated values."""


@DecodeCSV.shape
def _(records, record_defaults):
    for default in record_defaults:
        if default.with_rank_at_most(1).ndims == 1 and (default.as_list()[0] or 0) > 1:
            raise ValueError(
                "Shape of a default must be a length-0 or length-1 vector, or a scalar."
            )
    return (records,) * len(record_defaults)


class CsvParser:
    """Splits lines into fields and converts these.

    Args:
      delimiter: one byte.
      quotes: whether a double quote begins a field that may hold delimiters and line ends.
      missing: what stands for a missing field, besides nothing.
      columns: which fields to take, ascending; empty for all.
      types: types of the fields.
      defaults: values for missing fields; None where a field must be there.
    """

    def __init__(self, delimiter, quotes, missing, columns, types, defaults):
        self._delimiter, self._quotes, self._missing = delimiter, quotes, missing
        self._columns = columns
        self._types, self._defaults = types, defaults
        self._converters = [_CONVERTERS[dtype] for dtype in types]

    def parse(self, record, index):
        """Returns the values of one line; `index` is its number, for errors."""
        fields = self.split(record)
        if self._columns:
            fields = [fields[c] for c in self._columns if c < len(fields)]
        wanted = len(self._converters)
        if len(fields) != wanted:
            raise invalid(f"Expect {wanted} fields but have {len(fields)} in record {index}")
        values = []
        for place, (field, convert) in enumerate(zip(fields, self._converters, strict=True)):
            if not field or field == self._missing:
                if self._defaults[place] is None:
                    raise invalid(f"Field {place} is required but missing in record {index}!")
                values.append(self._defaults[place])
                continue
            try:
                values.append(convert(field))
            except ValueError:
                word = _WORDS[self._types[place]]
                shown = field.decode(errors="replace")
                raise invalid(
                    f"Field {place} in record {index} is not a valid {word}: {shown}"
                ) from None
        return values

    def split(self, record):
        """Returns the fields of one line."""
        if b'"' not in record and b"\n" not in record and b"\r" not in record:
            return record.split(self._delimiter) if record else []
        return self._split_carefully(record)

    def _split_carefully(self, record):
        fields, at, size = [], 0, len(record)
        while at < size:
            if record[at] in b"\r\n":
                at += 1
                continue
            if self._quotes and record[at] == 0x22:
                field, at = self._quoted(record, at + 1)
            else:
                field, at = self._unquoted(record, at)
            fields.append(field)
            at += 1
        if record.endswith(self._delimiter):
            fields.append(b"")
        return fields

    def _unquoted(self, record, at):
        end = record.find(self._delimiter, at)
        end = len(record) if end < 0 else end
        field = record[at:end]
        if (self._quotes and b'"' in field) or b"\n" in field or b"\r" in field:
            raise invalid("Unquoted fields cannot have quotes/CRLFs inside")
        return field, end

    def _quoted(self, record, at):
        """Reads a field to its closing quote; two quotes stand for one."""
        parts = []
        while True:
            end = record.find(b'"', at)
            if end < 0:
                raise invalid("Quoted field has to end with quote followed by delim or end")
            parts.append(record[at:end])
            after = record[end + 1 : end + 2]
            if after == b'"':
                parts.append(b'"')
                at = end + 2
                continue
            if after not in (b"", self._delimiter):
                raise invalid("Quote inside a string has to be escaped by another quote")
            return b"".join(parts), end + 1


_INTEGER = re.compile(rb"\s*[+-]?\d+\s*").fullmatch


def _integer(bits):
    limit = 1 << (bits - 1)

    def convert(field):
        if not _INTEGER(field):
            raise ValueError(field)
        value = int(field)
        if not -limit <= value < limit:
            raise ValueError(field)
        return value

    return convert


def _real(field):
    if b"_" in field:
        raise ValueError(field)
    return float(field)


_CONVERTERS = {Int32: _integer(32), Int64: _integer(64), Float: _real, Double: _real, String: bytes}


def make_parser(node_attrs, types, defaults):
    """Makes the parser for attrs as DecodeCSV has them.

    Raises:
      InvalidArgumentError: if the delimiter is more than one character.
    """
    delimiter = _encoded(node_attrs["field_delim"])
    if len(delimiter) != 1:
        raise invalid("field_delim should be only 1 char")
    return CsvParser(
        delimiter,
        node_attrs["use_quote_delim"],
        _encoded(node_attrs["na_value"]),
        node_attrs["select_cols"],
        types,
        [np.ravel(default)[0] if np.size(default) else None for default in defaults],
    )


def _encoded(text):
    return text.encode() if isinstance(text, str) else text


@DecodeCSV.run
def _(records, record_defaults, OUT_TYPE, node):
    parser = make_parser(node.attrs, OUT_TYPE, record_defaults)
    rows = [parser.parse(record, i) for i, record in enumerate(np.ravel(records).tolist())]
    shape = np.shape(records)
    columns = zip(*rows, strict=True) if rows else [[] for _ in OUT_TYPE]
    return [_column(values, t, shape) for values, t in zip(columns, OUT_TYPE, strict=True)]


def _column(values, dtype, shape):
    array = np.empty(len(values), dtype.np)
    with np.errstate(over="ignore"):
        array[:] = values
    return array.reshape(shape)


DecodeCSV.no_gradient("its input is a string")


@export("decode_csv", "io.decode_csv")
def decode_csv(
    records,
    record_defaults,
    field_delim=",",
    use_quote_delim=True,
    name=None,
    na_value="",
    select_cols=None,
):
    """Takes lines of comma-separated values apart, one tensor per column.

    Args:
      records: string tensor `[...]`, a line per element, without line ends.
      record_defaults: one value per column, a scalar or list of one, that stands for missing fields
        and gives the column's type; `[]` for one that must be there.
      field_delim: what separates fields, one character.
      use_quote_delim: whether double quotes enclose fields.
      name: name of the node.
      na_value: what stands for a missing field, besides nothing.
      select_cols: numbers of the columns to take, ascending; all by default.

    Returns:
      A list of tensors `[...]`.

    Raises:
      ValueError: if the columns are not ascending, or a default has more than one value.
      InvalidArgumentError: when it runs, if a line has other fields.
    """
    if select_cols is not None and any(
        later <= earlier for earlier, later in itertools.pairwise(select_cols)
    ):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and select_cols and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    return DecodeCSV(
        records,
        record_defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=list(select_cols or ()),
        name=name,
    )
