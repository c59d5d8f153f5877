"""Shapes and slices to and from their messages."""

from typing import Any

from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape, set_proto_maker
from millstream.formats import protos


def shape_to_proto(shape: Any) -> Any:
    """Makes a `TensorShapeProto` of anything that spells a shape; unknown sizes are -1."""
    sizes = as_shape(shape).tuple
    proto = protos.TensorShapeProto()
    if sizes is None:
        proto.unknown_rank = True
    else:
        for size in sizes:
            proto.dim.add(size=-1 if size is None else size)
    return proto


def shape_from_proto(proto: Any) -> TensorShape:
    """Makes a `TensorShape` of a `TensorShapeProto`.

    Raises:
        ValueError: if a size is negative (other than -1, which is unknown).
    """
    return TensorShape(proto)


set_proto_maker(shape_to_proto)
# `tf.TensorShape` is published here, so that whoever has one can call its `as_proto`.
export("TensorShape")(TensorShape)
