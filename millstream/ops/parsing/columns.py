"""Columns of examples put together as dense and sparse tensors."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import Float, Int64, String
from millstream.formats import examples

KINDS = {Float: examples.FLOAT, Int64: examples.INT64, String: examples.BYTES}
WORDS = {Float: "float", Int64: "int64", String: "string"}
VALUE_WORDS = {Float: "float", Int64: "int64", String: "bytes"}
KIND_WORDS = {
    examples.FLOAT: "float",
    examples.INT64: "int64",
    examples.BYTES: "string",
    examples.NO_VALUES: "invalid",
}


def invalid(message):
    """Makes the error for data that does not fit."""
    return errors.InvalidArgumentError(None, None, message)


def split(record):
    """Cuts one serialised example into features.

    Raises:
      InvalidArgumentError: if it is malformed.
    """
    try:
        return examples.split(record)
    except examples.MalformedError:
        raise malformed(record) from None


def malformed(record):
    """Makes the error for bytes that are no example."""
    shown = record[:200].decode("utf-8", "backslashreplace")
    return invalid(f"Could not parse example input, value: '{shown}'")


def objects(values):
    """Makes an array of strings."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def spell(shape):
    """Spells a shape as TF's errors do: `[?,2]`."""
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


class Blame:
    """Names examples in errors."""

    def __init__(self, names):
        self._names = names

    def name(self, index):
        """Returns the name of an example."""
        return self._names[index].decode(errors="replace") if self._names else "<unknown>"

    def required(self, index, key, dtype):
        """Makes the error for a feature that is missing."""
        return invalid(
            f"Name: {self.name(index)}, Feature: {key.decode(errors='replace')} (data type: "
            f"{WORDS[dtype]}) is required but could not be found."
        )

    def at(self, index, key):
        """Returns how a message about one feature of one example begins."""
        return f"Name: {self.name(index)}, Key: {key.decode(errors='replace')}, Index: {index}.  "

    def kind(self, index, key, dtype, kind, sparse):
        """Makes the error for values of another kind."""
        wanted, found = WORDS[dtype], KIND_WORDS[kind]
        if sparse:
            text = f"Data types don't match. Expected type: {wanted}, Actual type: {found}"
        else:
            text = f"Data types don't match. Data type: {found} but expected type: {wanted}"
        return invalid(self.at(index, key) + text)

    def count(self, index, key, dtype, found, shape):
        """Makes the error for too many or too few values."""
        word = VALUE_WORDS[dtype]
        return invalid(
            f"{self.at(index, key)}Number of {word} values != expected.  Values size: {found} but "
            f"output shape: {spell(shape)}"
        )

    def stride(self, index, key, dtype, found, shape):
        """Makes the error for values that make up no whole number of rows."""
        return invalid(
            f"{self.at(index, key)}Number of {VALUE_WORDS[dtype]} values is not a multiple of "
            f"stride length. Saw {found} values but output shape is: {spell(shape)}"
        )


def decode(values, key, dtype, blame, sparse):
    """Decodes a column: all values, and how many each example has."""
    found, counts = _decoded(examples.DECODERS[KINDS[dtype]], (values,), key, dtype, blame, sparse)
    return (objects(found) if dtype == String else found), counts


def decode_one(value, key, dtype, blame, sparse):
    """Decodes one feature of one example."""
    found = _decoded(examples.one, (value, KINDS[dtype]), key, dtype, blame, sparse)
    return objects(found) if dtype == String else found


def _decoded(decoder, operands, key, dtype, blame, sparse):
    try:
        return decoder(*operands)
    except examples.WrongKindError as error:
        raise blame.kind(error.index, key, dtype, error.kind, sparse) from None
    except examples.MalformedError:
        name = key.decode(errors="replace")
        raise invalid(f"Could not parse the values of feature {name}") from None


def dense(features, key, dtype, shape, default, blame):
    """Puts a column of tensors of one shape together: `[batch, *shape]`."""
    values = [found.get(key, b"") for found in features]
    missing = [i for i, value in enumerate(values) if not examples.has_values(value)]
    if missing and not default.size and int(np.prod(shape)):
        raise blame.required(missing[0], key, dtype)
    data, counts = decode(values, key, dtype, blame, sparse=False)
    size = int(np.prod(shape, dtype=np.int64))
    wrong = counts != size
    wrong[missing] = False
    if wrong.any():
        index = int(np.argmax(wrong))
        raise blame.count(index, key, dtype, int(counts[index]), shape)
    if not missing:
        return data.reshape(len(values), *shape)
    result = np.empty((len(values), size), dtype.np)
    there = np.ones(len(values), bool)
    there[missing] = False
    result[there] = data.reshape(-1, size)
    result[missing] = default.ravel()
    return result.reshape(len(values), *shape)


def padded(features, key, dtype, shape, default, blame):
    """Puts a column of sequences together, padded: `[batch, longest, *shape[1:]]`."""
    values = [found.get(key, b"") for found in features]
    data, counts = decode(values, key, dtype, blame, sparse=False)
    stride = int(np.prod(shape[1:], dtype=np.int64))
    if (counts % stride).any():
        index = int(np.argmax(counts % stride != 0))
        raise blame.stride(index, key, dtype, int(counts[index]), shape)
    longest = int(counts.max(initial=0))
    filler = default.ravel()[0] if default.size else (b"" if dtype == String else 0)
    result = np.full((len(values), longest), filler, dtype.np)
    result[np.arange(longest) < counts[:, None]] = data
    return result.reshape(len(values), longest // stride, *shape[1:])


def sparse(features, key, dtype, blame):
    """Puts a column of lists together: indices `[n, 2]`, values `[n]`, shape `[2]`."""
    values = [found.get(key, b"") for found in features]
    data, counts = decode(values, key, dtype, blame, sparse=True)
    total = int(counts.sum())
    indices = np.empty((total, 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(values)), counts)
    indices[:, 1] = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return indices, data, np.array([len(values), counts.max(initial=0)], np.int64)
