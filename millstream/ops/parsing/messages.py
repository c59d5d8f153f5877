"""Ops for serialised messages: SerializeTensor, ParseTensor, DecodeJSONExample."""

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.formats import protos, tensors
from millstream.ir.spec import Host, Returns, String, Tensor, Type, op
from millstream.ops.parsing.columns import invalid, objects

__all__ = ["decode_json_example", "parse_tensor", "serialize_tensor"]


@op(effect=Host())
def SerializeTensor[T](tensor: Tensor[T]) -> Returns(serialized=Tensor[String]):
    """Gives a tensor as a serialised `TensorProto`."""


@op(effect=Host())
def ParseTensor(serialized: Tensor[String], *, out_type: Type) -> Tensor["out_type"]:
    """Gives the tensor of a serialised `TensorProto`."""


@op(effect=Host())
def DecodeJSONExample(json_examples: Tensor[String]) -> Returns(binary_examples=Tensor[String]):
    """Turns examples in JSON into serialised ones."""


SerializeTensor.shape_scalar()
ParseTensor.shape_unknown()
DecodeJSONExample.shape_unchanged()


@SerializeTensor.run
def _(tensor, T):
    proto = protos.TensorProto(dtype=T.enum)
    for size in np.shape(tensor):
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_shape.SetInParent()
    if T.name == "string":
        proto.string_val.extend(np.ravel(tensor).tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(tensor).tobytes()
    return objects([proto.SerializeToString()]).reshape(())


@ParseTensor.run
def _(serialized, out_type):
    if np.shape(serialized):
        shape = ",".join(map(str, np.shape(serialized)))
        raise invalid(f"Expected `serialized` to be a scalar, got shape: [{shape}]")
    data = serialized.item() if isinstance(serialized, np.ndarray) else serialized
    try:
        proto = protos.TensorProto.FromString(data)
        array = tensors.decode(proto)
    except (DecodeError, ValueError, TypeError):
        shown = data[:200].decode("utf-8", "backslashreplace")
        raise invalid(f"Could not parse `serialized` as TensorProto: '{shown}'") from None
    found = as_dtype(proto.dtype)
    if found != out_type:
        raise invalid(
            f"Type mismatch between parsed tensor ({_word(found)}) and dtype ({_word(out_type)})"
        )
    return array


def _word(dtype):
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


@DecodeJSONExample.run
def _(json_examples):
    found = [_from_json(text) for text in np.ravel(json_examples).tolist()]
    return objects(found).reshape(np.shape(json_examples))


def _from_json(text):
    try:
        example = json_format.Parse(text, protos.Example())
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise invalid(f"Error while parsing JSON: {error}") from None
    return example.SerializeToString(deterministic=True)


for _opdef in (SerializeTensor, ParseTensor, DecodeJSONExample):
    _opdef.no_gradient("strings have none")


@export("serialize_tensor", "io.serialize_tensor")
def serialize_tensor(tensor, name=None):
    """Returns a tensor as a scalar string, a serialised `TensorProto`."""
    return SerializeTensor(tensor, name=name)


@export("parse_tensor", "io.parse_tensor")
def parse_tensor(serialized, out_type, name=None):
    """Returns the tensor that a serialised `TensorProto` holds.

    Args:
      serialized: scalar string tensor.
      out_type: type of the tensor.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if it is none, or of another type.
    """
    return ParseTensor(serialized, out_type=as_dtype(out_type), name=name)


@export("decode_json_example", "io.decode_json_example")
def decode_json_example(json_examples, name=None):
    """Turns examples in JSON into serialised `tf.train.Example`s.

    Args:
      json_examples: string tensor `[...]`, each in the JSON mapping of protocol messages.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if a string is no such JSON.
    """
    return DecodeJSONExample(json_examples, name=name)
