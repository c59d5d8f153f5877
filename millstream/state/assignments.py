"""`tf.assign`, `tf.scatter_add` and the like, on ref and resource variables alike."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.state import assign as assign_ops
from millstream.ops.state import scatter, scatter_nd


def _is_ref(value: Any) -> bool:
    return value.dtype.is_ref


@export("assign")
def assign(
    ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: Any = None
) -> Any:
    """Gives a variable a new value.

    Args:
      ref: a variable.
      value: the new value, of its dtype.
      validate_shape: whether `value` must have the variable's shape; yes by default.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is after the assignment.
    """
    if _is_ref(ref):
        return assign_ops.Assign(
            ref, value, validate_shape=validate_shape, use_locking=use_locking, name=name
        )
    return ref.assign(value, name=name)


@export("assign_add")
def assign_add(ref: Any, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """Adds `value` to a variable; returns it as it is afterwards."""
    if _is_ref(ref):
        return assign_ops.AssignAdd(ref, value, use_locking=use_locking, name=name)
    return ref.assign_add(value)


@export("assign_sub")
def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """Subtracts `value` from a variable; returns it as it is afterwards."""
    if _is_ref(ref):
        return assign_ops.AssignSub(ref, value, use_locking=use_locking, name=name)
    return ref.assign_sub(value)


@export("count_up_to")
def count_up_to(ref: Any, limit: int, name: Any = None) -> Any:
    """Returns a variable's value and then adds one to it.

    Raises:
      OutOfRangeError: at run time, once the value has reached `limit`.
    """
    if _is_ref(ref):
        return assign_ops.CountUpTo(ref, limit=limit, name=name)
    return assign_ops.ResourceCountUpTo(ref.handle, limit=limit, T=ref.dtype, name=name)


def _scatter(
    plain: Any, resource: Any, ref: Any, indices: Any, updates: Any, locking: Any, name: Any
) -> Any:
    if _is_ref(ref):
        return plain(ref, indices, updates, use_locking=locking, name=name)
    values = convert_to_tensor(updates, ref.dtype)
    return ref._after(resource(ref.handle, indices, values, name=name))


@export("scatter_update")
def scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: Any = None
) -> Any:
    """Replaces rows of a variable; of a repeated index the last row stays.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterUpdate, scatter.ResourceScatterUpdate
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_add")
def scatter_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Adds to rows of a variable; repeated indices add up.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterAdd, scatter.ResourceScatterAdd
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_sub")
def scatter_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Subtracts from rows of a variable; repeated indices add up.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterSub, scatter.ResourceScatterSub
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_mul")
def scatter_mul(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Multiplies rows of a variable.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterMul, scatter.ResourceScatterMul
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_div")
def scatter_div(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Divides rows of a variable.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterDiv, scatter.ResourceScatterDiv
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_min")
def scatter_min(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Lowers rows of a variable to `updates` where these are smaller.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterMin, scatter.ResourceScatterMin
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_max")
def scatter_max(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Raises rows of a variable to `updates` where these are larger.

    Args:
      ref: a variable, `[rows, …]`.
      indices: integers of any shape, each in [0, rows).
      updates: `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if an index is out of range.
    """
    ops_of = scatter.ScatterMax, scatter.ResourceScatterMax
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_nd_update")
def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: Any = None
) -> Any:
    """Replaces slices of a variable at index tuples.

    Args:
      ref: a variable.
      indices: `[…, depth]` integers: tuples of the first `depth` indices of `ref`.
      updates: `indices.shape[:-1] + ref.shape[depth:]`.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if a tuple is out of range.
    """
    ops_of = scatter_nd.ScatterNdUpdate, scatter_nd.ResourceScatterNdUpdate
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_nd_add")
def scatter_nd_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Adds to slices of a variable at index tuples.

    Args:
      ref: a variable.
      indices: `[…, depth]` integers: tuples of the first `depth` indices of `ref`.
      updates: `indices.shape[:-1] + ref.shape[depth:]`.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if a tuple is out of range.
    """
    ops_of = scatter_nd.ScatterNdAdd, scatter_nd.ResourceScatterNdAdd
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("scatter_nd_sub")
def scatter_nd_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: Any = None
) -> Any:
    """Subtracts from slices of a variable at index tuples.

    Args:
      ref: a variable.
      indices: `[…, depth]` integers: tuples of the first `depth` indices of `ref`.
      updates: `indices.shape[:-1] + ref.shape[depth:]`.
      use_locking: not used: writes never overlap.
      name: name of the node.

    Returns:
      The variable as it is afterwards.

    Raises:
      InvalidArgumentError: at run time, if a tuple is out of range.
    """
    ops_of = scatter_nd.ScatterNdSub, scatter_nd.ResourceScatterNdSub
    return _scatter(*ops_of, ref, indices, updates, use_locking, name)


@export("batch_scatter_update")
def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: Any = None
) -> Any:
    """Replaces slices of a variable, batch by batch.

    Args:
      ref: a variable, `[batch…, rows, …]`.
      indices: `[batch…, n]` integers, each in [0, rows).
      updates: `[batch…, n, …]`.
      use_locking: not used: writes never overlap.
      name: name of the nodes' scope.

    Returns:
      The variable as it is afterwards.
    """
    with name_scope(name):
        indices = convert_to_tensor(indices, name="indices")
        shape_of_indices = shape(indices)
        axes = indices.shape.ndims
        columns = []
        for axis in range(axes - 1):
            size = shape_of_indices[axis]
            steps = ops.Range(0, size, 1)
            place = [1] * axis + [-1] + [1] * (axes - axis - 1)
            grid = reshape(ops.Cast(steps, DstT=indices.dtype), place)
            columns.append(grid + ops.ZerosLike(indices))
        columns.append(indices)
        tuples = concat([expand_dims(c, -1) for c in columns], axis=-1)
        return scatter_nd_update(ref, tuples, updates, use_locking=use_locking)
