"""Ops that put elements at places: ScatterNd, TensorScatterUpdate and its kin."""

import inspect

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Bool, Int32, Int64, Number, String, Tensor, f, op
from millstream.ops.array.gathering import GatherNd, check_vectors, guard_vectors
from millstream.ops.by_name import ops

__all__ = ["scatter_nd", "tensor_scatter_add", "tensor_scatter_sub", "tensor_scatter_update"]


@op(static="shape")
def ScatterNd[T, Tindices: (Int32, Int64)](
    indices: Tensor[Tindices], updates: Tensor[T], shape: Tensor[Tindices]
) -> Tensor[T]:
    """Adds slices into zeros of shape `shape`, at the places that index vectors name."""


@op
def TensorScatterUpdate[T, Tindices: (Int32, Int64)](
    tensor: Tensor[T], indices: Tensor[Tindices], updates: Tensor[T]
) -> Tensor[T]:
    """Replaces the slices of a tensor at the places that index vectors name."""


@op
def TensorScatterAdd[T, Tindices: (Int32, Int64)](
    tensor: Tensor[T], indices: Tensor[Tindices], updates: Tensor[T]
) -> Tensor[T]:
    """Adds to the slices of a tensor at the places that index vectors name."""


@op
def TensorScatterSub[T, Tindices: (Int32, Int64)](
    tensor: Tensor[T], indices: Tensor[Tindices], updates: Tensor[T]
) -> Tensor[T]:
    """Subtracts from the slices of a tensor at the places that index vectors name."""


@op
def ScatterNdNonAliasingAdd[T: (Number, Bool), Tindices: (Int32, Int64)](
    input: Tensor[T], indices: Tensor[Tindices], updates: Tensor[T]
) -> Tensor[T]:
    """Adds to the slices of a tensor at the places that index vectors name."""


def _check_shapes(indices, updates, target):
    """Checks that `updates` holds one slice of `target` per index vector.

    Raises:
      ValueError: if it does not.
    """
    if indices.ndims is None or updates.ndims is None or target.ndims is None:
        return
    outer = indices.with_rank_at_least(1)[:-1]
    if updates.ndims < outer.ndims or not outer.is_compatible_with(updates[: outer.ndims]):
        raise ValueError(
            f"The outer {outer.ndims} dimensions of indices.shape={indices} must match the outer "
            f"{outer.ndims} dimensions of updates.shape={updates}"
        )
    depth = indices.tuple[-1]
    if depth is None:
        return
    inner = target[depth:]
    if depth > target.ndims or not inner.is_compatible_with(updates[outer.ndims :]):
        raise ValueError(
            f"The inner {max(target.ndims - depth, 0)} dimensions of output.shape={target} must "
            f"match the inner {updates.ndims - outer.ndims} dimensions of updates.shape={updates}"
        )


@ScatterNd.shape
def _(indices, updates, shape_as_shape):
    _check_shapes(indices, updates, shape_as_shape)
    return shape_as_shape


def _apply(target, indices, updates, method):
    """Applies a method of `array.at[…]` at index vectors."""
    key = tuple(jnp.moveaxis(indices, -1, 0))
    if not key:
        updates = _on_whole(updates, target, method)
    if target.dtype == bool and method == "add":
        method = "max"
    return getattr(target.at[key or ...], method)(updates)


def _on_whole(updates, target, method):
    """Joins updates that all go to the whole of `target`, as empty index vectors say."""
    flat = updates.reshape(-1, *target.shape)
    if method == "set":
        return flat[-1] if len(flat) else target
    return flat.any(0) if flat.dtype == bool else flat.sum(0, dtype=flat.dtype)


@ScatterNd.kernel
def _(indices, updates, shape, check):
    sizes = [int(d) for d in shape]
    guard_vectors(check, indices, sizes, "shape")
    return _apply(jnp.zeros(sizes, updates.dtype), indices, updates, "add")


_CHANGES = {"add": np.add.at, "subtract": np.subtract.at}


def _changed(target, indices, updates, method):
    """Is the NumPy form of `_apply`; changes `target`."""
    check_vectors(indices, target.shape, "shape")
    key = tuple(np.moveaxis(indices, -1, 0)) or np.s_[...]
    if key is Ellipsis:
        updates = _on_whole(np.asarray(updates), target, method)
    if method == "set":
        target[key] = updates
    elif target.dtype == bool:
        np.logical_or.at(target, key, updates)
    else:
        _CHANGES[method](target, key, updates)
    return target


@ScatterNd.reference
def _(indices, updates, shape, T):
    sizes = [int(d) for d in shape]
    if T is String:
        return _changed(np.full(sizes, b"", object), indices, updates, "add")
    return _changed(np.zeros(sizes, T.np), indices, updates, "add")


@ScatterNd.gradient
def _(node, dy):
    return [None, GatherNd(dy, node.inputs[0]), None]


ScatterNd.examples(np.array([[1], [3]], np.int32), f[2, 3], np.array([4, 3], np.int32))
ScatterNd.examples(np.array([[1], [1]], np.int32), f[2], np.array([4], np.int32))
ScatterNd.examples(np.array([[0, 1], [2, 2]]), f[2], np.array([3, 3]))
ScatterNd.examples(np.zeros((2, 0), np.int32), f[2, 3], np.array([3], np.int32))
ScatterNd.fails("does not index into shape [4]", np.array([[4]]), f[1], np.array([4]))
ScatterNd.fails("outer 1 dim", np.array([[1], [3]]), f[3], np.array([4]))


def _complete(opdef: OpDef, first: str, kernel_method: str, method: str) -> None:
    """Gives an op that changes some slices its rules."""

    def shape(target, indices, updates):
        _check_shapes(indices, updates, target)
        return target

    def kernel(target, indices, updates, check):
        guard_vectors(check, indices, target.shape, "shape")
        return _apply(target, indices, updates, kernel_method)

    def reference(target, indices, updates):
        return _changed(np.array(target), indices, updates, method)

    opdef.shape(_renamed(shape, first))
    opdef.kernel(_renamed(kernel, first))
    opdef.reference(_renamed(reference, first))
    opdef.examples(f[4, 3], np.array([[1], [3]], np.int32), f[2, 3])
    opdef.examples(f[4], np.array([[1], [3]]), f[2])
    opdef.fails("does not index into shape [4]", f[4], np.array([[4]]), f[1])


def _renamed(fn, first):
    """Returns `fn` with its parameter `target` called as the op calls its first input."""
    signature = inspect.signature(fn)
    params = [
        p.replace(name=first) if p.name == "target" else p for p in signature.parameters.values()
    ]
    fn.__signature__ = signature.replace(parameters=params)
    return fn


_complete(TensorScatterUpdate, "tensor", "set", "set")
_complete(TensorScatterAdd, "tensor", "add", "add")
_complete(TensorScatterSub, "tensor", "subtract", "subtract")
_complete(ScatterNdNonAliasingAdd, "input", "add", "add")


@TensorScatterUpdate.gradient
def _(node, dy):
    indices, updates = node.inputs[1:]
    return [TensorScatterUpdate(dy, indices, ops.ZerosLike(updates)), None, GatherNd(dy, indices)]


@TensorScatterAdd.gradient
@ScatterNdNonAliasingAdd.gradient
def _(node, dy):
    return [dy, None, GatherNd(dy, node.inputs[1])]


@TensorScatterSub.gradient
def _(node, dy):
    return [dy, None, ops.Neg(GatherNd(dy, node.inputs[1]))]


@export("scatter_nd", "manip.scatter_nd")
def scatter_nd(indices, updates, shape, name=None):
    """Returns zeros into which slices are added.

    Args:
      indices: `[…, k]` integers: index vectors.
      updates: `indices.shape[:-1] + shape[k:]`: the slices.
      shape: shape of the result, an integer vector.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if an index is out of range.
    """
    return ScatterNd(indices, updates, shape, name=name)


@export("tensor_scatter_update", "tensor_scatter_nd_update")
def tensor_scatter_update(tensor, indices, updates, name=None):
    """Returns `tensor` with the slices at the index vectors `indices` replaced by `updates`."""
    return TensorScatterUpdate(tensor, indices, updates, name=name)


@export("tensor_scatter_add", "tensor_scatter_nd_add")
def tensor_scatter_add(tensor, indices, updates, name=None):
    """Returns `tensor` with `updates` added at index vectors; repeated ones add up."""
    return TensorScatterAdd(tensor, indices, updates, name=name)


@export("tensor_scatter_sub", "tensor_scatter_nd_sub")
def tensor_scatter_sub(tensor, indices, updates, name=None):
    """Returns `tensor` with `updates` subtracted at the index vectors `indices`."""
    return TensorScatterSub(tensor, indices, updates, name=name)
