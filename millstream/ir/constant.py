# pyright: basic, reportInvalidTypeForm=false, reportUndefinedVariable=false
"""`Const` and `tf.constant`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import DType, as_dtype
from millstream.base.shapes import TensorShape
from millstream.formats.values import to_array
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.spec import Tensor as TensorOf
from millstream.ir.spec import TensorValue, Type, op
from millstream.ir.tensor import Tensor

__all__ = ["Const", "constant", "make_constant"]


@op
def Const(*, value: TensorValue, dtype: Type) -> TensorOf["dtype"]:  # noqa: F821 - an attr
    """Gives an array that is part of the graph."""


@Const.shape
def _(value):
    return TensorShape(value.shape)


@Const.kernel
@Const.reference
def _(value):
    return value


Const.no_gradient("it has no inputs")
Const.examples(value=np.array([1.0, 2.0], np.float32), dtype=as_dtype("float32"))


def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """Returns a tensor that holds `value`.

    Args:
      value: a number, string, nested list or array.
      dtype: its element type; by default that of an array, `float32` for Python floats, `int32` for
        ints.
      shape: the shape to give it; a single or too short value is repeated from its last element.
      name: name of the node.
      verify_shape: whether `shape` must be the value's own.

    Returns:
      A `Tensor` of the given or inferred dtype and shape.

    Raises:
      TypeError: if the elements do not fit the dtype, or the shape is not the value's with
        `verify_shape`.
      ValueError: if the value is ragged, `None`, or has more elements than a `shape` that has any.
    """
    graph = get_default_graph()
    array, found = to_array(value, None if dtype is None else as_dtype(dtype).base_dtype)
    if shape is not None:
        array = _reshaped(array, tuple(int(size) for size in shape), verify_shape)
    return make_constant(graph, array, found, name, fresh=not isinstance(value, np.ndarray))


def _reshaped(array: Any, shape: tuple[Any, ...], verify_shape: bool) -> Any:
    if array.shape == shape:
        return array
    if verify_shape:
        raise TypeError(f"Expected Tensor's shape: {shape}, got {array.shape}.")
    wanted = int(np.prod(shape, dtype=np.int64))
    flat = array.ravel()
    if not wanted or not flat.size:
        return np.zeros(shape, array.dtype)
    if flat.size > wanted:
        raise ValueError(
            f"Too many elements provided. Needed at most {wanted}, but received {flat.size}"
        )
    if flat.size < wanted:
        if not flat.size:
            raise ValueError(f"Cannot fill shape {shape} from an empty value")
        flat = np.concatenate([flat, np.repeat(flat[-1:], wanted - flat.size)])
    return flat.reshape(shape)


def make_constant(
    graph: Graph, array: Any, dtype: DType, name: str | None, fresh: bool = False
) -> Tensor:
    """Adds a `Const` node.

    An array that is not `fresh` is copied, since its owner may write to it.
    """
    if not fresh:
        array = array.copy()
    if array.flags.owndata:
        array.flags.writeable = False
    attrs = {"value": array, "dtype": dtype}
    return graph.create_node(Const, (), attrs, (dtype,), name or "Const").values()[0]
