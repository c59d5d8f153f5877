"""`SparseToDense`: a dense tensor of its elements that are not the default."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir.composite import SparseTensor
from millstream.ir.spec import Int32, Int64, Returns, String, Tensor, f, op
from millstream.ops.array.gathering import gather_nd
from millstream.ops.array.reshaping import reshape
from millstream.ops.math import reduce_sum


@op(static="output_shape")
def SparseToDense[Tindices: (Int32, Int64), T](
    sparse_indices: Tensor[Tindices],
    output_shape: Tensor[Tindices],
    sparse_values: Tensor[T],
    default_value: Tensor[T],
    *,
    validate_indices: bool = True,
) -> Returns(dense=Tensor[T]):
    """Gives `default_value` everywhere but at `sparse_indices`, where `sparse_values` stand."""


@SparseToDense.shape
def _(sparse_indices, output_shape_as_shape, default_value):
    default_value.with_rank(0)
    sparse_indices.with_rank_at_most(2)
    return output_shape_as_shape


def _places(indices, rank):
    """Returns `[n, rank]` of indices given as a scalar, a vector or a matrix."""
    if indices.ndim == 2:
        return indices
    return indices.reshape(-1, 1) if rank == 1 or indices.ndim == 0 else indices.reshape(-1, rank)


def _out_of_bounds(places, shape):
    bad = ((places < 0) | (places >= np.asarray(shape))).any(-1)
    row = int(np.argmax(bad))
    index = ",".join(map(str, np.asarray(places)[row].tolist()))
    sizes = ",".join(map(str, shape))
    return f"indices[{row}] = [{index}] is out of bounds: need 0 <= index < [{sizes}]"


def _disorder(places):
    """Returns what is wrong with the order of places, or `None`."""
    steps = np.diff(places, axis=0)
    if not steps.size:
        return "indices[1] = [] is repeated" if len(steps) else None
    first = (steps != 0).argmax(axis=1)
    lead = steps[np.arange(len(steps)), first]
    if (lead > 0).all():
        return None
    row = int(np.argmax(lead <= 0))
    what = "repeated" if lead[row] == 0 else "out of order"
    return f"indices[{row + 1}] = {places[row + 1].tolist()} is {what}"


@SparseToDense.kernel
def _(sparse_indices, output_shape, sparse_values, default_value, validate_indices, check):
    shape = tuple(int(d) for d in output_shape)
    places = _places(sparse_indices, len(shape))
    inside = jnp.all((places >= 0) & (places < jnp.asarray(shape, places.dtype)))
    check(inside, lambda found: _out_of_bounds(found, shape), places)
    if validate_indices and len(shape) and places.shape[0] > 1:
        flat = jnp.ravel_multi_index(tuple(places.T), shape, mode="clip")
        check(jnp.all(flat[1:] > flat[:-1]), lambda found: _disorder(found) or "", places)
    values = jnp.broadcast_to(sparse_values, places.shape[:1])
    dense = jnp.full(shape, default_value, sparse_values.dtype)
    return dense.at[tuple(places.T)].set(values, mode="drop")


@SparseToDense.reference
def _(sparse_indices, output_shape, sparse_values, default_value, validate_indices):
    shape = tuple(int(d) for d in output_shape)
    places = _places(np.asarray(sparse_indices), len(shape))
    if ((places < 0) | (places >= np.asarray(shape))).any():
        raise errors.InvalidArgumentError(None, None, _out_of_bounds(places, shape))
    problem = _disorder(places) if validate_indices else None
    if problem:
        raise errors.InvalidArgumentError(None, None, problem)
    values = np.asarray(sparse_values)
    dense = np.full(shape, default_value, values.dtype)
    dense[tuple(places.T)] = values
    return dense


@SparseToDense.gradient
def _(node, dy):
    places = node.inputs[0]
    if places.shape.ndims != 2:
        places = reshape(places, [-1, 1])
    values = gather_nd(dy, places)
    return [None, None, values, reduce_sum(dy) - reduce_sum(values)]


_SPOTS = np.array([[0, 1], [1, 2]], np.int32)
_SIZES = np.array([2, 3], np.int32)
SparseToDense.examples(_SPOTS, _SIZES, f[2], f[()])
SparseToDense.examples(np.array([1, 3], np.int32), np.array([5], np.int32), f[2], f[()])
SparseToDense.fails("out of bounds", _SPOTS, np.array([2, 2], np.int32), f[2], f[()])
SparseToDense.fails("out of order", _SPOTS[::-1], _SIZES, f[2], f[()])


@export("sparse_to_dense")
def sparse_to_dense(
    sparse_indices,
    output_shape,
    sparse_values,
    default_value=0,
    validate_indices=True,
    name=None,
):
    """Makes a dense tensor of a few elements and a default.

    Args:
      sparse_indices: `[n, rank]` integers, `[n]` for a vector, or a scalar for one element.
      output_shape: `[rank]`, of the dtype of the indices.
      sparse_values: `[n]`, or a scalar for all.
      default_value: a scalar for everywhere else.
      validate_indices: whether indices must be in order and come once.
      name: name of the node.

    Returns:
      A tensor of shape `output_shape` and the dtype of the values.

    Raises:
      InvalidArgumentError: when run, if an index is out of bounds, out of order or repeated.

    Gradient: flows to the values and to the default.
    """
    return SparseToDense(
        sparse_indices,
        output_shape,
        sparse_values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )


@export("sparse.to_dense", "sparse_tensor_to_dense")
def sparse_tensor_to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """Makes a dense tensor of a `SparseTensor`.

    Args:
      sp_input: the `SparseTensor`.
      default_value: a scalar for the elements that it does not hold; 0 or `""` by default.
      validate_indices: whether indices must be in order and come once.
      name: name of the node.

    Returns:
      A tensor of the sparse tensor's full shape and dtype.

    Raises:
      TypeError: if `sp_input` is no `SparseTensor`.
    """
    sp_input = SparseTensor.from_value(sp_input)
    if default_value is None:
        default_value = "" if sp_input.dtype == String else np.zeros((), sp_input.dtype.np)
    dense = sparse_to_dense(
        sp_input.indices,
        sp_input.dense_shape,
        sp_input.values,
        default_value=default_value,
        validate_indices=validate_indices,
        name=name,
    )
    dense.set_shape(TensorShape(sp_input.shape))
    return dense
