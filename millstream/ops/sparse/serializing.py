"""Sparse tensors as strings: (De)SerializeSparse, (De)SerializeManySparse.

A sparse tensor is three messages: its indices, its values and its dense shape, each a tensor.
"""

import numpy as np
from google.protobuf.message import DecodeError

from millstream.base.dtypes import as_dtype
from millstream.base.errors import OpError
from millstream.base.export import export
from millstream.formats.protos import TensorProto
from millstream.formats.tensors import decode, encode
from millstream.ir.composite import SparseTensor
from millstream.ir.spec import Dynamic, Int64, Returns, String, Tensor, Type, Variant, f, op
from millstream.ops.sparse.parts import as_sparse, check_arrays, check_shapes, invalid, parts_of

_PARTS = Returns(
    sparse_indices=Tensor[Int64], sparse_values=Tensor["dtype"], sparse_shape=Tensor[Int64]
)
_FORM = Type[String, Variant]


@op(effect=Dynamic())
def SerializeSparse[T](
    sparse_indices: Tensor[Int64],
    sparse_values: Tensor[T],
    sparse_shape: Tensor[Int64],
    *,
    out_type: _FORM = String,
) -> Returns(serialized_sparse=Tensor["out_type"]):
    """Writes a sparse tensor as three strings."""


@op(effect=Dynamic())
def SerializeManySparse[T](
    sparse_indices: Tensor[Int64],
    sparse_values: Tensor[T],
    sparse_shape: Tensor[Int64],
    *,
    out_type: _FORM = String,
) -> Returns(serialized_sparse=Tensor["out_type"]):
    """Writes each row of a sparse tensor as three strings, `[batch, 3]`."""


@op(effect=Dynamic(), defaults={"Tserialized": String})
def DeserializeSparse[Tserialized: (String, Variant)](
    serialized_sparse: Tensor[Tserialized], *, dtype: Type
) -> _PARTS:
    """Reads sparse tensors, `[…, 3]`, and joins them along new leading dimensions."""


@op(effect=Dynamic())
def DeserializeManySparse(serialized_sparse: Tensor[String], *, dtype: Type) -> _PARTS:
    """Reads sparse tensors, `[batch, 3]`, as the rows of one."""


@SerializeSparse.shape
def _(sparse_indices, sparse_values, sparse_shape):
    check_shapes(sparse_indices, sparse_values, sparse_shape)
    return [3]


@SerializeManySparse.shape
def _(sparse_indices, sparse_values, sparse_shape):
    check_shapes(sparse_indices, sparse_values, sparse_shape)
    return [None, 3]


@DeserializeSparse.shape
def _():
    return [None, None], [None], [None]


@DeserializeManySparse.shape
def _(serialized_sparse):
    serialized_sparse.with_rank(2)
    return [None, None], [None], [None]


def _written(array, out_type):
    """Returns an array as a message's bytes, or as it is where it stays in the process."""
    if out_type is Variant:
        return array
    proto = encode(array)
    if proto.string_val:
        # TF writes strings as their lengths, then their bytes.
        texts = list(proto.string_val)
        proto.ClearField("string_val")
        proto.tensor_content = b"".join(_varint(len(t)) for t in texts) + b"".join(texts)
    elif not proto.tensor_content:
        proto = TensorProto(dtype=proto.dtype, tensor_shape=proto.tensor_shape)
        proto.tensor_content = array.tobytes()
    return proto.SerializeToString()


def _varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _strings(proto):
    """Takes the content of a message of strings apart.

    Raises:
      ValueError: if it is cut short.
    """
    content, at = proto.tensor_content, 0
    shape = [dim.size for dim in proto.tensor_shape.dim]
    lengths = []
    for _ in range(min(int(np.prod(shape)), len(content))):
        number = shift = 0
        while content[at : at + 1] >= b"\x80":
            number |= (content[at] & 127) << shift
            at, shift = at + 1, shift + 7
        number |= (content[at] if at < len(content) else 0) << shift
        at += 1
        lengths.append(number)
    if at + sum(lengths) != len(content) or len(lengths) != np.prod(shape):
        raise ValueError("strings are cut short")
    texts = np.empty(len(lengths), object)
    for i, length in enumerate(lengths):
        texts[i] = content[at : at + length]
        at += length
    return texts.reshape(shape)


def _row(parts, out_type):
    row = np.empty(3, object)
    for at, part in enumerate(parts):
        row[at] = _written(part, out_type)
    return row


@SerializeSparse.reference
def _(sparse_indices, sparse_values, sparse_shape, out_type):
    check_arrays(sparse_indices, sparse_values, sparse_shape)
    return _row((sparse_indices, sparse_values, sparse_shape), out_type)


@SerializeManySparse.reference
def _(sparse_indices, sparse_values, sparse_shape, out_type):
    check_arrays(sparse_indices, sparse_values, sparse_shape)
    if len(sparse_shape) < 2:
        raise invalid(
            f"Rank of input SparseTensor should be > 1, but saw rank: {len(sparse_shape)}"
        )
    rows = np.empty((int(sparse_shape[0]), 3), object)
    for at in range(len(rows)):
        mine = sparse_indices[:, 0] == at
        parts = (sparse_indices[mine, 1:], sparse_values[mine], sparse_shape[1:])
        rows[at] = _row(parts, out_type)
    return rows


def _holds_strings(proto):
    return proto.dtype == String.enum and proto.tensor_content


def _read(data, dtype):
    """Reads one part of a sparse tensor.

    Raises:
      InvalidArgumentError: if it is no tensor of that type.
    """
    if isinstance(data, np.ndarray):
        array = data
    else:
        proto = TensorProto()
        try:
            proto.ParseFromString(data)
            array = _strings(proto) if _holds_strings(proto) else decode(proto)
        except (DecodeError, OpError, ValueError, TypeError):
            raise invalid("Could not parse serialized proto") from None
    if as_dtype(array.dtype) != dtype:
        raise invalid(
            f"Requested SparseTensor of type {dtype.name} but a serialized part is of type "
            f"{as_dtype(array.dtype).name}"
        )
    return array


def _joined(rows, lead, dtype):
    """Reads sparse tensors and joins them along the leading dimensions `lead`."""
    found = []
    for row in rows:
        parts = tuple(_read(row[at], kind) for at, kind in enumerate((Int64, dtype, Int64)))
        check_arrays(*parts)
        found.append(parts)
    ranks = {len(shape) for _, _, shape in found}
    if len(ranks) > 1:
        raise invalid(f"Inconsistent rank across SparseTensors: {sorted(ranks)}")
    if not found:
        raise invalid("There must be at least one serialized SparseTensor")
    indices = []
    for place, (part, _, _) in zip(np.ndindex(*lead), found, strict=True):
        before = np.broadcast_to(np.array(place, np.int64), (len(part), len(lead)))
        indices.append(np.concatenate([before, part], axis=1))
    shape = np.max([shape for _, _, shape in found], axis=0)
    return (
        np.concatenate(indices),
        np.concatenate([values for _, values, _ in found]),
        np.concatenate([np.array(lead, np.int64), shape]).astype(np.int64),
    )


@DeserializeSparse.reference
def _(serialized_sparse, dtype):
    if serialized_sparse.ndim < 1 or serialized_sparse.shape[-1] != 3:
        raise invalid(
            "Serialized sparse tensors should have 3 as the last dimension, got shape "
            f"{list(serialized_sparse.shape)}"
        )
    return _joined(serialized_sparse.reshape(-1, 3), serialized_sparse.shape[:-1], dtype)


@DeserializeManySparse.reference
def _(serialized_sparse, dtype):
    if serialized_sparse.ndim != 2 or serialized_sparse.shape[1] != 3:
        raise invalid(
            "Serialized sparse tensors should be a matrix with 3 columns, got shape "
            f"{list(serialized_sparse.shape)}"
        )
    return _joined(serialized_sparse, serialized_sparse.shape[:1], dtype)


_PLACES = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
_SHAPE = np.array([3, 4], np.int64)
for _opdef in (SerializeSparse, SerializeManySparse, DeserializeSparse, DeserializeManySparse):
    _opdef.no_gradient("strings have none")
for _opdef in (SerializeSparse, SerializeManySparse):
    _opdef.examples(_PLACES, f[3], _SHAPE)
    _opdef.fails("out of bounds", _PLACES, f[3], np.array([1, 1], np.int64))
_MESSAGES = [encode(part).SerializeToString() for part in (_PLACES, np.ones(3, np.int64), _SHAPE)]
DeserializeSparse.examples(np.array(_MESSAGES, object), dtype=Int64)
DeserializeManySparse.examples(np.array([_MESSAGES] * 2, object), dtype=Int64)
DeserializeManySparse.fails("Could not parse", [["a", "b", "c"]], dtype=Int64)


@export("serialize_sparse", "io.serialize_sparse")
def serialize_sparse(sp_input, name=None, out_type=String):
    """Writes a sparse tensor as three strings (or variants): indices, values, dense shape.

    Args:
      sp_input: a `SparseTensor`.
      name: name of the node.
      out_type: `tf.string` or `tf.variant`.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
    """
    sp_input = as_sparse(sp_input)
    return SerializeSparse(*parts_of(sp_input), out_type=as_dtype(out_type), name=name)


@export("serialize_many_sparse", "io.serialize_many_sparse")
def serialize_many_sparse(sp_input, name=None, out_type=String):
    """Writes each row of a sparse tensor as three strings (or variants), `[batch, 3]`.

    Args:
      sp_input: a `SparseTensor` `[batch, …]` of rank 2 or more.
      name: name of the node.
      out_type: `tf.string` or `tf.variant`.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
    """
    sp_input = as_sparse(sp_input)
    return SerializeManySparse(*parts_of(sp_input), out_type=as_dtype(out_type), name=name)


def _with_rank(found, rank):
    indices, values, shape = found
    if rank is not None:
        indices.set_shape([None, rank])
        shape.set_shape([rank])
    return SparseTensor(indices, values, shape)


@export("deserialize_many_sparse", "io.deserialize_many_sparse")
def deserialize_many_sparse(serialized_sparse, dtype, rank=None, name=None):
    """Reads sparse tensors that `serialize_sparse` wrote, as the rows of one.

    Args:
      serialized_sparse: strings `[batch, 3]`.
      dtype: type of the elements.
      rank: rank of each, if known.
      name: name of the node.

    Returns:
      A `SparseTensor` `[batch, …]`, as large as the largest.

    Raises:
      InvalidArgumentError: when run, for strings of something else.
    """
    found = DeserializeManySparse(serialized_sparse, dtype=as_dtype(dtype), name=name)
    return _with_rank(found, rank)
