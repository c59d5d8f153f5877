"""Ops on the greatest elements: TopKV2, InTopK; places in sorted rows."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.base.lazy import jax, jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.opdef import OpDef
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    AtLeast,
    Bool,
    Float,
    Int32,
    Int64,
    Real,
    Returns,
    Tensor,
    Type,
    f,
    op,
)
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape, shape_internal
from millstream.ops.by_name import ops

__all__ = ["in_top_k", "searchsorted", "top_k"]


@op(static="k")
def TopKV2[T: Real](input: Tensor[T], k: Tensor[Int32], *, sorted: bool = True) -> Returns(
    values=Tensor[T], indices=Tensor[Int32]
):
    """Gives the `k` greatest elements of each row and their places; of equal ones the first."""


@op
def TopK[T: Real](input: Tensor[T], *, k: AtLeast(0), sorted: bool = True) -> Returns(
    values=Tensor[T], indices=Tensor[Int32]
):
    """Gives the `k` greatest elements of each row and their places; of equal ones the first."""


@op(defaults={"T": Int32})
def InTopKV2[T: (Int32, Int64)](
    predictions: Tensor[Float], targets: Tensor[T], k: Tensor[T]
) -> Returns(precision=Tensor[Bool]):
    """Tells for each row whether its target is among the `k` greatest elements."""


@op(defaults={"T": Int32})
def InTopK[T: (Int32, Int64)](predictions: Tensor[Float], targets: Tensor[T], *, k: int) -> Returns(
    precision=Tensor[Bool]
):
    """Tells for each row whether its target is among the `k` greatest elements."""


@op
def LowerBound[T](
    sorted_inputs: Tensor[T], values: Tensor[T], *, out_type: Type[Int32, Int64] = Int32
) -> Tensor["out_type"]:
    """Gives the first place in each sorted row at which a value could be inserted."""


@op
def UpperBound[T](
    sorted_inputs: Tensor[T], values: Tensor[T], *, out_type: Type[Int32, Int64] = Int32
) -> Tensor["out_type"]:
    """Gives the last place in each sorted row at which a value could be inserted."""


# -- top k


def _top_shape(input, k):
    if input.ndims is None:
        return unknown_shape(), unknown_shape()
    input.with_rank_at_least(1)
    last = input.tuple[-1]
    if k is not None and k < 0:
        raise ValueError(f"Need k >= 0, got {k}")
    if k is not None and last is not None and last < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {last}")
    result = TensorShape([*input.tuple[:-1], k])
    return result, result


@TopKV2.shape
def _(input, k_value):
    return _top_shape(input, None if k_value is None else int(k_value))


@TopK.shape
def _(input, k):
    return _top_shape(input, k)


def _check_k(input, k):
    last = np.shape(input)[-1]
    if not 0 <= k <= last:
        raise errors.InvalidArgumentError(
            None, None, f"input must have at least k columns: {last} columns, k = {k}"
        )


def _top_kernel(input, k):
    _check_k(input, k)
    values, indices = jax.lax.top_k(input, k)
    return values, indices.astype(jnp.int32)


def _top_reference(input, k):
    _check_k(input, k)
    # A stable sort of the reversed rows, read backwards, keeps the first of equal elements first.
    last = np.shape(input)[-1]
    order = last - 1 - np.argsort(input[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(input, order, axis=-1), order.astype(np.int32)


@TopKV2.kernel
def _(input, k):
    return _top_kernel(input, int(k))


@TopK.kernel
def _(input, k):
    return _top_kernel(input, k)


@TopKV2.reference
def _(input, k):
    return _top_reference(input, int(k))


@TopK.reference
def _(input, k):
    return _top_reference(input, k)


def _top_gradient(node, dy):
    """Puts the cotangents at the places that the values came from."""
    x, indices = node.inputs[0], node.outputs[1]
    sizes = shape_internal(x)
    width = sizes[-1]
    rows = ops.ExpandDims(ops.Range(0, ops.Size(x), ops.Maximum(width, 1)), -1)
    flat = ops.Reshape(indices, ops.Pack([ops.Size(rows), shape_internal(indices)[-1]]))
    places = ops.Reshape(ops.AddV2(flat, rows), [-1, 1])
    count = ops.Reshape(ops.Size(x), [1])
    return ops.Reshape(ops.ScatterNd(places, ops.Reshape(dy, [-1]), count), sizes)


@TopKV2.gradient
def _(node, dy, _dindices):
    return [_top_gradient(node, dy), None]


@TopK.gradient
def _(node, dy, _dindices):
    return _top_gradient(node, dy)


TopKV2.examples(f[2, 5], 3)
TopKV2.examples(np.array([[1, 3, 3], [2, 2, 0]], np.int32), 2, T=Int32)
TopKV2.examples(f[4], 0, sorted=False)
TopKV2.fails("last dimension >= k", f[2, 3], 4)
TopK.examples(f[2, 5], k=3)


def _in_top_shape(predictions, targets):
    predictions.with_rank(2)
    targets.with_rank(1)
    if predictions.ndims and targets.ndims:
        a, c = predictions.tuple[0], targets.tuple[0]
        if a is not None and c is not None and a != c:
            raise ValueError(f"Dimensions must be equal, but are {a} and {c}")
    return targets


def _in_top(np_, predictions, targets, k):
    """Counts the elements that beat the target; what is not finite is never among the first."""
    classes = np.shape(predictions)[1]
    inside = (targets >= 0) & (targets < classes)
    places = np_.where(inside, targets, 0)
    own = np_.take_along_axis(predictions, places[:, None], axis=1)
    beaten = (predictions > own).sum(axis=1) < k
    finite = np_.isfinite(own[:, 0]) & ~(~np_.isfinite(predictions)).any(axis=1)
    return inside & beaten & finite


for _opdef in (InTopK, InTopKV2):

    @_opdef.shape
    def _(predictions, targets):
        return _in_top_shape(predictions, targets)

    @_opdef.kernel
    def _(predictions, targets, k):
        return _in_top(jnp, predictions, targets, k)

    @_opdef.reference
    def _(predictions, targets, k):
        return _in_top(np, predictions, targets, k)

    _opdef.no_gradient("booleans have none")
InTopK.examples(f[3, 5], np.array([0, 4, 7], np.int32), k=2)
InTopKV2.examples(f[3, 5], np.array([0, 4, -1], np.int32), np.int32(2))
InTopKV2.fails("must be equal", f[2, 3], np.array([0, 1, 2], np.int32), np.int32(2))


# -- sorted rows


def _complete_bound(opdef: OpDef, side: str) -> None:
    def shape_rule(sorted_inputs, values):
        sorted_inputs.with_rank(2)
        return values.with_rank(2)

    def kernel(sorted_inputs, values, out_type):
        find = jax.vmap(lambda row, wanted: jnp.searchsorted(row, wanted, side=side))
        return find(sorted_inputs, values).astype(out_type.np)

    def reference(sorted_inputs, values, out_type):
        rows = [
            np.searchsorted(row, wanted, side=side)
            for row, wanted in zip(sorted_inputs, values, strict=True)
        ]
        return np.array(rows, out_type.np).reshape(np.shape(values))

    opdef.shape(shape_rule)
    opdef.kernel(kernel)
    opdef.reference(reference)
    opdef.no_gradient("places are integers")
    opdef.examples(np.array([[1.0, 2.0, 2.0, 5.0]], np.float32), np.array([[2.0, 6.0]], np.float32))
    opdef.fails("rank", f[3], f[3])


_complete_bound(LowerBound, "left")
_complete_bound(UpperBound, "right")


# -- public


@export("nn.top_k", "math.top_k")
def top_k(input, k=1, sorted=True, name=None):
    """Returns the `k` greatest elements along the last dimension, and their places.

    Args:
      input: `[…, n]` real numbers.
      k: how many, a scalar of at most `n`.
      sorted: whether they must come in descending order.
      name: name of the node.

    Returns:
      A tuple `(values, indices)`, both `[…, k]`; of equal elements the first come first.

    Raises:
      ValueError: if `k` is greater than the static `n`.
    """
    return TopKV2(input, k, sorted=sorted, name=name)


@export("nn.in_top_k", "math.in_top_k")
def in_top_k(predictions, targets, k, name=None):
    """Returns whether each target is among the `k` greatest predictions of its row.

    Args:
      predictions: `[batch, classes]` float32.
      targets: `[batch]` class numbers.
      k: how many count.
      name: name of the node.

    Returns:
      `[batch]` booleans; false where the target is out of range, or predictions are not finite.
    """
    with name_scope(name, "in_top_k"):
        return InTopKV2(predictions, targets, k, name=name)


@export("searchsorted")
def searchsorted(sorted_sequence, values, side="left", out_type=Int32, name=None):
    """Returns where values could be inserted into sorted rows.

    Args:
      sorted_sequence: `[…, n]`, ascending.
      values: `[…, m]`.
      side: `"left"` for the first such place, `"right"` for the last.
      out_type: type of the places.
      name: name of the node.

    Raises:
      ValueError: for another `side`.
    """
    row = shape(sorted_sequence)[-1]
    count = shape(values)[-1]
    rows = reshape(sorted_sequence, [-1, row])
    wanted = reshape(values, [-1, count])
    if side not in ("left", "right"):
        raise ValueError(f"side must be either 'right' or 'left'.  Saw: {side}.")
    find = UpperBound if side == "right" else LowerBound
    found = find(rows, wanted, out_type=as_dtype(out_type), name=name)
    return reshape(found, shape(values))
