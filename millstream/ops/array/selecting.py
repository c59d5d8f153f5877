"""Ops that find places: Where, `tf.where`."""

import numpy as np

from millstream.base.dtypes import bool_
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Dynamic, Int64, Number, Returns, Tensor, b, f, op
from millstream.ops.by_name import ops

__all__ = ["where", "where_v2"]


@op(effect=Dynamic(), defaults={"T": Bool})
def Where[T: (Number, Bool)](input: Tensor[T]) -> Returns(index=Tensor[Int64]):
    """Gives the places of the elements that are not zero, in row-major order, `[n, rank]`."""


@Where.shape
def _(input):
    return [None, input.ndims]


@Where.reference
def _(input):
    return np.argwhere(input).astype(np.int64, copy=False)


Where.no_gradient("places are integers")
Where.examples(b[2, 3])
Where.examples(f[4])


@export("where")
def where(condition, x=None, y=None, name=None):
    """Returns elements of `x` where `condition` is true and of `y` elsewhere, or true places.

    Args:
      condition: booleans: of the shape of `x`, a vector for its first dimension, or a scalar.
      x: a tensor, or `None` like `y` to get the places of true (or non-zero) elements.
      y: a tensor of the type and shape of `x`.
      name: name of the node.

    Returns:
      A tensor like `x`, or the places, `[n, rank]` int64.

    Raises:
      ValueError: if only one of `x` and `y` is given.
    """
    return _choose(ops.Select, condition, x, y, name)


@export("where_v2")
def where_v2(condition, x=None, y=None, name=None):
    """Returns elements of `x` where `condition` is true and of `y` elsewhere, or true places.

    The three are broadcast against each other.

    Args:
      condition: booleans.
      x: a tensor, or `None` like `y` to get the places of true (or non-zero) elements.
      y: a tensor of the type of `x`.
      name: name of the node.

    Raises:
      ValueError: if only one of `x` and `y` is given.
    """
    return _choose(ops.SelectV2, condition, x, y, name)


def _choose(select, condition, x, y, name):
    if x is None and y is None:
        with name_scope(name, "Where", [condition]) as scope:
            condition = convert_to_tensor(condition, preferred_dtype=bool_, name="condition")
            return Where(condition, name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select(condition, x, y, name=name)
