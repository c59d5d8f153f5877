"""Updates of slices of a variable at index tuples: `ScatterNdUpdate`, `…Add`, `…Sub`."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import Int32, Int64, Number, resource
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.opdef import ArgSpec, AttrSpec, OpDef, Writes
from millstream.ir.spec import f
from millstream.ops.state.checks import invalid, merged, position_text, shape_behind, spell
from millstream.ops.state.rules import named

_DOCS = {
    "Update": "Replaces the slices at the index tuples.",
    "Add": "Adds to the slices at the index tuples; repeated ones add up.",
    "Sub": "Subtracts from the slices at the index tuples; repeated ones add up.",
}


def _require_shapes(state: Any, indices: Any, updates: Any) -> None:
    """Checks that updates are `indices.shape[:-1] + state.shape[depth:]`."""
    depth = indices.shape[-1] if indices.ndim > 1 else 1
    outer = indices.shape[:-1] if indices.ndim > 1 else indices.shape
    if updates.shape[: len(outer)] != outer:
        raise invalid(
            "The outermost dimension of updates and indices must match. Got indices.shape "
            f"{spell(indices.shape)}, updates.shape {spell(updates.shape)}"
        )
    if depth > state.ndim or updates.shape != outer + state.shape[depth:]:
        raise invalid(
            "Must have updates.shape = indices.shape[:batch_dim] + params_shape[slice_dim:], got "
            f"updates.shape: {spell(updates.shape)}, indices.shape: {spell(indices.shape)}, "
            f"params_shape: {spell(state.shape)}, slice_dim: {depth}, and batch_dim: {len(outer)}"
        )


def _tuples(indices: Any) -> Any:
    """Returns the indices as `[…, depth]`; a vector of indices stands for tuples of one."""
    return indices if indices.ndim > 1 else indices[..., None]


def outside_text(indices: Any, shape: tuple[int, ...]) -> str:
    """Describes the first index tuple, of `[…, depth]`, that lies outside `shape`."""
    limits = np.array(shape[: indices.shape[-1]])
    bad = int(np.argmax(((indices < 0) | (indices >= limits)).any(-1).ravel()))
    where = position_text(bad, indices.shape[:-1])
    spelt = ", ".join(str(i) for i in indices.reshape(-1, indices.shape[-1])[bad])
    return f"indices{where} = [{spelt}] does not index into shape {spell(shape)}"


_KERNELS: dict[str, Any] = {
    "Update": lambda s, i, u: s.at[i].set(u, mode="drop"),
    "Add": lambda s, i, u: s.at[i].add(u, mode="drop"),
    "Sub": lambda s, i, u: s.at[i].add(-u, mode="drop"),
}


def _assign_at(state: Any, indices: Any, updates: Any) -> None:
    state[indices] = updates


_REFERENCES: dict[str, Any] = {
    "Update": _assign_at,
    "Add": np.add.at,
    "Sub": np.subtract.at,
}


def _kernel(compute: Any) -> Any:
    def kernel(check: Any, state: Any, indices: Any, updates: Any) -> Any:
        _require_shapes(state, indices, updates)
        tuples, shape = _tuples(indices), state.shape
        limits = jnp.array(shape[: tuples.shape[-1]], indices.dtype)
        good = jnp.all((tuples >= 0) & (tuples < limits), axis=-1)
        check(jnp.all(good), lambda i: outside_text(i, shape), tuples)
        columns = [jnp.where(good, tuples[..., k], limits[k]) for k in range(tuples.shape[-1])]
        return compute(state, tuple(columns), updates)

    return kernel


def _reference(compute: Any) -> Any:
    def reference(state: Any, indices: Any, updates: Any) -> Any:
        _require_shapes(state, indices, updates)
        tuples = _tuples(indices)
        limits = np.array(state.shape[: tuples.shape[-1]])
        if ((tuples < 0) | (tuples >= limits)).any():
            raise invalid(outside_text(tuples, state.shape))
        state = state.copy()
        compute(state, tuple(np.moveaxis(tuples, -1, 0)), updates)
        return state

    return reference


def _check_shapes(state: TensorShape, indices: TensorShape, updates: TensorShape) -> TensorShape:
    if state.ndims is None or indices.ndims is None or updates.ndims is None:
        return state
    sizes = indices.as_list()
    outer, depth = (sizes[:-1], sizes[-1]) if len(sizes) > 1 else (sizes, 1)
    if depth is not None and depth > state.ndims:
        raise ValueError(
            f"The last dimension of indices, {depth}, exceeds the variable's rank, {state.ndims}"
        )
    if depth is not None:
        merged(updates, TensorShape(outer).concatenate(state[depth:]))
    return state


def _check_resource_shapes(handle: Any, indices: TensorShape, updates: TensorShape) -> None:
    _check_shapes(shape_behind(handle), indices, updates)


def _define(kind: str, is_resource: bool) -> OpDef:
    types = None if kind == "Update" or is_resource else Number
    locking = kind == "Update" or is_resource
    ref = ArgSpec("ref", dtype=resource) if is_resource else ArgSpec("ref", None, "T", is_ref=True)
    opdef = OpDef(
        f"{'Resource' * is_resource}ScatterNd{kind}",
        [ref, ArgSpec("indices", type_attr="Tindices"), ArgSpec("updates", type_attr="T")],
        [] if is_resource else [ArgSpec("output_ref", type_attr="T", is_ref=True)],
        [
            AttrSpec("T", "type", types, inferred=True),
            AttrSpec("Tindices", "type", (Int32, Int64), inferred=True),
            AttrSpec("use_locking", "bool", default=locking),
        ],
        effect=Writes("ref", sparse=True),
        doc=_DOCS[kind],
    )
    registry.register(opdef)
    if is_resource:
        opdef.shape(named(_check_resource_shapes, ("ref_handle", "indices", "updates")))
    else:
        opdef.shape(named(_check_shapes, ("ref", "indices", "updates")))
    opdef.kernel(named(_kernel(_KERNELS[kind]), ("check", "ref", "indices", "updates")))
    opdef.reference(named(_reference(_REFERENCES[kind]), ("ref", "indices", "updates")))
    opdef.no_gradient("an assignment is not a function of its operands")
    opdef.examples(f[4, 3], np.array([[0], [2]], np.int32), f[2, 3])
    opdef.examples(f[4, 3], np.array([[0, 1], [2, 2], [0, 1]], np.int64), f[3])
    return opdef


ScatterNdUpdate, ScatterNdAdd, ScatterNdSub = (_define(kind, False) for kind in _KERNELS)
ResourceScatterNdUpdate, ResourceScatterNdAdd, ResourceScatterNdSub = (
    _define(kind, True) for kind in _KERNELS
)
